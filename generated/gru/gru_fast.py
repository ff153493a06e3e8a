"""Gated recurrent unit.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of gru (style fast, sigma = sigmoid); do not edit. Numbers in comments are those
of the derivation.

A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are
time-major, batch second. Index t is step t, except in the data, which counts from 0.
"""

import numpy as np

Arrays = dict[str, np.ndarray]

PARAMS = {
    "W_z": ("n", "m"),
    "U_z": ("n", "n"),
    "b_z": ("n",),
    "W_r": ("n", "m"),
    "U_r": ("n", "n"),
    "b_r": ("n",),
    "W_h": ("n", "m"),
    "U_h": ("n", "n"),
    "b_h": ("n",),
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
    W_z = params["W_z"]
    U_z = params["U_z"]
    b_z = params["b_z"]
    W_r = params["W_r"]
    U_r = params["U_r"]
    b_r = params["b_r"]
    W_h = params["W_h"]
    U_h = params["U_h"]
    b_h = params["b_h"]
    W_y = params["W_y"]
    b_y = params["b_y"]
    x = data["x"]
    y = data["y"]
    h_0 = data["h_0"]
    T, B = data["x"].shape[:2]
    n = params["W_z"].shape[0]
    q = params["W_y"].shape[0]
    dtype = np.result_type(*params.values(), *data.values())
    W_zr = np.concatenate([W_z, W_r])
    U_zr = np.concatenate([U_z, U_r])
    b_zr = np.concatenate([b_z, b_r])
    a_h_tilde = np.empty((T + 1, B, n), dtype)
    h_tilde = np.empty((T + 1, B, n), dtype)
    h = np.empty((T + 1, B, n), dtype)
    h[0] = h_0
    o = np.empty((T + 1, B, q), dtype)
    y_hat = np.empty((T + 1, B, q), dtype)
    lse_o = np.empty((T + 1, B, 1), dtype)
    a_zr = np.empty((T + 1, B, 2 * n), dtype)
    zr = np.empty((T + 2, B, 2 * n), dtype)
    z = zr[..., :n]
    r = zr[..., n:]
    # (1) a_t^z = W_z x_t + U_z h_{t-1} + b_z; so (3)
    put_times(a_zr[1:], x, W_zr.T)
    a_zr[1:] += b_zr
    # (5) a_t^h̃ = W_h x_t + U_h (r_t ⊙ h_{t-1}) + b_h
    put_times(a_h_tilde[1:], x, W_h.T)
    a_h_tilde[1:] += b_h
    U_zr_T = np.ascontiguousarray(U_zr.T)
    U_h_T = np.ascontiguousarray(U_h.T)
    buffer = np.empty((B, 2 * n), dtype)
    buffer_2 = np.empty((B, n), dtype)
    buffer_3 = np.empty((B, n), dtype)
    for t in range(1, T + 1):
        # (1) a_t^z = W_z x_t + U_z h_{t-1} + b_z; so (3)
        np.matmul(h[t - 1], U_zr_T, out=buffer)
        a_zr[t] += buffer
        # (2) z_t = σ(a_t^z); so (4)
        logistic(a_zr[t], zr[t])
        # (5) a_t^h̃ = W_h x_t + U_h (r_t ⊙ h_{t-1}) + b_h
        np.multiply(r[t], h[t - 1], out=buffer_3)
        np.matmul(buffer_3, U_h_T, out=buffer_2)
        a_h_tilde[t] += buffer_2
        # (6) h̃_t = tanh(a_t^h̃)
        np.tanh(a_h_tilde[t], out=h_tilde[t])
        # (7) h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ h̃_t
        np.subtract(1, z[t], out=h[t])
        h[t] *= h[t - 1]
        np.multiply(z[t], h_tilde[t], out=buffer_2)
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
    zr[T + 1] = zr[T]
    return E, {"h_tilde": h_tilde, "h": h, "y_hat": y_hat, "zr": zr}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_z = params["W_z"]
    U_z = params["U_z"]
    W_r = params["W_r"]
    U_r = params["U_r"]
    W_h = params["W_h"]
    U_h = params["U_h"]
    W_y = params["W_y"]
    x = data["x"]
    y = data["y"]
    h_tilde = tape["h_tilde"]
    h = tape["h"]
    y_hat = tape["y_hat"]
    zr = tape["zr"]
    T, B = data["x"].shape[:2]
    q = params["W_y"].shape[0]
    n = params["W_z"].shape[0]
    m = params["W_z"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    W_zr = np.concatenate([W_z, W_r])
    U_zr = np.concatenate([U_z, U_r])
    z = zr[..., :n]
    r = zr[..., n:]
    delta_o = np.empty((T + 1, B, q), dtype)
    delta_h = np.zeros((T + 2, B, n), dtype)
    delta_h_tilde = np.empty((T + 1, B, n), dtype)
    delta_a_h_tilde = np.zeros((T + 2, B, n), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    U_h_delta_a_h_tilde = np.zeros((T + 2, B, n), dtype)
    delta_a_zr = np.zeros((T + 2, B, 2 * n), dtype)
    delta_zr = np.empty((T + 1, B, 2 * n), dtype)
    delta_z = delta_zr[..., :n]
    delta_r = delta_zr[..., n:]
    # (76) δ_t^o = ŷ_t - y_t
    np.subtract(y_hat[1:], y, out=delta_o[1:])
    # (77) δ_t^h = W_yᵀ δ_t^o + U_zᵀ δ_{t+1}^{a,z} + U_rᵀ δ_{t+1}^{a,r} + r_{t+1} ⊙ U_hᵀ
    #     δ_{t+1}^{a,h̃} + (1 - z_{t+1}) ⊙ δ_{t+1}^h
    put_times(delta_h[1:-1], delta_o[1:], W_y)
    buffer = np.empty((B, n), dtype)
    for t in range(T, 0, -1):
        # (77) δ_t^h = W_yᵀ δ_t^o + U_zᵀ δ_{t+1}^{a,z} + U_rᵀ δ_{t+1}^{a,r} + r_{t+1} ⊙ U_hᵀ
        #     δ_{t+1}^{a,h̃} + (1 - z_{t+1}) ⊙ δ_{t+1}^h
        np.matmul(delta_a_zr[t + 1], U_zr, out=buffer)
        delta_h[t] += buffer
        np.multiply(r[t + 1], U_h_delta_a_h_tilde[t + 1], out=buffer)
        delta_h[t] += buffer
        np.subtract(1, z[t + 1], out=buffer)
        buffer *= delta_h[t + 1]
        delta_h[t] += buffer
        # (78) δ_t^h̃ = z_t ⊙ δ_t^h
        np.multiply(z[t], delta_h[t], out=delta_h_tilde[t])
        # (79) δ_t^{a,h̃} = (1 - h̃_t²) ⊙ δ_t^h̃
        np.square(h_tilde[t], out=delta_a_h_tilde[t])
        np.subtract(1, delta_a_h_tilde[t], out=delta_a_h_tilde[t])
        delta_a_h_tilde[t] *= delta_h_tilde[t]
        # (77) δ_t^h = W_yᵀ δ_t^o + U_zᵀ δ_{t+1}^{a,z} + U_rᵀ δ_{t+1}^{a,r} + r_{t+1} ⊙ U_hᵀ
        #     δ_{t+1}^{a,h̃} + (1 - z_{t+1}) ⊙ δ_{t+1}^h
        np.matmul(delta_a_h_tilde[t], U_h, out=U_h_delta_a_h_tilde[t])
        # (80) δ_t^r = h_{t-1} ⊙ U_hᵀ δ_t^{a,h̃}
        np.multiply(h[t - 1], U_h_delta_a_h_tilde[t], out=delta_r[t])
        # (82) δ_t^z = (h̃_t - h_{t-1}) ⊙ δ_t^h
        np.subtract(h_tilde[t], h[t - 1], out=delta_z[t])
        delta_z[t] *= delta_h[t]
        # (83) δ_t^{a,z} = z_t ⊙ (1 - z_t) ⊙ δ_t^z; so (81)
        np.subtract(1, zr[t], out=delta_a_zr[t])
        delta_a_zr[t] *= zr[t]
        delta_a_zr[t] *= delta_zr[t]
    # (88) ∂E/∂W_z = Σ_{t=1}^T δ_t^{a,z} x_tᵀ; so (91)
    d_W_zr = outer(delta_a_zr[1:-1], x)
    # (89) ∂E/∂U_z = Σ_{t=1}^T δ_t^{a,z} h_{t-1}ᵀ; so (92)
    d_U_zr = outer(delta_a_zr[1:-1], h[:-1])
    # (90) ∂E/∂b_z = Σ_{t=1}^T δ_t^{a,z}; so (93)
    d_b_zr = np.sum(delta_a_zr[1:-1], axis=(0, 1))
    # (94) ∂E/∂W_h = Σ_{t=1}^T δ_t^{a,h̃} x_tᵀ
    d_W_h = outer(delta_a_h_tilde[1:-1], x)
    # (95) ∂E/∂U_h = Σ_{t=1}^T δ_t^{a,h̃} (r_t ⊙ h_{t-1})ᵀ
    d_U_h = outer(delta_a_h_tilde[1:-1], r[1:-1] * h[:-1])
    # (96) ∂E/∂b_h = Σ_{t=1}^T δ_t^{a,h̃}
    d_b_h = np.sum(delta_a_h_tilde[1:-1], axis=(0, 1))
    # (97) ∂E/∂W_y = Σ_{t=1}^T δ_t^o h_tᵀ
    d_W_y = outer(delta_o[1:], h[1:])
    # (98) ∂E/∂b_y = Σ_{t=1}^T δ_t^o
    d_b_y = np.sum(delta_o[1:], axis=(0, 1))
    # (99) (∂E/∂x_t)ᵀ = W_zᵀ δ_t^{a,z} + W_rᵀ δ_t^{a,r} + W_hᵀ δ_t^{a,h̃}
    d_x[1:] = times(delta_a_zr[1:-1], W_zr) + times(delta_a_h_tilde[1:-1], W_h)
    # (100) (∂E/∂h_0)ᵀ = U_zᵀ δ_1^{a,z} + U_rᵀ δ_1^{a,r} + r_1 ⊙ U_hᵀ δ_1^{a,h̃} + (1 - z_1) ⊙
    #     δ_1^h
    d_h_0 = delta_a_zr[1] @ U_zr + r[1] * (delta_a_h_tilde[1] @ U_h) + (1 - z[1]) * delta_h[1]
    return {
        "W_z": d_W_zr[:n],
        "U_z": d_U_zr[:n],
        "b_z": d_b_zr[:n],
        "W_r": d_W_zr[n:],
        "U_r": d_U_zr[n:],
        "b_r": d_b_zr[n:],
        "W_h": d_W_h,
        "U_h": d_U_h,
        "b_h": d_b_h,
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
