"""Between which numbers the entries of an expression lie, whatever the network is.

Interval arithmetic over one step: a quantity that the step computes lies where its formula does;
what is given to the step (data, parameters, states of other steps) may be any number. Where a
scalar function lies comes from its formula, by SymPy.
"""

from __future__ import annotations

from functools import singledispatch
from itertools import product
from typing import TypeAlias

from sympy import Expr, Integer, MatrixExpr, oo

from derivations.algebra import split_coefficient
from derivations.expressions import (
    Elementwise,
    HadamardPower,
    HadamardProduct,
    MatAdd,
    MatMul,
    OneMatrix,
    Quantity,
    Softmax,
    ZeroMatrix,
    t,
)
from derivations.model import Model
from derivations.slopes import slope_bound, value_range

#: A lower and an upper bound, perhaps infinite.
Range: TypeAlias = tuple[Expr, Expr]

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


def _times(left: Range, right: Range) -> Range:
    # Zero times an infinite end is zero: the other factor is zero there.
    ends = [Integer(0) if 0 in pair else pair[0] * pair[1] for pair in product(left, right)]
    return min(ends), max(ends)
