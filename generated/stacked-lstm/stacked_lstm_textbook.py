"""Stacked long short-term memory of two layers.

Loss and gradients by back-propagation through time, emitted by bptt 0.1.0 from the forward
equations of stacked-lstm (style textbook, sigma = sigmoid); do not edit. Numbers in
comments are those of the derivation.

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
    a_i_1 = np.empty((T + 1, B, n), dtype)
    i_1 = np.empty((T + 1, B, n), dtype)
    a_f_1 = np.empty((T + 1, B, n), dtype)
    f_1 = np.empty((T + 2, B, n), dtype)
    a_o_1 = np.empty((T + 1, B, n), dtype)
    o_1 = np.empty((T + 1, B, n), dtype)
    a_g_1 = np.empty((T + 1, B, n), dtype)
    g_1 = np.empty((T + 1, B, n), dtype)
    c_1 = np.empty((T + 1, B, n), dtype)
    c_1[0] = c_1_0
    h_1 = np.empty((T + 1, B, n), dtype)
    h_1[0] = h_1_0
    a_i_2 = np.empty((T + 1, B, n_2), dtype)
    i_2 = np.empty((T + 1, B, n_2), dtype)
    a_f_2 = np.empty((T + 1, B, n_2), dtype)
    f_2 = np.empty((T + 2, B, n_2), dtype)
    a_o_2 = np.empty((T + 1, B, n_2), dtype)
    o_2 = np.empty((T + 1, B, n_2), dtype)
    a_g_2 = np.empty((T + 1, B, n_2), dtype)
    g_2 = np.empty((T + 1, B, n_2), dtype)
    c_2 = np.empty((T + 1, B, n_2), dtype)
    c_2[0] = c_2_0
    h_2 = np.empty((T + 1, B, n_2), dtype)
    h_2[0] = h_2_0
    z = np.empty((T + 1, B, q), dtype)
    y_hat = np.empty((T + 1, B, q), dtype)
    E = 0.0
    for t in range(1, T + 1):
        # (1) a_t^{i,(1)} = W_i1 x_t + U_i1 h_{t-1}^{(1)} + b_i1
        a_i_1[t] = x[t - 1] @ W_i1.T + h_1[t - 1] @ U_i1.T + b_i1
        # (2) i_t^{(1)} = σ(a_t^{i,(1)})
        i_1[t] = sigmoid(a_i_1[t])
        # (3) a_t^{f,(1)} = W_f1 x_t + U_f1 h_{t-1}^{(1)} + b_f1
        a_f_1[t] = x[t - 1] @ W_f1.T + h_1[t - 1] @ U_f1.T + b_f1
        # (4) f_t^{(1)} = σ(a_t^{f,(1)})
        f_1[t] = sigmoid(a_f_1[t])
        # (5) a_t^{o,(1)} = W_o1 x_t + U_o1 h_{t-1}^{(1)} + b_o1
        a_o_1[t] = x[t - 1] @ W_o1.T + h_1[t - 1] @ U_o1.T + b_o1
        # (6) o_t^{(1)} = σ(a_t^{o,(1)})
        o_1[t] = sigmoid(a_o_1[t])
        # (7) a_t^{g,(1)} = W_g1 x_t + U_g1 h_{t-1}^{(1)} + b_g1
        a_g_1[t] = x[t - 1] @ W_g1.T + h_1[t - 1] @ U_g1.T + b_g1
        # (8) g_t^{(1)} = tanh(a_t^{g,(1)})
        g_1[t] = np.tanh(a_g_1[t])
        # (9) c_t^{(1)} = f_t^{(1)} ⊙ c_{t-1}^{(1)} + i_t^{(1)} ⊙ g_t^{(1)}
        c_1[t] = f_1[t] * c_1[t - 1] + i_1[t] * g_1[t]
        # (10) h_t^{(1)} = o_t^{(1)} ⊙ tanh(c_t^{(1)})
        h_1[t] = o_1[t] * np.tanh(c_1[t])
        # (11) a_t^{i,(2)} = W_i2 h_t^{(1)} + U_i2 h_{t-1}^{(2)} + b_i2
        a_i_2[t] = h_1[t] @ W_i2.T + h_2[t - 1] @ U_i2.T + b_i2
        # (12) i_t^{(2)} = σ(a_t^{i,(2)})
        i_2[t] = sigmoid(a_i_2[t])
        # (13) a_t^{f,(2)} = W_f2 h_t^{(1)} + U_f2 h_{t-1}^{(2)} + b_f2
        a_f_2[t] = h_1[t] @ W_f2.T + h_2[t - 1] @ U_f2.T + b_f2
        # (14) f_t^{(2)} = σ(a_t^{f,(2)})
        f_2[t] = sigmoid(a_f_2[t])
        # (15) a_t^{o,(2)} = W_o2 h_t^{(1)} + U_o2 h_{t-1}^{(2)} + b_o2
        a_o_2[t] = h_1[t] @ W_o2.T + h_2[t - 1] @ U_o2.T + b_o2
        # (16) o_t^{(2)} = σ(a_t^{o,(2)})
        o_2[t] = sigmoid(a_o_2[t])
        # (17) a_t^{g,(2)} = W_g2 h_t^{(1)} + U_g2 h_{t-1}^{(2)} + b_g2
        a_g_2[t] = h_1[t] @ W_g2.T + h_2[t - 1] @ U_g2.T + b_g2
        # (18) g_t^{(2)} = tanh(a_t^{g,(2)})
        g_2[t] = np.tanh(a_g_2[t])
        # (19) c_t^{(2)} = f_t^{(2)} ⊙ c_{t-1}^{(2)} + i_t^{(2)} ⊙ g_t^{(2)}
        c_2[t] = f_2[t] * c_2[t - 1] + i_2[t] * g_2[t]
        # (20) h_t^{(2)} = o_t^{(2)} ⊙ tanh(c_t^{(2)})
        h_2[t] = o_2[t] * np.tanh(c_2[t])
        # (21) z_t = W_y h_t^{(2)} + b_y
        z[t] = h_2[t] @ W_y.T + b_y
        # (22) ŷ_t = softmax(z_t)
        y_hat[t] = softmax(z[t])
        # (23) E_t = -y_tᵀ log(ŷ_t)
        E -= np.sum(y[t - 1] * log_softmax(z[t]))
    # What lies beyond the steps is multiplied by zero alone.
    f_1[T + 1] = f_1[T]
    f_2[T + 1] = f_2[T]
    return E, {
        "i_1": i_1,
        "f_1": f_1,
        "o_1": o_1,
        "g_1": g_1,
        "c_1": c_1,
        "h_1": h_1,
        "i_2": i_2,
        "f_2": f_2,
        "o_2": o_2,
        "g_2": g_2,
        "c_2": c_2,
        "h_2": h_2,
        "y_hat": y_hat,
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
    i_1 = tape["i_1"]
    f_1 = tape["f_1"]
    o_1 = tape["o_1"]
    g_1 = tape["g_1"]
    c_1 = tape["c_1"]
    h_1 = tape["h_1"]
    i_2 = tape["i_2"]
    f_2 = tape["f_2"]
    o_2 = tape["o_2"]
    g_2 = tape["g_2"]
    c_2 = tape["c_2"]
    h_2 = tape["h_2"]
    y_hat = tape["y_hat"]
    T, B = data["x"].shape[:2]
    q = params["W_y"].shape[0]
    n_2 = params["W_i2"].shape[0]
    n = params["W_i1"].shape[0]
    m = params["W_i1"].shape[1]
    dtype = np.result_type(*params.values(), *data.values())
    delta_z = np.empty((T + 1, B, q), dtype)
    delta_h_2 = np.empty((T + 1, B, n_2), dtype)
    delta_c_2 = np.zeros((T + 2, B, n_2), dtype)
    delta_g_2 = np.empty((T + 1, B, n_2), dtype)
    delta_a_g_2 = np.zeros((T + 2, B, n_2), dtype)
    delta_o_2 = np.empty((T + 1, B, n_2), dtype)
    delta_a_o_2 = np.zeros((T + 2, B, n_2), dtype)
    delta_f_2 = np.empty((T + 1, B, n_2), dtype)
    delta_a_f_2 = np.zeros((T + 2, B, n_2), dtype)
    delta_i_2 = np.empty((T + 1, B, n_2), dtype)
    delta_a_i_2 = np.zeros((T + 2, B, n_2), dtype)
    delta_h_1 = np.empty((T + 1, B, n), dtype)
    delta_c_1 = np.zeros((T + 2, B, n), dtype)
    delta_g_1 = np.empty((T + 1, B, n), dtype)
    delta_a_g_1 = np.zeros((T + 2, B, n), dtype)
    delta_o_1 = np.empty((T + 1, B, n), dtype)
    delta_a_o_1 = np.zeros((T + 2, B, n), dtype)
    delta_f_1 = np.empty((T + 1, B, n), dtype)
    delta_a_f_1 = np.zeros((T + 2, B, n), dtype)
    delta_i_1 = np.empty((T + 1, B, n), dtype)
    delta_a_i_1 = np.zeros((T + 2, B, n), dtype)
    d_x = np.empty((T + 1, B, m), dtype)
    d_W_i1 = np.zeros(params["W_i1"].shape, dtype)
    d_U_i1 = np.zeros(params["U_i1"].shape, dtype)
    d_b_i1 = np.zeros(params["b_i1"].shape, dtype)
    d_W_f1 = np.zeros(params["W_f1"].shape, dtype)
    d_U_f1 = np.zeros(params["U_f1"].shape, dtype)
    d_b_f1 = np.zeros(params["b_f1"].shape, dtype)
    d_W_o1 = np.zeros(params["W_o1"].shape, dtype)
    d_U_o1 = np.zeros(params["U_o1"].shape, dtype)
    d_b_o1 = np.zeros(params["b_o1"].shape, dtype)
    d_W_g1 = np.zeros(params["W_g1"].shape, dtype)
    d_U_g1 = np.zeros(params["U_g1"].shape, dtype)
    d_b_g1 = np.zeros(params["b_g1"].shape, dtype)
    d_W_i2 = np.zeros(params["W_i2"].shape, dtype)
    d_U_i2 = np.zeros(params["U_i2"].shape, dtype)
    d_b_i2 = np.zeros(params["b_i2"].shape, dtype)
    d_W_f2 = np.zeros(params["W_f2"].shape, dtype)
    d_U_f2 = np.zeros(params["U_f2"].shape, dtype)
    d_b_f2 = np.zeros(params["b_f2"].shape, dtype)
    d_W_o2 = np.zeros(params["W_o2"].shape, dtype)
    d_U_o2 = np.zeros(params["U_o2"].shape, dtype)
    d_b_o2 = np.zeros(params["b_o2"].shape, dtype)
    d_W_g2 = np.zeros(params["W_g2"].shape, dtype)
    d_U_g2 = np.zeros(params["U_g2"].shape, dtype)
    d_b_g2 = np.zeros(params["b_g2"].shape, dtype)
    d_W_y = np.zeros(params["W_y"].shape, dtype)
    d_b_y = np.zeros(params["b_y"].shape, dtype)
    for t in range(T, 0, -1):
        # (212) δ_t^z = ŷ_t - y_t
        delta_z[t] = y_hat[t] - y[t - 1]
        # (213) δ_t^{h,(2)} = W_yᵀ δ_t^z + U_i2ᵀ δ_{t+1}^{a,i,(2)} + U_f2ᵀ δ_{t+1}^{a,f,(2)} + U_o2ᵀ
        #     δ_{t+1}^{a,o,(2)} + U_g2ᵀ δ_{t+1}^{a,g,(2)}
        delta_h_2[t] = delta_z[t] @ W_y
        delta_h_2[t] += delta_a_i_2[t + 1] @ U_i2
        delta_h_2[t] += delta_a_f_2[t + 1] @ U_f2
        delta_h_2[t] += delta_a_o_2[t + 1] @ U_o2
        delta_h_2[t] += delta_a_g_2[t + 1] @ U_g2
        # (214) δ_t^{c,(2)} = (1 - tanh(c_t^{(2)})²) ⊙ o_t^{(2)} ⊙ δ_t^{h,(2)} + f_{t+1}^{(2)} ⊙
        #     δ_{t+1}^{c,(2)}
        delta_c_2[t] = (1 - np.tanh(c_2[t]) ** 2) * o_2[t] * delta_h_2[t]
        delta_c_2[t] += f_2[t + 1] * delta_c_2[t + 1]
        # (215) δ_t^{g,(2)} = i_t^{(2)} ⊙ δ_t^{c,(2)}
        delta_g_2[t] = i_2[t] * delta_c_2[t]
        # (216) δ_t^{a,g,(2)} = (1 - (g_t^{(2)})²) ⊙ δ_t^{g,(2)}
        delta_a_g_2[t] = (1 - g_2[t] ** 2) * delta_g_2[t]
        # (217) δ_t^{o,(2)} = tanh(c_t^{(2)}) ⊙ δ_t^{h,(2)}
        delta_o_2[t] = np.tanh(c_2[t]) * delta_h_2[t]
        # (218) δ_t^{a,o,(2)} = o_t^{(2)} ⊙ (1 - o_t^{(2)}) ⊙ δ_t^{o,(2)}
        delta_a_o_2[t] = o_2[t] * (1 - o_2[t]) * delta_o_2[t]
        # (219) δ_t^{f,(2)} = c_{t-1}^{(2)} ⊙ δ_t^{c,(2)}
        delta_f_2[t] = c_2[t - 1] * delta_c_2[t]
        # (220) δ_t^{a,f,(2)} = f_t^{(2)} ⊙ (1 - f_t^{(2)}) ⊙ δ_t^{f,(2)}
        delta_a_f_2[t] = f_2[t] * (1 - f_2[t]) * delta_f_2[t]
        # (221) δ_t^{i,(2)} = g_t^{(2)} ⊙ δ_t^{c,(2)}
        delta_i_2[t] = g_2[t] * delta_c_2[t]
        # (222) δ_t^{a,i,(2)} = i_t^{(2)} ⊙ (1 - i_t^{(2)}) ⊙ δ_t^{i,(2)}
        delta_a_i_2[t] = i_2[t] * (1 - i_2[t]) * delta_i_2[t]
        # (223) δ_t^{h,(1)} = W_i2ᵀ δ_t^{a,i,(2)} + W_f2ᵀ δ_t^{a,f,(2)} + W_o2ᵀ δ_t^{a,o,(2)} +
        #     W_g2ᵀ δ_t^{a,g,(2)} + U_i1ᵀ δ_{t+1}^{a,i,(1)} + U_f1ᵀ δ_{t+1}^{a,f,(1)} + U_o1ᵀ
        #     δ_{t+1}^{a,o,(1)} + U_g1ᵀ δ_{t+1}^{a,g,(1)}
        delta_h_1[t] = delta_a_i_2[t] @ W_i2
        delta_h_1[t] += delta_a_f_2[t] @ W_f2
        delta_h_1[t] += delta_a_o_2[t] @ W_o2
        delta_h_1[t] += delta_a_g_2[t] @ W_g2
        delta_h_1[t] += delta_a_i_1[t + 1] @ U_i1
        delta_h_1[t] += delta_a_f_1[t + 1] @ U_f1
        delta_h_1[t] += delta_a_o_1[t + 1] @ U_o1
        delta_h_1[t] += delta_a_g_1[t + 1] @ U_g1
        # (224) δ_t^{c,(1)} = (1 - tanh(c_t^{(1)})²) ⊙ o_t^{(1)} ⊙ δ_t^{h,(1)} + f_{t+1}^{(1)} ⊙
        #     δ_{t+1}^{c,(1)}
        delta_c_1[t] = (1 - np.tanh(c_1[t]) ** 2) * o_1[t] * delta_h_1[t]
        delta_c_1[t] += f_1[t + 1] * delta_c_1[t + 1]
        # (225) δ_t^{g,(1)} = i_t^{(1)} ⊙ δ_t^{c,(1)}
        delta_g_1[t] = i_1[t] * delta_c_1[t]
        # (226) δ_t^{a,g,(1)} = (1 - (g_t^{(1)})²) ⊙ δ_t^{g,(1)}
        delta_a_g_1[t] = (1 - g_1[t] ** 2) * delta_g_1[t]
        # (227) δ_t^{o,(1)} = tanh(c_t^{(1)}) ⊙ δ_t^{h,(1)}
        delta_o_1[t] = np.tanh(c_1[t]) * delta_h_1[t]
        # (228) δ_t^{a,o,(1)} = o_t^{(1)} ⊙ (1 - o_t^{(1)}) ⊙ δ_t^{o,(1)}
        delta_a_o_1[t] = o_1[t] * (1 - o_1[t]) * delta_o_1[t]
        # (229) δ_t^{f,(1)} = c_{t-1}^{(1)} ⊙ δ_t^{c,(1)}
        delta_f_1[t] = c_1[t - 1] * delta_c_1[t]
        # (230) δ_t^{a,f,(1)} = f_t^{(1)} ⊙ (1 - f_t^{(1)}) ⊙ δ_t^{f,(1)}
        delta_a_f_1[t] = f_1[t] * (1 - f_1[t]) * delta_f_1[t]
        # (231) δ_t^{i,(1)} = g_t^{(1)} ⊙ δ_t^{c,(1)}
        delta_i_1[t] = g_1[t] * delta_c_1[t]
        # (232) δ_t^{a,i,(1)} = i_t^{(1)} ⊙ (1 - i_t^{(1)}) ⊙ δ_t^{i,(1)}
        delta_a_i_1[t] = i_1[t] * (1 - i_1[t]) * delta_i_1[t]
        # (243) ∂E/∂W_i1 = Σ_{t=1}^T δ_t^{a,i,(1)} x_tᵀ
        d_W_i1 += delta_a_i_1[t].T @ x[t - 1]
        # (244) ∂E/∂U_i1 = Σ_{t=1}^T δ_t^{a,i,(1)} (h_{t-1}^{(1)})ᵀ
        d_U_i1 += delta_a_i_1[t].T @ h_1[t - 1]
        # (245) ∂E/∂b_i1 = Σ_{t=1}^T δ_t^{a,i,(1)}
        d_b_i1 += np.sum(delta_a_i_1[t], axis=0)
        # (246) ∂E/∂W_f1 = Σ_{t=1}^T δ_t^{a,f,(1)} x_tᵀ
        d_W_f1 += delta_a_f_1[t].T @ x[t - 1]
        # (247) ∂E/∂U_f1 = Σ_{t=1}^T δ_t^{a,f,(1)} (h_{t-1}^{(1)})ᵀ
        d_U_f1 += delta_a_f_1[t].T @ h_1[t - 1]
        # (248) ∂E/∂b_f1 = Σ_{t=1}^T δ_t^{a,f,(1)}
        d_b_f1 += np.sum(delta_a_f_1[t], axis=0)
        # (249) ∂E/∂W_o1 = Σ_{t=1}^T δ_t^{a,o,(1)} x_tᵀ
        d_W_o1 += delta_a_o_1[t].T @ x[t - 1]
        # (250) ∂E/∂U_o1 = Σ_{t=1}^T δ_t^{a,o,(1)} (h_{t-1}^{(1)})ᵀ
        d_U_o1 += delta_a_o_1[t].T @ h_1[t - 1]
        # (251) ∂E/∂b_o1 = Σ_{t=1}^T δ_t^{a,o,(1)}
        d_b_o1 += np.sum(delta_a_o_1[t], axis=0)
        # (252) ∂E/∂W_g1 = Σ_{t=1}^T δ_t^{a,g,(1)} x_tᵀ
        d_W_g1 += delta_a_g_1[t].T @ x[t - 1]
        # (253) ∂E/∂U_g1 = Σ_{t=1}^T δ_t^{a,g,(1)} (h_{t-1}^{(1)})ᵀ
        d_U_g1 += delta_a_g_1[t].T @ h_1[t - 1]
        # (254) ∂E/∂b_g1 = Σ_{t=1}^T δ_t^{a,g,(1)}
        d_b_g1 += np.sum(delta_a_g_1[t], axis=0)
        # (255) ∂E/∂W_i2 = Σ_{t=1}^T δ_t^{a,i,(2)} (h_t^{(1)})ᵀ
        d_W_i2 += delta_a_i_2[t].T @ h_1[t]
        # (256) ∂E/∂U_i2 = Σ_{t=1}^T δ_t^{a,i,(2)} (h_{t-1}^{(2)})ᵀ
        d_U_i2 += delta_a_i_2[t].T @ h_2[t - 1]
        # (257) ∂E/∂b_i2 = Σ_{t=1}^T δ_t^{a,i,(2)}
        d_b_i2 += np.sum(delta_a_i_2[t], axis=0)
        # (258) ∂E/∂W_f2 = Σ_{t=1}^T δ_t^{a,f,(2)} (h_t^{(1)})ᵀ
        d_W_f2 += delta_a_f_2[t].T @ h_1[t]
        # (259) ∂E/∂U_f2 = Σ_{t=1}^T δ_t^{a,f,(2)} (h_{t-1}^{(2)})ᵀ
        d_U_f2 += delta_a_f_2[t].T @ h_2[t - 1]
        # (260) ∂E/∂b_f2 = Σ_{t=1}^T δ_t^{a,f,(2)}
        d_b_f2 += np.sum(delta_a_f_2[t], axis=0)
        # (261) ∂E/∂W_o2 = Σ_{t=1}^T δ_t^{a,o,(2)} (h_t^{(1)})ᵀ
        d_W_o2 += delta_a_o_2[t].T @ h_1[t]
        # (262) ∂E/∂U_o2 = Σ_{t=1}^T δ_t^{a,o,(2)} (h_{t-1}^{(2)})ᵀ
        d_U_o2 += delta_a_o_2[t].T @ h_2[t - 1]
        # (263) ∂E/∂b_o2 = Σ_{t=1}^T δ_t^{a,o,(2)}
        d_b_o2 += np.sum(delta_a_o_2[t], axis=0)
        # (264) ∂E/∂W_g2 = Σ_{t=1}^T δ_t^{a,g,(2)} (h_t^{(1)})ᵀ
        d_W_g2 += delta_a_g_2[t].T @ h_1[t]
        # (265) ∂E/∂U_g2 = Σ_{t=1}^T δ_t^{a,g,(2)} (h_{t-1}^{(2)})ᵀ
        d_U_g2 += delta_a_g_2[t].T @ h_2[t - 1]
        # (266) ∂E/∂b_g2 = Σ_{t=1}^T δ_t^{a,g,(2)}
        d_b_g2 += np.sum(delta_a_g_2[t], axis=0)
        # (267) ∂E/∂W_y = Σ_{t=1}^T δ_t^z (h_t^{(2)})ᵀ
        d_W_y += delta_z[t].T @ h_2[t]
        # (268) ∂E/∂b_y = Σ_{t=1}^T δ_t^z
        d_b_y += np.sum(delta_z[t], axis=0)
        # (269) (∂E/∂x_t)ᵀ = W_i1ᵀ δ_t^{a,i,(1)} + W_f1ᵀ δ_t^{a,f,(1)} + W_o1ᵀ δ_t^{a,o,(1)} + W_g1ᵀ
        #     δ_t^{a,g,(1)}
        d_x[t] = delta_a_i_1[t] @ W_i1
        d_x[t] += delta_a_f_1[t] @ W_f1
        d_x[t] += delta_a_o_1[t] @ W_o1
        d_x[t] += delta_a_g_1[t] @ W_g1
    # (270) (∂E/∂h_0^{(1)})ᵀ = U_i1ᵀ δ_1^{a,i,(1)} + U_f1ᵀ δ_1^{a,f,(1)} + U_o1ᵀ δ_1^{a,o,(1)} +
    #     U_g1ᵀ δ_1^{a,g,(1)}
    d_h_1_0 = delta_a_i_1[1] @ U_i1
    d_h_1_0 += delta_a_f_1[1] @ U_f1
    d_h_1_0 += delta_a_o_1[1] @ U_o1
    d_h_1_0 += delta_a_g_1[1] @ U_g1
    # (271) (∂E/∂c_0^{(1)})ᵀ = f_1^{(1)} ⊙ δ_1^{c,(1)}
    d_c_1_0 = f_1[1] * delta_c_1[1]
    # (272) (∂E/∂h_0^{(2)})ᵀ = U_i2ᵀ δ_1^{a,i,(2)} + U_f2ᵀ δ_1^{a,f,(2)} + U_o2ᵀ δ_1^{a,o,(2)} +
    #     U_g2ᵀ δ_1^{a,g,(2)}
    d_h_2_0 = delta_a_i_2[1] @ U_i2
    d_h_2_0 += delta_a_f_2[1] @ U_f2
    d_h_2_0 += delta_a_o_2[1] @ U_o2
    d_h_2_0 += delta_a_g_2[1] @ U_g2
    # (273) (∂E/∂c_0^{(2)})ᵀ = f_1^{(2)} ⊙ δ_1^{c,(2)}
    d_c_2_0 = f_2[1] * delta_c_2[1]
    return {
        "W_i1": d_W_i1,
        "U_i1": d_U_i1,
        "b_i1": d_b_i1,
        "W_f1": d_W_f1,
        "U_f1": d_U_f1,
        "b_f1": d_b_f1,
        "W_o1": d_W_o1,
        "U_o1": d_U_o1,
        "b_o1": d_b_o1,
        "W_g1": d_W_g1,
        "U_g1": d_U_g1,
        "b_g1": d_b_g1,
        "W_i2": d_W_i2,
        "U_i2": d_U_i2,
        "b_i2": d_b_i2,
        "W_f2": d_W_f2,
        "U_f2": d_U_f2,
        "b_f2": d_b_f2,
        "W_o2": d_W_o2,
        "U_o2": d_U_o2,
        "b_o2": d_b_o2,
        "W_g2": d_W_g2,
        "U_g2": d_U_g2,
        "b_g2": d_b_g2,
        "W_y": d_W_y,
        "b_y": d_b_y,
        "x": d_x[1:],
        "h_1_0": d_h_1_0,
        "c_1_0": d_c_1_0,
        "h_2_0": d_h_2_0,
        "c_2_0": d_c_2_0,
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
