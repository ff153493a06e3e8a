"""Powers of a matrix whose norm grows before it falls: the spectral radius is not the norm.

For a matrix A = Q Λ Q⁻¹ the powers lie between ρ^d and κ(Q) ρ^d, where ρ is the largest size of an
eigenvalue and κ(Q) = ‖Q‖₂ ‖Q⁻¹‖₂. Where A is not normal, κ(Q) is more than 1, and the first powers
may grow although ρ < 1. Everything is exact, by SymPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sympy import Expr, ImmutableMatrix, Max, Rational

#: A triangular matrix: both eigenvalues are less than 1, and the entry beside them is not.
EXAMPLE = ImmutableMatrix([[Rational(1, 2), 4], [0, Rational(1, 4)]])


@dataclass(frozen=True)
class Power:
    """A power of a matrix.

    Attributes
    ----------
    exponent : int
    matrix : ImmutableMatrix
    lower, norm, upper : Expr
        ρ^d, ‖A^d‖₂ and κ(Q) ρ^d.
    """

    exponent: int
    matrix: ImmutableMatrix
    lower: Expr
    norm: Expr
    upper: Expr


def radius(matrix: ImmutableMatrix) -> Expr:
    """Return the largest size of an eigenvalue.

    Examples
    --------
    >>> radius(EXAMPLE)
    1/2
    """
    return Max(*map(abs, matrix.eigenvals()))


def largest_singular_value(matrix: ImmutableMatrix) -> Expr:
    """Return ‖A‖₂.

    Examples
    --------
    >>> largest_singular_value(ImmutableMatrix([[0, 4], [0, 0]]))
    4
    """
    return Max(*matrix.singular_values())


@cache
def condition(matrix: ImmutableMatrix) -> Expr:
    """Return κ(Q) of the eigenvectors of a matrix, each of length one.

    Examples
    --------
    >>> condition(ImmutableMatrix([[2, 1], [1, 2]]))
    1
    """
    vectors, _ = matrix.diagonalize(normalize=True)
    return largest_singular_value(vectors) * largest_singular_value(vectors.inv())


def powers(matrix: ImmutableMatrix, exponents: tuple[int, ...]) -> tuple[Power, ...]:
    """Return powers of a matrix that has a basis of eigenvectors.

    References
    ----------
    Golub, Van Loan, Matrix Computations, 4th edition, section 7.9.

    Examples
    --------
    >>> [power] = powers(EXAMPLE, (2,))
    >>> power.matrix, power.lower, bool(power.norm > 3)
    (Matrix([
    [1/4,    3],
    [  0, 1/16]]), 1/4, True)
    """
    found = []
    for exponent in exponents:
        power = ImmutableMatrix(matrix**exponent)
        lower = radius(matrix) ** exponent
        norm = largest_singular_value(power)
        found.append(Power(exponent, power, lower, norm, condition(matrix) * lower))
    return tuple(found)
