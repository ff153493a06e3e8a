"""Text to syntax: the Lark grammar over the pieces of a formula, and one error for what fails."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedInput

from derivations.errors import NotationError, Place
from derivations.notation import syntax
from derivations.notation.bars import barred
from derivations.notation.layout import DEEPEST_NESTING, Refusal, lay_out
from derivations.notation.lexer import scan
from derivations.notation.remarks import bare
from derivations.notation.scanner import Piece
from derivations.notation.syntax import Span
from derivations.notation.trees import ToSyntax

#: Longer formulas are refused; a page of mathematics has some thousand characters.
LONGEST_FORMULA = 20_000

_EXPECTED = {
    "NAME": "a symbol",
    "NUMBER": "a number",
    "RELATION": "=",
    "SIGN": "+ or −",
    "PRODUCT": "a product sign",
    "RPAR": ")",
    "RSQB": "]",
    "RBRACE": "}",
    "LBRACE": "{",
    "NORM_CLOSE": "the closing ‖",
    "$END": "the end of the formula",
}


@cache
def _parser() -> Lark:
    grammar = resources.files("derivations.notation").joinpath("grammar.lark").read_text("utf-8")
    return Lark(
        grammar,
        start=["statement", "formula"],
        parser="lalr",
        lexer="basic",
        transformer=ToSyntax(),
        maybe_placeholders=False,
    )


def parse_statement(
    text: str, place: Place | None = None, *, words: frozenset[str] = frozenset()
) -> syntax.Statement:
    """Read an equation, or a chain of them, with the conditions behind it.

    Parameters
    ----------
    text : str
        LaTeX or plain text, one statement.
    place : Place, optional
        Where the statement stands in a longer text, for messages.
    words : frozenset of str
        Names that are one word wherever they stand, such as ``h_prev``.

    Raises
    ------
    NotationError
        With the place of the first thing that cannot be read.

    Examples
    --------
    >>> statement = parse_statement("h_t = \\\\tanh(W h_{t-1})")
    >>> len(statement.sides), statement.relations
    (2, ('=',))
    """
    statement = _parse(text, "statement", place, words)
    assert isinstance(statement, syntax.Statement)
    return statement


def parse_expression(
    text: str, place: Place | None = None, *, words: frozenset[str] = frozenset()
) -> syntax.Node:
    """Read a formula without a relation, such as ``\\|W^\\top\\|``."""
    node: syntax.Node = _parse(text, "formula", place, words)
    return node


def parse_symbol(
    text: str, place: Place | None = None, *, words: frozenset[str] = frozenset()
) -> syntax.Scripted:
    """Read one symbol with its scripts, such as ``\\hat{y}_t``."""
    node = parse_expression(text, place, words=words)
    if isinstance(node, syntax.Name):
        return syntax.Scripted(node, (), (), 0, node.span)
    if isinstance(node, syntax.Scripted):
        return node
    whole = place or Place(text, 0, len(text))
    raise NotationError(
        "This formula cannot be read.", whole.part(*node.span), "One symbol was expected here."
    )


def _parse(text: str, start: str, place: Place | None, words: frozenset[str]) -> Any:
    whole = place or Place(text, 0, len(text))
    _refuse_monsters(text, whole)
    try:
        pieces = barred(bare(lay_out(scan(text, whole.start, words))))
        return _tree(pieces, start, whole.start + len(text.rstrip()))
    except Refusal as refusal:
        where = whole.part(*refusal.span)
        raise NotationError(refusal.message, where, refusal.hint) from None


def _tree(pieces: list[Piece], start: str, end: int) -> Any:
    parser = _parser().parse_interactive(start=start)
    depth = 0
    for piece in pieces:
        depth += (piece.kind == "NORM_OPEN") - (piece.kind == "NORM_CLOSE")
        if depth > DEEPEST_NESTING:
            message = f"Norms are nested more than {DEEPEST_NESTING} deep."
            raise Refusal(message, (piece.start, piece.end))
        if piece.kind == "UNKNOWN" and piece.text[0] == "\\":
            raise Refusal(
                f"{piece.text} is no symbol.",
                (piece.start, piece.end),
                "A symbol is a letter, a Greek letter, or a word in \\text{…}.",
            )
        token = Token(piece.kind, piece.text, start_pos=piece.start, end_pos=piece.end)
        try:
            parser.feed_token(token)
        except UnexpectedInput as error:
            raise _unexpected(
                error, (piece.start, max(piece.end, piece.start + 1)), piece
            ) from None
    try:
        return parser.feed_token(Token("$END", "", start_pos=end, end_pos=end))
    except UnexpectedInput as error:
        raise _unexpected(error, (end, end + 1), None) from None


def _unexpected(error: UnexpectedInput, span: Span, piece: Piece | None) -> Refusal:
    expected = getattr(error, "expected", None) or set()
    names = list(dict.fromkeys(text for name, text in _EXPECTED.items() if name in expected))
    found = "The formula ends" if piece is None else f"{piece.text!r} came"
    hint = f"{found} where {_either(names)} was expected." if names else None
    return Refusal("This formula cannot be read.", span, hint)


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]


_ACCENTS_IN_A_ROW = re.compile(
    r"(\\(hat|widehat|tilde|widetilde|bar|overline|vec|d?dot|check)[\s{]*){5,}"
)
_LONG_NUMBER = re.compile(r"[0-9]{16,}")
_MANY_PRIMES = re.compile(r"(['′]\s*){4,}")
_DEEPER = {"{": 1, "(": 1, "[": 1, "}": -1, ")": -1, "]": -1}


def _refuse_monsters(text: str, place: Place) -> None:
    """Refuse what no later stage could bear."""
    if len(text) > LONGEST_FORMULA:
        raise NotationError(
            f"The formula has {len(text)} characters; at most {LONGEST_FORMULA} are read.",
            place.part(place.start, place.start + 1),
        )
    for pattern, message in (
        (_ACCENTS_IN_A_ROW, "More than four accents are piled up."),
        (_LONG_NUMBER, "A number has at most 15 digits."),
        (_MANY_PRIMES, "More than three primes stand in a row."),
    ):
        found = pattern.search(text)
        if found is not None:
            start, end = place.start + found.start(), place.start + found.end()
            raise NotationError(message, place.part(start, end))
    depth = 0
    for offset, character in enumerate(text):
        depth += _DEEPER.get(character, 0)
        if depth > DEEPEST_NESTING:
            where = place.start + offset
            raise NotationError(
                f"Brackets are nested more than {DEEPEST_NESTING} deep.",
                place.part(where, where + 1),
            )
