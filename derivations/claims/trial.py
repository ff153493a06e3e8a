"""One relation of a claim, looked at in many networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from derivations.claims.court import MOST_STEPS, STEPS, Court, Instance, steps_beyond
from derivations.claims.declared import Measuring, meanings, settle, symbols
from derivations.claims.evaluation import Evaluator
from derivations.claims.initial import takes_initial_values
from derivations.claims.lanes import Doubles, Key, Networks, doubles_of
from derivations.claims.precise import Precise
from derivations.claims.reading import Reading
from derivations.claims.run import Point
from derivations.claims.sampling import Sampler
from derivations.claims.terms import Term
from derivations.claims.values import OutOfRange, Undefined, Value
from derivations.proof.arithmetic import WORKING_DIGITS, Array, Undecidable

#: A difference of this share of the sides is one, in doubles.
CLOSE = 1e-9
#: A violation by this share needs no clearer one beside it.
CLEAR = 0.2
#: In many digits; and what is smaller than the second number counts as zero.
PRECISELY, NOTHING = 1e-40, 1e-60
#: Digits for a strict inequality: tanh 20 < 1, though doubles say they are equal, and so do a
#: hundred digits of tanh 200.
STRICT_DIGITS, SPARE_DIGITS = 1000, 100
#: After so many sides that are equal in doubles alone, such are no longer looked at.
MOST_REJECTED = 6


@dataclass(frozen=True)
class Frame:
    """What networks have in common: sizes, given to the free ones in turn, and steps."""

    sizes: tuple[int, ...]
    steps: int


@dataclass(frozen=True)
class Sample:
    """Both sides of a relation in many networks, in one instance.

    Attributes
    ----------
    instance : mapping of letter to number
    left, right : array of shape (networks,)
        Where the sides are vectors, the entries of the largest excess.
    excess : array of shape (networks,)
        How much the relation is violated, as a share of the sides; −∞ where nothing can be said.
    """

    instance: Instance
    left: Doubles
    right: Doubles
    excess: Doubles

    @property
    def top(self) -> float:
        """The largest excess."""
        return float(self.excess.max())

    @property
    def is_constant(self) -> bool:
        """Whether no network makes a difference, as for 1 ≤ 1 where an empty product stands."""
        known = np.isfinite(self.excess)
        sides = (self.left[known], self.right[known])
        return not known.any() or all(np.ptp(side) <= CLOSE for side in sides)


@dataclass(frozen=True)
class Found:
    """One network that violates a relation, in one instance.

    Attributes
    ----------
    frame : Frame
    draws : mapping of key to number
    instance : mapping of letter to number
    left, right, excess : float
        As in `Sample`.
    """

    frame: Frame
    draws: Mapping[Key, float]
    instance: Instance
    left: float
    right: float
    excess: float


class Trial:
    """One relation of a claim.

    Parameters
    ----------
    court : Court
    left, right : Term
        Prepared for the reading. For ``≥`` they are exchanged.
    relation : str
        ``=``, ``<=`` or ``<``.
    reading : Reading

    Attributes
    ----------
    tries : int
        Networks times instances so far.
    norms : set of shapes
        What norms were taken of.
    """

    def __init__(
        self, court: Court, left: Term, right: Term, relation: str, reading: Reading
    ) -> None:
        self.court = court
        self.sides = (left, right)
        self.relation = relation
        self.reading = reading
        self.network = court.network(reading)
        self.tries = 0
        self._rejected = 0
        self._boundary: list[Instance] = []
        self.norms: set[tuple[int, ...]] = set()
        self.further_steps = steps_beyond(self.sides)
        if self.further_steps + STEPS[0] > MOST_STEPS:
            raise Undefined(f"Steps are counted up to {MOST_STEPS - STEPS[0]} here.")

    @cached_property
    def _names(self) -> frozenset[str]:
        terms = meanings(self.sides, self.court.source)
        return frozenset(name for term in terms for name in symbols(term))

    @property
    def has_norms_of_vectors_alone(self) -> bool:
        return bool(self.norms) and all(1 in shape for shape in self.norms)

    @property
    def fixed(self) -> frozenset[str]:
        """What is no free choice of numbers: one-hot data."""
        return frozenset(self.court.source.one_hot)

    def sizes(self, frame: Frame) -> frozenset[int]:
        """Return the sizes that networks of a frame choose freely."""
        layout = self.network.layout
        settled = layout.fixed.keys() | {total for total, _ in layout.sums}
        numbers = layout.numbers(frame.sizes)
        return frozenset(number for size, number in numbers.items() if size not in settled)

    def _point(self, arithmetic: Measuring, frame: Frame) -> Point:
        return Point(self.network, arithmetic, frame.steps, frame.sizes, self.reading.scalar)

    def _evaluator(self, point: Point, arithmetic: Measuring) -> Evaluator:
        evaluator = point.run().evaluator(self.reading)
        settle(evaluator, arithmetic, self._names)
        return evaluator

    def _instances(self, point: Point) -> list[Instance]:
        """Return the instances that are meant; all of them where none seems to be."""
        found: list[Instance] = list(self.court.instances(point, self.sides))
        meant = [
            instance
            for instance in found
            if not any(takes_initial_values(s, instance, self.network) for s in self.sides)
        ]
        return meant or found

    # Many networks, in doubles

    def drawn(
        self, frame: Frame, count: int, seed: int, instances: Sequence[Instance] | None = None
    ) -> tuple[list[Sample], dict[Key, Doubles]]:
        """Return samples of random networks, up to the first clear violation, and their draws."""
        arithmetic = Networks(count)
        point = self._point(arithmetic, frame)
        arithmetic.sampler = Sampler(count, seed, point.shape, self.fixed)
        if instances is None:
            instances = self._instances(point)
        samples = []
        with np.errstate(all="ignore"):
            evaluator = self._evaluator(point, arithmetic)
            for sample in self._samples(evaluator, arithmetic, instances):
                samples.append(sample)
                if sample.top > CLEAR:
                    break
        constant = [sample.instance for sample in samples if sample.is_constant]
        if len(constant) < len(samples):  # else the claim is about constants
            self._boundary += constant
        return samples, arithmetic.draws

    def given(
        self, frame: Frame, draws: Mapping[Key, Doubles], instances: Sequence[Instance]
    ) -> list[Sample]:
        """Return samples of given networks."""
        arithmetic = Networks(len(next(iter(draws.values()), np.zeros(1))), draws)
        with np.errstate(all="ignore"):
            evaluator = self._evaluator(self._point(arithmetic, frame), arithmetic)
            return list(self._samples(evaluator, arithmetic, instances))

    def _samples(
        self, evaluator: Evaluator, arithmetic: Networks, instances: Sequence[Instance]
    ) -> Iterator[Sample]:
        for instance in instances:
            try:
                sides = self._arrays(evaluator, instance)
            except OutOfRange:
                continue
            self.tries += arithmetic.count
            self.norms |= arithmetic.norms
            left, right = (
                doubles_of(side, arithmetic.count).reshape(arithmetic.count, -1) for side in sides
            )
            yield self._sample(instance, left, right)

    def _sample(self, instance: Instance, left: Doubles, right: Doubles) -> Sample:
        gap = np.abs(left - right) if self.relation == "=" else left - right
        scale = np.maximum(np.abs(left), np.abs(right)).max(1)
        worst = gap.argmax(1)
        lane = np.arange(len(gap))
        excess = gap[lane, worst] / scale
        excess[~np.isfinite(excess)] = -np.inf
        return Sample(instance, left[lane, worst], right[lane, worst], excess)

    def _arrays(self, evaluator: Evaluator, instance: Instance) -> tuple[Array, Array]:
        """Return both sides in one shape; in an inequality a number bounds every entry."""
        left, right = (evaluator.value(side, instance) for side in self.sides)
        if self.relation != "=":
            for side in (left, right):
                if not (side.is_scalar or side.is_vector):
                    raise Undefined("An inequality compares numbers, or vectors entry by entry.")
            if left.is_scalar != right.is_scalar:
                return _spread(left, right.shape), _spread(right, left.shape)
        return evaluator.rules.equalised(left, right)

    # One network, in many digits

    def confirms(self, found: Found) -> bool:
        """Tell whether a violation is more than rounding."""
        is_strict = self.relation == "<"
        if is_strict and found.excess <= CLOSE and self._rejected >= MOST_REJECTED:
            return False
        is_violated = self._is_violated(found, is_strict)
        self._rejected += not is_violated
        return is_violated

    def _is_violated(self, found: Found, is_strict: bool) -> bool:
        arithmetic = Precise(found.draws, STRICT_DIGITS if is_strict else WORKING_DIGITS)
        try:
            evaluator = self._evaluator(self._point(arithmetic, found.frame), arithmetic)
            sides = self._arrays(evaluator, found.instance)
            pairs = list(zip(*(side.flat for side in sides), strict=True))
        except (Undecidable, ZeroDivisionError, OverflowError):
            return bool(found.excess > CLOSE**0.5)
        scale = max(max(abs(a), abs(b)) for a, b in pairs)
        gaps = [abs(a - b) if self.relation == "=" else a - b for a, b in pairs]
        if is_strict:
            least = -scale / 10 ** (STRICT_DIGITS - SPARE_DIGITS)
            return bool(scale > NOTHING and max(gaps) >= least)
        return bool(max(gaps) > PRECISELY * scale + NOTHING)

    def violated(self, sample: Sample) -> Any:
        """Tell in which networks doubles violate the relation."""
        if self.relation == "<" and sample.instance not in self._boundary:
            return sample.excess > -CLOSE / 1000
        return sample.excess > CLOSE


def _spread(value: Value, shape: tuple[int, ...]) -> Array:
    if not value.is_scalar:
        return value.dual.value
    return np.full(shape, value.dual.value[0, 0], dtype=object)
