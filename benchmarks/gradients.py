"""Forward and backward passes beside the peers: `python -m benchmarks.gradients`.

Every contender runs in a process of its own, which sleeps while another one is measured: thread
pools that spin slow each other down. Rounds are interleaved, so that a slow minute of the machine
meets all alike. Gradients are compared before anything is timed. Times are medians of medians;
what counts is the ratios. A contender whose first gradients take longer than a limit is left out
at that size, and shown as —.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.cells import CELLS, SIZES, Size

CONTENDERS = (
    "ours:fast",
    "ours_c",
    "pytorch",
    "jax_scan",
    "hips_autograd",
    "casadi_graph",
    "products",
)
#: Largest difference of a gradient from the first contender's, over its largest entry: rounding in
#: float32.
TOLERANCE = 2e-3
ROUNDS, SECONDS = 5, 0.6
#: Seconds that a contender has from its start to its first gradients.
LIMIT = 30.0

#: Seconds of a run by contender; None for one that was left out.
Times = dict[str, float | None]


class Process:
    """A contender, asleep unless it is asked."""

    def __init__(self, contender: str, cell: str, size: Size) -> None:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", contender, cell, str(size)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def is_ready(self, limit: float) -> bool:
        """Wait for the first gradients; end the process where they take longer than the limit."""
        if not select.select([self._process.stdout], [], [], limit)[0]:
            self.end()
            return False
        self._answer()
        self._sleep()
        return True

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a contender ended without an answer")
        return line.strip()

    def _sleep(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def ask(self, question: str) -> str:
        self._process.send_signal(signal.SIGCONT)
        assert self._process.stdin is not None
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        answer = self._answer()
        self._sleep()
        return answer

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


def measure(cell: str, size: Size, contenders: tuple[str, ...], limit: float = LIMIT) -> Times:
    """Return the seconds of every contender, after their gradients were compared."""
    processes: dict[str, Process] = {}
    try:
        for name in contenders:
            process = Process(name, cell, size)
            if process.is_ready(limit):
                processes[name] = process
        _compare(processes)
        times: dict[str, list[float]] = {name: [] for name in processes}
        for _ in range(ROUNDS):
            for name, process in processes.items():
                times[name].append(float(process.ask(str(SECONDS))))
    finally:
        for process in processes.values():
            process.end()
    return {name: median(times[name]) if name in times else None for name in contenders}


def _compare(processes: dict[str, Process]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for name, process in processes.items():
            if name != "products":
                path = Path(folder) / f"{len(found)}.npz"
                process.ask(f"gradients {path}")
                found[name] = dict(np.load(path))
    first = next(iter(found), None)
    for name, gradients in found.items():
        for parameter, expected in found[first].items():
            error = np.abs(gradients[parameter] - expected).max() / np.abs(expected).max()
            if error > TOLERANCE:
                raise AssertionError(f"{name} and {first} differ in {parameter} by {error:.1e}")


def ours(contenders: Iterable[str]) -> list[str]:
    """Return our own contenders."""
    return [name for name in contenders if name.startswith("ours")]


def best_peer(times: Times) -> float | None:
    """Return the seconds of the fastest contender that is neither ours nor the floor."""
    others = times.keys() - {"products", *ours(times)}
    return min((times[name] for name in others if times[name] is not None), default=None)


def _ratio(numerator: float | None, denominator: float | None) -> str:
    return "—" if numerator is None or denominator is None else f"{numerator / denominator:.2f}"


def _row(times: Times) -> Iterator[str]:
    """Yield milliseconds, then for each of ours what it takes over the best peer and the floor."""
    for seconds in times.values():
        yield "—" if seconds is None else f"{1e3 * seconds:.2f}"
    for name in ours(times):
        yield _ratio(times[name], best_peer(times))
        yield _ratio(times[name], times.get("products"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", default=",".join(CELLS))
    parser.add_argument("--sizes", nargs="*", type=Size.read, default=SIZES)
    parser.add_argument("--contenders", default=",".join(CONTENDERS))
    parser.add_argument("--limit", type=float, default=LIMIT)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="an image: .svg, .png or .pdf")
    options = parser.parse_args()
    contenders = tuple(options.contenders.split(","))
    if options.plot is not None:
        if "products" not in contenders:
            parser.error("--plot shows times over those of the products, which are not measured")
        if find_spec("matplotlib") is None:
            parser.error("--plot needs matplotlib: pip install matplotlib")
    table = Table(box=None, pad_edge=False)
    table.add_column("cell")
    table.add_column("T,B,m,n,q")
    for name in contenders:
        table.add_column(f"{name}\nms", justify="right")
    for name in ours(contenders):
        table.add_column(f"{name} over\nbest peer", justify="right")
        table.add_column(f"{name} over\nproducts", justify="right")
    results = []
    for cell in options.cells.split(","):
        for size in options.sizes:
            times = measure(cell, size, contenders, options.limit)
            results.append({"cell": cell, "size": str(size), "seconds": times})
            table.add_row(cell, str(size), *_row(times))
    Console(width=160).print(table)
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    if options.plot is not None:
        from benchmarks.figures import draw_ratios  # matplotlib is needed for this alone

        draw_ratios(results, options.plot)


if __name__ == "__main__":
    main()
