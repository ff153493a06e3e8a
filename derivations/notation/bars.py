"""Bars to norms: which bar opens and which closes, though both are written with one sign."""

from __future__ import annotations

from derivations.notation import signs
from derivations.notation.layout import matches
from derivations.notation.scanner import Piece

#: What a factor ends with.
_ENDS = frozenset(
    {
        "NAME",
        "NUMBER",
        "RPAR",
        "RSQB",
        "RBRACE",
        "RCURLY",
        "RANGLE",
        "PRIME",
        "ELLIPSIS",
        "NORM_CLOSE",
        "MATRIX_CLOSE",
        "CASES_CLOSE",
        "RESTRICTION",
    }
)
_OPENERS = frozenset(signs.CLOSING) | {"NORM_OPEN"}
_CLOSERS = signs.CLOSERS | {"NORM_CLOSE"}
_BREAKS = frozenset({"COMMA", "SEMICOLON", "SEPARATOR", "CELL", "ROW", "COLON"})


def barred(pieces: list[Piece]) -> list[Piece]:
    """Return the pieces with norms opened and closed, and lone signs as names."""
    if any(piece.kind in ("BAR", "RESTRICTION") for piece in pieces):
        pieces = _labels(_Bars(pieces).pieces())
    return _placeholders(pieces)


class _Bars:
    def __init__(self, pieces: list[Piece]) -> None:
        self._given = pieces
        self._made: list[Piece] = []
        self._levels: list[list[int]] = [[]]  # for every bracket, the bars of its open norms
        self._left = self._counts()

    def _counts(self) -> dict[int, int]:
        """Return for every bar how many more follow it between the same brackets."""
        left: dict[int, int] = {}
        counts = [0]
        for position in range(len(self._given) - 1, -1, -1):
            kind = self._given[position].kind
            if kind in signs.CLOSERS:
                counts.append(0)
            elif kind in signs.CLOSING and len(counts) > 1:
                counts.pop()
            elif kind == "BAR":
                left[position] = counts[-1]
                counts[-1] += 1
        return left

    def pieces(self) -> list[Piece]:
        for position, piece in enumerate(self._given):
            if piece.kind == "BAR":
                self._bar(position, piece)
                continue
            if piece.kind in signs.CLOSING:
                self._levels.append([])
            elif piece.kind in _CLOSERS and len(self._levels) > 1:
                self._levels.pop()
            self._made.append(piece)
        return self._made

    def _bar(self, position: int, piece: Piece) -> None:
        level, left = self._levels[-1], self._left[position]
        behind_factor = bool(self._made) and self._made[-1].kind in _ENDS
        if [p.kind for p in self._made[-2:]] == ["NORM_OPEN", "PRODUCT"]:
            behind_factor = True  # the dot in ‖·‖ stands for a factor
        following = self._given[position + 1].kind if position + 1 < len(self._given) else ""
        bars = 2 if piece.text[0] == "2" else 1  # one for \\mid, too
        side = piece.text[1:]
        is_open = bars in level
        before_script = following in ("SUB", "SUP")
        if bars == 1 and behind_factor and before_script and not is_open:
            self._made.append(Piece("RESTRICTION", "|", piece.start, piece.end))
        elif piece.text == "m" or (not level and behind_factor and not left):
            self._made.append(Piece("SEPARATOR", "|" * bars, piece.start, piece.end))
        elif bars == 2 and level[-1:] == [1] and behind_factor and not is_open:
            # |a||b|: the first bar closes, the second opens, unless two are open.
            middle = piece.start + (piece.end - piece.start) // 2
            self._close(1, piece.start, middle)
            if level[-1:] == [1]:
                self._close(1, middle, piece.end)
            else:
                self._open(1, middle, piece.end)
        elif is_open and (
            side == "r" or (side == "" and behind_factor) or (side == "l" and len(level) > left)
        ):
            self._close(bars, piece.start, piece.end)
        else:
            self._open(bars, piece.start, piece.end)

    def _open(self, bars: int, start: int, end: int) -> None:
        self._levels[-1].append(bars)
        self._made.append(Piece("NORM_OPEN", str(bars), start, end))

    def _close(self, bars: int, start: int, end: int) -> None:
        level = self._levels[-1]
        del level[len(level) - 1 - level[::-1].index(bars)]
        self._made.append(Piece("NORM_CLOSE", str(bars), start, end))


def _labels(pieces: list[Piece]) -> list[Piece]:
    """Take the scripts behind a bar together: they say in words what is held fixed."""
    partners = matches(pieces)
    made: list[Piece] = []
    position = 0
    while position < len(pieces):
        piece = pieces[position]
        position += 1
        if piece.kind == "RESTRICTION":
            labels, end = [], piece.end
            while position + 1 < len(pieces) and pieces[position].kind in ("SUB", "SUP"):
                last = partners.get(position + 1, 0)
                if last <= position:
                    break
                labels.append(_label(pieces[position + 2 : last]))
                position, end = last + 1, pieces[last].end
            piece = Piece("RESTRICTION", "; ".join(labels), piece.start, end)
        made.append(piece)
    return made


def _label(pieces: list[Piece]) -> str:
    label = ""
    for word in map(_word, pieces):
        label += f" {word}" if label[-1:].isalnum() and word[:1].isalnum() else word
    return label


def _word(piece: Piece) -> str:
    """Return a piece of a label; a font only keeps words upright there."""
    if piece.kind == "TEXT" or piece.text.startswith(("\\text", "\\mathrm")):
        return piece.text.split("{", 1)[-1].rstrip("}").strip()
    return piece.text


def _placeholders(pieces: list[Piece]) -> list[Piece]:
    """Make names of signs that stand alone: the dot of f(·), the star of y^*."""
    made: list[Piece] = []
    for position, piece in enumerate(pieces):
        if piece.kind in ("PRODUCT", "SIGN"):
            before = pieces[position - 1].kind if position else "LBRACE"
            behind = pieces[position + 1].kind if position + 1 < len(pieces) else "RBRACE"
            if before in _OPENERS | _BREAKS and behind in _CLOSERS | _BREAKS:
                piece = Piece("NAME", piece.text, piece.start, piece.end)
        made.append(piece)
    return made
