"""SymPy expressions to LaTeX: the one printer, whose every output `build` reads back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import singledispatch

from sympy import Add, Basic, Expr, Integer, MatrixExpr, Mul, Rational, Transpose

from derivations.algebra import power, split_coefficient
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
    Vec,
    ZeroMatrix,
    is_scalar,
)
from derivations.notation.names import at_time, parts, show_time

_SPELLED_FUNCTIONS = frozenset(
    {"\\sigmoid", "\\relu", "\\identity", "\\softplus", "\\gelu", "\\silu", "\\softmax"}
)


@singledispatch
def latex(expression: Basic) -> str:
    """Return the LaTeX of an expression.

    Raises
    ------
    UnsupportedError
        For a node that has no line in this file.

    Examples
    --------
    >>> from derivations.algebra import add
    >>> from derivations.expressions import MatrixSymbol, Quantity, t
    >>> h = Quantity("h", 3, 1, t)
    >>> print(latex(add(MatrixSymbol("W_{rec}", 3, 3) * h.at(t - 1), h)))
    W_{rec} h_{t-1} + h_t
    """
    raise UnsupportedError(
        f"{type(expression).__name__} has no LaTeX yet.", hint="derivations/notation/latex.py"
    )


@latex.register
def latex_of_quantity(expression: Quantity) -> str:
    return at_time(expression.name, expression.time)


@latex.register
def latex_of_parameter(expression: MatrixSymbol) -> str:
    return str(expression.name)


@latex.register
def latex_of_zero(expression: ZeroMatrix) -> str:
    return "0"


@latex.register
def latex_of_ones(expression: OneMatrix) -> str:
    return "\\mathbf{1}"


@latex.register
def latex_of_identity(expression: Identity) -> str:
    return "\\mathbf{I}"


@latex.register
def latex_of_sum(expression: MatAdd) -> str:
    text = ""
    for term in expression.args:
        coefficient, rest = split_coefficient(term)
        negative = coefficient.could_extract_minus_sign()
        sign = "-" if negative else "+"
        text += f" {sign} " if text else ("-" if negative else "")
        text += _term(-coefficient if negative else coefficient, rest)
    return text


@latex.register
def latex_of_product(expression: MatMul) -> str:
    coefficient, rest = split_coefficient(expression)
    if coefficient.could_extract_minus_sign():
        return "-" + _term(-coefficient, rest, bare_numbers=False)
    return _term(coefficient, rest, bare_numbers=False)


@latex.register
def latex_of_scaled(expression: Scaled) -> str:
    return _term(Integer(1), expression)


@latex.register
def latex_of_hadamard_product(expression: HadamardProduct) -> str:
    if is_scalar(expression):
        return " ".join(map(_scalar_factor, expression.args))
    text = ""
    for factor in expression.args:
        inverted = _is_quotient(factor)
        sign = "\\oslash" if inverted else "\\odot"
        below = power(factor.base, -factor.exp) if inverted else factor
        printed = _divisor(below) if inverted else _inside_hadamard(factor)
        text = (
            f"{text} {sign} {printed}" if text else (f"1 {sign} {printed}" if inverted else printed)
        )
    return text


def _scalar_factor(factor: MatrixExpr) -> str:
    """Print a scalar beside others: scalars need no sign between them."""
    text = latex(factor)
    is_compound = isinstance(factor, (MatAdd, MatMul, *_SERIES))
    return bracket(text) if is_compound else text


@latex.register
def latex_of_hadamard_power(expression: HadamardPower) -> str:
    if expression.exp.could_extract_minus_sign():
        below = power(expression.base, -expression.exp)
        if is_scalar(expression):
            return f"\\frac{{1}}{{{latex(below)}}}"
        return f"1 \\oslash {_divisor(below)}"
    return f"{_scripted(expression.base)}^{{{expression.exp}}}"


@latex.register
def latex_of_transpose(expression: Transpose) -> str:
    return f"{_scripted(expression.arg)}^{{\\top}}"


@latex.register
def latex_of_elementwise(expression: Elementwise) -> str:
    primes = "'" * expression.order
    return f"{function_name(expression.function)}{primes}{bracket(latex(expression.argument))}"


@latex.register
def latex_of_softmax(expression: Softmax) -> str:
    return f"\\operatorname{{softmax}}{bracket(latex(expression.argument))}"


@latex.register
def latex_of_diag(expression: Diag) -> str:
    return f"\\operatorname{{diag}}{bracket(latex(expression.vector))}"


@latex.register
def latex_of_squared_norm(expression: SquaredNorm) -> str:
    return f"\\left\\|{latex(expression.argument)}\\right\\|^{{2}}"


@latex.register
def latex_of_maximum(expression: Maximum) -> str:
    return f"\\max{bracket(f'{latex(expression.first)}, {latex(expression.second)}')}"


@latex.register
def latex_of_entry(expression: Entry) -> str:
    return f"\\left[{latex(expression.vector)}\\right]_{{{latex(expression.label)}}}"


@latex.register
def latex_of_unit_vector(expression: UnitVector) -> str:
    return f"\\mathbf{{e}}_{{{latex(expression.label)}}}"


@latex.register
def latex_of_blocks(expression: Blocks) -> str:
    rows = [[_block(expression, i, j) for j in range(len(row))] for i, row in _numbered(expression)]
    if expression.is_stack:
        return f"\\left[{'; '.join(row[0] for row in rows)}\\right]"
    lines = " \\\\ ".join(" & ".join(row) for row in rows)
    return f"\\begin{{pmatrix}} {lines} \\end{{pmatrix}}"


def _numbered(expression: Blocks) -> list[tuple[int, tuple[MatrixExpr, ...]]]:
    return list(enumerate(expression.rows_of_blocks))


def _block(blocks: Blocks, row: int, column: int) -> str:
    """Print a block; zeros and identities with their sizes where no neighbour tells them."""
    rows = blocks.rows_of_blocks
    block = rows[row][column]
    tells_height = any(not isinstance(b, ZeroMatrix) for b in rows[row])
    beside = [r[column] for r in rows if not isinstance(r[column], ZeroMatrix)]
    if isinstance(block, ZeroMatrix) and not (tells_height and beside):
        return f"0_{{{show_size(block.shape[0])} \\times {show_size(block.shape[1])}}}"
    number, rest = split_coefficient(block)
    if rest == OneMatrix(1, 1):
        return str(number)
    neighbours = [*rows[row], *beside]
    if isinstance(block, Identity) and all(
        isinstance(b, Identity | ZeroMatrix) for b in neighbours
    ):
        return _sized_identity(block)
    return latex(block)


@latex.register
def latex_of_part(expression: Part) -> str:
    rows, columns = expression.matrix.shape
    shown = [
        ":" if start == 0 and stop == size else f"{show_size(start + 1)}:{show_size(stop)}"
        for (start, stop), size in (
            (expression.row_range, rows),
            (expression.column_range, columns),
        )
    ]
    picked = shown[0] if columns == 1 else ",".join(shown)
    matrix = expression.matrix
    is_bare = isinstance(matrix, MatrixSymbol) and parts(matrix.name)[1:] == ("", "")
    text = latex(matrix) if is_bare else bracket(latex(matrix))
    return f"{text}_{{{picked}}}"


@latex.register
def latex_of_vec(expression: Vec) -> str:
    return f"\\operatorname{{vec}}{bracket(latex(expression.matrix))}"


@latex.register
def latex_of_kronecker(expression: Kronecker) -> str:
    return f"{_beside_kronecker(expression.left)} \\otimes {_beside_kronecker(expression.right)}"


def _beside_kronecker(factor: MatrixExpr) -> str:
    if isinstance(factor, Identity):
        return _sized_identity(factor)
    is_bound = isinstance(factor, MatAdd | HadamardProduct | Kronecker | TimeSum | TimeProduct)
    coefficient, _ = split_coefficient(factor)
    return bracket(latex(factor)) if is_bound or coefficient != 1 else latex(factor)


def _sized_identity(identity: Identity) -> str:
    return f"\\mathbf{{I}}_{{{show_size(identity.shape[0])}}}"


def show_size(size: Expr) -> str:
    """Return a size as it is written in an index: letters first, then the number.

    Examples
    --------
    >>> from derivations.notation.picks import size_symbol
    >>> show_size(2 * size_symbol("n_2") + size_symbol("m") ** 2 + 1)
    '2n_{2}+m^{2}+1'
    """
    terms = sorted(Add.make_args(size), key=lambda term: (term.is_number, str(term)))
    return "+".join(map(_size_term, terms)).replace("+-", "-")


def _size_term(term: Expr) -> str:
    number, rest = term.as_coeff_Mul()
    letters = []
    for factor in Mul.make_args(rest):
        base, exponent = factor.as_base_exp()
        letter = re.sub(r"_(\w+)", r"_{\1}", str(base))
        letters.append(letter if exponent == 1 else f"{letter}^{{{exponent}}}")
    if rest == 1:
        return str(number)
    return {1: "", -1: "-"}.get(number, str(number)) + " \\cdot ".join(letters)


@latex.register
def latex_of_partial(expression: Partial) -> str:
    sign = "\\partial^{+}" if expression.immediate else "\\partial"
    return f"\\frac{{{sign} {latex(expression.of)}}}{{\\partial {latex(expression.by)}}}"


@latex.register
def latex_of_time_sum(expression: TimeSum) -> str:
    return _series("\\sum", expression)


@latex.register
def latex_of_time_product(expression: TimeProduct) -> str:
    return _series("\\prod", expression)


@latex.register
def latex_of_ascending_product(expression: AscendingProduct) -> str:
    return _series("\\overrightarrow{\\prod}", expression)


def function_name(name: str) -> str:
    """Return a function's name as LaTeX has it.

    Examples
    --------
    >>> function_name("\\\\relu"), function_name("\\\\tanh")
    ('\\\\operatorname{relu}', '\\\\tanh')
    """
    if name in _SPELLED_FUNCTIONS:
        return f"\\operatorname{{{name.removeprefix(chr(92))}}}"
    return name


def bracket(text: str) -> str:
    """Return the text in brackets that grow with it."""
    return f"\\left({text}\\right)"


def equation(sides: Sequence[MatrixExpr]) -> str:
    """Return the LaTeX of a chain of equal sides."""
    return " = ".join(latex(side) for side in sides)


def _series(sign: str, expression: TimeSum | TimeProduct | AscendingProduct) -> str:
    lower = f"{expression.index.name}={show_time(expression.lower)}"
    body = latex(expression.body)
    is_chain = not isinstance(expression, TimeSum) and isinstance(expression.body, MatMul | Scaled)
    if is_chain or isinstance(expression.body, MatAdd) or body.startswith("-"):
        body = bracket(body)
    return f"{sign}_{{{lower}}}^{{{show_time(expression.upper)}}} {body}"


def _term(coefficient: Expr, rest: MatrixExpr, *, bare_numbers: bool = True) -> str:
    """Print a positive number and what it multiplies; inside a sum, ones are the number alone."""
    if isinstance(rest, OneMatrix) and bare_numbers:
        return _number(coefficient)
    before = [] if coefficient == 1 else [_number(coefficient)]
    if isinstance(rest, Scaled):
        number, scalar = split_coefficient(rest.scalar)
        assert number == 1
        scalars = scalar.args if isinstance(scalar, HadamardProduct) else (scalar,)
        before += map(_scalar_factor, scalars)
        rest = rest.body
    factors = rest.args if isinstance(rest, MatMul) else (rest,)
    printed = [
        _factor(
            factor, is_last=position == len(factors) - 1, alone=len(factors) == 1 and not before
        )
        for position, factor in enumerate(factors)
    ]
    return " ".join([*before, *printed])


def _number(value: Expr) -> str:
    if isinstance(value, Integer):
        return str(value)
    if isinstance(value, Rational):
        return f"\\frac{{{value.p}}}{{{value.q}}}"
    raise UnsupportedError(f"The number {value} has no LaTeX yet.")


_SERIES = (TimeSum, TimeProduct, AscendingProduct)


def _factor(factor: MatrixExpr, *, is_last: bool, alone: bool) -> str:
    text = latex(factor)
    if isinstance(factor, MatAdd) or (isinstance(factor, _SERIES) and not is_last):
        return bracket(text)
    is_bound = isinstance(factor, HadamardProduct | Kronecker) or _is_quotient(factor)
    return bracket(text) if is_bound and not alone else text


def _is_quotient(factor: MatrixExpr) -> bool:
    return isinstance(factor, HadamardPower) and bool(factor.exp.could_extract_minus_sign())


def _inside_hadamard(factor: MatrixExpr) -> str:
    text = latex(factor)
    last = factor.args[-1] if isinstance(factor, MatMul) else factor
    return bracket(text) if isinstance(factor, MatAdd) or isinstance(last, _SERIES) else text


def _divisor(factor: MatrixExpr) -> str:
    """Print what stands behind ⊘, which divides by the next factor alone."""
    is_bound = isinstance(factor, HadamardProduct) or _is_quotient(factor)
    return bracket(latex(factor)) if is_bound else _inside_hadamard(factor)


def _scripted(base: MatrixExpr) -> str:
    """Print what a superscript is put on, in braces or brackets where it needs them."""
    text = latex(base)
    if isinstance(base, Quantity | MatrixSymbol):
        return f"{{{text}}}" if parts(base.name)[2] else text
    is_closed = isinstance(base, OneMatrix | Elementwise | Softmax | Diag | Vec | UnitVector | Part)
    if is_closed or (isinstance(base, Blocks) and base.is_stack):
        return text
    return bracket(text)


__all__ = ["bracket", "equation", "function_name", "latex", "show_size"]
