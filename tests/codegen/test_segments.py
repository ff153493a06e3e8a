"""Modules for long sequences: checkpointing is the plain gradient, from less memory."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from codegen.build import STYLES, emit_source
from codegen.gradcheck import check_module
from codegen.gradcheck.module import default_sizes, draw_arrays, module_from_source
from codegen.options import PLAIN, Options
from derivations import Derivation, Model, cell, cell_names, derive
from derivations.errors import EmitError

TEXTS = {
    "zeros": (
        "h_t = tanh(W h_{t-1} + V h_{t-2} + U x_t)\nh_0 = 0\nh_{-1} = 0\nE_t = ½‖h_t - y_t‖²"
    ),
    "zeros-of-two": (
        "h_t = tanh(W h_{t-1} + U x_t)\ns_t = tanh(V s_{t-1} + Q x_t)\nh_0 = 0\ns_0 = 0\n"
        "E_t = ½‖h_t + s_t - y_t‖²"
    ),
    "last-of-gates": (
        "i_t = sigmoid(W_i x_t + U_i h_{t-1})\nf_t = sigmoid(W_f x_t + U_f h_{t-1})\n"
        "h_t = f_t ⊙ h_{t-1} + i_t ⊙ tanh(V x_t + R h_{t-2})\nE_t = ½‖h_t - y_t‖²\nE = E_T"
    ),
    "last-input": ("h_t = tanh(W h_{t-1} + U x_t)\nE_t = ½‖h_t - Q x_t‖² + b^\\top x_t\nE = E_T"),
    "last-unspecified": "h_t = tanh(W h_{t-1} + U x_t)\nE_t depends on h_t\nE = E_T",
    "labels-of-the-next": (
        "h_t = tanh(W h_{t-1} + U x_t)\n\\hat{y}_t = softmax(V h_{t-1})\n"
        "E_t = -\\log [\\hat{y}_t]_{y_t}\ny_t is a label"
    ),
    "normalised": "h_t = tanh(W h_{t-1} + U x_t) / (1 + h_{t-1}^2)\nE_t = ½‖h_t - y_t‖²",
}
#: Everything whose recurrences look back.
NAMES = [*(name for name in cell_names() if name != "bidirectional"), *TEXTS]


@cache
def derived(name: str) -> Derivation:
    if name in TEXTS:
        return derive(Model.read(TEXTS[name]))
    return derive(cell(name, "tanh" if name == "rnn-hh" else None))


@cache
def module(name: str, style: str, options: Options = PLAIN, gradients: str = "all") -> ModuleType:
    source = emit_source(derived(name), name, style, gradients=gradients, options=options)
    return module_from_source(source)


def drawn(emitted: ModuleType, steps: int, batch: int = 2, seed: int = 0) -> tuple[dict, dict]:
    sizes = {**default_sizes(emitted), "T": steps, "B": batch}
    arrays = draw_arrays(emitted, sizes, seed)
    return tuple({n: arrays[n] for n in names} for names in (emitted.PARAMS, emitted.DATA))


def assert_same(found: tuple[float, dict], expected: tuple[float, dict]) -> None:
    """Compare values and gradients, to rounding of the largest entry."""
    assert found[0] == pytest.approx(expected[0], rel=1e-12)
    assert found[1].keys() == expected[1].keys()
    for name, gradient in expected[1].items():
        scale = np.abs(gradient).max()
        assert np.abs(found[1][name] - gradient).max() <= 1e-12 * scale, name
        assert found[1][name].shape == gradient.shape
        assert found[1][name].dtype == gradient.dtype


CHECKPOINT = Options(checkpoint=True)
#: Every choice of options that makes another module.
OPTIONS = [CHECKPOINT, Options(clip=True)]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", NAMES)
def test_checkpointing_is_the_plain_gradient(name: str, style: str) -> None:
    """For one step, whole segments, a shorter last one, and primes."""
    plain, stored = module(name, "textbook"), module(name, style, CHECKPOINT)
    assert stored.DATA == plain.DATA
    for steps in (1, 2, 3, 4, 7, 13):
        params, data = drawn(plain, steps, seed=steps)
        assert_same(stored.value_and_grad(params, data), plain.value_and_grad(params, data))


@pytest.mark.parametrize("name", NAMES)
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
    forward, tape = stored.forward(params, data)
    assert forward == stored.value_and_grad(params, data)[0]
    gradients = stored.backward(params, data, tape)
    assert gradients.keys() == params.keys()


def peak(emitted: ModuleType, steps: int) -> int:
    params, data = drawn(emitted, steps, batch=1)
    tracemalloc.start()
    emitted.value_and_grad(params, data)
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def test_memory_grows_with_the_root_of_the_steps() -> None:
    """Four times as many steps: four times the plain tape, twice the checkpointed one."""
    plain = module("lstm", "fast", gradients="parameters")
    stored = module("lstm", "fast", CHECKPOINT, "parameters")
    assert peak(plain, 4096) / peak(plain, 1024) > 3.8
    assert peak(stored, 4096) / peak(stored, 1024) < 2.2


@pytest.mark.parametrize("name", ["bidirectional"])
def test_what_runs_backwards_has_no_segments(name: str) -> None:
    with pytest.raises(EmitError, match="one segment after another") as refused:
        emit_source(derived(name), name, "fast", options=CHECKPOINT)
    assert "last step to the first" in str(refused.value)


@pytest.mark.parametrize("style", STYLES)
def test_segmented_code_is_formatted_and_clean(style: str, tmp_path: Path) -> None:
    for number, options in enumerate(OPTIONS):
        for name in NAMES:
            source = emit_source(derived(name), name, style, options=options)
            (tmp_path / f"{name}-{number}.py").write_text(source)
    for command in (["format", "--check", "--diff"], ["check", "--select", "E,F,W,B,UP"]):
        whole = [*command, "--isolated", "--line-length=100", "--no-cache", str(tmp_path)]
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *whole], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
