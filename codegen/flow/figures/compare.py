"""All cells of a study beside each other, at the gain nearest to 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from codegen.flow import summary
from codegen.flow.figures.curves import draw_curve, powers_of_ten, set_distances, visible_range
from codegen.flow.figures.labels import label_ends
from codegen.flow.figures.panels import (
    SCALE_HEADS,
    by_initialisation,
    cell_title,
    figure_of_panels,
    scale_of,
    values_of,
)
from codegen.flow.figures.style import (
    DISTINCT,
    LABEL_SIZE,
    PANEL_HEIGHT,
    nearest_to_one,
    number,
    plain,
    styled,
)
from codegen.flow.groups import Groups
from codegen.flow.summary import quantile_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLES = ("-", "--", "-.", ":")
#: Inches that a label needs.
LINE = 0.21


def compare_figure(cells: Mapping[tuple[str, str], Groups]) -> Figure:
    """Show the median size of ∂s_T/∂s_{T−d} of all cells, each at its gain nearest to 1.

    Parameters
    ----------
    cells : mapping of (str, str) to mapping of Group to sequence of Measured
        The groups of each cell and activation, all with the same scale.

    Examples
    --------
    >>> from codegen.flow.groups import Group
    >>> from types import SimpleNamespace as Network
    >>> cells = {
    ...     (name, ""): {Group(name, "", "identity", "gain", 1.0): [Network(norms=(0.0, -1.0))]}
    ...     for name in ("rnn", "lstm")
    ... }
    >>> len(compare_figure(cells).axes)
    1
    """
    curves: dict[str, dict[tuple[str, str], summary.Array]] = {}
    values = {}
    for cell, groups in cells.items():
        values[cell] = nearest_to_one(values_of(groups))
        for column, of_value in by_initialisation(groups).items():
            if values[cell] in of_value:
                found = quantile_curves(of_value[values[cell]], summary.norms)
                curves.setdefault(column, {})[cell] = found[1]
    columns = list(curves)
    medians = [curve for column in curves.values() for curve in column.values()]
    head = SCALE_HEADS[scale_of(next(iter(cells.values())))]
    common = len(set(values.values())) == 1
    names = {
        cell: cell_title(*cell) + ("" if common else f" ({number(value)})")
        for cell, value in values.items()
    }
    style_of = {
        cell: (DISTINCT[rank % len(DISTINCT)], STYLES[rank // len(DISTINCT) % len(STYLES)])
        for rank, cell in enumerate(cells)
    }
    height = max(PANEL_HEIGHT, LINE * len(cells))
    with styled():
        figure = figure_of_panels(len(columns), height=height)
        at = f"at {head} {number(next(iter(values.values())))}" if common else f"at {head} near 1"
        figure.suptitle(f"Size of a gradient that goes back $d$ steps, {at}")
        panels = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
        limits = visible_range(medians)
        for axes, column in zip(panels, columns, strict=True):
            axes.set_title(plain(column))
            axes.set_ylim(limits)
            set_distances(axes, max(len(curve) for curve in medians) - 1)
            powers_of_ten(axes)
            axes.axhline(0, color="#606060", linewidth=0.8, zorder=0)
            ends = []
            for cell, curve in curves[column].items():
                colour, style = style_of[cell]
                draw_curve(axes, curve, colour, style)
                ends.append((float(curve[-1]), names[cell], colour))
            label_ends(axes, ends, height, LABEL_SIZE)
        panels[0].set_ylabel(r"$\Vert\partial s_T/\partial s_{T-d}\Vert_2$")
    return figure
