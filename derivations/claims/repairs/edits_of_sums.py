"""Edits of sums: signs, terms, and what is summed over."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from derivations.claims.repairs.edits_of_steps import Proposal, Why
from derivations.claims.repairs.paths import Spot
from derivations.claims.repairs.scene import Scene
from derivations.claims.steps import Step
from derivations.claims.terms import (
    Chain,
    Number,
    Power,
    Quotient,
    Series,
    StepNumber,
    Sum,
    Symbol,
    Term,
)


def sign_turned(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """The sign of one term."""
    term = spot.term
    if isinstance(term, Sum):
        for position, (sign, child) in enumerate(term.terms):
            made = (*term.terms[:position], (-sign, child), *term.terms[position + 1 :])
            yield Sum(made), Why("A sign is wrong.")
    elif spot.parent is None or (isinstance(spot.parent, Series) and spot.parent.kind == "sum"):
        yield Sum(((-1, term),)), Why("A sign is wrong.")


def term_dropped(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """One term less."""
    term = spot.term
    if isinstance(term, Sum) and len(term.terms) > 1:
        for position in range(len(term.terms)):
            new = sum_of([*term.terms[:position], *term.terms[position + 1 :]])
            if not (isinstance(new, Number) and isinstance(spot.parent, Chain)):
                yield new, Why("A term is too many.")


def scaled(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """A factor of one half or two, or the one over T of a mean."""
    if not spot.is_member or not spot.is_value or isinstance(spot.term, Number):
        return
    half = Quotient(Number(Fraction(1)), Number(Fraction(2)))
    mean = Quotient(Number(Fraction(1)), StepNumber(Step.letter("T")))
    for number in (Number(Fraction(2)), half, mean):
        yield chain_of([number, spot.term], [""]), Why("A factor {} is missing.", (number,))


def sum_added(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """A sum over the steps that the left side does not have."""
    if not spot.is_member or not spot.is_value or isinstance(spot.parent, Series):
        return
    free = scene.source.free_letters(spot.term) - scene.letters - spot.bound - {"T"}
    for letter in sorted(free):
        for upper in (Step.letter("T"), *scene.left_steps):
            if letter not in upper.names:
                lower = None if scene.first == Step((), 0) else scene.first
                new = Series("sum", letter, lower, upper, spot.term)
                yield new, Why(f"The sum over the steps ${letter}$ is missing.")


def step_summed(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """The sum over all steps, where one fixed step stands."""
    if not spot.is_member or not spot.is_value or isinstance(spot.parent, Series):
        return
    running = scene.running.lone
    steps = {p.time for p in spot.term.walk() if isinstance(p, Symbol) and p.time is not None}
    if running is None or running in scene.letters | spot.term.letters:
        return
    for step in steps:
        if not step.names - {"T"}:
            body = _counted_from(spot.term, step, scene.running)
            lower = None if scene.first == Step((), 0) else scene.first
            new = Series("sum", running, lower, Step.letter("T"), body)
            yield new, Why(f"The sum over the steps is missing; this is step ${step}$ alone.")


def _counted_from(term: Term, old: Step, new: Step) -> Term:
    """Return a term with fixed steps counted from a letter."""
    if isinstance(term, Symbol) and term.time is not None:
        gap = term.time.plus(old, -1)
        return term if gap.letters else Symbol(term.name, new.plus(gap))
    return term.mapped(lambda child: _counted_from(child, old, new))


def sum_dropped(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """One sum or product less."""
    if isinstance(spot.term, Series):
        name = "sum" if spot.term.kind == "sum" else "product"
        yield spot.term.body, Why(f"The {name} is too many.")


def bracket_widened(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """a + b c becomes (a + b) c, and a b + c becomes a (b + c)."""
    term = spot.term
    if not isinstance(term, Sum):
        return
    for last in range(1, len(term.terms)):
        yield from _widened_right(term, last)
    for first in range(len(term.terms) - 1):
        yield from _widened_left(term, first)
    yield from _widened_power(term)


_WHY_BRACKET = Why("A factor belongs to the whole sum, not to one of its terms.")


def _widened_right(term: Sum, last: int) -> Iterator[Proposal]:
    sign, chain = term.terms[last]
    if not isinstance(chain, Chain):
        return
    for split in range(1, len(chain.factors)):
        head = part(chain, 0, split)
        tail, signs = chain.factors[split:], chain.signs[split - 1 :]
        for first in range(last):
            inner = Sum((*term.terms[first:last], (sign, head)))
            made = Chain((inner, *tail), signs)
            rest = (*term.terms[:first], (1, made), *term.terms[last + 1 :])
            yield sum_of(list(rest)), _WHY_BRACKET


def _widened_left(term: Sum, first: int) -> Iterator[Proposal]:
    sign, chain = term.terms[first]
    if not isinstance(chain, Chain):
        return
    for split in range(1, len(chain.factors)):
        tail = part(chain, split, len(chain.factors))
        head, signs = chain.factors[:split], chain.signs[:split]
        for last in range(first + 1, len(term.terms)):
            turned = [(sign * other, child) for other, child in term.terms[first + 1 : last + 1]]
            made = Chain((*head, Sum(((1, tail), *turned))), signs)
            rest = (*term.terms[:first], (sign, made), *term.terms[last + 1 :])
            yield sum_of(list(rest)), _WHY_BRACKET


def _widened_power(term: Sum) -> Iterator[Proposal]:
    """1 − h² becomes (1 − h)²."""
    sign, last = term.terms[-1]
    if isinstance(last, Power):
        yield Power(Sum((*term.terms[:-1], (sign, last.base))), last.exponent), _WHY_BRACKET


def bracket_narrowed(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """(a + b) c becomes a + b c, and (1 − h)² becomes 1 − h²."""
    term, why = spot.term, Why("A factor belongs to one term, not to the whole sum.")
    if isinstance(term, Power) and isinstance(term.base, Sum):
        sign, last = term.base.terms[-1]
        yield Sum((*term.base.terms[:-1], (sign, Power(last, term.exponent)))), why
    if not isinstance(term, Chain):
        return
    for position, factor in enumerate(term.factors):
        if not isinstance(factor, Sum):
            continue
        for chosen, (sign, child) in enumerate(factor.terms):
            factors = [*term.factors[:position], child, *term.factors[position + 1 :]]
            one = (sign, chain_of(factors, list(term.signs)))
            yield Sum((*factor.terms[:chosen], one, *factor.terms[chosen + 1 :])), why


# Made of parts


def sum_of(terms: list[tuple[int, Term]]) -> Term:
    """Return a sum, or the term itself where it is only one."""
    if len(terms) == 1 and terms[0][0] > 0:
        return terms[0][1]
    return Sum(tuple(terms))


def chain_of(factors: list[Term], signs: list[str]) -> Term:
    """Return a product, or the factor itself where it is only one."""
    return factors[0] if len(factors) == 1 else Chain(tuple(factors), tuple(signs))


def part(chain: Chain, start: int, end: int) -> Term:
    """Return some of the factors of a product."""
    return chain_of(list(chain.factors[start:end]), list(chain.signs[start : end - 1]))
