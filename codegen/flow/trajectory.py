"""A network that has run once, and what the emitted code of one step says of each of its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, takewhile
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from codegen.flow.network import RandomNetwork
from codegen.flow.point import TooLarge
from codegen.flow.probe import Probe, Real
from codegen.gradcheck.module import Arrays, length, module_from_source
from derivations.notation.names import identifier
from derivations.pairing import pair


@dataclass(frozen=True)
class Trajectory:
    """States and other values of a network at every step.

    Attributes
    ----------
    probe : Probe
    module : ModuleType
        That of one step.
    parameters, data : mapping of str to array
        What the module takes, of a sequence of T steps; in the order in which the state runs.
    states : tuple of array
        Of each member of the state, (T + 1, entries): at 0 what is given.
    values : tuple of array
        Of each expression that the module pairs, (T, …): its value at the steps 1 … T.
    """

    probe: Probe
    module: ModuleType
    parameters: Arrays
    data: Arrays
    states: tuple[Real, ...]
    values: tuple[Real, ...]

    @property
    def steps(self) -> int:
        """T."""
        return len(self.states[0]) - 1

    @property
    def entries(self) -> tuple[int, ...]:
        """How many entries each member of the state has."""
        return tuple(state[0].size for state in self.states)

    def ask(self, steps: Sequence[int] | NDArray[np.intp], adjoints: Sequence[Real]) -> Arrays:
        """Return the gradients of one step by everything that it is given, many steps at once.

        Parameters
        ----------
        steps : sequence of int
            The step of each row of the batch, from 1 to T.
        adjoints : sequence of array
            For each member that a step computes, in their order, (rows, entries).
        """
        data = self._data(np.asarray(steps), adjoints)
        found: Arrays = self.module.value_and_grad(self.parameters, data)[1]
        return found

    def _data(self, steps: NDArray[np.intp], adjoints: Sequence[Real]) -> Arrays:
        """Return what a step is given, many steps at once; without adjoints they are zero."""
        before = steps - 1
        data = {name: array[before, 0][None] for name, array in self.data.items()}
        for member, state in zip(self.probe.members, self.states, strict=True):
            data[member.name] = state[before]
        for place, value in enumerate(self.values):
            shape = (1, len(before), *value.shape[1:])
            is_asked = place < len(adjoints)
            data[pair_name(place)] = adjoints[place].reshape(shape) if is_asked else np.zeros(shape)
        return data

    def jacobians(self, first: int, last: int) -> Real:
        """Return ∂s_t/∂s_{t−1} for t from first to last: (steps, entries, entries)."""
        members, entries = self.probe.members, self.entries
        ends = np.cumsum(entries)
        places = [slice(end - size, end) for end, size in zip(ends, entries, strict=True)]
        computed = [m for m, member in enumerate(members) if member.source >= 0]
        # Row r of the Jacobian of a step is the pullback of the unit vector r.
        unit = np.eye(sum(entries))[np.concatenate([np.r_[places[m]] for m in computed])]
        steps, rows = np.arange(first, last + 1, dtype=np.intp), len(unit)
        adjoints = [np.tile(unit[:, places[m]], (len(steps), 1)) for m in computed]
        # All rows of a step share its forward pass, whose values are repeated for each of them.
        module = loaded(self.probe.pullback_source)
        _, tape = module.forward(self.parameters, self._data(steps, ()))
        repeated = {name: np.repeat(array, rows, axis=1) for name, array in tape.items()}
        data = self._data(np.repeat(steps, rows), adjoints)
        found = module.backward(self.parameters, data, repeated)
        jacobians = np.zeros((len(steps), ends[-1], ends[-1]))
        pulled = np.concatenate(
            [found[member.name].reshape(len(steps), rows, -1) for member in members], axis=2
        )
        jacobians[:, unit.argmax(axis=1)] = pulled
        for m, member in enumerate(members):
            if member.source < 0:
                jacobians[:, places[m], places[-1 - member.source]] = np.eye(entries[m])
        return jacobians


@lru_cache
def pair_name(place: int) -> str:
    """Return what the data that an expression is paired with is called in code."""
    return identifier(pair(place))


def run(probe: Probe, network: RandomNetwork, steps: int) -> Trajectory:
    """Run a network once, by the emitted code of a step.

    Raises
    ------
    TooLarge
        When its states become too large for floating point.
    """
    module = loaded(probe.step_source)
    given = {member.name: network.data[member.own_name] for member in probe.members}
    pairs = list(takewhile(module.DATA.__contains__, map(pair_name, count())))
    timed = {
        name: in_direction(network.data[name], probe)
        for name in module.DATA
        if name not in given and name not in pairs
    }
    zeros = {
        name: np.zeros((steps, 1, *(length(axis, network.sizes) for axis in module.DATA[name][2:])))
        for name in pairs
    }
    parameters = {name: network.parameters[name] for name in module.PARAMS}
    with np.errstate(all="ignore"):
        found = module.value_and_grad(parameters, {**timed, **given, **zeros})[1]
    values = tuple(found[name][:, 0] for name in pairs)
    if not all(np.isfinite(value).all() for value in values):
        raise TooLarge(
            f"The states of a network of {probe.name} become too large for floating point.",
            hint="Choose fewer steps, or a smaller gain.",
        )
    states: list[Real] = []
    for member in probe.members:
        later = values[member.source] if member.source >= 0 else states[-1 - member.source][:-1]
        states.append(np.concatenate([given[member.name], later]))
    return Trajectory(probe, module, parameters, timed, tuple(states), values)


def in_direction(array: Real, probe: Probe) -> Real:
    """Return data of all steps in the order in which the state runs."""
    return array if probe.bounds.state.direction > 0 else array[::-1]


@lru_cache(maxsize=32)
def loaded(source: str) -> ModuleType:
    """Return the module of a source text; a worker needs each many times."""
    return module_from_source(source)
