"""Wrong forms of proven equations: those that circulate, each refuted by the judge."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sympy import MatrixExpr

from derivations.derivation import Derivation, Equation
from derivations.errors import BpttError, Place
from derivations.mistakes.table import KINDS, Kind
from derivations.mistakes.trees import Subject, Wrong
from derivations.model import Model
from derivations.notation.build import agree, build_sides
from derivations.notation.latex import equation as equation_latex
from derivations.notation.parse import parse_statement
from derivations.proof.judge import Counterexample, Judge
from derivations.proof.network import Network
from derivations.proving import network_of


@dataclass(frozen=True)
class Candidate:
    """A wrong form that nobody has refuted yet.

    Attributes
    ----------
    kind : Kind
    equation : Equation
        The proven one.
    wrong : Wrong
        A side, and what is wrong in it.
    conditions : str
        LaTeX of the range of the free steps.
    """

    kind: Kind
    equation: Equation
    wrong: Wrong
    conditions: str

    @property
    def sides(self) -> tuple[MatrixExpr, MatrixExpr]:
        """The wrong equation."""
        return self.equation.left, self.wrong.side

    @property
    def latex(self) -> str:
        """The wrong equation as it is displayed."""
        text = equation_latex(self.sides)
        return f"{text}, \\quad {self.conditions}" if self.conditions else text


@dataclass(frozen=True)
class Mistake(Candidate):
    """A wrong form, and where its sides differ."""

    counterexample: Counterexample = field(kw_only=True)


class Mistakes:
    """The mistakes in a derivation; the judge looks at one when it is asked for.

    Parameters
    ----------
    derivation : Derivation
        Proven.

    Examples
    --------
    >>> from derivations import cell, derive
    >>> found = Mistakes(derive(cell("rnn")))
    >>> kind = next(kind for kind in found.kinds if kind.name == "A sum that stops too early")
    >>> mistake = found.first(kind)
    >>> mistake.equation.label, mistake.counterexample.steps
    ('paths:W_{rec}', {'t': 1})
    """

    def __init__(self, derivation: Derivation) -> None:
        self.derivation = derivation
        self._network = network_of(derivation)
        self._judge = Judge(self._network)
        self._known: dict[Candidate, Mistake | None] = {}
        self._candidates = {kind: tuple(candidates(derivation, kind)) for kind in KINDS}

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that this model leaves room for, the most instructive first."""
        return tuple(kind for kind, found in self._candidates.items() if found)

    def of(self, kind: Kind) -> tuple[Candidate, ...]:
        """Return the candidates of a kind, those first in which it is most usual."""
        return self._candidates[kind]

    def first(self, kind: Kind) -> Mistake | None:
        """Return the first candidate of a kind that the judge refutes."""
        found = map(self.refuted, self.of(kind))
        return next((mistake for mistake in found if mistake is not None), None)

    def refuted(self, candidate: Candidate) -> Mistake | None:
        """Return a mistake with its counterexample; None where the judge finds none.

        What holds all the same, by some symmetry, is no mistake, and what names a step that does
        not exist is no equation.
        """
        if candidate not in self._known:
            self._known[candidate] = next(self._refutations(candidate), None)
        return self._known[candidate]

    def _refutations(self, candidate: Candidate) -> Iterator[Mistake]:
        for conditions in narrower(candidate.conditions):
            narrowed = replace(candidate, conditions=conditions)
            try:
                found = _examined(narrowed, self._judge, self._network)
            except BpttError:
                continue
            if isinstance(found, Counterexample):
                parts = narrowed.kind, narrowed.equation, narrowed.wrong, conditions
                yield Mistake(*parts, counterexample=found)
            return


def _examined(candidate: Candidate, judge: Judge, network: Network) -> object:
    """Let the judge look at what would be printed."""
    printed = candidate.latex
    place = Place(printed, 0, len(printed))
    statement = parse_statement(printed, place)
    sides = build_sides(statement, network.scope, place)
    agree(sides)
    return judge.examine(sides, statement.conditions)


def candidates(derivation: Derivation, kind: Kind) -> Iterator[Candidate]:
    """Yield every wrong form of a kind, of the last sides first."""
    for topic in kind.topics:
        for equation in derivation.equations:
            if equation.topic == topic and equation.kind == "claim":
                yield from _of_equation(equation, kind, derivation.model)


def _of_equation(equation: Equation, kind: Kind, model: Model) -> Iterator[Candidate]:
    seen = set(equation.sides)
    for side in reversed(equation.sides[1:]):
        for wrong in kind.wrongs(Subject(equation, side, model)):
            if wrong.side not in seen:
                seen.add(wrong.side)
                yield Candidate(kind, equation, wrong, equation.conditions)


def narrower(conditions: str) -> Iterator[str]:
    """Yield a range, and the ranges without its first and without its last step.

    Examples
    --------
    >>> list(narrower("1 \\\\le t \\\\le T"))
    ['1 \\\\le t \\\\le T', '2 \\\\le t \\\\le T', '1 \\\\le t \\\\le T-1']
    """
    yield conditions
    first = re.match(r"\d+", conditions)
    if first:
        yield str(int(first[0]) + 1) + conditions[first.end() :]
        if conditions.endswith("T"):
            yield conditions + "-1"
        elif conditions.endswith("T + 1"):
            yield conditions.removesuffix(" + 1")


__all__ = ["KINDS", "Candidate", "Kind", "Mistake", "Mistakes", "candidates", "narrower"]
