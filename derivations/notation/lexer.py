"""From the text that people write to pieces: names, numbers, signs and commands with their places.

Here it is settled what one name is: which letters stand alone and which make a word, what a font
holds, and which words are functions. What the commands do to the pieces is settled in `layout.py`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from derivations.notation import signs
from derivations.notation.signs import (
    FUNCTION_WORDS,
    GREEK_LETTERS,
    GREEK_WORDS,
    NOUNS,
    SYMBOL_COMMANDS,
    UPRIGHT,
)

__all__ = ["FUNCTION_WORDS", "GREEK_LETTERS", "GREEK_WORDS", "SYMBOL_COMMANDS", "Piece", "scan"]

_SPELLINGS = {"\\ln": "\\log", "\\ReLU": "\\relu", "\\GELU": "\\gelu", "\\SiLU": "\\silu"}


@dataclass(slots=True)
class Piece:
    """A piece of a formula: what it is for the grammar, its text, and its place."""

    kind: str
    text: str
    start: int
    end: int


_SCAN = re.compile(
    r"""
      (?P<row>\\\\\*?(?:\s*\[\s*-?[0-9.]+\s*(?:pt|em|ex|mm|cm|in)\s*\])?
          |\\(?:cr|newline)(?![a-zA-Z]))
    | (?P<blank>(?:\s|~|[\u200b\u2060\u2061\ufeff]|\\[,;:!>/]|\\\s
          |\\(?:thinspace|medspace|thickspace|negthinspace|enspace|enskip|space)(?![a-zA-Z]))+)
    | (?P<wide>\\q?quad(?![a-zA-Z]))
    | (?P<size>\\(?:left|right|middle|[bB]igg?[lrm]?)(?![a-zA-Z]))
    | (?P<fraction>\\[dtc]?frac\s*[0-9]\s*[0-9])
    | (?P<command>\\[a-zA-Z]+\*?|\\[{}|()\[\]_&%$\#])
    | (?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)
    | (?P<letter>[A-Za-z])
    | (?P<sign>\.\.\.|:=|=:|==|<=|>=|!=|\+=|-=|->|=>|\|\|)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_SPACES = re.compile(r"\\[;: ]|~")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*")
_LETTERS = re.compile(r"[A-Za-z]+")
_LABELS = re.compile(r"[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*")
_SIMPLE = re.compile(r"\s*\{\s*(\\[a-zA-Z]+|[a-zA-Z0-9][a-zA-Z0-9 ]*?)\s*\}")
_SINGLE = re.compile(r"\s*(\\[a-zA-Z]+|[a-zA-Z0-9])")
_NAME_TEXT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 -]|\\?_)*")
_SCRIPT_WORD = re.compile(r"[A-Za-z]+(?:\\_[A-Za-z0-9]+)*")
_PLAIN_SCRIPT = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_STEP_TEXT = re.compile(r"[A-Za-z]\s*[+-]\s*[0-9]")
_ANGLE = re.compile(r"<([^<>{}]*)>")
_PAIRS = re.compile(r"\\(left|right)(?![a-zA-Z])\s*(\\[a-zA-Z]+|[^\\])")
#: A step behind a word, and the halves of a derivative, in plain text.
_STEP = re.compile(r"_(?:[tk](?![A-Za-z0-9_])|\{[tkT](?:[-+−][0-9])?\})")
_OVER_D = re.compile(r"(?:_\{[^{}]*\}|_[A-Za-z0-9]+)?\s*/\s*d[A-Za-z]")
_D_OVER = re.compile(r"(?<![A-Za-z0-9_])d[A-Za-z]+(?:_\{[^{}]*\}|_[A-Za-z0-9]+)?\s*/\s*\Z")
_FUNCTION = re.compile("|".join(sorted(FUNCTION_WORDS, key=len, reverse=True)))

