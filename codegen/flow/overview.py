"""What the terminal shows of a study: a row a group, and whether its gradients vanish."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from codegen.flow import summary
from codegen.flow.groups import Groups, Results, grouped
from codegen.flow.point import Measured
from codegen.flow.summary import quantile_curves

#: How each verdict stands out.
COLOURS = {"vanishes": "blue", "explodes": "red"}
#: What the columns say, below the rows.
NOTES = """
lg norm: median over the seeds of lg ‖∂s_T/∂s_{T−d}‖₂.
largest exponent: the largest Lyapunov exponent, natural logarithm a step, after the first tenth \
of the steps; the median over the seeds.
gradient: vanishes or explodes where that exponent is below or above zero in at least the middle \
80 % of the networks; else it varies.
over bound: norms above their bound."""


def summary_table(results: Results) -> Table:
    """Return a row for every group of networks that differ by their seed alone.

    Rows stand in the order of the results. The last column counts norms above their bound, and
    is 0 where the bound and the code are right.

    Parameters
    ----------
    results : sequence of (Point, Measured)

    Raises
    ------
    EmitError
        When the results are no study.

    Examples
    --------
    >>> from codegen.flow.point import Point, Settings
    >>> found = Measured((0.0, 0.3), (0.0, 0.3), (), (-1.0,), (-2.0,), -1.0, (0.7,), (), 2.0, 2.0)
    >>> table = summary_table(
    ...     [(Point("rnn", "tanh", "gaussian", "gain", 2.0, 0, Settings(steps=1)), found)]
    ... )
    >>> [str(next(iter(column.cells))) for column in table.columns][2:]
    ['2', '0.0', '+0.3', '+0.7000', 'explodes', '0']
    """
    groups = grouped(results)
    scales = {group.scale for group in groups}
    steps = max((len(row[0].norms) - 1 for row in groups.values()), default=0)
    table = Table(box=None, pad_edge=False, caption=Text(NOTES), caption_justify="left")
    # In a narrow terminal names fold, and numbers stay whole.
    table.add_column("cell", overflow="fold", min_width=4)
    table.add_column("drawn", overflow="fold", min_width=4)
    table.add_column("scale" if len(scales) != 1 else next(iter(scales)), no_wrap=True)
    for distance in (steps // 2, steps):
        table.add_column(f"lg norm\nd = {distance}", justify="right", no_wrap=True)
    table.add_column("largest\nexponent", justify="right", no_wrap=True)
    table.add_column("gradient", no_wrap=True)
    table.add_column("over\nbound", justify="right", no_wrap=True)
    _add_rows(table, groups)
    return table


def _add_rows(table: Table, groups: Groups) -> None:
    scales = {group.scale for group in groups}
    for group, measured in groups.items():
        medians = quantile_curves(measured, summary.norms, (0.5,))[0]
        exponents = quantile_curves(measured, summary.largest_exponent, (0.5,))[0]
        found = summary.verdict(measured)
        table.add_row(
            Text(", ".join(filter(None, (group.cell, group.activation))), style="bold"),
            Text(group.initialisation),
            f"{group.scale} {group.value:g}" if len(scales) > 1 else f"{group.value:g}",
            _signed(medians[(len(medians) - 1) // 2], 1),
            _signed(medians[-1], 1),
            _signed(exponents[0], 4) if exponents.size else "",
            Text(found, style=COLOURS.get(found, "")),
            _count(measured),
        )


def _count(measured: Sequence[Measured]) -> Text:
    found = summary.violations(measured)
    return Text(str(found), style="bold red" if found else "")


def _signed(value: float, digits: int) -> str:
    """Return a number with its sign; −∞, the logarithm of zero, as that."""
    if value == -math.inf:
        return "−∞"
    shown = round(value, digits)
    # Of what is rounded to zero, a sign says nothing.
    return f"{shown:+.{digits}f}".replace("-", "−") if shown else f"{0:.{digits}f}"
