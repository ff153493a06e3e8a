"""Bidirectional recurrent network.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of bidirectional (style textbook, sigma = tanh); do not edit. Numbers in comments
are those of the derivation.

A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are
time-major, batch second. Index t is step t, except in the data, which counts from 0.
"""

import numpy as np

Arrays = dict[str, np.ndarray]

PARAMS = {
    "W_f": ("n", "n"),
    "U_f": ("n", "m"),
    "b_f": ("n",),
    "W_b": ("n_2", "n_2"),
    "U_b": ("n_2", "m"),
    "b_b": ("n_2",),
    "W_y": ("q", "n + n_2"),
    "b_y": ("q",),
}
DATA = {
    "x": ("T", "B", "m"),
    "y": ("T", "B", "q"),
    "h_forward_0": ("B", "n"),
    "h_backward_T_plus_1": ("B", "n_2"),
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
    U_f = params["U_f"]
    b_f = params["b_f"]
    W_b = params["W_b"]
    U_b = params["U_b"]
    b_b = params["b_b"]
    W_y = params["W_y"]
    b_y = params["b_y"]
    x = data["x"]
    y = data["y"]
    h_forward_0 = data["h_forward_0"]
    h_backward_T_plus_1 = data["h_backward_T_plus_1"]
    T, B = data["x"].shape[:2]
    n = params["W_f"].shape[0]
    n_2 = params["W_b"].shape[0]
    q = params["W_y"].shape[0]
    dtype = np.result_type(*params.values(), *data.values())
    a_h_forward = np.empty((T + 1, B, n), dtype)
    h_forward = np.empty((T + 1, B, n), dtype)
    h_forward[0] = h_forward_0
    a_h_backward = np.empty((T + 1, B, n_2), dtype)
    h_backward = np.empty((T + 2, B, n_2), dtype)
    h_backward[T + 1] = h_backward_T_plus_1
    z = np.empty((T + 1, B, q), dtype)
    y_hat = np.empty((T + 1, B, q), dtype)
    E = 0.0
    for t in range(T, 0, -1):
        # (3) a_t^h⃖ = W_b h⃖_{t+1} + U_b x_t + b_b
        a_h_backward[t] = h_backward[t + 1] @ W_b.T + x[t - 1] @ U_b.T + b_b
        # (4) h⃖_t = σ(a_t^h⃖)
        h_backward[t] = np.tanh(a_h_backward[t])
    for t in range(1, T + 1):
        # (1) a_t^h⃗ = W_f h⃗_{t-1} + U_f x_t + b_f
        a_h_forward[t] = h_forward[t - 1] @ W_f.T + x[t - 1] @ U_f.T + b_f
        # (2) h⃗_t = σ(a_t^h⃗)
        h_forward[t] = np.tanh(a_h_forward[t])
        # (5) z_t = W_y [h⃗_t; h⃖_t] + b_y
        z[t] = np.concatenate([h_forward[t], h_backward[t]], axis=-1) @ W_y.T + b_y
        # (6) ŷ_t = softmax(z_t)
        y_hat[t] = softmax(z[t])
        # (7) E_t = -y_tᵀ log(ŷ_t)
        E -= np.sum(y[t - 1] * log_softmax(z[t]))
    return E, {"h_forward": h_forward, "h_backward": h_backward, "y_hat": y_hat}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_f = params["W_f"]
    U_f = params["U_f"]
    W_b = params["W_b"]
    U_b = params["U_b"]
    W_y = params["W_y"]
    x = data["x"]
    y = data["y"]
    h_forward = tape["h_forward"]
    h_backward = tape["h_backward"]
    y_hat = tape["y_hat"]
    T, B = data["x"].shape[:2]
    q = params["W_y"].shape[0]
    n_2 = params["W_b"].shape[0]
    n = params["W_f"].shape[0]
    m = params["U_f"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    delta_z = np.empty((T + 1, B, q), dtype)
    delta_h_backward = np.empty((T + 1, B, n_2), dtype)
    delta_a_h_backward = np.zeros((T + 1, B, n_2), dtype)
    delta_h_forward = np.empty((T + 1, B, n), dtype)
    delta_a_h_forward = np.zeros((T + 2, B, n), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    d_W_f = np.zeros(params["W_f"].shape, dtype)
    d_U_f = np.zeros(params["U_f"].shape, dtype)
    d_b_f = np.zeros(params["b_f"].shape, dtype)
    d_W_b = np.zeros(params["W_b"].shape, dtype)
    d_U_b = np.zeros(params["U_b"].shape, dtype)
    d_b_b = np.zeros(params["b_b"].shape, dtype)
    d_W_y = np.zeros(params["W_y"].shape, dtype)
    d_b_y = np.zeros(params["b_y"].shape, dtype)
    for t in range(T, 0, -1):
        # (57) δ_t^z = ŷ_t - y_t
        delta_z[t] = y_hat[t] - y[t - 1]
        # (60) δ_t^h⃗ = (W_y)_{:,1:n}ᵀ δ_t^z + W_fᵀ δ_{t+1}^{a,h⃗}
        delta_h_forward[t] = delta_z[t] @ W_y[:, :n] + delta_a_h_forward[t + 1] @ W_f
        # (61) δ_t^{a,h⃗} = (1 - h⃗_t²) ⊙ δ_t^h⃗
        delta_a_h_forward[t] = (1 - h_forward[t] ** 2) * delta_h_forward[t]
        # (64) ∂E/∂W_f = Σ_{t=1}^T δ_t^{a,h⃗} h⃗_{t-1}ᵀ
        d_W_f += delta_a_h_forward[t].T @ h_forward[t - 1]
        # (65) ∂E/∂U_f = Σ_{t=1}^T δ_t^{a,h⃗} x_tᵀ
        d_U_f += delta_a_h_forward[t].T @ x[t - 1]
        # (66) ∂E/∂b_f = Σ_{t=1}^T δ_t^{a,h⃗}
        d_b_f += np.sum(delta_a_h_forward[t], axis=0)
        # (70) ∂E/∂W_y = Σ_{t=1}^T δ_t^z [h⃗_t; h⃖_t]ᵀ
        d_W_y += delta_z[t].T @ np.concatenate([h_forward[t], h_backward[t]], axis=-1)
        # (71) ∂E/∂b_y = Σ_{t=1}^T δ_t^z
        d_b_y += np.sum(delta_z[t], axis=0)
    for t in range(1, T + 1):
        # (58) δ_t^h⃖ = (W_y)_{:,n+1:n+n_2}ᵀ δ_t^z + W_bᵀ δ_{t-1}^{a,h⃖}
        delta_h_backward[t] = delta_z[t] @ W_y[:, n:] + delta_a_h_backward[t - 1] @ W_b
        # (59) δ_t^{a,h⃖} = (1 - h⃖_t²) ⊙ δ_t^h⃖
        delta_a_h_backward[t] = (1 - h_backward[t] ** 2) * delta_h_backward[t]
        # (67) ∂E/∂W_b = Σ_{t=1}^T δ_t^{a,h⃖} h⃖_{t+1}ᵀ
        d_W_b += delta_a_h_backward[t].T @ h_backward[t + 1]
        # (68) ∂E/∂U_b = Σ_{t=1}^T δ_t^{a,h⃖} x_tᵀ
        d_U_b += delta_a_h_backward[t].T @ x[t - 1]
        # (69) ∂E/∂b_b = Σ_{t=1}^T δ_t^{a,h⃖}
        d_b_b += np.sum(delta_a_h_backward[t], axis=0)
        # (72) (∂E/∂x_t)ᵀ = U_fᵀ δ_t^{a,h⃗} + U_bᵀ δ_t^{a,h⃖}
        d_x[t] = delta_a_h_forward[t] @ U_f + delta_a_h_backward[t] @ U_b
    # (73) (∂E/∂h⃗_0)ᵀ = W_fᵀ δ_1^{a,h⃗}
    d_h_forward_0 = delta_a_h_forward[1] @ W_f
    # (74) (∂E/∂h⃖_{T+1})ᵀ = W_bᵀ δ_T^{a,h⃖}
    d_h_backward_T_plus_1 = delta_a_h_backward[T] @ W_b
    return {
        "W_f": d_W_f,
        "U_f": d_U_f,
        "b_f": d_b_f,
        "W_b": d_W_b,
        "U_b": d_U_b,
        "b_b": d_b_b,
        "W_y": d_W_y,
        "b_y": d_b_y,
        "x": d_x[1:],
        "h_forward_0": d_h_forward_0,
        "h_backward_T_plus_1": d_h_backward_T_plus_1,
    }


def softmax(z: np.ndarray) -> np.ndarray:
    """Return exp(z) over its row sums; the largest entry is taken off first."""
    shifted = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def log_softmax(z: np.ndarray) -> np.ndarray:
    """Return log(softmax(z)) by log-sum-exp, finite for any finite z."""
    shifted = z - z.real.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


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
