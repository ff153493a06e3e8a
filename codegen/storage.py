"""What a program is given and what it stores: arrays, their axes, the room that they need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sympy import Expr

from codegen.program import Array, Mask, Program, loads, statements
from codegen.rows import row_name, size_text
from derivations.algebra import quantities, subexpressions
from derivations.derivation import Derivation
from derivations.errors import EmitError
from derivations.expressions import Entry, Quantity, T, UnitVector, Unspecified, t
from derivations.masking import MASK
from derivations.model import Definition, Model
from derivations.notation.latex import latex
from derivations.notation.names import identifier
from derivations.recurrence import acting_within_the_step, given_values, in_order, uses

Axes = tuple[str, ...]


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
    return name_at(identifier(quantity.name), step_from_the_end(quantity.time))


def name_at(name: str, distance: int) -> str:
    """Return the name of a value at a step before the first (0, −1, …) or behind T (1, 2, …).

    Examples
    --------
    >>> name_at("h", -1)
    'h_minus_1'
    """
    if distance > 0:
        return f"{name}_T_plus_{distance}"
    return f"{name}_minus_{-distance}" if distance else f"{name}_0"


def step_from_the_end(time: Expr) -> int:
    """Return 0, −1, … for a step before the first, and 1, 2, … for one behind the last.

    Examples
    --------
    >>> step_from_the_end(T + 1)
    1
    """
    return int(time - T) if time.has(T) else int(time)


def steps_beyond(array: Array) -> tuple[range, range]:
    """Return the steps before the first one and behind the last one that nothing gives.

    They are read where only a zero multiplies them; before the first one, if they are read at all.
    """
    first, last = min((*array.given, 1)), max((*array.given, 0))
    stop = -array.before if array.reads_before else first - 1
    return range(first - 1, stop, -1), range(last + 1, array.after + 1)


def axes_of(shape: tuple[Expr, Expr]) -> Axes:
    """Return the axes of one row, or of one matrix."""
    found = tuple(size_text(size) for size in shape)
    return found[:1] if shape[1] == 1 else found


def loss_definition(model: Model) -> Definition:
    """Return the equation of a step's loss."""
    return next(d for d in model.definitions if d.quantity == model.loss)


def computed_once(model: Model) -> frozenset[str]:
    """Return what is computed at the last step only.

    What something else uses that matters for no loss is computed at every step, too.
    """
    if not model.is_last_only:
        return frozenset()
    once = acting_within_the_step(model)
    while True:
        used = {used for user, used, _ in uses(model.definitions) if user not in once}
        if not once & used:
            return once
        once -= used


def is_given_once(model: Model, name: str) -> bool:
    """Tell whether data has no axis of time: a target that the loss of the last step alone uses.

    An input is a sequence all the same.
    """
    if name not in model.targets:
        return False
    users = {
        d.quantity.name
        for d in model.definitions
        if d.quantity.time == t and any(q.name == name for q in quantities(d.expression))
    }
    return bool(users) and users <= computed_once(model)


def given_rows(model: Model) -> tuple[tuple[str, Axes], ...]:
    """Return the data arrays that hold ∂E_t/∂ŷ_t of an unspecified loss, each with its axes."""
    expression = loss_definition(model).expression
    if not isinstance(expression, Unspecified):
        return ()
    return tuple(
        (row_name(model, argument), axes_of(argument.shape)) for argument in expression.arguments
    )


def data_of(model: Model) -> tuple[tuple[str, Axes], ...]:
    """Return what is given: data at every step, first states, and maybe ∂E_t/∂ŷ_t."""
    found = []
    every_step, once = ("T", "B"), ("B",)
    for data in model.data:
        axes = () if data.name in model.scope.labels else axes_of(data.shape)
        leading = once if is_given_once(model, data.name) else every_step
        found.append((identifier(data.name), (*leading, *axes)))
    for state in model.states:
        for given in given_values(model, state):
            found.append((given_name(given), ("B", *axes_of(state.shape))))
    leading = once if model.is_last_only else every_step
    return (*found, *((name, (*leading, *axes)) for name, axes in given_rows(model)))


def mask_of(model: Model) -> Mask | None:
    """Return what a model's mask is made of."""
    if model.unmasked is None:
        return None
    name = "" if model.unspecified_loss else identifier(MASK)
    return Mask(name, model.unmasked.is_last_only, data_of(model.unmasked))


def constraints_of(model: Model) -> tuple[tuple[str, str], ...]:
    """Return what the data must satisfy."""
    found = [(identifier(name), "one-hot") for name in sorted(model.one_hot)]
    for name, size in sorted(_label_sizes(model).items()):
        found.append((identifier(name), f"label below {size_text(size)}"))
    return tuple(found)


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


def arrays_of(derivation: Derivation) -> tuple[Array, ...]:
    """Return the storage of everything that carries time, each with its least room."""
    model = derivation.model
    once = computed_once(model)
    found = []
    for data in model.data:
        axes = () if data.name in model.scope.labels else axes_of(data.shape)
        at_last_only = is_given_once(model, data.name)
        found.append(Array(identifier(data.name), axes, "data", at_last_only=at_last_only))
    for definition in in_order(model.definitions):
        quantity = definition.quantity
        if quantity != model.loss:
            found.append(
                Array(
                    identifier(quantity.name),
                    axes_of(quantity.shape),
                    "value",
                    before=1,
                    given=tuple(step_from_the_end(g.time) for g in given_values(model, quantity)),
                    at_last_only=quantity.name in once,
                    starts_at_zero=quantity.name in model.zeros,
                )
            )
    for name, axes in given_rows(model):
        found.append(Array(name, axes, "data", at_last_only=model.is_last_only))
    for equation in derivation.equations:
        left = equation.left
        if equation.topic == "adjoint":
            name, axes = identifier(left.name), axes_of(left.shape)
            at_last_only = left.time == T
            found.append(Array(name, axes, "adjoint", before=1, at_last_only=at_last_only))
        elif equation.topic == "input":
            name = gradient_name(identifier(equation.subject))
            found.append(Array(name, axes_of(equation.right.shape), "adjoint", before=1))
    return tuple(found)


def with_room(lowered: Program) -> Iterable[Array]:
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
