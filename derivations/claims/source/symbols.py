"""Symbols in syntax: their names, their steps, and where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from derivations.claims.steps import Step
from derivations.claims.vocabulary import Vocabulary
from derivations.errors import NotationError, Place
from derivations.notation import syntax
from derivations.notation.names import canonical
from derivations.notation.parse import parse_expression


@dataclass(frozen=True)
class Line:
    """One equation of a source, and where it stands."""

    statement: syntax.Statement
    place: Place


def symbol_name(text: str) -> str:
    node = parse_expression(text)
    if isinstance(node, syntax.Name | syntax.Scripted):
        return name_of(node)
    raise NotationError("A symbol was expected here.", Place(text, 0, len(text)))


def name_of(node: syntax.Name | syntax.Scripted) -> str:
    """Return the whole name of a symbol, all its scripts taken as labels."""
    if isinstance(node, syntax.Name):
        return node.text
    base = node.base.text if isinstance(node.base, syntax.Name) else "?"
    return canonical(
        base,
        ["".join(w for _, w in i.terms) for i in node.subscripts],
        ["".join(w for _, w in i.terms) for i in node.superscripts],
    )


def is_sign(node: syntax.Name | syntax.Scripted) -> bool:
    base = node.base if isinstance(node, syntax.Scripted) else node
    return isinstance(base, syntax.Name) and base.text in ("\\partial", "\\nabla", "\\cdot", "d")


def has_derivative(node: syntax.Node | syntax.Operator) -> bool:
    return any(
        isinstance(piece, syntax.Name) and piece.text in ("\\partial", "\\nabla")
        for piece in syntax.walk(node)
    )


def all_symbols(node: syntax.Node | syntax.Operator) -> Iterator[syntax.Name | syntax.Scripted]:
    """Yield the symbols of a piece; scripts on a bracket do not hide what it holds."""
    if isinstance(node, syntax.Name) or (
        isinstance(node, syntax.Scripted) and isinstance(node.base, syntax.Name)
    ):
        yield node
        return
    for child in syntax.children(node):
        yield from all_symbols(child)


def applied_names(statement: syntax.Statement) -> Iterator[str]:
    """Yield the names that stand before a bracket."""
    for side in statement.sides:
        for node in syntax.walk(side):
            if isinstance(node, syntax.Chain):
                for first, second in zip(node.parts, node.parts[1:], strict=False):
                    base = first.base if isinstance(first, syntax.Scripted) else first
                    inner = second.base if isinstance(second, syntax.Scripted) else second
                    if isinstance(base, syntax.Name) and isinstance(inner, syntax.Bracket):
                        yield base.text


def bound_letters(statement: syntax.Statement) -> frozenset[str]:
    found: set[str] = set()
    for side in statement.sides:
        for node in syntax.walk(side):
            if isinstance(node, syntax.Series):
                found |= {term for bound in node.bounds for _, term in bound.terms}
    return frozenset(found)


def is_timed(node: syntax.Node, vocabulary: Vocabulary) -> bool:
    return isinstance(node, syntax.Scripted) and any(
        vocabulary.mentions_running(index) for index in (*node.subscripts, *node.superscripts)
    )


def has_free_running_step(statement: syntax.Statement, vocabulary: Vocabulary) -> bool:
    """Tell whether a right side carries the running step outside every sum over it."""
    bound = bound_letters(statement)
    running = vocabulary.running
    return running not in bound and any(
        is_timed(symbol, vocabulary) for side in statement.sides[1:] for symbol in all_symbols(side)
    )


def mentions(line: Line, letter: str, shift: int, vocabulary: Vocabulary) -> bool:
    wanted = Step.letter(letter).shifted(shift)
    return any(
        vocabulary.step_of(index) == wanted
        for side in line.statement.sides
        for symbol in all_symbols(side)
        if isinstance(symbol, syntax.Scripted)
        for index in (*symbol.subscripts, *symbol.superscripts)
    )


def letters_as_times(sides: Sequence[syntax.Node], vocabulary: Vocabulary) -> frozenset[str]:
    """Return the letters that some known name carries as its step."""
    found: set[str] = set()
    for side in sides:
        for symbol in all_symbols(side):
            split = vocabulary.split(symbol)
            if split.is_known and split.time is not None:
                found |= split.time.names
    return frozenset(found)
