"""Central differences, extrapolated, with steps chosen for each entry by the values of E alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from codegen.gradcheck.common import (
    MACHINE_EPSILON,
    ArrayComparison,
    Point,
    compare,
    rounding_of_value,
)
from codegen.gradcheck.module import Array

FINITE_DIFFERENCE_TOLERANCE = 1e-7

# Six halvings from each of these; the shortest step of all is 3e-8.
FIRST_STEPS = 0.25 * 0.25 ** np.arange(10)
HALVINGS = 0.5 ** np.arange(6)


class Estimate(NamedTuple):
    """An extrapolated number with its own estimate of its error, of which `rounding` is a part."""

    value: float
    error: float
    rounding: float


def central_differences(point: Point) -> tuple[ArrayComparison, ...]:
    """Compare every entry of every gradient with extrapolated central differences."""
    value, gradients = point.value_and_gradients()
    noise = rounding_of_value(point, gradients, value)
    return tuple(
        compare(name, g, *slopes(point, name, value, noise), FINITE_DIFFERENCE_TOLERANCE)
        for name, g in gradients.items()
    )


def slopes(point: Point, name: str, value: float, noise: float) -> tuple[Array, Array]:
    """Return the derivatives of E by the entries of one array, and their rounding levels."""
    array = point.arrays[name]
    measured, rounding = np.full(array.shape, math.nan), np.full(array.shape, math.inf)
    if not math.isfinite(value):
        return measured, np.zeros(array.shape)
    for index in np.ndindex(*array.shape):

        def value_at(entry: float, index: tuple[int, ...] = index) -> float:
            changed = array.copy()
            changed[index] = entry
            return point.moved({name: changed}).value()

        estimate = smooth_slope(value_at, array[index], value, noise)
        if estimate is not None:
            measured[index], rounding[index] = estimate.value, estimate.rounding
    return measured, rounding


def smooth_slope(
    value_at: Callable[[float], float], position: float, value: float, noise: float
) -> Estimate | None:
    """Return the derivative of a function of one number, or None if no step is good for it.

    A window of steps is taken only if the central differences in it converge, and if the second
    differences (E(+h) − 2E(0) + E(−h)) / h go to zero with h.  At a kink the latter go to its
    jump, and a kink inside the window spoils the former; then smaller steps are tried.  The
    analytic gradient is not seen here.  `noise` is the rounding level of the function, and `value`
    what it is at the position.

    Examples
    --------
    >>> abs(smooth_slope(math.exp, 1.0, math.e, 4e-16).value / math.e - 1.0) < 1e-12
    True
    >>> smooth_slope(lambda x: abs(x), 1e-9, 1e-9, 1e-16) is None
    True
    """
    for first_step in FIRST_STEPS:
        steps = first_step * HALVINGS
        upper, lower = position + steps, position - steps
        above = np.array([value_at(entry) for entry in upper])
        below = np.array([value_at(entry) for entry in lower])
        with np.errstate(all="ignore"):
            error = np.maximum(noise, MACHINE_EPSILON * np.maximum(np.abs(above), np.abs(below)))
            # The stencil that was really evaluated: position ± step is rounded.
            secants = (above - below) / (upper - lower)
            displacement = MACHINE_EPSILON * np.abs(position * secants)
            slope = extrapolate(secants, 2.0 * error / steps, first_power=2)
            bends = (above - 2.0 * value + below) / steps
            jump = extrapolate(bends, (4.0 * error + 2.0 * displacement) / steps, first_power=1)
        # A tenth of the tolerance, or nothing but rounding; both comparisons are false for NaN.
        small = 0.1 * FINITE_DIFFERENCE_TOLERANCE * abs(slope.value)
        converged = slope.error <= max(0.1 * small, 4.0 * slope.rounding)
        if converged and abs(jump.value) <= max(small, 4.0 * jump.rounding):
            return slope
    return None


def extrapolate(values: Array, roundings: Array, first_power: int) -> Estimate:
    """Extrapolate values at h, h/2, h/4, … to h = 0 and choose the best by their own spread.

    Ridders 1982, Advances in Engineering Software 4: Neville's tableau, its error estimated by the
    disagreement with both neighbours.  Rounding is carried along, so that two noisy numbers which
    agree by luck do not win.  The error is a series in h to the powers `first_power`,
    `first_power` + 2, ….

    Examples
    --------
    >>> steps = np.array([0.4, 0.2, 0.1, 0.05])
    >>> secants = (np.sin(1 + steps) - np.sin(1 - steps)) / (2 * steps)
    >>> abs(extrapolate(secants, np.full(4, 1e-16), first_power=2).value - math.cos(1)) < 1e-10
    True
    """
    best = Estimate(math.nan, math.inf, math.inf)
    for column in range(len(values) - 1):
        gain = 1.0 / (2.0 ** (first_power + 2 * column) - 1.0)
        longer, shorter = values[:-1], values[1:]
        values = shorter + gain * (shorter - longer)
        roundings = roundings[1:] + gain * (roundings[1:] + roundings[:-1])
        spread = np.maximum(np.abs(values - shorter), np.abs(values - longer))
        errors = np.nan_to_num(spread + roundings, nan=math.inf)
        place = int(np.argmin(errors))
        if errors[place] < best.error:
            best = Estimate(*(float(found[place]) for found in (values, errors, roundings)))
    return best
