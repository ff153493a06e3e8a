"""A grid of points in a fixed order, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import isfinite, prod
from typing import Any, Protocol

from codegen.flow.point import INITIALISATIONS, SCALES, Point, Settings
from derivations.errors import EmitError

#: A grid beyond this would fill the memory with its points alone.
MOST_POINTS = 1_000_000


class Fingerprinted(Protocol):
    """A probe, of which only the work on a point knows more."""

    @property
    def fingerprint(self) -> str:
        """What results depend on besides the point."""


@dataclass(frozen=True)
class Study:
    """What is to be computed.

    Attributes
    ----------
    points : tuple of Point
        In the order of the results.
    probes : mapping of (cell, activation) to a probe
        One for each pair that the points name.
    """

    points: tuple[Point, ...]
    probes: Mapping[tuple[str, str], Fingerprinted]

    def probe(self, point: Point) -> Fingerprinted:
        """Return the probe that a point needs."""
        return self.probes[point.cell, point.activation]


def grid(
    models: Sequence[tuple[str, str]],
    initialisations: Sequence[str],
    scale: str,
    values: Sequence[float],
    seeds: Sequence[int],
    settings: Settings,
) -> tuple[Point, ...]:
    """Return every combination as a point; what is said twice counts once.

    Parameters
    ----------
    models : sequence of (str, str)
        Names of cells, each with its activation.
    initialisations : sequence of str
        Of `INITIALISATIONS`.
    scale : str
        One of `SCALES`.
    values : sequence of float
        Of the scale.
    seeds : sequence of int
    settings : Settings

    Raises
    ------
    EmitError
        When a list is empty, or a value is not one that can be computed with.

    Examples
    --------
    >>> models, values = [("rnn", "tanh"), ("lstm", "")], [0.9, 1.1, 1.1]
    >>> points = grid(models, ["gaussian"], "gain", values, range(3), Settings())
    >>> len(points), points[0].cell, points[-1].value
    (12, 'rnn', 1.1)
    """
    _check_settings(settings)
    if scale not in SCALES:
        raise EmitError(f"There is no scale {scale!r}.", hint=f"Known: {', '.join(SCALES)}.")
    for initialisation in initialisations:
        if initialisation not in INITIALISATIONS:
            raise EmitError(
                f"There is no initialisation {initialisation!r}.",
                hint=f"Known: {', '.join(INITIALISATIONS)}.",
            )
    for value in values:
        if not (isfinite(value) and value > 0):
            raise EmitError(f"A {scale} is a positive finite number, not {value:g}.")
    axes: dict[str, Sequence[Any]] = {
        "model": list(dict.fromkeys(models)),
        "initialisation": list(dict.fromkeys(initialisations)),
        scale: list(dict.fromkeys(map(float, values))),
        "seed": seeds,
    }
    for name, entries in axes.items():
        if not entries:
            raise EmitError(f"A study needs at least one {name}.")
    count = prod(map(len, axes.values()))
    if count > MOST_POINTS:
        raise EmitError(f"A study has at most {MOST_POINTS} points; this one has {count}.")
    if min(seeds) < 0:
        raise EmitError(f"A seed is a number from 0 on, not {min(seeds)}.")
    axes["seed"] = list(dict.fromkeys(seeds))
    return tuple(
        Point(cell, activation, initialisation, scale, value, seed, settings)
        for (cell, activation), initialisation, value, seed in product(*axes.values())
    )


def _check_settings(settings: Settings) -> None:
    if settings.steps < 1:
        raise EmitError(f"A sequence has at least one step, not {settings.steps}.")
    if settings.size < 1:
        raise EmitError(f"A state has at least one entry, not {settings.size}.")
    if not (isfinite(settings.input_scale) and settings.input_scale >= 0):
        raise EmitError(
            f"The scale of inputs is a finite number from 0 on, not {settings.input_scale:g}."
        )
    if not (isfinite(settings.clip) and settings.clip > 0):
        raise EmitError(f"Clipping needs a positive finite number, not {settings.clip:g}.")
    names = [name for name, _ in settings.biases]
    for name, value in settings.biases:
        if not isfinite(value):
            raise EmitError(f"The bias {name} is a finite number, not {value:g}.")
        if names.count(name) > 1:
            raise EmitError(f"The bias {name} is given twice.")
