"""Panels: curves are cut at their edges, and the logarithm of zero is not drawn."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from codegen.documents.drawing.panel import Axis, Curve, Panel

values = st.one_of(st.just(-math.inf), st.floats(-20, 20))
PANEL = Panel((10.0, 20.0), 100.0, 50.0, Axis(0, 10, (0, 5)), Axis(-5, 5, (0,)))


def curve(heights: list[float]) -> Curve:
    return [(float(place), height) for place, height in enumerate(heights)]


@given(st.lists(values, min_size=2, max_size=11))
def test_a_curve_is_cut_at_the_edges(heights: list[float]) -> None:
    for part in PANEL.cut(curve(heights)):
        assert len(part) > 1
        for x, y in part:
            assert -5 - 1e-9 <= y <= 5 + 1e-9
            before, after = heights[math.floor(x)], heights[min(math.ceil(x), len(heights) - 1)]
            expected = before + (x - math.floor(x)) * (after - before) if before != after else after
            assert abs(y - expected) < 1e-6


@given(st.lists(st.floats(-4, 4), min_size=2, max_size=11))
def test_a_curve_within_the_edges_is_drawn_in_one_piece(heights: list[float]) -> None:
    assert PANEL.cut(curve(heights)) == [curve(heights)]


@given(st.lists(st.tuples(values, values).map(sorted), min_size=1, max_size=11))
def test_a_band_lies_in_the_panel(pairs: list[list[float]]) -> None:
    lower, upper = (curve(list(heights)) for heights in zip(*pairs, strict=True))
    for area in PANEL.band(lower, upper):
        for x, y in area.points:
            assert 10 <= x <= 110
            assert 20 <= y <= 70


def test_a_band_ends_where_all_is_zero() -> None:
    gone = curve([0.0, -1.0, -math.inf, -math.inf])
    [area] = PANEL.band(gone, gone)
    assert max(x for x, _ in area.points) == PANEL.at((1, 0))[0]


@given(st.lists(st.floats(-300, 300), min_size=1, max_size=5))
def test_an_axis_of_powers_has_few_numbers_and_shows_all(logarithms: list[float]) -> None:
    axis = Axis.of_powers(logarithms)
    assert axis.low <= min(0, *logarithms)
    assert axis.high >= max(0, *logarithms)
    assert 1 <= len(axis.numbers) <= 7
    assert 0 in axis.numbers
    assert axis.written(-3) == "$10^{-3}$"
