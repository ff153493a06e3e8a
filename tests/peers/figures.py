"""Print the largest relative errors over all styles and draws, as a table in Markdown."""

from __future__ import annotations

import platform
from importlib import metadata

from derivations import cell_names
from tests.peers.by_jax import by_jax
from tests.peers.by_torch import NETWORKS, by_torch
from tests.peers.comparison import DRAWS, drawn, emitted, relative_errors


def against_jax(cell: str) -> list[dict[str, float]]:
    """Return the errors in every style and every draw."""
    return [
        relative_errors(module.value_and_grad(*drawn(cell, draw)), by_jax(cell, draw))
        for module in emitted(cell).values()
        for draw in DRAWS
    ]


def against_torch(cell: str) -> list[dict[str, float]]:
    """Return the errors in every style and every draw; none where PyTorch has no such network."""
    if cell not in NETWORKS:
        return []
    arrays = [drawn(cell, draw, NETWORKS[cell].equal_sizes) for draw in DRAWS]
    return [
        relative_errors(module.value_and_grad(*pair), by_torch(cell, *pair))
        for module in emitted(cell).values()
        for pair in arrays
    ]


def worst(errors: list[dict[str, float]]) -> str:
    """Return three cells of the table: the error of E, that of the worst gradient, its name."""
    if not errors:
        return "| |"
    largest = {name: max(error[name] for error in errors) for name in errors[0]}
    value = largest.pop("E")
    name = max(largest, key=largest.__getitem__)
    return f"{value:.1e} | {largest[name]:.1e} | `{name}`"


def main() -> None:
    """Print the versions and the table."""
    packages = ("jax", "jaxlib", "torch", "numpy")
    versions = [f"{package} {metadata.version(package)}" for package in packages]
    print(f"{', '.join([f'Python {platform.python_version()}', *versions])}\n")
    print("| cell | JAX: E | worst gradient | by | PyTorch: E | worst gradient | by |")
    print("|---|---|---|---|---|---|---|")
    for cell in cell_names():
        print(f"| `{cell}` | {worst(against_jax(cell))} | {worst(against_torch(cell))} |")


if __name__ == "__main__":
    main()
