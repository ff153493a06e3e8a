"""Doubles as a kind of number: for norms and inequalities, and to show values to people."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, lambdify

from derivations.activations import ScalarFunction, written_out, x
from derivations.claims.values import Mismatch, Undefined
from derivations.claims.vocabulary import plain
from derivations.proof.arithmetic import Array

#: What SymPy's functions are in NumPy where NumPy itself does not say.
NUMPY_FUNCTIONS = {"erfc": np.vectorize(math.erfc, otypes=[float])}
#: Larger entries have squares that overflow; a matrix with one has no norm here.
LARGEST = 1e150
#: How people write which norm is meant; without a subscript it is the spectral one.
NORMS = {
    **dict.fromkeys(("", "2", "op", "sp"), "spectral"),
    **dict.fromkeys(("F", "Fro", "fro", "HS"), "Frobenius"),
    **dict.fromkeys(("\\infty", "∞", "inf", "infty"), "largest"),
    "1": "one",
}


def named_norm(kind: str) -> str:
    """Return which norm a subscript stands for.

    Raises
    ------
    Undefined
        For a norm that is not known.

    Examples
    --------
    >>> named_norm("\\\\text{F}"), named_norm("")
    ('Frobenius', 'spectral')
    """
    name = NORMS.get(plain(kind))
    if name is None:
        raise Undefined(f"The norm with the subscript {kind} is not explained.")
    return name


def norms(stack: NDArray[np.float64], kind: str) -> NDArray[np.float64]:
    """Return the norms of some arrays of one shape.

    A vector has the Euclidean norm where a matrix has the spectral one. A third-order array, the
    derivative of a vector by a matrix, is the matrix of its entries by those of the vector.

    Parameters
    ----------
    stack : array of shape (arrays, rows, columns) or (arrays, entries, rows, columns)
    kind : str
        The subscript of the norm.
    """
    stack = stack.reshape(*stack.shape[:2], -1)
    is_vector = 1 in stack.shape[1:]
    name = named_norm(kind)
    result: NDArray[np.float64]
    if name == "largest":
        result = np.abs(stack).max((1, 2)) if is_vector else np.abs(stack).sum(2).max(1)
        return result
    if name == "one":
        result = np.abs(stack).sum((1, 2)) if is_vector else np.abs(stack).sum(1).max(1)
        return result
    if name == "Frobenius" or is_vector:
        result = np.sqrt((stack**2).sum((1, 2)))
        return result
    result = np.full(len(stack), np.nan)
    is_small = (np.abs(stack) < LARGEST).all((1, 2))
    with contextlib.suppress(np.linalg.LinAlgError):
        result[is_small] = np.linalg.svd(stack[is_small], compute_uv=False).max(1, initial=0)
    return result


def radii(stack: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest absolute eigenvalue of each matrix.

    Raises
    ------
    Mismatch
        For matrices that are not square.
    """
    check_square(stack.shape[1:])
    result = np.full(len(stack), np.nan)
    is_small = (np.abs(stack) < LARGEST).all((1, 2))
    with contextlib.suppress(np.linalg.LinAlgError):
        result[is_small] = np.abs(np.linalg.eigvals(stack[is_small])).max(1, initial=0)
    return result


def check_square(shape: tuple[int, ...]) -> None:
    """Refuse what has no eigenvalues.

    Raises
    ------
    Mismatch
    """
    if len(shape) != 2 or shape[0] != shape[1]:
        raise Mismatch("Only a square matrix has eigenvalues.")


@cache
def _compiled(function: ScalarFunction, order: int) -> Callable[[Any], Any]:
    made: Callable[[Any], Any] = lambdify(x, written_out(function.derivative(order)), "math")
    return made


class Floating:
    """Double-precision numbers, drawn from a range that the seed and the scale decide.

    Parameters
    ----------
    seed : int
    scale : float
        Draws lie between minus this and this.
    """

    def __init__(self, seed: int, scale: float = 1.0) -> None:
        self._seed = seed
        self._scale = scale

    def number(self, value: Expr) -> float:
        return float(value)

    def draw(self, *key: object) -> float:
        digest = blake2b(repr((self._seed, key)).encode(), digest_size=8).digest()
        return (int.from_bytes(digest, "big") / 2**63 - 1) * self._scale

    def reduce(self, array: Array) -> Array:
        return array

    def reciprocal(self, array: Array) -> Array:
        if not np.all(array.astype(float)):
            raise ZeroDivisionError
        result: Array = 1.0 / array
        return result

    def function(self, function: ScalarFunction, order: int, array: Array) -> Array:
        result = np.empty(array.shape, dtype=object)
        for index in np.ndindex(*array.shape):
            value = float(array[index])
            if function.formula is None:
                result[index] = self._smooth(function.name, order, value)
            else:
                try:
                    result[index] = float(_compiled(function, order)(value))
                except (ValueError, OverflowError, ZeroDivisionError):
                    result[index] = float("nan")
        return result

    def _smooth(self, name: str, order: int, value: float) -> float:
        """Return a derivative of a sine with random amplitude, frequency and phase."""
        amplitude, frequency, phase = (self.draw(name, part) for part in ("a", "f", "p"))
        turned = frequency * value + phase + order * np.pi / 2
        return float(amplitude * frequency**order * np.sin(turned))

    def unspecified(
        self, name: str, step: int, values: Sequence[float]
    ) -> tuple[float, list[float]]:
        weights = [self.draw(name, step, i) for i in range(len(values))]
        inner = sum(w * v for w, v in zip(weights, values, strict=True))
        return float(np.sin(inner)), [float(w * np.cos(inner)) for w in weights]

    def norm(self, array: Array, kind: str) -> float:
        """Return a norm: the spectral one of a matrix, the Euclidean one of a vector."""
        return float(norms(array.astype(float)[np.newaxis], kind)[0])
