"""jax.jit(jax.grad(...)) of a scan over the steps."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cells import Arrays, Size, draw


def make(cell: str, size: Size) -> Callable[[], Arrays]:
    """Return what computes every parameter's gradient once."""
    params, data = draw(cell, size)
    step = {"rnn": _rnn, "gru": _gru, "lstm": _lstm}[cell]
    first = (data["h_0"], data["c_0"]) if cell == "lstm" else data["h_0"]
    readout = ("W_out", "c") if cell == "rnn" else ("W_y", "b_y")

    def loss(weights, x, y):
        _, states = jax.lax.scan(lambda s, row: step(weights, s, row), first, x)
        logits = states @ weights[readout[0]].T + weights[readout[1]]
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[..., None], axis=-1).sum()

    gradient = jax.jit(jax.grad(loss))
    weights = {name: jnp.asarray(array) for name, array in params.items()}
    x, y = jnp.asarray(data["x"]), jnp.asarray(data["y"])

    def run() -> Arrays:
        found = gradient(weights, x, y)
        jax.block_until_ready(found)
        return {name: np.asarray(array) for name, array in found.items()}

    return run


def _rnn(w, h, x):
    h = jnp.tanh(h @ w["W_rec"].T + x @ w["W_in"].T + w["b"])
    return h, h


def _gru(w, h, x):
    r = jax.nn.sigmoid(x @ w["W_r"].T + h @ w["U_r"].T + w["b_r"])
    z = jax.nn.sigmoid(x @ w["W_z"].T + h @ w["U_z"].T + w["b_z"])
    n = jnp.tanh(x @ w["W_n"].T + w["b_n"] + r * (h @ w["U_n"].T + w["c_n"]))
    h = (1 - z) * n + z * h
    return h, h


def _lstm(w, state, x):
    h, c = state
    a = {g: x @ w[f"W_{g}"].T + h @ w[f"U_{g}"].T + w[f"b_{g}"] for g in "ifog"}
    c = jax.nn.sigmoid(a["f"]) * c + jax.nn.sigmoid(a["i"]) * jnp.tanh(a["g"])
    h = jax.nn.sigmoid(a["o"]) * jnp.tanh(c)
    return (h, c), h
