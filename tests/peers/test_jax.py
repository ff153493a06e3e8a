"""Every emitted module agrees with JAX's gradients of forward functions written by hand."""

from __future__ import annotations

import pytest

pytest.importorskip("jax", reason="JAX, the peer of these tests, is not installed")

from codegen.build import STYLES
from derivations import cell_names
from tests.peers.by_jax import by_jax
from tests.peers.comparison import DRAWS, TOLERANCE, drawn, emitted, relative_errors
from tests.peers.forward_functions import FORWARD

# What JAX compiles for one cell serves the others too, so one worker takes them all.
pytestmark = pytest.mark.xdist_group("jax")


def test_every_cell_has_a_forward_function() -> None:
    assert sorted(FORWARD) == sorted(cell_names())


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("cell", cell_names())
def test_loss_and_gradients_are_those_of_jax(cell: str, style: str, draw: str) -> None:
    found = emitted(cell)[style].value_and_grad(*drawn(cell, draw))
    errors = relative_errors(found, by_jax(cell, draw))
    assert all(error <= TOLERANCE for error in errors.values()), errors
