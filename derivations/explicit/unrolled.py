"""A network written out: one rule a node, every entry a SymPy scalar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce, singledispatch
from itertools import product
from math import prod
from operator import add

import sympy
from sympy import Basic, Expr, Function, Integer, MatrixExpr, Piecewise, Symbol

from derivations.activations import x as argument
from derivations.derivation import Equation
from derivations.errors import ModelError, ProofError, UnsupportedError
from derivations.expressions import (
    Blocks,
    Diag,
    Elementwise,
    Entry,
    HadamardPower,
    HadamardProduct,
    Identity,
    MatAdd,
    MatMul,
    MatrixSymbol,
    Maximum,
    OneMatrix,
    Part,
    Partial,
    Quantity,
    Scaled,
    Softmax,
    SquaredNorm,
    T,
    TimeSum,
    Transpose,
    UnitVector,
    Unspecified,
    ZeroMatrix,
    t,
    timeless,
)
from derivations.model import Model

_FILE = "derivations/explicit/unrolled.py"


class Unrolled:
    """A network with sizes and a number of steps, every entry of everything a SymPy scalar.

    `backward` are equations that define further quantities at step t or one step, the adjoints.

    Examples
    --------
    >>> model = Model.read("h_t = tanh(W h_{t-1})\\nE_t depends on h_t")
    >>> Unrolled(model, {"n": 1}, 2).quantity("h", 1)
    Matrix([[tanh(W[0,0]*h(0)[0,0])]])
    """

    def __init__(
        self,
        model: Model,
        sizes: Mapping[str, int],
        steps: int,
        backward: tuple[Equation, ...] = (),
    ) -> None:
        self.model = model
        self.sizes = _checked_sizes(model, sizes)
        if steps < 1:
            raise ModelError(f"A network needs at least one step to unroll; {steps} came.")
        self.steps = steps
        rules = [(d.quantity, d.expression) for d in model.definitions]
        self._rules: dict[tuple[str, object], MatrixExpr] = {}
        for left, right in [*rules, *((equation.left, equation.right) for equation in backward)]:
            self._rules[left.name, t if left.time == t else self.step(left.time, {})] = right
        self._known: dict[tuple[str, object], sympy.Matrix] = {}

    def quantity(self, name: str, step: int | None) -> sympy.Matrix:
        """Return the entries of a quantity at a step; None is the place of one without time."""
        if (name, step) not in self._known:
            self._known[name, step] = self._made(name, step)
        return self._known[name, step]

    def _made(self, name: str, step: int | None) -> sympy.Matrix:
        if (name, step) in self._rules:
            return entries(self._rules[name, step], self, {})
        if (name, t) in self._rules and step is not None and 1 <= step <= self.steps:
            return entries(self._rules[name, t], self, {t: step})
        if step is None or name not in self.model.scope.shapes:
            raise ProofError(f"Nothing says what {name} is at step {step}.")
        if name in self.model.zeros:
            return sympy.zeros(*self.shape(self.model.scope.shapes[name]))
        # data, a first state, or what is computed beyond the ends: then any value must do
        given = self.symbols(f"{name}({step})", self.model.scope.shapes[name])
        if name in self.model.one_hot:
            ones = sympy.ones(1, given.rows - 1)
            given[-1, :] = sympy.ones(1, given.cols) - ones * given[:-1, :]
        return given

    def symbols(self, name: str, shape: tuple[Expr, Expr]) -> sympy.Matrix:
        """Return a matrix of scalar symbols."""
        return sympy.Matrix(*self.shape(shape), lambda i, j: Symbol(f"{name}[{i},{j}]", real=True))

    def label(self, label: Quantity, steps: Mapping[Symbol, int], count: int) -> int:
        """Return the place that a label names at a step: another one at every step."""
        return (self.step(label.time, steps) or 0) % count

    def shape(self, shape: tuple[Expr, Expr]) -> tuple[int, int]:
        """Return two symbolic sizes in numbers."""
        rows, columns = (int(size.subs(self.sizes)) for size in shape)
        return rows, columns

    def step(self, time: Expr, steps: Mapping[Symbol, int]) -> int | None:
        """Return a symbolic step as a number."""
        return None if time == timeless else int(time.subs({T: self.steps, **steps}))

    @property
    def intermediates(self) -> Iterator[Expr]:
        """Every entry that the forward equations compute, the first step first."""
        names = [d.quantity.name for d in self.model.definitions if d.quantity.time == t]
        for step, name in product(range(1, self.steps + 1), names):
            yield from self.quantity(name, step)


def _checked_sizes(model: Model, sizes: Mapping[str, int]) -> dict[Symbol, int]:
    symbols = {size.name: size for size in model.sizes}
    wanted = f"This model has the sizes {', '.join(symbols)}."
    for name in sorted(symbols.keys() ^ sizes.keys()):
        problem = "A number is missing for" if name in symbols else "This model does not have"
        raise ModelError(f"{problem} the size {name}.", hint=wanted)
    for name, size in sizes.items():
        if size < 1:
            raise ModelError(f"The size {name} must be at least 1; {size} came.")
    return {symbols[name]: size for name, size in sizes.items()}


# What each node means in scalars


@singledispatch
def entries(node: Basic, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    """Return the entries of a matrix expression when its free steps have these numbers.

    Raises
    ------
    UnsupportedError
        For a node that has no rule here.
    """
    raise UnsupportedError(f"{_FILE} does not write out {type(node).__name__} in scalars.")


def _all(node: Basic, network: Unrolled, steps: Mapping[Symbol, int]) -> list[sympy.Matrix]:
    return [entries(part, network, steps) for part in node.args]


@entries.register(Quantity)
def entries_of_quantity(
    node: Quantity, network: Unrolled, steps: Mapping[Symbol, int]
) -> sympy.Matrix:
    return network.quantity(node.name, network.step(node.time, steps))


@entries.register(MatrixSymbol)
def entries_of_parameter(
    node: MatrixSymbol, network: Unrolled, steps: Mapping[Symbol, int]
) -> sympy.Matrix:
    return network.symbols(node.name, node.shape)


@entries.register(MatAdd)
def entries_of_sum(node: MatAdd, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return reduce(add, _all(node, network, steps))


@entries.register(MatMul)
def entries_of_product(
    node: MatMul, network: Unrolled, steps: Mapping[Symbol, int]
) -> sympy.Matrix:
    number, factors = node.as_coeff_matrices()
    return prod((entries(f, network, steps) for f in factors), start=number.subs(network.sizes))


@entries.register(HadamardProduct)
def entries_of_hadamard_product(
    node: HadamardProduct, network: Unrolled, steps: Mapping[Symbol, int]
) -> sympy.Matrix:
    return reduce(sympy.Matrix.multiply_elementwise, _all(node, network, steps))


@entries.register(HadamardPower)
def entries_of_hadamard_power(
    node: HadamardPower, network: Unrolled, steps: Mapping[Symbol, int]
) -> sympy.Matrix:
    return entries(node.base, network, steps).applyfunc(lambda entry: entry**node.exp)


@entries.register(Transpose)
def entries_of_transpose(
    node: Transpose, network: Unrolled, steps: Mapping[Symbol, int]
) -> sympy.Matrix:
    return entries(node.arg, network, steps).T


@entries.register(OneMatrix)
@entries.register(ZeroMatrix)
@entries.register(Identity)
def entries_of_constant(
    node: MatrixExpr, network: Unrolled, steps: Mapping[Symbol, int]
) -> sympy.Matrix:
    return sympy.Matrix(*network.shape(node.shape), lambda i, j: node[i, j])


@entries.register(Scaled)
def entries_of_scaled(node: Scaled, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    (scalar,) = entries(node.scalar, network, steps)
    return scalar * entries(node.body, network, steps)


@entries.register(Blocks)
def entries_of_blocks(node: Blocks, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    rows = ([entries(block, network, steps) for block in row] for row in node.rows_of_blocks)
    return sympy.Matrix.vstack(*(sympy.Matrix.hstack(*row) for row in rows))


@entries.register(Part)
def entries_of_part(node: Part, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    (top, bottom), (left, right) = map(network.shape, (node.row_range, node.column_range))
    return entries(node.matrix, network, steps)[top:bottom, left:right]


@entries.register(Entry)
def entries_of_entry(node: Entry, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    vector = entries(node.vector, network, steps)
    return sympy.Matrix([vector[network.label(node.label, steps, vector.rows)]])


@entries.register(UnitVector)
def entries_of_unit_vector(
    node: UnitVector, network: Unrolled, steps: Mapping[Symbol, int]
) -> sympy.Matrix:
    size, _ = network.shape(node.shape)
    return sympy.eye(size)[:, network.label(node.label, steps, size)]


@entries.register(Maximum)
def entries_of_maximum(
    node: Maximum, network: Unrolled, steps: Mapping[Symbol, int]
) -> sympy.Matrix:
    first, second = _all(node, network, steps)
    larger = _in_one_piece((argument, argument > 0), (Integer(0), sympy.true))
    return second + (first - second).applyfunc(lambda entry: larger.xreplace({argument: entry}))


@entries.register(Diag)
def entries_of_diag(node: Diag, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return sympy.diag(*entries(node.vector, network, steps))


@entries.register(SquaredNorm)
def entries_of_squared_norm(
    node: SquaredNorm, network: Unrolled, steps: Mapping[Symbol, int]
) -> sympy.Matrix:
    return sympy.Matrix([[sum(e**2 for e in entries(node.argument, network, steps))]])


@entries.register(Softmax)
def entries_of_softmax(
    node: Softmax, network: Unrolled, steps: Mapping[Symbol, int]
) -> sympy.Matrix:
    powers = entries(node.argument, network, steps).applyfunc(sympy.exp)
    return powers / sum(powers)


@entries.register(Elementwise)
def entries_of_elementwise(
    node: Elementwise, network: Unrolled, steps: Mapping[Symbol, int]
) -> sympy.Matrix:
    function = network.model.scope.function(node.function)
    inner = entries(node.argument, network, steps)
    if function is None:
        raise UnsupportedError(f"Nothing says what the function {node.function} is.")
    if function.formula is not None:
        formula = function.formula.diff(argument, node.order) if node.order else function.formula
        formula = formula.replace(Piecewise, _in_one_piece)
        return inner.applyfunc(lambda entry: formula.xreplace({argument: entry}))
    if node.order > 1:
        raise UnsupportedError(f"{_FILE} differentiates an unspecified function once only.")
    calls = inner.applyfunc(Function(node.function, real=True))
    return calls.applyfunc(lambda call: call.fdiff(1)) if node.order else calls


class Holds(Function):  # type: ignore[misc]
    """1 where a condition on x holds and 0 elsewhere, so that its slope is 0 on each piece.

    SymPy's Piecewise decides its conditions anew at each step of a differentiation, which takes
    minutes in a network.
    """

    def fdiff(self, argindex: int = 1) -> Expr:
        """Return the slope."""
        return Integer(0)


def _in_one_piece(*pieces: tuple[Expr, Basic]) -> Expr:
    value = Integer(0)
    for piece, condition in reversed(pieces):
        holds = 1 if condition == sympy.true else Holds(argument, Symbol(str(condition)))
        value = holds * piece + (1 - holds) * value
    return value


@entries.register(Unspecified)
def entries_of_unspecified(
    node: Unspecified, network: Unrolled, steps: Mapping[Symbol, int]
) -> sympy.Matrix:
    # each step has a function of its own, so that nothing can hide in all of them being equal
    inner = [entry for part in node.arguments for entry in entries(part, network, steps)]
    return sympy.Matrix([[Function(node.name, real=True)(*inner, steps[t])]])


@entries.register(Partial)
def entries_of_partial(
    node: Partial, network: Unrolled, steps: Mapping[Symbol, int]
) -> sympy.Matrix:
    """The derivative of an unspecified loss by one of its arguments; no other one is left."""
    of, by = node.of, node.by
    loss = next((d.expression for d in network.model.definitions if d.quantity == of.at(t)), None)
    by = by.at(by.time - of.time + t) if isinstance(by, Quantity) else by
    if not isinstance(loss, Unspecified) or by not in loss.arguments:
        raise UnsupportedError(f"{_FILE} computes with no derivative but of an unspecified loss.")
    (call,) = entries(of, network, steps)
    before = loss.arguments[: loss.arguments.index(by)]
    first = 1 + sum(prod(network.shape(part.shape)) for part in before)
    rows, columns = network.shape(node.shape)
    return sympy.Matrix(rows, columns, [call.fdiff(first + k) for k in range(rows * columns)])


@entries.register(TimeSum)
def entries_of_time_sum(
    node: TimeSum, network: Unrolled, steps: Mapping[Symbol, int]
) -> sympy.Matrix:
    first, last = (int(bound.subs({T: network.steps, **steps})) for bound in node.args[2:])
    every = [{**steps, node.index: step} for step in range(first, last + 1)]
    zero = sympy.zeros(*network.shape(node.shape))
    return sum((entries(node.body, network, at) for at in every), zero)


# The two opinions
