"""Networks of a study that differ by chance alone, and what all networks of it share."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from codegen.flow.point import MEASURED, Measured, Point, Settings
from derivations.errors import EmitError


@dataclass(frozen=True)
class Group:
    """All of a point but its seed: the networks of a group differ by chance alone.

    Attributes
    ----------
    cell, activation, initialisation, scale, value
        As in `Point`.
    """

    cell: str
    activation: str
    initialisation: str
    scale: str
    value: float


Results = Sequence[tuple[Point, Measured]]
Groups = Mapping[Group, Sequence[Measured]]


def grouped(results: Results) -> dict[Group, tuple[Measured, ...]]:
    """Return what was measured by group: groups as they first appear, networks by seed.

    Parameters
    ----------
    results : sequence of (Point, Measured)

    Raises
    ------
    EmitError
        When a value is no number, or the points do not share their settings.

    Examples
    --------
    >>> from codegen.flow.point import Settings
    >>> found = Measured((0.0, 0.3), (0.0, 0.3), (), (-1.0,), (-2.0,), -1.0, (0.7,), (), 2.0, 2.0)
    >>> points = [Point("rnn", "tanh", "gaussian", "gain", 2.0, n, Settings(1)) for n in (1, 0)]
    >>> [(group.value, len(of)) for group, of in grouped([(p, found) for p in points]).items()]
    [(2.0, 2)]
    """
    if not results:
        return {}
    settings_of(results)
    found: defaultdict[Group, list[Measured]] = defaultdict(list)
    for point, measured in in_order(results):
        _refuse_what_is_no_size(point, measured)
        found[group_of(point)].append(measured)
    return {group: tuple(measured) for group, measured in found.items()}


def in_order(results: Results) -> Results:
    """Return results by group, as the groups first appear, and by seed.

    Examples
    --------
    >>> in_order([])
    []
    """
    rank: dict[Group, int] = {}
    for point, _ in results:
        rank.setdefault(group_of(point), len(rank))
    return sorted(results, key=lambda pair: (rank[group_of(pair[0])], pair[0].seed))


def group_of(point: Point) -> Group:
    """Return the group of a point.

    Examples
    --------
    >>> from codegen.flow.point import Settings
    >>> group_of(Point("rnn", "tanh", "identity", "gain", 1.0, 7, Settings()))
    Group(cell='rnn', activation='tanh', initialisation='identity', scale='gain', value=1.0)
    """
    return Group(point.cell, point.activation, point.initialisation, point.scale, point.value)


def settings_of(results: Results) -> Settings:
    """Return the settings that all points share.

    Raises
    ------
    EmitError
        When there is no point, or when two points have different settings.

    Examples
    --------
    >>> settings_of([])
    Traceback (most recent call last):
    ...
    derivations.errors.EmitError: A study without points has no settings.
    Measure one network at least.
    """
    distinct = {point.settings for point, _ in results}
    if not distinct:
        hint = "Measure one network at least."
        raise EmitError("A study without points has no settings.", hint=hint)
    if len(distinct) > 1:
        raise EmitError(
            f"The points of this study have {len(distinct)} different settings.",
            hint="Quantiles over seeds need the same steps, size and clipping at every point: "
            "summarise each study alone.",
        )
    return distinct.pop()


def _refuse_what_is_no_size(point: Point, measured: Measured) -> None:
    """Refuse NaN anywhere, and +∞ but for a bound, which is then none."""
    for name in MEASURED:
        found = np.array(getattr(measured, name), dtype=np.float64)
        wrong = np.isnan(found) if name == "bounds" else ~(found < math.inf)
        if np.any(wrong):
            raise EmitError(
                f"{name} of {point.cell} ({point.initialisation}, {point.scale} {point.value}, "
                f"seed {point.seed}) holds {found[wrong][0]}.",
                hint="Sizes are finite logarithms, or −∞ for a size of zero: measure with a "
                "smaller gain, or fewer steps.",
            )
