"""The tester tested: right gradients pass on every draw, wrong ones are seen by each test alone."""

from __future__ import annotations

import dataclasses
import functools
import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.gradcheck import GradientReport, check_module, load_module, worst_error
from codegen.gradcheck.common import RESOLUTION_LIMIT, ArrayComparison, Point, compare
from codegen.gradcheck.complex_step import COMPLEX_STEP_TOLERANCE, complex_derivatives
from codegen.gradcheck.differences import (
    FINITE_DIFFERENCE_TOLERANCE,
    central_differences,
    smooth_slope,
)
from codegen.gradcheck.module import default_sizes, draw_arrays, module_from_source
from codegen.gradcheck.taylor import TaylorResult, fitted_order, taylor_test
from derivations.errors import VerificationError

# The smallest module that has the face.
SMALLEST = """
import numpy as np

PARAMS = {"w": ("n",)}
DATA = {"x": ("n",)}


def _forward(params, data):
    return np.sum(np.tanh(params["w"] * data["x"])), None


def value_and_grad(params, data):
    slope = 1.0 - np.tanh(params["w"] * data["x"]) ** 2
    E, _ = _forward(params, data)
    return float(E), {"w": slope * data["x"], "x": slope * params["w"]}
"""

# E = ½ Σ ‖V h_t + c − y_t‖² with h_t = f(W h_{t−1} + U x_t + b), written out by hand.
REGRESSION = """
import numpy as np

PARAMS = {"W": ("n", "n"), "U": ("n", "m"), "b": ("n",), "V": ("q", "n"), "c": ("q",)}
DATA = {"x": ("T", "B", "m"), "y": ("T", "B", "q"), "h_0": ("B", "n")}


def function(a):
    return FUNCTION


def slope(a, h):
    return SLOPE


def _forward(params, data):
    W, U, b, V, c = (params[name] for name in PARAMS)
    h, states, E = data["h_0"], [], 0.0
    for x, y in zip(data["x"], data["y"]):
        a = h @ W.T + x @ U.T + b
        before, h = h, function(a)
        residual = h @ V.T + c - y
        E = E + 0.5 * np.sum(residual * residual)
        states.append((before, a, h, residual))
    return E, states


def value_and_grad(params, data):
    for name, array in {**params, **data}.items():
        if array.dtype != np.float64:
            raise ValueError(name)
    E, states = _forward(params, data)
    g = {name: np.zeros_like(array) for name, array in {**params, **data}.items()}
    W, U, b, V, c = (params[name] for name in PARAMS)
    delta_h = np.zeros_like(data["h_0"])
    for t in reversed(range(len(states))):
        before, a, h, residual = states[t]
        g["V"] += residual.T @ h
        g["c"] += residual.sum(axis=0)
        g["y"][t] = -residual
        delta_a = (delta_h + residual @ V) * slope(a, h)
        g["W"] += delta_a.T @ before
        g["U"] += delta_a.T @ data["x"][t]
        g["b"] += delta_a.sum(axis=0)
        g["x"][t] = delta_a @ U
        delta_h = delta_a @ W
    g["h_0"] = delta_h
    return float(E), g
"""
TANH = REGRESSION.replace("FUNCTION", "np.tanh(a)").replace("SLOPE", "1.0 - h * h")
RELU = REGRESSION.replace("FUNCTION", "np.where(a.real > 0, a, 0)").replace(
    "SLOPE", "1.0 * (a > 0)"
)

# Cross-entropy of a softmax against one-hot rows: a constrained array, a loss that is 0 for q = 1.
CLASSIFIER = """
import numpy as np

PARAMS = {"V": ("q", "n"), "c": ("q",)}
DATA = {"x": ("T", "B", "n"), "y": ("T", "B", "q")}
CONSTRAINTS = {"y": "one-hot"}


def _forward(params, data):
    z = data["x"] @ params["V"].T + params["c"]
    z = z - z.real.max(axis=-1, keepdims=True)
    log_sum = np.log(np.exp(z).sum(axis=-1, keepdims=True))
    return np.sum(data["y"] * (log_sum - z)), np.exp(z - log_sum)


def value_and_grad(params, data):
    E, p = _forward(params, data)
    d = p - data["y"]
    gradients = {"V": np.einsum("tbq,tbn->qn", d, data["x"]), "c": d.sum(axis=(0, 1))}
    return float(E), {**gradients, "x": d @ params["V"]}
"""

