"""A network small enough to follow by hand: given decimals, and the value of any expression.

Values come from the judge's evaluator (`derivations.proof`): values from the forward equations, and
derivatives in forward mode, so that a number in a handout is made by none of the formulas that it
illustrates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import MatrixExpr, Rational, Symbol

from codegen.storage import is_given_once
from derivations.derivation import Derivation
from derivations.expressions import FlatSize, Quantity, T
from derivations.proof.arithmetic import Array as ObjectArray
from derivations.proof.arithmetic import Real
from derivations.proof.evaluate import evaluate
from derivations.proof.network import Point, step_at
from derivations.proving import network_of
from derivations.recurrence import given_values

Array = NDArray[np.float64]

#: Every size of the network.
SIZE = 2
#: How many steps it has.
STEPS = 3
#: Digits behind the point of a computed number.
DIGITS = 4
#: The same of a number that is smaller than this: four would leave one or two of it.
DIGITS_OF_SMALL, SMALL = 6, 0.001
#: A power of ten stands before a matrix whose entries are all smaller than this.
SMALL_MATRIX = 0.01
_WORKING_DIGITS = 30


class _Decimals(Real):
    """Real numbers whose draws are decimals with one digit; one-hot data have their one entry.

    An unspecified function is linear: its gradient is drawn, which is what emitted code takes, too.
    """

    def __init__(self, seed: int, positive: frozenset[str]) -> None:
        super().__init__(seed)
        self._context.dps = _WORKING_DIGITS
        self._positive = positive

    def draw(self, *key: object) -> Any:
        tenths = self._choice(18, *key)
        is_negative = tenths >= 9 and key[0] not in self._positive
        return self.number(Rational(-1 if is_negative else 1, 10) * (tenths % 9 + 1))

    def drawn(self, shape: tuple[int, int], *key: object, sums_to_one: bool) -> ObjectArray:
        if not sums_to_one:
            return super().drawn(shape, *key, sums_to_one=False)
        entries = self.filled(shape, 0)
        for column in range(shape[1]):
            entries[self._choice(shape[0], *key, column), column] = self.number(Rational(1))
        return entries

    def unspecified(self, name: str, step: int, values: Sequence[Any]) -> tuple[Any, list[Any]]:
        slopes = [self.draw(name, step, place) for place in range(len(values))]
        return sum(s * v for s, v in zip(slopes, values, strict=True)), slopes

    def _choice(self, count: int, *key: object) -> int:
        digest = blake2b(repr((self._seed, key)).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % count


@dataclass(frozen=True)
class Example:
    """A derivation at one point.

    Attributes
    ----------
    derivation : Derivation
    steps : int
        The number of steps, T.
    point : Point
        The judge's view of it.
    """

    derivation: Derivation
    steps: int
    point: Point

    def value(self, expression: MatrixExpr, at: Mapping[Symbol, int] | None = None) -> Array:
        """Return what an expression is worth, its free steps being these.

        Raises
        ------
        StepError
            When a quantity has no such step.
        """
        found = evaluate(expression, self.point.environment(at or {})).value
        columns = expression.shape[1]
        if isinstance(columns, FlatSize) and expression.shape[0] == 1:
            found = found.reshape(*(self.point.size(axis) for axis in columns.args))
        return found.astype(float)

    @property
    def given(self) -> tuple[Quantity, ...]:
        """The data of every step and the given values of the states, at their steps."""
        model = self.derivation.model
        data = [
            one.at(step)
            for one in model.data
            for step in ([self.steps] if is_given_once(model, one.name) else self.every_step)
        ]
        first = [value for state in model.states for value in given_values(model, state)]
        return (*data, *(value.at(step_at(value.time, {T: self.steps})) for value in first))

    @property
    def every_step(self) -> range:
        """The steps from 1 to T."""
        return range(1, self.steps + 1)

    def label(self, label: Quantity) -> int:
        """Return which entry an integer label picks, counted from 0."""
        return self.point.arithmetic.choose(SIZE, label.name, int(label.time))


def example(
    derivation: Derivation,
    seed: int = 0,
    steps: int = STEPS,
    sizes: Mapping[Symbol, int] | None = None,
) -> Example:
    """Return a small network with decimals for everything that is given.

    Parameters
    ----------
    derivation : Derivation
        Proven, or not.
    seed : int
        Chooses the decimals.
    steps : int
        The number of steps, T.
    sizes : mapping of Symbol to int, optional
        What the sizes of the model are; without it, all are 2.

    Examples
    --------
    >>> from derivations import cell, derive
    >>> small = example(derive(cell("rnn")))
    >>> (gradient,) = [e for e in small.derivation.equations if e.label == "gradient:b"]
    >>> bool(abs(small.value(gradient.left) - small.value(gradient.right)).max() < 1e-15)
    True
    """
    network = network_of(derivation)
    sizes = sizes or dict.fromkeys(derivation.model.sizes, SIZE)
    arithmetic = _Decimals(seed, derivation.model.targets)
    return Example(derivation, steps, Point(network, arithmetic, sizes, steps))


def number(value: float) -> str:
    """Return a number to four decimal places, a small one to six; a decimal is written as it is.

    Examples
    --------
    >>> number(0.3), number(0.12345), number(-0.000123456), number(-0.0000001), number(2)
    ('0.3', '0.1235', '-0.000123', '0.000000', '2')
    """
    if _is_decimal(value):
        return _without_sign_of_zero(f"{value:.1f}".removesuffix(".0"))
    return _without_sign_of_zero(f"{value:.{DIGITS_OF_SMALL if abs(value) < SMALL else DIGITS}f}")


def _is_decimal(value: float) -> bool:
    return abs(value - round(value, 1)) < 1e-12


def _without_sign_of_zero(shown: str) -> str:
    return shown.removeprefix("-") if float(shown) == 0 else shown


def entries(values: Array) -> tuple[str, list[str]]:
    """Return a power of ten in LaTeX, or nothing, and the entries that it multiplies, as text.

    Where one entry is rounded, all are; where all are small, the power leaves them their digits.

    Examples
    --------
    >>> import numpy as np
    >>> entries(np.array([0.5, 0.12345])), entries(np.array([0.0, -0.0012345]))
    (('', ['0.5000', '0.1235']), ('10^{-3} ', ['0', '-1.2345']))
    """
    flat = [float(entry) for entry in values.flat]
    if all(map(_is_decimal, flat)):
        return "", list(map(number, flat))
    largest = max(map(abs, flat))
    exponent = math.floor(math.log10(largest)) if largest < SMALL_MATRIX else 0
    rounded = [
        _without_sign_of_zero(f"{entry / 10.0**exponent:.{DIGITS}f}") if entry else "0"
        for entry in flat
    ]
    return f"10^{{{exponent}}} " if exponent else "", rounded


def matrix(values: Array) -> str:
    """Return an array as LaTeX; one entry stands without brackets.

    Examples
    --------
    >>> import numpy as np
    >>> print(matrix(np.array([[0.5], [-1.0]])))
    \\begin{pmatrix} 0.5 \\\\ -1 \\end{pmatrix}
    """
    if values.size == 1:
        return number(float(values.flat[0]))
    power, shown = entries(values)
    width = values.shape[1]
    rows = [" & ".join(shown[start : start + width]) for start in range(0, len(shown), width)]
    return f"{power}\\begin{{pmatrix}} {f' {chr(92) * 2} '.join(rows)} \\end{{pmatrix}}"


__all__ = [
    "DIGITS",
    "DIGITS_OF_SMALL",
    "SIZE",
    "SMALL",
    "STEPS",
    "Example",
    "entries",
    "example",
    "matrix",
    "number",
]
