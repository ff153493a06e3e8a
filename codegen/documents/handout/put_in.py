"""A formula with numbers put in: W h_0 + b as a matrix times a vector plus a vector."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import singledispatch

from sympy import Basic, Expr, Integer, MatrixExpr, Symbol, Transpose
from sympy.core.symbol import Str

from codegen.documents.handout.numbers import Example, matrix
from derivations.algebra import rebuild, replace
from derivations.expressions import (
    AscendingProduct,
    Diag,
    Elementwise,
    HadamardPower,
    MatrixSymbol,
    Part,
    Partial,
    Quantity,
    Softmax,
    T,
    TimeProduct,
    TimeSum,
    UnitVector,
    is_parameter,
)
from derivations.notation.latex import function_name, latex

#: One matrix of numbers, in its own brackets.
_COLUMN = re.compile(r"\\begin\{pmatrix\}(?:(?!\\begin).)*\\end\{pmatrix\}")


class Value(MatrixExpr):  # type: ignore[misc]
    """Numbers that stand for an expression; they are printed where it stood.

    What they stand for is a part of the node, so that equal numbers of different meaning are not
    taken for a power.
    """

    def __new__(cls, shown: str, meaning: MatrixExpr) -> Value:
        value: Value = Basic.__new__(cls, Str(shown), meaning)
        return value

    @property
    def shape(self) -> tuple[Expr, Expr]:
        rows, columns = self.args[1].shape
        return rows, columns

    @property
    def free_symbols(self) -> set[Basic]:
        return set()


@latex.register
def latex_of_value(expression: Value) -> str:
    shown: str = expression.args[0].name
    return f"({shown})" if shown.startswith("-") else shown


def at_steps(expression: MatrixExpr, steps: Mapping[Symbol, int]) -> MatrixExpr:
    """Return an expression with numbers for its free steps, and maybe for T.

    Examples
    --------
    >>> from derivations.expressions import Quantity, t
    >>> print(latex(at_steps(Quantity("h", 2, 1, t - 1), {t: 3})))
    h_2
    """
    return replace(expression, {step: Integer(value) for step, value in steps.items()})


def put_in(expression: MatrixExpr, example: Example) -> str:
    """Return the LaTeX of an expression in numbers: what it names is replaced by its value.

    The terms of a sum over time, and the factors of a product over time, are written out, each as
    its value.

    Parameters
    ----------
    expression : MatrixExpr
        Its steps are numbers: see `at_steps`.
    example : Example
        Where the numbers come from.

    Examples
    --------
    >>> from codegen.documents.handout.numbers import example
    >>> from derivations import cell, derive
    >>> from derivations.expressions import t
    >>> small = example(derive(cell("rnn-regression")))
    >>> error = small.derivation.equation("adjoint:\\\\hat{y}").right
    >>> put_in(at_steps(error, {t: 1}), small).count("pmatrix")
    4
    """
    return latex(_put_in(expression, example))


@singledispatch
def _put_in(expression: Basic, example: Example) -> Basic:
    if not expression.args or not isinstance(expression, MatrixExpr):
        return expression
    return rebuild(expression, [_put_in(argument, example) for argument in expression.args])


@_put_in.register(Quantity)
@_put_in.register(MatrixSymbol)
@_put_in.register(Partial)
@_put_in.register(Part)
@_put_in.register(UnitVector)
def put_in_value(expression: MatrixExpr, example: Example) -> Basic:
    return Value(matrix(example.value(expression)), expression)


@_put_in.register
def put_in_elementwise(expression: Elementwise, example: Example) -> Basic:
    """A slope is a number to compute with; a function's value is what the line is about."""
    if expression.order:
        return put_in_value(expression, example)
    return _called(function_name(expression.function), expression, example)


@_put_in.register
def put_in_softmax(expression: Softmax, example: Example) -> Basic:
    return _called("\\operatorname{softmax}", expression, example)


@_put_in.register
def put_in_diagonal(expression: Diag, example: Example) -> Basic:
    return _called("\\operatorname{diag}", expression, example)


def _called(name: str, expression: MatrixExpr, example: Example) -> Basic:
    """Return a function of numbers: the brackets of a column are brackets enough."""
    arguments = [_put_in(argument, example) for argument in expression.args]
    for argument in arguments:
        if isinstance(argument, Value) and _COLUMN.fullmatch(latex(argument)):
            return Value(f"{name}{latex(argument)}", expression)
    return rebuild(expression, arguments)


@_put_in.register
def put_in_power(expression: HadamardPower, example: Example) -> Basic:
    base = _put_in(expression.base, example)
    if isinstance(base, Value) and _COLUMN.fullmatch(latex(base)) and expression.exp.is_positive:
        return Value(f"{latex(base)}^{{{expression.exp}}}", expression)
    return rebuild(expression, [base, expression.exp])


@_put_in.register
def put_in_transpose(expression: Transpose, example: Example) -> Basic:
    inner = expression.arg
    is_named = isinstance(inner, Quantity | Partial | Part) or is_parameter(inner)
    if is_named:
        return put_in_value(expression, example)
    return rebuild(expression, [_put_in(inner, example)])


@_put_in.register
def put_in_sum(expression: TimeSum, example: Example) -> Basic:
    terms = [matrix(example.value(expression.body, step)) for step in _steps(expression, example)]
    shown = [f"({term})" if term.startswith("-") else term for term in terms]
    return Value(" + ".join([*terms[:1], *shown[1:]]) or "0", expression)


@_put_in.register(TimeProduct)
@_put_in.register(AscendingProduct)
def put_in_product(expression: TimeProduct | AscendingProduct, example: Example) -> Basic:
    factors = [matrix(example.value(expression.body, step)) for step in _steps(expression, example)]
    runs_against_time = isinstance(expression, TimeProduct)
    ordered = factors[::-1] if runs_against_time else factors
    return Value(" ".join(f"({f})" if f.startswith("-") else f for f in ordered), expression)


def _steps(
    series: TimeSum | TimeProduct | AscendingProduct, example: Example
) -> Iterator[Mapping[Symbol, int]]:
    environment = example.point.environment({T: example.steps})
    for step in range(environment.step(series.lower), environment.step(series.upper) + 1):
        yield {series.index: step}


__all__ = ["Value", "at_steps", "put_in"]
