"""The Jacobians of one step: of neighbours within it, and of the loss by what leads to it."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import MatrixExpr

from derivations.algebra import add, depends_on, multiply, replace, subexpressions
from derivations.calculus import slope_in_terms_of_output
from derivations.derivation import Equation, Section
from derivations.expressions import (
    Blocks,
    Elementwise,
    Partial,
    Quantity,
    Unspecified,
    ZeroMatrix,
    t,
)
from derivations.graph import along, consumers, local_jacobian, paths, reaches, shifted
from derivations.model import Definition, Model
from derivations.notation.latex import latex
from derivations.recurrence import acting_within_the_step, acts_through_time, in_order
from derivations.simplify import everywhere, gather_transposes, tidy_steps
from derivations.states import State
from derivations.writing import listed, math, row, write


def local_jacobians(model: Model, whole: Sequence[State]) -> Section:
    equations = [*_slopes(model)]
    for definition in in_order(model.definitions):
        for variable in _computed_arguments(model, definition):
            if not isinstance(definition.expression, Unspecified):
                equations.append(_local(model, definition, variable))
    equations += _readout(model, whole)
    equations += [_by_the_whole_state(model, s, equations) for s in whole if _has_a_row(model, s)]
    return Section(
        "Local Jacobians",
        "Each equation of the network is differentiated by each computed quantity that it uses.",
        tuple(equations),
    )


def _computed_arguments(model: Model, definition: Definition) -> list[Quantity]:
    """Return the computed quantities of the same step that an equation uses."""
    return [
        d.quantity
        for d in in_order(model.definitions)
        if depends_on(definition.expression, d.quantity) and d.quantity != definition.quantity
    ]


def _slopes(model: Model) -> list[Equation]:
    """σ′(a_t) in terms of σ, where SymPy finds such a form."""
    equations = []
    for call in _activations(model):
        written = in_terms_of_output(model, call)
        if written is not None:
            function = model.scope.functions[call.function]
            equations.append(
                write(
                    f"slope:{latex(call)}",
                    [Elementwise(call.function, 1, call.argument), written],
                    f"The derivative of {function.name}, written in terms of its own value.",
                )
            )
    return equations


def _activations(model: Model) -> list[Elementwise]:
    """Return every application of a user's function, at step t, each once."""
    calls = []
    for definition in in_order(model.definitions):
        for node in subexpressions(definition.expression):
            if isinstance(node, Elementwise) and node.function in model.scope.functions:
                lag = next((t - q.time for q in subexpressions(node) if isinstance(q, Quantity)), 0)
                calls.append(shifted(node, lag))
    return list(dict.fromkeys(calls))


def in_terms_of_output(model: Model, call: Elementwise) -> MatrixExpr | None:
    output = next((d.quantity for d in model.definitions if d.expression == call), call)
    return slope_in_terms_of_output(model.scope.functions[call.function], output)


def slopes_written(model: Model, expression: MatrixExpr) -> MatrixExpr:
    """Write every σ′(a) in terms of σ, where there is such a form."""
    written = {}
    for node in subexpressions(expression):
        if (
            isinstance(node, Elementwise)
            and node.order == 1
            and node.function in model.scope.functions
        ):
            lag = next((t - q.time for q in subexpressions(node) if isinstance(q, Quantity)), 0)
            value = shifted(Elementwise(node.function, 0, node.argument), lag)
            found = in_terms_of_output(model, value)
            if found is not None:
                written[node] = shifted(found, -lag)
    result: MatrixExpr = replace(expression, written)
    return result


def _local(model: Model, definition: Definition, variable: Quantity) -> Equation:
    """∂u_t/∂v_t: the equation differentiated, and where v_t acts on u_t in other ways, too, all."""
    label = f"local:{definition.quantity.name}/{variable.name}"
    ways = paths(model, variable.name, definition.quantity.name)
    found = add(*(multiply(*along(model, way, variable)) for way in ways))
    reason = "The forward equation, differentiated as it stands."
    if len(ways) > 1:
        between = dict.fromkeys(step.quantity for way in ways for step in way[:-1])
        reason = (
            f"{math(variable)} also acts on {math(definition.quantity)} through "
            f"{listed(list(between))}: all ways count."
        )
    is_partial = acts_through_time(model, variable.name, definition.quantity.name)
    left = row(definition.quantity, variable, immediate=is_partial)
    if is_partial:
        reason += " Through other steps it acts, too; they are held fixed here."
    return write(label, [left, found, *tidy_steps(found, model.one_hot)], reason)


