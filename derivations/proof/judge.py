"""Does an equation hold? Both sides evaluated at random points, at every admissible step."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

import numpy as np
from sympy import Expr, MatrixExpr, Symbol

from derivations.errors import NotationError, Place, ProofError, StepError, UnsupportedError
from derivations.expressions import FlatSize, T
from derivations.notation import syntax
from derivations.notation.build import agree, build_sides
from derivations.notation.names import time_of
from derivations.notation.parse import parse_statement
from derivations.proof.arithmetic import (
    COMPARED_DIGITS,
    DIGITS,
    PRIME,
    Arithmetic,
    Array,
    Field,
    Real,
    Undecidable,
)
from derivations.proof.degrees import Degree, Degrees
from derivations.proof.evaluate import evaluate
from derivations.proof.network import Network, Point, step_at

#: Random points at which both sides are compared; more where the degrees ask for them.
POINTS = 2
#: No equation is worth more points.
MOST_POINTS = 16
#: log2 of the largest probability of an error with which an equation is believed.
LARGEST_BOUND = -50
#: Sizes of the networks, taken in turn so that no two sizes are equal.
SIZES = (3, 2, 4, 5, 6, 7, 8, 9, 10, 11)
#: A choice of the free steps of an equation.
Instance: TypeAlias = dict[Symbol, int]

#: Steps of the network at each point.
STEPS = (5, 4)


@dataclass(frozen=True)
class Evidence:
    """Why an equation is believed.

    Attributes
    ----------
    method : str
        ``exact`` for residues modulo 2^61 − 1, ``real`` for 50-digit arithmetic.
    sizes : tuple of mapping
        For each random point, its sizes, T among them.
    cases : int
        How many instances (choices of the free steps) were compared.
    log2_bound : float
        The probability that a false equation passes is below 2 to this power (Schwartz–Zippel);
        for ``real``, 50 digits as a power of 2.
    """

    method: str
    sizes: tuple[tuple[tuple[str, int], ...], ...]
    cases: int
    log2_bound: float

    def __str__(self) -> str:
        points = "; ".join(", ".join(f"{k}={v}" for k, v in sizes) for sizes in self.sizes)
        if self.method == "exact":
            return (
                f"exact modulo 2^61-1 in {self.cases} instances at {points}; "
                f"a false equation passes with probability below 2^{math.ceil(self.log2_bound)}"
            )
        return f"equal to {DIGITS} digits in {self.cases} instances at {points}"


@dataclass(frozen=True)
class Counterexample:
    """An instance in which two sides differ.

    Attributes
    ----------
    sizes : mapping of str to int
        The network's sizes, T among them.
    steps : mapping of str to int
        The free steps of the equation.
    left, right : array
        The values of the sides, as floats.
    """

    sizes: Mapping[str, int]
    steps: Mapping[str, int]
    left: Array = field(compare=False)
    right: Array = field(compare=False)

    def __str__(self) -> str:
        where = ", ".join(f"{k}={v}" for k, v in (*self.sizes.items(), *self.steps.items()))
        return f"At {where}:\nleft =\n{_show(self.left)}\nright =\n{_show(self.right)}"


def _show(array: Array) -> str:
    with np.printoptions(precision=6, suppress=True):
        return str(array)


class Judge:
    """Compares the sides of equations about one network.

    The points are made once and keep their runs, so that a seed is pushed forward once for all
    equations that ask for it.

    Parameters
    ----------
    network : Network
        The forward equations, and the definitions that equations may use.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._exact: list[Point] = []
        self._real: list[Point] = []
        self._degrees = Degree()
        self._twin = self._point(cast("Arithmetic", self._degrees), 0)

    def _exact_point(self, number: int) -> Point:
        while len(self._exact) <= number:
            count = len(self._exact)
            self._exact.append(self._point(Field(count), count))
        return self._exact[number]

    def _real_point(self, number: int) -> Point:
        while len(self._real) <= number:
            count = len(self._real)
            self._real.append(self._point(Real(count), count))
        return self._real[number]

    def _point(self, arithmetic: Arithmetic, number: int) -> Point:
        axes = [size for shape in self._network.scope.shapes.values() for size in shape]
        found = [size for axis in axes for size in sorted(axis.free_symbols, key=str)]
        symbols = list(dict.fromkeys(found))
        if len(symbols) > len(SIZES):
            raise UnsupportedError(f"The judge has numbers for {len(SIZES)} sizes, not more.")
        enough = SIZES[: max(len(symbols), 3)]
        turn = number % len(enough)
        chosen = dict(zip(symbols, [*enough[turn:], *enough[:turn]], strict=False))
        return Point(self._network, arithmetic, chosen, STEPS[number % len(STEPS)])

    def prove(self, text: str) -> Evidence:
        """Read an equation as it is printed and compare its sides.

        Parameters
        ----------
        text : str
            LaTeX of the equation, with the range of its free steps behind a comma.

        Raises
        ------
        ProofError
            When the sides differ; the message shows the equation, the place and both values.
        BpttError
            When the text cannot be read.
        """
        place = Place(text, 0, len(text))
        statement = parse_statement(text, place)
        return self.prove_read(statement, build_sides(statement, self._network.scope, place), place)

    def prove_read(
        self, statement: syntax.Statement, sides: Sequence[MatrixExpr], place: Place
    ) -> Evidence:
        """Compare the sides of an equation that was read from what is printed.

        Raises
        ------
        ProofError
            When the sides differ; the message shows the equation, the place and both values.
        """
        if len(statement.sides) < 2 or set(statement.relations) != {"="}:
            raise NotationError("The judge compares the sides of an equation.", place)
        agree(sides)
        finding = self.examine(sides, statement.conditions)
        if isinstance(finding, Counterexample):
            raise ProofError("The judge rejects this equation.", place, str(finding))
        return finding

    def examine(
        self, sides: Sequence[MatrixExpr], conditions: Sequence[syntax.Condition]
    ) -> Evidence | Counterexample:
        """Compare the sides of an equation at every admissible choice of its free steps.

        Residues decide. What they call different is looked at again in real numbers, which either
        show the two values to a person or find that a property of the functions makes them equal.

        Raises
        ------
        ProofError
            When the conditions admit no instance at all.
        """
        first = self._exact_point(0)
        admitted = [admissible(sides, conditions, first)]
        if not admitted[0]:
            raise ProofError("There is no instance of this equation to look at.")
        bound = self._bound(sides, admitted[0])
        count = POINTS
        if bound < 0:
            count = max(POINTS, math.ceil(LARGEST_BOUND / bound))
        points = [self._exact_point(number) for number in range(min(count, MOST_POINTS))]
        admitted += [admissible(sides, conditions, point) for point in points[1:]]
        cases = sum(map(len, admitted))
        if self._holds_exactly(sides, points, admitted):
            if bound * len(points) > LARGEST_BOUND:
                raise ProofError(
                    "The sides agree, but false ones could, too, with a probability of "
                    f"2^{min(bound * len(points), 0):.0f}."
                )
            return Evidence("exact", _shown_sizes(points), cases, bound * len(points))
        reals = [self._real_point(number) for number in range(len(points))]
        for point, instances in zip(reals, admitted, strict=True):
            try:
                found = _first_difference(sides, instances, point)
            except (Undecidable, ZeroDivisionError) as error:
                raise ProofError(f"This cannot be decided: {error}.") from None
            if found is not None:
                return _counterexample(point, *found)
        return Evidence("real", _shown_sizes(points), cases, -DIGITS * math.log2(10))

    def _holds_exactly(
        self,
        sides: Sequence[MatrixExpr],
        points: Sequence[Point],
        admitted: Sequence[Sequence[Instance]],
    ) -> bool:
        try:
            return all(
                _first_difference(sides, instances, point) is None
                for point, instances in zip(points, admitted, strict=True)
            )
        except (Undecidable, ZeroDivisionError):
            return False  # a pole, or a constant without a root: the reals decide

    def _bound(self, sides: Sequence[MatrixExpr], instances: Sequence[Instance]) -> float:
        """Return log2 of the probability that a false equation passes at one point.

        The difference of two quotients has as numerator at most the degrees of one numerator and of
        the other denominator; so it is for two questions to an oracle.

        References
        ----------
        Schwartz, Fast probabilistic algorithms for verification of polynomial identities, J. ACM
        27 (1980), lemma 1.
        """
        largest = 1
        for steps in instances:
            values = cast("list[Degrees]", _values(sides, self._twin, steps))
            largest = max(largest, *(value.degree + value.denominator for value in values))
        pairs = self._degrees.questions**2 // 2
        degree = 2 * (largest + pairs * self._degrees.largest)
        return math.log2(degree) - math.log2(PRIME)


