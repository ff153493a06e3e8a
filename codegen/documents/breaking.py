"""Where a formula that is too wide breaks, in LaTeX as in a terminal: as far outside as it can."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

#: The signs before which a formula breaks, the loosest first; a blank stands between two factors,
#: and between the blocks of a stack.
_SIGNS = (
    frozenset({"+", "-"}),
    frozenset({"⊙", "⊘", "·", "\\odot", "\\oslash", "\\cdot", "\\circ"}),
)
_NO_END = frozenset({"=", "\\approx"}).union(*_SIGNS)
_TOKEN = re.compile(r"(?: \\,)? +|\\[a-zA-Z]+|\\.|.", re.DOTALL)
_OPENS = frozenset({"(", "[", "\\lVert"})
_CLOSES = frozenset({")", "]", "\\rVert"})
_SERIES = re.compile(r"(\\sum|\\prod|\\overrightarrow\{\\prod\}|Σ|∏\u20d7?)\S*")
#: What is held together whatever it costs: scripts, fractions, matrices, brackets that grow.
_TIED = {"{": 1, "}": -1, "\\left": 1, "\\right": -1, "\\begin": 1, "\\end": -1}
_DEEPEST = 4


def lines(text: str, room: float, width: Callable[[str], float]) -> list[str]:
    """Return a formula in lines, each as full as it can be.

    A line breaks before a sum's sign outside of all brackets; a term that is too wide alone breaks
    before an elementwise sign, then between its factors, and only then within its brackets.

    Parameters
    ----------
    text : str
        LaTeX of our printer, or what `printed.plain` made of it.
    room : float
        How wide a line may be.
    width : callable
        How wide a text is.

    Examples
    --------
    >>> lines("a + (b - c) d - e", 10, len)
    ['a', '+ (b - c)', 'd - e']
    >>> lines("f(a + b) + c", 7, len)
    ['f(a', '+ b)', '+ c']
    """
    return _broken(text, room, width, 0)


def _broken(text: str, room: float, width: Callable[[str], float], level: int) -> list[str]:
    if width(text) <= room or level == (len(_SIGNS) + 1) * _DEEPEST:
        return [text]
    depth, kind = divmod(level, len(_SIGNS) + 1)
    found: list[str] = []
    for chunk in _joined_series(chunks(text, depth, kind)):
        longer = found[-1] + chunk if found else chunk
        if width(longer) <= room:
            found[-1:] = [longer]
        else:
            found += _broken(_stripped(chunk), room, width, level + 1)
    return found


def _stripped(chunk: str) -> str:
    return re.sub(r"^(?: \\,)? +", "", chunk)


def chunks(text: str, depth: int, kind: int) -> list[str]:
    """Return a formula cut before signs of one kind inside at most so many brackets.

    Parameters
    ----------
    depth : int
        How many brackets may stand around a cut.
    kind : int
        0 for the signs of a sum, 1 for elementwise signs, 2 for blanks.
    """
    found = [""]
    for token, around, following in _tokens(text):
        is_blank = token.endswith(" ") and around <= depth
        is_cut = is_blank and (kind == len(_SIGNS) or following in _SIGNS[kind])
        # Nothing begins with a relation's right side alone, and no line ends with a sign.
        before = found[-1].split()[-1:]
        if is_cut and before and before[0] not in _NO_END:
            found.append("")
        found[-1] += token
    return found


def _tokens(text: str) -> Iterator[tuple[str, int, str]]:
    """Yield each token with how many brackets stand around it, and the token behind it."""
    tokens = [match[0] for match in _TOKEN.finditer(text)]
    depth = tied = 0
    for position, token in enumerate(tokens):
        tied += _TIED.get(token, 0)
        depth += (token in _OPENS) - (token in _CLOSES)
        behind = tokens[position + 1] if position + 1 < len(tokens) else ""
        yield token, depth + (100 if tied else 0), behind


def _joined_series(found: Sequence[str]) -> list[str]:
    """Join the sign of a sum or product over time to what stands behind it."""
    joined: list[str] = []
    for chunk in found:
        if joined and _SERIES.fullmatch(joined[-1].split(" ")[-1]):
            joined[-1] += chunk
        else:
            joined.append(chunk)
    return joined


__all__ = ["chunks", "lines"]
