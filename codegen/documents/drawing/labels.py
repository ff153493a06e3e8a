"""A label as text in SVG: prose with formulas whose scripts are moved up and down."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape

from codegen.documents.document import spans
from codegen.documents.printed import ACCENTS, Piece, character, pieces, width

#: The size of a script, and how far it is moved, in units of the size of the text.
_SCRIPT = 0.72
_DOWN, _UP = 0.22, -0.38
#: Signs with a space around them.
_SPACED = frozenset({"=", "\\le", "\\ge", "\\approx", "<", ">", "\\in", "+", "\\odot", "\\times"})
_BOLD = frozenset({"\\mathbf", "\\mathbb", "\\bm", "\\boldsymbol"})


@dataclass(frozen=True)
class _Run:
    """Text in one style; ``level`` counts up (above) or down (below), ``back`` moves left first."""

    text: str
    italic: bool = False
    bold: bool = False
    level: int = 0
    back: float = 0.0


def tspans(text: str, size: float) -> str:
    """Return prose as the content of an element ``text`` of a font size.

    Examples
    --------
    >>> print(tspans("of $h_0$", 10))
    of <tspan font-style="italic">h</tspan><tspan font-size="7.2" dy="2.2">0</tspan>
    """
    runs = [run for span in spans(text) for run in _span_runs(span.kind, span.text)]
    return "".join(_moved(_joined(runs), size))


def _span_runs(kind: str, text: str) -> Iterator[_Run]:
    if kind == "formula":
        yield from _runs(pieces(text))
    else:
        yield _Run(text)


def _moved(runs: Sequence[_Run], size: float) -> Iterator[str]:
    level = 0
    heights = {0: 0.0, -1: _DOWN, 1: _UP}
    for run in runs:
        attributes = {
            "font-style": "italic" if run.italic else "",
            "font-weight": "bold" if run.bold else "",
            "font-size": _number(_SCRIPT * size) if run.level else "",
            "dx": _number(-run.back * size) if run.back else "",
            "dy": _number((heights[run.level] - heights[level]) * size)
            if run.level != level
            else "",
        }
        shown = "".join(f' {name}="{value}"' for name, value in attributes.items() if value)
        yield f"<tspan{shown}>{escape(run.text)}</tspan>" if shown else escape(run.text)
        level = run.level


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _joined(runs: Sequence[_Run]) -> list[_Run]:
    """Join runs of one style."""
    joined: list[_Run] = []
    for run in runs:
        style = replace(run, text="")
        if joined and not run.back and replace(joined[-1], text="", back=0.0) == style:
            joined[-1] = replace(joined[-1], text=joined[-1].text + run.text)
        else:
            joined.append(run)
    return joined


def _runs(row: Sequence[Piece], level: int = 0, bold: bool = False) -> Iterator[_Run]:
    for piece in row:
        yield from _core(piece, level, bold)
        if level:  # a script of a script stands beside it
            yield from _runs((*piece.below, *piece.above), level)
            continue
        narrow, wide = sorted(
            ((piece.below, -1), (piece.above, 1)), key=lambda script: _width(script[0])
        )
        yield from _runs(*narrow)
        shown = list(_runs(*wide))
        yield from (replace(run, back=_width(narrow[0])) for run in shown[:1])
        yield from shown[1:]


def _width(script: Sequence[Piece]) -> float:
    return _SCRIPT * sum(width(character(piece.token)) for piece in script)


def _core(piece: Piece, level: int, bold: bool) -> Iterator[_Run]:
    token, arguments = piece.token, piece.arguments
    if token == " ":
        return
    if token == "'":
        yield _Run("′", level=level)
    elif token in ACCENTS:
        inside = list(_runs(arguments[0], level, bold))
        *front, last = inside or [_Run("")]
        yield from front
        accented = unicodedata.normalize("NFC", last.text + ACCENTS[token])
        yield replace(last, text=accented)
    elif token == "\\frac":
        above, below = arguments
        yield from (*_runs(above, level, bold), _Run("/", level=level), *_runs(below, level, bold))
    elif token == "{":
        yield from _runs(arguments[0], level, bold)
    elif token == "\\begin":
        for position, matrix_row in enumerate(arguments):
            yield _Run("; " if position else "[", level=level)
            yield from _runs(matrix_row, level, bold)
        yield _Run("]", level=level)
    elif token == "&":
        yield _Run(", ", level=level)
    elif arguments:
        word = "".join(character(inner.token) for inner in arguments[0])
        is_italic = token in ("\\bm", "\\boldsymbol")
        yield _Run(word, italic=is_italic, bold=token in _BOLD, level=level)
    else:
        shown = "−" if token == "-" else character(token)
        is_capital = shown.isupper() and not shown.isascii()  # of Greek: upright, as in TeX
        is_letter = len(shown) == 1 and shown.isalpha() and not is_capital
        is_spaced = token in _SPACED and not level
        yield _Run(f" {shown} " if is_spaced else shown, italic=is_letter, bold=bold, level=level)


__all__ = ["tspans"]
