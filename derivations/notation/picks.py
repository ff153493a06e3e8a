"""What a subscript picks: an entry by its label, rows and columns by their numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from sympy import Expr, Integer, Symbol

from derivations.errors import NotationError
from derivations.notation import syntax
from derivations.notation.names import LARGEST_EXPONENT, ONES, UNITS, Scope, meaning
from derivations.notation.parse import parse_expression
from derivations.notation.spelling import spelled


@dataclass(frozen=True)
class Range:
    """Rows or columns, counted from 1, the last one included; None for no limit."""

    first: Expr | None
    last: Expr | None


def size_symbol(letter: str) -> Symbol:
    """Return the symbol of a size."""
    return Symbol(letter, integer=True, positive=True)


def ranges_of(node: syntax.Scripted) -> list[Range | None]:
    """Return the ranges in a subscript, None for a bare colon.

    Examples
    --------
    >>> from derivations.notation.parse import parse_symbol
    >>> ranges_of(parse_symbol("W_{:,1:n}"))
    [None, Range(first=1, last=n)]
    """
    slices = [i.body for i in node.subscripts if isinstance(i.body, syntax.Slice)]
    if len(slices) > 2:
        raise NotationError("A matrix has rows and columns: :,1:n.")
    return [
        None
        if piece.start is None and piece.stop is None
        else Range(_end(piece.start), _end(piece.stop))
        for piece in slices
    ]


def without_ranges(node: syntax.Scripted) -> syntax.Scripted:
    """Return a symbol or a bracket without the ranges in its subscript."""
    kept = tuple(i for i in node.subscripts if not isinstance(i.body, syntax.Slice))
    return replace(node, subscripts=kept)


def _end(node: syntax.Node | None) -> Expr | None:
    return None if node is None else size_of(node)


def size_of(node: syntax.Node) -> Expr:
    """Return a size that is written as a formula: n, 3, n + m, 2n."""
    match node:
        case syntax.Number() if node.text.isdigit():
            return Integer(int(node.text))
        case syntax.Scripted(base=syntax.Name(), superscripts=(syntax.Index(word=str(word)),)) if (
            word.isdigit() and int(word) <= LARGEST_EXPONENT
        ):
            return size_of(replace(node, superscripts=())) ** int(word)
        case syntax.Name() | syntax.Scripted(base=syntax.Name(), superscripts=(), primes=0):
            return size_symbol(plain_size(spelled(node)))
        case syntax.Bracket(items=(inner,)):
            return size_of(inner)
        case syntax.Sum():
            return sum((sign * size_of(term) for sign, term in node.terms), start=Integer(0))
        case syntax.Chain():
            signs = [part.text for part in node.parts if isinstance(part, syntax.Operator)]
            if set(signs) <= {"\\cdot"}:
                factors = (part for part in node.parts if not isinstance(part, syntax.Operator))
                return prod(map(size_of, factors))
    raise NotationError("This is no number of rows or columns.")


def plain_size(text: str) -> str:
    """Return the name of a size, without the braces of its index: n_{2} is n_2."""
    return re.sub(r"_\{(\w+)\}", r"_\1", text)


def size_in(indices: Sequence[syntax.Index]) -> Expr | None:
    """Return the size in a subscript of the identity, if there is one.

    Examples
    --------
    >>> from derivations.notation.parse import parse_symbol
    >>> [size_in(parse_symbol(text).subscripts) for text in ("I_{n+m}", "I_{2n}", "I")]
    [m + n, 2*n, None]
    """
    if not indices:
        return None
    (index,) = indices
    if index.body is not None:
        return size_of(index.body)
    return size_of(parse_expression("".join(f"{s:+d}"[0] + term for s, term in index.terms)))


def shape_in(indices: Sequence[syntax.Index]) -> tuple[Expr, Expr] | None:
    """Return the shape in a subscript such as n \\times m, if there is one."""
    match indices:
        case [syntax.Index(body=syntax.Chain(parts=parts))]:
            cross = [i for i, part in enumerate(parts) if spelled(part) == "\\times"]
            if len(cross) == 1:
                before, behind = parts[: cross[0]], parts[cross[0] + 1 :]
                return _side(before), _side(behind)
    return None


def _side(parts: Sequence[syntax.Node | syntax.Operator]) -> Expr:
    if len(parts) == 1 and not isinstance(parts[0], syntax.Operator):
        return size_of(parts[0])
    return size_of(syntax.Chain(tuple(parts), (0, 0)))


def label_of(node: syntax.Scripted, scope: Scope) -> syntax.Index | None:
    """Return the index of a symbol or a bracket that is an integer label."""
    if not scope.labels:
        return None
    for index in node.subscripts:
        if index.symbol is not None and not index.bracketed:
            found = meaning(index.symbol, scope.temporal)
            if found.name in scope.labels and found.time is not None:
                return index
    return None


def bare_symbols(
    statement: syntax.Statement, labels: frozenset[str], *, left: bool = True
) -> list[syntax.Symbol]:
    """Return the symbols of a statement without what their subscripts pick.

    Examples
    --------
    >>> from derivations.notation.parse import parse_statement
    >>> found = bare_symbols(parse_statement("E_t = -p_{t,y_t}"), frozenset({"y"}))
    >>> [len(symbol.subscripts) for symbol in found]
    [1, 1]
    """
    scope = Scope(temporal=labels, labels=labels)
    return [_without_picks(s, scope) for s in syntax.statement_symbols(statement, left=left)]


def _without_picks(symbol: syntax.Symbol, scope: Scope) -> syntax.Symbol:
    if isinstance(symbol, syntax.Name):
        return symbol
    label = label_of(symbol, scope)
    kept = tuple(
        index
        for index in symbol.subscripts
        if index is not label and not isinstance(index.body, syntax.Slice)
    )
    is_unit = label is not None and not kept and symbol.base.text in UNITS  # type: ignore[union-attr]
    if is_unit:
        return syntax.Name(ONES, symbol.span)
    return symbol if kept == symbol.subscripts else replace(symbol, subscripts=kept)
