"""Scalar functions: what each name means, σ′ by SymPy, and σ′ written in terms of σ by SymPy.

A function is a formula in one variable. Four formulas are atoms of their own, because a formula in
exp would overflow where the function does not; an atom's derivative still comes from its formula.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from sympy import (
    Dummy,
    Expr,
    Function,
    Integer,
    Piecewise,
    Symbol,
    erfc,
    exp,
    log,
    simplify,
    solve,
    sqrt,
    tanh,
)

#: The variable of every formula in this file.
x = Symbol("x", real=True)


class Atom(Function):  # type: ignore[misc]
    """A scalar function that stays whole, so that every target can evaluate it without overflow."""

    @staticmethod
    def formula(argument: Expr) -> Expr:
        """Return what the function means."""
        raise AssertionError("every atom has a formula")

    def fdiff(self, argindex: int = 1) -> Expr:
        """Return the derivative, in terms of the function itself where SymPy finds such a form."""
        own = slope_from_output(self.formula(x))
        if own is not None:
            return own.subs(OUTPUT, self)
        return self.formula(x).diff(x).subs(x, self.args[0])


class sigmoid(Atom):
    """1 / (1 + exp(−x))."""

    @staticmethod
    def formula(argument: Expr) -> Expr:
        return 1 / (1 + exp(-argument))


class softplus(Atom):
    """log(1 + exp x)."""

    @staticmethod
    def formula(argument: Expr) -> Expr:
        return log(1 + exp(argument))


class normal_cdf(Atom):
    """Φ(x), the distribution function of the standard normal."""

    @staticmethod
    def formula(argument: Expr) -> Expr:
        return erfc(-argument / sqrt(2)) / 2


def written_out(formula: Expr) -> Expr:
    """Return a formula with its atoms replaced by what they mean.

    Examples
    --------
    >>> written_out(x * sigmoid(x))
    x/(1 + exp(-x))
    """
    while formula.atoms(Atom):
        formula = formula.replace(
            lambda e: isinstance(e, Atom), lambda e: type(e).formula(e.args[0])
        )
    return formula


#: Stands for σ(x) in a slope that is written in terms of σ.
OUTPUT = Dummy("s")


@dataclass(frozen=True)
class ScalarFunction:
    """A scalar function that is applied to every entry of a vector.

    Attributes
    ----------
    name : str
        The name under which it is chosen.
    formula : Expr or None
        Its formula in `x`; None for an unspecified function, of which nothing is known.

    Examples
    --------
    >>> FUNCTIONS["tanh"].derivative(1)
    1 - tanh(x)**2
    """

    name: str
    formula: Expr | None

    def derivative(self, order: int) -> Expr:
        """Return the derivative of an order, by sympy.diff."""
        if self.formula is None:
            raise AssertionError(f"{self.name} is unspecified: its derivatives are, too")
        return self.formula.diff(x, order) if order else self.formula

    @property
    def slope_from_output(self) -> Expr | None:
        """σ′ as an expression in `OUTPUT`, which stands for σ(x); None where there is none."""
        return None if self.formula is None else slope_from_output(self.formula)


@cache
def slope_from_output(formula: Expr) -> Expr | None:
    """Return σ′ written in terms of σ, if SymPy finds such a form.

    First the derivative itself, with σ(x) replaced; if x remains, σ(x) = s is solved for x. A form
    that needs an inverse function of its own (erfc⁻¹, Lambert's W) is no help and is not taken.

    Examples
    --------
    >>> slope_from_output(tanh(x)), slope_from_output(sigmoid.formula(x))
    (1 - _s**2, _s*(1 - _s))
    >>> slope_from_output(x * sigmoid(x)) is None
    True
    """
    if formula.has(Piecewise):  # each piece would need an inverse of its own
        return None
    direct = formula.diff(x).subs(formula, OUTPUT)
    if not direct.has(x):
        return direct
    try:
        inverses = solve(formula - OUTPUT, x)
    except (NotImplementedError, TypeError):
        return None
    slopes = {simplify(formula.diff(x).subs(x, inverse)) for inverse in inverses}
    if len(slopes) != 1:
        return None
    slope = slopes.pop()
    return slope if all(isinstance(call, exp) for call in slope.atoms(Function)) else None


def _functions() -> Mapping[str, ScalarFunction]:
    formulas = {
        "sigmoid": sigmoid(x),
        "tanh": tanh(x),
        "relu": Piecewise((x, x > 0), (Integer(0), True)),  # so that σ′(0) = 0
        "identity": x,
        "softplus": softplus(x),
        "gelu": x * normal_cdf(x),
        "silu": x * sigmoid(x),
        "exp": exp(x),
        "log": log(x),
    }
    return MappingProxyType({name: ScalarFunction(name, f) for name, f in formulas.items()})


#: Every scalar function that has a name of its own.
FUNCTIONS = _functions()

#: The names by which the σ of a model is chosen.
ACTIVATIONS = ("sigmoid", "tanh", "relu", "identity", "softplus", "gelu", "silu")
