"""Columns to rows: what each node of an equation becomes in the loop language."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import singledispatch

import sympy
from sympy import Basic, Expr, Integer, MatrixExpr, Rational, StrictGreaterThan, Symbol, Transpose

from codegen import program
from codegen.program import Load, Number
from derivations.activations import Atom, ScalarFunction
from derivations.algebra import split_coefficient, transpose
from derivations.errors import EmitError, UnsupportedError
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
    ZeroMatrix,
    is_scalar,
    t,
)
from derivations.model import Model
from derivations.notation.latex import latex
from derivations.notation.names import Scope, identifier


def row_name(model: Model, argument: Quantity) -> str:
    return f"d{identifier(model.loss.name)}_d{identifier(argument.name)}"


def is_row(factor: MatrixExpr) -> bool:
    return bool(factor.shape[0] == 1)


class Context:
    """What a rule needs to know beside its node: the model, and the step that t stands for."""

    def __init__(self, model: Model, scope: Scope, origin: Expr | int = t) -> None:
        self.model = model
        self.scope = scope
        self.origin = origin

    def function(self, name: str) -> ScalarFunction:
        """Return what a function's name stands for."""
        found = self.scope.function(name)
        if found is None:
            raise EmitError(f"The function {name} is not known.")
        return found


@singledispatch
def rows(expression: Basic, context: Context) -> program.Expression:
    """Return a column, or a 1 × 1 matrix, as rows.

    Raises
    ------
    UnsupportedError
        For a node that has no rule in this file.
    """
    raise UnsupportedError(
        f"{type(expression).__name__} has no rule that lowers it.", hint="codegen/rows.py"
    )


@rows.register
def rows_of_quantity(expression: Quantity, context: Context) -> program.Expression:
    shift = expression.time - context.origin
    return Load(identifier(expression.name), int(shift))


@rows.register
def rows_of_parameter(expression: MatrixSymbol, context: Context) -> program.Expression:
    return program.Weight(identifier(expression.name))


@rows.register
def rows_of_ones(expression: OneMatrix, context: Context) -> program.Expression:
    return Number(Fraction(1))


@rows.register
def rows_of_zero(expression: ZeroMatrix, context: Context) -> program.Expression:
    return Number(Fraction(0))


@rows.register
def rows_of_sum(expression: MatAdd, context: Context) -> program.Expression:
    terms = []
    for term in expression.args:
        number, rest = split_coefficient(term)
        sign = -1 if number.could_extract_minus_sign() else 1
        terms.append((sign, _scaled(sign * number, rows(rest, context))))
    return program.Add(tuple(terms))


@rows.register
def rows_of_product(expression: MatMul, context: Context) -> program.Expression:
    """Multiply from the right: the last factor is a column, so every step is rows again."""
    number, rest = split_coefficient(expression)
    factors = list(rest.args) if isinstance(rest, MatMul) else [rest]
    if factors[-1].shape[1] != 1:
        raise UnsupportedError(f"The product {latex(expression)} has no rule in codegen/rows.py.")
    value = rows(factors[-1], context)
    for factor in reversed(factors[:-1]):
        value = _times(factor, value, context)
    return _scaled(number, value)


def _times(factor: MatrixExpr, value: program.Expression, context: Context) -> program.Expression:
    """Multiply rows from the left by a weight, a diagonal, a row or a column."""
    is_vector = 1 in factor.shape
    if isinstance(factor, MatrixSymbol) and not is_vector:
        return program.RowsTimes(value, identifier(factor.name), transposed=True)
    if isinstance(factor, Transpose) and isinstance(factor.arg, MatrixSymbol) and not is_vector:
        return program.RowsTimes(value, identifier(factor.arg.name), transposed=False)
    if isinstance(factor, Diag):
        return program.Multiply((rows(factor.vector, context), value))
    if isinstance(factor, Transpose) and isinstance(factor.arg, OneMatrix):
        return program.RowSum(value)
    if is_row(factor) and not is_scalar(factor):
        return program.Dot(rows(transpose(factor), context), value)
    if factor.shape[1] == 1:
        return program.Multiply((rows(factor, context), value))
    raise UnsupportedError(f"The factor {latex(factor)} has no rule in codegen/rows.py.")


@rows.register
def rows_of_transpose(expression: Transpose, context: Context) -> program.Expression:
    """∂E_t/∂ŷ_t of an unspecified loss is given as rows."""
    partial = expression.arg
    if isinstance(partial, Partial) and partial.of == context.model.loss:
        return Load(row_name(context.model, partial.by))
    raise UnsupportedError(f"{latex(expression)} is no column.", hint="codegen/rows.py")


