"""The forward equations at one random point, and how everything moves when one quantity moves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from sympy import Add, Expr, Integer, MatrixExpr, MatrixSymbol, Pow, Symbol

from derivations.activations import ScalarFunction
from derivations.algebra import parameters, quantities
from derivations.errors import NotationError, StepError, UnsupportedError
from derivations.expressions import (
    Blocks,
    Partial,
    Quantity,
    T,
    Vec,
    is_parameter,
    t,
    timeless,
)
from derivations.notation.names import Scope
from derivations.proof.arithmetic import Arithmetic, Array
from derivations.proof.evaluate import Dual, evaluate

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
    """What moves: quantities at steps, or a parameter, and at which step alone it is felt.

    Several quantities move one after another, and none of them because of another: a state of
    several parts is changed part by part.

    Attributes
    ----------
    keys : tuple of (name, step)
        The step is None for a parameter.
    only_at : int or None
        For an immediate derivative, the one step whose equations feel the change.
    """

    keys: tuple[Key, ...]
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
    stacks : mapping of name to Blocks
        Symbols that stand for quantities below each other; they have derivatives.
    one_hot : frozenset of str
        Data whose entries sum to one.
    scope : Scope
        Shapes and functions.
    total : MatrixExpr
        What computes the total loss, which carries no time and may share its name with E_t.
    reach : mapping of str to (int, int)
        How many steps before the first, and behind the last, a state is given.
    zeros : frozenset of str
        States whose given values are zero.
    """

    forward: Mapping[str, MatrixExpr]
    definitions: Mapping[str, MatrixExpr]
    stacks: Mapping[str, Blocks]
    one_hot: frozenset[str]
    scope: Scope
    total: MatrixExpr
    reach: Mapping[str, tuple[int, int]]
    zeros: frozenset[str]

    def check_step(self, name: str, step: int | None, steps: int) -> None:
        """Refuse a step at which a quantity does not stand.

        Steps run from 1 to T, and a state's from as far before as it is given. As many steps
        beyond the end may be named, of everything: an adjoint is zero there, and a value, which
        only that zero multiplies, is arbitrary. Where something is computed from later steps, all
        this holds at the other end, too.

        Raises
        ------
        StepError
            When the step lies outside.
        """
        if step is None or name in self.stacks:
            return
        before, behind = self.reach.get(name, (0, 0))
        past, future = self.margins
        first, last = 1 - max(before, future), steps + max(behind, past)
        if not first <= step <= last:
            raise StepError(f"{name} has no step {step}: its steps run from {first} to {last}.")

    @cached_property
    def margins(self) -> tuple[int, int]:
        """The largest number of steps that anything is given before the first and behind T."""
        past = max((past for past, _ in self.reach.values()), default=0)
        future = max((future for _, future in self.reach.values()), default=0)
        return past, future

    @cached_property
    def _users(self) -> Mapping[str, frozenset[str]]:
        """For every name, what is computed from it, at any step."""
        users: dict[str, set[str]] = {}
        for name, expression in self.forward.items():
            for symbol in (*quantities(expression), *parameters(expression)):
                users.setdefault(symbol.name, set()).add(name)
        return {name: frozenset(found) for name, found in users.items()}

    def influenced(self, name: str) -> frozenset[str]:
        """Return what depends on a quantity or a parameter, itself included."""
        if name not in self._influenced:
            found: set[str] = set()
            waiting = [name]
            while waiting:
                current = waiting.pop()
                if current not in found:
                    found.add(current)
                    waiting.extend(self._users.get(current, ()))
            self._influenced[name] = frozenset(found)
        return self._influenced[name]

    @cached_property
    def _influenced(self) -> dict[str, frozenset[str]]:
        return {}


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
        self.partials: dict[object, Array] = {}
        self._answers: dict[object, tuple[Array, Array]] = {}

    def run(self, seed: Seed | None = None) -> Run:
        """Return the run in which a seed moves."""
        if seed not in self._runs:
            self._runs[seed] = Run(self, seed)
        return self._runs[seed]

    def answer(self, question: object, array: Array, compute: Callable[[], Array]) -> Array:
        """Return what was computed from an array, once for the same question about the same array.

        All runs share the values of quantities, so that they ask about the same arrays.
        """
        key = (question, id(array))
        if key not in self._answers:
            self._answers[key] = (array, compute())  # the array is kept, and so is its identity
        return self._answers[key][1]

    def environment(self, steps: Mapping[Symbol, int]) -> RunEnvironment:
        """Return where an equation is evaluated when its free steps have these values."""
        return RunEnvironment(self.run(), {T: self.steps, **steps})

    def size(self, size: Expr) -> int:
        if isinstance(size, Integer):
            return int(size)
        if isinstance(size, Symbol):
            return self.sizes[size]
        parts = [self.size(part) for part in size.args]
        if isinstance(size, Pow):
            return int(parts[0] ** parts[1])
        return sum(parts) if isinstance(size, Add) else math.prod(parts)

    def drawn(self, name: str, step: int | None) -> Array:
        """Return random entries; of one-hot data, entries that sum to one."""
        rows, columns = (self.size(size) for size in self.network.scope.shapes[name])
        if name in self.network.zeros:
            return self.arithmetic.filled((rows, columns), 0)
        is_one_hot = name in self.network.one_hot
        return self.arithmetic.drawn((rows, columns), name, step, sums_to_one=is_one_hot)

    def entries(self, key: Key) -> int:
        """Return how many entries a quantity or a parameter has."""
        return math.prod(self.size(size) for size in self.network.scope.shapes[key[0]])


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
        """Return a quantity: computed, given, or, beyond the ends, arbitrary.

        Raises
        ------
        StepError
            When there is no such step.
        UnsupportedError
            When a derivative of a definition is asked for.
        """
        network = self.point.network
        network.check_step(name, step, self.point.steps)
        if name in network.stacks:
            return evaluate(network.stacks[name], RunEnvironment(self, self._steps(step)))
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
        """Return what is known, or make it; the values are those of the run in which nothing moves,
        so that all runs hold the same arrays."""
        if key not in self._values:
            if self.seed is None:
                self._values[key] = make()
            else:
                base = self.point.run()
                value = (base.parameter(key[0]) if given else base.quantity(*key)).value
                tangent = None
                if self._is_seed(key, given):
                    tangent = self._directions(key, value.shape)
                elif not given and self._is_felt(*key):
                    tangent = make().tangent
                self._values[key] = Dual(value, tangent)
        return self._values[key]

    def _is_seed(self, key: Key, given: bool) -> bool:
        assert self.seed is not None
        return key in self.seed.keys and given == (key[1] is None)

    def _directions(self, key: Key, shape: tuple[int, ...]) -> Array:
        """Return the directions of the whole seed, in which this part moves in its own ones."""
        assert self.seed is not None
        place = self.seed.keys.index(key)
        counts = [self.point.entries(part) for part in self.seed.keys]
        moved = self.point.arithmetic.identity(sum(counts))
        before = sum(counts[:place])
        return moved[:, before : before + counts[place]].reshape(-1, *shape)

    def _computed(self, name: str, step: int | None) -> Dual:
        network = self.point.network
        expression = network.total if step is None else network.forward.get(name)
        is_inside = step is None or 1 <= step <= self.point.steps
        if expression is None or not is_inside:
            return Dual(self.point.drawn(name, step))
        return evaluate(expression, RunEnvironment(self, self._steps(step)))

    def _is_felt(self, name: str, step: int | None) -> bool:
        """Tell whether a computed quantity may change with what moves."""
        assert self.seed is not None
        if step is None:
            return True
        if self.seed.only_at is not None:
            return self.seed.only_at == step
        network = self.point.network
        looks_ahead = network.margins[1] > 0
        return any(
            name in network.influenced(moved) and (at is None or looks_ahead or at <= step)
            for moved, at in self.seed.keys
        )


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

    def label(self, label: Quantity, count: int) -> int:
        """Return the place that an integer label names, counted from 0."""
        return self.arithmetic.choose(count, label.name, self.step(label.time))

    def function(self, function: ScalarFunction, order: int, array: Array) -> Array:
        question = (function.name, order)
        return self._run.point.answer(
            question, array, lambda: self.arithmetic.function(function, order, array)
        )

    def reciprocal(self, array: Array) -> Array:
        compute = self.arithmetic.reciprocal
        return self._run.point.answer("reciprocal", array, lambda: compute(array))

    def partial(self, partial: Partial) -> Array:
        """Push the seed through the forward equations and read the tangents off."""
        point = self._run.point
        if self._run.seed is not None or partial.by.name in point.network.definitions:
            raise UnsupportedError("A derivative of a derivative is not judged.")
        of, by = partial.of, partial.by
        if not isinstance(of, Quantity) and not is_parameter(of):
            return self._differentiated(partial)
        steps = [None if is_parameter(q) else self._step_of(q) for q in (of, by)]
        key = (of.name, by.name, partial.immediate, is_parameter(by), *steps)
        if key not in point.partials:
            point.partials[key] = self._differentiated(partial)
        return point.partials[key]

    def _step_of(self, quantity: Quantity) -> int | None:
        return None if quantity.time == timeless else self.step(quantity.time)

    def _differentiated(self, partial: Partial) -> Array:
        only_at = self._felt_at(partial) if partial.immediate else None
        run = self._run.point.run(Seed(self._moved(partial.by), only_at))
        of = evaluate(partial.of, RunEnvironment(run, self._steps))
        rows, columns = (self.size(size) for size in partial.shape)
        if of.tangent is None:
            return self.arithmetic.filled((rows, columns), 0)
        directions = of.tangent.shape[0]
        flat = of.tangent.reshape(directions, -1)  # one row for each direction of the seed
        return flat.reshape(rows, columns) if flat.shape[1] == 1 else flat.T.reshape(rows, columns)

    def _moved(self, by: Quantity | MatrixSymbol) -> tuple[Key, ...]:
        """Return what moves when a quantity does, or each part of a stack of quantities."""
        if is_parameter(by):
            return ((by.name, None),)
        network = self._run.point.network
        if by.name not in network.stacks:
            step = self.step(by.time)
            network.check_step(by.name, step, self._run.point.steps)
            return ((by.name, step),)
        inside = self.at({t: self.step(by.time)})
        parts = (p.matrix if isinstance(p, Vec) else p for p in network.stacks[by.name].entries)
        return tuple(key for part in parts for key in inside._moved(part))

    def _felt_at(self, partial: Partial) -> int:
        if not isinstance(partial.of, Quantity) or partial.of.time == timeless:
            raise NotationError("An immediate derivative is taken of a quantity at one step.")
        return self.step(partial.of.time)