def _readout(model: Model, whole: Sequence[State]) -> list[Equation]:
    """∂E_t/∂u_t for states and what acts on no state, the nearest to the loss first."""
    equations: list[Equation] = []
    loss = model.loss
    members = [member.name for state in whole for member in state.current]
    read_out = acting_within_the_step(model)
    for definition in reversed(in_order(model.definitions)):
        start = definition.quantity
        is_between = any(reaches(model, member, start.name) for member in members)
        matters = is_between or start.name in read_out
        if start == loss or not matters or not reaches(model, start.name, loss.name):
            continue
        if acts_through_time(model, start.name, loss.name):
            continue
        ways = paths(model, start.name, loss.name)
        if len(ways) != 1 or ways[0][0].quantity == loss:
            continue
        first = ways[0][0]
        middle = first.quantity
        outer = slopes_written(model, _known_row(equations, middle, model))
        inner = slopes_written(model, local_jacobian(model, first, start))
        product = multiply(outer, inner)
        sides = [
            row(loss, start),
            multiply(row(loss, middle), Partial(middle, start)),
            product,
            *_worthwhile(tidy_steps(product, model.one_hot), product),
        ]
        sides[-1] = everywhere(gather_transposes, sides[-1])
        reason = f"The chain rule through {math(middle)}."
        if tidy_steps(product, model.one_hot) != tidy_steps(product, frozenset()):
            names = ", ".join(math(model.quantity(name)) for name in sorted(model.one_hot))
            reason = f"The chain rule, and the entries of {names} sum to one."
        equations.append(write(f"readout:{start.name}", sides, reason))
    return equations


def _has_a_row(model: Model, state: State) -> bool:
    """Tell whether ∂E_t/∂s_t says more than ∂E_t/∂h_t: the loss of a step is known, and its own."""
    return (
        state.is_named
        and not model.unspecified_loss
        and not any(acts_through_time(model, m.name, model.loss.name) for m in state.members)
    )


def _by_the_whole_state(model: Model, state: State, known: Sequence[Equation]) -> Equation:
    """∂E_t/∂s_t: by each part of the state, the others held fixed."""
    rows = [_direct_row(model, state, member, known) for member in state.members]
    entries = [(tidy_steps(found, model.one_hot) or [found])[-1] for found in rows]
    right = entries[0] if len(entries) == 1 else Blocks(len(entries), *entries)
    return write(
        f"state row:{state.quantity.name}",
        [Partial(model.loss, state.quantity), right],
        "By the parts of the state one at a time, the others held fixed.",
    )


def _direct_row(
    model: Model, state: State, start: Quantity, known: Sequence[Equation]
) -> MatrixExpr:
    """Return the derivative of a step's loss along the ways that lead through no other part."""
    parts = {member.name for member in state.current}
    terms: list[MatrixExpr] = []
    for user in consumers(model, start.name, int(t - start.time)):
        middle = user.quantity
        if middle.name in parts or not reaches(model, middle.name, model.loss.name):
            continue
        local = local_jacobian(model, user, start)
        row_of = next((e.right for e in known if e.left == row(model.loss, middle)), None)
        is_free = not any(reaches(model, middle.name, part) for part in parts)
        if middle == model.loss:
            terms.append(local)
        elif row_of is not None and is_free:
            terms.append(multiply(row_of, local))
        else:
            terms.append(multiply(_direct_row(model, state, middle, known), local))
    return add(*terms) if terms else ZeroMatrix(1, start.shape[0] * start.shape[1])


def _known_row(equations: Sequence[Equation], by: Quantity, model: Model) -> MatrixExpr:
    """Return what is known of ∂E_t/∂u_t: its last form, or, by the loss itself, the local one."""
    for equation in equations:
        if equation.left == row(model.loss, by):
            return equation.right
    definition = model.definition(model.loss.name)
    assert definition is not None
    found = local_jacobian(model, definition, by)
    return (tidy_steps(found, model.one_hot) or [found])[-1]


def _worthwhile(steps: list[MatrixExpr], product: MatrixExpr) -> list[MatrixExpr]:
    """Keep the steps that lead to something shorter than the product of Jacobians."""
    return steps if steps and len(latex(steps[-1])) < len(latex(product)) else []
