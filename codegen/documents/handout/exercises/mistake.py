"""An exercise: lines of a derivation, one of which is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from codegen.documents.document import Display, Exercise, Paragraph, Row
from codegen.documents.handout.derivation import row
from codegen.documents.handout.exercises.draw import Draw
from codegen.documents.handout.exercises.lines import is_short, letter, short_sides
from codegen.documents.handout.mistakes import common
from codegen.documents.handout.once import once
from codegen.documents.handout.wrong import (
    explanation,
    mistakes_in,
    refutation,
    wrong_row,
    wrong_width,
)
from derivations.derivation import Derivation, Equation
from derivations.mistakes import Candidate, Mistake
from derivations.notation.latex import latex

#: How many lines there are, the wrong one among them.
LINES = 5
#: A wrong line is at most so wide, in em, with its range.
_WIDEST = 42.0
#: The topics of a story: from one step to the gradients.
_STORY = ("step", "own", "product", "immediate", "paths", "exchange", "adjoint", "gradient")
_ROOM = 5


def find_the_mistakes(derivation: Derivation, seed: int, count: int) -> tuple[Exercise, ...]:
    """Return exercises with one mistake each, of different kinds.

    Examples
    --------
    >>> from derivations import cell, derive, prove
    >>> (exercise,) = find_the_mistakes(prove(derive(cell("rnn"))), 7, 1)
    >>> [block.rows[0].mark for block in exercise.solution if isinstance(block, Display)][0]
    'false'
    """
    found: list[Exercise] = []
    for number, group in enumerate(Draw(seed, "kinds").shuffled(_narrow(derivation))):
        if len(found) == count:
            break
        draw = Draw(seed, f"mistake {number}")
        mistake = _first_refuted(derivation, draw.shuffled(group))
        if mistake is not None:
            found.append(_exercise(derivation, mistake, draw))
    return tuple(found)


@once
def _narrow(derivation: Derivation) -> tuple[tuple[Candidate, ...], ...]:
    """Return the candidates that a line holds and the handout does not tell, by kind."""
    known = mistakes_in(derivation)
    told = {mistake.latex for mistake in common(derivation)}
    groups = (
        tuple(
            candidate
            for candidate in known.of(kind)
            if wrong_width(candidate) <= _WIDEST and candidate.latex not in told
        )
        for kind in known.kinds
    )
    return tuple(group for group in groups if group)


def _first_refuted(derivation: Derivation, group: Sequence[Candidate]) -> Mistake | None:
    """Return a mistake that its range does not give away: that of the right form would do."""
    for candidate in group:
        mistake = mistakes_in(derivation).refuted(candidate)
        if mistake is not None and mistake.conditions == mistake.equation.conditions:
            return mistake
    return None


def _exercise(derivation: Derivation, mistake: Mistake, draw: Draw) -> Exercise:
    story = [mistake.equation, *_others(derivation, mistake.equation, draw)]
    story.sort(key=lambda equation: equation.number)
    rows = tuple(_line(equation, letter(p), mistake) for p, equation in enumerate(story))
    wrong = letter(story.index(mistake.equation))
    return Exercise(
        (Paragraph("One of these lines is wrong. Find it and correct it."), Display(rows)),
        (
            Paragraph(f"Line ${wrong}$ is wrong. {explanation(mistake)}"),
            Display((wrong_row(mistake),)),
            Paragraph(refutation(derivation, mistake)),
            Paragraph("The right form:"),
            Display((row(mistake.equation),)),
        ),
        _ROOM,
    )


def _line(equation: Equation, label: str, mistake: Mistake) -> Row:
    if equation is mistake.equation:
        sides = tuple(latex(side) for side in mistake.sides)
        return Row(sides, conditions=mistake.conditions, label=label)
    return Row(short_sides(equation), conditions=equation.conditions, label=label)


def _others(derivation: Derivation, wrong: Equation, draw: Draw) -> list[Equation]:
    """Return lines for the rest of the story: of each topic one, of the same subject if any is."""
    topics = [_of_topic(derivation, topic, wrong) for topic in _STORY if topic != wrong.topic]
    offered = [draw.one(members) for members in topics if members]
    return draw.some(offered, LINES - 1)


def _of_topic(derivation: Derivation, topic: str, wrong: Equation) -> list[Equation]:
    found = [e for e in _short_claims(derivation) if e.topic == topic and e != wrong]
    return [equation for equation in found if equation.subject == wrong.subject] or found


@once
def _short_claims(derivation: Derivation) -> tuple[Equation, ...]:
    return tuple(e for e in derivation.equations if e.kind == "claim" and is_short(e))


__all__ = ["LINES", "find_the_mistakes"]
