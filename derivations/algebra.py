"""The constructors that keep their order, and walks through an expression.

SymPy sorts the arguments of a sum when it evaluates one; a reader expects ``W h + U x + b`` in the
order in which it was written. So all expressions are built through `add`, `multiply`, `hadamard`,
`power` and `transpose`, which flatten and drop neutral elements but never reorder.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sympy import Basic, Expr, Identity, Integer, MatrixExpr, Transpose

from derivations.errors import ShapeError
from derivations.expressions import (
    Diag,
    HadamardPower,
    HadamardProduct,
    MatAdd,
    MatMul,
    MatrixSymbol,
    OneMatrix,
    Quantity,
    ZeroMatrix,
    is_parameter,
    is_scalar,
    show_shape,
)


def add(*terms: MatrixExpr) -> MatrixExpr:
    """Return the sum in the order of the terms, flattened, without zeros.

    Raises
    ------
    ShapeError
        When two shapes differ.
    """
    shape = terms[0].shape
    for term in terms[1:]:
        if term.shape != shape:
            raise ShapeError(
                f"a sum needs equal shapes; {show_shape(terms[0])} and {show_shape(term)} came"
            )
    kept: list[MatrixExpr] = []
    for term in terms:
        if isinstance(term, MatAdd):
            kept.extend(term.args)
        elif not isinstance(term, ZeroMatrix):
            kept.append(term)
    if not kept:
        return ZeroMatrix(*shape)
    return kept[0] if len(kept) == 1 else MatAdd(*kept)


def multiply(*factors: MatrixExpr | Expr | int) -> MatrixExpr:
    """Return the product in the order of the factors, its number in front, without identities.

    Raises
    ------
    ShapeError
        When a factor's columns are not its right neighbour's rows.
    """
    coefficient = Integer(1)
    flat: list[MatrixExpr] = []
    for factor in factors:
        for part in factor.args if isinstance(factor, MatMul) else (factor,):
            if isinstance(part, MatrixExpr):
                flat.append(part)
            else:
                coefficient = coefficient * part
    for left, right in itertools.pairwise(flat):
        if left.shape[1] != right.shape[0]:
            raise ShapeError(
                f"a product needs columns = rows; {show_shape(left)} by {show_shape(right)} came"
            )
    rows, columns = flat[0].shape[0], flat[-1].shape[1]
    if coefficient == 0 or any(isinstance(factor, ZeroMatrix) for factor in flat):
        return ZeroMatrix(rows, columns)
    kept = [factor for factor in flat if not _is_neutral(factor)] or flat[:1]
    if coefficient == 1:
        return kept[0] if len(kept) == 1 else MatMul(*kept)
    return MatMul(coefficient, *kept)


def _is_neutral(factor: MatrixExpr) -> bool:
    return isinstance(factor, Identity) or (isinstance(factor, OneMatrix) and is_scalar(factor))


def split_coefficient(expression: MatrixExpr) -> tuple[Expr, MatrixExpr]:
    """Return the number in front of a product, and the rest.

    Examples
    --------
    >>> h = Quantity("h", 3, 1, 0)
    >>> split_coefficient(multiply(-2, h))[0]
    -2
    """
    if isinstance(expression, MatMul) and not isinstance(expression.args[0], MatrixExpr):
        return expression.args[0], multiply(*expression.args[1:])
    return Integer(1), expression


def negate(expression: MatrixExpr) -> MatrixExpr:
    """Return −u."""
    return multiply(-1, expression)


def hadamard(*factors: MatrixExpr) -> MatrixExpr:
    """Return the elementwise product in the order of the factors, its number in front.

    Raises
    ------
    ShapeError
        When two shapes differ.
    """
    shape = factors[0].shape
    coefficient = Integer(1)
    kept: list[MatrixExpr] = []
    for factor in factors:
        if factor.shape != shape:
            raise ShapeError(
                f"⊙ needs equal shapes; {show_shape(factors[0])} and {show_shape(factor)} came"
            )
        number, rest = split_coefficient(factor)
        coefficient = coefficient * number
        if isinstance(rest, ZeroMatrix):
            return ZeroMatrix(*shape)
        if isinstance(rest, HadamardProduct):
            kept.extend(rest.args)
        elif not isinstance(rest, OneMatrix):
            kept.append(rest)
    if not kept:
        return multiply(coefficient, OneMatrix(*shape))
    product = kept[0] if len(kept) == 1 else HadamardProduct(*kept)
    return multiply(coefficient, product)


def power(base: MatrixExpr, exponent: Expr | int) -> MatrixExpr:
    """Return the elementwise power; exponents of powers multiply.

    Examples
    --------
    >>> power(power(Quantity("h", 3, 1, 0), 2), 3).exp
    6
    """
    if isinstance(base, HadamardPower):
        return power(base.base, base.exp * exponent)
    if exponent == 0:
        return OneMatrix(*base.shape)
    return base if exponent == 1 else HadamardPower(base, exponent)


def transpose(expression: MatrixExpr) -> MatrixExpr:
    """Return the transpose; of a product (A B)ᵀ = Bᵀ Aᵀ (Matrix Cookbook, equation 4)."""
    if isinstance(expression, Transpose):
        return expression.arg
    if isinstance(expression, MatMul):
        number, rest = split_coefficient(expression)
        factors = rest.args if isinstance(rest, MatMul) else (rest,)
        return multiply(number, *(transpose(factor) for factor in reversed(factors)))
    if isinstance(expression, Diag | Identity) or is_scalar(expression):
        return expression
    return Transpose(expression)


def total(vector: MatrixExpr) -> MatrixExpr:
    """Return 1ᵀv, the sum of the entries of a column vector."""
    return multiply(Transpose(OneMatrix(vector.shape[0], 1)), vector)


def subexpressions(expression: Basic) -> Iterator[Basic]:
    """Yield an expression and everything in it, outermost first."""
    stack = [expression]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.args))


def quantities(expression: Basic) -> list[Quantity]:
    """Return the time-carrying quantities in an expression, each once, in order of appearance."""
    found = (node for node in subexpressions(expression) if isinstance(node, Quantity))
    return list(dict.fromkeys(found))


def parameters(expression: Basic) -> list[MatrixSymbol]:
    """Return the parameters in an expression, each once, in order of appearance."""
    found = (node for node in subexpressions(expression) if is_parameter(node))
    return list(dict.fromkeys(found))


def depends_on(expression: Basic, variable: Basic) -> bool:
    """Tell whether a variable occurs in an expression as it stands."""
    return any(node == variable for node in subexpressions(expression))


def replace(expression: Basic, replacements: Mapping[Basic, Basic]) -> Basic:
    """Return the expression with nodes exchanged, rebuilt in order, nothing sorted or evaluated.

    ``xreplace`` would do, but for Hadamard products and sums, whose constructors check shapes
    through SymPy; here the smart constructors rebuild them.
    """
    if expression in replacements:
        return replacements[expression]
    if not expression.args:
        return expression
    arguments = [replace(argument, replacements) for argument in expression.args]
    if all(new is old for new, old in zip(arguments, expression.args, strict=True)):
        return expression
    return rebuild(expression, arguments)


def rebuild(expression: Basic, arguments: Iterable[Basic]) -> Basic:
    """Return a node of the same kind over new arguments, through the smart constructors."""
    constructor = _CONSTRUCTORS.get(type(expression), expression.func)
    return constructor(*arguments)


_CONSTRUCTORS: Mapping[type, Any] = {
    MatAdd: add,
    MatMul: multiply,
    HadamardProduct: hadamard,
    HadamardPower: power,
    Transpose: transpose,
}
