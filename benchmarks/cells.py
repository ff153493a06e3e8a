"""The networks that are measured, and the arrays that every contender gets.

Softmax and cross-entropy with integer labels, as PyTorch's own loss has them, float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from derivations.library import cell_text

#: The cell of the library behind each name, and the read-out's weights in it.
CELLS = {"rnn": "rnn", "gru": "gru-reset-after", "lstm": "lstm"}
#: Axes of the parameters of each network, in the names of the library.
GATES = {"gru": ("r", "z", "n"), "lstm": ("i", "f", "g", "o")}

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Size:
    """T steps, a batch of B, m inputs, n units, q classes."""

    T: int
    B: int
    m: int
    n: int
    q: int

    def __str__(self) -> str:
        return ",".join(map(str, (self.T, self.B, self.m, self.n, self.q)))

    @classmethod
    def read(cls, text: str) -> Size:
        return cls(*map(int, text.split(",")))


#: The sizes of the table in the README.
SIZES = (
    Size(25, 1, 65, 100, 65),
    Size(50, 32, 64, 128, 64),
    Size(100, 64, 128, 256, 128),
    Size(100, 32, 512, 512, 1000),
    Size(500, 16, 64, 128, 10),
)


def text_of(cell: str) -> str:
    """Return the forward equations, with integer labels."""
    text = cell_text(CELLS[cell])
    one_hot = "$$E_t = -y_t^\\top \\log \\hat{y}_t$$"
    assert one_hot in text
    labels = text.replace(one_hot, "$$E_t = -\\log [\\hat{y}_t]_{y_t}$$")
    return labels.replace("$y_t$ is one-hot", "$y_t$ is a label")


def parameter_shapes(cell: str, size: Size) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the parameters, by their names in the library."""
    m, n, q = size.m, size.n, size.q
    if cell == "rnn":
        return {"W_rec": (n, n), "W_in": (n, m), "b": (n,), "W_out": (q, n), "c": (q,)}
    shapes: dict[str, tuple[int, ...]] = {}
    for gate in GATES[cell]:
        shapes |= {f"W_{gate}": (n, m), f"U_{gate}": (n, n), f"b_{gate}": (n,)}
    if cell == "gru":
        shapes["c_n"] = (n,)
    return {**shapes, "W_y": (q, n), "b_y": (q,)}


def draw(cell: str, size: Size) -> tuple[Arrays, Arrays]:
    """Return parameters and data, the same for every contender."""
    generator = np.random.default_rng(0)
    params = {}
    for name, shape in parameter_shapes(cell, size).items():
        fan_in = shape[1] if len(shape) == 2 else 1
        drawn = generator.standard_normal(shape) / fan_in**0.5
        params[name] = drawn.astype(np.float32)
    data: Arrays = {
        "x": generator.standard_normal((size.T, size.B, size.m)).astype(np.float32),
        "y": generator.integers(size.q, size=(size.T, size.B)),
        "h_0": np.zeros((size.B, size.n), np.float32),
    }
    if cell == "lstm":
        data["c_0"] = np.zeros((size.B, size.n), np.float32)
    return params, data
