"""Rectified network that starts at the identity.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of irnn (style fast); do not edit. Numbers in comments are those of the
derivation.

A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are
time-major, batch second. Index t is step t, except in the data, which counts from 0.
"""

import numpy as np

Arrays = dict[str, np.ndarray]

PARAMS = {
    "W_rec": ("n", "n"),
    "W_in": ("n", "m"),
    "b": ("n",),
    "W_y": ("q", "n"),
    "b_y": ("q",),
}
DATA = {
    "x": ("T", "B", "m"),
    "y": ("T", "B", "q"),
    "h_0": ("B", "n"),
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
    W_rec = params["W_rec"]
    W_in = params["W_in"]
    b = params["b"]
    W_y = params["W_y"]
    b_y = params["b_y"]
    x = data["x"]
    y = data["y"]
    h_0 = data["h_0"]
    T, B = data["x"].shape[:2]
    n = params["W_rec"].shape[0]
    q = params["W_y"].shape[0]
    dtype = np.result_type(*params.values(), *data.values())
    a = np.empty((T + 1, B, n), dtype)
    h = np.empty((T + 1, B, n), dtype)
    h[0] = h_0
    z = np.empty((T + 1, B, q), dtype)
    y_hat = np.empty((T + 1, B, q), dtype)
    lse_z = np.empty((T + 1, B, 1), dtype)
    # (1) a_t = W_rec h_{t-1} + W_in x_t + b
    put_times(a[1:], x, W_in.T)
    a[1:] += b
    W_rec_T = np.ascontiguousarray(W_rec.T)
    buffer = np.empty((B, n), dtype)
    for t in range(1, T + 1):
        # (1) a_t = W_rec h_{t-1} + W_in x_t + b
        np.matmul(h[t - 1], W_rec_T, out=buffer)
        a[t] += buffer
        # (2) h_t = relu(a_t)
        h[t] = np.where(a[t] > 0, a[t], 0)
    # (3) z_t = W_y h_t + b_y
    put_times(z[1:], h[1:], W_y.T)
    z[1:] += b_y
    # (4) ŷ_t = softmax(z_t)
    lse_z[1:] = log_sum_exp(z[1:])
    np.subtract(z[1:], lse_z[1:], out=y_hat[1:])
    np.exp(y_hat[1:], out=y_hat[1:])
    # (5) E_t = -y_tᵀ log(ŷ_t)
    E = -np.sum(y * (z[1:] - lse_z[1:]))
    return E, {"a": a, "h": h, "y_hat": y_hat}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_rec = params["W_rec"]
    W_in = params["W_in"]
    W_y = params["W_y"]
    x = data["x"]
    y = data["y"]
    a = tape["a"]
    h = tape["h"]
    y_hat = tape["y_hat"]
    T, B = data["x"].shape[:2]
    q = params["W_y"].shape[0]
    n = params["W_rec"].shape[0]
    m = params["W_in"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    delta_z = np.empty((T + 1, B, q), dtype)
    delta_h = np.empty((T + 1, B, n), dtype)
    delta_a = np.zeros((T + 2, B, n), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    # (33) δ_t^z = ŷ_t - y_t
    np.subtract(y_hat[1:], y, out=delta_z[1:])
    # (34) δ_t^h = W_yᵀ δ_t^z + W_recᵀ δ_{t+1}^a
    put_times(delta_h[1:], delta_z[1:], W_y)
    buffer = np.empty((B, n), dtype)
    for t in range(T, 0, -1):
        # (34) δ_t^h = W_yᵀ δ_t^z + W_recᵀ δ_{t+1}^a
        np.matmul(delta_a[t + 1], W_rec, out=buffer)
        delta_h[t] += buffer
        # (35) δ_t^a = relu'(a_t) ⊙ δ_t^h
        delta_a[t] = np.where(a[t] > 0, 1, 0) * delta_h[t]
    # (37) ∂E/∂W_rec = Σ_{t=1}^T δ_t^a h_{t-1}ᵀ
    d_W_rec = outer(delta_a[1:-1], h[:-1])
    # (38) ∂E/∂W_in = Σ_{t=1}^T δ_t^a x_tᵀ
    d_W_in = outer(delta_a[1:-1], x)
    # (39) ∂E/∂b = Σ_{t=1}^T δ_t^a
    d_b = np.sum(delta_a[1:-1], axis=(0, 1))
    # (40) ∂E/∂W_y = Σ_{t=1}^T δ_t^z h_tᵀ
    d_W_y = outer(delta_z[1:], h[1:])
    # (41) ∂E/∂b_y = Σ_{t=1}^T δ_t^z
    d_b_y = np.sum(delta_z[1:], axis=(0, 1))
    # (42) (∂E/∂x_t)ᵀ = W_inᵀ δ_t^a
    put_times(d_x[1:], delta_a[1:-1], W_in)
    # (43) (∂E/∂h_0)ᵀ = W_recᵀ δ_1^a
    d_h_0 = delta_a[1] @ W_rec
    return {
        "W_rec": d_W_rec,
        "W_in": d_W_in,
        "b": d_b,
        "W_y": d_W_y,
        "b_y": d_b_y,
        "x": d_x[1:],
        "h_0": d_h_0,
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
