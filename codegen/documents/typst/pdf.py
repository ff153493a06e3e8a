"""A document as PDF: its Typst source, set by the `typst` wheel in memory."""

from __future__ import annotations

import typst as compiler

from codegen.documents.document import Document
from codegen.documents.typst import typst
from codegen.documents.typst.fonts import chinese_fonts, is_chinese, latin_fonts
from derivations.errors import EmitError

#: The day that every document bears: bytes must not depend on when they were made.
_TIMESTAMP = 946684800


def pdf(document: Document) -> bytes:
    """Return a document as PDF; the same bytes wherever the same fonts are.

    Raises
    ------
    EmitError
        When the document is in Chinese and there is no font for it, or when a formula cannot be
        set.

    Examples
    --------
    >>> pdf(Document("RNN", "", "en", ()))[:5]
    b'%PDF-'
    """
    try:
        made = compiled(document).compile(format="pdf", timestamp=_TIMESTAMP)
    except compiler.TypstError as error:
        raise _bug(error) from error
    assert isinstance(made, bytes)
    return made


def compiled(document: Document) -> compiler.Compiler:
    """Return Typst with a document: what can be asked for its pages and for what is on them.

    Raises
    ------
    EmitError
        When the document is in Chinese and there is no font for it, or when a formula cannot be
        set.
    """
    source = typst(document)
    fonts = _fonts(document, source)
    return compiler.Compiler(source.encode(), font_paths=fonts, ignore_system_fonts=True)


def check_fonts(language: str) -> None:
    """Refuse a language for which this machine has no font, before anything is made.

    Raises
    ------
    EmitError
        When there is none.

    Examples
    --------
    >>> check_fonts("en")
    """
    if language == "zh":
        chinese_fonts()


def _fonts(document: Document, source: str) -> compiler.Fonts:
    if document.language == "zh":
        return chinese_fonts()
    if not is_chinese(source):
        return latin_fonts()
    try:
        return chinese_fonts()
    except EmitError:  # a user's title in a document in English: shown as well as can be
        return latin_fonts()


def _bug(error: compiler.TypstError) -> EmitError:
    return EmitError(
        f"Typst does not set this document: {error.message}.",
        hint="This is a mistake of bptt. Please report it with the model that it occurred with.",
    )


__all__ = ["check_fonts", "compiled", "pdf"]
