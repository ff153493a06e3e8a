"""Derivation → Program: equations in columns to statements on rows, passes forward, passes back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sympy import Expr, MatrixExpr

from codegen import program
from codegen.program import (
    Accumulate,
    Assign,
    Block,
    LastStep,
    Load,
    Loop,
    Program,
)
from codegen.program.statements import Steps
from codegen.rows import Context, constant, row_name, rows
from codegen.storage import (
    arrays_of,
    axes_of,
    computed_once,
    constraints_of,
    data_of,
    given_name,
    given_rows,
    gradient_name,
    mask_of,
    step_from_the_end,
    with_room,
)
from derivations.algebra import (
    add,
    multiply,
    outer_factors,
    quantities,
    split_coefficient,
    transpose,
)
from derivations.derivation import Derivation, Equation
from derivations.errors import EmitError
from derivations.expressions import (
    MatAdd,
    OneMatrix,
    Quantity,
    Scaled,
    T,
    TimeSum,
    Transpose,
    Unspecified,
    ZeroMatrix,
    is_column,
    is_row,
    t,
)
from derivations.model import Definition
from derivations.notation.latex import equation as formula
from derivations.notation.names import identifier
from derivations.recurrence import phases


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
            hint="Choose it with --activation, or add the line: "
            f"{model.unspecified_functions[0]} is tanh",
        )
    lowered = _Lowering(derivation).lowered()
    _refuse_collisions(lowered)
    return lowered


def _refuse_collisions(lowered: Program) -> None:
    """Refuse a user's name that is also the name of something that is made for the code."""
    data = [name for name, _ in lowered.data]
    arrays = [array.name for array in lowered.arrays if array.role != "data"]
    sums = [target for _, target in lowered.gradients if target not in arrays]
    names = [*(name for name, _ in lowered.parameters), *data, *arrays, *sums]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise EmitError(
            f"The name {twice[0]} would stand for two things in the code.",
            hint="It is made from another name of the model: choose another name for one of them.",
        )


