"""Jordan network.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of jordan (style textbook, sigma = tanh); do not edit. Numbers in comments are
those of the derivation.

A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are
time-major, batch second. Index t is step t, except in the data, which counts from 0.
"""

import numpy as np

Arrays = dict[str, np.ndarray]

PARAMS = {
    "W_x": ("n", "m"),
    "W_f": ("n", "q"),
    "b_h": ("n",),
    "W_y": ("q", "n"),
    "b_y": ("q",),
}
DATA = {
    "x": ("T", "B", "m"),
    "y": ("T", "B", "q"),
    "y_hat_0": ("B", "q"),
}
CONSTRAINTS = {"y": "one-hot"}


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
    W_x = params["W_x"]
    W_f = params["W_f"]
    b_h = params["b_h"]
    W_y = params["W_y"]
    b_y = params["b_y"]
    x = data["x"]
    y = data["y"]
    y_hat_0 = data["y_hat_0"]
    T, B = data["x"].shape[:2]
    n = params["W_x"].shape[0]
    q = params["W_f"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    a = np.empty((T + 1, B, n), dtype)
    h = np.empty((T + 1, B, n), dtype)
    z = np.empty((T + 1, B, q), dtype)
    y_hat = np.empty((T + 1, B, q), dtype)
    y_hat[0] = y_hat_0
    E = 0.0
    for t in range(1, T + 1):
        # (1) a_t = W_x x_t + W_f ŷ_{t-1} + b_h
        a[t] = x[t - 1] @ W_x.T + y_hat[t - 1] @ W_f.T + b_h
        # (2) h_t = σ(a_t)
        h[t] = np.tanh(a[t])
        # (3) z_t = W_y h_t + b_y
        z[t] = h[t] @ W_y.T + b_y
        # (4) ŷ_t = softmax(z_t)
        y_hat[t] = softmax(z[t])
        # (5) E_t = -y_tᵀ log(ŷ_t)
        E -= np.sum(y[t - 1] * log_softmax(z[t]))
    return E, {"h": h, "y_hat": y_hat}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_x = params["W_x"]
    W_f = params["W_f"]
    W_y = params["W_y"]
    x = data["x"]
    y = data["y"]
    h = tape["h"]
    y_hat = tape["y_hat"]
    T, B = data["x"].shape[:2]
    q = params["W_f"].shape[1]
    n = params["W_x"].shape[0]
    m = params["W_x"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    delta_y_hat = np.empty((T + 1, B, q), dtype)
    delta_z = np.empty((T + 1, B, q), dtype)
    delta_h = np.empty((T + 1, B, n), dtype)
    delta_a = np.zeros((T + 2, B, n), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    d_W_x = np.zeros(params["W_x"].shape, dtype)
    d_W_f = np.zeros(params["W_f"].shape, dtype)
    d_b_h = np.zeros(params["b_h"].shape, dtype)
    d_W_y = np.zeros(params["W_y"].shape, dtype)
    d_b_y = np.zeros(params["b_y"].shape, dtype)
    for t in range(T, 0, -1):
        # (39) δ_t^ŷ = W_fᵀ δ_{t+1}^a - y_t ⊘ ŷ_t
        delta_y_hat[t] = delta_a[t + 1] @ W_f - y[t - 1] / y_hat[t]
        # (40) δ_t^z = (diag(ŷ_t) - ŷ_t ŷ_tᵀ) δ_t^ŷ
        delta_z[t] = y_hat[t] * delta_y_hat[t]
        delta_z[t] -= y_hat[t] * np.sum(y_hat[t] * delta_y_hat[t], axis=-1, keepdims=True)
        # (41) δ_t^h = W_yᵀ δ_t^z
        delta_h[t] = delta_z[t] @ W_y
        # (42) δ_t^a = (1 - h_t²) ⊙ δ_t^h
        delta_a[t] = (1 - h[t] ** 2) * delta_h[t]
        # (44) ∂E/∂W_x = Σ_{t=1}^T δ_t^a x_tᵀ
        d_W_x += delta_a[t].T @ x[t - 1]
        # (45) ∂E/∂W_f = Σ_{t=1}^T δ_t^a ŷ_{t-1}ᵀ
        d_W_f += delta_a[t].T @ y_hat[t - 1]
        # (46) ∂E/∂b_h = Σ_{t=1}^T δ_t^a
        d_b_h += np.sum(delta_a[t], axis=0)
        # (47) ∂E/∂W_y = Σ_{t=1}^T δ_t^z h_tᵀ
        d_W_y += delta_z[t].T @ h[t]
        # (48) ∂E/∂b_y = Σ_{t=1}^T δ_t^z
        d_b_y += np.sum(delta_z[t], axis=0)
        # (49) (∂E/∂x_t)ᵀ = W_xᵀ δ_t^a
        d_x[t] = delta_a[t] @ W_x
    # (50) (∂E/∂ŷ_0)ᵀ = W_fᵀ δ_1^a
    d_y_hat_0 = delta_a[1] @ W_f
    return {
        "W_x": d_W_x,
        "W_f": d_W_f,
        "b_h": d_b_h,
        "W_y": d_W_y,
        "b_y": d_b_y,
        "x": d_x[1:],
        "y_hat_0": d_y_hat_0,
    }


def softmax(z: np.ndarray) -> np.ndarray:
    """Return exp(z) over its row sums; the largest entry is taken off first."""
    shifted = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def log_softmax(z: np.ndarray) -> np.ndarray:
    """Return log(softmax(z)) by log-sum-exp, finite for any finite z."""
    shifted = z - z.real.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _validate(params: Arrays, data: Arrays) -> None:
    """Raise a ValueError that names the array, what came and what was expected."""
    sizes: dict[str, int] = {}
    for kind, arrays, expected in (("params", params, PARAMS), ("data", data, DATA)):
        if set(arrays) != set(expected):
            raise ValueError(f"{kind} has {sorted(arrays)}; {sorted(expected)} were expected")
        for name, axes in expected.items():
            _validate_array(f"{kind}[{name!r}]", arrays[name], axes, sizes)
    for name, constraint in CONSTRAINTS.items():
        if constraint == "one-hot" and not np.allclose(data[name].sum(axis=-1), 1, atol=1e-4):
            raise ValueError(f"data[{name!r}]: each row was expected to sum to one")


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
