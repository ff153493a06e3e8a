"""Multiplicative recurrent network.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of mrnn (style fast); do not edit. Numbers in comments are those of the
derivation.

A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are
time-major, batch second. Index t is step t, except in the data, which counts from 0.
"""

import numpy as np

Arrays = dict[str, np.ndarray]

PARAMS = {
    "W_fx": ("n_2", "m"),
    "W_fh": ("n_2", "n"),
    "W_hf": ("n", "n_2"),
    "W_hx": ("n", "m"),
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
    W_fx = params["W_fx"]
    W_fh = params["W_fh"]
    W_hf = params["W_hf"]
    W_hx = params["W_hx"]
    b = params["b"]
    W_y = params["W_y"]
    b_y = params["b_y"]
    x = data["x"]
    y = data["y"]
    h_0 = data["h_0"]
    T, B = data["x"].shape[:2]
    n_2 = params["W_fx"].shape[0]
    n = params["W_fh"].shape[1]
    q = params["W_y"].shape[0]
    dtype = np.result_type(*params.values(), *data.values())
    f = np.empty((T + 1, B, n_2), dtype)
    a = np.empty((T + 1, B, n), dtype)
    h = np.empty((T + 1, B, n), dtype)
    h[0] = h_0
    z = np.empty((T + 1, B, q), dtype)
    y_hat = np.empty((T + 1, B, q), dtype)
    lse_z = np.empty((T + 1, B, 1), dtype)
    W_fh_h = np.empty((T + 1, B, n_2), dtype)
    # What lies beyond the steps is multiplied by zero alone.
    x = np.concatenate([x, x[-1:]])
    # (2) a_t = W_hf f_t + W_hx x_t + b
    put_times(a[1:], x[:-1], W_hx.T)
    a[1:] += b
    W_fh_T = np.ascontiguousarray(W_fh.T)
    W_fx_T = np.ascontiguousarray(W_fx.T)
    W_hf_T = np.ascontiguousarray(W_hf.T)
    buffer = np.empty((B, n), dtype)
    for t in range(1, T + 1):
        # (1) f_t = W_fx x_t ⊙ W_fh h_{t-1}
        np.matmul(h[t - 1], W_fh_T, out=W_fh_h[t])
        np.matmul(x[t - 1], W_fx_T, out=f[t])
        f[t] *= W_fh_h[t]
        # (2) a_t = W_hf f_t + W_hx x_t + b
        np.matmul(f[t], W_hf_T, out=buffer)
        a[t] += buffer
        # (3) h_t = tanh(a_t)
        np.tanh(a[t], out=h[t])
    # (4) z_t = W_y h_t + b_y
    put_times(z[1:], h[1:], W_y.T)
    z[1:] += b_y
    # (5) ŷ_t = softmax(z_t)
    lse_z[1:] = log_sum_exp(z[1:])
    np.subtract(z[1:], lse_z[1:], out=y_hat[1:])
    np.exp(y_hat[1:], out=y_hat[1:])
    # (6) E_t = -y_tᵀ log(ŷ_t)
    E = -np.sum(y * (z[1:] - lse_z[1:]))
    return E, {"f": f, "h": h, "y_hat": y_hat, "W_fh_h": W_fh_h}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_fx = params["W_fx"]
    W_fh = params["W_fh"]
    W_hf = params["W_hf"]
    W_hx = params["W_hx"]
    W_y = params["W_y"]
    x = data["x"]
    y = data["y"]
    f = tape["f"]
    h = tape["h"]
    y_hat = tape["y_hat"]
    W_fh_h = tape["W_fh_h"]
    T, B = data["x"].shape[:2]
    q = params["W_y"].shape[0]
    n = params["W_fh"].shape[1]
    n_2 = params["W_fx"].shape[0]
    m = params["W_fx"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    delta_z = np.empty((T + 1, B, q), dtype)
    delta_h = np.empty((T + 1, B, n), dtype)
    delta_a = np.empty((T + 1, B, n), dtype)
    delta_f = np.zeros((T + 2, B, n_2), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    W_fh_h_delta_f = np.empty((T + 1, B, n_2), dtype)
    # What lies beyond the steps is multiplied by zero alone.
    x = np.concatenate([x, x[-1:]])
    # (44) δ_t^z = ŷ_t - y_t
    np.subtract(y_hat[1:], y, out=delta_z[1:])
    # (45) δ_t^h = W_yᵀ δ_t^z + W_fhᵀ (W_fx x_{t+1} ⊙ δ_{t+1}^f)
    put_times(delta_h[1:], delta_z[1:], W_y)
    W_fx_T = np.ascontiguousarray(W_fx.T)
    buffer = np.empty((B, n), dtype)
    buffer_2 = np.empty((B, n_2), dtype)
    for t in range(T, 0, -1):
        # (45) δ_t^h = W_yᵀ δ_t^z + W_fhᵀ (W_fx x_{t+1} ⊙ δ_{t+1}^f)
        np.matmul(x[t], W_fx_T, out=buffer_2)
        buffer_2 *= delta_f[t + 1]
        np.matmul(buffer_2, W_fh, out=buffer)
        delta_h[t] += buffer
        # (46) δ_t^a = (1 - h_t²) ⊙ δ_t^h
        np.square(h[t], out=delta_a[t])
        np.subtract(1, delta_a[t], out=delta_a[t])
        delta_a[t] *= delta_h[t]
        # (47) δ_t^f = W_hfᵀ δ_t^a
        np.matmul(delta_a[t], W_hf, out=delta_f[t])
    # (49) ∂E/∂W_fx = Σ_{t=1}^T (W_fh h_{t-1} ⊙ δ_t^f) x_tᵀ
    np.multiply(W_fh_h[1:], delta_f[1:-1], out=W_fh_h_delta_f[1:])
    d_W_fx = outer(W_fh_h_delta_f[1:], x[:-1])
    # (50) ∂E/∂W_fh = Σ_{t=1}^T (W_fx x_t ⊙ δ_t^f) h_{t-1}ᵀ
    d_W_fh = outer(times(x[:-1], W_fx.T) * delta_f[1:-1], h[:-1])
    # (51) ∂E/∂W_hf = Σ_{t=1}^T δ_t^a f_tᵀ
    d_W_hf = outer(delta_a[1:], f[1:])
    # (52) ∂E/∂W_hx = Σ_{t=1}^T δ_t^a x_tᵀ
    d_W_hx = outer(delta_a[1:], x[:-1])
    # (53) ∂E/∂b = Σ_{t=1}^T δ_t^a
    d_b = np.sum(delta_a[1:], axis=(0, 1))
    # (54) ∂E/∂W_y = Σ_{t=1}^T δ_t^z h_tᵀ
    d_W_y = outer(delta_z[1:], h[1:])
    # (55) ∂E/∂b_y = Σ_{t=1}^T δ_t^z
    d_b_y = np.sum(delta_z[1:], axis=(0, 1))
    # (56) (∂E/∂x_t)ᵀ = W_fxᵀ (W_fh h_{t-1} ⊙ δ_t^f) + W_hxᵀ δ_t^a
    d_x[1:] = times(W_fh_h_delta_f[1:], W_fx) + times(delta_a[1:], W_hx)
    # (57) (∂E/∂h_0)ᵀ = W_fhᵀ (W_fx x_1 ⊙ δ_1^f)
    d_h_0 = ((x[0] @ W_fx.T) * delta_f[1]) @ W_fh
    return {
        "W_fx": d_W_fx,
        "W_fh": d_W_fh,
        "W_hf": d_W_hf,
        "W_hx": d_W_hx,
        "b": d_b,
        "W_y": d_W_y,
        "b_y": d_b_y,
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
