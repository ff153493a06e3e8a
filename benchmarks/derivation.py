"""From equations to gradient code beside the peers: `python -m benchmarks.derivation`.

Seconds of processor time from the forward equations to the text of a gradient's code, with imports
done, and the size of that text. Ours, which is proven on the way, has steps and sizes as symbols:
it is made once and then run at every size. The peers write every step out. Each measurement has a
process of its own, within limits of time and memory; > says which one was too narrow. What was too
much for a peer is not tried at larger sizes, and shown as —.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.cells import Size
from benchmarks.contenders import ours

PEERS = ("sympy_diff", "symforce_cpp", "casadi_sx")
#: T and n; there are n inputs and n classes, too.
SIZES = ((2, 2), (4, 3), (10, 8), (100, 8), (100, 64), (1000, 256))
#: Seconds, and gigabytes that are resident.
LIMIT, MEMORY = 60.0, 4.0


@dataclass(frozen=True)
class Outcome:
    """What a derivation took, or why there is none.

    Attributes
    ----------
    seconds, kilobytes : float or None
        Processor time, and the size of the code.
    obstacle : str
        The limit that was too narrow; — where nothing was tried.
    """

    seconds: float | None = None
    kilobytes: float | None = None
    obstacle: str = ""


def derived(name: str, cell: str, T: int, n: int, limit: float = LIMIT) -> Outcome:
    """Derive in a process of its own."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_derive, args=(sender, name, cell, T, n))
    process.start()
    sender.close()
    end = time.monotonic() + limit
    try:
        while not receiver.poll(0.1):
            if time.monotonic() > end:
                return Outcome(obstacle=f"> {limit:g} s")
            if _resident_gigabytes(process.pid) > MEMORY:
                return Outcome(obstacle=f"> {MEMORY:g} GB")
        return Outcome(*receiver.recv())
    except EOFError:
        raise RuntimeError(f"{name} ended without code for {cell}, T={T}, n={n}") from None
    finally:
        process.kill()
        process.join()


def _derive(sender: Connection, name: str, cell: str, T: int, n: int) -> None:
    make = import_module(f"benchmarks.derivers.{name}").gradient_code
    start = time.process_time()
    code = make(cell, T, n)
    sender.send((time.process_time() - start, len(code.encode()) / 1e3))


def _resident_gigabytes(process: int | None) -> float:
    """Return the memory that a process holds, as Linux counts it; 0 where nobody does."""
    try:
        status = Path(f"/proc/{process}/status").read_text("utf-8")
    except OSError:
        return 0.0
    sizes = (line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(next(sizes, 0)) / 1e6


def run_seconds(cell: str, T: int, n: int) -> float:
    """Run our module once at a size, warm, and return the median of three."""
    run = ours.make(cell, Size(T, 1, n, n, n))
    run()
    times = []
    for _ in range(3):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return median(times)


def outcomes(name: str, cell: str, sizes: list[tuple[int, int]], limit: float) -> Iterator[Outcome]:
    """Yield what a peer takes at each size, as long as no smaller network was too much."""
    too_much: list[tuple[int, int]] = []
    for T, n in sizes:
        if any(steps <= T and units <= n for steps, units in too_much):
            yield Outcome(obstacle="—")
            continue
        outcome = derived(name, cell, T, n, limit)
        if outcome.obstacle:
            too_much.append((T, n))
        yield outcome


def _columns(outcome: Outcome) -> tuple[str, str]:
    if outcome.seconds is None or outcome.kilobytes is None:
        return outcome.obstacle, ""
    return f"{outcome.seconds:.2f}", f"{outcome.kilobytes:,.0f}"


def _read_size(text: str) -> tuple[int, int]:
    T, n = map(int, text.split(","))
    return T, n


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", default="rnn,lstm")
    parser.add_argument("--sizes", nargs="*", type=_read_size, default=SIZES, metavar="T,n")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--limit", type=float, default=LIMIT)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    peers = options.peers.split(",")
    table = Table(box=None, pad_edge=False)
    table.add_column("cell")
    table.add_column("T,n", justify="right")
    for name in ("ours", *peers):
        table.add_column(f"{name}\ns", justify="right")
        table.add_column("code\nkB", justify="right")
    table.add_column("ours runs\nms", justify="right")
    results = []
    for cell in options.cells.split(","):
        own = derived("ours", cell, *options.sizes[0], options.limit)
        by_peer = [list(outcomes(name, cell, options.sizes, options.limit)) for name in peers]
        for (T, n), *found in zip(options.sizes, *by_peer, strict=True):
            run = run_seconds(cell, T, n)
            outcome = dict(zip(("ours", *peers), (own, *found), strict=True))
            table.add_row(
                cell,
                f"{T},{n}",
                *(c for o in outcome.values() for c in _columns(o)),
                f"{1e3 * run:.2f}",
            )
            results.append(
                {"cell": cell, "T": T, "n": n, "ours runs, seconds": run}
                | {name: asdict(o) for name, o in outcome.items()}
            )
    Console(width=120).print(table)
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
