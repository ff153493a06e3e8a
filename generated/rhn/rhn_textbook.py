"""Recurrent highway network.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of rhn (style textbook, sigma = sigmoid); do not edit. Numbers in comments are
those of the derivation.

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
    a_u = np.empty((T + 1, B, n), dtype)
    u = np.empty((T + 1, B, n), dtype)
    a_g = np.empty((T + 1, B, n), dtype)
    g = np.empty((T + 2, B, n), dtype)
    r = np.empty((T + 1, B, n), dtype)
    a_v = np.empty((T + 1, B, n), dtype)
    v = np.empty((T + 1, B, n), dtype)
    a_q = np.empty((T + 1, B, n), dtype)
    q = np.empty((T + 1, B, n), dtype)
    s = np.empty((T + 1, B, n), dtype)
    s[0] = s_0
    z = np.empty((T + 1, B, o), dtype)
    y_hat = np.empty((T + 1, B, o), dtype)
    E = 0.0
    for t in range(1, T + 1):
        # (1) a_t^u = W_u x_t + R_u s_{t-1} + b_u
        a_u[t] = x[t - 1] @ W_u.T + s[t - 1] @ R_u.T + b_u
        # (2) u_t = tanh(a_t^u)
        u[t] = np.tanh(a_u[t])
        # (3) a_t^g = W_g x_t + R_g s_{t-1} + b_g
        a_g[t] = x[t - 1] @ W_g.T + s[t - 1] @ R_g.T + b_g
        # (4) g_t = σ(a_t^g)
        g[t] = sigmoid(a_g[t])
        # (5) r_t = g_t ⊙ u_t + (1 - g_t) ⊙ s_{t-1}
        r[t] = g[t] * u[t] + (1 - g[t]) * s[t - 1]
        # (6) a_t^v = R_v r_t + b_v
        a_v[t] = r[t] @ R_v.T + b_v
        # (7) v_t = tanh(a_t^v)
        v[t] = np.tanh(a_v[t])
        # (8) a_t^q = R_q r_t + b_q
        a_q[t] = r[t] @ R_q.T + b_q
        # (9) q_t = σ(a_t^q)
        q[t] = sigmoid(a_q[t])
        # (10) s_t = q_t ⊙ v_t + (1 - q_t) ⊙ r_t
        s[t] = q[t] * v[t] + (1 - q[t]) * r[t]
        # (11) z_t = W_y s_t + b_y
        z[t] = s[t] @ W_y.T + b_y
        # (12) ŷ_t = softmax(z_t)
        y_hat[t] = softmax(z[t])
        # (13) E_t = -y_tᵀ log(ŷ_t)
        E -= np.sum(y[t - 1] * log_softmax(z[t]))
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
    delta_z = np.empty((T + 1, B, o), dtype)
    delta_s = np.empty((T + 1, B, n), dtype)
    delta_q = np.empty((T + 1, B, n), dtype)
    delta_a_q = np.empty((T + 1, B, n), dtype)
    delta_v = np.empty((T + 1, B, n), dtype)
    delta_a_v = np.empty((T + 1, B, n), dtype)
    delta_r = np.zeros((T + 2, B, n), dtype)
    delta_g = np.empty((T + 1, B, n), dtype)
    delta_a_g = np.zeros((T + 2, B, n), dtype)
    delta_u = np.empty((T + 1, B, n), dtype)
    delta_a_u = np.zeros((T + 2, B, n), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    d_W_u = np.zeros(params["W_u"].shape, dtype)
    d_R_u = np.zeros(params["R_u"].shape, dtype)
    d_b_u = np.zeros(params["b_u"].shape, dtype)
    d_W_g = np.zeros(params["W_g"].shape, dtype)
    d_R_g = np.zeros(params["R_g"].shape, dtype)
    d_b_g = np.zeros(params["b_g"].shape, dtype)
    d_R_v = np.zeros(params["R_v"].shape, dtype)
    d_b_v = np.zeros(params["b_v"].shape, dtype)
    d_R_q = np.zeros(params["R_q"].shape, dtype)
    d_b_q = np.zeros(params["b_q"].shape, dtype)
    d_W_y = np.zeros(params["W_y"].shape, dtype)
    d_b_y = np.zeros(params["b_y"].shape, dtype)
    for t in range(T, 0, -1):
        # (91) δ_t^z = ŷ_t - y_t
        delta_z[t] = y_hat[t] - y[t - 1]
        # (92) δ_t^s = W_yᵀ δ_t^z + R_uᵀ δ_{t+1}^{a,u} + R_gᵀ δ_{t+1}^{a,g} + (1 - g_{t+1}) ⊙
        #     δ_{t+1}^r
        delta_s[t] = delta_z[t] @ W_y
        delta_s[t] += delta_a_u[t + 1] @ R_u
        delta_s[t] += delta_a_g[t + 1] @ R_g
        delta_s[t] += (1 - g[t + 1]) * delta_r[t + 1]
        # (93) δ_t^q = (v_t - r_t) ⊙ δ_t^s
        delta_q[t] = (v[t] - r[t]) * delta_s[t]
        # (94) δ_t^{a,q} = q_t ⊙ (1 - q_t) ⊙ δ_t^q
        delta_a_q[t] = q[t] * (1 - q[t]) * delta_q[t]
        # (95) δ_t^v = q_t ⊙ δ_t^s
        delta_v[t] = q[t] * delta_s[t]
        # (96) δ_t^{a,v} = (1 - v_t²) ⊙ δ_t^v
        delta_a_v[t] = (1 - v[t] ** 2) * delta_v[t]
        # (97) δ_t^r = R_vᵀ δ_t^{a,v} + R_qᵀ δ_t^{a,q} + (1 - q_t) ⊙ δ_t^s
        delta_r[t] = delta_a_v[t] @ R_v + delta_a_q[t] @ R_q + (1 - q[t]) * delta_s[t]
        # (98) δ_t^g = (u_t - s_{t-1}) ⊙ δ_t^r
        delta_g[t] = (u[t] - s[t - 1]) * delta_r[t]
        # (99) δ_t^{a,g} = g_t ⊙ (1 - g_t) ⊙ δ_t^g
        delta_a_g[t] = g[t] * (1 - g[t]) * delta_g[t]
        # (100) δ_t^u = g_t ⊙ δ_t^r
        delta_u[t] = g[t] * delta_r[t]
        # (101) δ_t^{a,u} = (1 - u_t²) ⊙ δ_t^u
        delta_a_u[t] = (1 - u[t] ** 2) * delta_u[t]
        # (105) ∂E/∂W_u = Σ_{t=1}^T δ_t^{a,u} x_tᵀ
        d_W_u += delta_a_u[t].T @ x[t - 1]
        # (106) ∂E/∂R_u = Σ_{t=1}^T δ_t^{a,u} s_{t-1}ᵀ
        d_R_u += delta_a_u[t].T @ s[t - 1]
        # (107) ∂E/∂b_u = Σ_{t=1}^T δ_t^{a,u}
        d_b_u += np.sum(delta_a_u[t], axis=0)
        # (108) ∂E/∂W_g = Σ_{t=1}^T δ_t^{a,g} x_tᵀ
        d_W_g += delta_a_g[t].T @ x[t - 1]
        # (109) ∂E/∂R_g = Σ_{t=1}^T δ_t^{a,g} s_{t-1}ᵀ
        d_R_g += delta_a_g[t].T @ s[t - 1]
        # (110) ∂E/∂b_g = Σ_{t=1}^T δ_t^{a,g}
        d_b_g += np.sum(delta_a_g[t], axis=0)
        # (111) ∂E/∂R_v = Σ_{t=1}^T δ_t^{a,v} r_tᵀ
        d_R_v += delta_a_v[t].T @ r[t]
        # (112) ∂E/∂b_v = Σ_{t=1}^T δ_t^{a,v}
        d_b_v += np.sum(delta_a_v[t], axis=0)
        # (113) ∂E/∂R_q = Σ_{t=1}^T δ_t^{a,q} r_tᵀ
        d_R_q += delta_a_q[t].T @ r[t]
        # (114) ∂E/∂b_q = Σ_{t=1}^T δ_t^{a,q}
        d_b_q += np.sum(delta_a_q[t], axis=0)
        # (115) ∂E/∂W_y = Σ_{t=1}^T δ_t^z s_tᵀ
        d_W_y += delta_z[t].T @ s[t]
        # (116) ∂E/∂b_y = Σ_{t=1}^T δ_t^z
        d_b_y += np.sum(delta_z[t], axis=0)
        # (117) (∂E/∂x_t)ᵀ = W_uᵀ δ_t^{a,u} + W_gᵀ δ_t^{a,g}
        d_x[t] = delta_a_u[t] @ W_u + delta_a_g[t] @ W_g
    # (118) (∂E/∂s_0)ᵀ = R_uᵀ δ_1^{a,u} + R_gᵀ δ_1^{a,g} + (1 - g_1) ⊙ δ_1^r
    d_s_0 = delta_a_u[1] @ R_u + delta_a_g[1] @ R_g + (1 - g[1]) * delta_r[1]
    return {
        "W_u": d_W_u,
        "R_u": d_R_u,
        "b_u": d_b_u,
        "W_g": d_W_g,
        "R_g": d_R_g,
        "b_g": d_b_g,
        "R_v": d_R_v,
        "b_v": d_b_v,
        "R_q": d_R_q,
        "b_q": d_b_q,
        "W_y": d_W_y,
        "b_y": d_b_y,
        "x": d_x[1:],
        "s_0": d_s_0,
    }


def softmax(z: np.ndarray) -> np.ndarray:
    """Return exp(z) over its row sums; the largest entry is taken off first."""
    shifted = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def log_softmax(z: np.ndarray) -> np.ndarray:
    """Return log(softmax(z)) by log-sum-exp, finite for any finite z."""
    shifted = z - z.real.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x)) without overflow on either side."""
    small = np.exp(np.where(x.real > 0, -x, x))
    return np.where(x.real > 0, 1, small) / (1 + small)


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
