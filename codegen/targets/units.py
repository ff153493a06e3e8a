"""Unit vectors in a sum: a target adds their number in its place, and makes no array of them."""

from __future__ import annotations

from fractions import Fraction

from codegen.program import Add, Expression, Number, Unit, nodes
from derivations.errors import UnsupportedError


def units(value: Expression) -> list[tuple[int, Unit]]:
    """Return the unit vectors among the terms of a sum, with their signs.

    Raises
    ------
    UnsupportedError
        When one stands anywhere else.
    """
    terms = value.terms if isinstance(value, Add) else ((1, value),)
    found = [(sign, term) for sign, term in terms if isinstance(term, Unit)]
    if sum(isinstance(node, Unit) for node in nodes(value)) > len(found):
        raise UnsupportedError(
            "A unit vector is added to something in code, and nothing else is done with it.",
            hint="codegen/targets/units.py",
        )
    return found


def without_units(value: Expression) -> Expression:
    """Return a value without its unit vectors."""
    terms = value.terms if isinstance(value, Add) else ((1, value),)
    kept = tuple((sign, term) for sign, term in terms if not isinstance(term, Unit))
    if not kept:
        return Number(Fraction(0))
    return kept[0][1] if len(kept) == 1 and kept[0][0] == 1 else Add(kept)
