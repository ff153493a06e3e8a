"""What stands for itself in an expression: steps, sizes, and the quantities that carry time."""

from __future__ import annotations

from sympy import Basic, Expr, Function, Integer, MatrixExpr, MatrixSymbol, Symbol
from sympy.core.symbol import Str

#: The step of a recurrence; everything that carries time is written at step ``t``.
t = Symbol("t", integer=True)
#: The last step.
T = Symbol("T", integer=True)
#: Stands in the place of the time of a quantity that has none, such as the total loss E.
timeless = Symbol("timeless")


class FlatSize(Function):  # type: ignore[misc]
    """The size of an axis that runs over the entries of a parameter, its rows one after another.

    The two sizes are kept, so that a contraction over the other axis has a gradient's shape.
    """


def as_expression(value: Expr | int) -> Expr:
    return Integer(value) if isinstance(value, int) else value


def as_text(name: str | Str) -> Str:
    return Str(name) if isinstance(name, str) else name


class Quantity(MatrixExpr):  # type: ignore[misc]
    """A quantity that carries time, such as h_t.

    Parameters
    ----------
    name : str
        LaTeX of the name without its time, such as ``\\hat{y}``.
    rows, columns : Expr or int
        The shape.
    time : Expr or int
        The step, such as ``t - 1``.

    Examples
    --------
    >>> h = Quantity("h", 3, 1, t)
    >>> h.subs(t, t + 1).time
    t + 1
    """

    def __new__(
        cls, name: str | Str, rows: Expr | int, columns: Expr | int, time: Expr | int
    ) -> Quantity:
        return Basic.__new__(
            cls, as_text(name), as_expression(rows), as_expression(columns), as_expression(time)
        )

    @property
    def name(self) -> str:
        name: str = self.args[0].name
        return name

    @property
    def shape(self) -> tuple[Expr, Expr]:
        return self.args[1], self.args[2]

    @property
    def time(self) -> Expr:
        return self.args[3]

    @property
    def free_symbols(self) -> set[Basic]:
        return {self} | set().union(*(argument.free_symbols for argument in self.args[1:]))

    def at(self, time: Expr | int) -> Quantity:
        """Return the same quantity at another step."""
        return Quantity(self.name, *self.shape, time)


def show_shape(expression: MatrixExpr) -> str:
    """Return a shape as people write it.

    Examples
    --------
    >>> show_shape(Quantity("h", 3, 1, t))
    '3 × 1'
    """
    rows, columns = expression.shape
    return f"{rows} × {columns}"


def is_scalar(expression: MatrixExpr) -> bool:
    """Tell whether an expression is a 1 × 1 matrix."""
    return bool(expression.shape == (1, 1))


def is_column(expression: MatrixExpr) -> bool:
    """Tell whether an expression has one column, as a vector and a scalar have."""
    return bool(expression.shape[1] == 1)


def is_row(expression: MatrixExpr) -> bool:
    """Tell whether an expression has one row, as a transposed vector and a scalar have."""
    return bool(expression.shape[0] == 1)


def is_vector(expression: MatrixExpr) -> bool:
    """Tell whether an expression has one row or one column."""
    return is_column(expression) or is_row(expression)


def is_parameter(expression: Basic) -> bool:
    """Tell whether an expression is a parameter: a matrix symbol that carries no time."""
    return isinstance(expression, MatrixSymbol)
