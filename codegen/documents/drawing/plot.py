"""Curves in a panel with a grid and numbers: from the formula of a function to lines."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sympy import Expr, Interval, Set, Union, lambdify

from codegen.documents.drawing import Item, Label, Line, Point, Stroke
from derivations.activations import x

#: Curves are drawn between minus this and this, through so many points on the whole.
REACH, POINTS = 5, 120
#: The size of a panel, its height without the room above and below the curve.
WIDE, HIGH, ROOM = 164.0, 106.0, 6.0
#: From a panel to the numbers beside it.
TICK = 4.0
#: What the ascents of a scale may be, and how many there are at most.
STEPS, MOST_STEPS = (0.1, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0, 10.0, 25.0, 50.0), 5

#: Points of a curve that is smooth between them, in the units of its panel.
Curve: TypeAlias = list[Point]


@dataclass(frozen=True)
class Panel:
    """A place for curves.

    Attributes
    ----------
    corner : Point
        Lower left.
    low, high : float
        What is shown of the values.
    step : float
        Between two numbers of the vertical scale.
    """

    corner: Point
    low: float
    high: float
    step: float

    @classmethod
    def around(cls, corner: Point, values: Sequence[float]) -> Panel:
        """Return a panel that shows some values."""
        low, high = min(values), max(values)
        if high == low:
            low, high = low - 1, high + 1
        step = next((s for s in STEPS if (high - low) / s <= MOST_STEPS), high - low)
        # A curve that ends just below a number of the scale shows that it comes near to it.
        near = 0.03 * (high - low)
        lowest, highest = math.floor(low / step) * step, math.ceil(high / step) * step
        return cls(
            corner,
            lowest if low - lowest < near else low,
            highest if highest - high < near else high,
            step,
        )

    def at(self, point: Point) -> Point:
        """Return the place of a point."""
        share = (point[1] - self.low) / (self.high - self.low)
        across = WIDE * (point[0] + REACH) / (2 * REACH)
        return self.corner[0] + across, self.corner[1] + ROOM + share * (HIGH - 2 * ROOM)

    def frame(self, title: str) -> tuple[Item, ...]:
        """Return what stands behind the curves: grid, axes, frame, numbers, and the title."""
        left, bottom = self.corner
        right, top = left + WIDE, bottom + HIGH
        items: list[Item] = []
        for number in range(-REACH + 1, REACH, 2):
            across = self.at((number, self.low))[0]
            items.append(Line(((across, bottom), (across, top)), "axis" if not number else "grid"))
            items.append(Label((across, bottom - TICK), f"${number}$", "north"))
        for value in self._scale():
            up = self.at((0, value))[1]
            items.append(Line(((left, up), (right, up)), "grid" if value else "axis"))
            items.append(Label((left - TICK, up), f"${value:g}$", "east"))
        corners = ((left, bottom), (right, bottom), (right, top), (left, top), (left, bottom))
        items.append(Line(corners, "frame"))
        items.append(Label((right, bottom - TICK), "$x$", "north"))
        items.append(Label((left, top + TICK), title, "south"))
        # Lines before labels, darker ones in front.
        order = {"grid": 0, "axis": 1, "frame": 2}
        return tuple(
            sorted(items, key=lambda item: order[item.stroke] if isinstance(item, Line) else 3)
        )

    def _scale(self) -> Iterator[float]:
        first = math.ceil(self.low / self.step - 1e-9)
        last = math.floor(self.high / self.step + 1e-9)
        return (number * self.step for number in range(first, last + 1))

    def drawn(self, curves: Sequence[Curve], stroke: Stroke) -> tuple[Item, ...]:
        """Return curves as lines."""
        return tuple(Line(tuple(map(self.at, curve)), stroke) for curve in curves)


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


__all__ = ["HIGH", "REACH", "WIDE", "Curve", "Panel", "sampled"]
