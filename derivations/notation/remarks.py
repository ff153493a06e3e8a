"""What stands around an equation: its number, words, conditions, a missing bracket at the end."""

from __future__ import annotations

import re

from derivations.notation import signs
from derivations.notation.layout import Refusal, matches
from derivations.notation.scanner import Piece
from derivations.notation.words import NAME_TEXT, canonical_name

_AND = ("and", "or")
#: Words before a step for which something holds, not before what a letter stands for.
_WHEN = ("for", "forall", "if", "when", "whenever", "at", "all", "every", "any")
_ENDS = ("ROW", "END_OF_TEXT")
#: What a side cannot end with.
_OPEN = ("RELATION", "SIGN", "PRODUCT")
#: What a factor begins with.
_FACTORS = ("NAME", "LPAR", "LSQB", "LBRACE", "FRACTION", "ACCENT")
_STOPS = ("COMMA", "SEMICOLON", "DOT")
_WORD = re.compile(r"[A-Za-z0-9]+")
_CIRCLED = re.compile("[①-⓿❶-➓]")


def bare(pieces: list[Piece]) -> list[Piece]:
    """Return the statement's pieces without what is said around it.

    A condition on the steps stays, behind a comma.
    """
    pieces = _closed([p for p in pieces if not (p.kind == "UNKNOWN" and _CIRCLED.match(p.text))])
    kept = _Reader(_led(_names(pieces))).kept()
    while kept and kept[-1].kind in (*_STOPS, "WIDE", "COLON"):
        kept.pop()
    return [piece for piece in kept if piece.kind != "WIDE"]


def _closed(pieces: list[Piece]) -> list[Piece]:
    """Close round brackets that are left open where the closing ones of a side stand."""
    partners = matches(pieces)
    opened = [i for i, p in enumerate(pieces) if p.kind == "LPAR" and i not in partners]
    if not opened or len(opened) > 3:
        return pieces
    end = opened[0] + 1
    while end < len(pieces) and pieces[end].kind not in ("RELATION", "ROW", "CELL"):
        end = max(partners.get(end, 0), end) + 1
    while end > opened[0] and pieces[end - 1].kind in (*_STOPS, "WIDE"):
        end -= 1
    if pieces[end - 1].kind != "RPAR" or opened[-1] > end:
        return pieces
    place = pieces[end - 1].end
    missing = [Piece("RPAR", ")", place, place) for _ in opened]
    return [*pieces[:end], *missing, *pieces[end:]]


def _names(pieces: list[Piece]) -> list[Piece]:
    """Tell words that are names from words that are remarks."""
    named: list[Piece] = []
    depth = 0
    for position, piece in enumerate(pieces):
        depth += (piece.kind in signs.CLOSING) - (piece.kind in signs.CLOSERS)
        if piece.kind == "TEXT":
            font, content = piece.text[:-1].split("{", 1)
            before = next((p.kind for p in reversed(named) if p.kind != "WIDE"), "ROW")
            stands_apart = position > 0 and pieces[position - 1].kind in ("WIDE", *_STOPS)
            following = pieces[position + 1].kind if position + 1 < len(pieces) else "END_OF_TEXT"
            is_used = following in ("SUB", "SUP", "PRIME", "LPAR", "LSQB", "RELATION", "PRODUCT")
            if (depth and _WORD.fullmatch(content.strip())) or not (
                _is_prose(content) or (stands_apart and before not in _OPEN and not is_used)
            ):
                piece = Piece("NAME", canonical_name(font, content), piece.start, piece.end)
        named.append(piece)
    return named


def _is_prose(content: str) -> bool:
    words = re.findall(r"[^\s,:;()]+", content)
    return (
        not words
        or words[0].lower().rstrip(".") in signs.REMARKS
        or len(words) > 3
        or NAME_TEXT.fullmatch(content.strip()) is None
        or (len(words) > 1 and content != content.strip())
    )


def _led(pieces: list[Piece]) -> list[Piece]:
    """Drop what leads a statement in: words, arrows, a number, a sign of alignment."""
    partners = matches(pieces)
    start = 0
    while start < len(pieces):
        piece = pieces[start]
        if (
            piece.kind in ("WIDE", "ROW", "TEXT", "COMMA", "COLON")
            or (piece.kind == "RELATION" and piece.text in signs.LEADS)
            or piece.text in ("\\therefore", "\\because", "∴", "∵")
        ):
            start += 1
        elif piece.kind == "LPAR" and start in partners and _is_number(pieces, partners, start):
            behind = partners[start] + 1
            if behind >= len(pieces) or pieces[behind].kind != "WIDE":
                break
            start = behind
        else:
            break
    return pieces[start:]


