"""Back-propagation through time: Model → Derivation, with time symbolic.

    name_intermediates   [Model] -> [Model]   every argument of a function has a name
    states               what each direction hands from step to step: h_t, or s_t = [h_t; c_t]
    _network             the forward equations
    _total_loss          E = Σ E_t, and its gradient as a sum over t
    local_jacobians      ∂u_t/∂v_t of neighbours, and of the read-out as a whole
    chain                ∂s_t/∂s_{t−1} by its blocks, and ∂s_t/∂s_k as a product
    path_sum             ∂E_t/∂W as a sum over k, ∂E/∂W as a double sum, the exchange of sums
    adjoint_sections     δ_t, defined and as a recursion; every parameter, x_t and h_0

Each of these returns sections; equations are numbered at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from derivations.adjoints import adjoint_sections, rows_at_the_loss
from derivations.chains import chain
from derivations.derivation import Derivation, Equation, Section
from derivations.errors import UnsupportedError
from derivations.expressions import Partial, T, TimeSum, Unspecified, t
from derivations.graph import reaches
from derivations.intermediates import name_intermediates
from derivations.jacobians import local_jacobians
from derivations.model import Model
from derivations.notation.latex import function_name
from derivations.notation.names import at_time
from derivations.path_sum import path_sum
from derivations.recurrence import given_values, in_order
from derivations.states import State, states
from derivations.writing import listed, math, write

NAMED_HERE = "As given; the text names no argument of this function, here it has a name."


def derive(model: Model) -> Derivation:
    """Derive every gradient of a model by back-propagation through time.

    Parameters
    ----------
    model : Model
        A network in which at least one quantity is used at another step.

    Returns
    -------
    Derivation
        Not yet proven: see `derivations.proving.prove`.

    Raises
    ------
    UnsupportedError
        For a model without a state, or with a node that has no rule.

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
    if model.refusal is not None:
        raise model.refusal
    if not model.states:
        raise UnsupportedError(
            "This network has no recurrence: no equation uses a value of another step.",
            hint="Write one that does, such as h_t = tanh(W h_{t-1} + U x_t).",
        )
    _refuse_entangled_losses(model)
    named = name_intermediates(model)
    whole = states(named)
    jacobians = local_jacobians(named, whole)
    sections = [
        _network(named, model, whole),
        _total_loss(named),
        jacobians,
        *(section for state in whole for section in (chain(named, state), *path_sum(named, state))),
        *adjoint_sections(named, rows_at_the_loss(named, jacobians)),
    ]
    return Derivation(named, _numbered(sections))


def _refuse_entangled_losses(model: Model) -> None:
    """Refuse an unspecified loss that sees a quantity both directly and through another one."""
    for definition in model.definitions:
        if isinstance(definition.expression, Unspecified):
            names = [argument.name for argument in definition.expression.arguments]
            if any(a != b and reaches(model, a, b) for a in names for b in names):
                raise UnsupportedError(
                    f"The unspecified loss {at_time(model.loss.name, t)} depends on two quantities "
                    "of which one depends on the other; this is not derived yet."
                )


def _numbered(sections: Sequence[Section]) -> tuple[Section, ...]:
    number = 0
    numbered = []
    for section in sections:
        equations = []
        for equation in section.equations:
            number += 1
            equations.append(replace(equation, number=number))
        numbered.append(replace(section, equations=tuple(equations)))
    return tuple(section for section in numbered if section.equations)


def _network(model: Model, given: Model, whole: Sequence[State]) -> Section:
    equations = []
    named = {d.quantity.name for d in model.definitions} - {
        d.quantity.name for d in given.definitions
    }
    for definition in in_order(model.definitions):
        quantity, expression = definition.quantity, definition.expression
        if isinstance(expression, Unspecified):
            continue
        user = given.definition(quantity.name)
        sides = [quantity, expression]
        reason = "As given."
        if quantity.name in named:
            reason = NAMED_HERE
        elif user is not None and user.expression != expression:
            sides.append(user.expression)
            reason = NAMED_HERE
        kind: Literal["given", "claim"] = "given" if len(sides) == 2 else "claim"
        equations.append(write(f"forward:{quantity.name}", sides, reason, kind=kind))
    equations += [_whole_state(state) for state in whole if state.is_named]
    return Section("The network", _network_text(model, given, whole), tuple(equations))


def _whole_state(state: State) -> Equation:
    limits = "0 \\le t \\le T" if state.direction > 0 else "1 \\le t \\le T + 1"
    way = "later" if state.direction > 0 else "earlier"
    return write(
        f"state:{state.quantity.name}",
        [state.quantity, state.stacked],
        f"The whole state: all that {way} steps need to know of this one.",
        limits,
        "definition",
    )


def _network_text(model: Model, given: Model, whole: Sequence[State]) -> str:
    text = f"Time runs from $1$ to $T$. {_first_values(model)}"
    added = [d.quantity for d in model.definitions if d.quantity.name not in given.scope.shapes]
    if added:
        text += (
            f" What the text gives no name is called {listed(added)} here: "
            f"{'arguments' if len(added) > 1 else 'the argument'} of functions."
        )
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
            on = ", ".join(math(argument) for argument in definition.expression.arguments)
            text += (
                f" The loss {math(definition.quantity)} is any differentiable function of {on}; "
                "its gradient stays as it stands."
            )
    for name in sorted(model.one_hot):
        text += f" The entries of {math(model.quantity(name))} sum to one."
    for name in sorted(model.scope.labels):
        text += f" {math(model.quantity(name))} is an integer label, which picks an entry."
    if model.is_last_only:
        text += " Only the loss of the last step counts."
    return text


def _first_values(model: Model) -> str:
    """Say which values are given, and which are zero."""
    given = [value for state in model.states for value in given_values(model, state)]
    unset = replace(model, zeros=frozenset())
    zero = [
        value
        for state in model.states
        if state.name in model.zeros
        for value in given_values(unset, state)
    ]
    parts = [
        f"{listed(values)} {'is' if len(values) == 1 else 'are'} {what}"
        for values, what in ((given, "given"), (zero, "zero"))
        if values
    ]
    return ", and ".join(parts) + "."


def _total_loss(model: Model) -> Section:
    total, loss = model.total, model.loss
    equations = [
        write(
            "total",
            [total, model.definitions[-1].expression],
            "The total loss is that of the last step."
            if model.is_last_only
            else "The total loss is the sum of the losses of the steps.",
            "",
            "given",
        )
    ]
    for parameter in model.parameters:
        equations.append(
            write(
                f"sum:{parameter.name}",
                [
                    Partial(total, parameter),
                    Partial(loss.at(T), parameter)
                    if model.is_last_only
                    else TimeSum(Partial(loss, parameter), t, 1, T),
                ],
                "The total loss is this loss."
                if model.is_last_only
                else "The derivative of a sum is the sum of the derivatives.",
                "",
            )
        )
    return Section(
        "The total loss",
        "Every parameter is shared by all steps, so every step adds to its gradient.",
        tuple(equations),
    )
