"""Derivation → Program: equations in columns to statements on rows, passes forward, passes back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sympy import Expr, MatrixExpr

from codegen import program
from codegen.program import (
    Accumulate,
    Array,
    Assign,
    Block,
    LastStep,
    Load,
    Loop,
    Program,
    loads,
    statements,
)
from codegen.program.statements import Steps
from codegen.rows import Context, constant, row_name, rows, size_text
from derivations.adjoints import acting_within_the_step
from derivations.algebra import add, quantities, split_coefficient, subexpressions, transpose
from derivations.derivation import Derivation, Equation
from derivations.errors import EmitError
from derivations.expressions import (
    Entry,
    MatAdd,
    MatMul,
    Quantity,
    Scaled,
    T,
    TimeSum,
    Transpose,
    UnitVector,
    Unspecified,
    ZeroMatrix,
    is_column,
    is_row,
    t,
)
from derivations.model import Definition, Model
from derivations.notation.latex import equation as formula
from derivations.notation.latex import latex
from derivations.notation.names import identifier
from derivations.recurrence import given_values, in_order, phases


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


def gradient_name(name: str) -> str:
    """Return the name of the array that holds ∂E/∂name."""
    return f"d_{name}"


def given_name(quantity: Quantity) -> str:
    """Return the name of the argument that holds a given value of a state.

    Examples
    --------
    >>> [given_name(Quantity("h", 3, 1, step)) for step in (0, -1, T + 1)]
    ['h_0', 'h_minus_1', 'h_T_plus_1']
    """
    name, distance = identifier(quantity.name), step_from_the_end(quantity.time)
    if distance > 0:
        return f"{name}_T_plus_{distance}"
    return f"{name}_minus_{-distance}" if distance else f"{name}_0"


def step_from_the_end(time: Expr) -> int:
    """Return 0, −1, … for a step before the first, and 1, 2, … for one behind the last."""
    return int(time - T) if time.has(T) else int(time)


def _axes(shape: tuple[Expr, Expr]) -> tuple[str, ...]:
    found = tuple(size_text(size) for size in shape)
    return found[:1] if shape[1] == 1 else found


class _Lowering:
    """The statements of one derivation."""

    def __init__(self, derivation: Derivation) -> None:
        self._derivation = derivation
        self._model = model = derivation.model
        self._loss = identifier(model.total.name)
        self._late = acting_within_the_step(model) if model.is_last_only else frozenset()

    def lowered(self) -> Program:
        model = self._model
        lowered = Program(
            title=model.title,
            loss=self._loss,
            parameters=tuple((identifier(p.name), _axes(p.shape)) for p in model.parameters),
            data=self._data(),
            constraints=self._constraints(),
            arrays=self._arrays(),
            forward=tuple(self._forward()),
            backward=tuple(self._backward()),
            initial=tuple(self._initial()),
            gradients=self._gradients(),
            gradients_of_loss=tuple(name for name, _ in self._given_rows()),
        )
        return replace(lowered, arrays=tuple(_with_room(lowered)))

    # What is given and what is stored

    def _data(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return what is given: data at every step, first states, and maybe ∂E_t/∂ŷ_t."""
        model = self._model
        found = []
        for data in model.data:
            axes = () if data.name in model.scope.labels else _axes(data.shape)
            found.append((identifier(data.name), (*self._leading(data.name), *axes)))
        for state in model.states:
            for given in given_values(model, state):
                found.append((given_name(given), ("B", *_axes(state.shape))))
        return (*found, *self._given_rows())

    def _leading(self, name: str) -> tuple[str, ...]:
        return ("B",) if self._is_late(name) else ("T", "B")

    def _is_late(self, name: str) -> bool:
        """Tell whether a quantity or data is needed at the last step only."""
        users = {
            d.quantity.name
            for d in self._model.definitions
            if d.quantity.time == t and any(q.name == name for q in quantities(d.expression))
        }
        is_computed = self._model.definition(name) is not None
        return name in self._late if is_computed else bool(users) and users <= self._late

    def _given_rows(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return the data arrays that hold ∂E_t/∂ŷ_t of an unspecified loss."""
        expression = _loss_definition(self._model).expression
        if not isinstance(expression, Unspecified):
            return ()
        leading = ("B",) if self._model.is_last_only else ("T", "B")
        return tuple(
            (row_name(self._model, argument), (*leading, *_axes(argument.shape)))
            for argument in expression.arguments
        )

    def _constraints(self) -> tuple[tuple[str, str], ...]:
        model = self._model
        found = [(identifier(name), "one-hot") for name in sorted(model.one_hot)]
        for name, size in sorted(_label_sizes(model).items()):
            found.append((identifier(name), f"label below {size_text(size)}"))
        return tuple(found)

    def _arrays(self) -> tuple[Array, ...]:
        """Return the storage of everything that carries time."""
        model = self._model
        found = []
        for data in model.data:
            axes = () if data.name in model.scope.labels else _axes(data.shape)
            name = identifier(data.name)
            found.append(Array(name, axes, "data", at_last_only=self._is_late(data.name)))
        for definition in in_order(model.definitions):
            quantity = definition.quantity
            if quantity != model.loss:
                given = tuple(step_from_the_end(g.time) for g in given_values(model, quantity))
                found.append(
                    Array(
                        identifier(quantity.name),
                        _axes(quantity.shape),
                        "value",
                        before=1,
                        given=given,
                        at_last_only=quantity.name in self._late,
                        starts_at_zero=quantity.name in model.zeros,
                    )
                )
        for name, axes in self._given_rows():
            found.append(Array(name, axes[-1:], "data", at_last_only=model.is_last_only))
        for equation in self._equations("adjoint"):
            left = equation.left
            name = identifier(left.name)
            late = left.time == T
            found.append(Array(name, _axes(left.shape), "adjoint", before=1, at_last_only=late))
        for equation in (*self._equations("input"), *self._equations("last input")):
            name = gradient_name(identifier(_subject(equation)))
            if name not in (array.name for array in found):
                late = self._is_late(_subject(equation))
                axes = _axes(equation.right.shape)
                found.append(Array(name, axes, "adjoint", before=1, at_last_only=late))
        return tuple(found)

    # Forward

    def _forward(self) -> Iterable[Block]:
        """Yield the passes over the steps; the loss is accumulated in the last one."""
        last: list[program.Statement] = []
        for direction, part in phases(self._model):
            body: list[program.Statement] = []
            for definition in part:
                statement = self._computed(definition)
                (last if definition.quantity.name in self._late else body).append(statement)
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
            value = program.Total(self._rows(definition.expression))
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
                if _subject(equation) in names and equation.left.time == t:
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
        at_last = self._derivation.equation(f"last:{_subject(equation)}")
        if at_last is None:
            yield _assign(name, self._rows(equation.right), equation)
            return
        yield _assign(name, self._rows(at_last.right, T), at_last, steps="last")
        yield _assign(name, self._rows(equation.right), equation, steps="earlier")

    def _at_the_end(self, equation: Equation) -> Iterable[program.Statement]:
        """Return what is done once, at the last step, for a gradient."""
        kind, name = equation.label.partition(":")[0], _subject(equation)
        if kind == "gradient":
            _, at_last = _split(equation.right)
            if at_last is not None:
                value = self._summed(at_last, T)
                target = gradient_name(identifier(name))
                yield Accumulate(target, value, equation.number, _short(equation), steps="last")
        elif kind == "last input" and self._is_late(name):
            yield _assign(gradient_name(identifier(name)), self._rows(equation.right, T), equation)

    def _at_every_step(self, equation: Equation) -> Iterable[program.Statement]:
        """Return what is done at every step, or at all but one, for a gradient."""
        kind, name = equation.label.partition(":")[0], _subject(equation)
        target = gradient_name(identifier(name))
        if kind == "gradient":
            summed, _ = _split(equation.right)
            if summed is not None:
                value = self._summed(summed.body, t)
                yield Accumulate(target, value, equation.number, _short(equation))
        elif not self._is_late(name):
            is_last = kind == "last input"
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
            kind = equation.label.partition(":")[0]
            if kind in ("gradient", "input", "last input"):
                name = identifier(_subject(equation))
            elif kind == "initial":
                name = given_name(_given_quantity(equation))
            else:
                continue
            found.setdefault(name, gradient_name(name))
        return tuple(found.items())

    # Equations

    def _equations(self, kind: str) -> Iterable[Equation]:
        return (e for e in self._derivation.equations if e.label.partition(":")[0] == kind)

    def _equation(self, label: str) -> Equation:
        equation = self._derivation.equation(label)
        if equation is None:
            raise EmitError(f"The derivation has no equation {label}.")
        return equation

    def _rows(self, expression: MatrixExpr, origin: Expr | int = t) -> program.Expression:
        return rows(expression, Context(self._model, self._model.scope, origin))

    def _summed(self, body: MatrixExpr, origin: Expr) -> program.Expression:
        """Lower the term of a parameter's gradient: Σ over rows of u vᵀ, or of what it is."""
        if isinstance(body, MatAdd):
            return program.Add(tuple((1, self._summed(term, origin)) for term in body.args))
        number, rest = split_coefficient(body)
        product = rest.body if isinstance(rest, Scaled) else rest
        position = _seam(product)
        if is_column(rest) or position is None:
            return program.Total(self._rows(body, origin))
        left = self._rows(_product(product.args[:position]), origin)
        right = self._rows(transpose(_product(product.args[position:])), origin)
        if isinstance(rest, Scaled):
            left = program.Multiply((self._rows(rest.scalar, origin), left))
        outer = program.Outer(left, right)
        return outer if number == 1 else program.Multiply((constant(number), outer))


def _seam(product: MatrixExpr) -> int | None:
    """Return where the row of a column times a row begins, if a product is one."""
    if not isinstance(product, MatMul):
        return None
    places = range(1, len(product.args))
    return next(
        (i for i in places if is_column(product.args[i - 1]) and is_row(product.args[i])), None
    )


def _product(factors: Sequence[MatrixExpr]) -> MatrixExpr:
    return factors[0] if len(factors) == 1 else MatMul(*factors)


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


def _subject(equation: Equation) -> str:
    """Return the name that an equation is about."""
    return equation.label.partition(":")[2]


def _loss_definition(model: Model) -> Definition:
    return next(d for d in model.definitions if d.quantity == model.loss)


def _given_quantity(equation: Equation) -> Quantity:
    """Return the given value that an equation holds the gradient by."""
    partial = equation.left.arg if isinstance(equation.left, Transpose) else equation.left
    by: Quantity = partial.by
    return by


def _label_sizes(model: Model) -> dict[str, Expr]:
    """Return for every integer label how many entries it picks from.

    Raises
    ------
    EmitError
        When it picks from vectors of different sizes.
    """
    sizes: dict[str, Expr] = {}
    for definition in model.definitions:
        for node in subexpressions(definition.expression):
            if isinstance(node, Entry | UnitVector):
                size = node.vector.shape[0] if isinstance(node, Entry) else node.shape[0]
                if sizes.setdefault(node.label.name, size) != size:
                    raise EmitError(
                        f"The label {latex(node.label)} picks from vectors of different sizes."
                    )
    return sizes


def _with_room(lowered: Program) -> Iterable[Array]:
    """Yield the arrays with room for every step that is read or given."""
    before: dict[str, int] = {}
    after: dict[str, int] = {}

    def needed(name: str, first: int, last: int) -> None:
        """Note that steps from 1 + first to T + last are read."""
        before[name] = max(before.get(name, 0), -first)
        after[name] = max(after.get(name, 0), last)

    for statement in statements((*lowered.forward, *lowered.backward)):
        for load in loads(statement.value):
            needed(load.name, load.shift, load.shift - (statement.steps == "earlier"))
    for assignment, step in lowered.initial:
        for load in loads(assignment.value):
            # With T = 1, what stands a step behind the first one stands behind the last one.
            distance = step + load.shift
            needed(load.name, min(distance, 0), max(distance - 1, 0) if step <= 0 else distance)
    shifted = {
        load.name
        for statement in (*statements(lowered.backward), *(s for s, _ in lowered.initial))
        for load in loads(statement.value)
        if load.shift
    }
    for array in lowered.arrays:
        given = [*array.given, 1 - array.before if array.role != "data" else 1]
        yield replace(
            array,
            before=max(before.get(array.name, 0), 1 - min(given)),
            after=max(after.get(array.name, 0), *array.given, 0),
            starts_at_zero=array.starts_at_zero
            or (array.role == "adjoint" and array.name in shifted),
            reads_before=before.get(array.name, 0) > 0,
        )