# Linear in everything that may move; "u" does not act at all.
LINEAR = """
import numpy as np

PARAMS = {"W": ("n", "m"), "b": ("n",), "u": ("n",)}
DATA = {"y": ("B", "n")}
CONSTRAINTS = {"y": "one-hot"}
K = 0.3


def _forward(params, data):
    return K * np.sum(params["W"]) + np.sum(data["y"] @ params["b"]), None


def value_and_grad(params, data):
    W, b, u = params["W"], params["b"], params["u"]
    E, _ = _forward(params, data)
    return float(E), {"W": K * np.ones_like(W), "b": data["y"].sum(axis=0), "u": 0.0 * u}
"""

# A strong parameter, and one whose whole gradient has the size 1e-7.
TINY = """
import numpy as np

PARAMS = {"w": ("n",), "s": ("n",)}
DATA = {}


def _forward(params, data):
    w, s = params["w"], params["s"]
    return np.sum(np.tanh(w)) + 1e-7 * np.sum(np.sin(s)), None


def value_and_grad(params, data):
    w, s = params["w"], params["s"]
    E, _ = _forward(params, data)
    return float(E), {"w": 1.0 - np.tanh(w) ** 2, "s": 1e-7 * np.cos(s)}
"""

RIGHT = {
    "tanh": TANH,
    "relu": RELU,
    "classifier": CLASSIFIER,
    "linear": LINEAR,
    "tiny": TINY,
    "smallest": SMALLEST,
}

RETURN = "    return float(E), g\n"
WRONG = {
    "factor": TANH.replace(RETURN, "    g['W'] = 1.0005 * g['W']\n" + RETURN),
    "factor of all": TANH.replace(
        RETURN, "    g = {k: 1.0005 * v for k, v in g.items()}\n" + RETURN
    ),
    "factor, relu": RELU.replace(RETURN, "    g['W'] = 1.0005 * g['W']\n" + RETURN),
    "one entry": TANH.replace(RETURN, "    g['U'][0, -1] += 1e-3\n" + RETURN),
    "no recurrence": TANH.replace("delta_h = delta_a @ W\n", "delta_h = 0 * delta_a @ W\n"),
    "transposed": TANH.replace("delta_h = delta_a @ W\n", "delta_h = delta_a @ W.T\n"),
    "linear, factor": LINEAR.replace('"W": K', '"W": 1.0005 * K'),
    "linear, unused moves": LINEAR.replace("0.0 * u", "0.0 * u + 1e-9"),
    "tiny, wrong sign": TINY.replace('"s": 1e-7', '"s": -1e-7'),
    "NaN": TANH.replace(RETURN, "    g['b'][0] = np.nan\n" + RETURN),
    "infinite": TANH.replace(RETURN, "    g['b'][0] = np.inf\n" + RETURN),
    "NaN in E": TANH.replace(RETURN, "    return float('nan'), g\n"),
}
# What a test cannot see: the complex step does not look at the E of value_and_grad.
BLIND = {("NaN in E", "complex step")}


# A third of the entries of the default sizes, for speed.
SMALL = {"n": 2, "m": 3, "q": 2, "T": 3, "B": 2}


def all_accepted(comparisons: tuple[ArrayComparison, ...] | None) -> bool:
    assert comparisons is not None
    return all(found.accepted for found in comparisons)


@functools.cache
def report_of(source: str, seed: int = 0, **sizes: int) -> GradientReport:
    module = module_from_source(source)
    chosen = {**SMALL, **sizes}
    return check_module(module, {name: chosen[name] for name in default_sizes(module)}, seed)


def smallest_with(**attributes: object) -> ModuleType:
    module = module_from_source(SMALLEST)
    for name, value in attributes.items():
        setattr(module, name, value)
    return module


