"""Study → Figures: curves over distances, eigenvalues, a table of norms, and the remedies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from sympy import Symbol

from codegen.documents.document import Figure
from codegen.documents.drawing import Area, Drawing, Item, Label, Line, Point, Shade, Stroke
from codegen.documents.drawing.panel import TICK, Axis, Curve, Panel
from codegen.documents.handout.flow.eigenvalues import eigenvalues, square_matrix
from codegen.documents.handout.flow.remedies import Remedies
from codegen.documents.handout.flow.study import CURVES, GAINS, Study, curves
from codegen.flow.summary import Array, bounds, norms, shares
from derivations.expressions import Partial, T
from derivations.norms import Norm
from derivations.states import State

#: The whole width; a panel with numbers at its left; the height of a panel.
WIDTH, LEFT, HIGH = 450.0, 32.0, 96.0
#: Above a panel, where its title stands; below it, where numbers do; and a row of a legend.
ABOVE, BELOW, ROW = 16.0, 18.0, 12.0
#: Between panels, and the length of a sample in a legend.
APART, SAMPLE = 12.0, 20.0
#: So much of the range of what is measured a bound may add to it.
ROOM_OF_BOUNDS = 0.6
STROKES: tuple[Stroke, ...] = ("first", "second", "third")
SAMPLES: tuple[tuple[Stroke | Literal["band"], str], ...] = (
    ("first", "median"),
    ("band", "all networks"),
    ("bound", "bound"),
)
#: From which power of ten on a norm is shaded.
NEAR, FAR = 1, 4


def jacobian(state: State) -> str:
    """Return the LaTeX of what is measured: how the last state depends on one d steps before.

    Examples
    --------
    >>> from derivations import cell
    >>> from derivations.states import states
    >>> print(jacobian(states(cell("irnn"))[0]))
    \\frac{\\partial h_T}{\\partial h_{T-d}}
    """
    last = T if state.direction > 0 else 1
    before = last - state.direction * Symbol("d")
    shown = Partial(state.quantity.at(last), state.quantity.at(before))
    return Norm(shown, "2").latex.removeprefix("\\left\\|").removesuffix("\\right\\|_2")


def norms_figure(study: Study) -> Figure:
    """Return the norms against the distance, at three gains, with the bound."""
    groups = [study.gaussian[gain] for gain in CURVES]
    found = [curves(group, norms) for group in groups]
    above = [curves(group, bounds)[1] for group in groups]
    up = _axis(found, above)
    wide = (WIDTH - LEFT - 2 * APART - 6) / 3
    bottom = BELOW + ROW + 4
    items: list[Item] = []
    for place, gain in enumerate(CURVES):
        corner = (LEFT + place * (wide + APART), bottom)
        panel = Panel(corner, wide, HIGH, _distances(study), up)
        lowest, middle, highest = (_curve(row) for row in found[place])
        items += [
            *panel.band(lowest, highest),
            *panel.frame("", "$d$", beside=not place),
            panel.titled(f"gain ${gain:g}$"),
            *panel.drawn(panel.cut(_curve(above[place])), "bound"),
            *panel.drawn(panel.cut(middle), "first"),
        ]
    for place, (kind, text) in enumerate(SAMPLES):
        items += _sample((LEFT + place * (wide + APART), ROW / 2), kind, text)
    sign = jacobian(study.probe.bounds.state)
    return Figure(
        _drawing(bottom + HIGH + ABOVE, items, f"The norm of ${sign}$ against $d$, and its bound."),
        f"The norm of ${sign}$ against the distance $d$ at three gains, with its bound.",
        "flow-norms",
    )


def spectrum_figure(study: Study) -> Figure:
    """Return eigenvalues, the norms at every gain and distance, and the shares of the terms."""
    bottom = BELOW + 3 * ROW + 2
    wide = 118.0
    items: list[Item] = []
    left = 20.0
    name = square_matrix(study.probe)
    if name is not None:
        values = [pair for network in study.plain for pair in network.eigenvalues]
        items += eigenvalues((left, bottom), HIGH, values)
        left += HIGH + APART
    left += 30.0
    items += _table(study, (left, bottom), wide)
    left += wide + APART + LEFT + 4
    items += _shares(study, (left, bottom), WIDTH - left - 6)
    told = "The median norm at every gain and distance, and the share of each term."
    if name is not None:
        told = f"Eigenvalues of ${name}$ at gain $1$, and the unit circle. {told}"
    caption = f"{told} The table has the power of ten of the median norm."
    return Figure(_drawing(bottom + HIGH + ABOVE, items, told), caption, "flow-shares")


def remedies_figure(study: Study, remedies: Remedies) -> Figure:
    """Return a panel for each remedy."""
    panels = (remedies.clipping, remedies.initialisation, remedies.gates)
    wide = (WIDTH - 3 * LEFT - 2 * APART - 6) / 3
    bottom = BELOW + 3 * ROW + 2
    items: list[Item] = []
    for place, (title, shown) in enumerate(zip(TITLES, panels, strict=True)):
        corner = (LEFT + place * (wide + APART + LEFT), bottom)
        panel = Panel(corner, wide, HIGH, _distances(study), _axis([one.curve for one in shown]))
        items += [*panel.frame("", "$d$"), panel.titled(title)]
        for stroke, one in zip(STROKES, shown, strict=False):
            items += panel.drawn(panel.cut(_curve(one.curve)), stroke)
        items += _legend((corner[0] - 16, bottom), [one.words for one in shown])
    told = "The three remedies, by distance: what each changes."
    caption = (
        "The three remedies. Left: the terms of one gradient, before and after it is clipped. "
        "Middle and right: the median norm against the distance $d$, at gain $1$."
    )
    return Figure(_drawing(bottom + HIGH + ABOVE, items, told), caption, "flow-remedies")


TITLES = ("clipping: size of a term", "initialisation: norm", "gates: norm")


def _drawing(height: float, items: Iterable[Item], told: str) -> Drawing:
    """Return a drawing with its places rounded: see `study` for what differs between machines."""
    return Drawing(WIDTH, height, tuple(map(_rounded, items)), told)


def _rounded(item: Item) -> Item:
    if isinstance(item, Line | Area):
        return replace(item, points=tuple(map(_tenths, item.points)))
    if isinstance(item, Label):
        return replace(item, at=_tenths(item.at))
    return item


def _tenths(point: Point) -> Point:
    return round(point[0], 1), round(point[1], 1)


def _distances(study: Study) -> Axis:
    """Return the axis of d; at its end stands its name."""
    steps = study.settings.steps
    return Axis(0.0, steps, tuple(range(0, steps, steps // 4)))


def _curve(values: Array) -> Curve:
    return [(float(place), float(value)) for place, value in enumerate(values)]


def _axis(found: Sequence[Array], above: Sequence[Array] = ()) -> Axis:
    """Return an axis for what is measured, with some room for what bounds it."""
    measured = [value for array in found for value in array.flat if math.isfinite(value)]
    low, high = min([-1.0, *measured]), max([1.0, *measured])
    highest = max((value for array in above for value in array if math.isfinite(value)), default=0)
    return Axis.of_powers([low, min(max(high, highest), high + ROOM_OF_BOUNDS * (high - low))])


def _sample(at: Point, kind: Stroke | Literal["band"], text: str) -> tuple[Item, ...]:
    """Return a piece of a line, or of a band, with what it means."""
    x, y = at
    label = Label((x + SAMPLE + 4, y), text, "west")
    if kind == "band":
        corners = ((x, y - 3), (x + SAMPLE, y - 3), (x + SAMPLE, y + 3), (x, y + 3))
        return Area(corners, "band"), label
    return Line(((x, y), (x + SAMPLE, y)), kind), label


def _legend(corner: Point, words: Sequence[str]) -> list[Item]:
    """Return what the curves of a panel mean, below it."""
    left, bottom = corner
    top = bottom - BELOW - ROW / 2
    return [
        item
        for row, (stroke, text) in enumerate(zip(STROKES, words, strict=False))
        for item in _sample((left, top - row * ROW), stroke, text)
    ]


def _table(study: Study, corner: Point, wide: float) -> list[Item]:
    """Return the powers of ten of the median norm, shaded, at every gain and at some distances."""
    steps = study.settings.steps
    distances = range(steps // 4, steps + 1, steps // 4)
    across, up = wide / len(distances), HIGH / len(GAINS)
    left, bottom = corner
    items: list[Item] = [
        Label((left - TICK, bottom + HIGH + TICK), "gain", "south"),
        Label((left + wide / 2 + 8, bottom + HIGH + TICK), "power of ten", "south"),
        Label((left - TICK, bottom - TICK), "$d$", "north"),
    ]
    for row, gain in enumerate(GAINS):
        low = bottom + row * up
        items.append(Label((left - TICK, low + up / 2), f"${gain:g}$", "east"))
        middle = curves(study.gaussian[gain], norms)[1]
        for column, distance in enumerate(distances):
            x = left + column * across
            corners = ((x, low), (x + across, low), (x + across, low + up), (x, low + up))
            items.append(Area(corners, _shade(float(middle[distance]))))
            items.append(Label((x + across / 2, low + up / 2), _power(float(middle[distance]))))
    for column, distance in enumerate(distances):
        at = (left + (column + 0.5) * across, bottom - TICK)
        items.append(Label(at, f"${distance}$", "north"))
    return items


def _power(logarithm: float) -> str:
    return f"${round(logarithm)}$" if math.isfinite(logarithm) else "$-\\infty$"


def _shade(logarithm: float) -> Shade:
    """Return how a norm is shaded: blue where it vanishes, red where it explodes."""
    if abs(logarithm) < NEAR:
        return "level"
    if logarithm < 0:
        return "below" if logarithm > -FAR else "far below"
    return "above" if logarithm < FAR else "far above"


def _shares(study: Study, corner: Point, wide: float) -> list[Item]:
    """Return the median share of the term of every distance, at three gains."""
    found = [curves(study.gaussian[gain], shares) for gain in CURVES]
    known = [(gain, array[1]) for gain, array in zip(CURVES, found, strict=True) if array.size]
    panel = Panel(corner, wide, HIGH, _distances(study), _axis([array for _, array in known]))
    items: list[Item] = [*panel.frame("", "$d$"), panel.titled("share of a term")]
    for stroke, (_, middle) in zip(STROKES, known, strict=False):
        items += panel.drawn(panel.cut(_curve(middle)), stroke)
    return [
        *items,
        *_legend((corner[0] - 16, corner[1]), [f"gain ${gain:g}$" for gain, _ in known]),
    ]


__all__ = ["jacobian", "norms_figure", "remedies_figure", "spectrum_figure"]
