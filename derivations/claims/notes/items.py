"""Statements of notes read: their syntax, or the reason why they have none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from derivations.activations import FUNCTIONS
from derivations.claims.notes.displays import Display
from derivations.errors import BpttError, NotationError
from derivations.notation import syntax
from derivations.notation.parse import parse_statement

#: Signs of equality.
EQUALITIES = frozenset({"=", ":=", "≜", "\\triangleq", "\\coloneqq", "\\equiv", "≡"})


@dataclass(frozen=True)
class Item:
    """One statement, read or not.

    Attributes
    ----------
    display : Display
    statement : syntax.Statement or None
        None where it cannot be read.
    reason : str
        Why it cannot be read or judged; empty where it can.
    """

    display: Display
    statement: syntax.Statement | None
    reason: str = ""


def read_items(displays: Iterable[Display]) -> list[Item]:
    """Read statements; one that cannot be read keeps the reason."""
    found = list(displays)
    words = frozenset(
        word
        for display in found
        if "\\" not in display.latex
        for word in _PLAIN_NAME.findall(display.latex)
    )
    items = []
    for display in found:
        try:
            latex = marked_as_latex(display.latex)
            statement = parse_statement(latex, display.place, words=words)
        except NotationError as error:
            items.append(Item(display, None, reason_of(error)))
        else:
            items.append(Item(display, statement))
    return items


def reason_of(error: BpttError) -> str:
    """Return on one line what is wrong, and with which piece."""
    place = error.place
    piece = "" if place is None else " ".join(place.text[place.start : place.end].split())
    is_named = not piece or len(piece) > 40 or piece in error.message
    parts = [error.message if is_named else f"{error.message} The piece is {piece!r}."]
    return " ".join([*parts, *([error.hint] if error.hint else [])])


#: A name that plain text writes with underscores, such as h_prev; h_t is none.
_PLAIN_NAME = re.compile(
    r"(?<![\\\w])[A-Za-z][A-Za-z0-9]*_(?:[A-Za-z0-9]{2,}(?:_[A-Za-z0-9]+)*|[A-Za-z0-9](?:_[A-Za-z0-9]+)+)"
)
_PLAIN_TEXT = re.compile(
    r"_[A-Za-z0-9]{2,}|\b(?:alpha|beta|gamma|delta|epsilon|theta|lambda|mu|nu|phi|psi|rho|sigma"
    r"|tau|omega)\b"
)


def marked_as_latex(latex: str) -> str:
    """Add a space command to a formula without any, so that Wx is W times x and no name.

    Examples
    --------
    >>> marked_as_latex("y = Wx"), marked_as_latex("y = W_out x")
    ('y = Wx\\\\!', 'y = W_out x')
    """
    is_clear = "\\" in latex or _PLAIN_TEXT.search(latex) is not None
    return latex if is_clear else latex + "\\!"


# Functions

_FORMULAS = {
    "sigmoid": {r"\frac{1}{1+e^{-x}}", r"\frac{1}{1+\exp(-x)}", "1/(1+e^{-x})", r"(1+e^{-x})^{-1}"},
    "tanh": {r"\frac{e^{x}-e^{-x}}{e^{x}+e^{-x}}", r"\frac{e^x-e^{-x}}{e^x+e^{-x}}"},
    "relu": {r"\max(0,x)", r"\max(x,0)", r"\max\{0,x\}", r"\max\{x,0\}"},
}
_APPLIED = re.compile(r"(?P<name>\\?[a-zA-Z]+(?:_\{?\w+\}?)?)\((?P<variable>[a-z])\)=(?P<right>.+)")


def function_said(display: Display, statement: syntax.Statement | None) -> str | None:
    """Return the declaration that an equation between functions makes, such as σ = tanh.

    Examples
    --------
    >>> from derivations.claims.notes.displays import find_displays
    >>> [display] = find_displays(r"$$\\sigma(z) = \\frac{1}{1 + e^{-z}}$$").displays
    >>> function_said(display, None)
    '\\\\sigma is sigmoid'
    """
    packed = re.sub(r"\s|\\[,;:! ]|\\left|\\right|\\mathrm(?=\{e\})", "", display.latex)
    applied = _APPLIED.fullmatch(packed.replace("{e}", "e"))
    if applied is not None and applied["name"].removeprefix("\\") not in FUNCTIONS:
        variable = re.escape(applied["variable"])
        right = re.sub(rf"(?<![\\a-zA-Z]){variable}(?![a-zA-Z])", "x", applied["right"])
        for function, formulas in _FORMULAS.items():
            if right in formulas:
                return f"{applied['name']} is {function}"
    if statement is None or len(statement.sides) != 2 or statement.relations[0] not in EQUALITIES:
        return None
    left, right_side = statement.sides
    if isinstance(left, syntax.Name) and isinstance(right_side, syntax.Name):
        name = right_side.text.removeprefix("\\")
        if name in FUNCTIONS and left.text.removeprefix("\\") not in FUNCTIONS:
            return f"{left.text} is {name}"
    return None


__all__ = ["EQUALITIES", "Item", "function_said", "marked_as_latex", "read_items", "reason_of"]
