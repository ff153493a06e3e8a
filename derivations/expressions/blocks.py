"""Matrices made of pieces, and pieces of matrices: blocks, slices, flattening, ⊗."""

from __future__ import annotations

from math import prod

from sympy import Add, Basic, Expr, Integer, MatrixExpr

from derivations.errors import ShapeError
from derivations.expressions.symbols import as_expression, show_shape


class Blocks(MatrixExpr):  # type: ignore[misc]
    """A matrix of blocks, row by row; with one column of blocks, pieces below each other.

    Parameters
    ----------
    columns : int
        How many blocks stand side by side.
    *entries : MatrixExpr
        The blocks, one row after another.
    """

    def __new__(cls, columns: Integer | int, *entries: MatrixExpr) -> Blocks:
        made = Basic.__new__(cls, as_expression(columns), *entries)
        heights = [row[0].shape[0] for row in made.rows_of_blocks]
        widths = [block.shape[1] for block in made.rows_of_blocks[0]]
        for row, height in zip(made.rows_of_blocks, heights, strict=True):
            for block, width in zip(row, widths, strict=True):
                if block.shape != (height, width):
                    raise ShapeError(
                        f"a block of {height} × {width} was expected; {show_shape(block)} came"
                    )
        return made

    @property
    def entries(self) -> tuple[MatrixExpr, ...]:
        return tuple(self.args[1:])

    @property
    def rows_of_blocks(self) -> tuple[tuple[MatrixExpr, ...], ...]:
        count = int(self.args[0])
        entries = self.entries
        return tuple(entries[i : i + count] for i in range(0, len(entries), count))

    @property
    def is_stack(self) -> bool:
        """Whether all blocks stand below each other."""
        return bool(self.args[0] == 1)

    @property
    def shape(self) -> tuple[Expr, Expr]:
        rows = self.rows_of_blocks
        return Add(*(row[0].shape[0] for row in rows)), Add(*(block.shape[1] for block in rows[0]))


class Part(MatrixExpr):  # type: ignore[misc]
    """Some neighbouring rows and columns of a matrix: W_{:,1:n}.

    Parameters
    ----------
    matrix : MatrixExpr
    first_row, rows, first_column, columns : Expr or int
        How many rows are left out before, how many are taken, and the same of the columns.
    """

    def __new__(
        cls,
        matrix: MatrixExpr,
        first_row: Expr | int,
        rows: Expr | int,
        first_column: Expr | int,
        columns: Expr | int,
    ) -> Part:
        numbers = map(as_expression, (first_row, rows, first_column, columns))
        return Basic.__new__(cls, matrix, *numbers)

    @property
    def matrix(self) -> MatrixExpr:
        return self.args[0]

    @property
    def row_range(self) -> tuple[Expr, Expr]:
        """How many rows are left out before, and the number of the last that is taken."""
        return self.args[1], self.args[1] + self.args[2]

    @property
    def column_range(self) -> tuple[Expr, Expr]:
        """How many columns are left out before, and the number of the last that is taken."""
        return self.args[3], self.args[3] + self.args[4]

    @property
    def shape(self) -> tuple[Expr, Expr]:
        return self.args[2], self.args[4]


def columns_of(matrix: MatrixExpr, first: Expr | int, count: Expr | int) -> Part:
    """Return some neighbouring columns of a matrix."""
    return Part(matrix, 0, matrix.shape[0], first, count)


def rows_of(matrix: MatrixExpr, first: Expr | int, count: Expr | int) -> Part:
    """Return some neighbouring rows of a matrix."""
    return Part(matrix, first, count, 0, matrix.shape[1])


class Vec(MatrixExpr):  # type: ignore[misc]
    """The entries of a matrix as one column, its rows one after another."""

    def __new__(cls, matrix: MatrixExpr) -> Vec:
        return Basic.__new__(cls, matrix)

    @property
    def matrix(self) -> MatrixExpr:
        return self.args[0]

    @property
    def shape(self) -> tuple[Expr, Expr]:
        return prod(self.matrix.shape), Integer(1)


class Kronecker(MatrixExpr):  # type: ignore[misc]
    """A ⊗ B, for which vec(A X Bᵀ) = (A ⊗ B) vec(X) when vec goes along the rows.

    References
    ----------
    Petersen, Pedersen, The Matrix Cookbook, section 10.2 (there vec goes down the columns).
    """

    def __new__(cls, left: MatrixExpr, right: MatrixExpr) -> Kronecker:
        return Basic.__new__(cls, left, right)

    @property
    def left(self) -> MatrixExpr:
        return self.args[0]

    @property
    def right(self) -> MatrixExpr:
        return self.args[1]

    @property
    def shape(self) -> tuple[Expr, Expr]:
        rows, columns = zip(self.left.shape, self.right.shape, strict=True)
        return prod(rows), prod(columns)