# ------------------------------------------------------------------------- right gradients pass


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", RIGHT)
def test_right_gradients_pass_with_room_to_spare(name: str, seed: int) -> None:
    report = report_of(RIGHT[name], seed)
    assert report.passed, report
    assert report.complex_step is not None
    assert worst_error(report.complex_step) <= COMPLEX_STEP_TOLERANCE
    if name != "tiny":
        assert worst_error(report.finite_differences) <= FINITE_DIFFERENCE_TOLERANCE / 10
    assert report.taylor.kind == ("linear" if name == "linear" else "measured")


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(sorted(RIGHT)),
    size=st.fixed_dictionaries({k: st.integers(1, 4) for k in "nmqTB"}),
    seed=st.integers(0, 10_000),
)
def test_right_gradients_pass_for_every_size_from_one(
    name: str, size: dict[str, int], seed: int
) -> None:
    module = module_from_source(RIGHT[name])
    report = check_module(module, {k: size[k] for k in default_sizes(module)}, seed)
    assert report.passed, report


def test_a_loss_that_is_always_zero_is_reported_as_zero() -> None:
    report = report_of(CLASSIFIER, q=1)
    assert report.passed, report
    assert worst_error(report.finite_differences) == 0.0


def test_a_zero_gradient_is_zero_only_below_the_rounding_level() -> None:
    by_name = {c.name: c for c in report_of(LINEAR).finite_differences}
    assert by_name["u"].error == 0.0
    assert by_name["u"].unresolved == 0
    wrong = {c.name: c for c in report_of(WRONG["linear, unused moves"]).finite_differences}
    assert wrong["u"].error == pytest.approx(1.0)


def test_the_same_seed_gives_the_same_report_and_global_randomness_is_left_alone() -> None:
    before = np.random.get_state()[1].copy()  # type: ignore[index]
    module = module_from_source(CLASSIFIER)
    assert check_module(module, seed=5) == check_module(module, seed=5)
    assert check_module(module, seed=5) != check_module(module, seed=6)
    assert np.array_equal(before, np.random.get_state()[1])  # type: ignore[index]


# -------------------------------------------------------------- wrong gradients are seen by each


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", WRONG)
def test_each_test_alone_sees_a_wrong_gradient(name: str, seed: int) -> None:
    report = report_of(WRONG[name], seed=seed)
    assert not all_accepted(report.finite_differences)
    if (name, "complex step") not in BLIND:
        assert not all_accepted(report.complex_step)
    assert not report.taylor.accepted
    assert not report.passed


@pytest.mark.parametrize(
    ("name", "array"),
    [("factor", "W"), ("factor, relu", "W"), ("one entry", "U"), ("tiny, wrong sign", "s")],
)
def test_the_wrong_array_is_named_and_the_others_are_not_blamed(name: str, array: str) -> None:
    report = report_of(WRONG[name])
    for comparisons in (report.finite_differences, report.complex_step):
        assert comparisons is not None
        assert [c.name for c in comparisons if not c.accepted] == [array]


def test_the_wrong_entry_is_pointed_at() -> None:
    report = report_of(WRONG["one entry"])
    wrong = [c for c in report.finite_differences if not c.accepted]
    columns = report.sizes["m"]
    assert [c.worst_index for c in wrong] == [(0, columns - 1)]


def test_errors_have_the_size_of_the_mistake() -> None:
    report = report_of(WRONG["factor"])
    for comparisons in (report.finite_differences, report.complex_step):
        assert comparisons is not None
        assert worst_error(comparisons) == pytest.approx(5e-4, rel=1e-2)
    tiny = report_of(WRONG["tiny, wrong sign"]).finite_differences
    assert worst_error(tiny) == pytest.approx(2.0)
    assert math.isnan(worst_error(report_of(WRONG["NaN"]).finite_differences))


def test_a_report_reads_as_a_few_lines_that_name_the_failure() -> None:
    report = str(report_of(WRONG["one entry"]))
    first, differences, stepped, order = report.splitlines()
    assert first == "FAILED at n=2, m=3, q=2, T=3, B=2 with seed 0"
    assert differences.startswith("finite differences: W ")
    assert stepped.startswith("complex step: W ")
    for line in (differences, stepped):
        assert line.count("FAILED") == 1
        assert " at [0, 2] FAILED, b " in line
    assert order.startswith("Taylor order: ")
    assert order.endswith(" FAILED")
    assert "FAILED" not in str(report_of(TANH))


