"""A document as one HTML file: no network, no script, readable on a desk, a phone and paper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from codegen.documents.document import Block, Display, Document, Exercise, Section
from codegen.documents.html.blocks import blocks
from codegen.documents.html.displays import Links
from codegen.documents.html.words import literal, prose
from codegen.documents.rendering import render


@dataclass(frozen=True)
class ShownSection:
    """A numbered heading and what stands under it."""

    number: int
    title: str
    body: str


def html(document: Document) -> str:
    """Return a document as a page that needs nothing but itself.

    Mathematics is MathML; every equation is broken into lines twice, for a desk and for a phone.

    Parameters
    ----------
    document : Document
        In its language.

    Examples
    --------
    >>> page = html(Document("<T>", "", "en", ()))
    >>> "<title>&lt;T&gt;</title>" in page, "<script" in page
    (True, False)
    """
    links = Links(document.language, frozenset(_numbers(document)))
    sections = tuple(_section(section, links) for section in document.sections)
    return render(
        __name__,
        "page.html.jinja",
        language=document.language,
        lang=document.language,
        title=literal(document.title),
        subtitle=prose(document.subtitle),
        style=render(__name__, "style.css.jinja"),
        sections=sections,
        footer=prose(document.footer),
    )


def _section(section: Section, links: Links) -> ShownSection:
    return ShownSection(section.number, prose(section.title), blocks(section.blocks, links))


def _numbers(document: Document) -> Iterator[int]:
    for section in document.sections:
        yield from _numbers_in(section.blocks)


def _numbers_in(shown: tuple[Block, ...]) -> Iterator[int]:
    for block in shown:
        if isinstance(block, Display):
            yield from (row.number for row in block.rows if row.number is not None)
        elif isinstance(block, Exercise):
            yield from _numbers_in(block.statement)
            yield from _numbers_in(block.solution)


__all__ = ["html"]
