"""The local Jacobian of every node: ∂u/∂v as u stands."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from math import prod

from sympy import Basic, Identity, MatrixExpr, Transpose

from derivations.algebra import (
    add,
    depends_on,
    diagonal,
    hadamard,
    heights,
    kronecker,
    multiply,
    power,
    split_coefficient,
    stack,
    transpose,
)
from derivations.calculus.slopes import choice, slope
from derivations.errors import UnsupportedError
from derivations.expressions import (
    Blocks,
    Diag,
    Elementwise,
    Entry,
    HadamardPower,
    HadamardProduct,
    MatAdd,
    MatMul,
    MatrixSymbol,
    Maximum,
    Quantity,
    Scaled,
    Softmax,
    SquaredNorm,
    UnitVector,
    Vec,
    ZeroMatrix,
    columns_of,
    is_column,
    is_vector,
)

_FILE = "derivations/calculus/jacobian.py"


def jacobian(expression: MatrixExpr, variable: Quantity) -> MatrixExpr:
    """Return ∂expression/∂variable as the expression stands.

    Parameters
    ----------
    expression : MatrixExpr
        A matrix counts as the column of its entries, row by row.
    variable : Quantity
        Likewise.

    Raises
    ------
    UnsupportedError
        When a node that depends on the variable has no rule; the message names it.

    Examples
    --------
    >>> from derivations.expressions import t
    >>> h = Quantity("h", 3, 1, t)
    >>> jacobian(multiply(MatrixSymbol("W", 3, 3), h), h)
    W
    """
    if expression == variable:
        return Identity(prod(variable.shape))
    if not depends_on(expression, variable):
        return ZeroMatrix(prod(expression.shape), prod(variable.shape))
    return jacobian_rule(expression, variable)


@singledispatch
def jacobian_rule(expression: Basic, variable: Quantity) -> MatrixExpr:
    """Choose the rule by the kind of the node."""
    raise UnsupportedError(f"{type(expression).__name__} has no Jacobian yet.", hint=_FILE)


@jacobian_rule.register
def jacobian_of_sum(expression: MatAdd, variable: Quantity) -> MatrixExpr:
    """∂(u + w)/∂v = ∂u/∂v + ∂w/∂v."""
    return add(*(jacobian(term, variable) for term in expression.args))


@jacobian_rule.register
def jacobian_of_product(expression: MatMul, variable: Quantity) -> MatrixExpr:
    """∂(A X B)/∂v = (A ⊗ Bᵀ) ∂X/∂v, which is A ∂u/∂v for A u (Matrix Cookbook, equation 37)."""
    number, rest = split_coefficient(expression)
    factors = rest.args if isinstance(rest, MatMul) else (rest,)
    terms = [
        multiply(number, _of_factor(factors, position, variable))
        for position, factor in enumerate(factors)
        if depends_on(factor, variable)
    ]
    return add(*terms)


def _of_factor(factors: Sequence[MatrixExpr], position: int, variable: Quantity) -> MatrixExpr:
    """Return how a product changes through one of its factors."""
    factor = factors[position]
    before, after = factors[:position], factors[position + 1 :]
    if isinstance(factor, Diag) and after and is_column(after[-1]):
        # diag(u) w = diag(w) u
        return multiply(*before, diagonal(multiply(*after)), jacobian(factor.vector, variable))
    if isinstance(factor, Blocks) and factor.is_stack and isinstance(before[-1], MatrixSymbol):
        # W [u; w] = W_u u + W_w w, with the columns of W that meet each
        pieces = [
            multiply(*before[:-1], columns_of(before[-1], *place), jacobian(piece, variable))
            for piece, place in zip(factor.entries, heights(factor), strict=True)
            if depends_on(piece, variable)
        ]
        return add(*pieces)
    if not after and is_column(factor):
        return multiply(*before, jacobian(factor, variable))
    left = multiply(*before) if before else Identity(factor.shape[0])
    right = transpose(multiply(*after)) if after else Identity(factor.shape[1])
    if isinstance(factor, Transpose) and not is_vector(factor):
        if not is_vector(multiply(*factors)):
            raise UnsupportedError("A transposed matrix in a matrix has no Jacobian.", hint=_FILE)
        return multiply(kronecker(right, left), jacobian(factor.arg, variable))
    return multiply(kronecker(left, right), jacobian(factor, variable))


@jacobian_rule.register
def jacobian_of_transpose(expression: Transpose, variable: Quantity) -> MatrixExpr:
    """∂(uᵀ)/∂v = ∂u/∂v for a vector u, whose entries stand in the same order."""
    if not is_vector(expression):
        raise UnsupportedError("A transposed matrix has no Jacobian.", hint=_FILE)
    return jacobian(expression.arg, variable)


@jacobian_rule.register
def jacobian_of_scaled(expression: Scaled, variable: Quantity) -> MatrixExpr:
    """∂(α u)/∂v = α ∂u/∂v + u ∂α/∂v."""
    body = expression.body
    column = body if is_column(body) else Vec(body)
    return add(
        multiply(expression.scalar, jacobian(body, variable)),
        multiply(column, jacobian(expression.scalar, variable)),
    )


@jacobian_rule.register
def jacobian_of_elementwise(expression: Elementwise, variable: Quantity) -> MatrixExpr:
    """∂σ(a)/∂v = diag(σ′(a)) ∂a/∂v."""
    return multiply(diagonal(slope(expression)), jacobian(expression.argument, variable))


@jacobian_rule.register
def jacobian_of_maximum(expression: Maximum, variable: Quantity) -> MatrixExpr:
    """∂max(u, w)/∂v is ∂u/∂v in the rows in which u is larger, and ∂w/∂v in the others."""
    first, second = choice(expression)
    return add(
        multiply(diagonal(first), jacobian(expression.first, variable)),
        multiply(diagonal(second), jacobian(expression.second, variable)),
    )


@jacobian_rule.register
def jacobian_of_hadamard_product(expression: HadamardProduct, variable: Quantity) -> MatrixExpr:
    """∂(u ⊙ w)/∂v = diag(w) ∂u/∂v + diag(u) ∂w/∂v."""
    terms = []
    for position, factor in enumerate(expression.args):
        if depends_on(factor, variable):
            others = expression.args[:position] + expression.args[position + 1 :]
            terms.append(multiply(diagonal(hadamard(*others)), jacobian(factor, variable)))
    return add(*terms)


@jacobian_rule.register
def jacobian_of_hadamard_power(expression: HadamardPower, variable: Quantity) -> MatrixExpr:
    """∂u^p/∂v = diag(p u^{p−1}) ∂u/∂v."""
    inner = multiply(expression.exp, power(expression.base, expression.exp - 1))
    return multiply(diagonal(inner), jacobian(expression.base, variable))


@jacobian_rule.register
def jacobian_of_softmax(expression: Softmax, variable: Quantity) -> MatrixExpr:
    """∂s/∂z = diag(s) − s sᵀ for s = softmax(z)."""
    own = add(Diag(expression), multiply(-1, expression, transpose(expression)))
    return multiply(own, jacobian(expression.argument, variable))


@jacobian_rule.register
def jacobian_of_squared_norm(expression: SquaredNorm, variable: Quantity) -> MatrixExpr:
    """∂‖u‖²/∂v = 2 uᵀ ∂u/∂v (Matrix Cookbook, equation 131)."""
    argument = expression.argument
    column = argument if is_column(argument) else Vec(argument)
    return multiply(2, transpose(column), jacobian(argument, variable))


@jacobian_rule.register
def jacobian_of_entry(expression: Entry, variable: Quantity) -> MatrixExpr:
    """∂[u]_y/∂v = e_yᵀ ∂u/∂v."""
    unit = UnitVector(expression.label, expression.vector.shape[0])
    return multiply(transpose(unit), jacobian(expression.vector, variable))


@jacobian_rule.register
def jacobian_of_blocks(expression: Blocks, variable: Quantity) -> MatrixExpr:
    """∂[u; w]/∂v = [∂u/∂v; ∂w/∂v]."""
    if not expression.is_stack or not is_column(expression):
        raise UnsupportedError("Blocks side by side have no Jacobian.", hint=_FILE)
    return stack(*(jacobian(piece, variable) for piece in expression.entries))
