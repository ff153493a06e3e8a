"""Curves against the distance, over many powers of ten: what is seen of them, and their bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from codegen.flow.figures.style import BAND_EDGE, BAND_FILL, BAND_LINE
from codegen.flow.summary import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Points of a curve: what is more, a slide cannot show.
LONGEST_CURVE = 500
#: A curve may go this many times as far as the median curve before it leaves the picture.
REACH = 3.0
#: Powers of ten that are always seen.
LEAST_REACH = 3.0
DISTANCE = r"distance $d = T - k$"


def thinned(length: int) -> list[int]:
    """Return the indices of a curve that are drawn, the first and the last among them.

    Examples
    --------
    >>> thinned(3)
    [0, 1, 2]
    >>> len(thinned(10_000)), thinned(10_000)[-1]
    (500, 9999)
    """
    if length <= LONGEST_CURVE:
        return list(range(length))
    return [round(k * (length - 1) / (LONGEST_CURVE - 1)) for k in range(LONGEST_CURVE)]


def visible_range(
    curves: Sequence[Array], least_reach: float = LEAST_REACH, least_span: float = LEAST_REACH
) -> tuple[float, float]:
    """Return the powers of ten between which curves are shown.

    A curve that falls far below all others, or to zero, would squash them: it leaves the picture
    at `REACH` times what the median curve reaches.

    Parameters
    ----------
    curves : sequence of ndarray
        Logarithms of the medians.
    least_reach : float
        The median curve is taken to reach this far at least.
    least_span : float
        Between the two ends, where curves are level.

    Examples
    --------
    >>> visible_range([np.array([0.0, -8.0]), np.array([0.0, 4.0]), np.array([0.0, -np.inf])])
    (-12.64, 4.64)
    """
    seen = [curve for curve in curves if np.any(np.isfinite(curve))]
    if not seen:
        return -least_span / 2, least_span / 2
    highest = [float(np.max(curve)) for curve in seen]
    lowest = [float(np.min(curve)) for curve in seen]
    # Where a curve falls to zero, it reaches nothing that could be a measure for others.
    whole = [curve for curve in seen if np.all(np.isfinite(curve))] or seen
    reaches = [float(np.max(np.abs(curve[np.isfinite(curve)]))) for curve in whole]
    reach = REACH * max(sorted(reaches)[(len(reaches) - 1) // 2], least_reach)
    bottom = max(min(lowest), -reach)
    top = min(max(highest), reach)
    if top - bottom < least_span:
        middle = (top + bottom) / 2
        bottom, top = middle - least_span / 2, middle + least_span / 2
    margin = 0.04 * (top - bottom)
    return bottom - margin, top + margin


def draw_curve(axes: Axes, curve: Array, colour: str, style: str = "-", width: float = 2.0) -> None:
    """Draw one curve, where it is in sight; one that is a single point is drawn as that."""
    at = thinned(len(curve))
    shown = _within_reach(axes, curve[at])
    axes.plot(
        at,
        shown,
        color=colour,
        linestyle=style,
        linewidth=width,
        marker="o" if len(at) == 1 else "",
    )


def draw_band(axes: Axes, curves: Array, colour: str) -> None:
    """Draw the middle one of three quantile curves, and a band from the first to the last."""
    at = thinned(curves.shape[1])
    low, _, high = (_within_reach(axes, curve[at]) for curve in curves)
    axes.fill_between(
        at,
        low,
        high,
        facecolor=(colour, BAND_FILL),
        edgecolor=(colour, BAND_EDGE),
        linewidth=BAND_LINE,
    )
    draw_curve(axes, curves[1], colour)


def powers_of_ten(axes: Axes, most: int = 7) -> None:
    """Print the vertical axis, which carries logarithms, as powers of ten."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(most, integer=True, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda power, _: power_of_ten(power)))


def power_of_ten(power: float) -> str:
    """Return a power of ten as Matplotlib reads it; the zeroth is 1.

    Examples
    --------
    >>> power_of_ten(-3), power_of_ten(0)
    ('$10^{-3}$', '$1$')
    """
    return f"$10^{{{power:.0f}}}$" if round(power) else "$1$"


def set_distances(axes: Axes, last: int) -> None:
    """Let the horizontal axis run over distances from 0 to the last."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(0, max(last, 1))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlabel(DISTANCE)


def _within_reach(axes: Axes, curve: Array) -> Array:
    """Return a curve without what lies far outside the picture, infinity above all."""
    bottom, top = axes.get_ylim()
    return np.clip(curve, bottom - (top - bottom), top + (top - bottom))
