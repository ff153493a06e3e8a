"""Columns to rows, matrices to one matrix a row: what each node is in the loop language."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import singledispatch

import sympy
from sympy import Basic, Expr, Integer, MatrixExpr, Rational, StrictGreaterThan, Symbol, Transpose

from codegen import program
from codegen.program import Load, Number
from derivations.activations import Atom, ScalarFunction
from derivations.algebra import add, split_coefficient, transpose
from derivations.errors import EmitError, UnsupportedError
from derivations.expressions import (
    Blocks,
    Diag,
    Elementwise,
    Entry,
    HadamardPower,
    HadamardProduct,
    Identity,
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
    UnitVector,
    ZeroMatrix,
    is_column,
    is_row,
    is_scalar,
    t,
)
from derivations.model import Model
from derivations.notation.latex import latex
from derivations.notation.names import Scope, identifier

_FILE = "codegen/rows.py"


def row_name(model: Model, argument: Quantity) -> str:
    return f"d{identifier(model.loss.name)}_d{identifier(argument.name)}"


def size_text(size: Expr) -> str:
    """Return a size as code: ``n + m``, ``2 * n``.

    Examples
    --------
    >>> from derivations.notation.picks import size_symbol
    >>> size_text(2 * size_symbol("n") + size_symbol("m"))
    'm + 2 * n'
    """
    return str(size).replace("*", " * ")


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
    raise UnsupportedError(f"{type(expression).__name__} has no rule that lowers it.", hint=_FILE)


@rows.register
def rows_of_quantity(expression: Quantity, context: Context) -> program.Expression:
    shift = expression.time - context.origin
    if not shift.is_Integer:
        raise UnsupportedError(f"{latex(expression)} stands at no fixed step here.", hint=_FILE)
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
    """Multiply from the right, so that every step is rows again, or matrices."""
    number, rest = split_coefficient(expression)
    factors = list(rest.args) if isinstance(rest, MatMul) else [rest]
    lowered = _column if is_column(factors[-1]) else _matrices
    return _scaled(number, lowered(factors, context))


def _column(factors: Sequence[MatrixExpr], context: Context) -> program.Expression:
    """Lower a product whose last factor is a column."""
    match factors:
        case [Transpose(arg=OneMatrix()), matrix, OneMatrix()]:
            return program.EntrySum(rows(matrix, context))
        case [matrix, OneMatrix()] if not is_column(matrix):
            return program.TimesEach(rows(matrix, context), Number(Fraction(1)))
    value = rows(factors[-1], context)
    for factor in reversed(factors[:-1]):
        value = _times(factor, value, context)
    return value


def _times(factor: MatrixExpr, value: program.Expression, context: Context) -> program.Expression:
    """Multiply rows from the left by whatever fits a column."""
    match factor:
        case MatAdd() if not is_column(factor) and not is_row(factor):
            return program.Add(tuple(_signed_times(term, value, context) for term in factor.args))
        case Transpose(arg=MatAdd() as total) if not is_column(total) and not is_row(total):
            return _times(add(*map(transpose, total.args)), value, context)
        case Identity():
            return value
        case Scaled() if not is_column(factor) and not is_row(factor):
            scalar = rows(factor.scalar, context)
            return program.Multiply((scalar, _times(factor.body, value, context)))
        case MatrixSymbol() | Part() if not is_column(factor):
            return _weight_times(factor, value, transposed=True)
        case Transpose(arg=MatrixSymbol() | Part() as weight) if not is_column(weight):
            return _weight_times(weight, value, transposed=False)
        case Diag():
            return program.Multiply((rows(factor.vector, context), value))
        case Transpose(arg=OneMatrix()):
            return program.RowSum(value)
        case Transpose(arg=UnitVector() as unit):
            return program.Pick(value, rows(unit.label, context))
        case UnitVector():
            return program.Unit(rows(factor.label, context), value)
    if is_scalar(factor) or is_column(factor):
        return program.Multiply((rows(factor, context), value))
    if is_row(factor):
        return program.Dot(rows(transpose(factor), context), value)
    return program.TimesEach(rows(factor, context), value)


def _signed_times(
    term: MatrixExpr, value: program.Expression, context: Context
) -> tuple[int, program.Expression]:
    number, rest = split_coefficient(term)
    sign = -1 if number.could_extract_minus_sign() else 1
    factors = rest.args if isinstance(rest, MatMul) else (rest,)
    for factor in reversed(factors):
        value = _times(factor, value, context)
    return sign, _scaled(sign * number, value)


def _weight_times(
    weight: MatrixSymbol | Part, value: program.Expression, *, transposed: bool
) -> program.Expression:
    if isinstance(weight, MatrixSymbol):
        return program.RowsTimes(value, identifier(weight.name), transposed)
    matrix = weight.matrix
    if not isinstance(matrix, MatrixSymbol) or weight.row_range != (0, matrix.shape[0]):
        raise UnsupportedError(f"The factor {latex(weight)} has no rule.", hint=_FILE)
    start, stop = _ends(weight.column_range, matrix.shape[1])
    return program.RowsTimes(value, identifier(matrix.name), transposed, start, stop)


def _ends(limits: tuple[Expr, Expr], length: Expr) -> tuple[str, str]:
    first, last = limits
    return "" if first == 0 else size_text(first), "" if last == length else size_text(last)


def _matrices(factors: Sequence[MatrixExpr], context: Context) -> program.Expression:
    """Lower a product that is a matrix for every row: outer products, products of matrices."""
    for position in range(1, len(factors)):
        before, behind = factors[:position], factors[position:]
        if is_column(before[-1]):  # and a row behind it
            left = _column(before, context)
            right = _column([transpose(factor) for factor in reversed(behind)], context)
            return program.OuterEach(left, right)
    value = rows(factors[-1], context)
    for factor in reversed(factors[:-1]):
        value = program.MatrixProduct(rows(factor, context), value)
    return value


@rows.register
def rows_of_scaled(expression: Scaled, context: Context) -> program.Expression:
    scalar, body = rows(expression.scalar, context), rows(expression.body, context)
    if isinstance(body, program.Unit):
        is_one = body.amount == Number(Fraction(1))
        amount = scalar if is_one else program.Multiply((scalar, body.amount))
        return program.Unit(body.label, amount)
    if not is_column(expression.body) and program.loads(scalar):
        scalar = program.Lifted(scalar)
    return program.Multiply((scalar, body))


@rows.register
def rows_of_transpose(expression: Transpose, context: Context) -> program.Expression:
    """∂E_t/∂ŷ_t of an unspecified loss is given as rows; a matrix is turned."""
    partial = expression.arg
    if isinstance(partial, Partial) and partial.of.name == context.model.loss.name:
        return Load(row_name(context.model, partial.by))
    if is_row(partial) and isinstance(partial, MatrixSymbol):
        return rows(partial, context)  # a matrix of one row, which every row meets as it stands
    if is_column(partial):
        raise UnsupportedError(f"{latex(expression)} is no column.", hint=_FILE)
    return program.Turned(rows(partial, context))


@rows.register
def rows_of_blocks(expression: Blocks, context: Context) -> program.Expression:
    if not expression.is_stack:
        raise UnsupportedError("Blocks side by side have no rule that lowers them.", hint=_FILE)
    parts = tuple(rows(piece, context) for piece in expression.entries)
    return program.Concatenate(parts, tuple(size_text(p.shape[0]) for p in expression.entries))


@rows.register
def rows_of_part(expression: Part, context: Context) -> program.Expression:
    start, stop = _ends(expression.row_range, expression.matrix.shape[0])
    return program.Part(rows(expression.matrix, context), start, stop)


@rows.register
def rows_of_maximum(expression: Maximum, context: Context) -> program.Expression:
    return program.Maximum(*(rows(part, context) for part in expression.args))


@rows.register
def rows_of_entry(expression: Entry, context: Context) -> program.Expression:
    return program.Pick(rows(expression.vector, context), rows(expression.label, context))


@rows.register
def rows_of_unit_vector(expression: UnitVector, context: Context) -> program.Expression:
    return program.Unit(rows(expression.label, context), Number(Fraction(1)))


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
    squares = program.Power(rows(expression.argument, context), 2)
    is_vector = is_column(expression.argument)
    return program.RowSum(squares) if is_vector else program.EntrySum(squares)


def _scaled(number: Expr, value: program.Expression) -> program.Expression:
    if number == 1:
        return value
    if number == -1:
        return program.Add(((-1, value),))
    if isinstance(value, Number):
        own = constant(number).value
        return Number(own * value.value)
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
