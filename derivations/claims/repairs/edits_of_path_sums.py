"""Edits of sums over paths: a sum that ends too soon, and one path that stands for all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derivations.claims.repairs.edits_of_steps import Proposal, Why
from derivations.claims.repairs.edits_of_sums import chain_of, part
from derivations.claims.repairs.paths import Spot
from derivations.claims.repairs.scene import Scene
from derivations.claims.steps import Step
from derivations.claims.terms import Chain, Partial, Series, Symbol, Term

#: Letters for a sum that the claim does not have.
_LETTERS = ("k", "j", "s", "i", "l", "m")


def sum_extended(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """(Σ_k J_k) u_k becomes Σ_k J_k u_k: outside the sum, k means nothing."""
    chain = spot.term
    if not isinstance(chain, Chain):
        return
    for position, factor in enumerate(chain.factors[:-1]):
        if not isinstance(factor, Series) or factor.kind != "sum" or factor.index in spot.bound:
            continue
        behind = chain.factors[position + 1 :]
        if not any(factor.index in other.letters for other in behind):
            continue
        tail = part(chain, position + 1, len(chain.factors))
        body = Chain((factor.body, tail), (chain.signs[position],))
        text = f"What depends on ${factor.index}$ belongs into the sum over ${factor.index}$"
        for move, more in ((0, "."), (1, ", which stops one term too early.")):
            upper = None if factor.upper is None else factor.upper.shifted(move)
            made = replace(factor, upper=upper, body=body)
            if move == 0 or upper is not None:
                yield _with_head(chain, position, made), Why(text + more)


def paths_summed(spot: Spot, scene: Scene) -> Iterator[Proposal]:
    """(∏_{j=2}^t J_j) ∂h_1/∂W becomes Σ_k (∏_{j=k+1}^t J_j) ∂h_k/∂W: one path, and all of them."""
    chain = spot.term
    if not isinstance(chain, Chain) or not isinstance(chain.factors[-1], Partial):
        return
    last = chain.factors[-1]
    product = chain.factors[-2]
    if not (isinstance(product, Series) and product.kind == "product" and product.upper):
        return
    of, by = last.of, last.by
    if not (isinstance(of, Symbol) and of.time is not None and isinstance(by, Symbol)):
        return
    if by.time is not None or product.lower is None or product.lower.shifted(-1) != of.time:
        return
    name = _fresh(scene)
    letter = Step.letter(name)
    members = replace(product, lower=letter.shifted(1))
    end = replace(last, of=replace(of, time=letter))
    body = Chain((members, end), (chain.signs[-1],))
    summed = Series("sum", name, scene.first, product.upper, body)
    why = Why("This is one path only: the parameter acts at every step, and all paths add up.")
    yield _with_head(chain, len(chain.factors) - 2, summed), why


def _with_head(chain: Chain, position: int, last: Term) -> Term:
    """Return the factors before a position, with another one behind them."""
    return chain_of([*chain.factors[:position], last], list(chain.signs[:position]))


def _fresh(scene: Scene) -> str:
    """Return a letter that the claim does not use."""
    used = set(scene.left.letters | scene.right.letters)
    for side in (scene.left, scene.right):
        used |= {term.index for term in side.walk() if isinstance(term, Series)}
    return next(letter for letter in _LETTERS if letter not in used)
