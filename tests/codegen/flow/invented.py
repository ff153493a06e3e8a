"""Studies whose numbers are random walks: no network stands behind them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from codegen.flow.point import INITIALISATIONS, Measured, Point, Settings

Results = list[tuple[Point, Measured]]


def measured(
    seed: int, steps: int, drift: float = 0.0, *, carry: bool = False, size: int = 3
) -> Measured:
    """Return walks in logarithms that drift by so much a step."""
    rng = np.random.default_rng(seed)

    def walk(start: float, length: int) -> tuple[float, ...]:
        moves = drift + 0.3 * rng.normal(size=length - 1)
        return tuple((start + np.concatenate([[0.0], np.cumsum(moves)])).tolist())

    norms = walk(0.0, steps + 1)
    values = rng.normal(size=(size, 2))
    return Measured(
        norms=norms,
        bounds=tuple(norm + 0.5 * d for d, norm in enumerate(norms)),
        carry=walk(0.0, steps + 1) if carry else (),
        terms=walk(-1.0, steps),
        inputs=walk(-2.0, steps),
        gradient=float(rng.normal()) + max(0.0, drift * steps),
        exponents=tuple(sorted((drift + rng.normal(size=size)).tolist(), reverse=True)),
        eigenvalues=tuple((float(real), float(imaginary)) for real, imaginary in values),
        radius=float(np.hypot(*values.T).max()),
        stretch=2.0,
    )


def study(
    steps: int = 12,
    values: Sequence[float] = (0.5, 1.0, 2.0),
    seeds: int = 3,
    cells: Sequence[tuple[str, str]] = (("rnn", "tanh"),),
    scale: str = "gain",
    initialisations: Sequence[str] = INITIALISATIONS,
    clip: float = 1.0,
) -> Results:
    """Return a study in which a value above 1 explodes, and one below vanishes."""
    settings = Settings(steps=steps, clip=clip)
    return [
        (
            Point(cell, activation, initialisation, scale, value, seed, settings),
            measured(seed + 100 * rank, steps, float(np.log10(value)), carry=cell == "lstm"),
        )
        for rank, (cell, activation) in enumerate(cells)
        for initialisation in initialisations
        for value in values
        for seed in range(seeds)
    ]
