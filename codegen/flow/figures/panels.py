"""Panels beside each other: a column an initialisation, what they share, and what stands around."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from codegen.flow.figures.style import PANEL_HEIGHT, PANEL_WIDTH, TITLE_SIZE, plain
from codegen.flow.groups import Groups
from codegen.flow.point import Measured

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Curves that a panel can hold, each with its band, bound and label.
MOST_CURVES = 7
#: Inches of an entry of the key.
KEY_WIDTH = 3.2
#: Letters of the name of a cell: more leave no room for panels.
LONGEST_NAME = 30
#: What a value scales, as the head of labels says it, and as the name of an axis does.
SCALE_HEADS = {"gain": "gain", "radius": r"$\rho$"}
SCALE_NAMES = {"gain": r"gain of $W_{rec}$", "radius": r"spectral radius $\rho(W_{rec})$"}


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


def figure_of_panels(
    columns: int, rows: int = 1, height: float = PANEL_HEIGHT, width: float = PANEL_WIDTH
) -> Figure:
    """Return an empty figure that has room for panels, and lays itself out."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    size = (0.4 + width * max(columns, 1.6), 1.4 + height * rows)
    return Figure(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08))


def key_below(figure: Figure, lines: Mapping[str, Artist]) -> None:
    """Explain styles of lines below the panels; colours have labels at the curves."""
    columns = min(len(lines), int(figure.get_figwidth() // KEY_WIDTH))
    figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=columns)


def style_key(
    groups: Groups, *, band: bool, dashed: str = "", dotted: str = ""
) -> dict[str, Artist]:
    """Return the styles of lines, by what they mean."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    grey = "#404040"
    key: dict[str, Artist] = {f"median of {networks(groups)}": Line2D([], [], color=grey)}
    if band:
        key["10 % to 90 % of them"] = Patch(facecolor=grey, alpha=0.25)
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
