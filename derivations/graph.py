"""Who needs whom within a step: Jacobians and adjoints along the paths."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sympy import Integer, MatrixExpr

from derivations.algebra import depends_on, quantities, replace, transpose
from derivations.calculus import jacobian, pullback
from derivations.errors import UnsupportedError
from derivations.expressions import (
    Elementwise,
    OneMatrix,
    Partial,
    Quantity,
    Softmax,
    Unspecified,
    t,
)
from derivations.model import Definition, Model
from derivations.notation.names import at_time
from derivations.recurrence import reachable, steps_of, uses

#: A sum over more paths than these is no equation that anybody reads.
MOST_PATHS = 40


def with_outputs(model: Model, expression: MatrixExpr) -> MatrixExpr:
    """Write the value of a function by the name that it has: ŷ_t for softmax(z_t)."""
    named = {
        d.expression: d.quantity
        for d in model.definitions
        if isinstance(d.expression, Softmax | Elementwise)
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
        for d in steps_of(model.definitions)
        if any(q.name == name and q.time == t - lag for q in quantities(d.expression))
    ]


def paths(
    model: Model, start: str, end: str, avoiding: Collection[str] = ()
) -> list[list[Definition]]:
    """Return every way from a quantity to another within one step, as the equations on it.

    Parameters
    ----------
    model : Model
    start, end : str
        Names.
    avoiding : collection of str
        Quantities that a way may end at, but not lead through.

    Raises
    ------
    UnsupportedError
        When there are too many.
    """
    found = _paths(model, start, end, avoiding, {})
    if len(found) > MOST_PATHS:
        raise UnsupportedError(
            f"{at_time(start, t)} acts on {at_time(end, t)} in {len(found)} ways within one step; "
            f"a sum of at most {MOST_PATHS} is written.",
            hint="Give intermediate quantities names of their own, or use fewer layers.",
        )
    return found


def _paths(
    model: Model,
    start: str,
    end: str,
    avoiding: Collection[str],
    known: dict[str, list[list[Definition]]],
) -> list[list[Definition]]:
    if start == end:
        return [[]]
    if start not in known:
        known[start] = [
            [step, *rest]
            for step in consumers(model, start, 0)
            if step.quantity.name == end or step.quantity.name not in avoiding
            for rest in _paths(model, step.quantity.name, end, avoiding, known)
        ]
    return known[start]


def along(model: Model, path: Sequence[Definition], start: Quantity) -> list[MatrixExpr]:
    """Return the local Jacobians along a path, the last one first."""
    factors = []
    for definition in path:
        factors.append(local_jacobian(model, definition, start))
        start = definition.quantity
    return factors[::-1]


def reaches(model: Model, start: str, end: str) -> bool:
    """Tell whether a quantity influences another within one step."""
    users: dict[str, set[str]] = {}
    for user, used, lag in uses(model.definitions):
        if lag == 0:
            users.setdefault(used, set()).add(user)
    return end in reachable([start], users)


def contributions(
    model: Model, variable: MatrixExpr, lag: int, adjoints: Mapping[str, MatrixExpr]
) -> dict[str, MatrixExpr]:
    """Return what every equation that uses a variable hands back to it, by what it defines.

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
    found = {}
    for definition in steps_of(model.definitions):
        name = definition.quantity.name
        if name in adjoints and depends_on(definition.expression, used):
            handed = local_pullback(model, definition, adjoints[name], used)
            found[name] = shifted(handed, lag)
    return found


def unit() -> MatrixExpr:
    """Return the adjoint of the loss by itself."""
    return OneMatrix(Integer(1), Integer(1))
