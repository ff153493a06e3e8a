"""Repairs of chains with ≤ and ≥: another relation, another bound, another range."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from derivations.claims.court import Court
from derivations.claims.inequalities import stands
from derivations.claims.repairs import edits_of_products as products
from derivations.claims.repairs import edits_of_steps as steps
from derivations.claims.repairs.edits import Kind, edits
from derivations.claims.repairs.edits_of_steps import Proposal, Why
from derivations.claims.repairs.paths import Spot
from derivations.claims.repairs.repair import Repair, shown
from derivations.claims.repairs.scene import Scene
from derivations.claims.terms import Chain, Norm, Power, Symbol, Term
from derivations.errors import BpttError

#: Chains that are tried; each costs some hundred networks.
MOST_CHAINS = 24
#: Relations that an author may have meant, by direction.
_RISING, _FALLING = ("<", "<="), (">", ">=")
_LOOSER = {"=": ("<=", ">="), "<": ("<=",), ">": (">=",), "<=": (">=",), ">=": ("<=",)}


@dataclass(frozen=True)
class _Chain:
    """Sides and relations, and what was changed."""

    sides: tuple[Term, ...]
    relations: tuple[str, ...]
    why: Why


def relation_repair(
    court: Court, sides: tuple[Term, ...], relations: tuple[str, ...]
) -> Repair | None:
    """Return the nearest chain of relations that nothing refutes, None where none is within reach.

    Parameters
    ----------
    court : Court
    sides : tuple of Term
        As they were written.
    relations : tuple of str
        Between each two sides.
    """
    candidates = itertools.chain(
        _other_sides(court, sides, relations, (Kind(_bound_exchanged),)),
        _other_relations(sides, relations),
        _other_sides(court, sides, relations, _TABLE),
    )
    for chain in itertools.islice(candidates, MOST_CHAINS):
        if len(set(chain.sides)) == len(chain.sides) and _stands(court, chain):
            return shown(court, sides, chain.sides, (chain.why,), chain.relations, relations)
    return None


def _stands(court: Court, chain: _Chain) -> bool:
    try:
        return stands(court, chain.sides, chain.relations)
    except BpttError:
        return False


def _other_relations(sides: tuple[Term, ...], relations: tuple[str, ...]) -> Iterator[_Chain]:
    """Yield chains with one other relation, all in one direction."""
    for position, relation in enumerate(relations):
        for other in _LOOSER.get(relation, ()):
            made = (*relations[:position], other, *relations[position + 1 :])
            if not (set(made) & set(_RISING) and set(made) & set(_FALLING)):
                why = Why(f"The relation ${_sign(other)}$ holds, ${_sign(relation)}$ does not.")
                yield _Chain(sides, made, why)


def _sign(relation: str) -> str:
    return {"<=": "\\le", ">=": "\\ge"}.get(relation, relation)


def _other_sides(
    court: Court, sides: tuple[Term, ...], relations: tuple[str, ...], table: tuple[Kind, ...]
) -> Iterator[_Chain]:
    """Yield chains with one edit of one side, the last ones first: they say the most."""
    for position in reversed(range(len(sides))):
        scene = Scene(court, sides[0], sides[position])
        for edit in edits(sides[position], scene, table):
            new = edit.applied(sides[position])
            yield _Chain((*sides[:position], new, *sides[position + 1 :]), relations, edit.why)


def _power_added(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """A norm or a number to a power that stands elsewhere in the side."""
    if isinstance(spot.parent, Power) or not isinstance(spot.term, Norm | Symbol | Chain):
        return
    powers = {p.exponent for p in scene.right.walk() if isinstance(p, Power)}
    if spot.is_value:
        for exponent in sorted(powers, key=str):
            yield Power(spot.term, exponent), Why(f"The power ${exponent}$ is missing.")


def _bound_exchanged(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """Another number that the source only describes: σ_max for λ_max."""
    term = spot.term
    if not isinstance(term, Symbol):
        return
    bounds = [bound.key for bound, _ in scene.source.bounds if isinstance(bound, Symbol)]
    known = [*scene.source.extremes, *bounds]
    if term.key in known:
        for key in known:
            new = scene.symbol(key, term.time)
            if new != term:
                yield new, Why("{} belongs where {} stands.", (new, term))


#: Edits of a side of an inequality.
_TABLE = (
    Kind(steps.range_moved),
    Kind(steps.step_shifted),
    Kind(products.factor_dropped),
    Kind(_power_added),
)
