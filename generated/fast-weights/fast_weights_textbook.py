"""Fast weights.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of fast-weights (style textbook); do not edit. Numbers in comments are those of
the derivation.

A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are
time-major, batch second. Index t is step t, except in the data, which counts from 0.
"""

import numpy as np

Arrays = dict[str, np.ndarray]

PARAMS = {
    "W_k": ("n_2", "m"),
    "W_v": ("n", "m"),
    "W_q": ("n_2", "m"),
    "lambda_": ("1",),
    "W_y": ("o", "n"),
    "b_y": ("o",),
}
DATA = {
    "x": ("T", "B", "m"),
    "y": ("T", "B", "o"),
    "S_0": ("B", "n", "n_2"),
}
CONSTRAINTS = {}


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
    W_k = params["W_k"]
    W_v = params["W_v"]
    W_q = params["W_q"]
    lambda_ = params["lambda_"]
    W_y = params["W_y"]
    b_y = params["b_y"]
    x = data["x"]
    y = data["y"]
    S_0 = data["S_0"]
    T, B = data["x"].shape[:2]
    n_2 = params["W_k"].shape[0]
    n = params["W_v"].shape[0]
    o = params["W_y"].shape[0]
    dtype = np.result_type(*params.values(), *data.values())
    k = np.empty((T + 1, B, n_2), dtype)
    v = np.empty((T + 1, B, n), dtype)
    q = np.empty((T + 1, B, n_2), dtype)
    S = np.empty((T + 1, B, n, n_2), dtype)
    S[0] = S_0
    y_hat = np.empty((T + 1, B, o), dtype)
    E = 0.0
    for t in range(1, T + 1):
        # (1) k_t = W_k x_t
        k[t] = x[t - 1] @ W_k.T
        # (2) v_t = W_v x_t
        v[t] = x[t - 1] @ W_v.T
        # (3) q_t = W_q x_t
        q[t] = x[t - 1] @ W_q.T
        # (4) S_t = λ S_{t-1} + v_t k_tᵀ
        S[t] = lambda_ * S[t - 1] + outer_each(v[t], k[t])
        # (5) ŷ_t = W_y S_t q_t + b_y
        y_hat[t] = times_each(S[t], q[t]) @ W_y.T + b_y
        # (6) E_t = 1/2 ‖y_t - ŷ_t‖²
        E += 0.5 * np.sum((y[t - 1] - y_hat[t]) ** 2)
    return E, {"k": k, "v": v, "q": q, "S": S, "y_hat": y_hat}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_k = params["W_k"]
    W_v = params["W_v"]
    W_q = params["W_q"]
    lambda_ = params["lambda_"]
    W_y = params["W_y"]
    x = data["x"]
    y = data["y"]
    k = tape["k"]
    v = tape["v"]
    q = tape["q"]
    S = tape["S"]
    y_hat = tape["y_hat"]
    T, B = data["x"].shape[:2]
    o = params["W_y"].shape[0]
    n = params["W_v"].shape[0]
    n_2 = params["W_k"].shape[0]
    m = params["W_k"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    delta_y_hat = np.empty((T + 1, B, o), dtype)
    delta_S = np.zeros((T + 2, B, n, n_2), dtype)
    delta_q = np.empty((T + 1, B, n_2), dtype)
    delta_v = np.empty((T + 1, B, n), dtype)
    delta_k = np.empty((T + 1, B, n_2), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    d_W_k = np.zeros(params["W_k"].shape, dtype)
    d_W_v = np.zeros(params["W_v"].shape, dtype)
    d_W_q = np.zeros(params["W_q"].shape, dtype)
    d_lambda_ = np.zeros(params["lambda_"].shape, dtype)
    d_W_y = np.zeros(params["W_y"].shape, dtype)
    d_b_y = np.zeros(params["b_y"].shape, dtype)
    for t in range(T, 0, -1):
        # (42) δ_t^ŷ = ŷ_t - y_t
        delta_y_hat[t] = y_hat[t] - y[t - 1]
        # (43) δ_t^S = W_yᵀ δ_t^ŷ q_tᵀ + λ δ_{t+1}^S
        delta_S[t] = outer_each(delta_y_hat[t] @ W_y, q[t]) + lambda_ * delta_S[t + 1]
        # (44) δ_t^q = S_tᵀ W_yᵀ δ_t^ŷ
        delta_q[t] = times_each(np.swapaxes(S[t], -1, -2), delta_y_hat[t] @ W_y)
        # (45) δ_t^v = δ_t^S k_t
        delta_v[t] = times_each(delta_S[t], k[t])
        # (46) δ_t^k = (δ_t^S)ᵀ v_t
        delta_k[t] = times_each(np.swapaxes(delta_S[t], -1, -2), v[t])
        # (48) ∂E/∂W_k = Σ_{t=1}^T δ_t^k x_tᵀ
        d_W_k += delta_k[t].T @ x[t - 1]
        # (49) ∂E/∂W_v = Σ_{t=1}^T δ_t^v x_tᵀ
        d_W_v += delta_v[t].T @ x[t - 1]
        # (50) ∂E/∂W_q = Σ_{t=1}^T δ_t^q x_tᵀ
        d_W_q += delta_q[t].T @ x[t - 1]
        # (51) ∂E/∂λ = Σ_{t=1}^T 𝟏ᵀ (S_{t-1} ⊙ δ_t^S) 𝟏
        d_lambda_ += np.sum(S[t - 1] * delta_S[t])
        # (52) ∂E/∂W_y = Σ_{t=1}^T δ_t^ŷ q_tᵀ S_tᵀ
        d_W_y += delta_y_hat[t].T @ times_each(S[t], q[t])
        # (53) ∂E/∂b_y = Σ_{t=1}^T δ_t^ŷ
        d_b_y += np.sum(delta_y_hat[t], axis=0)
        # (54) (∂E/∂x_t)ᵀ = W_kᵀ δ_t^k + W_vᵀ δ_t^v + W_qᵀ δ_t^q
        d_x[t] = delta_k[t] @ W_k + delta_v[t] @ W_v + delta_q[t] @ W_q
    # (55) ∂E/∂S_0 = λ δ_1^S
    d_S_0 = lambda_ * delta_S[1]
    return {
        "W_k": d_W_k,
        "W_v": d_W_v,
        "W_q": d_W_q,
        "lambda_": d_lambda_,
        "W_y": d_W_y,
        "b_y": d_b_y,
        "x": d_x[1:],
        "S_0": d_S_0,
    }


def times_each(matrices: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Multiply each row by the matrix that belongs to it."""
    return (matrices @ rows[..., None])[..., 0]


def outer_each(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the outer product of each row with the same row of the other."""
    return left[..., :, None] * right[..., None, :]


def _validate(params: Arrays, data: Arrays) -> None:
    """Raise a ValueError that names the array, what came and what was expected."""
    sizes: dict[str, int] = {}
    for kind, arrays, expected in (("params", params, PARAMS), ("data", data, DATA)):
        if set(arrays) != set(expected):
            raise ValueError(f"{kind} has {sorted(arrays)}; {sorted(expected)} were expected")
        for name, axes in expected.items():
            _validate_array(f"{kind}[{name!r}]", arrays[name], axes, sizes)


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
