"""Linear diagonal recurrence.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of diagonal (style fast); do not edit. Numbers in comments are those of the
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
    tanh_h = np.empty((T + 1, B, n), dtype)
    # (1) h_t = λ ⊙ h_{t-1} + W_x x_t
    put_times(h[1:], x, W_x.T)
    buffer = np.empty((B, n), dtype)
    for t in range(1, T + 1):
        # (1) h_t = λ ⊙ h_{t-1} + W_x x_t
        np.multiply(lambda_, h[t - 1], out=buffer)
        h[t] += buffer
    # (2) ŷ_t = W_y tanh(h_t) + D x_t
    np.tanh(h[1:], out=tanh_h[1:])
    y_hat[1:] = times(tanh_h[1:], W_y.T) + times(x, D.T)
    # (3) E_t = 1/2 ‖y_t - ŷ_t‖²
    E = 0.5 * np.sum((y - y_hat[1:]) ** 2)
    return E, {"h": h, "y_hat": y_hat, "tanh_h": tanh_h}


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
    tanh_h = tape["tanh_h"]
    T, B = data["x"].shape[:2]
    q = params["W_y"].shape[0]
    n = params["lambda_"].shape[0]
    m = params["W_x"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    delta_y_hat = np.empty((T + 1, B, q), dtype)
    delta_h = np.zeros((T + 2, B, n), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    # (22) δ_t^ŷ = ŷ_t - y_t
    np.subtract(y_hat[1:], y, out=delta_y_hat[1:])
    # (23) δ_t^h = (1 - tanh(h_t)²) ⊙ W_yᵀ δ_t^ŷ + λ ⊙ δ_{t+1}^h
    delta_h[1:-1] = (1 - tanh_h[1:] ** 2) * times(delta_y_hat[1:], W_y)
    buffer = np.empty((B, n), dtype)
    for t in range(T, 0, -1):
        # (23) δ_t^h = (1 - tanh(h_t)²) ⊙ W_yᵀ δ_t^ŷ + λ ⊙ δ_{t+1}^h
        np.multiply(lambda_, delta_h[t + 1], out=buffer)
        delta_h[t] += buffer
    # (25) ∂E/∂λ = Σ_{t=1}^T h_{t-1} ⊙ δ_t^h
    d_lambda_ = np.sum(h[:-1] * delta_h[1:-1], axis=(0, 1))
    # (26) ∂E/∂W_x = Σ_{t=1}^T δ_t^h x_tᵀ
    d_W_x = outer(delta_h[1:-1], x)
    # (27) ∂E/∂W_y = Σ_{t=1}^T δ_t^ŷ tanh(h_t)ᵀ
    d_W_y = outer(delta_y_hat[1:], tanh_h[1:])
    # (28) ∂E/∂D = Σ_{t=1}^T δ_t^ŷ x_tᵀ
    d_D = outer(delta_y_hat[1:], x)
    # (29) (∂E/∂x_t)ᵀ = W_xᵀ δ_t^h + Dᵀ δ_t^ŷ
    d_x[1:] = times(delta_h[1:-1], W_x) + times(delta_y_hat[1:], D)
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


def times(values: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Multiply the rows of all steps by a matrix, in one product."""
    rows = values.reshape(-1, values.shape[-1])
    return (rows @ matrix).reshape(*values.shape[:-1], matrix.shape[1])


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
