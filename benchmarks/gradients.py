"""Forward and backward passes beside the peers: `python -m benchmarks.gradients`.

Every contender runs in a process of its own, which sleeps while another one is measured: thread
pools that spin slow each other down. Rounds are interleaved, so that a slow minute of the machine
meets all alike. Gradients are compared before anything is timed. Times are medians of medians;
what counts is the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.cells import CELLS, SIZES, Size

CONTENDERS = ("ours:fast", "pytorch", "jax_scan", "products")
#: Largest difference of a gradient from ours, over the largest entry: rounding in float32.
TOLERANCE = 2e-3
ROUNDS, SECONDS = 5, 0.6


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
        self._answer()
        self._sleep()

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


def measure(cell: str, size: Size, contenders: tuple[str, ...]) -> dict[str, float]:
    """Return the seconds of every contender, after its gradients were compared with ours."""
    processes = {name: Process(name, cell, size) for name in contenders}
    try:
        _compare(processes)
        times: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(ROUNDS):
            for name, process in processes.items():
                times[name].append(float(process.ask(str(SECONDS))))
    finally:
        for process in processes.values():
            process.end()
    return {name: median(found) for name, found in times.items()}


def _compare(processes: dict[str, Process]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for name, process in processes.items():
            if name != "products":
                path = Path(folder) / f"{len(found)}.npz"
                process.ask(f"gradients {path}")
                found[name] = dict(np.load(path))
    ours = found["ours:fast"]
    for name, gradients in found.items():
        for parameter, own in ours.items():
            error = np.abs(gradients[parameter] - own).max() / np.abs(own).max()
            if error > TOLERANCE:
                raise AssertionError(f"{name} and ours differ in {parameter} by {error:.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", default=",".join(CELLS))
    parser.add_argument("--sizes", nargs="*", type=Size.read, default=SIZES)
    parser.add_argument("--contenders", default=",".join(CONTENDERS))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    contenders = tuple(options.contenders.split(","))
    table = Table(box=None, pad_edge=False)
    table.add_column("cell")
    table.add_column("T,B,m,n,q")
    for name in contenders:
        table.add_column(f"{name}\nms", justify="right")
    table.add_column("ours over\nbest peer", justify="right")
    table.add_column("ours over\nproducts", justify="right")
    results = []
    for cell in options.cells.split(","):
        for size in options.sizes:
            times = measure(cell, size, contenders)
            results.append({"cell": cell, "size": str(size), "seconds": times})
            peers = [t for name, t in times.items() if name not in ("products", "ours:fast")]
            ours = times["ours:fast"]
            table.add_row(
                cell,
                str(size),
                *(f"{1e3 * times[name]:.2f}" for name in contenders),
                f"{ours / min(peers):.2f}" if peers else "",
                f"{ours / times['products']:.2f}" if "products" in times else "",
            )
    Console(width=120).print(table)
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