class _Lowering:
    """The statements of one derivation."""

    def __init__(self, derivation: Derivation) -> None:
        self._derivation = derivation
        self._model = model = derivation.model
        self._loss = identifier(model.total.name)
        self._computed_once = computed_once(model)

    def lowered(self) -> Program:
        model = self._model
        lowered = Program(
            title=model.title,
            loss=self._loss,
            parameters=tuple((identifier(p.name), axes_of(p.shape)) for p in model.parameters),
            data=data_of(model),
            constraints=constraints_of(model),
            arrays=arrays_of(self._derivation),
            forward=tuple(self._forward()),
            backward=tuple(self._backward()),
            initial=tuple(self._initial()),
            gradients=self._gradients(),
            gradients_of_loss=tuple(name for name, _ in given_rows(model)),
            mask=mask_of(model),
        )
        return replace(lowered, arrays=tuple(with_room(lowered)))

    # Forward

    def _forward(self) -> Iterable[Block]:
        """Yield the passes over the steps; the loss is accumulated in the last one."""
        last: list[program.Statement] = []
        for direction, part in phases(self._model):
            body: list[program.Statement] = []
            for definition in part:
                statement = self._computed(definition)
                (last if definition.quantity.name in self._computed_once else body).append(
                    statement
                )
            if body:
                yield Loop(tuple(body), backward=direction < 0)
        if last:
            yield LastStep(tuple(last))

    def _computed(self, definition: Definition) -> program.Statement:
        """Return the statement of a forward equation."""
        quantity = definition.quantity
        # In the block of the last step, t is T: the equation is the same.
        if quantity != self._model.loss:
            equation = self._equation(f"forward:{quantity.name}")
            value = self._rows(definition.expression)
            return _assign(identifier(quantity.name), value, equation, sides=2)
        if not isinstance(definition.expression, Unspecified):
            equation = self._equation(f"forward:{quantity.name}")
            loss = self._rows(definition.expression)
            value = program.Total(loss if self._model.unmasked is None else _termwise(loss))
            shown = formula(equation.sides[:2])
            return Accumulate(self._loss, value, equation.number, shown)
        total = self._equation("total")
        values = [
            program.Dot(Load(row_name(self._model, a)), self._rows(a))
            for a in definition.expression.arguments
        ]
        value = values[0] if len(values) == 1 else program.Add(tuple((1, v) for v in values))
        shown = formula(total.sides[:2])
        return Accumulate(self._loss, program.Total(value), total.number, shown)

    # Backward

    def _backward(self) -> Iterable[Block]:
        """Yield the passes back: adjoints, and what they add to gradients once all are there."""
        adjoints = list(self._equations("adjoint"))
        waiting = [e for kind in ("gradient", "last input", "input") for e in self._equations(kind)]
        last: list[program.Statement] = [
            _assign(identifier(e.left.name), self._rows(e.right, T), e)
            for e in adjoints
            if e.left.time == T
        ]
        last += [s for e in waiting for s in self._at_the_end(e)]
        if last:
            yield LastStep(tuple(last))
        pending = {e.left.name for e in adjoints if e.left.time == t}
        for direction, part in reversed(phases(self._model)):
            names = {d.quantity.name for d in part}
            body: list[program.Statement] = []
            for equation in adjoints:
                if equation.subject in names and equation.left.time == t:
                    body += self._adjoint(equation)
                    pending.discard(equation.left.name)
            due = [e for e in waiting if not pending & {q.name for q in quantities(e.right)}]
            body += [s for e in due for s in self._at_every_step(e)]
            waiting = [e for e in waiting if e not in due]
            if body:
                yield Loop(tuple(body), backward=direction > 0)

    def _adjoint(self, equation: Equation) -> Iterable[Assign]:
        """Return the statements of δ at every step, or at the last one and at the others."""
        name = identifier(equation.left.name)
        at_last = self._derivation.equation(f"last:{equation.subject}")
        if at_last is None:
            yield _assign(name, self._rows(equation.right), equation)
            return
        yield _assign(name, self._rows(at_last.right, T), at_last, steps="last")
        yield _assign(name, self._rows(equation.right), equation, steps="earlier")

    def _at_the_end(self, equation: Equation) -> Iterable[program.Statement]:
        """Return what the last step alone adds to a parameter's gradient."""
        if equation.topic != "gradient":
            return
        _, at_last = _split(equation.right)
        if at_last is not None:
            value = self._summed(at_last, T)
            target = gradient_name(identifier(equation.subject))
            yield Accumulate(target, value, equation.number, _short(equation), steps="last")

    def _at_every_step(self, equation: Equation) -> Iterable[program.Statement]:
        """Return what is done at every step, or at all but one, for a gradient."""
        name = equation.subject
        target = gradient_name(identifier(name))
        if equation.topic == "gradient":
            summed, _ = _split(equation.right)
            if summed is not None:
                value = self._summed(summed.body, t)
                yield Accumulate(target, value, equation.number, _short(equation))
        else:
            is_last = equation.topic == "last input"
            has_last = self._derivation.equation(f"last input:{name}") is not None
            steps: Steps = "last" if is_last else "earlier" if has_last else "every"
            value = self._rows(equation.right, T if is_last else t)
            yield _assign(target, value, equation, steps=steps)

    def _initial(self) -> Iterable[tuple[Assign, int]]:
        """Yield the gradients by the given values, with the step of each."""
        for equation in self._equations("initial"):
            by = _given_quantity(equation)
            value = self._rows(equation.right, by.time)
            name = gradient_name(given_name(by))
            yield _assign(name, value, equation), step_from_the_end(by.time)

    def _gradients(self) -> tuple[tuple[str, str], ...]:
        """Return what the backward pass hands out, and in which array it stands."""
        found: dict[str, str] = {}
        for equation in self._derivation.equations:
            if equation.topic in ("gradient", "input", "last input"):
                name = identifier(equation.subject)
            elif equation.topic == "initial":
                name = given_name(_given_quantity(equation))
            else:
                continue
            found.setdefault(name, gradient_name(name))
        return tuple(found.items())

    # Equations

    def _equations(self, topic: str) -> Iterable[Equation]:
        return (e for e in self._derivation.equations if e.topic == topic)

    def _equation(self, label: str) -> Equation:
        equation = self._derivation.equation(label)
        if equation is None:
            raise EmitError(f"The derivation has no equation {label}.")
        return equation

    def _rows(self, expression: MatrixExpr, origin: Expr | int = t) -> program.Expression:
        return rows(expression, Context(self._model, self._model.scope, origin))

    def _summed(self, body: MatrixExpr, origin: Expr) -> program.Expression:
        """Lower the term of a parameter's gradient: Σ over rows of u vᵀ, or of what it is."""
        terms = body.args if isinstance(body, MatAdd) else (body,)
        if len(terms) > 1 or split_coefficient(body)[0].is_negative:
            return program.Add(tuple(self._signed(term, origin) for term in terms))
        number, rest = split_coefficient(body)
        product = rest.body if isinstance(rest, Scaled) else rest
        columns = outer_factors(product)
        if is_row(rest) and not is_column(rest):
            factor = rest.scalar if isinstance(rest, Scaled) else OneMatrix(1, 1)
            number_and_factor = self._rows(multiply(number, factor), origin)
            return program.Outer(number_and_factor, self._rows(transpose(product), origin))
        if is_column(rest) or columns is None:
            return program.Total(self._rows(body, origin))
        left, right = (self._rows(column, origin) for column in columns)
        if isinstance(rest, Scaled):
            left = program.Multiply((self._rows(rest.scalar, origin), left))
        outer = program.Outer(left, right)
        return outer if number == 1 else program.Multiply((constant(number), outer))

    def _signed(self, term: MatrixExpr, origin: Expr) -> tuple[int, program.Expression]:
        number, rest = split_coefficient(term)
        sign = -1 if number.is_negative else 1
        return sign, self._summed(multiply(sign * number, rest), origin)


