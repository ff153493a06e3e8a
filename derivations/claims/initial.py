"""Which instances of a claim are meant: not those where a running step reaches a given value.

|h_t| ≤ 1 is said of the states that a network computes, and is no statement about h_0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from derivations.claims.network import Network
from derivations.claims.steps import Step
from derivations.claims.terms import Partial, Series, Symbol, Term

#: Definitions in terms of definitions are followed so far.
DEEPEST = 8


def takes_initial_values(term: Term, letters: Mapping[str, int], network: Network) -> bool:
    """Tell whether a free letter makes a term name a computed quantity before its first step."""
    return any(
        step < network.start and network.is_computed(name)
        for name, step in _taken(term, letters, network, DEEPEST)
    )


def _taken(
    term: Term, letters: Mapping[str, int], network: Network, depth: int
) -> Iterator[tuple[str, int]]:
    """Yield the quantities whose values a term takes, where their step has a letter.

    What is differentiated, and by what, is no value: ∂h_1/∂h_0 is meant.
    """
    if isinstance(term, Partial) or not depth:
        return
    if isinstance(term, Series):
        lower = network.start if term.lower is None else _at(term.lower, letters)
        upper = letters["T"] if term.upper is None else _at(term.upper, letters)
        if lower is not None and upper is not None and lower <= upper:
            yield from _taken(term.body, {**letters, term.index: lower}, network, depth)
        return
    if isinstance(term, Symbol):
        step = None if term.time is None else _at(term.time, letters)
        for definition in network.source.definitions.get(term.key, ()):
            pattern = None if definition.time is None else definition.time.lone
            inner = letters if pattern is None or step is None else {**letters, pattern: step}
            yield from _taken(definition.right, inner, network, depth - 1)
        if term.time is not None and term.time.letters and step is not None:
            yield term.key, step
        return
    for child in term.children:
        yield from _taken(child, letters, network, depth)


def _at(step: Step, letters: Mapping[str, int]) -> int | None:
    return step.at(letters) if step.names <= letters.keys() else None
