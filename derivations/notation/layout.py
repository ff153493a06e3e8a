"""Pieces to pieces: arguments get their braces, and what only concerns the looks goes.

Every step keeps the places of what it keeps, so that a message still points into the user's text.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from derivations.notation import signs
from derivations.notation.scanner import Piece

#: Deeper brackets are refused; nobody reads them, and a parser's stack ends somewhere.
DEEPEST_NESTING = 60


class Refusal(Exception):
    """What stops the reading, and where in the user's text."""

    def __init__(self, message: str, span: tuple[int, int], hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.hint = hint


def lay_out(pieces: list[Piece]) -> list[Piece]:
    """Return the pieces without decorations, with braces around every argument."""
    pieces = _environments(pieces)
    pieces = _arguments(pieces)
    pieces = _primes(pieces)
    pieces = _bare_groups(pieces)
    return _series_letters(_accumulations(pieces))


def matches(pieces: Sequence[Piece]) -> dict[int, int]:
    """Return for every bracket the position of its partner, where it has one."""
    partners: dict[int, int] = {}
    opened: list[int] = []
    for position, piece in enumerate(pieces):
        if piece.kind in signs.CLOSING:
            opened.append(position)
            if len(opened) > DEEPEST_NESTING:
                raise Refusal(
                    f"Brackets are nested more than {DEEPEST_NESTING} deep.",
                    (piece.start, piece.start + 1),
                )
        elif piece.kind in signs.CLOSERS:
            # A bracket that is not closed does not keep the ones around it from closing.
            for depth in range(len(opened) - 1, -1, -1):
                if signs.CLOSING[pieces[opened[depth]].kind] == piece.kind:
                    partners[opened[depth]], partners[position] = position, opened[depth]
                    del opened[depth:]
                    break
                if piece.kind != "RBRACE" and pieces[opened[depth]].kind == "LBRACE":
                    break
    return partners


# Environments


def _environments(pieces: list[Piece]) -> list[Piece]:
    """Turn matrices and cases into brackets, and take the lines of an equation together."""
    if not any(piece.kind in ("BEGIN", "END", "ROW", "CELL") for piece in pieces):
        return pieces
    pieces = _aligned(pieces)
    laid: list[Piece] = []
    opened: list[Piece] = []
    inside: list[str] = []  # what the open brackets of the innermost environment belong to
    outer: list[list[str]] = []
    before = ""
    for piece in pieces:
        kind, place = piece.kind, (piece.start, piece.end)
        innermost = _kind_of(opened[-1].text) if opened else ""
        if kind == "BEGIN":
            if not _kind_of(piece.text):
                raise Refusal("This environment is not read in a formula.", place)
            opened.append(piece)
            outer.append(inside)
            inside = []
            if _kind_of(piece.text) != "LINES":
                if _is_open_brace(laid) and piece.text == "array":
                    laid.pop()  # \left\{ before an array makes cases of it
                    opened[-1] = Piece("BEGIN", "cases", *place)
                laid.append(Piece(_kind_of(opened[-1].text) + "_OPEN", piece.text, *place))
        elif kind == "END":
            is_array = bool(opened) and opened[-1].text == "cases" and piece.text == "array"
            if not opened or (opened[-1].text != piece.text and not is_array):
                raise Refusal("This environment was not begun.", place)
            opened.pop()
            inside = outer.pop()
            if innermost != "LINES":
                _drop_last(laid, ("ROW", "COMMA", "SEMICOLON", "DOT"))
                laid.append(Piece(f"{innermost}_CLOSE", piece.text, *place))
        elif kind in ("ROW", "CELL") and innermost in ("MATRIX", "CASES") and not inside:
            if innermost == "CASES":
                _drop_last(laid, ("COMMA", "SEMICOLON", "DOT", "WIDE"))
            laid.append(piece)
        elif kind == "ROW" and inside:
            if "SUB" in inside:
                laid.append(Piece("COMMA", ",", *place))  # lines under a sum are its items
        elif kind == "TEXT" and innermost == "CASES":
            _drop_last(laid, ("COMMA", "SEMICOLON", "WIDE"))
            if laid and laid[-1].kind not in ("CELL", "ROW", "CASES_OPEN"):
                laid.append(Piece("CELL", "&", *place))
        elif kind == "DOT" and innermost == "MATRIX" and not inside:
            if laid[-1].kind in ("CELL", "ROW", "MATRIX_OPEN"):
                laid.append(Piece("ELLIPSIS", ".", *place))  # dots one below the other
        elif kind != "CELL":
            if kind in signs.CLOSING:
                inside.append(before)
            elif kind in signs.CLOSERS and inside:
                inside.pop()
            laid.append(piece)
        before = kind
    if opened:
        raise Refusal("This environment is not closed.", (opened[-1].start, opened[-1].end))
    return laid


def _aligned(pieces: list[Piece]) -> list[Piece]:
    """Tell an array that aligns the lines of an equation from a matrix."""
    kinds = [piece.kind for piece in pieces]
    pairs = set(itertools.pairwise(kinds))
    if not any(piece.text == "array" for piece in pieces if piece.kind == "BEGIN"):
        return pieces
    if not pairs & {("CELL", "RELATION"), ("RELATION", "CELL")}:
        return pieces
    return [
        Piece(piece.kind, "aligned", piece.start, piece.end)
        if piece.kind in ("BEGIN", "END") and piece.text == "array"
        else piece
        for piece in pieces
    ]


def _kind_of(environment: str) -> str:
    if environment in signs.MATRICES:
        return "MATRIX"
    if environment in signs.CASES:
        return "CASES"
    return "LINES" if environment in signs.LINES else ""


def _is_open_brace(laid: list[Piece]) -> bool:
    return bool(laid) and laid[-1].kind == "LCURLY"


def _drop_last(laid: list[Piece], kinds: tuple[str, ...]) -> None:
    while laid and laid[-1].kind in kinds:
        laid.pop()


# Arguments


def _arguments(pieces: list[Piece]) -> list[Piece]:
    """Put braces around arguments that have none, and drop what stands over and under."""
    partners = matches(pieces)
    count = len(pieces)
    opening: dict[int, int] = {}
    closing: dict[int, int] = {}
    dropped: set[int] = set()
    following = _skip_blanks(pieces)

    def end_of(position: int, depth: int = 0) -> int:
        """Return the position behind the argument that begins at a position."""
        if depth > DEEPEST_NESTING:
            piece = pieces[min(position, count - 1)]
            raise Refusal(
                f"Signs are nested more than {DEEPEST_NESTING} deep.", (piece.start, piece.end)
            )
        if position >= count:
            return count
        kind = pieces[position].kind
        if kind in ("LBRACE", "MATRIX_OPEN", "CASES_OPEN"):
            return partners.get(position, position) + 1
        if kind == "ACCENT":
            return end_of(following[position + 1], depth + 1)
        if kind == "FRACTION":
            middle = end_of(following[position + 1], depth + 1)
            return end_of(following[middle], depth + 1)
        return position + 1

    def brace(position: int, end: int) -> None:
        if position < end <= count and not (
            pieces[position].kind == "LBRACE" and partners.get(position) == end - 1
        ):
            opening[position] = opening.get(position, 0) + 1
            closing[end] = closing.get(end, 0) + 1

    for position, piece in enumerate(pieces):
        kind, start = piece.kind, following[position + 1]
        if position in dropped:
            continue
        if kind in ("SUB", "SUP") and start < count:
            head = pieces[start].kind
            if head in ("LPAR", "LSQB", "LANGLE") and start in partners:
                brace(start, partners[start] + 1)
            elif head == "SIGN" and pieces[min(start + 1, count - 1)].kind == "NUMBER":
                brace(start, start + 2)
            elif head in _ARGUMENTS:
                brace(start, end_of(start))
        elif kind == "ACCENT" and start < count and pieces[start].kind in _ARGUMENTS:
            brace(start, end_of(start))
        elif kind == "FRACTION" and start < count and pieces[start].kind in _ARGUMENTS:
            middle = following[end_of(start)]
            brace(start, end_of(start))
            if middle < count and pieces[middle].kind in _ARGUMENTS:
                brace(middle, end_of(middle))
        elif kind == "LAYOUT":
            dropped.add(position)
            end = end_of(start)
            if piece.text in signs.STACKED:
                dropped.update(range(start, end))
            elif following[end] < count and pieces[following[end]].kind in ("SUB", "SUP"):
                script = following[following[end] + 1]
                dropped.update(range(following[end], end_of(script)))
    laid: list[Piece] = []
    for position in range(count + 1):
        place = pieces[position - 1].end if position else 0
        laid.extend(Piece("RBRACE", "}", place, place) for _ in range(closing.get(position, 0)))
        if position < count and position not in dropped:
            start = pieces[position].start
            laid.extend(Piece("LBRACE", "{", start, start) for _ in range(opening.get(position, 0)))
            laid.append(pieces[position])
    return laid


#: What may stand as an argument without braces.
_ARGUMENTS = frozenset(
    {
        "NAME",
        "NUMBER",
        "LBRACE",
        "ACCENT",
        "FRACTION",
        "SIGN",
        "PRODUCT",
        "PRIME",
        "TEXT",
        "ELLIPSIS",
        "UNKNOWN",
        "COLON",
        "MATRIX_OPEN",
    }
)


def _skip_blanks(pieces: list[Piece]) -> list[int]:
    """Return for every position the next one that holds more than a blank."""
    following = [len(pieces)] * (len(pieces) + 2)
    for position in range(len(pieces) - 1, -1, -1):
        following[position] = (
            following[position + 1] if pieces[position].kind == "WIDE" else position
        )
    return following


# Small repairs


def _primes(pieces: list[Piece]) -> list[Piece]:
    """Move primes out of the exponents that they begin: f^{\\prime} is f'."""
    if not any(piece.kind == "PRIME" for piece in pieces):
        return pieces
    laid: list[Piece] = []
    position = 0
    while position < len(pieces):
        end = position + 2
        if [p.kind for p in pieces[position:end]] == ["SUP", "LBRACE"]:
            while end < len(pieces) and pieces[end].kind == "PRIME":
                end += 1
        if end > position + 2:
            laid.extend(pieces[position + 2 : end])
            if end < len(pieces) and pieces[end].kind == "RBRACE":
                end += 1
            else:
                laid.extend(pieces[position : position + 2])
            position = end
        else:
            laid.append(pieces[position])
            position += 1
    return laid


def _bare_groups(pieces: list[Piece]) -> list[Piece]:
    """Drop braces that hold nothing, a lone sign, or a whole equation."""
    partners = matches(pieces)
    dropped: set[int] = set()
    for position, piece in enumerate(pieces):
        end = partners.get(position)
        if piece.kind != "LBRACE" or end is None:
            continue
        before = pieces[position - 1].kind if position else ""
        if before == "RBRACE" and pieces[partners.get(position - 1, 0) - 1].kind == "FRACTION":
            continue
        inner = [p.kind for p in pieces[position + 1 : min(end, position + 3)] if p.kind != "WIDE"]
        if not inner and before in ("SUB", "SUP"):
            dropped.update((position - 1, position, end))
        elif before not in ("SUB", "SUP", "ACCENT", "FRACTION") and (
            not inner
            or (inner[0] in ("SIGN", "RELATION", "PRODUCT") and end == position + 2)
            or _holds_relation(pieces, partners, position, end)
        ):
            dropped.update((position, end))
    if not dropped:
        return pieces
    return [piece for position, piece in enumerate(pieces) if position not in dropped]


def _holds_relation(pieces: list[Piece], partners: dict[int, int], start: int, end: int) -> bool:
    position = start + 1
    while position < end:
        if pieces[position].kind == "RELATION":
            return True
        position = max(partners.get(position, 0), position) + 1
    return False


def _accumulations(pieces: list[Piece]) -> list[Piece]:
    """Join a plus and the sign of equality behind it: both are one relation."""
    laid: list[Piece] = []
    for piece in pieces:
        if piece.kind == "RELATION" and piece.text == "=" and laid and laid[-1].kind == "SIGN":
            sign = laid.pop()
            piece = Piece("RELATION", f"{sign.text}=", sign.start, piece.end)
        laid.append(piece)
    return laid


def _series_letters(pieces: list[Piece]) -> list[Piece]:
    """Read Π as a product sign, and Σ as a sum sign, where a range stands beside it."""
    for position, piece in enumerate(pieces):
        kind = signs.SERIES_LETTERS.get(piece.text) if piece.kind == "NAME" else None
        if kind is not None and _has_range(pieces, position + 1):
            pieces[position] = Piece("SERIES", kind, piece.start, piece.end)
    return pieces


def _has_range(pieces: list[Piece], position: int) -> bool:
    depth = 0
    for piece in pieces[position : position + 60]:
        if piece.kind == "RELATION" and depth:
            return True
        if depth == 0 and piece.kind not in ("SUB", "SUP", "LBRACE"):
            return False
        depth += (piece.kind == "LBRACE") - (piece.kind == "RBRACE")
    return False
