"""A small unrolled network written out in scalars: sympy.diff as the second, independent opinion.

    Unrolled                 the forward equations with every entry a SymPy scalar, nothing shared
    explicit_gradients       sympy.diff of the total loss by every scalar; no chain rule of ours
    matrix_form_gradients    the equations of a derivation over the same scalars, from T down to 1
    agree_exactly            both, entry by entry, decided in exact arithmetic

Both sides become Laurent polynomials with rational coefficients, in which tanh(…), exp(…), an
undefined function or its derivative are unknowns. A difference that vanishes there vanishes for
every value, so that agreement is never a matter of luck; equal entries that SymPy writes with
different unknowns would be reported as a disagreement, and none is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import singledispatch
from itertools import product
from math import prod

import sympy
from sympy import Basic, Expr, Function, MatrixExpr, Symbol

from derivations.activations import x as argument
from derivations.derivation import Equation
from derivations.errors import ModelError, ProofError, UnsupportedError
from derivations.expressions import (
    Diag,
    Elementwise,
    HadamardPower,
    HadamardProduct,
    Identity,
    MatAdd,
    MatMul,
    MatrixSymbol,
    OneMatrix,
    Partial,
    Quantity,
    Softmax,
    SquaredNorm,
    T,
    TimeSum,
    Transpose,
    Unspecified,
    ZeroMatrix,
    t,
    timeless,
)
from derivations.model import Model

_FILE = "derivations/explicit.py"


class Unrolled:
    """A network with sizes and a number of steps, every entry of everything a SymPy scalar.

    Parameters
    ----------
    model : Model
        The forward equations.
    sizes : mapping of str to int
        A number for every symbolic size of the model, by its name.
    steps : int
        How many steps are unrolled.
    backward : iterable of Equation
        Equations at step t that define further quantities, such as adjoints.

    Raises
    ------
    ModelError
        When a size is missing, unknown or not positive, or there is no step.

    Examples
    --------
    >>> model = Model.read("h_t = tanh(W h_{t-1})\\nE_t depends on h_t")
    >>> Unrolled(model, {"n": 1}, 2).quantity("h", 1)
    Matrix([[tanh(W[0,0]*h_0[0,0])]])
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
        self._rules = {d.quantity: d.expression for d in model.definitions}
        self._rules |= {equation.left: equation.right for equation in backward}
        self._at_every_step = {q.name: q for q in self._rules if q.time == t}
        self._known: dict[tuple[str, object], sympy.Matrix] = {}

    def quantity(self, name: str, step: int | None) -> sympy.Matrix:
        """Return the entries of a quantity at a step; None is the place of one without time."""
        if (name, step) not in self._known:
            self._known[name, step] = self._made(name, step)
        return self._known[name, step]

    def _made(self, name: str, step: int | None) -> sympy.Matrix:
        for quantity, expression in self._rules.items():
            time = quantity.time.subs(T, self.steps)
            if quantity.name == name and (time == step or (step is None and time == timeless)):
                return entries(expression, self, {})
        rule = self._at_every_step.get(name)
        if rule is not None and step is not None and 1 <= step <= self.steps:
            return entries(self._rules[rule], self, {t: step})
        if step is None or name not in self.model.scope.shapes or (rule and step > self.steps):
            raise ProofError(f"Nothing says what {name} is at step {step}.")
        given = self.symbols(f"{name}_{step}", self.model.scope.shapes[name])
        if name in self.model.one_hot:
            ones = sympy.ones(1, given.rows - 1)
            given[-1, :] = sympy.ones(1, given.cols) - ones * given[:-1, :]
        return given

    def symbols(self, name: str, shape: tuple[Expr, Expr]) -> sympy.Matrix:
        """Return a matrix of scalar symbols."""
        return sympy.Matrix(*self.shape(shape), lambda i, j: Symbol(f"{name}[{i},{j}]", real=True))

    def shape(self, shape: tuple[Expr, Expr]) -> tuple[int, int]:
        """Return a symbolic shape in numbers."""
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
    missing = [name for name in symbols if name not in sizes]
    unknown = [name for name in sizes if name not in symbols]
    if missing:
        raise ModelError(f"A number is missing for the size {', '.join(missing)}.", hint=wanted)
    if unknown:
        raise ModelError(f"There is no size {', '.join(unknown)} in this model.", hint=wanted)
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
def _(node: Quantity, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return network.quantity(node.name, network.step(node.time, steps))


@entries.register(MatrixSymbol)
def _(node: MatrixSymbol, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return network.symbols(node.name, node.shape)


@entries.register(MatAdd)
def _(node: MatAdd, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    first, *others = _all(node, network, steps)
    return sum(others, first)


@entries.register(MatMul)
def _(node: MatMul, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return prod(_all(node, network, steps))


@entries.register(Expr)
def _(node: Expr, network: Unrolled, steps: Mapping[Symbol, int]) -> Expr:
    if isinstance(node, MatrixExpr):
        raise UnsupportedError(f"{_FILE} does not write out {type(node).__name__} in scalars.")
    return node.subs({**network.sizes, T: network.steps, **steps})  # a number in front


@entries.register(HadamardProduct)
def _(node: HadamardProduct, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    first, *others = _all(node, network, steps)
    for other in others:
        first = first.multiply_elementwise(other)
    return first


@entries.register(HadamardPower)
def _(node: HadamardPower, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return entries(node.base, network, steps).applyfunc(lambda entry: entry**node.exp)


@entries.register(Transpose)
def _(node: Transpose, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return entries(node.arg, network, steps).T


@entries.register(OneMatrix)
def _(node: OneMatrix, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return sympy.ones(*network.shape(node.shape))


@entries.register(ZeroMatrix)
def _(node: ZeroMatrix, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return sympy.zeros(*network.shape(node.shape))


@entries.register(Identity)
def _(node: Identity, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return sympy.eye(*network.shape(node.shape))


@entries.register(Diag)
def _(node: Diag, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return sympy.diag(*entries(node.vector, network, steps))


@entries.register(SquaredNorm)
def _(node: SquaredNorm, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return sympy.Matrix([[sum(e**2 for e in entries(node.argument, network, steps))]])


@entries.register(Softmax)
def _(node: Softmax, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    powers = entries(node.argument, network, steps).applyfunc(sympy.exp)
    return powers / sum(powers)


@entries.register(Elementwise)
def _(node: Elementwise, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    function = network.model.scope.function(node.function)
    inner = entries(node.argument, network, steps)
    if function is None:
        raise UnsupportedError(f"Nothing says what the function {node.function} is.")
    if function.formula is not None:
        formula = function.formula.diff(argument, node.order) if node.order else function.formula
        return inner.applyfunc(lambda entry: formula.xreplace({argument: entry}))
    if node.order > 1:
        raise UnsupportedError(f"{_FILE} differentiates an unspecified function once only.")
    calls = inner.applyfunc(Function(node.function, real=True))
    return calls.applyfunc(lambda call: call.fdiff(1)) if node.order else calls


@entries.register(Unspecified)
def _(node: Unspecified, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    # each step has a function of its own, so that nothing can hide in all of them being equal
    inner = [entry for part in node.arguments for entry in entries(part, network, steps)]
    return sympy.Matrix([[Function(node.name, real=True)(*inner, steps[t])]])


@entries.register(Partial)
def _(node: Partial, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    """The derivative of an unspecified loss by one of its arguments; no other one is left."""
    definition = network.model.definition(node.of.name) if isinstance(node.of, Quantity) else None
    loss = definition.expression if definition is not None else None
    if not isinstance(loss, Unspecified) or not isinstance(node.by, Quantity | MatrixSymbol):
        raise UnsupportedError(f"{_FILE} cannot compute with {node}: it is no unspecified loss.")
    by = node.by
    if isinstance(by, Quantity) and by.time == node.of.time:
        by = by.at(t)
    if by not in loss.arguments:
        raise UnsupportedError(f"{_FILE} cannot compute with {node}: not an argument of the loss.")
    (call,) = entries(node.of, network, steps)
    first = 1
    for part in loss.arguments[: loss.arguments.index(by)]:
        first += prod(network.shape(part.shape))
    rows, columns = network.shape(by.shape)
    slopes = [call.fdiff(first + place) for place in range(rows * columns)]
    return sympy.Matrix(*network.shape(node.shape), slopes)


@entries.register(TimeSum)
def _(node: TimeSum, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    lower, upper = network.step(node.lower, steps), network.step(node.upper, steps)
    assert lower is not None and upper is not None
    start = sympy.zeros(*network.shape(node.shape))
    bodies = (
        entries(node.body, network, {**steps, node.index: s}) for s in range(lower, upper + 1)
    )
    return sum(bodies, start)


# The two opinions


def explicit_gradients(
    model: Model, sizes: Mapping[str, int], steps: int
) -> dict[str, sympy.Matrix]:
    """Differentiate the total loss of an unrolled network by every scalar, with sympy.diff.

    Parameters
    ----------
    model : Model
        The forward equations.
    sizes : mapping of str to int
        A number for every symbolic size of the model, by its name.
    steps : int
        How many steps are unrolled.

    Returns
    -------
    dict of str to Matrix
        By the labels of a derivation: ``gradient:W``, ``input:x`` and ``initial:h``. The gradient
        by data has the steps side by side.

    Raises
    ------
    ModelError
        When a size is missing, unknown or not positive, or there is no step.

    Examples
    --------
    >>> model = Model.read("h_t = tanh(W h_{t-1})\\nE_t = \\\\|h_t\\\\|^2 / 2")
    >>> explicit_gradients(model, {"n": 1}, 1)["gradient:W"]
    Matrix([[(1 - tanh(W[0,0]*h_0[0,0])**2)*h_0[0,0]*tanh(W[0,0]*h_0[0,0])]])
    """
    network = Unrolled(model, sizes, steps)
    (total,) = network.quantity(model.total.name, None)
    variables = {f"gradient:{p.name}": entries(p, network, {}) for p in model.parameters}
    for data in _inputs(model):
        at_steps = [network.quantity(data.name, step) for step in range(1, steps + 1)]
        variables[f"input:{data.name}"] = sympy.Matrix.hstack(*at_steps)
    for state in model.states:
        variables[f"initial:{state.name}"] = network.quantity(state.name, 0)
    return {
        label: by.applyfunc(lambda variable: sympy.diff(total, variable))
        for label, by in variables.items()
    }


def _inputs(model: Model) -> list[Quantity]:
    return [data for data in model.data if data.name not in model.targets]
