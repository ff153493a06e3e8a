"""Notes judged: every equation of a document that claims something gets its verdict.

find       text -> statements with their places        derivations.claims.notes.displays
listen     prose -> declarations                       derivations.claims.notes.sentences
read       statements -> syntax                        derivations.claims.notes.items
sort       statements -> sections, each a network      derivations.claims.notes.sections
prepare    section -> what its claims rest on          derivations.claims.notes.section_model
judge      section -> verdicts                         derivations.claims.notes.section_model
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from derivations.claims.notes.displays import Display, Found, Problem, find_displays
from derivations.claims.notes.habits import at_every_step, without_arguments
from derivations.claims.notes.items import Item, function_said, read_items
from derivations.claims.notes.macros import written_out
from derivations.claims.notes.naming import Names
from derivations.claims.notes.section_model import Prepared, follows, prepare, verdicts
from derivations.claims.notes.sections import sort
from derivations.claims.notes.sentences import Said, said
from derivations.claims.notes.statements import range_of_steps
from derivations.claims.verdict import Verdict, VerdictName
from derivations.errors import ModelError, NotationError, Place
from derivations.notation.text import LONGEST_TEXT

#: More than a book has are no notes.
MOST_STATEMENTS = 10_000
MOST_CLAIMS = 2000

StatedKind: TypeAlias = Literal["forward equation", "definition", "declaration", "assumption"]
Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True)
class CheckedClaim:
    """One equation of the notes and what is said of it.

    Attributes
    ----------
    line : int
        The number of its first line.
    place : Place
    claim : str
        Its LaTeX, on one line.
    verdict : Verdict
    block : tuple of (int, int)
        The formula of the document that it stands in, with the delimiters.
    row : int
        Its number in that formula, from 1.
    """

    line: int
    place: Place
    claim: str
    verdict: Verdict
    block: tuple[int, int]
    row: int


@dataclass(frozen=True)
class Stated:
    """Something that the claims are judged against.

    Attributes
    ----------
    kind : str
        Forward equation, definition, declaration, or assumption of the reader.
    line : int or None
        Where the notes say it; None for an assumption.
    text : str
    """

    kind: StatedKind
    line: int | None
    text: str


@dataclass(frozen=True)
class Checked:
    """Notes with their verdicts.

    Attributes
    ----------
    text : str
        The notes.
    is_latex : bool
        Whether they are a LaTeX document, and no Markdown.
    claims : tuple of CheckedClaim
        In the order of the text.
    stated : tuple of Stated
        In the order of the text, assumptions last.
    """

    text: str
    is_latex: bool
    claims: tuple[CheckedClaim, ...]
    stated: tuple[Stated, ...]

    @property
    def counts(self) -> Mapping[VerdictName, int]:
        """How many claims got each verdict."""
        return Counter(claim.verdict.verdict for claim in self.claims)


def check_notes(text: str, *, repairs: bool = True, progress: Progress | None = None) -> Checked:
    """Judge every claim of some notes.

    Parameters
    ----------
    text : str
        Markdown or LaTeX, with the forward equations of a network among its formulas. Commands
        that it defines for itself (``\\newcommand``) are written out.
    repairs : bool
        Whether to look for what would mend a false equation.
    progress : callable, optional
        Told how many claims are judged, and how many there are.

    Raises
    ------
    BpttError
        When the text is too long or none, or holds no equations, or none that defines a network.
    """
    text = written_out(text)
    found = _found(text)
    items, declared = _declarations(found, without_arguments(read_items(_meant(found))))
    items = at_every_step(items, _names(items))
    names = _names(items)
    sections = sort(items, names, follows)
    if not any(section.computed() for section in sections):
        raise ModelError(
            "There is no forward equation here that the others could be judged against.",
            hint="Write the network among the formulas: $$h_t = \\tanh(W h_{t-1} + U x_t + b)$$",
        )
    total = len(found.problems) + sum(len(section.claims) for section in sections)
    if total > MOST_CLAIMS:
        raise NotationError(f"The notes make {total} claims; at most {MOST_CLAIMS} are judged.")
    prepared = [prepare(section, names, declared) for section in sections]
    judged = [_unreadable(problem) for problem in found.problems]
    for section in prepared:
        for display, verdict in verdicts(section, repairs):
            judged.append(_checked(display, verdict))
            if progress is not None:
                progress(len(judged), max(total, len(judged)))
    judged.sort(key=lambda claim: claim.place.start)
    stated = tuple(_stated(prepared, text))
    return Checked(text, found.document.is_latex, tuple(judged), stated)


def _names(items: Sequence[Item]) -> Names:
    return Names(item.statement for item in items if item.statement is not None)


def _found(text: str) -> Found:
    if len(text) > LONGEST_TEXT:
        raise NotationError(
            f"The text has {len(text)} characters; at most {LONGEST_TEXT} are read."
        )
    if "\0" in text:
        raise NotationError("This is no text: it holds a NUL character.")
    found = find_displays(text)
    if not found.displays and not found.problems:
        raise NotationError(
            "There are no equations here.",
            hint="Equations stand between $$ … $$ or \\[ … \\], in environments such as align, "
            "or between $ … $ in a line.",
        )
    if len(found.displays) > MOST_STATEMENTS:
        raise NotationError(
            f"The notes hold {len(found.displays)} formulas; at most {MOST_STATEMENTS} are read."
        )
    return found


# Which statements are meant

_HYPOTHESIS = re.compile(
    r"(?:\b(?:if|when|whenever|suppose|assume|assuming|unless|for|provided)\b|[当若]|如果|假设|对于)"
    r"[^.;:。；：\n]*\Z",
    re.IGNORECASE,
)
_DEFINES = re.compile(r"\\?[A-Za-z{}\\]+(?:[_^](?:\{[^{}]*\}|\w))*\s*:?=")
_SETS_A_SIZE = re.compile(r"[^=_]*=\s*[0-9.,]+\s*")
_LONGEST_CLAUSE = 120


def _meant(found: Found) -> list[Display]:
    """Leave out ranges of steps and, in prose, sizes and hypotheses: they claim nothing."""
    return [
        display
        for display in found.displays
        if range_of_steps(display.latex) is None
        and not (display.inline and _is_aside(found, display))
    ]


def _is_aside(found: Found, display: Display) -> bool:
    start = display.block[0]
    before = found.document.readable[max(0, start - _LONGEST_CLAUSE) : start]
    is_hypothesis = _HYPOTHESIS.search(before) is not None
    is_size = _SETS_A_SIZE.fullmatch(display.latex) is not None
    return is_size or (is_hypothesis and _DEFINES.match(display.latex) is None)


def _declarations(found: Found, items: Sequence[Item]) -> tuple[list[Item], list[Said]]:
    """Tell equations that declare from those that state: σ = tanh, x_t ∈ ℝ^m."""
    declared = said(found.document)
    shapes = {(one.place.start, one.place.end) for one in declared if one.subject[1] == "shape"}
    kept = []
    for item in items:
        place = item.display.place
        line = function_said(item.display, item.statement)
        if line is not None:
            declared.append(Said(line, (line.partition(" is ")[0], "function"), place))
        elif not any(start <= place.start and place.end <= end for start, end in shapes):
            kept.append(item)
    return kept, sorted(declared, key=lambda one: one.place.start)


# What is handed back


def _checked(display: Display, verdict: Verdict) -> CheckedClaim:
    return CheckedClaim(
        display.line, display.place, display.shown, verdict, display.block, display.row
    )


def _unreadable(problem: Problem) -> CheckedClaim:
    place = problem.place
    piece = place.text[place.start : place.end]
    verdict = Verdict(piece, "not_checkable", why=problem.reason)
    return CheckedClaim(problem.line, place, piece, verdict, (place.start, place.end), 1)


def _stated(prepared: Sequence[Prepared], text: str) -> Iterator[Stated]:
    """Yield everything once, though several sections may rest on it."""
    lines = {
        line.display.place.start: Stated(line.kind, line.display.line, line.display.shown)
        for one in prepared
        for line in one.section.lines.values()
    }
    declared = {
        (said.place.start, said.text): Stated(
            "declaration", text.count("\n", 0, said.place.start) + 1, said.text
        )
        for one in prepared
        for said in one.declared
    }
    yield from sorted([*lines.values(), *declared.values()], key=lambda stated: stated.line or 0)
    for assumed in dict.fromkeys(line for one in prepared for line in one.assumed):
        yield Stated("assumption", None, assumed)


__all__ = ["Checked", "CheckedClaim", "Stated", "check_notes"]
