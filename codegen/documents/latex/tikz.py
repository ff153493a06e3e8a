r"""Drawings as TikZ: a picture that needs the package tikz with its library arrows.meta."""

from __future__ import annotations

from functools import singledispatch

from codegen.documents.drawing import Area, Box, Drawing, Item, Label, Line, Point
from codegen.documents.drawing.palette import GROUNDS, PENS, SHADES, Pen
from codegen.documents.latex.escape import prose

_FRAME = r"""\usepackage{tikz}
\usetikzlibrary{arrows.meta}
%s\tikzset{
  bptt/.style={x=1bp, y=1bp, line cap=round, line join=round,
    every node/.style={inner sep=0pt, outer sep=0pt, font=\fontsize{9}{11}\selectfont}},
  bptt arrow/.style={-{Stealth[length=4.5bp, width=3.8bp]}},
%s}
"""


def _preamble() -> str:
    """Return the colours and the styles of the palette; points are PostScript's: bp."""
    borders = [ground.border for ground in GROUNDS.values()]
    colours = [pen.colour for pen in (*PENS.values(), *borders)]
    colours += [*(ground.colour for ground in GROUNDS.values()), *SHADES.values()]
    defined = "".join(
        f"\\definecolor{{bptt{colour}}}{{HTML}}{{{colour.upper()}}}\n"
        for colour in sorted(set(colours))
    )
    styles = [f"  bptt {stroke}/.style={{{_style(pen)}}},\n" for stroke, pen in PENS.items()]
    styles += [
        f"  bptt {fill} box/.style={{rounded corners=3bp, fill=bptt{ground.colour}, "
        f"{_style(ground.border)}}},\n"
        for fill, ground in GROUNDS.items()
    ]
    return _FRAME % (defined, "".join(styles))


def _style(pen: Pen) -> str:
    shown = f"draw=bptt{pen.colour}, line width={_number(pen.width)}bp"
    if pen.dashes is None:
        return shown
    on, off = map(_number, pen.dashes)
    return f"{shown}, dash pattern=on {on}bp off {off}bp"


def as_tikz(drawing: Drawing) -> str:
    r"""Return a drawing as a ``tikzpicture``, for a document with `TIKZ_PREAMBLE`.

    Examples
    --------
    >>> line = Line(((0, 0), (10, 0)), "axis", arrow=True)
    >>> print(as_tikz(Drawing(10, 10, (line,), "A line.")))
    \begin{tikzpicture}[bptt]
    \useasboundingbox (0,0) rectangle (10,10);
    \draw[bptt axis, bptt arrow] (0,0) -- (10,0);
    \end{tikzpicture}
    """
    size = _place((drawing.width, drawing.height))
    return "\n".join(
        (
            "\\begin{tikzpicture}[bptt]",
            f"\\useasboundingbox (0,0) rectangle {size};",
            *map(_item, drawing.items),
            "\\end{tikzpicture}",
        )
    )


@singledispatch
def _item(item: Item) -> str:
    raise AssertionError(f"{type(item).__name__} has no TikZ")


@_item.register
def _line(item: Line) -> str:
    style = f"bptt {item.stroke}" + (", bptt arrow" if item.arrow else "")
    places = [_place(point) for point in item.points]
    if not item.curved:
        return f"\\draw[{style}] {' -- '.join(places)};"
    pieces = [places[i : i + 3] for i in range(1, len(places), 3)]
    way = "".join(f" .. controls {a} and {b} .. {end}" for a, b, end in pieces)
    return f"\\draw[{style}] {places[0]}{way};"


@_item.register
def _box(item: Box) -> str:
    (x, y), wide, high = item.center, item.width / 2, item.height / 2
    corners = f"{_place((x - wide, y - high))} rectangle {_place((x + wide, y + high))}"
    shown = f"\\draw[bptt {item.fill} box] {corners};"
    # On one base line, whatever stands above and below the letter.
    label = f"\n\\node at {_place(item.center)} {{${prose(f'${item.label}$')[1:-1]}$}};"
    return shown + (label if item.label else "")


@_item.register
def _label(item: Label) -> str:
    anchor = "" if item.anchor == "center" else f"[anchor={item.anchor}] "
    return f"\\node {anchor}at {_place(item.at)} {{{prose(item.text)}}};"


@_item.register
def _area(item: Area) -> str:
    corners = " -- ".join(map(_place, item.points))
    return f"\\fill[bptt{SHADES[item.shade]}] {corners} -- cycle;"


def _place(point: Point) -> str:
    return f"({_number(point[0])},{_number(point[1])})"


def _number(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


#: What a document with drawings has in its preamble.
TIKZ_PREAMBLE = _preamble()

__all__ = ["TIKZ_PREAMBLE", "as_tikz"]
