"""Recurrent network whose state is the preactivation.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of rnn-preactivation (style textbook, sigma = tanh); do not edit. Numbers in
comments are those of the derivation.

A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are
time-major, batch second. Index t is step t, except in the data, which counts from 0.
"""

import numpy as np

Arrays = dict[str, np.ndarray]

PARAMS = {
    "W_rec": ("n", "n"),
    "W_in": ("n", "m"),
    "b": ("n",),
    "W_out": ("q", "n"),
    "c": ("q",),
}
DATA = {
    "u": ("T", "B", "m"),
    "y": ("T", "B", "q"),
    "x_0": ("B", "n"),
}
CONSTRAINTS = {}


def value_and_grad(params: Arrays, data: Arrays) -> tuple[float, Arrays]:
    """Return the loss and its gradients, by name.

    `params` and `data` hold the arrays of PARAMS and DATA; a ValueError names what is wrong.
    The value is summed over steps and batch; a gradient has its array's shape.
    """
    E, tape = forward(params, data)
    return E, backward(params, data, tape)


def forward(params: Arrays, data: Arrays) -> tuple[float, Arrays]:
    """Check the arrays; return the loss, and what `backward` needs."""
    _validate(params, data)
    E, tape = _forward(params, data)
    return float(E), tape


def _forward(params: Arrays, data: Arrays) -> tuple[np.floating, Arrays]:
    W_rec = params["W_rec"]
    W_in = params["W_in"]
    b = params["b"]
    W_out = params["W_out"]
    c = params["c"]
    u = data["u"]
    y = data["y"]
    x_0 = data["x_0"]
    T, B = data["u"].shape[:2]
    n = params["W_rec"].shape[0]
    q = params["W_out"].shape[0]
    dtype = np.result_type(*params.values(), *data.values())
    x = np.empty((T + 1, B, n), dtype)
    x[0] = x_0
    y_hat = np.empty((T + 1, B, q), dtype)
    E = 0.0
    for t in range(1, T + 1):
        # (1) x_t = W_rec σ(x_{t-1}) + W_in u_t + b
        x[t] = np.tanh(x[t - 1]) @ W_rec.T + u[t - 1] @ W_in.T + b
        # (2) ŷ_t = W_out σ(x_t) + c
        y_hat[t] = np.tanh(x[t]) @ W_out.T + c
        # (3) E_t = 1/2 ‖y_t - ŷ_t‖²
        E += 0.5 * np.sum((y[t - 1] - y_hat[t]) ** 2)
    return E, {"x": x, "y_hat": y_hat}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_rec = params["W_rec"]
    W_in = params["W_in"]
    W_out = params["W_out"]
    u = data["u"]
    y = data["y"]
    x = tape["x"]
    y_hat = tape["y_hat"]
    T, B = data["u"].shape[:2]
    q = params["W_out"].shape[0]
    n = params["W_rec"].shape[0]
    m = params["W_in"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    delta_y_hat = np.empty((T + 1, B, q), dtype)
    delta_x = np.zeros((T + 2, B, n), dtype)
    d_u = np.empty((T + 1, B, m), dtype)
    d_W_rec = np.zeros(params["W_rec"].shape, dtype)
    d_W_in = np.zeros(params["W_in"].shape, dtype)
    d_b = np.zeros(params["b"].shape, dtype)
    d_W_out = np.zeros(params["W_out"].shape, dtype)
    d_c = np.zeros(params["c"].shape, dtype)
    for t in range(T, 0, -1):
        # (27) δ_t^ŷ = ŷ_t - y_t
        delta_y_hat[t] = y_hat[t] - y[t - 1]
        # (28) δ_t^x = (1 - σ(x_t)²) ⊙ (W_outᵀ δ_t^ŷ + W_recᵀ δ_{t+1}^x)
        delta_x[t] = (1 - np.tanh(x[t]) ** 2) * (delta_y_hat[t] @ W_out + delta_x[t + 1] @ W_rec)
        # (30) ∂E/∂W_rec = Σ_{t=1}^T δ_t^x σ(x_{t-1})ᵀ
        d_W_rec += delta_x[t].T @ np.tanh(x[t - 1])
        # (31) ∂E/∂W_in = Σ_{t=1}^T δ_t^x u_tᵀ
        d_W_in += delta_x[t].T @ u[t - 1]
        # (32) ∂E/∂b = Σ_{t=1}^T δ_t^x
        d_b += np.sum(delta_x[t], axis=0)
        # (33) ∂E/∂W_out = Σ_{t=1}^T δ_t^ŷ σ(x_t)ᵀ
        d_W_out += delta_y_hat[t].T @ np.tanh(x[t])
        # (34) ∂E/∂c = Σ_{t=1}^T δ_t^ŷ
        d_c += np.sum(delta_y_hat[t], axis=0)
        # (35) (∂E/∂u_t)ᵀ = W_inᵀ δ_t^x
        d_u[t] = delta_x[t] @ W_in
    # (36) (∂E/∂x_0)ᵀ = (1 - σ(x_0)²) ⊙ W_recᵀ δ_1^x
    d_x_0 = (1 - np.tanh(x[0]) ** 2) * (delta_x[1] @ W_rec)
    return {
        "W_rec": d_W_rec,
        "W_in": d_W_in,
        "b": d_b,
        "W_out": d_W_out,
        "c": d_c,
        "u": d_u[1:],
        "x_0": d_x_0,
    }


def _validate(params: Arrays, data: Arrays) -> None:
    """Raise a ValueError that names the array, what came and what was expected."""
    sizes: dict[str, int] = {}
    for kind, arrays, expected in (("params", params, PARAMS), ("data", data, DATA)):
        if set(arrays) != set(expected):
            raise ValueError(f"{kind} has {sorted(arrays)}; {sorted(expected)} were expected")
        for name, axes in expected.items():
            _validate_array(f"{kind}[{name!r}]", arrays[name], axes, sizes)


def _validate_array(
    label: str, array: np.ndarray, axes: tuple[str, ...], sizes: dict[str, int]
) -> None:
    if not isinstance(array, np.ndarray) or not np.issubdtype(array.dtype, np.floating):
        came = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{label} is {came}; an array of floats was expected")
    shape = ", ".join(f"{axis}={sizes[axis]}" if axis in sizes else axis for axis in axes)
    known = dict(sizes)
    for axis, length in zip(axes, array.shape, strict=False):
        known.setdefault(axis, int(axis) if axis.isdigit() else length)
    if array.ndim != len(axes) or array.shape != tuple(known[axis] for axis in axes):
        raise ValueError(f"{label} has shape {array.shape}; ({shape}) was expected")
    if 0 in array.shape:
        raise ValueError(f"{label} has shape {array.shape}; every size must be at least 1")
    if not np.isfinite(array).all():
        raise ValueError(f"{label} has entries that are not finite; finite ones were expected")
    sizes.update(known)
