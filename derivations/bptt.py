"""Back-propagation through time: Model → Derivation, with time symbolic.

    name_intermediates   [Model] -> [Model]          every argument of a function has a name
    _network             the forward equations
    _total_loss          E = Σ E_t, and its gradient as a sum over t
    _local_jacobians     ∂u_t/∂v_t of neighbours, and of the read-out as a whole
    _recurrence          ∂h_t/∂h_{t−1}, and ∂h_t/∂h_k as a product
    _path_sum            ∂E_t/∂W as a sum over k, ∂E/∂W as a double sum, the exchange of sums
    _adjoints            δ_t, defined and as a recursion
    _gradients           every parameter, x_t and h_0

Each of these returns a section; equations are numbered at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace as with_fields
from typing import Literal

from sympy import MatrixExpr, MatrixSymbol, Symbol

from derivations.calculus import slope_in_terms_of_output
from derivations.derivation import Derivation, Equation, Section
from derivations.errors import UnsupportedError
from derivations.expressions import (
    Elementwise,
    Partial,
    Quantity,
    T,
    TimeProduct,
    TimeSum,
    Unspecified,
    ZeroMatrix,
    add,
    depends_on,
    multiply,
    parameters,
    quantities,
    replace,
    subexpressions,
    t,
    timeless,
    transpose,
)
from derivations.graph import (
    along,
    consumers,
    contributions,
    in_order,
    local_jacobian,
    paths,
    reaches,
    shifted,
    unit,
    with_outputs,
)
from derivations.intermediates import name_intermediates
from derivations.model import Definition, Model
from derivations.notation.latex import function_name, latex
from derivations.notation.names import at_time, canonical, parts
from derivations.simplify import divides, everywhere, gather_transposes, tidy_steps

k = Symbol("k", integer=True)
j = Symbol("j", integer=True)

EVERY_STEP = "1 \\le t \\le T"


def derive(model: Model) -> Derivation:
    """Derive every gradient of a model by back-propagation through time.

    Parameters
    ----------
    model : Model
        A network with one state that reaches back one step.

    Returns
    -------
    Derivation
        Not yet proven: see `derivations.proving.prove`.

    Raises
    ------
    UnsupportedError
        For a model with another number of states.

    References
    ----------
    Werbos, Backpropagation through time: what it does and how to do it, Proc. IEEE 78 (1990).
    Pascanu, Mikolov, Bengio, On the difficulty of training recurrent neural networks (2013).

    Examples
    --------
    >>> derivation = derive(Model.read("h_t = tanh(W h_{t-1})\\nE_t depends on h_t"))
    >>> print(derivation.equation("gradient:W").latex)
    \\frac{\\partial E}{\\partial W} = \\sum_{t=1}^{T} \\delta_t^a h_{t-1}^{\\top}
    """
    if len(model.states) != 1:
        names = ", ".join(at_time(state.name, t - 1) for state in model.states) or "none"
        raise UnsupportedError(
            f"A network with one state h_{{t-1}} is derived so far; this one has {names}."
        )
    _refuse_losses_of_several_steps(model)
    named = name_intermediates(model)
    jacobians = _local_jacobians(named)
    rows = _rows_at_the_loss(named, jacobians)
    sections = [
        _network(named, model),
        _total_loss(named),
        jacobians,
        _recurrence(named),
        *_path_sum(named),
        *_adjoints(named, rows),
    ]
    return Derivation(named, _numbered(sections))


def _refuse_losses_of_several_steps(model: Model) -> None:
    """Refuse a loss that the path sum cannot tell apart by its steps and arguments."""
    for definition in model.definitions:
        if definition.quantity != model.loss:
            continue
        if any(q.time != t for q in quantities(definition.expression)):
            raise UnsupportedError(
                f"The loss {at_time(model.loss.name, t)} uses an earlier step, "
                "which is not derived yet."
            )
        if isinstance(definition.expression, Unspecified):
            names = [argument.name for argument in definition.expression.arguments]
            if any(a != b and reaches(model, a, b) for a in names for b in names):
                raise UnsupportedError(
                    f"The unspecified loss {at_time(model.loss.name, t)} depends on two quantities "
                    "of which one depends on the other; this is not derived yet."
                )


def adjoint_name(name: str) -> str:
    """Return the name of the adjoint of a quantity: δ with the quantity above.

    Examples
    --------
    >>> adjoint_name("h")
    '\\\\delta^h'
    """
    return canonical("\\delta", [], [part for part in parts(name) if part])


def adjoint(quantity: Quantity, time: object = t) -> Quantity:
    """Return δ of a quantity at a step."""
    return Quantity(adjoint_name(quantity.name), *quantity.shape, time)


def _numbered(sections: Sequence[Section]) -> tuple[Section, ...]:
    number = 0
    numbered = []
    for section in sections:
        equations = []
        for equation in section.equations:
            number += 1
            equations.append(with_fields(equation, number=number))
        numbered.append(with_fields(section, equations=tuple(equations)))
    return tuple(section for section in numbered if section.equations)


def _equation(
    label: str,
    sides: Sequence[MatrixExpr],
    reason: str,
    conditions: str = EVERY_STEP,
    kind: Literal["given", "definition", "claim"] = "claim",
) -> Equation:
    """Return an equation without its number, each side once."""
    distinct = tuple(dict.fromkeys(sides))
    return Equation(label, 0, distinct, conditions, reason, kind)


def _math(expression: MatrixExpr) -> str:
    return f"${latex(expression)}$"


# The network


def _network(model: Model, given: Model) -> Section:
    equations = []
    named = {d.quantity.name for d in model.definitions} - {
        d.quantity.name for d in given.definitions
    }
    for definition in in_order(model):
        quantity, expression = definition.quantity, definition.expression
        if isinstance(expression, Unspecified):
            continue
        user = given.definition(quantity.name)
        sides = [quantity, expression]
        reason = "As given."
        if quantity.name in named:
            reason = "The argument of the function gets a name."
        elif user is not None and user.expression != expression:
            sides.append(user.expression)
            reason = "As given; its argument has a name."
        kind: Literal["given", "claim"] = "given" if len(sides) == 2 else "claim"
        equations.append(_equation(f"forward:{quantity.name}", sides, reason, kind=kind))
    return Section("The network", _network_text(model), tuple(equations))


def _network_text(model: Model) -> str:
    text = f"Time runs from $1$ to $T$, and {_math(model.states[0].at(0))} is given."
    for name, function in model.scope.functions.items():
        shown = f"${function_name(name)}$"
        meaning = (
            "any differentiable function"
            if function.formula is None
            else f"the function {function.name}"
        )
        text += f" {shown} is {meaning}, applied to every entry."
    for definition in model.definitions:
        if isinstance(definition.expression, Unspecified):
            on = ", ".join(_math(argument) for argument in definition.expression.arguments)
            text += (
                f" The loss {_math(definition.quantity)} is any differentiable function of {on}; "
                "its gradient stays as it stands."
            )
    for name in sorted(model.one_hot):
        text += f" The entries of {_math(model.quantity(name))} sum to one."
    return text


def _total_loss(model: Model) -> Section:
    total, loss = model.total, model.loss
    equations = [
        _equation(
            "total",
            [total, model.definitions[-1].expression],
            "The total loss is the sum of the losses of the steps.",
            "",
            "given",
        )
    ]
    for parameter in model.parameters:
        equations.append(
            _equation(
                f"sum:{parameter.name}",
                [Partial(total, parameter), TimeSum(Partial(loss, parameter), t, 1, T)],
                "The derivative of a sum is the sum of the derivatives.",
                "",
            )
        )
    return Section(
        "The total loss",
        "Every parameter is shared by all steps, so every step adds to its gradient.",
        tuple(equations),
    )


# Jacobians


def _local_jacobians(model: Model) -> Section:
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
        written = _in_terms_of_output(model, call)
        if written is not None:
            function = model.scope.functions[call.function]
            equations.append(
                _equation(
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


def _in_terms_of_output(model: Model, call: Elementwise) -> MatrixExpr | None:
    output = next((d.quantity for d in model.definitions if d.expression == call), call)
    return slope_in_terms_of_output(model.scope.functions[call.function], output)


def _local(model: Model, definition: Definition, variable: Quantity) -> Equation:
    found = local_jacobian(model, definition, variable)
    sides = [Partial(definition.quantity, variable), found, *tidy_steps(found, model.one_hot)]
    label = f"local:{definition.quantity.name}/{variable.name}"
    return _equation(label, sides, "The forward equation, differentiated as it stands.")


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
        reason = f"The chain rule through {_math(middle)}."
        if tidy_steps(product, model.one_hot) != tidy_steps(product, frozenset()):
            names = ", ".join(_math(model.quantity(name)) for name in sorted(model.one_hot))
            reason = f"The chain rule, and the entries of {names} sum to one."
        equations.append(_equation(f"readout:{start.name}", sides, reason))
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


def _recurrence(model: Model) -> Section:
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
        TimeProduct(_at(Partial(state, before), j), j, k + 1, t),
        TimeProduct(_at(body, j), j, k + 1, t),
    ]
    return Section(
        "One step back, many steps back",
        "A product over time runs against time, and the empty product is the identity.",
        (
            *_into_the_step(model, ways),
            _equation("step", one_step, reason),
            _equation(
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
        _equation(
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


def _at(expression: MatrixExpr, time: object) -> MatrixExpr:
    """Return an expression of step t at another step."""
    result: MatrixExpr = replace(expression, {t: time})
    return result


# The sum over paths


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


def _path_sum(model: Model) -> list[Section]:
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
            _equation(
                f"immediate:{parameter.name}",
                [contracted, _immediate_form(model, parameter, contracted.args[0])],
                "What one use of the parameter, at step $k$, changes at step $t$.",
                "1 \\le k \\le t \\le T",
            )
        )
    for parameter in trained:
        immediate = Partial(state.at(k), parameter, True)
        single.append(
            _equation(
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
        chain = TimeProduct(_at(Partial(state, state.at(t - 1)), j), j, k + 1, t)
        inner = TimeSum(multiply(row, Partial(state, state.at(k))), t, k, T)
        double.append(
            _equation(
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
    return replace(_at(handed, k), {stand_in.at(k): transpose(row)})


# Adjoints and gradients


def _rows_at_the_loss(model: Model, jacobians: Section) -> dict[str, Equation]:
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


def _adjoints(model: Model, rows: Mapping[str, Equation]) -> list[Section]:
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
            _equation(
                f"definition:{quantity.name}",
                [own, meaning],
                "The adjoint: the gradient of the total loss, as a column.",
                kind="definition",
            )
        )
        reason = _adjoint_reason(model, quantity)
        if row is not None and divides(formula) and not divides(row.right):
            steps = [transpose(row.left), transpose(row.right)]
            reason = f"Of all losses, {_math(quantity)} acts on {_math(model.loss)} alone."
        sides = [own, *steps, _slopes_written(model, steps[-1])]
        recursion.append(_equation(f"adjoint:{quantity.name}", sides, reason))
    for name in _users(model, model.states[0].name, 1):
        later = adjoint(model.quantity(name), T + 1)
        recursion.append(
            _equation(
                f"boundary:{name}",
                [later, ZeroMatrix(*later.shape)],
                "No loss depends on what lies after the last step.",
                "",
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


def _influences_loss(model: Model, quantity: Quantity) -> bool:
    return reaches(model, quantity.name, model.loss.name) or reaches(
        model, quantity.name, model.states[0].name
    )


def _users(model: Model, name: str, lag: int) -> list[str]:
    return [d.quantity.name for d in consumers(model, name, lag)]


def _named_adjoint(model: Model, name: str) -> MatrixExpr:
    return unit() if name == model.loss.name else adjoint(model.quantity(name))


def _adjoint_reason(model: Model, quantity: Quantity) -> str:
    now = [_math(d.quantity) for d in consumers(model, quantity.name, 0)]
    later = [_math(shifted(d.quantity, 1)) for d in consumers(model, quantity.name, 1)]
    return f"{_math(quantity)} acts on " + " and on ".join([*now, *later]) + "."


def _slopes_written(model: Model, expression: MatrixExpr) -> MatrixExpr:
    """Write every σ′(a) in terms of σ, where there is such a form."""
    written = {}
    for node in subexpressions(expression):
        if (
            isinstance(node, Elementwise)
            and node.order == 1
            and node.function in model.scope.functions
        ):
            value = Elementwise(node.function, 0, node.argument)
            found = _in_terms_of_output(model, value)
            if found is not None:
                written[node] = found
    result: MatrixExpr = replace(expression, written)
    return result


def _gradients(model: Model, adjoints: dict[str, MatrixExpr]) -> Section:
    equations = []
    for parameter in model.parameters:
        terms = contributions(model, parameter, 0, adjoints)
        body = _handed_back(model, terms, parameter)
        summed = body if isinstance(body, ZeroMatrix) else TimeSum(body, t, 1, T)
        reason = "Each step adds what its use of the parameter contributes."
        equations.append(
            _equation(
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
            _equation(
                f"input:{data.name}",
                [transpose(Partial(model.total, data)), body],
                "The input acts on the loss through the equations of its own step.",
            )
        )
    state = model.states[0]
    lagged = {name: _named_adjoint(model, name) for name in _users(model, state.name, 1)}
    start = _handed_back(model, contributions(model, state, 1, lagged), state)
    equations.append(
        _equation(
            f"initial:{state.name}",
            [transpose(Partial(model.total, state.at(0))), _at(start, 0)],
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
    return _slopes_written(model, steps[-1] if steps else term)


__all__ = ["adjoint", "adjoint_name", "derive", "timeless", "with_outputs"]