@pytest.mark.parametrize("excess", [1e-6, 1e-9, 1e-12])
def test_how_small_a_mistake_each_test_sees(excess: float) -> None:
    source = TANH.replace(RETURN, f"    g['W'] = {1 + excess!r} * g['W']\n" + RETURN)
    report = report_of(source)
    assert not all_accepted(report.complex_step)
    unseen = all_accepted(report.finite_differences)
    assert unseen == (excess < FINITE_DIFFERENCE_TOLERANCE)


# ----------------------------------------------------------------------------------------- kinks

KINK = """
import numpy as np

PARAMS = {"w": ("n",)}
DATA = {}
PLACES = np.array([0.0, 1e-9, -3e-4, 0.1, -0.02])


def _forward(params, data):
    w = params["w"]
    return np.sum(w**3 + np.where(w.real > PLACES, w - PLACES, 0)), None


def value_and_grad(params, data):
    w = params["w"]
    E, _ = _forward(params, data)
    return float(E), {"w": 3 * w**2 + (w > PLACES)}
"""


def at_kinks(source: str = KINK) -> Point:
    return Point(module_from_source(source), {"w": np.zeros(5)})


def test_kinks_beside_the_point_are_resolved_and_those_at_the_point_are_counted() -> None:
    (comparison,) = central_differences(at_kinks())
    assert comparison.accepted, comparison
    assert comparison.unresolved == 2
    assert comparison.error < 1e-9


def test_a_kink_does_not_hide_a_wrong_gradient_beside_it() -> None:
    source = KINK.replace("+ (w > PLACES)", "+ 0.5 * (w.real > PLACES) + 0.25 * (PLACES > 0)")
    (comparison,) = central_differences(at_kinks(source))
    assert not comparison.accepted


def test_unresolved_entries_need_the_word_of_the_complex_step() -> None:
    taylor = TaylorResult(2.0, "measured")
    report = GradientReport({"n": 5}, 0, central_differences(at_kinks()), None, taylor)
    assert report.unresolved == 2
    assert not report.passed
    both = dataclasses.replace(report, complex_step=complex_derivatives(at_kinks()))
    assert both.unresolved == 0
    assert both.passed


@pytest.mark.parametrize("distance", [3e-1, 1e-2, 1e-4, 1e-6])
def test_a_slope_beside_a_kink_is_that_of_its_own_side(distance: float) -> None:
    estimate = smooth_slope(lambda x: math.sin(x) + max(x - distance, 0.0), 0.0, 0.0, noise=1e-16)
    assert estimate is not None
    assert estimate.value == pytest.approx(1.0, rel=1e-8)


def test_a_weak_kink_at_the_point_is_seen_too() -> None:
    assert smooth_slope(lambda x: math.sin(x) + 1e-5 * abs(x), 0.0, 0.0, noise=1e-16) is None


@pytest.mark.parametrize("frequency", [1.0, 30.0, 1000.0])
def test_the_step_follows_the_function(frequency: float) -> None:
    estimate = smooth_slope(
        lambda x: math.sin(frequency * x), 0.3, math.sin(0.3 * frequency), noise=2e-16
    )
    assert estimate is not None
    slope = frequency * math.cos(0.3 * frequency)
    assert estimate.value == pytest.approx(slope, rel=1e-8)


def test_a_function_without_a_derivative_has_no_slope() -> None:
    noise = np.random.default_rng(0)
    assert smooth_slope(lambda x: float(noise.standard_normal()), 0.0, 0.0, 1e-16) is None
    assert smooth_slope(lambda x: math.nan, 0.0, 0.0, 1e-16) is None


# ---------------------------------------------------------------------------------- complex step


def test_complex_step_does_not_apply_without_forward() -> None:
    module = module_from_source(SMALLEST)
    bare = ModuleType("bare")
    bare.PARAMS, bare.DATA = module.PARAMS, module.DATA  # type: ignore[attr-defined]
    bare.value_and_grad = module.value_and_grad  # type: ignore[attr-defined]
    report = check_module(bare)
    assert report.complex_step is None
    assert report.passed


