"""Which quantity is the loss, and how the losses of the steps make the total one."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import MatrixExpr

from derivations.algebra import quantities
from derivations.errors import ModelError, Place
from derivations.expressions import Quantity, T, TimeSum, is_scalar, show_shape, t, timeless
from derivations.model import Definition
from derivations.notation.latex import latex
from derivations.notation.names import at_time
from derivations.notation.text import Declaration, Text


def find_loss(text: Text, definitions: Sequence[Definition], temporal: frozenset[str]) -> Quantity:
    """Return the loss of a step: the declared one, or the one scalar that nothing else uses.

    Raises
    ------
    ModelError
        When it is no scalar, when there is none, or when there are several.
    """
    for declaration in _declared(text, "loss"):
        name = declaration.name(temporal)
        definition = next((d for d in definitions if d.quantity.name == name), None)
        if definition is None:
            raise ModelError(f"The loss {at_time(name, t)} is not defined.", declaration.place)
        _check_scalar(definition)
        return definition.quantity
    used = {q.name for d in definitions for q in quantities(d.expression)}
    unused = [d for d in definitions if d.quantity.name not in used]
    candidates = [d.quantity for d in unused if is_scalar(d.quantity)]
    if len(candidates) == 1:
        return candidates[0]
    place = text.equations[-1] if text.equations else None
    if not candidates:
        for definition in unused[-1:]:
            _check_scalar(definition)
        raise ModelError(
            "There is no loss.",
            place,
            "Add the scalar equation E_t = …, or the line: E_t depends on \\hat{y}_t",
        )
    names = ", ".join(at_time(candidate.name, t) for candidate in candidates)
    raise ModelError(
        f"Which of {names} is the loss?", place, "Add the line: E_t is the loss of step t"
    )


def total_definition(
    text: Text, loss: Quantity, total: str, sides: Sequence[MatrixExpr], place: Place | None
) -> Definition:
    """Return what the total loss is: the text's own equation, or the sum over all steps.

    Raises
    ------
    ModelError
        When the equation says anything else than a sum over all steps, or the last step's loss.
    """
    quantity = Quantity(total, 1, 1, timeless)
    last_only = _declared(text, "last step")
    possible = [loss.at(T)] if last_only else [TimeSum(loss, t, 1, T), loss.at(T)]
    if not sides:
        return Definition(quantity, possible[0])
    if sides[0] != quantity or sides[1] not in possible:
        raise ModelError(
            "The total loss is the sum of the losses of all steps, or the loss of the last one."
            if not last_only
            else "The loss is declared to be that of the last step only.",
            place,
            f"Write {' or '.join(f'{total} = {latex(p)}' for p in possible)}, or leave the "
            "line out.",
        )
    return Definition(quantity, sides[1], place)


def _declared(text: Text, kind: str) -> list[Declaration]:
    return [declaration for declaration in text.declarations if declaration.kind == kind]


def _check_scalar(definition: Definition) -> None:
    if not is_scalar(definition.quantity):
        raise ModelError(
            f"The loss {latex(definition.quantity)} is no scalar: it is "
            f"{show_shape(definition.quantity)}.",
            definition.place,
            "A loss is one number a step, such as ½‖y_t − ŷ_t‖² or −y_tᵀ log ŷ_t.",
        )
