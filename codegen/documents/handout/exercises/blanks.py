"""An exercise: equations of the derivation with a side left out."""

from __future__ import annotations

from codegen.documents.document import Block, Display, Exercise, Paragraph, Row
from codegen.documents.handout.derivation import row
from codegen.documents.handout.exercises.draw import Draw
from codegen.documents.handout.exercises.lines import is_short, letter, short_sides
from codegen.documents.handout.once import once
from codegen.documents.printed import width
from derivations.derivation import Derivation, Equation
from derivations.notation.latex import latex

#: What stands in the place of a side.
BLANK = "\\ldots"
#: How many equations are to be completed.
COUNT = 3
#: A chain is shown whole up to this width, in em.
_WHOLE = 60.0
#: What is worth completing; the derivative of a sum, say, is not.
_TOPICS = frozenset(
    {
        *("local", "readout", "step", "own", "block", "product", "immediate", "paths", "exchange"),
        *("adjoint", "last", "gradient", "input", "initial"),
    }
)
_ROOM = 4


def blanks(derivation: Derivation, seed: int) -> Exercise | None:
    """Return the exercise: equations from different sections; None where there are none.

    Examples
    --------
    >>> from derivations import cell, derive, prove
    >>> exercise = blanks(prove(derive(cell("rnn"))), 7)
    >>> (lines,) = [block for block in exercise.statement if isinstance(block, Display)]
    >>> [row.label for row in lines.rows], all(BLANK in row.sides for row in lines.rows)
    (['(a)', '(b)', '(c)'], True)
    """
    draw = Draw(seed, "blanks")
    sections = draw.some(_sections(derivation), COUNT)
    chosen = [draw.one(draw.one(topics)) for topics in sections]
    if not chosen:
        return None
    rows = tuple(
        _with_blank(equation, letter(place), draw) for place, equation in enumerate(chosen)
    )
    task = "Fill in each blank, and say in a few words why the equation holds."
    solution: list[Block] = []
    for place, equation in enumerate(chosen):
        solution.append(Paragraph(equation.reason, lead=letter(place)))
        solution.append(Display((row(equation),)))
    return Exercise((Paragraph(task), Display(rows)), tuple(solution), _ROOM * len(chosen))


@once
def _sections(derivation: Derivation) -> tuple[tuple[tuple[Equation, ...], ...], ...]:
    """Return the equations that can be completed, by section and topic."""
    found = []
    for section in derivation.sections:
        topics: dict[str, list[Equation]] = {}
        for equation in section.equations:
            if equation.kind == "claim" and equation.topic in _TOPICS and is_short(equation):
                topics.setdefault(equation.topic, []).append(equation)
        if topics:
            found.append(tuple(map(tuple, topics.values())))
    return tuple(found)


def _with_blank(equation: Equation, label: str, draw: Draw) -> Row:
    """Return an equation with a side left out; of a long chain its ends alone are shown."""
    sides = [latex(side) for side in equation.sides]
    if width(" = ".join(sides)) > _WHOLE:
        sides = list(short_sides(equation))
    sides[1 + draw.number(len(sides) - 1)] = BLANK
    return Row(tuple(sides), conditions=equation.conditions, label=label)


__all__ = ["BLANK", "blanks"]
