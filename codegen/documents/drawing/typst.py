"""A drawing as Typst: curves, rectangles and labels, placed in a box."""

from __future__ import annotations

import math
from functools import singledispatch

from codegen.documents.drawing import Area, Box, Drawing, Item, Label, Line, Point
from codegen.documents.drawing.palette import GROUNDS, PENS, SHADES, Pen
from codegen.documents.typst.escape import prose
from codegen.documents.typst.mathematics import mathematics

#: Where a label's place lies in its box, as shares of its width and height.
_ANCHORS = {
    "center": (0.5, 0.5),
    "west": (0.0, 0.5),
    "east": (1.0, 0.5),
    "north": (0.5, 0.0),
    "south": (0.5, 1.0),
}
#: How long an arrow's head is, and half of how wide.
_ARROW = {"state": (5.6, 2.4)}
_USUAL_ARROW = (4.6, 1.9)
#: The size of type in a drawing.
_SIZE = "9pt"


def as_typst(drawing: Drawing) -> str:
    """Return an expression of Typst's code that draws a picture.

    Examples
    --------
    >>> print(as_typst(Drawing(20, 10, (Line(((0, 0), (20, 10)), "data"),), "a line")))
    box(width: 20pt, height: 10pt, {
      place(curve(stroke: (paint: rgb("#333333"), thickness: 0.7pt), curve.move((0pt, 10pt)), \
curve.line((20pt, 0pt))))
    })
    """
    items = "".join(f"  {drawn(item, drawing.height)}\n" for item in drawing.items)
    width, height = _points(drawing.width), _points(drawing.height)
    return f"box(width: {width}, height: {height}, {{\n{items}}})"


def _points(length: float) -> str:
    return f"{round(length, 3) + 0.0:g}pt"


def _paint(colour: str) -> str:
    return f'rgb("#{colour}")'


def _stroke(pen: Pen) -> str:
    dashes = f", dash: ({', '.join(map(_points, pen.dashes))})" if pen.dashes else ""
    return f"(paint: {_paint(pen.colour)}, thickness: {_points(pen.width)}{dashes})"


def _place(point: Point, height: float) -> str:
    return f"({_points(point[0])}, {_points(height - point[1])})"


@singledispatch
def drawn(item: Item, height: float) -> str:
    """Return the code of an item in a drawing of a height."""
    raise AssertionError(f"{type(item).__name__} has no line in this file")


@drawn.register
def line_drawn(item: Line, height: float) -> str:
    length, half = _ARROW.get(item.stroke, _USUAL_ARROW)
    points = _shortened(item.points, length * 0.8) if item.arrow else item.points
    start, *others = (_place(point, height) for point in points)
    if item.curved:
        triples = zip(others[::3], others[1::3], others[2::3], strict=True)
        parts = [f"curve.cubic({', '.join(triple)})" for triple in triples]
    else:
        parts = [f"curve.line({point})" for point in others]
    path = ", ".join((f"curve.move({start})", *parts))
    shown = f"place(curve(stroke: {_stroke(PENS[item.stroke])}, {path}))"
    if not item.arrow:
        return shown
    corners = ", ".join(_place(point, height) for point in _head(item.points, length, half))
    colour = PENS[item.stroke].colour
    return f"{shown}\n  place(polygon(fill: {_paint(colour)}, {corners}))"


def _direction(points: tuple[Point, ...]) -> Point:
    """Return the unit vector in which a path ends."""
    end = points[-1]
    before = next(point for point in reversed(points) if point != end)
    x, y = end[0] - before[0], end[1] - before[1]
    return x / math.hypot(x, y), y / math.hypot(x, y)


def _shortened(points: tuple[Point, ...], length: float) -> tuple[Point, ...]:
    """Return a path that ends within its arrow's head."""
    (x, y), end = _direction(points), points[-1]
    return (*points[:-1], (end[0] - length * x, end[1] - length * y))


def _head(points: tuple[Point, ...], length: float, half: float) -> tuple[Point, ...]:
    (x, y), end = _direction(points), points[-1]
    back = (end[0] - length * x, end[1] - length * y)
    return end, (back[0] - half * y, back[1] + half * x), (back[0] + half * y, back[1] - half * x)


@drawn.register
def box_drawn(item: Box, height: float) -> str:
    left = _points(item.center[0] - item.width / 2)
    top = _points(height - item.center[1] - item.height / 2)
    label = f"${mathematics(item.label)}$" if item.label else ""
    ground = GROUNDS[item.fill]
    return (
        f"place(dx: {left}, dy: {top}, box(width: {_points(item.width)}, "
        f"height: {_points(item.height)}, radius: 3pt, "
        f"fill: {_paint(ground.colour)}, stroke: {_stroke(ground.border)}, "
        f"align(center + horizon, text(size: {_SIZE})[{label}])))"
    )


@drawn.register
def label_drawn(item: Label, height: float) -> str:
    across, down = _ANCHORS[item.anchor]
    return f"note({_place(item.at, height)}, ({across}, {down}))[{prose(item.text)}]"


@drawn.register
def area_drawn(item: Area, height: float) -> str:
    corners = ", ".join(_place(point, height) for point in item.points)
    return f"place(polygon(fill: {_paint(SHADES[item.shade])}, {corners}))"


__all__ = ["as_typst"]
