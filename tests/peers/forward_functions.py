"""The total loss of every cell of the library, written by hand in JAX from its forward equations.

Nothing here comes from the project: neither an import nor a rule. A function takes arrays by the
names of an emitted module: time-major, batch second, a vector of the mathematics in each row, the
first values of the states among the data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.nn import log_sigmoid, log_softmax, relu, sigmoid, softmax
from jax.numpy import tanh

Arrays = Mapping[str, jax.Array]


def over_time(
    step: Callable[[Any, jax.Array], Any], first: Any, inputs: jax.Array, reverse: bool = False
) -> Any:
    """Return the states of all steps; a state may be a tuple of arrays."""

    def advance(state: Any, x: jax.Array) -> tuple[Any, Any]:
        state = step(state, x)
        return state, state

    return jax.lax.scan(advance, first, inputs, reverse=reverse)[1]


def beside(*vectors: jax.Array) -> jax.Array:
    return jnp.concatenate(vectors, axis=-1)


def cross_entropy(targets: jax.Array, logits: jax.Array) -> jax.Array:
    return -jnp.sum(targets * log_softmax(logits))


def half_squared_distance(targets: jax.Array, predictions: jax.Array) -> jax.Array:
    return jnp.sum((targets - predictions) ** 2) / 2


def elman_states(params: Arrays, data: Arrays, function: Callable[..., jax.Array]) -> jax.Array:
    def step(h: jax.Array, x: jax.Array) -> jax.Array:
        return function(h @ params["W_rec"].T + x @ params["W_in"].T + params["b"])

    return over_time(step, data["h_0"], data["x"])


def rnn(params: Arrays, data: Arrays) -> jax.Array:
    h = elman_states(params, data, tanh)
    return cross_entropy(data["y"], h @ params["W_out"].T + params["c"])


def rnn_labels(params: Arrays, data: Arrays) -> jax.Array:
    h = elman_states(params, data, tanh)
    log_probabilities = log_softmax(h @ params["W_out"].T + params["c"])
    return -jnp.sum(jnp.take_along_axis(log_probabilities, data["y"][..., None], axis=-1))


def rnn_last(params: Arrays, data: Arrays) -> jax.Array:
    h = elman_states(params, data, tanh)
    return cross_entropy(data["y"], h[-1] @ params["W_out"].T + params["c"])


def rnn_regression(params: Arrays, data: Arrays) -> jax.Array:
    h = elman_states(params, data, tanh)
    return half_squared_distance(data["y"], h @ params["W_out"].T + params["c"])


def rnn_binary(params: Arrays, data: Arrays) -> jax.Array:
    h = elman_states(params, data, tanh)
    logits = h @ params["W_out"].T + params["c"]
    y = data["y"]
    return -jnp.sum(y * log_sigmoid(logits) + (1 - y) * log_sigmoid(-logits))


def irnn(params: Arrays, data: Arrays) -> jax.Array:
    h = elman_states(params, data, relu)
    return cross_entropy(data["y"], h @ params["W_y"].T + params["b_y"])


def rnn_hh(params: Arrays, data: Arrays) -> jax.Array:
    def step(h: jax.Array, x: jax.Array) -> jax.Array:
        return sigmoid(h @ params["W_hh"].T + x @ params["W_hx"].T)

    h = over_time(step, data["h_0"], data["x"])
    # Of the loss only its gradient by the prediction is given; this has that gradient.
    return jnp.sum(data["dE_dy_hat"] * softmax(h @ params["W_s"].T))


def rnn_preactivation(params: Arrays, data: Arrays) -> jax.Array:
    def step(x: jax.Array, u: jax.Array) -> jax.Array:
        return tanh(x) @ params["W_rec"].T + u @ params["W_in"].T + params["b"]

    x = over_time(step, data["x_0"], data["u"])
    return half_squared_distance(data["y"], tanh(x) @ params["W_out"].T + params["c"])


def leaky(params: Arrays, data: Arrays) -> jax.Array:
    alpha = params["alpha"]

    def step(h: jax.Array, x: jax.Array) -> jax.Array:
        new = tanh(h @ params["W_rec"].T + x @ params["W_in"].T + params["b"])
        return (1 - alpha) * h + alpha * new

    h = over_time(step, data["h_0"], data["x"])
    return half_squared_distance(data["y"], h @ params["W_y"].T + params["b_y"])


def two_lag(params: Arrays, data: Arrays) -> jax.Array:
    def step(last_two: tuple[jax.Array, jax.Array], x: jax.Array) -> tuple[jax.Array, jax.Array]:
        last, last_but_one = last_two
        lags = last @ params["W_1"].T + last_but_one @ params["W_2"].T
        return tanh(lags + x @ params["W_x"].T + params["b_h"]), last

    h, _ = over_time(step, (data["h_0"], data["h_minus_1"]), data["x"])
    return half_squared_distance(data["y"], h @ params["W_y"].T + params["b_y"])


def jordan(params: Arrays, data: Arrays) -> jax.Array:
    def step(state: tuple[jax.Array, jax.Array], x: jax.Array) -> tuple[jax.Array, jax.Array]:
        output, _ = state
        h = tanh(x @ params["W_x"].T + output @ params["W_f"].T + params["b_h"])
        logits = h @ params["W_y"].T + params["b_y"]
        return softmax(logits), logits

    first = data["y_hat_0"]
    # The logits are carried along for the loss alone, so their first value does not matter.
    _, logits = over_time(step, (first, jnp.zeros_like(first)), data["x"])
    return cross_entropy(data["y"], logits)


def diagonal(params: Arrays, data: Arrays) -> jax.Array:
    def step(h: jax.Array, x: jax.Array) -> jax.Array:
        return params["lambda_"] * h + x @ params["W_x"].T

    h = over_time(step, data["h_0"], data["x"])
    return half_squared_distance(data["y"], tanh(h) @ params["W_y"].T + data["x"] @ params["D"].T)


def fast_weights(params: Arrays, data: Arrays) -> jax.Array:
    def step(weights: jax.Array, x: jax.Array) -> jax.Array:
        keys, values = x @ params["W_k"].T, x @ params["W_v"].T
        return params["lambda_"] * weights + jnp.einsum("bn,bk->bnk", values, keys)

    weights = over_time(step, data["S_0"], data["x"])
    queries = data["x"] @ params["W_q"].T
    read = jnp.einsum("tbnk,tbk->tbn", weights, queries)
    return half_squared_distance(data["y"], read @ params["W_y"].T + params["b_y"])


def mrnn(params: Arrays, data: Arrays) -> jax.Array:
    def step(h: jax.Array, x: jax.Array) -> jax.Array:
        factors = (x @ params["W_fx"].T) * (h @ params["W_fh"].T)
        return tanh(factors @ params["W_hf"].T + x @ params["W_hx"].T + params["b"])

    h = over_time(step, data["h_0"], data["x"])
    return cross_entropy(data["y"], h @ params["W_y"].T + params["b_y"])


def gru(params: Arrays, data: Arrays) -> jax.Array:
    def step(h: jax.Array, x: jax.Array) -> jax.Array:
        def layer(name: str, h: jax.Array) -> jax.Array:
            return x @ params[f"W_{name}"].T + h @ params[f"U_{name}"].T + params[f"b_{name}"]

        z, r = sigmoid(layer("z", h)), sigmoid(layer("r", h))
        return (1 - z) * h + z * tanh(layer("h", r * h))

    h = over_time(step, data["h_0"], data["x"])
    return cross_entropy(data["y"], h @ params["W_y"].T + params["b_y"])


def gru_reset_after(params: Arrays, data: Arrays) -> jax.Array:
    def step(h: jax.Array, x: jax.Array) -> jax.Array:
        r = sigmoid(x @ params["W_r"].T + h @ params["U_r"].T + params["b_r"])
        z = sigmoid(x @ params["W_z"].T + h @ params["U_z"].T + params["b_z"])
        n = tanh(x @ params["W_n"].T + params["b_n"] + r * (h @ params["U_n"].T + params["c_n"]))
        return (1 - z) * n + z * h

    h = over_time(step, data["h_0"], data["x"])
    return cross_entropy(data["y"], h @ params["W_y"].T + params["b_y"])


def mgu(params: Arrays, data: Arrays) -> jax.Array:
    def step(h: jax.Array, x: jax.Array) -> jax.Array:
        f = sigmoid(beside(h, x) @ params["W_f"].T + params["b_f"])
        new = tanh(beside(f * h, x) @ params["W_h"].T + params["b_h"])
        return (1 - f) * h + f * new

    h = over_time(step, data["h_0"], data["x"])
    return cross_entropy(data["y"], h @ params["W_y"].T + params["b_y"])


def rhn(params: Arrays, data: Arrays) -> jax.Array:
    def step(s: jax.Array, x: jax.Array) -> jax.Array:
        u = tanh(x @ params["W_u"].T + s @ params["R_u"].T + params["b_u"])
        g = sigmoid(x @ params["W_g"].T + s @ params["R_g"].T + params["b_g"])
        r = g * u + (1 - g) * s
        v = tanh(r @ params["R_v"].T + params["b_v"])
        q = sigmoid(r @ params["R_q"].T + params["b_q"])
        return q * v + (1 - q) * r

    s = over_time(step, data["s_0"], data["x"])
    return cross_entropy(data["y"], s @ params["W_y"].T + params["b_y"])


def lstm_states(
    params: Arrays, h_0: jax.Array, c_0: jax.Array, inputs: jax.Array, layer: str = ""
) -> jax.Array:
    def step(state: tuple[jax.Array, jax.Array], x: jax.Array) -> tuple[jax.Array, jax.Array]:
        h, c = state

        def preactivation(gate: str) -> jax.Array:
            W, U, b = (params[f"{kind}_{gate}{layer}"] for kind in "WUb")
            return x @ W.T + h @ U.T + b

        i, f, o = (sigmoid(preactivation(gate)) for gate in "ifo")
        c = f * c + i * tanh(preactivation("g"))
        return o * tanh(c), c

    return over_time(step, (h_0, c_0), inputs)[0]


def lstm(params: Arrays, data: Arrays) -> jax.Array:
    h = lstm_states(params, data["h_0"], data["c_0"], data["x"])
    return cross_entropy(data["y"], h @ params["W_y"].T + params["b_y"])


def stacked_lstm(params: Arrays, data: Arrays) -> jax.Array:
    lower = lstm_states(params, data["h_1_0"], data["c_1_0"], data["x"], layer="1")
    upper = lstm_states(params, data["h_2_0"], data["c_2_0"], lower, layer="2")
    return cross_entropy(data["y"], upper @ params["W_y"].T + params["b_y"])


def lstm_coupled(params: Arrays, data: Arrays) -> jax.Array:
    def step(state: tuple[jax.Array, jax.Array], x: jax.Array) -> tuple[jax.Array, jax.Array]:
        h, c = state
        f = sigmoid(beside(h, x) @ params["W_f"].T + params["b_f"])
        o = sigmoid(beside(h, x) @ params["W_o"].T + params["b_o"])
        g = tanh(beside(h, x) @ params["W_g"].T + params["b_g"])
        c = f * c + (1 - f) * g
        return o * tanh(c), c

    h, _ = over_time(step, (data["h_0"], data["c_0"]), data["x"])
    return cross_entropy(data["y"], h @ params["W_y"].T + params["b_y"])


def lstm_peephole(params: Arrays, data: Arrays) -> jax.Array:
    def step(state: tuple[jax.Array, jax.Array], x: jax.Array) -> tuple[jax.Array, jax.Array]:
        h, c = state

        def preactivation(gate: str) -> jax.Array:
            return x @ params[f"W_{gate}"].T + h @ params[f"U_{gate}"].T + params[f"b_{gate}"]

        i = sigmoid(preactivation("i") + params["p_i"] * c)
        f = sigmoid(preactivation("f") + params["p_f"] * c)
        c = f * c + i * tanh(preactivation("g"))
        # The output gate sees the memory cell as it is now.
        o = sigmoid(preactivation("o") + params["p_o"] * c)
        return o * tanh(c), c

    h, _ = over_time(step, (data["h_0"], data["c_0"]), data["x"])
    return cross_entropy(data["y"], h @ params["W_y"].T + params["b_y"])


def stacked_rnn(params: Arrays, data: Arrays) -> jax.Array:
    def lower_step(h: jax.Array, x: jax.Array) -> jax.Array:
        return tanh(h @ params["W_1"].T + x @ params["U_1"].T + params["b_1"])

    def upper_step(h: jax.Array, below: jax.Array) -> jax.Array:
        return tanh(h @ params["W_2"].T + below @ params["U_2"].T + params["b_2"])

    lower = over_time(lower_step, data["h_1_0"], data["x"])
    upper = over_time(upper_step, data["h_2_0"], lower)
    return cross_entropy(data["y"], upper @ params["W_y"].T + params["b_y"])


def bidirectional(params: Arrays, data: Arrays) -> jax.Array:
    def forward_step(h: jax.Array, x: jax.Array) -> jax.Array:
        return tanh(h @ params["W_f"].T + x @ params["U_f"].T + params["b_f"])

    def backward_step(h: jax.Array, x: jax.Array) -> jax.Array:
        return tanh(h @ params["W_b"].T + x @ params["U_b"].T + params["b_b"])

    forward = over_time(forward_step, data["h_forward_0"], data["x"])
    backward = over_time(backward_step, data["h_backward_T_plus_1"], data["x"], reverse=True)
    return cross_entropy(data["y"], beside(forward, backward) @ params["W_y"].T + params["b_y"])


FORWARD: dict[str, Callable[[Arrays, Arrays], jax.Array]] = {
    "bidirectional": bidirectional,
    "diagonal": diagonal,
    "fast-weights": fast_weights,
    "gru": gru,
    "gru-reset-after": gru_reset_after,
    "irnn": irnn,
    "jordan": jordan,
    "leaky": leaky,
    "lstm": lstm,
    "lstm-coupled": lstm_coupled,
    "lstm-peephole": lstm_peephole,
    "mgu": mgu,
    "mrnn": mrnn,
    "rhn": rhn,
    "rnn": rnn,
    "rnn-binary": rnn_binary,
    "rnn-hh": rnn_hh,
    "rnn-labels": rnn_labels,
    "rnn-last": rnn_last,
    "rnn-preactivation": rnn_preactivation,
    "rnn-regression": rnn_regression,
    "stacked-lstm": stacked_lstm,
    "stacked-rnn": stacked_rnn,
    "two-lag": two_lag,
}
