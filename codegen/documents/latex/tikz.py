r"""Drawings as TikZ: a picture that needs the package tikz with its library arrows.meta."""

from __future__ import annotations

from functools import singledispatch

from codegen.documents.drawing import Box, Drawing, Item, Label, Line, Point
from codegen.documents.latex.escape import prose

#: Colours and styles, for the preamble of a document. Points are PostScript's: bp.
TIKZ_PREAMBLE = r"""\usepackage{tikz}
\usetikzlibrary{arrows.meta}
\definecolor{bpttstate}{HTML}{B4410E}
\definecolor{bpttdata}{HTML}{5A6470}
\definecolor{bpttfirst}{HTML}{1F5FA8}
\definecolor{bpttinputfill}{HTML}{E9EEF3}
\definecolor{bpttcomputedfill}{HTML}{FFFFFF}
\definecolor{bpttstatefill}{HTML}{FBE3D3}
\definecolor{bpttlossfill}{HTML}{E3EFDD}
\definecolor{bpttpanelfill}{HTML}{F7F7F5}
\tikzset{
  bptt/.style={x=1bp, y=1bp, line cap=round, line join=round,
    every node/.style={inner sep=0pt, outer sep=0pt, font=\fontsize{9}{11}\selectfont}},
  bptt arrow/.style={-{Stealth[length=4.5bp, width=3.8bp]}},
  bptt data/.style={draw=bpttdata, line width=0.6bp},
  bptt state/.style={draw=bpttstate, line width=1.3bp},
  bptt axis/.style={draw=black!75, line width=0.6bp},
  bptt grid/.style={draw=black!15, line width=0.4bp},
  bptt frame/.style={draw=black!45, line width=0.5bp},
  bptt first/.style={draw=bpttfirst, line width=1.4bp},
  bptt second/.style={draw=bpttstate, line width=1.4bp},
  bptt bound/.style={draw=black!65, line width=0.7bp, dash pattern=on 3bp off 2.4bp},
  bptt box/.style={rounded corners=3bp, line width=0.6bp},
  bptt input/.style={bptt box, draw=black!55, fill=bpttinputfill},
  bptt computed/.style={bptt box, draw=black!55, fill=bpttcomputedfill},
  bptt stated/.style={bptt box, draw=bpttstate, fill=bpttstatefill, line width=1bp},
  bptt loss/.style={bptt box, draw=black!55, fill=bpttlossfill},
  bptt panel/.style={rounded corners=5bp, fill=bpttpanelfill},
}
"""
_BOXES = {"state": "stated"}


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
    shown = f"\\draw[bptt {_BOXES.get(item.fill, item.fill)}] {corners};"
    if item.fill == "panel":
        shown = shown.replace("\\draw", "\\path", 1)
    # On one base line, whatever stands above and below the letter.
    label = f"\n\\node at {_place(item.center)} {{${prose(f'${item.label}$')[1:-1]}$}};"
    return shown + (label if item.label else "")


@_item.register
def _label(item: Label) -> str:
    anchor = "" if item.anchor == "center" else f"[anchor={item.anchor}] "
    return f"\\node {anchor}at {_place(item.at)} {{{prose(item.text)}}};"


def _place(point: Point) -> str:
    return f"({_number(point[0])},{_number(point[1])})"


def _number(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


__all__ = ["TIKZ_PREAMBLE", "as_tikz"]
