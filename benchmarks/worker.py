"""One contender in a process of its own: answers on standard output, one line a question.

gradients PATH   writes the gradients to a file
SECONDS          runs for about so long, and prints the median time of a run
"""

from __future__ import annotations

import sys
import time
from importlib import import_module
from statistics import median

import numpy as np

from benchmarks.cells import Size


def main(contender: str, cell: str, size: str) -> None:
    module, _, style = contender.partition(":")
    make = import_module(f"benchmarks.contenders.{module}").make
    run = make(cell, Size.read(size), *([style] if style else []))
    gradients = run()
    print("ready", flush=True)
    for line in sys.stdin:
        word, _, path = line.strip().partition(" ")
        if word == "gradients":
            np.savez(path, **gradients)
            print("written", flush=True)
            continue
        times = []
        end = time.perf_counter() + float(word)
        while time.perf_counter() < end or len(times) < 3:
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        print(median(times), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
