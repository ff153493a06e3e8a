"""Functions of vectors and matrices: entrywise, of a whole vector, scaled by a scalar."""

from __future__ import annotations

from sympy import Basic, Expr, Integer, MatrixExpr
from sympy.core.symbol import Str

from derivations.errors import ShapeError
from derivations.expressions.symbols import (
    Quantity,
    as_expression,
    as_text,
    is_column,
    is_scalar,
    show_shape,
)


class Elementwise(MatrixExpr):  # type: ignore[misc]
    """A scalar function, or a derivative of one, applied to every entry: σ.(a), σ′.(a).

    Parameters
    ----------
    function : str
        LaTeX of the function's name; what it means is known to the model.
    order : int
        How often the function is differentiated.
    argument : MatrixExpr
        What it is applied to.
    """

    def __new__(
        cls, function: str | Str, order: Integer | int, argument: MatrixExpr
    ) -> Elementwise:
        return Basic.__new__(cls, as_text(function), as_expression(order), argument)

    @property
    def function(self) -> str:
        name: str = self.args[0].name
        return name

    @property
    def order(self) -> int:
        return int(self.args[1])

    @property
    def argument(self) -> MatrixExpr:
        return self.args[2]

    @property
    def shape(self) -> tuple[Expr, Expr]:
        return self.argument.shape


class Maximum(MatrixExpr):  # type: ignore[misc]
    """The larger of two, entry by entry; where they are equal, its derivative is the second's."""

    def __new__(cls, first: MatrixExpr, second: MatrixExpr) -> Maximum:
        if first.shape != second.shape:
            raise ShapeError(
                f"max needs equal shapes; {show_shape(first)} and {show_shape(second)} came"
            )
        return Basic.__new__(cls, first, second)

    @property
    def first(self) -> MatrixExpr:
        return self.args[0]

    @property
    def second(self) -> MatrixExpr:
        return self.args[1]

    @property
    def shape(self) -> tuple[Expr, Expr]:
        return self.first.shape


class Diag(MatrixExpr):  # type: ignore[misc]
    """The square matrix with a vector on its diagonal."""

    def __new__(cls, vector: MatrixExpr) -> Diag:
        if not is_column(vector):
            raise ShapeError(f"diag needs a column vector, and this one is {show_shape(vector)}")
        return Basic.__new__(cls, vector)

    @property
    def vector(self) -> MatrixExpr:
        return self.args[0]

    @property
    def shape(self) -> tuple[Expr, Expr]:
        return self.vector.shape[0], self.vector.shape[0]


class Softmax(MatrixExpr):  # type: ignore[misc]
    """exp(z) divided by the sum of its entries, for a column vector z."""

    def __new__(cls, argument: MatrixExpr) -> Softmax:
        if is_scalar(argument):
            raise ShapeError("softmax of a scalar is always 1: it needs a vector")
        if not is_column(argument):
            raise ShapeError(f"softmax needs a column vector, not {show_shape(argument)}")
        return Basic.__new__(cls, argument)

    @property
    def argument(self) -> MatrixExpr:
        return self.args[0]

    @property
    def shape(self) -> tuple[Expr, Expr]:
        return self.argument.shape


class _Scalar(MatrixExpr):  # type: ignore[misc]
    """A 1 × 1 matrix that is computed from something larger."""

    @property
    def shape(self) -> tuple[Expr, Expr]:
        return Integer(1), Integer(1)


class SquaredNorm(_Scalar):
    """‖v‖², the sum of the squares of the entries, a 1 × 1 matrix."""

    def __new__(cls, argument: MatrixExpr) -> SquaredNorm:
        return Basic.__new__(cls, argument)

    @property
    def argument(self) -> MatrixExpr:
        return self.args[0]


class Unspecified(_Scalar):
    """A differentiable scalar function of which nothing is known but its arguments.

    ``E_t depends on \\hat{y}_t`` makes E_t such a function of ŷ_t.
    """

    def __new__(cls, name: str | Str, *arguments: MatrixExpr) -> Unspecified:
        return Basic.__new__(cls, as_text(name), *arguments)

    @property
    def name(self) -> str:
        name: str = self.args[0].name
        return name

    @property
    def arguments(self) -> tuple[MatrixExpr, ...]:
        return tuple(self.args[1:])


class Entry(_Scalar):
    """The entry of a vector that an integer label picks: [ŷ_t]_{y_t}."""

    def __new__(cls, vector: MatrixExpr, label: Quantity) -> Entry:
        if not is_column(vector):
            raise ShapeError(f"a label picks an entry of a column, not of {show_shape(vector)}")
        return Basic.__new__(cls, vector, label)

    @property
    def vector(self) -> MatrixExpr:
        return self.args[0]

    @property
    def label(self) -> Quantity:
        return self.args[1]


class UnitVector(MatrixExpr):  # type: ignore[misc]
    """The column whose entry at a label is 1 and whose other entries are 0: e_{y_t}."""

    def __new__(cls, label: Quantity, size: Expr | int) -> UnitVector:
        return Basic.__new__(cls, label, as_expression(size))

    @property
    def label(self) -> Quantity:
        return self.args[0]

    @property
    def shape(self) -> tuple[Expr, Expr]:
        return self.args[1], Integer(1)


class Scaled(MatrixExpr):  # type: ignore[misc]
    """A scalar times a vector or a matrix; `algebra.multiply` makes it."""

    def __new__(cls, scalar: MatrixExpr, body: MatrixExpr) -> Scaled:
        if not is_scalar(scalar):
            raise ShapeError(f"a scalar is 1 × 1, and this one is {show_shape(scalar)}")
        return Basic.__new__(cls, scalar, body)

    @property
    def scalar(self) -> MatrixExpr:
        return self.args[0]

    @property
    def body(self) -> MatrixExpr:
        return self.args[1]

    @property
    def shape(self) -> tuple[Expr, Expr]:
        return self.body.shape
