"""Text → HTML: words are shown literally, formulas as MathML, code as code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from codegen.documents.breaking import lines
from codegen.documents.content import visible
from codegen.documents.document import Span, spans
from codegen.documents.html.mathematics import mathml
from codegen.documents.layout import relaxed
from codegen.documents.printed import width

#: A longer formula may break in a line of prose, in em.
_LONGEST = 12.0
#: Punctuation that must not be torn from the formula behind or before it.
_OPENING = re.compile(r"[^\w\s]+$")
_CLOSING = re.compile(r"^[^\w\s]+")


def literal(text: str) -> str:
    """Return HTML that shows a user's text literally.

    Examples
    --------
    >>> print(literal("<b> & $x$"))
    &lt;b&gt; &amp; $x$
    """
    return escape(visible(text))


def prose(text: str) -> str:
    """Return HTML of prose.

    Examples
    --------
    >>> print(prose("<$n$>, by `numpy`"))
    <span class="whole">&lt;<math><mi>n</mi></math>&gt;,</span> by <code>numpy</code>
    """
    found = spans(text)
    shown = ""
    for position, span in enumerate(found):
        if span.kind == "words":
            shown += _words(found, position)
        elif span.kind == "code":
            shown += f"<code>{escape(span.text)}</code>"
        else:
            shown += _formula(found, position)
    return shown


def _words(found: Sequence[Span], position: int) -> str:
    """Return the words without the punctuation that goes with a formula beside them."""
    text = found[position].text
    text = text[len(_closing(found, position)) :] if position else text
    opening = _opening(found, position) if position + 1 < len(found) else ""
    return escape(text[: len(text) - len(opening)], quote=False)


def _formula(found: Sequence[Span], position: int) -> str:
    before = _opening(found, position - 1) if position else ""
    behind = _closing(found, position + 1) if position + 1 < len(found) else ""
    parts = lines(relaxed(found[position].text), _LONGEST, width)
    # A sign at the head of a continued part adds, and is no sign of a number.
    shown = [mathml(f"{{}} {part}" if number else part) for number, part in enumerate(parts)]
    shown[0] = escape(before) + shown[0]
    shown[-1] += escape(behind, quote=False)
    is_bare = len(shown) == 1 and not (before or behind)
    return shown[0] if is_bare else "<wbr>".join(f'<span class="whole">{s}</span>' for s in shown)


def _opening(found: Sequence[Span], position: int) -> str:
    """Return the punctuation at the end of words that a formula follows."""
    is_before = found[position].kind == "words" and found[position + 1].kind == "formula"
    match = _OPENING.search(found[position].text) if is_before else None
    # Words between two formulas may be nothing but punctuation: it goes with the first.
    return match[0] if match and (match.start() or not position) else ""


def _closing(found: Sequence[Span], position: int) -> str:
    """Return the punctuation at the head of words that follow a formula."""
    is_behind = found[position].kind == "words" and found[position - 1].kind == "formula"
    match = _CLOSING.match(found[position].text) if is_behind else None
    return match[0] if match else ""


__all__ = ["literal", "prose"]
