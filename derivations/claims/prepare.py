"""A claim before it is evaluated: what its conventions and a reading make of its terms."""

from __future__ import annotations

from dataclasses import replace

from derivations.claims.matching import rewritten
from derivations.claims.reading import Reading
from derivations.claims.source import Source
from derivations.claims.steps import Step
from derivations.claims.terms import Chain, Entry, Partial, Series, Sum, Symbol, Term


def prepared(sides: tuple[Term, ...], source: Source, reading: Reading) -> tuple[Term, ...]:
    """Return the sides of a claim as they are evaluated under a reading."""
    sides = _accumulated(sides, source)
    sides = tuple(rewritten(side, source) for side in sides)
    sides = tuple(_path_sums(side) for side in sides)
    sides = _with_repeated_indices(sides)
    if reading.immediate == "again":
        left = sides[0]
        if isinstance(left, Partial):
            again = replace(left, immediate=True)
            sides = (left, *(_exchanged(side, left, again) for side in sides[1:]))
    elif reading.immediate:
        sides = tuple(_immediate(side, reading.immediate, source) for side in sides)
    if reading.loss_alone and source.total is not None and source.loss is not None:
        sides = tuple(_loss_alone(side, source) for side in sides)
    return sides


def _accumulated(sides: tuple[Term, ...], source: Source) -> tuple[Term, ...]:
    """S = S + X_t in a loop over the steps means S = Σ_t X_t."""
    if len(sides) != 2 or not isinstance(sides[1], Sum):
        return sides
    terms = sides[1].terms
    running = source.vocabulary.running
    if (1, sides[0]) not in terms or running in source.free_letters(sides[0]):
        return sides
    rest = tuple(term for term in terms if term != (1, sides[0]))
    body = rest[0][1] if len(rest) == 1 and rest[0][0] > 0 else Sum(rest)
    return sides[0], Series("sum", source.vocabulary.running, None, None, body)


def accumulation(left: Term, right: Term, source: Source) -> tuple[Term, Term]:
    """S += X_t."""
    return left, Series("sum", source.vocabulary.running, None, None, right)


def _exchanged(term: Term, old: Term, new: Term) -> Term:
    return new if term == old else term.mapped(lambda child: _exchanged(child, old, new))


# Path sums


def _path_sums(term: Term) -> Term:
    """In a sum over paths the last derivative by a parameter is the immediate one.

    It is one wherever something of another step, the total loss among them, is differentiated
    before it: the total derivative would count every path once more.
    """
    if isinstance(term, Series) and term.kind == "sum":
        term = replace(term, body=_with_immediate_end(term.body, term.index))
    return term.mapped(_path_sums)


def _with_immediate_end(body: Term, index: str) -> Term:
    if isinstance(body, Series) and body.kind == "product":
        return replace(body, body=_with_immediate_end(body.body, index))
    if not isinstance(body, Chain):
        return body
    last = body.factors[-1]
    if isinstance(last, Series) and last.kind == "product":
        return replace(body, factors=(*body.factors[:-1], _with_immediate_end(last, index)))
    if not (isinstance(last, Partial) and isinstance(last.of, Symbol) and _is_by_parameter(last)):
        return body
    time = last.of.time
    if time is None or index not in time.names:
        return body
    before = [p for factor in body.factors[:-1] for p in factor.walk() if isinstance(p, Partial)]
    crosses = any(isinstance(p.of, Symbol) and p.of.time != time for p in before) or any(
        isinstance(f, Series) for factor in body.factors[:-1] for f in factor.walk()
    )
    if not crosses:
        return body
    return replace(body, factors=(*body.factors[:-1], replace(last, immediate=True)))


def _is_by_parameter(partial: Partial) -> bool:
    by = partial.by.body if isinstance(partial.by, Entry) else partial.by
    return isinstance(by, Symbol) and by.time is None


def _immediate(term: Term, which: str, source: Source) -> Term:
    if isinstance(term, Partial):
        of, by = _bare(term.of), _bare(term.by)
        is_between_steps = (
            of is not None
            and by is not None
            and of.time is not None
            and by.time is not None
            and of.time != by.time
        )
        is_by_parameter = (
            of is not None and of.time is not None and by is not None and by.time is None
        )
        is_of_loss = of is not None and of.key in (source.loss, source.total)
        is_meant = is_by_parameter and not is_of_loss
        if (which == "steps" and is_between_steps) or (which == "parameters" and is_meant):
            term = replace(term, immediate=True)
    return term.mapped(lambda child: _immediate(child, which, source))


def _bare(term: Term) -> Symbol | None:
    while isinstance(term, Entry):
        term = term.body
    return term if isinstance(term, Symbol) else None


def _loss_alone(term: Term, source: Source) -> Term:
    """In a sum over k, ∂L/∂h_k becomes ∂L_k/∂h_k."""
    assert source.total is not None
    assert source.loss is not None
    if isinstance(term, Series) and term.kind == "sum":
        total, loss, index = source.total, source.loss, term.index

        def alone(inner: Term) -> Term:
            if (
                isinstance(inner, Partial)
                and inner.of == Symbol(total)
                and isinstance(inner.by, Symbol)
                and inner.by.time == Step.letter(index)
            ):
                return replace(inner, of=Symbol(loss.removesuffix("@"), inner.by.time))
            return inner.mapped(alone)

        term = replace(term, body=alone(term.body))
    return term.mapped(lambda child: _loss_alone(child, source))


# Entries


def _with_repeated_indices(sides: tuple[Term, ...]) -> tuple[Term, ...]:
    """Sum over an index that a product repeats and the left side lacks (Einstein's convention)."""
    bound = _entry_letters(sides[0])
    return (sides[0], *(_summed(side, bound) for side in sides[1:]))


def _entry_letters(term: Term) -> frozenset[str]:
    return frozenset(
        letter
        for piece in term.walk()
        if isinstance(piece, Entry)
        for index in piece.indices
        for letter in index.names
    )


def _summed(term: Term, bound: frozenset[str]) -> Term:
    if isinstance(term, Sum):
        return replace(term, terms=tuple((sign, _summed(t, bound)) for sign, t in term.terms))
    if isinstance(term, Series):
        return replace(term, body=_summed(term.body, bound | {term.index}))
    if not isinstance(term, Chain):
        return term
    counts: dict[str, int] = {}
    for piece in term.walk():
        if isinstance(piece, Entry):
            for index in piece.indices:
                for letter in index.names:
                    counts[letter] = counts.get(letter, 0) + 1
    result: Term = term
    for letter, count in sorted(counts.items()):
        if count > 1 and letter not in bound and letter in term.letters:
            result = Series("sum", letter, None, None, result)
    return result
