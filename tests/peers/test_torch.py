"""Emitted modules agree with PyTorch's own recurrent networks, weights copied, and its autograd."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="PyTorch, the peer of these tests, is not installed")

from codegen.build import STYLES
from tests.peers.by_torch import NETWORKS, by_torch
from tests.peers.comparison import DRAWS, TOLERANCE, drawn, emitted, relative_errors


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("cell", NETWORKS)
def test_loss_and_gradients_are_those_of_torch(cell: str, style: str, draw: str) -> None:
    params, data = drawn(cell, draw, NETWORKS[cell].equal_sizes)
    found = emitted(cell)[style].value_and_grad(params, data)
    errors = relative_errors(found, by_torch(cell, params, data))
    assert all(error <= TOLERANCE for error in errors.values()), errors
