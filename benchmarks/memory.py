"""Memory and time against the number of steps: `python -m benchmarks.memory`.

The fast module of a cell with and without checkpointing, gradients by parameters, float32. Every
number of steps is measured in a process of its own; gradients are compared before anything is
timed. Memory is the peak of what a call allocates, data apart; times are medians of rounds that
alternate, on one thread: products are small here.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from codegen.build import emit_source
from codegen.gradcheck.module import draw_arrays, module_from_source
from codegen.options import PLAIN, Options
from derivations import cell, derive

CELLS = ("rnn", "lstm")
STEPS = (100, 1000, 10_000)
SIZES = {"B": 8, "n": 64, "m": 32, "q": 10}
#: Rounds, and how many steps a round takes at least.
ROUNDS, STEPS_A_ROUND = 7, 10_000
#: Largest difference of a gradient, over the largest entry: rounding in float32.
TOLERANCE = 1e-4

Run = Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Measured:
    """One cell at one number of steps: bytes and seconds, plain and with checkpoints."""

    cell: str
    steps: int
    plain_bytes: int
    plain_seconds: float
    stored_bytes: int
    stored_seconds: float


def measure(name: str, steps: int) -> Measured:
    """Compare both modules' gradients, then measure them in turn."""
    plain, stored = (_run(name, steps, options) for options in (PLAIN, Options(checkpoint=True)))
    _compare(plain(), stored())
    times: dict[Run, list[float]] = {plain: [], stored: []}
    for _ in range(ROUNDS):
        for run, found in times.items():
            found.append(_seconds(run, calls=max(1, STEPS_A_ROUND // steps)))
    return Measured(
        name, steps, _peak(plain), median(times[plain]), _peak(stored), median(times[stored])
    )


def _run(name: str, steps: int, options: Options) -> Run:
    source = emit_source(derive(cell(name)), name, "fast", gradients="parameters", options=options)
    module = module_from_source(source)
    arrays = draw_arrays(module, {**SIZES, "T": steps}, seed=0)
    single = {key: array.astype(np.float32) for key, array in arrays.items()}
    params, data = ({key: single[key] for key in keys} for keys in (module.PARAMS, module.DATA))

    def run() -> dict[str, Any]:
        gradients: dict[str, Any] = module.value_and_grad(params, data)[1]
        return gradients

    return run


def _compare(plain: dict[str, Any], stored: dict[str, Any]) -> None:
    for name, gradient in plain.items():
        error = np.abs(stored[name] - gradient).max() / np.abs(gradient).max()
        if error > TOLERANCE:
            raise AssertionError(f"checkpointing changes the gradient by {name} by {error:.1e}")


def _seconds(run: Run, calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - start) / calls


def _peak(run: Run) -> int:
    tracemalloc.start()
    run()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def in_a_process(name: str, steps: int) -> Measured:
    """Measure where nothing else has allocated anything."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(measure, name, steps).result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", default=",".join(CELLS))
    parser.add_argument("--steps", nargs="*", type=int, default=STEPS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    results = [in_a_process(name, T) for name in options.cells.split(",") for T in options.steps]
    Console(width=120).print(table(results))
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(r) for r in results], indent=2) + "\n", "utf-8")


def table(results: list[Measured]) -> Table:
    """Return what was measured, a line for each number of steps."""
    shown = Table(box=None, pad_edge=False)
    shown.add_column("cell")
    for title in ("T", "plain\nMB", "checkpoints\nMB", "memory\nratio"):
        shown.add_column(title, justify="right")
    for title in ("plain\nms", "checkpoints\nms", "time\nratio"):
        shown.add_column(title, justify="right")
    for one in results:
        shown.add_row(
            one.cell,
            f"{one.steps}",
            f"{one.plain_bytes / 1e6:.2f}",
            f"{one.stored_bytes / 1e6:.2f}",
            f"{one.stored_bytes / one.plain_bytes:.3f}",
            f"{1e3 * one.plain_seconds:.1f}",
            f"{1e3 * one.stored_seconds:.1f}",
            f"{one.stored_seconds / one.plain_seconds:.2f}",
        )
    return shown


if __name__ == "__main__":
    main()
