"""Exercises with their solutions: a sheet for each seed, made from one proven derivation."""

from __future__ import annotations

from codegen.documents.document import Exercise
from codegen.documents.handout.exercises.blanks import blanks
from codegen.documents.handout.exercises.draw import Draw
from codegen.documents.handout.exercises.mistake import find_the_mistakes
from codegen.documents.handout.exercises.numeric import numeric
from codegen.documents.handout.exercises.questions import memory, paths
from derivations.derivation import Derivation

#: How many of the exercises ask for a mistake.
_MISTAKES = 2


def exercises(derivation: Derivation, seed: int) -> tuple[Exercise, ...]:
    """Return the exercises of a sheet, each with its solution.

    What does not depend on the seed is worked out for the first sheet of a derivation alone.

    Parameters
    ----------
    derivation : Derivation
        Proven.
    seed : int
        The number of the sheet.

    Examples
    --------
    >>> from derivations import cell, derive, prove
    >>> len(exercises(prove(derive(cell("rnn"))), 7))
    5
    """
    question = Draw(seed, "question").one((paths, memory))
    found = (
        blanks(derivation, seed),
        *find_the_mistakes(derivation, seed, _MISTAKES),
        question(derivation, seed),
        numeric(derivation, seed),
    )
    return tuple(exercise for exercise in found if exercise is not None)


__all__ = ["exercises"]
