"""Which lines of a source define a symbol, and which compute a quantity."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from derivations.claims.source.symbols import (
    Line,
    all_symbols,
    has_derivative,
    has_free_running_step,
    is_timed,
)
from derivations.claims.vocabulary import Vocabulary, unknown_parts
from derivations.notation import syntax
from derivations.notation.names import canonical

#: A name, and whether it carries the running step.
Named = tuple[str, bool]


def named(symbol: syntax.Name | syntax.Scripted, vocabulary: Vocabulary) -> Named:
    """Return the name of a symbol that is not known yet."""
    if isinstance(symbol, syntax.Name) or not isinstance(symbol.base, syntax.Name):
        return (symbol.text if isinstance(symbol, syntax.Name) else "?"), False
    base, below, above, time, _, _ = unknown_parts(vocabulary, symbol)
    return canonical(base, below, above), time is not None


def is_definition(
    line: Line,
    lines: Sequence[Line],
    earlier: Collection[Line],
    given: Collection[Named],
    used: Mapping[Line, Collection[Named]],
    vocabulary: Vocabulary,
    is_late: bool,
) -> bool:
    """Tell a line that defines a symbol from one that computes a quantity of the network.

    Definitions speak of derivatives, or give a name to what the equations compute; no forward
    equation uses them. A line is late where sentences about the symbols come before it.
    """
    left, *rights = line.statement.sides
    if not isinstance(left, syntax.Name | syntax.Scripted):
        return True
    if isinstance(left, syntax.Scripted) and not isinstance(left.base, syntax.Name):
        return True
    if any(has_derivative(side) for side in rights):
        return True
    if not is_timed(left, vocabulary) and has_free_running_step(line.statement, vocabulary):
        return True
    if any(_has_slope(side) for side in rights):
        return True
    name = named(left, vocabulary)
    others = [other for other in lines if other is not line and other not in earlier]
    is_stack = isinstance(rights[0], syntax.Matrix) or (
        isinstance(rights[0], syntax.Bracket) and len(rights[0].items) > 1
    )
    if is_stack and (name in given or name in _defined(others, vocabulary)):
        return True
    if any(name in used[other] for other in others):
        return False
    before = lines[: lines.index(line)]
    is_behind_derivatives = any(
        has_derivative(side) for other in before for side in other.statement.sides[1:]
    )
    is_alias = not name[1] and isinstance(rights[0], syntax.Name | syntax.Scripted)
    return is_stack or is_behind_derivatives or is_alias or is_late


def _has_slope(node: syntax.Node) -> bool:
    """Tell whether a prime stands on something: no forward equation has a slope."""
    return any(isinstance(piece, syntax.Scripted) and piece.primes for piece in syntax.walk(node))


def used_names(line: Line, vocabulary: Vocabulary) -> frozenset[Named]:
    """Return the names on the right of a line."""
    return frozenset(
        named(symbol, vocabulary)
        for side in line.statement.sides[1:]
        for symbol in all_symbols(side)
    )


def _defined(lines: Sequence[Line], vocabulary: Vocabulary) -> set[Named]:
    lefts = [line.statement.sides[0] for line in lines]
    return {
        named(left, vocabulary) for left in lefts if isinstance(left, syntax.Name | syntax.Scripted)
    }
