"""Derivation → Program: equations in columns to statements on rows, one loop forward, one back."""

from __future__ import annotations

from sympy import Expr, MatrixExpr

from codegen import program
from codegen.program import Accumulate, Array, Assign, Load, Loop, Program, loads
from codegen.rows import Context, constant, is_row, row_name, rows
from derivations.algebra import split_coefficient, transpose
from derivations.derivation import Derivation, Equation
from derivations.errors import EmitError, UnsupportedError
from derivations.expressions import (
    MatAdd,
    MatMul,
    TimeSum,
    Unspecified,
    ZeroMatrix,
    t,
)
from derivations.graph import in_order
from derivations.model import Definition, Model
from derivations.notation.latex import equation as formula
from derivations.notation.latex import latex
from derivations.notation.names import identifier


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
    lowered = Program(
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
        gradients_of_loss=lowering.given_rows(),
    )
    _refuse_values_of_later_steps(lowered)
    return lowered


def _refuse_values_of_later_steps(lowered: Program) -> None:
    """Refuse a value of step t + 1 on the way back: at t = T there is none."""
    adjoints = {array.name for array in lowered.arrays if "adjoint" in array.role}
    for statement in (s for block in lowered.backward for s in block.body):
        for load in loads(statement.value):
            if load.shift > 0 and load.name not in adjoints:
                raise UnsupportedError(
                    f"Equation ({statement.equation}) uses {load.name} of the step after beside "
                    "an adjoint; code for that is not emitted yet.",
                    hint="The derivation itself is there: bptt derive.",
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
                found.append((row_name(model, argument), ("T", "B", *_axes(argument.shape))))
        return tuple(found)

    def given_rows(self) -> tuple[str, ...]:
        """Return the names of the data arrays that hold ∂E_t/∂ŷ_t of an unspecified loss."""
        expression = _loss_definition(self._model).expression
        if not isinstance(expression, Unspecified):
            return ()
        return tuple(row_name(self._model, argument) for argument in expression.arguments)

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
        for given in self.given_rows():
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
                program.Dot(Load(row_name(self._model, a)), self._rows(a))
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
        if not isinstance(rest, MatMul) or not is_row(rest.args[-1]):
            raise UnsupportedError(f"The gradient {latex(body)} has no rule in codegen/lower.py.")
        left = rest.args[0] if len(rest.args) == 2 else MatMul(*rest.args[:-1])
        right = self._rows(transpose(rest.args[-1]))
        outer = program.Outer(self._rows(left), right)
        return outer if number == 1 else program.Multiply((constant(number), outer))


def _loss_definition(model: Model) -> Definition:
    return next(d for d in model.definitions if d.quantity == model.loss)


def _short(equation: Equation) -> str:
    """Return the equation from its left side to the form that is computed."""
    return formula((equation.left, equation.right))
