"""What ⋯ stands for: a sum or a product written out by its first and last members."""

from __future__ import annotations

from collections.abc import Sequence

from derivations.claims.steps import Step
from derivations.claims.terms import (
    Chain,
    Entry,
    Part,
    Power,
    Series,
    StepNumber,
    Sum,
    Symbol,
    Term,
    substituted,
)

#: The letter that counts the members of a written-out series; no source uses it.
COUNTER = "\u0131"


def distance(first: Term, last: Term) -> Step | None:
    """Return by how much all steps of one term lie behind those of another, or None.

    Steps that are equal in both are constants of the series; all others move together.
    """
    moves: set[Step] = set()
    if not _compare(first, last, moves):
        return None
    moves.discard(Step())
    return moves.pop() if len(moves) == 1 else None


def _compare(first: Term, last: Term, moves: set[Step]) -> bool:
    if type(first) is not type(last):
        return False
    for left, right in zip(_steps(first), _steps(last), strict=False):
        moves.add(left.plus(right, -1))
    if _fixed(first) != _fixed(last) or len(first.children) != len(last.children):
        return False
    return all(_compare(a, b, moves) for a, b in zip(first.children, last.children, strict=True))


def _steps(term: Term) -> tuple[Step, ...]:
    match term:
        case Symbol(_, time):
            return () if time is None else (time,)
        case StepNumber(step):
            return (step,)
        case Entry(_, indices):
            return indices
        case Power(_, exponent):
            return (exponent,)
    return ()


def _fixed(term: Term) -> object:
    """Return what must be the same in both terms."""
    match term:
        case Symbol(name, time):
            return name, time is None
        case StepNumber() | Entry() | Power():
            return type(term)
        case Part(_, ranges):
            return ranges
        case Sum(terms):
            return tuple(sign for sign, _ in terms)
        case Chain(_, signs):
            return signs
    shown = vars(term)
    return tuple(
        (k, v) for k, v in shown.items() if isinstance(v, str | int | bool) and k[0] != "_"
    )


def _moved(term: Term, other: Term, counter: Step, start: Step) -> Term:
    """Return a member with its moving steps counted from a counter."""

    def move(mine: Step, its: Step) -> Step:
        return mine if mine == its else mine.plus(start, -1).plus(counter)

    match term, other:
        case Symbol(name, time), Symbol(_, its) if time is not None and its is not None:
            return Symbol(name, move(time, its))
        case StepNumber(step), StepNumber(its):
            return StepNumber(move(step, its))
        case Power(base, exponent), Power(its_base, its):
            return Power(_moved(base, its_base, counter, start), move(exponent, its))
        case Entry(body, indices), Entry(its_body, its_indices):
            pairs = zip(indices, its_indices, strict=True)
            return Entry(
                _moved(body, its_body, counter, start), tuple(move(a, b) for a, b in pairs)
            )
    others = iter(other.children)
    return term.mapped(lambda child: _moved(child, next(others), counter, start))


def _series(kind: str, first: Term, last: Term) -> Series | None:
    """Return the series whose outer members are given, in the order of the text."""
    gap = distance(first, last)
    if gap is None:
        return None
    top, bottom = next((a, b) for a, b in _pairs(first, last) if a != b)
    falls = gap.number > 0 if not gap.letters else _is_later(top, bottom)
    body = _moved(first, last, Step.letter(COUNTER), top)
    low, high = (bottom, top) if falls else (top, bottom)
    return Series(kind, COUNTER, low, high, body, ascending=not falls)


def _is_later(left: Step, right: Step) -> bool:
    """Tell which of two steps is meant to be later: T before all, numbers last, t after k."""

    def rank(step: Step) -> tuple[int, int]:
        if "T" in step.names:
            return 3, step.number
        if "t" in step.names and len(step.letters) == 1:
            return 2, step.number
        return (1, step.number) if step.letters else (0, step.number)

    return rank(left) > rank(right)


def _pairs(first: Term, last: Term) -> list[tuple[Step, Step]]:
    found = list(zip(_steps(first), _steps(last), strict=False))
    for a, b in zip(first.children, last.children, strict=True):
        found += _pairs(a, b)
    return found


def sum_with_dots(terms: Sequence[tuple[int, Term] | None]) -> Term | None:
    """Return the sum that a_T + ⋯ + a_1 stands for; members between the dots only illustrate."""
    places = [i for i, term in enumerate(terms) if term is None]
    before, after = terms[: places[0]], terms[places[-1] + 1 :]
    first, last = before[0] if before else None, after[-1] if after else None
    if first is None or last is None or first[0] != last[0]:
        return None
    series = _series("sum", first[1], last[1])
    if series is None:
        return None
    illustrations = [t for t in terms[1:-1] if t is not None]
    if any(distance(first[1], term) is None for _, term in illustrations):
        return None
    return series if first[0] > 0 else Sum(((-1, series),))


def product_with_dots(
    factors: list[Term], signs: list[str], dots: list[int]
) -> tuple[list[Term], list[str]] | None:
    """Return the factors with J_t J_{t-1} ⋯ J_{k+1} made one product over steps.

    A member may be several factors long: W^⊤ D_{t+1} ⋯ W^⊤ D_T has two.
    """
    position = dots[0]
    before, after = factors[:position], factors[position:]
    for length in range(1, min(len(before), len(after)) + 1):
        last = _member(after[:length], signs[position : position + length - 1])
        near = _member(before[-length:], signs[position - length : position - 1])
        start = position - length
        while start - length >= 0:
            earlier = _member(before[start - length : start], signs[start - length : start - 1])
            if distance(earlier, near) != Step((), 1) and distance(earlier, near) != Step((), -1):
                break
            start -= length
        first = _member(before[start : start + length], signs[start : start + length - 1])
        series = _series("product", first, last)
        if series is None:
            continue
        left, right = before[:start], after[length:]
        made = [*left, series, *right]
        new_signs = [*signs[:start], *signs[position + length - 1 :]]
        return made, new_signs[: len(made) - 1]
    return None


def _member(factors: Sequence[Term], signs: Sequence[str]) -> Term:
    if len(factors) == 1:
        return factors[0]
    return Chain(tuple(factors), tuple(signs))


__all__ = ["COUNTER", "distance", "product_with_dots", "substituted", "sum_with_dots"]
