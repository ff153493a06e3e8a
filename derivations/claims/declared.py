"""Numbers that a source only describes: λ is a spectral radius, γ bounds a norm."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from derivations.claims.evaluation import Evaluator
from derivations.claims.run import Point
from derivations.claims.sizes import Inference
from derivations.claims.source import Source
from derivations.claims.steps import Step
from derivations.claims.terms import Norm, Power, Symbol, Term
from derivations.claims.values import OutOfRange
from derivations.errors import ShapeError
from derivations.proof.arithmetic import Array, Numbers


class Measuring(Numbers, Protocol):
    """A kind of number in which norms and eigenvalues exist, and scalars can be given."""

    def norm(self, array: Array, kind: str) -> Any: ...
    def radius(self, array: Array) -> Any: ...
    def largest(self, values: Sequence[Any]) -> Any: ...
    def looseness(self, name: str) -> Any: ...
    def settle(self, name: str, step: int | None, value: Any) -> None: ...


def meanings(sides: Sequence[Term], source: Source) -> list[Term]:
    """Return some sides, what their symbols mean, what the symbols there mean, and so on."""
    known: dict[str, list[Term]] = {}
    for forward in (*source.forward, *itertools.chain(*source.definitions.values())):
        known.setdefault(forward.key, []).append(forward.right)
    for name, (_, term) in source.extremes.items():
        known.setdefault(name, []).append(term)
    for bound, term in source.bounds:
        if isinstance(bound, Symbol):
            known.setdefault(bound.key, []).append(term)
    found = [*sides]
    for term in found:  # it grows on the way
        for name in sorted(symbols(term)):
            found += known.pop(name, [])
    return found


def symbols(term: Term) -> set[str]:
    """Return the names in a term."""
    return {piece.key for piece in term.walk() if isinstance(piece, Symbol)}


def needs_doubles(sides: Sequence[Term], source: Source) -> bool:
    """Tell whether residues cannot evaluate some terms: norms, eigenvalues and bounds."""
    names = source.extremes.keys() | {b.key for b, _ in source.bounds if isinstance(b, Symbol)}
    terms = meanings(sides, source)
    return any(symbols(term) & names or _has_root(term, source) for term in terms)


def _has_root(term: Term, source: Source) -> bool:
    """Tell whether a term holds a norm other than the square of a vector's, which is a product."""
    if isinstance(term, Power) and isinstance(term.base, Norm) and term.exponent == Step((), 2):
        norm = term.base
        if norm.kind in ("", "2") and _is_vector(norm.body, source):
            return _has_root(norm.body, source)
    return isinstance(term, Norm) or any(_has_root(child, source) for child in term.children)


def _is_vector(term: Term, source: Source) -> bool:
    inference = Inference(source)
    try:
        inference.layout()
        shape = inference.shape(term)
    except ShapeError:
        return False
    return shape is not None and inference.is_vector(shape)


def settle(evaluator: Evaluator, arithmetic: Measuring, names: frozenset[str]) -> None:
    """Give numbers that are only described their values in a network.

    A bound is the largest value that it bounds, at whatever step, times a factor of at least one.
    """
    point, source = evaluator.point, evaluator.source
    found: dict[tuple[str, int | None], list[Any]] = {}
    for name, (kind, term) in source.extremes.items():
        if name not in names:
            continue
        is_radius = kind == "spectral radius"
        for step, letters in _steps(_symbol(name, source), point):
            for array in _values(evaluator, term, letters):
                size = arithmetic.radius(array) if is_radius else arithmetic.norm(array, "")
                found.setdefault((name, step), []).append(size)
    for (name, step), sizes in found.items():
        arithmetic.settle(name, step, arithmetic.largest(sizes))
    bounded: dict[tuple[str, int | None], list[Any]] = {}
    for bound, term in source.bounds:
        if isinstance(bound, Symbol) and bound.key in names:
            for step, letters in _steps(bound, point):
                for array in _values(evaluator, term, letters):
                    bounded.setdefault((bound.key, step), []).extend(array.flat)
    for (name, step), entries in bounded.items():
        arithmetic.settle(name, step, arithmetic.largest(entries) * arithmetic.looseness(name))


def _symbol(name: str, source: Source) -> Symbol:
    if not name.endswith("@"):
        return Symbol(name)
    return Symbol(name.removesuffix("@"), Step.letter(source.vocabulary.running))


def _steps(symbol: Symbol, point: Point) -> Iterator[tuple[int | None, Mapping[str, int]]]:
    """Yield the steps of a symbol and what its letter is there."""
    if symbol.time is None:
        yield None, {}
    elif not symbol.time.letters:
        yield symbol.time.number, {}
    else:
        (letter,) = symbol.time.names
        for step in _range(point):
            yield step, {letter: step - symbol.time.number}


def _range(point: Point) -> range:
    """Claims speak of one step behind the last one, too."""
    return range(point.network.start - 1, point.steps + 2)


def _values(evaluator: Evaluator, term: Term, letters: Mapping[str, int]) -> Iterator[Array]:
    """Yield a term's value for every choice of the letters that are still free."""
    point = evaluator.point
    free = sorted(point.network.source.free_letters(term) - letters.keys() - {"T"})
    last = max(point.steps + 1, *point.numbers.values())  # a letter may count entries
    for choice in itertools.product(range(point.network.start - 1, last + 1), repeat=len(free)):
        environment = {"T": point.steps, **letters, **dict(zip(free, choice, strict=True))}
        with contextlib.suppress(OutOfRange):
            yield evaluator.value(term, environment).dual.value
