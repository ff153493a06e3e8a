"""The sum over paths: every use of a parameter at a step k, felt at every later step t."""

from __future__ import annotations

from sympy import MatrixExpr

from derivations.algebra import add, multiply, parameters, replace, transpose
from derivations.derivation import Equation, Section
from derivations.expressions import MatrixSymbol, Partial, Quantity, T, TimeProduct, TimeSum, t
from derivations.graph import contributions, in_order, reaches
from derivations.model import Model
from derivations.writing import at_step, j, k, write


def path_sum(model: Model) -> list[Section]:
    trained = _recurrent_parameters(model)
    if not trained:
        return []
    state, loss, total = model.states[0], model.loss, model.total
    row = Partial(loss, state)
    single: list[Equation] = []
    double: list[Equation] = []
    for parameter in trained:
        immediate = Partial(state.at(k), parameter, True)
        contracted = multiply(Partial(loss, state.at(k)), immediate)
        single.append(
            write(
                f"immediate:{parameter.name}",
                [contracted, _immediate_form(model, parameter, contracted.args[0])],
                "What one use of the parameter, at step $k$, changes at step $t$.",
                "1 \\le k \\le t \\le T",
            )
        )
    for parameter in trained:
        immediate = Partial(state.at(k), parameter, True)
        single.append(
            write(
                f"paths:{parameter.name}",
                [
                    Partial(loss, parameter),
                    TimeSum(multiply(row, Partial(state, state.at(k)), immediate), k, 1, t),
                ],
                "The parameter acts at every step $k$ up to $t$; its effects add up.",
            )
        )
    for parameter in trained:
        immediate = Partial(state.at(k), parameter, True)
        chain = TimeProduct(at_step(Partial(state, state.at(t - 1)), j), j, k + 1, t)
        inner = TimeSum(multiply(row, Partial(state, state.at(k))), t, k, T)
        double.append(
            write(
                f"exchange:{parameter.name}",
                [
                    Partial(total, parameter),
                    TimeSum(TimeSum(multiply(row, chain, immediate), k, 1, t), t, 1, T),
                    TimeSum(multiply(inner, immediate), k, 1, T),
                    TimeSum(multiply(Partial(total, state.at(k)), immediate), k, 1, T),
                ],
                "Both orders sum over all pairs $k \\le t$; the inner sum is the total derivative.",
                "",
            )
        )
    return [
        Section(
            "The sum over paths",
            "$\\partial^{+}$ is the immediate derivative: other steps are held fixed.",
            tuple(single),
        ),
        Section(
            "The exchange of sums",
            "Summed over $t$ first, the paths that start at step $k$ share one factor.",
            tuple(double),
        ),
    ]


def _recurrent_parameters(model: Model) -> list[MatrixSymbol]:
    """Return the parameters that act on the loss through the state alone."""
    state = model.states[0].name
    found = []
    for parameter in model.parameters:
        users = [
            d.quantity.name
            for d in model.definitions
            if d.quantity.time == t and parameter in parameters(d.expression)
        ]
        if all(reaches(model, user, state) for user in users):
            found.append(parameter)
    return found


def _immediate_form(model: Model, parameter: MatrixSymbol, row: MatrixExpr) -> MatrixExpr:
    """Return a row at h_k, pulled back through the equations of step k to a parameter.

    A stand-in for the row is pulled back at step t and exchanged for the row at step k.
    """
    state = model.states[0]
    stand_in = Quantity("\\mathbf{v}", *state.shape, t)
    adjoints: dict[str, MatrixExpr] = {state.name: stand_in}
    for definition in reversed(in_order(model)):
        quantity = definition.quantity
        if quantity != state and reaches(model, quantity.name, state.name):
            adjoints[quantity.name] = add(*contributions(model, quantity, 0, adjoints))
    handed = add(*contributions(model, parameter, 0, adjoints))
    return replace(at_step(handed, k), {stand_in.at(k): transpose(row)})
