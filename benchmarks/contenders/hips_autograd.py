"""HIPS autograd: its gradient of a loop over the steps in NumPy."""

from __future__ import annotations

from collections.abc import Callable

import autograd.numpy as np
from autograd import grad

from benchmarks.cells import Arrays, Size, draw


def make(cell: str, size: Size) -> Callable[[], Arrays]:
    """Return what computes every parameter's gradient once."""
    params, data = draw(cell, size)
    step = {"rnn": _rnn, "gru": _gru, "lstm": _lstm}[cell]
    first = (data["h_0"], data["c_0"]) if cell == "lstm" else (data["h_0"],)
    readout = ("W_out", "c") if cell == "rnn" else ("W_y", "b_y")
    one_hot = np.eye(size.q, dtype=np.float32)[data["y"]]

    def loss(weights):
        state, hidden = first, []
        for x in data["x"]:
            state = step(weights, state, x)
            hidden.append(state[0])
        logits = np.stack(hidden) @ weights[readout[0]].T + weights[readout[1]]
        logits = logits - np.max(logits, axis=-1, keepdims=True)
        normaliser = np.log(np.sum(np.exp(logits), axis=-1))
        return np.sum(normaliser) - np.sum(one_hot * logits)

    gradient = grad(loss)
    return lambda: gradient(params)


def _sigmoid(a):
    return 1 / (1 + np.exp(-a))


def _rnn(w, state, x):
    (h,) = state
    return (np.tanh(h @ w["W_rec"].T + x @ w["W_in"].T + w["b"]),)


def _gru(w, state, x):
    (h,) = state
    r = _sigmoid(x @ w["W_r"].T + h @ w["U_r"].T + w["b_r"])
    z = _sigmoid(x @ w["W_z"].T + h @ w["U_z"].T + w["b_z"])
    n = np.tanh(x @ w["W_n"].T + w["b_n"] + r * (h @ w["U_n"].T + w["c_n"]))
    return ((1 - z) * n + z * h,)


def _lstm(w, state, x):
    h, c = state
    a = {g: x @ w[f"W_{g}"].T + h @ w[f"U_{g}"].T + w[f"b_{g}"] for g in "ifog"}
    c = _sigmoid(a["f"]) * c + _sigmoid(a["i"]) * np.tanh(a["g"])
    return _sigmoid(a["o"]) * np.tanh(c), c
