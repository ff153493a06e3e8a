"""Recurrent network with an unspecified loss.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of rnn-hh (style textbook, sigma = sigmoid); do not edit. Numbers in comments are
those of the derivation.

A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are
time-major, batch second. Index t is step t, except in the data, which counts from 0.

The loss is unspecified: its gradient by the prediction is part of the data. The value is
the inner product with it, which is the function that has these gradients.
"""

import numpy as np

Arrays = dict[str, np.ndarray]

PARAMS = {
    "W_hh": ("n", "n"),
    "W_hx": ("n", "m"),
    "W_s": ("q", "n"),
}
DATA = {
    "x": ("T", "B", "m"),
    "h_0": ("B", "n"),
    "dE_dy_hat": ("T", "B", "q"),
}
CONSTRAINTS = {}


def value_and_grad(params: Arrays, data: Arrays) -> tuple[float, Arrays]:
    """Return the inner product with dE_dy_hat and its gradients, by name.

    `params` and `data` hold the arrays of PARAMS and DATA; a ValueError names what is wrong.
    The value is summed over steps and batch; a gradient has its array's shape.
    """
    E, tape = forward(params, data)
    return E, backward(params, data, tape)


def forward(params: Arrays, data: Arrays) -> tuple[float, Arrays]:
    """Check the arrays; return the inner product with dE_dy_hat, and what `backward` needs."""
    _validate(params, data)
    E, tape = _forward(params, data)
    return float(E), tape


def _forward(params: Arrays, data: Arrays) -> tuple[np.floating, Arrays]:
    W_hh = params["W_hh"]
    W_hx = params["W_hx"]
    W_s = params["W_s"]
    x = data["x"]
    h_0 = data["h_0"]
    dE_dy_hat = data["dE_dy_hat"]
    T, B = data["x"].shape[:2]
    n = params["W_hh"].shape[0]
    q = params["W_s"].shape[0]
    dtype = np.result_type(*params.values(), *data.values())
    a = np.empty((T + 1, B, n), dtype)
    h = np.empty((T + 1, B, n), dtype)
    h[0] = h_0
    z = np.empty((T + 1, B, q), dtype)
    y_hat = np.empty((T + 1, B, q), dtype)
    E = 0.0
    for t in range(1, T + 1):
        # (1) a_t = W^hh h_{t-1} + W^hx x_t
        a[t] = h[t - 1] @ W_hh.T + x[t - 1] @ W_hx.T
        # (2) h_t = σ(a_t)
        h[t] = sigmoid(a[t])
        # (3) z_t = W^s h_t
        z[t] = h[t] @ W_s.T
        # (4) ŷ_t = softmax(z_t)
        y_hat[t] = softmax(z[t])
        # (5) E = Σ_{t=1}^T E_t
        E += np.sum(dE_dy_hat[t - 1] * y_hat[t])
    return E, {"h": h, "y_hat": y_hat}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_hh = params["W_hh"]
    W_hx = params["W_hx"]
    W_s = params["W_s"]
    x = data["x"]
    dE_dy_hat = data["dE_dy_hat"]
    h = tape["h"]
    y_hat = tape["y_hat"]
    T, B = data["x"].shape[:2]
    q = params["W_s"].shape[0]
    n = params["W_hh"].shape[0]
    m = params["W_hx"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    delta_y_hat = np.empty((T + 1, B, q), dtype)
    delta_z = np.empty((T + 1, B, q), dtype)
    delta_h = np.empty((T + 1, B, n), dtype)
    delta_a = np.zeros((T + 2, B, n), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    d_W_hh = np.zeros(params["W_hh"].shape, dtype)
    d_W_hx = np.zeros(params["W_hx"].shape, dtype)
    d_W_s = np.zeros(params["W_s"].shape, dtype)
    for t in range(T, 0, -1):
        # (28) δ_t^ŷ = (∂E_t/∂ŷ_t)ᵀ
        delta_y_hat[t] = dE_dy_hat[t - 1]
        # (29) δ_t^z = (diag(ŷ_t) - ŷ_t ŷ_tᵀ) δ_t^ŷ
        delta_z[t] = y_hat[t] * delta_y_hat[t]
        delta_z[t] -= y_hat[t] * np.sum(y_hat[t] * delta_y_hat[t], axis=-1, keepdims=True)
        # (30) δ_t^h = (W^s)ᵀ δ_t^z + (W^hh)ᵀ δ_{t+1}^a
        delta_h[t] = delta_z[t] @ W_s + delta_a[t + 1] @ W_hh
        # (31) δ_t^a = h_t ⊙ (1 - h_t) ⊙ δ_t^h
        delta_a[t] = h[t] * (1 - h[t]) * delta_h[t]
        # (33) ∂E/∂W^hh = Σ_{t=1}^T δ_t^a h_{t-1}ᵀ
        d_W_hh += delta_a[t].T @ h[t - 1]
        # (34) ∂E/∂W^hx = Σ_{t=1}^T δ_t^a x_tᵀ
        d_W_hx += delta_a[t].T @ x[t - 1]
        # (35) ∂E/∂W^s = Σ_{t=1}^T δ_t^z h_tᵀ
        d_W_s += delta_z[t].T @ h[t]
        # (36) (∂E/∂x_t)ᵀ = (W^hx)ᵀ δ_t^a
        d_x[t] = delta_a[t] @ W_hx
    # (37) (∂E/∂h_0)ᵀ = (W^hh)ᵀ δ_1^a
    d_h_0 = delta_a[1] @ W_hh
    return {
        "W_hh": d_W_hh,
        "W_hx": d_W_hx,
        "W_s": d_W_s,
        "x": d_x[1:],
        "h_0": d_h_0,
    }


def softmax(z: np.ndarray) -> np.ndarray:
    """Return exp(z) over its row sums; the largest entry is taken off first."""
    shifted = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x)) without overflow on either side."""
    small = np.exp(np.where(x.real > 0, -x, x))
    return np.where(x.real > 0, 1, small) / (1 + small)


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
