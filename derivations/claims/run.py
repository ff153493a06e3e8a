"""A network that runs: values at a random point, and how they move with one quantity.

Everything is computed when it is asked for and kept. Derivatives are pushed forward through the
source's own equations; no rule of the calculus is used here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sympy import Integer

from derivations.claims.network import Network
from derivations.claims.reading import AS_WRITTEN, Reading
from derivations.claims.steps import Step
from derivations.claims.terms import (
    Apply,
    Call,
    Term,
)
from derivations.claims.values import OutOfRange, Undefined, identity
from derivations.proof.arithmetic import Array, Numbers
from derivations.proof.evaluate import Dual

if TYPE_CHECKING:
    from derivations.claims.evaluation import Evaluator

#: Sizes of the networks, taken in turn so that no two free sizes are equal.
SIZES = (3, 2, 4, 5, 6, 7, 8, 9)


@dataclass(frozen=True)
class Seed:
    """What moves: a quantity at a step, or a parameter.

    Attributes
    ----------
    name : str
    step : int or None
    carries : str
        What carries the change: ``all``; for an immediate derivative ``step``, where from step to
        step only the quantity itself does, ``self``, where nothing else does at all, or ``once``,
        where the quantity itself does at that step alone.
    is_argument : bool
        Whether it is the argument of the quantity's function that moves.
    """

    name: str
    step: int | None
    carries: str = "all"
    is_argument: bool = False


class Point:
    """A network with sizes, a number of steps, and draws for everything that is given."""

    def __init__(
        self,
        network: Network,
        arithmetic: Numbers,
        steps: int,
        sizes: tuple[int, ...] = SIZES,
        is_scalar: bool = False,
        is_lenient: bool = False,
    ) -> None:
        self.network = network
        self.arithmetic = arithmetic
        self.steps = steps
        self.is_lenient = is_lenient
        layout = network.layout
        self.numbers = layout.numbers(sizes)
        if is_scalar:
            self.numbers = dict.fromkeys(self.numbers, 1)
        self.sizes = {size: self.numbers[number] for size, number in network.sizes.items()}
        self._runs: dict[Seed | None, Run] = {}

    def run(self, seed: Seed | None = None) -> Run:
        if seed not in self._runs:
            self._runs[seed] = Run(self, seed)
        return self._runs[seed]

    def shape(self, name: str) -> tuple[int, int]:
        rows, columns = self.network.layout.shapes[name]
        return self.numbers[rows], self.numbers[columns]

    def drawn(self, name: str, step: int | None) -> Array:
        """Return random entries; of one-hot data, entries that sum to one."""
        arithmetic = self.arithmetic
        shape = self.shape(name)
        entries = np.empty(shape, dtype=object)
        for index in np.ndindex(*shape):
            entries[index] = arithmetic.draw(name, step, *index)
        if name in self.network.source.one_hot:
            last = arithmetic.number(Integer(1))
            flat = entries.reshape(-1)
            for entry in flat[:-1]:
                last = last - entry
            flat[-1] = arithmetic.reduce(np.array([last], dtype=object))[0]
        return entries

    def check_step(self, name: str, step: int) -> None:
        """Refuse steps before the first and more than one behind the last.

        Raises
        ------
        OutOfRange
        """
        first = self.network.start - self.network.lags.get(name, 0)
        last = self.steps + max(1, self.network.backward.get(name, 0))
        if not (first <= step or self.is_lenient) or step > last:
            raise OutOfRange(f"{name} has no step {step}.")


class Run:
    """One pass through the network, in which at most one thing moves."""

    def __init__(self, point: Point, seed: Seed | None) -> None:
        self.point = point
        self.seed = seed
        self._values: dict[tuple[str, int | None], Dual] = {}
        self._asked: set[tuple[str, int | None]] = set()
        self._evaluators: dict[tuple[Reading, int | None], Evaluator] = {}

    def evaluator(self, reading: Reading = AS_WRITTEN, here: int | None = None) -> Evaluator:
        """Return what evaluates terms in this run; equations of a step stand at `here`."""
        from derivations.claims.evaluation import Evaluator

        key = (reading, here)
        if key not in self._evaluators:
            self._evaluators[key] = Evaluator(self, reading, here)
        return self._evaluators[key]

    def quantity(self, name: str, step: int | None, here: int | None = None) -> Dual:
        """Return a quantity, as an equation of the step `here` sees it."""
        seed = self.seed
        is_elsewhere = (
            step not in (None, here) if seed is not None and seed.carries == "step" else True
        )
        if (
            seed is not None
            and seed.carries != "all"
            and here is not None
            and is_elsewhere
            and (name != seed.name or (seed.carries == "once" and step != seed.step))
        ):
            return Dual(self.point.run().quantity(name, step).value)
        if self._is_before_seed(step):
            return self.point.run().quantity(name, step)  # nothing moves before the seed
        key = (name, step)
        if key not in self._values:
            if key in self._asked:
                raise Undefined(f"{name.removesuffix('@')} is computed from itself.")
            self._asked.add(key)
            try:
                dual = self._computed(name, step)
            finally:
                self._asked.discard(key)
            if seed is not None and (name, step) == (seed.name, seed.step) and not seed.is_argument:
                dual = Dual(dual.value, self._directions(dual.value.shape))
            self._values[key] = dual
        return self._values[key]

    def _is_before_seed(self, step: int | None) -> bool:
        if self.seed is None or self.seed.step is None or step is None:
            return False
        return step < self.seed.step and self.point.network.is_causal

    def _directions(self, shape: tuple[int, ...]) -> Array:
        count = int(np.prod(shape))
        return identity(count, self.point.arithmetic).reshape(count, *shape)

    def _computed(self, name: str, step: int | None) -> Dual:
        point, network = self.point, self.point.network
        if step is not None:
            point.check_step(name, step)
            special = network.special.get((name, step))
            if special is not None:
                return self._evaluated(special.right, {}, step, name)
        equation = network.forward.get(name)
        letters = network.letters(name, step)
        if step is not None and self._is_given(name, step, letters):
            return Dual(self._initial(name, step))
        if equation is not None:
            return self._evaluated(equation.right, letters, step, name)
        arguments = network.unspecified(name)
        if arguments is not None:
            return self._unspecified(name, step, arguments)
        if name == network.source.total and step is None and network.loss is not None:
            return self._total(network.loss)
        return Dual(point.drawn(name, step))

    def _is_given(self, name: str, step: int, letters: Mapping[str, int]) -> bool:
        """Tell whether a quantity stands before the first step, a backward one behind the last."""
        network = self.point.network
        if name in network.backward:
            return step > self.point.steps
        return min(letters.values() if name in network.forward else [step]) < network.start

    def _initial(self, name: str, step: int) -> Array:
        is_zero = any(
            zero.key == name and zero.time == Step((), step)
            for zero in self.point.network.source.zeros
        )
        if not is_zero:
            return self.point.drawn(name, step)
        zero = self.point.arithmetic.number(Integer(0))
        return np.full(self.point.shape(name), zero, dtype=object)

    def _evaluated(
        self, right: Term, letters: Mapping[str, int], step: int | None, name: str
    ) -> Dual:
        evaluator = self.evaluator(here=step)
        environment = {"T": self.point.steps, **letters}
        if isinstance(right, Call):
            return self._unspecified(name, step, list(right.arguments))
        from derivations.claims.evaluation.functions import applied

        seed = self.seed
        if (
            seed is not None
            and seed.is_argument
            and (name, step) == (seed.name, seed.step)
            and isinstance(right, Apply)
        ):
            argument = evaluator.value(right.argument, environment).dual
            moved = self._directions(argument.value.shape)
            if argument.tangent is not None:
                raise Undefined("An argument that moves by itself.")
            return applied(evaluator, right, Dual(argument.value, moved)).dual
        value = evaluator.value(right, environment)
        if value.number:
            return Dual(np.full(self.point.shape(name), value.dual.value[0, 0], dtype=object))
        return value.dual

    def _unspecified(self, name: str, step: int | None, arguments: list[Term]) -> Dual:
        point = self.point
        evaluator = self.evaluator(here=step)
        environment = {"T": point.steps, **point.network.letters(name, step)}
        duals = [evaluator.value(argument, environment).dual for argument in arguments]
        return self.unknown(name, step or 0, duals, point.shape(name))

    def unknown(self, name: str, step: int, duals: Sequence[Dual], shape: tuple[int, int]) -> Dual:
        """Return values and gradients that nothing but the arguments and the step decides."""
        arithmetic = self.point.arithmetic
        values = [entry for dual in duals for entry in dual.value.flat]
        result = np.empty(shape, dtype=object)
        count = next((d.tangent.shape[0] for d in duals if d.tangent is not None), None)
        moved = None if count is None else np.empty((count, *shape), dtype=object)
        for place, index in enumerate(np.ndindex(*shape)):
            label = name if shape == (1, 1) else f"{name}{index}"
            result[index], slopes = arithmetic.unspecified(label, step, values)
            if moved is not None and count is not None:
                stacked = _stacked(duals, count, arithmetic.number(Integer(0)))
                direction = arithmetic.reduce(stacked @ np.array(slopes, dtype=object))
                moved.reshape(count, -1)[:, place] = direction
        return Dual(result, moved)

    def _total(self, loss: str) -> Dual:
        from derivations.claims.rules import Rules

        point = self.point
        first = point.steps if point.network.is_last_only else point.network.start
        rules = Rules(point.arithmetic, AS_WRITTEN)
        from derivations.claims.values import Value

        terms = [(1, Value(self.quantity(loss, s))) for s in range(first, point.steps + 1)]
        return rules.add(terms).dual


def _stacked(duals: Sequence[Dual], count: int, zero: object) -> Array:
    """Return the tangents of several arguments side by side, one row a direction."""
    return np.concatenate(
        [
            np.full((count, d.value.size), zero, dtype=object)
            if d.tangent is None
            else d.tangent.reshape(count, -1)
            for d in duals
        ],
        axis=1,
    )
