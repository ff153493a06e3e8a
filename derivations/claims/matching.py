"""Definitions whose left side is no bare symbol: patterns, found in a claim and replaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from derivations.claims.dots import _fixed, _steps
from derivations.claims.source.data import Rewrite, Source
from derivations.claims.steps import Step
from derivations.claims.terms import Call, Chain, Partial, Sum, Symbol, Term, substituted


def rewritten(term: Term, source: Source) -> Term:
    """Return the term with the source's definitions of larger left sides put in."""
    marks = [rule.left for rule in source.rewrites if rule.right is None]
    rules = [rule for rule in source.rewrites if rule.right is not None]
    rules += [
        Rewrite(forward.right, Symbol(forward.name, forward.time))
        for forward in source.forward
        if isinstance(forward.right, Call)
    ]
    return _replaced(_marked(term, marks), rules, frozenset())


def _marked(term: Term, marks: Sequence[Term]) -> Term:
    """Mark the derivatives that are declared to be immediate."""
    if isinstance(term, Partial):
        for mark in marks:
            # ∂⁺ in a declaration speaks of ∂⁺ only, ∂ of every derivative of that form.
            if not isinstance(mark, Partial) or (mark.immediate and not term.immediate):
                continue
            if match(mark, replace(term, immediate=mark.immediate)) is not None:
                return replace(term, immediate=True)
    return term.mapped(lambda child: _marked(child, marks))


def _replaced(term: Term, rules: Sequence[Rewrite], used: frozenset[int]) -> Term:
    for number, rule in enumerate(rules):
        if number in used or rule.right is None:
            continue
        letters = match(rule.left, term)
        if letters is not None:
            return _replaced(substituted(rule.right, letters), rules, used | {number})
    return term.mapped(lambda child: _replaced(child, rules, used))


def match(pattern: Term, term: Term) -> dict[str, Step] | None:
    """Return what the letters of a pattern stand for in a term, or None.

    Every letter but T stands for any step.
    """
    letters: dict[str, Step] = {}
    return letters if _match(pattern, term, letters) else None


def _match(pattern: Term, term: Term, letters: dict[str, Step]) -> bool:
    if type(pattern) is not type(term) or _fixed(pattern) != _fixed(term):
        return False
    if isinstance(pattern, Chain | Sum) and len(pattern.children) != len(term.children):
        return False
    mine, its = _steps(pattern), _steps(term)
    if len(mine) != len(its) or len(pattern.children) != len(term.children):
        return False
    for step, other in zip(mine, its, strict=True):
        if not _match_step(step, other, letters):
            return False
    return all(_match(a, b, letters) for a, b in zip(pattern.children, term.children, strict=True))


def _match_step(pattern: Step, step: Step, letters: dict[str, Step]) -> bool:
    unbound = [n for n in pattern.names if n != "T" and n not in letters]
    if len(unbound) == 1 and dict(pattern.letters)[unbound[0]] == 1:
        known = pattern.plus(Step.letter(unbound[0]), -1).replaced(letters)
        letters[unbound[0]] = step.plus(known, -1)
        return True
    return not unbound and pattern.replaced(letters) == step
