"""What is known of a cell before anything is measured: its bounds, as a table and as a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from codegen.documents.printed import plain
from derivations.model import Model
from derivations.stability import Inequality, gradient_bounds, inequalities, with_evidence


@dataclass(frozen=True)
class Theorems:
    """The inequalities of a cell.

    Attributes
    ----------
    name : str
    rows : tuple of Inequality
        Each with what was found among random networks.
    """

    name: str
    rows: tuple[Inequality, ...]


def theorems(models: Mapping[str, Model]) -> tuple[Theorems, ...]:
    """Return the bounds of some models, by their names.

    Raises
    ------
    ProofError
        When a random network violates one.

    Examples
    --------
    >>> from derivations import cell
    >>> [found] = theorems({"rnn": cell("rnn")})
    >>> print(next(terminal((found,)).columns[1].cells))
    ‖∂h_t/∂h_{t-1}‖₂ ≤ ‖W_rec‖₂, 1 ≤ t ≤ T
    """
    return tuple(
        Theorems(
            name,
            tuple(
                with_evidence(row, model, search=False)
                for row in inequalities(gradient_bounds(model))
            ),
        )
        for name, model in models.items()
    )


def terminal(found: tuple[Theorems, ...]) -> Table:
    """Return what the terminal shows: a row an inequality."""
    table = Table(box=None, pad_edge=False)
    table.add_column("cell", no_wrap=True)
    table.add_column("bound")
    table.add_column("counterexamples")
    for one in found:
        for place, row in enumerate(one.rows):
            name = "" if place else one.name
            table.add_row(Text(name, style="bold"), Text(_readable(row)), Text(_evidence(row)))
    return table


def _readable(row: Inequality) -> str:
    sides = " ≤ ".join(map(plain, row.sides))
    shown = f"{sides}, {plain(row.conditions)}"
    return shown.replace("‖_2", "‖₂").replace("‖_{∞}", "‖∞")


def _evidence(row: Inequality) -> str:
    """Return what stands behind a row: every one is a theorem, and most were tried in numbers."""
    if not row.evidence:
        return "not looked for: it follows"
    return row.evidence.replace("no counterexample", "none")


def markdown(found: tuple[Theorems, ...]) -> str:
    """Return the bounds as Markdown, each inequality a display.

    Examples
    --------
    >>> from derivations import cell
    >>> print(markdown(theorems({"diagonal": cell("diagonal")})).splitlines()[0])
    # Bounds: diagonal
    """
    parts = []
    for one in found:
        parts.append(f"# Bounds: {one.name}\n")
        for row in one.rows:
            parts.append(f"$${row.latex}$$\n\n{row.reason} Counterexamples: {_evidence(row)}.\n")
    return "\n".join(parts)
