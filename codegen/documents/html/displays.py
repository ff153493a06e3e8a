"""Displayed rows → HTML: each chain broken for a desk and for a phone, with its mark and number."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from codegen.documents.document import Mark, Row
from codegen.documents.html.mathematics import aligned, mathml
from codegen.documents.layout import Line, relaxed
from codegen.documents.rendering import render
from codegen.documents.rows import broken, room_or_line, widest
from codegen.documents.translation import translations

#: What a phone of 360 pixels shows beside its margins, in em; there, what stands beside an
#: equation goes below it.
PHONE = 18.0
#: Smaller letters than this share are hard to read; what is wider still, scrolls.
SMALLEST = 0.75
#: Brackets around something tall are wider in browsers than in TeX, by so much a pair.
_BRACKET = 0.6
_TALL = re.compile(r"\\(?:begin|left)(?![a-zA-Z])")


@dataclass(frozen=True)
class Links:
    """What rows refer to: the equations of the document, those of them that are anchored already
    (an id stands once in a page), and the language of the words beside them."""

    language: str
    numbers: frozenset[int]
    anchored: set[int] = field(default_factory=set)

    def anchor(self, number: int | None) -> str:
        """Return the attribute of the first row with a number."""
        if number is None or number in self.anchored:
            return ""
        self.anchored.add(number)
        return f' id="eq-{number}"'


@dataclass(frozen=True)
class _Layout:
    """A chain in lines, and which screens show it."""

    screen: str
    style: str
    mathematics: str


def row(shown: Row, links: Links) -> str:
    """Return a row of a display."""
    is_linked = shown.source in links.numbers
    return render(
        __package__ or "",
        "row.html.jinja",
        language=links.language,
        anchor=links.anchor(shown.number),
        layouts=_layouts(shown),
        conditions=mathml(relaxed(shown.conditions)) if shown.conditions else "",
        kind=shown.mark,
        mark=_mark(shown.mark, links.language),
        number="" if shown.number is None else str(shown.number),
        label=shown.label,
        source="" if shown.source is None else str(shown.source),
        is_linked=is_linked,
    )


def _layouts(shown: Row) -> tuple[_Layout, ...]:
    wide = broken(shown, room_or_line(shown))
    narrow = broken(shown, PHONE, PHONE)
    style = _shrunk(narrow)
    if wide == narrow:
        return (_Layout("", style, aligned(wide)),)
    return (_Layout(" wide", "", aligned(wide)), _Layout(" narrow", style, aligned(narrow)))


def _shrunk(lines: tuple[Line, ...]) -> str:
    """Return the style in which lines that cannot be broken fit a phone, too."""
    needed = widest(lines) + _BRACKET * max(len(_TALL.findall(line.right)) for line in lines)
    if needed <= PHONE:
        return ""
    return f' style="--phone:{max(PHONE / needed, SMALLEST):.0%}"'


def _mark(mark: Mark, language: str) -> str:
    words = translations(language).gettext
    marks: dict[Mark, str] = {
        "given": words("given"),
        "definition": words("def."),
        "proven": "✓",
        "numeric": "≈",
        "false": "✗",
        "": "",
    }
    return marks[mark]


__all__ = ["PHONE", "Links", "row"]
