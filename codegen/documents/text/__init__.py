"""A derivation as plain Unicode text for a terminal, at most 100 columns wide."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from codegen.documents import breaking
from codegen.documents.content import (
    Symbol,
    checked,
    mark,
    proof_text,
    runs,
    symbols,
    visible,
)
from codegen.documents.conventions import conventions
from codegen.documents.printed import plain
from codegen.documents.rendering import render
from derivations.derivation import Derivation, Equation, Section
from derivations.notation.latex import latex

COLUMNS = 100
#: How each mark looks here.
MARKS = {"proven": "✓", "numeric": "≈", "given": "given", "definition": "def."}
_FORMULA = re.compile(r"\$([^$]*)\$")
#: What the number and the mark take at the left of an equation.
_MARGIN = 13
#: What holds the pieces of a short formula together until lines are broken.
_TIE = "\0"
_SHORT = 24


@dataclass(frozen=True)
class ShownSection:
    """A heading, its rule, a paragraph, and runs of equations, all broken into lines."""

    title: str
    rule: str
    text: str
    runs: tuple[str, ...]


def text(derivation: Derivation) -> str:
    """Return a proven derivation as text: symbols, conventions, equations, and their proof.

    Raises
    ------
    EmitError
        When an equation is not proven.

    Examples
    --------
    >>> from derivations.bptt import derive
    >>> from derivations.library import cell
    >>> from derivations.proving import prove
    >>> lines = text(prove(derive(cell("rnn")))).splitlines()
    >>> print(next(line for line in lines if line.startswith(" (38)")))
     (38)  ✓     ∂E/∂W_rec = Σ_{t=1}^T δ_t^a h_{t-1}ᵀ
    """
    title = visible(checked(derivation).model.title)
    lines = wrapped(title, COLUMNS)
    return render(
        __name__,
        "text.txt.jinja",
        title="\n".join(lines),
        rule="=" * max(map(columns, lines)),
        symbols=_symbols(symbols(derivation)),
        conventions=tuple(_indented("- ", _tied(line)) for line in conventions(derivation)),
        sections=tuple(_section(section) for section in derivation.sections),
        proof="\n".join(wrapped(_tied(proof_text(derivation)), COLUMNS)),
    )


def readable(prose: str) -> str:
    """Return text with ``$`` around formulas as Unicode text.

    Examples
    --------
    >>> print(readable("The adjoint of $\\\\hat{y}_t$."))
    The adjoint of ŷ_t.
    """
    return _FORMULA.sub(lambda match: plain(match[1]), prose)


def _tied(prose: str) -> str:
    """Return text with its short formulas tied, so that no line ends within one."""
    shown = _FORMULA.split(prose)
    shown[1::2] = [_tie(plain(formula)) for formula in shown[1::2]]
    return "".join(shown)


def _tie(formula: str) -> str:
    return formula.replace(" ", _TIE) if columns(formula) <= _SHORT else formula


def columns(line: str) -> int:
    """Return how many columns of a terminal a line takes.

    Examples
    --------
    >>> columns("ŷ_t"), columns("中文"), columns("x\\u0303")
    (3, 4, 1)
    """
    return sum(_columns_of(character) for character in line)


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def wrapped(prose: str, room: int) -> list[str]:
    """Break text into lines between words, and a word that is too long anywhere.

    Examples
    --------
    >>> wrapped("one two three", 7)
    ['one two', 'three']
    >>> wrapped("abcdefgh", 3)
    ['abc', 'def', 'gh']
    """
    lines = [""]
    for word in prose.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if columns(longer) <= room:
            lines[-1] = longer
            continue
        lines += [""] if lines[-1] else []
        for character in word:
            if columns(lines[-1] + character) > room:
                lines.append("")
            lines[-1] += character
    return [line.replace(_TIE, " ") for line in lines]


def _indented(front: str, prose: str) -> str:
    lines = wrapped(prose, COLUMNS - len(front))
    return front + f"\n{' ' * len(front)}".join(lines)


def _symbols(found: Sequence[Symbol]) -> tuple[str, ...]:
    rows = []
    for role in dict.fromkeys(symbol.role for symbol in found):
        shown = [
            plain(s.latex) + (f" ({'×'.join(map(plain, s.shape))})" if role != "label" else "")
            for s in found
            if s.role == role
        ]
        rows.append(_indented(f"{role:<13}", ", ".join(one.replace(" ", _TIE) for one in shown)))
    return tuple(rows)


def _section(section: Section) -> ShownSection:
    shown = []
    for reason, group in runs(section.equations):
        head = "\n".join(wrapped(_tied(reason), COLUMNS))
        shown.append("\n".join([head, *(_equation(equation) for equation in group)]))
    title = readable(section.title)
    body = "\n".join(wrapped(_tied(section.text), COLUMNS))
    return ShownSection(title, "-" * columns(title), body, tuple(shown))


def _equation(equation: Equation) -> str:
    front = f"{f' ({equation.number})':<6} {MARKS[mark(equation)]:<{_MARGIN - 7}}"
    return front + f"\n{' ' * _MARGIN}".join(_lines(equation))


def _lines(equation: Equation) -> list[str]:
    """Return the equation on one line, or each side on its own, its range behind the last."""
    room = COLUMNS - _MARGIN
    left, *others = [plain(latex(side)) for side in equation.sides]
    conditions = f"   for {plain(equation.conditions)}" if equation.conditions else ""
    line = " = ".join([left, *others]) + conditions
    if columns(line) <= room and len(others) <= 2:
        return [line]
    is_short = columns(left) <= room // 2
    indent = " " * (columns(left) if is_short else 1)
    found = [] if is_short else breaking.lines(left, room, columns)
    for side in others:
        first, *rest = breaking.lines(side, room - len(indent) - 3, columns)
        found += [f"{indent} = {first}", *(f"{indent}   {piece}" for piece in rest)]
    if is_short:
        found[0] = left + found[0][len(indent) :]
    if columns(found[-1] + conditions) <= room:
        found[-1] += conditions
    else:
        found.append(indent + conditions)
    return found


__all__ = ["columns", "readable", "text", "wrapped"]
