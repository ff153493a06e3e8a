"""Print the largest relative errors over all styles and draws, as a table in Markdown."""

from __future__ import annotations

from importlib import metadata

import numpy as np

from codegen.build import STYLES
from derivations import cell_names
from tests.peers.by_jax import by_jax
from tests.peers.by_torch import NETWORKS, by_torch
from tests.peers.comparison import DRAWS, drawn, emitted, relative_errors


def worst(errors: list[dict[str, float]]) -> str:
    """Return the cells of a row: the error of E, that of the worst gradient, and its name."""
    largest = {name: max(error[name] for error in errors) for name in errors[0]}
    value = largest.pop("E")
    name = max(largest, key=largest.__getitem__)
    return f"{value:.1e} | {largest[name]:.1e} | `{name}`"


def against_jax(cell: str) -> str:
    return worst(
        [
            relative_errors(module.value_and_grad(*drawn(cell, draw)), by_jax(cell, draw))
            for module in emitted(cell).values()
            for draw in DRAWS
        ]
    )


def against_torch(cell: str) -> str:
    if cell not in NETWORKS:
        return " | | "
    arrays = [drawn(cell, draw, NETWORKS[cell].equal_sizes) for draw in DRAWS]
    return worst(
        [
            relative_errors(module.value_and_grad(*pair), by_torch(cell, *pair))
            for module in emitted(cell).values()
            for pair in arrays
        ]
    )


def main() -> None:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("jax", "torch", "numpy"))
    print(f"{versions}; styles {', '.join(STYLES)}; {np.dtype(float)}\n")
    print("| cell | JAX: E | gradient | worst by | PyTorch: E | gradient | worst by |")
    print("|---|---|---|---|---|---|---|")
    for cell in cell_names():
        print(f"| `{cell}` | {against_jax(cell)} | {against_torch(cell)} |")


if __name__ == "__main__":
    main()
