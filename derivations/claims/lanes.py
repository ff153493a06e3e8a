"""Many networks at once: a number is a row of doubles, one double a network.

An evaluation costs what it costs in Python, whether a number is one double or two hundred. So an
inequality is looked at in hundreds of networks for the price of a few.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, lambdify

from derivations.activations import ScalarFunction, written_out, x
from derivations.claims.floating import NUMPY_FUNCTIONS, norms, radii
from derivations.proof.arithmetic import Array

Doubles = NDArray[np.float64]
#: What a draw is asked by: of a quantity its name, its step and a position.
Key = tuple[Any, ...]
#: How much a bound exceeds what it bounds is drawn by this and the name.
LOOSENESS = "looseness"


class Lanes:
    """A number in every network.

    Parameters
    ----------
    doubles : array of shape (networks,)

    Examples
    --------
    >>> (2 * Lanes(np.array([1.0, 3.0])) - 1).doubles
    array([1., 5.])
    """

    __slots__ = ("doubles",)

    def __init__(self, doubles: Doubles) -> None:
        self.doubles = doubles

    # Zeros and ones of identities are plain floats; to leave them out halves the work.

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Lanes):
            return Lanes(self.doubles + other.doubles)
        if isinstance(other, np.ndarray):
            return NotImplemented
        return self if other == 0 else Lanes(self.doubles + other)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Lanes):
            return Lanes(self.doubles * other.doubles)
        if isinstance(other, np.ndarray):
            return NotImplemented
        if other == 0:
            return 0.0
        return self if other == 1 else Lanes(self.doubles * other)

    __rmul__ = __mul__

    def __neg__(self) -> Lanes:
        return Lanes(-self.doubles)

    def __sub__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other


def doubles_of(array: Array, count: int) -> Doubles:
    """Return the entries of an array of `Lanes` and floats, networks first."""
    rows = [
        entry.doubles if isinstance(entry, Lanes) else np.full(count, float(entry))
        for entry in array.flat
    ]
    stacked = np.stack(rows, axis=1) if rows else np.zeros((count, 0))
    return stacked.reshape(count, *array.shape)


def lanes_of(doubles: Doubles) -> Array:
    """Return an array of `Lanes`; the reverse of `doubles_of`."""
    entries = np.moveaxis(doubles, 0, -1)
    result = np.empty(entries.shape[:-1], dtype=object)
    for index in np.ndindex(*result.shape):
        result[index] = Lanes(entries[index])
    return result


@cache
def _compiled(function: ScalarFunction, order: int) -> Callable[[Doubles], Any]:
    formula = written_out(function.derivative(order))
    made: Callable[[Doubles], Any] = lambdify(x, formula, [NUMPY_FUNCTIONS, "numpy"], cse=True)
    return made


class Networks:
    """The arithmetic of many networks; who computes with it tells NumPy to ignore overflows.

    Parameters
    ----------
    count : int
    draws : mapping of key to array of shape (count,)
        What is given.

    Attributes
    ----------
    draws : dict of key to array
        All that was given or drawn so far.
    sampler : callable or None
        Draws what is not given; without one it is zero.
    norms : set of shapes
        What norms were taken of.
    """

    def __init__(self, count: int, draws: Mapping[Key, Doubles] | None = None) -> None:
        self.count = count
        self.draws = dict(draws or {})
        self.sampler: Callable[[Key], Doubles] | None = None
        self.norms: set[tuple[int, ...]] = set()
        self._settled: dict[Key, Doubles] = {}

    def number(self, value: Expr) -> float:
        return float(value)

    def draw(self, *key: object) -> Lanes:
        return Lanes(self._drawn(key))

    def _drawn(self, key: Key) -> Doubles:
        if key in self._settled:
            return self._settled[key]
        if key not in self.draws:
            self.draws[key] = np.zeros(self.count) if self.sampler is None else self.sampler(key)
        return self.draws[key]

    def settle(self, name: str, step: int | None, value: Any) -> None:
        """Give a scalar quantity a value before anything asks for it."""
        doubles = value.doubles if isinstance(value, Lanes) else np.full(self.count, float(value))
        self._settled[name, step, 0, 0] = doubles

    def reduce(self, array: Array) -> Array:
        return array

    def reciprocal(self, array: Array) -> Array:
        return lanes_of(1.0 / doubles_of(array, self.count))

    def function(self, function: ScalarFunction, order: int, array: Array) -> Array:
        values = doubles_of(array, self.count)
        if function.formula is None:
            return lanes_of(self._smooth(function.name, order, values))
        result = np.asarray(_compiled(function, order)(values), dtype=float)
        return lanes_of(np.broadcast_to(result, values.shape))

    def _smooth(self, name: str, order: int, values: Doubles) -> Doubles:
        """Return a derivative of a sine with an amplitude, a frequency and a phase."""
        shape = (self.count, *[1] * (values.ndim - 1))
        amplitude, frequency, phase = (
            self._drawn((name, part)).reshape(shape) for part in ("a", "f", "p")
        )
        turned = frequency * values + phase + order * np.pi / 2
        result: Doubles = amplitude * frequency**order * np.sin(turned)
        return result

    def unspecified(self, name: str, step: int, values: Sequence[Any]) -> tuple[Lanes, list[Lanes]]:
        """Return the value and the gradient of a sine of a weighted sum, of any size and shift."""
        size, shift = self._drawn((name, step, "size")), self._drawn((name, step, "shift"))
        weights = [self._drawn((name, step, i)) for i in range(len(values))]
        pairs = zip(weights, doubles_of(np.array(values, dtype=object), self.count).T, strict=True)
        inner = np.sum([w * v for w, v in pairs], axis=0)
        slope = size * np.cos(inner)
        return Lanes(size * np.sin(inner) + shift), [Lanes(w * slope) for w in weights]

    def norm(self, array: Array, kind: str) -> Lanes:
        """Return a norm in every network."""
        self.norms.add(array.shape)
        return Lanes(norms(doubles_of(array, self.count), kind))

    def radius(self, array: Array) -> Lanes:
        """Return the largest absolute eigenvalue."""
        return Lanes(radii(doubles_of(array, self.count)))

    def largest(self, values: Sequence[Any]) -> Lanes:
        """Return the largest of some numbers, network by network."""
        return Lanes(np.max([doubles_of(np.array(v), self.count) for v in values], axis=0))

    def looseness(self, name: str) -> Lanes:
        """Return the factor by which a bound exceeds what it bounds: often one."""
        return Lanes(1 + np.maximum(self._drawn((LOOSENESS, name)), 0))