def _shown_sizes(points: Sequence[Point]) -> tuple[tuple[tuple[str, int], ...], ...]:
    return tuple(
        tuple((str(size), number) for size, number in (*point.sizes.items(), (T, point.steps)))
        for point in points
    )


def _counterexample(
    point: Point, steps: Mapping[Symbol, int], left: Array, right: Array
) -> Counterexample:
    sizes = {str(size): number for size, number in point.sizes.items()}
    shown = {str(step): value for step, value in steps.items()}
    return Counterexample(
        {**sizes, "T": point.steps}, shown, left.astype(float), right.astype(float)
    )


def _first_difference(
    sides: Sequence[MatrixExpr], instances: Sequence[Instance], point: Point
) -> tuple[Instance, Array, Array] | None:
    for steps in instances:
        values = _values(sides, point, steps)
        for left, right in itertools.pairwise(values):
            if not _equal(left, right, point.arithmetic):
                return steps, left, right
    return None


def _values(sides: Sequence[MatrixExpr], point: Point, steps: Mapping[Symbol, int]) -> list[Array]:
    environment = point.environment(steps)
    values = []
    for side in sides:
        value = evaluate(side, environment).value
        if isinstance(side.shape[1], FlatSize) and side.shape[0] == 1:
            value = value.reshape(*(point.size(axis) for axis in side.shape[1].args))
        values.append(value)
    return values


