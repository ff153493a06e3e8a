"""Long short-term memory with coupled gates.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of lstm-coupled (style fast, sigma = sigmoid); do not edit. Numbers in comments
are those of the derivation.

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
    W_fog = np.concatenate([W_f, W_o, W_g])
    b_fog = np.concatenate([b_f, b_o, b_g])
    g = np.empty((T + 1, B, n), dtype)
    c = np.empty((T + 1, B, n), dtype)
    c[0] = c_0
    h = np.empty((T + 1, B, n), dtype)
    h[0] = h_0
    z = np.empty((T + 1, B, q), dtype)
    y_hat = np.empty((T + 1, B, q), dtype)
    lse_z = np.empty((T + 1, B, 1), dtype)
    tanh_c = np.empty((T + 1, B, n), dtype)
    a_fog = np.empty((T + 1, B, 3 * n), dtype)
    fo = np.empty((T + 2, B, 2 * n), dtype)
    a_g = a_fog[..., 2 * n :]
    f = fo[..., :n]
    o = fo[..., n:]
    a_fo = a_fog[..., : 2 * n]
    # (1) a_t^f = W_f [h_{t-1}; x_t] + b_f; so (3) and (5)
    put_times(a_fog[1:], x, W_fog[:, n:].T)
    a_fog[1:] += b_fog
    W_fog_T = np.ascontiguousarray(W_fog[:, :n].T)
    buffer = np.empty((B, 3 * n), dtype)
    buffer_2 = np.empty((B, n), dtype)
    for t in range(1, T + 1):
        # (1) a_t^f = W_f [h_{t-1}; x_t] + b_f; so (3) and (5)
        np.matmul(h[t - 1], W_fog_T, out=buffer)
        a_fog[t] += buffer
        # (2) f_t = σ(a_t^f); so (4)
        logistic(a_fo[t], fo[t])
        # (6) g_t = tanh(a_t^g)
        np.tanh(a_g[t], out=g[t])
        # (7) c_t = f_t ⊙ c_{t-1} + (1 - f_t) ⊙ g_t
        np.multiply(f[t], c[t - 1], out=c[t])
        np.subtract(1, f[t], out=buffer_2)
        buffer_2 *= g[t]
        c[t] += buffer_2
        # (8) h_t = o_t ⊙ tanh(c_t)
        np.tanh(c[t], out=tanh_c[t])
        np.multiply(o[t], tanh_c[t], out=h[t])
    # (9) z_t = W_y h_t + b_y
    put_times(z[1:], h[1:], W_y.T)
    z[1:] += b_y
    # (10) ŷ_t = softmax(z_t)
    lse_z[1:] = log_sum_exp(z[1:])
    np.subtract(z[1:], lse_z[1:], out=y_hat[1:])
    np.exp(y_hat[1:], out=y_hat[1:])
    # (11) E_t = -y_tᵀ log(ŷ_t)
    E = -np.sum(y * (z[1:] - lse_z[1:]))
    # What lies beyond the steps is multiplied by zero alone.
    fo[T + 1] = fo[T]
    return E, {"g": g, "c": c, "h": h, "y_hat": y_hat, "tanh_c": tanh_c, "fo": fo}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_f = params["W_f"]
    W_o = params["W_o"]
    W_g = params["W_g"]
    W_y = params["W_y"]
    x = data["x"]
    y = data["y"]
    g = tape["g"]
    c = tape["c"]
    h = tape["h"]
    y_hat = tape["y_hat"]
    tanh_c = tape["tanh_c"]
    fo = tape["fo"]
    T, B = data["x"].shape[:2]
    q = params["W_y"].shape[0]
    n = params["W_f"].shape[0]
    m = data["x"].shape[2]
    dtype = np.result_type(*params.values(), *data.values())
    W_fog = np.concatenate([W_f, W_o, W_g])
    f = fo[..., :n]
    o = fo[..., n:]
    delta_z = np.empty((T + 1, B, q), dtype)
    delta_h = np.empty((T + 1, B, n), dtype)
    delta_c = np.zeros((T + 2, B, n), dtype)
    delta_g = np.empty((T + 1, B, n), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    delta_a_fog = np.zeros((T + 2, B, 3 * n), dtype)
    delta_fo = np.empty((T + 1, B, 2 * n), dtype)
    delta_a_g = delta_a_fog[..., 2 * n :]
    delta_a_fo = delta_a_fog[..., : 2 * n]
    delta_f = delta_fo[..., :n]
    delta_o = delta_fo[..., n:]
    # (75) δ_t^z = ŷ_t - y_t
    np.subtract(y_hat[1:], y, out=delta_z[1:])
    # (76) δ_t^h = W_yᵀ δ_t^z + (W_f)_{:,1:n}ᵀ δ_{t+1}^{a,f} + (W_o)_{:,1:n}ᵀ δ_{t+1}^{a,o} +
    #     (W_g)_{:,1:n}ᵀ δ_{t+1}^{a,g}
    put_times(delta_h[1:], delta_z[1:], W_y)
    W_fog_part = np.ascontiguousarray(W_fog[:, :n])
    buffer = np.empty((B, n), dtype)
    for t in range(T, 0, -1):
        # (76) δ_t^h = W_yᵀ δ_t^z + (W_f)_{:,1:n}ᵀ δ_{t+1}^{a,f} + (W_o)_{:,1:n}ᵀ δ_{t+1}^{a,o} +
        #     (W_g)_{:,1:n}ᵀ δ_{t+1}^{a,g}
        np.matmul(delta_a_fog[t + 1], W_fog_part, out=buffer)
        delta_h[t] += buffer
        # (77) δ_t^c = (1 - tanh(c_t)²) ⊙ o_t ⊙ δ_t^h + f_{t+1} ⊙ δ_{t+1}^c
        np.square(tanh_c[t], out=delta_c[t])
        np.subtract(1, delta_c[t], out=delta_c[t])
        delta_c[t] *= o[t]
        delta_c[t] *= delta_h[t]
        np.multiply(f[t + 1], delta_c[t + 1], out=buffer)
        delta_c[t] += buffer
        # (78) δ_t^g = (1 - f_t) ⊙ δ_t^c
        np.subtract(1, f[t], out=delta_g[t])
        delta_g[t] *= delta_c[t]
        # (79) δ_t^{a,g} = (1 - g_t²) ⊙ δ_t^g
        np.square(g[t], out=delta_a_g[t])
        np.subtract(1, delta_a_g[t], out=delta_a_g[t])
        delta_a_g[t] *= delta_g[t]
        # (80) δ_t^o = tanh(c_t) ⊙ δ_t^h
        np.multiply(tanh_c[t], delta_h[t], out=delta_o[t])
        # (82) δ_t^f = (c_{t-1} - g_t) ⊙ δ_t^c
        np.subtract(c[t - 1], g[t], out=delta_f[t])
        delta_f[t] *= delta_c[t]
        # (83) δ_t^{a,f} = f_t ⊙ (1 - f_t) ⊙ δ_t^f; so (81)
        np.subtract(1, fo[t], out=delta_a_fo[t])
        delta_a_fo[t] *= fo[t]
        delta_a_fo[t] *= delta_fo[t]
    # (88) ∂E/∂W_f = Σ_{t=1}^T δ_t^{a,f} [h_{t-1}; x_t]ᵀ; so (90) and (92)
    d_W_fog = outer(delta_a_fog[1:-1], np.concatenate([h[:-1], x], axis=-1))
    # (89) ∂E/∂b_f = Σ_{t=1}^T δ_t^{a,f}; so (91) and (93)
    d_b_fog = np.sum(delta_a_fog[1:-1], axis=(0, 1))
    # (94) ∂E/∂W_y = Σ_{t=1}^T δ_t^z h_tᵀ
    d_W_y = outer(delta_z[1:], h[1:])
    # (95) ∂E/∂b_y = Σ_{t=1}^T δ_t^z
    d_b_y = np.sum(delta_z[1:], axis=(0, 1))
    # (96) (∂E/∂x_t)ᵀ = (W_f)_{:,n+1:m+n}ᵀ δ_t^{a,f} + (W_o)_{:,n+1:m+n}ᵀ δ_t^{a,o} +
    #     (W_g)_{:,n+1:m+n}ᵀ δ_t^{a,g}
    put_times(d_x[1:], delta_a_fog[1:-1], W_fog[:, n:])
    # (97) (∂E/∂h_0)ᵀ = (W_f)_{:,1:n}ᵀ δ_1^{a,f} + (W_o)_{:,1:n}ᵀ δ_1^{a,o} + (W_g)_{:,1:n}ᵀ
    #     δ_1^{a,g}
    d_h_0 = delta_a_fog[1] @ W_fog[:, :n]
    # (98) (∂E/∂c_0)ᵀ = f_1 ⊙ δ_1^c
    d_c_0 = f[1] * delta_c[1]
    return {
        "W_f": d_W_fog[:n],
        "b_f": d_b_fog[:n],
        "W_o": d_W_fog[n : 2 * n],
        "b_o": d_b_fog[n : 2 * n],
        "W_g": d_W_fog[2 * n :],
        "b_g": d_b_fog[2 * n :],
        "W_y": d_W_y,
        "b_y": d_b_y,
        "x": d_x[1:],
        "h_0": d_h_0,
        "c_0": d_c_0,
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
