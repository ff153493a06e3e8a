"""The terms of a gradient are measured on demand alone; all else is the same."""

from __future__ import annotations

import math
from dataclasses import replace

from codegen.flow.measure import measure
from codegen.flow.point import Point, Settings
from codegen.flow.probe import probe_of
from derivations.library import cell


def test_without_terms_all_else_is_the_same() -> None:
    probe = probe_of(cell("gru"), "gru")
    point = Point("gru", "", "gaussian", "gain", 1.0, 0, Settings(steps=4, size=3))
    whole, part = measure(probe, point), measure(probe, point, terms=False)
    assert math.isnan(part.gradient)
    assert len(whole.terms) == 4
    gone = replace(whole, terms=(), inputs=(), gradient=part.gradient)
    assert part == gone
