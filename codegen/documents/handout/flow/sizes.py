"""Logarithms as the numbers that prose says: two digits, whatever the size."""

from __future__ import annotations

import math


def size(logarithm: float) -> str:
    """Return 10 to the power of a number as LaTeX, to two digits.

    Examples
    --------
    >>> size(0.0), size(-0.5), size(2.001), size(-12.69), size(-math.inf)
    ('1.0', '0.32', '100', '2.0 \\\\cdot 10^{-13}', '0')
    """
    if logarithm == -math.inf:
        return "0"
    digits, exponent = f"{10.0 ** (logarithm % 1):.1e}".split("e")
    power = math.floor(logarithm) + int(exponent)
    if not -3 <= power <= 3:
        return f"{digits} \\cdot 10^{{{power}}}"
    value = float(digits) * 10.0**power
    return f"{value:.{max(0, 1 - power)}f}"


__all__ = ["size"]
