"""Where a displayed equation breaks: before a relation, and in a side that is too wide, at a sign.

Nothing is added to what the printer wrote but ``&``, line breaks and the frame of an alignment,
and brackets that need not grow are written as they are, so the equation reads back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from codegen.documents.breaking import lines
from codegen.documents.printed import width

#: A line of A4 at 11 pt with margins of 2.5 cm, in em.
LINE = 41.5
#: What must stay free between an equation and what stands at the right.
GAP = 2.0
#: A longer chain on one line is hard to read, though it fits.
COMFORTABLE = 27.0
#: More sides than these stand below each other.
SIDES_IN_A_LINE = 3

_TALL = re.compile(r"\\(frac|sum|prod|begin)(?![a-zA-Z])")
_GROWING = re.compile(r"\\(left|right)(\\\||[()\[\]])")
_BRACED = r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}"
_FACTOR_BEHIND = r" (?=[a-zA-Z(]|\\(?!left|right|odot|oslash|cdot|le(?![a-z])))"
_CROWDED = re.compile(rf"([_^]\{{[a-zA-Z]{{2,}}\}}\}}?|\\frac{_BRACED}{_BRACED}){_FACTOR_BEHIND}")


def body(sides: Sequence[str], available: float) -> str:
    """Return the LaTeX of a chain of equalities, broken where it is too wide.

    Parameters
    ----------
    sides : sequence of str
        The printed sides.
    available : float
        The width for it, in em.

    Examples
    --------
    >>> print(body(["a", "b", "c"], 20))
    a = b = c
    >>> print(body(["a", "b", "c"], 4))
    \\begin{aligned}[b]
    a &= b \\\\
    &= c
    \\end{aligned}
    """
    sides = [relaxed(side) for side in sides]
    line = " = ".join(sides)
    if len(sides) <= SIDES_IN_A_LINE and width(line) <= min(available, COMFORTABLE):
        return line
    room = available - width(sides[0]) - width("=")
    if len(sides) == 2 and width(sides[1]) <= room:
        return line
    rows = []
    for side in sides[1:]:
        first, *rest = filled(side, room)
        rows.append(f"&= {first}")
        # A blank that is no sign of its own: \quad would end the equation for a reader.
        rows += [f"&\\enspace\\enspace {{}} {piece}" for piece in rest]
    rows[0] = f"{sides[0]} {rows[0]}"
    return "\\begin{aligned}[b]\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def relaxed(text: str) -> str:
    """Return a formula in which only brackets around something tall grow.

    ``\\left`` and ``\\right`` also put a space in front, as if a function were multiplied. And a
    word as an index, and a fraction, are set off by a thin space from the factor behind them: the
    factor would seem to continue the word, and two fraction bars to be one.

    Examples
    --------
    >>> print(relaxed("\\\\sigma\\\\left(a_t\\\\right)"))
    \\sigma(a_t)
    >>> print(relaxed("W_{rec} h_t + b_{h}"))
    W_{rec} \\, h_t + b_{h}
    """
    opened: list[re.Match[str]] = []
    plain_at: dict[int, tuple[int, str]] = {}
    for match in _GROWING.finditer(text):
        if match[1] == "left":
            opened.append(match)
            continue
        start = opened.pop()
        if not _TALL.search(text, start.end(), match.start()):
            norm = start[2] == "\\|"
            plain_at[start.start()] = (start.end(), "\\lVert " if norm else start[2])
            plain_at[match.start()] = (match.end(), "\\rVert" if norm else match[2])
    result, position = "", 0
    for start_of_bracket, (end, bracket) in sorted(plain_at.items()):
        result += text[position:start_of_bracket] + bracket
        position = end
    return _CROWDED.sub(r"\1 \\, ", result + text[position:])


def filled(side: str, room: float) -> list[str]:
    """Return the lines of a side, as much on each as fits.

    Brackets that grow hold together what stands within them; where that is too wide, they are
    given the size of a fraction instead.

    Examples
    --------
    >>> filled("a + b + c", 4)
    ['a + b', '+ c']
    """
    narrow = room - 1  # a continued line is indented by one quad
    if width(side) <= room:
        return [side]
    found = lines(side, narrow, width)
    if max(map(width, found)) > narrow:
        found = lines(_GROWING.sub(_sized, side), narrow, width)
    return found


def _sized(match: re.Match[str]) -> str:
    return f"\\Big{match[1][0]}{match[2]}"


__all__ = ["GAP", "LINE", "body", "filled", "relaxed"]
