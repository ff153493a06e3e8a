"""Bounds of Jacobians through time: true for every cell, and no larger than they have to be."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, Rational, lambdify

from derivations import Model, cell, cell_names, check
from derivations.activations import FUNCTIONS, written_out, x
from derivations.errors import BpttError
from derivations.norms import Bound, constant, plus, times
from derivations.slopes import value_range
from derivations.stability import (
    GradientBounds,
    gradient_bounds,
    inequalities,
    with_evidence,
)

CELLS = cell_names()


def model(name: str) -> Model:
    return cell(name, "sigmoid" if name == "rnn-hh" else None)


def bounds(name: str) -> GradientBounds:
    return gradient_bounds(model(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", CELLS)
def test_a_search_finds_no_counterexample(name: str) -> None:
    found = bounds(name)
    for inequality in inequalities(found):
        evidence = with_evidence(inequality, model(name)).evidence
        if not inequality.is_in_the_text or name == "fast-weights":
            assert not evidence or name == "fast-weights"
            continue
        assert evidence.startswith("no counterexample in"), inequality.latex


@pytest.mark.parametrize(
    "name",
    ["rnn", "rnn-hh", pytest.param("jordan", marks=pytest.mark.slow), "irnn", "diagonal", "leaky"],
)
def test_a_smaller_bound_has_a_counterexample(name: str) -> None:
    """The bound of one step is sharp: 99 % of it is too little."""
    step = inequalities(bounds(name))[0]
    smaller = replace(step, sides=(step.sides[0], f"0.99 \\left({step.sides[1]}\\right)"))
    assert check(model(name), smaller.latex).verdict == "false"
    with pytest.raises(BpttError, match="is false"):
        with_evidence(smaller, model(name))


def test_the_bound_of_an_elman_network_is_slope_times_matrix() -> None:
    """Pascanu, Mikolov and Bengio 2013: γ = 1 for tanh, ¼ for sigmoid."""
    for activation, number in (("tanh", 1), ("relu", 1), ("sigmoid", Rational(1, 4))):
        [block] = gradient_bounds(cell("rnn", activation)).blocks
        [(product, found)] = block.bound.terms.items()
        assert [norm.latex for norm in product] == ["\\left\\|W_{rec}\\right\\|_2"]
        assert found == number


def test_the_sign_of_a_whole_state_is_not_taken_for_one_of_the_text() -> None:
    """The text has a state s of its own, so the whole state is called by a bold letter."""
    taken = Model.read(
        "s_t = tanh(W s_{t-1} + V s_{t-2} + U h_{t-1})\nh_t = tanh(A h_{t-1} + R x_t)\n"
        "E_t = ‖s_t‖^2\nx_t is the input"
    )
    found = gradient_bounds(taken)
    assert found.state.quantity.name == "\\mathbf{s}"
    for inequality in inequalities(found):
        with_evidence(inequality, taken)


def test_an_unspecified_slope_stays_a_norm() -> None:
    unknown = Model.read("h_t = f(W h_{t-1} + U x_t)\nf is an elementwise function\nE_t = ‖h_t‖^2")
    found = gradient_bounds(unknown)
    assert not found.is_uniform
    assert "f'" in inequalities(found)[0].sides[1]


def test_what_needs_the_other_direction_is_refused() -> None:
    ahead = "g_t = tanh(V g_{t+1} + A x_t)\nE_t = ‖g_t + h_t‖^2\nx_t is the input"
    tangled = Model.read(f"h_t = tanh(W h_{{t-1}} + U g_t)\n{ahead}")
    with pytest.raises(BpttError, match="other direction"):
        gradient_bounds(tangled)
    apart = Model.read(f"h_t = tanh(W h_{{t-1}} + U x_t)\n{ahead}")
    assert gradient_bounds(apart).blocks
    seen = Model.read("h_t = tanh(W h_{t-1} + U x_t)\ng_t = tanh(V g_{t+1} + A h_t)\nE_t = ‖g_t‖^2")
    assert gradient_bounds(seen).blocks  # h acts on g, and g not on h
    with pytest.raises(BpttError, match="no recurrence"):
        gradient_bounds(Model.read("y_t = W x_t\nE_t = ‖y_t‖^2\nx_t is the input"))


@pytest.mark.parametrize("name", [n for n, f in FUNCTIONS.items() if n not in ("exp", "log")])
def test_values_lie_in_the_range_and_come_near_its_ends(name: str) -> None:
    low, high = value_range(FUNCTIONS[name])
    formula = lambdify(x, written_out(FUNCTIONS[name].formula), "mpmath")
    values = [float(formula(place / 8)) for place in range(-400, 401)]
    assert all(low <= value <= high for value in values)
    for end, reached in ((low, min(values)), (high, max(values))):
        if end.is_finite:
            assert reached == pytest.approx(float(end), abs=1e-2)


numbers = st.integers(0, 5).map(Integer)


@settings(max_examples=50)
@given(st.lists(numbers, min_size=1, max_size=4), st.lists(numbers, min_size=1, max_size=4))
def test_numbers_add_and_multiply_as_bounds(left: list[Integer], right: list[Integer]) -> None:
    one, other = (plus(*map(constant, side)) for side in (left, right))
    assert plus(one, other).value({}) == float(sum(left) + sum(right))
    assert times(one, other).value({}) == float(sum(left) * sum(right))
    assert times(one, Bound({})).value({}) == 0
