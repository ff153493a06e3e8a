"""The rows of a display to its statements: chains are joined, side remarks are told apart."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from derivations.claims.notes.markup import Span
from derivations.claims.notes.rows import (
    ARROWS,
    DISPLAY_RELATIONS,
    RELATIONS,
    Body,
    has_relation,
    tokens,
)

EVERY_RELATION = RELATIONS | DISPLAY_RELATIONS

#: What a row starts with, or ends with, that is not whole without another row.
_CONTINUES = frozenset(
    [
        *("+", "-", "−", "*", "/", "\\cdot", "\\times", "\\odot", "\\circ", "\\otimes", "\\pm"),
        *("\\oslash", ")", "]", "\\right", "\\cdots", "\\ldots", "\\dots"),
    ]
)
_LEAVES_OPEN = (EVERY_RELATION | _CONTINUES) - {")", "]", "\\right"}
_SPACES = frozenset(["\\quad", "\\qquad", "\\hspace", "\\hfill", "\\enspace", "\\hskip"])
_MARKS = frozenset(";；，。,")

#: A break of a row, behind which the backslash of a command is its own, or words.
_WORDS = re.compile(
    r"\\\\|\\(?:text|textrm|textbf|textit|mbox|intertext|shortintertext|textnormal|mathrm|rm)"
    r"\s*\{(?P<words>(?:[^{}]|\{[^{}]*\})*)\}"
)
_PROSE = re.compile(r"\S\s+\S|[,.:;，。：；]|[\u4e00-\u9fff]")
_LONE_WORD = re.compile(
    r"\s|^(?:and|or|where|with|so|thus|hence|then|for|if|since|because|when|let|as|but|given)$"
)
_HYPOTHESIS = re.compile(r"\b(?:if|when|whenever|unless|provided|for|assuming)\b|[当若]|如果|假设")
_NUMBERING = re.compile(
    r"\\(?:textcircled|circled)\s*\{[^{}]*\}|[①-⑳❶-❿]"
    r"|(?:\\q?quad|\\hfill|\\cdots|…)\s*[(（]\s*\d{1,3}[a-z]?(?:[.\-]\d{1,3})*\s*[)）]\s*\Z"
)
#: Stand in the place of words and columns between statements while a row is split.
_WORD_MARK, _HYPOTHESIS_MARK, _COLUMN_MARK = "\x00", "\x01", "\x02"
_BETWEEN = frozenset([_WORD_MARK, _HYPOTHESIS_MARK, _COLUMN_MARK])


@dataclass(frozen=True)
class Statement:
    """One statement of a body.

    Attributes
    ----------
    pieces : tuple of (int, int)
        The stretches of the body that it consists of.
    is_aside : bool
        Whether words set it apart from the statement before it.
    """

    pieces: tuple[Span, ...]
    is_aside: bool = False

    def and_then(self, start: int, end: int) -> Statement:
        """Return the statement with another stretch."""
        first, last = self.pieces[-1]
        if last == start:
            return replace(self, pieces=(*self.pieces[:-1], (first, end)))
        return replace(self, pieces=(*self.pieces, (start, end)))


def statements(body: Body) -> list[tuple[str, int]]:
    """Return the statements of a body, and where they start in the document.

    Each text is as long as the stretch that it covers: what stands in between is blank.
    """
    found: list[Statement] = []
    main: int | None = None  # the statement that the next row may go on with
    for start, end in [(0, len(body.characters))] if body.is_one else body.rows():
        is_aligned = _is_aligned(body, start, end)
        row = _split(body, start, end)
        if row and main is not None:
            before = body.slice(max(0, found[main].pieces[-1][1] - 60), found[main].pieces[-1][1])
            if _goes_on(before, _latex(body, row[0])[0], is_aligned):
                for piece in row.pop(0).pieces:
                    found[main] = found[main].and_then(*piece)
        for statement in row:
            found.append(statement)
            main = main if statement.is_aside else len(found) - 1
    return [_latex(body, statement) for statement in found]


def _latex(body: Body, statement: Statement) -> tuple[str, int]:
    """Return the text of a statement, trimmed, and where it starts."""
    characters: list[str] = []
    first = statement.pieces[0][0]
    for start, end in statement.pieces:
        characters += " " * (start - first - len(characters))
        characters += body.characters[start:end]
    text = re.sub(r"\s", " ", "".join(characters))
    start, end = _trimmed(text)
    return text[start:end], body.offset + first + start


# Rows that go on


def _is_aligned(body: Body, start: int, end: int) -> bool:
    """Tell whether a row starts behind an alignment mark."""
    while start < end and body.characters[start].isspace():
        if start in body.ampersands:
            return True
        start += 1
    return False


def _goes_on(before: str, row: str, is_aligned: bool) -> bool:
    first = next((token for token, *_ in tokens(row)), "")
    if first in EVERY_RELATION:
        return True
    last = re.sub(r"(?:\\[,;:! ]|\s)+\Z", "", before)
    is_open = any(last.endswith(sign) for sign in _LEAVES_OPEN)
    is_part = is_open or not has_relation(row)
    return is_part or (first in _CONTINUES and is_aligned)


# Rows that hold several statements


@dataclass(frozen=True)
class _Part:
    """A stretch between separators; `separator` is where the one before it starts."""

    separator: int
    start: int
    end: int
    has_words: bool
    is_hypothesis: bool


def _split(body: Body, start: int, end: int) -> list[Statement]:
    """Split a row where one statement ends and another starts; blank the words between them."""
    for match in _NUMBERING.finditer(body.slice(start, end)):
        body.blank(start + match.start(), start + match.end())
    found: list[Statement] = []
    states = False  # whether the last statement has its relation already
    for part in list(_parts(body, start, end)):
        latex = body.slice(part.start, part.end)
        first = next((token for token, *_ in tokens(latex)), None)
        if first is None:
            continue
        condition = None
        if found and end - part.start <= _LONGEST_CONDITION:
            condition = range_of_steps(body.slice(part.start, end))
        if condition is not None:  # the rest is one range, such as t = 1, …, T
            _attach(body, replace(part, end=end), condition)
            found[-1] = found[-1].and_then(part.separator, end)
            break
        condition = range_of_steps(latex) if found else None
        if condition is not None or (found and part.is_hypothesis):
            _attach(body, part, condition or "range")
        elif found and _is_remark(latex):
            body.blank(part.separator, part.end)
            continue
        elif not found or (
            states and has_relation(latex) and first not in EVERY_RELATION | _CONTINUES
        ):
            found.append(Statement(((part.start, part.end),), part.has_words and bool(found)))
            states = has_relation(latex)
            continue
        found[-1] = found[-1].and_then(part.separator, part.end)
        states = states or has_relation(latex)
    return found


def _parts(body: Body, start: int, end: int) -> Iterator[_Part]:
    """Yield what stands between words, wide spaces, arrows and punctuation."""
    text = body.slice(start, end)
    for match in _WORDS.finditer(text):
        if match["words"] is not None and _is_prose(text, match):
            body.blank(start + match.start(), start + match.end())
            is_hypothesis = _HYPOTHESIS.search(match["words"]) is not None
            body.characters[start + match.start()] = (
                _HYPOTHESIS_MARK if is_hypothesis else _WORD_MARK
            )
    for position in body.columns[bisect_left(body.columns, start) : bisect_left(body.columns, end)]:
        body.characters[position] = _COLUMN_MARK
    separator = first = start
    between: list[str] | None = []  # the tokens of the separator that we are in
    last: list[str] = []
    for token, left, right, level in list(tokens(body.slice(start, end))):
        is_separator = token in _BETWEEN or token in _SPACES or token in _MARKS or token in ARROWS
        if token in _BETWEEN or (level == 0 and token in ARROWS):
            body.blank(start + left, start + right)
        if level == 0 and is_separator:
            if between is None:
                yield _part(separator, first, start + left, last)
                separator, between = start + left, []
            between.append(token)
        elif between is not None:
            first, last, between = start + left, between, None
    if between is None:
        yield _part(separator, first, end, last)


def _part(separator: int, start: int, end: int, between: list[str]) -> _Part:
    is_hypothesis = _HYPOTHESIS_MARK in between
    return _Part(separator, start, end, is_hypothesis or _WORD_MARK in between, is_hypothesis)


def _is_prose(text: str, match: re.Match[str]) -> bool:
    """Tell words from names such as ``\\text{softmax}``."""
    words, following = match["words"], text[match.end() : match.end() + 1]
    if following in ("_", "^"):
        return False
    if not words.strip() or _PROSE.search(words) is not None:
        return True
    return following != "(" and _LONE_WORD.search(words) is not None


def _is_remark(latex: str) -> bool:
    """Tell whether this is a parenthesis beside the statement, such as (t: the step)."""
    packed = latex.strip()
    is_bracket = packed[:1] in ("(", "（") and packed[-1:] in (")", "）")
    return is_bracket and not has_relation(latex) and ("\\" not in latex or ":" in latex)


# The range in which a statement holds

_STEP = r"(?:[ijklmnprstuvTNKτ])"
_INDEX = rf"(?:[+-]?(?:{_STEP}|[0-9]{{1,6}})(?:[+-](?:{_STEP}|[0-9]{{1,6}}))*)"
_LIST = rf"\{{?{_INDEX}(?:,(?:{_INDEX}|…))*\}}?"
_CONDITION = re.compile(
    rf"∀?[(（]?(?:{_INDEX}(?:,{_INDEX})*[=≤≥<>≠∈]{_LIST}(?:[=≤≥<>≠]{_INDEX})*|(?<=∀){_INDEX}"
    rf"|(?<=∀[(（]){_INDEX})[)）]?[.。]?"
)
_EVERYWHERE = re.compile(
    r"∀?[(（]?(?:t[=∈]\{?[01],(?:[12],)*…,[TNn]\}?|[01]≤t≤[TNn])[)）]?[.。]?|∀[(（]?t[)）]?"
)
_PLAIN = {
    **dict.fromkeys(["\\le", "\\leq", "\\leqslant"], "≤"),
    **dict.fromkeys(["\\ge", "\\geq", "\\geqslant"], "≥"),
    **dict.fromkeys(["\\ne", "\\neq"], "≠"),
    **dict.fromkeys(["\\ldots", "\\dots", "\\cdots", "\\dotsc", "\\dotsb", "⋯"], "…"),
    **dict.fromkeys([*_SPACES, "\\,", "\\;", "\\:", "\\!", "\\ ", "~"], ""),
    "\\lt": "<",
    "\\gt": ">",
    "\\forall": "∀",
    "\\in": "∈",
    "\\{": "{",
    "\\}": "}",
    "\\tau": "τ",
    "−": "-",
}
_LONGEST_CONDITION = 200


def range_of_steps(latex: str) -> Literal["range", "everywhere"] | None:
    """Tell whether this is the range of steps in which a statement holds, and if it is all.

    Examples
    --------
    >>> [range_of_steps(text) for text in ("1 \\\\le k \\\\le t", "t = 1, \\\\ldots, T", "y = W x")]
    ['range', 'everywhere', None]
    """
    if len(latex) > _LONGEST_CONDITION:
        return None
    packed = "".join(_PLAIN.get(token, token) for token, *_ in tokens(latex)).replace("...", "…")
    if _EVERYWHERE.fullmatch(packed):
        return "everywhere"
    return "range" if _CONDITION.fullmatch(packed) else None


def _attach(body: Body, part: _Part, condition: str) -> None:
    """Put a comma between a statement and its range; a range that is everything goes."""
    body.blank(part.separator, part.start)
    if condition == "everywhere":
        body.blank(part.start, part.end)
        return
    body.characters[part.separator] = ","
    latex = body.slice(part.start, part.end).strip()
    if latex[:1] in ("(", "（"):
        for position in range(part.start, part.end):
            if body.characters[position] in "()（）":
                body.characters[position] = " "


# Ends

_AROUND = " .,;:~，。；：、" + "".join(_BETWEEN)
_SPACE_COMMANDS = ("\\quad", "\\qquad", "\\,", "\\;", "\\:", "\\!", "\\ ", "\\hfill", "\\par")


def _trimmed(text: str) -> Span:
    """Leave out blanks, spaces and punctuation around a statement."""
    start, end = 0, len(text)
    while True:
        before = (start, end)
        while start < end and text[start] in _AROUND:
            start += 1
        while start < end and text[end - 1] in _AROUND and text[end - 2 : end - 1] != "\\":
            end -= 1
        for command in _SPACE_COMMANDS:
            following = text[start + len(command) : start + len(command) + 1]
            is_whole = not (command[-1].isalpha() and following.isalpha())
            if text.startswith(command, start, end) and is_whole:
                start += len(command)
            if end - start >= len(command) and text.endswith(command, start, end):
                end -= len(command)
        if (start, end) == before:
            return start, end


__all__ = ["EVERY_RELATION", "range_of_steps", "statements"]
