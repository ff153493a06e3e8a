"""LaTeX's \\newcommand: what an author abbreviates is written out before the notes are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from derivations.errors import NotationError
from derivations.notation.text import LONGEST_TEXT

#: Macros may use macros, so deep and no deeper.
DEEPEST = 8

_DEFINITION = re.compile(
    r"\\(?:(?:re|provide)?newcommand\*?\s*\{?\s*(?P<new>\\[A-Za-z]+)\s*\}?\s*(?:\[(?P<count>\d)\])?"
    r"|def\s*(?P<def>\\[A-Za-z]+)(?P<parameters>(?:#\d)*)"
    r"|DeclareMathOperator\*?\s*\{?\s*(?P<operator>\\[A-Za-z]+)\s*\}?)\s*(?=\{)"
)


@dataclass(frozen=True)
class Macro:
    """What a command stands for.

    Attributes
    ----------
    count : int
        How many arguments it takes.
    body : str
        With ``#1`` for the first of them.
    """

    count: int
    body: str


def written_out(text: str) -> str:
    r"""Return a text with its own macros replaced by what they stand for; lines stay lines.

    Examples
    --------
    >>> print(written_out(r"\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}} $\pd{E}{W} = 0$"))
    \newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}} $\frac{\partial E}{\partial W} = 0$

    Raises
    ------
    NotationError
        When what comes out is longer than any notes.
    """
    macros: dict[str, Macro] = {}
    pieces: list[tuple[str, bool]] = []  # a piece, and whether it is a definition
    position = 0
    for match in _DEFINITION.finditer(text):
        if match.start() < position:
            continue
        body = _argument(text, match.end())
        if body is None:
            continue
        name = match["new"] or match["def"] or match["operator"]
        count = int(match["count"] or 0) or (match["parameters"] or "").count("#")
        shown = f"\\operatorname{{{body[0]}}}" if match["operator"] else body[0]
        macros[name] = Macro(count, shown)
        pieces += [(text[position : match.start()], False), (text[match.start() : body[1]], True)]
        position = body[1]
    if not macros:
        return text
    pieces.append((text[position:], False))
    return "".join(piece if fixed else _expanded(piece, macros) for piece, fixed in pieces)


def _expanded(text: str, macros: Mapping[str, Macro]) -> str:
    names = "|".join(re.escape(name) for name in sorted(macros, key=len, reverse=True))
    call = re.compile(rf"(?:{names})(?![A-Za-z])")
    for _ in range(DEEPEST):
        if call.search(text) is None:
            break
        text = _once(text, call, macros)
        if len(text) > LONGEST_TEXT:
            raise NotationError("The macros of the notes write out more than notes may have.")
    return text


def _once(text: str, call: re.Pattern[str], macros: Mapping[str, Macro]) -> str:
    made: list[str] = []
    position = 0
    while (match := call.search(text, position)) is not None:
        macro = macros[match[0]]
        end = match.end()
        arguments: list[str] = []
        for _ in range(macro.count):
            found = _argument(text, end)
            if found is None:
                break
            arguments.append(found[0])
            end = found[1]
        body = macro.body
        for number, argument in enumerate(arguments, 1):
            body = body.replace(f"#{number}", argument)
        is_word = body[-1:].isalpha() and text[end : end + 1].isalpha()
        made += [text[position : match.start()], body, " " if is_word else ""]
        position = end
    return "".join([*made, text[position:]])


def _argument(text: str, start: int) -> tuple[str, int] | None:
    """Return the argument behind a command, and where it ends: a group, a command or a letter."""
    while start < len(text) and text[start] in " \t":
        start += 1
    if start >= len(text):
        return None
    if text[start] != "{":
        command = re.compile(r"\\[A-Za-z]+|[^\s{}$]").match(text, start)
        return None if command is None else (command[0], command.end())
    depth = 0
    for position in range(start, min(len(text), start + 4000)):
        depth += (text[position] == "{") - (text[position] == "}")
        if depth == 0:
            return text[start + 1 : position], position + 1
    return None
