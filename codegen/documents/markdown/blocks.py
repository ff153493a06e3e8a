"""Blocks of a document → Markdown, for a file and for the cells of a notebook."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import singledispatch

from codegen.documents.document import (
    Block,
    Display,
    Exercise,
    Figure,
    Heading,
    Items,
    Listing,
    Mark,
    Paragraph,
    Row,
    Table,
    spans,
)
from codegen.documents.layout import body
from codegen.documents.markdown.words import escape, portable, prose
from codegen.documents.printed import plain
from codegen.documents.rows import broken, room
from codegen.documents.translation import translations

_ALIGNMENTS = {"l": ":--", "c": ":-:", "r": "--:", "p": ":--"}


@dataclass(frozen=True)
class Place:
    """Where Markdown is written: its language, and what its figures' names begin with."""

    language: str
    prefix: str

    def word(self, english: str) -> str:
        """Return a word of this format in the language."""
        return translations(self.language).gettext(english)

    def figure(self, figure: Figure) -> str:
        """Return where the file of a figure is."""
        return f"{self.prefix}{figure.name}.svg"


@singledispatch
def block(shown: Block, place: Place) -> str:
    """Return a block as Markdown, without blank lines around it."""
    raise AssertionError(f"{type(shown).__name__} has no line in this file")


def blocks(shown: tuple[Block, ...], place: Place) -> str:
    """Return blocks with blank lines between them."""
    return "\n\n".join(block(one, place) for one in shown)


@block.register
def paragraph(shown: Paragraph, place: Place) -> str:
    lead = f"**{prose(shown.lead)}** " if shown.lead else ""
    return (lead + prose(shown.text)).strip()


@block.register
def heading(shown: Heading, place: Place) -> str:
    return f"### {prose(shown.title)}"


@block.register
def items(shown: Items, place: Place) -> str:
    return "\n".join(f"- {prose(item)}" for item in shown.items)


@block.register
def display(shown: Display, place: Place) -> str:
    return "\n\n".join(f"$$\n{row(one, place)}\n$$" for one in shown.rows)


def row(shown: Row, place: Place) -> str:
    """Return a displayed row: the chain, its range, its mark, its number.

    Examples
    --------
    >>> print(row(Row(("a", "b"), mark="proven", number=3), Place("en", "")))
    a = b \\qquad \\checkmark \\tag{3}
    """
    beside = [shown.conditions, _mark(shown.mark, place), _source(shown.source, place)]
    chain = body(broken(shown, room(shown)))
    parts = [chain.replace("{aligned}[b]", "{aligned}"), *(part for part in beside if part)]
    number = shown.label.strip("()") if shown.number is None else shown.number
    tag = f" \\tag{{{number}}}" if number else ""
    return portable(" \\qquad ".join(parts)) + tag


def _mark(mark: Mark, place: Place) -> str:
    marks: dict[Mark, str] = {
        "given": f"\\text{{{place.word('given')}}}",
        "definition": f"\\text{{{place.word('def.')}}}",
        "proven": "\\checkmark",
        "numeric": "\\approx",
        "false": "\\text{✗}",
        "": "",
    }
    return marks[mark]


def _source(number: int | None, place: Place) -> str:
    return "" if number is None else f"\\text{{{place.word('by')} ({number})}}"


@block.register
def table(shown: Table, place: Place) -> str:
    header = shown.header or ("",) * len(shown.align)  # GitHub takes no table without one
    lines = [_cells(header), "| " + " | ".join(_ALIGNMENTS[a] for a in shown.align) + " |"]
    lines += map(_cells, shown.rows)
    caption = f"{_caption('Table', shown.number, shown.caption, place)}\n\n"
    return (caption if shown.caption else "") + "\n".join(lines)


def _cells(cells: tuple[str, ...]) -> str:
    # Words and formulas have no bare bar left; code between backquotes may.
    return "| " + " | ".join(re.sub(r"(?<!\\)\|", r"\\|", prose(cell)) for cell in cells) + " |"


def _caption(kind: str, number: int, text: str, place: Place) -> str:
    label = f"**{place.word(kind)} {number}.** " if number else ""
    return label + prose(text)


@block.register
def figure(shown: Figure, place: Place) -> str:
    described = spans(shown.drawing.description)
    words = [plain(span.text) if span.kind == "formula" else span.text for span in described]
    image = f"![{escape(''.join(words))}]({place.figure(shown)})"
    return f"{image}\n\n{_caption('Figure', shown.number, shown.caption, place)}"


@block.register
def listing(shown: Listing, place: Place) -> str:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", shown.code)), default=0))
    code = f"{fence}python\n{shown.code.rstrip()}\n{fence}"
    caption = _caption("Listing", shown.number, shown.caption, place)
    return f"{caption}\n\n{code}" if shown.caption else code


@block.register
def exercise(shown: Exercise, place: Place) -> str:
    return blocks(laid_out(shown, place), place)


def laid_out(shown: Exercise, place: Place) -> tuple[Block, ...]:
    """Return an exercise as a heading, its statement, and its solution where there is one."""
    number = f" {shown.number}" if shown.number else ""
    title = Heading(f"{place.word('Exercise')}{number}")
    if not shown.solution:
        return (title, *shown.statement)
    return (title, *shown.statement, Paragraph("", place.word("Solution")), *shown.solution)


__all__ = ["Place", "block", "blocks", "laid_out", "row"]
