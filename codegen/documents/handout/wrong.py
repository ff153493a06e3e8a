"""A wrong equation as it is displayed, and the numbers that show that it is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import numpy as np

from codegen.documents.document import Row
from codegen.documents.handout.numbers import Array, Example, example, number
from codegen.documents.handout.once import once
from codegen.documents.printed import width
from derivations.derivation import Derivation
from derivations.errors import Place
from derivations.mistakes import Candidate, Mistake, Mistakes
from derivations.notation.latex import latex
from derivations.notation.parse import parse_statement
from derivations.proof.arithmetic import Undecidable
from derivations.proof.judge import admissible

#: A difference is clear where it is as large as this, and this share of the largest entry; below
#: the last one, it does not show in 4 digits.
_CLEAR, _CLEAR_SHARE, _VISIBLE = 0.005, 0.05, 0.0005


#: The free steps, and the two sides.
Comparison: TypeAlias = tuple[Mapping[str, int], Array, Array]

#: The mistakes in a derivation, looked for once.
mistakes_in = once(Mistakes)
_worked_example = once(example)


def wrong_row(mistake: Mistake) -> Row:
    """Return the wrong equation, marked as one."""
    sides = tuple(latex(side) for side in mistake.sides)
    return Row(sides, conditions=mistake.conditions, mark="false")


def wrong_width(candidate: Candidate) -> float:
    """Return an estimate of how wide the wrong equation is, in em."""
    return width(candidate.latex)


def explanation(mistake: Mistake) -> str:
    """Return what is wrong, why it tempts, and where it stands in print."""
    kind = mistake.kind
    return " ".join(part for part in (mistake.wrong.what, kind.why, kind.reference) if part)


def refutation(derivation: Derivation, mistake: Mistake) -> str:
    """Return the sentence that shows the sides to differ, in numbers.

    They are those of the worked example, where it tells the sides apart, and those of the judge's
    network otherwise.

    Examples
    --------
    >>> from derivations import cell, derive
    >>> rnn = derive(cell("rnn"))
    >>> found = mistakes_in(rnn)
    >>> refutation(rnn, found.first(found.kinds[0])).partition(",")[0]
    'In the worked example'
    """
    if not derivation.model.unspecified_functions:
        small = _worked_example(derivation)
        try:
            shown = _clearest(_compared(mistake, small))
        except (Undecidable, ZeroDivisionError):
            shown = None  # a side has no value there
        if shown is not None:
            return _sentence("In the worked example", *shown)
    found = mistake.counterexample
    sizes = [f"${name} = {size}$" for name, size in found.sizes.items()]
    where = f"On a network with {', '.join(sizes[:-1])} and {sizes[-1]}"
    return _sentence(where, found.steps, found.left, found.right)


def _compared(mistake: Mistake, small: Example) -> Iterator[Comparison]:
    """Yield both sides at every choice of the free steps."""
    printed = mistake.latex
    statement = parse_statement(printed, Place(printed, 0, len(printed)))
    for steps in admissible(mistake.sides, statement.conditions, small.point):
        left, right = (small.value(side, steps) for side in mistake.sides)
        yield {str(step): value for step, value in steps.items()}, left, right


def _clearest(compared: Iterator[Comparison]) -> Comparison | None:
    """Return the first clear difference, or else the largest one that can be seen."""
    best, largest = None, _VISIBLE
    for found in compared:
        _, left, right = found
        difference = float(np.abs(left - right).max())
        size = max(float(np.abs(left).max()), float(np.abs(right).max()))
        if difference > max(_CLEAR, _CLEAR_SHARE * size):
            return found
        if difference > largest:
            best, largest = found, difference
    return best


def _sentence(where: str, steps: Mapping[str, int], left: Array, right: Array) -> str:
    place = np.unravel_index(int(np.abs(left - right).argmax()), left.shape)
    at = " and ".join(f"${name} = {value}$" for name, value in steps.items())
    values = f"${number(float(left[place]))}$ and the right one ${number(float(right[place]))}$"
    start = f"{where}, at {at}," if at else f"{where},"
    if left.size == 1:
        return f"{start} the left side is {values}."
    numbers = [str(index + 1) for index, size in zip(place, left.shape, strict=True) if size > 1]
    entry = f"({', '.join(numbers)})" if len(numbers) > 1 else numbers[0]
    return f"{start} in entry ${entry}$, the left side is {values}."


__all__ = ["explanation", "mistakes_in", "refutation", "wrong_row", "wrong_width"]
