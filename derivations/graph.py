"""Who needs whom: the order within a step, and Jacobians and adjoints along the paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sympy import Integer, MatrixExpr

from derivations.algebra import depends_on, quantities, replace, transpose
from derivations.calculus import jacobian, pullback
from derivations.expressions import OneMatrix, Partial, Quantity, Softmax, Unspecified, t
from derivations.model import Definition, Model


def in_order(model: Model) -> list[Definition]:
    """Return the definitions of one step so that each comes after what it needs.

    Examples
    --------
    >>> model = Model.read("y_t = V h_t\\nh_t = tanh(W h_{t-1})\\nE_t depends on y_t")
    >>> [d.quantity.name for d in in_order(model)]
    ['h', 'y', 'E']
    """
    waiting = [d for d in model.definitions if d.quantity.time == t]
    ordered: list[Definition] = []
    while waiting:
        names = {d.quantity.name for d in waiting}
        ready = next(
            d
            for d in waiting
            if not any(q.time == t and q.name in names for q in quantities(d.expression))
        )
        ordered.append(ready)
        waiting.remove(ready)
    return ordered


def with_outputs(model: Model, expression: MatrixExpr) -> MatrixExpr:
    """Write the value of a softmax by the name that it has: ŷ_t for softmax(z_t)."""
    named = {
        d.expression: d.quantity for d in model.definitions if isinstance(d.expression, Softmax)
    }
    return replace(expression, named)


def local_jacobian(model: Model, definition: Definition, variable: Quantity) -> MatrixExpr:
    """Return how one equation's right side changes with one of its symbols."""
    if isinstance(definition.expression, Unspecified):
        return Partial(definition.quantity, variable)
    return with_outputs(model, jacobian(definition.expression, variable))


def local_pullback(
    model: Model, definition: Definition, adjoint: MatrixExpr, variable: MatrixExpr
) -> MatrixExpr:
    """Return what one equation hands back to one of its symbols."""
    if isinstance(definition.expression, Unspecified):
        return transpose(Partial(definition.quantity, variable))
    return with_outputs(model, pullback(definition.expression, adjoint, variable))


def shifted(expression: MatrixExpr, steps: int) -> MatrixExpr:
    """Return an expression some steps later."""
    return replace(expression, {t: t + steps}) if steps else expression


def consumers(model: Model, name: str, lag: int) -> list[Definition]:
    """Return the equations of step t that use a quantity of step t − lag."""
    return [
        d
        for d in model.definitions
        if d.quantity.time == t
        and any(q.name == name and q.time == t - lag for q in quantities(d.expression))
    ]


def paths(model: Model, start: str, end: str) -> list[list[Definition]]:
    """Return every way from a quantity to another within one step, as the equations on it."""
    if start == end:
        return [[]]
    return [
        [step, *rest]
        for step in consumers(model, start, 0)
        for rest in paths(model, step.quantity.name, end)
    ]


def along(model: Model, path: Sequence[Definition], start: Quantity) -> list[MatrixExpr]:
    """Return the local Jacobians along a path, the last one first."""
    factors = []
    for definition in path:
        factors.append(local_jacobian(model, definition, start))
        start = definition.quantity
    return factors[::-1]


def reaches(model: Model, start: str, end: str) -> bool:
    """Tell whether a quantity influences another within one step."""
    return bool(paths(model, start, end))


def contributions(
    model: Model, variable: MatrixExpr, lag: int, adjoints: Mapping[str, MatrixExpr]
) -> list[MatrixExpr]:
    """Return what every equation that uses a variable hands back to it.

    Parameters
    ----------
    model : Model
    variable : Quantity at step t, or a parameter
    lag : int
        How many steps later the equations stand that use it.
    adjoints : mapping of name to MatrixExpr
        The adjoint of each quantity at step t; of the loss, one.
    """
    used = variable.at(t - lag) if isinstance(variable, Quantity) else variable
    found = []
    for definition in model.definitions:
        name = definition.quantity.name
        is_step = definition.quantity.time == t
        if is_step and name in adjoints and depends_on(definition.expression, used):
            handed = local_pullback(model, definition, adjoints[name], used)
            found.append(shifted(handed, lag))
    return found


def unit() -> MatrixExpr:
    """Return the adjoint of the loss by itself."""
    return OneMatrix(Integer(1), Integer(1))