def _equal(left: Array, right: Array, arithmetic: Arithmetic) -> bool:
    if left.shape != right.shape:
        return False
    if isinstance(arithmetic, Field):
        return bool(((left - right) % PRIME == 0).all())
    scale = max((abs(entry) for entry in (*left.flat, *right.flat)), default=0)
    return all(abs(d) * 10**COMPARED_DIGITS <= scale for d in (left - right).flat)


def admissible(
    sides: Sequence[MatrixExpr], conditions: Sequence[syntax.Condition], point: Point
) -> list[Instance]:
    """Return every choice of the free steps that the conditions admit.

    Without conditions a step runs over 1 … T, as far as everything that is named stands there.

    Raises
    ------
    StepError
        When a choice that the conditions admit names a step that does not exist.
    """
    chains = [_chain(condition) for condition in conditions]
    named = {symbol for chain, _ in chains for side in chain for symbol in side.free_symbols}
    found = {s for side in sides for s in side.free_symbols if isinstance(s, Symbol)}
    free = sorted(
        {s for s in named | found if s.is_integer and not s.is_positive and s != T},
        key=lambda symbol: symbol.name,
    )
    admitted = []
    for choice in itertools.product(range(point.steps + 2), repeat=len(free)):
        assigned = dict(zip(free, choice, strict=True))
        known = {T: point.steps, **assigned}
        unsaid = [step for step in free if step not in named]
        if all(1 <= assigned[step] <= point.steps for step in unsaid) and all(
            _admitted(chain, relations, known) for chain, relations in chains
        ):
            admitted.append(assigned)
    if conditions or not free:
        return admitted
    return [a for a in admitted if _exists(sides, point, a)] or admitted


def _exists(sides: Sequence[MatrixExpr], point: Point, steps: Mapping[Symbol, int]) -> bool:
    """Tell whether everything that is named stands at its step."""
    try:
        _values(sides, point, steps)
    except StepError:
        return False
    except (Undecidable, ZeroDivisionError):
        return True
    return True


def _chain(condition: syntax.Condition) -> tuple[list[Expr], tuple[str, ...]]:
    times = [time_of(index) for index in condition.indices]
    if any(time is None for time in times):
        raise NotationError("A condition compares steps, such as 1 \\le k \\le t.")
    return [time for time in times if time is not None], condition.relations


def _admitted(chain: Sequence[Expr], relations: Sequence[str], known: Mapping[Symbol, int]) -> bool:
    values = [step_at(side, known) for side in chain]
    compare = {"<=": int.__le__, "<": int.__lt__, "=": int.__eq__}
    return all(
        compare[relation](left, right)
        for (left, right), relation in zip(itertools.pairwise(values), relations, strict=True)
    )
