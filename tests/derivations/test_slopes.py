"""The least upper bound of |σ′|: where SymPy finds it, and against dense samples."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Expr, Float, Integer, Piecewise, Rational, lambdify, log, oo, sqrt

from derivations.activations import ACTIVATIONS, FUNCTIONS, ScalarFunction, written_out, x
from derivations.errors import UnsupportedError
from derivations.slopes import SlopeBound, slope_bound


@pytest.mark.parametrize(
    ("name", "bound", "point"),
    [
        ("sigmoid", Rational(1, 4), Integer(0)),
        ("tanh", Integer(1), Integer(0)),
        ("relu", Integer(1), Integer(1)),
        ("identity", Integer(1), Integer(0)),
        ("softplus", Integer(1), None),
        ("exp", oo, None),
        ("log", oo, None),
    ],
)
def test_largest_slopes(name: str, bound: Expr, point: Expr | None) -> None:
    assert slope_bound(FUNCTIONS[name]) == SlopeBound(bound, point)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_no_slope_is_larger(name: str) -> None:
    function = FUNCTIONS[name]
    found = slope_bound(function)
    bound, point = found.supremum, found.maximiser
    slope = lambdify(x, written_out(function.derivative(1)), "math")
    sampled = max(abs(slope(value)) for value in np.linspace(-30, 30, 20001))
    assert float(bound) - 1e-4 < sampled <= float(bound) + 1e-12
    if point is not None:
        assert np.isclose(abs(slope(float(point))), float(bound))


def test_slopes_are_exact_where_sympy_solves() -> None:
    gelu = slope_bound(FUNCTIONS["gelu"])
    assert gelu.maximiser == sqrt(2)
    assert not gelu.supremum.has(Float)
    hump = ScalarFunction("hump", 1 / (1 + x**2))
    assert slope_bound(hump).supremum == 3 * sqrt(3) / 8
    assert slope_bound(ScalarFunction("steep", log(x))).supremum == oo
    with pytest.raises(UnsupportedError):
        slope_bound(ScalarFunction("any", None))


def test_slopes_of_pieces_are_compared_by_their_size() -> None:
    bent = ScalarFunction("bent", Piecewise((-3 * x, x < 0), (x**2, x < 1), (2 * x - 1, True)))
    assert slope_bound(bent).supremum == 3
    # The largest slope of x² on [0, 1) is that at its end, which belongs to another piece.
    cut = ScalarFunction("cut", Piecewise((0, x < 0), (x**2, x < 1), (1, True)))
    assert slope_bound(cut) == SlopeBound(Integer(2), None)
