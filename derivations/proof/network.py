"""The forward equations at one random point, and how everything moves when one quantity moves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from sympy import Add, Expr, Integer, MatrixExpr, Symbol

from derivations.activations import ScalarFunction
from derivations.errors import NotationError, StepError, UnsupportedError
from derivations.expressions import FlatSize, Partial, Quantity, T, is_parameter, t, timeless
from derivations.notation.names import Scope
from derivations.proof.arithmetic import Arithmetic, Array
from derivations.proof.evaluate import Dual, evaluate, identity

Key = tuple[str, int | None]


def step_at(time: Expr, steps: Mapping[Symbol, int]) -> int:
    """Return the number of a step, which is a signed sum of letters and numbers.

    ``subs`` would do the same; it took two thirds of a proof.

    Raises
    ------
    NotationError
        When a letter in it stands for no step.

    Examples
    --------
    >>> step_at(T - 1, {T: 5})
    4
    """
    if isinstance(time, Integer):
        return int(time)
    if isinstance(time, Symbol):
        if time not in steps:
            raise NotationError(f"The step {time} is not said to run over anything.")
        return steps[time]
    parts = [step_at(part, steps) for part in time.args]
    return sum(parts) if isinstance(time, Add) else math.prod(parts)


@dataclass(frozen=True)
class Seed:
    """What moves: a quantity at a step, or a parameter, and at which step alone it is felt.

    Attributes
    ----------
    name : str
    step : int or None
        None for a parameter.
    only_at : int or None
        For an immediate derivative, the one step whose equations feel the change.
    """

    name: str
    step: int | None
    only_at: int | None = None


@dataclass(frozen=True)
class Network:
    """Forward equations and definitions, as the judge runs them.

    Attributes
    ----------
    forward : mapping of name to expression
        What computes each quantity at step t; derivatives go through these.
    definitions : mapping of name to expression
        Symbols that stand for an expression, such as an adjoint for its derivative.
    one_hot : frozenset of str
        Data whose entries sum to one.
    scope : Scope
        Shapes and functions.
    total : MatrixExpr
        What computes the total loss, which carries no time and may share its name with E_t.
    states : frozenset of str
        Quantities with a given value at step 0, and what may be named there.
    """

    forward: Mapping[str, MatrixExpr]
    definitions: Mapping[str, MatrixExpr]
    one_hot: frozenset[str]
    scope: Scope
    total: MatrixExpr
    states: frozenset[str]

    def check_step(self, name: str, step: int | None, steps: int) -> None:
        """Refuse a step at which a quantity does not stand.

        Steps run from 1 to T, a state's from 0. One step beyond the end may be named: an adjoint
        is zero there, and a value, which only that zero multiplies, is arbitrary.

        Raises
        ------
        StepError
            When the step lies outside.
        """
        first = 0 if name in self.states else 1
        if step is not None and not first <= step <= steps + 1:
            raise StepError(f"{name} has no step {step}: its steps run from {first} to T.")


class Point:
    """A network with values: sizes, a number of steps, and draws for everything that is given.

    Runs are made when they are asked for and kept: one without a seed for the values, and one for
    each seed of a derivative.
    """

    def __init__(
        self, network: Network, arithmetic: Arithmetic, sizes: Mapping[Symbol, int], steps: int
    ) -> None:
        self.network = network
        self.arithmetic = arithmetic
        self.sizes = sizes
        self.steps = steps
        self._runs: dict[Seed | None, Run] = {}

    def run(self, seed: Seed | None = None) -> Run:
        """Return the run in which a seed moves."""
        if seed not in self._runs:
            self._runs[seed] = Run(self, seed)
        return self._runs[seed]

    def environment(self, steps: Mapping[Symbol, int]) -> RunEnvironment:
        """Return where an equation is evaluated when its free steps have these values."""
        return RunEnvironment(self.run(), {T: self.steps, **steps})

    def size(self, size: Expr) -> int:
        if isinstance(size, FlatSize):
            return int(np.prod([self.size(axis) for axis in size.args]))
        if isinstance(size, Integer):
            return int(size)
        return self.sizes[size]

    def drawn(self, name: str, step: int | None) -> Array:
        """Return random entries; of one-hot data, entries that sum to one."""
        arithmetic = self.arithmetic
        rows, columns = (self.size(size) for size in self.network.scope.shapes[name])
        entries = np.empty((rows, columns), dtype=object)
        for index in np.ndindex(rows, columns):
            entries[index] = arithmetic.draw(name, step, *index)
        if name in self.network.one_hot:
            one = np.full(columns, arithmetic.number(Integer(1)), dtype=object)
            entries[-1] = arithmetic.reduce(one - entries[:-1].sum(axis=0))
        return entries


class Run:
    """One pass through the network, in which at most one thing moves."""

    def __init__(self, point: Point, seed: Seed | None) -> None:
        self.point = point
        self.seed = seed
        self._values: dict[Key, Dual] = {}

    def parameter(self, name: str) -> Dual:
        """Return a parameter."""
        return self._remember((name, None), lambda: Dual(self.point.drawn(name, None)), given=True)

    def quantity(self, name: str, step: int | None) -> Dual:
        """Return a quantity: computed, given, or, one step beyond the end, arbitrary.

        Raises
        ------
        StepError
            When there is no such step.
        UnsupportedError
            When a derivative of a definition is asked for.
        """
        self.point.network.check_step(name, step, self.point.steps)
        network = self.point.network
        if name in network.definitions and (name, step) not in self._values:
            if self.seed is not None:
                raise UnsupportedError(
                    f"A derivative of {name}, itself a derivative, is not judged."
                )
            expression = network.definitions[name]
            value = evaluate(expression, RunEnvironment(self, self._steps(step)))
            self._values[name, step] = Dual(value.value)
        return self._remember((name, step), lambda: self._computed(name, step))

    def _steps(self, step: int | None) -> dict[Symbol, int]:
        return {T: self.point.steps} if step is None else {T: self.point.steps, t: step}

    def _remember(self, key: Key, make: Callable[[], Dual], given: bool = False) -> Dual:
        if key not in self._values:
            dual = make()
            if self.seed is not None and self._is_seed(key, given):
                dual = Dual(dual.value, self._directions(dual.value.shape))
            self._values[key] = dual
        return self._values[key]

    def _is_seed(self, key: Key, given: bool) -> bool:
        assert self.seed is not None
        return key == (self.seed.name, self.seed.step) and given == (self.seed.step is None)

    def _directions(self, shape: tuple[int, ...]) -> Array:
        count = int(np.prod(shape))
        return identity(count, self.point.arithmetic).reshape(count, *shape)

    def _computed(self, name: str, step: int | None) -> Dual:
        network = self.point.network
        expression = network.total if step is None else network.forward.get(name)
        is_inside = step is None or 1 <= step <= self.point.steps
        if expression is None or not is_inside:
            return Dual(self.point.drawn(name, step))
        if self.seed is not None and self.seed.only_at not in (None, step):
            return Dual(self.point.run().quantity(name, step).value)
        return evaluate(expression, RunEnvironment(self, self._steps(step)))


class RunEnvironment:
    """A run, and what the steps in an expression stand for."""

    def __init__(self, run: Run, steps: Mapping[Symbol, int]) -> None:
        self._run = run
        self._steps = dict(steps)
        self.arithmetic = run.point.arithmetic

    def size(self, size: Expr) -> int:
        return self._run.point.size(size)

    def step(self, time: Expr) -> int:
        return step_at(time, self._steps)

    def here(self) -> int:
        return int(self._steps[t])

    def at(self, steps: Mapping[Symbol, int]) -> RunEnvironment:
        return RunEnvironment(self._run, {**self._steps, **steps})

    def parameter(self, name: str) -> Dual:
        return self._run.parameter(name)

    def quantity(self, name: str, step: int | None) -> Dual:
        return self._run.quantity(name, step)

    def scalar_function(self, name: str) -> ScalarFunction:
        found = self._run.point.network.scope.function(name)
        if found is None:
            raise UnsupportedError(f"The function {name} is not known.")
        return found

    def partial(self, partial: Partial) -> Array:
        """Push the seed through the forward equations and read the tangents off."""
        by = partial.by
        if self._run.seed is not None or by.name in self._run.point.network.definitions:
            raise UnsupportedError("A derivative of a derivative is not judged.")
        step = None if is_parameter(by) else self.step(by.time)
        if step is not None:
            self._run.point.network.check_step(by.name, step, self._run.point.steps)
        only_at = self._felt_at(partial) if partial.immediate else None
        run = self._run.point.run(Seed(by.name, step, only_at))
        of = evaluate(partial.of, RunEnvironment(run, self._steps))
        rows, columns = (self.size(size) for size in partial.shape)
        if of.tangent is None:
            zero = self.arithmetic.number(Integer(0))
            return np.full((rows, columns), zero, dtype=object)
        directions = of.tangent.shape[0]
        flat = of.tangent.reshape(directions, -1)  # one row for each direction of the seed
        return flat.reshape(rows, columns) if flat.shape[1] == 1 else flat.T.reshape(rows, columns)

    def _felt_at(self, partial: Partial) -> int:
        if not isinstance(partial.of, Quantity) or partial.of.time == timeless:
            raise NotationError("An immediate derivative is taken of a quantity at one step.")
        return self.step(partial.of.time)
