"""How every figure looks, and how it becomes bytes: the same ones for the same figure."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

from derivations.errors import EmitError, printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Inches of a panel, and of all that stands around the panels: a slide is some 13 inches wide.
PANEL_WIDTH, PANEL_HEIGHT = 4.3, 3.9
#: Points of the text at the ends of curves, and of the title above all panels.
LABEL_SIZE, TITLE_SIZE = 11.0, 16.0
#: Colours that every eye tells apart (Okabe and Ito 2008), without their yellow.
DISTINCT = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#e69f00", "#56b4e9")
#: How opaque a band and its outline are, and points of the outline: five may lie on each other.
BAND_FILL, BAND_EDGE, BAND_LINE = 0.08, 0.5, 0.8
#: Settings of Matplotlib, over its defaults and not over those of a user.
STYLE = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 14,
    "axes.labelsize": 13,
    "figure.titlesize": TITLE_SIZE,
    "font.size": 12,
    "grid.alpha": 0.5,
    "grid.color": "#d0d0d0",
    "grid.linewidth": 0.6,
    "legend.fontsize": 12,
    "legend.title_fontsize": 12,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",  # looks alike wherever it is opened
    "svg.hashsalt": "bptt",
}


@contextmanager
def styled() -> Iterator[None]:
    """Set what Matplotlib draws by, whatever a user's own settings are.

    Raises
    ------
    EmitError
        When Matplotlib is not installed.

    Examples
    --------
    >>> with styled():
    ...     from matplotlib import rcParams
    ...     print(rcParams["svg.hashsalt"])
    bptt
    """
    try:
        import matplotlib.style
    except ImportError as error:
        hint = "Install it with: pip install 'bptt[flow]'"
        raise EmitError("Figures need Matplotlib.", hint=hint) from error
    with matplotlib.style.context(["default", STYLE]):
        yield


def figure_bytes(figure: Figure) -> dict[str, bytes]:
    """Return a figure as SVG and as PNG, by the ending of the file name.

    Neither holds a date, a version or a random name, so equal figures have equal bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Its layout is frozen by this.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> sorted(figure_bytes(Figure()))
    ['png', 'svg']
    """
    nothing = {
        "png": {"Software": None},
        "svg": dict.fromkeys(("Creator", "Date", "Format", "Type")),
    }
    found = {}
    with styled():
        for ending, metadata in nothing.items():
            stream = io.BytesIO()
            figure.savefig(stream, format=ending, dpi=144, metadata=metadata)
            found[ending] = stream.getvalue()
            # Where things stand is settled by the first drawing, and costs most of its time.
            figure.set_layout_engine("none")
    return found


def colours(count: int) -> list[str]:
    """Return colours in an order that also grey shows, dark to light, none too light for a slide.

    Examples
    --------
    >>> colours(2)
    ['#440154', '#7ad151']
    """
    import matplotlib
    from matplotlib.colors import to_hex

    viridis = matplotlib.colormaps["viridis"]
    return [to_hex(viridis(0.8 * k / max(count - 1, 1))) for k in range(count)]


def plain(text: str) -> str:
    """Return a user's text so that Matplotlib shows it as it stands, without mathematics.

    A character that the font lacks, or that steers a terminal, has a stand-in.

    Examples
    --------
    >>> plain("my_cell$x$")
    'my_cell\\\\$x\\\\$'
    """
    from matplotlib.font_manager import FontProperties, findfont, get_font

    with styled():
        font = get_font(findfont(FontProperties()))
    shown = (c if font.get_char_index(ord(c)) else "\ufffd" for c in printable(text))
    return "".join(shown).replace("$", r"\$")


def number(value: float) -> str:
    """Return a value for a label, in digits enough to tell it.

    Examples
    --------
    >>> number(1.0), number(0.95), number(-2.5)
    ('1', '0.95', '−2.5')
    """
    return f"{value:.4g}".replace("-", "−")


def representatives(values: Sequence[float], count: int) -> list[float]:
    """Return some of many values: the ends, that nearest to 1, and between them evenly by rank.

    Examples
    --------
    >>> representatives([0.1 * k for k in range(5, 21)], 3)
    [0.5, 1.0, 2.0]
    """
    ordered = sorted(set(values))
    if len(ordered) <= count:
        return ordered
    middle = ordered.index(nearest_to_one(ordered))
    chosen = {0, middle, len(ordered) - 1}
    while len(chosen) < count:
        ranks = sorted(chosen)
        widest = max(pairwise(ranks), key=lambda pair: pair[1] - pair[0])
        chosen.add(sum(widest) // 2)
    return [ordered[rank] for rank in sorted(chosen)]


def nearest_to_one(values: Sequence[float]) -> float:
    """Return the value nearest to 1, the smaller of two.

    Examples
    --------
    >>> nearest_to_one([0.5, 0.9, 1.2])
    0.9
    """
    return min(values, key=lambda value: (abs(value - 1.0), value))
