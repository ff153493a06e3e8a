"""The value of every node, with its tangents: one rule a node, forward mode.

A `Dual` holds a matrix and how it moves when a seed moves: one matrix for each direction of the
seed. The rules say what a node means and how a small change of its operands changes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import Protocol

import numpy as np
from sympy import Basic, Expr, Integer, MatrixExpr, Symbol, Transpose

from derivations.activations import ScalarFunction
from derivations.errors import UnsupportedError
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
    TimeProduct,
    TimeSum,
    Unspecified,
    ZeroMatrix,
    timeless,
)
from derivations.proof.arithmetic import Arithmetic, Array


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
    def scalar_function(self, name: str) -> ScalarFunction: ...
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
    return Dual(identity(environment.size(expression.shape[0]), environment.arithmetic))


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
    return scaled(environment.arithmetic.number(number), result, environment.arithmetic)


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
        base = inverted(base, environment.arithmetic)
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
    """f(a + εȧ) = f(a) + ε f′(a) ȧ, entry by entry."""
    argument = evaluate(expression.argument, environment)
    function = environment.scalar_function(expression.function)
    arithmetic = environment.arithmetic
    value = arithmetic.function(function, expression.order, argument.value)
    if argument.tangent is None:
        return Dual(value)
    slope = arithmetic.function(function, expression.order + 1, argument.value)
    return Dual(value, arithmetic.reduce(argument.tangent * slope))


@evaluate.register
def evaluate_diag(expression: Diag, environment: Environment) -> Dual:
    vector = evaluate(expression.vector, environment)
    ones = identity(vector.value.shape[0], environment.arithmetic)
    tangent = None if vector.tangent is None else vector.tangent * ones
    return Dual(vector.value * ones, tangent)


@evaluate.register
def evaluate_softmax(expression: Softmax, environment: Environment) -> Dual:
    """exp(z) over its sum, with the tangents of the quotient."""
    arithmetic = environment.arithmetic
    argument = evaluate(expression.argument, environment)
    exponential = environment.scalar_function("\\exp")
    value = arithmetic.function(exponential, 0, argument.value)
    tangent = None if argument.tangent is None else arithmetic.reduce(argument.tangent * value)
    powers = Dual(value, tangent)
    ones = Dual(np.full_like(value.T, arithmetic.number(Integer(1))))
    whole = inverted(times(ones, powers, arithmetic), arithmetic)
    return times(powers, whole, arithmetic)


@evaluate.register
def evaluate_squared_norm(expression: SquaredNorm, environment: Environment) -> Dual:
    arithmetic = environment.arithmetic
    vector = evaluate(expression.argument, environment)
    squares = entrywise(vector, vector, arithmetic)
    rows, columns = vector.value.shape
    one = arithmetic.number(Integer(1))
    left = Dual(np.full((1, rows), one, dtype=object))
    right = Dual(np.full((columns, 1), one, dtype=object))
    return times(times(left, squares, arithmetic), right, arithmetic)


@evaluate.register
def evaluate_unspecified(expression: Unspecified, environment: Environment) -> Dual:
    """A value and a gradient that nothing but the arguments and the step decides."""
    arithmetic = environment.arithmetic
    arguments = [evaluate(argument, environment) for argument in expression.arguments]
    values = [entry for argument in arguments for entry in argument.value.flat]
    value, slopes = arithmetic.unspecified(expression.name, environment.here(), values)
    result = np.empty((1, 1), dtype=object)
    result[0, 0] = value
    directions = next((a.tangent.shape[0] for a in arguments if a.tangent is not None), None)
    if directions is None:
        return Dual(result)
    zero = arithmetic.number(Integer(0))
    stacked = np.concatenate(
        [
            np.full((directions, a.value.size), zero, dtype=object)
            if a.tangent is None
            else a.tangent.reshape(directions, -1)
            for a in arguments
        ],
        axis=1,
    )
    moved = stacked @ np.array(slopes, dtype=object)
    return Dual(result, arithmetic.reduce(moved).reshape(directions, 1, 1))


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
    result = Dual(identity(environment.size(expression.shape[0]), arithmetic))
    for step in range(lower, upper + 1):
        factor = evaluate(expression.body, environment.at({expression.index: step}))
        result = times(factor, result, arithmetic)
    return result


# Arithmetic of duals


def plus(left: Dual, right: Dual, arithmetic: Arithmetic) -> Dual:
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


def times(left: Dual, right: Dual, arithmetic: Arithmetic) -> Dual:
    """(A + εȦ)(B + εḂ) = AB + ε(ȦB + AḂ)."""
    value = arithmetic.reduce(left.value @ right.value)
    moved = []
    if left.tangent is not None:
        moved.append(left.tangent @ right.value)
    if right.tangent is not None:
        moved.append(left.value @ right.tangent)
    return Dual(value, _total(moved, arithmetic))


def entrywise(left: Dual, right: Dual, arithmetic: Arithmetic) -> Dual:
    value = arithmetic.reduce(left.value * right.value)
    moved = []
    if left.tangent is not None:
        moved.append(left.tangent * right.value)
    if right.tangent is not None:
        moved.append(left.value * right.tangent)
    return Dual(value, _total(moved, arithmetic))


def inverted(dual: Dual, arithmetic: Arithmetic) -> Dual:
    """1/(u + εu̇) = 1/u − ε u̇/u², entry by entry."""
    value = arithmetic.reciprocal(dual.value)
    if dual.tangent is None:
        return Dual(value)
    return Dual(value, arithmetic.reduce(-dual.tangent * arithmetic.reduce(value * value)))


def scaled(number: object, dual: Dual, arithmetic: Arithmetic) -> Dual:
    factor = np.empty((1, 1), dtype=object)
    factor[0, 0] = number
    tangent = None if dual.tangent is None else arithmetic.reduce(dual.tangent * factor)
    return Dual(arithmetic.reduce(dual.value * factor), tangent)


def _total(moved: list[Array], arithmetic: Arithmetic) -> Array | None:
    if not moved:
        return None
    return arithmetic.reduce(moved[0] if len(moved) == 1 else moved[0] + moved[1])


def _filled(expression: MatrixExpr, environment: Environment, number: int) -> Array:
    rows, columns = (environment.size(size) for size in expression.shape)
    return np.full((rows, columns), environment.arithmetic.number(Integer(number)), dtype=object)


def identity(size: int, arithmetic: Arithmetic) -> Array:
    """Return the identity matrix in a kind of number."""
    result = np.full((size, size), arithmetic.number(Integer(0)), dtype=object)
    for i in range(size):
        result[i, i] = arithmetic.number(Integer(1))
    return result
