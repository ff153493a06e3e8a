"""What a repair changes: the pieces of its LaTeX that the claim does not have, marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

#: Longer formulas are shown without marks.
LONGEST_COMPARED = 4000

_TOKEN = re.compile(r"\\begin\s*\{\w+\*?\}|\\end\s*\{\w+\*?\}|\\[A-Za-z]+\*?|\\.|\s+|.", re.DOTALL)
_LEFT = re.compile(
    r"(\\left\s*(?:\\[A-Za-z]+|\\.|.))(.*)(\\right\s*(?:\\[A-Za-z]+|\\.|.))", re.DOTALL
)
_OPENING, _CLOSING = ("{", "\\left", "\\begin"), ("}", "\\right", "\\end")


def marked(before: str, after: str, opening: str, closing: str) -> str:
    """Return a formula with marks around what another one does not have.

    Parameters
    ----------
    before, after : str
        The claim and its repair.
    opening, closing : str
        The marks. What stands between them is balanced, so that they may be braces of a command.

    Examples
    --------
    >>> marked("A B^\\\\top = C", "A B = C", "<", ">")
    'A <B> = C'
    >>> marked("\\\\sum_{k=1}^{t-1} a_k", "\\\\sum_{k=1}^{t} a_k", "<", ">")
    '<\\\\sum_{k=1}^{t}> a_k'
    """
    if max(len(before), len(after)) > LONGEST_COMPARED or after.count("{") != after.count("}"):
        return after
    return _marked(list(_units(before)), list(_units(after)), opening, closing)


def _marked(old: Sequence[str], new: Sequence[str], opening: str, closing: str) -> str:
    matcher = SequenceMatcher(
        None, list(map(_packed, old)), list(map(_packed, new)), autojunk=False
    )
    pieces: list[str] = []
    for kind, first, last, start, end in matcher.get_opcodes():
        if kind == "equal":
            pieces += new[start:end]
        elif kind == "replace" and (last - first, end - start) == (1, 1):
            pieces.append(_marked_unit(old[first], new[start], opening, closing))
        elif end > start:
            text = "".join(new[start:end])
            body = text.strip()
            lead = text[: len(text) - len(text.lstrip())]
            pieces.append(f"{lead}{opening}{body}{closing}{text[len(lead) + len(body) :]}")
    return "".join(pieces)


def _marked_unit(old: str, new: str, opening: str, closing: str) -> str:
    """Look into a pair of brackets for what changed there."""
    before, after = _LEFT.fullmatch(old.strip()), _LEFT.fullmatch(new.strip())
    blanks = new[len(new.rstrip()) :]
    if before is None or after is None:
        return f"{opening}{new.strip()}{closing}{blanks}"
    inner = _marked(list(_units(before[2])), list(_units(after[2])), opening, closing)
    return f"{after[1]}{inner}{after[3]}{blanks}"


def _packed(unit: str) -> str:
    return re.sub(r"\s", "", unit).replace("{", "").replace("}", "")


def _units(latex: str) -> Iterator[str]:
    """Yield pieces that can stand in a group: an atom with its arguments and scripts."""
    tokens = [match[0] for match in _TOKEN.finditer(latex)]
    unit, position = "", 0
    while position < len(tokens):
        token = tokens[position]
        is_script = token in ("_", "^", "'")
        takes_group = token == "{" and re.fullmatch(r"\\[A-Za-z]+\*?(?:\{.*\})?", unit, re.DOTALL)
        if unit.strip() and not (is_script or takes_group or token.isspace() or unit[-1] in "_^"):
            yield unit
            unit = ""
        if token.startswith(_OPENING):
            end = _group_end(tokens, position)
            unit += "".join(tokens[position:end])
            position = end
        else:
            unit += token
            position += 1
    if unit:
        yield unit


def _group_end(tokens: Sequence[str], start: int) -> int:
    """Return the position behind the group that starts at a position."""
    depth = 0
    for position in range(start, len(tokens)):
        depth += tokens[position].startswith(_OPENING) - tokens[position].startswith(_CLOSING)
        if depth == 0:
            is_right = tokens[position] == "\\right"
            return min(position + 1 + is_right, len(tokens))
    return len(tokens)


__all__ = ["marked"]
