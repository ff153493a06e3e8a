"""Sequences of different lengths in a batch: the sum over single sequences, each at its own."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.build import STYLES, emit_source
from codegen.gradcheck import check_module
from codegen.options import Options
from derivations import Model, cell, derive, prove
from derivations.errors import EmitError, ModelError
from derivations.masking import masked
from tests.emitted import CHECKED, NAMES, Arrays, assert_same, derived, drawn, module

LENGTHS = Options(lengths=True)
STORED = Options(lengths=True, checkpoint=True)
CHUNKS = Options(lengths=True, truncate=True, stream=True, clip=True)


def one_by_one(name: str, params: Arrays, data: Arrays) -> tuple[float, Arrays]:
    """Return the value and the gradients of every sequence alone, put together."""
    plain = module(name, "textbook")
    value, gradients = 0.0, {key: np.zeros_like(array) for key, array in params.items()}
    for number, length in enumerate(data["lengths"]):
        alone = {
            key: data[key][:length, [number]] if axes[0] == "T" else data[key][[number]]
            for key, axes in plain.DATA.items()
        }
        own, found = plain.value_and_grad(params, alone)
        value += own
        for key, gradient in found.items():
            if key in params:
                gradients[key] += gradient
            else:
                whole = gradients.setdefault(key, np.zeros_like(data[key]))
                place = (slice(length), [number]) if plain.DATA[key][0] == "T" else [number]
                whole[place] = gradient
    return value, gradients


def with_padding(name: str, data: Arrays, lengths: list[int], padding: float) -> Arrays:
    """Return data in which a number stands behind the end of every sequence."""
    padded = {key: array.copy() for key, array in data.items()}
    for key, axes in module(name, "textbook").DATA.items():
        if axes[0] == "T":
            for number, length in enumerate(lengths):
                is_float = padded[key].dtype.kind == "f"
                padded[key][length:, number] = padding if is_float else np.sign(padding) * 1000
    return {**padded, "lengths": np.array(lengths)}


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    style=st.sampled_from(sorted(STYLES)),
    options=st.sampled_from([LENGTHS, STORED, CHUNKS]),
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=4),
    longer=st.integers(0, 2),
    padding=st.sampled_from([0.0, -7.0, 3.0, 1e100, -1e308]),
    seed=st.integers(0, 10**6),
)
@pytest.mark.slow
def test_a_batch_is_the_sum_of_its_sequences(
    name: str,
    style: str,
    options: Options,
    lengths: list[int],
    longer: int,
    padding: float,
    seed: int,
) -> None:
    """Whatever finite numbers stand behind the end of a sequence."""
    params, data = drawn(module(name, "textbook"), max(lengths) + longer, len(lengths), seed)
    data = with_padding(name, data, lengths, padding)
    emitted = module(name, style, options)
    # A stream is given the states that are zero at first.
    states = drawn(emitted, 1, len(lengths))[1]
    data |= {key: 0 * states[key] for key in states.keys() - data.keys()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = emitted.value_and_grad(params, data)
    assert_same(found, one_by_one(name, params, data), rel=1e-11)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", NAMES)
def test_every_network_takes_lengths(name: str, style: str) -> None:
    params, data = drawn(module(name, "textbook"), 5, 3)
    for lengths in ([5, 5, 5], [1, 3, 5], [2, 1, 4]):
        padded = with_padding(name, data, lengths, padding=2.0)
        found = module(name, style, LENGTHS).value_and_grad(params, padded)
        assert_same(found, one_by_one(name, params, padded))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, LENGTHS) for name in CHECKED),
        *((name, STORED) for name in ("lstm", "rnn-last", "rnn-labels", "fast-weights", "rnn-hh")),
    ],
)
def test_lengths_pass_all_three_checks(name: str, options: Options) -> None:
    report = check_module(module(name, "fast", options), {"T": 5}, seed=1)
    assert report.passed, str(report)
    assert report.complex_step is not None


@pytest.mark.parametrize("name", NAMES)
def test_truncation_of_a_batch_is_that_of_its_sequences(name: str) -> None:
    """Sequences that end where a window does: elsewhere, the last window is another one."""
    emitted = module(name, "fast", Options(lengths=True, truncate=True))
    alone = module(name, "fast", Options(truncate=True))
    params, data = drawn(module(name, "textbook"), 6, 3)
    data = with_padding(name, data, lengths := [2, 6, 4], padding=1.0)
    value, gradients = 0.0, {key: np.zeros_like(array) for key, array in params.items()}
    for number, length in enumerate(lengths):
        own = {
            key: data[key][:length, [number]] if axes[0] == "T" else data[key][[number]]
            for key, axes in alone.DATA.items()
        }
        found, by = alone.truncated_value_and_grad(params, own, 2, 3)
        value += found
        for key in params:
            gradients[key] += by[key]
    assert_same(emitted.truncated_value_and_grad(params, data, 2, 3), (value, gradients))


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([0, 1, 2], r"data\['lengths'\] has lengths outside of 1 to T, which is 4"),
        ([1, 2, 5], r"data\['lengths'\] has lengths outside of 1 to T, which is 4"),
        ([1.0, 2.0, 3.0], r"data\['lengths'\] is float64; an array of integer numbers"),
        ([1, 2], r"data\['lengths'\] has shape \(2,\); \(B=3\) was expected"),
        (None, r"data\['lengths'\] is NoneType"),
    ],
)
def test_bad_lengths_are_named(lengths: object, message: str) -> None:
    emitted = module("rnn-labels", "fast", LENGTHS)
    params, data = drawn(emitted, 4, 3)
    data["lengths"] = lengths if lengths is None else np.array(lengths)
    with pytest.raises(ValueError, match=message):
        emitted.value_and_grad(params, data)


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [("rnn-labels", 99, "has labels outside"), ("rnn", 0, "each row was expected to sum to one")],
)
def test_targets_are_checked_within_the_sequences(name: str, wrong: int, message: str) -> None:
    emitted = module(name, "fast", LENGTHS)
    params, data = drawn(emitted, 4, 3)
    data["lengths"] = np.array([2, 4, 3])
    data["y"][2, 0] = wrong
    emitted.value_and_grad(params, data)
    data["y"][1, 0] = wrong
    with pytest.raises(ValueError, match=message):
        emitted.value_and_grad(params, data)


@pytest.mark.parametrize(
    "name", ["rnn-labels", "lstm", "fast-weights", "bidirectional", "rnn-last", "leaky", "rnn-hh"]
)
def test_a_masked_derivation_is_proven(name: str) -> None:
    model = masked(cell(name))
    derivation = prove(derive(model))
    assert derivation.proven
    assert not model.is_last_only
    forward = derivation.equation("forward:E")
    assert model.unspecified_loss or "text{mask}_t" in forward.latex


def test_the_name_of_the_mask_is_taken_once() -> None:
    model = Model.read("h_t = tanh(W h_{t-1} + \\text{mask}_t)\nE_t = \\|h_t\\|^2")
    with pytest.raises(ModelError, match="mask would stand for two things"):
        masked(model)


def test_the_name_of_the_lengths_is_taken_once() -> None:
    model = Model.read("h_t = tanh(W h_{t-1} + U \\text{lengths}_t)\nE_t = \\|h_t\\|^2")
    with pytest.raises(EmitError, match="lengths would stand for two things"):
        emit_source(derive(masked(model)), "own", "fast", options=LENGTHS)


def test_the_plain_derivation_does_not_do_for_lengths() -> None:
    with pytest.raises(EmitError, match="another derivation"):
        emit_source(derived("rnn"), "rnn", "fast", options=LENGTHS)
