"""Probe and point → what is measured: one random network, by the emitted code.

A network runs once. Then time is walked back from its last step: at each step the emitted code
gives all rows of the Jacobian at once (its batch is the unit vectors), and what one use of the
parameters adds to the gradient. Whatever grows or shrinks over many steps is kept at norm one,
with the logarithm of its size beside it, so that no number of steps is too many.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from codegen.flow.network import RandomNetwork, random_network
from codegen.flow.point import Measured, Point
from codegen.flow.probe import Probe, Real, factor_of
from codegen.flow.trajectory import Trajectory, in_direction, loaded, run
from codegen.gradcheck.module import Arrays
from derivations.norms import Norm

#: So many rows of Jacobians are computed at once: what fits into a processor's cache.
ROWS = 1024
#: From natural to decimal logarithms.
LG = 1 / math.log(10)


def measure(probe: Probe, point: Point, *, terms: bool = True) -> Measured:
    """Measure how gradients flow through a random network.

    Parameters
    ----------
    probe : Probe
    point : Point
        Of the probe's model.
    terms : bool
        Whether the terms of the gradient are measured, which take most of the time; without it,
        `terms` and `inputs` are empty, and `gradient` is no number.

    Raises
    ------
    EmitError
        When the point asks for what the model does not have.

    Examples
    --------
    >>> from codegen.flow.point import Settings
    >>> from codegen.flow.probe import probe_of
    >>> from derivations import cell
    >>> probe = probe_of(cell("rnn", "identity"), "rnn")
    >>> point = Point("rnn", "identity", "orthogonal", "gain", 0.5, 0, Settings(steps=3, size=4))
    >>> [round(10**norm, 6) for norm in measure(probe, point).norms]
    [1.0, 0.5, 0.25, 0.125]
    """
    network = random_network(probe, loaded(probe.own_source), point)
    trajectory = run(probe, network, point.settings.steps)
    norms, exponents = _norms(trajectory)
    contributions = _contributions(trajectory, network) if terms else ((), (), math.nan)
    eigenvalues, radius, stretch = _spectrum(network)
    bounds, carry = _bounds(trajectory, network), _carry(trajectory)
    return Measured(
        *(norms, bounds, carry, *contributions, exponents, eigenvalues, radius, stretch)
    )


def _norms(trajectory: Trajectory) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return lg ‖∂s_T/∂s_{T−d}‖₂, and the Lyapunov exponents.

    The exponents are those of the transposed product, which has the same singular values: QR from
    the last step back (Benettin et al. 1980; Pikovsky and Politi, Lyapunov Exponents, section 3.2).
    During the first tenth of the steps the frame only turns towards the directions that grow most.
    """
    warming = trajectory.steps // 10
    size = sum(trajectory.entries)
    product, scale, norms = np.eye(size), 0.0, [0.0]
    frame, growth = np.eye(size), np.zeros(size)
    for step, jacobian in enumerate(backwards(trajectory)):
        product = product @ jacobian
        norm = float(np.linalg.norm(product, 2))
        scale += _log(norm)
        product = product / norm if norm else product
        norms.append(scale * LG)
        frame, triangle = np.linalg.qr(jacobian.T @ frame)
        if step >= warming:
            growth += _logs(np.diag(triangle))
    exponents = np.sort(growth / (trajectory.steps - warming))[::-1]
    return tuple(norms), tuple(exponents.tolist())


