"""Every emitted module agrees with JAX's gradients of forward functions written by hand."""

from __future__ import annotations

import pytest

pytest.importorskip("jax", reason="JAX, the peer of these tests, is not installed")

from derivations import cell_names
from tests.peers.by_jax import by_jax
from tests.peers.comparison import DRAWS, TOLERANCE, drawn, emitted, relative_errors
from tests.peers.forward_functions import FORWARD


def test_every_cell_has_a_forward_function() -> None:
    assert sorted(FORWARD) == sorted(cell_names())


# All styles in one test, since compiling for JAX takes most of the time and serves every style.
@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("cell", cell_names())
def test_loss_and_gradients_of_every_style_are_those_of_jax(cell: str, draw: str) -> None:
    params, data = drawn(cell, draw)
    for style, module in emitted(cell).items():
        errors = relative_errors(module.value_and_grad(params, data), by_jax(cell, draw))
        assert all(error <= TOLERANCE for error in errors.values()), (style, errors)