@pytest.mark.parametrize(
    "body",
    [
        "raise TypeError('no complex numbers')",
        "return float(np.sum(params['w'])), None",
        "buffer = np.empty(2); buffer[:] = params['w']; return np.sum(buffer), None",
        "return np.sum(np.abs(params['w'])), None",
    ],
    ids=["raises", "converts", "drops in a buffer", "takes the modulus"],
)
def test_complex_step_does_not_apply_to_what_refuses_complex_numbers(body: str) -> None:
    forward = '    return np.sum(np.tanh(params["w"] * data["x"])), None\n'
    source = SMALLEST.replace(forward, f"    {body}\n").replace(
        "E, _ = _forward(params, data)", 'E = np.sum(np.tanh(params["w"] * data["x"]))'
    )
    report = report_of(source)
    assert report.complex_step is None
    assert report.passed


@pytest.mark.parametrize(("factor", "passes"), [(1.0, True), (1.0 + 1e-8, False)])
def test_a_saturated_tanh_is_not_blamed_for_the_digits_that_it_loses(
    factor: float, passes: bool
) -> None:
    source = SMALLEST.replace("slope = 1.0", f"slope = {factor!r} * (1.0").replace("** 2", "** 2)")
    module = module_from_source(source)
    point = Point(module, {"w": np.array([2.1, 2.4]), "x": np.array([2.2, 2.0])})
    results = complex_derivatives(point)
    assert results is not None
    assert worst_error(results) > COMPLEX_STEP_TOLERANCE
    assert all_accepted(results) == passes


SATURATED = [
    ([3.70949726, 3.97828496], [3.52359961, 3.58132826]),
    ([3.59814736, 3.85030549], [3.62393343, 3.82590332]),
]


@pytest.mark.parametrize(("factor", "passes"), [(1.0, True), (1.001, False)])
@pytest.mark.parametrize(("w", "x"), SATURATED)
def test_far_in_saturation_lost_digits_are_no_noise(
    w: list[float], x: list[float], factor: float, passes: bool
) -> None:
    """There tanh is wrong by the same part of a digit over a long way."""
    if np.finfo(np.longdouble).eps == np.finfo(np.float64).eps:
        pytest.skip("this machine has no longer numbers")
    source = SMALLEST.replace("slope = 1.0", f"slope = {factor!r} * (1.0").replace("** 2", "** 2)")
    point = Point(module_from_source(source), {"w": np.array(w), "x": np.array(x)})
    results = complex_derivatives(point)
    assert results is not None
    assert all_accepted(results) == passes


def test_a_forward_that_breaks_is_not_taken_for_one_that_refuses() -> None:
    guard = "def _forward(params, data):\n    if np.iscomplexobj(params['w']): params['of no name']"
    source = SMALLEST.replace("def _forward(params, data):", guard)
    with pytest.raises(VerificationError, match="_forward fails on complex arrays: KeyError"):
        report_of(source)


def test_complex_step_survives_powers_quotients_and_vanishing_gradients() -> None:
    source = """
import numpy as np
PARAMS = {"w": ("n",), "v": ("n",), "z": ("n",)}
DATA = {}
def _forward(params, data):
    w, v, z = params["w"], params["v"], params["z"]
    return np.sum(w**2 * w / (1 + w * w)) + np.sum(np.exp(-200.0 - v)) + np.sum(z**3), None
def value_and_grad(params, data):
    w, v, z = params["w"], params["v"], params["z"]
    g = (3 * w**2 + w**4) / (1 + w * w) ** 2
    return float(_forward(params, data)[0]), {"w": g, "v": -np.exp(-200.0 - v), "z": 3 * z**2}
"""
    module = module_from_source(source)
    point = {"w": np.array([0.0, 1.0]), "v": np.array([1.0, 2.0]), "z": np.array([0.0, 0.0])}
    results = complex_derivatives(Point(module, point))
    assert results is not None
    assert worst_error(results) < 1e-14


