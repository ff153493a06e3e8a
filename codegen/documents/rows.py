"""A row of a display on a line of paper: what room it has, how it breaks, whether it fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from codegen.documents.document import Block, Display, Document, Exercise, Row
from codegen.documents.layout import COMFORTABLE, GAP, LINE, Line, arranged, relaxed
from codegen.documents.printed import width

#: So many lines fit a page.
MOST_LINES = 20
#: A line without its indentation, and without what must stay free.
_WHOLE = LINE - GAP - 2


def room(row: Row) -> float:
    """Return the width in em that is left for a row beside its conditions, mark and number."""
    number = row.label if row.number is None else f"({row.number})"
    return _WHOLE - width(row.conditions) - width(f"\\quad {number}")


def room_or_line(row: Row, beside: float | None = None, line: float = _WHOLE) -> float:
    """Return the width for a row whose number may stand below it, where that spares a break.

    Parameters
    ----------
    row : Row
    beside : float, optional
        The width beside its conditions, mark and number; `room` without it.
    line : float
        The width without them.
    """
    narrow = room(row) if beside is None else beside
    left, *others = map(relaxed, row.sides)
    longest = max((width(side) for side in others), default=0.0)
    needed = width(left) + width("=") + longest
    return line if narrow < needed <= line else narrow


def broken(row: Row, available: float, comfortable: float = COMFORTABLE) -> tuple[Line, ...]:
    """Return the lines of a row; sides with numbers are no steps and share lines.

    Examples
    --------
    >>> [line.right for line in broken(Row(("a", "b")), 20)]
    ['a = b']
    """
    packed = row.source is not None
    return arranged(row.sides, row.relations, available, comfortable, packed=packed)


def widest(lines: Iterable[Line]) -> float:
    """Return the width of aligned lines in em.

    Examples
    --------
    >>> widest([Line("", "a")]) < widest([Line("", "a", 1)])
    True
    """
    found = list(lines)
    left = max(width(line.left) for line in found)
    return left + max(width(line.right) + line.indent for line in found)


def scaled(document: Document) -> int:
    """Return how many rows of a document are wider than a line of paper, however they break.

    Examples
    --------
    >>> from codegen.documents.document import Section
    >>> wide = Row(("\\\\begin{pmatrix} " + " & ".join(["0.1234"] * 20) + " \\\\end{pmatrix}",))
    >>> scaled(Document("", "", "en", (Section("", (Display((wide, Row(("a", "b")))),)),)))
    1
    """
    blocks = (block for section in document.sections for block in section.blocks)
    return sum(_is_scaled(row) for row in _rows(blocks))


def _is_scaled(row: Row) -> bool:
    available = room_or_line(row)
    return widest(broken(row, available)) > available


def _rows(blocks: Iterable[Block]) -> Iterator[Row]:
    for block in blocks:
        if isinstance(block, Display):
            yield from block.rows
        elif isinstance(block, Exercise):
            yield from _rows((*block.statement, *block.solution))


__all__ = ["MOST_LINES", "broken", "room", "room_or_line", "scaled", "widest"]
