"""A document as LaTeX, for pdflatex, xelatex and lualatex, and a fragment for ``\\input``."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.documents.content import checked
from codegen.documents.document import Document, Exercise, Figure, Listing, Section
from codegen.documents.handout.derivation import derivation_sections
from codegen.documents.latex.blocks import blocks
from codegen.documents.latex.escape import escape, prose
from codegen.documents.latex.tikz import TIKZ_PREAMBLE
from codegen.documents.rendering import render
from derivations.derivation import Derivation


@dataclass(frozen=True)
class ShownSection:
    """A heading, and all that stands under it."""

    title: str
    body: str


def tex(document: Document) -> str:
    """Return a complete LaTeX document; in Chinese it needs XeLaTeX or LuaLaTeX, and ctex.

    Parameters
    ----------
    document : Document

    Examples
    --------
    >>> from codegen.documents.handout.derivation import derivation_document
    >>> from derivations import cell, derive, prove
    >>> latex = tex(derivation_document(prove(derive(cell("rnn")))))
    >>> "\\\\bptttag{1 \\\\le t \\\\le T}{\\\\bpttgiven}{1}" in latex
    True
    """
    kinds = {
        type(part)
        for section in document.sections
        for block in section.blocks
        for part in (
            (block, *block.statement, *block.solution) if isinstance(block, Exercise) else (block,)
        )
    }
    is_chinese = document.language == "zh"
    return render(
        __name__,
        "document.tex.jinja",
        language=document.language,
        title=escape(document.title, chinese=is_chinese),
        subtitle=prose(document.subtitle),
        sections=tuple(_section(section, document.language) for section in document.sections),
        footer=prose(document.footer),
        chinese=is_chinese,
        pictures=TIKZ_PREAMBLE if Figure in kinds else "",
        listings=Listing in kinds,
    )


def fragment(derivation: Derivation) -> str:
    """Return a derivation as LaTeX to be ``\\input``; it needs amsmath and amssymb.

    Parameters
    ----------
    derivation : Derivation
        Proven.

    Raises
    ------
    EmitError
        When an equation is not proven.

    Examples
    --------
    >>> from derivations import cell, derive, prove
    >>> latex = fragment(prove(derive(cell("rnn"))))
    >>> "\\\\bptttag{1 \\\\le t \\\\le T}{\\\\bpttgiven}{1}" in latex
    True
    """
    sections = tuple(_section(s, "en") for s in derivation_sections(checked(derivation)))
    return render(__name__, "fragment.tex.jinja", sections=sections)


def _section(section: Section, language: str) -> ShownSection:
    return ShownSection(prose(section.title), blocks(section.blocks, language))


__all__ = ["fragment", "tex"]