def test_complex_step_forgives_what_cancels_to_rounding_and_nothing_else() -> None:
    source = """
import numpy as np
PARAMS = {"w": ("n",), "a": ("n",)}
DATA = {}
def _forward(params, data):
    w, a = params["w"], params["a"]
    return np.sum(w * (np.sin(a) ** 2 + np.cos(a) ** 2)), None
def value_and_grad(params, data):
    w, a = params["w"], params["a"]
    cancelled = w * 2 * np.sin(a) * np.cos(a) - w * np.sin(2 * a)
    return float(_forward(params, data)[0]), {"w": 1.0 + 0 * w, "a": cancelled + EXTRA}
"""
    right = report_of(source.replace("EXTRA", "0.0"), n=4)
    assert right.passed, right
    wrong = report_of(source.replace("EXTRA", "1e-13"), n=4)
    assert not wrong.passed


# ----------------------------------------------------------------------------------- Taylor test


def test_the_order_is_two_and_for_a_wrong_gradient_one() -> None:
    assert report_of(TANH).taylor.order == pytest.approx(2.0, abs=0.01)
    assert report_of(WRONG["no recurrence"]).taylor.order == pytest.approx(1.0, abs=0.05)


def test_a_linear_loss_has_no_order_and_a_wrong_gradient_of_it_has_order_one() -> None:
    right = report_of(LINEAR).taylor
    assert (right.order, right.kind, right.accepted) == (None, "linear", True)
    wrong = report_of(WRONG["linear, factor"]).taylor
    assert wrong.kind == "measured"
    assert wrong.order == pytest.approx(1.0, abs=0.01)
    unused = report_of(WRONG["linear, unused moves"]).taylor
    assert unused.kind == "measured"
    assert not unused.accepted


DEAD = """
import numpy as np
PARAMS = {"w": ("n",), "b": ("n",)}
DATA = {}
def _forward(params, data):
    w, b = params["w"], params["b"]
    return np.sum(b) + np.sum(np.where(w.real > 0.01, (w - 0.01) ** 2, 0)), None
def value_and_grad(params, data):
    w, b = params["w"], params["b"]
    return float(_forward(params, data)[0]), {"w": 2 * (w - 0.01) * (w > 0.01), "b": SLOPE + 0 * b}
"""


def test_a_network_that_is_linear_up_to_a_kink_has_no_order() -> None:
    point = {"w": np.zeros(3), "b": np.array([0.3, -1.2, 0.4])}
    right = taylor_test(Point(module_from_source(DEAD.replace("SLOPE", "1.0")), point))
    assert (right.order, right.kind, right.accepted) == (None, "linear", True)
    wrong = taylor_test(Point(module_from_source(DEAD.replace("SLOPE", "1.0005")), point))
    assert wrong.order == pytest.approx(1.0, abs=0.01)


def test_the_fitted_order_of_a_vanishing_remainder_is_not_a_number() -> None:
    assert math.isnan(fitted_order(np.array([1.0, 0.0])))


def test_a_kink_at_the_point_leaves_no_order() -> None:
    result = taylor_test(at_kinks())
    assert not result.accepted


# ---------------------------------------------------------------------------- loading and drawing


def test_load_module_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "emitted.py"
    path.write_text(SMALLEST, encoding="utf-8")
    before = set(sys.modules)
    first = load_module(path)
    path.write_text(SMALLEST.replace('"n"', '"k"'), encoding="utf-8")
    second = load_module(str(path))
    assert (first.PARAMS, second.PARAMS) == ({"w": ("n",)}, {"w": ("k",)})
    assert set(sys.modules) == before
    assert [p.name for p in tmp_path.iterdir()] == ["emitted.py"]
    assert check_module(path).passed


