"""What the pieces of a claim are worth: matrices, vectors whose orientation is open, tensors.

A gradient of a scalar by a vector is written as a row by some and as a column by others, sometimes
in one chain; such a `Value` is flexible and takes the orientation that its neighbours need. A
derivative of a vector by a matrix is a tensor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from sympy import Integer

from derivations.errors import BpttError
from derivations.proof.arithmetic import Array, Numbers
from derivations.proof.evaluate import Dual


class Mismatch(BpttError):
    """Shapes that do not go together as written."""


class Undefined(BpttError):
    """A piece that has no meaning that could be evaluated."""


class OutOfRange(BpttError):
    """An instance that does not exist: a step before the first, an entry behind the last."""


@dataclass(frozen=True)
class Value:
    """The value of a term.

    Attributes
    ----------
    dual : Dual
        Of shape (rows, columns), or (entries, rows, columns) for a tensor.
    flexible : bool
        Whether a vector may be turned as its neighbours need.
    number : bool
        A plain number, which takes any shape.
    identity : bool
        A multiple of the identity, of any size.
    """

    dual: Dual
    flexible: bool = False
    number: bool = False
    identity: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.dual.value.shape)

    @property
    def is_scalar(self) -> bool:
        return self.shape == (1, 1)

    @property
    def is_tensor(self) -> bool:
        return len(self.shape) == 3

    @property
    def is_vector(self) -> bool:
        return not self.is_tensor and not self.is_scalar and 1 in self.shape

    @property
    def is_matrix(self) -> bool:
        return not self.is_tensor and 1 not in self.shape

    def turned(self) -> Value:
        """Return the transpose."""
        dual = self.dual
        tangent = None if dual.tangent is None else dual.tangent.transpose(0, 2, 1)
        return replace(self, dual=Dual(dual.value.T, tangent))

    def as_shape(self, shape: tuple[int, ...]) -> Value:
        """Return a flexible vector in the orientation of a shape, anything else as it is."""
        if self.flexible and self.shape != shape and self.shape[::-1] == shape:
            return self.turned()
        return self


def identity(size: int, numbers: Numbers) -> Array:
    """Return the identity matrix in a kind of number."""
    result = np.full((size, size), numbers.number(Integer(0)), dtype=object)
    for i in range(size):
        result[i, i] = numbers.number(Integer(1))
    return result


def inverted(dual: Dual, numbers: Numbers) -> Dual:
    """1/(u + εu̇) = 1/u − ε u̇/u², entry by entry."""
    value = numbers.reciprocal(dual.value)
    if dual.tangent is None:
        return Dual(value)
    return Dual(value, numbers.reduce(-dual.tangent * numbers.reduce(value * value)))
