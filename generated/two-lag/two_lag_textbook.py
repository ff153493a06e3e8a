"""Recurrent network with two lags.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of two-lag (style textbook, sigma = tanh); do not edit. Numbers in comments are
those of the derivation.

A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are
time-major, batch second. Index t is step t, except in the data, which counts from 0.
"""

import numpy as np

Arrays = dict[str, np.ndarray]

PARAMS = {
    "W_1": ("n", "n"),
    "W_2": ("n", "n"),
    "W_x": ("n", "m"),
    "b_h": ("n",),
    "W_y": ("q", "n"),
    "b_y": ("q",),
}
DATA = {
    "x": ("T", "B", "m"),
    "y": ("T", "B", "q"),
    "h_0": ("B", "n"),
    "h_minus_1": ("B", "n"),
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
    W_1 = params["W_1"]
    W_2 = params["W_2"]
    W_x = params["W_x"]
    b_h = params["b_h"]
    W_y = params["W_y"]
    b_y = params["b_y"]
    x = data["x"]
    y = data["y"]
    h_0 = data["h_0"]
    h_minus_1 = data["h_minus_1"]
    T, B = data["x"].shape[:2]
    n = params["W_1"].shape[0]
    q = params["W_y"].shape[0]
    dtype = np.result_type(*params.values(), *data.values())
    a = np.empty((T + 1, B, n), dtype)
    h = np.empty((T + 2, B, n), dtype)
    h[1] = h_0
    h[0] = h_minus_1
    y_hat = np.empty((T + 1, B, q), dtype)
    E = 0.0
    for t in range(1, T + 1):
        # (1) a_t = W_1 h_{t-1} + W_2 h_{t-2} + W_x x_t + b_h
        a[t] = h[t] @ W_1.T + h[t - 1] @ W_2.T + x[t - 1] @ W_x.T + b_h
        # (2) h_t = σ(a_t)
        h[t + 1] = np.tanh(a[t])
        # (3) ŷ_t = W_y h_t + b_y
        y_hat[t] = h[t + 1] @ W_y.T + b_y
        # (4) E_t = 1/2 ‖y_t - ŷ_t‖²
        E += 0.5 * np.sum((y[t - 1] - y_hat[t]) ** 2)
    return E, {"h": h, "y_hat": y_hat}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_1 = params["W_1"]
    W_2 = params["W_2"]
    W_x = params["W_x"]
    W_y = params["W_y"]
    x = data["x"]
    y = data["y"]
    h = tape["h"]
    y_hat = tape["y_hat"]
    T, B = data["x"].shape[:2]
    q = params["W_y"].shape[0]
    n = params["W_1"].shape[0]
    m = params["W_x"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    delta_y_hat = np.empty((T + 1, B, q), dtype)
    delta_h = np.empty((T + 1, B, n), dtype)
    delta_a = np.zeros((T + 3, B, n), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    d_W_1 = np.zeros(params["W_1"].shape, dtype)
    d_W_2 = np.zeros(params["W_2"].shape, dtype)
    d_W_x = np.zeros(params["W_x"].shape, dtype)
    d_b_h = np.zeros(params["b_h"].shape, dtype)
    d_W_y = np.zeros(params["W_y"].shape, dtype)
    d_b_y = np.zeros(params["b_y"].shape, dtype)
    for t in range(T, 0, -1):
        # (39) δ_t^ŷ = ŷ_t - y_t
        delta_y_hat[t] = y_hat[t] - y[t - 1]
        # (40) δ_t^h = W_yᵀ δ_t^ŷ + W_1ᵀ δ_{t+1}^a + W_2ᵀ δ_{t+2}^a
        delta_h[t] = delta_y_hat[t] @ W_y + delta_a[t + 1] @ W_1 + delta_a[t + 2] @ W_2
        # (41) δ_t^a = (1 - h_t²) ⊙ δ_t^h
        delta_a[t] = (1 - h[t + 1] ** 2) * delta_h[t]
        # (44) ∂E/∂W_1 = Σ_{t=1}^T δ_t^a h_{t-1}ᵀ
        d_W_1 += delta_a[t].T @ h[t]
        # (45) ∂E/∂W_2 = Σ_{t=1}^T δ_t^a h_{t-2}ᵀ
        d_W_2 += delta_a[t].T @ h[t - 1]
        # (46) ∂E/∂W_x = Σ_{t=1}^T δ_t^a x_tᵀ
        d_W_x += delta_a[t].T @ x[t - 1]
        # (47) ∂E/∂b_h = Σ_{t=1}^T δ_t^a
        d_b_h += np.sum(delta_a[t], axis=0)
        # (48) ∂E/∂W_y = Σ_{t=1}^T δ_t^ŷ h_tᵀ
        d_W_y += delta_y_hat[t].T @ h[t + 1]
        # (49) ∂E/∂b_y = Σ_{t=1}^T δ_t^ŷ
        d_b_y += np.sum(delta_y_hat[t], axis=0)
        # (50) (∂E/∂x_t)ᵀ = W_xᵀ δ_t^a
        d_x[t] = delta_a[t] @ W_x
    # (51) (∂E/∂h_0)ᵀ = W_1ᵀ δ_1^a + W_2ᵀ δ_2^a
    d_h_0 = delta_a[1] @ W_1 + delta_a[2] @ W_2
    # (52) (∂E/∂h_{-1})ᵀ = W_2ᵀ δ_1^a
    d_h_minus_1 = delta_a[1] @ W_2
    return {
        "W_1": d_W_1,
        "W_2": d_W_2,
        "W_x": d_W_x,
        "b_h": d_b_h,
        "W_y": d_W_y,
        "b_y": d_b_y,
        "x": d_x[1:],
        "h_0": d_h_0,
        "h_minus_1": d_h_minus_1,
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
