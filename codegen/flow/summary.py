"""What the networks of a study have in common: quantiles over seeds, shares, and clipping.

Sizes are decimal logarithms, and −∞ is one of them. A quantile between two seeds would need
their difference, which is no number where both are −∞; so a quantile here is the value of a seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from codegen.flow.point import Measured
from derivations.errors import EmitError

Array = npt.NDArray[np.float64]
#: Quantiles that are shown: the median, and a band that four networks of five lie in.
QUANTILES = (0.1, 0.5, 0.9)
#: An exponent as small as this is that of a network that keeps its gradients, up to rounding.
ROUNDING = 1e-9


def quantile_curves(
    measured: Sequence[Measured],
    what: Callable[[Measured], Sequence[float]],
    quantiles: Sequence[float] = QUANTILES,
) -> Array:
    """Return quantiles over networks at every distance, one row a quantile.

    A quantile is the smallest value that a share of at least that size of the networks does not
    exceed (the inverse of the distribution function, definition 1 of Hyndman and Fan 1996).
    Networks in which `what` is empty, since it has no value there, are left out.

    Parameters
    ----------
    measured : sequence of Measured
        The networks of a group.
    what : callable
        Gives one number a distance, or nothing.
    quantiles : sequence of float
        Between 0 and 1.

    Returns
    -------
    ndarray
        Without columns where no network has a value.

    Examples
    --------
    >>> from types import SimpleNamespace as Network
    >>> three = [Network(norms=(0.0, size)) for size in (-1.0, -math.inf, 2.0)]
    >>> quantile_curves(three, lambda network: network.norms)
    array([[  0., -inf],
           [  0.,  -1.],
           [  0.,   2.]])
    """
    rows = [row for row in map(what, measured) if len(row)]
    if not rows:
        return np.empty((len(quantiles), 0))
    ordered = np.sort(np.array(rows, dtype=np.float64), axis=0)
    # 0.7 · 10 is 7.000000000000001 in floats, and would be the eighth of ten.
    ranks = [math.ceil(Fraction(str(quantile)) * len(rows)) for quantile in quantiles]
    return ordered[[max(rank, 1) - 1 for rank in ranks]]


def norms(measured: Measured) -> Sequence[float]:
    """Return lg ‖∂s_T/∂s_{T−d}‖₂."""
    return measured.norms


def bounds(measured: Measured) -> Sequence[float]:
    """Return the logarithms of the bound on these norms."""
    return measured.bounds


def carry(measured: Measured) -> Sequence[float]:
    """Return lg of the norm of the product of the carry gates alone; empty without such gates."""
    return measured.carry


def terms(measured: Measured) -> Sequence[float]:
    """Return lg of the size of each term of ∂E_T/∂W."""
    return measured.terms


def largest_exponent(measured: Measured) -> Sequence[float]:
    """Return the largest Lyapunov exponent, as one number; empty where none was measured."""
    return measured.exponents[:1]


def shares(measured: Measured) -> Sequence[float]:
    """Return lg of the share of each term in the sum of the sizes of all; empty for a sum of zero.

    Examples
    --------
    >>> from types import SimpleNamespace as Network
    >>> shares(Network(terms=(-4000.0, -4000.0, -math.inf)))  # two halves
    (-0.3010299956639812, -0.3010299956639812, -inf)
    """
    largest = max(measured.terms, default=-math.inf)
    if largest == -math.inf:
        return ()
    # Beside the largest, a term that 10 to its logarithm rounds to zero adds nothing to the sum.
    total = math.log10(math.fsum(10.0 ** (term - largest) for term in measured.terms))
    return tuple(term - largest - total for term in measured.terms)


def inputs(measured: Measured) -> Sequence[float]:
    """Return lg ‖∂E_T/∂x_{T−d}‖ less that at d = 0; empty where the loss ignores x_T.

    Examples
    --------
    >>> from types import SimpleNamespace as Network
    >>> inputs(Network(inputs=(-1.0, -3.5, -math.inf)))
    (0.0, -2.5, -inf)
    """
    if not measured.inputs or measured.inputs[0] == -math.inf:
        return ()
    return tuple(size - measured.inputs[0] for size in measured.inputs)


def clipped(measured: Measured, limit: float) -> Sequence[float]:
    """Return lg of the size of each term once the gradient is no longer than a limit.

    The gradient g becomes g · min(1, limit/‖g‖) (Pascanu, Mikolov and Bengio 2013), so every term
    is scaled alike, and its share stays what it was.

    Parameters
    ----------
    measured : Measured
    limit : float
        Above zero.

    Raises
    ------
    EmitError
        When the limit is not above zero.

    Examples
    --------
    >>> from types import SimpleNamespace as Network
    >>> clipped(Network(terms=(3.0, 1.0, -math.inf), gradient=3.0), limit=10.0)
    (1.0, -1.0, -inf)
    """
    if not limit > 0:
        hint = "Clip at a norm above zero, such as 1."
        raise EmitError(f"A gradient cannot be clipped at the norm {limit}.", hint=hint)
    return clipped_at(measured, math.log10(limit))


def clipped_at(measured: Measured, lg_limit: float) -> Sequence[float]:
    """Return the same for a limit by its logarithm, which may be too small for a float.

    Examples
    --------
    >>> from types import SimpleNamespace as Network
    >>> clipped_at(Network(terms=(-500.0, -501.0), gradient=-500.0), -502.0)
    (-502.0, -503.0)
    """
    factor = min(0.0, lg_limit - measured.gradient)
    return tuple(term + factor for term in measured.terms)


def verdict(measured: Sequence[Measured]) -> str:
    """Return what gradients of a group do, by the sign of the largest exponent.

    Returns
    -------
    str
        ``vanishes`` where its quantiles are below zero, ``explodes`` where they are above,
        and ``varies`` where zero lies between, up to rounding; ``unknown`` without exponents.

    Examples
    --------
    >>> from types import SimpleNamespace as Network
    >>> verdict([Network(exponents=(-0.2,)), Network(exponents=(-0.1,))])
    'vanishes'
    """
    exponents = quantile_curves(measured, largest_exponent)
    if not exponents.size:
        return "unknown"
    if exponents.max() < -ROUNDING:
        return "vanishes"
    return "explodes" if exponents.min() > ROUNDING else "varies"


def violations(measured: Sequence[Measured]) -> int:
    """Return how many norms exceed their bound, over all networks.

    The bounds are rounded outwards where they are computed (`codegen.flow.measure`).

    Examples
    --------
    >>> from types import SimpleNamespace as Network
    >>> violations([Network(norms=(0.0, 0.5, 1.0), bounds=(0.0, 0.4, 1.0))])
    1
    """
    return sum(
        norm > bound
        for network in measured
        for norm, bound in zip(network.norms, network.bounds, strict=True)
    )
