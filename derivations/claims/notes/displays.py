"""Every statement of a document with its place, taken out of displays and out of prose."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from derivations.claims.notes.markup import Document, Region, Span, read_document
from derivations.claims.notes.rows import RELATIONS, UnbalancedError, has_relation, peel, tokens
from derivations.claims.notes.statements import EVERY_RELATION, statements
from derivations.errors import Place


@dataclass(frozen=True)
class Display:
    """One statement.

    Attributes
    ----------
    latex : str
        The statement, as long as its place: what is no part of it (alignment, row breaks, words,
        comments) is blank.
    place : Place
        Where it stands in the document.
    line : int
        The number of its first line.
    inline : bool
        Whether it stands in a line of prose.
    block : tuple of (int, int)
        The formula that it was taken from, with its delimiters.
    row : int
        Its number among the statements of that formula, from 1.
    """

    latex: str
    place: Place
    line: int
    inline: bool
    block: Span
    row: int

    @property
    def shown(self) -> str:
        """The statement on one line."""
        return " ".join(self.latex.split())


@dataclass(frozen=True)
class Problem:
    """A piece of a document that cannot be taken apart."""

    reason: str
    place: Place
    line: int


@dataclass(frozen=True)
class Found:
    """Everything that a document states.

    Attributes
    ----------
    document : Document
    displays : tuple of Display
        In the order of the text.
    problems : tuple of Problem
        In the order of the text.
    """

    document: Document
    displays: tuple[Display, ...]
    problems: tuple[Problem, ...]


def find_displays(text: str) -> Found:
    """Find the statements of a document.

    A text without any delimiter of mathematics is read line by line.

    Parameters
    ----------
    text : str
        Markdown or LaTeX.

    Examples
    --------
    >>> text = "Let $a = b$.\\n\\\\begin{align} c &= d \\\\\\\\ &= e, & f &= g \\\\end{align}"
    >>> [(display.line, display.shown) for display in find_displays(text).displays]
    [(1, 'a = b'), (2, 'c = d = e'), (2, 'f = g')]
    """
    document = read_document(text)
    line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
    displays: list[Display] = []
    problems: list[Problem] = []

    def line(position: int) -> int:
        return bisect_right(line_starts, position)

    def report(reason: str, start: int, end: int) -> None:
        problems.append(Problem(reason, Place(text, start, end), line(start)))

    for unbalanced in document.unbalanced:
        report(unbalanced.reason, unbalanced.start, unbalanced.end)
    for region in document.regions or _bare_lines(document):
        try:
            found = _stated(document, region)
        except UnbalancedError as error:
            report(error.reason, error.start, error.end)
            continue
        for row, (latex, start) in enumerate(found, 1):
            place = Place(text, start, start + len(latex))
            block = (region.outer_start, region.outer_end)
            displays.append(Display(latex, place, line(start), region.inline, block, row))
    problems.sort(key=lambda problem: problem.place.start)
    return Found(document, tuple(displays), tuple(problems))


_MARKED_LINE = re.compile(r"\s*[#>|]|.*\$")
_WORD = re.compile(r"(?<![\\\w{])[A-Za-z]{2,}(?![\w(])")
_FEWEST_WORDS = 3


def _bare_lines(document: Document) -> list[Region]:
    """Return the lines that are equations, of a text without delimiters."""
    return [
        Region(*match.span(), *match.span(), inline=False)
        for match in re.finditer(r"[^\n]+", document.readable)
        if has_relation(match[0])
        and _MARKED_LINE.match(match[0]) is None
        and len(_WORD.findall(match[0])) < _FEWEST_WORDS
    ]


def _stated(document: Document, region: Region) -> list[tuple[str, int]]:
    body = peel(document.readable, region.start, region.end, region.environment)
    # In prose, x ∈ A and f: A → B describe.
    signs = RELATIONS if region.inline else EVERY_RELATION
    return [(latex, start) for latex, start in statements(body) if _states(latex, signs)]


def _states(latex: str, signs: frozenset[str]) -> bool:
    """Tell whether this is a statement; an unbalanced bracket hides no relation."""
    if has_relation(latex, signs):
        return True
    found = [token for token, *_ in tokens(latex)]
    opened, closed = (sum(token in group for token in found) for group in ("([", ")]"))
    return opened > closed and not signs.isdisjoint(found)


__all__ = ["Display", "Found", "Problem", "find_displays"]
