"""What has no size of its own: ones, the identity, unit vectors; the neighbours tell it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sympy import Expr, Identity, Integer, MatrixExpr, OneMatrix

from derivations.algebra import add, multiply, transpose
from derivations.errors import ShapeError
from derivations.expressions import Quantity, UnitVector, is_scalar


@dataclass(frozen=True)
class Shapeless:
    """A matrix of which one length is still to be told.

    Attributes
    ----------
    name : str
        What it is called in a message.
    make : callable
        Makes the matrix of the missing length.
    rows, columns : Expr or None
        The length that is known; the other is missing. Of a square matrix, neither is known.

    Examples
    --------
    >>> from sympy import Symbol
    >>> identity().among([], [Quantity("h", Symbol("n"), 1, 0)])
    I
    """

    name: str
    make: Callable[[Expr], MatrixExpr]
    rows: Expr | None = None
    columns: Expr | None = None

    @property
    def is_square(self) -> bool:
        """Whether it has as many rows as columns."""
        return self.rows is None and self.columns is None

    @property
    def lacks_rows(self) -> bool:
        """Whether it is known how many columns it has, and not how many rows."""
        return self.rows is None and self.columns is not None

    @property
    def lacks_columns(self) -> bool:
        """Whether it is known how many rows it has, and not how many columns."""
        return self.columns is None and self.rows is not None

    def of_shape(self, shape: tuple[Expr, Expr]) -> MatrixExpr:
        """Return the matrix of a shape.

        Raises
        ------
        ShapeError
            When it cannot have that shape.
        """
        rows, columns = shape
        fits = rows == columns if self.is_square else self.rows == rows or self.columns == columns
        if not fits:
            raise ShapeError(f"{self.name} is not {rows} × {columns}.")
        return self.make(rows if self.rows is None else columns)

    def among(self, before: Sequence[object], behind: Sequence[object]) -> MatrixExpr:
        """Return the matrix that fits between the factors of a product.

        Raises
        ------
        ShapeError
            When the factor that would tell the length has none of its own.
        """
        if self.is_square:
            # Scalars stand between the others without telling a size.
            before = [factor for factor in before if not _is_one_by_one(factor)]
            behind = [factor for factor in behind if not _is_one_by_one(factor)]
        next_one, last_one = (behind or [None])[0], (before or [None])[-1]
        if self.columns is None and isinstance(next_one, MatrixExpr):
            return self.make(next_one.shape[0])
        if self.rows is None and isinstance(last_one, MatrixExpr):
            return self.make(last_one.shape[1])
        raise ShapeError("What size this has cannot be told.")

    def mapped(self, change: Callable[[MatrixExpr], MatrixExpr]) -> Shapeless:
        """Return what is made of it without a change of its shape."""
        return replace(self, make=lambda length: change(self.make(length)))

    def turned(self) -> Shapeless:
        """Return the transpose."""
        return replace(self.mapped(transpose), rows=self.columns, columns=self.rows)

    def before(self, product: MatrixExpr, factors: Sequence[MatrixExpr | Expr]) -> Shapeless:
        """Return the product of this and of other factors, which are given with their product."""
        made = self.mapped(lambda own: multiply(own, *factors))
        return replace(made, columns=product.shape[1])

    def behind(self, product: MatrixExpr, factors: Sequence[MatrixExpr | Expr]) -> Shapeless:
        """Return the product of other factors, which are given with their product, and of this."""
        made = self.mapped(lambda own: multiply(*factors, own))
        return replace(made, rows=product.shape[0])


def ones() -> Shapeless:
    return Shapeless("A vector of ones", lambda n: OneMatrix(n, 1), columns=Integer(1))


def identity() -> Shapeless:
    return Shapeless("The identity", Identity)


def unit(label: Quantity) -> Shapeless:
    return Shapeless("A unit vector", lambda n: UnitVector(label, n), columns=Integer(1))


def total(terms: Sequence[tuple[int, Shapeless]]) -> Shapeless:
    """Return a sum of signed terms.

    Raises
    ------
    ShapeError
        When different lengths of the terms are missing.
    """
    first = terms[0][1]
    if any((term.rows, term.columns) != (first.rows, first.columns) for _, term in terms):
        raise ShapeError("What size this has cannot be told.")

    def make(length: Expr) -> MatrixExpr:
        return add(*(multiply(sign, term.make(length)) for sign, term in terms))

    return replace(first, make=make)


def _is_one_by_one(factor: object) -> bool:
    return not isinstance(factor, MatrixExpr) or is_scalar(factor)
