"""Panels beside each other: a column an initialisation, what they share, and what stands around."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from codegen.flow.figures.style import (
    BAND_EDGE,
    BAND_FILL,
    BAND_LINE,
    PANEL_HEIGHT,
    PANEL_WIDTH,
    TITLE_SIZE,
    plain,
)
from codegen.flow.groups import Groups
from codegen.flow.point import Measured

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Curves that a panel can hold, each with its band, bound and label.
MOST_CURVES = 7
#: Inches of an entry of the key.
KEY_WIDTH = 3.5
#: Letters of the name of a cell: more leave no room for panels.
LONGEST_NAME = 30
#: What a value scales, as the head of labels says it, and as the name of an axis does.
SCALE_HEADS = {"gain": "gain", "radius": r"$\rho$"}
SCALE_NAMES = {"gain": "gain", "radius": r"spectral radius $\rho$"}
SCALE_PLURALS = {"gain": "gains", "radius": "spectral radii"}
#: Of fewer networks, the 10 % and the 90 % quantile are the least and the largest of all.
LEAST_BAND = 10


def by_initialisation(groups: Groups) -> dict[str, dict[float, Sequence[Measured]]]:
    """Return networks of one cell by initialisation, then by gain, in the order of the groups.

    Examples
    --------
    >>> from codegen.flow.groups import Group
    >>> by_initialisation({Group("rnn", "tanh", "identity", "gain", 2.0): ()})
    {'identity': {2.0: ()}}
    """
    found: dict[str, dict[float, Sequence[Measured]]] = {}
    for group, measured in groups.items():
        found.setdefault(group.initialisation, {})[group.value] = measured
    return found


def values_of(groups: Groups) -> list[float]:
    """Return the gains, or the spectral radii, in ascending order.

    Examples
    --------
    >>> from codegen.flow.groups import Group
    >>> values_of({Group("rnn", "", "identity", "gain", value): () for value in (2.0, 1.0)})
    [1.0, 2.0]
    """
    return sorted({group.value for group in groups})


def scale_of(groups: Groups) -> str:
    """Return what the values of one cell's groups are: gains, or spectral radii.

    Examples
    --------
    >>> from codegen.flow.groups import Group
    >>> scale_of({Group("rnn", "", "identity", "gain", 1.0): ()})
    'gain'
    """
    return next(group.scale for group in groups)


def cell_title(cell: str, activation: str) -> str:
    """Return the name of a cell for a title or a label; of a longer one, the start and the end.

    Examples
    --------
    >>> cell_title("lstm", ""), cell_title("rnn", "tanh")
    ('lstm', 'rnn, tanh')
    """
    name = f"{cell}, {activation}" if activation else cell
    if len(name) > LONGEST_NAME:
        half = LONGEST_NAME // 2
        name = f"{name[:half]}…{name[-half:]}"
    return plain(name)


def set_title(figure: Figure, groups: Groups, text: str) -> None:
    """Write above all panels which cell it is, and what is shown; it fits the figure.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    groups : mapping of Group to sequence of Measured
        Of one cell with one activation.
    text : str
        What is shown.
    """
    group = next(iter(groups))
    name = cell_title(group.cell, group.activation)
    title = figure.suptitle(f"{name}: {text}")
    room = 0.96 * figure.bbox.width
    if title.get_window_extent().width > room:
        title.set_text(f"{name}:\n{text}")
    width = title.get_window_extent().width
    title.set_fontsize(TITLE_SIZE * min(1.0, room / width))


def networks(groups: Groups) -> str:
    """Say over how many networks the quantiles are.

    Examples
    --------
    >>> from codegen.flow.groups import Group
    >>> networks({Group("rnn", "", "identity", "gain", 1.0): ()})
    '0 networks'
    """
    counts = sorted({len(measured) for measured in groups.values()})
    count = "–".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))
    return f"{count} network" if counts[-1] == 1 else f"{count} networks"


def median_of(groups: Groups) -> str:
    """Name the medians; of few networks it shows that of an even number it is the lower one.

    Examples
    --------
    >>> from codegen.flow.groups import Group
    >>> from types import SimpleNamespace as Network
    >>> group = Group("rnn", "", "identity", "gain", 1.0)
    >>> [median_of({group: [Network()] * count}) for count in (1, 2, 3)]
    ['1 network', 'lower median of 2 networks', 'median of 3 networks']
    """
    counts = {len(measured) for measured in groups.values()}
    if counts == {1}:
        return networks(groups)
    lower = any(count % 2 == 0 and count < LEAST_BAND for count in counts)
    return f"{'lower ' if lower else ''}median of {networks(groups)}"


def band_of(groups: Groups) -> str:
    """Name the networks between the outer quantiles; empty where there is one network alone.

    Examples
    --------
    >>> from codegen.flow.groups import Group
    >>> from types import SimpleNamespace as Network
    >>> group = Group("rnn", "", "identity", "gain", 1.0)
    >>> [band_of({group: [Network()] * count}) for count in (1, 4, 20)]
    ['', 'all networks', '10 % to 90 % of them']
    """
    most = max(map(len, groups.values()))
    if most < 2:
        return ""
    return "all networks" if most < LEAST_BAND else "10 % to 90 % of them"


def shown_of(groups: Groups, shown: int) -> str:
    """Say how many of the gains are shown; empty where all are.

    Examples
    --------
    >>> from codegen.flow.groups import Group
    >>> groups = {Group("rnn", "", "identity", "gain", value): () for value in (0.5, 1.0, 2.0)}
    >>> shown_of(groups, 2), shown_of(groups, 3)
    ('2 of 3 gains shown', '')
    """
    count = len(values_of(groups))
    return f"{shown} of {count} {SCALE_PLURALS[scale_of(groups)]} shown" if shown < count else ""


def figure_of_panels(
    columns: int, rows: int = 1, height: float = PANEL_HEIGHT, width: float = PANEL_WIDTH
) -> Figure:
    """Return an empty figure that has room for panels, and lays itself out."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    size = (0.4 + width * max(columns, 1.6), 1.4 + height * rows)
    return Figure(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08))


