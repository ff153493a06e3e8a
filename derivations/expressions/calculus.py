"""Derivatives as they are written, and what is repeated over steps: ∂u/∂v, Σ, ∏."""

from __future__ import annotations

from math import prod

from sympy import Basic, Expr, Integer, MatrixExpr, Symbol

from derivations.errors import ShapeError
from derivations.expressions.symbols import (
    FlatSize,
    as_expression,
    is_column,
    is_parameter,
    is_scalar,
    show_shape,
)


class Partial(MatrixExpr):  # type: ignore[misc]
    """The derivative ∂u/∂v, total, or immediate as ∂⁺u/∂v (everything of other steps held fixed).

    A vector by a vector is the Jacobian in numerator layout. A scalar by a matrix, or by a
    parameter of any kind, has the shape of that. Otherwise a matrix counts as the column of its
    entries, row by row: a vector by a matrix W has a column for every entry of W.

    References
    ----------
    Pascanu, Mikolov, Bengio, On the difficulty of training recurrent neural networks, 2013,
    equations (3) to (5), for the two kinds of derivative.
    """

    def __new__(cls, of: MatrixExpr, by: MatrixExpr, immediate: Basic | bool = False) -> Partial:
        return Basic.__new__(cls, of, by, Integer(1 if immediate else 0))

    @property
    def of(self) -> MatrixExpr:
        return self.args[0]

    @property
    def by(self) -> MatrixExpr:
        return self.args[1]

    @property
    def immediate(self) -> bool:
        return bool(self.args[2])

    @property
    def shape(self) -> tuple[Expr, Expr]:
        if is_scalar(self.of) and (is_parameter(self.by) or not is_column(self.by)):
            return self.by.shape
        # A parameter's axis keeps its two sizes: contracted, it is the shape of a gradient.
        below = FlatSize(*self.by.shape) if is_parameter(self.by) else prod(self.by.shape)
        return prod(self.of.shape), below


class _OverTime(MatrixExpr):  # type: ignore[misc]
    """A body that is repeated for every step of a range."""

    def __new__(
        cls, body: MatrixExpr, index: Symbol, lower: Expr | int, upper: Expr | int
    ) -> _OverTime:
        return Basic.__new__(cls, body, index, as_expression(lower), as_expression(upper))

    @property
    def body(self) -> MatrixExpr:
        return self.args[0]

    @property
    def index(self) -> Symbol:
        return self.args[1]

    @property
    def lower(self) -> Expr:
        return self.args[2]

    @property
    def upper(self) -> Expr:
        return self.args[3]

    @property
    def shape(self) -> tuple[Expr, Expr]:
        return self.body.shape

    @property
    def free_symbols(self) -> set[Basic]:
        bound = self.body.free_symbols - {self.index}
        return bound | self.lower.free_symbols | self.upper.free_symbols

    def _eval_subs(self, old: Basic, new: Basic) -> Basic:
        """Substitute outside the bound index only."""
        body = self.body if old == self.index else self.body._subs(old, new)
        return self.func(body, self.index, self.lower._subs(old, new), self.upper._subs(old, new))


class TimeSum(_OverTime):
    """Σ over steps of a matrix; SymPy's own Sum has no shape."""


class _OverSquares(_OverTime):
    """A product over steps of square matrices; the empty product is the identity."""

    def __new__(
        cls, body: MatrixExpr, index: Symbol, lower: Expr | int, upper: Expr | int
    ) -> _OverTime:
        if body.shape[0] != body.shape[1]:
            raise ShapeError(f"a product over time needs square factors, not {show_shape(body)}")
        return super().__new__(cls, body, index, lower, upper)


class TimeProduct(_OverSquares):
    """∏ over steps, running against time: ∏_{j=k+1}^{t} J_j = J_t J_{t−1} ⋯ J_{k+1}."""


class AscendingProduct(_OverSquares):
    """∏ over steps, running with time, for what is computed from later steps: J_t J_{t+1} ⋯ J_k.

    It is printed with an arrow above the sign.
    """
