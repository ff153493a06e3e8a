"""The readings that are tried where a claim as written fails, in this order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from derivations.claims.reading import Reading
from derivations.claims.terms import Apply, Entry, Partial, Symbol, Term

_FIXED = (
    Reading("Hadamard product taken before the matrix product", hadamard_first=True),
    Reading("juxtaposed vectors multiplied elementwise", elementwise=True),
    Reading("vectors beside matrices read as diagonal matrices", diagonal="here"),
    Reading("vectors beside matrices read as diagonal matrices on the left", diagonal="left"),
    Reading("elementwise product of a column and a row read as their outer product", outer=True),
    Reading("denominator layout", denominator=True),
    Reading("denominator layout, product in the order of time", denominator=True, ascending=True),
    Reading(
        "denominator layout, with the vector scaling the columns", denominator=True, diagonal="here"
    ),
    Reading("row-vector convention", rows=True),
    Reading("row-vector convention, weights behind", rows=True, weights_behind=True),
    Reading("immediate partial, everything else held fixed", immediate="steps"),
    Reading("immediate partial by the parameter", immediate="parameters"),
    Reading("on the right the immediate partial, on the left the total one", immediate="again"),
    Reading(
        "immediate partial with the gates held fixed, vector read as a diagonal matrix",
        immediate="steps",
        diagonal="here",
    ),
    Reading("prime denotes the slope as a function of the output", slope_of_output=True),
    Reading("inside the sum the loss of that step alone", loss_alone=True),
    Reading("loss at the last step only", last_loss=True),
    Reading("state is the preactivation", preactivation_state=True),
    Reading("product starting at the second step", lower=2),
    Reading("product starting at the first step", lower=1),
    Reading("scalar case only", scalar=True),
)


def readings(sides: Sequence[Term]) -> Iterator[Reading]:
    """Yield the readings of a claim, simple ones first."""
    left = sides[0]
    has_entries = any(isinstance(term, Entry) for side in sides for term in side.walk())
    pieces = [term for side in sides for term in side.walk()]
    says_immediate = any(isinstance(term, Partial) and term.immediate for term in pieces)
    has_slopes = any(isinstance(term, Apply) and term.order == 1 for term in pieces)
    for reading in _FIXED:
        if reading.preactivation_state and isinstance(left, Symbol):
            yield Reading("gradient at the preactivation", preactivation_gradients=left.key)
        if reading.weights_behind and has_entries:
            continue
        if reading.immediate and says_immediate:
            continue  # the text tells the two derivatives apart itself
        if reading.preactivation_state and not has_slopes:
            continue
        yield reading
