"""From the text that people write to pieces: names, numbers, signs and commands with their places.

Here it is settled what one name is: which letters stand alone and which make a word, what a font
holds, and which words are functions. What the commands do to the pieces is settled in `layout.py`.
"""

from __future__ import annotations

import re

from derivations.notation import signs
from derivations.notation.scanner import Piece, Scanner
from derivations.notation.signs import FUNCTION_WORDS, GREEK_LETTERS, GREEK_WORDS, SYMBOL_COMMANDS
from derivations.notation.words import (
    LABELS,
    LETTERS,
    NAME_TEXT,
    PLAIN_WORD,
    are_labels,
    canonical,
    canonical_name,
    first_of_run,
    is_product,
    known_words,
    plain_name,
)

__all__ = ["FUNCTION_WORDS", "GREEK_LETTERS", "GREEK_WORDS", "SYMBOL_COMMANDS", "Piece", "scan"]

_SCAN = re.compile(
    r"""
      (?P<row>\\\\\*?(?:\s*\[\s*-?[0-9.]+\s*(?:pt|em|ex|mm|cm|in)\s*\])?
          |\\(?:cr|newline)(?![a-zA-Z]))
    | (?P<blank>(?:\s|~|[\u200b\u2060\u2061\ufeff]|\\[,;:!>/]|\\\s
          |\\(?:thinspace|medspace|thickspace|negthinspace|enspace|enskip|space)(?![a-zA-Z]))+)
    | (?P<wide>\\q?quad(?![a-zA-Z]))
    | (?P<size>\\(?:left|right|middle|[bB]igg?[lrm]?)(?![a-zA-Z]))
    | (?P<fraction>\\[dtc]?frac\s*[0-9]\s*[0-9])
    | \\not\s*(?P<negated>\\[a-zA-Z]+|[=<>∈])
    | (?P<command>\\[a-zA-Z]+\*?|\\[{}|()\[\]_&%$\#])
    | (?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)
    | (?P<letter>[A-Za-z])
    | (?P<sign>\.\.\.|:=|=:|==|<=|>=|!=|\+=|-=|->|=>|\|\|)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_SPACES = re.compile(r"\\[;: ]|~")
#: What a font may hold to make one name.
_SIMPLE = re.compile(r"\s*\{\s*(\\[a-zA-Z]+|[a-zA-Z0-9][a-zA-Z0-9 ]*?)\s*\}")
_SINGLE = re.compile(r"\s*(\\[a-zA-Z]+|[a-zA-Z0-9])")
#: The name of an operator, which may hold small blanks.
_OPERATOR = re.compile(r"\s*\{((?:[A-Za-z0-9 ~-]|\\[,;:! ])+)\}")
_SPACING = re.compile(r"\\[,;:! ]|[~-]")
_BRACKETED = re.compile(r"\[[^\[\]{}]*\]")
_SCRIPT_WORD = re.compile(r"[A-Za-z]+(?:\\_[A-Za-z0-9]+)*")
_PLAIN_SCRIPT = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_STEP_TEXT = re.compile(r"[A-Za-z]\s*[+-]\s*[0-9]")
_LETTERS_BEFORE = re.compile(r"(?<!\\)(?<![A-Za-z])[A-Za-z]+\Z")
_OPTION = re.compile(r"\s*\[[a-z]\]")
_PRODUCT_SIGN = re.compile(r"\s*\{\s*\\prod\s*\}")


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
    return _Lexer(text, base, words).pieces()


class _Lexer(Scanner):
    def __init__(self, text: str, base: int, words: frozenset[str]) -> None:
        super().__init__(text, base)
        self._is_plain = "\\" not in text
        self._known = known_words(words)

    def pieces(self) -> list[Piece]:
        text, length = self._text, len(self._text)
        while self._at < length:
            match = _SCAN.match(text, self._at)
            assert match is not None
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
            elif kind == "negated":
                self._negated(match["negated"], start)
            elif kind == "fraction":
                self._short_fraction(match[0], start)
            else:
                self._sign(match[0], start)
        return self._pieces

    # Commands

    def _command(self, command: str, start: int) -> None:
        if command[-1] == "*" and command not in (*signs.FONTS, *signs.IGNORED_WITH):
            command, self._at = command[:-1], self._at - 1
        if self._classified(command, start):
            pass
        elif command in SYMBOL_COMMANDS:
            self._symbol(canonical(command), start)
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
            sign = _PRODUCT_SIGN.match(self._text, self._at)
            if command == "\\overrightarrow" and sign is not None:
                self._at = sign.end()
                self._add("SERIES", "ascending product", start)
            else:
                self._add("ACCENT", command, start)
        elif command in signs.FRACTIONS:
            self._add("FRACTION", command, start)
        elif command in ("\\over", "\\atop"):
            self._add("OVER", command, start)
        elif command in ("\\begin", "\\end"):
            self._environment(command, start)
        elif command in signs.IGNORED_WITH:
            option = _BRACKETED.match(self._text, self._at)
            if option is not None and "color" in command:
                self._at = option.end()
            self._braced()
            if command in ("\\hspace", "\\hspace*"):
                self._add("WIDE", "q", start)
        elif command not in signs.IGNORED:
            kind = "LAYOUT" if command in signs.LABELLED | signs.STACKED else "UNKNOWN"
            self._add(kind, command, start)
        self._side = ""

    def _negated(self, sign: str, start: int) -> None:
        relation = signs.RELATIONS.get(sign)
        kind = "UNKNOWN" if relation is None else "RELATION"
        text = {"=": "\\neq", "\\in": "\\notin"}.get(relation or "", f"\\not{sign}")
        self._add(kind, text, start)

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
        option = _OPTION.match(self._text, self._at)
        if command == "\\begin" and option is not None:
            self._at = option.end()
        self._add("BEGIN" if command == "\\begin" else "END", name, start)

    def _in_font(self, font: str, start: int) -> None:
        operator = _OPERATOR.match(self._text, self._at)
        if operator is not None and font.startswith("\\operatorname"):
            self._at = operator.end()
            self._name(font, _SPACING.sub("", operator[1]), start)
            return
        match = _SIMPLE.match(self._text, self._at) or _SINGLE.match(self._text, self._at)
        if match is None or (match[1][0] == "\\" and match[1] not in SYMBOL_COMMANDS):
            self._font = font
            return
        self._at = match.end()
        self._name(font, match[1], start)

    def _name(self, font: str, inner: str, start: int) -> None:
        """Add a name in a font; in a script it is a label, and no label is a function."""
        inner = " ".join(inner.split())
        in_script = self._in_script()
        self._add("NAME", f"{font}{{{inner}}}" if in_script else canonical_name(font, inner), start)

    def _in_text(self, font: str, start: int) -> None:
        behind = self._at
        content = self._braced()
        if content is None:
            self._in_font(font, start)
            return
        in_script = self._in_script()
        inner = re.sub(r"(?<!\\)_", r"\\_", content.strip())
        if re.fullmatch(r"\\[a-zA-Z]+", inner) or (in_script and _STEP_TEXT.fullmatch(inner)):
            self._at = behind
            self._font = font if inner[:1] == "\\" else None
        elif in_script and NAME_TEXT.fullmatch(inner):
            self._name(font, inner, start)
        else:
            self._add("TEXT", f"{font}{{{content}}}", start)

    # Letters

    def _letter(self, start: int) -> None:
        text = self._text
        known = self._known.match(text, start) if self._known is not None else None
        if known is not None:
            self._plain_word(known[0], start)
        elif self._levels[-1].is_script:
            self._script_word(_SCRIPT_WORD, start)
        elif self._last() == "SUB" and self._labels(start):
            pass
        elif self._last() == "SUP" and self._is_plain:
            self._script_word(_PLAIN_SCRIPT, start)
        elif self._last() in ("SUB", "SUP"):
            self._at = start + 1
            self._add("NAME", text[start], start)
        elif self._is_plain:
            word = _matched(PLAIN_WORD, text, start)
            head = word.split("_", 1)[0]
            behind = start + len(head)
            if is_product(head, text[max(0, start - 60) : start], text[behind : behind + 60]):
                word = head[0]
            self._plain_word(word, start)
        else:
            self._run(start)

    def _script_word(self, pattern: re.Pattern[str], start: int) -> None:
        word = _matched(pattern, self._text, start)
        font = self._font or self._levels[-1].font
        self._font = None
        self._at = start + len(word)
        self._add("NAME", f"{font}{{{word}}}" if font else word, start)

    def _run(self, start: int) -> None:
        """Read the next name of letters among LaTeX: one letter, save where they make a word."""
        run = _matched(LETTERS, self._text, start)
        font = self._font or self._levels[-1].font
        if font in signs.UPRIGHT and len(run) > 1:
            self._at = start + len(run)
            self._font = None
            self._add("NAME", canonical_name(font, run), start)
            return
        before = _LETTERS_BEFORE.search(self._text[max(0, start - 20) : start])
        # Words stand at the beginning of a run, or behind the d of a differential.
        can_be_word = before is None or before[0] == "d" or run in FUNCTION_WORDS
        length, name = first_of_run(run) if can_be_word else (1, run[0])
        self._at = start + length
        if length == 1:
            self._symbol(name, start)
        else:
            self._add("NAME", name, start)

    def _labels(self, start: int) -> bool:
        """Read an unbraced subscript that is a word, as in h_prev; TeX takes one letter of it."""
        labels = _matched(LABELS, self._text, start)
        first, *others = labels.split("_")
        if not self._is_plain and not are_labels(first, others):
            return False
        self._at = start + len(labels)
        self._label_list(labels, start)
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

    def _plain_word(self, word: str, start: int) -> None:
        """Spell ``W_rec`` as ``W_{rec}``, ``tanh`` as ``\\tanh``, ``bias`` as ``\\text{bias}``."""
        head, _, labels = word.partition("_")
        middle = start + len(head)
        self._at = start + len(word)
        needs_group = bool(labels) and self._last() in ("SUB", "SUP")
        if needs_group:
            self._add("LBRACE", "{", start, start)
        if self._in_script() and not labels:
            self._add("NAME", head, start, middle)
        elif head in ("sum", "prod") and (labels or self._text.startswith("_{", middle)):
            self._add("SERIES", "sum" if head == "sum" else "product", start, middle)
        else:
            self._add("NAME", plain_name(head), start, middle)
        if labels:
            self._add("SUB", "_", middle, middle + 1)
            self._label_list(labels, middle + 1)
        if needs_group:
            self._add("RBRACE", "}", self._at, self._at)


def _matched(pattern: re.Pattern[str], text: str, start: int) -> str:
    match = pattern.match(text, start)
    assert match is not None
    return match[0]
