"""The size of ∂s_T/∂s_{T−d} as a map: a row a gain, a column a distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from codegen.flow import summary
from codegen.flow.figures.curves import power_of_ten, set_distances, thinned, visible_range
from codegen.flow.figures.panels import (
    SCALE_NAMES,
    by_initialisation,
    figure_of_panels,
    median_of,
    scale_of,
    set_title,
    values_of,
)
from codegen.flow.figures.style import number, plain, styled
from codegen.flow.groups import Groups
from codegen.flow.summary import Array, quantile_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Rows of the map that can have a label each.
MOST_LABELS = 20


def heat_figure(groups: Groups) -> Figure:
    """Show the median size of ∂s_T/∂s_{T−d} over gain and distance; white is 1.

    Rows are equally high, and each says its gain, so that gains close to 1 are seen, too.

    Parameters
    ----------
    groups : mapping of Group to sequence of Measured
        Of one cell with one activation.

    Examples
    --------
    >>> from codegen.flow.groups import Group
    >>> from types import SimpleNamespace as Network
    >>> networks = [Network(norms=(0.0, -0.1))]
    >>> figure = heat_figure({Group("rnn", "tanh", "identity", "gain", 1.0): networks})
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['1']
    """
    columns = by_initialisation(groups)
    values = values_of(groups)
    maps = {
        (column, value): quantile_curves(measured, summary.norms, (0.5,))[0]
        for column, of_value in columns.items()
        for value, measured in of_value.items()
    }
    last = max(len(curve) for curve in maps.values()) - 1
    # The same distance from white is the same factor, up and down.
    bound = max(abs(limit) for limit in visible_range(list(maps.values())))
    largest = max(float(np.max(np.abs(curve))) for curve in maps.values())
    with styled():
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        figure = figure_of_panels(len(columns))
        set_title(figure, groups, r"size of a gradient that goes back $d$ steps")
        panels = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
        for axes, column in zip(panels, columns, strict=True):
            rows = [maps.get((column, value)) for value in values]
            image = axes.imshow(
                _grid(rows, last + 1, bound),
                aspect="auto",
                cmap="RdBu_r",
                vmin=-bound,
                vmax=bound,
                origin="lower",
                extent=(-0.5, last + 0.5, -0.5, len(values) - 0.5),
                interpolation="none",
            )
            axes.set_title(plain(column))
            axes.set_facecolor("#c8c8c8")
            set_distances(axes, last)
            axes.set_xlim(-0.5, last + 0.5)
            axes.grid(visible=False)
            # A white line between rows: they are networks of their own, and nothing is between.
            for row in range(1, len(values)):
                axes.axhline(row - 0.5, color="white", linewidth=0.8)
        every = -(-len(values) // MOST_LABELS)
        ticks = range(0, len(values), every)
        panels[0].set_yticks(list(ticks), [number(values[k]) for k in ticks])
        panels[0].set_ylabel(SCALE_NAMES[scale_of(groups)])
        bar = figure.colorbar(
            image,
            ax=list(panels),
            extend="both" if largest > bound else "neither",
            format=FuncFormatter(lambda power, _: power_of_ten(power)),
            ticks=MaxNLocator(7, integer=True, steps=[1, 2, 5, 10]),
            pad=0.02,
        )
        bar.set_label(r"$\Vert\partial s_T/\partial s_{T-d}\Vert_2$, " + median_of(groups))
    return figure


def _grid(rows: list[Array | None], length: int, bound: float) -> Array:
    """Return the colours' logarithms; NaN, which stays grey, where a gain was not measured.

    Each entry stands several times, as viewers of SVG blur an image of few pixels.
    """
    at = thinned(length)
    missing = np.full(len(at), np.nan)
    # A step beyond the bound has the colour of the bound, and so has infinity.
    known = [missing if row is None else np.clip(row[at], -bound, bound) for row in rows]
    return np.repeat(np.repeat(np.array(known), _times(len(rows)), 0), _times(len(at)), 1)


def _times(count: int) -> int:
    return max(1, 400 // count)
