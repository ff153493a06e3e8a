"""Degrees instead of values: what the Schwartz–Zippel bound of an equation needs.

A value is a polynomial in random draws, in the answers of oracles, and in inverses of other values.
All entries of an array get one bound of its degree, in which an inverse counts as a variable; how
much the inverses add when a common denominator is made is kept apart (`Degree.denominators`).
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
    """A bound of the degrees of all entries of an array, and how deep inverses are nested in it."""

    degree: int
    level: int = 0
    shape: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def __add__(self, other: Degrees) -> Degrees:
        return self.join(other).of(np.broadcast_shapes(self.shape, other.shape))

    __sub__ = __add__

    def __neg__(self) -> Degrees:
        return self

    def __mul__(self, other: Degrees) -> Degrees:
        shape = np.broadcast_shapes(self.shape, other.shape)
        return Degrees(self.degree + other.degree, max(self.level, other.level), shape)

    def __matmul__(self, other: Degrees) -> Degrees:
        leading = np.broadcast_shapes(self.shape[:-2], other.shape[:-2])
        shape = (*leading, self.shape[-2], other.shape[-1])
        return Degrees(self.degree + other.degree, max(self.level, other.level), shape)

    def join(self, other: Degrees) -> Degrees:
        """Return what bounds both."""
        return Degrees(max(self.degree, other.degree), max(self.level, other.level), self.shape)

    def of(self, shape: tuple[int, ...]) -> Degrees:
        """Return the same degrees in another shape."""
        return replace(self, shape=shape)

    # What NumPy's arrays do with their shapes

    @property
    def T(self) -> Degrees:
        return self.of(self.shape[::-1])

    def transpose(self, *axes: int) -> Degrees:
        return self.of(tuple(self.shape[axis] for axis in axes))

    def reshape(self, *shape: int) -> Degrees:
        return self.of(_blank(self).reshape(shape).shape)

    def __getitem__(self, index: Any) -> Degrees:
        return self.of(_blank(self)[index].shape)


def _blank(degrees: Degrees) -> Any:
    return np.broadcast_to(np.False_, degrees.shape)


class Degree:
    """The arithmetic of degrees: a draw and an oracle's answer are variables.

    Equal answers to different questions are counted as if every pair of questions could collide.

    Attributes
    ----------
    questions : int
        How often an oracle was asked.
    largest : int
        The largest degree of a question.
    """

    def __init__(self) -> None:
        self.questions = 0
        self.largest = 1
        self._asked = 1
        self._inverted: dict[int, int] = {}

    @property
    def denominators(self) -> int:
        """By how much a common denominator multiplies a degree, at most.

        Let inverses of the first level be those of polynomials, of degrees that add up to w. Times
        the product of these polynomials to the power d, a value of degree d is a polynomial of
        degree d (1 + w) at most; and so on from level to level.
        """
        return math.prod(1 + weight for weight in self._inverted.values())

    def _variable(self, question: Degrees) -> Degrees:
        self.questions += self._asked
        self.largest = max(self.largest, question.degree)
        return Degrees(1)

    def _inverse(self, value: Degrees, count: int) -> Degrees:
        level = value.level + 1
        self._inverted[level] = self._inverted.get(level, 0) + count * value.degree
        return Degrees(1, level, value.shape)

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
        blanks = [np.concatenate([_blank(entry) for entry in row], axis=-1) for row in rows]
        bound = Degrees(0)
        for entry in (entry for row in rows for entry in row):
            bound = bound.join(entry)
        return bound.of(np.concatenate(blanks, axis=-2).shape)

    def scaled(self, number: Expr, array: Degrees) -> Degrees:
        return array

    def reduce(self, array: Degrees) -> Degrees:
        return array

    def reciprocal(self, array: Degrees) -> Degrees:
        return self._inverse(array, array.size)

    def function(self, function: ScalarFunction, order: int, array: Degrees) -> Degrees:
        self._asked = array.size
        entry = array.of(())
        if function.formula is None:
            found = self._variable(entry)
        else:
            found = evaluate_formula(derivative(function, order), entry, self)
        return found.of(array.shape)

    def unspecified_of(self, name: str, step: int, column: Degrees) -> tuple[Degrees, Degrees]:
        self._asked = column.size + 1
        self._variable(column)
        return Degrees(1, 0, (1, 1)), Degrees(1, 0, (1, column.size))

    # Scalars

    def number(self, value: Expr) -> Degrees:
        return Degrees(0)

    def reduce_one(self, value: Degrees) -> Degrees:
        return value

    def invert(self, value: Degrees) -> Degrees:
        return self._inverse(value, self._asked)

    def root_of_pi(self) -> Degrees:
        return Degrees(1)

    def square_root(self, base: Expr) -> Degrees:
        return Degrees(0)

    def is_positive(self, value: Degrees) -> bool:
        self._variable(value)
        return True

    def transcendental(self, name: str, value: Degrees) -> Degrees:
        return self._variable(value)
