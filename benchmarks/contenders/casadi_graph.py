"""CasADi: a loop over the steps that makes a graph of matrices, and its gradient in reverse mode.

CasADi computes in double precision and knows no batch. Here the batch is the rows of B×n matrices:
as columns, it takes two to four times as long, because CasADi's own product walks along the rows of
its first factor, which memory holds by columns. (At B = 1 it is the other way round: 3 ms against
1.6 for the smallest RNN.) Products name the BLAS that comes with CasADi; it serves the forward pass
only, as the reverse rule of a product falls back on CasADi's own. The graph runs in the virtual
machine of CasADi.
"""

from __future__ import annotations

from collections.abc import Callable

import casadi
import numpy as np

from benchmarks.cells import Arrays, Size, draw

Step = Callable[[dict[str, casadi.MX], list[casadi.MX], casadi.MX], list[casadi.MX]]


def make(cell: str, size: Size) -> Callable[[], Arrays]:
    """Return what computes every parameter's gradient once."""
    params, data = draw(cell, size)
    # Vectors are rows: matrices are turned, and a bias is added to B rows by a column of ones.
    turned = {name: np.atleast_2d(array.T) for name, array in params.items()}
    vector = casadi.MX.sym("params", sum(array.size for array in turned.values()))
    parts = casadi.vertsplit(vector, [0, *np.cumsum([a.size for a in turned.values()]).tolist()])
    weights = {
        name: casadi.reshape(part, *array.shape)
        for part, (name, array) in zip(parts, turned.items(), strict=True)
    }
    inputs = [casadi.MX.sym(f"x_{t}", size.B, size.m) for t in range(1, size.T + 1)]
    targets = [casadi.MX.sym(f"y_{t}", size.B, size.q) for t in range(1, size.T + 1)]
    loss = _loss(cell, weights, inputs, targets)
    gradient = casadi.Function(
        "gradient", [vector, *inputs, *targets], [casadi.gradient(loss, vector)]
    )
    given = [
        np.concatenate([array.ravel("F") for array in turned.values()]),
        *data["x"],
        *np.eye(size.q)[data["y"]],
    ]
    arguments = [casadi.DM(np.asarray(array, np.float64)) for array in given]

    def run() -> Arrays:
        found = gradient(*arguments).full().ravel()
        ends = np.cumsum([array.size for array in params.values()])
        # Columns of a turned matrix are rows of ours.
        blocks = zip(params.items(), np.split(found, ends[:-1]), strict=True)
        return {name: block.reshape(array.shape) for (name, array), block in blocks}

    return run


def _loss(
    cell: str, w: dict[str, casadi.MX], inputs: list[casadi.MX], targets: list[casadi.MX]
) -> casadi.MX:
    step: Step = {"rnn": _rnn, "gru": _gru, "lstm": _lstm}[cell]
    W, b = (w["W_out"], w["c"]) if cell == "rnn" else (w["W_y"], w["b_y"])
    state = [casadi.MX.zeros(inputs[0].rows(), W.rows())] * (2 if cell == "lstm" else 1)
    loss = casadi.MX(0)
    for x, y in zip(inputs, targets, strict=True):
        state = step(w, state, x)
        logits = _affine(b, (state[0], W))
        # In double precision, logits of this size need no maximum taken off.
        loss += casadi.sum(casadi.log(casadi.sum2(casadi.exp(logits)))) - casadi.dot(y, logits)
    return loss


def _affine(bias: casadi.MX, *products: tuple[casadi.MX, casadi.MX]) -> casadi.MX:
    total = casadi.MX.ones(products[0][0].rows(), 1) @ bias
    for vectors, matrix in products:
        total = casadi.mac(vectors, matrix, total, "classic")
    return total


def _sigmoid(a: casadi.MX) -> casadi.MX:
    return 1 / (1 + casadi.exp(-a))


def _rnn(w: dict[str, casadi.MX], state: list[casadi.MX], x: casadi.MX) -> list[casadi.MX]:
    (h,) = state
    return [casadi.tanh(_affine(w["b"], (h, w["W_rec"]), (x, w["W_in"])))]


def _gru(w: dict[str, casadi.MX], state: list[casadi.MX], x: casadi.MX) -> list[casadi.MX]:
    (h,) = state
    r = _sigmoid(_affine(w["b_r"], (x, w["W_r"]), (h, w["U_r"])))
    z = _sigmoid(_affine(w["b_z"], (x, w["W_z"]), (h, w["U_z"])))
    n = casadi.tanh(_affine(w["b_n"], (x, w["W_n"])) + r * _affine(w["c_n"], (h, w["U_n"])))
    return [(1 - z) * n + z * h]


def _lstm(w: dict[str, casadi.MX], state: list[casadi.MX], x: casadi.MX) -> list[casadi.MX]:
    h, c = state
    a = {g: _affine(w[f"b_{g}"], (x, w[f"W_{g}"]), (h, w[f"U_{g}"])) for g in "ifog"}
    c = _sigmoid(a["f"]) * c + _sigmoid(a["i"]) * casadi.tanh(a["g"])
    return [_sigmoid(a["o"]) * casadi.tanh(c), c]
