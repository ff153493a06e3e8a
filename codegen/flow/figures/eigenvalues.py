"""Eigenvalues of the recurrent matrix beside the unit circle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from codegen.flow.figures.panels import (
    SCALE_HEADS,
    by_initialisation,
    figure_of_panels,
    networks,
    scale_of,
    set_title,
    shown_of,
    values_of,
)
from codegen.flow.figures.style import number, plain, representatives, styled
from codegen.flow.groups import Groups
from codegen.flow.point import Measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Panels a row, and inches of each.
COLUMNS = 3
SIDE = 2.5
#: Dots of a panel: what is more, is black.
MOST_DOTS = 2000


def eigenvalues_figure(groups: Groups) -> Figure | None:
    """Show eigenvalues of a matrix for the smallest gain, that nearest to 1, and the largest.

    Parameters
    ----------
    groups : mapping of Group to sequence of Measured
        Of one cell with one activation.

    Returns
    -------
    Figure or None
        None where the cell has no square recurrent matrix.

    Examples
    --------
    >>> from codegen.flow.groups import Group
    >>> from types import SimpleNamespace as Network
    >>> networks = [Network(eigenvalues=((1.0, 0.0), (1.0, 0.0)), radius=1.0, stretch=1.0)]
    >>> figure = eigenvalues_figure({Group("rnn", "tanh", "identity", "gain", 1.0): networks})
    >>> len(figure.axes)
    1
    """
    if not any(network.eigenvalues for measured in groups.values() for network in measured):
        return None
    rows = by_initialisation(groups)
    values = representatives(values_of(groups), COLUMNS)
    head = SCALE_HEADS[scale_of(groups)]
    with styled():
        figure = figure_of_panels(len(values), len(rows), height=SIDE + 0.45, width=SIDE + 0.55)
        set_title(figure, groups, "eigenvalues of the first recurrent matrix, and the unit circle")
        grid = figure.subplots(len(rows), len(values), squeeze=False)
        for panels, (row, of_value) in zip(grid, rows.items(), strict=True):
            panels[0].set_ylabel(f"{plain(row)}\n" + r"$\mathrm{Im}\,\lambda$")
            for axes, value in zip(panels, values, strict=True):
                _draw(axes, of_value.get(value, ()))
        for axes, value in zip(grid[0], values, strict=True):
            axes.set_title(f"{head} {number(value)}\n{axes.get_title()}")
        for axes in grid[-1]:
            axes.set_xlabel(r"$\mathrm{Re}\,\lambda$")
        shown = shown_of(groups, len(values))
        figure.supxlabel(
            "$\\rho$: spectral radius, $\\sigma_{max}$: largest singular value,\n"
            + "; ".join(filter(None, (f"medians of {networks(groups)}", shown))),
            fontsize=12,
        )
    return figure


def _draw(axes: Axes, measured: Sequence[Measured]) -> None:
    from matplotlib.patches import Circle
    from matplotlib.ticker import MaxNLocator

    dots = np.array([value for network in measured for value in network.eigenvalues][:MOST_DOTS])
    side = 1.15 * max([1.0, *np.hypot(*dots.T).tolist()]) if len(dots) else 1.15
    axes.set_xlim(-side, side)
    axes.set_ylim(-side, side)
    axes.set_aspect("equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], symmetric=True))
    axes.add_patch(Circle((0, 0), 1, fill=False, edgecolor="#d55e00", linewidth=1.8))
    if len(dots):
        axes.plot(*dots.T, ".", color="#0072b2", alpha=0.5, markersize=6, markeredgewidth=0)
        radius, stretch = (
            number(float(f"{np.median([getattr(network, what) for network in measured]):.3g}"))
            for what in ("radius", "stretch")
        )
        axes.set_title(f"$\\rho$ = {radius},  $\\sigma_{{max}}$ = {stretch}", fontsize=13)
