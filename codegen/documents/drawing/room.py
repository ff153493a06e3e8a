"""How much room labels take, and where beside a line there is room for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from codegen.documents.drawing import Anchor, Box, Label, Line, Point
from codegen.documents.drawing.paths import along
from codegen.documents.printed import width

#: The size of the type of labels, in points; how high they are with their scripts.
FONT, TALL = 9.0, 9.0
#: Between a line and its label.
APART = 2.5
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
    return 0.8 * FONT * width(formula)  # the signs of an index stand closer than in a display


@dataclass
class Room:
    """What is taken already: boxes, lines, and the labels that were put beside them."""

    boxes: Sequence[Box]
    lines: Sequence[Line]
    _labels: list[Area] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._points = [point for line in self.lines for point in along(line.points)]

    def beside(self, way: Sequence[Point], formula: str) -> Label | None:
        """Put a label beside a curve where nothing else is; None where there is no room."""
        points = along(way)
        for share in TRIED:
            number = min(int(share * (len(points) - 1)), len(points) - 2)
            (x, y), (after, above) = points[number], points[number + 1]
            is_level = abs(after - x) > abs(above - y)
            anchors: tuple[Anchor, ...] = ("south", "north") if is_level else ("west", "east")
            for anchor in anchors:
                label, area = _placed((x, y), anchor, formula)
                if not self._is_taken(area):
                    self._labels.append(area)
                    return label
        return None

    def _is_taken(self, area: Area) -> bool:
        taken = [
            (b.center[0] - b.width / 2, b.center[1] - b.height / 2)
            + (b.center[0] + b.width / 2, b.center[1] + b.height / 2)
            for b in self.boxes
        ]
        taken += [(x, y, x, y) for x, y in self._points]
        return any(_overlap(area, other) for other in (*taken, *self._labels))


def _placed(point: Point, anchor: Anchor, formula: str) -> tuple[Label, Area]:
    wide = written(formula)
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
