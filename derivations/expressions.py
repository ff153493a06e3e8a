"""The SymPy nodes that the field needs and SymPy lacks, and the constructors that keep their order.

Everything is a ``MatrixExpr``: vectors are columns, scalars are 1 × 1 matrices. SymPy sorts the
arguments of a sum when it evaluates one; a reader expects ``W h + U x + b`` in the order in which
it was written, so all expressions are built through `add`, `multiply`, `hadamard` and `transpose`,
which flatten and drop neutral elements but never reorder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

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


def add(*terms: MatrixExpr) -> MatrixExpr:
    """Return the sum in the order of the terms, flattened, without zeros.

    Raises
    ------
    ShapeError
        When two shapes differ.
    """
    shape = terms[0].shape
    for term in terms[1:]:
        if term.shape != shape:
            raise ShapeError(
                f"a sum needs equal shapes; {show_shape(terms[0])} and {show_shape(term)} came"
            )
    kept: list[MatrixExpr] = []
    for term in terms:
        if isinstance(term, MatAdd):
            kept.extend(term.args)
        elif not isinstance(term, ZeroMatrix):
            kept.append(term)
    if not kept:
        return ZeroMatrix(*shape)
    return kept[0] if len(kept) == 1 else MatAdd(*kept)


def multiply(*factors: MatrixExpr | Expr | int) -> MatrixExpr:
    """Return the product in the order of the factors, its number in front, without identities.

    Raises
    ------
    ShapeError
        When a factor's columns are not its right neighbour's rows.
    """
    coefficient = Integer(1)
    flat: list[MatrixExpr] = []
    for factor in factors:
        for part in factor.args if isinstance(factor, MatMul) else (factor,):
            if isinstance(part, MatrixExpr):
                flat.append(part)
            else:
                coefficient = coefficient * part
    for left, right in zip(flat, flat[1:], strict=False):
        if left.shape[1] != right.shape[0]:
            raise ShapeError(
                f"a product needs columns = rows; {show_shape(left)} by {show_shape(right)} came"
            )
    rows, columns = flat[0].shape[0], flat[-1].shape[1]
    if coefficient == 0 or any(isinstance(factor, ZeroMatrix) for factor in flat):
        return ZeroMatrix(rows, columns)
    kept = [factor for factor in flat if not _is_neutral(factor)] or flat[:1]
    if coefficient == 1:
        return kept[0] if len(kept) == 1 else MatMul(*kept)
    return MatMul(coefficient, *kept)


def _is_neutral(factor: MatrixExpr) -> bool:
    return isinstance(factor, Identity) or (isinstance(factor, OneMatrix) and is_scalar(factor))


def split_coefficient(expression: MatrixExpr) -> tuple[Expr, MatrixExpr]:
    """Return the number in front of a product, and the rest.

    Examples
    --------
    >>> h = Quantity("h", 3, 1, t)
    >>> split_coefficient(multiply(-2, h))[0]
    -2
    """
    if isinstance(expression, MatMul) and not isinstance(expression.args[0], MatrixExpr):
        return expression.args[0], multiply(*expression.args[1:])
    return Integer(1), expression


def negate(expression: MatrixExpr) -> MatrixExpr:
    """Return −u."""
    return multiply(-1, expression)


def hadamard(*factors: MatrixExpr) -> MatrixExpr:
    """Return the elementwise product in the order of the factors, its number in front.

    Raises
    ------
    ShapeError
        When two shapes differ.
    """
    shape = factors[0].shape
    coefficient = Integer(1)
    kept: list[MatrixExpr] = []
    for factor in factors:
        if factor.shape != shape:
            raise ShapeError(
                f"⊙ needs equal shapes; {show_shape(factors[0])} and {show_shape(factor)} came"
            )
        number, rest = split_coefficient(factor)
        coefficient = coefficient * number
        if isinstance(rest, ZeroMatrix):
            return ZeroMatrix(*shape)
        if isinstance(rest, HadamardProduct):
            kept.extend(rest.args)
        elif not isinstance(rest, OneMatrix):
            kept.append(rest)
    if not kept:
        return multiply(coefficient, OneMatrix(*shape))
    product = kept[0] if len(kept) == 1 else HadamardProduct(*kept)
    return multiply(coefficient, product)


def power(base: MatrixExpr, exponent: Expr | int) -> MatrixExpr:
    """Return the elementwise power; exponents of powers multiply.

    Examples
    --------
    >>> power(power(Quantity("h", 3, 1, t), 2), 3).exp
    6
    """
    if isinstance(base, HadamardPower):
        return power(base.base, base.exp * exponent)
    if exponent == 0:
        return OneMatrix(*base.shape)
    return base if exponent == 1 else HadamardPower(base, exponent)


def transpose(expression: MatrixExpr) -> MatrixExpr:
    """Return the transpose; of a product (A B)ᵀ = Bᵀ Aᵀ (Matrix Cookbook, equation 4)."""
    if isinstance(expression, Transpose):
        return expression.arg
    if isinstance(expression, MatMul):
        number, rest = split_coefficient(expression)
        factors = rest.args if isinstance(rest, MatMul) else (rest,)
        return multiply(number, *(transpose(factor) for factor in reversed(factors)))
    if isinstance(expression, Diag | Identity) or is_scalar(expression):
        return expression
    return Transpose(expression)


def total(vector: MatrixExpr) -> MatrixExpr:
    """Return 1ᵀv, the sum of the entries of a column vector."""
    return multiply(Transpose(OneMatrix(vector.shape[0], 1)), vector)


def subexpressions(expression: Basic) -> Iterator[Basic]:
    """Yield an expression and everything in it, outermost first."""
    stack = [expression]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.args))


def quantities(expression: Basic) -> list[Quantity]:
    """Return the time-carrying quantities in an expression, each once, in order of appearance."""
    found = (node for node in subexpressions(expression) if isinstance(node, Quantity))
    return list(dict.fromkeys(found))


def parameters(expression: Basic) -> list[MatrixSymbol]:
    """Return the parameters in an expression, each once, in order of appearance."""
    found = (node for node in subexpressions(expression) if is_parameter(node))
    return list(dict.fromkeys(found))


def depends_on(expression: Basic, variable: Basic) -> bool:
    """Tell whether a variable occurs in an expression as it stands."""
    return any(node == variable for node in subexpressions(expression))


def replace(expression: Basic, replacements: Mapping[Basic, Basic]) -> Basic:
    """Return the expression with nodes exchanged, rebuilt in order, nothing sorted or evaluated.

    ``xreplace`` would do, but for Hadamard products and sums, whose constructors check shapes
    through SymPy; here the smart constructors rebuild them.
    """
    if expression in replacements:
        return replacements[expression]
    if not expression.args:
        return expression
    arguments = [replace(argument, replacements) for argument in expression.args]
    if all(new is old for new, old in zip(arguments, expression.args, strict=True)):
        return expression
    return rebuild(expression, arguments)


def rebuild(expression: Basic, arguments: Iterable[Basic]) -> Basic:
    """Return a node of the same kind over new arguments, through the smart constructors."""
    constructor = _CONSTRUCTORS.get(type(expression), expression.func)
    return constructor(*arguments)


_CONSTRUCTORS: Mapping[type, Any] = {
    MatAdd: add,
    MatMul: multiply,
    HadamardProduct: hadamard,
    HadamardPower: power,
    Transpose: transpose,
}

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
    "add",
    "depends_on",
    "hadamard",
    "is_parameter",
    "is_scalar",
    "multiply",
    "negate",
    "parameters",
    "power",
    "quantities",
    "replace",
    "show_shape",
    "split_coefficient",
    "subexpressions",
    "t",
    "timeless",
    "total",
    "transpose",
]
