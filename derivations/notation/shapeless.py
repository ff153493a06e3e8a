"""What has no size of its own: ones, the identity, unit vectors, zero; the neighbours tell it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from sympy import Expr, Identity, Integer, MatrixExpr, OneMatrix

from derivations.algebra import multiply, transpose
from derivations.errors import ShapeError
from derivations.expressions import Quantity, UnitVector, is_scalar

Kind = Literal["column", "row", "identity", "unit", "unit row"]
_NAMES = {
    "column": "A vector of ones",
    "row": "A vector of ones",
    "identity": "The identity",
    "unit": "A unit vector",
    "unit row": "A unit vector",
}
_TURNED: dict[Kind, Kind] = {
    "column": "row",
    "row": "column",
    "identity": "identity",
    "unit": "unit row",
    "unit row": "unit",
}


@dataclass(frozen=True)
class Shapeless:
    """A matrix whose size is still to be told.

    Attributes
    ----------
    kind : str
        ``column`` or ``row`` of ones, ``identity``, ``unit`` vector or its transpose.
    factors : tuple of numbers and scalars
        What stands in front.
    wrap : callable
        What is made of the matrix once its size is known, such as a product over time.
    label : Quantity
        Of a unit vector, the place of its one.
    """

    kind: Kind
    factors: tuple[Expr | MatrixExpr, ...] = ()
    wrap: Callable[[MatrixExpr], MatrixExpr] | None = None
    label: Quantity | None = field(default=None)

    @property
    def is_column(self) -> bool:
        """Whether it is one column; otherwise its rows are told by what stands behind it."""
        return self.kind in ("column", "unit")

    def of_shape(self, shape: tuple[Expr, Expr]) -> MatrixExpr:
        """Return the matrix of a shape.

        Raises
        ------
        ShapeError
            When it cannot have that shape.
        """
        rows, columns = shape
        fits = {"identity": rows == columns}.get(
            self.kind, columns == 1 if self.is_column else rows == 1
        )
        if not fits:
            raise ShapeError(f"{_NAMES[self.kind]} is not {rows} × {columns}.")
        matrix = multiply(*self.factors, self._made(rows, columns))
        return matrix if self.wrap is None else self.wrap(matrix)

    def _made(self, rows: Expr, columns: Expr) -> MatrixExpr:
        if self.kind == "identity":
            return Identity(rows)
        if self.label is not None:
            unit = UnitVector(self.label, columns if self.kind == "unit row" else rows)
            return transpose(unit) if self.kind == "unit row" else unit
        return transpose(OneMatrix(columns, 1)) if self.kind == "row" else OneMatrix(rows, 1)

    def among(self, before: Sequence[object], behind: Sequence[object]) -> MatrixExpr:
        """Return the matrix that fits between the factors of a product.

        Raises
        ------
        ShapeError
            When the factor that would tell the size has none of its own.
        """
        length = self._length(before, behind)
        if length is None:
            raise ShapeError("What size this has cannot be told.")
        one = Integer(1)
        shape = {"identity": (length, length)}.get(
            self.kind, (length, one) if self.is_column else (one, length)
        )
        return self.of_shape(shape)

    def _length(self, before: Sequence[object], behind: Sequence[object]) -> Expr | None:
        if self.kind == "identity":
            # Scalars stand between the others without telling a size.
            before = [factor for factor in before if not _is_one_by_one(factor)]
            behind = [factor for factor in behind if not _is_one_by_one(factor)]
        if not self.is_column and behind and isinstance(behind[0], MatrixExpr):
            return behind[0].shape[0]
        if self.kind not in ("row", "unit row") and before and isinstance(before[-1], MatrixExpr):
            return before[-1].shape[1]
        return None

    def scaled(self, factors: Sequence[Expr | MatrixExpr]) -> Shapeless:
        """Return it with more in front."""
        return replace(self, factors=(*factors, *self.factors))

    def turned(self) -> Shapeless:
        """Return the transpose."""
        return replace(self, kind=_TURNED[self.kind])


def _is_one_by_one(factor: object) -> bool:
    return not isinstance(factor, MatrixExpr) or is_scalar(factor)
