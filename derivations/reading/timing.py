"""What can be computed step after step: no loop, no future and past at once, no missing state."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from derivations.algebra import quantities
from derivations.errors import ModelError, Place
from derivations.expressions import Quantity, t
from derivations.model import Definition
from derivations.notation.names import at_time
from derivations.notation.syntax import statement_symbols
from derivations.reading.checks import Statements
from derivations.recurrence import circles, directions, steps_of, uses

#: A state is kept for at most this many steps.
LONGEST_LAG = 8


def check_times(
    statements: Statements, definitions: Sequence[Definition], defined: Collection[str]
) -> None:
    """Refuse what cannot be computed in passes over the steps.

    Raises
    ------
    ModelError
        With the place of the symbol, or of the equation.
    """
    for definition in steps_of(definitions):
        for quantity in quantities(definition.expression):
            place = _find(statements, definition.place, quantity)
            _check_distance(quantity, place, defined)
    _refuse_loops(definitions)
    _refuse_both_ways(definitions)
    ways = directions(definitions)
    for definition in steps_of(definitions):
        for quantity in quantities(definition.expression):
            if t - quantity.time < 0 and ways.get(quantity.name) != -1:
                raise ModelError(
                    f"{_shown(quantity)} lies in the future of step t and cannot be computed "
                    "there.",
                    _find(statements, definition.place, quantity),
                    "Only a recurrence that runs from the last step to the first may be looked at "
                    "ahead: g_t = σ(V g_{t+1} + …).",
                )


def _shown(quantity: Quantity) -> str:
    return at_time(quantity.name, quantity.time)


def _check_distance(quantity: Quantity, place: Place | None, defined: Collection[str]) -> None:
    lag, shown = t - quantity.time, _shown(quantity)
    if not lag.is_Integer:
        raise ModelError(f"{shown} does not stand at a fixed distance from t.", place)
    if abs(lag) > LONGEST_LAG:
        raise ModelError(
            f"{shown} stands {abs(lag)} steps from t; at most {LONGEST_LAG} are kept.", place
        )
    if lag != 0 and quantity.name not in defined:
        raise ModelError(
            f"{shown} is used, but no equation defines {at_time(quantity.name, t)}: this state "
            "has no value.",
            place,
            "A state needs an equation; its first value is given. Data is used at step t.",
        )


def _refuse_loops(definitions: Sequence[Definition]) -> None:
    """Refuse equations of one step that need each other."""
    for group in circles(use for use in uses(definitions) if use[2] == 0):
        names = ", ".join(at_time(name, t) for name in _in_order(definitions, group))
        raise ModelError(
            f"These need each other within one step: {names}."
            if len(group) > 1
            else f"{names} needs itself within one step.",
            _first_place(definitions, group),
            "One of them must use the value of step t-1.",
        )


def _refuse_both_ways(definitions: Sequence[Definition]) -> None:
    """Refuse a recurrence that needs the step before and the step after."""
    for group in circles(uses(definitions)):
        if directions(definitions)[next(iter(group))] == 0:
            names = ", ".join(at_time(name, t) for name in _in_order(definitions, group))
            raise ModelError(
                f"This recurrence needs the past and the future at once: {names}.",
                _first_place(definitions, group),
                "No order of the steps computes it. Two recurrences, one for each direction, may "
                "meet in a third quantity.",
            )


def _in_order(definitions: Sequence[Definition], group: Collection[str]) -> list[str]:
    return [d.quantity.name for d in definitions if d.quantity.name in group]


def _first_place(definitions: Sequence[Definition], group: Collection[str]) -> Place | None:
    return next(d.place for d in definitions if d.quantity.name in group)


def _find(statements: Statements, place: Place | None, quantity: Quantity) -> Place | None:
    """Narrow a place down to the symbol, if it is written as it is printed."""
    if place is None:
        return None
    compact = _shown(quantity).replace("{", "").replace("}", "")
    for statement, where in statements:
        if where == place:
            for node in statement_symbols(statement):
                text = place.text[slice(*node.span)]
                if text.replace("{", "").replace("}", "").replace(" ", "") == compact:
                    return place.part(*node.span)
    return place
