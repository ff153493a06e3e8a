"""What the command shows of its work: the tables of a build and of gradient checks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from codegen.build import Build
from codegen.gradcheck import GradientReport, worst_error


def build_table(built: Sequence[tuple[Build, list[Path]]]) -> Table:
    """Return a row for every model that was built."""
    table = Table(box=None, pad_edge=False)
    table.add_column("model", no_wrap=True)
    table.add_column("equations\nproven", justify="right")
    table.add_column("worst finite-\ndifference error", justify="right")
    table.add_column("files written", no_wrap=True)
    for made, paths in built:
        worst = max(worst_error(report.finite_differences) for report in made.reports.values())
        table.add_row(
            Text(made.name, style="bold"),
            str(made.derivation.proven),
            f"{worst:.1e}",
            Text(f"{len(paths)} in {paths[0].parent}"),
        )
    return table


def check_table(reports: Sequence[tuple[str, GradientReport]]) -> Table:
    """Return a row for every module that was checked."""
    table = Table(box=None, pad_edge=False)
    table.add_column("module", no_wrap=True)
    for title in ("finite differences", "complex step", "Taylor order", "passed"):
        table.add_column(title, justify="right")
    for name, report in reports:
        stepped = report.complex_step
        order = report.taylor.order
        table.add_row(
            Text(name, style="bold"),
            f"{worst_error(report.finite_differences):.1e}",
            "not applicable" if stepped is None else f"{worst_error(stepped):.1e}",
            report.taylor.kind if order is None else f"{order:.3f}",
            "yes" if report.passed else "no",
        )
    return table


__all__ = ["build_table", "check_table"]
