"""The whole state: what one direction hands from step to step, as one vector."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sympy import Expr, Identity, Integer, MatrixExpr, ZeroMatrix

from derivations.algebra import add, depends_on, multiply, stack
from derivations.expressions import (
    Blocks,
    Partial,
    Quantity,
    T,
    Vec,
    is_column,
    is_parameter,
    t,
)
from derivations.graph import along, consumers, local_jacobian, paths
from derivations.model import Definition, Model
from derivations.notation.names import parts as parts_of_name
from derivations.recurrence import Recurrence, influenced, reachable, recurrences, steps_of, uses


@dataclass(frozen=True)
class State:
    """What one direction hands from step to step: a quantity, or several below each other.

    Attributes
    ----------
    recurrence : Recurrence
        The direction, and what is remembered for how long.
    quantity : Quantity
        At step t: the state itself, h_t, or a name for several, s_t = [h_t; c_t].
    members : tuple of Quantity
        What stands in it, at step t or at the steps that are remembered with it.
    """

    recurrence: Recurrence
    quantity: Quantity
    members: tuple[Quantity, ...]

    @property
    def direction(self) -> int:
        return self.recurrence.direction

    @property
    def is_named(self) -> bool:
        """Whether the vector has a name of its own, which the forward equations do not use."""
        return self.members != (self.quantity,)

    @property
    def before(self) -> Expr:
        """The step from which step t gets its state."""
        return t - self.direction

    @property
    def first(self) -> Expr | int:
        """The step at which the state is given."""
        return 0 if self.direction > 0 else T + 1

    @property
    def stacked(self) -> MatrixExpr:
        """The members as one column, at step t."""
        return stack(*(m if is_column(m) else Vec(m) for m in self.members))

    @property
    def current(self) -> tuple[Quantity, ...]:
        """The members that step t computes."""
        return tuple(member for member in self.members if member.time == t)

    def row(self, of: MatrixExpr, time: Expr = t) -> MatrixExpr:
        """Return ∂of/∂(the state at a step)."""
        return Partial(of, self.quantity.at(time))


def states(model: Model) -> tuple[State, ...]:
    """Return the state of each direction: of later steps first.

    Examples
    --------
    >>> model = Model.read('''
    ...     c_t = f_t ⊙ c_{t-1} + x_t
    ...     f_t = sigmoid(U h_{t-1})
    ...     h_t = tanh(c_t)
    ...     E_t depends on h_t
    ... ''')
    >>> [(state.quantity.name, len(state.members)) for state in states(model)]
    [('s', 2)]
    """
    taken = {parts_of_name(name)[0] for name in model.scope.shapes}
    found = []
    for recurrence in recurrences(model):
        members = [
            memory.quantity.at(t - recurrence.direction * shift)
            for memory in recurrence.memories
            for shift in memory.shifts
        ]
        only = members[0]
        if len(members) == 1 and is_column(only):
            found.append(State(recurrence, only, (only,)))
            continue
        letters = ("s", "\\mathbf{s}") if recurrence.direction > 0 else ("r", "\\mathbf{r}")
        name = next(letter for letter in letters if letter not in taken)
        rows = sum((member.shape[0] * member.shape[1] for member in members), start=Integer(0))
        found.append(State(recurrence, Quantity(name, rows, 1, t), tuple(members)))
    return tuple(found)


# Which sums over paths lead through a state


def is_closed(model: Model, state: State) -> bool:
    """Tell whether a step's state acts on later ones through the states between alone.

    It does not if it acts on what runs the other way and comes back from there.
    """
    matters = {memory.quantity.name for r in recurrences(model) for memory in r.memories}
    others = matters - state.recurrence.names
    affected = {name for own in state.recurrence.names for name in influenced(model, own)}
    return not affected & others


def acts_through(model: Model, name: str, state: State) -> bool:
    """Tell whether a quantity acts on the loss through the state of its own step alone."""
    inside = state.recurrence.names
    outside = [use for use in uses(model.definitions) if use[1] not in inside]
    edges: dict[str, set[str]] = {}
    for user, used, _ in outside:
        edges.setdefault(used, set()).add(user)
    reached = reachable([name], edges)
    leaves_its_step = any(used in reached and lag != 0 for _, used, lag in outside)
    return bool(reached & inside) and model.loss.name not in reached and not leaves_its_step


def is_seen_whole(model: Model, state: State) -> bool:
    """Tell whether a step's loss depends on earlier steps through the state of its step alone."""
    return all(
        acts_through(model, user, state)
        for user, used, lag in uses(model.definitions)
        if used in state.recurrence.names and lag != 0 and _matters(model, user)
    )


