"""Pictures of a study: what they show, that they can be read, and that their bytes are the same."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure
from matplotlib.text import Text

from codegen.flow import figures, summary
from codegen.flow.figures import figure_files
from codegen.flow.figures.curves import LONGEST_CURVE
from codegen.flow.figures.style import figure_bytes, styled
from codegen.flow.groups import Groups, grouped
from codegen.flow.point import Measured
from derivations.errors import EmitError
from tests.codegen.flow.invented import Results, study

ROOT = Path(__file__).parents[3]
FIGURES: dict[str, Callable[[Groups], Figure | None]] = {
    "norms": figures.norms_figure,
    "heat": figures.heat_figure,
    "shares": lambda groups: figures.shares_figure(groups, 1.0),
    "inputs": figures.inputs_figure,
    "eigenvalues": figures.eigenvalues_figure,
    "exponents": figures.exponents_figure,
}


def drawn(make: Callable[[Groups], Figure | None], results: Results) -> Figure:
    figure = make(grouped(results))
    assert figure is not None
    with styled():
        figure.savefig(io.BytesIO(), format="png", dpi="figure")
    return figure


def texts(figure: Figure) -> list[Text]:
    found = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_visible())
    return [text for text in found if text.get_text().strip() and shown(text)]


def shown(text: Text) -> bool:
    """Whether a text is drawn: an axis keeps labels of ticks beyond its limits."""
    for axes in text.figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            if any(text in (tick.label1, tick.label2) for tick in ticks):
                return any(text in (tick.label1, tick.label2) for tick in axis._update_ticks())
    return True


def assert_legible(figure: Figure) -> None:
    """No text leaves the figure, and none stands over another."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    width, height = figure.bbox.width, figure.bbox.height
    for text, box in boxes:
        assert -1 <= box.x0 <= box.x1 <= width + 1, text
        assert -1 <= box.y0 <= box.y1 <= height + 1, text
    for rank, (text, box) in enumerate(boxes):
        for other, beside in boxes[:rank]:
            # Half a pixel is the rounding of a box.
            across = min(box.x1, beside.x1) - max(box.x0, beside.x0)
            up = min(box.y1, beside.y1) - max(box.y0, beside.y0)
            assert across < 2 or up < 2, (text, other)


def long_study() -> Results:
    return study(steps=10_000, seeds=2, values=(0.5, 1.0, 1.01), initialisations=("gaussian",))


STUDIES: dict[str, Callable[[], Results]] = {
    "usual": lambda: study(steps=100, values=(0.5, 0.7, 0.9, 1.0, 1.1, 1.4, 2.0)),
    "one of all": lambda: study(steps=1, values=(1.0,), seeds=1),
    "one gain": lambda: study(values=(1.3,), initialisations=("orthogonal",)),
    "one seed": lambda: study(seeds=1, values=(0.5, 2.0)),
    "many gains": lambda: study(values=np.round(np.linspace(0.4, 2, 33), 3).tolist(), seeds=2),
    "gains near 1": lambda: study(values=(0.5, 0.99, 0.999, 1.0, 1.001, 1.01, 2.0)),
    "long": long_study,
    "radius": lambda: study(scale="radius"),
    "gates": lambda: study(cells=[("lstm", "")]),
    "names": lambda: study(cells=[("a_b$x^2$\\frac{$ 循\x1b", "\\alpha$")], values=(1.0,)),
    "long name": lambda: study(cells=[("a name of a file that is long " * 6, "")], values=(1.0,)),
    "underflow": lambda: [(p, zero(found)) for p, found in study()],
    "half underflow": lambda: [
        (point, zero(found) if point.value < 1 or point.seed == 0 else found)
        for point, found in study()
    ],
    "no bound": lambda: [
        (point, replace(found, bounds=(math.inf,) * len(found.bounds))) for point, found in study()
    ],
}


def zero(found: Measured) -> Measured:
    """Return a network in which nothing flows back."""
    return replace(
        found,
        norms=(0.0, *[-math.inf] * (len(found.norms) - 1)),
        bounds=(0.0, *[-math.inf] * (len(found.bounds) - 1)),
        terms=(-math.inf,) * len(found.terms),
        inputs=(-math.inf,) * len(found.inputs),
        gradient=-math.inf,
        exponents=(-math.inf,) * len(found.exponents),
    )