def _is_number(
    pieces: list[Piece], partners: dict[int, int], start: int, *, letters: bool = True
) -> bool:
    """Tell whether a bracket holds what numbers an equation: (3), (2.5a), (*), (\\rhd), (a)."""
    inner = [p for p in pieces[start + 1 : partners[start]] if p.kind != "WIDE"]
    is_numbered = bool(inner) and inner[0].kind == "NUMBER"
    return 0 < len(inner) <= 5 and all(
        p.kind in ("NUMBER", "PRODUCT", "DOT", "UNKNOWN", "PRIME", "TEXT")
        or (p.kind == "SIGN" and is_numbered)
        or (p.kind == "NAME" and _is_mark(p.text, letters or is_numbered))
        for p in inner
    )


def _is_mark(name: str, letters: bool) -> bool:
    return name.startswith(("\\text{", "\\dagger", "\\ddagger")) or (letters and len(name) == 1)


class _Reader:
    """Goes over the pieces outside of all brackets, and decides what stays."""

    def __init__(self, pieces: list[Piece]) -> None:
        end = pieces[-1].end if pieces else 0
        self._pieces = [*pieces, Piece("END_OF_TEXT", "", end, end)]
        self._partners = matches(pieces)
        self._kept: list[Piece] = []
        self._has_relation = False

    def kept(self) -> list[Piece]:
        position = 0
        while self._pieces[position].kind != "END_OF_TEXT":
            piece = self._pieces[position]
            if piece.kind == "TEXT":
                position = self._remark(position)
            elif piece.kind in ("COMMA", "SEMICOLON", "WIDE", "DOT"):
                position = self._gap(position)
            elif piece.kind == "ROW":
                position = self._row(position)
            elif piece.kind == "RELATION" and piece.text == "\\in" and self._has_relation:
                position = self._segment_end(position + 1, ("COMMA", "TEXT", "RELATION"))
            elif piece.text in ("\\forall", "∀"):
                position = self._remark(position)
            elif self._is_marker(position):
                position = self._partners[position] + 1
            else:
                self._has_relation |= piece.kind == "RELATION"
                end = max(self._partners.get(position, 0), position) + 1
                self._kept.extend(self._pieces[position:end])
                position = end
        return self._kept

    def _segment_end(self, position: int, stops: tuple[str, ...] = ()) -> int:
        while self._pieces[position].kind not in (*_ENDS, *stops):
            position = max(self._partners.get(position, 0), position) + 1
        return position

    def _skip(self, position: int, kinds: tuple[str, ...]) -> int:
        while self._pieces[position].kind in kinds:
            position += 1
        return position

    def _relations(self, start: int, end: int) -> list[str]:
        """Return the relations outside of the brackets of a stretch."""
        found = []
        while start < end:
            if self._pieces[start].kind == "RELATION":
                found.append(self._pieces[start].text)
            start = max(self._partners.get(start, 0), start) + 1
        return found

    def _is_condition(self, start: int, end: int) -> bool:
        """Tell whether a stretch limits the steps: 1 ≤ k ≤ t, or t = T."""
        relations = self._relations(start, end)
        kinds = {piece.kind for piece in self._pieces[start:end]}
        if not relations or not set(relations) <= signs.ORDERS:
            return False
        if "=" not in relations:
            return not kinds & {"TEXT", "UNKNOWN"}
        pieces = [piece for piece in self._pieces[start:end] if piece.kind != "WIDE"]
        alternates = all(p.kind in ("NAME", "NUMBER") for p in pieces[::2]) and all(
            p.kind in ("SIGN", "RELATION") for p in pieces[1::2]
        )
        return alternates and pieces[0].text in signs.COUNTERS

    def _condition(self, start: int, end: int) -> None:
        place = self._pieces[start]
        self._kept.append(Piece("COMMA", ",", place.start, place.start))
        self._kept.extend(self._pieces[start:end])

    def _remark(self, position: int) -> int:
        """Drop words and what they speak of; keep a condition among it."""
        words = re.findall(r"[a-z]+", self._pieces[position].text.split("{", 1)[-1].lower())
        start = self._skip(position + 1, ("WIDE", "COLON", "COMMA"))
        if self._pieces[start].kind == "RELATION" and self._has_relation:
            return start
        end = self._segment_end(start, ("COMMA", "SEMICOLON", "TEXT", "DOT"))
        trimmed = end
        while trimmed > start and self._pieces[trimmed - 1].kind in ("WIDE", *_STOPS):
            trimmed -= 1
        relations = self._relations(start, trimmed)
        says_when = not words or words[0] in _WHEN or "=" not in relations
        if self._has_relation and says_when and self._is_condition(start, trimmed):
            self._condition(start, trimmed)
            return end
        if self._relations(start, end) and words and words[0] in _AND and self._has_relation:
            raise self._several(start, end)
        return self._segment_end(start)

    def _several(self, start: int, end: int) -> Refusal:
        place = self._pieces[start].start, self._pieces[max(end - 1, start)].end
        return Refusal("This formula cannot be read.", place, "One equation is read at a time.")

    def _gap(self, position: int) -> int:
        """Pass a comma or a wide blank: what follows may be a number, a remark, a condition."""
        kinds = ("COMMA", "SEMICOLON", "WIDE")
        start = self._skip(position, kinds)
        gap = self._pieces[position:start]
        piece = self._pieces[start]
        if self._pieces[position].kind == "DOT":
            if self._is_product(position):
                place = self._pieces[position].start, self._pieces[position].end
                self._kept.append(Piece("PRODUCT", "\\cdot", *place))
                return position + 1
            start = self._skip(position, (*_STOPS, "WIDE"))
            if self._pieces[start].kind not in (*_ENDS, "TEXT"):
                self._kept.append(self._pieces[position])
                return position + 1
            return start
        if piece.kind in (*_ENDS, "TEXT", "RELATION", "DOT") or piece.text in ("\\forall", "∀"):
            return start
        is_wide = any(p.text == "q" for p in gap)  # a smaller blank may stand before an argument
        if self._is_behind(start) and _is_number(
            self._pieces, self._partners, start, letters=is_wide
        ):
            return self._partners[start] + 1
        has_comma = any(p.kind != "WIDE" for p in gap)
        if piece.kind == "LPAR" and self._is_behind(start) and self._has_relation:
            inner, close = start + 1, self._partners[start]
            if self._is_condition(inner, close) or self._is_counted(inner, close):
                self._condition(inner, close)
                return close + 1
        end = self._segment_end(start, ("COMMA", "SEMICOLON", "TEXT", "WIDE"))
        if self._has_relation and self._is_condition(start, end):
            self._condition(start, end)
            return end
        if has_comma and set(self._relations(start, end)) == {"\\in"}:
            return end
        if has_comma:
            self._kept.append(next(p for p in gap if p.kind != "WIDE"))
            return start
        is_new = is_wide and piece.kind not in _OPEN
        before = self._kept[-1].kind if self._kept else "RELATION"
        is_new &= self._has_relation and before not in _OPEN
        if is_new and self._relations(start, end):
            raise self._several(start, end)
        return start

    def _is_product(self, position: int) -> bool:
        """Tell whether a full stop stands between blanks and factors, as a product sign."""
        if not position:
            return False
        before, dot, behind = self._pieces[position - 1 : position + 2]
        stands_alone = before.end < dot.start and dot.end < behind.start
        return stands_alone and behind.kind in _FACTORS

    def _is_counted(self, start: int, end: int) -> bool:
        """Tell whether a stretch counts the steps: t = 1, …, T."""
        relations = self._relations(start, end)
        kinds = [piece.kind for piece in self._pieces[start:end]]
        return relations == ["="] and "COMMA" in kinds and "ELLIPSIS" in kinds

    def _is_behind(self, position: int) -> bool:
        """Tell whether a bracket is the last thing of its line."""
        if self._pieces[position].kind not in ("LPAR", "LSQB") or position not in self._partners:
            return False
        behind = self._skip(self._partners[position] + 1, (*_STOPS, "WIDE"))
        return self._pieces[behind].kind in (*_ENDS, "TEXT")

    def _is_marker(self, position: int) -> bool:
        """Tell whether a bracket marks the equation, as (\\rhd) does, or is a remark in words."""
        if not self._is_behind(position):
            return False
        inner = self._pieces[position + 1 : self._partners[position]]
        follows_dots = bool(self._kept) and self._kept[-1].kind == "ELLIPSIS"
        if follows_dots and _is_number(self._pieces, self._partners, position, letters=False):
            self._kept.pop()  # a = b … (3)
            return True
        return bool(inner) and (
            inner[0].kind == "TEXT"
            or all(p.kind == "UNKNOWN" and p.text not in signs.SYMBOL_COMMANDS for p in inner)
        )

    def _row(self, position: int) -> int:
        """Go to the next line: it goes on with the equation, or holds another."""
        start = self._skip(position, ("ROW", "WIDE", "COMMA", "SEMICOLON"))
        piece = self._pieces[start]
        before = self._kept[-1].kind if self._kept else "RELATION"
        ends_open = before in (*_OPEN, "COMMA")
        if piece.kind not in ("RELATION", "SIGN", "PRODUCT", "TEXT", "END_OF_TEXT"):
            end = self._segment_end(start)
            if not ends_open and self._has_relation and self._relations(start, end):
                raise self._several(start, end)
        return start
