"""How the lines and boxes of a drawing look, in every format alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from codegen.documents.drawing import Fill, Shade, Stroke


@dataclass(frozen=True)
class Pen:
    """How a line is drawn.

    Attributes
    ----------
    colour : str
        Six hexadecimal digits.
    width : float
        In points.
    dashes : tuple of float
        The lengths of a dash and of the gap behind it, in points; nothing for a line without.
    """

    colour: str
    width: float
    dashes: tuple[float, float] | None = None


@dataclass(frozen=True)
class Ground:
    """How a box is drawn: its colour, and the pen of its border."""

    colour: str
    border: Pen


#: In grey they are told apart by their widths and dashes.
PENS: Mapping[Stroke, Pen] = {
    "data": Pen("333333", 0.7),
    "state": Pen("0b5fa5", 1.5),
    "axis": Pen("333333", 0.7),
    "grid": Pen("c8c8c8", 0.4),
    "frame": Pen("777777", 0.6),
    "first": Pen("0b5fa5", 1.5),
    "second": Pen("b3420f", 1.4, (5, 2.5)),
    "third": Pen("2b6e3f", 1.4, (1.6, 1.8)),
    "bound": Pen("555555", 0.8, (1.5, 2.5)),
}
GROUNDS: Mapping[Fill, Ground] = {
    "input": Ground("ffffff", Pen("777777", 0.7)),
    "computed": Ground("ececec", Pen("555555", 0.7)),
    "state": Ground("cfe3f5", Pen("0b5fa5", 1.2)),
    "loss": Ground("f6dccf", Pen("b3420f", 1.0, (4, 2))),
    "panel": Ground("f7f7f7", Pen("c8c8c8", 0.5)),
}
#: Light enough for type in front of them.
SHADES: Mapping[Shade, str] = {
    "band": "cfe3f5",
    "dot": "0b5fa5",
    "far below": "9cc3e6",
    "below": "d5e6f5",
    "level": "f7f7f7",
    "above": "f8dfd2",
    "far above": "eeb193",
}

__all__ = ["GROUNDS", "PENS", "SHADES", "Ground", "Pen"]
