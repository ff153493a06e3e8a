"""Between which numbers the entries of an expression lie, whatever the network is.

Interval arithmetic over one step: a quantity that the step computes lies where its formula does;
what is given to the step (data, parameters, states of other steps) may be any number. Where a
scalar function lies comes from its formula, by SymPy.
"""

from __future__ import annotations

from functools import singledispatch
from itertools import product
from typing import TypeAlias

from sympy import Add, Dummy, Expr, Integer, MatrixExpr, Mul, Poly, oo

from derivations.algebra import quantities, split_coefficient
from derivations.expressions import (
    Elementwise,
    HadamardPower,
    HadamardProduct,
    MatAdd,
    MatMul,
    OneMatrix,
    Quantity,
    Softmax,
    Vec,
    ZeroMatrix,
    t,
)
from derivations.model import Model
from derivations.slopes import slope_bound, value_range

#: A lower and an upper bound, perhaps infinite.
Range: TypeAlias = tuple[Expr, Expr]

#: Stands for an entry.
_Y = Dummy("y", real=True)

ANYWHERE: Range = (-oo, oo)


@singledispatch
def entry_range(expression: MatrixExpr, model: Model) -> Range:
    """Return bounds of the entries of an expression of step t; infinite ones where none is known.

    Examples
    --------
    >>> from derivations import cell
    >>> model = cell("gru")
    >>> entry_range(model.definition("\\\\tilde{h}").quantity, model)
    (-1, 1)
    >>> entry_range(model.states[0], model)
    (-oo, oo)
    """
    return ANYWHERE


@entry_range.register
def range_of_quantity(expression: Quantity, model: Model) -> Range:
    definition = model.definition(expression.name)
    if definition is None or expression.time != t:
        return ANYWHERE
    return entry_range(definition.expression, model)


@entry_range.register
def range_of_vec(expression: Vec, model: Model) -> Range:
    return entry_range(expression.matrix, model)


@entry_range.register
def range_of_elementwise(expression: Elementwise, model: Model) -> Range:
    function = model.scope.function(expression.function)
    if function is None or function.formula is None or expression.order > 1:
        return ANYWHERE
    if expression.order == 0:
        return value_range(function)
    bound = slope_bound(function).supremum
    return -bound, bound


@entry_range.register
def range_of_softmax(expression: Softmax, model: Model) -> Range:
    return Integer(0), Integer(1)


@entry_range.register
def range_of_ones(expression: OneMatrix, model: Model) -> Range:
    return Integer(1), Integer(1)


@entry_range.register
def range_of_zeros(expression: ZeroMatrix, model: Model) -> Range:
    return Integer(0), Integer(0)


@entry_range.register
def range_of_sum(expression: MatAdd, model: Model) -> Range:
    ranges = [entry_range(term, model) for term in expression.args]
    low, high = (sum(ends, start=Integer(0)) for ends in zip(*ranges, strict=True))
    return low, high


@entry_range.register
def range_of_multiple(expression: MatMul, model: Model) -> Range:
    """A number times something; of a product of matrices nothing is known."""
    number, rest = split_coefficient(expression)
    if isinstance(rest, MatMul):
        return ANYWHERE
    return _times((number, number), entry_range(rest, model))


@entry_range.register
def range_of_product(expression: HadamardProduct, model: Model) -> Range:
    """That of y ⊙ (1 − y) is found from y at once: each factor alone may be 1, and not both."""
    names = set(quantities(expression))
    polynomial = _in_one_variable(expression) if len(names) == 1 else None
    if polynomial is not None:
        low, high = entry_range(names.pop(), model)
        if low.is_finite and high.is_finite:
            return _extremes(polynomial, low, high)
    found: Range = (Integer(1), Integer(1))
    for factor in expression.args:
        found = _times(found, entry_range(factor, model))
    return found


@entry_range.register
def range_of_power(expression: HadamardPower, model: Model) -> Range:
    low, high = entry_range(expression.base, model)
    exponent = expression.exp
    if not (exponent.is_Integer and exponent > 0):
        return ANYWHERE
    if exponent % 2:
        return low**exponent, high**exponent
    smallest = Integer(0) if low <= 0 <= high else min(abs(low), abs(high)) ** exponent
    return smallest, max(abs(low), abs(high)) ** exponent


def _in_one_variable(expression: MatrixExpr) -> Expr | None:
    """Return an entry of an elementwise expression in a single quantity as a polynomial of it."""
    if isinstance(expression, Quantity):
        return _Y
    if isinstance(expression, OneMatrix):
        return Integer(1)
    if isinstance(expression, MatMul):
        number, rest = split_coefficient(expression)
        inner = None if isinstance(rest, MatMul) else _in_one_variable(rest)
        return None if inner is None else number * inner
    if not isinstance(expression, MatAdd | HadamardProduct):
        return None
    parts = [part for one in expression.args if (part := _in_one_variable(one)) is not None]
    if len(parts) < len(expression.args):
        return None
    return Add(*parts) if isinstance(expression, MatAdd) else Mul(*parts)


def _extremes(polynomial: Expr, low: Expr, high: Expr) -> Range:
    """Return the smallest and the largest value of a polynomial between two numbers."""
    level = Poly(polynomial.diff(_Y), _Y).real_roots() if polynomial.diff(_Y).has(_Y) else []
    points = [low, high, *(point for point in level if low < point < high)]
    values = [polynomial.subs(_Y, point) for point in points]
    return min(values), max(values)


def _times(left: Range, right: Range) -> Range:
    # Zero times an infinite end is zero: the other factor is zero there.
    ends = [Integer(0) if 0 in pair else pair[0] * pair[1] for pair in product(left, right)]
    return min(ends), max(ends)
