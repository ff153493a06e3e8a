"""What the edits of one equation can draw upon: its letters, steps and signs, and what is known of
the shapes and the names of the source."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from derivations.claims.court import Court
from derivations.claims.evaluation.core import Evaluator
from derivations.claims.evaluation.products import is_elementwise
from derivations.claims.prepare import prepared
from derivations.claims.reading import AS_WRITTEN
from derivations.claims.repairs.paths import Spot
from derivations.claims.steps import Step
from derivations.claims.terms import Chain, Entry, Series, Symbol, Term, substituted
from derivations.claims.values import Mismatch, OutOfRange, Undefined, Value
from derivations.proof.arithmetic import Undecidable

#: What an evaluation may refuse.
REFUSALS = (Mismatch, OutOfRange, Undefined, Undecidable, ZeroDivisionError)
#: So many steps of the claim are tried where an edit needs one.
MOST_STEPS = 6
#: Definitions refer to definitions, no deeper than this.
MOST_DEFINITIONS = 4


class Scene:
    """An equation that fails, and its source.

    Parameters
    ----------
    court : Court
    left, right : Term
        As they were written.
    deadline : float
        The processor time at which the search gives up.
    """

    def __init__(self, court: Court, left: Term, right: Term, deadline: float = math.inf) -> None:
        self.court = court
        self.source = court.source
        self.left = left
        self.right = right
        self.deadline = deadline
        self._values: dict[Term, Value | None] = {}

    @cached_property
    def evaluator(self) -> Evaluator:
        steps = self.court.steps((self.left, self.right), 0)
        return self.court.point(AS_WRITTEN, 0, steps).run().evaluator(AS_WRITTEN)

    @cached_property
    def instance(self) -> Mapping[str, int]:
        """A choice of all letters, as ordinary as can be: none at an end, no two equal."""
        point = self.evaluator.point
        sides = prepared((self.left, self.right), self.source, AS_WRITTEN)
        choices = sorted(self.court.instances(point, sides), key=self._oddity)
        best = next((choice for choice in choices if self._is_there(sides, choice)), None)
        middle = (point.network.start + point.steps) // 2
        return {**self._inner_letters(middle), **(best or {"T": point.steps})}

    def _is_there(self, sides: Sequence[Term], choice: Mapping[str, int]) -> bool:
        """Tell whether the left side has a value, and the right side no step that is not there."""
        left, right = sides
        try:
            self.evaluator.value(left, choice)
            self.evaluator.value(right, choice)
        except Mismatch:
            return True
        except OutOfRange:
            return False
        except REFUSALS:
            return self._has_value(left, choice)
        return True

    def _has_value(self, term: Term, choice: Mapping[str, int]) -> bool:
        try:
            self.evaluator.value(term, choice)
        except REFUSALS:
            return False
        return True

    def _oddity(self, choice: Mapping[str, int]) -> tuple[int, int]:
        """Count what stands at an end, and what is equal."""
        first, last = self.evaluator.point.network.start, self.evaluator.point.steps
        positions = {
            letter
            for side in (self.left, self.right)
            for piece in side.walk()
            if isinstance(piece, Entry)
            for index in piece.indices
            for letter in index.names
        }
        steps = [step for letter, step in choice.items() if letter not in positions | {"T"}]
        free = [step for letter, step in choice.items() if letter != "T"]
        return sum(s <= first or s >= last for s in steps), len(free) - len(set(free))

    def _inner_letters(self, middle: int) -> dict[str, int]:
        """Letters that a sum runs over stand for a step in the middle, positions for the first."""
        found: dict[str, int] = {self.source.vocabulary.running: middle}
        for side in (self.left, self.right):
            for piece in side.walk():
                if isinstance(piece, Series) and piece.index:
                    found[piece.index] = middle
                for letter in piece.letters:
                    found.setdefault(letter, middle)
        for side in (self.left, self.right):
            for piece in side.walk():
                if isinstance(piece, Entry):
                    found.update((letter, 1) for index in piece.indices for letter in index.names)
        return found

    # Values

    def value(self, term: Term) -> Value | None:
        """Return the value of a piece at the ordinary instance, None where it has none."""
        if term not in self._values:
            try:
                self._values[term] = self.evaluator.value(term, self.instance)
            except REFUSALS:
                self._values[term] = None
        return self._values[term]

    def is_vector(self, term: Term) -> bool:
        value = self.value(term)
        return value is not None and value.is_vector

    def is_column(self, term: Term) -> bool:
        """Tell whether a term is a vector as the source has them: a column, or a row."""
        value = self.value(term)
        return (
            value is not None
            and value.is_vector
            and (value.flexible or value.shape[0 if self.source.rows else 1] == 1)
        )

    def is_scalar(self, term: Term) -> bool:
        value = self.value(term)
        return value is not None and value.is_scalar

    def is_alike(self, one: Term, other: Term) -> bool:
        """Tell whether two terms are equally long vectors, or of one shape."""
        first, second = self.value(one), self.value(other)
        if first is None or second is None:
            return False
        if first.is_vector and second.is_vector:
            return max(first.shape) == max(second.shape)
        return first.shape == second.shape

    # Signs

    def is_elementwise(self, sign: str) -> bool:
        return is_elementwise(self.evaluator, sign)

    @cached_property
    def elementwise(self) -> str:
        """The sign of the elementwise product: the claim's own, if it has one."""
        declared = [sign for sign in self.source.signs if self.is_elementwise(sign)]
        return next(
            (s for s in (*self._signs, "\\odot", *declared) if self.is_elementwise(s)), "\\odot"
        )

    @cached_property
    def product(self) -> str:
        """The sign of the matrix product: nothing, unless the claim or its source has signs."""
        own = [sign for sign in self._signs if not self.is_elementwise(sign)]
        declared = [s for s, kind in self.source.signs.items() if kind == "matrix product"]
        return next(iter((*own, *declared)), "")

    @property
    def _signs(self) -> Iterator[str]:
        for piece in self.right.walk():
            if isinstance(piece, Chain):
                yield from piece.signs

    # Steps

    @cached_property
    def left_steps(self) -> tuple[Step, ...]:
        """The steps of the left side, its letters among them."""
        found = [Step.letter(letter) for letter in sorted(self.source.free_letters(self.left))]
        found += _steps(self.left)
        return tuple(dict.fromkeys(step for step in found if step != Step.letter("T")))

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the claim."""
        found = [*self.left_steps, *_steps(self.right)]
        return tuple(dict.fromkeys(found))[:MOST_STEPS]

    @cached_property
    def letters(self) -> frozenset[str]:
        """The letters that the left side leaves open."""
        return self.source.free_letters(self.left) - {"T"}

    def steps_near(self, spot: Spot) -> tuple[Step, ...]:
        """Return the steps that occur in a piece and in what it stands in."""
        around = spot.above[-1] if spot.above else spot.term
        bound = [Step.letter(letter) for letter in sorted(spot.bound)]
        near = [*_steps(spot.term), *_steps(around), *bound]
        return tuple(dict.fromkeys([*near, *self.left_steps]))[:MOST_STEPS]

    # Names

    @cached_property
    def running(self) -> Step:
        return Step.letter(self.source.vocabulary.running)

    @cached_property
    def first(self) -> Step:
        return Step((), self.evaluator.point.network.start)

    @cached_property
    def symbols(self) -> tuple[Symbol, ...]:
        """Every quantity, parameter and defined symbol, at the running step if it carries time."""
        keys = [*self.evaluator.point.network.layout.shapes, *self.source.definitions]
        known = [key for key in dict.fromkeys(keys) if self._is_explained(key)]
        return tuple(self.symbol(key, self.running) for key in known)

    def _is_explained(self, key: str) -> bool:
        return key in self.source.definitions or self.evaluator.is_given(key)

    def symbol(self, key: str, time: Step | None) -> Symbol:
        """Return the symbol of a key, at a step if it carries time."""
        return Symbol(key[:-1], time) if key.endswith("@") else Symbol(key)

    def defined(self, symbol: Symbol) -> Term | None:
        """Return what a symbol stands for, None where it is none of the defined ones."""
        for definition in self.source.definitions.get(symbol.key, ()):
            if definition.time == symbol.time:
                return definition.right
            if definition.time is not None and definition.time.lone and symbol.time is not None:
                return substituted(definition.right, {definition.time.lone: symbol.time})
        return None

    def expanded(self, term: Term) -> Term:
        """Return a term with its defined symbols replaced by what they stand for."""
        for _ in range(MOST_DEFINITIONS):
            new = self._once_expanded(term)
            if new == term:
                break
            term = new
        return term

    def _once_expanded(self, term: Term) -> Term:
        if isinstance(term, Symbol):
            return self.defined(term) or term
        return term.mapped(self._once_expanded)

    def alike(self, symbol: Symbol) -> Iterator[Symbol]:
        """Yield the other symbols of one shape, then those that are vectors or matrices, too."""
        others = [other for other in self.symbols if other.key != symbol.key]
        same = [other for other in others if self.is_alike(symbol, other)]
        yield from same
        for other in others:
            if other not in same and self._is_one_kind(symbol, other):
                yield other

    def _is_one_kind(self, one: Symbol, other: Symbol) -> bool:
        first, second = self.value(one), self.value(other)
        if first is None or second is None or first.is_tensor or second.is_tensor:
            return False
        return (first.is_vector, first.is_matrix) == (second.is_vector, second.is_matrix)


def _steps(term: Term) -> list[Step]:
    return [p.time for p in term.walk() if isinstance(p, Symbol) and p.time is not None]
