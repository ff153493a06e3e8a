"""Python code as LaTeX for a `Verbatim` with command characters, on every engine."""

from __future__ import annotations

import unicodedata

from pygments import lex
from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, String, _TokenType

from codegen.documents.latex.escape import character_in_code

_STYLES = {Comment: "bpttcomment", Keyword: "bpttkeyword", String: "bpttstring"}


def highlighted(code: str) -> str:
    """Return code with its comments, keywords and strings in their colours.

    Examples
    --------
    >>> print(highlighted("return {1}  # δ"), end="")
    \\bpttkeyword{return} \\{1\\}  \\bpttcomment{# \\ensuremath{\\delta}}
    """
    shown = ""
    for kind, text in lex(code, PythonLexer(stripnl=False)):
        style = _style(kind)
        for number, line in enumerate(text.split("\n")):
            shown += "\n" if number else ""
            shown += f"\\{style}{{{_escaped(line)}}}" if style and line else _escaped(line)
    return shown


def _style(kind: _TokenType) -> str:
    return next((style for base, style in _STYLES.items() if kind in base), "")


def _escaped(text: str) -> str:
    """Escape characters one by one, an accent with the letter that it stands on."""
    shown, letter = "", ""
    for character in unicodedata.normalize("NFD", text):
        if unicodedata.combining(character):
            letter += character
            continue
        shown += character_in_code(letter)
        letter = character
    return shown + character_in_code(letter)


__all__ = ["highlighted"]
