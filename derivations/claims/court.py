"""Where the sides of claims are compared: at random points, in every admissible instance."""

from __future__ import annotations

import copy
import itertools
import math
import operator
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from derivations.claims.degrees import Degree
from derivations.claims.floating import Floating
from derivations.claims.network import Network
from derivations.claims.prepare import accumulation
from derivations.claims.reading import AS_WRITTEN, Reading
from derivations.claims.run import SIZES, Point
from derivations.claims.source import Source
from derivations.claims.steps import Step
from derivations.claims.terms import Entry, Partial, Series, Symbol, Term
from derivations.claims.values import Mismatch, OutOfRange, Undefined
from derivations.errors import NotationError, Place
from derivations.notation import syntax
from derivations.proof.arithmetic import (
    COMPARED_DIGITS,
    PRIME,
    Array,
    Field,
    Numbers,
    Real,
    Undecidable,
)

#: Steps of the two networks on which a claim is compared.
STEPS = (4, 5)
#: A claim that names later steps gets longer networks, up to this.
MOST_STEPS = 24
#: At most so many choices of the free steps and entries are looked at.
MOST_INSTANCES = 60
#: Of more choices than these, as many are drawn.
MOST_CHOICES = 5000
#: Relative difference below which doubles are taken for equal and looked at again.
CLOSE = 1e-9

Instance = Mapping[str, int]

_COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    "=": operator.eq,
    "\\neq": operator.ne,
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
}
_ARITHMETIC: Mapping[str, Callable[[int], Numbers]] = {
    "exact": Field,
    "double": Floating,
    "real": Real,
    "degree": lambda number: Degree(),
}


@dataclass(frozen=True)
class Difference:
    """An instance in which two sides differ.

    Attributes
    ----------
    instance : mapping of letter to number
    left, right : array or None
        None where the shapes do not even match.
    reason : str
        What does not go together, where shapes do not match.
    """

    instance: Instance
    left: Array | None = field(default=None, compare=False)
    right: Array | None = field(default=None, compare=False)
    reason: str = ""


@dataclass(frozen=True)
class Agreement:
    """Both sides are equal in so many instances.

    Attributes
    ----------
    cases : int
    method : str
        ``exact`` for residues modulo 2^61 − 1, ``real`` for 50-digit arithmetic.
    is_empty : bool
        Whether both sides are zero wherever they were looked at.
    """

    cases: int
    method: str = "exact"
    is_empty: bool = False


Outcome = Agreement | Difference


@dataclass(frozen=True)
class Limit:
    """A chain of inequalities between steps, under which a claim is meant.

    Attributes
    ----------
    steps : tuple of Step
    relations : tuple of str
    """

    steps: tuple[Step, ...]
    relations: tuple[str, ...]

    def admits(self, instance: Instance) -> bool:
        """Tell whether an instance satisfies the chain, as far as it names the letters."""
        for relation, (one, other) in zip(
            self.relations, itertools.pairwise(self.steps), strict=True
        ):
            if one.names | other.names <= instance.keys() and not _COMPARISONS[relation](
                one.at(instance), other.at(instance)
            ):
                return False
        return True