def _matters(model: Model, name: str) -> bool:
    return model.loss.name in influenced(model, name)


def trained_through(model: Model, state: State) -> list[MatrixExpr]:
    """Return the parameters that act on the loss through a state alone."""
    return [
        parameter
        for parameter in model.parameters
        if (users := users_of(model, parameter))
        and all(acts_through(model, d.quantity.name, state) for d in users)
    ]


def users_of(model: Model, parameter: MatrixExpr) -> list[Definition]:
    """Return the equations that a parameter stands in and that matter for the loss."""
    return [
        d
        for d in steps_of(model.definitions)
        if is_parameter(parameter)
        and depends_on(d.expression, parameter)
        and _matters(model, d.quantity.name)
    ]


# Immediate derivatives, written out


def response(model: Model, end: Quantity, start: Quantity, avoiding: Collection[str]) -> MatrixExpr:
    """Return how a quantity changes with another of the same step, past some quantities.

    A sum over the ways that avoid these, each a product of local Jacobians; zero without a way.
    """
    found = [
        multiply(*along(model, path, start)) if path else Identity(size(end))
        for path in paths(model, start.name, end.name, avoiding)
    ]
    return add(*found) if found else ZeroMatrix(size(end), size(start))


def size(quantity: Quantity) -> Expr:
    """Return how many entries a quantity has."""
    return quantity.shape[0] * quantity.shape[1]


def block(model: Model, state: State, row: Quantity, column: Quantity) -> MatrixExpr:
    """Return how a member of the state at step t changes with one of the state before it.

    Ways through another member are taken together: what that member changes, times how the
    member in question changes with it.
    """
    lag = int(t - column.time)
    others = {member.name for member in state.current} - {row.name}
    terms = []
    for user in consumers(model, column.name, lag):
        if user.quantity.name in others:
            continue
        reached = response(model, row, user.quantity, others)
        if not isinstance(reached, ZeroMatrix):
            terms.append(multiply(reached, local_jacobian(model, user, column)))
    for member in state.current:
        if member.name == row.name or isinstance(block_sign(model, member, column), ZeroMatrix):
            continue
        reached = response(model, row, member, others)
        if not isinstance(reached, ZeroMatrix):
            terms.append(multiply(reached, Partial(member, column, True)))
    return add(*terms) if terms else ZeroMatrix(size(row), size(column))


def block_sign(model: Model, row: Quantity, column: Quantity) -> MatrixExpr:
    """Return ∂⁺row/∂column as a symbol: zero where there is no way, the identity of itself."""
    if row == column:
        return Identity(size(row))
    if row.time != t:
        return ZeroMatrix(size(row), size(column))
    lag = int(t - column.time)
    starts = [user.quantity.name for user in consumers(model, column.name, lag)]
    users: dict[str, set[str]] = {}
    for user, used, distance in uses(model.definitions):
        if distance == 0:
            users.setdefault(used, set()).add(user)
    if row.name not in reachable(starts, users):
        return ZeroMatrix(size(row), size(column))
    return Partial(row, column, True)


def step_matrix(model: Model, state: State) -> MatrixExpr:
    """Return ∂s_t/∂s_{t−1} by its blocks."""
    before = [member.at(member.time - state.direction) for member in state.members]
    entries = [block_sign(model, row, column) for row in state.members for column in before]
    return entries[0] if len(entries) == 1 else Blocks(len(before), *entries)


def written_block(model: Model, row: Quantity, column: Quantity) -> MatrixExpr:
    """Return a block without a symbol for any other block in it."""
    lag = int(t - column.time)
    terms = [
        multiply(*along(model, rest, user.quantity), local_jacobian(model, user, column))
        for user in consumers(model, column.name, lag)
        for rest in paths(model, user.quantity.name, row.name)
    ]
    return add(*terms) if terms else ZeroMatrix(size(row), size(column))
