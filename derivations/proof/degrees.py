"""Degrees instead of values: what the Schwartz–Zippel bound of an equation needs.

A value is a quotient of polynomials in random draws and in the answers of oracles. All entries of
an array get one bound of their numerators' degrees, over one common denominator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sympy import Expr

from derivations.activations import ScalarFunction
from derivations.proof.arithmetic import derivative, evaluate_formula


@dataclass(frozen=True)
class Denominator:
    """What was divided by: the product of all entries of an array, as a polynomial of a degree."""

    number: int
    degree: int


@dataclass(frozen=True)
class Degrees:
    """A bound of the degrees of all entries of an array.

    Attributes
    ----------
    degree : int
        Of the numerators, over the common denominator.
    below : mapping of Denominator to int
        The common denominator: which polynomials, to which power.
    shape : tuple of int
    """

    degree: int
    below: Mapping[Denominator, int] = field(default_factory=dict)
    shape: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def denominator(self) -> int:
        """The degree of the common denominator."""
        return sum(power * one.degree for one, power in self.below.items())

    def __add__(self, other: Degrees) -> Degrees:
        return self.join(other).of(np.broadcast_shapes(self.shape, other.shape))

    __sub__ = __add__

    def __neg__(self) -> Degrees:
        return self

    def __mul__(self, other: Degrees) -> Degrees:
        return self._times(other, np.broadcast_shapes(self.shape, other.shape))

    def __matmul__(self, other: Degrees) -> Degrees:
        leading = np.broadcast_shapes(self.shape[:-2], other.shape[:-2])
        return self._times(other, (*leading, self.shape[-2], other.shape[-1]))

    def _times(self, other: Degrees, shape: tuple[int, ...]) -> Degrees:
        below = dict(self.below)
        for one, power in other.below.items():
            below[one] = below.get(one, 0) + power
        return Degrees(self.degree + other.degree, below, shape)

    def join(self, other: Degrees) -> Degrees:
        """Return what bounds both, over a denominator that both divide."""
        below = dict(self.below)
        for one, power in other.below.items():
            below[one] = max(below.get(one, 0), power)
        whole = sum(power * one.degree for one, power in below.items())
        degree = max(v.degree + whole - v.denominator for v in (self, other))
        return Degrees(degree, below, self.shape)

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
        The largest degree of a question, its denominator's included.
    """

    def __init__(self) -> None:
        self.questions = 0
        self.largest = 1
        self._asked = 1
        self._inverted = 0

    def _variable(self, question: Degrees) -> Degrees:
        self.questions += self._asked
        self.largest = max(self.largest, question.degree + question.denominator)
        return Degrees(1)

    def _inverse(self, value: Degrees, count: int) -> Degrees:
        """Return 1 / (N / D) = D / N; the entries share the product of all N as denominator."""
        self._inverted += 1
        degree = value.denominator + (count - 1) * value.degree
        return Degrees(degree, {Denominator(self._inverted, count * value.degree): 1}, value.shape)

    # Arrays

    def filled(self, shape: tuple[int, ...], value: int) -> Degrees:
        return Degrees(0, {}, shape)

    def identity(self, size: int) -> Degrees:
        return Degrees(0, {}, (size, size))

    def drawn(self, shape: tuple[int, int], *key: object, sums_to_one: bool) -> Degrees:
        return Degrees(1, {}, shape)

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
        return Degrees(1, {}, (1, 1)), Degrees(1, {}, (1, column.size))

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
