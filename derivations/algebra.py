"""The constructors that keep their order, and walks through an expression.

SymPy sorts the arguments of a sum when it evaluates one; a reader expects ``W h + U x + b`` in the
order in which it was written. So all expressions are built through `add`, `multiply`, `hadamard`,
`power` and `transpose`, which flatten and drop neutral elements but never reorder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sympy import Basic, Expr, Identity, Integer, MatrixExpr, Transpose

from derivations.errors import ShapeError
from derivations.expressions import (
    Blocks,
    Diag,
    HadamardPower,
    HadamardProduct,
    Kronecker,
    MatAdd,
    MatMul,
    MatrixSymbol,
    OneMatrix,
    Quantity,
    Scaled,
    Vec,
    ZeroMatrix,
    is_column,
    is_parameter,
    is_row,
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

    Scalars stand in front, too: α W h for W α h. A product of scalars alone is an elementwise one.

    Raises
    ------
    ShapeError
        When a factor's columns are not its right neighbour's rows.

    Examples
    --------
    >>> alpha, h = MatrixSymbol("alpha", 1, 1), Quantity("h", 3, 1, 0)
    >>> multiply(2, h, alpha).args[1].scalar
    alpha
    """
    coefficient = Integer(1)
    scalars: list[MatrixExpr] = []
    chain: list[MatrixExpr] = []  # what fits together so far
    for factor in factors:
        if not isinstance(factor, MatrixExpr):
            coefficient = coefficient * factor
            continue
        number, rest = split_coefficient(factor)
        coefficient = coefficient * number
        if isinstance(rest, Scaled):
            scalars.append(rest.scalar)
            rest = rest.body
        if is_scalar(rest):
            scalars += [] if isinstance(rest, Identity) else [rest]
        elif not chain or chain[-1].shape[1] == rest.shape[0]:
            chain.append(rest)
        elif is_row(chain[0]) and is_column(chain[-1]):
            scalars.append(_chained(chain))  # uᵀ v w is (uᵀ v) w
            chain = [rest]
        else:
            raise ShapeError(
                "a product needs columns = rows; "
                f"{show_shape(chain[-1])} by {show_shape(rest)} came"
            )
    if not chain:
        return _with_number(coefficient, hadamard(*scalars, OneMatrix(1, 1)))
    return _scaled(coefficient, scalars, _chained(chain))


def _scaled(number: Expr, scalars: Sequence[MatrixExpr], product: MatrixExpr) -> MatrixExpr:
    """Return a product of numbers, scalars and what they scale."""
    if not scalars:
        return _with_number(number, product)
    if is_scalar(product):
        return _with_number(number, hadamard(*scalars, product))
    own_number, scalar = split_coefficient(hadamard(*scalars))
    if isinstance(scalar, ZeroMatrix) or isinstance(product, ZeroMatrix):
        return ZeroMatrix(*product.shape)
    scaled = product if isinstance(scalar, OneMatrix) else Scaled(scalar, product)
    return _with_number(number * own_number, scaled)


def _chained(factors: Sequence[MatrixExpr]) -> MatrixExpr:
    """Return the product of factors that fit together."""
    rows, columns = factors[0].shape[0], factors[-1].shape[1]
    if any(isinstance(factor, ZeroMatrix) for factor in factors):
        return ZeroMatrix(rows, columns)
    flat = [part for f in factors for part in (f.args if isinstance(f, MatMul) else (f,))]
    kept = [factor for factor in flat if not isinstance(factor, Identity)] or flat[:1]
    if len(kept) == 2 and all(isinstance(f, OneMatrix) for f in (kept[0], transpose(kept[1]))):
        return OneMatrix(rows, columns) if is_column(kept[0]) else MatMul(*kept)  # 𝟏 𝟏ᵀ
    return kept[0] if len(kept) == 1 else MatMul(*kept)


def _with_number(number: Expr, product: MatrixExpr) -> MatrixExpr:
    own_number, rest = split_coefficient(product)
    number = number * own_number
    if number == 0 or isinstance(rest, ZeroMatrix):
        return ZeroMatrix(*product.shape)
    if number == 1:
        return rest
    return MatMul(number, *(rest.args if isinstance(rest, MatMul) else (rest,)))


def split_coefficient(expression: MatrixExpr) -> tuple[Expr, MatrixExpr]:
    """Return the number in front of a product, and the rest.

    Examples
    --------
    >>> h = Quantity("h", 3, 1, 0)
    >>> split_coefficient(multiply(-2, h))[0]
    -2
    """
    if isinstance(expression, MatMul) and not isinstance(expression.args[0], MatrixExpr):
        rest = expression.args[1:]
        return expression.args[0], rest[0] if len(rest) == 1 else MatMul(*rest)
    return Integer(1), expression


def negate(expression: MatrixExpr) -> MatrixExpr:
    """Return −u."""
    return multiply(-1, expression)


