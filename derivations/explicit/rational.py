"""Exact comparison: scalars as Laurent polynomials in their transcendental atoms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import reduce
from math import lcm

import sympy
from sympy import Add, Expr, Integer

from derivations.errors import UnsupportedError
from derivations.explicit.unrolled import Holds

#: Coefficients of monomials. A monomial is one integer, the sum of exponent · 2^(16 · place) over
#: its unknowns: monomials multiply by adding integers, and an exponent may be negative.
Polynomial = dict[int, Fraction]
_BITS = 16
_FILE = "derivations/explicit/rational.py"


class Scalars:
    """SymPy scalars as Laurent polynomials in unknowns, some of which stand for other polynomials.

    A sum that the network computes, and the inverse of any sum, is an unknown until a difference
    needs its meaning: what is never expanded stays small.
    """

    def __init__(self, intermediates: Iterator[Expr]) -> None:
        self._shared = {scalar for scalar in intermediates if scalar.is_Add}
        self._places: dict[object, int] = {}
        self._meanings: dict[int, tuple[int, Polynomial]] = {}  # place → (±1, p): it is p^(±1)
        self._roots: dict[int, tuple[Fraction, int]] = {}  # place → (b, q): it is b^(1/q)
        self._known: dict[Expr, Polynomial] = {}

    def are_equal(self, one: Expr, other: Expr) -> bool:
        """Tell whether two scalars are equal for all values of their unknowns."""
        difference = _sum(
            [self.polynomial(one), {m: -c for m, c in self.polynomial(other).items()}]
        )
        for kinds in ((-1,), (-1, 1)):  # inverses first: most differences vanish without the sums
            for place in sorted(self._meanings, reverse=True):  # a meaning has lower places only
                difference = self._reduced(difference)
                if self._meanings[place][0] in kinds and difference:
                    difference = self._without(place, difference)
        return not self._reduced(difference)

    def polynomial(self, scalar: Expr) -> Polynomial:
        """Return a scalar as a polynomial."""
        if scalar not in self._known:
            self._known[scalar] = self._made(scalar)
        return self._known[scalar]

    def _made(self, scalar: Expr) -> Polynomial:
        if scalar.is_Rational:
            return {0: Fraction(scalar.p, scalar.q)} if scalar else {}
        if scalar.is_Add:
            total = _sum(self.polynomial(term) for term in scalar.args)
            return self._unknown(scalar, meaning=(1, total)) if scalar in self._shared else total
        if scalar.is_Mul:
            return reduce(_product, (self.polynomial(factor) for factor in scalar.args))
        if isinstance(scalar, sympy.exp):  # SymPy merges exp(a) exp(b) into exp(a + b)
            return reduce(_product, map(self._exponential, Add.make_args(scalar.args[0])))
        if scalar.is_Pow and scalar.exp.is_Rational:
            return self._power(scalar.base, scalar.exp)
        if scalar.is_number and not scalar.is_finite:
            raise UnsupportedError(f"{_FILE} cannot compare {scalar}.")
        return self._unknown(scalar)

    def _unknown(
        self, key: object, exponent: int = 1, meaning: tuple[int, Polynomial] | None = None
    ) -> Polynomial:
        place = self._places.setdefault(key, len(self._places))
        if meaning is not None:
            self._meanings[place] = meaning
        return {exponent << (_BITS * place): Fraction(1)}

    def _exponential(self, term: Expr) -> Polynomial:
        number, rest = term.as_coeff_Mul(rational=True)
        part = lcm(2, number.q)  # halves, so that exp(−a²/2) exp(−a²/2) is exp(−a²)
        return self._unknown((sympy.exp, rest, part), int(number * part))

    def _power(self, base: Expr, exponent: Expr) -> Polynomial:
        if exponent.q != 1:
            root = self._unknown((sympy.root, base, exponent.q), int(exponent.p))
            if base.is_Rational:
                place = self._places[sympy.root, base, exponent.q]
                self._roots[place] = (Fraction(base.p, base.q), exponent.q)
            return root
        factor = self.polynomial(base)
        if exponent < 0 and len(factor) == 1:
            ((monomial, coefficient),) = factor.items()
            factor = {-monomial: 1 / coefficient}
        elif exponent < 0:
            if self.are_equal(base, Integer(0)):
                raise UnsupportedError(f"{_FILE} cannot divide by {base}, which is zero.")
            factor = self._unknown(frozenset(factor.items()), meaning=(-1, factor))
        return reduce(_product, [factor] * abs(int(exponent)))

    def _exponents(self, polynomial: Polynomial, place: int) -> Iterator[tuple[int, int, Fraction]]:
        """Yield the exponent of an unknown, the rest of the monomial, and the coefficient."""
        half, shift = 1 << (_BITS - 1), _BITS * place
        offset = half * (((1 << _BITS * len(self._places)) - 1) // ((1 << _BITS) - 1))
        for monomial, coefficient in polynomial.items():
            exponent = (((monomial + offset) >> shift) & (2 * half - 1)) - half
            yield exponent, monomial - (exponent << shift), coefficient

    def _reduced(self, polynomial: Polynomial) -> Polynomial:
        """Use that √2² = 2, and that an indicator, 0 or 1, is its own square."""
        for place, (base, order) in self._roots.items():
            polynomial = _sum(
                {rest + (k % order << (_BITS * place)): coefficient * base ** (k // order)}
                for k, rest, coefficient in self._exponents(polynomial, place)
            )
        for key, place in self._places.items():
            if isinstance(key, Holds):
                polynomial = _sum(
                    {rest + (min(k, 1) << (_BITS * place)): coefficient}
                    for k, rest, coefficient in self._exponents(polynomial, place)
                )
        return polynomial

    def _without(self, place: int, polynomial: Polynomial) -> Polynomial:
        """Put in what an unknown stands for; a common denominator is left out."""
        sign, meaning = self._meanings[place]
        parts: dict[int, Polynomial] = {}
        for exponent, rest, coefficient in self._exponents(polynomial, place):
            parts.setdefault(exponent * sign, {})[rest] = coefficient
        result: Polynomial = {}
        for exponent in range(max(parts), min(parts) - 1, -1):  # Horner's rule
            result = _sum([_product(result, meaning), parts.get(exponent, {})])
        return result


def _sum(polynomials: Iterable[Polynomial]) -> Polynomial:
    total: Polynomial = {}
    for polynomial in polynomials:
        for monomial, coefficient in polynomial.items():
            total[monomial] = total.get(monomial, Fraction(0)) + coefficient
    return {monomial: coefficient for monomial, coefficient in total.items() if coefficient}


def _product(left: Polynomial, right: Polynomial) -> Polynomial:
    return _sum({m + n: c * d for n, d in right.items()} for m, c in left.items())
