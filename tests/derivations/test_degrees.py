"""The degrees that the judge's bound counts with are never smaller than the true ones."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Expr, Poly, fraction, symbols, together

from derivations.proof.degrees import Degree, Degrees

X = symbols("x0:4")

trees = st.recursive(
    st.sampled_from(X),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from("+*"), inner, inner), st.tuples(st.just("/"), inner)
    ),
    max_leaves=7,
)


def both(tree: object, arithmetic: Degree) -> tuple[Expr, Degrees]:
    if not isinstance(tree, tuple):
        return tree, Degrees(1)  # type: ignore[return-value]
    sign, *operands = tree
    (value, degrees), *others = (both(operand, arithmetic) for operand in operands)
    if sign == "/":
        return 1 / (1 + value), arithmetic.reciprocal(Degrees(0) + degrees)
    (other, other_degrees) = others[0]
    if sign == "+":
        return value + other, degrees + other_degrees
    return value * other, degrees * other_degrees


@settings(max_examples=150, deadline=None)
@given(trees)
def test_degrees_bound_quotients_of_polynomials(tree: object) -> None:
    value, degrees = both(tree, Degree())
    above, below = (Poly(part, *X).total_degree() for part in fraction(together(value)))
    assert above <= degrees.degree
    assert below <= degrees.denominator


def test_entries_of_an_array_share_one_denominator() -> None:
    found = Degree().reciprocal(Degrees(2, {}, (3, 1)))
    assert (found.degree, found.denominator, found.shape) == (4, 6, (3, 1))
    total = np.ones((1, 3)).shape
    assert (Degrees(1, {}, total) @ found).denominator == 6
