"""The networks of the benchmark written out step by step, in the algebra of a peer.

For those whose derivatives know no time: T steps of one sequence, n inputs, n units, n classes. The
target y_t is a vector of symbols, and the loss of a step is log Σ exp z_t - y_tᵀ z_t, which is that
of the other benchmark where y_t is one-hot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.cells import Size, parameter_shapes


@dataclass(frozen=True)
class Algebra:
    """How a peer writes matrices of scalars; + - * / are elementwise there, and @ is the product.

    Attributes
    ----------
    symbols : callable
        A matrix of symbols, of a name, a number of rows and a number of columns.
    total : callable
        The sum of the entries of a vector.
    tanh, exp, log : callable
        Elementwise.
    """

    symbols: Callable[[str, int, int], Any]
    total: Callable[[Any], Any]
    tanh: Callable[[Any], Any]
    exp: Callable[[Any], Any]
    log: Callable[[Any], Any]

    def sigmoid(self, a: Any) -> Any:
        return 1 / (1 + self.exp(-a))


@dataclass(frozen=True)
class Unrolled:
    """The total loss, and the matrices of symbols that it is made of."""

    loss: Any
    parameters: dict[str, Any]
    data: dict[str, Any]


def unrolled(cell: str, T: int, n: int, algebra: Algebra) -> Unrolled:
    """Return the total loss of T steps."""
    shapes = parameter_shapes(cell, Size(T, 1, n, n, n))
    w = {
        name: algebra.symbols(name, *shape, *[1] * (2 - len(shape)))
        for name, shape in shapes.items()
    }
    W, b = (w["W_out"], w["c"]) if cell == "rnn" else (w["W_y"], w["b_y"])
    names = ["h_0", "c_0"] if cell == "lstm" else ["h_0"]
    names += [f"{name}_{t}" for t in range(1, T + 1) for name in "xy"]
    data = {name: algebra.symbols(name, n, 1) for name in names}
    step = {"rnn": _rnn, "gru": _gru, "lstm": _lstm}[cell]
    state = [data[name] for name in ("h_0", "c_0") if name in data]
    loss = 0
    for t in range(1, T + 1):
        state = step(algebra, w, state, data[f"x_{t}"])
        z = W @ state[0] + b
        loss += algebra.log(algebra.total(algebra.exp(z))) - algebra.total(data[f"y_{t}"] * z)
    return Unrolled(loss, w, data)


def _rnn(algebra: Algebra, w: dict[str, Any], state: list[Any], x: Any) -> list[Any]:
    (h,) = state
    return [algebra.tanh(w["W_rec"] @ h + w["W_in"] @ x + w["b"])]


def _gru(algebra: Algebra, w: dict[str, Any], state: list[Any], x: Any) -> list[Any]:
    (h,) = state
    r = algebra.sigmoid(w["W_r"] @ x + w["U_r"] @ h + w["b_r"])
    z = algebra.sigmoid(w["W_z"] @ x + w["U_z"] @ h + w["b_z"])
    n = algebra.tanh(w["W_n"] @ x + w["b_n"] + r * (w["U_n"] @ h + w["c_n"]))
    return [(1 - z) * n + z * h]


def _lstm(algebra: Algebra, w: dict[str, Any], state: list[Any], x: Any) -> list[Any]:
    h, c = state
    a = {g: w[f"W_{g}"] @ x + w[f"U_{g}"] @ h + w[f"b_{g}"] for g in "ifog"}
    c = algebra.sigmoid(a["f"]) * c + algebra.sigmoid(a["i"]) * algebra.tanh(a["g"])
    return [algebra.sigmoid(a["o"]) * algebra.tanh(c), c]
