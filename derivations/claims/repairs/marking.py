"""The repaired formula with a box around what changed."""

from __future__ import annotations

from dataclasses import replace
from difflib import SequenceMatcher
from typing import TypeAlias

from derivations.claims.latex import Marked
from derivations.claims.steps import Step
from derivations.claims.terms import Chain, Entry, Partial, Series, Sum, Symbol, Term

#: A sign and a term.
Member: TypeAlias = tuple[int, Term]


def marked(old: Term, new: Term) -> Term:
    """Return a new term with marks on the pieces that the old one does not have there."""
    if old == new:
        return new
    match old, new:
        case Chain(), Chain() if old.signs == new.signs or len(old.factors) != len(new.factors):
            return _marked_chain(old, new)
        case Sum(), Sum():
            return _marked_sum(old, new)
        case Series(), Series() if (old.kind, old.ascending) == (new.kind, new.ascending):
            return _marked_series(old, new)
        case Symbol(), Symbol() if old.name == new.name and old.time and new.time:
            return replace(new, time=_boxed(new.time))
        case Partial(), Partial() if old.immediate == new.immediate:
            return replace(new, of=marked(old.of, new.of), by=marked(old.by, new.by))
    is_same_node = type(old) is type(new) and not isinstance(new, Symbol | Chain | Series | Entry)
    if is_same_node and len(old.children) == len(new.children) == 1:
        (before,), (after,) = old.children, new.children
        if new == old.mapped(lambda _: after):
            return new.mapped(lambda _: marked(before, after))
    return Marked(new)


def _boxed(step: Step) -> Step:
    """Return a step that prints as itself in a box."""
    return Step.letter(f"\\boxed{{{step}}}")


def _marked_series(old: Series, new: Series) -> Term:
    lower = new.lower if new.lower == old.lower or new.lower is None else _boxed(new.lower)
    upper = new.upper if new.upper == old.upper or new.upper is None else _boxed(new.upper)
    return replace(new, lower=lower, upper=upper, body=marked(old.body, new.body))


def _marked_chain(old: Chain, new: Chain) -> Term:
    pairs = [(1, factor) for factor in old.factors], [(1, factor) for factor in new.factors]
    made = _aligned(*pairs)
    return Marked(new) if made is None else replace(new, factors=tuple(f for _, f in made))


def _marked_sum(old: Sum, new: Sum) -> Term:
    made = _aligned(list(old.terms), list(new.terms))
    return Marked(new) if made is None else replace(new, terms=tuple(made))


def _aligned(old: list[Member], new: list[Member]) -> list[Member] | None:
    """Return the new members with marks, None where only something is gone."""
    made: list[Member] = []
    for kind, start, end, low, high in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if kind == "equal":
            made += new[low:high]
        elif kind == "replace" and end - start == high - low:
            pairs = zip(old[start:end], new[low:high], strict=True)
            made += [
                (sign, marked(before, after) if sign == other else Marked(after))
                for (other, before), (sign, after) in pairs
            ]
        else:
            made += [(sign, Marked(term)) for sign, term in new[low:high]]
    return made if made != new else None
