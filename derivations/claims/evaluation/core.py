"""The evaluator: terms to values in one run under one reading, each found once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch

from derivations.claims.ranges import UNKNOWN
from derivations.claims.reading import Reading
from derivations.claims.rules import Rules
from derivations.claims.run import Run
from derivations.claims.steps import Step
from derivations.claims.terms import (
    Term,
)
from derivations.claims.values import Mismatch, OutOfRange, Undefined, Value

#: What the letters of steps and entries stand for.
Environment = Mapping[str, int]


@singledispatch
def evaluated(term: Term, evaluator: Evaluator, environment: Environment) -> Value:
    """Return the value of a term: one rule a term, in the files of this folder."""
    raise Undefined(f"{type(term).__name__} has no value here.")


class Evaluator:
    """Evaluates terms in one run under one reading, and keeps what it found.

    Parameters
    ----------
    run : Run
    reading : Reading
    here : int or None
        The step whose equation is evaluated.
    """

    def __init__(self, run: Run, reading: Reading, here: int | None = None) -> None:
        self.run = run
        self.point = run.point
        self.source = run.point.network.source
        self.arithmetic = run.point.arithmetic
        self.reading = reading
        self.here = here
        self.rules = Rules(self.arithmetic, reading)
        self._known: dict[tuple[object, ...], Value | Exception] = {}

    def value(self, term: Term, environment: Environment) -> Value:
        """Return the value of a term.

        Raises
        ------
        Mismatch
            When shapes do not go together.
        Undefined
            When a piece has no meaning.
        OutOfRange
            When a step or an entry does not exist.
        """
        key = (
            term,
            *(environment.get(letter) for letter in sorted(self.source.free_letters(term))),
        )
        found = self._known.get(key)
        if found is None:
            try:
                found = evaluated(term, self, environment)
            except (Mismatch, Undefined, OutOfRange) as error:
                found = error
            self._known[key] = found
        if isinstance(found, Exception):
            raise found
        return found

    def step(self, step: Step, environment: Environment) -> int:
        for letter in step.names:
            if letter == UNKNOWN:
                raise Undefined("A limit of a sum over steps is no step.")
            if letter not in environment:
                raise Undefined(f"The letter {letter} is not said to run over anything.")
        return step.at(environment)

    def is_given(self, name: str) -> bool:
        return name in self.point.network.layout.shapes and name not in self.source.definitions
