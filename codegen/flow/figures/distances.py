"""Sizes against the distance that a gradient has gone back: states, and the words that came in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

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
    MOST_CURVES,
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
from codegen.flow.figures.style import (
    PANEL_HEIGHT,
    colours,
    number,
    plain,
    representatives,
    styled,
)
from codegen.flow.groups import Groups
from codegen.flow.point import Measured
from codegen.flow.summary import quantile_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

What = Callable[[Measured], Sequence[float]]


def norms_figure(groups: Groups) -> Figure:
    """Show how large ∂s_T/∂s_{T−d} is, beside its bound and the product of the carry gates alone.

    Parameters
    ----------
    groups : mapping of Group to sequence of Measured
        Of one cell with one activation.

    Examples
    --------
    >>> from codegen.flow.groups import Group
    >>> from types import SimpleNamespace as Network
    >>> networks = [Network(norms=(0.0, -0.1), bounds=(0.0, 0.1), carry=())]
    >>> figure = norms_figure({Group("rnn", "tanh", "identity", "gain", 1.0): networks})
    >>> [axes.get_title() for axes in figure.axes]
    ['identity']
    """
    gates = any(network.carry for measured in groups.values() for network in measured)
    return _against_distance(
        groups,
        summary.norms,
        title=r"size of a gradient that goes back $d$ steps",
        name=r"$\Vert\partial s_T/\partial s_{T-d}\Vert_2$",
        dashed=(summary.bounds, "bound"),
        dotted=(summary.carry, "product of carry gates alone") if gates else None,
    )


def inputs_figure(groups: Groups) -> Figure:
    """Show how much the input d steps back still counts for the last loss, beside the last input.

    Parameters
    ----------
    groups : mapping of Group to sequence of Measured
        Of one cell with one activation.

    Examples
    --------
    >>> from codegen.flow.groups import Group
    >>> from types import SimpleNamespace as Network
    >>> networks = [Network(inputs=(-1.0, -1.1))]
    >>> figure = inputs_figure({Group("rnn", "tanh", "identity", "gain", 1.0): networks})
    >>> len(figure.axes)
    1
    """
    return _against_distance(
        groups,
        summary.inputs,
        title=r"how much the word $d$ steps back still counts",
        name=r"$\Vert\partial E_T/\partial x_{T-d}\Vert\;/\;\Vert\partial E_T/\partial x_T\Vert$",
    )


def _against_distance(
    groups: Groups,
    what: What,
    title: str,
    name: str,
    dashed: tuple[What, str] | None = None,
    dotted: tuple[What, str] | None = None,
) -> Figure:
    columns = by_initialisation(groups)
    values = representatives(values_of(groups), MOST_CURVES)
    beside = [(extra[0], style) for extra, style in ((dashed, "--"), (dotted, ":")) if extra]
    with styled():
        colour_of = dict(zip(values, colours(len(values)), strict=True))
        found = {
            (column, value): quantile_curves(measured, what)
            for column, of_value in columns.items()
            for value, measured in of_value.items()
            if value in colour_of
        }
        gates = [
            quantile_curves(columns[column][value], dotted[0])[1]
            for column, value in found
            if dotted
        ]
        # Bounds may leave the picture: where they are far off, that is all they say.
        limits = visible_range([*(curves[1] for curves in found.values()), *gates])
        last = max((curves.shape[1] - 1 for curves in found.values()), default=1)
        figure = figure_of_panels(len(columns))
        set_title(figure, groups, title)
        panels = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
        for axes, (column, of_value) in zip(panels, columns.items(), strict=True):
            axes.set_title(plain(column))
            axes.set_ylim(limits)
            set_distances(axes, last)
            powers_of_ten(axes)
            axes.axhline(0, color="#606060", linewidth=0.8, zorder=0)
            ends = []
            for value, colour in colour_of.items():
                curves = found.get((column, value))
                if curves is None or not curves.size:
                    continue
                draw_band(axes, curves, colour)
                for other, style in beside:
                    median = quantile_curves(of_value[value], other)[1]
                    draw_curve(axes, median, colour, style, 1.4 if style == "--" else 2.2)
                ends.append((float(curves[1, -1]), number(value), colour))
            label_ends(axes, ends, PANEL_HEIGHT)
            label_head(axes, SCALE_HEADS[scale_of(groups)])
        panels[0].set_ylabel(name)
        key = style_key(
            groups,
            dashed=dashed[1] if dashed else "",
            dotted=dotted[1] if dotted else "",
        )
        key_below(figure, key, shown_of(groups, len(values)))
    return figure
