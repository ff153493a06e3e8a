"""A document as a Jupyter notebook: prose in Markdown, figures attached, listings that run."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from codegen.documents.document import Block, Document, Exercise, Listing, Paragraph, Section
from codegen.documents.drawing.svg import as_svg
from codegen.documents.markdown import figures, head
from codegen.documents.markdown.blocks import Place, laid_out
from codegen.documents.markdown.blocks import block as shown_block
from codegen.documents.markdown.words import prose

_ATTACHMENT = "attachment:"


def notebook(document: Document) -> str:
    """Return a document as the text of a notebook (nbformat 4.5).

    Each listing that runs is a cell of code; the rest is Markdown, as in `markdown`.

    Parameters
    ----------
    document : Document
        In its language.

    Examples
    --------
    >>> found = nbformat.reads(notebook(Document("A", "", "en", ())), as_version=4)
    >>> [(cell.id, cell.source) for cell in found.cells]
    [('title', '# A')]
    """
    place = Place(document.language, _ATTACHMENT)
    cells = [new_markdown_cell(head(document), id="title")]
    for position, section in enumerate(document.sections, 1):
        cells += _section(section, f"section-{position}", place)
    if document.footer:
        cells.append(new_markdown_cell(prose(document.footer), id="footer"))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    found = new_notebook(cells=cells, metadata=metadata)
    found.nbformat_minor = 5
    nbformat.validate(found)
    return str(nbformat.writes(found)) + "\n"


def _section(section: Section, name: str, place: Place) -> Iterator[nbformat.NotebookNode]:
    """Yield the cells of a section: code, and what stands between."""
    number = f"{section.number}. " if section.number else ""
    parts = [f"## {number}{prose(section.title)}"]
    attached: dict[str, dict[str, str]] = {}
    count = 0
    for block in (*_flat(section.blocks, place), None):
        is_code = isinstance(block, Listing) and block.runs
        if (is_code or block is None) and parts:
            count += 1
            more = {"attachments": attached} if attached else {}
            yield new_markdown_cell("\n\n".join(parts), id=f"{name}-{count}", **more)
            parts, attached = [], {}
        if isinstance(block, Listing) and block.runs:
            count += 1
            yield new_code_cell(block.code.rstrip(), id=f"{name}-{count}")
        elif block is not None:
            parts.append(shown_block(block, place))
            attached |= _attachments((block,), place)


def _flat(shown: tuple[Block, ...], place: Place) -> Iterator[Block]:
    """Yield the blocks, with exercises laid out and captions before the code that runs."""
    for block in shown:
        if isinstance(block, Exercise):
            yield from _flat(laid_out(block, place), place)
        elif isinstance(block, Listing) and block.runs and block.caption:
            label = f"{place.word('Listing')} {block.number}." if block.number else ""
            yield from (Paragraph(block.caption, label), replace(block, caption=""))
        else:
            yield block


def _attachments(shown: tuple[Block, ...], place: Place) -> dict[str, dict[str, str]]:
    return {
        place.figure(figure).removeprefix(_ATTACHMENT): {
            "image/svg+xml": b64encode(as_svg(figure.drawing).encode("utf-8")).decode("ascii")
        }
        for figure in figures(shown)
    }


__all__ = ["notebook"]
