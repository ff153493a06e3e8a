"""The Taylor test: E(p + εd) − E(p) − ε⟨g, d⟩ shrinks like ε² if and only if g is the gradient."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from codegen.gradcheck.common import MACHINE_EPSILON, Point, rounding_of_value
from codegen.gradcheck.module import Array, Arrays

TAYLOR_ORDER_TOLERANCE = 0.05

DIRECTIONS = 3
STEPS = 0.5 ** np.arange(31)

# Below this step the curvature of any function drowns in rounding, and nothing says "linear".
SHORTEST_LINEAR_PIECE = 2.0**-16

# Points of a fit: enough for a slope, and too few to reach up to where the second-order term covers
# a small mistake.
WINDOW = 4


@dataclass(frozen=True)
class TaylorResult:
    """How fast the first-order Taylor remainder shrinks along one direction.

    "linear": the remainder is at round-off for every step up to the first kink, so that there is
    no order.  "unmeasurable": E is neither linear nor twice differentiable on any stretch of steps.
    """

    order: float | None
    kind: Literal["measured", "linear", "unmeasurable"]

    @property
    def distance(self) -> float:
        """The distance of the order from 2; 0 for a linear E, infinite without an order."""
        if self.kind == "linear":
            return 0.0
        return math.inf if self.order is None or math.isnan(self.order) else abs(self.order - 2.0)

    @property
    def accepted(self) -> bool:
        """Whether the order is 2, or E is linear and the remainder is nothing but round-off."""
        return self.distance <= TAYLOR_ORDER_TOLERANCE

    def __str__(self) -> str:
        found = self.kind if self.order is None else f"{self.order:.3f}"
        return found if self.accepted else f"{found} FAILED"


def taylor_test(point: Point, seed: int = 0) -> TaylorResult:
    """Measure the order of |E(p + εd) − E(p) − ε⟨g, d⟩| in ε; a right gradient has 2.

    The remainder of first order as in dolfin-adjoint (Farrell, Ham, Funke, Rognes 2013), along
    random directions through all parameters and differentiable data together.  Of several
    directions the worst is reported, since one alone may be orthogonal to a mistake.
    """
    value, gradients = point.value_and_gradients()
    noise = rounding_of_value(point, gradients, value)
    generator = np.random.default_rng(seed)
    directions = [point.direction(gradients, generator) for _ in range(2 * DIRECTIONS)]
    # Along the flattest ones the remainder is of third order wherever it rises above round-off.
    # The choice looks at E alone, so that it favours no gradient.
    curved = sorted(directions, key=lambda d: curvature(point, d, value))[DIRECTIONS:]
    results = [taylor_along(point, d, gradients, value, noise) for d in curved]
    return max(results, key=lambda result: result.distance)


def curvature(point: Point, direction: Arrays, value: float) -> float:
    """Return how much E bends along a direction, where it is `value` at the point."""
    step = 2.0**-10
    bend = (
        point.along(direction, step).value() - 2.0 * value + point.along(direction, -step).value()
    )
    return abs(bend) if math.isfinite(bend) else -1.0


def taylor_along(
    point: Point, direction: Arrays, gradients: Arrays, value: float, noise: float
) -> TaylorResult:
    """Measure the order of the remainder along one direction.

    The steps are chosen by E(+ε) − 2E(0) + E(−ε) alone: the smallest ones where it is above
    round-off and has order 2.  It does not contain g (for the same reason it cannot be the test
    itself: the symmetric remainder is blind to the gradient), and a kink or a fourth-order term
    would show in it.  The smallest steps, because there a slightly wrong gradient first shows.
    """
    slope = sum(float(np.sum(gradients[name] * d)) for name, d in direction.items())
    if not math.isfinite(slope):
        return TaylorResult(None, "unmeasurable")
    above = np.array([point.along(direction, step).value() for step in STEPS])
    below = np.array([point.along(direction, -step).value() for step in STEPS])
    with np.errstate(all="ignore"):
        bends = np.abs(above - 2.0 * value + below)
        remainders = np.abs(above - value - STEPS * slope)
        # Far away E is larger, and so is its rounding; ε⟨g, d⟩ is rounded too.
        sizes = np.maximum(np.maximum(np.abs(above), np.abs(below)), STEPS * abs(slope))
        rounding = 4.0 * np.maximum(noise, MACHINE_EPSILON * sizes)

    # No curvature: E is linear, for a relu up to the first kink on the way.  This comes first,
    # since far beyond a kink E may look smooth again.
    bent = np.flatnonzero(~(bends <= rounding))
    start = int(bent[-1]) + 1 if bent.size else 0
    if start < len(STEPS) and STEPS[start] >= SHORTEST_LINEAR_PIECE:
        if np.all(remainders[start:] <= rounding[start:]):
            return TaylorResult(None, "linear")
        # Linear along d, but not with this slope: the remainder has order 1.
        return TaylorResult(fitted_order(remainders[start : start + WINDOW]), "measured")

    for start in range(len(STEPS) - WINDOW, -1, -1):
        window = slice(start, start + WINDOW)
        if np.all(bends[window] > 64.0 * rounding[window]):
            # Each alone: beside a kink they run from large down to 1, and their mean may be 2.
            local_orders = -np.diff(np.log2(bends[window]))
            if np.all(np.abs(local_orders - 2.0) <= 0.02):
                return TaylorResult(fitted_order(remainders[window]), "measured")
    return TaylorResult(None, "unmeasurable")


def fitted_order(remainders: Array) -> float:
    """Return the exponent of a power law from its values at h, h/2, h/4, …, by least squares.

    Examples
    --------
    >>> round(fitted_order(7.0 * np.array([0.1, 0.05, 0.025]) ** 3), 12)
    3.0
    """
    if not np.all(remainders > 0.0):
        return math.nan
    halvings = np.arange(len(remainders))
    return -float(np.polyfit(halvings, np.log2(remainders), 1)[0])
