"""Edits of products: transposes, the order of factors, their signs, brackets and diagonals."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from derivations.claims.repairs.edits_of_steps import Proposal, Why
from derivations.claims.repairs.edits_of_sums import chain_of, part, sum_of
from derivations.claims.repairs.paths import Spot
from derivations.claims.repairs.scene import Scene
from derivations.claims.terms import (
    Apply,
    Chain,
    Number,
    Power,
    Sum,
    Symbol,
    Term,
    Transposed,
)


def transpose_dropped(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """One transpose less."""
    if isinstance(spot.term, Transposed):
        yield spot.term.body, Why("A transpose too many.")


def transpose_added(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """One transpose more."""
    term = spot.term
    if not spot.is_value or isinstance(term, Transposed | Number) or _is_diagonal(term):
        return
    if not (spot.is_member or isinstance(spot.parent, Chain)):
        return
    value = scene.value(term)
    if value is None or not (value.is_scalar or value.flexible or value.is_tensor):
        yield Transposed(term), Why("A transpose is missing.")


def transposes_dropped(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """All transposes of a term."""
    if spot.is_member and sum(isinstance(p, Transposed) for p in spot.term.walk()) > 1:
        yield _without_transposes(spot.term), Why("The transposes are too many.")


def _without_transposes(term: Term) -> Term:
    inner = term.body if isinstance(term, Transposed) else term
    return inner.mapped(_without_transposes)


def layout_changed(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """The product in the other layout: the factors in reverse, each transposed."""
    term = spot.term
    if not isinstance(term, Chain) or any(map(scene.is_elementwise, term.signs)):
        return
    turned = [_turned(factor, scene) for factor in reversed(term.factors)]
    yield (
        chain_of(turned, list(reversed(term.signs))),
        Why("The product stands in the other layout."),
    )


def _turned(term: Term, scene: Scene) -> Term:
    if isinstance(term, Transposed):
        return term.body
    value = scene.value(term)
    is_symmetric = value is not None and (value.flexible or value.is_scalar)
    return term if is_symmetric or _is_diagonal(term) else Transposed(term)


def order_reversed(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """All factors in reverse."""
    term = spot.term
    if isinstance(term, Chain) and len(term.factors) > 2:
        made = Chain(tuple(reversed(term.factors)), tuple(reversed(term.signs)))
        yield made, Why("The factors stand in the wrong order.")


def factors_swapped(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """Two factors change places."""
    term = spot.term
    if not isinstance(term, Chain) or all(map(scene.is_elementwise, term.signs)):
        return
    for one, other in itertools.combinations(range(len(term.factors)), 2):
        factors = list(term.factors)
        factors[one], factors[other] = factors[other], factors[one]
        yield Chain(tuple(factors), term.signs), Why("Two factors stand in the wrong order.")


def factor_moved(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """One factor goes elsewhere, with its sign or as a factor of the entries there."""
    term = spot.term
    if not isinstance(term, Chain) or len(term.factors) < 3:
        return
    if all(map(scene.is_elementwise, term.signs)):
        return
    why = Why("A factor stands in the wrong place.")
    for start in range(len(term.factors)):
        rest, signs = _without(term, start)
        sign = term.signs[max(0, start - 1)]
        for end in range(len(term.factors)):
            if abs(end - start) > 1:
                yield _with(rest, signs, end, term.factors[start], sign), why
    for start in range(len(term.factors)):
        if scene.is_vector(term.factors[start]):
            yield from _acting_on(term, start, scene)


def _acting_on(term: Chain, start: int, scene: Scene) -> Iterator[Proposal]:
    """A vector behind a matrix product acts on one of the other factors, entry by entry."""
    rest, signs = _without(term, start)
    for position, factor in enumerate(rest):
        if scene.is_alike(factor, term.factors[start]):
            acted = Chain((factor, term.factors[start]), (scene.elementwise,))
            factors = [*rest[:position], acted, *rest[position + 1 :]]
            yield chain_of(factors, signs), Why("A vector acts on the wrong factor.")


def factor_handed_over(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """A vector that scales one of two factors scales the other one: a (r ⊙ b)ᵀ, (r ⊙ a) bᵀ."""
    term = spot.term
    if not isinstance(term, Chain):
        return
    for giver, factor in enumerate(term.factors):
        inner = factor.body if isinstance(factor, Transposed) else factor
        if not isinstance(inner, Chain) or not all(map(scene.is_elementwise, inner.signs)):
            continue
        for position, vector in enumerate(inner.factors):
            rest = chain_of(*_without(inner, position))
            kept = Transposed(rest) if isinstance(factor, Transposed) else rest
            for taker, other in enumerate(term.factors):
                if taker != giver and scene.is_alike(other, vector):
                    factors = list(term.factors)
                    factors[giver] = kept
                    factors[taker] = Chain((other, vector), (scene.elementwise,))
                    yield (
                        chain_of(factors, list(term.signs)),
                        Why("{} acts on the wrong factor.", (vector,)),
                    )


def _without(term: Chain, position: int) -> tuple[list[Term], list[str]]:
    """Return a product without a factor and without the sign before it."""
    factors, signs = list(term.factors), list(term.signs)
    del factors[position]
    del signs[max(0, position - 1)]
    return factors, signs


def _with(factors: list[Term], signs: list[str], position: int, new: Term, sign: str) -> Chain:
    made = (*factors[:position], new, *factors[position:])
    return Chain(made, (*signs[:position], sign, *signs[position:]))


# Signs and brackets


def sign_exchanged(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """A matrix product becomes an elementwise one, or the other way round."""
    term = spot.term
    if not isinstance(term, Chain):
        return
    for position, sign in enumerate(term.signs):
        new, why = _other_sign(sign, scene)
        signs = (*term.signs[:position], new, *term.signs[position + 1 :])
        yield Chain(term.factors, signs), why
        if len(term.factors) > 2:
            pair = Chain(term.factors[position : position + 2], (new,))
            factors = [*term.factors[:position], pair, *term.factors[position + 2 :]]
            yield chain_of(factors, [*term.signs[:position], *term.signs[position + 1 :]]), why
    if len(term.signs) > 1:
        new, why = _other_sign(term.signs[0], scene)
        yield Chain(term.factors, (new,) * len(term.signs)), why


def _other_sign(sign: str, scene: Scene) -> tuple[str, Why]:
    if scene.is_elementwise(sign):
        return scene.product, Why("The product is one of matrices, not of entries.")
    return scene.elementwise, Why("The product is one of entries, not of matrices.")


def grouped(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """Brackets around some of the factors."""
    term = spot.term
    if not isinstance(term, Chain) or len(set(map(scene.is_elementwise, term.signs))) < 2:
        return
    for start, end in itertools.combinations(range(len(term.factors) + 1), 2):
        if 1 < end - start < len(term.factors):
            factors = [*term.factors[:start], part(term, start, end), *term.factors[end:]]
            signs = [*term.signs[:start], *term.signs[end - 1 :]]
            yield (
                Chain(tuple(factors), tuple(signs)),
                Why("The brackets of the product are missing."),
            )


def ungrouped(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """No brackets around some of the factors."""
    term = spot.term
    if not isinstance(term, Chain):
        return
    for position, factor in enumerate(term.factors):
        if isinstance(factor, Chain):
            factors = (*term.factors[:position], *factor.factors, *term.factors[position + 1 :])
            signs = (*term.signs[:position], *factor.signs, *term.signs[position:])
            yield (
                Chain(factors, signs),
                Why("The brackets of the product stand in the wrong place."),
            )


def vectors_multiplied(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """All vectors of a side that stand side by side are multiplied entry by entry."""
    if spot.parent is None:
        new = _with_vectors_multiplied(spot.term, scene)
        if new != spot.term:
            yield new, Why("The product of two vectors is one of entries.")


def _with_vectors_multiplied(term: Term, scene: Scene) -> Term:
    new = term.mapped(lambda child: _with_vectors_multiplied(child, scene))
    if not isinstance(new, Chain) or not isinstance(term, Chain):
        return new
    are_vectors = [scene.is_column(factor) for factor in term.factors]
    signs = [
        scene.elementwise if are_vectors[n] and are_vectors[n + 1] else sign
        for n, sign in enumerate(term.signs)
    ]
    return Chain(new.factors, tuple(signs))


# Diagonals


def diagonal_made(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """A vector beside a matrix becomes a diagonal matrix."""
    term, why = spot.term, Why("A vector beside a matrix must be a diagonal matrix.")
    if isinstance(term, Chain):
        for position, factor in enumerate(term.factors):
            if scene.is_vector(factor) and not _is_diagonal(factor):
                yield _as_diagonal(term, position, scene), why
    elif spot.is_member and spot.is_value and scene.is_vector(term):
        yield Apply("\\diag", 0, term), why


def diagonals_made(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """Every vector of a term that stands beside a matrix."""
    if not spot.is_member or not spot.is_value:
        return
    new = _with_diagonals(spot.term, scene)
    if new != spot.term:
        yield new, Why("Vectors beside matrices must be diagonal matrices.")


def _with_diagonals(term: Term, scene: Scene) -> Term:
    if isinstance(term, Sum):
        members = tuple((sign, _with_diagonals(child, scene)) for sign, child in term.terms)
        return Sum(members)
    if not isinstance(term, Chain):
        is_bare = scene.is_vector(term) and not _is_diagonal(term)
        return Apply("\\diag", 0, term) if is_bare and isinstance(term, Symbol) else term
    made: Term = term
    for position, factor in enumerate(term.factors):
        if scene.is_vector(factor) and isinstance(made, Chain):
            made = _as_diagonal(made, position, scene)
    return made


def _as_diagonal(term: Chain, position: int, scene: Scene) -> Chain:
    """Return a product with a factor as a diagonal matrix, and matrix products beside it."""
    factor = term.factors[position]
    inner = factor.body if isinstance(factor, Transposed) else factor
    factors = list(term.factors)
    factors[position] = Apply("\\diag", 0, inner)
    signs = [
        "" if place in (position - 1, position) and scene.is_elementwise(sign) else sign
        for place, sign in enumerate(term.signs)
    ]
    return Chain(tuple(factors), tuple(signs))


def diagonal_dropped(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """A diagonal matrix becomes a vector."""
    term = spot.term
    if _is_diagonal(term):
        assert isinstance(term, Apply)
        yield term.argument, Why("The vector is meant, not the diagonal matrix.")


def _is_diagonal(term: Term) -> bool:
    return isinstance(term, Apply) and term.function == "\\diag"


# Factors


def power_added(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """A power that the claim has elsewhere."""
    if isinstance(spot.parent, Power) or not (spot.is_member or isinstance(spot.parent, Chain)):
        return
    powers = {p.exponent for p in scene.right.walk() if isinstance(p, Power)}
    for exponent in sorted(powers, key=str):
        if scene.is_scalar(spot.term):
            yield Power(spot.term, exponent), Why(f"The power ${exponent}$ is missing.")


def factor_dropped(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """One factor less."""
    term, why = spot.term, Why("A factor is too many.")
    if isinstance(term, Power):
        yield term.base, Why("The power is too many.")
    if not isinstance(term, Chain):
        return
    for position in range(len(term.factors)):
        factors, signs = _without(term, position)
        yield chain_of(factors, signs), why
        if 0 < position < len(term.signs) and term.signs[position - 1] != term.signs[position]:
            other = list(term.signs)
            del other[position]
            yield chain_of(factors, other), why


def factors_dropped(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """Two neighbouring factors less, such as y and 1 − y of a slope."""
    term = spot.term
    if isinstance(term, Chain):
        for position in range(len(term.factors) - 1):
            rest, signs = _without(term, position)
            if len(rest) > 1:
                left = _without(Chain(tuple(rest), tuple(signs)), position)
                yield chain_of(*left), Why("Two factors are too many.")


def operator_exchanged(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """A product becomes a sum, or two terms of a sum a product."""
    term, why = spot.term, Why("The factors are multiplied, not added.")
    if isinstance(term, Chain):
        for position in range(1, len(term.factors)):
            left, right = part(term, 0, position), part(term, position, len(term.factors))
            for sign in (1, -1):
                yield Sum(((1, left), (sign, right))), Why("The terms are added, not multiplied.")
    elif isinstance(term, Sum):
        for position in range(len(term.terms) - 1):
            for sign_text in dict.fromkeys((scene.elementwise, scene.product)):
                yield _multiplied(term, position, sign_text), why


def _multiplied(term: Sum, position: int, sign_text: str) -> Term:
    """Return a sum with two neighbouring terms multiplied."""
    (sign, left), (_, right) = term.terms[position : position + 2]
    factors = [left, right]
    before, after = term.terms[:position], term.terms[position + 2 :]
    return sum_of([*before, (sign, chain_of(factors, [sign_text])), *after])
