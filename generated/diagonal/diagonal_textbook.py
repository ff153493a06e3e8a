"""Linear diagonal recurrence.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of diagonal (style textbook); do not edit. Numbers in comments are those of the
derivation.

A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are
time-major, batch second. Index t is step t, except in the data, which counts from 0.
"""

import numpy as np

Arrays = dict[str, np.ndarray]

PARAMS = {
    "lambda_": ("n",),
    "W_x": ("n", "m"),
    "W_y": ("q", "n"),
    "D": ("q", "m"),
}
DATA = {
    "x": ("T", "B", "m"),
    "y": ("T", "B", "q"),
    "h_0": ("B", "n"),
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
    lambda_ = params["lambda_"]
    W_x = params["W_x"]
    W_y = params["W_y"]
    D = params["D"]
    x = data["x"]
    y = data["y"]
    h_0 = data["h_0"]
    T, B = data["x"].shape[:2]
    n = params["lambda_"].shape[0]
    q = params["W_y"].shape[0]
    dtype = np.result_type(*params.values(), *data.values())
    h = np.empty((T + 1, B, n), dtype)
    h[0] = h_0
    y_hat = np.empty((T + 1, B, q), dtype)
    E = 0.0
    for t in range(1, T + 1):
        # (1) h_t = λ ⊙ h_{t-1} + W_x x_t
        h[t] = lambda_ * h[t - 1] + x[t - 1] @ W_x.T
        # (2) ŷ_t = W_y tanh(h_t) + D x_t
        y_hat[t] = np.tanh(h[t]) @ W_y.T + x[t - 1] @ D.T
        # (3) E_t = 1/2 ‖y_t - ŷ_t‖²
        E += 0.5 * np.sum((y[t - 1] - y_hat[t]) ** 2)
    return E, {"h": h, "y_hat": y_hat}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    lambda_ = params["lambda_"]
    W_x = params["W_x"]
    W_y = params["W_y"]
    D = params["D"]
    x = data["x"]
    y = data["y"]
    h = tape["h"]
    y_hat = tape["y_hat"]
    T, B = data["x"].shape[:2]
    q = params["W_y"].shape[0]
    n = params["lambda_"].shape[0]
    m = params["W_x"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    delta_y_hat = np.empty((T + 1, B, q), dtype)
    delta_h = np.zeros((T + 2, B, n), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    d_lambda_ = np.zeros(params["lambda_"].shape, dtype)
    d_W_x = np.zeros(params["W_x"].shape, dtype)
    d_W_y = np.zeros(params["W_y"].shape, dtype)
    d_D = np.zeros(params["D"].shape, dtype)
    for t in range(T, 0, -1):
        # (22) δ_t^ŷ = ŷ_t - y_t
        delta_y_hat[t] = y_hat[t] - y[t - 1]
        # (23) δ_t^h = (1 - tanh(h_t)²) ⊙ W_yᵀ δ_t^ŷ + λ ⊙ δ_{t+1}^h
        delta_h[t] = (1 - np.tanh(h[t]) ** 2) * (delta_y_hat[t] @ W_y) + lambda_ * delta_h[t + 1]
        # (25) ∂E/∂λ = Σ_{t=1}^T h_{t-1} ⊙ δ_t^h
        d_lambda_ += np.sum(h[t - 1] * delta_h[t], axis=0)
        # (26) ∂E/∂W_x = Σ_{t=1}^T δ_t^h x_tᵀ
        d_W_x += delta_h[t].T @ x[t - 1]
        # (27) ∂E/∂W_y = Σ_{t=1}^T δ_t^ŷ tanh(h_t)ᵀ
        d_W_y += delta_y_hat[t].T @ np.tanh(h[t])
        # (28) ∂E/∂D = Σ_{t=1}^T δ_t^ŷ x_tᵀ
        d_D += delta_y_hat[t].T @ x[t - 1]
        # (29) (∂E/∂x_t)ᵀ = W_xᵀ δ_t^h + Dᵀ δ_t^ŷ
        d_x[t] = delta_h[t] @ W_x + delta_y_hat[t] @ D
    # (30) (∂E/∂h_0)ᵀ = λ ⊙ δ_1^h
    d_h_0 = lambda_ * delta_h[1]
    return {
        "lambda_": d_lambda_,
        "W_x": d_W_x,
        "W_y": d_W_y,
        "D": d_D,
        "x": d_x[1:],
        "h_0": d_h_0,
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
