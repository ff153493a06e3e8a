"""What a formula looks like before its names mean anything: plain immutable data with places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Index:
    """A subscript or superscript: a signed sum of words and numbers, such as ``t-1`` or ``rec``.

    Attributes
    ----------
    terms : tuple of (int, str)
        Sign and text of each term.
    bracketed : bool
        Whether it was written in parentheses, as in ``h^{(t)}``.
    symbol : Scripted or None
        The nested symbol, if the index is one with scripts of its own, as in ``\\delta_{h_t}``.
    equals : Index or None
        The right side of an equation in the index, as in ``W^{(t=1)}``.
    body : Node or None
        The whole expression, if it is more than a signed sum of words, as in ``e^{-W x}``.
    """

    terms: tuple[tuple[int, str], ...]
    span: Span
    bracketed: bool = False
    symbol: Scripted | None = None
    equals: Index | None = None
    body: Node | None = None

    @property
    def word(self) -> str | None:
        """The text, if the index is one unsigned term."""
        return self.terms[0][1] if len(self.terms) == 1 and self.terms[0][0] > 0 else None


@dataclass(frozen=True)
class Number:
    text: str
    span: Span


@dataclass(frozen=True)
class Name:
    """A bare name: a letter, a command, a word in a font, or one of these under an accent."""

    text: str
    span: Span


@dataclass(frozen=True)
class Scripted:
    """An atom with its subscripts, superscripts and primes."""

    base: Node
    subscripts: tuple[Index, ...]
    superscripts: tuple[Index, ...]
    primes: int
    span: Span


@dataclass(frozen=True)
class Bracket:
    """One bracketed expression, or several with the given signs between: ``[h; x]``."""

    items: tuple[Node, ...]
    square: bool
    span: Span
    separators: tuple[str, ...] = ()


@dataclass(frozen=True)
class Norm:
    """A norm, or with one bar on each side an absolute value."""

    body: Node
    span: Span
    bars: int = 2


@dataclass(frozen=True)
class Fraction:
    numerator: Node
    denominator: Node
    span: Span


@dataclass(frozen=True)
class Matrix:
    """A matrix or a vector written out by its entries."""

    rows: tuple[tuple[Node, ...], ...]
    span: Span


@dataclass(frozen=True)
class Cases:
    """Alternatives: in every row the value and, where it is a formula, its condition."""

    rows: tuple[tuple[Node, ...], ...]
    span: Span


@dataclass(frozen=True)
class Restricted:
    """A factor with a bar and a remark behind it: ``X|_{\\text{indirect}}``."""

    body: Node
    label: str
    span: Span


@dataclass(frozen=True)
class Ellipsis:
    """Dots that stand for factors, terms or entries."""

    span: Span


@dataclass(frozen=True)
class Slice:
    """A range of entries between square brackets, such as ``n:``."""

    start: Node | None
    stop: Node | None
    span: Span


@dataclass(frozen=True)
class Comparison:
    """Sides with relations between them inside a bracket, such as ``[i = j]``."""

    sides: tuple[Node, ...]
    relations: tuple[str, ...]
    span: Span


@dataclass(frozen=True)
class Operator:
    """An infix sign between the factors of a product."""

    text: str
    span: Span


@dataclass(frozen=True)
class Series:
    """A ∑ or ∏ with its range; its body is the rest of the chain that it stands in."""

    kind: str
    bounds: tuple[Index, ...]
    relations: tuple[str, ...]
    upper: Index | None
    span: Span


@dataclass(frozen=True)
class Chain:
    """Factors and product signs, as they stand in the line."""

    parts: tuple[Node | Operator, ...]
    span: Span


@dataclass(frozen=True)
class Sum:
    """Signed terms."""

    terms: tuple[tuple[int, Node], ...]
    span: Span


@dataclass(frozen=True)
class Condition:
    """A chain of inequalities between indices, such as 1 ≤ k ≤ t."""

    indices: tuple[Index, ...]
    relations: tuple[str, ...]
    span: Span


@dataclass(frozen=True)
class Statement:
    """Sides with relations between them, and the conditions under which they hold."""

    sides: tuple[Node, ...]
    relations: tuple[str, ...]
    conditions: tuple[Condition, ...]
    span: Span


Node: TypeAlias = (
    Number
    | Name
    | Scripted
    | Bracket
    | Norm
    | Fraction
    | Matrix
    | Cases
    | Restricted
    | Ellipsis
    | Slice
    | Comparison
    | Series
    | Chain
    | Sum
)
Symbol: TypeAlias = Name | Scripted


def children(node: Node | Operator) -> tuple[Node | Operator, ...]:
    """Return the pieces of a piece."""
    match node:
        case Scripted():
            return (node.base,)
        case Bracket():
            return node.items
        case Norm() | Restricted():
            return (node.body,)
        case Matrix() | Cases():
            return tuple(entry for row in node.rows for entry in row)
        case Comparison():
            return node.sides
        case Slice():
            return tuple(end for end in (node.start, node.stop) if end is not None)
        case Fraction():
            return node.numerator, node.denominator
        case Chain():
            return node.parts
        case Sum():
            return tuple(term for _, term in node.terms)
        case _:
            return ()


def walk(node: Node | Operator) -> Iterator[Node | Operator]:
    """Yield a piece and all pieces in it, in the order of the text."""
    yield node
    for child in children(node):
        yield from walk(child)


def changed(node: Node | Operator, change: Callable[[Node | Operator], Node | Operator]) -> Any:
    """Return a piece with a change made to every piece in it, the innermost first."""

    def inner(piece: Any) -> Any:
        return changed(piece, change)

    match node:
        case Scripted():
            node = replace(node, base=inner(node.base))
        case Bracket():
            node = replace(node, items=tuple(map(inner, node.items)))
        case Norm() | Restricted():
            node = replace(node, body=inner(node.body))
        case Matrix():
            node = replace(node, rows=tuple(tuple(map(inner, row)) for row in node.rows))
        case Fraction():
            above, below = inner(node.numerator), inner(node.denominator)
            node = replace(node, numerator=above, denominator=below)
        case Chain():
            node = replace(node, parts=tuple(map(inner, node.parts)))
        case Sum():
            node = replace(node, terms=tuple((sign, inner(term)) for sign, term in node.terms))
    return change(node)


def symbols(node: Node | Operator) -> Iterator[Symbol]:
    """Yield the symbols in a piece, each with its scripts, in the order of the text."""
    if isinstance(node, Name) or (isinstance(node, Scripted) and isinstance(node.base, Name)):
        yield node
    else:
        for child in children(node):
            yield from symbols(child)


def statement_symbols(statement: Statement, *, left: bool = True) -> list[Symbol]:
    """Return the symbols of a statement, in order; without its left side if so asked."""
    sides = statement.sides if left else statement.sides[1:]
    return [symbol for side in sides for symbol in symbols(side)]
