"""The search for a counterexample where random networks show none: climbing from many starts.

Some inequalities are violated only near special weights. From the networks that come nearest to
a violation, changes are tried, many at once; what comes nearer is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from derivations.claims.court import Instance
from derivations.claims.lanes import Doubles, Key
from derivations.claims.looking import Start, promising, violation
from derivations.claims.trial import Found, Trial

#: How many networks climb at once, and how many changes of each are tried in a round.
CLIMBERS, CHANGES = 12, 20
#: Rounds of changes: as many as there are numbers, times this, and not more than the second.
ROUNDS_PER_NUMBER, MOST_ROUNDS = 4, 80
#: A climber whose changes fail takes smaller ones, and starts anew below this size.
FIRST_SIZE, GROWTH, DECLINE, SMALLEST = 0.3, 1.6, 0.7, 1e-4
#: Changes are in proportion to a number and this.
NEAR_ZERO = 0.3


def searched(trial: Trial, start: Start, seed: int) -> Found | None:
    """Climb from the best of some networks towards a violation."""
    instances = promising(start.samples)
    movable = frozenset(key for key in start.draws if key[0] not in trial.fixed)
    if not instances or not movable:
        return None
    climb = _Climb(trial, start, instances, movable, np.random.default_rng(seed))
    for _ in range(min(ROUNDS_PER_NUMBER * len(movable), MOST_ROUNDS)):
        found = climb.round()
        if found is not None:
            return found
    return None


class _Climb:
    """Networks on their way, all in one table: a row a number, a column a network."""

    def __init__(
        self,
        trial: Trial,
        start: Start,
        instances: Sequence[Instance],
        movable: frozenset[Key],
        generator: np.random.Generator,
    ) -> None:
        self._trial = trial
        self._frame = start.frame
        self._instances = instances
        self._generator = generator
        self._keys = list(start.draws)
        self._is_movable = np.array([key in movable for key in self._keys])
        groups = dict.fromkeys(key[:2] for key in movable)
        self._groups = np.array([[key[:2] == group for key in self._keys] for group in groups])
        heights = np.max([s.excess for s in start.samples if s.instance in instances], axis=0)
        order = np.argsort(-heights)
        self._spare = list(order[CLIMBERS:])
        self._all = np.stack([start.draws[key] for key in self._keys])
        self._heights = heights
        self._at = self._all[:, order[:CLIMBERS]].copy()
        self._height = heights[order[:CLIMBERS]].copy()
        self._size = np.full(len(self._height), FIRST_SIZE)
        self._last = np.zeros_like(self._at)

    def round(self) -> Found | None:
        """Try changes of every climber, and keep the best."""
        tried = self._changed()
        draws = dict(zip(self._keys, tried, strict=True))
        samples = self._trial.given(self._frame, draws, self._instances)
        found = violation(self._trial, Start(self._frame, tuple(samples), draws), most=1)
        if found is not None:
            return found
        heights = np.max([sample.excess for sample in samples], axis=0).reshape(-1, CHANGES)
        for climber, own in enumerate(heights):
            best = int(own.argmax())
            if own[best] > self._height[climber]:
                new = tried[:, climber * CHANGES + best]
                self._last[:, climber] = new - self._at[:, climber]
                self._at[:, climber], self._height[climber] = new, own[best]
                self._size[climber] *= GROWTH
            else:
                self._last[:, climber] = 0
                self._size[climber] *= DECLINE
                if self._size[climber] < SMALLEST:
                    self._restart(climber)
        return None

    def _restart(self, climber: int) -> None:
        if self._spare:
            chosen = self._spare.pop(0)
            self._at[:, climber] = self._all[:, chosen]
            self._height[climber] = self._heights[chosen]
        self._size[climber] = FIRST_SIZE

    def _changed(self) -> Doubles:
        """Return changed networks, `CHANGES` of each climber one behind the other.

        A change is one of all numbers, of one matrix, of one number, or of all in the direction
        from one climber to another; the first two repeat what helped the last time.
        """
        generator = self._generator
        climbers = self._at.shape[1]
        count = climbers * CHANGES
        here = np.repeat(self._at, CHANGES, axis=1)
        kind = np.tile(np.arange(CHANGES) % 4, climbers)
        is_moved = self._is_movable[:, np.newaxis] & np.ones(count, dtype=bool)
        group = self._groups[generator.integers(len(self._groups), size=count)].T
        single = generator.choice(np.flatnonzero(self._is_movable), size=count)
        is_moved &= (kind != 1) | group
        is_moved &= (kind != 2) | (np.arange(len(here))[:, np.newaxis] == single)
        size = np.repeat(self._size, CHANGES) * np.exp(generator.normal(size=count))
        change = size * generator.normal(size=here.shape) * (NEAR_ZERO + np.abs(here))
        one, other = generator.integers(climbers, size=(2, count))
        across = generator.uniform(0.2, 1.2, count) * (self._at[:, one] - self._at[:, other])
        change += np.where(kind == 3, across, 0)
        result = here + np.where(is_moved, change, 0)
        for repeated in range(2):
            helped = self._last.any(axis=0)
            columns = np.flatnonzero(helped) * CHANGES + repeated
            result[:, columns] = self._at[:, helped] + (repeated + 1) * self._last[:, helped]
        return result
