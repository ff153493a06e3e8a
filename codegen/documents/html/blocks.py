"""Blocks of a document → HTML, each by its template."""

from __future__ import annotations

from functools import singledispatch

from codegen.documents.document import (
    Block,
    Display,
    Exercise,
    Figure,
    Heading,
    Items,
    Listing,
    Paragraph,
    Table,
)
from codegen.documents.drawing.svg import MARGIN, SIZE, as_svg
from codegen.documents.html.code import highlighted
from codegen.documents.html.displays import Links, row
from codegen.documents.html.words import prose
from codegen.documents.rendering import render

_ALIGNMENTS = {"l": "left", "c": "center", "r": "right", "p": "text"}


@singledispatch
def block(shown: Block, links: Links) -> str:
    """Return a block as HTML."""
    raise AssertionError(f"{type(shown).__name__} has no line in this file")


def blocks(shown: tuple[Block, ...], links: Links) -> str:
    """Return blocks below each other."""
    return "".join(block(one, links) for one in shown)


def _rendered(template: str, links: Links, /, **values: object) -> str:
    return render(__package__ or "", template, language=links.language, **values)


@block.register
def paragraph(shown: Paragraph, links: Links) -> str:
    lead = f"<strong>{prose(shown.lead)}</strong> " if shown.lead else ""
    return f"<p>{lead}{prose(shown.text)}</p>\n"


@block.register
def heading(shown: Heading, links: Links) -> str:
    return f"<h3>{prose(shown.title)}</h3>\n"


@block.register
def items(shown: Items, links: Links) -> str:
    members = "".join(f"<li>{prose(item)}</li>\n" for item in shown.items)
    return f"<ul>\n{members}</ul>\n"


@block.register
def display(shown: Display, links: Links) -> str:
    rows = "".join(row(one, links) for one in shown.rows)
    return f'<div class="display">\n{rows}</div>\n'


@block.register
def table(shown: Table, links: Links) -> str:
    return _rendered(
        "table.html.jinja",
        links,
        number=shown.number,
        caption=prose(shown.caption),
        alignments=tuple(_ALIGNMENTS[letter] for letter in shown.align),
        header=tuple(map(prose, shown.header)),
        rows=tuple(tuple(map(prose, cells)) for cells in shown.rows),
    )


@block.register
def figure(shown: Figure, links: Links) -> str:
    return _rendered(
        "figure.html.jinja",
        links,
        number=shown.number,
        caption=prose(shown.caption),
        width=f"{(shown.drawing.width + 2 * MARGIN) / SIZE:.2f}",
        drawing=as_svg(shown.drawing),
    )


@block.register
def listing(shown: Listing, links: Links) -> str:
    return _rendered(
        "listing.html.jinja",
        links,
        number=shown.number,
        caption=prose(shown.caption),
        code=highlighted(shown.code, links.numbers),
    )


@block.register
def exercise(shown: Exercise, links: Links) -> str:
    return _rendered(
        "exercise.html.jinja",
        links,
        number=shown.number,
        statement=blocks(shown.statement, links),
        solution=blocks(shown.solution, links),
        room=shown.room,
    )


__all__ = ["block", "blocks"]
