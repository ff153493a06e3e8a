"""The Jacobian of every step of a sequence, beside the peers: `python -m benchmarks.flow`.

Ours is the emitted NumPy module with the unit vectors as its batch; JAX and PyTorch differentiate
one step of a cell that is written for them, vectorised over the steps: forward (`jacfwd`) and in
reverse (`jacrev`), the quicker of the two. Float64, one thread, JAX compiled before it is timed;
the Jacobians are compared before anything is timed. Times are medians of rounds that alternate.
"""

from __future__ import annotations

import os

# One thread for each, said before any of them starts its own.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from codegen.flow.measure import backwards
from codegen.flow.network import random_network
from codegen.flow.point import Point, Settings
from codegen.flow.probe import Probe, probe_of
from codegen.flow.trajectory import Trajectory, loaded, run
from derivations import cell

SIZES = ((100, 32), (1000, 32), (100, 128))
ROUNDS = 7
#: Of the largest difference: rounding in float64.
TOLERANCE = 1e-12

Jacobians = Callable[[], Any]


def rnn(xp: Any, p: Mapping[str, Any], state: Any, x: Any) -> Any:
    """One step of an Elman network, in the operations of JAX or PyTorch."""
    return xp.tanh(p["W_rec"] @ state + p["W_in"] @ x + p["b"])


def lstm(xp: Any, p: Mapping[str, Any], state: Any, x: Any) -> Any:
    """One step of an LSTM; its state is h above c."""
    size = p["b_i"].shape[0]
    h, c = state[:size], state[size:]
    sigmoid = torch.sigmoid if xp is torch else jax.nn.sigmoid
    i, f, o = (sigmoid(p[f"W_{g}"] @ x + p[f"U_{g}"] @ h + p[f"b_{g}"]) for g in "ifo")
    new = f * c + i * xp.tanh(p["W_g"] @ x + p["U_g"] @ h + p["b_g"])
    return xp.concatenate([o * xp.tanh(new), new])


STEPS = {"rnn": rnn, "lstm": lstm}


def contenders(name: str, trajectory: Trajectory) -> dict[str, Jacobians]:
    """Return what gives all Jacobians, (T, entries, entries)."""
    step = STEPS[name]
    states = np.concatenate([state[:-1] for state in trajectory.states], axis=1)
    inputs, parameters = trajectory.data["x"][:, 0], trajectory.parameters
    found: dict[str, Jacobians] = {"bptt": lambda: np.array(list(backwards(trajectory)))[::-1]}
    jax.config.update("jax_enable_x64", True)
    for way in ("jacfwd", "jacrev"):
        on_jax = {key: jnp.asarray(value) for key, value in parameters.items()}
        each = jax.jit(
            jax.vmap(getattr(jax, way)(lambda s, x, p=on_jax: step(jnp, p, s, x)), (0, 0))
        )
        at = jnp.asarray(states), jnp.asarray(inputs)
        found[f"jax.{way}"] = lambda each=each, at=at: each(*at).block_until_ready()
        on_torch = {key: torch.from_numpy(value) for key, value in parameters.items()}
        every = torch.func.vmap(
            getattr(torch.func, way)(lambda s, x, p=on_torch: step(torch, p, s, x))
        )
        there = torch.from_numpy(states), torch.from_numpy(np.ascontiguousarray(inputs))
        found[f"torch.{way}"] = lambda every=every, there=there: every(*there)
    return found


def measured(probe: Probe, steps: int, size: int) -> dict[str, float]:
    """Compare, then time in turn; seconds by contender."""
    point = Point(probe.name, "", "gaussian", "gain", 1.0, 0, Settings(steps=steps, size=size))
    network = random_network(probe, loaded(probe.own_source), point)
    calls = contenders(probe.name, run(probe, network, steps))
    expected = np.asarray(calls["bptt"]())
    for name, call in calls.items():
        assert np.abs(np.asarray(call()) - expected).max() < TOLERANCE, name
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: median(found) for name, found in times.items()}


def main() -> None:
    torch.set_num_threads(1)
    table = Table(box=None, pad_edge=False)
    heads = ("cell", "T, n", "bptt", "JAX", "PyTorch", "bptt / best peer")
    for head in heads:
        table.add_column(head, justify="left" if head == "cell" else "right")
    for name in STEPS:
        probe = probe_of(cell(name), name)
        for steps, size in SIZES:
            times = measured(probe, steps, size)
            peers = [
                min(times[f"{peer}.{way}"] for way in ("jacfwd", "jacrev"))
                for peer in ("jax", "torch")
            ]
            shown = [f"{1000 * seconds:.2f} ms" for seconds in (times["bptt"], *peers)]
            ratio = f"{times['bptt'] / min(peers):.2f}"
            table.add_row(name, f"{steps}, {size}", *shown, ratio)
    Console().print(table)


if __name__ == "__main__":
    main()
