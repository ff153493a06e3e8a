"""Common mistakes: the wrong forms that circulate, each with the numbers that show it wrong."""

from __future__ import annotations

from collections.abc import Iterator

from codegen.documents.document import Block, Display, Paragraph
from codegen.documents.handout.wrong import (
    explanation,
    mistakes_in,
    refutation,
    wrong_row,
    wrong_width,
)
from derivations.derivation import Derivation
from derivations.mistakes import Kind, Mistake, Mistakes

#: So many are shown, of one kind each.
MOST = 6
#: A wrong equation should be seen at a glance: so many em at most.
_WIDEST = 45.0

_INTRODUCTION = (
    "The equations below are wrong, and all of them tempt: such forms are met in notes, in code "
    "and in answers to questions. Their shapes are right, so that nothing but a look at the values "
    "tells them from the right ones. Each was refuted by the comparison that proves the others; "
    "the numbers say where its two sides differ."
)


def mistakes(derivation: Derivation) -> tuple[Block, ...]:
    """Return the common mistakes for a model, each refuted.

    Parameters
    ----------
    derivation : Derivation
        Proven.

    Examples
    --------
    >>> from derivations import cell, derive, prove
    >>> blocks = mistakes(prove(derive(cell("rnn"))))
    >>> [block.lead for block in blocks if isinstance(block, Paragraph) and block.lead][1:3]
    ['A sum that stops too early.', 'One path for all.']
    """
    shown = [block for mistake in common(derivation) for block in _shown(derivation, mistake)]
    return (Paragraph(_INTRODUCTION), *shown)


def common(derivation: Derivation) -> tuple[Mistake, ...]:
    """Return the mistakes that are shown: the most instructive kinds that a line holds."""
    known = mistakes_in(derivation)
    found = (mistake for kind in known.kinds for mistake in _narrow(known, kind))
    return tuple(mistake for mistake, _ in zip(found, range(MOST), strict=False))


def _narrow(known: Mistakes, kind: Kind) -> Iterator[Mistake]:
    """Yield the first refuted form of a kind that is narrow enough, if there is one."""
    for candidate in known.of(kind):
        mistake = known.refuted(candidate) if wrong_width(candidate) <= _WIDEST else None
        if mistake is not None:
            yield mistake
            return


def _shown(derivation: Derivation, mistake: Mistake) -> tuple[Block, ...]:
    right = f"The right form is equation ({mistake.equation.number})."
    return (
        Paragraph(f"{explanation(mistake)} {right}", lead=f"{mistake.kind.name}."),
        Display((wrong_row(mistake),)),
        Paragraph(refutation(derivation, mistake)),
    )


__all__ = ["MOST", "common", "mistakes"]
