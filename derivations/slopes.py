"""The largest slope of a scalar function and where it is reached, and its values, by SymPy.

A bound such as σ′ ≤ ¼ is a statement about one function of one variable, and so can be proven: the
largest slope stands where the second derivative vanishes, or at an end of a piece. The largest and
the smallest value are found in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import mpmath
import numpy as np
from sympy import (
    ConditionSet,
    Dummy,
    Expr,
    FiniteSet,
    Float,
    Integer,
    Interval,
    Piecewise,
    S,
    Set,
    Union,
    cancel,
    exp,
    lambdify,
    limit,
    oo,
    simplify,
    solveset,
)
from sympy.calculus.util import continuous_domain

from derivations.activations import ScalarFunction, written_out, x
from derivations.errors import UnsupportedError

#: Digits of a point that has no closed form.
DIGITS = 30
#: Where such points are looked for, and in how many pieces.
WIDTH, PIECES = 40, 2000

#: A value, and a point that has it; None for a limit that is not reached.
Candidate = tuple[Expr, Expr | None]

#: Stands for exp x.
_EXPONENTIAL = Dummy("u", positive=True)


@dataclass(frozen=True)
class SlopeBound:
    """The least upper bound of |σ′|, and a point where it is reached.

    Attributes
    ----------
    supremum : Expr
        Exact where SymPy solves σ″ = 0, else a `Float` of thirty digits; ∞ if there is none.
    maximiser : Expr or None
        None where the supremum is a limit only.
    """

    supremum: Expr
    maximiser: Expr | None

    @property
    def attained(self) -> bool:
        """Whether the slope is as large as that anywhere."""
        return self.maximiser is not None


@cache
def slope_bound(function: ScalarFunction) -> SlopeBound:
    """Return the least upper bound of |σ′|, from the formula of σ alone.

    Raises
    ------
    UnsupportedError
        For an unspecified function.

    Examples
    --------
    >>> from derivations.activations import FUNCTIONS
    >>> slope_bound(FUNCTIONS["sigmoid"])
    SlopeBound(supremum=1/4, maximiser=0)
    >>> slope_bound(FUNCTIONS["softplus"]).attained
    False
    """
    if function.formula is None:
        raise UnsupportedError(f"Nothing is known of the slope of {function.name}.")
    slopes = [
        (abs(slope), point)
        for piece, interval in _smooth_intervals(function.formula)
        for slope, point in _candidates(piece.diff(x), interval)
    ]
    bound, point = max(slopes, key=lambda found: (found[0].n(DIGITS), found[1] is not None))
    return SlopeBound(simplify(bound), point)


@cache
def value_range(function: ScalarFunction) -> tuple[Expr, Expr]:
    """Return the largest lower and the least upper bound of σ, perhaps infinite.

    Raises
    ------
    UnsupportedError
        For an unspecified function.

    Examples
    --------
    >>> from derivations.activations import FUNCTIONS
    >>> value_range(FUNCTIONS["tanh"]), value_range(FUNCTIONS["relu"])
    ((-1, 1), (0, oo))
    """
    if function.formula is None:
        raise UnsupportedError(f"Nothing is known of the values of {function.name}.")
    values = [
        value
        for piece, interval in _smooth_intervals(function.formula)
        for value, _ in _candidates(piece, interval)
    ]
    low, high = (end(values, key=lambda value: value.n(DIGITS)) for end in (min, max))
    return simplify(low), simplify(high)


def smooth_pieces(formula: Expr) -> list[tuple[Expr, Set]]:
    """Return the smooth pieces of a formula, and where they hold, with its atoms written out.

    Examples
    --------
    >>> smooth_pieces(Piecewise((-x, x < 0), (x, True)))
    [(-x, Interval.open(-oo, 0)), (x, Interval(0, oo))]
    """
    formula = written_out(formula)
    if not isinstance(formula, Piecewise):
        return [(formula, _domain(formula))]
    rest, pieces = S.Reals, []
    for piece, condition in formula.args:
        domain = rest if condition == True else rest & condition.as_set()  # noqa: E712 - SymPy's
        pieces.append((piece, domain))
        rest -= domain
    return pieces


def _domain(formula: Expr) -> Set:
    try:
        return continuous_domain(formula, x, S.Reals)
    except NotImplementedError:  # SymPy does not say it of erfc, which is smooth everywhere
        return S.Reals


def _smooth_intervals(formula: Expr) -> Iterator[tuple[Expr, Interval]]:
    """Yield the smooth pieces of a formula with each open interval on which they hold."""
    for piece, domain in smooth_pieces(formula):
        for interval in _intervals(domain):
            yield piece, interval


def _intervals(domain: Set) -> list[Interval]:
    """Return the open intervals of a set; single points have no slope."""
    parts = domain.args if isinstance(domain, Union) else (domain,)
    return [part.interior for part in parts if isinstance(part, Interval) and part.interior]


def _candidates(formula: Expr, interval: Interval) -> list[Candidate]:
    """Return the values of a formula where it is level, and its limits at the ends."""
    if not formula.has(x):
        point = Integer(0) if 0 in interval else _inside(interval)
        return [(formula, point)]
    ends = ((interval.start, "+"), (interval.end, "-"))
    found: list[Candidate] = [(_limit(formula, end, side), None) for end, side in ends]
    level = solveset(formula.diff(x), x, interval)
    points = list(level) if isinstance(level, FiniteSet) else []
    if isinstance(level, ConditionSet):
        points = _roots(formula.diff(x), interval)
    elif not isinstance(level, FiniteSet) and level is not S.EmptySet:
        raise UnsupportedError(f"{formula} is level at too many points.")
    return found + [(formula.subs(x, point), point) for point in points]


def _limit(formula: Expr, end: Expr, side: str) -> Expr:
    """Return a limit; that of a quotient in exp x alone, as one in its value, is found at once."""
    rational = formula.rewrite(exp).subs(exp(x), _EXPONENTIAL)
    if not end.is_infinite or rational.has(x):
        return limit(formula, x, end, side)
    return limit(cancel(rational), _EXPONENTIAL, oo if end == oo else 0, "+")


def _inside(interval: Interval) -> Expr:
    if interval.start == -oo:
        return interval.end - 1
    return interval.start + 1 if interval.end == oo else (interval.start + interval.end) / 2


def _roots(formula: Expr, interval: Interval) -> list[Expr]:
    """Return the roots of a formula that has none in closed form, to thirty digits."""
    start, end = max(interval.start, -WIDTH), min(interval.end, WIDTH)
    grid = np.linspace(float(start), float(end), PIECES + 2)[1:-1]
    function = lambdify(x, formula, "mpmath")
    values = [function(mpmath.mpf(point)) for point in grid]
    with mpmath.workdps(DIGITS):
        return [
            Float(mpmath.findroot(function, (left, right), solver="anderson"), DIGITS)
            for left, right, a, b in zip(grid, grid[1:], values, values[1:], strict=False)
            if a * b < 0
        ]
