"""Gated recurrent unit, reset after the product.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of gru-reset-after (style fast, sigma = sigmoid); do not edit. Numbers in comments
are those of the derivation.

A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are
time-major, batch second. Index t is step t, except in the data, which counts from 0.
"""

import numpy as np

Arrays = dict[str, np.ndarray]

PARAMS = {
    "W_r": ("d", "m"),
    "U_r": ("d", "d"),
    "b_r": ("d",),
    "W_z": ("d", "m"),
    "U_z": ("d", "d"),
    "b_z": ("d",),
    "W_n": ("d", "m"),
    "b_n": ("d",),
    "U_n": ("d", "d"),
    "c_n": ("d",),
    "W_y": ("q", "d"),
    "b_y": ("q",),
}
DATA = {
    "x": ("T", "B", "m"),
    "y": ("T", "B", "q"),
    "h_0": ("B", "d"),
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
    W_r = params["W_r"]
    U_r = params["U_r"]
    b_r = params["b_r"]
    W_z = params["W_z"]
    U_z = params["U_z"]
    b_z = params["b_z"]
    W_n = params["W_n"]
    b_n = params["b_n"]
    U_n = params["U_n"]
    c_n = params["c_n"]
    W_y = params["W_y"]
    b_y = params["b_y"]
    x = data["x"]
    y = data["y"]
    h_0 = data["h_0"]
    T, B = data["x"].shape[:2]
    d = params["W_r"].shape[0]
    q = params["W_y"].shape[0]
    dtype = np.result_type(*params.values(), *data.values())
    W_rz = np.concatenate([W_r, W_z])
    U_rz = np.concatenate([U_r, U_z])
    b_rz = np.concatenate([b_r, b_z])
    a_n = np.empty((T + 1, B, d), dtype)
    n = np.empty((T + 1, B, d), dtype)
    h = np.empty((T + 1, B, d), dtype)
    h[0] = h_0
    o = np.empty((T + 1, B, q), dtype)
    y_hat = np.empty((T + 1, B, q), dtype)
    lse_o = np.empty((T + 1, B, 1), dtype)
    U_n_h = np.empty((T + 1, B, d), dtype)
    a_rz = np.empty((T + 1, B, 2 * d), dtype)
    rz = np.empty((T + 2, B, 2 * d), dtype)
    r = rz[..., :d]
    z = rz[..., d:]
    # (1) a_t^r = W_r x_t + U_r h_{t-1} + b_r; so (3)
    put_times(a_rz[1:], x, W_rz.T)
    a_rz[1:] += b_rz
    # (5) a_t^n = W_n x_t + b_n + r_t ⊙ (U_n h_{t-1} + c_n)
    put_times(a_n[1:], x, W_n.T)
    a_n[1:] += b_n
    U_rz_T = np.ascontiguousarray(U_rz.T)
    U_n_T = np.ascontiguousarray(U_n.T)
    buffer = np.empty((B, 2 * d), dtype)
    buffer_2 = np.empty((B, d), dtype)
    for t in range(1, T + 1):
        # (1) a_t^r = W_r x_t + U_r h_{t-1} + b_r; so (3)
        np.matmul(h[t - 1], U_rz_T, out=buffer)
        a_rz[t] += buffer
        # (2) r_t = σ(a_t^r); so (4)
        logistic(a_rz[t], rz[t])
        # (5) a_t^n = W_n x_t + b_n + r_t ⊙ (U_n h_{t-1} + c_n)
        np.matmul(h[t - 1], U_n_T, out=U_n_h[t])
        np.add(U_n_h[t], c_n, out=buffer_2)
        buffer_2 *= r[t]
        a_n[t] += buffer_2
        # (6) n_t = tanh(a_t^n)
        np.tanh(a_n[t], out=n[t])
        # (7) h_t = (1 - z_t) ⊙ n_t + z_t ⊙ h_{t-1}
        np.subtract(1, z[t], out=h[t])
        h[t] *= n[t]
        np.multiply(z[t], h[t - 1], out=buffer_2)
        h[t] += buffer_2
    # (8) o_t = W_y h_t + b_y
    put_times(o[1:], h[1:], W_y.T)
    o[1:] += b_y
    # (9) ŷ_t = softmax(o_t)
    lse_o[1:] = log_sum_exp(o[1:])
    np.subtract(o[1:], lse_o[1:], out=y_hat[1:])
    np.exp(y_hat[1:], out=y_hat[1:])
    # (10) E_t = -y_tᵀ log(ŷ_t)
    E = -np.sum(y * (o[1:] - lse_o[1:]))
    # What lies beyond the steps is multiplied by zero alone.
    rz[T + 1] = rz[T]
    return E, {"n": n, "h": h, "y_hat": y_hat, "U_n_h": U_n_h, "rz": rz}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_r = params["W_r"]
    U_r = params["U_r"]
    W_z = params["W_z"]
    U_z = params["U_z"]
    W_n = params["W_n"]
    U_n = params["U_n"]
    c_n = params["c_n"]
    W_y = params["W_y"]
    x = data["x"]
    y = data["y"]
    n = tape["n"]
    h = tape["h"]
    y_hat = tape["y_hat"]
    U_n_h = tape["U_n_h"]
    rz = tape["rz"]
    T, B = data["x"].shape[:2]
    q = params["W_y"].shape[0]
    d = params["W_r"].shape[0]
    m = params["W_r"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    W_rz = np.concatenate([W_r, W_z])
    U_rz = np.concatenate([U_r, U_z])
    r = rz[..., :d]
    z = rz[..., d:]
    delta_o = np.empty((T + 1, B, q), dtype)
    delta_h = np.zeros((T + 2, B, d), dtype)
    delta_n = np.empty((T + 1, B, d), dtype)
    delta_a_n = np.zeros((T + 2, B, d), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    r_delta_a_n = np.zeros((T + 2, B, d), dtype)
    delta_a_rz = np.zeros((T + 2, B, 2 * d), dtype)
    delta_rz = np.empty((T + 1, B, 2 * d), dtype)
    delta_r = delta_rz[..., :d]
    delta_z = delta_rz[..., d:]
    # (80) δ_t^o = ŷ_t - y_t
    np.subtract(y_hat[1:], y, out=delta_o[1:])
    # (81) δ_t^h = W_yᵀ δ_t^o + U_rᵀ δ_{t+1}^{a,r} + U_zᵀ δ_{t+1}^{a,z} + U_nᵀ (r_{t+1} ⊙
    #     δ_{t+1}^{a,n}) + z_{t+1} ⊙ δ_{t+1}^h
    put_times(delta_h[1:-1], delta_o[1:], W_y)
    buffer = np.empty((B, d), dtype)
    for t in range(T, 0, -1):
        # (81) δ_t^h = W_yᵀ δ_t^o + U_rᵀ δ_{t+1}^{a,r} + U_zᵀ δ_{t+1}^{a,z} + U_nᵀ (r_{t+1} ⊙
        #     δ_{t+1}^{a,n}) + z_{t+1} ⊙ δ_{t+1}^h
        np.matmul(delta_a_rz[t + 1], U_rz, out=buffer)
        delta_h[t] += buffer
        np.matmul(r_delta_a_n[t + 1], U_n, out=buffer)
        delta_h[t] += buffer
        np.multiply(z[t + 1], delta_h[t + 1], out=buffer)
        delta_h[t] += buffer
        # (82) δ_t^n = (1 - z_t) ⊙ δ_t^h
        np.subtract(1, z[t], out=delta_n[t])
        delta_n[t] *= delta_h[t]
        # (83) δ_t^{a,n} = (1 - n_t²) ⊙ δ_t^n
        np.square(n[t], out=delta_a_n[t])
        np.subtract(1, delta_a_n[t], out=delta_a_n[t])
        delta_a_n[t] *= delta_n[t]
        # (81) δ_t^h = W_yᵀ δ_t^o + U_rᵀ δ_{t+1}^{a,r} + U_zᵀ δ_{t+1}^{a,z} + U_nᵀ (r_{t+1} ⊙
        #     δ_{t+1}^{a,n}) + z_{t+1} ⊙ δ_{t+1}^h
        np.multiply(r[t], delta_a_n[t], out=r_delta_a_n[t])
        # (84) δ_t^z = (h_{t-1} - n_t) ⊙ δ_t^h
        np.subtract(h[t - 1], n[t], out=delta_z[t])
        delta_z[t] *= delta_h[t]
        # (86) δ_t^r = (U_n h_{t-1} + c_n) ⊙ δ_t^{a,n}
        np.add(U_n_h[t], c_n, out=delta_r[t])
        delta_r[t] *= delta_a_n[t]
        # (87) δ_t^{a,r} = r_t ⊙ (1 - r_t) ⊙ δ_t^r; so (85)
        np.subtract(1, rz[t], out=delta_a_rz[t])
        delta_a_rz[t] *= rz[t]
        delta_a_rz[t] *= delta_rz[t]
    # (92) ∂E/∂W_r = Σ_{t=1}^T δ_t^{a,r} x_tᵀ; so (95)
    d_W_rz = outer(delta_a_rz[1:-1], x)
    # (93) ∂E/∂U_r = Σ_{t=1}^T δ_t^{a,r} h_{t-1}ᵀ; so (96)
    d_U_rz = outer(delta_a_rz[1:-1], h[:-1])
    # (94) ∂E/∂b_r = Σ_{t=1}^T δ_t^{a,r}; so (97)
    d_b_rz = np.sum(delta_a_rz[1:-1], axis=(0, 1))
    # (98) ∂E/∂W_n = Σ_{t=1}^T δ_t^{a,n} x_tᵀ
    d_W_n = outer(delta_a_n[1:-1], x)
    # (99) ∂E/∂b_n = Σ_{t=1}^T δ_t^{a,n}
    d_b_n = np.sum(delta_a_n[1:-1], axis=(0, 1))
    # (100) ∂E/∂U_n = Σ_{t=1}^T (r_t ⊙ δ_t^{a,n}) h_{t-1}ᵀ
    d_U_n = outer(r_delta_a_n[1:-1], h[:-1])
    # (101) ∂E/∂c_n = Σ_{t=1}^T r_t ⊙ δ_t^{a,n}
    d_c_n = np.sum(r_delta_a_n[1:-1], axis=(0, 1))
    # (102) ∂E/∂W_y = Σ_{t=1}^T δ_t^o h_tᵀ
    d_W_y = outer(delta_o[1:], h[1:])
    # (103) ∂E/∂b_y = Σ_{t=1}^T δ_t^o
    d_b_y = np.sum(delta_o[1:], axis=(0, 1))
    # (104) (∂E/∂x_t)ᵀ = W_rᵀ δ_t^{a,r} + W_zᵀ δ_t^{a,z} + W_nᵀ δ_t^{a,n}
    d_x[1:] = times(delta_a_rz[1:-1], W_rz) + times(delta_a_n[1:-1], W_n)
    # (105) (∂E/∂h_0)ᵀ = U_rᵀ δ_1^{a,r} + U_zᵀ δ_1^{a,z} + U_nᵀ (r_1 ⊙ δ_1^{a,n}) + z_1 ⊙ δ_1^h
    d_h_0 = delta_a_rz[1] @ U_rz + (r[1] * delta_a_n[1]) @ U_n + z[1] * delta_h[1]
    return {
        "W_r": d_W_rz[:d],
        "U_r": d_U_rz[:d],
        "b_r": d_b_rz[:d],
        "W_z": d_W_rz[d:],
        "U_z": d_U_rz[d:],
        "b_z": d_b_rz[d:],
        "W_n": d_W_n,
        "b_n": d_b_n,
        "U_n": d_U_n,
        "c_n": d_c_n,
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


def logistic(x: np.ndarray, out: np.ndarray) -> None:
    """Write 1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2 to an array: exact to rounding of 1."""
    np.multiply(x, 0.5, out=out)
    np.tanh(out, out=out)
    out *= 0.5
    out += 0.5


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
