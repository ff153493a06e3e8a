"""What the three tests share: a module at a point, the rounding there, and the comparison."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np

from codegen.gradcheck.module import Array, Arrays, value_and_gradients

MACHINE_EPSILON = float(np.finfo(np.float64).eps)

# An entry whose rounding level exceeds this part of its array's scale has not been compared: a
# factor of 1.0005 must stay visible.
RESOLUTION_LIMIT = 1e-4


@dataclass(frozen=True)
class Point:
    """A module together with all its arrays, parameters and data."""

    module: ModuleType
    arrays: Mapping[str, Array]
    computed_by: str = "value_and_grad"

    def arguments(self) -> tuple[Arrays, Arrays]:
        """Return parameters and data apart, as the module takes them."""
        params = {name: self.arrays[name] for name in self.module.PARAMS}
        return params, {name: self.arrays[name] for name in self.module.DATA}

    def value_and_gradients(self) -> tuple[float, Arrays]:
        """Return E and its gradients; their form is checked."""
        return value_and_gradients(self.module, *self.arguments())

    def value(self) -> float:
        """Return E; NaN where the module refuses to go."""
        compute = getattr(self.module, self.computed_by)
        with np.errstate(all="ignore"):
            try:
                return float(compute(*self.arguments())[0])
            except (ValueError, ArithmeticError):
                return math.nan

    def sped_up(self) -> Point:
        """Return the point whose values come from the forward pass alone, if that gives the same.

        It spares the way back and the checks of the arguments, most of the time of a test.
        """
        forward = getattr(self.module, "_forward", None)
        try:
            with np.errstate(all="ignore"):
                is_same = callable(forward) and forward(*self.arguments())[0] == self.value()
        except Exception:  # it is the module's own affair: some other function may have the name
            return self
        return replace(self, computed_by="_forward") if is_same else self

    def moved(self, changes: Mapping[str, Array]) -> Point:
        """Return the point with some arrays replaced."""
        return replace(self, arrays={**self.arrays, **changes})

    def along(self, direction: Mapping[str, Array], step: float) -> Point:
        """Return the point after a step in a direction."""
        return self.moved({name: self.arrays[name] + step * d for name, d in direction.items()})

    def direction(self, names: Collection[str], generator: np.random.Generator) -> Arrays:
        """Draw a standard normal direction through the named arrays."""
        shapes = {name: self.arrays[name].shape for name in names}
        return {n: np.asarray(generator.standard_normal(shape)) for n, shape in shapes.items()}


def rounding_level(
    point: Point, names: Collection[str], quantity: Callable[[Point], Array | float], step: float
) -> float:
    """Return how far a computed quantity may be from its exact value, measured and not guessed.

    A small sum of large terms is much less exact than its size says.  Third differences over tiny
    steps contain nothing but rounding (Moré, Wild 2011, SIAM J. Sci. Comput. 33: Estimating
    computational noise).  The median over directions is not moved by one that crosses a kink.
    """
    generator = np.random.default_rng(0)
    levels = []
    for _ in range(5):
        direction = point.direction(names, generator)
        samples = np.array([quantity(point.along(direction, step * k)) for k in range(10)])
        with np.errstate(all="ignore"):
            # The third difference of independent errors has 1 + 9 + 9 + 1 times their variance.
            variance = np.mean(np.diff(samples, 3, axis=0) ** 2, axis=0) / 20.0
        # Four deviations cover every one of some thousand evaluations.
        levels.append(4.0 * math.sqrt(float(np.max(variance))))
    return float(np.median(levels))


def rounding_of_value(point: Point, names: Collection[str], value: float) -> float:
    """Return the rounding level of E, which is `value` at the point."""
    # A step moves E by many of its last digits, and rarely reaches a kink.
    return max(MACHINE_EPSILON * abs(value), rounding_level(point, names, Point.value, 1e-10))


@dataclass(frozen=True)
class ArrayComparison:
    """What one test found about the gradient of one array.

    Attributes
    ----------
    name : str
    error : float
        max|measured − g| / max(max|g|, max|measured|) over the resolved entries, without a floor;
        0 if both sides are zero to rounding, NaN if a NaN or an infinity appeared.
    accepted : bool
        Whether the resolved entries agree up to the tolerance and rounding; a NaN never does.
    worst_index : tuple of int
    unresolved : int
        Entries that float64 could not compare: a kink on every step, or rounding too large.
    """

    name: str
    error: float
    accepted: bool
    worst_index: tuple[int, ...] = ()
    unresolved: int = 0

    def __str__(self) -> str:
        place = "" if self.accepted else f" at {list(self.worst_index)} FAILED"
        unresolved = f" ({self.unresolved} unresolved)" if self.unresolved else ""
        return f"{self.name} {self.error:.1e}{place}{unresolved}"


def compare(
    name: str, gradient: Array, measured: Array, rounding: Array | float, tolerance: float
) -> ArrayComparison:
    """Compare a gradient with what was measured, entry by entry.

    The rounding level of `measured` is infinite where nothing could be measured.

    Examples
    --------
    >>> print(compare("b", np.ones(2), np.array([1.0, 1.5]), 0.0, 1e-7))
    b 3.3e-01 at [1] FAILED
    >>> print(compare("b", np.zeros(2), np.array([0.0, 1e-17]), 1e-16, 1e-7))
    b 0.0e+00
    """
    rounding = np.broadcast_to(rounding, gradient.shape)
    measurable = np.isfinite(rounding)
    sizes = np.maximum(np.abs(gradient), np.where(measurable, np.abs(measured), 0.0))
    if np.all(measurable & (sizes <= rounding)):
        return ArrayComparison(name, 0.0, accepted=True)
    scale = float(np.max(sizes)) or 1.0
    resolved = measurable & ~(rounding > RESOLUTION_LIMIT * scale)
    with np.errstate(invalid="ignore"):
        difference = np.where(resolved, np.abs(measured - gradient), 0.0)
    # An infinite gradient is as wrong as a NaN, also where nothing was measured.
    difference = np.where(np.isfinite(sizes), difference, math.nan)
    return ArrayComparison(
        name,
        float(np.max(difference)) / scale,
        bool(np.all(difference <= tolerance * scale + rounding)),
        tuple(int(i) for i in np.unravel_index(int(np.argmax(difference)), gradient.shape)),
        int(np.sum(~resolved)),
    )
