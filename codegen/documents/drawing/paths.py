"""Ways on paper: lines that turn at right angles with round corners, and lines that swing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from codegen.documents.drawing import Point

#: The radius of a corner.
RADIUS = 5.0
#: How far along each leg of a corner the control points of a quarter of a circle stand.
_KAPPA = 0.5523


def straight(start: Point, end: Point) -> tuple[Point, ...]:
    """Return the three points of a Bézier piece that is straight."""
    return _between(start, end, 1 / 3), _between(start, end, 2 / 3), end


def swing(start: Point, end: Point) -> tuple[Point, ...]:
    """Return the three points of a Bézier piece that begins and ends upright."""
    middle = (start[1] + end[1]) / 2
    return (start[0], middle), (end[0], middle), end


def rounded(corners: Sequence[Point]) -> tuple[Point, ...]:
    """Return the points of a curve along a polygon, whose corners are made round.

    Examples
    --------
    >>> rounded([(0, 0), (9, 0)])
    ((0, 0), (3.0, 0.0), (6.0, 0.0), (9, 0))
    >>> len(rounded([(0, 0), (20, 0), (20, 20)]))
    10
    """
    points = [corners[0]]
    for before, corner, behind in zip(corners, corners[1:], corners[2:], strict=False):
        radius = min(RADIUS, math.dist(before, corner) / 2, math.dist(corner, behind) / 2)
        start = _between(corner, before, radius / math.dist(before, corner))
        end = _between(corner, behind, radius / math.dist(corner, behind))
        points += straight(points[-1], start)
        points += (_between(start, corner, _KAPPA), _between(end, corner, _KAPPA), end)
    return (*points, *straight(points[-1], corners[-1]))


def without_detours(corners: Sequence[Point]) -> list[Point]:
    """Return the corners of a polygon at which it turns, and its ends.

    Examples
    --------
    >>> without_detours([(0, 0), (1, 0), (1, 0), (2, 0), (2, 5)])
    [(0, 0), (2, 0), (2, 5)]
    """
    kept: list[Point] = []
    for corner in corners:
        if kept and math.dist(kept[-1], corner) < 1e-9:
            continue
        if len(kept) > 1 and _is_straight(kept[-2], kept[-1], corner):
            kept.pop()
        kept.append(corner)
    return kept


def _is_straight(a: Point, b: Point, c: Point) -> bool:
    return abs((b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])) < 1e-9


def _between(start: Point, end: Point, share: float) -> Point:
    return (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))


def along(points: Sequence[Point], samples: int = 12) -> list[Point]:
    """Return points on a curve of cubic Bézier pieces.

    Examples
    --------
    >>> along([(0, 0), (1, 0), (2, 0), (3, 0)], 2)
    [(0.0, 0.0), (1.5, 0.0), (3.0, 0.0)]
    """
    found = [(float(points[0][0]), float(points[0][1]))]
    for i in range(0, len(points) - 1, 3):
        piece = points[i : i + 4]
        for step in range(1, samples + 1):
            s = step / samples
            weights = ((1 - s) ** 3, 3 * s * (1 - s) ** 2, 3 * s**2 * (1 - s), s**3)
            found.append(
                (
                    sum(w * p[0] for w, p in zip(weights, piece, strict=True)),
                    sum(w * p[1] for w, p in zip(weights, piece, strict=True)),
                )
            )
    return found


__all__ = ["along", "rounded", "straight", "swing", "without_detours"]
