"""The Jacobians: of neighbours within a step, of the read-out, of one step, of many steps."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import MatrixExpr

from derivations.algebra import add, depends_on, multiply, replace, subexpressions
from derivations.calculus import slope_in_terms_of_output
from derivations.derivation import Equation, Section
from derivations.expressions import Elementwise, Partial, Quantity, TimeProduct, Unspecified, t
from derivations.graph import along, consumers, in_order, local_jacobian, paths, reaches, shifted
from derivations.model import Definition, Model
from derivations.notation.latex import latex
from derivations.simplify import everywhere, gather_transposes, tidy_steps
from derivations.writing import at_step, j, k, math, write


def local_jacobians(model: Model) -> Section:
    equations = [*_slopes(model)]
    for definition in in_order(model):
        for variable in _computed_arguments(model, definition):
            is_known = not isinstance(definition.expression, Unspecified)
            if is_known and len(paths(model, variable.name, definition.quantity.name)) == 1:
                equations.append(_local(model, definition, variable))
    equations += _readout(model)
    return Section(
        "Local Jacobians",
        "Each equation of the network is differentiated by each computed quantity that it uses.",
        tuple(equations),
    )


def _computed_arguments(model: Model, definition: Definition) -> list[Quantity]:
    """Return the computed quantities of the same step that an equation uses."""
    return [
        d.quantity
        for d in in_order(model)
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
                    f"slope:{latex(call.argument)}",
                    [Elementwise(call.function, 1, call.argument), written],
                    f"The derivative of {function.name}, written in terms of its own value.",
                )
            )
    return equations


def _activations(model: Model) -> list[Elementwise]:
    """Return every application of a user's function, at step t, each once."""
    calls = []
    for definition in in_order(model):
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
            value = Elementwise(node.function, 0, node.argument)
            found = in_terms_of_output(model, value)
            if found is not None:
                written[node] = found
    result: MatrixExpr = replace(expression, written)
    return result


def _local(model: Model, definition: Definition, variable: Quantity) -> Equation:
    found = local_jacobian(model, definition, variable)
    sides = [Partial(definition.quantity, variable), found, *tidy_steps(found, model.one_hot)]
    label = f"local:{definition.quantity.name}/{variable.name}"
    return write(label, sides, "The forward equation, differentiated as it stands.")


def _readout(model: Model) -> list[Equation]:
    """∂E_t/∂u_t for everything between the state and the loss, the nearest to the loss first."""
    equations: list[Equation] = []
    loss, state = model.loss, model.states[0]
    for definition in reversed(in_order(model)):
        start = definition.quantity
        is_between = start == state or reaches(model, state.name, start.name)
        if start == loss or not is_between or not reaches(model, start.name, loss.name):
            continue
        ways = paths(model, start.name, loss.name)
        if len(ways) != 1 or ways[0][0].quantity == loss:
            continue
        first = ways[0][0]
        middle = first.quantity
        outer = _known_row(equations, Partial(loss, middle), model)
        inner = local_jacobian(model, first, start)
        product = multiply(outer, inner)
        sides = [
            Partial(loss, start),
            multiply(Partial(loss, middle), Partial(middle, start)),
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


def _known_row(equations: Sequence[Equation], row: Partial, model: Model) -> MatrixExpr:
    """Return what is known of ∂E_t/∂u_t: its last form, or, by the loss itself, the local one."""
    for equation in equations:
        if equation.left == row:
            return equation.right
    definition = model.definition(model.loss.name)
    assert definition is not None
    found = local_jacobian(model, definition, row.by)
    return (tidy_steps(found, model.one_hot) or [found])[-1]


def _worthwhile(steps: list[MatrixExpr], product: MatrixExpr) -> list[MatrixExpr]:
    """Keep the steps that lead to something shorter than the product of Jacobians."""
    return steps if steps and len(latex(steps[-1])) < len(latex(product)) else []


def recurrence(model: Model) -> Section:
    state = model.states[0]
    before = state.at(t - 1)
    ways = _ways_back(model)
    symbolic, written = [], []
    for first, rest in ways:
        factors = [*along(model, rest, first.quantity), local_jacobian(model, first, before)]
        names = [first.quantity, *(d.quantity for d in rest)]
        ends = [before, *names]
        symbolic.append(
            multiply(*(Partial(u, v) for v, u in reversed(list(zip(ends, names, strict=False)))))
        )
        written.append(multiply(*factors))
    is_direct = any(not rest for _, rest in ways)
    # A direct way would repeat the left side among the terms of the chain rule.
    one_step = [Partial(state, before), *([] if is_direct else [add(*symbolic)]), add(*written)]
    reason = (
        "The forward equation, differentiated by the state before."
        if all(not rest for _, rest in ways)
        else "The chain rule along the equations of one step."
    )
    body = one_step[-1]
    many = [
        Partial(state, state.at(k)),
        TimeProduct(at_step(Partial(state, before), j), j, k + 1, t),
        TimeProduct(at_step(body, j), j, k + 1, t),
    ]
    return Section(
        "One step back, many steps back",
        "A product over time runs against time, and the empty product is the identity.",
        (
            *_into_the_step(model, ways),
            write("step", one_step, reason),
            write(
                "product",
                many,
                "The chain rule along the steps: the only way from one state to a later one leads "
                "through the states between.",
                "0 \\le k \\le t \\le T",
            ),
        ),
    )


def _into_the_step(
    model: Model, ways: Sequence[tuple[Definition, list[Definition]]]
) -> list[Equation]:
    """Return ∂a_t/∂h_{t−1} for every equation on the way that uses the state before."""
    before = model.states[0].at(t - 1)
    return [
        write(
            f"local:{first.quantity.name}/{before.name}",
            [Partial(first.quantity, before), local_jacobian(model, first, before)],
            "The forward equation, differentiated by the state before.",
        )
        for first, rest in ways
        if rest
    ]


def _ways_back(model: Model) -> list[tuple[Definition, list[Definition]]]:
    """Return every way from h_{t−1} to h_t: the equation that uses h_{t−1}, and the rest."""
    state = model.states[0]
    return [
        (first, rest)
        for first in consumers(model, state.name, 1)
        for rest in paths(model, first.quantity.name, state.name)
    ]
