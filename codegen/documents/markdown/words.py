"""Text → Markdown: words are shown literally; formulas in the LaTeX that every reader takes.

GitHub, pandoc and Jupyter read Markdown differently; what is written here means the same to all.
"""

from __future__ import annotations

import re

from codegen.documents.content import visible
from codegen.documents.document import spans
from codegen.documents.layout import relaxed

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>|~$&^#]|(?<=-)-|(?<=\.)\.(?=\.)")
_OPENING = re.compile(r"^(\d+(?=[.)])|(?=[-+=>:]))")
#: GitHub forbids \operatorname, and Markdown takes a backslash from punctuation within a line.
_PORTABLE = (
    (re.compile(r"\\operatorname\*?\{(\w+)\}"), r"\\mathop{\\mathrm{\1}}"),
    (re.compile(r"\\,\s*"), r"\\thinspace "),
    (re.compile(r"\\;\s*"), r"\\thickspace "),
    (re.compile(r"\\!\s*"), r"\\negthinspace "),
    (re.compile(r"\\\|\s*"), r"\\Vert "),
    (re.compile(r"\\\{\s*"), r"\\lbrace "),
    (re.compile(r"\\\}\s*"), r"\\rbrace "),
    (re.compile(r"\|\s*"), r"\\vert "),
    (re.compile(r"<\s*"), r"\\lt "),
    (re.compile(r">\s*"), r"\\gt "),
    (re.compile(r"\*"), r"\\ast "),
)


def escape(text: str) -> str:
    """Return Markdown that shows a text literally.

    Examples
    --------
    >>> print(escape("<b> & $x_1$"))
    \\<b\\> \\& \\$x\\_1\\$
    """
    return _SPECIAL.sub(r"\\\g<0>", text)


def literal(text: str) -> str:
    """Return Markdown that shows a user's text literally, at the head of a line, too."""
    return _OPENING.sub(r"\1\\", escape(visible(text)))


def portable(formula: str) -> str:
    """Return a formula of our printer in the commands that every reader of Markdown takes.

    Examples
    --------
    >>> print(portable("\\\\operatorname{diag}(a) \\\\, b"))
    \\mathop{\\mathrm{diag}}(a) \\thinspace b
    """
    for pattern, replacement in _PORTABLE:
        formula = pattern.sub(replacement, formula)
    return formula


def prose(text: str) -> str:
    """Return Markdown of prose.

    Examples
    --------
    >>> print(prose("$h_t$ and `a*b` are 2*3"))
    $h_t$ and `a*b` are 2\\*3
    """
    shown = ""
    is_formula = False
    for span in spans(text):
        if span.kind == "formula":
            # GitHub takes a dollar for one only behind a blank or an opening bracket.
            blank = " " if shown and shown[-1] not in " (" else ""
            formula = portable(relaxed(span.text)).replace("\\\\", "\\cr").strip()
            shown += f"{blank}${formula}$"
        else:
            blank = " " if is_formula and (span.kind == "code" or span.text[0].isalnum()) else ""
            code = f"`{span.text}`"
            shown += blank + (code if span.kind == "code" else escape(span.text))
        is_formula = span.kind == "formula"
    return shown


__all__ = ["escape", "literal", "portable", "prose"]
