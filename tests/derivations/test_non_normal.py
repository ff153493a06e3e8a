"""A matrix whose powers grow before they go to zero, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sympy import ImmutableMatrix, Rational

from derivations.non_normal import EXAMPLE, condition, largest_singular_value, powers, radius

fractions = st.fractions(-2, 2, max_denominator=4).map(lambda f: Rational(str(f)))


def test_the_norm_rises_above_one_and_goes_to_zero() -> None:
    first, *_, last = powers(EXAMPLE, (1, 2, 4, 16))
    assert radius(EXAMPLE) < 1 < first.norm
    assert last.norm < Rational(1, 1000)


@pytest.mark.parametrize("exponent", [1, 2, 5])
def test_powers_lie_between_their_bounds(exponent: int) -> None:
    [power] = powers(EXAMPLE, (exponent,))
    expected = np.linalg.matrix_power(np.array(EXAMPLE, dtype=float), exponent)
    assert np.array(power.matrix, dtype=float) == pytest.approx(expected)
    assert float(power.norm) == pytest.approx(np.linalg.norm(expected, 2))
    assert power.lower <= power.norm <= power.upper


@pytest.mark.slow
@given(fractions, fractions, fractions)
def test_condition_and_norm_are_those_of_numpy(a: Rational, b: Rational, c: Rational) -> None:
    assume(abs(a - c) >= Rational(1, 4))
    matrix = ImmutableMatrix([[a, b], [0, c]])
    numbers = np.array(matrix, dtype=float)
    assert float(largest_singular_value(matrix)) == pytest.approx(np.linalg.norm(numbers, 2))
    vectors = np.linalg.eig(numbers)[1]
    assert float(condition(matrix)) == pytest.approx(np.linalg.cond(vectors))
