"""What of a document is not read: code, comments, a preamble.

Nothing here changes an offset: what is not read becomes blanks, so that every place that is found
in the rest points into the user's own text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

Span = tuple[int, int]

_LATEX = re.compile(
    r"^[ \t]*\\(?:documentclass|begin[ \t]*\{document\}|(?:sub)*section\*?[ \t]*\{)", re.MULTILINE
)
_FENCE = re.compile(
    r"^(?:[ \t]*>)*[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(`{3,}|~{3,})([^\n]*)$", re.MULTILINE
)
_QUOTE = re.compile(r"^[ \t]{0,3}>(?:[ \t]?>)*", re.MULTILINE)
_BACKTICKS = re.compile(r"`+")
_BLANK_LINE = re.compile(r"\n[ \t\r]*(?=\n)")
_ESCAPE_OR_COMMENT = re.compile(r"\\.|%[^\n]*", re.DOTALL)
_VERB = re.compile(r"\\verb\*?([^a-zA-Z\s*])[^\n]{0,500}?\1")
_HTML = (("<!--", "-->"), ("<pre", "</pre>"), ("<code", "</code>"))
_VERBATIM = ("verbatim", "lstlisting", "minted", "comment")


def is_latex(text: str) -> bool:
    """Tell a LaTeX document from Markdown."""
    return _LATEX.search(text) is not None


def blanked(text: str, spans: Iterable[Span]) -> str:
    """Replace stretches by blanks, and keep their ends of lines."""
    pieces, position = [], 0
    for start, end in sorted(spans):
        if end > position:
            start = max(start, position)
            pieces += [text[position:start], re.sub(r"[^\n]", " ", text[start:end])]
            position = end
    return "".join([*pieces, text[position:]])


def blanked_latex(text: str) -> str:
    """Return a LaTeX document without verbatim text, comments and preamble."""
    text = blanked(text, _between(text, ((f"\\begin{{{n}}}", f"\\end{{{n}}}") for n in _VERBATIM)))
    text = blanked(text, [match.span() for match in _VERB.finditer(text)])
    text = blanked(text, tex_comments(text, 0, len(text)))
    begin, end = text.find("\\begin{document}"), text.rfind("\\end{document}")
    around = [(0, max(begin, 0)), (end if end >= 0 else len(text), len(text))]
    return blanked(text, around)


def blanked_markdown(text: str) -> tuple[str, list[tuple[Span, Span]]]:
    """Return a Markdown text without code, comments and marks of quotation.

    Returns
    -------
    tuple of (str, list)
        The text, and the fenced blocks that hold mathematics: body, and the block with its fences.
    """
    formulas: list[tuple[Span, Span]] = []
    code: list[Span] = []
    for opener, body, closer, info in _fences(text):
        if info == "math":
            formulas.append((body, (opener[0], closer[1])))
            code += [opener, closer]
        else:
            code.append((opener[0], closer[1]))
    text = blanked(text, code)
    text = blanked(text, _between(text, _HTML))
    text = blanked(text, _inline_code(text))
    for pattern in (_VERB, _QUOTE):
        text = blanked(text, [match.span() for match in pattern.finditer(text)])
    return text, formulas


def _between(text: str, pairs: Iterable[tuple[str, str]]) -> Iterator[Span]:
    for opening, closing in pairs:
        position = text.find(opening)
        while position >= 0:
            end = text.find(closing, position + len(opening))
            if end < 0:
                break  # not closed: read as if it were not there
            yield position, end + len(closing)
            position = text.find(opening, end)


def _fences(text: str) -> Iterator[tuple[Span, Span, Span, str]]:
    """Yield opening line, body, closing line and first word of each fenced block."""
    opener: re.Match[str] | None = None
    for match in _FENCE.finditer(text):
        ticks, info = match[1], match[2].strip()
        if opener is None:
            if ticks[0] == "~" or "`" not in info:
                opener = match
        elif ticks[0] == opener[1][0] and len(ticks) >= len(opener[1]) and not info:
            yield opener.span(), (opener.end(), match.start()), match.span(), _first_word(opener)
            opener = None
    if opener is not None:
        end = len(text)
        yield opener.span(), (opener.end(), end), (end, end), _first_word(opener)


def _first_word(opener: re.Match[str]) -> str:
    words = opener[2].split()
    return words[0].lower().strip("{}.") if words else ""


def _inline_code(text: str) -> Iterator[Span]:
    """Yield code between backticks; of GitHub's $`a = b`$ the backticks alone."""
    runs = list(_BACKTICKS.finditer(text))
    ends = [match.start() for match in _BLANK_LINE.finditer(text)]
    by_length: dict[int, list[int]] = {}
    for number, run in enumerate(runs):
        by_length.setdefault(len(run[0]), []).append(number)
    number = 0
    while number < len(runs):
        run = runs[number]
        same = by_length[len(run[0])]
        position = bisect_right(same, number)
        after = bisect_right(ends, run.start())
        paragraph_end = ends[after] if after < len(ends) else len(text)
        if position == len(same) or runs[same[position]].start() > paragraph_end:
            number += 1
            continue
        closing = runs[same[position]]
        if text[run.start() - 1 : run.start()] == "$" == text[closing.end() : closing.end() + 1]:
            yield run.span()
            yield closing.span()
        else:
            yield run.start(), closing.end()
        number = same[position] + 1


def tex_comments(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield TeX's comments, from % to the end of the line."""
    for match in _ESCAPE_OR_COMMENT.finditer(text, start, end):
        if match[0].startswith("%"):
            yield match.span()


__all__ = ["Span", "blanked", "blanked_latex", "blanked_markdown", "is_latex", "tex_comments"]
