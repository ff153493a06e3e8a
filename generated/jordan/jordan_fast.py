"""Jordan network.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of jordan (style fast, sigma = tanh); do not edit. Numbers in comments are those
of the derivation.

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
    lse_z = np.empty((T + 1, B, 1), dtype)
    # (1) a_t = W_x x_t + W_f ŷ_{t-1} + b_h
    put_times(a[1:], x, W_x.T)
    a[1:] += b_h
    # (3) z_t = W_y h_t + b_y
    z[1:] = b_y
    W_f_T = np.ascontiguousarray(W_f.T)
    W_y_T = np.ascontiguousarray(W_y.T)
    buffer = np.empty((B, n), dtype)
    buffer_2 = np.empty((B, q), dtype)
    for t in range(1, T + 1):
        # (1) a_t = W_x x_t + W_f ŷ_{t-1} + b_h
        np.matmul(y_hat[t - 1], W_f_T, out=buffer)
        a[t] += buffer
        # (2) h_t = σ(a_t)
        np.tanh(a[t], out=h[t])
        # (3) z_t = W_y h_t + b_y
        np.matmul(h[t], W_y_T, out=buffer_2)
        z[t] += buffer_2
        # (4) ŷ_t = softmax(z_t)
        lse_z[t] = log_sum_exp(z[t])
        np.subtract(z[t], lse_z[t], out=y_hat[t])
        np.exp(y_hat[t], out=y_hat[t])
    # (5) E_t = -y_tᵀ log(ŷ_t)
    E = -np.sum(y * (z[1:] - lse_z[1:]))
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
    # (39) δ_t^ŷ = W_fᵀ δ_{t+1}^a - y_t ⊘ ŷ_t
    np.divide(y, y_hat[1:], out=delta_y_hat[1:])
    np.negative(delta_y_hat[1:], out=delta_y_hat[1:])
    buffer = np.empty((B, q), dtype)
    for t in range(T, 0, -1):
        # (39) δ_t^ŷ = W_fᵀ δ_{t+1}^a - y_t ⊘ ŷ_t
        np.matmul(delta_a[t + 1], W_f, out=buffer)
        delta_y_hat[t] += buffer
        # (40) δ_t^z = (diag(ŷ_t) - ŷ_t ŷ_tᵀ) δ_t^ŷ
        delta_z[t] = y_hat[t] * delta_y_hat[t]
        delta_z[t] -= y_hat[t] * np.sum(y_hat[t] * delta_y_hat[t], axis=-1, keepdims=True)
        # (41) δ_t^h = W_yᵀ δ_t^z
        np.matmul(delta_z[t], W_y, out=delta_h[t])
        # (42) δ_t^a = (1 - h_t²) ⊙ δ_t^h
        np.square(h[t], out=delta_a[t])
        np.subtract(1, delta_a[t], out=delta_a[t])
        delta_a[t] *= delta_h[t]
    # (44) ∂E/∂W_x = Σ_{t=1}^T δ_t^a x_tᵀ
    d_W_x = outer(delta_a[1:-1], x)
    # (45) ∂E/∂W_f = Σ_{t=1}^T δ_t^a ŷ_{t-1}ᵀ
    d_W_f = outer(delta_a[1:-1], y_hat[:-1])
    # (46) ∂E/∂b_h = Σ_{t=1}^T δ_t^a
    d_b_h = np.sum(delta_a[1:-1], axis=(0, 1))
    # (47) ∂E/∂W_y = Σ_{t=1}^T δ_t^z h_tᵀ
    d_W_y = outer(delta_z[1:], h[1:])
    # (48) ∂E/∂b_y = Σ_{t=1}^T δ_t^z
    d_b_y = np.sum(delta_z[1:], axis=(0, 1))
    # (49) (∂E/∂x_t)ᵀ = W_xᵀ δ_t^a
    put_times(d_x[1:], delta_a[1:-1], W_x)
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


def put_times(out: np.ndarray, values: np.ndarray, matrix: np.ndarray) -> None:
    """Write the product of the rows of all steps and a matrix to an array in memory order."""
    rows = values.reshape(-1, values.shape[-1])
    np.matmul(rows, matrix, out=out.reshape(-1, out.shape[-1]))


def outer(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Sum the outer products of the rows of all steps, in one product."""
    return left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])


def log_sum_exp(z: np.ndarray) -> np.ndarray:
    """Return log(sum(exp(z))) of each row; the largest entry is taken off first."""
    largest = z.real.max(axis=-1, keepdims=True)
    return largest + np.log(np.exp(z - largest).sum(axis=-1, keepdims=True))


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
