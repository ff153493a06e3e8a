"""torch.nn.RNN, GRU and LSTM with autograd."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from benchmarks.cells import Arrays, Size, draw

#: PyTorch's order of the gates.
GATES = {"rnn": ("",), "gru": ("r", "z", "n"), "lstm": ("i", "f", "g", "o")}


def make(cell: str, size: Size) -> Callable[[], Arrays]:
    """Return what computes every parameter's gradient once."""
    torch.set_num_threads(2)
    params, data = draw(cell, size)
    network = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell](
        size.m, size.n
    )
    readout = torch.nn.Linear(size.n, size.q)
    names = _names(cell)
    with torch.no_grad():
        for parameter, members in names["network"]:
            _put(getattr(network, parameter), [params.get(m) for m in members])
        for parameter, member in names["readout"]:
            _put(getattr(readout, parameter), [params[member]])
    x = torch.from_numpy(data["x"])
    y = torch.from_numpy(data["y"]).reshape(-1)
    trained = [*network.parameters(), *readout.parameters()]

    def run() -> Arrays:
        for parameter in trained:
            parameter.grad = None
        states, _ = network(x)
        logits = readout(states).reshape(-1, size.q)
        torch.nn.functional.cross_entropy(logits, y, reduction="sum").backward()
        found: Arrays = {}
        for parameter, members in names["network"]:
            gradient = getattr(network, parameter).grad.numpy()
            for member, part in zip(members, gradient.reshape(len(members), -1), strict=True):
                if member is not None:
                    found[member] = part.reshape(params[member].shape)
        for parameter, member in names["readout"]:
            found[member] = getattr(readout, parameter).grad.numpy()
        return found

    return run


def _names(cell: str) -> dict[str, list[tuple[str, Sequence[str | None] | str]]]:
    if cell == "rnn":
        network = [
            ("weight_ih_l0", ("W_in",)),
            ("weight_hh_l0", ("W_rec",)),
            ("bias_ih_l0", ("b",)),
            ("bias_hh_l0", (None,)),
        ]
        return {"network": network, "readout": [("weight", "W_out"), ("bias", "c")]}
    gates = GATES[cell]
    second = ("c_n" if cell == "gru" and gate == "n" else None for gate in gates)
    network = [
        ("weight_ih_l0", tuple(f"W_{gate}" for gate in gates)),
        ("weight_hh_l0", tuple(f"U_{gate}" for gate in gates)),
        ("bias_ih_l0", tuple(f"b_{gate}" for gate in gates)),
        ("bias_hh_l0", tuple(second)),
    ]
    return {"network": network, "readout": [("weight", "W_y"), ("bias", "b_y")]}


def _put(parameter: torch.Tensor, blocks: Sequence[object]) -> None:
    """Fill a parameter block by block; a block that our cells lack is zero."""
    rows = parameter.shape[0] // len(blocks)
    for number, block in enumerate(blocks):
        part = parameter[number * rows : (number + 1) * rows]
        part.copy_(torch.zeros_like(part) if block is None else torch.from_numpy(block))
