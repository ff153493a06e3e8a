"""Curves of functions: from a formula to points, and the panel that they are drawn in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from sympy import Expr, Interval, Set, Union, lambdify

from codegen.documents.drawing import Point
from codegen.documents.drawing.panel import Axis, Curve, Panel
from derivations.activations import x

#: Curves are drawn between minus this and this, through so many points on the whole.
REACH, POINTS = 5, 120
#: The size of a panel, its height without the room above and below the curve.
WIDE, HIGH, ROOM = 164.0, 106.0, 6.0


def panel(corner: Point, values: Sequence[float]) -> Panel:
    """Return a panel for functions that shows some of their values."""
    across = Axis(-REACH, REACH, tuple(range(-REACH + 1, REACH, 2)))
    return Panel(corner, WIDE, HIGH, across, Axis.around(values), ROOM)


def sampled(formula: Expr, domain: Set) -> list[Curve]:
    """Return a smooth formula as a curve on each interval of its domain that is shown.

    Examples
    --------
    >>> [curve] = sampled(2 * x, Interval(0, 10))
    >>> curve[0], curve[-1]
    ((0.0, 0.0), (5.0, 10.0))
    """
    evaluate = lambdify(x, formula, "math")
    shown = domain & Interval(-REACH, REACH)
    curves = []
    for part in shown.args if isinstance(shown, Union) else (shown,):
        if isinstance(part, Interval):
            start, length = float(part.start), float(part.end - part.start)
            count = max(2, round(POINTS * length / (2 * REACH)))
            places = [start + length * number / count for number in range(count + 1)]
            curves.append([point for place in places for point in _point(evaluate, place)])
    return [curve for curve in curves if len(curve) > 1]


def _point(evaluate: Callable[[float], float], place: float) -> Iterator[Point]:
    """Yield a point of a curve, or nothing where a function has no value, as at an open end."""
    try:
        value = float(evaluate(place))
    except (ValueError, OverflowError, ZeroDivisionError):
        return
    if math.isfinite(value):
        yield place, value


__all__ = ["HIGH", "REACH", "WIDE", "panel", "sampled"]
