"""The rules of sums and products of values, in a kind of number and under a reading."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from sympy import Integer, Rational

from derivations.claims.reading import Reading
from derivations.claims.values import (
    Mismatch,
    OutOfRange,
    Undefined,
    Value,
    identity,
    inverted,
)
from derivations.proof.arithmetic import Array, Numbers
from derivations.proof.evaluate import Dual, entrywise, mapped, plus, times

#: Larger exponents are refused; a power is a product of that many factors.
LARGEST_EXPONENT = 99


class Rules:
    """The rules of products and sums in a kind of number, under a reading."""

    def __init__(self, arithmetic: Numbers, reading: Reading) -> None:
        self.arithmetic = arithmetic
        self.reading = reading

    def number(self, value: Rational | int) -> Value:
        entry = np.empty((1, 1), dtype=object)
        entry[0, 0] = self.arithmetic.number(Rational(value))
        return Value(Dual(entry), number=True)

    # Sums

    def add(self, terms: Sequence[tuple[int, Value]]) -> Value:
        """Return a sum; numbers go to every entry of a vector, the identity to a matrix."""
        shaped = [v for _, v in terms if not (v.number or v.identity)]
        if not shaped:
            total = self._total([self._signed(sign, v) for sign, v in terms])
            return replace(total, number=all(v.number for _, v in terms))
        has_matrix = any(v.is_matrix or v.is_tensor for v in shaped)
        if has_matrix and self.reading.diagonal:
            terms = [(s, self._diagonal(v) if v.is_vector else v) for s, v in terms]
            shaped = [v for _, v in terms if not (v.number or v.identity)]
        rigid = [v for v in shaped if not v.flexible] or shaped
        shape = next((v.shape for v in rigid if not v.is_scalar), rigid[0].shape)
        made = []
        for sign, value in terms:
            fitted = self._fitted(value, shape)
            made.append(self._signed(sign, fitted))
        total = self._total(made)
        return Value(total.dual, flexible=all(v.flexible for v in shaped))

    def _fitted(self, value: Value, shape: tuple[int, ...]) -> Value:
        if value.identity:
            if len(shape) != 2 or shape[0] != shape[1]:
                raise Mismatch("The identity is added to something that is not square.")
            matrix = identity(shape[0], self.arithmetic)
            return Value(Dual(self.arithmetic.reduce(matrix * value.dual.value[0, 0])))
        if value.number:
            is_spread = len(shape) == 2 and 1 in shape
            if is_spread or not value.dual.value[0, 0]:
                return Value(Dual(np.full(shape, value.dual.value[0, 0], dtype=object)))
            if self.reading.diagonal and len(shape) == 2 and shape[0] == shape[1]:
                return self._fitted(replace(value, identity=True), shape)
            raise Mismatch("A number is added to a matrix.")
        fitted = value.as_shape(shape)
        if fitted.shape != shape:
            raise Mismatch(f"A sum of {_show(shape)} and {_show(fitted.shape)}.")
        return fitted

    def _signed(self, sign: int, value: Value) -> Value:
        if sign > 0:
            return value
        return replace(
            value,
            dual=mapped(value.dual, lambda array: self.arithmetic.reduce(-array))
            if not value.is_tensor
            else Dual(self.arithmetic.reduce(-value.dual.value)),
        )

    def _total(self, values: Sequence[Value]) -> Value:
        result = values[0]
        for value in values[1:]:
            result = replace(result, dual=plus(result.dual, value.dual, self.arithmetic))
        return result

    # Products

    def multiply(self, factors: Sequence[Value]) -> Value:
        """Return the product of factors that stand side by side."""
        if self.reading.diagonal == "left":
            factors = self._with_diagonals(factors)
        if self.reading.elementwise:
            factors = self._merged(factors)
        try:
            return self._multiplied(factors)
        except Mismatch:
            if self.reading.diagonal != "here":
                raise
            return self._multiplied(self._with_diagonals(factors))

    def _multiplied(self, factors: Sequence[Value]) -> Value:
        scalars = [f for f in factors if f.is_scalar and not f.is_tensor]
        shaped = [f for f in factors if not f.is_scalar]
        scale = self._scale(scalars)
        if not shaped:
            assert scale is not None
            return replace(
                scale,
                number=all(f.number for f in scalars),
                identity=any(f.identity for f in scalars),
            )
        product = self._conforming(shaped)
        return product if scale is None else self._scaled(product, scale)

    def _scale(self, scalars: Sequence[Value]) -> Value | None:
        result: Value | None = None
        for scalar in scalars:
            dual = (
                scalar.dual
                if result is None
                else entrywise(result.dual, scalar.dual, self.arithmetic)
            )
            result = Value(dual)
        return result

    def _scaled(self, value: Value, scale: Value) -> Value:
        if value.is_tensor:
            array = self.arithmetic.reduce(value.dual.value * scale.dual.value[0, 0])
            return replace(value, dual=Dual(array))
        return replace(value, dual=entrywise(value.dual, scale.dual, self.arithmetic))

    def _conforming(self, factors: Sequence[Value]) -> Value:
        """Multiply, turning flexible vectors until neighbours go together."""
        failure: Mismatch | None = None
        for oriented in _orientations(factors):
            try:
                return self._in_order(oriented)
            except Mismatch as error:
                failure = failure or error
        assert failure is not None
        raise failure

    def _in_order(self, factors: Sequence[Value]) -> Value:
        # Shapes first: they cost nothing.
        shape = factors[0].shape
        for factor in factors[1:]:
            shape = self._product_shape(shape, factor.shape)
        result = factors[0]
        for factor in factors[1:]:
            result = self._times(result, factor)
        is_flexible = any(f.flexible for f in factors) and result.is_vector
        return replace(result, flexible=is_flexible)

    def _product_shape(self, left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
        if left == (1, 1):
            return right
        if right == (1, 1):
            return left
        if len(left) == 2 and len(right) == 3 and left[1] == right[0]:
            return right[1:] if left[0] == 1 else (left[0], *right[1:])
        if len(left) == 3 and len(right) == 2 and self.reading.denominator:
            if right == (left[0], 1):
                return left[1:]
            if right[0] == left[0]:
                return (right[1], *left[1:])
        if len(left) == 2 and len(right) == 2 and left[1] == right[0]:
            return left[0], right[1]
        raise Mismatch(f"A product of {_show(left)} and {_show(right)}.")

    def _times(self, left: Value, right: Value) -> Value:
        if left.is_scalar:
            return self._scaled(right, left)
        if right.is_scalar:
            return self._scaled(left, right)
        reduce = self.arithmetic.reduce
        if right.is_tensor:
            array = reduce(np.tensordot(left.dual.value, right.dual.value, axes=(1, 0)))
            return Value(Dual(array[0] if array.shape[0] == 1 else array))
        if left.is_tensor:
            array = reduce(np.tensordot(right.dual.value, left.dual.value, axes=(0, 0)))
            return Value(Dual(array[0] if array.shape[0] == 1 else array))
        return Value(times(left.dual, right.dual, self.arithmetic))

    def _merged(self, factors: Sequence[Value]) -> list[Value]:
        """Multiply neighbouring vectors of one length entry by entry.

        A column and a row are no such neighbours: their product is the outer one. With a gradient
        among them the result may be turned like one.
        """
        merged: list[Value] = []
        standing: tuple[int, ...] | None = None  # how the rigid ones of the last group stand
        for factor in factors:
            before = merged[-1] if merged else None
            rigid = None if factor.flexible else factor.shape
            is_neighbour = (
                before is not None
                and before.is_vector
                and factor.is_vector
                and max(before.shape) == max(factor.shape)
                and (rigid is None or standing is None or rigid == standing)
            )
            if before is None or not is_neighbour:
                merged.append(factor)
                standing = rigid
                continue
            standing = standing or rigid
            shape = standing or before.shape
            pair = [v if v.shape == shape else v.turned() for v in (before, factor)]
            product = entrywise(pair[0].dual, pair[1].dual, self.arithmetic)
            merged[-1] = Value(product, before.flexible or factor.flexible)
        return merged

    def _with_diagonals(self, factors: Sequence[Value]) -> list[Value]:
        """Make diagonal matrices of the vectors in a product."""
        if not any(f.is_matrix or f.is_tensor for f in factors) and len(factors) < 2:
            return list(factors)
        diagonals = [self._diagonal(f) if f.is_vector and not f.flexible else f for f in factors]
        if self.reading.diagonal == "left":
            mine = [d for f, d in zip(factors, diagonals, strict=True) if d is not f]
            return [*mine, *(f for f, d in zip(factors, diagonals, strict=True) if d is f)]
        return diagonals

    def _diagonal(self, value: Value) -> Value:
        column = value if value.shape[1] == 1 else value.turned()
        ones = identity(column.shape[0], self.arithmetic)
        tangent = None if column.dual.tangent is None else column.dual.tangent * ones
        return Value(Dual(column.dual.value * ones, tangent))

    # Elementwise

    def hadamard(self, factors: Sequence[Value]) -> Value:
        """Return the elementwise product."""
        matrices = [f for f in factors if f.is_matrix or f.is_tensor]
        vectors = [f for f in factors if f.is_vector]
        if matrices and vectors and self.reading.diagonal:
            return self._multiplied(self._with_diagonals(factors))
        result = factors[0]
        for factor in factors[1:]:
            result = self._entrywise(result, factor)
        return result

    def _entrywise(self, left: Value, right: Value) -> Value:
        for one, other in ((left, right), (right, left)):
            if one.is_scalar:
                made = self._scaled(other, one)
                return replace(made, number=left.number and right.number)
        turned = right.as_shape(left.shape)
        if turned.shape != left.shape:
            left = left.as_shape(turned.shape)
        if turned.shape != left.shape or left.is_tensor:
            if self.reading.outer and left.is_vector and right.is_vector:
                column = left if left.shape[1] == 1 else left.turned()
                row = right if right.shape[0] == 1 else right.turned()
                return self._times(column, row)
            raise Mismatch(
                f"An elementwise product of {_show(left.shape)} and {_show(right.shape)}."
            )
        return Value(
            entrywise(left.dual, turned.dual, self.arithmetic), left.flexible and right.flexible
        )

    def outer(self, left: Value, right: Value) -> Value:
        """a bᵀ, however the two vectors stand."""
        if not (left.is_vector or left.is_scalar) or not (right.is_vector or right.is_scalar):
            raise Mismatch("An outer product is one of two vectors.")
        column = left if left.shape[1] == 1 else left.turned()
        row = right if right.shape[0] == 1 else right.turned()
        return self._times(column, row)

    def divide(self, above: Value, below: Value) -> Value:
        if below.is_tensor or above.is_tensor:
            if below.is_scalar:
                return self._scaled(above, Value(inverted(below.dual, self.arithmetic)))
            raise Mismatch("A tensor in a quotient.")
        quotient = Value(inverted(below.dual, self.arithmetic), below.flexible, below.number)
        if above.is_scalar or below.is_scalar:
            made = self._entrywise(above, quotient)
            return replace(made, number=above.number and below.number)
        return self._entrywise(above, quotient)

    def power(self, base: Value, exponent: int) -> Value:
        """Return an elementwise power of a vector, a matrix power of a square matrix.

        Raises
        ------
        Undefined
            For an exponent that nobody writes out.
        """
        if abs(exponent) > LARGEST_EXPONENT:
            raise Undefined(f"Exponents go up to {LARGEST_EXPONENT} here.")
        if base.is_tensor:
            raise Mismatch("A power of a tensor.")
        if base.is_matrix:
            return self._matrix_power(base, exponent)
        one = np.full(base.shape, self.arithmetic.number(Integer(1)), dtype=object)
        factor = base.dual if exponent >= 0 else inverted(base.dual, self.arithmetic)
        dual = Dual(one)
        for _ in range(abs(exponent)):
            dual = entrywise(dual, factor, self.arithmetic)
        return replace(base, dual=dual)

    def _matrix_power(self, base: Value, exponent: int) -> Value:
        if base.shape[0] != base.shape[1]:
            raise Mismatch("A power of a matrix that is not square.")
        if exponent < 0:
            raise OutOfRange("A negative power of a matrix.")
        result = Value(Dual(identity(base.shape[0], self.arithmetic)))
        for _ in range(exponent):
            result = self._times(result, base)
        return result

    def equalised(self, left: Value, right: Value) -> tuple[Array, Array]:
        """Return both sides in one shape.

        Raises
        ------
        Mismatch
            When a number is no vector, or a row no column.
        """
        if self.reading.diagonal:
            if left.is_matrix and right.is_vector:
                right = self._diagonal(right)
            elif right.is_matrix and left.is_vector:
                left = self._diagonal(left)
        for one, other, is_left in ((left, right, True), (right, left, False)):
            if (one.number or one.identity) and not other.is_scalar and not other.number:
                fitted = self._fitted(one, other.shape)
                return (
                    (fitted.dual.value, other.dual.value)
                    if is_left
                    else (other.dual.value, fitted.dual.value)
                )
        turned = right.as_shape(left.shape)
        if turned.shape != left.shape:
            left = left.as_shape(turned.shape)
        if turned.shape != left.shape:
            raise Mismatch(f"One side is {_show(left.shape)}, the other {_show(turned.shape)}.")
        return left.dual.value, turned.dual.value


def _orientations(factors: Sequence[Value]) -> Iterator[list[Value]]:
    """Yield the factors with flexible vectors as they are and turned; rows first."""
    choices: list[tuple[Value, ...]] = []
    for factor in factors:
        if factor.flexible and factor.is_vector:
            row = factor if factor.shape[0] == 1 else factor.turned()
            choices.append((row, row.turned()))
        else:
            choices.append((factor,))
    for chosen in itertools.product(*choices):
        yield list(chosen)


def _show(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
