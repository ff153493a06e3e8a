"""The largest Lyapunov exponent against the gain: its sign says what gradients do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from codegen.flow import summary
from codegen.flow.figures.curves import visible_range
from codegen.flow.figures.labels import label_ends
from codegen.flow.figures.panels import (
    SCALE_NAMES,
    band_of,
    by_initialisation,
    figure_of_panels,
    key_below,
    median_of,
    scale_of,
    set_title,
    values_of,
)
from codegen.flow.figures.style import DISTINCT, nearest_to_one, number, plain, styled
from codegen.flow.groups import Groups
from codegen.flow.summary import Array, quantile_curves

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT = 4.0
WIDTH = 5.8
MARKERS = "os^Dv"
#: Gains closer than this part of the axis share a tick mark.
TICK_GAP = 0.05


def exponents_figure(groups: Groups) -> Figure | None:
    """Show the largest exponent with its quantiles, a curve an initialisation, and a line at 0.

    Parameters
    ----------
    groups : mapping of Group to sequence of Measured
        Of one cell with one activation.

    Returns
    -------
    Figure or None
        None where no exponent was measured.

    Examples
    --------
    >>> from codegen.flow.groups import Group
    >>> from types import SimpleNamespace as Network
    >>> networks = [Network(exponents=(-0.1,))]
    >>> figure = exponents_figure({Group("rnn", "tanh", "identity", "gain", 1.0): networks})
    >>> figure.axes[0].get_xlabel()
    'gain'
    """
    curves = _curves(groups)
    if not curves:
        return None
    values = values_of(groups)
    width = (values[-1] - values[0]) or 1.0
    margin = (0.03 if len(values) > 1 else 0.2) * width
    with styled():
        figure = figure_of_panels(1, height=HEIGHT, width=WIDTH)
        set_title(figure, groups, "rate at which gradients grow")
        axes = figure.subplots()
        axes.set_ylim(_range([quantiles for _, quantiles in curves.values()]))
        axes.set_xlim(values[0] - margin, values[-1] + margin)
        _draw_zero(axes)
        for rank, (at, quantiles) in enumerate(curves.values()):
            # Beside each other, or the bars of one hide those of another.
            aside = 0.006 * width * (rank - (len(curves) - 1) / 2)
            _draw_curve(axes, at + aside, quantiles, rank)
        ends = [
            (float(middle[-1]), plain(row), DISTINCT[rank])
            for rank, (row, (_, (_, middle, _))) in enumerate(curves.items())
        ]
        label_ends(axes, ends, HEIGHT, 13)
        axes.set_xticks(values, minor=True)
        ticks = _ticks(values, TICK_GAP * width)
        axes.set_xticks(ticks, [number(value) for value in ticks])
        axes.set_xlabel(SCALE_NAMES[scale_of(groups)])
        axes.set_ylabel(r"largest Lyapunov exponent $\lambda_1$ per step")
        key_below(figure, _key(groups))
    return figure


def _range(found: Sequence[Array]) -> tuple[float, float]:
    """Return what is seen of exponents: all quantiles but those far off, with zero among them."""
    curves = [row[np.isfinite(row)] for quantiles in found for row in quantiles]
    bottom, top = visible_range([row for row in curves if row.size], 1, 0.1)
    span = top - bottom
    # Arrows for −∞ stand at the lower edge, one above another, and below the word under zero.
    below = 0.4 if any(np.any(np.isinf(quantiles[1])) for quantiles in found) else 0.1
    # Caps of bars stand off the edge.
    return min(bottom - 0.05 * span, -below * span), max(top + 0.05 * span, 0.1 * span)


def _curves(groups: Groups) -> dict[str, tuple[Array, Array]]:
    """Return gains and three quantiles of the exponent, by initialisation, where there are any."""
    found = {}
    for row, of_value in by_initialisation(groups).items():
        known = {
            value: quantiles[:, 0]
            for value, measured in of_value.items()
            if (quantiles := quantile_curves(measured, summary.largest_exponent)).size
        }
        if known:
            found[row] = np.array(list(known)), np.array(list(known.values())).T
    return found


def _draw_curve(axes: Axes, at: Array, quantiles: Array, rank: int) -> None:
    """Draw medians with bars; one outside the picture, such as −∞, is a gap with an arrow."""
    bottom, top = axes.get_ylim()
    below, above = quantiles[1] < bottom, quantiles[1] > top
    # A line to a point that is not seen would say something of what lies between.
    seen = np.where(below | above, np.nan, quantiles)
    less, middle, more = np.clip(seen, 2 * bottom - top, 2 * top - bottom)
    axes.errorbar(
        at,
        middle,
        (middle - less, more - middle),
        color=DISTINCT[rank],
        marker=MARKERS[rank],
        markersize=7,
        capsize=3,
        elinewidth=1.4,
    )
    for arrow, edge, side, gone in (("↓", bottom, "bottom", below), ("↑", top, "top", above)):
        for place in at[gone]:
            axes.annotate(
                arrow,
                (place, edge),
                (0, (18 if gone is below else -18) * rank),
                textcoords="offset points",
                color=DISTINCT[rank],
                horizontalalignment="center",
                verticalalignment=side,
                fontsize=14,
            )


def _draw_zero(axes: Axes) -> None:
    axes.axhline(0, color="#404040", linewidth=1.4)
    for word, offset, side in (("explodes", 5, "bottom"), ("vanishes", -5, "top")):
        axes.annotate(
            word,
            (0.01, 0),
            xycoords=axes.get_yaxis_transform(),
            xytext=(0, offset),
            textcoords="offset points",
            verticalalignment=side,
            color="#606060",
            fontstyle="italic",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
        )


def _key(groups: Groups) -> dict[str, Artist]:
    from matplotlib.lines import Line2D

    grey = "#404040"
    key: dict[str, Artist] = {median_of(groups): Line2D([], [], color=grey, marker="o")}
    if band := band_of(groups):
        key[band] = Line2D([], [], color=grey, marker="|", markersize=14, linestyle="")
    return key


def _ticks(values: Sequence[float], gap: float) -> list[float]:
    """Return values that stand a gap apart; of those near 1, the one nearest to it."""
    kept: list[float] = []
    for value in sorted(values, key=lambda value: (value != nearest_to_one(values), value)):
        if all(abs(value - other) >= gap for other in kept):
            kept.append(value)
    return sorted(kept)
