"""What the left side of an equation names, if it names something and computes nothing."""

from __future__ import annotations

from derivations.claims.elaborate import FUNCTION_LETTERS
from derivations.claims.notes.naming import Key, Names, Piece, compound, is_symbol
from derivations.claims.steps import Step
from derivations.notation import syntax
from derivations.notation.lexer import FUNCTION_WORDS


def left_key(names: Names, statement: syntax.Statement) -> Key | None:
    """Return the quantity that a left side names: h_t, dW, δ 7 or (δ_t)_{local}."""
    left = statement.sides[0]
    pieces = compound(left)
    if pieces is not None:
        return _compound_key(names, *pieces)
    if isinstance(left, syntax.Scripted) and isinstance(left.base, syntax.Bracket):
        return _labelled_key(names, left, left.base)
    if not is_symbol(left) or not names.is_bare(left) or _is_slope(left):
        return None
    return names.key(left)


def left_time(names: Names, statement: syntax.Statement) -> Step | None:
    """Return the step at which a left side stands."""
    left = statement.sides[0]
    pieces = compound(left)
    candidates: tuple[Piece, ...] = (left,)
    if pieces is not None:
        candidates = pieces[1]
    elif isinstance(left, syntax.Scripted) and isinstance(left.base, syntax.Bracket):
        candidates = left.base.items
    times = [names.time(part) for part in candidates if is_symbol(part)]
    return next((time for time in times if time is not None), None)


def _compound_key(names: Names, first: syntax.Name, rest: tuple[Piece, ...]) -> Key:
    keys = [names.key(part) for part in rest if is_symbol(part)]
    numbers = [part.text for part in rest if isinstance(part, syntax.Number)]
    words = [first.text, *(key.name for key in keys), *numbers]
    return Key(" ".join(words), any(key.is_timed for key in keys))


def _labelled_key(names: Names, left: syntax.Scripted, bracket: syntax.Bracket) -> Key | None:
    inner = bracket.items[0]
    labels = [index.word or "" for index in left.subscripts]
    is_label = len(labels) == 1 and len(labels[0]) > 1 and not left.superscripts
    if len(bracket.items) != 1 or not is_symbol(inner) or not is_label:
        return None
    key = names.key(inner)
    return Key(f"({key.name})_{labels[0]}", key.is_timed)


def _is_slope(left: syntax.Symbol) -> bool:
    """Tell σ′, of which something is claimed, from a name with a prime."""
    if isinstance(left, syntax.Name) or not left.primes or left.subscripts:
        return False
    base = left.base.text if isinstance(left.base, syntax.Name) else ""
    return base in FUNCTION_LETTERS or base.removeprefix("\\") in FUNCTION_WORDS


__all__ = ["left_key", "left_time"]
