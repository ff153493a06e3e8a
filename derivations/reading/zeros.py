"""Which states start at zero: lines such as h_0 = 0."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sympy import Expr

from derivations.errors import ModelError, Place
from derivations.expressions import Quantity, T, t
from derivations.model import Definition
from derivations.notation.names import at_time
from derivations.recurrence import uses


def zero_states(
    zeros: Mapping[Quantity, Place], definitions: Sequence[Definition], states: Iterable[str]
) -> frozenset[str]:
    """Return the states whose values beyond the steps are all zero.

    Parameters
    ----------
    zeros : mapping of Quantity to Place
        What the text sets to zero, and where.
    definitions : sequence of Definition
    states : iterable of str
        What is used at another step.

    Raises
    ------
    ModelError
        When something else is set to zero, or only some of what must be given.
    """
    needed = {name: _beyond(name, definitions) for name in states}
    for quantity, place in zeros.items():
        _check(quantity, place, needed)
    said = {name: {q.time for q in zeros if q.name == name} for name in needed}
    for name, steps in needed.items():
        missing = [step for step in steps if step not in said[name]]
        if zeros and missing:
            raise ModelError(
                f"The state {at_time(name, t)} is never initialised at step {missing[0]}.",
                next(iter(zeros.values())),
                f"Some first values are set to zero here. Add {at_time(name, missing[0])} = 0, or "
                "leave all such lines out: then all first values are given to the code.",
            )
    return frozenset(q.name for q in zeros)


def _beyond(name: str, definitions: Sequence[Definition]) -> list[Expr]:
    """Return the steps outside of 1 … T at which a state is used."""
    lags = [lag for _, used, lag in uses(definitions) if used == name]
    before = [t.subs(t, step) for step in range(0, -max([0, *lags]), -1)]
    return before + [T + distance for distance in range(1, 1 - min([0, *lags]))]


def _check(quantity: Quantity, place: Place, needed: Mapping[str, Sequence[Expr]]) -> None:
    shown = at_time(quantity.name, quantity.time)
    if quantity.name not in needed:
        raise ModelError(
            f"{at_time(quantity.name, t)} is no state: no other step uses it, and it needs no "
            "first value.",
            place,
        )
    if quantity.time not in needed[quantity.name]:
        steps = needed[quantity.name]
        is_computed = quantity.time.is_Integer and quantity.time > 0
        raise ModelError(
            f"{shown} is {'computed by its equation' if is_computed else 'not used'}.",
            place,
            "What is needed beyond the steps is "
            + ", ".join(at_time(quantity.name, step) for step in steps)
            + ".",
        )
