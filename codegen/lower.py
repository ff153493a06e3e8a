"""Derivation → Program: equations in columns to statements on rows, one loop forward, one back."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import singledispatch

import sympy
from sympy import Basic, Expr, Integer, MatrixExpr, Rational, StrictGreaterThan, Symbol, Transpose

from codegen import program
from codegen.program import Accumulate, Array, Assign, Load, Loop, Number, Program
from derivations.activations import Atom, ScalarFunction
from derivations.derivation import Derivation, Equation
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
    TimeSum,
    Unspecified,
    ZeroMatrix,
    is_scalar,
    split_coefficient,
    t,
    transpose,
)
from derivations.graph import in_order
from derivations.model import Definition, Model
from derivations.notation.latex import equation as formula
from derivations.notation.latex import latex
from derivations.notation.names import Scope, identifier


def lower(derivation: Derivation) -> Program:
    """Return the program that computes the loss and every gradient of a derivation.

    Raises
    ------
    EmitError
        When a function of the model is unspecified.
    UnsupportedError
        When a node has no rule in this file.
    """
    model = derivation.model
    if model.unspecified_functions:
        names = ", ".join(model.unspecified_functions)
        raise EmitError(
            f"Code needs to know what {names} is.",
            hint="Choose it with --activation, or add a line such as: \\sigma is tanh",
        )
    lowering = _Lowering(derivation)
    _refuse_collisions(lowering, model)
    return Program(
        title=model.title,
        loss=identifier(model.total.name),
        parameters=tuple((identifier(p.name), _axes(p.shape)) for p in model.parameters),
        data=lowering.data(),
        one_hot=tuple(identifier(name) for name in sorted(model.one_hot)),
        arrays=lowering.arrays(),
        forward=(Loop(lowering.forward(), backward=False),),
        backward=(Loop(lowering.backward(), backward=True),),
        initial=lowering.initial(),
        gradients=lowering.gradients(),
        gradient_of_loss=lowering.given_row(),
    )


def _refuse_collisions(lowering: _Lowering, model: Model) -> None:
    """Refuse a user's name that is also the name of something that is made for the code."""
    names = [identifier(p.name) for p in model.parameters]
    names += [name for name, _ in lowering.data() if name.endswith("_0") or name not in names]
    arrays = [array.name for array in lowering.arrays() if array.role != "data"]
    names += [*arrays, *(target for _, target in lowering.gradients() if target not in arrays)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise EmitError(
            f"The name {twice[0]} would stand for two things in the code.",
            hint="It is made from another name of the model: choose another name for one of them.",
        )


def gradient_name(name: str) -> str:
    """Return the name of the array that holds ∂E/∂name."""
    return f"d_{name}"


def _axes(shape: tuple[Expr, Expr]) -> tuple[str, ...]:
    rows, columns = shape
    return (str(rows),) if columns == 1 else (str(rows), str(columns))


class _Lowering:
    """The statements of one derivation."""

    def __init__(self, derivation: Derivation) -> None:
        self._derivation = derivation
        self._model = derivation.model
        self._scope = derivation.model.scope
        self._loss = identifier(derivation.model.total.name)
        self._adjoints = [e for e in derivation.equations if e.label.startswith("adjoint:")]

    def data(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return what is given: data at every step, first states, and maybe ∂E_t/∂ŷ_t."""
        model = self._model
        found = [(identifier(q.name), ("T", "B", *_axes(q.shape))) for q in model.data]
        for state in model.states:
            found.append((f"{identifier(state.name)}_0", ("B", *_axes(state.shape))))
        loss = _loss_definition(model)
        if isinstance(loss.expression, Unspecified):
            for argument in loss.expression.arguments:
                found.append((_row_name(model, argument), ("T", "B", *_axes(argument.shape))))
        return tuple(found)

    def given_row(self) -> str | None:
        """Return the name of the data array that holds ∂E_t/∂ŷ_t, or None."""
        expression = _loss_definition(self._model).expression
        if not isinstance(expression, Unspecified):
            return None
        return _row_name(self._model, expression.arguments[0])

    def arrays(self) -> tuple[Array, ...]:
        """Return the storage of everything that carries time."""
        model = self._model
        data = {q.name for q in model.data}
        states = {q.name for q in model.states}
        found = [Array(identifier(q.name), str(q.shape[0]), "data") for q in model.data]
        for definition in in_order(model):
            quantity = definition.quantity
            if quantity != model.loss and quantity.name not in data:
                role = "state" if quantity.name in states else "value"
                found.append(Array(identifier(quantity.name), str(quantity.shape[0]), role))
        given = self.given_row()
        if given is not None:
            size = next(axes[-1] for name, axes in self.data() if name == given)
            found.append(Array(given, size, "data"))
        later = {e.left.name for e in self._derivation.equations if e.label.startswith("boundary:")}
        for equation in self._adjoints:
            role = "recurrent adjoint" if equation.left.name in later else "adjoint"
            left = equation.left
            found.append(Array(identifier(left.name), str(left.shape[0]), role))
        for equation in self._derivation.equations:
            if equation.label.startswith("input:"):
                name = identifier(equation.label.removeprefix("input:"))
                found.append(Array(gradient_name(name), str(equation.right.shape[0]), "adjoint"))
        return tuple(found)

    def forward(self) -> tuple[program.Statement, ...]:
        """Return the statements of one step forward; the loss is accumulated."""
        statements: list[program.Statement] = []
        for definition in in_order(self._model):
            quantity = definition.quantity
            if quantity == self._model.loss:
                continue
            equation = self._equation(f"forward:{quantity.name}")
            value = self._rows(definition.expression)
            statements.append(self._assign(identifier(quantity.name), value, equation, 2))
        loss = _loss_definition(self._model)
        total = self._equation("total")
        if isinstance(loss.expression, Unspecified):
            values = [
                program.Dot(Load(_row_name(self._model, a)), self._rows(a))
                for a in loss.expression.arguments
            ]
            value = values[0] if len(values) == 1 else program.Add(tuple((1, v) for v in values))
            statements.append(
                Accumulate(self._loss, program.Total(value), total.number, formula(total.sides[:2]))
            )
        else:
            equation = self._equation(f"forward:{loss.quantity.name}")
            value = program.Total(self._rows(loss.expression))
            statements.append(
                Accumulate(self._loss, value, equation.number, formula(equation.sides[:2]))
            )
        return tuple(statements)

    def backward(self) -> tuple[program.Statement, ...]:
        """Return the statements of one step back: the adjoints, then what they add to gradients."""
        statements: list[program.Statement] = []
        for equation in self._adjoints:
            value = self._rows(equation.right)
            statements.append(self._assign(identifier(equation.left.name), value, equation))
        for equation in self._derivation.equations:
            kind, _, name = equation.label.partition(":")
            if kind == "gradient":
                target = gradient_name(identifier(name))
                summed = equation.right
                if isinstance(summed, ZeroMatrix):
                    continue
                assert isinstance(summed, TimeSum)
                statements.append(
                    Accumulate(target, self._summed(summed.body), equation.number, _short(equation))
                )
            elif kind == "input":
                target = gradient_name(identifier(name))
                statements.append(self._assign(target, self._rows(equation.right), equation))
        return tuple(statements)

    def initial(self) -> tuple[Assign, ...]:
        """Return the gradients by the first states, written at t = 0."""
        found = []
        for state in self._model.states:
            equation = self._equation(f"initial:{state.name}")
            name = gradient_name(f"{identifier(state.name)}_0")
            found.append(self._assign(name, self._rows(equation.right, origin=0), equation))
        return tuple(found)

    def gradients(self) -> tuple[tuple[str, str], ...]:
        """Return what the backward pass hands out, and in which array it stands."""
        found = []
        for equation in self._derivation.equations:
            kind, _, name = equation.label.partition(":")
            if kind in ("gradient", "input"):
                found.append((identifier(name), gradient_name(identifier(name))))
            elif kind == "initial":
                code = f"{identifier(name)}_0"
                found.append((code, gradient_name(code)))
        return tuple(found)

    def _equation(self, label: str) -> Equation:
        equation = self._derivation.equation(label)
        if equation is None:
            raise EmitError(f"The derivation has no equation {label}.")
        return equation

    def _assign(
        self, target: str, value: program.Expression, equation: Equation, sides: int = 0
    ) -> Assign:
        shown = formula(equation.sides[:sides]) if sides else _short(equation)
        return Assign(target, value, equation.number, shown)

    def _rows(self, expression: MatrixExpr, origin: Expr | int = t) -> program.Expression:
        return rows(expression, Context(self._model, self._scope, origin))

    def _summed(self, body: MatrixExpr) -> program.Expression:
        """Lower the term of a parameter's gradient: Σ over rows of u vᵀ, or of u."""
        if isinstance(body, MatAdd):
            return program.Add(tuple((1, self._summed(term)) for term in body.args))
        number, rest = split_coefficient(body)
        if rest.shape[1] == 1:
            return program.Total(self._rows(body))
        if not isinstance(rest, MatMul) or not _is_row(rest.args[-1]):
            raise UnsupportedError(f"The gradient {latex(body)} has no rule in codegen/lower.py.")
        left = rest.args[0] if len(rest.args) == 2 else MatMul(*rest.args[:-1])
        right = self._rows(transpose(rest.args[-1]))
        outer = program.Outer(self._rows(left), right)
        return outer if number == 1 else program.Multiply((_number(number), outer))


def _is_row(factor: MatrixExpr) -> bool:
    return bool(factor.shape[0] == 1)


def _loss_definition(model: Model) -> Definition:
    return next(d for d in model.definitions if d.quantity == model.loss)


def _row_name(model: Model, argument: Quantity) -> str:
    return f"d{identifier(model.loss.name)}_d{identifier(argument.name)}"


def _short(equation: Equation) -> str:
    """Return the equation from its left side to the form that is computed."""
    return formula((equation.left, equation.right))


# Expressions, one rule a node


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
        f"{type(expression).__name__} has no rule that lowers it.", hint="codegen/lower.py"
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
        raise UnsupportedError(f"The product {latex(expression)} has no rule in codegen/lower.py.")
    value = rows(factors[-1], context)
    for factor in reversed(factors[:-1]):
        value = _times(factor, value, context)
    return _scaled(number, value)


def _times(factor: MatrixExpr, value: program.Expression, context: Context) -> program.Expression:
    """Multiply rows from the left by a weight, a diagonal, a row or a column."""
    if isinstance(factor, MatrixSymbol):
        return program.RowsTimes(value, identifier(factor.name), transposed=True)
    if isinstance(factor, Transpose) and isinstance(factor.arg, MatrixSymbol):
        return program.RowsTimes(value, identifier(factor.arg.name), transposed=False)
    if isinstance(factor, Diag):
        return program.Multiply((rows(factor.vector, context), value))
    if isinstance(factor, Transpose) and isinstance(factor.arg, OneMatrix):
        return program.RowSum(value)
    if _is_row(factor) and not is_scalar(factor):
        return program.Dot(rows(transpose(factor), context), value)
    if factor.shape[1] == 1:
        return program.Multiply((rows(factor, context), value))
    raise UnsupportedError(f"The factor {latex(factor)} has no rule in codegen/lower.py.")


@rows.register
def rows_of_transpose(expression: Transpose, context: Context) -> program.Expression:
    """∂E_t/∂ŷ_t of an unspecified loss is given as rows."""
    partial = expression.arg
    if isinstance(partial, Partial) and partial.of == context.model.loss:
        return Load(_row_name(context.model, partial.by))
    raise UnsupportedError(f"{latex(expression)} is no column.", hint="codegen/lower.py")


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
    return program.Multiply((_number(number), *factors))


def _power(base: program.Expression, exponent: int) -> program.Expression:
    return base if exponent == 1 else program.Power(base, exponent)


def _quotient(
    above: Sequence[program.Expression], below: Sequence[program.Expression]
) -> program.Expression:
    top = _product(above) if above else Number(Fraction(1))
    return program.Divide(top, _product(below)) if below else top


def _product(factors: Sequence[program.Expression]) -> program.Expression:
    return factors[0] if len(factors) == 1 else program.Multiply(tuple(factors))


def _number(value: Expr) -> Number:
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
        return _number(written)
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
    raise UnsupportedError(f"The function {written} has no rule in codegen/lower.py.")


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
        raise UnsupportedError(f"The function {written} has no rule in codegen/lower.py.")
    return program.Where(
        entrywise(condition.lhs, argument),
        entrywise(then, argument),
        entrywise(otherwise, argument),
    )
