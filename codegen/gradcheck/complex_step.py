"""The complex step: Im E(x + ih) / h, which no subtraction spoils, is exact to rounding."""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection

import numpy as np

from codegen.gradcheck.common import ArrayComparison, Point, compare, rounding_level
from codegen.gradcheck.module import Array
from derivations.errors import VerificationError

COMPLEX_STEP_TOLERANCE = 1e-13

# h² underflows to an exact 0, so that products of imaginary parts vanish even where the real parts
# are 0 (with 1e-100, (0 + ih)³ leaves -1e-200 for a gradient that is 0), and h·g is a normal number
# for every gradient down to 1e-108.
COMPLEX_STEP = 1e-200


# What NumPy and careful modules raise on complex arrays, and NumPy's warning when it drops an
# imaginary part.
REFUSALS = (TypeError, ValueError, NotImplementedError, np.exceptions.ComplexWarning)


class RefusesComplexError(Exception):
    """The module does not take complex arrays, or loses their imaginary parts."""


def complex_derivatives(point: Point) -> tuple[ArrayComparison, ...] | None:
    """Compare every gradient with the complex step; None if the module refuses complex arrays.

    Squire, Trapp 1998, SIAM Review 40: Using complex variables to estimate derivatives.
    """
    _, gradients = point.value_and_gradients()
    try:
        return tuple(compare_array(point, gradients, name) for name in gradients)
    except RefusesComplexError:
        return None


def compare_array(point: Point, names: Collection[str], name: str) -> ArrayComparison:
    """Compare one gradient; `names` are all arrays that have one."""

    def both_sides(point: Point) -> Array:
        gradient = point.value_and_gradients()[1][name]
        return np.stack([gradient, imaginary_parts(point, names, name)])

    gradient, measured = both_sides(point)
    comparison = compare(name, gradient, measured, 0.0, COMPLEX_STEP_TOLERANCE)
    if comparison.accepted or not math.isfinite(comparison.error):
        return comparison
    # Perhaps both sides cancel to a small rest, and this is its rounding.  Both are asked: near
    # saturation the usual 1 − h² loses digits that the derivative itself does not lose.  The steps
    # are longer than for E, because there h hardly moves.
    level = rounding_level(point, names, both_sides, 1e-7)
    if not math.isfinite(level):  # it would explain anything
        return comparison
    # Where more digits are needed, the longer numbers have lost some, too.
    rounding = level + 2.0 * lost_digits(point, name, gradient)
    return compare(name, gradient, measured, rounding, COMPLEX_STEP_TOLERANCE)


def lost_digits(point: Point, name: str, gradient: Array) -> float:
    """Return how far a gradient is from the same computation with more digits.

    Not all rounding is noise: far in saturation, tanh is wrong by the same part of a digit over a
    long way, and 1 − h² by a thousand times that. A wrong gradient is wrong with more digits, too,
    so that this excuses none. Zero where the module or the machine knows no longer numbers.
    """
    extended = {
        n: array.astype(np.longdouble) if array.dtype.kind == "f" else array
        for n, array in point.arrays.items()
    }
    try:
        _, found = point.moved(extended).value_and_gradients()
    except VerificationError:
        return 0.0
    return float(np.max(np.abs(gradient - found[name])))


def imaginary_parts(point: Point, names: Collection[str], name: str) -> Array:
    """Return Im E(x + ih) / h for every entry of one array.

    All arrays that may move become complex: then a real E says that imaginary parts are lost, and
    not only that this one array does not act on E.
    """
    if not callable(getattr(point.module, "_forward", None)):
        raise RefusesComplexError
    point = point.moved({n: point.arrays[n].astype(np.complex128) for n in names})
    measured = np.empty(point.arrays[name].shape)
    for index in np.ndindex(*measured.shape):
        perturbed = point.arrays[name].copy()
        perturbed[index] += 1j * COMPLEX_STEP
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            try:
                value, _ = point.module._forward(*point.moved({name: perturbed}).arguments())
            except REFUSALS as error:
                raise RefusesComplexError from error
            except Exception as error:
                message = f"_forward fails on complex arrays: {type(error).__name__}: {error}"
                raise VerificationError(message) from error
        if not np.iscomplexobj(value):
            raise RefusesComplexError
        measured[index] = np.imag(value) / COMPLEX_STEP
    return measured
