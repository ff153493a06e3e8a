"""What each distance gives to ∂E_T/∂W, and what clipping makes of it: all sizes, and no share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from codegen.flow import summary
from codegen.flow.figures.curves import (
    draw_band,
    draw_curve,
    powers_of_ten,
    set_distances,
    visible_range,
)
from codegen.flow.figures.labels import label_ends
from codegen.flow.figures.panels import (
    SCALE_HEADS,
    by_initialisation,
    figure_of_panels,
    key_below,
    label_head,
    scale_of,
    set_title,
    shown_of,
    style_key,
    values_of,
)
from codegen.flow.figures.style import colours, number, plain, representatives, styled
from codegen.flow.groups import Groups
from codegen.flow.point import Measured
from codegen.flow.summary import Array, quantile_curves

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Quantiles of shares, and sizes before and after clipping.
Curves = tuple[Array, Array, Array]
#: Gains that are shown: one that vanishes, one near 1, one that explodes.
VALUES = 3
HEIGHT = 2.9
#: Widths of the lines of sizes before and after clipping: where both agree, both are seen.
BEFORE, AFTER = 1.8, 2.4
UNCHANGED = "Clipping scales all terms of a network alike: the shares stay as they are."
#: A share below this power of ten is none.
LEAST_SHARE = -8.0


def shares_figure(groups: Groups, limit: float) -> Figure:
    """Show shares of ∂E_T/∂W by distance, and below the sizes of terms before and after clipping.

    Sizes are those of one network, whose gradient is the median one.

    Parameters
    ----------
    groups : mapping of Group to sequence of Measured
        Of one cell with one activation.
    limit : float
        The norm that clipping leaves of a longer gradient.

    Examples
    --------
    >>> from codegen.flow.groups import Group
    >>> from types import SimpleNamespace as Network
    >>> networks = [Network(terms=(0.0, 1.0), gradient=1.0)]
    >>> figure = shares_figure({Group("rnn", "tanh", "identity", "gain", 1.0): networks}, 1.0)
    >>> len(figure.axes)
    2
    """
    columns = by_initialisation(groups)
    values = representatives(values_of(groups), VALUES)
    found = {
        (column, value): _curves(of_value[value], limit)
        for column, of_value in columns.items()
        for value in values
        if value in of_value
    }
    bottom, top = visible_range([shares[1] for shares, _, _ in found.values()])
    share_limits = max(bottom, LEAST_SHARE), max(min(top, 0.3), LEAST_SHARE + 1)
    size_limits = visible_range([curve for _, *both in found.values() for curve in both])
    last = max(len(before) - 1 for _, before, _ in found.values())
    with styled():
        colour_of = dict(zip(values, colours(len(values)), strict=True))
        figure = figure_of_panels(len(columns), 2, HEIGHT)
        set_title(figure, groups, r"what each distance gives to $\partial E_T/\partial W$")
        grid = figure.subplots(2, len(columns), sharex=True, sharey="row", squeeze=False)
        for column, upper, lower in zip(columns, *grid, strict=True):
            upper.set_title(plain(column))
            upper.set_ylim(share_limits)
            lower.set_ylim(size_limits)
            for axes in (upper, lower):
                set_distances(axes, last)
                powers_of_ten(axes, 6)
            upper.set_xlabel("")
            _draw(
                upper,
                lower,
                {value: found[column, value] for value in values if (column, value) in found},
                colour_of,
            )
            label_head(upper, SCALE_HEADS[scale_of(groups)])
        grid[0, 0].set_ylabel("share of the sum,\nbefore and after clipping")
        grid[1, 0].set_ylabel(
            "size of the term\n"
            r"$\Vert\partial E_T/\partial s_k\;\partial^{+}s_k/\partial W\Vert$"
        )
        caption = filter(None, (UNCHANGED, shown_of(groups, len(values))))
        key_below(figure, _key(groups, limit), "\n".join(caption))
    return figure


def _key(groups: Groups, limit: float) -> dict[str, Artist]:
    """Return the styles of both rows: quantiles above, one network below."""
    from matplotlib.lines import Line2D

    grey = "#404040"
    return style_key(groups, before="above: ") | {
        "below: one network, unclipped": Line2D([], [], color=grey, linewidth=BEFORE),
        f"below: one network, clipped at {number(limit)}": Line2D(
            [], [], color=grey, linestyle="--", linewidth=AFTER
        ),
    }


def _curves(measured: Sequence[Measured], limit: float) -> Curves:
    """Return quantiles of shares, and sizes before and after clipping of one network.

    Each network is scaled by a factor of its own, so that medians over networks would not keep
    their shape, though every network does. The one that is shown has the median gradient.
    """
    ordered = sorted(measured, key=lambda network: network.gradient)
    middle = ordered[(len(ordered) - 1) // 2]
    return (
        quantile_curves(measured, summary.shares),
        np.array(middle.terms),
        np.array(summary.clipped(middle, limit)),
    )


def _draw(
    upper: Axes, lower: Axes, found: Mapping[float, Curves], colour_of: Mapping[float, str]
) -> None:
    shares = {value: curves[0] for value, curves in found.items() if curves[0].size}
    for value, quantiles in shares.items():
        draw_band(upper, quantiles, colour_of[value])
    for value, (_, before, after) in found.items():
        draw_curve(lower, before, colour_of[value], width=BEFORE)
        draw_curve(lower, after, colour_of[value], "--", AFTER)
    medians = {value: quantiles[1] for value, quantiles in shares.items()}
    sizes = {value: before for value, (_, before, _) in found.items()}
    for axes, curves in ((upper, medians), (lower, sizes)):
        ends = [
            (float(curve[-1]), number(value), colour_of[value]) for value, curve in curves.items()
        ]
        label_ends(axes, ends, HEIGHT)
