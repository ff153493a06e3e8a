"""Multiplicative recurrent network.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of mrnn (style textbook); do not edit. Numbers in comments are those of the
derivation.

A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are
time-major, batch second. Index t is step t, except in the data, which counts from 0.
"""

import numpy as np

Arrays = dict[str, np.ndarray]

PARAMS = {
    "W_fx": ("n_2", "m"),
    "W_fh": ("n_2", "n"),
    "W_hf": ("n", "n_2"),
    "W_hx": ("n", "m"),
    "b": ("n",),
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
    W_fx = params["W_fx"]
    W_fh = params["W_fh"]
    W_hf = params["W_hf"]
    W_hx = params["W_hx"]
    b = params["b"]
    W_y = params["W_y"]
    b_y = params["b_y"]
    x = data["x"]
    y = data["y"]
    h_0 = data["h_0"]
    T, B = data["x"].shape[:2]
    n_2 = params["W_fx"].shape[0]
    n = params["W_fh"].shape[1]
    q = params["W_y"].shape[0]
    dtype = np.result_type(*params.values(), *data.values())
    f = np.empty((T + 1, B, n_2), dtype)
    a = np.empty((T + 1, B, n), dtype)
    h = np.empty((T + 1, B, n), dtype)
    h[0] = h_0
    z = np.empty((T + 1, B, q), dtype)
    y_hat = np.empty((T + 1, B, q), dtype)
    E = 0.0
    # What lies beyond the steps is multiplied by zero alone.
    x = np.concatenate([x, x[-1:]])
    for t in range(1, T + 1):
        # (1) f_t = W_fx x_t ⊙ W_fh h_{t-1}
        f[t] = (x[t - 1] @ W_fx.T) * (h[t - 1] @ W_fh.T)
        # (2) a_t = W_hf f_t + W_hx x_t + b
        a[t] = f[t] @ W_hf.T + x[t - 1] @ W_hx.T + b
        # (3) h_t = tanh(a_t)
        h[t] = np.tanh(a[t])
        # (4) z_t = W_y h_t + b_y
        z[t] = h[t] @ W_y.T + b_y
        # (5) ŷ_t = softmax(z_t)
        y_hat[t] = softmax(z[t])
        # (6) E_t = -y_tᵀ log(ŷ_t)
        E -= np.sum(y[t - 1] * log_softmax(z[t]))
    return E, {"f": f, "h": h, "y_hat": y_hat}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_fx = params["W_fx"]
    W_fh = params["W_fh"]
    W_hf = params["W_hf"]
    W_hx = params["W_hx"]
    W_y = params["W_y"]
    x = data["x"]
    y = data["y"]
    f = tape["f"]
    h = tape["h"]
    y_hat = tape["y_hat"]
    T, B = data["x"].shape[:2]
    q = params["W_y"].shape[0]
    n = params["W_fh"].shape[1]
    n_2 = params["W_fx"].shape[0]
    m = params["W_fx"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    delta_z = np.empty((T + 1, B, q), dtype)
    delta_h = np.empty((T + 1, B, n), dtype)
    delta_a = np.empty((T + 1, B, n), dtype)
    delta_f = np.zeros((T + 2, B, n_2), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    d_W_fx = np.zeros(params["W_fx"].shape, dtype)
    d_W_fh = np.zeros(params["W_fh"].shape, dtype)
    d_W_hf = np.zeros(params["W_hf"].shape, dtype)
    d_W_hx = np.zeros(params["W_hx"].shape, dtype)
    d_b = np.zeros(params["b"].shape, dtype)
    d_W_y = np.zeros(params["W_y"].shape, dtype)
    d_b_y = np.zeros(params["b_y"].shape, dtype)
    # What lies beyond the steps is multiplied by zero alone.
    x = np.concatenate([x, x[-1:]])
    for t in range(T, 0, -1):
        # (44) δ_t^z = ŷ_t - y_t
        delta_z[t] = y_hat[t] - y[t - 1]
        # (45) δ_t^h = W_yᵀ δ_t^z + W_fhᵀ (W_fx x_{t+1} ⊙ δ_{t+1}^f)
        delta_h[t] = delta_z[t] @ W_y + ((x[t] @ W_fx.T) * delta_f[t + 1]) @ W_fh
        # (46) δ_t^a = (1 - h_t²) ⊙ δ_t^h
        delta_a[t] = (1 - h[t] ** 2) * delta_h[t]
        # (47) δ_t^f = W_hfᵀ δ_t^a
        delta_f[t] = delta_a[t] @ W_hf
        # (49) ∂E/∂W_fx = Σ_{t=1}^T (W_fh h_{t-1} ⊙ δ_t^f) x_tᵀ
        d_W_fx += ((h[t - 1] @ W_fh.T) * delta_f[t]).T @ x[t - 1]
        # (50) ∂E/∂W_fh = Σ_{t=1}^T (W_fx x_t ⊙ δ_t^f) h_{t-1}ᵀ
        d_W_fh += ((x[t - 1] @ W_fx.T) * delta_f[t]).T @ h[t - 1]
        # (51) ∂E/∂W_hf = Σ_{t=1}^T δ_t^a f_tᵀ
        d_W_hf += delta_a[t].T @ f[t]
        # (52) ∂E/∂W_hx = Σ_{t=1}^T δ_t^a x_tᵀ
        d_W_hx += delta_a[t].T @ x[t - 1]
        # (53) ∂E/∂b = Σ_{t=1}^T δ_t^a
        d_b += np.sum(delta_a[t], axis=0)
        # (54) ∂E/∂W_y = Σ_{t=1}^T δ_t^z h_tᵀ
        d_W_y += delta_z[t].T @ h[t]
        # (55) ∂E/∂b_y = Σ_{t=1}^T δ_t^z
        d_b_y += np.sum(delta_z[t], axis=0)
        # (56) (∂E/∂x_t)ᵀ = W_fxᵀ (W_fh h_{t-1} ⊙ δ_t^f) + W_hxᵀ δ_t^a
        d_x[t] = ((h[t - 1] @ W_fh.T) * delta_f[t]) @ W_fx + delta_a[t] @ W_hx
    # (57) (∂E/∂h_0)ᵀ = W_fhᵀ (W_fx x_1 ⊙ δ_1^f)
    d_h_0 = ((x[0] @ W_fx.T) * delta_f[1]) @ W_fh
    return {
        "W_fx": d_W_fx,
        "W_fh": d_W_fh,
        "W_hf": d_W_hf,
        "W_hx": d_W_hx,
        "b": d_b,
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
