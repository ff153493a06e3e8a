"""Upper bounds of norms: ‖A B‖ ≤ ‖A‖ ‖B‖ and ‖A + B‖ ≤ ‖A‖ + ‖B‖, node by node.

A bound is a sum of products of norms that stay symbols, each with a number in front. Where the
entries of a vector on a diagonal are bounded whatever the network is, as σ′ and a gate are, the
number takes their place; else their largest size is a norm that stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import Literal, TypeAlias

from sympy import Expr, Integer, MatrixExpr, Rational, Transpose, ceiling

from derivations.algebra import add, multiply, quantities, split_coefficient, transpose
from derivations.expressions import (
    Diag,
    HadamardProduct,
    Identity,
    Kronecker,
    MatAdd,
    MatMul,
    Quantity,
    Scaled,
    Softmax,
    ZeroMatrix,
    is_scalar,
)
from derivations.model import Model
from derivations.notation.latex import latex
from derivations.ranges import entry_range


@dataclass(frozen=True)
class Norm:
    """A norm that stays a symbol.

    Attributes
    ----------
    expression : MatrixExpr
        Of what.
    kind : str
        ``2`` for the spectral norm of a matrix and the Euclidean norm of a vector, ``\\infty`` for
        the largest size of an entry, and nothing for the size of a scalar.
    """

    expression: MatrixExpr
    kind: Literal["2", "\\infty", ""]

    @property
    def latex(self) -> str:
        """The norm as it is displayed."""
        inside = latex(self.expression)
        if not self.kind:
            return f"\\left|{inside}\\right|"
        return f"\\left\\|{inside}\\right\\|_{self.kind}"


#: A product of norms, in the order of the factors.
Product: TypeAlias = tuple[Norm, ...]


@dataclass(frozen=True)
class Bound:
    """A sum of products of norms, each with a number in front; without terms it is zero."""

    terms: Mapping[Product, Expr]

    @property
    def norms(self) -> tuple[Norm, ...]:
        """The norms in it, each once."""
        return tuple(dict.fromkeys(norm for product in self.terms for norm in product))

    @property
    def latex(self) -> str:
        """The bound as it is displayed; a number without a short form is rounded up."""
        return " + ".join(map(_term, self.terms, self.terms.values())) or "0"

    def value(self, norms: Mapping[Norm, float]) -> float:
        """Return the bound in numbers.

        Examples
        --------
        >>> from derivations.expressions import MatrixSymbol
        >>> norm = Norm(MatrixSymbol("W", 2, 2), "2")
        >>> plus(bound_of(norm), constant(Rational(1, 4))).value({norm: 2.0})
        2.25
        """
        total = 0.0
        for product, number in self.terms.items():
            size = float(number)
            for norm in product:
                size *= norms[norm]
            total += size
        return total


def _term(product: Product, number: Expr) -> str:
    factors = " ".join(norm.latex for norm in product)
    if not factors:
        return number_latex(number)
    return factors if number == 1 else f"{number_latex(number)} {factors}"


def number_latex(number: Expr) -> str:
    """Return a number as LaTeX; one without a short form is rounded up, to four digits behind.

    Examples
    --------
    >>> from sympy import sqrt
    >>> number_latex(Rational(1, 4)), number_latex(sqrt(2))
    ('\\\\frac{1}{4}', '1.4143')
    """
    if number.is_Rational:
        return f"{number}" if number.is_Integer else f"\\frac{{{number.p}}}{{{number.q}}}"
    return f"{float(ceiling(number * 10**4) / 10**4):.4f}"


def constant(number: Expr) -> Bound:
    """Return a bound that is a number."""
    return Bound({(): number} if number else {})


def bound_of(norm: Norm) -> Bound:
    """Return a bound that is a norm."""
    return Bound({(norm,): Integer(1)})


def plus(*bounds: Bound) -> Bound:
    """Return the sum; equal products are taken together."""
    found: dict[Product, Expr] = {}
    for bound in bounds:
        for product, number in bound.terms.items():
            found[product] = found.get(product, Integer(0)) + number
    return Bound(found)


def times(*bounds: Bound) -> Bound:
    """Return the product, multiplied out."""
    found: dict[Product, Expr] = {(): Integer(1)}
    for bound in bounds:
        expanded: dict[Product, Expr] = {}
        for left, number in found.items():
            for right, other in bound.terms.items():
                product = left + right
                expanded[product] = expanded.get(product, Integer(0)) + number * other
        found = expanded
    return Bound(found)


@singledispatch
def norm_bound(expression: MatrixExpr, model: Model) -> Bound:
    """Return an upper bound of the spectral norm of an expression of step t.

    What has no rule in this file stays a norm: of a parameter, a derivative, a column.

    References
    ----------
    Golub, Van Loan, Matrix Computations, 4th edition, sections 2.3.2 and 2.3.3.

    Examples
    --------
    >>> from derivations import cell
    >>> from derivations.expressions import Elementwise
    >>> model = cell("rnn")
    >>> W, h = model.parameters[0], model.states[0]
    >>> print(norm_bound(multiply(Diag(Elementwise("tanh", 1, h)), W), model).latex)
    \\left\\|W_{rec}\\right\\|_2
    """
    if is_scalar(expression):
        return entry_bound(expression, model)
    return bound_of(Norm(expression, "2"))


@norm_bound.register
def bound_of_sum(expression: MatAdd, model: Model) -> Bound:
    if _is_softmax_jacobian(expression, model):
        # Gershgorin: the sizes in row i of diag(p) - p pᵀ add up to 2 p_i (1 - p_i), at most ½.
        return constant(Rational(1, 2))
    return plus(*(norm_bound(term, model) for term in expression.args))


def _is_softmax_jacobian(expression: MatAdd, model: Model) -> bool:
    diagonal = expression.args[0]
    if not isinstance(diagonal, Diag):
        return False
    vector = diagonal.vector
    definition = model.definition(vector.name) if isinstance(vector, Quantity) else None
    value = vector if definition is None else definition.expression
    written = add(diagonal, multiply(-1, vector, transpose(vector)))
    return isinstance(value, Softmax) and expression == written


@norm_bound.register
def bound_of_product(expression: MatMul, model: Model) -> Bound:
    number, rest = split_coefficient(expression)
    factors = rest.args if isinstance(rest, MatMul) else (rest,)
    return times(constant(abs(number)), *(norm_bound(factor, model) for factor in factors))


@norm_bound.register
def bound_of_scaled(expression: Scaled, model: Model) -> Bound:
    return times(entry_bound(expression.scalar, model), norm_bound(expression.body, model))


@norm_bound.register
def bound_of_diagonal(expression: Diag, model: Model) -> Bound:
    return entry_bound(expression.vector, model)


@norm_bound.register
def bound_of_identity(expression: Identity, model: Model) -> Bound:
    return constant(Integer(1))


@norm_bound.register
def bound_of_zero(expression: ZeroMatrix, model: Model) -> Bound:
    return constant(Integer(0))


@norm_bound.register
def bound_of_transpose(expression: Transpose, model: Model) -> Bound:
    return norm_bound(expression.arg, model)


@norm_bound.register
def bound_of_kronecker(expression: Kronecker, model: Model) -> Bound:
    """‖A ⊗ B‖ = ‖A‖ ‖B‖."""
    return times(norm_bound(expression.left, model), norm_bound(expression.right, model))


def entry_bound(expression: MatrixExpr, model: Model) -> Bound:
    """Return an upper bound of the size of the entries of an expression of step t.

    Examples
    --------
    >>> from derivations import cell
    >>> model = cell("gru")
    >>> gate, state = model.definition("z").quantity, model.states[0]
    >>> print(entry_bound(add(gate, multiply(-1, state)), model).latex)
    1 + \\left\\|h_t\\right\\|_\\infty
    """
    if _is_bounded(expression, model):
        return constant(max(map(abs, entry_range(expression, model))))
    number, rest = split_coefficient(expression)
    if number != 1:
        return times(constant(abs(number)), entry_bound(rest, model))
    if isinstance(expression, MatAdd) and any(_is_bounded(term, model) for term in expression.args):
        return plus(*(entry_bound(term, model) for term in expression.args))
    if isinstance(expression, HadamardProduct):
        return times(*(entry_bound(factor, model) for factor in expression.args))
    if isinstance(expression, Scaled):
        return times(entry_bound(expression.scalar, model), entry_bound(expression.body, model))
    return bound_of(largest_entry(expression))


def largest_entry(expression: MatrixExpr) -> Norm:
    """Return the largest size of an entry, as a norm that stays."""
    return Norm(expression, "" if is_scalar(expression) else "\\infty")


def _is_bounded(expression: MatrixExpr, model: Model) -> bool:
    """Tell whether no entry can be arbitrarily large; the 1 in 1 - α is left where it stands."""
    is_constant = is_scalar(expression) and not list(quantities(expression))
    return not is_constant and all(end.is_finite for end in entry_range(expression, model))


__all__ = ["Bound", "Norm", "entry_bound", "norm_bound"]
