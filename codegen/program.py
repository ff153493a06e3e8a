"""The loop language: what every target prints.

A program computes with rows: a column vector of the mathematics is a row of an array whose leading
axes are time and batch, so W h_t becomes ``h[t] @ W.T``. Statements stand in blocks; a block is a
loop over the steps, or is done for all steps at once, where time and batch are one axis of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any, TypeAlias

# Expressions


@dataclass(frozen=True)
class Load:
    """A quantity at step t + shift: rows."""

    name: str
    shift: int = 0


@dataclass(frozen=True)
class Weight:
    """A parameter: a matrix, or a vector that is added to every row."""

    name: str


@dataclass(frozen=True)
class Number:
    """A constant: exact, or, where it is irrational, the nearest float."""

    value: Fraction | float


@dataclass(frozen=True)
class Add:
    """A sum of signed terms, in the order of the equation."""

    terms: tuple[tuple[int, Expression], ...]


@dataclass(frozen=True)
class Multiply:
    """An elementwise product."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True)
class Divide:
    """An elementwise quotient."""

    above: Expression
    below: Expression


@dataclass(frozen=True)
class Power:
    """An elementwise power with a positive exponent."""

    base: Expression
    exponent: int


@dataclass(frozen=True)
class Apply:
    """A scalar function of every entry; `function` is one of `FUNCTIONS`."""

    function: str
    argument: Expression


@dataclass(frozen=True)
class Where:
    """One value where the condition is positive, another elsewhere."""

    positive: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True)
class RowFunction:
    """A function of a whole row: ``softmax`` or ``log_softmax``."""

    function: str
    argument: Expression


@dataclass(frozen=True)
class RowsTimes:
    """Rows times a matrix: ``rows @ W.T`` for W u, ``rows @ W`` for Wᵀ u."""

    rows: Expression
    weight: str
    transposed: bool


@dataclass(frozen=True)
class Dot:
    """The inner product of each row of one with the same row of the other: one column."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class RowSum:
    """The sum of each row: one column."""

    rows: Expression


@dataclass(frozen=True)
class Outer:
    """Σ over the rows of u vᵀ: a matrix of a parameter's shape."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class Total:
    """Σ over the rows: a vector of a parameter's shape."""

    rows: Expression


Expression: TypeAlias = (
    Load
    | Weight
    | Number
    | Add
    | Multiply
    | Divide
    | Power
    | Apply
    | Where
    | RowFunction
    | RowsTimes
    | Dot
    | RowSum
    | Outer
    | Total
)

#: Every scalar function that a target must know how to evaluate without overflow.
FUNCTIONS = ("tanh", "exp", "expm1", "log", "sigmoid", "softplus", "normal_cdf")


# Statements


@dataclass(frozen=True)
class Assign:
    """Compute a quantity at step t, or add to it.

    Attributes
    ----------
    target : str
        The array.
    value : Expression
    equation : int
        The number of the equation that is computed.
    formula : str
        LaTeX of the equation, for the comment.
    adds : bool
        Whether the value is added to what the target holds.
    """

    target: str
    value: Expression
    equation: int
    formula: str
    adds: bool = False


@dataclass(frozen=True)
class Accumulate:
    """Add the value of every step to a gradient or to the loss."""

    target: str
    value: Expression
    equation: int
    formula: str


Statement: TypeAlias = Assign | Accumulate


@dataclass(frozen=True)
class Loop:
    """Statements that are repeated for t = 1 … T, or for t = T … 1."""

    body: tuple[Statement, ...]
    backward: bool


@dataclass(frozen=True)
class AllSteps:
    """Statements that are done for all steps at once, on T · B rows."""

    body: tuple[Statement, ...]


Block: TypeAlias = Loop | AllSteps


@dataclass(frozen=True)
class Array:
    """A quantity's storage.

    Attributes
    ----------
    name : str
        Its name in code.
    size : str
        The name of the size of a row.
    role : str
        ``data`` (given, steps 1 … T), ``state`` (computed, steps 0 … T), ``value`` (computed, steps
        1 … T), ``adjoint`` (steps 1 … T), ``recurrent adjoint`` (steps 1 … T + 1, zero at T + 1).
    """

    name: str
    size: str
    role: str


@dataclass(frozen=True)
class Program:
    """A gradient computation.

    Attributes
    ----------
    title : str
    loss : str
        The name of the total loss in code.
    parameters : mapping-like tuple of (name, axes)
    data : tuple of (name, axes)
        What is given, T and B axes included.
    one_hot : tuple of str
        Data whose rows sum to one.
    arrays : tuple of Array
    forward, backward : tuple of Block
    gradients : tuple of (name, source)
        What `backward` returns: the name of the parameter or the data, and the array that holds it.
    initial : tuple of (state, statement)
        The gradients by the first states, computed after the loops.
    gradients_of_loss : tuple of str
        The data arrays that hold ∂E_t/∂ŷ_t where the loss is unspecified.
    """

    title: str
    loss: str
    parameters: tuple[tuple[str, tuple[str, ...]], ...]
    data: tuple[tuple[str, tuple[str, ...]], ...]
    one_hot: tuple[str, ...]
    arrays: tuple[Array, ...]
    forward: tuple[Block, ...]
    backward: tuple[Block, ...]
    initial: tuple[Assign, ...]
    gradients: tuple[tuple[str, str], ...]
    gradients_of_loss: tuple[str, ...] = ()

    def array(self, name: str) -> Array:
        """Return the storage of a quantity."""
        return next(array for array in self.arrays if array.name == name)


# Traversal


def operands(expression: Expression) -> Iterator[Expression]:
    """Yield the operands of an expression, from left to right."""
    if isinstance(expression, Add):
        yield from (term for _, term in expression.terms)
    elif isinstance(expression, Multiply):
        yield from expression.factors
    else:
        for field in fields(expression):
            value = getattr(expression, field.name)
            if not isinstance(value, str | int | float | Fraction):
                yield value


def nodes(expression: Expression) -> Iterator[Expression]:
    """Yield an expression and everything in it."""
    yield expression
    for operand in operands(expression):
        yield from nodes(operand)


def loads(expression: Expression) -> list[Load]:
    """Return the quantities that an expression reads."""
    return [node for node in nodes(expression) if isinstance(node, Load)]


def with_operands(expression: Expression, operand_of: dict[int, Expression]) -> Expression:
    """Return the expression with operands exchanged, by their position."""
    if isinstance(expression, Add):
        return Add(
            tuple(
                (sign, operand_of.get(i, term)) for i, (sign, term) in enumerate(expression.terms)
            )
        )
    if isinstance(expression, Multiply):
        return Multiply(tuple(operand_of.get(i, f) for i, f in enumerate(expression.factors)))
    changes: dict[str, Any] = {}
    position = 0
    for field in fields(expression):
        value = getattr(expression, field.name)
        if not isinstance(value, str | int | float | Fraction):
            if position in operand_of:
                changes[field.name] = operand_of[position]
            position += 1
    return replace(expression, **changes) if changes else expression
