"""A place for curves: axes with numbers, a grid, a frame, and what is drawn within it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from codegen.documents.drawing import Area, Item, Label, Line, Point, Shade, Stroke

#: From a panel to the numbers beside it.
TICK = 4.0
#: What the ascents of a scale may be, and how many there are at most.
STEPS, MOST_STEPS = (0.1, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0, 10.0, 25.0, 50.0), 5
#: The same of a scale of logarithms.
POWERS = (1, 2, 5, 10, 20, 50, 100, 200, 500)

#: Points of a curve that is straight, or nearly, between them, in the units of its panel.
Curve: TypeAlias = list[Point]


@dataclass(frozen=True)
class Axis:
    """What an axis shows.

    Attributes
    ----------
    low, high : float
    numbers : tuple of float
        What is written at it.
    is_power : bool
        Whether values are decimal logarithms, and the numbers powers of ten.
    """

    low: float
    high: float
    numbers: tuple[float, ...]
    is_power: bool = False

    @classmethod
    def around(cls, values: Sequence[float]) -> Axis:
        """Return an axis that shows some values.

        Examples
        --------
        >>> Axis.around([0.0, 1.0]).numbers
        (0.0, 0.25, 0.5, 0.75, 1.0)
        """
        low, high = min(values), max(values)
        if high == low:
            low, high = low - 1, high + 1
        step = next((s for s in STEPS if (high - low) / s <= MOST_STEPS), high - low)
        # A curve that ends just below a number of the scale shows that it comes near to it.
        near = 0.03 * (high - low)
        lowest, highest = math.floor(low / step) * step, math.ceil(high / step) * step
        low = lowest if low - lowest < near else low
        high = highest if highest - high < near else high
        return cls(low, high, _multiples(low, high, step))

    @classmethod
    def of_powers(cls, logarithms: Sequence[float]) -> Axis:
        """Return an axis that shows decimal logarithms, 0 and a power of ten around it in any case.

        Examples
        --------
        >>> Axis.of_powers([-7.3, 0.2])
        Axis(low=-7.3, high=1.0, numbers=(-6, -4, -2, 0), is_power=True)
        """
        low, high = min(-1.0, *logarithms), max(1.0, *logarithms)
        step = next((s for s in POWERS if (high - low) / s <= MOST_STEPS), high - low)
        return cls(low, high, _multiples(low, high, step), is_power=True)

    def share(self, value: float) -> float:
        """Return which part of the axis lies below a value."""
        return (value - self.low) / (self.high - self.low)

    def written(self, number: float) -> str:
        """Return a number of the axis as it is written."""
        return f"$10^{{{number:g}}}$" if self.is_power else f"${number:g}$"


def _multiples(low: float, high: float, step: float) -> tuple[float, ...]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(number * step for number in range(first, last + 1))


@dataclass(frozen=True)
class Panel:
    """A place for curves.

    Attributes
    ----------
    corner : Point
        Lower left.
    width, height : float
        In points.
    across, up : Axis
    room : float
        Above and below what is drawn.
    """

    corner: Point
    width: float
    height: float
    across: Axis
    up: Axis
    room: float = 0.0

    def at(self, point: Point) -> Point:
        """Return the place of a point."""
        high = self.height - 2 * self.room
        return (
            self.corner[0] + self.width * self.across.share(point[0]),
            self.corner[1] + self.room + high * self.up.share(point[1]),
        )

    @property
    def top(self) -> float:
        """The upper edge."""
        return self.corner[1] + self.height

    def frame(self, title: str, name: str, *, beside: bool = True) -> tuple[Item, ...]:
        """Return what stands behind the curves: grid, axes, frame, numbers, and the title.

        Parameters
        ----------
        title : str
            Prose above the left edge, or nothing.
        name : str
            What runs to the right; it stands at the end of the numbers.
        beside : bool
            Whether numbers stand at the left.
        """
        left, bottom = self.corner
        right, top = left + self.width, self.top
        items: list[Item] = []
        for number in self.across.numbers:
            x = self.at((number, self.up.low))[0]
            items.append(Line(((x, bottom), (x, top)), "grid" if number else "axis"))
            items.append(Label((x, bottom - TICK), self.across.written(number), "north"))
        for number in self.up.numbers:
            y = self.at((self.across.low, number))[1]
            items.append(Line(((left, y), (right, y)), "grid" if number else "axis"))
            if beside:
                items.append(Label((left - TICK, y), self.up.written(number), "east"))
        corners = ((left, bottom), (right, bottom), (right, top), (left, top), (left, bottom))
        items.append(Line(corners, "frame"))
        if name:
            items.append(Label((right, bottom - TICK), name, "north"))
        if title:
            items.append(Label((left, top + TICK), title, "south"))
        # Lines before labels, darker ones in front.
        order = {"grid": 0, "axis": 1, "frame": 2}
        return tuple(
            sorted(items, key=lambda item: order[item.stroke] if isinstance(item, Line) else 3)
        )

    def titled(self, title: str) -> Label:
        """Return prose above the middle."""
        return Label((self.corner[0] + self.width / 2, self.top + TICK), title, "south")

    def drawn(self, curves: Iterable[Curve], stroke: Stroke) -> tuple[Item, ...]:
        """Return curves as lines."""
        return tuple(Line(tuple(map(self.at, curve)), stroke) for curve in curves)

    def cut(self, curve: Curve) -> list[Curve]:
        """Return the parts of a curve that lie between the lower and the upper edge.

        What leads to −∞, the logarithm of zero, is left out.
        """
        parts: list[Curve] = []
        for start, end in pairwise(curve):
            inside = self._inside(start, end)
            if inside is None:
                continue
            if parts and parts[-1][-1] == inside[0]:
                parts[-1].append(inside[1])
            else:
                parts.append([*inside])
        return parts

    def _inside(self, start: Point, end: Point) -> tuple[Point, Point] | None:
        """Return the part of a straight piece between the edges."""
        if not (math.isfinite(start[1]) and math.isfinite(end[1])):
            return None
        rise = end[1] - start[1]
        if not rise:
            return (start, end) if self.up.low <= start[1] <= self.up.high else None
        edges = sorted((edge - start[1]) / rise for edge in (self.up.low, self.up.high))
        first, last = max(0.0, edges[0]), min(1.0, edges[1])
        if first >= last:
            return None

        def between(share: float) -> Point:
            if share in (0.0, 1.0):
                return end if share else start
            return start[0] + share * (end[0] - start[0]), start[1] + share * rise

        return between(first), between(last)

    def band(self, below: Curve, above: Curve) -> Iterator[Area]:
        """Yield what lies between two curves, as far as the upper one is above the lower edge."""
        low, high = self.up.low, self.up.high
        count = next((i for i, (_, y) in enumerate(above) if y < low), len(above))
        if count > 1:
            around = [*below[:count], *above[:count][::-1]]
            yield Area(tuple(self.at((x, min(max(y, low), high))) for x, y in around), "band")

    def dots(self, points: Iterable[Point], size: float, shade: Shade = "dot") -> Iterator[Area]:
        """Yield points as small octagons."""
        for x, y in map(self.at, points):
            turns = (math.pi * (2 * corner + 1) / 8 for corner in range(8))
            yield Area(
                tuple((x + size * math.cos(a), y + size * math.sin(a)) for a in turns), shade
            )


__all__ = ["TICK", "Axis", "Curve", "Panel"]