#: Characters that stand for a symbol.
_CHARACTERS = {
    **GREEK_LETTERS,
    **{"∂": "\\partial", "∇": "\\nabla", "ℓ": "\\ell", "⊤": "\\top", "∞": "\\infty"},
    **{"ϵ": "\\epsilon", "ϕ": "\\phi", "ϑ": "\\vartheta", "ε": "\\epsilon", "√": "\\sqrt"},
    **{"ℒ": "\\mathcal{L}", "ℝ": "\\mathbb{R}", "ℎ": "h", "†": "\\dagger", "𝟙": "\\mathbb{1}"},
}
_SUBSCRIPTS = dict(
    zip("₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", "0123456789+-()aehijklmnoprstuvx", strict=True)
)
_STYLES = {
    "BOLD": "\\mathbf",
    "SCRIPT": "\\mathcal",
    "FRAKTUR": "\\mathfrak",
    "DOUBLE-STRUCK": "\\mathbb",
}


def canonical_name(font: str, inner: str) -> str:
    """Return one spelling for the many of a name in a font.

    Examples
    --------
    >>> canonical_name("\\\\operatorname", "softmax"), canonical_name("\\\\mathbf", " W ")
    ('\\\\softmax', '\\\\mathbf{W}')
    """
    inner = " ".join(inner.split())
    if font in UPRIGHT or font == "\\textbf":
        if inner in FUNCTION_WORDS:
            return _SPELLINGS.get(f"\\{inner}", f"\\{inner}")
        if inner == "d":  # the upright d of a differential
            return "d"
    return f"{font}{{{inner}}}"


def scan(text: str, base: int = 0, words: frozenset[str] = frozenset()) -> list[Piece]:
    """Take a formula apart.

    Parameters
    ----------
    text : str
        LaTeX or plain text.
    base : int
        Where it begins in the text that the places point into.
    words : frozenset of str
        Names that are one word wherever they stand, such as ``h_prev``.

    Examples
    --------
    >>> [piece.text for piece in scan("h_t = tanh(W_rec")]
    ['h', '_', '{', 't', '}', '=', '\\\\tanh', '(', 'W', '_', '{', 'rec', '}']
    """
    return _Scanner(text, base, words).pieces()


@dataclass(slots=True)
class _Level:
    """An open bracket: whether it belongs to a script, and the font that its letters are in."""

    is_script: bool
    font: str | None
    is_null: bool = False


