"""A document as Markdown that GitHub, pandoc and Jupyter read alike, with its figures beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codegen.documents.document import Block, Document, Exercise, Figure
from codegen.documents.drawing.svg import as_svg
from codegen.documents.markdown.blocks import Place, blocks
from codegen.documents.markdown.words import literal, prose
from derivations.errors import EmitError

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def markdown(document: Document, stem: str) -> dict[str, str]:
    """Return the files of a document: ``stem.md``, and ``stem-name.svg`` for each figure.

    Parameters
    ----------
    document : Document
        In its language.
    stem : str
        What the names of the files begin with, such as ``rnn-handout``.

    Raises
    ------
    EmitError
        When the stem is no plain file name.

    Examples
    --------
    >>> print(markdown(Document("A *cell*", "", "en", ()), "cell")["cell.md"])
    # A \\*cell\\*
    <BLANKLINE>
    """
    if not _FILE_NAME.fullmatch(stem):
        raise EmitError(
            f"{stem!r} cannot be the name of a file that Markdown refers to.",
            hint="Use Latin letters, digits, dots, hyphens and underscores.",
        )
    place = Place(document.language, f"{stem}-")
    parts = [head(document)]
    for section in document.sections:
        number = f"{section.number}. " if section.number else ""
        parts += [f"## {number}{prose(section.title)}", blocks(section.blocks, place)]
    if document.footer:
        parts += ["---", prose(document.footer)]
    files = {f"{stem}.md": "\n\n".join(part for part in parts if part) + "\n"}
    for section in document.sections:
        for figure in figures(section.blocks):
            files[place.figure(figure)] = as_svg(figure.drawing)
    return files


def head(document: Document) -> str:
    """Return the title and the subtitle."""
    parts = [f"# {literal(document.title)}", prose(document.subtitle)]
    return "\n\n".join(part for part in parts if part)


def figures(shown: tuple[Block, ...]) -> Iterator[Figure]:
    """Yield the figures in blocks, those in exercises too."""
    for block in shown:
        if isinstance(block, Figure):
            yield block
        elif isinstance(block, Exercise):
            yield from figures((*block.statement, *block.solution))


__all__ = ["figures", "head", "markdown"]
