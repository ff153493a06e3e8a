"""Stacked long short-term memory of two layers.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of stacked-lstm (style fast, sigma = sigmoid); do not edit. Numbers in comments
are those of the derivation.

A column vector of the mathematics is a row here: W h_t is h[t] @ W.T. Arrays are
time-major, batch second. Index t is step t, except in the data, which counts from 0.
"""

import numpy as np

Arrays = dict[str, np.ndarray]

PARAMS = {
    "W_i1": ("n", "m"),
    "U_i1": ("n", "n"),
    "b_i1": ("n",),
    "W_f1": ("n", "m"),
    "U_f1": ("n", "n"),
    "b_f1": ("n",),
    "W_o1": ("n", "m"),
    "U_o1": ("n", "n"),
    "b_o1": ("n",),
    "W_g1": ("n", "m"),
    "U_g1": ("n", "n"),
    "b_g1": ("n",),
    "W_i2": ("n_2", "n"),
    "U_i2": ("n_2", "n_2"),
    "b_i2": ("n_2",),
    "W_f2": ("n_2", "n"),
    "U_f2": ("n_2", "n_2"),
    "b_f2": ("n_2",),
    "W_o2": ("n_2", "n"),
    "U_o2": ("n_2", "n_2"),
    "b_o2": ("n_2",),
    "W_g2": ("n_2", "n"),
    "U_g2": ("n_2", "n_2"),
    "b_g2": ("n_2",),
    "W_y": ("q", "n_2"),
    "b_y": ("q",),
}
DATA = {
    "x": ("T", "B", "m"),
    "y": ("T", "B", "q"),
    "h_1_0": ("B", "n"),
    "c_1_0": ("B", "n"),
    "h_2_0": ("B", "n_2"),
    "c_2_0": ("B", "n_2"),
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
    W_i1 = params["W_i1"]
    U_i1 = params["U_i1"]
    b_i1 = params["b_i1"]
    W_f1 = params["W_f1"]
    U_f1 = params["U_f1"]
    b_f1 = params["b_f1"]
    W_o1 = params["W_o1"]
    U_o1 = params["U_o1"]
    b_o1 = params["b_o1"]
    W_g1 = params["W_g1"]
    U_g1 = params["U_g1"]
    b_g1 = params["b_g1"]
    W_i2 = params["W_i2"]
    U_i2 = params["U_i2"]
    b_i2 = params["b_i2"]
    W_f2 = params["W_f2"]
    U_f2 = params["U_f2"]
    b_f2 = params["b_f2"]
    W_o2 = params["W_o2"]
    U_o2 = params["U_o2"]
    b_o2 = params["b_o2"]
    W_g2 = params["W_g2"]
    U_g2 = params["U_g2"]
    b_g2 = params["b_g2"]
    W_y = params["W_y"]
    b_y = params["b_y"]
    x = data["x"]
    y = data["y"]
    h_1_0 = data["h_1_0"]
    c_1_0 = data["c_1_0"]
    h_2_0 = data["h_2_0"]
    c_2_0 = data["c_2_0"]
    T, B = data["x"].shape[:2]
    n = params["W_i1"].shape[0]
    n_2 = params["W_i2"].shape[0]
    q = params["W_y"].shape[0]
    dtype = np.result_type(*params.values(), *data.values())
    W_i1_f1_o1_g1 = np.concatenate([W_i1, W_f1, W_o1, W_g1])
    U_i1_f1_o1_g1 = np.concatenate([U_i1, U_f1, U_o1, U_g1])
    b_i1_f1_o1_g1 = np.concatenate([b_i1, b_f1, b_o1, b_g1])
    W_i2_f2_o2_g2 = np.concatenate([W_i2, W_f2, W_o2, W_g2])
    U_i2_f2_o2_g2 = np.concatenate([U_i2, U_f2, U_o2, U_g2])
    b_i2_f2_o2_g2 = np.concatenate([b_i2, b_f2, b_o2, b_g2])
    g_1 = np.empty((T + 1, B, n), dtype)
    c_1 = np.empty((T + 1, B, n), dtype)
    c_1[0] = c_1_0
    h_1 = np.empty((T + 1, B, n), dtype)
    h_1[0] = h_1_0
    g_2 = np.empty((T + 1, B, n_2), dtype)
    c_2 = np.empty((T + 1, B, n_2), dtype)
    c_2[0] = c_2_0
    h_2 = np.empty((T + 1, B, n_2), dtype)
    h_2[0] = h_2_0
    z = np.empty((T + 1, B, q), dtype)
    y_hat = np.empty((T + 1, B, q), dtype)
    lse_z = np.empty((T + 1, B, 1), dtype)
    tanh_c_1 = np.empty((T + 1, B, n), dtype)
    tanh_c_2 = np.empty((T + 1, B, n_2), dtype)
    a_ifog_1 = np.empty((T + 1, B, 4 * n), dtype)
    ifo_1 = np.empty((T + 2, B, 3 * n), dtype)
    a_ifog_2 = np.empty((T + 1, B, 4 * n_2), dtype)
    ifo_2 = np.empty((T + 2, B, 3 * n_2), dtype)
    a_g_1 = a_ifog_1[..., 3 * n :]
    i_1 = ifo_1[..., :n]
    f_1 = ifo_1[..., n : 2 * n]
    o_1 = ifo_1[..., 2 * n :]
    a_ifo_1 = a_ifog_1[..., : 3 * n]
    a_g_2 = a_ifog_2[..., 3 * n_2 :]
    i_2 = ifo_2[..., :n_2]
    f_2 = ifo_2[..., n_2 : 2 * n_2]
    o_2 = ifo_2[..., 2 * n_2 :]
    a_ifo_2 = a_ifog_2[..., : 3 * n_2]
    # (1) a_t^{i,(1)} = W_i1 x_t + U_i1 h_{t-1}^{(1)} + b_i1; so (3), (5) and (7)
    put_times(a_ifog_1[1:], x, W_i1_f1_o1_g1.T)
    a_ifog_1[1:] += b_i1_f1_o1_g1
    U_i1_f1_o1_g1_T = np.ascontiguousarray(U_i1_f1_o1_g1.T)
    buffer = np.empty((B, 4 * n), dtype)
    buffer_2 = np.empty((B, n), dtype)
    for t in range(1, T + 1):
        # (1) a_t^{i,(1)} = W_i1 x_t + U_i1 h_{t-1}^{(1)} + b_i1; so (3), (5) and (7)
        np.matmul(h_1[t - 1], U_i1_f1_o1_g1_T, out=buffer)
        a_ifog_1[t] += buffer
        # (2) i_t^{(1)} = σ(a_t^{i,(1)}); so (4) and (6)
        logistic(a_ifo_1[t], ifo_1[t])
        # (8) g_t^{(1)} = tanh(a_t^{g,(1)})
        np.tanh(a_g_1[t], out=g_1[t])
        # (9) c_t^{(1)} = f_t^{(1)} ⊙ c_{t-1}^{(1)} + i_t^{(1)} ⊙ g_t^{(1)}
        np.multiply(f_1[t], c_1[t - 1], out=c_1[t])
        np.multiply(i_1[t], g_1[t], out=buffer_2)
        c_1[t] += buffer_2
        # (10) h_t^{(1)} = o_t^{(1)} ⊙ tanh(c_t^{(1)})
        np.tanh(c_1[t], out=tanh_c_1[t])
        np.multiply(o_1[t], tanh_c_1[t], out=h_1[t])
    # (11) a_t^{i,(2)} = W_i2 h_t^{(1)} + U_i2 h_{t-1}^{(2)} + b_i2; so (13), (15) and (17)
    put_times(a_ifog_2[1:], h_1[1:], W_i2_f2_o2_g2.T)
    a_ifog_2[1:] += b_i2_f2_o2_g2
    U_i2_f2_o2_g2_T = np.ascontiguousarray(U_i2_f2_o2_g2.T)
    buffer = np.empty((B, 4 * n_2), dtype)
    buffer_2 = np.empty((B, n_2), dtype)
    for t in range(1, T + 1):
        # (11) a_t^{i,(2)} = W_i2 h_t^{(1)} + U_i2 h_{t-1}^{(2)} + b_i2; so (13), (15) and (17)
        np.matmul(h_2[t - 1], U_i2_f2_o2_g2_T, out=buffer)
        a_ifog_2[t] += buffer
        # (12) i_t^{(2)} = σ(a_t^{i,(2)}); so (14) and (16)
        logistic(a_ifo_2[t], ifo_2[t])
        # (18) g_t^{(2)} = tanh(a_t^{g,(2)})
        np.tanh(a_g_2[t], out=g_2[t])
        # (19) c_t^{(2)} = f_t^{(2)} ⊙ c_{t-1}^{(2)} + i_t^{(2)} ⊙ g_t^{(2)}
        np.multiply(f_2[t], c_2[t - 1], out=c_2[t])
        np.multiply(i_2[t], g_2[t], out=buffer_2)
        c_2[t] += buffer_2
        # (20) h_t^{(2)} = o_t^{(2)} ⊙ tanh(c_t^{(2)})
        np.tanh(c_2[t], out=tanh_c_2[t])
        np.multiply(o_2[t], tanh_c_2[t], out=h_2[t])
    # (21) z_t = W_y h_t^{(2)} + b_y
    put_times(z[1:], h_2[1:], W_y.T)
    z[1:] += b_y
    # (22) ŷ_t = softmax(z_t)
    lse_z[1:] = log_sum_exp(z[1:])
    np.subtract(z[1:], lse_z[1:], out=y_hat[1:])
    np.exp(y_hat[1:], out=y_hat[1:])
    # (23) E_t = -y_tᵀ log(ŷ_t)
    E = -np.sum(y * (z[1:] - lse_z[1:]))
    # What lies beyond the steps is multiplied by zero alone.
    ifo_1[T + 1] = ifo_1[T]
    ifo_2[T + 1] = ifo_2[T]
    return E, {
        "g_1": g_1,
        "c_1": c_1,
        "h_1": h_1,
        "g_2": g_2,
        "c_2": c_2,
        "h_2": h_2,
        "y_hat": y_hat,
        "tanh_c_1": tanh_c_1,
        "tanh_c_2": tanh_c_2,
        "ifo_1": ifo_1,
        "ifo_2": ifo_2,
    }


def backward(params: Arrays, data: Arrays, tape: Arrays) -> Arrays:
    """Return the gradients by every parameter, every input and every given state."""
    W_i1 = params["W_i1"]
    U_i1 = params["U_i1"]
    W_f1 = params["W_f1"]
    U_f1 = params["U_f1"]
    W_o1 = params["W_o1"]
    U_o1 = params["U_o1"]
    W_g1 = params["W_g1"]
    U_g1 = params["U_g1"]
    W_i2 = params["W_i2"]
    U_i2 = params["U_i2"]
    W_f2 = params["W_f2"]
    U_f2 = params["U_f2"]
    W_o2 = params["W_o2"]
    U_o2 = params["U_o2"]
    W_g2 = params["W_g2"]
    U_g2 = params["U_g2"]
    W_y = params["W_y"]
    x = data["x"]
    y = data["y"]
    g_1 = tape["g_1"]
    c_1 = tape["c_1"]
    h_1 = tape["h_1"]
    g_2 = tape["g_2"]
    c_2 = tape["c_2"]
    h_2 = tape["h_2"]
    y_hat = tape["y_hat"]
    tanh_c_1 = tape["tanh_c_1"]
    tanh_c_2 = tape["tanh_c_2"]
    ifo_1 = tape["ifo_1"]
    ifo_2 = tape["ifo_2"]
    T, B = data["x"].shape[:2]
    q = params["W_y"].shape[0]
    n_2 = params["W_i2"].shape[0]
    n = params["W_i1"].shape[0]
    m = params["W_i1"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    W_i1_f1_o1_g1 = np.concatenate([W_i1, W_f1, W_o1, W_g1])
    U_i1_f1_o1_g1 = np.concatenate([U_i1, U_f1, U_o1, U_g1])
    W_i2_f2_o2_g2 = np.concatenate([W_i2, W_f2, W_o2, W_g2])
    U_i2_f2_o2_g2 = np.concatenate([U_i2, U_f2, U_o2, U_g2])
    i_1 = ifo_1[..., :n]
    f_1 = ifo_1[..., n : 2 * n]
    o_1 = ifo_1[..., 2 * n :]
    i_2 = ifo_2[..., :n_2]
    f_2 = ifo_2[..., n_2 : 2 * n_2]
    o_2 = ifo_2[..., 2 * n_2 :]
    delta_z = np.empty((T + 1, B, q), dtype)
    delta_h_2 = np.empty((T + 1, B, n_2), dtype)
    delta_c_2 = np.zeros((T + 2, B, n_2), dtype)
    delta_g_2 = np.empty((T + 1, B, n_2), dtype)
    delta_h_1 = np.empty((T + 1, B, n), dtype)
    delta_c_1 = np.zeros((T + 2, B, n), dtype)
    delta_g_1 = np.empty((T + 1, B, n), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    delta_a_ifog_2 = np.zeros((T + 2, B, 4 * n_2), dtype)
    delta_ifo_2 = np.empty((T + 1, B, 3 * n_2), dtype)
    delta_a_ifog_1 = np.zeros((T + 2, B, 4 * n), dtype)
    delta_ifo_1 = np.empty((T + 1, B, 3 * n), dtype)
    delta_a_g_2 = delta_a_ifog_2[..., 3 * n_2 :]
    delta_a_ifo_2 = delta_a_ifog_2[..., : 3 * n_2]
    delta_i_2 = delta_ifo_2[..., :n_2]
    delta_f_2 = delta_ifo_2[..., n_2 : 2 * n_2]
    delta_o_2 = delta_ifo_2[..., 2 * n_2 :]
    delta_a_g_1 = delta_a_ifog_1[..., 3 * n :]
    delta_a_ifo_1 = delta_a_ifog_1[..., : 3 * n]
    delta_i_1 = delta_ifo_1[..., :n]
    delta_f_1 = delta_ifo_1[..., n : 2 * n]
    delta_o_1 = delta_ifo_1[..., 2 * n :]
    # (212) δ_t^z = ŷ_t - y_t
    np.subtract(y_hat[1:], y, out=delta_z[1:])
    # (213) δ_t^{h,(2)} = W_yᵀ δ_t^z + U_i2ᵀ δ_{t+1}^{a,i,(2)} + U_f2ᵀ δ_{t+1}^{a,f,(2)} + U_o2ᵀ
    #     δ_{t+1}^{a,o,(2)} + U_g2ᵀ δ_{t+1}^{a,g,(2)}
    put_times(delta_h_2[1:], delta_z[1:], W_y)
    buffer = np.empty((B, n_2), dtype)
    for t in range(T, 0, -1):
        # (213) δ_t^{h,(2)} = W_yᵀ δ_t^z + U_i2ᵀ δ_{t+1}^{a,i,(2)} + U_f2ᵀ δ_{t+1}^{a,f,(2)} + U_o2ᵀ
        #     δ_{t+1}^{a,o,(2)} + U_g2ᵀ δ_{t+1}^{a,g,(2)}
        np.matmul(delta_a_ifog_2[t + 1], U_i2_f2_o2_g2, out=buffer)
        delta_h_2[t] += buffer
        # (214) δ_t^{c,(2)} = (1 - tanh(c_t^{(2)})²) ⊙ o_t^{(2)} ⊙ δ_t^{h,(2)} + f_{t+1}^{(2)} ⊙
        #     δ_{t+1}^{c,(2)}
        np.square(tanh_c_2[t], out=delta_c_2[t])
        np.subtract(1, delta_c_2[t], out=delta_c_2[t])
        delta_c_2[t] *= o_2[t]
        delta_c_2[t] *= delta_h_2[t]
        np.multiply(f_2[t + 1], delta_c_2[t + 1], out=buffer)
        delta_c_2[t] += buffer
        # (215) δ_t^{g,(2)} = i_t^{(2)} ⊙ δ_t^{c,(2)}
        np.multiply(i_2[t], delta_c_2[t], out=delta_g_2[t])
        # (216) δ_t^{a,g,(2)} = (1 - (g_t^{(2)})²) ⊙ δ_t^{g,(2)}
        np.square(g_2[t], out=delta_a_g_2[t])
        np.subtract(1, delta_a_g_2[t], out=delta_a_g_2[t])
        delta_a_g_2[t] *= delta_g_2[t]
        # (217) δ_t^{o,(2)} = tanh(c_t^{(2)}) ⊙ δ_t^{h,(2)}
        np.multiply(tanh_c_2[t], delta_h_2[t], out=delta_o_2[t])
        # (219) δ_t^{f,(2)} = c_{t-1}^{(2)} ⊙ δ_t^{c,(2)}
        np.multiply(c_2[t - 1], delta_c_2[t], out=delta_f_2[t])
        # (221) δ_t^{i,(2)} = g_t^{(2)} ⊙ δ_t^{c,(2)}
        np.multiply(g_2[t], delta_c_2[t], out=delta_i_2[t])
        # (222) δ_t^{a,i,(2)} = i_t^{(2)} ⊙ (1 - i_t^{(2)}) ⊙ δ_t^{i,(2)}; so (218) and (220)
        np.subtract(1, ifo_2[t], out=delta_a_ifo_2[t])
        delta_a_ifo_2[t] *= ifo_2[t]
        delta_a_ifo_2[t] *= delta_ifo_2[t]
    # (223) δ_t^{h,(1)} = W_i2ᵀ δ_t^{a,i,(2)} + W_f2ᵀ δ_t^{a,f,(2)} + W_o2ᵀ δ_t^{a,o,(2)} +
    #     W_g2ᵀ δ_t^{a,g,(2)} + U_i1ᵀ δ_{t+1}^{a,i,(1)} + U_f1ᵀ δ_{t+1}^{a,f,(1)} + U_o1ᵀ
    #     δ_{t+1}^{a,o,(1)} + U_g1ᵀ δ_{t+1}^{a,g,(1)}
    put_times(delta_h_1[1:], delta_a_ifog_2[1:-1], W_i2_f2_o2_g2)
    buffer = np.empty((B, n), dtype)
    for t in range(T, 0, -1):
        # (223) δ_t^{h,(1)} = W_i2ᵀ δ_t^{a,i,(2)} + W_f2ᵀ δ_t^{a,f,(2)} + W_o2ᵀ δ_t^{a,o,(2)} +
        #     W_g2ᵀ δ_t^{a,g,(2)} + U_i1ᵀ δ_{t+1}^{a,i,(1)} + U_f1ᵀ δ_{t+1}^{a,f,(1)} + U_o1ᵀ
        #     δ_{t+1}^{a,o,(1)} + U_g1ᵀ δ_{t+1}^{a,g,(1)}
        np.matmul(delta_a_ifog_1[t + 1], U_i1_f1_o1_g1, out=buffer)
        delta_h_1[t] += buffer
        # (224) δ_t^{c,(1)} = (1 - tanh(c_t^{(1)})²) ⊙ o_t^{(1)} ⊙ δ_t^{h,(1)} + f_{t+1}^{(1)} ⊙
        #     δ_{t+1}^{c,(1)}
        np.square(tanh_c_1[t], out=delta_c_1[t])
        np.subtract(1, delta_c_1[t], out=delta_c_1[t])
        delta_c_1[t] *= o_1[t]
        delta_c_1[t] *= delta_h_1[t]
        np.multiply(f_1[t + 1], delta_c_1[t + 1], out=buffer)
        delta_c_1[t] += buffer
        # (225) δ_t^{g,(1)} = i_t^{(1)} ⊙ δ_t^{c,(1)}
        np.multiply(i_1[t], delta_c_1[t], out=delta_g_1[t])
        # (226) δ_t^{a,g,(1)} = (1 - (g_t^{(1)})²) ⊙ δ_t^{g,(1)}
        np.square(g_1[t], out=delta_a_g_1[t])
        np.subtract(1, delta_a_g_1[t], out=delta_a_g_1[t])
        delta_a_g_1[t] *= delta_g_1[t]
        # (227) δ_t^{o,(1)} = tanh(c_t^{(1)}) ⊙ δ_t^{h,(1)}
        np.multiply(tanh_c_1[t], delta_h_1[t], out=delta_o_1[t])
        # (229) δ_t^{f,(1)} = c_{t-1}^{(1)} ⊙ δ_t^{c,(1)}
        np.multiply(c_1[t - 1], delta_c_1[t], out=delta_f_1[t])
        # (231) δ_t^{i,(1)} = g_t^{(1)} ⊙ δ_t^{c,(1)}
        np.multiply(g_1[t], delta_c_1[t], out=delta_i_1[t])
        # (232) δ_t^{a,i,(1)} = i_t^{(1)} ⊙ (1 - i_t^{(1)}) ⊙ δ_t^{i,(1)}; so (228) and (230)
        np.subtract(1, ifo_1[t], out=delta_a_ifo_1[t])
        delta_a_ifo_1[t] *= ifo_1[t]
        delta_a_ifo_1[t] *= delta_ifo_1[t]
    # (243) ∂E/∂W_i1 = Σ_{t=1}^T δ_t^{a,i,(1)} x_tᵀ; so (246), (249) and (252)
    d_W_i1_f1_o1_g1 = outer(delta_a_ifog_1[1:-1], x)
    # (244) ∂E/∂U_i1 = Σ_{t=1}^T δ_t^{a,i,(1)} (h_{t-1}^{(1)})ᵀ; so (247), (250) and (253)
    d_U_i1_f1_o1_g1 = outer(delta_a_ifog_1[1:-1], h_1[:-1])
    # (245) ∂E/∂b_i1 = Σ_{t=1}^T δ_t^{a,i,(1)}; so (248), (251) and (254)
    d_b_i1_f1_o1_g1 = np.sum(delta_a_ifog_1[1:-1], axis=(0, 1))
    # (255) ∂E/∂W_i2 = Σ_{t=1}^T δ_t^{a,i,(2)} (h_t^{(1)})ᵀ; so (258), (261) and (264)
    d_W_i2_f2_o2_g2 = outer(delta_a_ifog_2[1:-1], h_1[1:])
    # (256) ∂E/∂U_i2 = Σ_{t=1}^T δ_t^{a,i,(2)} (h_{t-1}^{(2)})ᵀ; so (259), (262) and (265)
    d_U_i2_f2_o2_g2 = outer(delta_a_ifog_2[1:-1], h_2[:-1])
    # (257) ∂E/∂b_i2 = Σ_{t=1}^T δ_t^{a,i,(2)}; so (260), (263) and (266)
    d_b_i2_f2_o2_g2 = np.sum(delta_a_ifog_2[1:-1], axis=(0, 1))
    # (267) ∂E/∂W_y = Σ_{t=1}^T δ_t^z (h_t^{(2)})ᵀ
    d_W_y = outer(delta_z[1:], h_2[1:])
    # (268) ∂E/∂b_y = Σ_{t=1}^T δ_t^z
    d_b_y = np.sum(delta_z[1:], axis=(0, 1))
    # (269) (∂E/∂x_t)ᵀ = W_i1ᵀ δ_t^{a,i,(1)} + W_f1ᵀ δ_t^{a,f,(1)} + W_o1ᵀ δ_t^{a,o,(1)} + W_g1ᵀ
    #     δ_t^{a,g,(1)}
    put_times(d_x[1:], delta_a_ifog_1[1:-1], W_i1_f1_o1_g1)
    # (270) (∂E/∂h_0^{(1)})ᵀ = U_i1ᵀ δ_1^{a,i,(1)} + U_f1ᵀ δ_1^{a,f,(1)} + U_o1ᵀ δ_1^{a,o,(1)} +
    #     U_g1ᵀ δ_1^{a,g,(1)}
    d_h_1_0 = delta_a_ifog_1[1] @ U_i1_f1_o1_g1
    # (271) (∂E/∂c_0^{(1)})ᵀ = f_1^{(1)} ⊙ δ_1^{c,(1)}
    d_c_1_0 = f_1[1] * delta_c_1[1]
    # (272) (∂E/∂h_0^{(2)})ᵀ = U_i2ᵀ δ_1^{a,i,(2)} + U_f2ᵀ δ_1^{a,f,(2)} + U_o2ᵀ δ_1^{a,o,(2)} +
    #     U_g2ᵀ δ_1^{a,g,(2)}
    d_h_2_0 = delta_a_ifog_2[1] @ U_i2_f2_o2_g2
    # (273) (∂E/∂c_0^{(2)})ᵀ = f_1^{(2)} ⊙ δ_1^{c,(2)}
    d_c_2_0 = f_2[1] * delta_c_2[1]
    return {
        "W_i1": d_W_i1_f1_o1_g1[:n],
        "U_i1": d_U_i1_f1_o1_g1[:n],
        "b_i1": d_b_i1_f1_o1_g1[:n],
        "W_f1": d_W_i1_f1_o1_g1[n : 2 * n],
        "U_f1": d_U_i1_f1_o1_g1[n : 2 * n],
        "b_f1": d_b_i1_f1_o1_g1[n : 2 * n],
        "W_o1": d_W_i1_f1_o1_g1[2 * n : 3 * n],
        "U_o1": d_U_i1_f1_o1_g1[2 * n : 3 * n],
        "b_o1": d_b_i1_f1_o1_g1[2 * n : 3 * n],
        "W_g1": d_W_i1_f1_o1_g1[3 * n :],
        "U_g1": d_U_i1_f1_o1_g1[3 * n :],
        "b_g1": d_b_i1_f1_o1_g1[3 * n :],
        "W_i2": d_W_i2_f2_o2_g2[:n_2],
        "U_i2": d_U_i2_f2_o2_g2[:n_2],
        "b_i2": d_b_i2_f2_o2_g2[:n_2],
        "W_f2": d_W_i2_f2_o2_g2[n_2 : 2 * n_2],
        "U_f2": d_U_i2_f2_o2_g2[n_2 : 2 * n_2],
        "b_f2": d_b_i2_f2_o2_g2[n_2 : 2 * n_2],
        "W_o2": d_W_i2_f2_o2_g2[2 * n_2 : 3 * n_2],
        "U_o2": d_U_i2_f2_o2_g2[2 * n_2 : 3 * n_2],
        "b_o2": d_b_i2_f2_o2_g2[2 * n_2 : 3 * n_2],
        "W_g2": d_W_i2_f2_o2_g2[3 * n_2 :],
        "U_g2": d_U_i2_f2_o2_g2[3 * n_2 :],
        "b_g2": d_b_i2_f2_o2_g2[3 * n_2 :],
        "W_y": d_W_y,
        "b_y": d_b_y,
        "x": d_x[1:],
        "h_1_0": d_h_1_0,
        "c_1_0": d_c_1_0,
        "h_2_0": d_h_2_0,
        "c_2_0": d_c_2_0,
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
