"""The numbers that the judge computes with: residues modulo 2^61 − 1, and 50-digit reals.

Both compute with object arrays and answer the same questions, as `degrees.py` does: a number, a
random draw, the value of a scalar function. Draws and unspecified functions are hashes of what they
depend on, so nothing is stored and equal arguments have equal values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from hashlib import blake2b
from typing import Any, Protocol

import mpmath
import numpy as np
from numpy.typing import NDArray
from sympy import (
    Add,
    Expr,
    Integer,
    Mul,
    Piecewise,
    Pow,
    Rational,
    StrictGreaterThan,
    Symbol,
    erfc,
    exp,
    log,
    pi,
    tanh,
)

from derivations.activations import Atom, ScalarFunction

Array = NDArray[Any]

#: The modulus of the exact proofs, a Mersenne prime.
PRIME = 2**61 - 1
#: Digits of the real arithmetic that decides what residues cannot.
DIGITS = 50
#: Digits that the reals compute with, and digits to which two sides must agree there: a difference
#: that hides behind fifty digits is still seen.
WORKING_DIGITS, COMPARED_DIGITS = 140, 100


class Undecidable(Exception):
    """The residues cannot evaluate this; the reals will."""


class Ring(Protocol):
    """What sums and products of arrays need of a kind of number."""

    def reduce(self, array: Array) -> Array: ...
    def reciprocal(self, array: Array) -> Array: ...


class Numbers(Ring, Protocol):
    """A kind of number, one by one."""

    def number(self, value: Expr) -> Any: ...
    def draw(self, *key: object) -> Any: ...
    def function(self, function: ScalarFunction, order: int, array: Array) -> Array: ...
    def unspecified(self, name: str, step: int, values: Sequence[Any]) -> tuple[Any, list[Any]]: ...


class Arithmetic(Ring, Protocol):
    """A kind of number in whole arrays, as the judge computes with it."""

    def filled(self, shape: tuple[int, ...], value: int) -> Array: ...
    def identity(self, size: int) -> Array: ...
    def drawn(self, shape: tuple[int, int], *key: object, sums_to_one: bool) -> Array: ...
    def choose(self, count: int, *key: object) -> int: ...
    def block(self, rows: Sequence[Sequence[Array]]) -> Array: ...
    def scaled(self, number: Expr, array: Array) -> Array: ...
    def function(self, function: ScalarFunction, order: int, array: Array) -> Array: ...
    def unspecified_of(self, name: str, step: int, column: Array) -> tuple[Array, Array]: ...


class Scalars(Protocol):
    """What a formula in one variable needs of a kind of number."""

    def number(self, value: Expr) -> Any: ...
    def reduce_one(self, value: Any) -> Any: ...
    def invert(self, value: Any) -> Any: ...
    def root_of_pi(self) -> Any: ...
    def square_root(self, base: Expr) -> Any: ...
    def is_positive(self, value: Any) -> bool: ...
    def transcendental(self, name: str, value: Any) -> Any: ...


def _digest(*key: object) -> int:
    return int.from_bytes(blake2b(repr(key).encode(), digest_size=16).digest(), "big")


def elementwise(function: Callable[[Any], Any], array: Array) -> Array:
    result = np.empty(array.shape, dtype=object)
    for index in np.ndindex(*array.shape):
        result[index] = function(array[index])
    return result


@cache
def derivative(function: ScalarFunction, order: int) -> Expr:
    """Return a derivative of a scalar function, by sympy.diff."""
    return function.derivative(order)


def evaluate_formula(formula: Expr, value: Any, domain: Scalars) -> Any:
    """Evaluate a formula in one variable by walking it; what stands in it twice is asked once."""
    known: dict[Expr, Any] = {}

    def evaluated(formula: Expr) -> Any:
        if isinstance(formula, Symbol):
            return value
        if isinstance(formula, Rational):
            return domain.number(formula)
        if formula is pi:
            return domain.root_of_pi() * domain.root_of_pi()
        if formula not in known:
            known[formula] = compute(formula)
        return known[formula]

    def compute(formula: Expr) -> Any:
        if isinstance(formula, Add | Mul):
            result = evaluated(formula.args[0])
            for argument in formula.args[1:]:
                other = evaluated(argument)
                result = result + other if isinstance(formula, Add) else result * other
            return domain.reduce_one(result)
        if isinstance(formula, Pow):
            return _power(formula.base, formula.exp, evaluated, domain)
        if isinstance(formula, Atom):
            argument = evaluated(formula.args[0])
            return evaluate_formula(type(formula).formula(_X), argument, domain)
        if isinstance(formula, Piecewise):
            return _piece(formula, evaluated, domain)
        if isinstance(formula, exp | log | tanh | erfc):
            return domain.transcendental(type(formula).__name__, evaluated(formula.args[0]))
        raise Undecidable(f"the judge has no value for {type(formula).__name__}")

    return evaluated(formula)


_X = Symbol("x", real=True)


def _power(base: Expr, exponent: Expr, evaluated: Callable[[Expr], Any], domain: Scalars) -> Any:
    if isinstance(exponent, Rational) and exponent.q == 2 and not base.free_symbols:
        root = domain.root_of_pi() if base is pi else domain.square_root(base)
        return _integer_power(root, int(exponent.p), domain)
    if not (isinstance(exponent, Rational) and exponent.q == 1):
        raise Undecidable(f"the judge has no value for the power {exponent}")
    return _integer_power(evaluated(base), int(exponent), domain)


def _integer_power(base: Any, exponent: int, domain: Scalars) -> Any:
    if exponent < 0:
        base, exponent = domain.invert(base), -exponent
    result = domain.number(Rational(1))
    for _ in range(exponent):
        result = domain.reduce_one(result * base)
    return result


def _piece(formula: Piecewise, evaluated: Callable[[Expr], Any], domain: Scalars) -> Any:
    for expression, condition in formula.args:
        if condition == True:  # noqa: E712 - SymPy's true is no bool
            return evaluated(expression)
        if not isinstance(condition, StrictGreaterThan) or condition.rhs != 0:
            raise Undecidable(f"the judge cannot decide {condition}")
        if domain.is_positive(evaluated(condition.lhs)):
            return evaluated(expression)
    raise Undecidable("no piece applies")


class _ObjectArrays:
    """Arrays whose entries are Python numbers."""

    _seed: int

    def number(self, value: Expr) -> Any:
        raise AssertionError("every kind of number has its own")

    def draw(self, *key: object) -> Any:
        raise AssertionError("every kind of number has its own")

    def reduce(self, array: Array) -> Array:
        return array

    def filled(self, shape: tuple[int, ...], value: int) -> Array:
        return np.full(shape, self.number(Integer(value)), dtype=object)

    def identity(self, size: int) -> Array:
        result = self.filled((size, size), 0)
        np.fill_diagonal(result, self.number(Integer(1)))
        return result

    def drawn(self, shape: tuple[int, int], *key: object, sums_to_one: bool) -> Array:
        entries = np.empty(shape, dtype=object)
        for index in np.ndindex(*shape):
            entries[index] = self.draw(*key, *index)
        if sums_to_one:
            rest = self.filled((shape[1],), 1) - entries[:-1].sum(axis=0)
            entries[-1] = self.reduce(rest)
        return entries

    def choose(self, count: int, *key: object) -> int:
        return _digest(self._seed, "choice", key) % count

    def block(self, rows: Sequence[Sequence[Array]]) -> Array:
        return np.concatenate([np.concatenate(row, axis=-1) for row in rows], axis=-2)

    def scaled(self, number: Expr, array: Array) -> Array:
        return self.reduce(array * self.number(number))

    def unspecified(self, name: str, step: int, values: Sequence[Any]) -> tuple[Any, list[Any]]:
        raise AssertionError("every kind of number has its own")

    def unspecified_of(self, name: str, step: int, column: Array) -> tuple[Array, Array]:
        """Return the value of an unspecified function of a column, and its gradient as a row."""
        value, slopes = self.unspecified(name, step, list(column.flat))
        return np.array([[value]], dtype=object), np.array([slopes], dtype=object)


class Field(_ObjectArrays):
    """Integers modulo 2^61 − 1; transcendental functions are random oracles.

    Oracles are tied by what holds for the functions behind them and is needed to compare a
    derivative with its other forms: exp(−v) = 1/exp(v), exp(log v) = v, and of v and −v exactly
    one is positive.

    Parameters
    ----------
    seed : int
        Chooses the random point.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._logarithms: dict[int, int] = {}
        self._known: dict[tuple[str, int], dict[int, int]] = {}

    def number(self, value: Expr) -> int:
        return int(value.p) * pow(int(value.q), -1, PRIME) % PRIME

    def draw(self, *key: object) -> int:
        return _digest(self._seed, key) % PRIME

    def reduce(self, array: Array) -> Array:
        return array % PRIME

    def reduce_one(self, value: int) -> int:
        return value % PRIME

    def invert(self, value: int) -> int:
        if value == 0:
            raise ZeroDivisionError("a random point lies on a pole")
        return pow(value, -1, PRIME)

    def reciprocal(self, array: Array) -> Array:
        return elementwise(self.invert, array)

    def root_of_pi(self) -> int:
        return self.draw("root of pi")

    def square_root(self, base: Expr) -> int:
        """Return a root of a rational constant; the prime is 3 modulo 4."""
        value = self.number(base)
        root = pow(value, (PRIME + 1) // 4, PRIME)
        if root * root % PRIME != value:
            raise Undecidable(f"{base} has no root modulo 2^61 - 1")
        return root

    def is_positive(self, value: int) -> bool:
        if value == 0:
            return False
        smaller = min(value, PRIME - value)
        return bool(self.draw("positive", smaller) & 1) == (value == smaller)

    def transcendental(self, name: str, value: int) -> int:
        if name == "exp":
            return self._exp(value)
        result = self.draw(name, value)
        if name == "log":
            self._logarithms[result] = value
        return result

    def _exp(self, value: int) -> int:
        if value == 0:
            return 1
        if value in self._logarithms:
            return self._logarithms[value]
        if PRIME - value in self._logarithms:
            return self.invert(self._logarithms[PRIME - value])
        smaller = min(value, PRIME - value)
        result = self.draw("exp", smaller) or 1
        return result if value == smaller else self.invert(result)

    def function(self, function: ScalarFunction, order: int, array: Array) -> Array:
        if function.formula is None:
            return elementwise(lambda value: self.draw(function.name, order, value), array)
        formula = derivative(function, order)
        known = self._known.setdefault((function.name, order), {})

        def evaluated(value: int) -> int:
            if value not in known:
                known[value] = evaluate_formula(formula, value, self)
            return known[value]

        return elementwise(evaluated, array)

    def unspecified(self, name: str, step: int, values: Sequence[int]) -> tuple[int, list[int]]:
        """Return the value and the gradient of an unspecified function at a point."""
        key = (name, step, tuple(values))
        return self.draw(key), [self.draw(key, "slope", i) for i in range(len(values))]


class Real(_ObjectArrays):
    """Real numbers with many digits, for identities that only the functions themselves satisfy."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._context = mpmath.mp.clone()
        self._context.dps = WORKING_DIGITS

    def number(self, value: Expr) -> Any:
        return self._context.mpf(int(value.p)) / int(value.q)

    def draw(self, *key: object) -> Any:
        return self._context.mpf(_digest(self._seed, key) % PRIME) / PRIME * 2 - 1

    def reduce_one(self, value: Any) -> Any:
        return value

    def invert(self, value: Any) -> Any:
        return 1 / value

    def reciprocal(self, array: Array) -> Array:
        return elementwise(self.invert, array)

    def root_of_pi(self) -> Any:
        return self._context.sqrt(self._context.pi)

    def square_root(self, base: Expr) -> Any:
        return self._context.sqrt(self.number(base))

    def is_positive(self, value: Any) -> bool:
        return bool(value > 0)

    def transcendental(self, name: str, value: Any) -> Any:
        if name == "log" and value <= 0:
            raise Undecidable("the logarithm of a number that is not positive")
        return getattr(self._context, name)(value)

    def function(self, function: ScalarFunction, order: int, array: Array) -> Array:
        if function.formula is None:
            return elementwise(lambda value: self._smooth(function.name, order, value), array)
        formula = derivative(function, order)
        return elementwise(lambda value: evaluate_formula(formula, value, self), array)

    def _smooth(self, name: str, order: int, value: Any) -> Any:
        """Return a derivative of a sine with random amplitude, frequency and phase."""
        amplitude, frequency, phase = (self.draw(name, part) for part in ("a", "f", "p"))
        turned = frequency * value + phase + order * self._context.pi / 2
        return amplitude * frequency**order * self._context.sin(turned)

    def unspecified(self, name: str, step: int, values: Sequence[Any]) -> tuple[Any, list[Any]]:
        weights = [self.draw(name, step, i) for i in range(len(values))]
        inner = sum(w * v for w, v in zip(weights, values, strict=True))
        return self._context.sin(inner), [w * self._context.cos(inner) for w in weights]
