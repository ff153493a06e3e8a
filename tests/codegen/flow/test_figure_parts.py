"""What figures are made of: ranges, labels, colours and names, apart from any study."""

from __future__ import annotations

import io
import math
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

from codegen.flow.figures import file_stems
from codegen.flow.figures.curves import LONGEST_CURVE, thinned, visible_range
from codegen.flow.figures.labels import spread
from codegen.flow.figures.style import colours, plain, representatives


@given(st.integers(1, 100_000))
def test_thinning_keeps_both_ends(length: int) -> None:
    kept = thinned(length)
    assert (kept[0], kept[-1]) == (0, length - 1)
    assert kept == sorted(set(kept))
    assert len(kept) == min(length, LONGEST_CURVE)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20).map(sorted), st.floats(0.01, 0.2))
def test_labels_stand_apart_in_order_and_inside(wanted: list[float], gap: float) -> None:
    places = spread(wanted, gap)
    apart = min(gap, 1 / max(len(wanted) - 1, 1))
    assert all(b - a > apart - 1e-9 for a, b in pairwise(places))
    assert -1e-9 <= places[0] <= places[-1] <= 1 + 1e-9
    if all(b - a > apart + 1e-9 for a, b in pairwise(wanted)):
        assert places == pytest.approx(wanted)


@given(
    st.lists(
        st.lists(st.floats(-20_000, 20_000) | st.just(-math.inf), min_size=1, max_size=5),
        max_size=8,
    )
)
def test_a_visible_range_is_finite_and_not_empty(found: list[list[float]]) -> None:
    bottom, top = visible_range([np.array(curve) for curve in found])
    assert math.isfinite(bottom)
    assert math.isfinite(top)
    assert top - bottom >= 3


def test_a_curve_that_falls_far_below_all_others_does_not_squash_them() -> None:
    curves = [np.linspace(0, end, 9) for end in (-3000.0, -12.0, -8.0, 0.0, 5.0)]
    bottom, top = visible_range(curves)
    assert -40 < bottom < -12
    assert 5 < top < 10


@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=40), st.integers(3, 8))
def test_representatives_hold_the_ends_and_the_nearest_to_one(
    values: list[float], count: int
) -> None:
    kept = representatives(values, count)
    assert len(kept) == min(count, len(set(values)))
    assert {min(values), max(values)} <= set(kept) <= set(values)
    assert min(abs(value - 1) for value in kept) == min(abs(value - 1) for value in values)


@given(st.text(st.sampled_from("ab_$\\^{}%#&~ \n\t循é\x00"), max_size=12))
def test_a_name_is_shown_as_it_stands(name: str) -> None:
    figure = Figure(figsize=(3, 1))
    shown = figure.text(0, 0, plain(name))
    figure.savefig(io.BytesIO(), format="svg")
    text, is_mathematics = shown._preprocess_math(shown.get_text())
    assert not is_mathematics
    assert len(text) == len(name)
    assert all(a == b for a, b in zip(text, name, strict=True) if b in "ab_$\\^{}%#&~é")


@given(st.lists(st.tuples(st.text(max_size=4), st.text("aA/.-", max_size=2)), max_size=8))
def test_file_names_are_plain_and_all_different(names: list[tuple[str, str]]) -> None:
    stems = file_stems(names)
    assert len({stem.casefold() for stem in stems}) == len(names)
    assert all(re.fullmatch(r"[\w-]+", stem) for stem in stems)


def test_colours_grow_lighter_and_stay_dark_enough_for_a_slide() -> None:
    from matplotlib.colors import to_rgb

    greys = [float(np.dot((0.299, 0.587, 0.114), to_rgb(colour))) for colour in colours(7)]
    assert greys == sorted(greys)
    assert min(np.diff(greys)) > 0.04
    assert greys[-1] < 0.75
