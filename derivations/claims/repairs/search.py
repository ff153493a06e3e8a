"""The search: single edits, then two, then a few usual ones together, then what the graph says.

Candidates are counted and not timed, so that every machine finds the same.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from derivations.claims.repairs.bench import Bench, Residues, residues
from derivations.claims.repairs.edits import Edit, Kind, edits, edits_at, kinds, uniform_kinds
from derivations.claims.repairs.edits_of_names import Names
from derivations.claims.repairs.edits_of_steps import Why
from derivations.claims.repairs.pairs import Pairs, size_of_pair
from derivations.claims.repairs.paths import Path, Spot, contain, put, spots
from derivations.claims.repairs.scene import Scene
from derivations.claims.terms import Series, Sum, Term, replaced
from derivations.proof.arithmetic import Array

#: Sides three edits away that are tried.
MOST_TRIPLES = 300


@dataclass(frozen=True)
class Candidate:
    """A right side that may make the equation true.

    Attributes
    ----------
    right : Term
    whys : tuple of Why
        One for every edit.
    """

    right: Term
    whys: tuple[Why, ...]


class Search:
    """Looks for a right side near the written one.

    Parameters
    ----------
    scene : Scene
    bench : Bench
    right : Term, optional
        Where the search begins, if that is not the written side.
    """

    def __init__(self, scene: Scene, bench: Bench, right: Term | None = None) -> None:
        self._scene = scene
        self._bench = bench
        self._names = Names(scene)
        self._table = kinds(self._names)
        self._right = scene.right if right is None else right
        self._broken = broken(self._right, scene, bench)
        self._by_value: dict[Residues, list[Candidate]] | None = None

    def first(self, candidates: Iterable[Candidate]) -> Candidate | None:
        """Return the first candidate that holds."""
        for candidate in candidates:
            if time.process_time() > self._scene.deadline:
                return None
            if self._bench.holds(candidate.right):
                return candidate
        return None

    @cached_property
    def _pairs(self) -> Pairs:
        return Pairs(self._right, self.single_edits, self._table, self._scene, self._bench)

    @property
    def wanted(self) -> Array | None:
        """The value of the left side."""
        return self._bench.wanted

    @cached_property
    def single_edits(self) -> list[Edit]:
        return edits(self._right, self._scene, self._table)

    def with_value(self, array: Array) -> list[Candidate]:
        """Return the sides that are one notation away and have a value, for another left side."""
        if self._by_value is None:
            self._by_value = {}
            for edit in [edit for edit in self.single_edits if edit.kind.is_notational]:
                right = edit.applied(self._right)
                found = self._bench.value(right)
                if found is not None:
                    known = self._by_value.setdefault(residues(found), [])
                    known.append(Candidate(right, (edit.why,)))
        return self._by_value.get(residues(array), [])

    # Stages

    def single(self) -> Iterator[Candidate]:
        """Yield the sides that are one edit away."""
        for edit in self.single_edits:
            if self._mends(edit.path):
                yield Candidate(edit.applied(self._right), (edit.why,))

    def pairs(self) -> Iterator[Candidate]:
        """Yield the sides that are two edits away, nearest first."""
        pairs = sorted(self._pairs.all(), key=size_of_pair)
        made = (self._both(one, other) for one, other in pairs)
        yield from _distinct(c for c in made if c is not None)

    def _both(self, one: Edit, other: Edit) -> Candidate | None:
        """Return the side with two edits, if they go together."""
        whys = (one.why, other.why)
        if other.is_on(one):
            return Candidate(other.applied(one.applied(self._right)), whys)
        outer, inner = sorted((one, other), key=lambda edit: len(edit.path))
        if not contain(outer.path, inner.path):
            first, second = sorted((one, other), key=lambda edit: edit.path, reverse=True)
            return Candidate(second.applied(first.applied(self._right)), whys)
        if outer.path == inner.path:
            return None
        new = replaced(outer.new, inner.old, inner.new)
        return None if new == outer.new else Candidate(put(self._right, outer.path, new), whys)

    def double(self) -> Iterator[Candidate]:
        """Yield the sides that are two edits away.

        Where one edit of all factors gives a side a value that has none, it is one of the two.
        """
        for base, further in self._bases:
            yield from _after(base, further.single())
        if not self._bases:
            yield from self.pairs()

    def further(self) -> Iterator[Candidate]:
        """Yield sides that are one edit of all factors and two more away."""
        for base, further in self._bases:
            yield from _after(base, further.pairs())

    @cached_property
    def _bases(self) -> list[tuple[Candidate, Search]]:
        """What gives a side a value that has none, with one edit of all its factors."""
        if not self._broken:
            return []
        made = edits_at(Spot((), self._right), self._scene, uniform_kinds())
        return [
            (Candidate(edit.new, (edit.why,)), Search(self._scene, self._bench, edit.new))
            for edit in made
            if self._bench.array(edit.new) is not None
        ]

    def triples(self) -> Iterator[Candidate]:
        """Yield the sides that are three usual edits away."""
        table = tuple(kind for kind in self._table if kind.is_usual)
        layer = [Candidate(self._right, ())]
        for _ in range(3):
            further = _distinct(self._further(layer, table))
            layer = list(itertools.islice(further, MOST_TRIPLES))
            yield from layer

    def _further(self, layer: list[Candidate], table: tuple[Kind, ...]) -> Iterator[Candidate]:
        for candidate in layer:
            for edit in edits(candidate.right, self._scene, table):
                yield Candidate(edit.applied(candidate.right), (*candidate.whys, edit.why))

    def rewritten_terms(self) -> Iterator[Candidate]:
        """Yield sides in which one term is one that the graph suggests."""
        for spot in spots(self._right):
            if isinstance(spot.parent, Sum) and all(
                isinstance(above, Sum | Series) for above in spot.above
            ):
                for new in self._names.suggestions.terms:
                    why = Why("In place of {} stands {}.", (spot.term, new))
                    yield Candidate(put(self._right, spot.path, new), (why,))

    def rewritten(self) -> Iterator[Candidate]:
        """Yield right sides that are written anew."""
        for right, why in self._names.suggestions.rewritten():
            yield Candidate(right, (why,))

    def _mends(self, *paths: Path, at_least: int | None = None) -> bool:
        """Tell whether edits touch every piece that has no value as it stands."""
        touched = sum(any(contain(path, piece) for path in paths) for piece in self._broken)
        wanted = len(self._broken)
        return touched >= (wanted if at_least is None else min(at_least, wanted))


def broken(right: Term, scene: Scene, bench: Bench) -> list[Path]:
    """Return the smallest pieces of a side that have no value."""
    if bench.has_value(right):
        return []
    return [
        spot.path
        for spot in spots(right)
        if spot.is_value
        and scene.value(spot.term) is None
        and all(scene.value(child) is not None for child in spot.term.children)
    ]


def _after(base: Candidate, further: Iterable[Candidate]) -> Iterator[Candidate]:
    """Add what was done before."""
    for candidate in further:
        yield Candidate(candidate.right, (*base.whys, *candidate.whys))


def _distinct(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    seen: set[Term] = set()
    for candidate in candidates:
        if candidate.right not in seen:
            seen.add(candidate.right)
            yield candidate
