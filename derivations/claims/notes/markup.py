"""Where the mathematics of a document stands, in Markdown and in LaTeX."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from derivations.claims.notes.blanks import (
    Span,
    blanked,
    blanked_latex,
    blanked_markdown,
    is_latex,
    tex_comments,
)

#: Environments that are displays of their own.
DISPLAY_ENVIRONMENTS = frozenset(
    [
        *("equation", "displaymath", "align", "aligned", "alignat", "alignedat", "flalign"),
        *("gather", "gathered", "multline", "eqnarray", "split", "subequations"),
    ]
)


@dataclass(frozen=True)
class Region:
    """A formula, or several, between their delimiters.

    Attributes
    ----------
    start, end : int
        What stands between the delimiters.
    outer_start, outer_end : int
        The same with the delimiters.
    inline : bool
        Whether it stands in a line of prose.
    environment : str
        The environment that delimits it, without star; empty for other delimiters.
    """

    start: int
    end: int
    outer_start: int
    outer_end: int
    inline: bool
    environment: str = ""


@dataclass(frozen=True)
class Unbalanced:
    """A delimiter without its partner."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True)
class Document:
    """A text with its mathematics found.

    Attributes
    ----------
    text : str
        As the user wrote it.
    readable : str
        The same, with code and comments blanked.
    regions : tuple of Region
        In the order of the text.
    unbalanced : tuple of Unbalanced
        In the order of the text.
    is_latex : bool
        Whether it is a LaTeX document, and no Markdown.
    """

    text: str
    readable: str
    regions: tuple[Region, ...]
    unbalanced: tuple[Unbalanced, ...]
    is_latex: bool


def read_document(text: str) -> Document:
    """Find the mathematics of a document.

    Examples
    --------
    >>> document = read_document("As $a = b$, `$no$` formula:\\n$$c = d$$\\n")
    >>> [text for region in document.regions if (text := document.text[region.start : region.end])]
    ['a = b', 'c = d']
    """
    readable, formulas = (blanked_latex(text), []) if is_latex(text) else blanked_markdown(text)
    fenced = [Region(*body, *block, inline=False) for body, block in formulas]
    # What stands in a fence is a region already: the scanner shall not look into it.
    scanner = _Scanner(blanked(readable, [body for body, _ in formulas]), is_latex(text))
    regions = sorted([*scanner.regions, *fenced], key=lambda region: region.start)
    comments = [c for r in regions for c in tex_comments(readable, r.start, r.end)]
    readable = blanked(readable, comments)
    return Document(text, readable, tuple(regions), tuple(scanner.unbalanced), is_latex(text))


_DELIMITER = re.compile(
    r"\\\\[\[\]()]|\\\\|\$\$|\$|\\[\[\]()]|\\(begin|end)[ \t]*\{([A-Za-z]+)\*?\}|\\."
    r"|(?P<blank>\n(?:[ \t\r]*\n)+)",
    re.DOTALL,
)
_HEADING_OR_WORDS = re.compile(
    r"^[ \t]*#{1,6}[ \t]|(?:(?<![\\A-Za-z{_^])[A-Za-z]{2,}[ ,]+){4}|[\u4e00-\u9fff]{4}",
    re.MULTILINE,
)
_TEXT_IN_MATHS = re.compile(r"\\(?:text|mbox|textrm|textbf|textit|intertext)\s*\{[^{}]*\}")
_ARGUMENTS = re.compile(r"\s*(?:\[[a-z]\]|\{[0-9]{1,2}\})")
_WIDEST_INDENT = 100
_CLOSING = {"\\[": "\\]", "\\(": "\\)", "\\\\[": "\\\\]", "\\\\(": "\\\\)"}


@dataclass(frozen=True)
class _Delimiter:
    kind: str
    start: int
    end: int
    name: str = ""


