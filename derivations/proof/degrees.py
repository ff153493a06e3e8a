"""Degrees instead of values: what the Schwartz–Zippel bound of an equation needs.

All entries of an array get one bound: an array is a shape, and the degrees of the numerator and the
denominator of a rational function in the random draws and the answers of the oracles.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sympy import Expr

from derivations.activations import ScalarFunction
from derivations.proof.arithmetic import derivative, evaluate_formula


@dataclass(frozen=True)
class Degrees:
    """The degrees of numerator and denominator, of all entries of an array of a shape."""

    above: int
    below: int
    shape: tuple[int, ...] = ()

    @property
    def degree(self) -> int:
        return self.above + self.below

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def __add__(self, other: Degrees) -> Degrees:
        shape = np.broadcast_shapes(self.shape, other.shape)
        above = max(self.above + other.below, other.above + self.below)
        return Degrees(above, self.below + other.below, shape)

    __sub__ = __add__

    def __neg__(self) -> Degrees:
        return self

    def __mul__(self, other: Degrees) -> Degrees:
        shape = np.broadcast_shapes(self.shape, other.shape)
        return Degrees(self.above + other.above, self.below + other.below, shape)

    def __matmul__(self, other: Degrees) -> Degrees:
        """Add up as many products as there are columns on the left."""
        count = self.shape[-1]
        above, below = self.above + other.above, self.below + other.below
        leading = np.broadcast_shapes(self.shape[:-2], other.shape[:-2])
        shape = (*leading, self.shape[-2], other.shape[-1])
        return Degrees(above + (count - 1) * below, count * below, shape)

    def join(self, other: Degrees) -> Degrees:
        """Return what bounds both."""
        return replace(self, above=max(self.above, other.above), below=max(self.below, other.below))

    # What NumPy's arrays do with their shapes

    @property
    def T(self) -> Degrees:
        return self.of(_shape(self).T)

    def transpose(self, *axes: int) -> Degrees:
        return self.of(_shape(self).transpose(axes))

    def reshape(self, *shape: int) -> Degrees:
        return self.of(_shape(self).reshape(shape))

    def __getitem__(self, index: Any) -> Degrees:
        return self.of(_shape(self)[index])

    def of(self, shaped: Any) -> Degrees:
        """Return the same degrees in another shape."""
        return replace(self, shape=shaped.shape)


def _shape(degrees: Degrees) -> Any:
    return np.broadcast_to(np.False_, degrees.shape)


class Degree:
    """The arithmetic of degrees: a draw and an oracle's answer are variables.

    Equal answers to different questions are counted as if every pair of questions could collide.
    """

    def __init__(self) -> None:
        self.questions = 0
        self.largest = 1
        self._asked = 1

    def _variable(self, question: Degrees) -> Degrees:
        self.questions += self._asked
        self.largest = max(self.largest, question.degree)
        return Degrees(1, 0)

    # Arrays

    def filled(self, shape: tuple[int, ...], value: int) -> Degrees:
        return Degrees(0, 0, shape)

    def identity(self, size: int) -> Degrees:
        return Degrees(0, 0, (size, size))

    def drawn(self, shape: tuple[int, int], *key: object, sums_to_one: bool) -> Degrees:
        return Degrees(1, 0, shape)

    def choose(self, count: int, *key: object) -> int:
        return 0

    def block(self, rows: Sequence[Sequence[Degrees]]) -> Degrees:
        shapes = [[np.broadcast_to(np.False_, entry.shape) for entry in row] for row in rows]
        whole = np.concatenate([np.concatenate(row, axis=-1) for row in shapes], axis=-2)
        bound = Degrees(0, 0)
        for row in rows:
            for entry in row:
                bound = bound.join(entry)
        return bound.of(whole)

    def scaled(self, number: Expr, array: Degrees) -> Degrees:
        return array

    def reduce(self, array: Degrees) -> Degrees:
        return array

    def reciprocal(self, array: Degrees) -> Degrees:
        return Degrees(array.below, array.above, array.shape)

    def function(self, function: ScalarFunction, order: int, array: Degrees) -> Degrees:
        self._asked = array.size
        entry = replace(array, shape=())
        if function.formula is None:
            found = self._variable(entry)
        else:
            found = evaluate_formula(derivative(function, order), entry, self)
        return replace(found, shape=array.shape)

    def unspecified_of(self, name: str, step: int, column: Degrees) -> tuple[Degrees, Degrees]:
        self._asked = column.size + 1
        self._variable(column)
        return Degrees(1, 0, (1, 1)), Degrees(1, 0, (1, column.size))

    # Scalars

    def number(self, value: Expr) -> Degrees:
        return Degrees(0, 0)

    def reduce_one(self, value: Degrees) -> Degrees:
        return value

    def invert(self, value: Degrees) -> Degrees:
        return Degrees(value.below, value.above)

    def root_of_pi(self) -> Degrees:
        return Degrees(1, 0)

    def square_root(self, base: Expr) -> Degrees:
        return Degrees(0, 0)

    def is_positive(self, value: Degrees) -> bool:
        self._variable(value)
        return True

    def is_variable(self, atom: str) -> bool:
        """Take 1 / (1 + e) for a variable: it is as evenly distributed as e = exp(−x) is.

        Where e itself stands in an equation, too, it is a quotient in this variable of degree 1,
        so that the degree at most doubles; the bound counts it twice.
        """
        return atom == "sigmoid"

    def transcendental(self, name: str, value: Degrees) -> Degrees:
        return self._variable(value)
