"""The value of every node, with its tangents: one rule a node, forward mode.

A `Dual` holds a matrix and how it moves when a seed moves: one matrix for each direction of the
seed. The rules say what a node means and how a small change of its operands changes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Protocol

from sympy import Basic, Expr, Integer, MatrixExpr, Symbol, Transpose

from derivations.activations import ScalarFunction
from derivations.errors import UnsupportedError
from derivations.expressions import (
    AscendingProduct,
    Blocks,
    Diag,
    Elementwise,
    Entry,
    HadamardPower,
    HadamardProduct,
    Identity,
    Kronecker,
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
    TimeProduct,
    TimeSum,
    UnitVector,
    Unspecified,
    Vec,
    ZeroMatrix,
    timeless,
)
from derivations.proof.arithmetic import Arithmetic, Array, Ring


@dataclass(frozen=True)
class Dual:
    """A matrix and its tangents.

    Attributes
    ----------
    value : array of shape (rows, columns)
    tangent : array of shape (directions, rows, columns), or None where nothing moves
    """

    value: Array
    tangent: Array | None = None


class Environment(Protocol):
    """Where an expression is evaluated: what its symbols stand for."""

    arithmetic: Arithmetic

    def size(self, size: Expr) -> int: ...
    def step(self, time: Expr) -> int: ...
    def parameter(self, name: str) -> Dual: ...
    def quantity(self, name: str, step: int | None) -> Dual: ...
    def partial(self, partial: Partial) -> Array: ...
    def label(self, label: Quantity, count: int) -> int: ...
    def scalar_function(self, name: str) -> ScalarFunction: ...
    def function(self, function: ScalarFunction, order: int, array: Array) -> Array: ...
    def reciprocal(self, array: Array) -> Array: ...
    def at(self, steps: Mapping[Symbol, int]) -> Environment: ...
    def here(self) -> int: ...


@singledispatch
def evaluate(expression: Basic, environment: Environment) -> Dual:
    """Return the value and the tangents of an expression.

    Raises
    ------
    UnsupportedError
        For a node that has no rule in this file.
    """
    raise UnsupportedError(
        f"{type(expression).__name__} has no rule of the judge.",
        hint="derivations/proof/evaluate.py",
    )


@evaluate.register
def evaluate_quantity(expression: Quantity, environment: Environment) -> Dual:
    if expression.time == timeless:
        return environment.quantity(expression.name, None)
    return environment.quantity(expression.name, environment.step(expression.time))


@evaluate.register
def evaluate_parameter(expression: MatrixSymbol, environment: Environment) -> Dual:
    return environment.parameter(expression.name)


@evaluate.register
def evaluate_zero(expression: ZeroMatrix, environment: Environment) -> Dual:
    return Dual(_filled(expression, environment, 0))


@evaluate.register
def evaluate_ones(expression: OneMatrix, environment: Environment) -> Dual:
    return Dual(_filled(expression, environment, 1))


@evaluate.register
def evaluate_identity(expression: Identity, environment: Environment) -> Dual:
    return Dual(environment.arithmetic.identity(environment.size(expression.shape[0])))


@evaluate.register
def evaluate_sum(expression: MatAdd, environment: Environment) -> Dual:
    result = evaluate(expression.args[0], environment)
    for term in expression.args[1:]:
        result = plus(result, evaluate(term, environment), environment.arithmetic)
    return result


@evaluate.register
def evaluate_product(expression: MatMul, environment: Environment) -> Dual:
    result: Dual | None = None
    for factor in expression.args:
        if not isinstance(factor, MatrixExpr):
            continue
        value = evaluate(factor, environment)
        result = value if result is None else times(result, value, environment.arithmetic)
    assert result is not None
    number = expression.args[0]
    if isinstance(number, MatrixExpr):
        return result
    return scaled(number, result, environment.arithmetic)


@evaluate.register
def evaluate_hadamard_product(expression: HadamardProduct, environment: Environment) -> Dual:
    result = evaluate(expression.args[0], environment)
    for factor in expression.args[1:]:
        result = entrywise(result, evaluate(factor, environment), environment.arithmetic)
    return result


@evaluate.register
def evaluate_hadamard_power(expression: HadamardPower, environment: Environment) -> Dual:
    base = evaluate(expression.base, environment)
    exponent = int(expression.exp)
    if exponent < 0:
        base = inverted(base, environment)
    result = base
    for _ in range(abs(exponent) - 1):
        result = entrywise(result, base, environment.arithmetic)
    return result


@evaluate.register
def evaluate_transpose(expression: Transpose, environment: Environment) -> Dual:
    inner = evaluate(expression.arg, environment)
    tangent = None if inner.tangent is None else inner.tangent.transpose(0, 2, 1)
    return Dual(inner.value.T, tangent)


@evaluate.register
def evaluate_elementwise(expression: Elementwise, environment: Environment) -> Dual:
    argument = evaluate(expression.argument, environment)
    function = environment.scalar_function(expression.function)
    return applied(function, expression.order, argument, environment)


@evaluate.register
def evaluate_maximum(expression: Maximum, environment: Environment) -> Dual:
    """max(u, v) = v + relu(u − v)."""
    first, second = (evaluate(part, environment) for part in expression.args)
    arithmetic = environment.arithmetic
    minus = scaled(Integer(-1), second, arithmetic)
    difference = plus(first, minus, arithmetic)
    excess = applied(environment.scalar_function("\\relu"), 0, difference, environment)
    return plus(second, excess, arithmetic)


@evaluate.register
def evaluate_scaled(expression: Scaled, environment: Environment) -> Dual:
    scalar, body = (evaluate(part, environment) for part in expression.args)
    return entrywise(scalar, body, environment.arithmetic)


@evaluate.register
def evaluate_entry(expression: Entry, environment: Environment) -> Dual:
    vector = evaluate(expression.vector, environment)
    place = environment.label(expression.label, vector.value.shape[0])
    return mapped(vector, lambda array: array[..., place : place + 1, :])


@evaluate.register
def evaluate_unit_vector(expression: UnitVector, environment: Environment) -> Dual:
    size = environment.size(expression.shape[0])
    place = environment.label(expression.label, size)
    return Dual(environment.arithmetic.identity(size)[:, place : place + 1])


@evaluate.register
def evaluate_blocks(expression: Blocks, environment: Environment) -> Dual:
    rows = [[evaluate(block, environment) for block in row] for row in expression.rows_of_blocks]
    return assembled(rows, environment.arithmetic)


@evaluate.register
def evaluate_part(expression: Part, environment: Environment) -> Dual:
    matrix = evaluate(expression.matrix, environment)
    rows, columns = (
        slice(environment.size(start), environment.size(stop))
        for start, stop in (expression.row_range, expression.column_range)
    )
    return mapped(matrix, lambda array: array[..., rows, columns])


@evaluate.register
def evaluate_vec(expression: Vec, environment: Environment) -> Dual:
    return flattened(evaluate(expression.matrix, environment))


@evaluate.register
def evaluate_kronecker(expression: Kronecker, environment: Environment) -> Dual:
    """The entry in row (i, k) and column (j, l) is A_ij B_kl."""
    left, right = (evaluate(part, environment) for part in expression.args)
    rows, columns = zip(left.value.shape, right.value.shape, strict=True)
    spread = entrywise(
        mapped(left, lambda array: array[..., :, None, :, None]),
        mapped(right, lambda array: array[..., None, :, None, :]),
        environment.arithmetic,
    )
    shape = math.prod(rows), math.prod(columns)
    return mapped(spread, lambda array: array.reshape(*array.shape[:-4], *shape))


@evaluate.register
def evaluate_diag(expression: Diag, environment: Environment) -> Dual:
    vector = evaluate(expression.vector, environment)
    ones = environment.arithmetic.identity(vector.value.shape[0])
    return mapped(vector, lambda array: array * ones)


@evaluate.register
def evaluate_softmax(expression: Softmax, environment: Environment) -> Dual:
    """exp(z) over its sum, with the tangents of the quotient."""
    arithmetic = environment.arithmetic
    argument = evaluate(expression.argument, environment)
    powers = applied(environment.scalar_function("\\exp"), 0, argument, environment)
    ones = Dual(arithmetic.filled((1, powers.value.shape[0]), 1))
    whole = inverted(times(ones, powers, arithmetic), environment)
    return times(powers, whole, arithmetic)


@evaluate.register
def evaluate_squared_norm(expression: SquaredNorm, environment: Environment) -> Dual:
    arithmetic = environment.arithmetic
    vector = evaluate(expression.argument, environment)
    squares = entrywise(vector, vector, arithmetic)
    rows, columns = vector.value.shape
    left = Dual(arithmetic.filled((1, rows), 1))
    right = Dual(arithmetic.filled((columns, 1), 1))
    return times(times(left, squares, arithmetic), right, arithmetic)


@evaluate.register
def evaluate_unspecified(expression: Unspecified, environment: Environment) -> Dual:
    """A value and a gradient that nothing but the arguments and the step decides."""
    arithmetic = environment.arithmetic
    arguments = [flattened(evaluate(a, environment)) for a in expression.arguments]
    column = assembled([[argument] for argument in arguments], arithmetic)
    value, slopes = arithmetic.unspecified_of(expression.name, environment.here(), column.value)
    tangent = None if column.tangent is None else arithmetic.reduce(slopes @ column.tangent)
    return Dual(value, tangent)


@evaluate.register
def evaluate_partial(expression: Partial, environment: Environment) -> Dual:
    return Dual(environment.partial(expression))


@evaluate.register
def evaluate_time_sum(expression: TimeSum, environment: Environment) -> Dual:
    lower, upper = environment.step(expression.lower), environment.step(expression.upper)
    result = Dual(_filled(expression, environment, 0))
    for step in range(lower, upper + 1):
        term = evaluate(expression.body, environment.at({expression.index: step}))
        result = plus(result, term, environment.arithmetic)
    return result


@evaluate.register
def evaluate_time_product(expression: TimeProduct, environment: Environment) -> Dual:
    lower, upper = environment.step(expression.lower), environment.step(expression.upper)
    arithmetic = environment.arithmetic
    result = Dual(arithmetic.identity(environment.size(expression.shape[0])))
    for step in range(lower, upper + 1):
        factor = evaluate(expression.body, environment.at({expression.index: step}))
        result = times(factor, result, arithmetic)
    return result


@evaluate.register
def evaluate_ascending_product(expression: AscendingProduct, environment: Environment) -> Dual:
    lower, upper = environment.step(expression.lower), environment.step(expression.upper)
    arithmetic = environment.arithmetic
    result = Dual(arithmetic.identity(environment.size(expression.shape[0])))
    for step in range(lower, upper + 1):
        factor = evaluate(expression.body, environment.at({expression.index: step}))
        result = times(result, factor, arithmetic)
    return result


# Arithmetic of duals


def mapped(dual: Dual, change: Callable[[Array], Array]) -> Dual:
    """Move the entries of a matrix about, and those of its tangents with them."""
    return Dual(change(dual.value), None if dual.tangent is None else change(dual.tangent))


def flattened(matrix: Dual) -> Dual:
    """Return the entries as a column, row by row."""
    return mapped(matrix, lambda array: array.reshape(*array.shape[:-2], -1, 1))


def assembled(rows: Sequence[Sequence[Dual]], arithmetic: Arithmetic) -> Dual:
    """Return a matrix of blocks."""
    value = arithmetic.block([[dual.value for dual in row] for row in rows])
    moved = [dual.tangent for row in rows for dual in row if dual.tangent is not None]
    if not moved:
        return Dual(value)
    directions = moved[0].shape[0]
    tangents = [
        [
            arithmetic.filled((directions, *dual.value.shape), 0)
            if dual.tangent is None
            else dual.tangent
            for dual in row
        ]
        for row in rows
    ]
    return Dual(value, arithmetic.block(tangents))


def applied(function: ScalarFunction, order: int, argument: Dual, environment: Environment) -> Dual:
    """f(a + εȧ) = f(a) + ε f′(a) ȧ, entry by entry."""
    value = environment.function(function, order, argument.value)
    if argument.tangent is None:
        return Dual(value)
    slope = environment.function(function, order + 1, argument.value)
    return Dual(value, environment.arithmetic.reduce(argument.tangent * slope))


def inverted(dual: Dual, environment: Environment) -> Dual:
    """1/(u + εu̇) = 1/u − ε u̇/u², entry by entry."""
    value = environment.reciprocal(dual.value)
    if dual.tangent is None:
        return Dual(value)
    reduce = environment.arithmetic.reduce
    return Dual(value, reduce(-dual.tangent * reduce(value * value)))


def plus(left: Dual, right: Dual, arithmetic: Ring) -> Dual:
    tangents = [d.tangent for d in (left, right) if d.tangent is not None]
    tangent = (
        None
        if not tangents
        else tangents[0]
        if len(tangents) == 1
        else sum(tangents[1:], tangents[0])
    )
    return Dual(
        arithmetic.reduce(left.value + right.value),
        None if tangent is None else arithmetic.reduce(tangent),
    )


def times(left: Dual, right: Dual, arithmetic: Ring) -> Dual:
    """(A + εȦ)(B + εḂ) = AB + ε(ȦB + AḂ)."""
    value = arithmetic.reduce(left.value @ right.value)
    moved = []
    if left.tangent is not None:
        moved.append(left.tangent @ right.value)
    if right.tangent is not None:
        moved.append(left.value @ right.tangent)
    return Dual(value, _total(moved, arithmetic))


def entrywise(left: Dual, right: Dual, arithmetic: Ring) -> Dual:
    value = arithmetic.reduce(left.value * right.value)
    moved = []
    if left.tangent is not None:
        moved.append(left.tangent * right.value)
    if right.tangent is not None:
        moved.append(left.value * right.tangent)
    return Dual(value, _total(moved, arithmetic))


def scaled(number: Expr, dual: Dual, arithmetic: Arithmetic) -> Dual:
    return mapped(dual, lambda array: arithmetic.scaled(number, array))


def _total(moved: list[Array], arithmetic: Ring) -> Array | None:
    if not moved:
        return None
    return arithmetic.reduce(moved[0] if len(moved) == 1 else moved[0] + moved[1])


def _filled(expression: MatrixExpr, environment: Environment, number: int) -> Array:
    rows, columns = (environment.size(size) for size in expression.shape)
    return environment.arithmetic.filled((rows, columns), number)
