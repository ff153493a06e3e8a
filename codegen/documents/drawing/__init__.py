"""Pictures as values: lines, boxes and labels in points, drawn alike by every format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

#: A place in points; x runs to the right and y runs up, from the lower left corner of the drawing.
Point: TypeAlias = tuple[float, float]
#: What a line means. Each format has a table of colours, widths and dashes, which are told apart
#: in grey, too: ``data`` edges lead within a step, ``state`` edges from one step to the next,
#: ``first``, ``second`` and ``third`` are curves of a plot, ``bound`` is a bound on one.
Stroke: TypeAlias = Literal[
    "data", "state", "axis", "grid", "frame", "first", "second", "third", "bound"
]
#: What an area means: what lies around a curve, a dot, or how far a value is below or above 1.
Shade: TypeAlias = Literal["band", "dot", "far below", "below", "level", "above", "far above"]
#: What a box stands for.
Fill: TypeAlias = Literal["input", "computed", "state", "loss", "panel"]
#: Which point of a label stands at its place.
Anchor: TypeAlias = Literal["center", "west", "east", "north", "south"]


@dataclass(frozen=True)
class Line:
    """A path through points: straight, or, if ``curved``, cubic Bézier pieces (three points each
    behind the first); with an arrow at its end, if it has one."""

    points: tuple[Point, ...]
    stroke: Stroke
    arrow: bool = False
    curved: bool = False


@dataclass(frozen=True)
class Box:
    """A rectangle with rounded corners around a formula in LaTeX (or around nothing)."""

    center: Point
    width: float
    height: float
    label: str
    fill: Fill


@dataclass(frozen=True)
class Label:
    """Prose on one line (words, and formulas between ``$``) at a place."""

    at: Point
    text: str
    anchor: Anchor = "center"


@dataclass(frozen=True)
class Area:
    """A filled polygon without a border."""

    points: tuple[Point, ...]
    shade: Shade


Item: TypeAlias = Line | Box | Label | Area


@dataclass(frozen=True)
class Drawing:
    """A picture: its size in points, and its items, the hindmost first.

    ``description`` is prose that says what is to be seen, for readers who see no pictures.
    """

    width: float
    height: float
    items: tuple[Item, ...]
    description: str


__all__ = [
    "Anchor",
    "Area",
    "Box",
    "Drawing",
    "Fill",
    "Item",
    "Label",
    "Line",
    "Point",
    "Shade",
    "Stroke",
]
