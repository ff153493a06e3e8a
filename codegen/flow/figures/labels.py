"""Labels at the ends of curves, each beside its curve and none over another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from codegen.flow.figures.style import LABEL_SIZE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: A label moved by no more than this part of the axis needs no line to its curve.
LEVEL = 0.012


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Return places between 0 and 1, in the order of those wanted, near them and a gap apart.

    Places that are too near are moved apart around their mean (isotonic regression by pooling
    adjacent violators). Where all of them need more room than there is, the gap shrinks.

    Parameters
    ----------
    wanted : sequence of float
        In ascending order.
    gap : float

    Examples
    --------
    >>> spread([0.5, 0.5, 1.0], 0.25)
    [0.375, 0.625, 1.0]
    """
    if len(wanted) < 2:
        return list(wanted)
    gap = min(gap, 1 / (len(wanted) - 1))
    pools: list[tuple[float, int]] = []
    for rank, place in enumerate(wanted):
        total, size = place - rank * gap, 1
        while pools and pools[-1][0] / pools[-1][1] >= total / size:
            earlier, count = pools.pop()
            total, size = total + earlier, size + count
        pools.append((total, size))
    means = [total / size for total, size in pools for _ in range(size)]
    room = 1 - gap * (len(wanted) - 1)
    return [min(max(mean, 0.0), room) + rank * gap for rank, mean in enumerate(means)]


def label_ends(
    axes: Axes, ends: Sequence[tuple[float, str, str]], height: float, size: float = LABEL_SIZE
) -> None:
    """Write a label beside the right edge for each curve, with a line to where the curve ends.

    Parameters
    ----------
    axes : Axes
        Its limits must stand already.
    ends : sequence of (float, str, str)
        The last value of a curve, its label and its colour.
    height : float
        Inches of the panel.
    size : float
        Points of the text.
    """
    bottom, top = axes.get_ylim()
    ordered = sorted(ends, key=lambda end: end[0])
    true = [min(max((value - bottom) / (top - bottom), 0.0), 1.0) for value, _, _ in ordered]
    for (value, label, colour), from_place, place in zip(
        ordered, true, spread(true, 1.3 * size / (72 * height)), strict=True
    ):
        # A level line before a label would read as a minus sign.
        if bottom <= value <= top and abs(place - from_place) > LEVEL:
            axes.plot(
                [1.003, 1.03],
                [from_place, place],
                color=colour,
                linewidth=0.9,
                transform=axes.transAxes,
                clip_on=False,
            )
        arrow = " ↓" if value < bottom else " ↑" if value > top else ""
        axes.text(
            1.038,
            place,
            label + arrow,
            color=colour,
            fontsize=size,
            fontweight="bold",
            transform=axes.transAxes,
            verticalalignment="center",
        )
