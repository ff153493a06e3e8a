"""A random network of a point: its parameters as the point says, and data to run it on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from codegen.flow.point import Point
from codegen.flow.probe import Probe, Real, Recurrent
from codegen.gradcheck.module import Arrays, draw_arrays
from derivations.errors import EmitError


@dataclass(frozen=True)
class RandomNetwork:
    """Arrays of a network.

    Attributes
    ----------
    parameters : mapping of str to array
    data : mapping of str to array
        Of one sequence, as the model's own module takes it.
    recurrent : tuple of array
        The recurrent parameters of the probe: views of the columns that meet the state.
    sizes : mapping of str to int
        Of all axes.
    """

    parameters: Arrays
    data: Arrays
    recurrent: tuple[Real, ...]
    sizes: Mapping[str, int]


def sizes_of(module: ModuleType, size: int, steps: int) -> dict[str, int]:
    """Return the sizes of a module: one number for all axes but time and batch.

    Examples
    --------
    >>> from codegen.gradcheck.module import module_from_source
    >>> face = "PARAMS = {'W': ('n', 'm + n')}\\nDATA = {'x': ('T', 'B', 'm')}"
    >>> sizes_of(module_from_source(face), 5, 9)
    {'n': 5, 'm': 5, 'T': 9, 'B': 1}
    """
    axes = [axis for axes in (*module.PARAMS.values(), *module.DATA.values()) for axis in axes]
    names = dict.fromkeys(name for axis in axes for name in re.findall(r"[A-Za-z_]\w*", axis))
    fixed = {"T": steps, "B": 1}
    return {name: fixed.get(name, size) for name in names}


def random_network(probe: Probe, module: ModuleType, point: Point) -> RandomNetwork:
    """Draw the network of a point.

    Recurrent parameters are drawn as the point says and scaled. Other matrices are normal with
    deviation 1 / √(fan in), a vector that scales the state with 1 / √n, a scalar that does is
    uniform between 0 and 1, and what is only added is zero, or what the settings say where the
    model has such a bias. Inputs and first states are normal, with the deviation of the settings.

    Parameters
    ----------
    probe : Probe
    module : ModuleType
        The model's own.
    point : Point

    Raises
    ------
    EmitError
        When a spectral radius cannot be set.
    """
    settings = point.settings
    sizes = sizes_of(module, settings.size, settings.steps)
    arrays = draw_arrays(module, sizes, point.seed)
    generator = np.random.default_rng([point.seed, 1])
    parameters = {name: arrays[name] for name in module.PARAMS}
    for name in module.PARAMS:
        if parameters[name].ndim < 2:
            parameters[name] = _small(parameters[name], name in probe.factors, generator)
    recurrent = []
    for one in probe.recurrent:
        view = one.columns_in(parameters[one.name], sizes)
        drawn = INITIALISE[point.initialisation](generator, view.shape)
        view[...] = drawn * (point.value / _unit(drawn, one, point))
        recurrent.append(view)
    known = biases(probe, module)
    for name, value in settings.biases:
        if name in known:
            parameters[name][...] = value
    data = {name: arrays[name] for name in module.DATA}
    for name in (*probe.inputs, *(member.own_name for member in probe.members)):
        data[name] = data[name] * settings.input_scale
    return RandomNetwork(parameters, data, tuple(recurrent), sizes)


def biases(probe: Probe, module: ModuleType) -> tuple[str, ...]:
    """Return the vectors of a model that are only added, by their names in code.

    Examples
    --------
    >>> from codegen.flow.probe import probe_of
    >>> from codegen.flow.trajectory import loaded
    >>> from derivations import cell
    >>> probe = probe_of(cell("rnn"), "rnn")
    >>> biases(probe, loaded(probe.own_source))
    ('b', 'c')
    """
    return tuple(
        name for name, axes in module.PARAMS.items() if len(axes) == 1 and name not in probe.factors
    )


def _small(array: Real, is_factor: bool, generator: np.random.Generator) -> Real:
    """Return a vector or a scalar: zero, or a factor of the state."""
    if not is_factor:
        return np.zeros_like(array)
    if array.size == 1:
        return generator.uniform(size=1)
    drawn: Real = generator.standard_normal(array.size) / np.sqrt(array.size)
    return drawn


def _gaussian(generator: np.random.Generator, shape: tuple[int, ...]) -> Real:
    """Normal entries, of a matrix with deviation 1 / √(columns): its radius is about 1."""
    scale = np.sqrt(shape[1]) if len(shape) == 2 else 1.0
    return generator.standard_normal(shape) / scale


def _orthogonal(generator: np.random.Generator, shape: tuple[int, ...]) -> Real:
    """Orthogonal, uniformly drawn (Mezzadri 2007); signs for what acts entry by entry."""
    if len(shape) < 2:
        return generator.choice([-1.0, 1.0], shape)
    tall = generator.standard_normal((max(shape), min(shape)))
    q, r = np.linalg.qr(tall)
    frame: Real = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    return frame if shape[0] >= shape[1] else frame.T


def _identity(generator: np.random.Generator, shape: tuple[int, ...]) -> Real:
    return np.eye(shape[0], shape[1]) if len(shape) == 2 else np.ones(shape)


#: How a recurrent parameter is drawn: by name.
INITIALISE: Mapping[str, Callable[[np.random.Generator, tuple[int, ...]], Real]] = {
    "gaussian": _gaussian,
    "orthogonal": _orthogonal,
    "identity": _identity,
}


def _unit(drawn: Real, one: Recurrent, point: Point) -> float:
    """Return what a drawn parameter is divided by: 1, or its spectral radius."""
    if point.scale == "gain":
        return 1.0
    if drawn.ndim < 2:
        return float(np.abs(drawn).max())
    if drawn.shape[0] != drawn.shape[1]:
        raise EmitError(
            f"{one.name} is not square and has no spectral radius.", hint="Use --gain for this one."
        )
    return float(np.abs(np.linalg.eigvals(drawn)).max())
