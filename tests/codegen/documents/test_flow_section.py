"""Vanishing and exploding gradients: inequalities that hold, legible figures, the same bytes."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from itertools import combinations

import numpy as np
import pytest

from codegen.build import emit_source
from codegen.documents.document import Document, Figure, Paragraph, Row, Section
from codegen.documents.drawing import Box, Label, Line
from codegen.documents.formats import FORMATS
from codegen.documents.handout.flow import study as studies
from codegen.documents.handout.flow.figures import jacobian
from codegen.documents.handout.flow.remedies import remedies_of
from codegen.documents.handout.flow.section import TITLE, flow_section
from codegen.documents.handout.flow.sizes import size
from codegen.documents.handout.flow.study import GAINS, Study, study_of
from codegen.documents.handout.handout import Choice, handout
from codegen.flow.measure import measure
from codegen.flow.point import Measured, Point
from codegen.flow.probe import Probe
from derivations.bptt import derive
from derivations.claims.check import check
from derivations.model import Model
from derivations.proving import prove
from tests.codegen.documents.rows_of import rows_of
from tests.codegen.documents.samples import every_cell, proven, whole
from tests.codegen.documents.test_drawings import area, overlap
from tests.codegen.documents.typst_reading import too_wide

FIGURES = ["flow-norms", "flow-shares", "flow-remedies"]
QUICK = ("rnn",)
#: What the first state does comes back from the other direction of time.
INTERLOCKED = """
    h_t = \\tanh(W h_{t-1} + U g_t)
    g_t = \\tanh(V g_{t+1} + R x_t)
    E_t depends on h_t
"""

cells = pytest.mark.parametrize("name", every_cell(*QUICK))


def section_of(name: str) -> Section:
    return flow_section(proven(name))


def figures_of(section: Section) -> list[Figure]:
    return [block for block in section.blocks if isinstance(block, Figure)]


def words_of(section: Section) -> str:
    return " ".join(block.text for block in section.blocks if isinstance(block, Paragraph))


def study(name: str) -> Study:
    found = study_of(proven(name))
    assert found is not None
    return found


def claim(row: Row) -> str:
    return " \\le ".join(row.sides) + f", \\quad {row.conditions}"


# Inequalities


@cells
def test_rows_are_read_back_and_no_network_violates_them(name: str) -> None:
    rows = list(rows_of(section_of(name).blocks))
    assert [row.label for row in rows] == [f"({chr(97 + place)})" for place in range(len(rows))]
    model = proven(name).model
    judged = 0
    for row in rows:
        if row.mark and not any("\\beta" in side for side in row.sides):
            verdict = check(model, claim(row), search=False)
            assert verdict.verdict == "no_counterexample", claim(row)
            judged += 1
    assert judged


@pytest.mark.parametrize("name", ["rnn", pytest.param("gru", marks=pytest.mark.slow)])
def test_a_smaller_bound_is_refuted(name: str) -> None:
    row = next(row for row in rows_of(section_of(name).blocks) if row.mark)
    smaller = replace(
        row, sides=(*row.sides[:-1], f"\\frac{{1}}{{99}} \\left({row.sides[-1]}\\right)")
    )
    assert check(proven(name).model, claim(smaller), search=False).verdict == "false"


def test_the_product_is_the_proven_equation() -> None:
    equation = proven("rnn").equation("product")
    assert equation is not None
    assert f"by equation ({equation.number})" in words_of(section_of("rnn"))


@pytest.mark.parametrize(
    ("name", "met"),
    [
        ("rnn", ("\\sigma",)),
        pytest.param("lstm", ("\\sigma", "\\tanh"), marks=pytest.mark.slow),
        ("diagonal", ()),
    ],
)
def test_slopes_are_those_that_meet_an_error(name: str, met: tuple[str, ...]) -> None:
    words = words_of(section_of(name))
    assert words.count("is bounded by $\\gamma") == len(met)
    assert all(f"The slope of ${one}$ is bounded" in words for one in met)


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ("h_t = gelu(W h_{t-1} + x_t)", "gradients vanish where $\\sigma_1 < 0.8858$"),
        ("h_t = sigmoid(W h_{t-1} + x_t)", "gradients vanish where $\\sigma_1 < 4$"),
        ("h_t = a \\odot h_{t-1} + x_t", "if and only if $\\left\\|a\\right\\|_\\infty < 1$"),
        ("h_t = \\tanh(h_{t-1} + x_t)", "no gradient explodes."),
        ("h_t = \\tanh(W h_{t-1} + V h_{t-2} + x_t)", "Here the bound is never less than $1$"),
    ],
)
def test_what_follows_from_the_bound(text: str, follows: str) -> None:
    derivation = derive(Model.read(f"{text}\nE_t = \\|h_t\\|^2\nx_t is the input"))
    assert follows in words_of(flow_section(derivation))


# Measurements


@cells
def test_every_cell_has_its_figures(name: str) -> None:
    [section] = [one for one in whole(name, Choice()).sections if one.title == TITLE]
    assert [figure.name for figure in figures_of(section)] == FIGURES


@cells
def test_figures_are_legible(name: str) -> None:
    for figure in figures_of(section_of(name)):
        drawing = figure.drawing
        assert drawing.width <= 450
        labels = [item for item in drawing.items if isinstance(item, Label)]
        for label in labels:
            left, low, right, high = area(label)
            assert min(left, low) >= 0, label
            assert right <= drawing.width, label
            assert high <= drawing.height + 3, label
        for one, other in combinations(labels, 2):
            assert not overlap(one, other), (figure.name, one, other)
        frames = [i for i in drawing.items if isinstance(i, Line) and i.stroke == "frame"]
        for item in drawing.items:
            if isinstance(item, Box | Label) or item in frames:
                continue
            corners = np.array(item.points)
            assert (corners >= 0).all()
            assert (corners <= (drawing.width, drawing.height)).all()
            assert (corners == corners.round(1)).all()


@cells
def test_every_row_fits_the_page(name: str) -> None:
    assert too_wide(Document("", "", "en", (replace(section_of(name), number=1),))) == ()


@cells
def test_no_norm_exceeds_its_bound(name: str) -> None:
    found = study(name)
    for group in (*found.gaussian.values(), found.orthogonal, found.identity):
        for network in group:
            assert all(
                norm <= bound + 1e-9 * max(1.0, abs(bound)) or norm == bound
                for norm, bound in zip(network.norms, network.bounds, strict=True)
            )


@pytest.mark.parametrize("name", ["rnn", pytest.param("gru", marks=pytest.mark.slow)])
def test_last_digits_do_not_show(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What differs between processors by rounding leaves the section as it is."""
    generator = np.random.default_rng(0)

    def noisy(value: object) -> object:
        if isinstance(value, tuple):
            return tuple(map(noisy, value))
        return float(value) + 1e-10 * generator.standard_normal()  # type: ignore[arg-type]

    def measured(probe: Probe, point: Point, *, terms: bool) -> Measured:
        found = measure(probe, point, terms=terms)
        return Measured(*(noisy(getattr(found, field.name)) for field in fields(found)))  # type: ignore[arg-type]

    expected = section_of(name)
    monkeypatch.setattr(studies, "measure", measured)
    studies._of_library.cache_clear()
    again = flow_section(replace(proven(name)))
    studies._of_library.cache_clear()
    assert again.blocks == expected.blocks


