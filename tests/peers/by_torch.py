"""PyTorch's own recurrent networks with the weights of a cell, and what autograd makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import ModuleType

import torch
from torch.nn.functional import cross_entropy

from codegen.gradcheck.module import Arrays
from tests.peers.comparison import Result

#: By the name of an array of PyTorch the names of the cell's arrays, of which it is made block by
#: block; None is a block of zeros, for a second bias where the cell has only one.
Blocks = Mapping[str, tuple[str | None, ...]]


@dataclass(frozen=True)
class Network:
    """A network of PyTorch.

    Attributes
    ----------
    recurrent : callable
        Makes the module of an input size and a hidden size.
    weights : Blocks
        For the parameters of the module.
    first_states : tuple
        For every kind of state, h and with an LSTM c, the cell's names layer by layer.
    readout : tuple of str
        The cell's names of the weight and the bias of the read-out.
    """

    recurrent: Callable[[int, int], torch.nn.RNNBase]
    weights: Blocks
    first_states: tuple[tuple[str, ...], ...]
    readout: tuple[str, str] = ("W_y", "b_y")

    def equal_sizes(self, module: ModuleType) -> list[str]:
        """Return the names of the sizes of all states, which PyTorch has no two of."""
        return [module.DATA[name][-1] for states in self.first_states for name in states]


def _elman_layer(place: str, recurrent: str, inputs: str, bias: str) -> Blocks:
    return {
        f"weight_ih_{place}": (inputs,),
        f"weight_hh_{place}": (recurrent,),
        f"bias_ih_{place}": (bias,),
        f"bias_hh_{place}": (None,),
    }


def _lstm_layer(place: str, layer: str = "") -> Blocks:
    return {
        f"weight_ih_{place}": tuple(f"W_{gate}{layer}" for gate in "ifgo"),
        f"weight_hh_{place}": tuple(f"U_{gate}{layer}" for gate in "ifgo"),
        f"bias_ih_{place}": tuple(f"b_{gate}{layer}" for gate in "ifgo"),
        f"bias_hh_{place}": (None,) * 4,
    }


NETWORKS: dict[str, Network] = {
    "rnn": Network(
        torch.nn.RNN,
        _elman_layer("l0", "W_rec", "W_in", "b"),
        (("h_0",),),
        ("W_out", "c"),
    ),
    "irnn": Network(
        partial(torch.nn.RNN, nonlinearity="relu"),
        _elman_layer("l0", "W_rec", "W_in", "b"),
        (("h_0",),),
    ),
    "stacked-rnn": Network(
        partial(torch.nn.RNN, num_layers=2),
        {
            **_elman_layer("l0", "W_1", "U_1", "b_1"),
            **_elman_layer("l1", "W_2", "U_2", "b_2"),
        },
        (("h_1_0", "h_2_0"),),
    ),
    "bidirectional": Network(
        partial(torch.nn.RNN, bidirectional=True),
        {
            **_elman_layer("l0", "W_f", "U_f", "b_f"),
            **_elman_layer("l0_reverse", "W_b", "U_b", "b_b"),
        },
        (("h_forward_0", "h_backward_T_plus_1"),),
    ),
    "lstm": Network(torch.nn.LSTM, _lstm_layer("l0"), (("h_0",), ("c_0",))),
    "stacked-lstm": Network(
        partial(torch.nn.LSTM, num_layers=2),
        {**_lstm_layer("l0", "1"), **_lstm_layer("l1", "2")},
        (("h_1_0", "h_2_0"), ("c_1_0", "c_2_0")),
    ),
    "gru-reset-after": Network(
        torch.nn.GRU,
        {
            "weight_ih_l0": ("W_r", "W_z", "W_n"),
            "weight_hh_l0": ("U_r", "U_z", "U_n"),
            "bias_ih_l0": ("b_r", "b_z", "b_n"),
            # The new value has two biases, of which the reset gate acts on the second.
            "bias_hh_l0": (None, None, "c_n"),
        },
        (("h_0",),),
    ),
}


def by_torch(cell: str, params: Arrays, data: Arrays) -> Result:
    """Return E and its gradients by everything but the target."""
    network = NETWORKS[cell]
    arrays = {name: torch.from_numpy(array) for name, array in {**params, **data}.items()}
    x = arrays["x"].clone().requires_grad_()
    first = [
        torch.stack([arrays[name] for name in states]).requires_grad_()
        for states in network.first_states
    ]
    recurrent = network.recurrent(x.shape[-1], first[0].shape[-1]).double()
    readout = torch.nn.Linear(*reversed(arrays[network.readout[0]].shape)).double()
    with torch.no_grad():
        for name, blocks in network.weights.items():
            weight = recurrent.get_parameter(name)
            zeros = torch.zeros(recurrent.hidden_size)
            weight.copy_(torch.cat([arrays[block] if block else zeros for block in blocks]))
        readout.weight.copy_(arrays[network.readout[0]])
        readout.bias.copy_(arrays[network.readout[1]])

    states, _ = recurrent(x, first[0] if len(first) == 1 else tuple(first))
    logits = readout(states)
    E = cross_entropy(logits.flatten(0, 1), arrays["y"].flatten(0, 1), reduction="sum")
    E.backward()

    weight, bias = network.readout
    gradients = {"x": x.grad, weight: readout.weight.grad, bias: readout.bias.grad}
    for names, stacked in zip(network.first_states, first, strict=True):
        gradients.update(zip(names, stacked.grad, strict=True))
    for name, blocks in network.weights.items():
        chunks = recurrent.get_parameter(name).grad.chunk(len(blocks))
        gradients.update((b, chunk) for b, chunk in zip(blocks, chunks, strict=True) if b)
    return E.item(), {name: gradient.numpy() for name, gradient in gradients.items()}
