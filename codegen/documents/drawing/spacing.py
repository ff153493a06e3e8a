"""Things in a line that must not come too close: the nearest places that keep their distances."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


def spaced(
    wanted: Sequence[float], gaps: Sequence[float], weights: Sequence[float] = ()
) -> list[float]:
    """Return ascending places, nearest to the wanted ones by weighted squares.

    Parameters
    ----------
    wanted : sequence of float
    gaps : sequence of float
        The least distances between neighbours, one fewer.
    weights : sequence of float, optional
        How much each insists; all alike without.

    Examples
    --------
    >>> spaced([0.0, 0.0, 10.0], [4.0, 4.0])
    [-2.0, 2.0, 10.0]
    """
    offsets = list(accumulate(gaps, initial=0.0))[: len(wanted)]
    # Without the distances the places need only ascend: the pool of adjacent violators.
    pools: list[tuple[float, float, int]] = []
    for place, offset, weight in zip(wanted, offsets, weights or [1.0] * len(wanted), strict=True):
        pools.append((place - offset, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, its, n), (b, other, m) = pools.pop(-2), pools.pop()
            pools.append(((a * its + b * other) / (its + other), its + other, n + m))
    levels = [level for level, _, count in pools for _ in range(count)]
    return [level + offset for level, offset in zip(levels, offsets, strict=True)]


__all__ = ["spaced"]
