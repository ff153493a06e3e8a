"""Back-propagation through time: Model → Derivation, with time symbolic.

    name_intermediates   [Model] -> [Model]   every argument of a function has a name
    _network             the forward equations
    _total_loss          E = Σ E_t, and its gradient as a sum over t
    local_jacobians      ∂u_t/∂v_t of neighbours, and of the read-out as a whole
    recurrence           ∂h_t/∂h_{t−1}, and ∂h_t/∂h_k as a product
    path_sum             ∂E_t/∂W as a sum over k, ∂E/∂W as a double sum, the exchange of sums
    adjoint_sections     δ_t, defined and as a recursion; every parameter, x_t and h_0

Each of these returns sections; equations are numbered at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as with_fields
from typing import Literal

from derivations.adjoints import adjoint_sections, rows_at_the_loss
from derivations.algebra import quantities
from derivations.derivation import Derivation, Section
from derivations.errors import UnsupportedError
from derivations.expressions import Partial, T, TimeSum, Unspecified, t
from derivations.graph import in_order, reaches
from derivations.intermediates import name_intermediates
from derivations.jacobians import local_jacobians, recurrence
from derivations.model import Model
from derivations.notation.latex import function_name
from derivations.notation.names import at_time
from derivations.path_sum import path_sum
from derivations.writing import math, write


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
    if model.refusal is not None:
        raise model.refusal
    if len(model.states) != 1:
        names = ", ".join(at_time(state.name, t - 1) for state in model.states) or "none"
        raise UnsupportedError(
            f"A network with one state h_{{t-1}} is derived so far; this one has {names}."
        )
    _refuse_losses_of_several_steps(model)
    named = name_intermediates(model)
    jacobians = local_jacobians(named)
    rows = rows_at_the_loss(named, jacobians)
    sections = [
        _network(named, model),
        _total_loss(named),
        jacobians,
        recurrence(named),
        *path_sum(named),
        *adjoint_sections(named, rows),
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
        equations.append(write(f"forward:{quantity.name}", sides, reason, kind=kind))
    return Section("The network", _network_text(model), tuple(equations))


def _network_text(model: Model) -> str:
    text = f"Time runs from $1$ to $T$, and {math(model.states[0].at(0))} is given."
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
    return text


def _total_loss(model: Model) -> Section:
    total, loss = model.total, model.loss
    equations = [
        write(
            "total",
            [total, model.definitions[-1].expression],
            "The total loss is the sum of the losses of the steps.",
            "",
            "given",
        )
    ]
    for parameter in model.parameters:
        equations.append(
            write(
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