class Court:
    """Everything that claims about one source share: networks at random points.

    Parameters
    ----------
    source : Source
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._networks: dict[tuple[bool, bool], Network] = {}
        self._points: dict[tuple[object, ...], Point] = {}
        self._limits: tuple[Limit, ...] = ()

    def under(self, conditions: Sequence[syntax.Condition], place: Place) -> Court:
        """Return the court for a claim that holds under conditions only, such as k < t.

        Raises
        ------
        NotationError
            When a condition speaks of something else than steps.
        """
        narrower = copy.copy(self)
        narrower._limits = tuple(self._limit(condition, place) for condition in conditions)
        return narrower

    def _limit(self, condition: syntax.Condition, place: Place) -> Limit:
        steps = [self.source.vocabulary.step_of(index) for index in condition.indices]
        known = [step for step in steps if step is not None]
        if len(known) < len(steps):
            raise NotationError(
                "A condition compares steps, such as 1 \\le k \\le t.", place.part(*condition.span)
            )
        return Limit(tuple(known), condition.relations)

    def network(self, reading: Reading = AS_WRITTEN) -> Network:
        key = (reading.preactivation_state, reading.last_loss)
        if key not in self._networks:
            self._networks[key] = Network(self.source, reading)
        return self._networks[key]

    def point(
        self,
        reading: Reading,
        number: int,
        steps: int,
        kind: str = "exact",
        is_lenient: bool = False,
    ) -> Point:
        """Return a network at a random point, in a kind of number.

        A lenient one gives a value to whatever is named before the first step.
        """
        network_key = (reading.preactivation_state, reading.last_loss)
        key = (*network_key, reading.scalar, number, steps, kind, is_lenient)
        if key not in self._points:
            arithmetic = _ARITHMETIC[kind](number)
            turned = (*SIZES[number % 3 : 3], *SIZES[: number % 3], *SIZES[3:])
            self._points[key] = Point(
                self.network(reading), arithmetic, steps, turned, reading.scalar, is_lenient
            )
        return self._points[key]

    def knows(self, symbol: Symbol) -> bool:
        """Tell whether the source explains a symbol."""
        source = self.source
        return symbol.key in self.network().layout.shapes or symbol.key in source.definitions

    def is_matrix(self, symbol: Symbol) -> bool:
        """Tell whether a symbol of the network has more than one row and column."""
        point = self.point(AS_WRITTEN, 0, STEPS[0])
        is_given = symbol.key in self.network().layout.shapes
        return is_given and 1 not in point.shape(symbol.key)

    def terms(self, statement: syntax.Statement, place: Place) -> tuple[Term, ...]:
        """Return the sides of a statement as terms."""
        elaborator = self.source.elaborator(place)
        sides = tuple(elaborator.term(side) for side in statement.sides)
        if statement.relations == ("+=",):
            left, right = sides
            return accumulation(left, right, self.source)
        return sides

    # Comparison

    def judge(self, sides: Sequence[Term], reading: Reading) -> Outcome:
        """Compare two sides modulo a prime; where these differ, ask whether what holds for the
        functions themselves, such as sech² = 1 − tanh², makes them equal.

        Raises
        ------
        Undefined
            When a piece has no meaning.
        """
        try:
            found = self.compare(sides, reading)
        except (Undecidable, ZeroDivisionError):
            found = Difference({}, np.zeros(1), np.zeros(1))  # a pole of the residues: reals decide
        if isinstance(found, Agreement) or found.left is None:
            return found
        for kind, numbers in (("double", (0, 1)), ("real", (0,))):
            try:
                again = self.compare(sides, reading, numbers, kind)
            except (Undecidable, ZeroDivisionError) as error:
                raise Undefined(f"This cannot be decided: {error}") from None
            if isinstance(again, Difference):
                return again
            found = replace(again, method="real")
        return found

    def compare(
        self,
        sides: Sequence[Term],
        reading: Reading,
        numbers: Sequence[int] = (0, 1),
        kind: str = "exact",
    ) -> Outcome:
        """Compare two sides at random points.

        Raises
        ------
        Undefined
            When a piece has no meaning.
        """
        for is_lenient in (False, True):
            cases, is_empty = 0, True
            for number in numbers:
                steps = self.steps(sides, number)
                point = self.point(reading, number, steps, kind, is_lenient)
                found = self._at(point, sides, reading)
                if isinstance(found, Difference):
                    return found
                cases += found.cases
                is_empty = is_empty and found.is_empty
            if cases:
                return Agreement(cases, is_empty=is_empty)
        raise Undefined("There is no instance of this equation to look at.")

    def _at(self, point: Point, sides: Sequence[Term], reading: Reading) -> Outcome:
        evaluator = point.run().evaluator(reading)
        cases, is_empty = 0, True
        seen: list[dict[str, int]] = []
        for instance in self.instances(point, sides, is_ordered=not reading.empty_ranges):
            try:
                values = [evaluator.value(side, instance) for side in sides]
                left, right = evaluator.rules.equalised(*values)
            except OutOfRange:
                continue
            except Mismatch as error:
                return Difference(instance, reason=error.message)
            cases += 1
            is_empty = is_empty and not left.any()
            if not _equal(left, right, point.arithmetic):
                return Difference(instance, left, right)
            seen.append(instance)
        if not reading.empty_ranges and _is_collapsed(seen):
            # Two letters that are never apart: ranges that run backwards are looked at, too.
            again = self._at(point, sides, replace(reading, empty_ranges=True))
            if isinstance(again, Difference):
                return again
        return Agreement(cases, is_empty=is_empty)

    def steps(self, sides: Sequence[Term], number: int) -> int:
        """Return the length of the network on which a claim is compared."""
        steps = STEPS[number % 2] + steps_beyond(sides)
        if steps > MOST_STEPS:
            raise Undefined(f"Steps are counted up to {MOST_STEPS - STEPS[0]} here.")
        return steps

    def instances(
        self, point: Point, sides: Sequence[Term], *, is_ordered: bool = True
    ) -> Iterator[dict[str, int]]:
        """Yield choices of the free letters: steps, and positions of entries.

        Ordered ones leave out derivatives by a later step, which nobody means.
        """
        free: set[str] = set()
        for side in sides:
            free |= self.source.free_letters(side)
        free.discard("T")
        positions = set().union(*(_positions(side) for side in sides))
        first = point.network.start
        ranges = [
            range(1, max(point.numbers.values(), default=1) + 1)
            if letter in positions
            else range(first - 1, point.steps + 1)
            for letter in sorted(free)
        ]
        choices = _choices(ranges)
        backward = point.network.backward
        pairs = [
            pair
            for side in sides
            for pair in _ordered(side)
            if not any(symbol.key in backward for symbol in pair)
        ]
        distances = {_distance(*pair) for pair in pairs}
        if not is_ordered or any(Step().plus(d, -1) in distances for d in distances):
            pairs = []  # derivatives that go both ways say nothing of the order
        found = 0
        for choice in choices:
            instance = {"T": point.steps, **dict(zip(sorted(free), choice, strict=True))}
            is_meant = all(_is_later(of, by, instance) for of, by in pairs)
            if is_meant and all(limit.admits(instance) for limit in self._limits):
                found += 1
                yield instance
            if found >= MOST_INSTANCES:
                return


def _choices(ranges: Sequence[range]) -> list[tuple[int, ...]]:
    """Return choices from several ranges: all of them, in any order, or some of very many."""
    if math.prod(map(len, ranges)) <= MOST_CHOICES:
        choices = list(itertools.product(*ranges))
        if len(choices) > MOST_INSTANCES:
            random.Random(0).shuffle(choices)
        return choices
    drawn = random.Random(0)
    return [tuple(drawn.choice(r) for r in ranges) for _ in range(MOST_CHOICES)]


def _is_later(of: Symbol, by: Symbol, instance: Instance) -> bool:
    assert of.time is not None
    assert by.time is not None
    if not (of.time.names | by.time.names) <= instance.keys():
        return True
    return of.time.at(instance) >= by.time.at(instance)


def _ordered(term: Term) -> Iterator[tuple[Symbol, Symbol]]:
    """Yield what is differentiated and by what: nobody means the derivative by a later step."""
    for piece in term.walk():
        if isinstance(piece, Partial):
            of = piece.of.body if isinstance(piece.of, Entry) else piece.of
            by = piece.by.body if isinstance(piece.by, Entry) else piece.by
            if not (isinstance(of, Symbol) and isinstance(by, Symbol)):
                continue
            if of.time and by.time and of.time.plus(by.time, -1).letters:
                yield of, by


def _is_collapsed(seen: Sequence[Instance]) -> bool:
    """Tell whether two letters were the same step in every instance."""
    letters = [letter for letter in seen[0] if letter != "T"] if seen else []
    return any(
        all(instance[one] == instance[other] for instance in seen)
        for one, other in itertools.combinations(letters, 2)
    )


def _distance(of: Symbol, by: Symbol) -> Step:
    assert of.time is not None
    assert by.time is not None
    return of.time.plus(by.time, -1)


def _positions(term: Term) -> frozenset[str]:
    return frozenset(
        letter
        for piece in term.walk()
        if isinstance(piece, Entry)
        for index in piece.indices
        for letter in index.names
    )


def steps_beyond(sides: Sequence[Term]) -> int:
    """Return how many steps more a claim needs that names step 7 or t − 4."""
    numbers = [0]
    for side in sides:
        for piece in side.walk():
            if isinstance(piece, Symbol) and piece.time is not None:
                numbers.append(abs(piece.time.number))
            if isinstance(piece, Series):
                numbers += [abs(s.number) for s in (piece.lower, piece.upper) if s is not None]
    return max(0, max(numbers) - 3)


def _equal(left: Array, right: Array, arithmetic: Numbers) -> bool:
    if isinstance(arithmetic, Field):
        return bool(((left - right) % PRIME == 0).all())
    if isinstance(arithmetic, Real):
        largest = max((abs(entry) for entry in (*left.flat, *right.flat)), default=0)
        return all(abs(d) * 10**COMPARED_DIGITS <= largest for d in (left - right).flat)
    gap = np.abs((left - right).astype(float))
    scale = max(np.abs(left.astype(float)).max(), np.abs(right.astype(float)).max(), 1e-300)
    return bool((gap <= CLOSE * scale).all())
