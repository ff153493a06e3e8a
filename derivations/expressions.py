"""The SymPy nodes that the field needs and SymPy lacks, and those of SymPy that it uses.

Everything is a ``MatrixExpr``: vectors are columns, scalars are 1 × 1 matrices. Expressions are put
together with the constructors of `algebra.py`, which keep the order in which a reader wrote them.
"""

from __future__ import annotations

from sympy import (
    Basic,
    Expr,
    Function,
    Identity,
    Integer,
    MatAdd,
    MatMul,
    MatrixExpr,
    MatrixSymbol,
    Mul,
    Number,
    OneMatrix,
    Rational,
    Symbol,
    Transpose,
    ZeroMatrix,
)
from sympy.core.symbol import Str
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derivations.errors import ShapeError

#: The step of a recurrence; everything that carries time is written at step ``t``.
t = Symbol("t", integer=True)
#: The last step.
T = Symbol("T", integer=True)
#: Stands in the place of the time of a quantity that has none, such as the total loss E.
timeless = Symbol("timeless")


class FlatSize(Function):  # type: ignore[misc]
    """The size of the second axis of ∂u/∂W for a matrix W: its rows and columns, flattened."""


def _expression(value: Expr | int) -> Expr:
    return Integer(value) if isinstance(value, int) else value


def _text(name: str | Str) -> Str:
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
            cls, _text(name), _expression(rows), _expression(columns), _expression(time)
        )

    @property
    def name(self) -> str:
        return str(self.args[0])

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
        return Basic.__new__(cls, _text(function), _expression(order), argument)

    @property
    def function(self) -> str:
        return str(self.args[0])

    @property
    def order(self) -> int:
        return int(self.args[1])

    @property
    def argument(self) -> MatrixExpr:
        return self.args[2]

    @property
    def shape(self) -> tuple[Expr, Expr]:
        return self.argument.shape


class Diag(MatrixExpr):  # type: ignore[misc]
    """The square matrix with a vector on its diagonal."""

    def __new__(cls, vector: MatrixExpr) -> Diag:
        if vector.shape[1] != 1:
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
        if argument.shape[1] != 1:
            raise ShapeError(f"softmax needs a column vector, not {show_shape(argument)}")
        return Basic.__new__(cls, argument)

    @property
    def argument(self) -> MatrixExpr:
        return self.args[0]

    @property
    def shape(self) -> tuple[Expr, Expr]:
        return self.argument.shape


class SquaredNorm(MatrixExpr):  # type: ignore[misc]
    """‖v‖², the sum of the squares of the entries, a 1 × 1 matrix."""

    def __new__(cls, argument: MatrixExpr) -> SquaredNorm:
        return Basic.__new__(cls, argument)

    @property
    def argument(self) -> MatrixExpr:
        return self.args[0]

    @property
    def shape(self) -> tuple[Expr, Expr]:
        return Integer(1), Integer(1)


class Unspecified(MatrixExpr):  # type: ignore[misc]
    """A differentiable scalar function of which nothing is known but its arguments.

    ``E_t depends on \\hat{y}_t`` makes E_t such a function of ŷ_t.
    """

    def __new__(cls, name: str | Str, *arguments: MatrixExpr) -> Unspecified:
        return Basic.__new__(cls, _text(name), *arguments)

    @property
    def name(self) -> str:
        return str(self.args[0])

    @property
    def arguments(self) -> tuple[MatrixExpr, ...]:
        return tuple(self.args[1:])

    @property
    def shape(self) -> tuple[Expr, Expr]:
        return Integer(1), Integer(1)


class Partial(MatrixExpr):  # type: ignore[misc]
    """The derivative ∂u/∂v, total, or immediate as ∂⁺u/∂v (everything of earlier steps held fixed).

    A vector by a vector is the Jacobian in numerator layout. A scalar by a parameter has the
    parameter's shape. A vector by a parameter is a tensor: |u| rows, and a second axis that runs
    over the entries of the parameter.

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
        if is_parameter(self.by):
            return (
                self.by.shape
                if is_scalar(self.of)
                else (self.of.shape[0], FlatSize(*self.by.shape))
            )
        if is_scalar(self.of) and self.by.shape[1] != 1:
            return self.by.shape
        if self.of.shape[1] != 1 or self.by.shape[1] != 1:
            raise ShapeError("a Jacobian needs a vector above and a vector below")
        return self.of.shape[0], self.by.shape[0]


class _OverTime(MatrixExpr):  # type: ignore[misc]
    """A body that is repeated for every step of a range."""

    def __new__(
        cls, body: MatrixExpr, index: Symbol, lower: Expr | int, upper: Expr | int
    ) -> _OverTime:
        return Basic.__new__(cls, body, index, _expression(lower), _expression(upper))

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


class TimeProduct(_OverTime):
    """∏ over steps, running against time: ∏_{j=k+1}^{t} J_j = J_t J_{t−1} ⋯ J_{k+1}.

    The empty product is the identity.
    """

    def __new__(
        cls, body: MatrixExpr, index: Symbol, lower: Expr | int, upper: Expr | int
    ) -> _OverTime:
        if body.shape[0] != body.shape[1]:
            raise ShapeError(f"a product over time needs square factors, not {show_shape(body)}")
        return super().__new__(cls, body, index, lower, upper)


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


def is_parameter(expression: Basic) -> bool:
    """Tell whether an expression is a parameter: a matrix symbol that carries no time."""
    return isinstance(expression, MatrixSymbol)


__all__ = [
    "Diag",
    "Elementwise",
    "FlatSize",
    "HadamardPower",
    "HadamardProduct",
    "Identity",
    "MatAdd",
    "MatMul",
    "MatrixSymbol",
    "Mul",
    "Number",
    "OneMatrix",
    "Partial",
    "Quantity",
    "Rational",
    "Softmax",
    "SquaredNorm",
    "T",
    "TimeProduct",
    "TimeSum",
    "Transpose",
    "Unspecified",
    "ZeroMatrix",
    "is_parameter",
    "is_scalar",
    "show_shape",
    "t",
    "timeless",
]
