"""Model → Model that hands out the value and the pullback of chosen expressions of a step.

The loss of the new model is Σᵢ uᵢᵀ vᵢ, for expressions vᵢ of a step and data uᵢ in their shapes.
Its gradient by uᵢ is the value of vᵢ, and with uᵢ as the adjoint of vᵢ, its other gradients are
what back-propagation makes of that. So the code that is emitted of it answers every question about
one step: with the unit vectors as adjoints of the state, its gradient by the state before is the
Jacobian, row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sympy import MatrixExpr

from derivations.algebra import add, depends_on, hadamard, multiply, quantities, transpose
from derivations.algebra import replace as exchanged
from derivations.errors import ModelError
from derivations.expressions import OneMatrix, Quantity, T, TimeSum, is_column, t, timeless
from derivations.model import Definition, Model
from derivations.notation.names import canonical, identifier
from derivations.recurrence import reachable, uses
from derivations.states import State

_PAIR, _LOSS, _TOTAL = "\\text{pair}", "\\text{paired}", "\\text{pairing}"


def pair(number: int) -> str:
    """Return the name of the data that an expression is paired with.

    Examples
    --------
    >>> identifier(pair(0))
    'pair_0'
    """
    return canonical(_PAIR, [], [str(number)])


def paired(model: Model, state: State, expressions: Sequence[MatrixExpr]) -> Model:
    """Return the model whose loss pairs some expressions of a step with data.

    Only the equations that the expressions need stay, in the direction of time in which the state
    runs, and no given state is zero.

    Parameters
    ----------
    model : Model
        With every intermediate named.
    state : State
        One of the model's.
    expressions : sequence of MatrixExpr
        Columns, scalars or matrices of step t.

    Raises
    ------
    ModelError
        When the model has a quantity of such a name.

    Examples
    --------
    >>> from derivations import cell
    >>> from derivations.intermediates import name_intermediates
    >>> from derivations.notation.latex import latex
    >>> from derivations.states import states
    >>> lstm = name_intermediates(cell("lstm"))
    >>> [state] = states(lstm)
    >>> print(latex(paired(lstm, state, state.current).definitions[-2].expression))
    {\\text{pair}_t^0}^{\\top} h_t + {\\text{pair}_t^1}^{\\top} c_t
    """
    expressions = [_in_direction(expression, state.direction) for expression in expressions]
    pairs = [Quantity(pair(i), v.shape[0], v.shape[1], t) for i, v in enumerate(expressions)]
    loss, total = Quantity(_LOSS, 1, 1, t), Quantity(_TOTAL, 1, 1, timeless)
    new = [*pairs, loss, total]
    _check_free(model, new)
    kept = _needed(model, expressions)
    definitions = [
        replace(d, expression=_in_direction(d.expression, state.direction))
        for d in model.definitions
        if d.quantity.name in kept
    ]
    summands = [_inner(u, v) for u, v in zip(pairs, expressions, strict=True)]
    definitions.append(Definition(loss, add(*summands)))
    definitions.append(Definition(total, TimeSum(loss, t, 1, T)))
    written = [definition.expression for definition in definitions]
    scope = replace(
        model.scope,
        shapes={**model.scope.shapes, **{quantity.name: quantity.shape for quantity in new}},
        temporal=model.scope.temporal | {loss.name} | {quantity.name for quantity in pairs},
        timeless=model.scope.timeless | {total.name},
    )
    return replace(
        model,
        definitions=tuple(definitions),
        parameters=tuple(p for p in model.parameters if any(depends_on(e, p) for e in written)),
        data=(*(quantity for quantity in model.data if quantity.name in kept), *pairs),
        states=tuple(quantity for quantity in model.states if quantity.name in kept),
        loss=loss,
        total=total,
        targets=frozenset(),
        one_hot=model.one_hot & kept,
        zeros=frozenset(),
        warnings=(),
        scope=scope,
    )


def _in_direction(expression: MatrixExpr, direction: int) -> MatrixExpr:
    """Return an expression with its steps mirrored at t, for a state that runs against time."""
    if direction > 0:
        return expression
    found = dict.fromkeys(quantities(expression))
    mirrored: MatrixExpr = exchanged(expression, {q: q.at(2 * t - q.time) for q in found})
    return mirrored


def _check_free(model: Model, new: Sequence[Quantity]) -> None:
    taken = {identifier(name) for name in model.scope.shapes}
    for quantity in new:
        if identifier(quantity.name) in taken:
            raise ModelError(
                f"The name {identifier(quantity.name)} would stand for two things.",
                hint="The code that measures needs it: choose another name in the text.",
            )


def _needed(model: Model, expressions: Sequence[MatrixExpr]) -> frozenset[str]:
    """Return the names of everything that some expressions are computed from."""
    used: dict[str, set[str]] = {}
    for user, name, _ in uses(model.definitions):
        used.setdefault(user, set()).add(name)
    return reachable((q.name for e in expressions for q in quantities(e)), used)


def _inner(left: MatrixExpr, right: MatrixExpr) -> MatrixExpr:
    """Return the sum of the products of the entries."""
    if is_column(right):
        return multiply(transpose(left), right)
    rows, columns = right.shape
    ones = transpose(OneMatrix(rows, 1)), OneMatrix(columns, 1)
    return multiply(ones[0], hadamard(left, right), ones[1])


__all__ = ["pair", "paired"]
