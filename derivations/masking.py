"""Model → Model whose total loss weighs the loss of every step: E = Σ_t mask_t E_t.

A mask is data of one number a step. It says which losses count: those of the steps that a sequence
of its own length has, or those of a window of truncated back-propagation through time.
"""

from __future__ import annotations

from dataclasses import replace

from derivations.algebra import multiply
from derivations.errors import ModelError
from derivations.expressions import Quantity, T, TimeSum, t
from derivations.model import Definition, Model
from derivations.notation.names import identifier

#: The name of the mask.
MASK = "\\text{mask}"


def masked(model: Model) -> Model:
    """Return the model in which the loss of step t is multiplied by mask_t.

    A loss at the last step only becomes a sum over all steps: its mask is 1 at one of them. Of an
    unspecified loss nothing is known but its gradient, which is given, and so can be masked itself.

    Raises
    ------
    ModelError
        When the model has a quantity of that name.

    Examples
    --------
    >>> from derivations.notation.latex import latex
    >>> model = masked(Model.read("h_t = tanh(W h_{t-1} + U x_t)\\nE_t = ‖h_t‖^2\\nE = E_T"))
    >>> [latex(definition.expression) for definition in model.definitions[-2:]]
    ['\\\\text{mask}_t \\\\left\\\\|h_t\\\\right\\\\|^{2}', '\\\\sum_{t=1}^{T} E_t']
    """
    taken = {identifier(name) for name in model.scope.shapes}
    if identifier(MASK) in taken:
        raise ModelError(
            "The name mask would stand for two things.",
            hint="It says which losses count: choose another name in the text.",
        )
    mask = Quantity(MASK, 1, 1, t)

    def weighed(definition: Definition) -> Definition:
        if definition.quantity == model.total:
            return replace(definition, expression=TimeSum(model.loss, t, 1, T))
        if definition.quantity == model.loss and not model.unspecified_loss:
            return replace(definition, expression=multiply(mask, definition.expression))
        return definition

    changed = replace(model, definitions=tuple(map(weighed, model.definitions)), unmasked=model)
    if model.unspecified_loss:
        return changed
    scope = replace(
        model.scope,
        shapes={**model.scope.shapes, MASK: mask.shape},
        temporal=model.scope.temporal | {MASK},
    )
    return replace(changed, data=(*model.data, mask), targets=model.targets | {MASK}, scope=scope)