SLOW = pytest.mark.slow


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize(
    "kind", [kind if kind == "usual" else pytest.param(kind, marks=SLOW) for kind in STUDIES]
)
def test_every_figure_of_every_study_is_legible(kind: str, name: str) -> None:
    assert_legible(drawn(FIGURES[name], STUDIES[kind]()))


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 25])
def test_cells_beside_each_other_are_legible(count: int) -> None:
    cells = [(f"a-long-name-{k}", "tanh") for k in range(count)]
    results = study(cells=cells, values=(0.9, 2.0), seeds=1)
    by_cell = {
        cell: grouped([pair for pair in results if pair[0].cell == cell[0]]) for cell in cells
    }
    figure = drawn(lambda _: figures.compare_figure(by_cell), results)
    assert_legible(figure)
    assert "gain 0.9" in figure.get_suptitle()
    for axes in figure.axes:
        assert {name for name, _ in cells} <= {text.get_text().split(",")[0] for text in axes.texts}


@pytest.mark.slow
def test_a_study_has_files_by_cell_and_activation() -> None:
    results = study(cells=[("rnn", "tanh"), ("lstm", "")], values=(0.5, 1.0), seeds=1)
    files = figure_files(results)
    names = {f"{stem}-{name}" for stem in ("rnn-tanh", "lstm") for name in FIGURES} | {"compare"}
    assert set(files) == {f"{name}.{ending}" for name in names for ending in ("svg", "png")}
    for name, content in files.items():
        if name.endswith(".svg"):
            assert ElementTree.fromstring(content).tag.endswith("svg")
            assert not re.search(
                rb"<dc:date>|<dc:creator>|matplotlib\.org|[Mm]atplotlib v", content
            )
        else:
            assert content.startswith(b"\x89PNG")
            assert b"tEXt" not in content


@pytest.mark.slow
def test_what_was_not_measured_has_no_figure() -> None:
    results = [
        (point, replace(found, eigenvalues=(), exponents=()))
        for point, found in study(values=(1.0,), seeds=1)
    ]
    assert {name.split(".")[0] for name in figure_files(results)} == {
        f"rnn-tanh-{name}" for name in ("norms", "heat", "shares", "inputs")
    }


@pytest.mark.slow
def test_gains_and_radii_have_figures_of_their_own() -> None:
    few = {"values": (1.0,), "seeds": 1, "initialisations": ("identity",)}
    results = [
        pair
        for scale in ("gain", "radius")
        for pair in study(scale=scale, cells=[("a", ""), ("b", "")], **few)
    ]
    names = {name.split(".")[0] for name in figure_files(results)}
    assert {"a-gain-norms", "b-radius-heat", "compare-gain", "compare-radius"} <= names