class _Scanner:
    def __init__(self, text: str, base: int, words: frozenset[str]) -> None:
        self._text = text
        self._base = base
        self._is_plain = "\\" not in text
        self._known = _pattern(words)
        self._at = 0
        self._pieces: list[Piece] = []
        self._levels = [_Level(False, None)]
        self._font: str | None = None  # of what comes next
        self._side = ""  # of the bar that comes next
        self._angle_end = -1  # where <t-1> ends

    def pieces(self) -> list[Piece]:
        text, length = self._text, len(self._text)
        while self._at < length:
            match = _SCAN.match(text, self._at)
            assert match is not None and match.lastgroup is not None
            kind, start = match.lastgroup, self._at
            self._at = match.end()
            if kind == "blank":
                if len(_SPACES.findall(match[0])) > 1 or "\\ " in match[0]:
                    self._add("WIDE", "s", start)
            elif kind == "letter":
                self._letter(start)
            elif kind == "number":
                self._number(match[0], start)
            elif kind == "command":
                self._command(match[0], start)
            elif kind == "row":
                self._add("ROW", "\\\\", start)
            elif kind == "wide":
                self._add("WIDE", "q", start)
            elif kind == "size":
                self._size(match[0], start)
            elif kind == "fraction":
                self._short_fraction(match[0], start)
            else:
                self._sign(match[0], start)
        return self._pieces

    def _add(self, kind: str, text: str, start: int, end: int | None = None) -> None:
        end = self._at if end is None else end
        self._pieces.append(Piece(kind, text, self._base + start, self._base + end))

    def _last(self, back: int = 1) -> str:
        return self._pieces[-back].kind if len(self._pieces) >= back else ""

    # Brackets, bars and signs

    def _bracket(self, kind: str, text: str, start: int) -> None:
        if kind in signs.CLOSING:
            level = self._levels[-1]
            is_exponent = self._last() == "SUP" and self._last(2) == "NAME"
            # The exponent of e is a formula of its own; other scripts hold words.
            is_script = level.is_script or self._last() in ("SUB", "SUP")
            if is_exponent and self._pieces[-2].text == "e":
                is_script = False
            opens_script = self._last() in ("SUB", "SUP")
            font = None if opens_script else self._font or level.font
            self._levels.append(_Level(is_script, font))
            self._font = None
        elif len(self._levels) > 1:
            self._levels.pop()
        self._add(kind, text, start)

    def _size(self, command: str, start: int) -> None:
        """Drop what only makes a bracket larger; an invisible bracket holds its factor together."""
        self._side = {"\\left": "l", "\\right": "r"}.get(command, command[-1])
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        following = self._text[self._at : self._at + 1]
        if following in (".", "<", ">", "/"):
            self._at += 1
            if following == "." and command == "\\left" and self._ends_in_bar():
                self._levels.append(_Level(self._levels[-1].is_script, self._levels[-1].font, True))
                self._add("LBRACE", "{", start)
            elif following in "<>":
                kind = "LANGLE" if following == "<" else "RANGLE"
                self._bracket(kind, following, self._at - 1)
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
        if bars[0] == "1" and self._side == "r" and self._levels[-1].is_null:
            self._levels.pop()
            self._add("RBRACE", "}", start)
            self._add("RESTRICTION", "|", start)
        else:
            self._add("BAR", "m" if text == "\\mid" else bars, start)

    def _sign(self, sign: str, start: int) -> None:
        if sign == "<" and self._levels[-1].is_script or sign == "<" and self._last() == "SUP":
            if self._last() not in ("NAME", "NUMBER", "RBRACE", "RPAR"):
                match = _ANGLE.match(self._text, start)
                if match is not None:
                    self._angle_end = match.end() - 1
                    self._bracket("LANGLE", "<", start)
                    return
        if sign == ">" and start == self._angle_end:
            self._bracket("RANGLE", ">", start)
            return
        if not self._classified(sign, start):
            self._character(sign, start)
        self._side = ""

    def _classified(self, sign: str, start: int) -> bool:
        """Add a sign or command that has one meaning, if it has."""
        kind = signs.BRACKETS.get(sign)
        if kind is not None:
            self._bracket(kind, sign, start)
        elif sign in signs.BARS:
            self._bar(sign, start)
        elif sign in signs.RELATIONS:
            self._add("RELATION", signs.RELATIONS[sign], start)
        elif sign in ("+=", "-=", "->", "=>"):
            arrows = {"->": "\\to", "=>": "\\Rightarrow"}
            self._add("RELATION", arrows.get(sign, sign), start)
        elif sign in signs.PRODUCTS:
            self._add("PRODUCT", signs.PRODUCTS[sign], start)
        elif sign in signs.SIGNS:
            self._add("SIGN", signs.SIGNS[sign], start)
        elif sign in signs.PUNCTUATION:
            self._add(signs.PUNCTUATION[sign], sign, start)
        elif sign in signs.SERIES:
            self._add("SERIES", signs.SERIES[sign], start)
        elif sign in signs.DOTS or sign in signs.DOT_CHARACTERS:
            self._add("ELLIPSIS", sign, start)
        else:
            return False
        return True

    def _character(self, character: str, start: int) -> None:
        if character in _CHARACTERS:
            self._symbol(_CHARACTERS[character], start)
        elif character in "ᵀ″":
            if character == "ᵀ":
                self._add("SUP", "^", start)
                self._add("NAME", "\\top", start)
            else:
                self._add("PRIME", "'", start)
                self._add("PRIME", "'", start)
        elif character in _SUBSCRIPTS:
            self._subscript(start)
        elif 0x1D400 <= ord(character) <= 0x1D7FF:
            letter = unicodedata.normalize("NFKC", character)
            letter = GREEK_LETTERS.get(letter, letter)
            title = unicodedata.name(character, "")
            font = next((font for style, font in _STYLES.items() if style in title), None)
            self._add("NAME", f"{font}{{{letter}}}" if font else letter, start)
        elif character != "$":
            self._add("UNKNOWN", character, start)

    def _subscript(self, start: int) -> None:
        """Read a run of small letters below the line."""
        end = start
        while end < len(self._text) and self._text[end] in _SUBSCRIPTS:
            end += 1
        self._at = start
        self._add("SUB", "_", start)
        self._add("LBRACE", "{", start)
        kinds = {"+": "SIGN", "-": "SIGN", "(": "LPAR", ")": "RPAR"}
        for self._at in range(start + 1, end + 1):
            letter = _SUBSCRIPTS[self._text[self._at - 1]]
            kind = kinds.get(letter) or ("NUMBER" if letter.isdigit() else "NAME")
            self._add(kind, letter, self._at - 1)
        self._add("RBRACE", "}", end - 1)

    def _number(self, number: str, start: int) -> None:
        if number[0] == "." and self._last() in ("NAME", "NUMBER", "RBRACE", "RPAR", "RSQB"):
            self._at = start + 1
            self._add("DOT", ".", start)
            return
        self._add("NUMBER", number if number[0] != "." else f"0{number}", start)

    def _short_fraction(self, text: str, start: int) -> None:
        self._add("FRACTION", "\\frac", start, start + text.index("c") + 1)
        for offset, character in enumerate(text):
            if character.isdigit():
                self._add("NUMBER", character, start + offset, start + offset + 1)

    # Commands

    def _command(self, command: str, start: int) -> None:
        if command[-1] == "*" and not (
            command in signs.FONTS or command in signs.IGNORED_WITH or command == "\\sum*"
        ):
            command, self._at = command[:-1], self._at - 1
        if self._classified(command, start):
            pass
        elif command in SYMBOL_COMMANDS:
            self._symbol(_SPELLINGS.get(command, command), start)
        elif command in signs.FONTS:
            self._in_font(signs.FONTS[command], start)
        elif command in signs.TEXTS:
            self._in_text(signs.TEXTS[command], start)
        elif command in signs.SWITCHES:
            if self._last() == "LBRACE" or len(self._levels) > 1:
                self._levels[-1].font = signs.SWITCHES[command]
            else:
                self._font = signs.SWITCHES[command]
        elif command in signs.ACCENTS:
            self._add("ACCENT", command, start)
        elif command in signs.FRACTIONS:
            self._add("FRACTION", command, start)
        elif command in ("\\over", "\\atop"):
            self._add("OVER", command, start)
        elif command in ("\\begin", "\\end"):
            self._environment(command, start)
        elif command in signs.IGNORED_WITH:
            for _ in range(signs.IGNORED_WITH[command]):
                self._braced()
            if command in ("\\hspace", "\\hspace*"):
                self._add("WIDE", "q", start)
        elif command not in signs.IGNORED and command not in ("\\(", "\\)", "\\[", "\\]"):
            kind = "LAYOUT" if command in signs.LABELLED | signs.STACKED else "UNKNOWN"
            self._add(kind, command, start)
        self._side = ""

    def _braced(self) -> str | None:
        """Take the braced text that follows, whatever it holds."""
        text, at = self._text, self._at
        while at < len(text) and text[at].isspace():
            at += 1
        if at >= len(text) or text[at] != "{":
            return None
        depth, end = 0, at
        while end < len(text):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
            if depth == 0:
                self._at = end
                return text[at + 1 : end - 1]
        return None

    def _environment(self, command: str, start: int) -> None:
        name = (self._braced() or "").strip()
        if command == "\\begin" and name in ("array", "alignat", "alignat*", "alignedat"):
            self._braced()
        option = re.compile(r"\s*\[[a-z]\]").match(self._text, self._at)
        if command == "\\begin" and option is not None:
            self._at = option.end()
        self._add("BEGIN" if command == "\\begin" else "END", name, start)

    def _symbol(self, command: str, start: int) -> None:
        font = self._font or self._levels[-1].font
        self._font = None
        is_letter = command.removeprefix("\\") in GREEK_WORDS or len(command) == 1
        if font is not None and is_letter and font not in UPRIGHT:
            command = f"{font}{{{command}}}"
        self._add("NAME", command, start)

    def _in_font(self, font: str, start: int) -> None:
        match = _SIMPLE.match(self._text, self._at) or _SINGLE.match(self._text, self._at)
        if match is None or (match[1][0] == "\\" and match[1] not in SYMBOL_COMMANDS):
            self._font = font
            return
        self._at = match.end()
        self._name(font, match[1], start)

    def _name(self, font: str, inner: str, start: int) -> None:
        """Add a name in a font; in a script it is a label, and no label is a function."""
        inner = " ".join(inner.split())
        in_script = self._levels[-1].is_script or self._last() in ("SUB", "SUP")
        self._add("NAME", f"{font}{{{inner}}}" if in_script else canonical_name(font, inner), start)

    def _in_text(self, font: str, start: int) -> None:
        behind = self._at
        content = self._braced()
        if content is None:
            self._in_font(font, start)
            return
        in_script = self._levels[-1].is_script or self._last() in ("SUB", "SUP")
        inner = re.sub(r"(?<!\\)_", r"\\_", content.strip())
        if re.fullmatch(r"\\[a-zA-Z]+", inner) or (in_script and _STEP_TEXT.fullmatch(inner)):
            self._at = behind
            self._font = font if inner[:1] == "\\" else None
        elif in_script and _NAME_TEXT.fullmatch(inner):
            self._name(font, inner, start)
        else:
            self._add("TEXT", f"{font}{{{content}}}", start)

    # Letters

    def _letter(self, start: int) -> None:
        text = self._text
        known = self._known.match(text, start) if self._known is not None else None
        if known is not None:
            self._plain_word(known[0], start)
            return
        level = self._levels[-1]
        font = self._font or level.font
        if level.is_script:
            match = _SCRIPT_WORD.match(text, start)
            assert match is not None
            self._at = match.end()
            self._font = None
            self._add("NAME", f"{font}{{{match[0]}}}" if font else match[0], start)
        elif self._last() == "SUB" and self._labels(start):
            pass
        elif self._is_plain and self._last() not in ("SUB", "SUP"):
            match = _WORD.match(text, start)
            assert match is not None
            self._plain_word(match[0], start)
        elif self._is_plain and self._last() == "SUP":
            match = _PLAIN_SCRIPT.match(text, start)
            assert match is not None
            self._at = match.end()
            self._add("NAME", match[0], start)
        elif self._last() in ("SUB", "SUP"):
            self._font = None
            self._add("NAME", f"{font}{{{text[start]}}}" if font else text[start], start)
        else:
            self._run(start, font)

    def _run(self, start: int, font: str | None) -> None:
        """Read letters among LaTeX: each is a name, save those that make a function's name."""
        match = _LETTERS.match(self._text, start)
        assert match is not None
        run = match[0]
        if font in UPRIGHT and len(run) > 1:
            self._at = match.end()
            self._add("NAME", canonical_name(font or "", run), start)
            return
        if run in NOUNS or (run[0] == "d" and run[1:] in NOUNS):
            is_noun = run in NOUNS
            self._at = match.end() if is_noun else start + 1
            self._add("NAME", f"\\text{{{run}}}" if is_noun else "d", start)
            return
        found = _FUNCTION.search(run)
        if found is not None and found.start() <= 2 and len(run) - found.end() <= 1:
            if found.start() == 0:
                self._at = start + found.end()
                self._add("NAME", canonical_name("\\mathrm", found[0]), start)
                return
            run = run[: found.start()]
        for self._at in range(start + 1, start + len(run) + 1):
            self._symbol(run[self._at - 1 - start], self._at - 1)
            self._font = None

    def _labels(self, start: int) -> bool:
        """Read an unbraced subscript that is a word, as in h_prev; TeX takes one letter of it."""
        match = _LABELS.match(self._text, start)
        assert match is not None
        first, *others = match[0].split("_")
        if not self._is_plain and not (len(first) == 1 and others) and not _is_word(first):
            return False
        self._at = match.end()
        self._label_list(match[0], start)
        return True

    def _label_list(self, labels: str, start: int) -> None:
        end = start + len(labels)
        self._add("LBRACE", "{", start, start)
        at = start
        for position, label in enumerate(labels.split("_")):
            if position:
                self._add("COMMA", ",", at - 1, at)
            self._add("NUMBER" if label.isdigit() else "NAME", label, at, at + len(label))
            at += len(label) + 1
        self._add("RBRACE", "}", end, end)

    def _is_product(self, head: str, start: int) -> bool:
        """Tell whether a plain word is a weight times a state, or a d before a variable."""
        behind = self._text[start + len(head) :]
        if len(head) == 2 and head[0].isupper() and head[1].islower():
            return _STEP.match(behind) is not None
        if head[0] != "d" or len(head) < 2 or head in GREEK_WORDS | FUNCTION_WORDS:
            return False
        return _OVER_D.match(behind) is not None or (
            self._last() == "PRODUCT"
            and self._pieces[-1].text == "/"
            and _D_OVER.search(self._text[max(0, start - 60) : start]) is not None
        )

    def _plain_word(self, word: str, start: int) -> None:
        """Spell ``W_rec`` as ``W_{rec}``, ``tanh`` as ``\\tanh``, ``bias`` as ``\\text{bias}``."""
        head, _, labels = word.partition("_")
        if self._is_product(head, start):
            self._at = start + 1
            self._add("NAME", head[0], start)
            return
        middle = start + len(head)
        self._at = start + len(word)
        in_script = self._levels[-1].is_script or self._last() in ("SUB", "SUP")
        needs_group = bool(labels) and self._last() in ("SUB", "SUP")
        if needs_group:
            self._add("LBRACE", "{", start, start)
        if in_script and not labels:
            self._add("NAME", head, start, middle)
        elif head in ("sum", "prod") and (labels or self._text[middle : middle + 2] == "_{"):
            self._add("SERIES", "sum" if head == "sum" else "product", start, middle)
        elif head in FUNCTION_WORDS:
            self._add("NAME", canonical_name("\\text", head), start, middle)
        elif head in GREEK_WORDS:
            self._add("NAME", f"\\{head}", start, middle)
        else:
            self._add("NAME", f"\\text{{{head}}}" if len(head) > 1 else head, start, middle)
        if labels:
            self._add("SUB", "_", middle, middle + 1)
            self._label_list(labels, middle + 1)
        if needs_group:
            self._add("RBRACE", "}", self._at, self._at)


def _is_word(label: str) -> bool:
    """Tell whether an unbraced subscript is a word: TeX sets ``h_prev`` and ``h_th`` alike.

    A word has three letters or more of one kind, a vowel among them, and is no letter with a
    function behind it.
    """
    if label.isdigit():
        return True
    if not re.fullmatch(r"[a-z]{3,}[0-9]*|[A-Z][a-z]{2,}[0-9]*|[A-Z]{3,}|[a-zA-Z][0-9]+", label):
        return False
    return re.search(r"[aeiouAEIOU0-9]", label) is not None and label[1:] not in FUNCTION_WORDS


def _pattern(words: frozenset[str]) -> re.Pattern[str] | None:
    usable = sorted((w for w in words if _WORD.fullmatch(w)), key=len, reverse=True)
    if not usable:
        return None
    return re.compile(rf"(?<![A-Za-z0-9_\\])(?:{'|'.join(usable)})(?![A-Za-z0-9_])")
