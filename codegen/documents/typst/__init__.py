"""A document as the source of Typst, which sets it as PDF without any installation."""

from __future__ import annotations

from functools import singledispatch

from codegen.documents.content import visible
from codegen.documents.document import (
    Block,
    Display,
    Document,
    Exercise,
    Figure,
    Heading,
    Items,
    Listing,
    Paragraph,
    Row,
    Section,
    Table,
)
from codegen.documents.drawing import typst as drawings  # by its module: it needs this package
from codegen.documents.layout import COMFORTABLE, GAP, LINE, arranged
from codegen.documents.printed import width
from codegen.documents.rendering import render
from codegen.documents.rows import room_or_line
from codegen.documents.typst.escape import escape, prose
from codegen.documents.typst.fonts import SANS, SERIF
from codegen.documents.typst.mathematics import literal, mathematics

#: Before a display, and what a solution is moved in, in em.
_INDENT = 1.5
#: What a mark and a number, or a source, take at the right, in em.
_MARK = 5.2
#: So many characters of prose stay on the page of the paragraph that follows and leads on.
_SHORT = 250
_ALIGNMENTS = {"l": "left", "c": "center", "r": "right", "p": "left"}


def typst(document: Document) -> str:
    """Return a document as a complete Typst source.

    Raises
    ------
    EmitError
        When a formula holds a command that `mathematics` does not know.

    Examples
    --------
    >>> section = Section("Forward", (Paragraph("The state $h_t$."),), 1)
    >>> source = typst(Document("RNN", "", "en", (section,)))
    >>> "The state #box[$h_(t)$];." in source
    True
    """
    return render(
        __name__,
        "document.typ.jinja",
        language=document.language,
        lang=literal(document.language),
        chinese=", ".join(map(literal, SERIF)) if document.language == "zh" else "",
        chinese_bold=", ".join(map(literal, SANS)),
        name=literal(visible(document.title)),
        title=escape(document.title),
        subtitle=prose(document.subtitle),
        footer=prose(document.footer),
        sections=tuple(map(_section, document.sections)),
    )


def _section(section: Section) -> str:
    return f"#section({section.number})[{prose(section.title)}]\n\n{_blocks(section.blocks, LINE)}"


def _blocks(blocks: tuple[Block, ...], line: float) -> str:
    """Return blocks below each other; what leads to the next block stays on its page."""
    shown: list[str] = []
    following: Block | None = None
    leads = False
    for block in reversed(blocks):
        leads = _leads(block, following, leads)
        text = shown_in(block, line)
        shown.append(f"#leading[{text}]" if leads else text)
        following = block
    return "\n\n".join(reversed(shown))


def _leads(block: Block, following: Block | None, following_leads: bool) -> bool:
    """Tell whether a paragraph is nothing without the block that follows."""
    if not isinstance(block, Paragraph) or following is None:
        return False
    if isinstance(following, Display | Figure | Table) or block.text.rstrip().endswith((":", "：")):
        return True
    return following_leads and len(block.text) <= _SHORT


@singledispatch
def shown_in(block: Block, line: float) -> str:
    """Return the Typst of a block that stands in lines of a width in em."""
    raise AssertionError(f"{type(block).__name__} has no line in this file")


@shown_in.register
def paragraph_in(block: Paragraph, line: float) -> str:
    lead = f"#strong[{prose(block.lead)}] " if block.lead else ""
    return lead + prose(block.text)


@shown_in.register
def heading_in(block: Heading, line: float) -> str:
    return f"#heading(level: 2)[{prose(block.title)}]"


@shown_in.register
def items_in(block: Items, line: float) -> str:
    return f"#list({', '.join(f'[{prose(item)}]' for item in block.items)})"


@shown_in.register
def display_in(block: Display, line: float) -> str:
    rows = "".join(f"  {_row(row, line)},\n" for row in block.rows)
    return f"#displayed((\n{rows}))"


def _row(row: Row, line: float) -> str:
    beside = (width(row.conditions) + 1 if row.conditions else 0) + (_MARK if _has_tag(row) else 0)
    whole = line - _INDENT - GAP
    room = room_or_line(row, whole - beside, whole)
    packed = row.source is not None  # sides with numbers are no steps: they share lines
    lines = arranged(row.sides, row.relations, room, COMFORTABLE, packed=packed)
    left = next((part.left for part in lines if part.left), "")
    shown = ", ".join(
        f"({part.indent}, {_equation(part.right, bool(part.left) or part is not lines[0])})"
        for part in lines
    )
    tag = (
        f"conditions: {_inline(row.conditions)}, mark: {literal(row.mark)}, "
        f"number: {_or_none(row.number)}, source: {_or_none(row.source)}, "
        f"label: {literal(row.label)}"
    )
    return f"({tag}, left: {_equation(left)}, lines: ({shown},))"


def _has_tag(row: Row) -> bool:
    return bool(row.mark or row.label) or row.number is not None or row.source is not None


def _or_none(number: int | None) -> str:
    return "none" if number is None else str(number)


def _inline(formula: str) -> str:
    return f"${mathematics(formula)}$" if formula else "none"


def _equation(formula: str, is_continued: bool = False) -> str:
    """Return a part of a display; a sign at the head of a continued one stands behind nothing."""
    if not formula:
        return "none"
    before = '"" ' if is_continued else ""
    return f"$display({before}{mathematics(formula)})$"


@shown_in.register
def table_in(block: Table, line: float) -> str:
    columns = ", ".join("1fr" if align == "p" else "auto" for align in block.align)
    alignments = ", ".join(_ALIGNMENTS[align] for align in block.align)
    rows = "".join(f"  {_cells(row)},\n" for row in block.rows)
    header = f"({_cells(block.header)},)" if block.header else "none"
    return (
        f"#tabular({block.number}, [{prose(block.caption)}], ({columns},), ({alignments},),\n"
        f"  {header},\n{rows})"
    )


def _cells(row: tuple[str, ...]) -> str:
    return ", ".join(f"[{prose(cell)}]" for cell in row)


@shown_in.register
def figure_in(block: Figure, line: float) -> str:
    description = literal(visible(block.drawing.description))
    picture = drawings.as_typst(block.drawing)
    return f"#picture({block.number}, [{prose(block.caption)}], {description},\n{picture})"


@shown_in.register
def listing_in(block: Listing, line: float) -> str:
    code = literal(block.code.rstrip("\n"))
    return f"#listing({block.number}, [{prose(block.caption)}], {code})"


@shown_in.register
def exercise_in(block: Exercise, line: float) -> str:
    statement = _blocks(block.statement, line)
    solution = f"[\n{_blocks(block.solution, line - _INDENT)}\n]" if block.solution else "none"
    return f"#exercise({block.number}, {block.room}, {solution})[\n{statement}\n]"


__all__ = ["typst"]
