"""Two edits of one side: which of the many pairs are worth a try.

Most are not: an edit that breaks the shapes needs one that mends them, and where the changes of two
edits add up or multiply, the partner of an edit is looked up by the value that it must have.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from derivations.claims.court import STEPS
from derivations.claims.repairs.bench import Bench, Residues, quotient, residues
from derivations.claims.repairs.edits import Edit, Kind, edits_at
from derivations.claims.repairs.paths import Path, Spot, contain, put, spot_at
from derivations.claims.repairs.scene import Scene
from derivations.claims.terms import Chain, Series, Sum, Term, Transposed
from derivations.proof.arithmetic import PRIME, Array

#: Pairs that are tried (fewer in longer networks, which cost more), pairs that are looked up, and
#: single edits that are combined; those that change least first.
MOST_PAIRS, MOST_LIKELY, MOST_COMBINED = 2200, 200, 160

Pair = tuple[Edit, Edit]


@dataclass(frozen=True)
class Effect:
    """What a single edit does.

    Attributes
    ----------
    edit : Edit
    array : array or None
        The value of the edited side in the shape of the left one, if it has that shape.
    keeps_shape : bool
        Whether the new piece has the shape of the old one.
    breaks : tuple of int or None
        The path of the smallest piece that has no value any more.
    """

    edit: Edit
    array: Array | None
    keeps_shape: bool
    breaks: Path | None

    def may_go_with(self, other: Effect) -> bool:
        """Tell whether shapes that fail with either edit alone may go together with both."""
        is_one_edit = self.edit.kind.undoes(other.edit.kind) and contain(
            self.edit.path, other.edit.path
        )
        return not is_one_edit and self._is_mended_by(other) and other._is_mended_by(self)

    def _is_mended_by(self, other: Effect) -> bool:
        if self.array is not None:
            return True
        if other.keeps_shape:
            return False
        return self.breaks is None or contain(self.breaks, other.edit.path)


class Pairs:
    """The pairs of edits of one side.

    Parameters
    ----------
    right : Term
    single : sequence of Edit
        All single edits of the side, those that change least first.
    table : tuple of Kind
    scene : Scene
    bench : Bench
    """

    def __init__(
        self,
        right: Term,
        single: Sequence[Edit],
        table: tuple[Kind, ...],
        scene: Scene,
        bench: Bench,
    ) -> None:
        self._right = right
        self._table = tuple(kind for kind in table if kind.is_structural)
        self._scene = scene
        self._bench = bench
        self._own = bench.array(right)
        self._effects = [self._effect(edit) for edit in single]

    def all(self) -> list[Pair]:
        """Return the pairs that may hold."""
        common = [e for e in self._effects if e.edit.kind.is_common and self._does(e)]
        del common[MOST_COMBINED:]
        pairs = [
            (one.edit, other.edit)
            for one, other in itertools.combinations(common, 2)
            if one.may_go_with(other) and not self._is_looked_up(one, other)
        ]
        pairs += self._twice(common)
        likely = [*self._adding(), *self._multiplying()]
        most = MOST_PAIRS * STEPS[0] // self._scene.evaluator.point.steps
        return [*_nearest(pairs, most), *_nearest(likely, MOST_LIKELY)]

    # What single edits do

    def _effect(self, edit: Edit) -> Effect:
        array = self._bench.array(edit.applied(self._right))
        breaks = None if array is not None else self._broken_by(edit)
        return Effect(edit, array, self._keeps_shape(edit), breaks)

    def _does(self, effect: Effect) -> bool:
        """Tell whether an edit changes the value at all: factors of entries may change places."""
        if self._own is None or effect.array is None:
            return True
        return bool(((self._own - effect.array) % PRIME).any())

    def _keeps_shape(self, edit: Edit) -> bool:
        old, new = self._scene.value(edit.old), self._scene.value(edit.new)
        if old is None or new is None:
            return False
        return (old.shape, old.flexible, old.number) == (new.shape, new.flexible, new.number)

    def _broken_by(self, edit: Edit) -> Path | None:
        """Return the path of the smallest piece that has a value before an edit and none behind."""
        piece = edit.new
        for length in range(len(edit.path), -1, -1):
            path = edit.path[:length]
            before = spot_at(self._right, path)
            assert before is not None
            if length < len(edit.path):
                piece = put(before.term, edit.path[length:], edit.new)
            if self._scene.value(before.term) is not None and self._scene.value(piece) is None:
                return path
        return None

    # Pairs in one piece

    def _twice(self, common: Sequence[Effect]) -> Iterator[Pair]:
        """Yield an edit of a product or a sum with a second one of what it made."""
        for effect in common:
            one = effect.edit
            if not isinstance(one.old, Chain | Sum) or not one.kind.is_structural:
                continue
            spot = spot_at(one.applied(self._right), one.path)
            if spot is None:
                continue
            known = {id(child) for child in one.old.children}
            for place in (spot, *_inside(spot)):
                if place is spot or id(place.term) not in known:
                    for other in edits_at(place, self._scene, self._table):
                        if not one.kind.undoes(other.kind):
                            yield one, other.after(one)

    # Pairs whose effects go together

    def _is_looked_up(self, one: Effect, other: Effect) -> bool:
        """Tell whether the pair is found by its value."""
        if contain(one.edit.path, other.edit.path) or self._own is None:
            return False
        if one.array is None or other.array is None:
            return False
        path = _common(one.edit.path, other.edit.path)
        pieces = list(self._pieces(path))
        if isinstance(pieces[-1], Sum):
            return all(isinstance(p, Sum | Series | Chain | Transposed) for p in pieces)
        return path in self._products

    def _pieces(self, path: Path) -> Iterator[Term]:
        piece = self._right
        yield piece
        for position in path:
            piece = piece.children[position]
            yield piece

    def _adding(self) -> Iterator[Pair]:
        """Yield edits of two terms whose changes add up to what is missing."""
        own, wanted = self._own, self._bench.wanted
        if own is None or wanted is None:
            return
        known: dict[Residues, list[Edit]] = {}
        arrays = [(e.edit, e.array) for e in self._effects if e.array is not None]
        for edit, array in arrays:
            known.setdefault(residues(array), []).append(edit)
        for edit, array in arrays:
            for other in known.get(residues(wanted + own - array), []):
                if edit.path < other.path and not contain(edit.path, other.path):
                    yield edit, other

    @cached_property
    def _products(self) -> dict[Path, int]:
        """Elementwise products that are the side, or one of its terms, and their signs."""
        right = self._right
        members: dict[Path, tuple[int, Term]] = {(): (1, right)}
        if isinstance(right, Sum):
            members = {(n,): member for n, member in enumerate(right.terms)}
        return {
            path: sign
            for path, (sign, term) in members.items()
            if isinstance(term, Chain) and all(map(self._scene.is_elementwise, term.signs))
        }

    def _multiplying(self) -> Iterator[Pair]:
        """Yield edits of two elementwise factors whose quotients multiply to what is missing."""
        own, wanted = self._own, self._bench.wanted
        if own is None or wanted is None:
            return
        for path, sign in self._products.items():
            product = self._fitted(spot_at(self._right, path), own)
            if product is None:
                continue
            rest = own - sign * product
            needed = sign * (wanted - rest)
            known: dict[Residues, list[Edit]] = {}
            arrays = [
                (e.edit, sign * (e.array - rest))
                for e in self._effects
                if e.array is not None
                and len(e.edit.path) > len(path)
                and contain(path, e.edit.path)
            ]
            for edit, array in arrays:
                known.setdefault(residues(array), []).append(edit)
            for edit, array in arrays:
                partner = quotient(needed * product, array)
                for other in [] if partner is None else known.get(residues(partner), []):
                    if edit.path < other.path and not contain(edit.path, other.path):
                        yield edit, other

    def _fitted(self, spot: Spot | None, like: Array) -> Array | None:
        """Return the value of a piece in the shape of the whole side."""
        value = None if spot is None else self._scene.value(spot.term)
        if value is None:
            return None
        fitted = value.as_shape(tuple(like.shape))
        return fitted.dual.value if fitted.shape == like.shape else None


def size_of_pair(pair: Pair) -> tuple[int, int]:
    """Return how much of the text two edits change, and how much longer they make it."""
    one, other = pair
    return one.size + other.size, one.growth + other.growth


def _nearest(pairs: list[Pair], most: int) -> list[Pair]:
    return sorted(pairs, key=size_of_pair)[:most]


def _common(one: Path, other: Path) -> Path:
    """Return the path of the smallest piece that holds two others."""
    length = 0
    while one[length] == other[length]:
        length += 1
    return one[:length]


def _inside(spot: Spot) -> Iterator[Spot]:
    """Yield the products and sums right inside a piece."""
    for position, child in enumerate(spot.term.children):
        if isinstance(child, Chain | Sum):
            yield Spot((*spot.path, position), child, (*spot.above, spot.term))
