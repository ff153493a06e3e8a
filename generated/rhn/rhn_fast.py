"""Recurrent highway network.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of rhn (style fast, sigma = sigmoid); do not edit. Numbers in comments are those
of the derivation.

A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are
time-major, batch second. Index t is step t, except in the data, which counts from 0.
"""

import numpy as np

Arrays = dict[str, np.ndarray]

PARAMS = {
    "W_u": ("n", "m"),
    "R_u": ("n", "n"),
    "b_u": ("n",),
    "W_g": ("n", "m"),
    "R_g": ("n", "n"),
    "b_g": ("n",),
    "R_v": ("n", "n"),
    "b_v": ("n",),
    "R_q": ("n", "n"),
    "b_q": ("n",),
    "W_y": ("o", "n"),
    "b_y": ("o",),
}
DATA = {
    "x": ("T", "B", "m"),
    "y": ("T", "B", "o"),
    "s_0": ("B", "n"),
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
    W_u = params["W_u"]
    R_u = params["R_u"]
    b_u = params["b_u"]
    W_g = params["W_g"]
    R_g = params["R_g"]
    b_g = params["b_g"]
    R_v = params["R_v"]
    b_v = params["b_v"]
    R_q = params["R_q"]
    b_q = params["b_q"]
    W_y = params["W_y"]
    b_y = params["b_y"]
    x = data["x"]
    y = data["y"]
    s_0 = data["s_0"]
    T, B = data["x"].shape[:2]
    n = params["W_u"].shape[0]
    o = params["W_y"].shape[0]
    dtype = np.result_type(*params.values(), *data.values())
    W_ug = np.concatenate([W_u, W_g])
    R_ug = np.concatenate([R_u, R_g])
    b_ug = np.concatenate([b_u, b_g])
    R_vq = np.concatenate([R_v, R_q])
    b_vq = np.concatenate([b_v, b_q])
    u = np.empty((T + 1, B, n), dtype)
    g = np.empty((T + 2, B, n), dtype)
    r = np.empty((T + 1, B, n), dtype)
    v = np.empty((T + 1, B, n), dtype)
    q = np.empty((T + 1, B, n), dtype)
    s = np.empty((T + 1, B, n), dtype)
    s[0] = s_0
    z = np.empty((T + 1, B, o), dtype)
    y_hat = np.empty((T + 1, B, o), dtype)
    lse_z = np.empty((T + 1, B, 1), dtype)
    a_ug = np.empty((T + 1, B, 2 * n), dtype)
    a_vq = np.empty((T + 1, B, 2 * n), dtype)
    a_u = a_ug[..., :n]
    a_g = a_ug[..., n:]
    a_v = a_vq[..., :n]
    a_q = a_vq[..., n:]
    # (1) a_t^u = W_u x_t + R_u s_{t-1} + b_u; so (3)
    put_times(a_ug[1:], x, W_ug.T)
    a_ug[1:] += b_ug
    # (6) a_t^v = R_v r_t + b_v; so (8)
    a_vq[1:] = b_vq
    R_ug_T = np.ascontiguousarray(R_ug.T)
    R_vq_T = np.ascontiguousarray(R_vq.T)
    buffer = np.empty((B, 2 * n), dtype)
    buffer_2 = np.empty((B, n), dtype)
    for t in range(1, T + 1):
        # (1) a_t^u = W_u x_t + R_u s_{t-1} + b_u; so (3)
        np.matmul(s[t - 1], R_ug_T, out=buffer)
        a_ug[t] += buffer
        # (2) u_t = tanh(a_t^u)
        np.tanh(a_u[t], out=u[t])
        # (4) g_t = σ(a_t^g)
        logistic(a_g[t], g[t])
        # (5) r_t = g_t ⊙ u_t + (1 - g_t) ⊙ s_{t-1}
        np.multiply(g[t], u[t], out=r[t])
        np.subtract(1, g[t], out=buffer_2)
        buffer_2 *= s[t - 1]
        r[t] += buffer_2
        # (6) a_t^v = R_v r_t + b_v; so (8)
        np.matmul(r[t], R_vq_T, out=buffer)
        a_vq[t] += buffer
        # (7) v_t = tanh(a_t^v)
        np.tanh(a_v[t], out=v[t])
        # (9) q_t = σ(a_t^q)
        logistic(a_q[t], q[t])
        # (10) s_t = q_t ⊙ v_t + (1 - q_t) ⊙ r_t
        np.multiply(q[t], v[t], out=s[t])
        np.subtract(1, q[t], out=buffer_2)
        buffer_2 *= r[t]
        s[t] += buffer_2
    # (11) z_t = W_y s_t + b_y
    put_times(z[1:], s[1:], W_y.T)
    z[1:] += b_y
    # (12) ŷ_t = softmax(z_t)
    lse_z[1:] = log_sum_exp(z[1:])
    np.subtract(z[1:], lse_z[1:], out=y_hat[1:])
    np.exp(y_hat[1:], out=y_hat[1:])
    # (13) E_t = -y_tᵀ log(ŷ_t)
    E = -np.sum(y * (z[1:] - lse_z[1:]))
    # What lies beyond the steps is multiplied by zero alone.
    g[T + 1] = g[T]
    return E, {"u": u, "g": g, "r": r, "v": v, "q": q, "s": s, "y_hat": y_hat}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_u = params["W_u"]
    R_u = params["R_u"]
    W_g = params["W_g"]
    R_g = params["R_g"]
    R_v = params["R_v"]
    R_q = params["R_q"]
    W_y = params["W_y"]
    x = data["x"]
    y = data["y"]
    u = tape["u"]
    g = tape["g"]
    r = tape["r"]
    v = tape["v"]
    q = tape["q"]
    s = tape["s"]
    y_hat = tape["y_hat"]
    T, B = data["x"].shape[:2]
    o = params["W_y"].shape[0]
    n = params["W_u"].shape[0]
    m = params["W_u"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    W_ug = np.concatenate([W_u, W_g])
    R_ug = np.concatenate([R_u, R_g])
    R_vq = np.concatenate([R_v, R_q])
    delta_z = np.empty((T + 1, B, o), dtype)
    delta_s = np.empty((T + 1, B, n), dtype)
    delta_q = np.empty((T + 1, B, n), dtype)
    delta_v = np.empty((T + 1, B, n), dtype)
    delta_r = np.zeros((T + 2, B, n), dtype)
    delta_g = np.empty((T + 1, B, n), dtype)
    delta_u = np.empty((T + 1, B, n), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    delta_a_ug = np.zeros((T + 2, B, 2 * n), dtype)
    delta_a_vq = np.empty((T + 1, B, 2 * n), dtype)
    delta_a_u = delta_a_ug[..., :n]
    delta_a_g = delta_a_ug[..., n:]
    delta_a_v = delta_a_vq[..., :n]
    delta_a_q = delta_a_vq[..., n:]
    # (91) δ_t^z = ŷ_t - y_t
    np.subtract(y_hat[1:], y, out=delta_z[1:])
    # (92) δ_t^s = W_yᵀ δ_t^z + R_uᵀ δ_{t+1}^{a,u} + R_gᵀ δ_{t+1}^{a,g} + (1 - g_{t+1}) ⊙
    #     δ_{t+1}^r
    put_times(delta_s[1:], delta_z[1:], W_y)
    buffer = np.empty((B, n), dtype)
    for t in range(T, 0, -1):
        # (92) δ_t^s = W_yᵀ δ_t^z + R_uᵀ δ_{t+1}^{a,u} + R_gᵀ δ_{t+1}^{a,g} + (1 - g_{t+1}) ⊙
        #     δ_{t+1}^r
        np.matmul(delta_a_ug[t + 1], R_ug, out=buffer)
        delta_s[t] += buffer
        np.subtract(1, g[t + 1], out=buffer)
        buffer *= delta_r[t + 1]
        delta_s[t] += buffer
        # (93) δ_t^q = (v_t - r_t) ⊙ δ_t^s
        np.subtract(v[t], r[t], out=delta_q[t])
        delta_q[t] *= delta_s[t]
        # (94) δ_t^{a,q} = q_t ⊙ (1 - q_t) ⊙ δ_t^q
        np.subtract(1, q[t], out=delta_a_q[t])
        delta_a_q[t] *= q[t]
        delta_a_q[t] *= delta_q[t]
        # (95) δ_t^v = q_t ⊙ δ_t^s
        np.multiply(q[t], delta_s[t], out=delta_v[t])
        # (96) δ_t^{a,v} = (1 - v_t²) ⊙ δ_t^v
        np.square(v[t], out=delta_a_v[t])
        np.subtract(1, delta_a_v[t], out=delta_a_v[t])
        delta_a_v[t] *= delta_v[t]
        # (97) δ_t^r = R_vᵀ δ_t^{a,v} + R_qᵀ δ_t^{a,q} + (1 - q_t) ⊙ δ_t^s
        np.matmul(delta_a_vq[t], R_vq, out=delta_r[t])
        np.subtract(1, q[t], out=buffer)
        buffer *= delta_s[t]
        delta_r[t] += buffer
        # (98) δ_t^g = (u_t - s_{t-1}) ⊙ δ_t^r
        np.subtract(u[t], s[t - 1], out=delta_g[t])
        delta_g[t] *= delta_r[t]
        # (99) δ_t^{a,g} = g_t ⊙ (1 - g_t) ⊙ δ_t^g
        np.subtract(1, g[t], out=delta_a_g[t])
        delta_a_g[t] *= g[t]
        delta_a_g[t] *= delta_g[t]
        # (100) δ_t^u = g_t ⊙ δ_t^r
        np.multiply(g[t], delta_r[t], out=delta_u[t])
        # (101) δ_t^{a,u} = (1 - u_t²) ⊙ δ_t^u
        np.square(u[t], out=delta_a_u[t])
        np.subtract(1, delta_a_u[t], out=delta_a_u[t])
        delta_a_u[t] *= delta_u[t]
    # (105) ∂E/∂W_u = Σ_{t=1}^T δ_t^{a,u} x_tᵀ; so (108)
    d_W_ug = outer(delta_a_ug[1:-1], x)
    # (106) ∂E/∂R_u = Σ_{t=1}^T δ_t^{a,u} s_{t-1}ᵀ; so (109)
    d_R_ug = outer(delta_a_ug[1:-1], s[:-1])
    # (107) ∂E/∂b_u = Σ_{t=1}^T δ_t^{a,u}; so (110)
    d_b_ug = np.sum(delta_a_ug[1:-1], axis=(0, 1))
    # (111) ∂E/∂R_v = Σ_{t=1}^T δ_t^{a,v} r_tᵀ; so (113)
    d_R_vq = outer(delta_a_vq[1:], r[1:])
    # (112) ∂E/∂b_v = Σ_{t=1}^T δ_t^{a,v}; so (114)
    d_b_vq = np.sum(delta_a_vq[1:], axis=(0, 1))
    # (115) ∂E/∂W_y = Σ_{t=1}^T δ_t^z s_tᵀ
    d_W_y = outer(delta_z[1:], s[1:])
    # (116) ∂E/∂b_y = Σ_{t=1}^T δ_t^z
    d_b_y = np.sum(delta_z[1:], axis=(0, 1))
    # (117) (∂E/∂x_t)ᵀ = W_uᵀ δ_t^{a,u} + W_gᵀ δ_t^{a,g}
    put_times(d_x[1:], delta_a_ug[1:-1], W_ug)
    # (118) (∂E/∂s_0)ᵀ = R_uᵀ δ_1^{a,u} + R_gᵀ δ_1^{a,g} + (1 - g_1) ⊙ δ_1^r
    d_s_0 = delta_a_ug[1] @ R_ug + (1 - g[1]) * delta_r[1]
    return {
        "W_u": d_W_ug[:n],
        "R_u": d_R_ug[:n],
        "b_u": d_b_ug[:n],
        "W_g": d_W_ug[n:],
        "R_g": d_R_ug[n:],
        "b_g": d_b_ug[n:],
        "R_v": d_R_vq[:n],
        "b_v": d_b_vq[:n],
        "R_q": d_R_vq[n:],
        "b_q": d_b_vq[n:],
        "W_y": d_W_y,
        "b_y": d_b_y,
        "x": d_x[1:],
        "s_0": d_s_0,
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
