"""Where a displayed equation breaks: before a relation, and in a side that is too wide, at a sign.

Nothing is added to what the printer wrote but ``&``, line breaks and the frame of an alignment,
and brackets that need not grow are written as they are, so the equation reads back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

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
#: Where less than this share is left behind the first side, the others begin on lines below it.
HANGING = 0.3

_TALL = re.compile(r"\\(frac|sum|prod|begin)(?![a-zA-Z])")
_GROWING = re.compile(r"\\(left|right)(\\\||[()\[\]])")
_BRACED = r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}"
_NO_FACTOR = r"left|right|odot|oslash|otimes|cdot|end|\\|(?:le|in|approx|times)(?![a-z])"
_FACTOR_BEHIND = rf" (?=[a-zA-Z(]|\\(?!{_NO_FACTOR}))"
_CROWDED = re.compile(rf"([_^]\{{[a-zA-Z]{{2,}}\}}\}}?|\\frac{_BRACED}{_BRACED}){_FACTOR_BEHIND}")


@dataclass(frozen=True)
class Line:
    """A line of a displayed chain.

    Attributes
    ----------
    left, right : str
        LaTeX on the two sides of the place at which the lines are aligned.
    indent : int
        By how many steps the right part is moved in.
    """

    left: str
    right: str
    indent: int = 0


def arranged(
    sides: Sequence[str],
    relations: Sequence[str],
    available: float,
    comfortable: float,
    *,
    packed: bool = False,
) -> tuple[Line, ...]:
    """Return the lines of a chain, broken where it is too wide.

    Parameters
    ----------
    sides : sequence of str
        The printed sides.
    relations : sequence of str
        What stands between them.
    available : float
        The width for it, in em.
    comfortable : float
        A longer chain is broken, though it fits.
    packed : bool
        Whether sides share a line where they fit, as numbers do; steps of a derivation do not.

    Examples
    --------
    >>> [line.right for line in arranged(["a", "b", "c"], ["=", "="], 20, 20)]
    ['a = b = c']
    >>> [(line.left, line.right) for line in arranged(["a", "b", "c"], ["=", "="], 4, 4)]
    [('a', '= b'), ('', '= c')]
    """
    sides = [relaxed(side) for side in sides]
    left, *others = sides
    pairs = list(zip(relations, others, strict=True))
    line = " ".join([left, *(f"{relation} {side}" for relation, side in pairs)])
    is_short = len(sides) <= SIDES_IN_A_LINE and width(line) <= comfortable
    if (packed or is_short) and width(line) <= available:
        return (Line("", line),)
    room = available - width(left) - width("=")
    if len(sides) == 2 and width(sides[1]) <= room:
        return (Line("", line),)
    hangs = room < HANGING * available and len(sides) > 1
    if hangs or len(sides) == 1:
        first, *rest = filled(left, available)
        lines = [Line("", first), *(Line("", piece, 1) for piece in rest)]
        room = available - width("=") - 1
    else:
        lines = []
    for relation, side in pairs:
        if packed and lines and lines[-1].left + lines[-1].right != left:
            longer = f"{lines[-1].right} {relation} {side}"
            if width(longer) <= room + width("=") - (lines[-1].indent > hangs):
                lines[-1] = replace(lines[-1], right=longer)
                continue
        first, *rest = filled(side, room)
        start = "" if hangs or lines else left
        lines.append(Line(start, f"{relation} {first}", int(hangs)))
        lines += [Line("", piece, 1 + hangs + _continues_a_product(piece)) for piece in rest]
    return tuple(lines)


def _continues_a_product(piece: str) -> bool:
    """Tell whether a line begins with a factor: it must not look like a term of its own."""
    return not re.match(r"[+-]|\\(odot|oslash|cdot)(?![a-z])|⊙", piece)


def body(lines: Sequence[Line]) -> str:
    """Return the LaTeX of arranged lines.

    Examples
    --------
    >>> print(body(arranged(["a", "b", "c"], ["=", "="], 20, 20)))
    a = b = c
    >>> print(body(arranged(["a", "b", "c"], ["=", "="], 4, 4)))
    \\begin{aligned}[b]
    a &= b \\\\
    &= c
    \\end{aligned}
    """
    if len(lines) == 1:
        return lines[0].left + lines[0].right
    rows = []
    for line in lines:
        # A blank that is no sign of its own: \quad would end the equation for a reader.
        indent = "\\enspace\\enspace " * line.indent + ("{} " if line.indent else "")
        rows.append(f"{line.left} &{indent}{line.right}".lstrip())
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


@lru_cache(maxsize=2**12)  # most formats have the same line
def filled(side: str, room: float) -> tuple[str, ...]:
    """Return the lines of a side, as much on each as fits.

    Brackets that grow hold together what stands within them; where that is too wide, they are
    given the size of a fraction instead.

    Examples
    --------
    >>> filled("a + b + c", 4)
    ('a + b', '+ c')
    """
    narrow = room - 1  # a continued line is indented by one quad
    if width(side) <= room:
        return (side,)
    found = lines(side, narrow, width)
    if max(map(width, found)) > narrow:
        found = lines(_GROWING.sub(_sized, side), narrow, width)
    return tuple(found)


def _sized(match: re.Match[str]) -> str:
    return f"\\Big{match[1][0]}{match[2]}"


__all__ = ["COMFORTABLE", "GAP", "LINE", "Line", "arranged", "body", "filled", "relaxed"]