@rows.register
def rows_of_hadamard_product(expression: HadamardProduct, context: Context) -> program.Expression:
    above, below = [], []
    for factor in expression.args:
        if isinstance(factor, HadamardPower) and factor.exp.is_negative:
            below.append(_power(rows(factor.base, context), -int(factor.exp)))
        else:
            above.append(rows(factor, context))
    return _quotient(above, below)


@rows.register
def rows_of_hadamard_power(expression: HadamardPower, context: Context) -> program.Expression:
    base, exponent = rows(expression.base, context), int(expression.exp)
    if exponent < 0:
        return program.Divide(Number(Fraction(1)), _power(base, -exponent))
    return _power(base, exponent)


@rows.register
def rows_of_elementwise(expression: Elementwise, context: Context) -> program.Expression:
    written = context.function(expression.function).derivative(expression.order)
    return entrywise(written, rows(expression.argument, context))


@rows.register
def rows_of_softmax(expression: Softmax, context: Context) -> program.Expression:
    return program.RowFunction("softmax", rows(expression.argument, context))


@rows.register
def rows_of_squared_norm(expression: SquaredNorm, context: Context) -> program.Expression:
    return program.RowSum(program.Power(rows(expression.argument, context), 2))


def _scaled(number: Expr, value: program.Expression) -> program.Expression:
    if number == 1:
        return value
    if number == -1:
        return program.Add(((-1, value),))
    factors = value.factors if isinstance(value, program.Multiply) else (value,)
    return program.Multiply((constant(number), *factors))


def _power(base: program.Expression, exponent: int) -> program.Expression:
    return base if exponent == 1 else program.Power(base, exponent)


def _quotient(
    above: Sequence[program.Expression], below: Sequence[program.Expression]
) -> program.Expression:
    top = _product(above) if above else Number(Fraction(1))
    return program.Divide(top, _product(below)) if below else top


def _product(factors: Sequence[program.Expression]) -> program.Expression:
    return factors[0] if len(factors) == 1 else program.Multiply(tuple(factors))


def constant(value: Expr) -> Number:
    if isinstance(value, Rational):
        return Number(Fraction(int(value.p), int(value.q)))
    return Number(float(value))


# Scalar formulas, one rule a kind


def entrywise(written: Expr, argument: program.Expression) -> program.Expression:
    """Write a formula in one variable as a program over every entry.

    Examples
    --------
    >>> from derivations.activations import FUNCTIONS
    >>> entrywise(FUNCTIONS["identity"].formula, Load("a"))
    Load(name='a', shift=0)
    """
    if not written.free_symbols:
        return constant(written)
    match written:
        case Symbol():
            return argument
        case sympy.Add():
            ordered = sorted(written.args, key=lambda term: (bool(term.free_symbols), str(term)))
            return program.Add(tuple(_signed(term, argument) for term in ordered))
        case sympy.Mul():
            return _entrywise_product(written, argument)
        case sympy.Pow() if isinstance(written.exp, Integer) and written.exp > 0:
            return program.Power(entrywise(written.base, argument), int(written.exp))
        case sympy.Pow() if isinstance(written.exp, Integer):
            below = _power(entrywise(written.base, argument), -int(written.exp))
            return program.Divide(Number(Fraction(1)), below)
        case sympy.Piecewise():
            return _where(written, argument)
        case Atom() | sympy.exp() | sympy.log() | sympy.tanh():
            return program.Apply(type(written).__name__, entrywise(written.args[0], argument))
    raise UnsupportedError(f"The function {written} has no rule in codegen/rows.py.")


def _signed(term: Expr, argument: program.Expression) -> tuple[int, program.Expression]:
    negative = term.could_extract_minus_sign()
    return (-1 if negative else 1), entrywise(-term if negative else term, argument)


def _entrywise_product(written: Expr, argument: program.Expression) -> program.Expression:
    constant, rest = written.as_independent(*written.free_symbols, as_Add=False)
    ordered = sorted(rest.as_ordered_factors(), key=lambda f: (not f.is_Symbol, str(f)))
    above = [entrywise(f, argument) for f in ordered if not _is_inverse(f)]
    below = [entrywise(1 / f, argument) for f in ordered if _is_inverse(f)]
    value = _quotient(above, below)
    return _scaled(constant, value)


def _is_inverse(factor: Expr) -> bool:
    return isinstance(factor, sympy.Pow) and bool(factor.exp.is_negative)


def _where(written: sympy.Piecewise, argument: program.Expression) -> program.Expression:
    (then, condition), (otherwise, _) = written.args
    if len(written.args) != 2 or not isinstance(condition, StrictGreaterThan) or condition.rhs != 0:
        raise UnsupportedError(f"The function {written} has no rule in codegen/rows.py.")
    return program.Where(
        entrywise(condition.lhs, argument),
        entrywise(then, argument),
        entrywise(otherwise, argument),
    )
