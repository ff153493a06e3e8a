"""Emitted modules, for the tests of what a module may offer besides its gradients."""

from __future__ import annotations

from functools import cache
from types import ModuleType

import numpy as np
import pytest

from codegen.build import emit_source, model_for
from codegen.gradcheck.module import default_sizes, draw_arrays, module_from_source
from codegen.options import PLAIN, Options
from derivations import Derivation, Model, cell, cell_names, derive

Arrays = dict[str, np.ndarray]

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
#: (Two layers of an LSTM take as long as all others together, and have nothing of their own.)
NAMES = [*(n for n in cell_names() if n not in ("bidirectional", "stacked-lstm")), *TEXTS]
#: What has something of its own to be checked numerically; all are held against the plain module.
CHECKED = ["lstm", "fast-weights", "two-lag", "rnn-labels", "rnn-hh", "jordan", "rnn-last", *TEXTS]


@cache
def derived(name: str, masked: bool = False) -> Derivation:
    if name in TEXTS:
        model = Model.read(TEXTS[name])
    else:
        model = cell(name, "tanh" if name == "rnn-hh" else None)
    return derive(model_for(model, Options(lengths=masked)))


@cache
def module(name: str, style: str, options: Options = PLAIN, gradients: str = "all") -> ModuleType:
    return module_from_source(source(name, style, options, gradients))


def source(name: str, style: str, options: Options = PLAIN, gradients: str = "all") -> str:
    derivation = derived(name, options.mask)
    return emit_source(derivation, name, style, gradients=gradients, options=options)


def drawn(
    emitted: ModuleType, steps: int = 4, batch: int = 2, seed: int = 0, **sizes: int
) -> tuple[Arrays, Arrays]:
    """Draw parameters and data."""
    chosen = {**default_sizes(emitted), "T": steps, "B": batch, **sizes}
    arrays = draw_arrays(emitted, chosen, seed)
    return {n: arrays[n] for n in emitted.PARAMS}, {n: arrays[n] for n in emitted.DATA}


def assert_same(
    found: tuple[float, Arrays], expected: tuple[float, Arrays], rel: float = 1e-12
) -> None:
    """Compare values and gradients, to rounding of the largest entry."""
    assert found[0] == pytest.approx(expected[0], rel=rel)
    assert found[1].keys() == expected[1].keys()
    for name, gradient in expected[1].items():
        scale = np.abs(gradient).max()
        assert np.abs(found[1][name] - gradient).max() <= rel * scale, name
        assert found[1][name].shape == gradient.shape
        assert found[1][name].dtype == gradient.dtype
