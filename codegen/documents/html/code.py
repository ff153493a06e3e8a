"""Python → HTML: code in colours, its equation numbers linked to the equations."""

from __future__ import annotations

import re

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

_COMMENT = re.compile(r'<span class="c1">.*?</span>')
_NUMBER = re.compile(r"\((\d+)\)")


def highlighted(code: str, numbers: frozenset[int]) -> str:
    """Return code as the content of an element ``code``.

    Parameters
    ----------
    code : str
        Python.
    numbers : frozenset of int
        The equations that the document shows.

    Examples
    --------
    >>> print(highlighted("a = 1  # (3)", frozenset({3})).split("# ")[1])
    <a href="#eq-3">(3)</a></span>
    """
    formatter = HtmlFormatter(nowrap=True)
    shown = highlight(code, PythonLexer(stripnl=False), formatter).rstrip("\n")

    def link(match: re.Match[str]) -> str:
        known = int(match[1]) in numbers
        return f'<a href="#eq-{match[1]}">{match[0]}</a>' if known else match[0]

    return _COMMENT.sub(lambda comment: _NUMBER.sub(link, comment[0]), shown)


__all__ = ["highlighted"]
