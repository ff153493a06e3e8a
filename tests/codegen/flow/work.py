"""Cheap work for the tests of runners: what it gives is a function of the point alone."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codegen.flow.point import Measured, Point, Settings
from codegen.flow.study import Study, grid
from derivations.errors import EmitError


@dataclass(frozen=True)
class Probe:
    """A stand-in: its text is a folder for notes, where the work takes any."""

    fingerprint: str


SETTINGS = Settings(steps=3, size=4, biases=(("b", 0.1),))


def study(seeds: int = 4, probe: str = "a probe", settings: Settings = SETTINGS) -> Study:
    points = grid([("rnn", "tanh")], ["gaussian"], "gain", [0.5, 1.5], range(seeds), settings)
    return Study(points, {("rnn", "tanh"): Probe(probe)})


def measured(probe: Probe, point: Point) -> Measured:
    """Values with all their digits, one of them −∞, and a matrix product among them."""
    random = np.random.default_rng([point.seed, int(1000 * point.value)])
    steps = point.settings.steps
    matrix = random.standard_normal((64, 64)) @ random.standard_normal((64, 64))

    def some(count: int) -> tuple[float, ...]:
        return tuple(map(float, random.standard_normal(count)))

    return Measured(
        norms=(float("-inf"), *some(steps)),
        bounds=some(steps + 1),
        carry=(),
        terms=some(steps),
        inputs=some(steps),
        gradient=float(np.linalg.norm(matrix)),
        exponents=some(4),
        eigenvalues=((0.1, 0.2), (0.1, -0.2)),
        radius=len(probe.fingerprint) / 3,
        stretch=-0.0,
    )


def noted(probe: Probe, point: Point) -> Measured:
    """Take a little time, and leave a note in the folder that the probe names."""
    folder = Path(probe.fingerprint)
    (folder / f"{point.value}-{point.seed}-{os.getpid()}-{time.monotonic_ns()}").touch()
    time.sleep(0.05)
    return measured(probe, point)


def failing(probe: Probe, point: Point) -> Measured:
    if point.seed == 2:
        raise ZeroDivisionError("a ball of zero volume")
    return measured(probe, point)


def refusing(probe: Probe, point: Point) -> Measured:
    raise EmitError("This cannot be.", hint="Do something else.")


def killed(probe: Probe, point: Point) -> Measured:
    if point.seed == 2:
        os.abort()
    return measured(probe, point)


def lasting(probe: Probe, point: Point) -> Measured:
    """Be quick with the first point; say who is at another one, and take a minute for it."""
    if point.seed or point.value > 1:
        (Path(probe.fingerprint) / str(os.getpid())).touch()
        time.sleep(60)
    return measured(probe, point)
