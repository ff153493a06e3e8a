"""Degrees instead of values, entry by entry: how sure the exact agreement of a claim is."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr

from derivations.activations import ScalarFunction
from derivations.proof.arithmetic import Array, derivative, elementwise, evaluate_formula


class Fraction:
    """The degrees of a rational function's numerator and denominator, as an upper bound."""

    __slots__ = ("above", "below")

    def __init__(self, above: int, below: int) -> None:
        self.above = above
        self.below = below

    def __add__(self, other: Fraction) -> Fraction:
        above = max(self.above + other.below, other.above + self.below)
        return Fraction(above, self.below + other.below)

    __sub__ = __add__

    def __mul__(self, other: Fraction) -> Fraction:
        return Fraction(self.above + other.above, self.below + other.below)

    def __neg__(self) -> Fraction:
        return self

    @property
    def degree(self) -> int:
        return self.above + self.below


class Degree:
    """Degrees instead of values: what the Schwartz–Zippel bound of an equation needs.

    A draw and an oracle's answer are variables. Equal answers to different questions are counted
    as if every pair of questions could collide.
    """

    def __init__(self) -> None:
        self.questions = 0
        self.largest = 1

    def _variable(self, question: Fraction | None = None) -> Fraction:
        if question is not None:
            self.questions += 1
            self.largest = max(self.largest, question.degree)
        return Fraction(1, 0)

    def number(self, value: Expr) -> Fraction:
        return Fraction(0, 0)

    def draw(self, *key: object) -> Fraction:
        return self._variable()

    def reduce(self, array: Array) -> Array:
        return array

    def reduce_one(self, value: Fraction) -> Fraction:
        return value

    def invert(self, value: Fraction) -> Fraction:
        return Fraction(value.below, value.above)

    def reciprocal(self, array: Array) -> Array:
        return elementwise(self.invert, array)

    def root_of_pi(self) -> Fraction:
        return self._variable()

    def square_root(self, base: Expr) -> Fraction:
        return Fraction(0, 0)

    def is_positive(self, value: Fraction) -> bool:
        self._variable(value)
        return True

    def transcendental(self, name: str, value: Fraction) -> Fraction:
        return self._variable(value)

    def function(self, function: ScalarFunction, order: int, array: Array) -> Array:
        if function.formula is None:
            return elementwise(self._variable, array)
        formula = derivative(function, order)
        return elementwise(lambda value: evaluate_formula(formula, value, self), array)

    def unspecified(
        self, name: str, step: int, values: Sequence[Fraction]
    ) -> tuple[Fraction, list[Fraction]]:
        question = max(values, key=lambda value: value.degree)
        return self._variable(question), [self._variable(question) for _ in values]
