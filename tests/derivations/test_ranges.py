"""Ranges of products in a single gate: the least ones, and never too narrow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Rational

from derivations.algebra import add, hadamard, multiply
from derivations.expressions import OneMatrix
from derivations.library import cell
from derivations.model import Model
from derivations.ranges import entry_range
from derivations.stability import gradient_bounds

GRU = cell("gru")
definition = GRU.definition("z")
assert definition is not None
GATE = definition.quantity
ONE = OneMatrix(GATE.shape[0], 1)


def test_a_gate_and_its_complement_are_never_both_open() -> None:
    product = hadamard(GATE, add(ONE, multiply(-1, GATE)))
    assert entry_range(product, GRU) == (0, Rational(1, 4))


@given(st.integers(-3, 3), st.integers(-3, 3), st.integers(-3, 3), st.integers(-3, 3))
def test_no_value_lies_outside(a: int, b: int, c: int, d: int) -> None:
    def factor(slope: int, constant: int) -> object:
        return add(multiply(slope, GATE), multiply(constant, ONE))

    low, high = entry_range(hadamard(factor(a, b), factor(c, d)), GRU)
    gate = np.linspace(0, 1, 101)
    values = (a * gate + b) * (c * gate + d)
    assert float(low) <= values.min() + 1e-12
    assert float(high) >= values.max() - 1e-12


@pytest.mark.parametrize("function", ["sigmoid", "\\sigma"])
def test_the_bound_is_the_same_however_a_slope_is_written(function: str) -> None:
    said = "\n\\sigma is sigmoid" if function == "\\sigma" else ""
    text = f"h_t = {function}(W h_{{t-1}} + x_t)\nE_t = \\|h_t\\|^2\nx_t is the input{said}"
    [block] = gradient_bounds(Model.read(text)).blocks
    assert block.bound.latex == "\\frac{1}{4} \\left\\|W\\right\\|_2"
