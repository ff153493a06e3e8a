"""Recurrent network with two lags.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of two-lag (style fast, sigma = tanh); do not edit. Numbers in comments are those
of the derivation.

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
    # (1) a_t = W_1 h_{t-1} + W_2 h_{t-2} + W_x x_t + b_h
    put_times(a[1:], x, W_x.T)
    a[1:] += b_h
    W_1_T = np.ascontiguousarray(W_1.T)
    W_2_T = np.ascontiguousarray(W_2.T)
    buffer = np.empty((B, n), dtype)
    for t in range(1, T + 1):
        # (1) a_t = W_1 h_{t-1} + W_2 h_{t-2} + W_x x_t + b_h
        np.matmul(h[t], W_1_T, out=buffer)
        a[t] += buffer
        np.matmul(h[t - 1], W_2_T, out=buffer)
        a[t] += buffer
        # (2) h_t = σ(a_t)
        np.tanh(a[t], out=h[t + 1])
    # (3) ŷ_t = W_y h_t + b_y
    put_times(y_hat[1:], h[2:], W_y.T)
    y_hat[1:] += b_y
    # (4) E_t = 1/2 ‖y_t - ŷ_t‖²
    E = 0.5 * np.sum((y - y_hat[1:]) ** 2)
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
    # (39) δ_t^ŷ = ŷ_t - y_t
    np.subtract(y_hat[1:], y, out=delta_y_hat[1:])
    # (40) δ_t^h = W_yᵀ δ_t^ŷ + W_1ᵀ δ_{t+1}^a + W_2ᵀ δ_{t+2}^a
    put_times(delta_h[1:], delta_y_hat[1:], W_y)
    buffer = np.empty((B, n), dtype)
    for t in range(T, 0, -1):
        # (40) δ_t^h = W_yᵀ δ_t^ŷ + W_1ᵀ δ_{t+1}^a + W_2ᵀ δ_{t+2}^a
        np.matmul(delta_a[t + 1], W_1, out=buffer)
        delta_h[t] += buffer
        np.matmul(delta_a[t + 2], W_2, out=buffer)
        delta_h[t] += buffer
        # (41) δ_t^a = (1 - h_t²) ⊙ δ_t^h
        np.square(h[t + 1], out=delta_a[t])
        np.subtract(1, delta_a[t], out=delta_a[t])
        delta_a[t] *= delta_h[t]
    # (44) ∂E/∂W_1 = Σ_{t=1}^T δ_t^a h_{t-1}ᵀ
    d_W_1 = outer(delta_a[1:-2], h[1:-1])
    # (45) ∂E/∂W_2 = Σ_{t=1}^T δ_t^a h_{t-2}ᵀ
    d_W_2 = outer(delta_a[1:-2], h[:-2])
    # (46) ∂E/∂W_x = Σ_{t=1}^T δ_t^a x_tᵀ
    d_W_x = outer(delta_a[1:-2], x)
    # (47) ∂E/∂b_h = Σ_{t=1}^T δ_t^a
    d_b_h = np.sum(delta_a[1:-2], axis=(0, 1))
    # (48) ∂E/∂W_y = Σ_{t=1}^T δ_t^ŷ h_tᵀ
    d_W_y = outer(delta_y_hat[1:], h[2:])
    # (49) ∂E/∂b_y = Σ_{t=1}^T δ_t^ŷ
    d_b_y = np.sum(delta_y_hat[1:], axis=(0, 1))
    # (50) (∂E/∂x_t)ᵀ = W_xᵀ δ_t^a
    put_times(d_x[1:], delta_a[1:-2], W_x)
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


def put_times(out: np.ndarray, values: np.ndarray, matrix: np.ndarray) -> None:
    """Write the product of the rows of all steps and a matrix to an array in memory order."""
    rows = values.reshape(-1, values.shape[-1])
    np.matmul(rows, matrix, out=out.reshape(-1, out.shape[-1]))


def outer(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Sum the outer products of the rows of all steps, in one product."""
    return left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])


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
