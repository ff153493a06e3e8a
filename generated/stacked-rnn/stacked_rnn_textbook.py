"""Stacked recurrent network of two layers.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of stacked-rnn (style textbook, sigma = tanh); do not edit. Numbers in comments
are those of the derivation.

A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are
time-major, batch second. Index t is step t, except in the data, which counts from 0.
"""

import numpy as np

Arrays = dict[str, np.ndarray]

PARAMS = {
    "W_1": ("n", "n"),
    "U_1": ("n", "m"),
    "b_1": ("n",),
    "W_2": ("n_2", "n_2"),
    "U_2": ("n_2", "n"),
    "b_2": ("n_2",),
    "W_y": ("q", "n_2"),
    "b_y": ("q",),
}
DATA = {
    "x": ("T", "B", "m"),
    "y": ("T", "B", "q"),
    "h_1_0": ("B", "n"),
    "h_2_0": ("B", "n_2"),
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
    W_1 = params["W_1"]
    U_1 = params["U_1"]
    b_1 = params["b_1"]
    W_2 = params["W_2"]
    U_2 = params["U_2"]
    b_2 = params["b_2"]
    W_y = params["W_y"]
    b_y = params["b_y"]
    x = data["x"]
    y = data["y"]
    h_1_0 = data["h_1_0"]
    h_2_0 = data["h_2_0"]
    T, B = data["x"].shape[:2]
    n = params["W_1"].shape[0]
    n_2 = params["W_2"].shape[0]
    q = params["W_y"].shape[0]
    dtype = np.result_type(*params.values(), *data.values())
    a_h_1 = np.empty((T + 1, B, n), dtype)
    h_1 = np.empty((T + 1, B, n), dtype)
    h_1[0] = h_1_0
    a_h_2 = np.empty((T + 1, B, n_2), dtype)
    h_2 = np.empty((T + 1, B, n_2), dtype)
    h_2[0] = h_2_0
    z = np.empty((T + 1, B, q), dtype)
    y_hat = np.empty((T + 1, B, q), dtype)
    E = 0.0
    for t in range(1, T + 1):
        # (1) a_t^{h,(1)} = W_1 h_{t-1}^{(1)} + U_1 x_t + b_1
        a_h_1[t] = h_1[t - 1] @ W_1.T + x[t - 1] @ U_1.T + b_1
        # (2) h_t^{(1)} = σ(a_t^{h,(1)})
        h_1[t] = np.tanh(a_h_1[t])
        # (3) a_t^{h,(2)} = W_2 h_{t-1}^{(2)} + U_2 h_t^{(1)} + b_2
        a_h_2[t] = h_2[t - 1] @ W_2.T + h_1[t] @ U_2.T + b_2
        # (4) h_t^{(2)} = σ(a_t^{h,(2)})
        h_2[t] = np.tanh(a_h_2[t])
        # (5) z_t = W_y h_t^{(2)} + b_y
        z[t] = h_2[t] @ W_y.T + b_y
        # (6) ŷ_t = softmax(z_t)
        y_hat[t] = softmax(z[t])
        # (7) E_t = -y_tᵀ log(ŷ_t)
        E -= np.sum(y[t - 1] * log_softmax(z[t]))
    return E, {"h_1": h_1, "h_2": h_2, "y_hat": y_hat}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_1 = params["W_1"]
    U_1 = params["U_1"]
    W_2 = params["W_2"]
    U_2 = params["U_2"]
    W_y = params["W_y"]
    x = data["x"]
    y = data["y"]
    h_1 = tape["h_1"]
    h_2 = tape["h_2"]
    y_hat = tape["y_hat"]
    T, B = data["x"].shape[:2]
    q = params["W_y"].shape[0]
    n_2 = params["W_2"].shape[0]
    n = params["W_1"].shape[0]
    m = params["U_1"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    delta_z = np.empty((T + 1, B, q), dtype)
    delta_h_2 = np.empty((T + 1, B, n_2), dtype)
    delta_a_h_2 = np.zeros((T + 2, B, n_2), dtype)
    delta_h_1 = np.empty((T + 1, B, n), dtype)
    delta_a_h_1 = np.zeros((T + 2, B, n), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    d_W_1 = np.zeros(params["W_1"].shape, dtype)
    d_U_1 = np.zeros(params["U_1"].shape, dtype)
    d_b_1 = np.zeros(params["b_1"].shape, dtype)
    d_W_2 = np.zeros(params["W_2"].shape, dtype)
    d_U_2 = np.zeros(params["U_2"].shape, dtype)
    d_b_2 = np.zeros(params["b_2"].shape, dtype)
    d_W_y = np.zeros(params["W_y"].shape, dtype)
    d_b_y = np.zeros(params["b_y"].shape, dtype)
    for t in range(T, 0, -1):
        # (61) δ_t^z = ŷ_t - y_t
        delta_z[t] = y_hat[t] - y[t - 1]
        # (62) δ_t^{h,(2)} = W_yᵀ δ_t^z + W_2ᵀ δ_{t+1}^{a,h,(2)}
        delta_h_2[t] = delta_z[t] @ W_y + delta_a_h_2[t + 1] @ W_2
        # (63) δ_t^{a,h,(2)} = (1 - (h_t^{(2)})²) ⊙ δ_t^{h,(2)}
        delta_a_h_2[t] = (1 - h_2[t] ** 2) * delta_h_2[t]
        # (64) δ_t^{h,(1)} = U_2ᵀ δ_t^{a,h,(2)} + W_1ᵀ δ_{t+1}^{a,h,(1)}
        delta_h_1[t] = delta_a_h_2[t] @ U_2 + delta_a_h_1[t + 1] @ W_1
        # (65) δ_t^{a,h,(1)} = (1 - (h_t^{(1)})²) ⊙ δ_t^{h,(1)}
        delta_a_h_1[t] = (1 - h_1[t] ** 2) * delta_h_1[t]
        # (68) ∂E/∂W_1 = Σ_{t=1}^T δ_t^{a,h,(1)} (h_{t-1}^{(1)})ᵀ
        d_W_1 += delta_a_h_1[t].T @ h_1[t - 1]
        # (69) ∂E/∂U_1 = Σ_{t=1}^T δ_t^{a,h,(1)} x_tᵀ
        d_U_1 += delta_a_h_1[t].T @ x[t - 1]
        # (70) ∂E/∂b_1 = Σ_{t=1}^T δ_t^{a,h,(1)}
        d_b_1 += np.sum(delta_a_h_1[t], axis=0)
        # (71) ∂E/∂W_2 = Σ_{t=1}^T δ_t^{a,h,(2)} (h_{t-1}^{(2)})ᵀ
        d_W_2 += delta_a_h_2[t].T @ h_2[t - 1]
        # (72) ∂E/∂U_2 = Σ_{t=1}^T δ_t^{a,h,(2)} (h_t^{(1)})ᵀ
        d_U_2 += delta_a_h_2[t].T @ h_1[t]
        # (73) ∂E/∂b_2 = Σ_{t=1}^T δ_t^{a,h,(2)}
        d_b_2 += np.sum(delta_a_h_2[t], axis=0)
        # (74) ∂E/∂W_y = Σ_{t=1}^T δ_t^z (h_t^{(2)})ᵀ
        d_W_y += delta_z[t].T @ h_2[t]
        # (75) ∂E/∂b_y = Σ_{t=1}^T δ_t^z
        d_b_y += np.sum(delta_z[t], axis=0)
        # (76) (∂E/∂x_t)ᵀ = U_1ᵀ δ_t^{a,h,(1)}
        d_x[t] = delta_a_h_1[t] @ U_1
    # (77) (∂E/∂h_0^{(1)})ᵀ = W_1ᵀ δ_1^{a,h,(1)}
    d_h_1_0 = delta_a_h_1[1] @ W_1
    # (78) (∂E/∂h_0^{(2)})ᵀ = W_2ᵀ δ_1^{a,h,(2)}
    d_h_2_0 = delta_a_h_2[1] @ W_2
    return {
        "W_1": d_W_1,
        "U_1": d_U_1,
        "b_1": d_b_1,
        "W_2": d_W_2,
        "U_2": d_U_2,
        "b_2": d_b_2,
        "W_y": d_W_y,
        "b_y": d_b_y,
        "x": d_x[1:],
        "h_1_0": d_h_1_0,
        "h_2_0": d_h_2_0,
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
