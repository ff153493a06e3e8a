"""What is measured, against numbers that were got in another way."""

import math
from functools import cache

import numpy as np
import pytest

from codegen.build import emit_source
from codegen.flow.measure import measure
from codegen.flow.network import random_network
from codegen.flow.point import INITIALISATIONS, Measured, Point, Settings
from codegen.flow.probe import Probe, probe_of
from codegen.flow.trajectory import Trajectory, loaded, run
from codegen.gradcheck.module import module_from_source
from derivations import Model, cell, cell_names, derive
from derivations.errors import BpttError

CELLS = cell_names()
#: A state of two parts, one of which is only carried along, and a gate that lets half of it pass.
OWN = r"""
g_t = \operatorname{sigmoid}(W_g [h_{t-1}; x_t] + b_g)
h_t = g_t \odot h_{t-1} + (1 - g_t) \odot \tanh(W x_t + V h_{t-3})
E_t = \frac{1}{2} \|y_t - C h_t\|^2
x_t is the input
y_t is the target
"""
BACKWARDS = r"""
h_t = \tanh(W h_{t+1} + U x_t + b)
E_t = \frac{1}{2} \|y_t - C h_t\|^2
x_t is the input
y_t is the target
"""
#: A matrix as the state, with a function of a matrix in it.
MATRIX = r"""
S_t = \lambda S_{t-1} + \tanh(A S_{t-1} + v_t k_t^\top)
v_t = W x_t
k_t = K x_t
E_t = \frac{1}{2} \|y_t - S_t x_t\|^2
\lambda is a scalar
x_t is the input
y_t is the target
"""
#: Two parts of one parameter meet two parts of the state.
PARTS = r"""
f_t = \operatorname{sigmoid}(W_f [h_{t-1}; c_{t-1}; x_t] + b_f)
c_t = f_t \odot c_{t-1} + \tanh(W_c [h_{t-1}; c_{t-1}; x_t])
h_t = \tanh(c_t)
E_t = \frac{1}{2} \|y_t - h_t\|^2
x_t is the input
y_t is the target
"""
TEXTS = {"own": OWN, "backwards": BACKWARDS, "matrix": MATRIX, "parts": PARTS}


@cache
def probe(name: str, activation: str | None = None) -> Probe:
    if name in CELLS:
        return probe_of(cell(name, "sigmoid" if name == "rnn-hh" else activation), name)
    return probe_of(Model.read(TEXTS[name]), name)


def point(name: str, steps: int = 6, size: int = 3, **changes: object) -> Point:
    settings = Settings(steps=steps, size=size, input_scale=0.7)
    values = {"initialisation": "gaussian", "scale": "gain", "value": 1.1, "seed": 3} | changes
    return Point(name, "", settings=settings, **values)  # type: ignore[arg-type]


def ran(name: str, **changes: object) -> Trajectory:
    asked = point(name, **changes)  # type: ignore[arg-type]
    found = probe(name)
    network = random_network(found, loaded(found.own_source), asked)
    return run(found, network, asked.settings.steps)


def end_after_a_change(name: str, change: np.ndarray) -> np.ndarray:
    """The last state of a network whose first state is changed: forward code alone."""
    found, asked = probe(name), point(name)
    network = random_network(found, loaded(found.own_source), asked)
    start = 0
    for member in found.members:
        array = network.data[member.own_name]
        array += change[start : start + array.size].reshape(array.shape)
        start += array.size
    states = run(found, network, asked.settings.steps).states
    return np.concatenate([state[-1].ravel() for state in states])


#: What takes seconds to derive is left to CI.
LARGE = {"stacked-lstm", "rhn", "lstm-peephole", "lstm-coupled"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name
        for name in (*CELLS, *TEXTS)
    ],
)
def test_the_jacobian_of_many_steps_is_what_central_differences_say(name: str) -> None:
    size = sum(ran(name).entries)
    step = 1e-5
    columns = [
        (end_after_a_change(name, step * unit) - end_after_a_change(name, -step * unit))
        / (2 * step)
        for unit in np.eye(size)
    ]
    expected = np.linalg.norm(np.array(columns).T, 2)
    assert 10 ** measure(probe(name), point(name)).norms[-1] == pytest.approx(expected, rel=1e-6)


