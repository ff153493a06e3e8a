"""The sum over paths: every use of a parameter at a step k, felt at every step that it reaches."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import MatrixExpr, Symbol

from derivations.algebra import add, multiply, stack, transpose
from derivations.algebra import replace as exchange
from derivations.calculus import pullback
from derivations.derivation import Equation, Section
from derivations.expressions import (
    AscendingProduct,
    MatrixSymbol,
    Partial,
    Quantity,
    T,
    TimeProduct,
    TimeSum,
    ZeroMatrix,
    is_column,
    t,
)
from derivations.graph import contributions, reaches, with_outputs
from derivations.jacobians import slopes_written
from derivations.model import Model
from derivations.recurrence import in_order
from derivations.simplify import everywhere, merge_diagonals
from derivations.states import (
    State,
    is_closed,
    is_seen_whole,
    response,
    size,
    trained_through,
    users_of,
)
from derivations.writing import at_step, math, running_steps, write


def path_sum(model: Model, state: State) -> list[Section]:
    """Return the sums over paths of the parameters that act through a state alone."""
    trained = trained_through(model, state)
    if not trained or not (is_closed(model, state) and is_seen_whole(model, state)):
        return []
    k, _ = running_steps(model)
    row = Partial(model.loss, state.quantity)
    single = _responses(model, state, trained) if state.is_named else []
    for parameter in trained:
        at_k = Partial(model.loss, state.quantity.at(k))
        written = _immediate_form(model, state, parameter, at_k, k)
        order = (k, t) if state.direction > 0 else (t, k)
        if written is not None:
            single.append(
                write(
                    f"immediate:{parameter.name}",
                    [multiply(at_k, _immediate(state, parameter, k)), written],
                    f"What one use of the parameter, at step ${k}$, changes at step $t$.",
                    f"1 \\le {order[0]} \\le {order[1]} \\le T",
                )
            )
    for parameter in trained:
        summand = multiply(
            row, Partial(state.quantity, state.quantity.at(k)), _immediate(state, parameter, k)
        )
        is_forward = state.direction > 0
        single.append(
            write(
                f"paths:{parameter.name}",
                [
                    Partial(model.loss, parameter),
                    TimeSum(summand, k, *((1, t) if is_forward else (t, T))),
                ],
                f"The parameter acts at every step ${k}$ "
                f"{'up to' if is_forward else 'from'} $t$; its effects add up.",
            )
        )
    return [
        Section(
            "The sum over paths",
            "$\\partial^{+}$ is the immediate derivative: other steps are held fixed.",
            tuple(single),
        ),
        Section(
            "The exchange of sums"
            if not model.is_last_only
            else "The sum over paths at the last step",
            _about_exchange(model, k),
            tuple(_exchange(model, state, parameter, k) for parameter in trained),
        ),
    ]


def _about_exchange(model: Model, k: Symbol) -> str:
    if model.is_last_only:
        return "Only the loss of the last step counts: one sum is left."
    return f"Summed over $t$ first, the paths that start at step ${k}$ share one factor."


def _immediate(state: State, parameter: MatrixSymbol, k: Symbol) -> MatrixExpr:
    return Partial(state.quantity.at(k), parameter, True)


def _exchange(model: Model, state: State, parameter: MatrixSymbol, k: Symbol) -> Equation:
    """∂E/∂W, with the sums over t and k in both orders."""
    _, j = running_steps(model)
    quantity, total = state.quantity, model.total
    row = Partial(model.loss, quantity)
    step = at_step(Partial(quantity, quantity.at(state.before)), j)
    is_forward = state.direction > 0
    chain = TimeProduct(step, j, k + 1, t) if is_forward else AscendingProduct(step, j, t, k - 1)
    immediate = _immediate(state, parameter, k)
    summand = multiply(row, chain, immediate)
    limits = (1, t) if is_forward else (t, T)
    whole = TimeSum(multiply(Partial(total, quantity.at(k)), immediate), k, 1, T)
    if model.is_last_only:
        first, last = (at_step(limit, T) if limit == t else limit for limit in limits)
        ends = [TimeSum(at_step(summand, T), k, first, last)]
        reason = "The sum over paths at $t = T$; the first two factors are the total derivative."
        if not is_forward:
            return write(
                f"exchange:{parameter.name}", [Partial(total, parameter), *ends], reason, ""
            )
    else:
        inner = TimeSum(
            multiply(row, Partial(quantity, quantity.at(k))), t, *((k, T) if is_forward else (1, k))
        )
        ends = [
            TimeSum(TimeSum(summand, k, *limits), t, 1, T),
            TimeSum(multiply(inner, immediate), k, 1, T),
        ]
        sign = "\\le" if is_forward else "\\ge"
        reason = (
            f"Both orders sum over all pairs ${k} {sign} t$; the inner sum is the total derivative."
        )
    return write(
        f"exchange:{parameter.name}", [Partial(total, parameter), *ends, whole], reason, ""
    )


# What one use changes


def _responses(model: Model, state: State, trained: Sequence[MatrixSymbol]) -> list[Equation]:
    """∂⁺s_t/∂u_t for every quantity whose equation holds one of the parameters."""
    users = dict.fromkeys(d.quantity for p in trained for d in users_of(model, p))
    equations = []
    for user in users:
        found = stack(*(_of_member(model, member, user) for member in state.members))
        merged = everywhere(merge_diagonals, found)
        equations.append(
            write(
                f"response:{user.name}",
                [Partial(state.quantity, user, True), merged, slopes_written(model, merged)],
                f"How {math(user)} acts on the state of its own step.",
            )
        )
    return equations


def _of_member(model: Model, member: Quantity, user: Quantity) -> MatrixExpr:
    if member.time != t:
        return ZeroMatrix(size(member), size(user))
    return response(model, member, user, ())


def _immediate_form(
    model: Model, state: State, parameter: MatrixSymbol, row: MatrixExpr, k: Symbol
) -> MatrixExpr | None:
    """Return a row at the state of step k, pulled back through the step to a parameter.

    None where a matrix is computed with the parameter: its adjoint as a row has no other form.
    """
    if not state.is_named:
        return _pulled_back(model, state.quantity, parameter, row, k)
    terms = []
    for definition in users_of(model, parameter):
        quantity = definition.quantity
        if not is_column(quantity):
            return None
        stand_in = Quantity("\\mathbf{v}", *quantity.shape, t)
        handed = with_outputs(model, pullback(definition.expression, stand_in, parameter))
        reached = multiply(row, Partial(state.quantity.at(k), quantity.at(k), True))
        terms.append(exchange(at_step(handed, k), {stand_in.at(k): transpose(reached)}))
    return add(*terms)


def _pulled_back(
    model: Model, state: Quantity, parameter: MatrixSymbol, row: MatrixExpr, k: Symbol
) -> MatrixExpr:
    """A stand-in for the row is pulled back at step t and exchanged for the row at step k."""
    stand_in = Quantity("\\mathbf{v}", *state.shape, t)
    adjoints: dict[str, MatrixExpr] = {state.name: stand_in}
    for definition in reversed(in_order(model.definitions)):
        quantity = definition.quantity
        if quantity != state and reaches(model, quantity.name, state.name):
            adjoints[quantity.name] = add(*contributions(model, quantity, 0, adjoints).values())
    handed = add(*contributions(model, parameter, 0, adjoints).values())
    return exchange(at_step(handed, k), {stand_in.at(k): transpose(row)})
