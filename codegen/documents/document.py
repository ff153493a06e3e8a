"""The document model: what a handout consists of, before any format shows it.

Prose is text with ``$`` around LaTeX formulas of our printer and backquotes around code. Formulas
of displays are LaTeX of our printer, too. Everything here is immutable and knows nothing of paper,
screens or languages: the formats (`latex`, `typst`, `html`, `markdown`, `notebook`) show it, and
`codegen.documents.translation` changes its language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from codegen.documents.drawing import Drawing

#: What is said beside an equation: how it was checked, or that it is one of the wrong ones.
Mark: TypeAlias = Literal["given", "definition", "proven", "numeric", "false", ""]

_SPAN = re.compile(r"\$([^$]*)\$|`([^`]*)`")


@dataclass(frozen=True)
class Span:
    """A part of prose: words, a formula in LaTeX, or code."""

    kind: Literal["words", "formula", "code"]
    text: str


def spans(prose: str) -> tuple[Span, ...]:
    """Take prose apart.

    Examples
    --------
    >>> [(span.kind, span.text) for span in spans("The state $h_t$ of `rnn`")]
    [('words', 'The state '), ('formula', 'h_t'), ('words', ' of '), ('code', 'rnn')]
    """
    found, end = [], 0
    for match in _SPAN.finditer(prose):
        found.append(Span("words", prose[end : match.start()]))
        is_code = match[1] is None
        found.append(Span("code", match[2]) if is_code else Span("formula", match[1]))
        end = match.end()
    found.append(Span("words", prose[end:]))
    return tuple(span for span in found if span.text)


@dataclass(frozen=True)
class Paragraph:
    """Prose, perhaps with a few words in bold at its head."""

    text: str
    lead: str = ""


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    title: str


@dataclass(frozen=True)
class Items:
    """A list of paragraphs, with bullets; references are the same in every language."""

    items: tuple[str, ...]
    is_same_everywhere: bool = False


@dataclass(frozen=True)
class Row:
    r"""A displayed chain of sides, with what stands beside it.

    Attributes
    ----------
    sides : tuple of str
        LaTeX; at least one.
    relations : tuple of str
        The LaTeX between them, one fewer: ``=``, ``\approx``, ``\le``.
    conditions : str
        LaTeX of the range of its free steps, or nothing.
    mark : Mark
        Nothing for a row of numbers.
    number : int or None
        The number of the equation, which the comments of emitted code refer to.
    source : int or None
        The number of the equation that a row of numbers is made by.
    label : str
        What the text calls a row that has no number, such as ``(a)``; it stands in its place.
    """

    sides: tuple[str, ...]
    relations: tuple[str, ...] = field(default=())
    conditions: str = ""
    mark: Mark = ""
    number: int | None = None
    source: int | None = None
    label: str = ""

    def __post_init__(self) -> None:
        if not self.relations:
            object.__setattr__(self, "relations", ("=",) * (len(self.sides) - 1))
        assert len(self.relations) == len(self.sides) - 1


@dataclass(frozen=True)
class Display:
    """Rows below each other, each broken before a relation where it is too wide."""

    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Table:
    """Rows of prose under a header; ``align`` has one of ``l``, ``c``, ``r`` or, for a column of
    text that is broken into lines, ``p`` for each column. At most one column is ``p``."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align: str
    caption: str = ""
    number: int = 0


@dataclass(frozen=True)
class Figure:
    """A drawing with a caption; ``name`` is what its file is called where it has one of its own."""

    drawing: Drawing
    caption: str
    name: str
    number: int = 0


@dataclass(frozen=True)
class Listing:
    """Code. Where ``runs``, a notebook runs it, after all listings before it."""

    code: str
    caption: str = ""
    runs: bool = True
    number: int = 0


@dataclass(frozen=True)
class Exercise:
    """A task, and its solution where the document shows solutions.

    ``room`` is how many lines are left free for writing where it does not.
    """

    statement: tuple[Block, ...]
    solution: tuple[Block, ...]
    room: int
    number: int = 0


Block: TypeAlias = Paragraph | Heading | Items | Display | Table | Figure | Listing | Exercise


@dataclass(frozen=True)
class Section:
    """A numbered heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]
    number: int = 0


@dataclass(frozen=True)
class Document:
    """A whole handout.

    Attributes
    ----------
    title : str
        The user's text, literal: it may hold any character.
    subtitle : str
        Prose.
    language : str
        One of `codegen.documents.translation.LANGUAGES`.
    sections : tuple of Section
    footer : str
        Prose at the foot of every page, where there are pages.
    """

    title: str
    subtitle: str
    language: str
    sections: tuple[Section, ...]
    footer: str = ""


def numbered(document: Document) -> Document:
    """Return the document with its sections, tables, figures, listings and exercises numbered.

    Examples
    --------
    >>> document = Document("", "", "en", (Section("A", (Exercise((), (), 0),)), Section("B", ())))
    >>> one, two = numbered(document).sections
    >>> one.number, one.blocks[0].number, two.number
    (1, 1, 2)
    """
    counts = dict.fromkeys((Table, Figure, Listing, Exercise), 0)

    def next_number(block: Block) -> Block:
        if not isinstance(block, Table | Figure | Listing | Exercise):
            return block
        if isinstance(block, Table | Listing) and not block.caption:
            return block
        counts[type(block)] += 1
        return replace(block, number=counts[type(block)])

    sections = tuple(
        replace(section, number=number, blocks=tuple(map(next_number, section.blocks)))
        for number, section in enumerate(document.sections, 1)
    )
    return replace(document, sections=sections)


__all__ = [
    "Block",
    "Display",
    "Document",
    "Exercise",
    "Figure",
    "Heading",
    "Items",
    "Listing",
    "Mark",
    "Paragraph",
    "Row",
    "Section",
    "Span",
    "Table",
    "numbered",
    "spans",
]