def test_an_elman_network_is_a_product_of_slopes_and_a_matrix() -> None:
    trajectory = ran("rnn", steps=9, size=5)
    W = trajectory.parameters["W_rec"]
    product, expected = np.eye(5), [0.0]
    for h in trajectory.states[0][:0:-1]:
        product = product @ (np.diag(1 - h.ravel() ** 2) @ W)
        expected.append(math.log10(np.linalg.norm(product, 2)))
    found = measure(probe("rnn"), point("rnn", steps=9, size=5))
    np.testing.assert_allclose(found.norms, expected, rtol=0, atol=1e-12)
    slopes = [np.log(1 - h**2).sum() for h in trajectory.states[0][1:]]
    volume = sum(slopes) / 9 + np.log(abs(np.linalg.det(W)))
    assert sum(found.exponents) == pytest.approx(volume, abs=1e-12)
    assert found.stretch == pytest.approx(np.linalg.norm(W, 2), rel=1e-12)
    assert found.radius == pytest.approx(max(abs(np.linalg.eigvals(W))), rel=1e-12)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "two-lag", "own", "mgu", "stacked-rnn"])
def test_the_terms_add_up_to_the_gradient_of_the_last_loss(name: str) -> None:
    """Against one run of back-propagation over all steps, of the model that is judged at T only."""
    asked, found = point(name), probe(name)
    model = cell(name) if name in CELLS else Model.read(OWN)
    item = "- " if "$$" in model.text else ""
    last = Model.read(f"{model.text}\n{item}loss at the last step only\n")
    module = module_from_source(emit_source(derive(last), name, "textbook"))
    network = random_network(found, loaded(found.own_source), asked)
    data = {
        key: network.data[key][-1] if len(axes) < network.data[key].ndim else network.data[key]
        for key, axes in module.DATA.items()
    }
    gradients = module.value_and_grad(network.parameters, data)[1]
    parts = [one.columns_in(gradients[one.name], network.sizes).ravel() for one in found.recurrent]
    measured = measure(found, asked)
    whole = np.linalg.norm(np.concatenate(parts))
    assert 10**measured.gradient == pytest.approx(whole, rel=1e-10)
    inputs = [np.linalg.norm(row) for row in gradients["x"][::-1, 0]]
    np.testing.assert_allclose(10 ** np.array(measured.inputs), inputs, rtol=1e-9)


def test_the_carry_is_the_product_of_the_forget_gates() -> None:
    asked = point("lstm", steps=5)
    trajectory = ran("lstm", steps=5)
    found = trajectory.probe
    gates = trajectory.values[found.carry or 0]
    expected = [0.0, *(math.log10(np.prod(gates[-d:], axis=0).max()) for d in range(1, 6))]
    np.testing.assert_allclose(measure(found, asked).carry, expected, atol=1e-12)


@pytest.mark.parametrize("value", [0.25, pytest.param(2.0, marks=pytest.mark.slow)])
def test_ten_thousand_steps_neither_underflow_nor_overflow(value: float) -> None:
    """At rest a tanh network is linear: 2^10,000 and 4^-10,000 are no doubles."""
    steps = Settings(steps=10_000, size=3, input_scale=0.0)
    found = measure(probe("rnn"), Point("rnn", "", "orthogonal", "gain", value, 0, steps))
    expected = 10_000 * math.log10(value)
    assert found.norms[-1] == pytest.approx(expected, rel=1e-12)
    assert found.bounds[-1] == pytest.approx(expected, rel=1e-9)
    assert found.inputs[-1] - found.inputs[0] == pytest.approx(expected, rel=0.01)
    assert found.exponents[0] == pytest.approx(math.log(value), rel=1e-12)


def test_a_model_without_a_recurrent_parameter_is_refused() -> None:
    half = Model.read("h_t = 0.5 h_{t-1} + W x_t\nE_t = ‖h_t‖^2\nx_t is the input")
    with pytest.raises(BpttError, match="No parameter of half meets the state before"):
        probe_of(half, "half")