def _termwise(loss: program.Expression) -> program.Expression:
    """Multiply every entry of a masked loss by its mask, rather than the sum of the entries.

    A sum over all steps then needs no sum of each row.
    """
    match loss:
        case program.Add(terms=terms):
            return program.Add(tuple((sign, _termwise(term)) for sign, term in terms))
        case program.Multiply(factors=(*numbers, program.Add(terms=terms))):
            weighed = ((sign, program.Multiply((*numbers, term))) for sign, term in terms)
            return program.Add(tuple((sign, _termwise(term)) for sign, term in weighed))
        case program.Multiply(factors=(*numbers, program.Multiply(factors=factors))):
            return _termwise(program.Multiply((*numbers, *factors)))
        case program.Multiply(factors=(*numbers, program.Dot(left=left, right=right))):
            return program.Dot(program.Multiply((*numbers, left)), right)
        case program.Multiply(factors=(*numbers, program.RowSum(rows=rows))):
            return program.RowSum(program.Multiply((*numbers, rows)))
    return loss


def _split(right: MatrixExpr) -> tuple[TimeSum | None, MatrixExpr | None]:
    """Return the sum over the steps in a gradient, and what the last step alone adds."""
    terms = right.args if isinstance(right, MatAdd) else (right,)
    sums = [term for term in terms if isinstance(term, TimeSum)]
    others = [term for term in terms if not isinstance(term, TimeSum | ZeroMatrix)]
    return (sums[0] if sums else None), (add(*others) if others else None)


def _assign(
    target: str,
    value: program.Expression,
    equation: Equation,
    *,
    sides: int = 0,
    steps: Steps = "every",
) -> Assign:
    shown = formula(equation.sides[:sides]) if sides else _short(equation)
    return Assign(target, value, equation.number, shown, steps=steps)


def _short(equation: Equation) -> str:
    """Return the equation from its left side to the form that is computed."""
    return formula((equation.left, equation.right))


def _given_quantity(equation: Equation) -> Quantity:
    """Return the given value that an equation holds the gradient by."""
    partial = equation.left.arg if isinstance(equation.left, Transpose) else equation.left
    by: Quantity = partial.by
    return by
