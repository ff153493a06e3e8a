"""Gated recurrent unit.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of gru (style textbook, sigma = sigmoid); do not edit. Numbers in comments are
those of the derivation.

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
    a_z = np.empty((T + 1, B, n), dtype)
    z = np.empty((T + 2, B, n), dtype)
    a_r = np.empty((T + 1, B, n), dtype)
    r = np.empty((T + 2, B, n), dtype)
    a_h_tilde = np.empty((T + 1, B, n), dtype)
    h_tilde = np.empty((T + 1, B, n), dtype)
    h = np.empty((T + 1, B, n), dtype)
    h[0] = h_0
    o = np.empty((T + 1, B, q), dtype)
    y_hat = np.empty((T + 1, B, q), dtype)
    E = 0.0
    for t in range(1, T + 1):
        # (1) a_t^z = W_z x_t + U_z h_{t-1} + b_z
        a_z[t] = x[t - 1] @ W_z.T + h[t - 1] @ U_z.T + b_z
        # (2) z_t = σ(a_t^z)
        z[t] = sigmoid(a_z[t])
        # (3) a_t^r = W_r x_t + U_r h_{t-1} + b_r
        a_r[t] = x[t - 1] @ W_r.T + h[t - 1] @ U_r.T + b_r
        # (4) r_t = σ(a_t^r)
        r[t] = sigmoid(a_r[t])
        # (5) a_t^h̃ = W_h x_t + U_h (r_t ⊙ h_{t-1}) + b_h
        a_h_tilde[t] = x[t - 1] @ W_h.T + (r[t] * h[t - 1]) @ U_h.T + b_h
        # (6) h̃_t = tanh(a_t^h̃)
        h_tilde[t] = np.tanh(a_h_tilde[t])
        # (7) h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ h̃_t
        h[t] = (1 - z[t]) * h[t - 1] + z[t] * h_tilde[t]
        # (8) o_t = W_y h_t + b_y
        o[t] = h[t] @ W_y.T + b_y
        # (9) ŷ_t = softmax(o_t)
        y_hat[t] = softmax(o[t])
        # (10) E_t = -y_tᵀ log(ŷ_t)
        E -= np.sum(y[t - 1] * log_softmax(o[t]))
    # What lies beyond the steps is multiplied by zero alone.
    z[T + 1] = z[T]
    r[T + 1] = r[T]
    return E, {"z": z, "r": r, "h_tilde": h_tilde, "h": h, "y_hat": y_hat}


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
    z = tape["z"]
    r = tape["r"]
    h_tilde = tape["h_tilde"]
    h = tape["h"]
    y_hat = tape["y_hat"]
    T, B = data["x"].shape[:2]
    q = params["W_y"].shape[0]
    n = params["W_z"].shape[0]
    m = params["W_z"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    delta_o = np.empty((T + 1, B, q), dtype)
    delta_h = np.zeros((T + 2, B, n), dtype)
    delta_h_tilde = np.empty((T + 1, B, n), dtype)
    delta_a_h_tilde = np.zeros((T + 2, B, n), dtype)
    delta_r = np.empty((T + 1, B, n), dtype)
    delta_a_r = np.zeros((T + 2, B, n), dtype)
    delta_z = np.empty((T + 1, B, n), dtype)
    delta_a_z = np.zeros((T + 2, B, n), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    d_W_z = np.zeros(params["W_z"].shape, dtype)
    d_U_z = np.zeros(params["U_z"].shape, dtype)
    d_b_z = np.zeros(params["b_z"].shape, dtype)
    d_W_r = np.zeros(params["W_r"].shape, dtype)
    d_U_r = np.zeros(params["U_r"].shape, dtype)
    d_b_r = np.zeros(params["b_r"].shape, dtype)
    d_W_h = np.zeros(params["W_h"].shape, dtype)
    d_U_h = np.zeros(params["U_h"].shape, dtype)
    d_b_h = np.zeros(params["b_h"].shape, dtype)
    d_W_y = np.zeros(params["W_y"].shape, dtype)
    d_b_y = np.zeros(params["b_y"].shape, dtype)
    for t in range(T, 0, -1):
        # (76) δ_t^o = ŷ_t - y_t
        delta_o[t] = y_hat[t] - y[t - 1]
        # (77) δ_t^h = W_yᵀ δ_t^o + U_zᵀ δ_{t+1}^{a,z} + U_rᵀ δ_{t+1}^{a,r} + r_{t+1} ⊙ U_hᵀ
        #     δ_{t+1}^{a,h̃} + (1 - z_{t+1}) ⊙ δ_{t+1}^h
        delta_h[t] = delta_o[t] @ W_y
        delta_h[t] += delta_a_z[t + 1] @ U_z
        delta_h[t] += delta_a_r[t + 1] @ U_r
        delta_h[t] += r[t + 1] * (delta_a_h_tilde[t + 1] @ U_h)
        delta_h[t] += (1 - z[t + 1]) * delta_h[t + 1]
        # (78) δ_t^h̃ = z_t ⊙ δ_t^h
        delta_h_tilde[t] = z[t] * delta_h[t]
        # (79) δ_t^{a,h̃} = (1 - h̃_t²) ⊙ δ_t^h̃
        delta_a_h_tilde[t] = (1 - h_tilde[t] ** 2) * delta_h_tilde[t]
        # (80) δ_t^r = h_{t-1} ⊙ U_hᵀ δ_t^{a,h̃}
        delta_r[t] = h[t - 1] * (delta_a_h_tilde[t] @ U_h)
        # (81) δ_t^{a,r} = r_t ⊙ (1 - r_t) ⊙ δ_t^r
        delta_a_r[t] = r[t] * (1 - r[t]) * delta_r[t]
        # (82) δ_t^z = (h̃_t - h_{t-1}) ⊙ δ_t^h
        delta_z[t] = (h_tilde[t] - h[t - 1]) * delta_h[t]
        # (83) δ_t^{a,z} = z_t ⊙ (1 - z_t) ⊙ δ_t^z
        delta_a_z[t] = z[t] * (1 - z[t]) * delta_z[t]
        # (88) ∂E/∂W_z = Σ_{t=1}^T δ_t^{a,z} x_tᵀ
        d_W_z += delta_a_z[t].T @ x[t - 1]
        # (89) ∂E/∂U_z = Σ_{t=1}^T δ_t^{a,z} h_{t-1}ᵀ
        d_U_z += delta_a_z[t].T @ h[t - 1]
        # (90) ∂E/∂b_z = Σ_{t=1}^T δ_t^{a,z}
        d_b_z += np.sum(delta_a_z[t], axis=0)
        # (91) ∂E/∂W_r = Σ_{t=1}^T δ_t^{a,r} x_tᵀ
        d_W_r += delta_a_r[t].T @ x[t - 1]
        # (92) ∂E/∂U_r = Σ_{t=1}^T δ_t^{a,r} h_{t-1}ᵀ
        d_U_r += delta_a_r[t].T @ h[t - 1]
        # (93) ∂E/∂b_r = Σ_{t=1}^T δ_t^{a,r}
        d_b_r += np.sum(delta_a_r[t], axis=0)
        # (94) ∂E/∂W_h = Σ_{t=1}^T δ_t^{a,h̃} x_tᵀ
        d_W_h += delta_a_h_tilde[t].T @ x[t - 1]
        # (95) ∂E/∂U_h = Σ_{t=1}^T δ_t^{a,h̃} (r_t ⊙ h_{t-1})ᵀ
        d_U_h += delta_a_h_tilde[t].T @ (r[t] * h[t - 1])
        # (96) ∂E/∂b_h = Σ_{t=1}^T δ_t^{a,h̃}
        d_b_h += np.sum(delta_a_h_tilde[t], axis=0)
        # (97) ∂E/∂W_y = Σ_{t=1}^T δ_t^o h_tᵀ
        d_W_y += delta_o[t].T @ h[t]
        # (98) ∂E/∂b_y = Σ_{t=1}^T δ_t^o
        d_b_y += np.sum(delta_o[t], axis=0)
        # (99) (∂E/∂x_t)ᵀ = W_zᵀ δ_t^{a,z} + W_rᵀ δ_t^{a,r} + W_hᵀ δ_t^{a,h̃}
        d_x[t] = delta_a_z[t] @ W_z + delta_a_r[t] @ W_r + delta_a_h_tilde[t] @ W_h
    # (100) (∂E/∂h_0)ᵀ = U_zᵀ δ_1^{a,z} + U_rᵀ δ_1^{a,r} + r_1 ⊙ U_hᵀ δ_1^{a,h̃} + (1 - z_1) ⊙
    #     δ_1^h
    d_h_0 = delta_a_z[1] @ U_z
    d_h_0 += delta_a_r[1] @ U_r
    d_h_0 += r[1] * (delta_a_h_tilde[1] @ U_h)
    d_h_0 += (1 - z[1]) * delta_h[1]
    return {
        "W_z": d_W_z,
        "U_z": d_U_z,
        "b_z": d_b_z,
        "W_r": d_W_r,
        "U_r": d_U_r,
        "b_r": d_b_r,
        "W_h": d_W_h,
        "U_h": d_U_h,
        "b_h": d_b_h,
        "W_y": d_W_y,
        "b_y": d_b_y,
        "x": d_x[1:],
        "h_0": d_h_0,
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