def test_states_that_overflow_are_refused() -> None:
    asked = point("rnn", steps=10_000, size=2, initialisation="orthogonal", value=1.25)
    with pytest.raises(BpttError, match="too large"):
        measure(probe("rnn", "identity"), asked)


def test_what_is_measured_comes_from_the_seed_alone() -> None:
    for name in ("rnn", "lstm"):
        asked = point(name, steps=20, size=8)
        first = measure(probe(name), asked)
        probe.cache_clear()
        assert measure(probe(name), asked) == first
        assert measure(probe(name), point(name, steps=20, size=8, seed=4)) != first


@pytest.mark.parametrize("name", ["rnn", "lstm", "diagonal", "fast-weights", "jordan"])
def test_a_spectral_radius_is_set(name: str) -> None:
    for initialisation in INITIALISATIONS:
        asked = point(name, scale="radius", value=0.7, initialisation=initialisation, size=4)
        assert measure(probe(name), asked).radius == pytest.approx(0.7, rel=1e-9)


def test_orthogonal_matrices_are_orthogonal() -> None:
    asked = point("rnn", initialisation="orthogonal", value=1.0, size=7)
    W = random_network(probe("rnn"), loaded(probe("rnn").own_source), asked).parameters["W_rec"]
    np.testing.assert_allclose(W @ W.T, np.eye(7), atol=1e-12)


def test_biases_are_set_where_a_model_has_them() -> None:
    found = probe("lstm")
    settings = Settings(steps=2, size=3, biases=(("b_f", 3.0), ("b", 1.0), ("W_f", 7.0)))
    asked = Point("lstm", "", "gaussian", "gain", 1.0, 0, settings)
    parameters = random_network(found, loaded(found.own_source), asked).parameters
    assert np.all(parameters["b_f"] == 3)
    assert np.all(parameters["b_i"] == 0)
    assert not np.any(parameters["W_f"] == 7)


def exceeded(found: Measured) -> bool:
    return any(norm > bound for norm, bound in zip(found.norms, found.bounds, strict=True))


#: Together with the cells: ten thousand.
NETWORKS = math.ceil(10_000 / len(CELLS))


@pytest.mark.slow
@pytest.mark.parametrize("name", CELLS)
def test_no_random_network_exceeds_its_bound(name: str) -> None:
    generator = np.random.default_rng(len(name))
    for seed in range(NETWORKS):
        asked = Point(
            name,
            "",
            INITIALISATIONS[seed % 3],
            "gain",
            float(np.exp(generator.uniform(-2, 1.5))),
            seed,
            Settings(
                steps=int(generator.integers(1, 9)),
                size=int(generator.integers(1, 6)),
                input_scale=float(np.exp(generator.uniform(-3, 2))),
            ),
        )
        assert not exceeded(measure(probe(name), asked)), asked


def test_each_part_of_a_parameter_has_its_own_norm_in_the_bound() -> None:
    found, asked = probe("parts"), point("parts", steps=1, size=4)
    network = random_network(found, loaded(found.own_source), asked)
    of_h, of_c = (
        {name: np.linalg.norm(network.parameters[name][:, columns], 2) for name in ("W_f", "W_c")}
        for columns in (slice(0, 4), slice(4, 8))
    )
    largest = np.abs(run(found, network, 1).states[1][0]).max()  # of c_0
    by_h = 0.25 * largest * of_h["W_f"] + of_h["W_c"]
    by_c = 0.25 * largest * of_c["W_f"] + of_c["W_c"] + 1
    expected = np.linalg.norm([[by_c, by_h], [by_c, by_h]], 2)
    assert 10 ** measure(found, asked).bounds[-1] == pytest.approx(expected, rel=1e-9)


def test_the_bound_is_reached() -> None:
    """By a linear network with an orthogonal matrix: no smaller bound holds."""
    found = measure(
        probe("rnn", "identity"), point("rnn", initialisation="orthogonal", steps=5, size=4)
    )
    assert not exceeded(found)
    np.testing.assert_allclose(found.norms, found.bounds, atol=1e-12)