def hadamard(*factors: MatrixExpr) -> MatrixExpr:
    """Return the elementwise product in the order of the factors.

    Its number comes in front, and what it divides by at the end.

    Raises
    ------
    ShapeError
        When two shapes differ.
    """
    shape = factors[0].shape
    coefficient = Integer(1)
    scalars: list[MatrixExpr] = []
    kept: list[MatrixExpr] = []
    for factor in factors:
        if factor.shape != shape:
            raise ShapeError(
                f"⊙ needs equal shapes; {show_shape(factors[0])} and {show_shape(factor)} came"
            )
        number, rest = split_coefficient(factor)
        coefficient = coefficient * number
        if isinstance(rest, Scaled):
            scalars.append(rest.scalar)
            rest = rest.body
        if isinstance(rest, ZeroMatrix):
            return ZeroMatrix(*shape)
        if isinstance(rest, HadamardProduct):
            kept.extend(rest.args)
        elif not isinstance(rest, OneMatrix):
            kept.append(rest)
    if not kept:
        product = OneMatrix(*shape)
    else:
        kept.sort(key=_is_divisor)
        product = kept[0] if len(kept) == 1 else HadamardProduct(*kept)
    return _scaled(coefficient, scalars, product)


def _is_divisor(factor: MatrixExpr) -> bool:
    return isinstance(factor, HadamardPower) and bool(factor.exp.is_negative)


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
    if isinstance(expression, Diag | Identity) or is_scalar(expression):
        return expression
    if isinstance(expression, Scaled):
        return multiply(expression.scalar, transpose(expression.body))
    if isinstance(expression, MatMul):
        number, rest = split_coefficient(expression)
        factors = rest.args if isinstance(rest, MatMul) else (rest,)
        return multiply(number, *(transpose(factor) for factor in reversed(factors)))
    return Transpose(expression)


def diagonal(expression: MatrixExpr) -> MatrixExpr:
    """Return the diagonal matrix with the entries of an expression, row by row, on it; diag(𝟏) = I.

    Examples
    --------
    >>> diagonal(MatrixSymbol("S", 2, 3)).shape
    (6, 6)
    """
    if is_scalar(expression):
        return expression
    if isinstance(expression, OneMatrix):
        return Identity(expression.rows * expression.cols)
    return Diag(expression if is_column(expression) else Vec(expression))


def stack(*parts: MatrixExpr) -> MatrixExpr:
    """Return columns below each other; stacks among them are taken apart.

    Examples
    --------
    >>> h, x = Quantity("h", 3, 1, 0), Quantity("x", 2, 1, 0)
    >>> stack(h, stack(h, x)).shape
    (8, 1)
    """
    flat: list[MatrixExpr] = []
    for part in parts:
        is_stacked = isinstance(part, Blocks) and part.is_stack
        flat.extend(part.entries if is_stacked else (part,))
    return flat[0] if len(flat) == 1 else Blocks(1, *flat)


def heights(blocks: Blocks) -> list[tuple[Expr, Expr]]:
    """Return for every piece of a stack how many rows stand above it, and how many it has."""
    found = []
    above: Expr = Integer(0)
    for entry in blocks.entries:
        found.append((above, entry.shape[0]))
        above = above + entry.shape[0]
    return found


def kronecker(left: MatrixExpr, right: MatrixExpr) -> MatrixExpr:
    """Return A ⊗ B; where one of them is a scalar, a multiple of the other.

    Examples
    --------
    >>> kronecker(Identity(2), Identity(3))
    I
    """
    if isinstance(left, ZeroMatrix) or isinstance(right, ZeroMatrix):
        return ZeroMatrix(*Kronecker(left, right).shape)
    if is_scalar(left) or is_scalar(right):
        return multiply(left, right) if is_scalar(left) else multiply(right, left)
    if isinstance(left, Identity) and isinstance(right, Identity):
        return Identity(left.shape[0] * right.shape[0])
    return Kronecker(left, right)


def inner(left: MatrixExpr, right: MatrixExpr) -> MatrixExpr:
    """Return the sum of the products of the entries of two expressions of one shape."""
    if is_column(left):
        return multiply(transpose(left), right)
    rows, columns = left.shape
    ones = transpose(OneMatrix(rows, 1)), OneMatrix(columns, 1)
    return multiply(ones[0], hadamard(left, right), ones[1])


def outer_factors(product: MatrixExpr) -> tuple[MatrixExpr, MatrixExpr] | None:
    """Return u and v of an outer product u vᵀ; None for any other matrix.

    Examples
    --------
    >>> u, v = Quantity("u", 3, 1, 0), Quantity("v", 2, 1, 0)
    >>> outer_factors(multiply(u, transpose(v))) == (u, v)
    True
    """
    if not isinstance(product, MatMul):
        return None
    for position in range(1, len(product.args)):
        before, behind = product.args[:position], product.args[position:]
        if is_column(before[-1]) and is_row(behind[0]):
            return multiply(*before), transpose(multiply(*behind))
    return None


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


@lru_cache(maxsize=2**14)
def _parts(expression: Basic) -> Mapping[Basic, None]:
    """Return everything in an expression, each once, in order of appearance."""
    return dict.fromkeys(subexpressions(expression))


def quantities(expression: Basic) -> list[Quantity]:
    """Return the time-carrying quantities in an expression, each once, in order of appearance."""
    return [node for node in _parts(expression) if isinstance(node, Quantity)]


def parameters(expression: Basic) -> list[MatrixSymbol]:
    """Return the parameters in an expression, each once, in order of appearance."""
    return [node for node in _parts(expression) if is_parameter(node)]


def depends_on(expression: Basic, variable: Basic) -> bool:
    """Tell whether a variable occurs in an expression as it stands."""
    return variable in _parts(expression)


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
    Scaled: multiply,
    Kronecker: kronecker,
    Diag: diagonal,
}
