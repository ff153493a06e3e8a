"""Drawing → SVG: a file of its own that is readable on any ground, and a part of a page that may
give it other colours."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import singledispatch
from html import escape
from typing import Literal

from codegen.documents.document import spans
from codegen.documents.drawing import Anchor, Area, Box, Drawing, Item, Label, Line, Point
from codegen.documents.drawing.labels import tspans
from codegen.documents.drawing.palette import GROUNDS, PENS, SHADES, Pen
from codegen.documents.printed import plain

#: The size of labels, and a margin around the drawing, in points.
SIZE = 10.0
MARGIN = 3.0
_ARROW = 5.5
_FONTS = "'STIX Two Text', 'Latin Modern Roman', Cambria, Georgia, 'Latin Modern Math', serif"


_ANCHORS: dict[Anchor, tuple[Literal["start", "middle", "end"], float]] = {
    "center": ("middle", 0.33),
    "west": ("start", 0.33),
    "east": ("end", 0.33),
    "north": ("middle", 0.8),
    "south": ("middle", -0.25),
}


def as_svg(drawing: Drawing) -> str:
    """Return a drawing as SVG without references to anything.

    Each shape has its colours as attributes, which are readable on the white ground that the
    drawing brings with it, and a class (``ground``, ``stroke-state``, ``fill-input``, ``ink``), by
    which the style sheet of a page may give it others.

    Examples
    --------
    >>> drawing = Drawing(20, 10, (Label((5, 5), "$h_t$"),), "The state $h_t$")
    >>> print(as_svg(drawing).splitlines()[0])
    <svg xmlns="http://www.w3.org/2000/svg" width="26pt" height="16pt" viewBox="-3 -3 26 16"\
 role="img" aria-label="The state h_t">
    """
    width, height = (_number(side + 2 * MARGIN) for side in (drawing.width, drawing.height))
    corner = _number(-MARGIN)
    told = escape(_words(drawing.description))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}pt" height="{height}pt" '
        f'viewBox="{corner} {corner} {width} {height}" role="img" aria-label="{told}">',
        f"<desc>{told}</desc>",
        f'<rect class="ground" x="{corner}" y="{corner}" width="{width}" height="{height}" '
        'fill="#ffffff"/>',
        f'<g font-family="{_FONTS}" font-size="{_number(SIZE)}" stroke-linejoin="round">',
        *(part for item in drawing.items for part in shape(item, drawing.height)),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _words(prose: str) -> str:
    shown = [plain(span.text) if span.kind == "formula" else span.text for span in spans(prose)]
    return "".join(shown)


@singledispatch
def shape(item: Item, height: float) -> Iterator[str]:
    """Yield the elements of an item in a drawing of a height: in SVG, y runs down."""
    raise AssertionError(f"{type(item).__name__} has no line in this file")


@shape.register
def shape_of_line(item: Line, height: float) -> Iterator[str]:
    points = [(x, height - y) for x, y in item.points]
    pen = PENS[item.stroke]
    tip = points[-1]
    if item.arrow:
        points[-1] = _before(points[-2], tip, _ARROW * 0.8)
    start, *rest = map(_place, points)
    if item.curved:
        thirds = [" ".join(rest[i : i + 3]) for i in range(0, len(rest), 3)]
        path = f"M{start} " + " ".join(f"C{third}" for third in thirds)
    else:
        path = f"M{start} L" + " ".join(rest)
    name = f"stroke-{item.stroke}"
    yield f'<path class="{name}" d="{path}" fill="none"{_stroked(pen)}/>'
    if item.arrow:
        corners = " ".join(map(_place, _arrow(item.points[-2], item.points[-1], height)))
        yield f'<polygon class="{name} arrow" points="{corners}" fill="#{pen.colour}"/>'


def _before(start: Point, end: Point, length: float) -> Point:
    """Return the point that lies a length before the end of a line."""
    distance = math.dist(start, end) or 1.0
    share = min(length / distance, 1.0)
    return (end[0] + share * (start[0] - end[0]), end[1] + share * (start[1] - end[1]))


def _arrow(start: Point, end: Point, height: float) -> tuple[Point, ...]:
    """Return the corners of a head with its tip at the end: a dart."""
    angle = math.atan2(end[1] - start[1], end[0] - start[0])

    def corner(back: float, aside: float) -> Point:
        x = end[0] - back * math.cos(angle) - aside * math.sin(angle)
        y = end[1] - back * math.sin(angle) + aside * math.cos(angle)
        return (x, height - y)

    wing = 0.42 * _ARROW
    return (corner(0, 0), corner(_ARROW, wing), corner(0.75 * _ARROW, 0), corner(_ARROW, -wing))


@shape.register
def shape_of_box(item: Box, height: float) -> Iterator[str]:
    ground = GROUNDS[item.fill]
    left, top = item.center[0] - item.width / 2, height - item.center[1] - item.height / 2
    radius = min(4.0, item.width / 4, item.height / 4)
    yield (
        f'<rect class="fill-{item.fill}" x="{_number(left)}" y="{_number(top)}" '
        f'width="{_number(item.width)}" height="{_number(item.height)}" rx="{_number(radius)}" '
        f'fill="#{ground.colour}"{_stroked(ground.border)}/>'
    )
    if item.label:
        yield from shape_of_label(Label(item.center, f"${item.label}$"), height)


@shape.register
def shape_of_label(item: Label, height: float) -> Iterator[str]:
    anchor, down = _ANCHORS[item.anchor]
    x, y = item.at[0], height - item.at[1] + down * SIZE
    yield (
        f'<text class="ink" x="{_number(x)}" y="{_number(y)}" text-anchor="{anchor}" '
        f'fill="#111111">{tspans(item.text, SIZE)}</text>'
    )


@shape.register
def shape_of_area(item: Area, height: float) -> Iterator[str]:
    corners = " ".join(_place((x, height - y)) for x, y in item.points)
    name = f"shade-{item.shade.replace(' ', '-')}"
    yield f'<polygon class="{name}" points="{corners}" fill="#{SHADES[item.shade]}"/>'


def _stroked(pen: Pen) -> str:
    dashes = ""
    if pen.dashes is not None:
        dashes = f' stroke-dasharray="{" ".join(map(_number, pen.dashes))}"'
    return f' stroke="#{pen.colour}" stroke-width="{_number(pen.width)}"{dashes}'


def _place(point: Point) -> str:
    return f"{_number(point[0])},{_number(point[1])}"


def _number(value: float) -> str:
    """Return a number with two digits at most; rounding hides what differs between machines."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


__all__ = ["MARGIN", "SIZE", "as_svg"]
