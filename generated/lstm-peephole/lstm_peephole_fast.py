"""Long short-term memory with peepholes.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of lstm-peephole (style fast, sigma = sigmoid); do not edit. Numbers in comments
are those of the derivation.

A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are
time-major, batch second. Index t is step t, except in the data, which counts from 0.
"""

import numpy as np

Arrays = dict[str, np.ndarray]

PARAMS = {
    "W_i": ("n", "m"),
    "U_i": ("n", "n"),
    "p_i": ("n",),
    "b_i": ("n",),
    "W_f": ("n", "m"),
    "U_f": ("n", "n"),
    "p_f": ("n",),
    "b_f": ("n",),
    "W_g": ("n", "m"),
    "U_g": ("n", "n"),
    "b_g": ("n",),
    "W_o": ("n", "m"),
    "U_o": ("n", "n"),
    "p_o": ("n",),
    "b_o": ("n",),
    "W_y": ("q", "n"),
    "b_y": ("q",),
}
DATA = {
    "x": ("T", "B", "m"),
    "y": ("T", "B", "q"),
    "h_0": ("B", "n"),
    "c_0": ("B", "n"),
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
    W_i = params["W_i"]
    U_i = params["U_i"]
    p_i = params["p_i"]
    b_i = params["b_i"]
    W_f = params["W_f"]
    U_f = params["U_f"]
    p_f = params["p_f"]
    b_f = params["b_f"]
    W_g = params["W_g"]
    U_g = params["U_g"]
    b_g = params["b_g"]
    W_o = params["W_o"]
    U_o = params["U_o"]
    p_o = params["p_o"]
    b_o = params["b_o"]
    W_y = params["W_y"]
    b_y = params["b_y"]
    x = data["x"]
    y = data["y"]
    h_0 = data["h_0"]
    c_0 = data["c_0"]
    T, B = data["x"].shape[:2]
    n = params["W_i"].shape[0]
    q = params["W_y"].shape[0]
    dtype = np.result_type(*params.values(), *data.values())
    a_i = np.empty((T + 1, B, n), dtype)
    i = np.empty((T + 1, B, n), dtype)
    a_f = np.empty((T + 1, B, n), dtype)
    f = np.empty((T + 2, B, n), dtype)
    a_g = np.empty((T + 1, B, n), dtype)
    g = np.empty((T + 1, B, n), dtype)
    c = np.empty((T + 1, B, n), dtype)
    c[0] = c_0
    a_o = np.empty((T + 1, B, n), dtype)
    o = np.empty((T + 1, B, n), dtype)
    h = np.empty((T + 1, B, n), dtype)
    h[0] = h_0
    z = np.empty((T + 1, B, q), dtype)
    y_hat = np.empty((T + 1, B, q), dtype)
    lse_z = np.empty((T + 1, B, 1), dtype)
    tanh_c = np.empty((T + 1, B, n), dtype)
    # (1) a_t^i = W_i x_t + U_i h_{t-1} + p_i ⊙ c_{t-1} + b_i
    put_times(a_i[1:], x, W_i.T)
    a_i[1:] += b_i
    # (3) a_t^f = W_f x_t + U_f h_{t-1} + p_f ⊙ c_{t-1} + b_f
    put_times(a_f[1:], x, W_f.T)
    a_f[1:] += b_f
    # (5) a_t^g = W_g x_t + U_g h_{t-1} + b_g
    put_times(a_g[1:], x, W_g.T)
    a_g[1:] += b_g
    # (8) a_t^o = W_o x_t + U_o h_{t-1} + p_o ⊙ c_t + b_o
    put_times(a_o[1:], x, W_o.T)
    a_o[1:] += b_o
    U_i_T = np.ascontiguousarray(U_i.T)
    U_f_T = np.ascontiguousarray(U_f.T)
    U_g_T = np.ascontiguousarray(U_g.T)
    U_o_T = np.ascontiguousarray(U_o.T)
    buffer = np.empty((B, n), dtype)
    for t in range(1, T + 1):
        # (1) a_t^i = W_i x_t + U_i h_{t-1} + p_i ⊙ c_{t-1} + b_i
        np.matmul(h[t - 1], U_i_T, out=buffer)
        a_i[t] += buffer
        np.multiply(p_i, c[t - 1], out=buffer)
        a_i[t] += buffer
        # (2) i_t = σ(a_t^i)
        logistic(a_i[t], i[t])
        # (3) a_t^f = W_f x_t + U_f h_{t-1} + p_f ⊙ c_{t-1} + b_f
        np.matmul(h[t - 1], U_f_T, out=buffer)
        a_f[t] += buffer
        np.multiply(p_f, c[t - 1], out=buffer)
        a_f[t] += buffer
        # (4) f_t = σ(a_t^f)
        logistic(a_f[t], f[t])
        # (5) a_t^g = W_g x_t + U_g h_{t-1} + b_g
        np.matmul(h[t - 1], U_g_T, out=buffer)
        a_g[t] += buffer
        # (6) g_t = tanh(a_t^g)
        np.tanh(a_g[t], out=g[t])
        # (7) c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t
        np.multiply(f[t], c[t - 1], out=c[t])
        np.multiply(i[t], g[t], out=buffer)
        c[t] += buffer
        # (10) h_t = o_t ⊙ tanh(c_t)
        np.tanh(c[t], out=tanh_c[t])
        # (8) a_t^o = W_o x_t + U_o h_{t-1} + p_o ⊙ c_t + b_o
        np.matmul(h[t - 1], U_o_T, out=buffer)
        a_o[t] += buffer
        np.multiply(p_o, c[t], out=buffer)
        a_o[t] += buffer
        # (9) o_t = σ(a_t^o)
        logistic(a_o[t], o[t])
        # (10) h_t = o_t ⊙ tanh(c_t)
        np.multiply(o[t], tanh_c[t], out=h[t])
    # (11) z_t = W_y h_t + b_y
    put_times(z[1:], h[1:], W_y.T)
    z[1:] += b_y
    # (12) ŷ_t = softmax(z_t)
    lse_z[1:] = log_sum_exp(z[1:])
    np.subtract(z[1:], lse_z[1:], out=y_hat[1:])
    np.exp(y_hat[1:], out=y_hat[1:])
    # (13) E_t = -y_tᵀ log(ŷ_t)
    E = -np.sum(y * (z[1:] - lse_z[1:]))
    # What lies beyond the steps is multiplied by zero alone.
    f[T + 1] = f[T]
    return E, {"i": i, "f": f, "g": g, "c": c, "o": o, "h": h, "y_hat": y_hat, "tanh_c": tanh_c}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_i = params["W_i"]
    U_i = params["U_i"]
    p_i = params["p_i"]
    W_f = params["W_f"]
    U_f = params["U_f"]
    p_f = params["p_f"]
    W_g = params["W_g"]
    U_g = params["U_g"]
    W_o = params["W_o"]
    U_o = params["U_o"]
    p_o = params["p_o"]
    W_y = params["W_y"]
    x = data["x"]
    y = data["y"]
    i = tape["i"]
    f = tape["f"]
    g = tape["g"]
    c = tape["c"]
    o = tape["o"]
    h = tape["h"]
    y_hat = tape["y_hat"]
    tanh_c = tape["tanh_c"]
    T, B = data["x"].shape[:2]
    q = params["W_y"].shape[0]
    n = params["W_i"].shape[0]
    m = params["W_i"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    delta_z = np.empty((T + 1, B, q), dtype)
    delta_h = np.empty((T + 1, B, n), dtype)
    delta_o = np.empty((T + 1, B, n), dtype)
    delta_a_o = np.zeros((T + 2, B, n), dtype)
    delta_c = np.zeros((T + 2, B, n), dtype)
    delta_g = np.empty((T + 1, B, n), dtype)
    delta_a_g = np.zeros((T + 2, B, n), dtype)
    delta_f = np.empty((T + 1, B, n), dtype)
    delta_a_f = np.zeros((T + 2, B, n), dtype)
    delta_i = np.empty((T + 1, B, n), dtype)
    delta_a_i = np.zeros((T + 2, B, n), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    # (121) δ_t^z = ŷ_t - y_t
    np.subtract(y_hat[1:], y, out=delta_z[1:])
    # (122) δ_t^h = W_yᵀ δ_t^z + U_iᵀ δ_{t+1}^{a,i} + U_fᵀ δ_{t+1}^{a,f} + U_gᵀ δ_{t+1}^{a,g} +
    #     U_oᵀ δ_{t+1}^{a,o}
    put_times(delta_h[1:], delta_z[1:], W_y)
    buffer = np.empty((B, n), dtype)
    for t in range(T, 0, -1):
        # (122) δ_t^h = W_yᵀ δ_t^z + U_iᵀ δ_{t+1}^{a,i} + U_fᵀ δ_{t+1}^{a,f} + U_gᵀ δ_{t+1}^{a,g} +
        #     U_oᵀ δ_{t+1}^{a,o}
        np.matmul(delta_a_i[t + 1], U_i, out=buffer)
        delta_h[t] += buffer
        np.matmul(delta_a_f[t + 1], U_f, out=buffer)
        delta_h[t] += buffer
        np.matmul(delta_a_g[t + 1], U_g, out=buffer)
        delta_h[t] += buffer
        np.matmul(delta_a_o[t + 1], U_o, out=buffer)
        delta_h[t] += buffer
        # (123) δ_t^o = tanh(c_t) ⊙ δ_t^h
        np.multiply(tanh_c[t], delta_h[t], out=delta_o[t])
        # (124) δ_t^{a,o} = o_t ⊙ (1 - o_t) ⊙ δ_t^o
        np.subtract(1, o[t], out=delta_a_o[t])
        delta_a_o[t] *= o[t]
        delta_a_o[t] *= delta_o[t]
        # (125) δ_t^c = p_o ⊙ δ_t^{a,o} + (1 - tanh(c_t)²) ⊙ o_t ⊙ δ_t^h + p_i ⊙ δ_{t+1}^{a,i} + p_f
        #     ⊙ δ_{t+1}^{a,f} + f_{t+1} ⊙ δ_{t+1}^c
        np.multiply(p_o, delta_a_o[t], out=delta_c[t])
        np.square(tanh_c[t], out=buffer)
        np.subtract(1, buffer, out=buffer)
        buffer *= o[t]
        buffer *= delta_h[t]
        delta_c[t] += buffer
        np.multiply(p_i, delta_a_i[t + 1], out=buffer)
        delta_c[t] += buffer
        np.multiply(p_f, delta_a_f[t + 1], out=buffer)
        delta_c[t] += buffer
        np.multiply(f[t + 1], delta_c[t + 1], out=buffer)
        delta_c[t] += buffer
        # (126) δ_t^g = i_t ⊙ δ_t^c
        np.multiply(i[t], delta_c[t], out=delta_g[t])
        # (127) δ_t^{a,g} = (1 - g_t²) ⊙ δ_t^g
        np.square(g[t], out=delta_a_g[t])
        np.subtract(1, delta_a_g[t], out=delta_a_g[t])
        delta_a_g[t] *= delta_g[t]
        # (128) δ_t^f = c_{t-1} ⊙ δ_t^c
        np.multiply(c[t - 1], delta_c[t], out=delta_f[t])
        # (129) δ_t^{a,f} = f_t ⊙ (1 - f_t) ⊙ δ_t^f
        np.subtract(1, f[t], out=delta_a_f[t])
        delta_a_f[t] *= f[t]
        delta_a_f[t] *= delta_f[t]
        # (130) δ_t^i = g_t ⊙ δ_t^c
        np.multiply(g[t], delta_c[t], out=delta_i[t])
        # (131) δ_t^{a,i} = i_t ⊙ (1 - i_t) ⊙ δ_t^i
        np.subtract(1, i[t], out=delta_a_i[t])
        delta_a_i[t] *= i[t]
        delta_a_i[t] *= delta_i[t]
    # (137) ∂E/∂W_i = Σ_{t=1}^T δ_t^{a,i} x_tᵀ
    d_W_i = outer(delta_a_i[1:-1], x)
    # (138) ∂E/∂U_i = Σ_{t=1}^T δ_t^{a,i} h_{t-1}ᵀ
    d_U_i = outer(delta_a_i[1:-1], h[:-1])
    # (139) ∂E/∂p_i = Σ_{t=1}^T c_{t-1} ⊙ δ_t^{a,i}
    d_p_i = np.sum(c[:-1] * delta_a_i[1:-1], axis=(0, 1))
    # (140) ∂E/∂b_i = Σ_{t=1}^T δ_t^{a,i}
    d_b_i = np.sum(delta_a_i[1:-1], axis=(0, 1))
    # (141) ∂E/∂W_f = Σ_{t=1}^T δ_t^{a,f} x_tᵀ
    d_W_f = outer(delta_a_f[1:-1], x)
    # (142) ∂E/∂U_f = Σ_{t=1}^T δ_t^{a,f} h_{t-1}ᵀ
    d_U_f = outer(delta_a_f[1:-1], h[:-1])
    # (143) ∂E/∂p_f = Σ_{t=1}^T c_{t-1} ⊙ δ_t^{a,f}
    d_p_f = np.sum(c[:-1] * delta_a_f[1:-1], axis=(0, 1))
    # (144) ∂E/∂b_f = Σ_{t=1}^T δ_t^{a,f}
    d_b_f = np.sum(delta_a_f[1:-1], axis=(0, 1))
    # (145) ∂E/∂W_g = Σ_{t=1}^T δ_t^{a,g} x_tᵀ
    d_W_g = outer(delta_a_g[1:-1], x)
    # (146) ∂E/∂U_g = Σ_{t=1}^T δ_t^{a,g} h_{t-1}ᵀ
    d_U_g = outer(delta_a_g[1:-1], h[:-1])
    # (147) ∂E/∂b_g = Σ_{t=1}^T δ_t^{a,g}
    d_b_g = np.sum(delta_a_g[1:-1], axis=(0, 1))
    # (148) ∂E/∂W_o = Σ_{t=1}^T δ_t^{a,o} x_tᵀ
    d_W_o = outer(delta_a_o[1:-1], x)
    # (149) ∂E/∂U_o = Σ_{t=1}^T δ_t^{a,o} h_{t-1}ᵀ
    d_U_o = outer(delta_a_o[1:-1], h[:-1])
    # (150) ∂E/∂p_o = Σ_{t=1}^T c_t ⊙ δ_t^{a,o}
    d_p_o = np.sum(c[1:] * delta_a_o[1:-1], axis=(0, 1))
    # (151) ∂E/∂b_o = Σ_{t=1}^T δ_t^{a,o}
    d_b_o = np.sum(delta_a_o[1:-1], axis=(0, 1))
    # (152) ∂E/∂W_y = Σ_{t=1}^T δ_t^z h_tᵀ
    d_W_y = outer(delta_z[1:], h[1:])
    # (153) ∂E/∂b_y = Σ_{t=1}^T δ_t^z
    d_b_y = np.sum(delta_z[1:], axis=(0, 1))
    # (154) (∂E/∂x_t)ᵀ = W_iᵀ δ_t^{a,i} + W_fᵀ δ_t^{a,f} + W_gᵀ δ_t^{a,g} + W_oᵀ δ_t^{a,o}
    d_x[1:] = times(delta_a_i[1:-1], W_i)
    d_x[1:] += times(delta_a_f[1:-1], W_f)
    d_x[1:] += times(delta_a_g[1:-1], W_g)
    d_x[1:] += times(delta_a_o[1:-1], W_o)
    # (155) (∂E/∂h_0)ᵀ = U_iᵀ δ_1^{a,i} + U_fᵀ δ_1^{a,f} + U_gᵀ δ_1^{a,g} + U_oᵀ δ_1^{a,o}
    d_h_0 = delta_a_i[1] @ U_i + delta_a_f[1] @ U_f + delta_a_g[1] @ U_g + delta_a_o[1] @ U_o
    # (156) (∂E/∂c_0)ᵀ = p_i ⊙ δ_1^{a,i} + p_f ⊙ δ_1^{a,f} + f_1 ⊙ δ_1^c
    d_c_0 = p_i * delta_a_i[1] + p_f * delta_a_f[1] + f[1] * delta_c[1]
    return {
        "W_i": d_W_i,
        "U_i": d_U_i,
        "p_i": d_p_i,
        "b_i": d_b_i,
        "W_f": d_W_f,
        "U_f": d_U_f,
        "p_f": d_p_f,
        "b_f": d_b_f,
        "W_g": d_W_g,
        "U_g": d_U_g,
        "b_g": d_b_g,
        "W_o": d_W_o,
        "U_o": d_U_o,
        "p_o": d_p_o,
        "b_o": d_b_o,
        "W_y": d_W_y,
        "b_y": d_b_y,
        "x": d_x[1:],
        "h_0": d_h_0,
        "c_0": d_c_0,
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
