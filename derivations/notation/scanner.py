"""The part of the lexer that needs no words: positions, brackets, bars and signs."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from derivations.notation import signs


@dataclass(slots=True)
class Piece:
    """A piece of a formula: what it is for the grammar, its text, and its place."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(slots=True)
class Level:
    """An open bracket: whether it belongs to a script, and the font that its letters are in."""

    is_script: bool
    font: str | None
    is_invisible: bool = False


_ANGLE = re.compile(r"<([^<>{}]*)>")
_PAIRS = re.compile(r"\\(left|right)(?![a-zA-Z])\s*(\\[a-zA-Z]+|[^\\])")
_FACTORS = ("NAME", "NUMBER", "RBRACE", "RPAR", "RSQB")
_STYLES = {
    "BOLD": "\\mathbf",
    "SCRIPT": "\\mathcal",
    "FRAKTUR": "\\mathfrak",
    "DOUBLE-STRUCK": "\\mathbb",
}


class Scanner:
    """Holds the text, the position in it, and the pieces found so far."""

    def __init__(self, text: str, base: int) -> None:
        self._text = text
        self._base = base
        self._at = 0
        self._pieces: list[Piece] = []
        self._levels = [Level(False, None)]
        self._font: str | None = None  # of what comes next
        self._side = ""  # of the bar that comes next
        self._angle_end = -1  # where <t-1> ends

    def _add(self, kind: str, text: str, start: int, end: int | None = None) -> None:
        end = self._at if end is None else end
        self._pieces.append(Piece(kind, text, self._base + start, self._base + end))

    def _last(self, back: int = 1) -> str:
        return self._pieces[-back].kind if len(self._pieces) >= back else ""

    def _in_script(self) -> bool:
        return self._levels[-1].is_script or self._last() in ("SUB", "SUP")

    def _sign(self, sign: str, start: int) -> None:
        if sign == "<" and self._in_script() and self._last() not in ("NAME", "NUMBER"):
            match = _ANGLE.match(self._text, start)
            if match is not None:
                self._angle_end = match.end() - 1
                self._bracket("LANGLE", "<", start)
                return
        if sign == ">" and start == self._angle_end:
            self._bracket("RANGLE", ">", start)
        elif not self._classified(sign, start):
            self._character(sign, start)
        self._side = ""

    def _classified(self, sign: str, start: int) -> bool:
        """Add a sign or command that has one meaning, if it has."""
        for kind, table in (
            ("RELATION", signs.RELATIONS),
            ("PRODUCT", signs.PRODUCTS),
            ("SIGN", signs.SIGNS),
            ("SERIES", signs.SERIES),
        ):
            if sign in table:
                self._add(kind, table[sign], start)
                return True
        if sign in signs.BRACKETS:
            self._bracket(signs.BRACKETS[sign], sign, start)
        elif sign in signs.PUNCTUATION:
            self._add(signs.PUNCTUATION[sign], sign, start)
        elif sign in signs.BARS:
            self._bar(sign, start)
        elif sign in signs.DOTS:
            self._add("ELLIPSIS", sign, start)
        else:
            return False
        return True

    # Brackets and bars

    def _bracket(self, kind: str, text: str, start: int) -> None:
        if kind in signs.CLOSING:
            level = self._levels[-1]
            opens_script = self._last() in ("SUB", "SUP")
            font = None if opens_script else self._font or level.font
            # The exponent of e is a formula of its own; other scripts hold words.
            is_exponential = (
                self._last() == "SUP" and self._last(2) == "NAME" and self._pieces[-2].text == "e"
            )
            is_script = (level.is_script or opens_script) and not is_exponential
            self._levels.append(Level(is_script, font))
            self._font = None
        elif len(self._levels) > 1:
            self._levels.pop()
        self._add(kind, text, start)

    def _size(self, command: str, start: int) -> None:
        """Drop what only makes a bracket larger; an invisible one holds its factor together."""
        self._side = {"\\left": "l", "\\right": "r"}.get(command, command[-1])
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        following = self._text[self._at : self._at + 1]
        if following in (".", "<", ">"):
            self._at += 1
            if following != ".":
                kind = "LANGLE" if following == "<" else "RANGLE"
                self._bracket(kind, following, self._at - 1)
            elif command == "\\left" and self._ends_in_bar():
                level = self._levels[-1]
                self._levels.append(Level(level.is_script, level.font, is_invisible=True))
                self._add("LBRACE", "{", start)
            self._side = ""

    def _ends_in_bar(self) -> bool:
        """Tell whether the \\right that belongs to this \\left. makes a bar."""
        depth = 1
        for match in _PAIRS.finditer(self._text, self._at, self._at + 2000):
            depth += 1 if match[1] == "left" else -1
            if depth == 0:
                return match[2] in ("|", "\\vert", "\\rvert")
        return False

    def _bar(self, text: str, start: int) -> None:
        bars = signs.BARS[text]
        if self._side in ("l", "r") and len(bars) == 1:
            bars += self._side
        if bars[0] == "1" and self._side == "r" and self._levels[-1].is_invisible:
            self._levels.pop()
            self._add("RBRACE", "}", start)
            self._add("RESTRICTION", "|", start)
        else:
            self._add("BAR", "m" if text == "\\mid" else bars, start)

    # Characters and numbers

    def _character(self, character: str, start: int) -> None:
        following = self._text[self._at : self._at + 1]
        decomposed = unicodedata.normalize("NFD", character)
        if character in "ΣΠ" and following and (following in "_^" or following in signs.SUBSCRIPTS):
            self._add("SERIES", "sum" if character == "Σ" else "product", start)
        elif decomposed[-1] in signs.COMBINING and len(decomposed) == 2:
            self._add("NAME", f"{signs.COMBINING[decomposed[1]]}{{{decomposed[0]}}}", start)
        elif character in signs.COMBINING and self._last() == "NAME":
            name = self._pieces[-1]
            name.text, name.end = f"{signs.COMBINING[character]}{{{name.text}}}", name.end + 1
        elif character in signs.SYMBOL_CHARACTERS:
            self._symbol(signs.SYMBOL_CHARACTERS[character], start)
        elif (written := unicodedata.normalize("NFKC", character)).count("\u2044") == 1:
            self._add("FRACTION", "\\frac", start)  # ½
            for number in written.split("\u2044"):
                self._add("NUMBER", number, start)
        elif character == "″":
            self._add("PRIME", "'", start)
            self._add("PRIME", "'", start)
        elif character in signs.SUBSCRIPTS:
            self._small("SUB", signs.SUBSCRIPTS, start)
        elif character in signs.SUPERSCRIPTS:
            self._small("SUP", signs.SUPERSCRIPTS, start)
        elif 0x1D400 <= ord(character) <= 0x1D7FF:
            letter = unicodedata.normalize("NFKC", character)
            letter = signs.GREEK_LETTERS.get(letter, letter)
            title = unicodedata.name(character, "")
            font = next((font for style, font in _STYLES.items() if style in title), None)
            self._add("NAME", f"{font}{{{letter}}}" if font else letter, start)
        elif character != "$":
            self._add("UNKNOWN", character, start)

    def _symbol(self, command: str, start: int) -> None:
        """Add a symbol in the font that holds where it stands."""
        font = self._font or self._levels[-1].font
        self._font = None
        is_letter = command.removeprefix("\\") in signs.GREEK_WORDS or len(command) == 1
        if font is not None and is_letter and font not in signs.UPRIGHT:
            command = f"{font}{{{command}}}"
        self._add("NAME", command, start)

    def _small(self, kind: str, letters: dict[str, str], start: int) -> None:
        """Read a run of small letters below or above the line."""
        end = start
        while end < len(self._text) and self._text[end] in letters:
            end += 1
        self._add(kind, "_" if kind == "SUB" else "^", start, start)
        self._add("LBRACE", "{", start, start)
        kinds = {"+": "SIGN", "-": "SIGN", "(": "LPAR", ")": "RPAR"}
        for at in range(start, end):
            letter = letters[self._text[at]]
            of_letter = kinds.get(letter) or ("NUMBER" if letter.isdigit() else "NAME")
            self._add(of_letter, letter, at, at + 1)
        self._add("RBRACE", "}", end, end)
        self._at = end

    def _number(self, number: str, start: int) -> None:
        if number[0] != ".":
            self._add("NUMBER", number, start)
        elif self._last() in _FACTORS:  # the end of a sentence, and something behind it
            self._at = start + 1
            self._add("DOT", ".", start)
        else:
            self._add("NUMBER", f"0{number}", start)

    def _short_fraction(self, text: str, start: int) -> None:
        """Read \\frac12."""
        self._add("FRACTION", "\\frac", start, start + text.index("c") + 1)
        for offset, character in enumerate(text):
            if character.isdigit():
                self._add("NUMBER", character, start + offset, start + offset + 1)
