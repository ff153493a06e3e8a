"""What JAX differentiates of the forward functions."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from tests.peers.comparison import TARGETS, Result, drawn
from tests.peers.forward_functions import FORWARD

jax.config.update("jax_enable_x64", True)
# A program runs once, so compiling it well would take longer than it saves.
jax.config.update("jax_disable_most_optimizations", True)
COMPILER_OPTIONS = {"xla_cpu_use_fusion_emitters": False}


@cache
def by_jax(cell: str, draw: str) -> Result:
    """Return E and its gradients by everything but the targets."""
    params, data = drawn(cell, draw)
    arrays = {name: jnp.asarray(array) for name, array in {**params, **data}.items()}

    def loss(free: dict[str, jax.Array]) -> jax.Array:
        moved = {**arrays, **free}
        return FORWARD[cell](
            {name: moved[name] for name in params}, {name: moved[name] for name in data}
        )

    free = {name: array for name, array in arrays.items() if name not in TARGETS}
    program = jax.jit(jax.value_and_grad(loss)).lower(free)
    try:
        compiled = program.compile(COMPILER_OPTIONS)
    except jax.errors.JaxRuntimeError:  # another version may not know the option
        compiled = program.compile()
    value, gradients = compiled(free)
    assert value.dtype == jnp.float64
    return float(value), {name: np.asarray(gradient) for name, gradient in gradients.items()}
