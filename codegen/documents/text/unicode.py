"""SymPy expressions → Unicode text: the printer for terminals, a line for every node."""

from __future__ import annotations

from functools import singledispatch

from sympy import Basic, Expr, MatrixExpr, Transpose

from codegen.documents.printed import plain
from derivations.errors import UnsupportedError
from derivations.expressions import (
    Diag,
    Elementwise,
    HadamardPower,
    HadamardProduct,
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
    power,
    split_coefficient,
)
from derivations.notation.latex import function_name, latex
from derivations.notation.names import parts, show_time

_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@singledispatch
def unicode(expression: Basic) -> str:
    """Return an expression as Unicode text.

    Raises
    ------
    UnsupportedError
        For a node that has no line in this file.

    Examples
    --------
    >>> from derivations.expressions import add, t
    >>> h, a = Quantity("h", 3, 1, t), Quantity("a", 3, 1, t)
    >>> print(unicode(Partial(h, h.at(t - 1))), "=", unicode(Diag(Elementwise("\\\\sigma", 1, a))))
    ∂h_t/∂h_{t-1} = diag(σ'(a_t))
    """
    raise UnsupportedError(
        f"{type(expression).__name__} has no Unicode text yet.",
        hint="codegen/documents/text/unicode.py",
    )


@unicode.register(Quantity)
@unicode.register(MatrixSymbol)
def unicode_of_symbol(expression: Quantity | MatrixSymbol) -> str:
    return plain(latex(expression))


@unicode.register
def unicode_of_zero(expression: ZeroMatrix) -> str:
    return "0"


@unicode.register
def unicode_of_ones(expression: OneMatrix) -> str:
    return "𝟏"


@unicode.register
def unicode_of_sum(expression: MatAdd) -> str:
    text = ""
    for term in expression.args:
        coefficient, rest = split_coefficient(term)
        negative = coefficient.could_extract_minus_sign()
        sign = "-" if negative else "+"
        text += f" {sign} " if text else ("-" if negative else "")
        text += _term(-coefficient if negative else coefficient, rest, bare_numbers=True)
    return text


@unicode.register
def unicode_of_product(expression: MatMul) -> str:
    coefficient, rest = split_coefficient(expression)
    if coefficient.could_extract_minus_sign():
        return "-" + _term(-coefficient, rest)
    return _term(coefficient, rest)


@unicode.register
def unicode_of_hadamard_product(expression: HadamardProduct) -> str:
    text = ""
    for factor in expression.args:
        inverted = _is_inverse(factor)
        sign = "⊘" if inverted else "⊙"
        shown = _inside_hadamard(power(factor.base, -factor.exp) if inverted else factor)
        text = f"{text} {sign} {shown}" if text else (f"1 {sign} {shown}" if inverted else shown)
    return text


@unicode.register
def unicode_of_hadamard_power(expression: HadamardPower) -> str:
    if _is_inverse(expression):
        return f"1 ⊘ {_inside_hadamard(power(expression.base, -expression.exp))}"
    return _scripted(expression.base) + str(expression.exp).translate(_RAISED)


@unicode.register
def unicode_of_transpose(expression: Transpose) -> str:
    return f"{_scripted(expression.arg)}ᵀ"


@unicode.register
def unicode_of_elementwise(expression: Elementwise) -> str:
    name = plain(function_name(expression.function))
    return f"{name}{chr(39) * expression.order}({unicode(expression.argument)})"


@unicode.register
def unicode_of_softmax(expression: Softmax) -> str:
    return f"softmax({unicode(expression.argument)})"


@unicode.register
def unicode_of_diag(expression: Diag) -> str:
    return f"diag({unicode(expression.vector)})"


@unicode.register
def unicode_of_squared_norm(expression: SquaredNorm) -> str:
    return f"‖{unicode(expression.argument)}‖²"


@unicode.register
def unicode_of_partial(expression: Partial) -> str:
    sign = "∂⁺" if expression.immediate else "∂"
    return f"{sign}{unicode(expression.of)}/∂{unicode(expression.by)}"


@unicode.register
def unicode_of_time_sum(expression: TimeSum) -> str:
    return _series("Σ", expression)


@unicode.register
def unicode_of_time_product(expression: TimeProduct) -> str:
    return _series("∏", expression)


def _series(sign: str, expression: TimeSum | TimeProduct) -> str:
    lower = f"{expression.index.name}={show_time(expression.lower)}"
    body = unicode(expression.body)
    if isinstance(expression.body, MatAdd) or body.startswith("-"):
        body = f"({body})"
    return f"{sign}_{{{lower}}}^{{{show_time(expression.upper)}}} {body}"


def _term(coefficient: Expr, rest: MatrixExpr, *, bare_numbers: bool = False) -> str:
    """Show a positive number and what it multiplies; inside a sum, ones are the number alone."""
    if isinstance(rest, OneMatrix) and bare_numbers:
        return str(coefficient)
    factors = rest.args if isinstance(rest, MatMul) else (rest,)
    text = "" if coefficient == 1 else f"{coefficient} "
    for position, factor in enumerate(factors):
        if position:
            # A derivative has a slash, which a dot keeps from reaching over the next factor.
            both = (factors[position - 1], factor)
            text += " · " if any(isinstance(one, Partial) for one in both) else " "
        text += _factor(factor, is_last=position == len(factors) - 1, alone=len(factors) == 1)
    return text


def _factor(factor: MatrixExpr, *, is_last: bool, alone: bool) -> str:
    text = unicode(factor)
    if isinstance(factor, MatAdd) or (isinstance(factor, TimeSum | TimeProduct) and not is_last):
        return f"({text})"
    if (isinstance(factor, HadamardProduct) or _is_inverse(factor)) and not alone:
        return f"({text})"
    return text


def _inside_hadamard(factor: MatrixExpr) -> str:
    text = unicode(factor)
    last = factor.args[-1] if isinstance(factor, MatMul) else factor
    if isinstance(factor, MatAdd) or isinstance(last, TimeSum | TimeProduct):
        return f"({text})"
    return text


def _is_inverse(factor: MatrixExpr) -> bool:
    return isinstance(factor, HadamardPower) and bool(factor.exp.could_extract_minus_sign())


def _scripted(base: MatrixExpr) -> str:
    """Show what a sign is raised behind, in brackets where it would seem to belong to less."""
    text = unicode(base)
    if isinstance(base, Quantity | MatrixSymbol) and parts(base.name)[2]:
        return f"({text})"  # in W^sᵀ, only the label would seem to be transposed
    if isinstance(base, Quantity | MatrixSymbol | OneMatrix | Elementwise | Softmax | Diag):
        return text
    return f"({text})"


__all__ = ["unicode"]
