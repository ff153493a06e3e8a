"""The blocks of a document as LaTeX, one function a kind of block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
    Row,
    Table,
    spans,
)
from codegen.documents.latex.code import highlighted
from codegen.documents.latex.escape import prose
from codegen.documents.latex.tikz import as_tikz
from codegen.documents.layout import body, relaxed
from codegen.documents.rows import MOST_LINES, broken, room_or_line, widest
from codegen.documents.translation import translations


def blocks(parts: Sequence[Block], language: str) -> str:
    """Return blocks in a row.

    Examples
    --------
    >>> print(blocks([Paragraph("A state $h_t$.")], "en"))
    <BLANKLINE>
    \\bpttreason{A state $h_t$.}
    """
    return "".join(f"\n{block(part, language)}" for part in parts)


@singledispatch
def block(part: Block, language: str) -> str:
    """Return a block as LaTeX."""
    raise AssertionError(f"{type(part).__name__} has no line in this file")


@block.register
def paragraph(part: Paragraph, language: str) -> str:
    lead = f"\\textbf{{{prose(part.lead)}}}\\enspace " if part.lead else ""
    return f"\\bpttreason{{{lead}{prose(part.text)}}}"


@block.register
def heading(part: Heading, language: str) -> str:
    return f"\\subsection*{{{prose(part.title)}}}"


@block.register
def items(part: Items, language: str) -> str:
    lines = [f"\\item {prose(item)}" for item in part.items]
    space = "\\setlength{\\itemsep}{2pt}\\setlength{\\parsep}{0pt}"
    return "\n".join(["\\begin{itemize}", space, *lines, "\\end{itemize}"])


@block.register
def display(part: Display, language: str) -> str:
    rows = " \\\\[\\bpttskip]\n".join(_row(row) for row in part.rows)
    return f"\\begin{{gather}}\n{rows}\n\\end{{gather}}"


def _row(row: Row) -> str:
    available = room_or_line(row)
    lines = broken(row, available)
    shown = body(lines)
    if widest(lines) > available or len(lines) > MOST_LINES:
        shown = f"\\bpttfit{{{available:.1f}em}}{{{shown}}}"
    return f"{shown}\n{_beside(row)}"


def _beside(row: Row) -> str:
    if row.number is not None:
        return f"\\bptttag{{{row.conditions}}}{{\\bptt{row.mark}}}{{{row.number}}}"
    if row.source is not None:
        return f"\\bpttsource{{{row.source}}}"
    beside = [f"${row.conditions}$"] if row.conditions else []
    beside += [f"\\bptt{row.mark}"] if row.mark else []
    beside += [f"\\makebox[2.2em][r]{{{row.label}}}"] if row.label else []
    return f"\\tag*{{{'~'.join(beside)}}}" if beside else "\\notag"


@block.register
def table(part: Table, language: str) -> str:
    columns = part.align.replace("p", ">{\\raggedright\\arraybackslash}X")
    is_wide = "p" in part.align
    kind, where = ("tabularx", "{\\linewidth}") if is_wide else ("tabular", "")
    lines = [f"\\begin{{{kind}}}{where}{{@{{}}{columns}@{{}}}}"]
    if part.header:
        lines += ["\\toprule", _cells(part.header), "\\midrule"]
    lines += [_cells(row) for row in part.rows]
    lines += ["\\bottomrule"] if part.header else []
    lines.append(f"\\end{{{kind}}}")
    caption = ""
    if part.caption:
        name = translations(language).gettext("Table")
        caption = f"\\bpttcaption{{{name} {part.number}.}}{{{prose(part.caption)}}}\n"
    indent = "\\noindent" if is_wide else "\\noindent\\hspace*{2em}"
    text = caption + indent + "\n".join(lines)
    return f"\\par\\nobreak\\medskip\n{text}\n\\par\\medskip"


def _cells(row: Sequence[str]) -> str:
    return " & ".join(map(cell, row)) + " \\\\"


def cell(text: str) -> str:
    """Return a cell; a formula is kept on one line, and a matrix is given room above and below."""
    shown = "".join(
        f"\\mbox{{${relaxed(span.text)}$}}" if span.kind == "formula" else prose_part(span.text)
        for span in spans(text)
    )
    return f"\\rule[-3ex]{{0pt}}{{7ex}}{shown}" if "\\begin" in text else shown


def prose_part(text: str) -> str:
    return prose(text) if text.strip() else " "


@block.register
def figure(part: Figure, language: str) -> str:
    name = translations(language).gettext("Figure")
    caption = f"\\bpttcaption{{{name} {part.number}.}}{{{prose(part.caption)}}}"
    return (
        "\\par\\nobreak\\medskip\n{\\centering\n"
        f"{as_tikz(part.drawing)}\n\\par}}\n{caption}\\medskip"
    )


@block.register
def listing(part: Listing, language: str) -> str:
    caption = ""
    if part.caption:
        name = translations(language).gettext("Listing")
        caption = (
            f"\\bpttneed\\bpttcaption{{{name} {part.number}.}}{{{prose(part.caption)}}}\\nobreak\n"
        )
    options = (
        "commandchars=\\\\\\{\\},fontsize=\\scriptsize,frame=leftline,rulecolor=\\color{black!30},"
        "framesep=6pt"
    )
    return f"{caption}\\begin{{Verbatim}}[{options}]\n{highlighted(part.code)}\\end{{Verbatim}}"


@block.register
def exercise(part: Exercise, language: str) -> str:
    name = translations(language).gettext("Exercise")
    lead = f"{name} {part.number}."
    first, *rest = part.statement
    if isinstance(first, Paragraph):  # its text goes on behind the number
        statement = blocks([replace(first, lead=lead), *rest], language)
    else:
        statement = blocks([Paragraph("", lead), *part.statement], language)
    text = f"\\par\\addvspace{{\\medskipamount}}{statement}"
    if part.solution:
        inside = blocks(part.solution, language)
        return f"{text}\n\\begin{{bpttsolution}}{inside}\n\\end{{bpttsolution}}"
    return f"{text}\n\\bpttroom{{{part.room}}}" if part.room else text


__all__ = ["blocks"]
