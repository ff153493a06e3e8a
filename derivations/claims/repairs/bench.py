"""Where candidates are tried: first at one ordinary instance, then at all of them."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import numpy as np

from derivations.claims.court import Agreement, Court
from derivations.claims.prepare import prepared
from derivations.claims.reading import AS_WRITTEN
from derivations.claims.repairs.paths import REMEMBERED
from derivations.claims.repairs.scene import REFUSALS, Scene
from derivations.claims.terms import Call, Entry, Partial, Sum, Symbol, Term
from derivations.claims.values import Value
from derivations.proof.arithmetic import PRIME, Array

#: The residues of a value, by which equal values are found.
Residues: TypeAlias = tuple[int, ...]


class Bench:
    """Tries right sides against one left side.

    Parameters
    ----------
    court : Court
    left : Term
        As it was written.
    scene : Scene
        Whose ordinary instance is looked at first.
    """

    def __init__(self, court: Court, left: Term, scene: Scene) -> None:
        self._court = court
        self._left = left
        self._scene = scene
        self._known: dict[Term, bool] = {}
        self._arrays: dict[Term, Array | None] = {}
        self._rewrites = bool(court.source.rewrites) or any(
            isinstance(forward.right, Call) for forward in court.source.forward
        )
        self._written = {_plain(piece) for piece in scene.expanded(scene.right).walk()}
        self._wanted = self._value(self._prepared(left)[0])
        self.wanted = None if self._wanted is None else self._wanted.dual.value

    def _value(self, term: Term) -> Value | None:
        try:
            return self._scene.evaluator.value(term, self._scene.instance)
        except REFUSALS:
            return None

    def _prepared(self, right: Term) -> tuple[Term, Term]:
        """Return both sides as they are evaluated; most candidates are left as they are."""
        is_accumulation = isinstance(right, Sum) and (1, self._left) in right.terms
        if self._rewrites or is_accumulation or not _is_plainly_read(right):
            left, right = prepared((self._left, right), self._court.source, AS_WRITTEN)
            return left, right
        return self._left, right

    def has_value(self, right: Term) -> bool:
        """Tell whether a right side means anything at the ordinary instance."""
        return self._value(self._prepared(right)[1]) is not None

    def value(self, right: Term) -> Array | None:
        """Return the value of a right side in its own shape."""
        value = self._value(self._prepared(right)[1])
        return None if value is None else value.dual.value

    def array(self, right: Term) -> Array | None:
        """Return the value of a right side in the shape of the left one, if it has that shape."""
        if right not in self._arrays:
            self._arrays[right] = self._fitted(right)
        return self._arrays[right]

    def _fitted(self, right: Term) -> Array | None:
        value = self._value(self._prepared(right)[1])
        if value is None or self._wanted is None:
            return None
        try:
            left, array = self._scene.evaluator.rules.equalised(self._wanted, value)
        except REFUSALS:
            return None
        if left.shape != array.shape:
            return None
        # A gradient of the left side turns as the right side needs it; so turn back here.
        return array if left.shape == self._wanted.shape else array.T

    def holds(self, right: Term) -> bool:
        """Tell whether a right side makes the equation true, and says something."""
        if right not in self._known:
            self._known[right] = self._holds(right)
        return self._known[right]

    def _holds(self, right: Term) -> bool:
        array = self.array(right)
        if array is None or ((array - self.wanted) % PRIME).any() or self._is_trivial(right):
            return False
        return self._holds_everywhere(*self._prepared(right))

    def _is_trivial(self, right: Term) -> bool:
        """Tell whether an equation says nothing: both sides mean the same by definition."""
        left, other = (_plain(self._scene.expanded(side)) for side in (self._left, right))
        if left not in self._written and any(piece == left for piece in other.walk()):
            return True
        partials = (piece for piece in right.walk() if isinstance(piece, Partial))
        return left == other or any(map(self._vanishes, partials))

    def _vanishes(self, partial: Partial) -> bool:
        """Tell whether an edit brought in a derivative that is zero, one by a later step, say."""
        if _plain(partial) in self._written:
            return False
        value = self._scene.value(partial)
        return value is not None and not value.dual.value.any()

    def _holds_everywhere(self, left: Term, right: Term) -> bool:
        cases = 0
        for numbers in ((0,), (0, 1)):
            try:
                outcome = self._court.compare((left, right), AS_WRITTEN, numbers)
            except REFUSALS:
                return False
            if not isinstance(outcome, Agreement) or outcome.is_empty:
                return False
            cases = outcome.cases
        return cases >= self._own_cases(left)

    def _own_cases(self, left: Term) -> int:
        """Return half the number of instances of the left side: most must be left."""
        point = self._scene.evaluator.point
        cases = 0
        for choice in self._court.instances(point, (left,)):
            try:
                self._scene.evaluator.value(left, choice)
            except REFUSALS:
                continue
            cases += 1
        return cases // 2


def residues(array: Array) -> Residues:
    """Return what equal arrays have in common."""
    return tuple(int(entry) % PRIME for entry in array.flat)


def quotient(above: Array, below: Array) -> Array | None:
    """Return an elementwise quotient of residues, None where there is none."""
    if above.shape != below.shape or not (below % PRIME).all():
        return None
    inverses = np.array([pow(int(entry), -1, PRIME) for entry in below.flat], dtype=object)
    return above * inverses.reshape(below.shape) % PRIME  # type: ignore[no-any-return]


def _plain(term: Term) -> Term:
    """Return a term with every derivative in one spelling, total and immediate ones alike."""
    if isinstance(term, Partial):
        return Partial(_plain(term.of), _plain(term.by))
    return term.mapped(_plain)


@lru_cache(maxsize=REMEMBERED)
def _is_plainly_read(term: Term) -> bool:
    """Tell whether no convention changes what a term means: of entries and of path sums, which
    end in the derivative by a parameter."""
    is_by_parameter = isinstance(term, Partial) and not (
        isinstance(term.by, Symbol) and term.by.time is not None
    )
    is_special = isinstance(term, Entry) or is_by_parameter
    return not is_special and all(map(_is_plainly_read, term.children))
