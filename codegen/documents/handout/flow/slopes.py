"""Which functions an error passes on its way from a state to the one before."""

from __future__ import annotations

from derivations.algebra import quantities, subexpressions
from derivations.expressions import Elementwise
from derivations.model import Model
from derivations.notation.latex import function_name
from derivations.stability import GradientBounds


def functions_met(bounds: GradientBounds) -> set[str]:
    """Return the LaTeX names of the functions that stand between a state and the next one.

    Examples
    --------
    >>> from derivations import cell
    >>> from derivations.stability import gradient_bounds
    >>> [sorted(functions_met(gradient_bounds(cell(name)))) for name in ("lstm", "diagonal")]
    [['\\\\sigma', '\\\\tanh'], []]
    """
    model = bounds.model
    states = {member.name for member in bounds.state.members}
    on_the_way = {name for name in states for name in _used_within(model, name, states)}
    return {
        function_name(node.function)
        for definition in model.definitions
        if definition.quantity.name in on_the_way
        for node in subexpressions(definition.expression)
        if isinstance(node, Elementwise)
        and not node.order
        and any(_feels(model, one.name, states) for one in quantities(node.argument))
    }


def _used_within(model: Model, name: str, states: set[str]) -> set[str]:
    """Return the names of what a state is computed from in its step, with its own."""
    definition = model.definition(name)
    if definition is None:
        return set()
    used = {one.name for one in quantities(definition.expression)} - states
    return {name}.union(*(_used_within(model, one, states) for one in used))


def _feels(model: Model, name: str, states: set[str]) -> bool:
    """Tell whether a state acts on a quantity of its step."""
    if name in states:
        return True
    definition = model.definition(name)
    used = () if definition is None else quantities(definition.expression)
    return any(_feels(model, one.name, states) for one in used)


__all__ = ["functions_met"]
