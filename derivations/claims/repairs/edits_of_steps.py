"""Edits of steps and ranges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from derivations.claims.latex import latex
from derivations.claims.repairs.paths import Spot
from derivations.claims.repairs.scene import Scene
from derivations.claims.steps import Step
from derivations.claims.terms import (
    Apply,
    Chain,
    Entry,
    Partial,
    Power,
    Series,
    Symbol,
    Term,
    replaced,
    substituted,
)
from derivations.claims.vocabulary import Vocabulary


@dataclass(frozen=True)
class Why:
    """A sentence with terms in it; it is written out only for what is shown."""

    text: str
    terms: tuple[Term, ...] = ()

    def written(self, vocabulary: Vocabulary) -> str:
        shown = [f"${latex(term, vocabulary)}$" for term in self.terms]
        return self.text.format(*shown) if shown else self.text


#: What an edit makes of a piece, and why.
Proposal: TypeAlias = tuple[Term, Why]


def step_shifted(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """One symbol, a step earlier or later."""
    term = spot.term
    if isinstance(term, Symbol) and term.time is not None:
        for move in (1, -1):
            new = replace(term, time=term.time.shifted(move))
            yield new, _belongs(spot, term, new)
    elif isinstance(term, Power) and term.exponent.letters:
        for move in (1, -1):
            yield (
                replace(term, exponent=term.exponent.shifted(move)),
                Why("The power is off by one."),
            )


def _belongs(spot: Spot, old: Symbol, new: Symbol) -> Why:
    if any(isinstance(above, Apply) and above.order for above in spot.above):
        return Why(f"The slope belongs to step ${new.time}$.")
    return Why("{} belongs where {} stands.", (new, old))


def step_replaced(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """One symbol, at another step of the claim or at the last one."""
    term = spot.term
    if not isinstance(term, Symbol) or term.time is None:
        return
    near = {term.time, term.time.shifted(1), term.time.shifted(-1)}
    letters = [Step.letter(letter) for letter in sorted(spot.bound)]
    others = [s.shifted(move) for s in (*letters, *scene.left_steps) for move in (0, -1, 1)]
    for step in dict.fromkeys((*others, Step.letter("T"))):
        if step not in near:
            new = replace(term, time=step)
            yield new, _belongs(spot, term, new)


def steps_shifted_together(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """All steps of a term, of a factor or of an argument."""
    term = spot.term
    is_whole = spot.is_member or isinstance(term, Chain | Partial)
    is_argument = isinstance(spot.parent, Apply) and not isinstance(term, Symbol)
    if not (is_whole or is_argument) or len(set(_times(term))) < 2:
        return
    for letter in sorted(term.letters - {"T"}):
        for move in (1, -1):
            new = substituted(term, {letter: Step.letter(letter).shifted(move)})
            if is_argument:
                yield new, Why(f"The slope belongs one step {'later' if move > 0 else 'earlier'}.")
            else:
                yield new, Why(f"All steps are one too {'early' if move > 0 else 'late'}.")


def repeated_symbol_shifted(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """One symbol wherever it occurs in a term."""
    if not spot.is_member:
        return
    counts = Counter(p for p in spot.term.walk() if isinstance(p, Symbol) and p.time is not None)
    for symbol, count in counts.items():
        if count > 1 and symbol.time is not None:
            for move in (1, -1):
                new = replace(symbol, time=symbol.time.shifted(move))
                yield replaced(spot.term, symbol, new), _belongs(spot, symbol, new)


def letter_bound(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """A letter that the left side does not have becomes one of its steps."""
    if spot.parent is not None:
        return
    for letter in sorted(scene.source.free_letters(spot.term) - scene.letters - {"T"}):
        for step in dict.fromkeys(
            moved for own in scene.left_steps for moved in (own, own.shifted(-1), own.shifted(1))
        ):
            new = substituted(spot.term, {letter: step})
            if new != spot.term:
                yield new, Why(f"The index ${letter}$ is bound to nothing; it must be ${step}$.")


def indices_swapped(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """The two positions of an entry change places."""
    term = spot.term
    if isinstance(term, Entry) and len(set(term.indices)) == 2:
        row, column = term.indices
        yield replace(term, indices=(column, row)), Why("The indices stand in the wrong order.")


def range_moved(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """The ends of a sum or of a product."""
    term = spot.term
    if not isinstance(term, Series) or not term.index:
        return
    name = "sum" if term.kind == "sum" else "product"
    ends = (scene.first, *scene.left_steps, *map(Step.letter, sorted(spot.bound)))
    for lower in _moved(term.lower, ends):
        late = term.lower is not None and _is_behind(term.lower, lower)
        why = Why(f"The {name} begins {_amount(term.lower, lower, late)}.")
        yield replace(term, lower=lower), why
    for upper in _moved(term.upper, (Step.letter("T"), *ends)):
        early = term.upper is not None and _is_behind(upper, term.upper)
        why = Why(f"The {name} stops {_amount(term.upper, upper, not early)}.")
        yield replace(term, upper=upper), why


def _moved(end: Step | None, others: tuple[Step, ...]) -> Iterator[Step]:
    near = [] if end is None else [end.shifted(1), end.shifted(-1)]
    yield from dict.fromkeys(step for step in (*near, *others) if step != end)


def _is_behind(step: Step, other: Step) -> bool:
    gap = step.plus(other, -1)
    return not gap.letters and gap.number > 0


def _amount(old: Step | None, new: Step, is_late: bool) -> str:
    gap = None if old is None else new.plus(old, -1)
    if gap is None or gap.letters:
        return f"at ${new}$"
    number = {1: "one term", 2: "two terms"}.get(abs(gap.number), f"{abs(gap.number)} terms")
    return f"{number} too {'late' if is_late else 'early'}"


def order_of_time(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """A product over steps in the other order."""
    term = spot.term
    if isinstance(term, Series) and term.kind == "product" and term.lower and term.upper:
        why = Why("The factors of the product stand in the wrong order.")
        yield replace(term, ascending=not term.ascending), why


def _times(term: Term) -> list[tuple[str, Step]]:
    return [(p.name, p.time) for p in term.walk() if isinstance(p, Symbol) and p.time is not None]
