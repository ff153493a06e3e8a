"""Text → Typst: whatever a user wrote is shown literally; prose with its formulas and code."""

from __future__ import annotations

import re

from codegen.documents.content import visible
from codegen.documents.document import Span, spans
from codegen.documents.layout import relaxed
from codegen.documents.printed import width
from codegen.documents.typst.mathematics import literal, mathematics

#: What may mean something in Typst's markup, wherever it stands.
_MARKUP = re.compile(r"[\\*_`#$@<>\[\]~=+/\"'-]|\.(?=\.)|(?<=\d)\.(?=\s)")
_ADDRESS = re.compile(r"https?://[^\s,;]*[^\s,;.)]")
_APOSTROPHE = re.compile(r"(?<=\w)'")
#: A longer formula, in em, may break within a line of prose.
_UNBROKEN = 14.0


def escape(text: str) -> str:
    """Return markup that shows a text literally, on one line.

    Examples
    --------
    >>> print(escape("50% of *x_1* #let [y] -- $z$"))
    50% of \\*x\\_1\\* \\#let \\[y\\] \\-\\- \\$z\\$
    """
    return _MARKUP.sub(lambda match: f"\\{match[0]}", visible(text))


def prose(text: str) -> str:
    """Return markup of prose: words, formulas between ``$``, code between backquotes.

    Examples
    --------
    >>> print(prose("The state $h_t$ of `rnn`"))
    The state #box[$h_(t)$]; of #raw("rnn");
    """
    return "".join(map(_span, spans(text)))


def _span(span: Span) -> str:
    if span.kind == "code":
        return f"#raw({literal(span.text)});"
    if span.kind == "words":
        return _words(span.text)
    formula = mathematics(relaxed(span.text))
    if "\\begin" in span.text:
        return f"#tall[$display({formula})$];"
    shown = f"${formula}$"
    # The semicolon ends the call: a bracket behind it is text.
    return f"#box[{shown}];" if width(span.text) <= _UNBROKEN else shown


def _words(text: str) -> str:
    """Return words with the blanks at their ends, addresses of the web as links."""
    shown, end = "", 0
    for match in _ADDRESS.finditer(text):
        shown += _literal_words(text[end : match.start()])
        shown += f"#link({literal(match[0])});"
        end = match.end()
    return shown + _literal_words(text[end:])


def _literal_words(text: str) -> str:
    if not text.strip():
        return " " if text else ""
    front = " " if text[0].isspace() else ""
    return front + escape(_APOSTROPHE.sub("’", text)) + (" " if text[-1].isspace() else "")


__all__ = ["escape", "prose"]
