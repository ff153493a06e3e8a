"""The adjoint recursion, and the gradients that it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sympy import MatrixExpr

from derivations.algebra import add, transpose
from derivations.derivation import Equation, Section
from derivations.expressions import Partial, Quantity, T, TimeSum, ZeroMatrix, t
from derivations.graph import consumers, contributions, in_order, reaches, shifted, unit
from derivations.jacobians import slopes_written
from derivations.model import Model
from derivations.simplify import divides, tidy_steps
from derivations.writing import adjoint, at_step, math, write


def adjoint_sections(model: Model, rows: Mapping[str, Equation]) -> list[Section]:
    adjoints: dict[str, MatrixExpr] = {model.loss.name: unit()}
    definitions, recursion = [], []
    for definition in reversed(in_order(model)):
        quantity = definition.quantity
        if quantity == model.loss or not _influences_loss(model, quantity):
            continue
        own = adjoint(quantity)
        lagged = {name: _named_adjoint(model, name) for name in _users(model, quantity.name, 1)}
        row = rows.get(quantity.name)
        terms = contributions(model, quantity, 0, adjoints)
        terms += contributions(model, quantity, 1, lagged)
        formula = add(*terms)
        steps = [formula, *tidy_steps(formula, model.one_hot)]
        is_read_out = not reaches(model, quantity.name, model.states[0].name)
        if divides(steps[-1]) and is_read_out and (row is None or divides(row.right)):
            adjoints[quantity.name] = steps[-1]  # not named: the division cancels further down
            continue
        adjoints[quantity.name] = own
        meaning = transpose(Partial(model.total, quantity))
        definitions.append(
            write(
                f"definition:{quantity.name}",
                [own, meaning],
                "The adjoint: the gradient of the total loss, as a column.",
                kind="definition",
            )
        )
        reason = _adjoint_reason(model, quantity)
        if row is not None and divides(formula) and not divides(row.right):
            steps = [transpose(row.left), transpose(row.right)]
            reason = f"Of all losses, {math(quantity)} acts on {math(model.loss)} alone."
        sides = [own, *steps, slopes_written(model, steps[-1])]
        recursion.append(write(f"adjoint:{quantity.name}", sides, reason))
    for name in _users(model, model.states[0].name, 1):
        later = adjoint(model.quantity(name), T + 1)
        recursion.append(
            write(
                f"boundary:{name}",
                [later, ZeroMatrix(*later.shape)],
                "No loss depends on what lies after the last step: zero, by convention.",
                "",
                "given",
            )
        )
    return [
        Section(
            "The adjoint recursion",
            "The total derivative at step $t$ needs only the one at step $t+1$: one pass back "
            "through time replaces the sum over paths.",
            (*definitions, *recursion),
        ),
        _gradients(model, adjoints),
    ]


def rows_at_the_loss(model: Model, jacobians: Section) -> dict[str, Equation]:
    """Return ∂E_t/∂u_t for every u_t that acts on no state: all of ∂E/∂u_t is in it."""
    state = model.states[0].name
    return {
        equation.left.by.name: equation
        for equation in jacobians.equations
        if isinstance(equation.left, Partial)
        and equation.left.of == model.loss
        and not reaches(model, equation.left.by.name, state)
        and len(equation.sides) > 1
    }


def _influences_loss(model: Model, quantity: Quantity) -> bool:
    return reaches(model, quantity.name, model.loss.name) or reaches(
        model, quantity.name, model.states[0].name
    )


def _users(model: Model, name: str, lag: int) -> list[str]:
    return [d.quantity.name for d in consumers(model, name, lag)]


def _named_adjoint(model: Model, name: str) -> MatrixExpr:
    return unit() if name == model.loss.name else adjoint(model.quantity(name))


def _adjoint_reason(model: Model, quantity: Quantity) -> str:
    now = [math(d.quantity) for d in consumers(model, quantity.name, 0)]
    later = [math(shifted(d.quantity, 1)) for d in consumers(model, quantity.name, 1)]
    return f"{math(quantity)} acts on " + " and on ".join([*now, *later]) + "."


def _gradients(model: Model, adjoints: dict[str, MatrixExpr]) -> Section:
    equations = []
    for parameter in model.parameters:
        terms = contributions(model, parameter, 0, adjoints)
        body = _handed_back(model, terms, parameter)
        summed = body if isinstance(body, ZeroMatrix) else TimeSum(body, t, 1, T)
        reason = "Each step adds what its use of the parameter contributes."
        equations.append(
            write(
                f"gradient:{parameter.name}",
                [Partial(model.total, parameter), summed],
                reason if terms else "The loss does not depend on this parameter.",
                "",
            )
        )
    for data in model.data:
        if data.name in model.targets:
            continue
        body = _handed_back(model, contributions(model, data, 0, adjoints), data)
        equations.append(
            write(
                f"input:{data.name}",
                [transpose(Partial(model.total, data)), body],
                "The input acts on the loss through the equations of its own step.",
            )
        )
    state = model.states[0]
    lagged = {name: _named_adjoint(model, name) for name in _users(model, state.name, 1)}
    start = _handed_back(model, contributions(model, state, 1, lagged), state)
    equations.append(
        write(
            f"initial:{state.name}",
            [transpose(Partial(model.total, state.at(0))), at_step(start, 0)],
            "The first state acts on the loss through the first step.",
            "",
        )
    )
    return Section(
        "The gradients",
        "Every parameter is used at every step; its gradient sums what each use hands back.",
        tuple(equations),
    )


def _handed_back(model: Model, terms: Sequence[MatrixExpr], variable: MatrixExpr) -> MatrixExpr:
    """Return the sum of what is handed back to a variable; zero where nothing is."""
    if not terms:
        return ZeroMatrix(*variable.shape)
    return add(*(_shown(model, term) for term in terms))


def _shown(model: Model, term: MatrixExpr) -> MatrixExpr:
    steps = tidy_steps(term, model.one_hot)
    return slopes_written(model, steps[-1] if steps else term)
