"""Modules for long sequences: checkpointing, truncation and streams beside the plain gradient."""

from __future__ import annotations

import importlib.util
import itertools
import subprocess
import sys
import tracemalloc
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.build import STYLES, emit_source, model_for
from codegen.gradcheck import check_module
from codegen.options import PLAIN, Options
from derivations import Model, derive
from derivations.errors import EmitError, ModelError
from derivations.notation.names import identifier
from tests.emitted import CHECKED, NAMES, TEXTS, Arrays, assert_same, derived, drawn, module, source

CHECKPOINT = Options(checkpoint=True)
TRUNCATE = Options(truncate=True)
STREAM = Options(stream=True)
LENGTHS = Options(lengths=True)
EVERYTHING = Options(*[True] * 5)
#: Choices of options that make different modules.
OPTIONS = [CHECKPOINT, TRUNCATE, STREAM, LENGTHS, EVERYTHING]


# Checkpointing


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", NAMES)
def test_checkpointing_is_the_plain_gradient(name: str, style: str) -> None:
    """For one step, whole segments, a shorter last one, and primes."""
    plain, stored = module(name, "textbook"), module(name, style, CHECKPOINT)
    assert stored.DATA == plain.DATA
    for steps in (1, 2, 3, 4, 7, 13):
        params, data = drawn(plain, steps, seed=steps)
        assert_same(stored.value_and_grad(params, data), plain.value_and_grad(params, data))


@pytest.mark.parametrize("name", CHECKED)
def test_checkpointing_passes_all_three_checks(name: str) -> None:
    report = check_module(module(name, "fast", CHECKPOINT), {"T": 5}, seed=1)
    assert report.passed, str(report)
    assert report.complex_step is not None


@pytest.mark.parametrize("name", ["lstm", "rnn-last", "zeros"])
def test_checkpointing_with_gradients_by_parameters_alone(name: str) -> None:
    plain = module(name, "textbook", gradients="parameters")
    stored = module(name, "fast", CHECKPOINT, "parameters")
    params, data = drawn(plain, 7)
    assert_same(stored.value_and_grad(params, data), plain.value_and_grad(params, data))
    value, tape = stored.forward(params, data)
    assert value == stored.value_and_grad(params, data)[0]
    assert stored.backward(params, data, tape).keys() == params.keys()


def peak(emitted: ModuleType, steps: int) -> int:
    """Return how many bytes a gradient takes at most."""
    params, data = drawn(emitted, steps, batch=1)
    tracemalloc.start()
    _, tape = emitted._forward(params, data)  # the check of the arguments takes some bytes a step
    emitted.backward(params, data, tape)
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def test_memory_grows_with_the_root_of_the_steps() -> None:
    """Four times as many steps: four times the plain tape, twice the checkpointed one."""
    plain = module("lstm", "fast", gradients="parameters")
    stored = module("lstm", "fast", CHECKPOINT, "parameters")
    assert peak(plain, 4096) / peak(plain, 1024) > 3.8
    assert peak(stored, 4096) / peak(stored, 1024) < 2.2


# Truncation


def window_of(data: Arrays, emitted: ModuleType, start: int, stop: int) -> Arrays:
    """Return the data of some steps."""
    return {
        name: array[start:stop] if emitted.DATA[name][0] == "T" else array
        for name, array in data.items()
    }


def truncated(name: str, params: Arrays, data: Arrays, k1: int, k2: int) -> tuple[float, Arrays]:
    """Do it literally: of each window, all losses less those that have been counted before.

    The state before a window is a constant.
    """
    plain = module(name, "textbook", STREAM if name in ("zeros", "zeros-of-two") else PLAIN)
    streamed = module(name, "textbook", STREAM)
    is_last_only = derived(name).model.is_last_only
    timed = next(key for key, axes in plain.DATA.items() if axes[0] == "T")
    steps = len(data[timed])
    ends = [*range(k1, steps, k1), steps]
    value, gradients = 0.0, {key: np.zeros_like(array) for key, array in params.items()}
    for counted, stop in zip([0, *ends], ends, strict=False):
        start = max(0, stop - k2)
        before = window_of(data, plain, 0, start)
        states = streamed.stream(params, before)[2] if start else {}
        signs = {1: stop} if is_last_only else {1: stop, -1: counted}
        for sign, end in signs.items():
            if end > start and (stop == steps or not is_last_only):
                window = {**window_of(data, plain, start, end), **states}
                own, found = plain.value_and_grad(params, window)
                value += sign * own
                for key in params:
                    gradients[key] += sign * found[key]
    return value, gradients


@pytest.mark.parametrize("name", NAMES)
def test_truncation_is_what_it_is_literally(name: str) -> None:
    """For windows that overlap, or do not, and such as reach back before the first step."""
    emitted = module(name, "fast", TRUNCATE)
    zeros = {k: 0 * a for k, a in drawn(module(name, "textbook", STREAM), 1)[1].items()}
    for k1, k2 in ((1, 1), (2, 2), (1, 3), (2, 3), (3, 7), (4, 20)):
        params, data = drawn(emitted, 7, seed=k1)
        given_too = {k: zeros[k] for k in zeros.keys() - data.keys()}
        found = emitted.truncated_value_and_grad(params, data, k1, k2)
        assert_same(found, truncated(name, params, {**data, **given_too}, k1, k2), rel=1e-11)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_truncated_is_the_whole_gradient(name: str, style: str) -> None:
    plain, emitted = module(name, "textbook"), module(name, style, TRUNCATE)
    assert emitted.DATA == plain.DATA
    for steps in (1, 5):
        params, data = drawn(plain, steps, seed=steps)
        value, gradients = plain.value_and_grad(params, data)
        assert_same(emitted.value_and_grad(params, data), (value, gradients))
        by_parameters = {key: gradients[key] for key in params}
        for k1, k2 in ((steps, steps), (1, steps), (steps + 3, steps + 4)):
            found = emitted.truncated_value_and_grad(params, data, k1, k2)
            assert_same(found, (value, by_parameters))


