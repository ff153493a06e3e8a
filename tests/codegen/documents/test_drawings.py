"""Pictures: everything has its place, nothing runs through anything, and every use is drawn."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray
from sympy import lambdify

from codegen.documents.drawing import Box, Drawing, Label, Line, Point
from codegen.documents.drawing.curves import curves
from codegen.documents.drawing.paths import along
from codegen.documents.drawing.room import TALL, written
from codegen.documents.drawing.spacing import spaced
from codegen.documents.drawing.step import essential, step_of
from codegen.documents.drawing.unrolled import unrolled
from codegen.documents.latex.tikz import TIKZ_PREAMBLE, as_tikz
from derivations.activations import ACTIVATIONS, FUNCTIONS, ScalarFunction, written_out, x
from derivations.algebra import quantities
from derivations.errors import BpttError, EmitError
from derivations.expressions import T, t
from derivations.library import cell, cell_names
from derivations.model import Model
from derivations.notation.names import at_time
from derivations.recurrence import acting_within_the_step, steps_of
from tests.random_cells import cells as random_cells

MODELS = {
    "three lags": r"h_t = \tanh(W h_{t-1} + V h_{t-3} + U x_t)" + "\nE_t depends on h_t",
    "two lags ahead": r"h_t = \tanh(W h_{t+1} + V h_{t+2} + U x_t)" + "\nE_t depends on h_t",
    "without inputs": r"h_t = \tanh(W h_{t-1})" + "\nE_t depends on h_t",
    "last, both directions": r"""
        h_t = \tanh(W h_{t-1} + U x_t)
        g_t = \tanh(V g_{t+1} + R x_t)
        y_t = A h_t + C g_t
        E_t depends on y_t
        E = E_T""",
    "long names": r"""
        h^{forget}_t = \tanh(W h^{forget}_{t-1} + U x_t + V c^{candidate}_{t-2})
        c^{candidate}_t = h^{forget}_t \odot c^{candidate}_{t-1}
        E_t depends on c^{candidate}_t and h^{forget}_t""",
}


def deep(layers: int) -> str:
    """Return a text of many layers, each with a gate."""
    lines = [
        f"g^{{({i})}}_t = \\tanh(V_{{{i}}} h^{{({i})}}_{{t-1}} + A_{{{i}}} {below})\n"
        f"h^{{({i})}}_t = g^{{({i})}}_t \\odot h^{{({i})}}_{{t-1}} + g^{{({i})}}_t"
        for i in range(1, layers + 1)
        for below in ["x_t" if i == 1 else f"h^{{({i - 1})}}_t"]
    ]
    return "\n".join([*lines, f"E_t depends on h^{{({layers})}}_t"])


@cache
def drawing_of(name: str) -> tuple[Model, Drawing]:
    model = Model.read(MODELS[name]) if name in MODELS else cell(name)
    return model, unrolled(model)


every = pytest.mark.parametrize("name", [*cell_names(), *MODELS])


def boxes(drawing: Drawing) -> list[Box]:
    return [item for item in drawing.items if isinstance(item, Box) and item.fill != "panel"]


def lines(drawing: Drawing, stroke: str = "") -> list[Line]:
    found = [item for item in drawing.items if isinstance(item, Line)]
    return [line for line in found if stroke in ("", line.stroke)]


def points(line: Line) -> NDArray[np.float64]:
    """Return points on a line, at most a point apart."""
    corners = np.array(along(line.points, 8) if line.curved else line.points)
    pieces = [np.linspace(a, b, int(np.hypot(*(b - a))) + 2) for a, b in pairwise(corners)]
    return np.concatenate(pieces)


def area(item: Box | Label) -> tuple[float, float, float, float]:
    """Return left, bottom, right and top."""
    if isinstance(item, Box):
        (a, b), wide, high = item.center, item.width / 2, item.height / 2
        return a - wide, b - high, a + wide, b + high
    wide, (a, b) = written(item.text.strip("$")), item.at
    left = {"west": a, "east": a - wide}.get(item.anchor, a - wide / 2)
    low = {"south": b, "north": b - TALL}.get(item.anchor, b - TALL / 2)
    return left, low, left + wide, low + TALL


def overlap(one: Box | Label, other: Box | Label) -> bool:
    a, b = area(one), area(other)
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def touches(box: Box, point: Point) -> bool:
    left, low, right, high = area(box)
    near = left - 0.01 <= point[0] <= right + 0.01 and low - 0.01 <= point[1] <= high + 0.01
    edges = (point[0] - left, point[0] - right, point[1] - low, point[1] - high)
    return near and min(map(abs, edges)) < 0.01


def check_places(drawing: Drawing) -> None:
    """Nothing overlaps, runs through a box that is not its own, or leaves the picture."""
    assert drawing.width <= 450
    assert drawing.height <= 330
    for one, other in combinations(boxes(drawing), 2):
        assert not overlap(one, other), (one.label, other.label)
    for line in lines(drawing):
        way = points(line)
        assert (way >= 0).all()
        assert (way <= (drawing.width, drawing.height)).all()
        for box in boxes(drawing):
            left, low, right, high = area(box)
            inside = (way > (left + 0.1, low + 0.1)) & (way < (right - 0.1, high - 0.1))
            assert not inside.all(axis=1).any(), (line, box.label)
    for item in drawing.items:
        if not isinstance(item, Line):
            left, low, right, high = area(item)
            assert min(left, low) >= 0
            assert right <= drawing.width
            assert high <= drawing.height


def check_tracks(drawing: Drawing) -> None:
    """Lines from different quantities cross, but never run on top of each other."""
    ways = [(line.points[0], points(line)) for line in lines(drawing, "state")]
    for (start, way), (other, its) in combinations(ways, 2):
        if np.hypot(start[0] - other[0], start[1] - other[1]) > 0.01:
            gaps = np.hypot(*(way[:, None] - its[None]).transpose(2, 0, 1)).min(axis=1)
            lengths = np.hypot(*np.diff(way, axis=0).T)
            assert lengths[gaps[1:] < 0.6].sum() < 4, (start, other)


def check_uses(model: Model, drawing: Drawing) -> None:
    """Every use between two steps that are drawn is a line of its kind, with an arrow."""
    drawn = {box.label: box for box in boxes(drawing)}
    names = [quantity.name for quantity in model.data]
    names += [d.quantity.name for d in steps_of(model.definitions)]
    origin = T if model.is_last_only else t
    times = [origin + shift for shift in range(-3, 4)]
    beside = acting_within_the_step(model) if model.is_last_only else frozenset()
    shown = [time for time in times if any(at_time(name, time) in drawn for name in names)]
    for time in shown:
        missing = [name for name in names if at_time(name, time) not in drawn]
        assert set(missing) <= (beside if time != T else set())
    expected = 0
    for definition in steps_of(model.definitions):
        for used in quantities(definition.expression):
            for time in shown:
                user = drawn.get(at_time(definition.quantity.name, time))
                source = drawn.get(at_time(used.name, used.time.subs(t, time)))
                if user and source:
                    expected += 1
                    stroke = "data" if used.time == t else "state"
                    assert any(
                        line.arrow
                        and touches(source, line.points[0])
                        and touches(user, line.points[-1])
                        for line in lines(drawing, stroke)
                    ), (source.label, user.label)
    whole = [
        line
        for line in lines(drawing)
        if any(touches(box, line.points[0]) for box in boxes(drawing)) and line.arrow
    ]
    assert len(whole) == expected


@every
def test_everything_has_its_place(name: str) -> None:
    _, drawing = drawing_of(name)
    check_places(drawing)
    check_tracks(drawing)


@every
def test_every_use_is_drawn(name: str) -> None:
    check_uses(*drawing_of(name))


@every
def test_labels_lie_free(name: str) -> None:
    _, drawing = drawing_of(name)
    labels = [item for item in drawing.items if isinstance(item, Label)]
    weights = [label for label in labels if "cdots" not in label.text]
    for label in weights:
        assert not any(overlap(label, other) for other in labels if other is not label)
        left, low, right, high = area(label)
        for line in lines(drawing):
            way = points(line)
            inside = (way > (left, low)) & (way < (right, high))
            assert not inside.all(axis=1).any(), label


@settings(max_examples=25, deadline=None, derandomize=True)
@given(random_cells())
def test_random_cells(text: str) -> None:
    model = Model.read(text)
    drawing = unrolled(model)
    check_places(drawing)
    check_tracks(drawing)
    check_uses(model, drawing)


def test_three_steps_of_every_cell() -> None:
    for name in cell_names():
        model, drawing = drawing_of(name)
        at = {box.label for box in boxes(drawing) if box.fill == "state"}
        origin = T - 1 if model.is_last_only else t
        for state in model.states:
            assert {at_time(state.name, origin + shift) for shift in (-1, 0, 1)} <= at


def test_weights_stand_at_their_lines() -> None:
    _, drawing = drawing_of("rnn")
    texts = [item.text for item in drawing.items if isinstance(item, Label)]
    assert (texts.count("$W_{in}$"), texts.count("$W_{rec}$"), texts.count("$W_{out}$")) == (
        3,
        2,
        3,
    )
    assert not any("W" in i.text for i in drawing_of("lstm")[1].items if isinstance(i, Label))


def test_only_the_last_loss_is_drawn_where_it_alone_counts() -> None:
    _, drawing = drawing_of("rnn-last")
    assert [box.label for box in boxes(drawing) if box.fill == "loss"] == ["E_T"]
    assert "Only the loss of the last step counts." in drawing.description
    both = drawing_of("last, both directions")[1]
    assert "$g_{T+1}$" in [item.text for item in both.items if isinstance(item, Label)]


def test_large_graphs_leave_out_what_is_on_the_way() -> None:
    model = Model.read(deep(7))
    drawing = unrolled(model)
    check_places(drawing)
    assert {box.fill for box in boxes(drawing)} == {"input", "state", "loss"}
    assert "left out" in drawing.description
    step = essential(step_of(model))
    assert {use.lag for use in step.uses} == {0, 1}
    with pytest.raises(EmitError, match="too large for a page"):
        unrolled(Model.read(deep(40)))


def test_an_incomplete_model_has_no_graph() -> None:
    with pytest.raises(BpttError, match="no equation defines"):
        unrolled(Model.read("h_t = \\tanh(W h_{t-1} + U x_{t-1})\nE_t depends on h_t"))


def test_places_keep_their_distances() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        wanted = list(random.normal(size=5) * 10)
        gaps = list(random.uniform(1, 5, size=4))
        weights = list(random.uniform(0.1, 3, size=5))
        found = np.array(spaced(wanted, gaps, weights))
        assert (np.diff(found) >= np.array(gaps) - 1e-9).all()
        cost = (weights * (found - wanted) ** 2).sum()
        for _ in range(20):  # no allowed places nearby are nearer
            other = found + random.normal(size=5) * 0.1
            if (np.diff(other) >= gaps).all():
                assert (weights * (other - wanted) ** 2).sum() >= cost - 1e-9


# Curves


@pytest.mark.parametrize("name", [*FUNCTIONS])
def test_curves_lie_in_their_panels(name: str) -> None:
    drawing = curves(r"\sigma", FUNCTIONS[name])
    assert drawing.width <= 450
    frames = lines(drawing, "frame")
    assert len(frames) == 2
    for line in (*lines(drawing, "first"), *lines(drawing, "second"), *lines(drawing, "bound")):
        way = points(line)
        assert any(
            (way >= np.min(f.points, 0) - 0.01).all() and (way <= np.max(f.points, 0) + 0.01).all()
            for f in frames
        )
    for item in drawing.items:
        if isinstance(item, Label):
            left, low, right, high = area(item)
            assert min(left, low) >= 0
            assert right <= drawing.width
            assert high <= drawing.height


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_curves_show_the_function(name: str) -> None:
    """The points are those of the formula: the scale is read off the numbers that are written."""
    drawing = curves(r"\sigma", FUNCTIONS[name])
    left, right = (np.array(frame.points) for frame in lines(drawing, "frame"))
    for frame, order, stroke in ((left, 0, "first"), (right, 1, "second")):
        numbers = [
            (label.at[1], float(label.text.strip("$")))
            for label in drawing.items
            if isinstance(label, Label)
            and label.anchor == "east"
            and "x" not in label.text
            and abs(label.at[0] - frame[0, 0]) < 10
        ]
        (low_at, low), (high_at, high) = numbers[0], numbers[-1]
        evaluate = lambdify(x, written_out(FUNCTIONS[name].derivative(order)), "math")
        found = [line for line in lines(drawing, stroke) if not line.curved]
        for place, at in np.concatenate([line.points for line in found]):
            value = low + (at - low_at) * (high - low) / (high_at - low_at)
            across = (place - frame[0, 0]) / (frame[1, 0] - frame[0, 0]) * 10 - 5
            if abs(across) > 1e-9:  # where relu has its kink, σ′ jumps
                assert abs(value - evaluate(across)) < 1e-6


def test_the_bound_is_written_at_its_line() -> None:
    bounds = {
        "sigmoid": "$\\frac{1}{4}$",
        "tanh": "$1$",
        "relu": "$1$",
        "silu": "$\\approx 1.0998$",
        "gelu": "$\\approx 1.1289$",
    }
    for name, text in bounds.items():
        drawing = curves("f", FUNCTIONS[name])
        level = lines(drawing, "bound")[0].points[0][1]
        labels = [item for item in drawing.items if isinstance(item, Label)]
        assert any(label.text == text and label.at[1] == level for label in labels)
        top = max(points(line)[:, 1].max() for line in lines(drawing, "second") if not line.curved)
        assert abs(top - level) < 0.1
        rings = [line for line in lines(drawing, "second") if line.curved]
        assert len(rings) == (name != "relu")


def test_a_kink_is_a_corner() -> None:
    drawing = curves("f", FUNCTIONS["relu"])
    left, right = lines(drawing, "first")
    assert left.points[-1] == right.points[0]
    below, above = lines(drawing, "second")
    assert below.points[-1][0] == above.points[0][0]


def test_curves_of_nothing_are_refused() -> None:
    with pytest.raises(EmitError, match="Nothing is known"):
        curves("f", ScalarFunction("f", None))
    assert "f'^{(1)}(x)" in curves("f^{(1)}", FUNCTIONS["tanh"]).description


# TikZ


def test_drawings_are_the_same_on_every_run() -> None:
    program = (
        "from codegen.documents.drawing.unrolled import unrolled\n"
        "from codegen.documents.latex.tikz import as_tikz\n"
        "from derivations.library import cell\n"
        "print(as_tikz(unrolled(cell('lstm-peephole'))))"
    )
    shown = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path.cwd())},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(shown) == 1


FEW = ("rnn", "lstm-peephole", "bidirectional", "long names")


@pytest.mark.parametrize(
    ("engine", "names"),
    [
        ("pdflatex", FEW),
        *(
            pytest.param(engine, (*cell_names(), *MODELS), marks=pytest.mark.slow)
            for engine in ("pdflatex", "xelatex", "lualatex")
        ),
    ],
)
def test_tikz_compiles_without_a_warning(
    engine: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    if shutil.which(engine) is None:
        pytest.skip(f"{engine} is not installed")
    drawings = [drawing_of(name)[1] for name in names]
    functions = ("sigmoid", "gelu") if names == FEW else tuple(FUNCTIONS)
    drawings += [curves(r"\sigma", FUNCTIONS[name]) for name in functions]
    pictures = "\n\n".join(f"\\noindent {as_tikz(drawing)}" for drawing in drawings)
    source = "\n".join(
        (
            "\\documentclass[11pt,a4paper]{article}",
            "\\usepackage{iftex}\\iftutex\\else\\usepackage[T1]{fontenc}\\usepackage{lmodern}\\fi",
            "\\usepackage{amsmath,amssymb}\\usepackage[hmargin=2.5cm]{geometry}\\raggedbottom",
            TIKZ_PREAMBLE,
            f"\\begin{{document}}\n{pictures}\n\\end{{document}}",
        )
    )
    (tmp_path / "pictures.tex").write_text(source, encoding="utf-8")
    run = subprocess.run(
        [engine, "-interaction=nonstopmode", "-halt-on-error", "pictures.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    log = (tmp_path / "pictures.log").read_text(encoding="utf-8", errors="replace")
    assert run.returncode == 0, log[-2000:]
    assert not re.findall(r"^(?:Overfull|Underfull|.*[Ww]arning).*$", log, re.MULTILINE)