def test_clipping_scales_all_terms_alike() -> None:
    remedies = remedies_of(study("rnn"))
    before, after = (shown.curve for shown in remedies.clipping)
    lost = before - after
    assert lost.max() - lost.min() < 3e-4
    assert lost[0] == pytest.approx(remedies.clip.gradient - remedies.clip.limit, abs=3e-4)
    assert lost[0] > 0


def test_gains_decide_in_a_linear_network() -> None:
    text = "h_t = W h_{t-1} + U x_t\nE_t = \\|h_t - y_t\\|^2\nx_t is the input\ny_t is the target"
    words = words_of(flow_section(derive(Model.read(text))))
    assert f"At gain ${GAINS[0]:g}$, the median norm over $40$ steps is" in words
    assert "the gradient vanishes." in words
    assert "the gradient explodes." in words
    assert "Orthogonal ones keep it nearer to $1$." in words


@pytest.mark.slow
def test_open_gates_are_those_of_the_cell() -> None:
    assert "with $b_z = -3$ it is" in words_of(section_of("gru"))
    assert "this cell" in words_of(section_of("rnn"))


def test_time_may_run_back() -> None:
    text = "h_t = \\tanh(W h_{t+1} + U x_t)\nE_t = \\|h_t\\|^2\nx_t is the input"
    derivation = derive(Model.read(text))
    found = study_of(derivation)
    assert found is not None
    shown = jacobian(found.probe.bounds.state)
    assert shown == "\\frac{\\partial h_1}{\\partial h_{d+1}}"
    assert len(figures_of(flow_section(derivation))) == len(FIGURES)


def test_what_cannot_be_measured_is_left_out() -> None:
    assert flow_section(derive(Model.read(INTERLOCKED))).blocks == ()
    text = "h_t = \\tanh(h_{t-1} + x_t)\nE_t = \\|h_t\\|^2\nx_t is the input"
    derivation = prove(derive(Model.read(text)))
    assert figures_of(flow_section(derivation)) == []
    document = handout(derivation, emit_source(derivation, "m", "textbook"), "m.py", Choice())
    assert TITLE in [section.title for section in document.sections]


# Formats


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_format_shows_the_figures(language: str) -> None:
    whole_one = whole("rnn", Choice(language))
    [section] = [one for one in whole_one.sections if any(b in FIGURES for b in names(one))]
    document = Document("", "", language, (section,))
    html = str(FORMATS["html"](document, "x", "typst")["x.html"])
    assert html.count("<svg") == len(FIGURES)
    assert html.count('class="shade-band"') >= 3
    tex = str(FORMATS["tex"](document, "x", "typst")["x.tex"])
    assert tex.count("\\begin{tikzpicture}") == len(FIGURES)
    assert tex.count("\\fill[bptt") > 20
    drawn = [file for file in FORMATS["md"](document, "x", "typst") if file.endswith(".svg")]
    assert len(drawn) == len(FIGURES)
    [book] = FORMATS["ipynb"](document, "x", "typst").values()
    assert json.dumps(json.loads(str(book))).count("<svg") + str(book).count("image/svg") > 0
    assert FORMATS["pdf"](document, "x", "typst")


def names(section: Section) -> list[str]:
    return [figure.name for figure in figures_of(section)]


@pytest.mark.parametrize("logarithm", [-300.2, -12.69, -2.5, -0.01, 0.0, 0.999, 2.5, 17.0])
def test_sizes_are_said_to_two_digits(logarithm: float) -> None:
    shown = size(logarithm)
    digits, _, power = shown.partition(" \\cdot 10^{")
    value = math.log10(float(digits)) + int(power.rstrip("}") or 0)
    assert abs(value - logarithm) < math.log10(1.051)