@pytest.mark.parametrize(
    ("k1", "k2", "message"),
    [
        (0, 2, "k1 is 0; a whole number from 1 on was expected"),
        (-1, 2, "k1 is -1"),
        (1.0, 2, "k1 is 1.0"),
        ("1", 2, "k1 is '1'"),
        (1, None, "k2 is None"),
        (3, 2, "k2 is 2; at least k1, which is 3, was expected"),
    ],
)
def test_bad_windows_are_named(k1: object, k2: object, message: str) -> None:
    emitted = module("rnn", "fast", TRUNCATE)
    params, data = drawn(emitted, 4)
    with pytest.raises(ValueError, match=message):
        emitted.truncated_value_and_grad(params, data, k1, k2)


# Streams


@settings(max_examples=20, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    style=st.sampled_from(sorted(STYLES)),
    ends=st.sets(st.integers(1, 8), max_size=4),
    options=st.sampled_from([STREAM, Options(stream=True, checkpoint=True)]),
)
@pytest.mark.slow
def test_chunks_are_the_whole_sequence(
    name: str, style: str, ends: set[int], options: Options
) -> None:
    """Losses add up; the states behind the last chunk are those behind the whole."""
    emitted = module(name, style, options)
    params, data = drawn(emitted, 9)
    value, _, states = emitted.stream(params, data)
    assert states.keys() == {key for key in emitted.DATA if key.split("_")[-1] in ("0", "1")}
    values, carried = [], {}
    for start, stop in itertools.pairwise([0, *sorted(ends), 9]):
        chunk = {**window_of(data, emitted, start, stop), **carried}
        own, _, carried = emitted.stream(params, chunk)
        values.append(own)
    is_last_only = derived(name).model.is_last_only
    assert (values[-1] if is_last_only else sum(values)) == pytest.approx(value, rel=1e-12)
    for key, state in states.items():
        np.testing.assert_allclose(carried[key], state, rtol=1e-12, atol=1e-14)


def test_a_stream_starts_and_ends_with_the_states_of_the_data() -> None:
    emitted, plain = module("lstm", "fast", STREAM), module("lstm", "fast")
    params, data = drawn(emitted, 5)
    value, gradients, states = emitted.stream(params, data)
    assert_same((value, gradients), plain.value_and_grad(params, data))
    _, tape = plain.forward(params, data)
    np.testing.assert_array_equal(states["h_0"], tape["h"][-1])
    np.testing.assert_array_equal(states["c_0"], tape["c"][-1])
    assert states["h_0"].base is None  # the tape need not live on


def test_a_stream_is_given_the_states_that_are_zero_at_first() -> None:
    emitted, plain = module("zeros", "fast", STREAM), module("zeros", "fast")
    assert emitted.DATA.keys() - plain.DATA.keys() == {"h_0", "h_minus_1"}
    params, data = drawn(plain, 5)
    zeros = dict.fromkeys(("h_0", "h_minus_1"), np.zeros((2, params["W"].shape[0])))
    value, gradients, _ = emitted.stream(params, {**data, **zeros})
    assert_same((value, gradients), plain.value_and_grad(params, data))


# All of them


@pytest.mark.parametrize("options", OPTIONS)
def test_what_runs_backwards_has_no_segments(options: Options) -> None:
    with pytest.raises(EmitError, match="cannot be computed before later steps") as refused:
        source("bidirectional", "fast", options)
    assert "Bidirectional recurrent network" in str(refused.value)
    assert "h_backward cannot" in str(refused.value)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", ["lstm", "rnn-last", "zeros", "rnn-labels", "rnn-hh"])
def test_single_precision_stays_single(name: str, options: Options) -> None:
    emitted = module(name, "fast", options)
    params, data = drawn(emitted, 5)
    params, data = (
        {k: v.astype(np.float32) if v.dtype.kind == "f" else v for k, v in d.items()}
        for d in (params, data)
    )
    _, gradients = emitted.value_and_grad(params, data)
    if options.truncate:
        gradients |= emitted.truncated_value_and_grad(params, data, 2, 3)[1]
    if options.stream:
        gradients |= {f"after {k}": v for k, v in emitted.stream(params, data)[2].items()}
    assert {gradient.dtype for gradient in gradients.values()} == {np.dtype(np.float32)}


def test_no_name_stands_for_two_things() -> None:
    for taken in ("h_{minus,1}", "\\text{mask}"):
        model = Model.read(TEXTS["zeros"].replace("U x_t", f"U x_t + {taken}"))
        with pytest.raises((EmitError, ModelError), match=f"{identifier(taken)}"):
            emit_source(derive(model_for(model, TRUNCATE)), "own", "fast", options=TRUNCATE)


@pytest.mark.skipif(importlib.util.find_spec("ruff") is None, reason="ruff is not installed")
@pytest.mark.parametrize("style", STYLES)
def test_segmented_code_is_formatted_and_clean(style: str, tmp_path: Path) -> None:
    for number, options in enumerate(OPTIONS):
        for name in ("lstm", "rnn-last", "rnn-labels", "fast-weights", "zeros"):
            text = source(name, style, options)
            (tmp_path / f"{name}-{number}.py").write_text(text)
    for command in (["format", "--check", "--diff"], ["check", "--select", "E,F,W,B,UP"]):
        whole = [*command, "--isolated", "--line-length=100", "--no-cache", str(tmp_path)]
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *whole], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