def test_a_module_may_define_dataclasses() -> None:
    header = "from __future__ import annotations\nimport dataclasses\n"
    tape = "@dataclasses.dataclass(frozen=True)\nclass Tape:\n    h: list[float]\n"
    assert report_of(header + tape + SMALLEST).passed


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (None, "cannot read"),
        ("def broken(:\n", "fails on import: SyntaxError"),
        ("a\0b", "fails on import"),
        ("import nothing_of_that_name\n", "fails on import: ModuleNotFoundError"),
        ("raise SystemExit(3)\n", "fails on import: SystemExit"),
        ("DATA = {}\n", "has no PARAMS and no value_and_grad"),
        (SMALLEST.replace("value_and_grad", "gradient"), "has no value_and_grad"),
        (SMALLEST.replace('("n",)', '"n"'), "PARAMS"),
        (SMALLEST.replace('{"x"', '{"w"'), "w in"),
        (SMALLEST + "CONSTRAINTS = {'x': 'positive'}\n", "'positive' of x"),
    ],
)
def test_a_module_that_cannot_be_tested_is_refused(
    tmp_path: Path, source: str | None, said: str
) -> None:
    path = tmp_path / "emitted.py"
    if source is not None:
        path.write_bytes(source.encode())
    before = set(sys.modules)
    with pytest.raises(VerificationError, match=said) as caught:
        check_module(path)
    assert "emitted.py" in str(caught.value)
    assert set(sys.modules) == before


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda p, d: (0.0, {"x": d["x"]}), "no gradient of w"),
        (lambda p, d: (0.0, {"w": p["w"], "v": p["w"]}), "gradient of v, which is not in"),
        (lambda p, d: (0.0, {"w": p["w"][:1]}), "gradient of w has shape"),
        (lambda p, d: (0.0, {"w": p["w"] * 1j}), "dtype complex128"),
        (lambda p, d: 1 / 0, "fails on drawn arrays: ZeroDivisionError"),
    ],
)
def test_gradients_of_the_wrong_form_are_named(function: object, said: str) -> None:
    with pytest.raises(VerificationError, match=said):
        check_module(smallest_with(value_and_grad=function))


def test_a_gradient_of_a_constrained_array_is_refused() -> None:
    with pytest.raises(VerificationError, match="gradient of x, which is not free"):
        check_module(smallest_with(CONSTRAINTS={"x": "one-hot"}))


def test_drawn_arrays_have_shapes_scales_and_constraints() -> None:
    module = module_from_source(CLASSIFIER)
    arrays = draw_arrays(module, {"n": 400, "q": 100, "T": 3, "B": 2}, seed=1)
    assert arrays["V"].shape == (100, 400)
    assert np.std(arrays["V"]) == pytest.approx(1.0 / 20.0, rel=0.02)
    assert np.std(arrays["c"]) == pytest.approx(1.0, rel=0.2)
    assert np.std(arrays["x"]) == pytest.approx(1.0, rel=0.1)
    assert np.array_equal(np.unique(arrays["y"]), [0.0, 1.0])
    assert np.array_equal(arrays["y"].sum(axis=-1), np.ones((3, 2)))
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float64)}


def test_default_sizes_are_small_and_different() -> None:
    assert default_sizes(module_from_source(TANH)) == {"n": 2, "m": 5, "q": 6, "T": 4, "B": 3}


@pytest.mark.parametrize(
    ("sizes", "said"), [({"k": 3}, "no size k"), ({"n": 0}, "needs positive sizes")]
)
def test_sizes_that_do_not_fit_are_named(sizes: dict[str, int], said: str) -> None:
    with pytest.raises(VerificationError, match=said):
        check_module(smallest_with(), sizes)


# -------------------------------------------------------------------------------------- comparing


def test_comparison_has_no_absolute_floor() -> None:
    gradient = np.array([1e-150, 2e-150])
    wrong = compare("w", gradient, -gradient, np.zeros(2), FINITE_DIFFERENCE_TOLERANCE)
    assert wrong.error == 2.0
    assert not wrong.accepted


def test_comparison_says_when_rounding_is_too_large_to_tell() -> None:
    gradient = np.array([1.0, 1.0])
    rounding = np.array([1e-12, 2.0 * RESOLUTION_LIMIT])
    found = compare("w", gradient, gradient * 1.0001, rounding, FINITE_DIFFERENCE_TOLERANCE)
    assert found.unresolved == 1
    assert not found.accepted


def test_a_zero_gradient_with_an_entry_that_cannot_be_measured_is_unresolved() -> None:
    measured, rounding = np.array([0.0, math.nan]), np.array([0.0, math.inf])
    found = compare("w", np.zeros(2), measured, rounding, FINITE_DIFFERENCE_TOLERANCE)
    assert found.accepted
    assert found.unresolved == 1
