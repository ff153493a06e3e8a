"""The pullback of every node: what an adjoint of u contributes to the adjoint of v."""

from __future__ import annotations

from functools import singledispatch

from sympy import Basic, MatrixExpr, Transpose

from derivations.algebra import (
    add,
    depends_on,
    hadamard,
    heights,
    inner,
    multiply,
    power,
    split_coefficient,
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
    OneMatrix,
    Scaled,
    Softmax,
    SquaredNorm,
    UnitVector,
    ZeroMatrix,
    columns_of,
    is_column,
    rows_of,
)

_FILE = "derivations/calculus/pullback.py"


def pullback(expression: MatrixExpr, adjoint: MatrixExpr, variable: MatrixExpr) -> MatrixExpr:
    """Return what an expression with this adjoint contributes to the adjoint of a variable.

    Raises
    ------
    UnsupportedError
        When a node that depends on the variable has no rule; the message names it.

    Examples
    --------
    >>> from derivations.expressions import Quantity, t
    >>> h, d, W = Quantity("h", 3, 1, t), Quantity("d", 2, 1, t), MatrixSymbol("W", 2, 3)
    >>> pullback(multiply(W, h), d, W), pullback(multiply(W, h), d, h)
    (d*h.T, W.T*d)
    """
    if expression == variable:
        return adjoint
    if not depends_on(expression, variable):
        return ZeroMatrix(*variable.shape)
    return pullback_rule(expression, adjoint, variable)


@singledispatch
def pullback_rule(expression: Basic, adjoint: MatrixExpr, variable: MatrixExpr) -> MatrixExpr:
    """Choose the rule by the kind of the node."""
    raise UnsupportedError(f"{type(expression).__name__} has no pullback yet.", hint=_FILE)


@pullback_rule.register
def pullback_of_sum(expression: MatAdd, adjoint: MatrixExpr, variable: MatrixExpr) -> MatrixExpr:
    """C = A + B: Ā = C̄, B̄ = C̄."""
    return add(*(pullback(term, adjoint, variable) for term in expression.args))


@pullback_rule.register
def pullback_of_product(
    expression: MatMul, adjoint: MatrixExpr, variable: MatrixExpr
) -> MatrixExpr:
    """C = A X B: X̄ = Aᵀ C̄ Bᵀ (Giles 2008, section 2.2.2)."""
    number, rest = split_coefficient(expression)
    factors = rest.args if isinstance(rest, MatMul) else (rest,)
    terms = []
    for position, factor in enumerate(factors):
        if not depends_on(factor, variable):
            continue
        before, after = factors[:position], factors[position + 1 :]
        left = [transpose(f) for f in reversed(before)]
        right = [transpose(f) for f in reversed(after)]
        if isinstance(factor, Diag):
            reached = multiply(number, *left, adjoint)
            terms.append(pullback(factor.vector, _on_diagonal(reached, after), variable))
        elif isinstance(factor, Blocks) and before and isinstance(before[-1], MatrixSymbol):
            # W [u; w]: each piece is reached through the columns of W that meet it
            for piece, place in zip(factor.entries, heights(factor), strict=True):
                columns = transpose(columns_of(before[-1], *place))
                reached = multiply(number, columns, *left[1:], adjoint, *right)
                terms.append(pullback(piece, reached, variable))
        else:
            reached = multiply(number, *left, adjoint, *right)
            terms.append(pullback(factor, reached, variable))
    return add(*terms)


def _on_diagonal(reached: MatrixExpr, after: tuple[MatrixExpr, ...]) -> MatrixExpr:
    """diag(u) B with adjoint C̄: ū is the sum of the rows of B ⊙ C̄."""
    if not after:
        raise UnsupportedError("diag without a factor behind it has no pullback.", hint=_FILE)
    product = hadamard(multiply(*after), reached)
    columns = product.shape[1]
    return product if is_column(product) else multiply(product, OneMatrix(columns, 1))


