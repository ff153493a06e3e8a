"""How much room labels take, and where beside a line there is room for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from codegen.documents.drawing import Anchor, Box, Label, Line, Point
from codegen.documents.drawing.paths import along
from codegen.documents.printed import width

#: The size of the type of labels, in points; how high they are with their scripts.
FONT, TALL = 9.0, 9.0
#: Between a line and its label; what a label may be wider than it seems: W is a wide letter.
APART, SPARE = 2.5, 8.0
#: Where along a line a label is tried: in the middle first.
TRIED = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.82)

#: Left, bottom, right, top.
Area = tuple[float, float, float, float]


def written(formula: str) -> float:
    """Return about how wide a formula is in a label, in points.

    Examples
    --------
    >>> written("h_t") < written("h_{t-1}") < 20
    True
    """
    signs = formula.count("-") + formula.count("+")
    return 0.9 * FONT * (width(formula) - 0.34 * signs)  # signs of an index stand close together


@dataclass
class Room:
    """What is taken already: boxes, lines, and the labels that were put beside them."""

    boxes: Sequence[Box]
    lines: Sequence[Line]
    _taken: list[Area] = field(default_factory=list)

    def __post_init__(self) -> None:
        for box in self.boxes:
            (x, y), wide, high = box.center, box.width / 2, box.height / 2
            self._taken.append((x - wide, y - high, x + wide, y + high))
        for line in self.lines:
            points = along(line.points)
            for (x, y), (after, above) in pairwise(points):
                self._taken.append((min(x, after), min(y, above), max(x, after), max(y, above)))

    def beside(self, ways: Sequence[Sequence[Point]], formula: str) -> list[Label]:
        """Put a label beside curves that look alike, at the same place of each, if it is free."""
        for share in TRIED:
            for side in range(2):
                placed = [_placed(*_touched(way, share, side), formula) for way in ways]
                if not any(self._is_taken(area) for _, area in placed):
                    self._taken += [area for _, area in placed]
                    return [label for label, _ in placed]
        return []

    def _is_taken(self, area: Area) -> bool:
        return any(_overlap(area, other) for other in self._taken)


def _touched(way: Sequence[Point], share: float, side: int) -> tuple[Point, Anchor]:
    """Return a place on a curve, and the anchor of a label on one of its two sides."""
    points = along(way)
    number = min(int(share * (len(points) - 1)), len(points) - 2)
    (x, y), (after, above) = points[number], points[number + 1]
    anchors: tuple[Anchor, Anchor] = ("west", "east")
    if abs(after - x) > abs(above - y):
        anchors = ("south", "north")
    return ((x + after) / 2, (y + above) / 2), anchors[side]


def _placed(point: Point, anchor: Anchor, formula: str) -> tuple[Label, Area]:
    wide = written(formula) + SPARE
    right, up = {
        "south": (0.0, 1.0),
        "north": (0.0, -1.0),
        "west": (1.0, 0.0),
        "east": (-1.0, 0.0),
    }[anchor]
    at = (point[0] + right * APART, point[1] + up * APART)
    center = (at[0] + right * wide / 2, at[1] + up * TALL / 2)
    area = (center[0] - wide / 2, center[1] - TALL / 2, center[0] + wide / 2, center[1] + TALL / 2)
    return Label(at, f"${formula}$", anchor), area


def _overlap(one: Area, other: Area) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


__all__ = ["FONT", "Room", "written"]
