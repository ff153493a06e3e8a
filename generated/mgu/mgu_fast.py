"""Minimal gated unit.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of mgu (style fast, sigma = sigmoid); do not edit. Numbers in comments are those
of the derivation.

A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are
time-major, batch second. Index t is step t, except in the data, which counts from 0.
"""

import numpy as np

Arrays = dict[str, np.ndarray]

PARAMS = {
    "W_f": ("n", "m + n"),
    "b_f": ("n",),
    "W_h": ("n", "m + n"),
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
    W_f = params["W_f"]
    b_f = params["b_f"]
    W_h = params["W_h"]
    b_h = params["b_h"]
    W_y = params["W_y"]
    b_y = params["b_y"]
    x = data["x"]
    y = data["y"]
    h_0 = data["h_0"]
    T, B = data["x"].shape[:2]
    n = params["W_f"].shape[0]
    q = params["W_y"].shape[0]
    dtype = np.result_type(*params.values(), *data.values())
    a_f = np.empty((T + 1, B, n), dtype)
    f = np.empty((T + 2, B, n), dtype)
    a_h_tilde = np.empty((T + 1, B, n), dtype)
    h_tilde = np.empty((T + 1, B, n), dtype)
    h = np.empty((T + 1, B, n), dtype)
    h[0] = h_0
    z = np.empty((T + 1, B, q), dtype)
    y_hat = np.empty((T + 1, B, q), dtype)
    lse_z = np.empty((T + 1, B, 1), dtype)
    # (1) a_t^f = W_f [h_{t-1}; x_t] + b_f
    put_times(a_f[1:], x, W_f[:, n:].T)
    a_f[1:] += b_f
    # (3) a_t^h̃ = W_h [f_t ⊙ h_{t-1}; x_t] + b_h
    put_times(a_h_tilde[1:], x, W_h[:, n:].T)
    a_h_tilde[1:] += b_h
    W_f_T = np.ascontiguousarray(W_f[:, :n].T)
    W_h_T = np.ascontiguousarray(W_h[:, :n].T)
    buffer = np.empty((B, n), dtype)
    buffer_2 = np.empty((B, n), dtype)
    for t in range(1, T + 1):
        # (1) a_t^f = W_f [h_{t-1}; x_t] + b_f
        np.matmul(h[t - 1], W_f_T, out=buffer)
        a_f[t] += buffer
        # (2) f_t = σ(a_t^f)
        logistic(a_f[t], f[t])
        # (3) a_t^h̃ = W_h [f_t ⊙ h_{t-1}; x_t] + b_h
        np.multiply(f[t], h[t - 1], out=buffer_2)
        np.matmul(buffer_2, W_h_T, out=buffer)
        a_h_tilde[t] += buffer
        # (4) h̃_t = tanh(a_t^h̃)
        np.tanh(a_h_tilde[t], out=h_tilde[t])
        # (5) h_t = (1 - f_t) ⊙ h_{t-1} + f_t ⊙ h̃_t
        np.subtract(1, f[t], out=h[t])
        h[t] *= h[t - 1]
        np.multiply(f[t], h_tilde[t], out=buffer)
        h[t] += buffer
    # (6) z_t = W_y h_t + b_y
    put_times(z[1:], h[1:], W_y.T)
    z[1:] += b_y
    # (7) ŷ_t = softmax(z_t)
    lse_z[1:] = log_sum_exp(z[1:])
    np.subtract(z[1:], lse_z[1:], out=y_hat[1:])
    np.exp(y_hat[1:], out=y_hat[1:])
    # (8) E_t = -y_tᵀ log(ŷ_t)
    E = -np.sum(y * (z[1:] - lse_z[1:]))
    # What lies beyond the steps is multiplied by zero alone.
    f[T + 1] = f[T]
    return E, {"f": f, "h_tilde": h_tilde, "h": h, "y_hat": y_hat}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_f = params["W_f"]
    W_h = params["W_h"]
    W_y = params["W_y"]
    x = data["x"]
    y = data["y"]
    f = tape["f"]
    h_tilde = tape["h_tilde"]
    h = tape["h"]
    y_hat = tape["y_hat"]
    T, B = data["x"].shape[:2]
    q = params["W_y"].shape[0]
    n = params["W_f"].shape[0]
    m = data["x"].shape[2]
    dtype = np.result_type(*params.values(), *data.values())
    delta_z = np.empty((T + 1, B, q), dtype)
    delta_h = np.zeros((T + 2, B, n), dtype)
    delta_h_tilde = np.empty((T + 1, B, n), dtype)
    delta_a_h_tilde = np.zeros((T + 2, B, n), dtype)
    delta_f = np.empty((T + 1, B, n), dtype)
    delta_a_f = np.zeros((T + 2, B, n), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    W_h_delta_a_h_tilde = np.zeros((T + 2, B, n), dtype)
    # (49) δ_t^z = ŷ_t - y_t
    np.subtract(y_hat[1:], y, out=delta_z[1:])
    # (50) δ_t^h = W_yᵀ δ_t^z + (W_f)_{:,1:n}ᵀ δ_{t+1}^{a,f} + f_{t+1} ⊙ (W_h)_{:,1:n}ᵀ
    #     δ_{t+1}^{a,h̃} + (1 - f_{t+1}) ⊙ δ_{t+1}^h
    put_times(delta_h[1:-1], delta_z[1:], W_y)
    W_f_part = np.ascontiguousarray(W_f[:, :n])
    W_h_part = np.ascontiguousarray(W_h[:, :n])
    buffer = np.empty((B, n), dtype)
    for t in range(T, 0, -1):
        # (50) δ_t^h = W_yᵀ δ_t^z + (W_f)_{:,1:n}ᵀ δ_{t+1}^{a,f} + f_{t+1} ⊙ (W_h)_{:,1:n}ᵀ
        #     δ_{t+1}^{a,h̃} + (1 - f_{t+1}) ⊙ δ_{t+1}^h
        np.matmul(delta_a_f[t + 1], W_f_part, out=buffer)
        delta_h[t] += buffer
        np.multiply(f[t + 1], W_h_delta_a_h_tilde[t + 1], out=buffer)
        delta_h[t] += buffer
        np.subtract(1, f[t + 1], out=buffer)
        buffer *= delta_h[t + 1]
        delta_h[t] += buffer
        # (51) δ_t^h̃ = f_t ⊙ δ_t^h
        np.multiply(f[t], delta_h[t], out=delta_h_tilde[t])
        # (52) δ_t^{a,h̃} = (1 - h̃_t²) ⊙ δ_t^h̃
        np.square(h_tilde[t], out=delta_a_h_tilde[t])
        np.subtract(1, delta_a_h_tilde[t], out=delta_a_h_tilde[t])
        delta_a_h_tilde[t] *= delta_h_tilde[t]
        # (50) δ_t^h = W_yᵀ δ_t^z + (W_f)_{:,1:n}ᵀ δ_{t+1}^{a,f} + f_{t+1} ⊙ (W_h)_{:,1:n}ᵀ
        #     δ_{t+1}^{a,h̃} + (1 - f_{t+1}) ⊙ δ_{t+1}^h
        np.matmul(delta_a_h_tilde[t], W_h_part, out=W_h_delta_a_h_tilde[t])
        # (53) δ_t^f = h_{t-1} ⊙ (W_h)_{:,1:n}ᵀ δ_t^{a,h̃} - h_{t-1} ⊙ δ_t^h + h̃_t ⊙ δ_t^h
        np.multiply(h[t - 1], W_h_delta_a_h_tilde[t], out=delta_f[t])
        np.multiply(h[t - 1], delta_h[t], out=buffer)
        delta_f[t] -= buffer
        np.multiply(h_tilde[t], delta_h[t], out=buffer)
        delta_f[t] += buffer
        # (54) δ_t^{a,f} = f_t ⊙ (1 - f_t) ⊙ δ_t^f
        np.subtract(1, f[t], out=delta_a_f[t])
        delta_a_f[t] *= f[t]
        delta_a_f[t] *= delta_f[t]
    # (58) ∂E/∂W_f = Σ_{t=1}^T δ_t^{a,f} [h_{t-1}; x_t]ᵀ
    d_W_f = outer(delta_a_f[1:-1], np.concatenate([h[:-1], x], axis=-1))
    # (59) ∂E/∂b_f = Σ_{t=1}^T δ_t^{a,f}
    d_b_f = np.sum(delta_a_f[1:-1], axis=(0, 1))
    # (60) ∂E/∂W_h = Σ_{t=1}^T δ_t^{a,h̃} [f_t ⊙ h_{t-1}; x_t]ᵀ
    d_W_h = outer(delta_a_h_tilde[1:-1], np.concatenate([f[1:-1] * h[:-1], x], axis=-1))
    # (61) ∂E/∂b_h = Σ_{t=1}^T δ_t^{a,h̃}
    d_b_h = np.sum(delta_a_h_tilde[1:-1], axis=(0, 1))
    # (62) ∂E/∂W_y = Σ_{t=1}^T δ_t^z h_tᵀ
    d_W_y = outer(delta_z[1:], h[1:])
    # (63) ∂E/∂b_y = Σ_{t=1}^T δ_t^z
    d_b_y = np.sum(delta_z[1:], axis=(0, 1))
    # (64) (∂E/∂x_t)ᵀ = (W_f)_{:,n+1:m+n}ᵀ δ_t^{a,f} + (W_h)_{:,n+1:m+n}ᵀ δ_t^{a,h̃}
    d_x[1:] = times(delta_a_f[1:-1], W_f[:, n:]) + times(delta_a_h_tilde[1:-1], W_h[:, n:])
    # (65) (∂E/∂h_0)ᵀ = (W_f)_{:,1:n}ᵀ δ_1^{a,f} + f_1 ⊙ (W_h)_{:,1:n}ᵀ δ_1^{a,h̃} + (1 - f_1) ⊙
    #     δ_1^h
    d_h_0 = delta_a_f[1] @ W_f[:, :n]
    d_h_0 += f[1] * (delta_a_h_tilde[1] @ W_h[:, :n])
    d_h_0 += (1 - f[1]) * delta_h[1]
    return {
        "W_f": d_W_f,
        "b_f": d_b_f,
        "W_h": d_W_h,
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
