"""The figure of measured gradients: `python -m benchmarks.figures RESULTS.json FIGURE.svg`.

One panel a cell, one group of bars a size, one bar a contender; its height is the time over that of
the bare matrix products, on a logarithmic axis.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FormatStrFormatter, NullLocator

#: What a contender is called, and its colour: blue is ours.
LOOKS = {
    "ours:fast": ("bptt, NumPy", "#6baed6"),
    "ours_c": ("bptt, C", "#08519c"),
    "pytorch": ("PyTorch", "#e6550d"),
    "jax_scan": ("JAX", "#fdae6b"),
    "hips_autograd": ("HIPS autograd", "#969696"),
    "casadi_graph": ("CasADi", "#d9d9d9"),
}
SPARE = ("#74c476", "#9e9ac8", "#fa9fb5")
STYLE = {
    "font.family": "serif",
    "font.serif": ["STIXGeneral", "DejaVu Serif"],
    "mathtext.fontset": "stix",
    "font.size": 8.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "bptt",
}
#: Of the room between two groups, what their bars take.
GROUP = 0.86

Results = list[dict[str, Any]]


def draw_ratios(results: Results, path: Path) -> None:
    """Draw results of `benchmarks.gradients`, in the format that the ending of the path names."""
    cells = list(dict.fromkeys(result["cell"] for result in results))
    names = [n for n in dict.fromkeys(n for r in results for n in r["seconds"]) if n != "products"]
    with pyplot.rc_context(STYLE):
        figure, axes = pyplot.subplots(
            len(cells),
            figsize=(7, 0.9 + 1.3 * len(cells)),
            sharex=True,
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        for cell, panel in zip(cells, axes.flat, strict=True):
            _draw_panel(panel, cell, [r for r in results if r["cell"] == cell], names)
        handles, labels = axes.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
        figure.supylabel("time over that of the matrix products alone", fontsize=8.5)
        figure.savefig(path, dpi=200, metadata={"Date": None} if path.suffix == ".svg" else None)
        pyplot.close(figure)


def _draw_panel(panel: Axes, cell: str, results: Results, names: list[str]) -> None:
    width = GROUP / len(names)
    spare = iter(SPARE)
    for place, name in enumerate(names):
        label, colour = LOOKS.get(name) or (name, next(spare, "black"))
        centres = [group + (place - (len(names) - 1) / 2) * width for group in range(len(results))]
        ratios = [_ratio(result["seconds"], name) for result in results]
        heights = [0 if ratio is None else ratio - 1 for ratio in ratios]
        # Bars stand on 1, the products themselves: whoever is below them hangs.
        panel.bar(centres, heights, 0.92 * width, bottom=1, color=colour, label=label, zorder=2)
        for centre, ratio in zip(centres, ratios, strict=True):
            panel.annotate(
                "–" if ratio is None else f"{ratio:.1f}" if ratio < 9.95 else f"{ratio:.0f}",
                (centre, max(ratio or 1, 1)),
                xytext=(0, 1.5),
                textcoords="offset points",
                ha="center",
                fontsize=6,
            )
    panel.axhline(1, color="black", linewidth=0.8, zorder=3)
    panel.set_title(cell.upper(), loc="left", fontsize=9, pad=3)
    panel.set_yscale("log")
    panel.yaxis.set_major_locator(FixedLocator([0.3, 1, 3, 10, 30, 100, 300]))
    panel.yaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    panel.grid(axis="y", color="0.9", linewidth=0.5, zorder=0)
    panel.margins(x=0.01, y=0.1)
    panel.spines[["top", "right", "bottom"]].set_visible(False)
    panel.tick_params(axis="x", length=0)
    panel.set_xticks(range(len(results)), [_size_label(result["size"]) for result in results])


def _ratio(seconds: dict[str, float | None], name: str) -> float | None:
    found, products = seconds.get(name), seconds["products"]
    return None if found is None or products is None else found / products


def _size_label(size: str) -> str:
    T, B, m, n, q = size.split(",")
    return f"$T$={T}, $B$={B}\n$m$={m}, $n$={n}, $q$={q}"


if __name__ == "__main__":
    draw_ratios(json.loads(Path(sys.argv[1]).read_text("utf-8")), Path(sys.argv[2]))