class _Scanner:
    """Finds pairs of delimiters, each in time proportional to what stands between them."""

    def __init__(self, text: str, is_latex: bool) -> None:
        self._text = text
        self._is_latex = is_latex
        self._found = list(_delimiters(text))
        self._where: dict[str, list[int]] = {}
        for number, delimiter in enumerate(self._found):
            self._where.setdefault(delimiter.kind, []).append(number)
        self._partners = _partners(self._found)
        self.regions: list[Region] = []
        self.unbalanced: list[Unbalanced] = []
        self._scan()

    def _scan(self) -> None:
        number = 0
        while number < len(self._found):
            closing = self._closing(number)
            if closing is None:
                number += 1
            else:
                self._keep(number, closing)
                number = closing + 1

    def _keep(self, number: int, closing: int) -> None:
        opener, closer = self._found[number], self._found[closing]
        start = opener.end
        if opener.kind == "begin":
            arguments = _ARGUMENTS.match(self._text, start)
            start = arguments.end() if arguments is not None else start
        inline = opener.kind.endswith(("(", "$")) and opener.kind != "$$"
        self.regions.append(
            Region(start, closer.start, opener.start, closer.end, inline, opener.name)
        )

    def _closing(self, number: int) -> int | None:
        """Return the partner of a delimiter that opens something, or None."""
        opener = self._found[number]
        match opener.kind:
            case "$$":
                return self._closing_dollars(number)
            case "$":
                return self._closing_dollar(number)
            case "begin" if opener.name in DISPLAY_ENVIRONMENTS:
                return self._closing_environment(number)
            case "end" if opener.name in DISPLAY_ENVIRONMENTS:
                self._report(number, f"This \\end{{{opener.name}}} closes nothing.")
            case "\\[" | "\\(" | "\\\\[" | "\\\\(":
                return self._closing_bracket(number)
        return None

    def _closing_dollars(self, number: int) -> int | None:
        closing = self._next("$$", number)
        if closing is None or self._runs_into_prose(number, closing):
            self._report(number, "This $$ is not closed.")
            return None
        return closing

    def _closing_dollar(self, number: int) -> int | None:
        """Pair dollars of one paragraph as pandoc does, or with blanks inside both of them."""
        closing = self._next("$", number)
        if closing is None or any(
            between is not None and between < closing
            for between in (self._next("blank", number), self._next("$$", number))
        ):
            return None
        opener, closer = self._found[number], self._found[closing]
        blank_first = self._text[opener.end : opener.end + 1].isspace()
        blank_last = self._text[closer.start - 1].isspace()
        if opener.end == closer.start or blank_first != blank_last:
            return None
        is_price = self._text[closer.end : closer.end + 1].isdigit()
        return None if is_price and not blank_first else closing

    def _closing_environment(self, number: int) -> int | None:
        closing = self._partners.get(number)
        dollars = self._next("$$", number)
        if closing is None or (dollars is not None and dollars < closing):
            self._report(number, f"This \\begin{{{self._found[number].name}}} is not closed.")
            return None
        return closing

    def _closing_bracket(self, number: int) -> int | None:
        kind = self._found[number].kind
        if self._is_latex and kind.startswith("\\\\"):
            return None  # the end of a line
        closing, again = self._next(_CLOSING[kind], number), self._next(kind, number)
        blank = self._next("blank", number)
        is_whole = closing is not None and (again is None or closing < again)
        if is_whole and (kind == "\\[" or blank is None or closing < blank):  # type: ignore[operator]
            return closing
        # In Markdown \[ is a bracket, too; at the start of a line it was meant as mathematics.
        if kind == "\\[" and _starts_a_line(self._text, self._found[number].start):
            self._report(number, "This \\[ is not closed.")
        return None

    def _next(self, kind: str, number: int) -> int | None:
        places = self._where.get(kind, [])
        position = bisect_right(places, number)
        return places[position] if position < len(places) else None

    def _runs_into_prose(self, number: int, closing: int) -> bool:
        """Tell whether the next $$ opens a formula of its own, for this one was never closed."""
        body = self._text[self._found[number].end : self._found[closing].start]
        dollar = self._next("$", number)
        if dollar is not None and dollar < closing:
            before = body[: self._found[dollar].start - self._found[number].end]
            if before.count("{") <= before.count("}"):
                return True  # a formula in the prose; in \text{…} it would stand in braces
        blank = self._next("blank", number)
        has_blank = blank is not None and blank < closing
        is_odd = len(self._where["$$"]) % 2 == 1
        if has_blank and is_odd:
            return True
        is_prose = _HEADING_OR_WORDS.search(_TEXT_IN_MATHS.sub(" ", body)) is not None
        return is_prose and (has_blank or is_odd)

    def _report(self, number: int, reason: str) -> None:
        delimiter = self._found[number]
        self.unbalanced.append(Unbalanced(delimiter.start, delimiter.end, reason))


def _starts_a_line(text: str, position: int) -> bool:
    before = text[max(0, position - _WIDEST_INDENT) : position]
    return not before.rpartition("\n")[2].strip() and ("\n" in before or position < _WIDEST_INDENT)


def _delimiters(text: str) -> Iterator[_Delimiter]:
    for match in _DELIMITER.finditer(text):
        if match["blank"] is not None:
            yield _Delimiter("blank", *match.span())
        elif match[1] is not None:
            yield _Delimiter(match[1], *match.span(), match[2])
        elif match[0] in ("$$", "$") or match[0][-1] in "[]()":
            yield _Delimiter(match[0], *match.span())


def _partners(found: Sequence[_Delimiter]) -> dict[int, int]:
    """Return which \\end closes which \\begin; what is crossed has no partner."""
    partners: dict[int, int] = {}
    stack: list[int] = []
    open_names: Counter[str] = Counter()
    for number, delimiter in enumerate(found):
        if delimiter.kind == "begin":
            stack.append(number)
            open_names[delimiter.name] += 1
        elif delimiter.kind == "end" and open_names[delimiter.name]:
            while stack:
                opener = stack.pop()
                open_names[found[opener].name] -= 1
                if found[opener].name == delimiter.name:
                    partners[opener] = number
                    break
    return partners


__all__ = ["DISPLAY_ENVIRONMENTS", "Document", "Region", "Span", "Unbalanced", "read_document"]
