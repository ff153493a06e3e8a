"""Fast weights.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of fast-weights (style fast); do not edit. Numbers in comments are those of the
derivation.

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
    n = params["W_v"].shape[0]
    n_2 = params["W_k"].shape[0]
    o = params["W_y"].shape[0]
    dtype = np.result_type(*params.values(), *data.values())
    W_kvq = np.concatenate([W_k, W_v, W_q])
    S = np.empty((T + 1, B, n, n_2), dtype)
    S[0] = S_0
    y_hat = np.empty((T + 1, B, o), dtype)
    kvq = np.empty((T + 1, B, 2 * n_2 + n), dtype)
    k = kvq[..., :n_2]
    v = kvq[..., n_2 : n_2 + n]
    q = kvq[..., n_2 + n :]
    # (1) k_t = W_k x_t; so (2) and (3)
    put_times(kvq[1:], x, W_kvq.T)
    # (4) S_t = λ S_{t-1} + v_t k_tᵀ
    S[1:] = outer_each(v[1:], k[1:])
    buffer = np.empty((B, n, n_2), dtype)
    for t in range(1, T + 1):
        # (4) S_t = λ S_{t-1} + v_t k_tᵀ
        np.multiply(lambda_, S[t - 1], out=buffer)
        S[t] += buffer
    # (5) ŷ_t = W_y S_t q_t + b_y
    y_hat[1:] = times(times_each(S[1:], q[1:]), W_y.T) + b_y
    # (6) E_t = 1/2 ‖y_t - ŷ_t‖²
    E = 0.5 * np.sum((y - y_hat[1:]) ** 2)
    return E, {"S": S, "y_hat": y_hat, "kvq": kvq}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_k = params["W_k"]
    W_v = params["W_v"]
    W_q = params["W_q"]
    lambda_ = params["lambda_"]
    W_y = params["W_y"]
    x = data["x"]
    y = data["y"]
    S = tape["S"]
    y_hat = tape["y_hat"]
    kvq = tape["kvq"]
    T, B = data["x"].shape[:2]
    o = params["W_y"].shape[0]
    n = params["W_v"].shape[0]
    n_2 = params["W_k"].shape[0]
    m = params["W_k"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    W_kvq = np.concatenate([W_k, W_v, W_q])
    k = kvq[..., :n_2]
    v = kvq[..., n_2 : n_2 + n]
    q = kvq[..., n_2 + n :]
    delta_y_hat = np.empty((T + 1, B, o), dtype)
    delta_S = np.zeros((T + 2, B, n, n_2), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    delta_kvq = np.empty((T + 1, B, 2 * n_2 + n), dtype)
    delta_k = delta_kvq[..., :n_2]
    delta_v = delta_kvq[..., n_2 : n_2 + n]
    delta_q = delta_kvq[..., n_2 + n :]
    # (42) δ_t^ŷ = ŷ_t - y_t
    np.subtract(y_hat[1:], y, out=delta_y_hat[1:])
    # (43) δ_t^S = W_yᵀ δ_t^ŷ q_tᵀ + λ δ_{t+1}^S
    delta_S[1:-1] = outer_each(times(delta_y_hat[1:], W_y), q[1:])
    buffer = np.empty((B, n, n_2), dtype)
    for t in range(T, 0, -1):
        # (43) δ_t^S = W_yᵀ δ_t^ŷ q_tᵀ + λ δ_{t+1}^S
        np.multiply(lambda_, delta_S[t + 1], out=buffer)
        delta_S[t] += buffer
    # (44) δ_t^q = S_tᵀ W_yᵀ δ_t^ŷ
    delta_q[1:] = times_each(np.swapaxes(S[1:], -1, -2), times(delta_y_hat[1:], W_y))
    # (45) δ_t^v = δ_t^S k_t
    delta_v[1:] = times_each(delta_S[1:-1], k[1:])
    # (46) δ_t^k = (δ_t^S)ᵀ v_t
    delta_k[1:] = times_each(np.swapaxes(delta_S[1:-1], -1, -2), v[1:])
    # (48) ∂E/∂W_k = Σ_{t=1}^T δ_t^k x_tᵀ; so (49) and (50)
    d_W_kvq = outer(delta_kvq[1:], x)
    # (51) ∂E/∂λ = Σ_{t=1}^T 𝟏ᵀ (S_{t-1} ⊙ δ_t^S) 𝟏
    d_lambda_ = np.sum(S[:-1] * delta_S[1:-1]).reshape(1)
    # (52) ∂E/∂W_y = Σ_{t=1}^T δ_t^ŷ q_tᵀ S_tᵀ
    d_W_y = outer(delta_y_hat[1:], times_each(S[1:], q[1:]))
    # (53) ∂E/∂b_y = Σ_{t=1}^T δ_t^ŷ
    d_b_y = np.sum(delta_y_hat[1:], axis=(0, 1))
    # (54) (∂E/∂x_t)ᵀ = W_kᵀ δ_t^k + W_vᵀ δ_t^v + W_qᵀ δ_t^q
    put_times(d_x[1:], delta_kvq[1:], W_kvq)
    # (55) ∂E/∂S_0 = λ δ_1^S
    d_S_0 = lambda_ * delta_S[1]
    return {
        "W_k": d_W_kvq[:n_2],
        "W_v": d_W_kvq[n_2 : n_2 + n],
        "W_q": d_W_kvq[n_2 + n :],
        "lambda_": d_lambda_,
        "W_y": d_W_y,
        "b_y": d_b_y,
        "x": d_x[1:],
        "S_0": d_S_0,
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