@pullback_rule.register
def pullback_of_transpose(
    expression: Transpose, adjoint: MatrixExpr, variable: MatrixExpr
) -> MatrixExpr:
    """C = Aᵀ: Ā = C̄ᵀ."""
    return pullback(expression.arg, transpose(adjoint), variable)


@pullback_rule.register
def pullback_of_scaled(expression: Scaled, adjoint: MatrixExpr, variable: MatrixExpr) -> MatrixExpr:
    """c = α a: ᾱ is the sum of the entries of a ⊙ c̄, and ā = α c̄."""
    scalar, body = expression.scalar, expression.body
    return add(
        pullback(scalar, inner(body, adjoint), variable),
        pullback(body, multiply(scalar, adjoint), variable),
    )


@pullback_rule.register
def pullback_of_elementwise(
    expression: Elementwise, adjoint: MatrixExpr, variable: MatrixExpr
) -> MatrixExpr:
    """u = σ(a): ā = σ′(a) ⊙ ū."""
    return pullback(expression.argument, hadamard(slope(expression), adjoint), variable)


@pullback_rule.register
def pullback_of_maximum(
    expression: Maximum, adjoint: MatrixExpr, variable: MatrixExpr
) -> MatrixExpr:
    """c = max(a, b): ā is c̄ where a is larger, and b̄ is c̄ elsewhere."""
    first, second = choice(expression)
    return add(
        pullback(expression.first, hadamard(first, adjoint), variable),
        pullback(expression.second, hadamard(second, adjoint), variable),
    )


@pullback_rule.register
def pullback_of_hadamard_product(
    expression: HadamardProduct, adjoint: MatrixExpr, variable: MatrixExpr
) -> MatrixExpr:
    """c = a ⊙ b: ā = b ⊙ c̄, b̄ = a ⊙ c̄."""
    terms = []
    for position, factor in enumerate(expression.args):
        if depends_on(factor, variable):
            others = expression.args[:position] + expression.args[position + 1 :]
            terms.append(pullback(factor, hadamard(*others, adjoint), variable))
    return add(*terms)


@pullback_rule.register
def pullback_of_hadamard_power(
    expression: HadamardPower, adjoint: MatrixExpr, variable: MatrixExpr
) -> MatrixExpr:
    """c = a^p: ā = p a^{p−1} ⊙ c̄."""
    slope_of_power = multiply(expression.exp, power(expression.base, expression.exp - 1))
    return pullback(expression.base, hadamard(slope_of_power, adjoint), variable)


@pullback_rule.register
def pullback_of_softmax(
    expression: Softmax, adjoint: MatrixExpr, variable: MatrixExpr
) -> MatrixExpr:
    """s = softmax(z): z̄ = (diag(s) − s sᵀ) s̄."""
    own = add(Diag(expression), multiply(-1, expression, transpose(expression)))
    return pullback(expression.argument, multiply(own, adjoint), variable)


@pullback_rule.register
def pullback_of_squared_norm(
    expression: SquaredNorm, adjoint: MatrixExpr, variable: MatrixExpr
) -> MatrixExpr:
    """c = ‖u‖²: ū = 2 c̄ u."""
    return pullback(expression.argument, multiply(2, expression.argument, adjoint), variable)


@pullback_rule.register
def pullback_of_entry(expression: Entry, adjoint: MatrixExpr, variable: MatrixExpr) -> MatrixExpr:
    """c = [u]_y: ū = e_y c̄."""
    unit = UnitVector(expression.label, expression.vector.shape[0])
    return pullback(expression.vector, multiply(unit, adjoint), variable)


@pullback_rule.register
def pullback_of_blocks(expression: Blocks, adjoint: MatrixExpr, variable: MatrixExpr) -> MatrixExpr:
    """c = [u; w]: ū and w̄ are the rows of c̄ that stand in their places."""
    if not expression.is_stack:
        raise UnsupportedError("Blocks side by side have no pullback.", hint=_FILE)
    pieces = zip(expression.entries, heights(expression), strict=True)
    return add(*(pullback(piece, rows_of(adjoint, *place), variable) for piece, place in pieces))
