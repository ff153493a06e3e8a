"""The floor: the matrix products of a forward and a backward pass, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.cells import Arrays, Size

_GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def make(cell: str, size: Size) -> Callable[[], Arrays]:
    """Return what multiplies once: over all rows where the recurrence allows, step by step else."""
    T, B, m, n, q = size.T, size.B, size.m, size.n, size.q
    wide = _GATES[cell] * n
    generator = np.random.default_rng(0)

    def drawn(*shape: int) -> np.ndarray:
        return generator.standard_normal(shape).astype(np.float32)

    x, h, delta = drawn(T * B, m), drawn(T * B, n), drawn(T * B, wide)
    error, W = drawn(T * B, q), drawn(m, wide)
    U, V = drawn(n, wide), drawn(n, q)
    U_turned = np.ascontiguousarray(U.T)
    held, back = np.empty((B, wide), np.float32), np.empty((B, n), np.float32)

    def run() -> Arrays:
        x @ W
        for t in range(T):
            np.matmul(h[t * B : (t + 1) * B], U, out=held)
        h @ V
        error @ V.T
        for t in range(T):
            np.matmul(delta[t * B : (t + 1) * B], U_turned, out=back)
        delta.T @ x
        delta.T @ h
        error.T @ h
        return {}

    return run
