"""Recurrent network with an unspecified loss.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of rnn-hh (style fast, sigma = sigmoid); do not edit. Numbers in comments are
those of the derivation.

A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are
time-major, batch second. Index t is step t, except in the data, which counts from 0.

The loss is unspecified: its gradient by the prediction is part of the data. The value is
the inner product with it, which is the function that has these gradients.
"""

import numpy as np

Arrays = dict[str, np.ndarray]

PARAMS = {
    "W_hh": ("n", "n"),
    "W_hx": ("n", "m"),
    "W_s": ("q", "n"),
}
DATA = {
    "x": ("T", "B", "m"),
    "h_0": ("B", "n"),
    "dE_dy_hat": ("T", "B", "q"),
}
CONSTRAINTS = {}


def value_and_grad(params: Arrays, data: Arrays) -> tuple[float, Arrays]:
    """Return the inner product with dE_dy_hat and its gradients, by name.

    `params` and `data` hold the arrays of PARAMS and DATA; a ValueError names what is wrong.
    The value is summed over steps and batch; a gradient has its array's shape.
    """
    E, tape = forward(params, data)
    return E, backward(params, data, tape)


def forward(params: Arrays, data: Arrays) -> tuple[float, Arrays]:
    """Check the arrays; return the inner product with dE_dy_hat, and what `backward` needs."""
    _validate(params, data)
    E, tape = _forward(params, data)
    return float(E), tape


def _forward(params: Arrays, data: Arrays) -> tuple[np.floating, Arrays]:
    W_hh = params["W_hh"]
    W_hx = params["W_hx"]
    W_s = params["W_s"]
    x = data["x"]
    h_0 = data["h_0"]
    dE_dy_hat = data["dE_dy_hat"]
    T, B = data["x"].shape[:2]
    n = params["W_hh"].shape[0]
    q = params["W_s"].shape[0]
    dtype = np.result_type(*params.values(), *data.values())
    a = np.empty((T + 1, B, n), dtype)
    h = np.empty((T + 1, B, n), dtype)
    h[0] = h_0
    z = np.empty((T + 1, B, q), dtype)
    y_hat = np.empty((T + 1, B, q), dtype)
    # (1) a_t = W^hh h_{t-1} + W^hx x_t
    put_times(a[1:], x, W_hx.T)
    W_hh_T = np.ascontiguousarray(W_hh.T)
    buffer = np.empty((B, n), dtype)
    for t in range(1, T + 1):
        # (1) a_t = W^hh h_{t-1} + W^hx x_t
        np.matmul(h[t - 1], W_hh_T, out=buffer)
        a[t] += buffer
        # (2) h_t = σ(a_t)
        logistic(a[t], h[t])
    # (3) z_t = W^s h_t
    put_times(z[1:], h[1:], W_s.T)
    # (4) ŷ_t = softmax(z_t)
    y_hat[1:] = softmax(z[1:])
    # (5) E = Σ_{t=1}^T E_t
    E = np.sum(dE_dy_hat * y_hat[1:])
    return E, {"h": h, "y_hat": y_hat}


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_hh = params["W_hh"]
    W_hx = params["W_hx"]
    W_s = params["W_s"]
    x = data["x"]
    dE_dy_hat = data["dE_dy_hat"]
    h = tape["h"]
    y_hat = tape["y_hat"]
    T, B = data["x"].shape[:2]
    q = params["W_s"].shape[0]
    n = params["W_hh"].shape[0]
    m = params["W_hx"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    delta_y_hat = np.empty((T + 1, B, q), dtype)
    delta_z = np.empty((T + 1, B, q), dtype)
    delta_h = np.empty((T + 1, B, n), dtype)
    delta_a = np.zeros((T + 2, B, n), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    # (28) δ_t^ŷ = (∂E_t/∂ŷ_t)ᵀ
    delta_y_hat[1:] = dE_dy_hat
    # (29) δ_t^z = (diag(ŷ_t) - ŷ_t ŷ_tᵀ) δ_t^ŷ
    delta_z[1:] = y_hat[1:] * delta_y_hat[1:]
    delta_z[1:] -= y_hat[1:] * np.sum(y_hat[1:] * delta_y_hat[1:], axis=-1, keepdims=True)
    # (30) δ_t^h = (W^s)ᵀ δ_t^z + (W^hh)ᵀ δ_{t+1}^a
    put_times(delta_h[1:], delta_z[1:], W_s)
    buffer = np.empty((B, n), dtype)
    for t in range(T, 0, -1):
        # (30) δ_t^h = (W^s)ᵀ δ_t^z + (W^hh)ᵀ δ_{t+1}^a
        np.matmul(delta_a[t + 1], W_hh, out=buffer)
        delta_h[t] += buffer
        # (31) δ_t^a = h_t ⊙ (1 - h_t) ⊙ δ_t^h
        np.subtract(1, h[t], out=delta_a[t])
        delta_a[t] *= h[t]
        delta_a[t] *= delta_h[t]
    # (33) ∂E/∂W^hh = Σ_{t=1}^T δ_t^a h_{t-1}ᵀ
    d_W_hh = outer(delta_a[1:-1], h[:-1])
    # (34) ∂E/∂W^hx = Σ_{t=1}^T δ_t^a x_tᵀ
    d_W_hx = outer(delta_a[1:-1], x)
    # (35) ∂E/∂W^s = Σ_{t=1}^T δ_t^z h_tᵀ
    d_W_s = outer(delta_z[1:], h[1:])
    # (36) (∂E/∂x_t)ᵀ = (W^hx)ᵀ δ_t^a
    put_times(d_x[1:], delta_a[1:-1], W_hx)
    # (37) (∂E/∂h_0)ᵀ = (W^hh)ᵀ δ_1^a
    d_h_0 = delta_a[1] @ W_hh
    return {
        "W_hh": d_W_hh,
        "W_hx": d_W_hx,
        "W_s": d_W_s,
        "x": d_x[1:],
        "h_0": d_h_0,
    }


def put_times(out: np.ndarray, values: np.ndarray, matrix: np.ndarray) -> None:
    """Write the product of the rows of all steps and a matrix to an array in memory order."""
    rows = values.reshape(-1, values.shape[-1])
    np.matmul(rows, matrix, out=out.reshape(-1, out.shape[-1]))


def outer(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Sum the outer products of the rows of all steps, in one product."""
    return left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])


def softmax(z: np.ndarray) -> np.ndarray:
    """Return exp(z) over its row sums; the largest entry is taken off first."""
    shifted = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


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