def key_below(figure: Figure, lines: Mapping[str, Artist], caption: str = "") -> None:
    """Explain styles of lines below the panels, under a caption; colours have labels at curves."""
    columns = min(len(lines), int(figure.get_figwidth() // KEY_WIDTH))
    rows = -(-len(lines) // columns)
    legend = figure.legend(
        lines.values(),
        lines.keys(),
        title=caption or None,
        loc="outside lower center",
        # No more columns than the rows need: a last row of one entry looks like another key.
        ncols=-(-len(lines) // rows),
    )
    legend.get_title().set_multialignment("center")


def style_key(
    groups: Groups, *, dashed: str = "", dotted: str = "", before: str = ""
) -> dict[str, Artist]:
    """Return the styles of lines, by what they mean; before says of which panels the first are."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    grey = "#404040"
    key: dict[str, Artist] = {f"{before}{median_of(groups)}": Line2D([], [], color=grey)}
    if band := band_of(groups):
        key[f"{before}{band}"] = Patch(
            facecolor=(grey, BAND_FILL), edgecolor=(grey, BAND_EDGE), linewidth=BAND_LINE
        )
    if dashed:
        key[dashed] = Line2D([], [], color=grey, linestyle="--", linewidth=1.4)
    if dotted:
        key[dotted] = Line2D([], [], color=grey, linestyle=":", linewidth=2.2)
    return key


def label_head(axes: Axes, text: str) -> None:
    """Write what the labels at the right edge are, above them."""
    axes.text(
        1.038,
        1.03,
        text,
        transform=axes.transAxes,
        verticalalignment="bottom",
        color="#404040",
    )
