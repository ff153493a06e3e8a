"""Long short-term memory with coupled gates.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of lstm-coupled (style textbook, sigma = sigmoid); do not edit. Numbers in
comments are those of the derivation.

A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are
time-major, batch second. Index t is step t, except in the data, which counts from 0.
"""

import numpy as np

Arrays = dict[str, np.ndarray]

PARAMS = {
    "W_f": ("n", "m + n"),
    "b_f": ("n",),
    "W_o": ("n", "m + n"),
    "b_o": ("n",),
    "W_g": ("n", "m + n"),
    "b_g": ("n",),
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
    W_f = params["W_f"]
    b_f = params["b_f"]
    W_o = params["W_o"]
    b_o = params["b_o"]
    W_g = params["W_g"]
    b_g = params["b_g"]
    W_y = params["W_y"]
    b_y = params["b_y"]
    x = data["x"]
    y = data["y"]
    h_0 = data["h_0"]
    c_0 = data["c_0"]
    T, B = data["x"].shape[:2]
    n = params["W_f"].shape[0]
    q = params["W_y"].shape[0]
    dtype = np.result_type(*params.values(), *data.values())
    a_f = np.empty((T + 1, B, n), dtype)
    f = np.empty((T + 2, B, n), dtype)
    a_o = np.empty((T + 1, B, n), dtype)
    o = np.empty((T + 1, B, n), dtype)
    a_g = np.empty((T + 1, B, n), dtype)
    g = np.empty((T + 1, B, n), dtype)
    c = np.empty((T + 1, B, n), dtype)
    c[0] = c_0
    h = np.empty((T + 1, B, n), dtype)
    h[0] = h_0
    z = np.empty((T + 1, B, q), dtype)
    y_hat = np.empty((T + 1, B, q), dtype)
    E = 0.0
    for t in range(1, T + 1):
        # (1) a_t^f = W_f [h_{t-1}; x_t] + b_f
        a_f[t] = np.concatenate([h[t - 1], x[t - 1]], axis=-1) @ W_f.T + b_f
        # (2) f_t = σ(a_t^f)
        f[t] = sigmoid(a_f[t])
        # (3) a_t^o = W_o [h_{t-1}; x_t] + b_o
        a_o[t] = np.concatenate([h[t - 1], x[t - 1]], axis=-1) @ W_o.T + b_o
        # (4) o_t = σ(a_t^o)
        o[t] = sigmoid(a_o[t])
        # (5) a_t^g = W_g [h_{t-1}; x_t] + b_g
        a_g[t] = np.concatenate([h[t - 1], x[t - 1]], axis=-1) @ W_g.T + b_g
        # (6) g_t = tanh(a_t^g)
        g[t] = np.tanh(a_g[t])
        # (7) c_t = f_t ⊙ c_{t-1} + (1 - f_t) ⊙ g_t
        c[t] = f[t] * c[t - 1] + (1 - f[t]) * g[t]
        # (8) h_t = o_t ⊙ tanh(c_t)
        h[t] = o[t] * np.tanh(c[t])
        # (9) z_t = W_y h_t + b_y
        z[t] = h[t] @ W_y.T + b_y
        # (10) ŷ_t = softmax(z_t)
        y_hat[t] = softmax(z[t])
        # (11) E_t = -y_tᵀ log(ŷ_t)
        E -= np.sum(y[t - 1] * log_softmax(z[t]))
    # What lies beyond the steps is multiplied by zero alone.
    f[T + 1] = f[T]
    return E, {"f": f, "o": o, "g": g, "c": c, "h": h, "y_hat": y_hat}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_f = params["W_f"]
    W_o = params["W_o"]
    W_g = params["W_g"]
    W_y = params["W_y"]
    x = data["x"]
    y = data["y"]
    f = tape["f"]
    o = tape["o"]
    g = tape["g"]
    c = tape["c"]
    h = tape["h"]
    y_hat = tape["y_hat"]
    T, B = data["x"].shape[:2]
    q = params["W_y"].shape[0]
    n = params["W_f"].shape[0]
    m = data["x"].shape[2]
    dtype = np.result_type(*params.values(), *data.values())
    delta_z = np.empty((T + 1, B, q), dtype)
    delta_h = np.empty((T + 1, B, n), dtype)
    delta_c = np.zeros((T + 2, B, n), dtype)
    delta_g = np.empty((T + 1, B, n), dtype)
    delta_a_g = np.zeros((T + 2, B, n), dtype)
    delta_o = np.empty((T + 1, B, n), dtype)
    delta_a_o = np.zeros((T + 2, B, n), dtype)
    delta_f = np.empty((T + 1, B, n), dtype)
    delta_a_f = np.zeros((T + 2, B, n), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    d_W_f = np.zeros(params["W_f"].shape, dtype)
    d_b_f = np.zeros(params["b_f"].shape, dtype)
    d_W_o = np.zeros(params["W_o"].shape, dtype)
    d_b_o = np.zeros(params["b_o"].shape, dtype)
    d_W_g = np.zeros(params["W_g"].shape, dtype)
    d_b_g = np.zeros(params["b_g"].shape, dtype)
    d_W_y = np.zeros(params["W_y"].shape, dtype)
    d_b_y = np.zeros(params["b_y"].shape, dtype)
    for t in range(T, 0, -1):
        # (75) δ_t^z = ŷ_t - y_t
        delta_z[t] = y_hat[t] - y[t - 1]
        # (76) δ_t^h = W_yᵀ δ_t^z + (W_f)_{:,1:n}ᵀ δ_{t+1}^{a,f} + (W_o)_{:,1:n}ᵀ δ_{t+1}^{a,o} +
        #     (W_g)_{:,1:n}ᵀ δ_{t+1}^{a,g}
        delta_h[t] = delta_z[t] @ W_y
        delta_h[t] += delta_a_f[t + 1] @ W_f[:, :n]
        delta_h[t] += delta_a_o[t + 1] @ W_o[:, :n]
        delta_h[t] += delta_a_g[t + 1] @ W_g[:, :n]
        # (77) δ_t^c = (1 - tanh(c_t)²) ⊙ o_t ⊙ δ_t^h + f_{t+1} ⊙ δ_{t+1}^c
        delta_c[t] = (1 - np.tanh(c[t]) ** 2) * o[t] * delta_h[t] + f[t + 1] * delta_c[t + 1]
        # (78) δ_t^g = (1 - f_t) ⊙ δ_t^c
        delta_g[t] = (1 - f[t]) * delta_c[t]
        # (79) δ_t^{a,g} = (1 - g_t²) ⊙ δ_t^g
        delta_a_g[t] = (1 - g[t] ** 2) * delta_g[t]
        # (80) δ_t^o = tanh(c_t) ⊙ δ_t^h
        delta_o[t] = np.tanh(c[t]) * delta_h[t]
        # (81) δ_t^{a,o} = o_t ⊙ (1 - o_t) ⊙ δ_t^o
        delta_a_o[t] = o[t] * (1 - o[t]) * delta_o[t]
        # (82) δ_t^f = (c_{t-1} - g_t) ⊙ δ_t^c
        delta_f[t] = (c[t - 1] - g[t]) * delta_c[t]
        # (83) δ_t^{a,f} = f_t ⊙ (1 - f_t) ⊙ δ_t^f
        delta_a_f[t] = f[t] * (1 - f[t]) * delta_f[t]
        # (88) ∂E/∂W_f = Σ_{t=1}^T δ_t^{a,f} [h_{t-1}; x_t]ᵀ
        d_W_f += delta_a_f[t].T @ np.concatenate([h[t - 1], x[t - 1]], axis=-1)
        # (89) ∂E/∂b_f = Σ_{t=1}^T δ_t^{a,f}
        d_b_f += np.sum(delta_a_f[t], axis=0)
        # (90) ∂E/∂W_o = Σ_{t=1}^T δ_t^{a,o} [h_{t-1}; x_t]ᵀ
        d_W_o += delta_a_o[t].T @ np.concatenate([h[t - 1], x[t - 1]], axis=-1)
        # (91) ∂E/∂b_o = Σ_{t=1}^T δ_t^{a,o}
        d_b_o += np.sum(delta_a_o[t], axis=0)
        # (92) ∂E/∂W_g = Σ_{t=1}^T δ_t^{a,g} [h_{t-1}; x_t]ᵀ
        d_W_g += delta_a_g[t].T @ np.concatenate([h[t - 1], x[t - 1]], axis=-1)
        # (93) ∂E/∂b_g = Σ_{t=1}^T δ_t^{a,g}
        d_b_g += np.sum(delta_a_g[t], axis=0)
        # (94) ∂E/∂W_y = Σ_{t=1}^T δ_t^z h_tᵀ
        d_W_y += delta_z[t].T @ h[t]
        # (95) ∂E/∂b_y = Σ_{t=1}^T δ_t^z
        d_b_y += np.sum(delta_z[t], axis=0)
        # (96) (∂E/∂x_t)ᵀ = (W_f)_{:,n+1:m+n}ᵀ δ_t^{a,f} + (W_o)_{:,n+1:m+n}ᵀ δ_t^{a,o} +
        #     (W_g)_{:,n+1:m+n}ᵀ δ_t^{a,g}
        d_x[t] = delta_a_f[t] @ W_f[:, n:] + delta_a_o[t] @ W_o[:, n:] + delta_a_g[t] @ W_g[:, n:]
    # (97) (∂E/∂h_0)ᵀ = (W_f)_{:,1:n}ᵀ δ_1^{a,f} + (W_o)_{:,1:n}ᵀ δ_1^{a,o} + (W_g)_{:,1:n}ᵀ
    #     δ_1^{a,g}
    d_h_0 = delta_a_f[1] @ W_f[:, :n] + delta_a_o[1] @ W_o[:, :n] + delta_a_g[1] @ W_g[:, :n]
    # (98) (∂E/∂c_0)ᵀ = f_1 ⊙ δ_1^c
    d_c_0 = f[1] * delta_c[1]
    return {
        "W_f": d_W_f,
        "b_f": d_b_f,
        "W_o": d_W_o,
        "b_o": d_b_o,
        "W_g": d_W_g,
        "b_g": d_b_g,
        "W_y": d_W_y,
        "b_y": d_b_y,
        "x": d_x[1:],
        "h_0": d_h_0,
        "c_0": d_c_0,
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
    for axis, length in sizes.items():
        if length != _length(axis, sizes):
            raise ValueError(f"{axis} is {length}; {_length(axis, sizes)} was expected of {sizes}")
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


def _length(axis: str, sizes: dict[str, int]) -> int:
    """Return what an axis such as "m + n" comes to."""
    terms = (term.split(" * ") for term in axis.split(" + "))
    return sum(int(np.prod([sizes.get(f) or int(f) for f in term])) for term in terms)
