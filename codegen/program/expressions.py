"""Expressions of the loop language: rows, and matrices that carry time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Load:
    """A quantity at step t + shift: rows, or one matrix for each row."""

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
class Maximum:
    """The larger of two, entry by entry."""

    first: Expression
    second: Expression


@dataclass(frozen=True)
class RowFunction:
    """A function of a whole row: ``softmax`` or ``log_softmax``."""

    function: str
    argument: Expression


@dataclass(frozen=True)
class Concatenate:
    """Rows side by side, which are columns below each other in the mathematics.

    The sizes of the parts are texts.
    """

    parts: tuple[Expression, ...]
    sizes: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """Some neighbouring entries of every row; the ends are texts of sizes, empty at an end."""

    rows: Expression
    start: str
    stop: str


@dataclass(frozen=True)
class RowsTimes:
    """Rows times a matrix: ``rows @ W.T`` for W u, ``rows @ W`` for Wᵀ u.

    With `start` and `stop`, texts of sizes, the matrix is those columns of the weight.
    """

    rows: Expression
    weight: str
    transposed: bool
    start: str = ""
    stop: str = ""


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
class Pick:
    """The entry of each row that an integer label names: one column."""

    rows: Expression
    label: Expression


@dataclass(frozen=True)
class Unit:
    """Rows of zeros but for a number at the place that an integer label names.

    It is a term of a sum and never an array of its own: a target adds the number in its place.
    """

    label: Expression
    amount: Expression


# Matrices that carry time


@dataclass(frozen=True)
class TimesEach:
    """Each matrix times the row that belongs to it."""

    matrices: Expression
    rows: Expression


@dataclass(frozen=True)
class OuterEach:
    """The outer product of each row of one with the same row of the other: a matrix each."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class MatrixProduct:
    """The product of matrices that belong to the same row, or of a weight with each matrix."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class Turned:
    """Each matrix transposed."""

    matrices: Expression


@dataclass(frozen=True)
class Lifted:
    """One number a row, to multiply the matrix of that row."""

    rows: Expression


@dataclass(frozen=True)
class EntrySum:
    """The sum of the entries of each matrix: one column."""

    matrices: Expression


# Sums over all rows


@dataclass(frozen=True)
class Outer:
    """Σ over the rows of u vᵀ: a matrix of a parameter's shape."""

    left: Expression
    right: Expression


@dataclass(frozen=True)
class Total:
    """Σ over the rows: of a parameter's shape."""

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
    | Maximum
    | RowFunction
    | Concatenate
    | Part
    | RowsTimes
    | Dot
    | RowSum
    | Pick
    | Unit
    | TimesEach
    | OuterEach
    | MatrixProduct
    | Turned
    | Lifted
    | EntrySum
    | Outer
    | Total
)

#: Every scalar function that a target must know how to evaluate without overflow.
FUNCTIONS = ("tanh", "exp", "expm1", "log", "sigmoid", "softplus", "normal_cdf")


def operands(expression: Expression) -> Iterator[Expression]:
    """Yield the operands of an expression, from left to right."""
    if isinstance(expression, Add):
        yield from (term for _, term in expression.terms)
    elif isinstance(expression, Multiply):
        yield from expression.factors
    elif isinstance(expression, Concatenate):
        yield from expression.parts
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
    if isinstance(expression, Concatenate):
        parts = tuple(operand_of.get(i, part) for i, part in enumerate(expression.parts))
        return replace(expression, parts=parts)
    changes: dict[str, Any] = {}
    position = 0
    for field in fields(expression):
        value = getattr(expression, field.name)
        if not isinstance(value, str | int | float | Fraction):
            if position in operand_of:
                changes[field.name] = operand_of[position]
            position += 1
    return replace(expression, **changes) if changes else expression
