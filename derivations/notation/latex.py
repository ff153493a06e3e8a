"""SymPy expressions to LaTeX: the one printer, whose every output `build` reads back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from sympy import Basic, Expr, Integer, MatrixExpr, Rational, Transpose

from derivations.algebra import power, split_coefficient
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
    ZeroMatrix,
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
def latex_of_hadamard_product(expression: HadamardProduct) -> str:
    text = ""
    for factor in expression.args:
        inverted = isinstance(factor, HadamardPower) and factor.exp.could_extract_minus_sign()
        sign = "\\oslash" if inverted else "\\odot"
        below = power(factor.base, -factor.exp) if inverted else factor
        printed = _divisor(below) if inverted else _inside_hadamard(factor)
        text = (
            f"{text} {sign} {printed}" if text else (f"1 {sign} {printed}" if inverted else printed)
        )
    return text


@latex.register
def latex_of_hadamard_power(expression: HadamardPower) -> str:
    if expression.exp.could_extract_minus_sign():
        below = power(expression.base, -expression.exp)
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
def latex_of_partial(expression: Partial) -> str:
    sign = "\\partial^{+}" if expression.immediate else "\\partial"
    return f"\\frac{{{sign} {latex(expression.of)}}}{{\\partial {latex(expression.by)}}}"


@latex.register
def latex_of_time_sum(expression: TimeSum) -> str:
    return _series("\\sum", expression)


@latex.register
def latex_of_time_product(expression: TimeProduct) -> str:
    return _series("\\prod", expression)


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


def _series(sign: str, expression: TimeSum | TimeProduct) -> str:
    lower = f"{expression.index.name}={show_time(expression.lower)}"
    body = latex(expression.body)
    is_chain = isinstance(expression, TimeProduct) and isinstance(expression.body, MatMul)
    if is_chain or isinstance(expression.body, MatAdd) or body.startswith("-"):
        body = bracket(body)
    return f"{sign}_{{{lower}}}^{{{show_time(expression.upper)}}} {body}"


def _term(coefficient: Expr, rest: MatrixExpr, *, bare_numbers: bool = True) -> str:
    """Print a positive number and what it multiplies; inside a sum, ones are the number alone."""
    if isinstance(rest, OneMatrix) and bare_numbers:
        return _number(coefficient)
    factors = rest.args if isinstance(rest, MatMul) else (rest,)
    printed = [
        _factor(factor, is_last=position == len(factors) - 1, alone=len(factors) == 1)
        for position, factor in enumerate(factors)
    ]
    return " ".join(printed if coefficient == 1 else [_number(coefficient), *printed])


def _number(value: Expr) -> str:
    if isinstance(value, Integer):
        return str(value)
    if isinstance(value, Rational):
        return f"\\frac{{{value.p}}}{{{value.q}}}"
    raise UnsupportedError(f"The number {value} has no LaTeX yet.")


def _factor(factor: MatrixExpr, *, is_last: bool, alone: bool) -> str:
    text = latex(factor)
    if isinstance(factor, MatAdd) or (isinstance(factor, TimeSum | TimeProduct) and not is_last):
        return bracket(text)
    is_quotient = isinstance(factor, HadamardPower) and factor.exp.could_extract_minus_sign()
    if (isinstance(factor, HadamardProduct) or is_quotient) and not alone:
        return bracket(text)
    return text


def _inside_hadamard(factor: MatrixExpr) -> str:
    text = latex(factor)
    last = factor.args[-1] if isinstance(factor, MatMul) else factor
    if isinstance(factor, MatAdd) or isinstance(last, TimeSum | TimeProduct):
        return bracket(text)
    return text


def _divisor(factor: MatrixExpr) -> str:
    """Print what stands behind ⊘, which divides by the next factor alone."""
    is_quotient = isinstance(factor, HadamardPower) and factor.exp.could_extract_minus_sign()
    if isinstance(factor, HadamardProduct) or is_quotient:
        return bracket(latex(factor))
    return _inside_hadamard(factor)


def _scripted(base: MatrixExpr) -> str:
    """Print what a superscript is put on, in braces or brackets where it needs them."""
    text = latex(base)
    if isinstance(base, Quantity | MatrixSymbol):
        return f"{{{text}}}" if parts(base.name)[2] else text
    if isinstance(base, OneMatrix | Elementwise | Softmax | Diag):
        return text
    return bracket(text)


__all__ = ["bracket", "equation", "function_name", "latex"]