def backwards(trajectory: Trajectory) -> Iterator[Real]:
    """Yield the Jacobians of the steps, the last first."""
    chunk = max(1, ROWS // sum(trajectory.entries))
    for last in range(trajectory.steps, 0, -chunk):
        yield from trajectory.jacobians(max(1, last - chunk + 1), last)[::-1]


def _contributions(
    trajectory: Trajectory, network: RandomNetwork
) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """Return the sizes of the terms of ∂E_T/∂W and of ∂E_T/∂x_k by distance, and of the sum."""
    probe, steps = trajectory.probe, trajectory.steps
    found = _at_the_last_step(trajectory, network)
    adjoint = [found[member.own_name][0].ravel() for member in probe.members]
    terms, inputs, total = [], [], _Sum()
    scale = 0.0
    for step in range(steps, 0, -1):
        if step < steps:
            scale, adjoint = _unit(scale, adjoint)
            found = trajectory.ask([step], [adjoint[m] for m in _computed(probe)])
            adjoint = _handed_back(probe, found, adjoint)
        term = np.concatenate(
            [one.columns_in(found[one.name], network.sizes).ravel() for one in probe.recurrent]
        )
        moved = np.concatenate([np.empty(0), *(found[name].ravel() for name in probe.inputs)])
        terms.append((scale + _log(float(np.linalg.norm(term)))) * LG)
        inputs.append((scale + _log(float(np.linalg.norm(moved)))) * LG)
        total = total.plus(term, scale)
    return tuple(terms), tuple(inputs), total.size * LG


def _at_the_last_step(trajectory: Trajectory, network: RandomNetwork) -> Arrays:
    """Return the gradients of E_T by everything that its step is given."""
    probe = trajectory.probe
    module = loaded(probe.own_source)
    data = {}
    for name, axes in module.DATA.items():
        array = network.data[name]
        data[name] = in_direction(array, probe)[-1:] if axes[0] == "T" else array
    for member, state in zip(probe.members, trajectory.states, strict=True):
        data[member.own_name] = state[-2:-1]
    found: Arrays = module.value_and_grad(network.parameters, data)[1]
    return found


def _computed(probe: Probe) -> list[int]:
    """Return the places of the members that a step computes."""
    return [place for place, member in enumerate(probe.members) if member.source >= 0]


def _handed_back(probe: Probe, found: Arrays, adjoint: list[Real]) -> list[Real]:
    """Return the adjoint of the state before: what a member only keeps goes to what it kept."""
    before = [found[member.name][0].ravel() for member in probe.members]
    for place, member in enumerate(probe.members):
        if member.source < 0:
            before[-1 - member.source] = before[-1 - member.source] + adjoint[place]
    return before


def _unit(scale: float, adjoint: list[Real]) -> tuple[float, list[Real]]:
    """Return an adjoint at norm one, and the logarithm of its size; zero stays zero."""
    size = float(np.linalg.norm(np.concatenate(adjoint)))
    if not size:
        return -math.inf, adjoint
    return scale + math.log(size), [part / size for part in adjoint]


@dataclass(frozen=True)
class _Sum:
    """A sum of vectors of very different sizes: a vector, and the logarithm of its scale."""

    vector: Real | None = None
    scale: float = -math.inf

    def plus(self, vector: Real, scale: float) -> _Sum:
        if scale == -math.inf:
            return self
        if self.vector is None:
            return _Sum(vector, scale)
        largest = max(self.scale, scale)
        kept = self.vector * math.exp(self.scale - largest)
        return _Sum(kept + vector * math.exp(scale - largest), largest)

    @property
    def size(self) -> float:
        if self.vector is None:
            return -math.inf
        return self.scale + _log(float(np.linalg.norm(self.vector)))


def _bounds(trajectory: Trajectory, network: RandomNetwork) -> tuple[float, ...]:
    """Return the logarithms of the bounds of ‖∂s_T/∂s_{T−d}‖₂."""
    bounds, watched = trajectory.probe.bounds, dict(trajectory.probe.watched)
    fixed = {
        norm: _size(norm, _parameter(norm, network)) for norm in bounds.norms if norm not in watched
    }
    # Where the bound is sharp, what is measured must not exceed it by its own rounding errors.
    outwards = 1 + 8 * sum(trajectory.entries) * np.finfo(float).eps
    steps = []
    for step in range(trajectory.steps):
        moving = {
            norm: _size(norm, trajectory.values[place][step]) for norm, place in watched.items()
        }
        steps.append(_log(bounds.step(fixed | moving) * outwards) * LG)
    return (0.0, *np.cumsum(steps[::-1]).tolist())


def _parameter(norm: Norm, network: RandomNetwork) -> Real:
    """Return the parameter in a norm, or the columns of it."""
    factor = factor_of(norm.expression)
    return factor.columns_in(network.parameters[factor.name], network.sizes)


def _size(norm: Norm, value: Real) -> float:
    """Return a norm in numbers."""
    if norm.kind == "2":
        return float(np.linalg.norm(value, 2))
    return float(np.abs(value).max())


def _carry(trajectory: Trajectory) -> tuple[float, ...]:
    """Return lg of the largest entry of the product of the carry gates."""
    if trajectory.probe.carry is None:
        return ()
    gates = trajectory.values[trajectory.probe.carry].reshape(trajectory.steps, -1)
    sums = np.cumsum(_logs(gates)[::-1], axis=0).max(axis=1)
    return (0.0, *(sums * LG).tolist())


def _spectrum(network: RandomNetwork) -> tuple[tuple[tuple[float, float], ...], float, float]:
    """Return the eigenvalues, their radius and the largest singular value of a parameter."""
    found = [_as_matrix(array) for array in network.recurrent]
    square = next((matrix for matrix in found if matrix.shape[0] == matrix.shape[1]), None)
    if square is None:
        return (), math.nan, max(float(np.linalg.norm(matrix, 2)) for matrix in found)
    values = np.linalg.eigvals(square).astype(complex)
    pairs = tuple((float(value.real), float(value.imag)) for value in values)
    return pairs, float(np.abs(values).max()), float(np.linalg.norm(square, 2))


def _as_matrix(array: Real) -> Real:
    """Return a matrix as it is, and a vector that acts entry by entry as a diagonal one."""
    return array if array.ndim == 2 else np.diag(array)


def _log(value: float) -> float:
    return math.log(value) if value else -math.inf


def _logs(values: Real) -> Real:
    with np.errstate(divide="ignore"):
        logs: Real = np.log(np.abs(values))
    return logs