@pytest.mark.slow
def test_bytes_are_the_same_in_every_process() -> None:
    program = (
        "import hashlib, json\n"
        "from codegen.flow.figures import figure_files\n"
        "from tests.codegen.flow.invented import study\n"
        "cells = [('rnn', 'tanh'), ('lstm', '')]\n"
        "files = figure_files(study(seeds=2, cells=cells, initialisations=('gaussian',)))\n"
        "print(json.dumps({n: hashlib.sha256(c).hexdigest() for n, c in files.items()}))\n"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            capture_output=True,
            check=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    # And whatever settings the process has, and whichever seed was measured first.
    import matplotlib

    cells = [("rnn", "tanh"), ("lstm", "")]
    results = study(seeds=2, cells=cells, initialisations=("gaussian",))
    results.sort(key=lambda pair: -pair[0].seed)
    with matplotlib.rc_context({"lines.linewidth": 9, "svg.hashsalt": "x", "font.size": 20}):
        files = figure_files(results)
    here = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert here == json.loads(outputs[0])


@pytest.mark.slow
def test_figures_need_no_pyplot() -> None:
    program = (
        "import sys\n"
        "from codegen.flow.figures import figure_files\n"
        "assert 'matplotlib' not in sys.modules\n"
        "from tests.codegen.flow.invented import study\n"
        "figure_files(study(seeds=1, values=(1.0,)))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, env=environment)


@pytest.mark.parametrize("name", FIGURES)
def test_without_matplotlib_the_message_says_what_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [module for module in sys.modules if module.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(EmitError, match=r"pip install 'bptt\[flow\]'"):
        FIGURES[name](grouped(study(seeds=1)))


def test_norms_are_drawn_where_they_were_measured() -> None:
    results = study(values=(0.5, 2.0), seeds=5, initialisations=("identity",))
    axes = drawn(figures.norms_figure, results).axes[0]
    for value in (0.5, 2.0):
        found = [network for point, network in results if point.value == value]
        for what in (summary.norms, summary.bounds):
            median = summary.quantile_curves(found, what)[1]
            bottom, top = axes.get_ylim()
            reach = np.clip(median, 2 * bottom - top, 2 * top - bottom)
            assert any(np.array_equal(line.get_ydata(), reach) for line in axes.lines)


def styles(axes_of: Sequence[object]) -> set[str]:
    return {line.get_linestyle() for axes in axes_of for line in axes.lines}  # type: ignore[attr-defined]


@pytest.mark.slow
def test_the_product_of_carry_gates_is_dotted_where_there_is_one() -> None:
    with_gates = drawn(figures.norms_figure, study(cells=[("lstm", "")]))
    without = drawn(figures.norms_figure, study())
    assert ":" in styles(with_gates.axes)
    assert ":" not in styles(without.axes)
    keys = [text.get_text() for text in with_gates.legends[0].get_texts()]
    assert "product of carry gates alone" in keys


def test_clipping_moves_every_term_of_a_network_alike() -> None:
    results = [
        (point, replace(found, gradient=2.0 + point.seed)) for point, found in study(values=(2.0,))
    ]
    figure = drawn(lambda groups: figures.shares_figure(groups, 10.0), results)
    for axes, (_, networks) in zip(figure.axes[3:], grouped(results).items(), strict=True):
        solid, dashed = (
            next(line.get_ydata() for line in axes.lines if line.get_linestyle() == style)
            for style in ("-", "--")
        )
        np.testing.assert_array_equal(solid, networks[1].terms)
        np.testing.assert_allclose(np.asarray(solid) - np.asarray(dashed), 2.0)


def keys(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_each_row_of_shares_has_its_own_key_and_the_caption_says_why_shares_stay() -> None:
    figure = drawn(FIGURES["shares"], study(seeds=20))
    assert keys(figure) == [
        "above: median of 20 networks",
        "above: 10 % to 90 % of them",
        "below: one network, unclipped",
        "below: one network, clipped at 1",
    ]
    assert "scales all terms" in figure.legends[0].get_title().get_text()


@pytest.mark.parametrize("name", ["norms", "inputs", "shares", "eigenvalues"])
def test_a_figure_that_leaves_gains_out_says_so(name: str) -> None:
    for count, said in ((8, True), (3, False)):
        values = np.linspace(0.5, 2, count).tolist()
        figure = drawn(FIGURES[name], study(values=values, seeds=1))
        shown = 3 if name in ("shares", "eigenvalues") else 7
        found = any(f"{shown} of 8 gains shown" in text.get_text() for text in texts(figure))
        assert found == said


@pytest.mark.parametrize("name", ["norms", "exponents"])
def test_few_networks_are_named_for_what_they_are(name: str) -> None:
    assert keys(drawn(FIGURES[name], study(seeds=2)))[:2] == [
        "lower median of 2 networks",
        "all networks",
    ]
    assert keys(drawn(FIGURES[name], study(seeds=1)))[0] == "1 network"


@pytest.mark.parametrize("name", FIGURES)
def test_no_figure_names_a_matrix_that_a_cell_may_lack(name: str) -> None:
    figure = drawn(FIGURES[name], study(cells=[("lstm", "")]))
    assert not any("rec}" in text.get_text() for text in texts(figure))


def test_a_panel_an_initialisation_stands_in_the_order_of_the_study() -> None:
    order = ("identity", "gaussian")
    figure = drawn(figures.norms_figure, study(initialisations=order))
    assert tuple(axes.get_title() for axes in figure.axes) == order


def with_exponents(exponents: Sequence[Sequence[float]]) -> Results:
    """Return a study in which the networks of each gain have these largest exponents."""
    values = [0.5 * (rank + 1) for rank in range(len(exponents))]
    results = study(values=values, seeds=len(exponents[0]), initialisations=("identity",))
    return [
        (point, replace(found, exponents=(exponents[values.index(point.value)][point.seed],)))
        for point, found in results
    ]


def test_bars_of_exponents_end_inside_the_picture() -> None:
    results = with_exponents([(-0.9, -0.1, 0.0), (-0.1, 0.0, 0.4)])
    axes = drawn(figures.exponents_figure, results).axes[0]
    bottom, top = axes.get_ylim()
    assert bottom < -0.9 - 0.02 * (top - bottom)
    assert top > 0.4 + 0.02 * (top - bottom)


def test_no_line_leads_to_an_exponent_of_minus_infinity() -> None:
    results = with_exponents([(-0.3,) * 3, (-math.inf,) * 3, (0.1,) * 3])
    axes = drawn(figures.exponents_figure, results).axes[0]
    (curve,) = (line for line in axes.lines if line.get_marker() == "o")
    heights = np.asarray(curve.get_ydata(), dtype=float)
    np.testing.assert_array_equal(np.isnan(heights), [False, True, False])
    (arrow,) = (text for text in axes.texts if text.get_text() == "↓")
    assert arrow.xy[0] == pytest.approx(1.0)
    bottom, top = axes.get_ylim()
    assert -0.4 < bottom < top < 0.3


def test_white_is_one_and_the_colours_of_a_map_are_its_medians() -> None:
    results = study(values=(0.5, 1.0, 2.0), initialisations=("identity",))
    axes = drawn(figures.heat_figure, results).axes[0]
    image = axes.images[0]
    low, high = image.get_clim()
    assert low == -high
    assert image.cmap(image.norm(0.0))[:3] == pytest.approx((1, 1, 1), abs=0.04)
    shown = np.asarray(image.get_array())
    for rank, (_, networks) in enumerate(grouped(results).items()):
        median = summary.quantile_curves(networks, summary.norms)[1]
        row = shown[(2 * rank + 1) * len(shown) // 6]
        np.testing.assert_array_equal(row[:: len(row) // len(median)], np.clip(median, low, high))


@pytest.mark.slow
def test_a_gain_that_one_initialisation_lacks_stays_grey() -> None:
    results = [
        (point, found)
        for point, found in study(values=(0.5, 1.0, 2.0))
        if (point.initialisation, point.value) != ("identity", 2.0)
    ]
    for make in FIGURES.values():
        assert_legible(drawn(make, results))
    axes = drawn(figures.heat_figure, results).axes[2]
    assert np.ma.getmaskarray(np.ma.masked_invalid(axes.images[0].get_array()))[-1].all()
    assert max(axes.get_facecolor()[:3]) < 0.9  # for white is 1


def test_eigenvalues_say_the_radius_and_the_stretch() -> None:
    results = study(values=(1.0,), seeds=1, initialisations=("gaussian",))
    figure = drawn(figures.eigenvalues_figure, results)
    title = figure.axes[0].get_title()
    assert f"{results[0][1].radius:.3g}" in title
    assert title.endswith("= 2")
    dots = figure.axes[0].lines[0].get_xydata()
    assert dots.tolist() == [list(value) for value in results[0][1].eigenvalues]


@pytest.mark.slow
def test_long_curves_are_thinned_in_svg() -> None:
    figure = drawn(figures.norms_figure, long_study())
    assert max(len(line.get_xdata()) for line in figure.axes[0].lines) == LONGEST_CURVE
    assert len(figure_bytes(figure)["svg"]) < 500_000


def test_an_empty_study_has_no_figures() -> None:
    assert figure_files([]) == {}
