"""How large what a program computes is: the entries of a row, in the sizes of the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sympy import Expr, Integer, Symbol

from codegen.program import (
    Concatenate,
    Dot,
    EntrySum,
    Expression,
    Lifted,
    Load,
    MatrixProduct,
    Number,
    Outer,
    OuterEach,
    Part,
    Pick,
    Program,
    RowFunction,
    RowsTimes,
    RowSum,
    TimesEach,
    Turned,
    Weight,
    operands,
)
from codegen.rows import size_text

_ONE_A_ROW = (Number, Dot, RowSum, Pick, EntrySum, Lifted)


def entries(program: Program, value: Expression) -> Expr:
    """Return how many entries a row, or the matrix of a row, has."""
    return entries_of(row_axes(program, value))


def row_axes(program: Program, value: Expression) -> tuple[str, ...]:
    """Return the sizes of a row, or of the matrix of a row.

    Examples
    --------
    >>> from codegen.lower import lower
    >>> from derivations import cell, derive
    >>> program = lower(derive(cell("fast-weights")))
    >>> row_axes(program, OuterEach(Load("v"), Load("k"))), row_axes(program, Load("v"))
    (('n', 'n_2'), ('n',))
    """
    match value:
        case Load():
            return program.array(value.name).axes
        case Weight():
            axes = program.weight_axes(value.name)
            return axes[-1:] if axes[0] == "1" else axes
        case RowsTimes():
            rows, columns = program.weight_axes(value.weight)
            return (rows if value.transposed else _between(value.start, value.stop, columns),)
        case Part():
            (whole,) = row_axes(program, value.rows)
            return (_between(value.start, value.stop, whole),)
        case Concatenate():
            return (size_text(sum((_length(size) for size in value.sizes), start=Integer(0))),)
        case Outer() | OuterEach():
            return (*row_axes(program, value.left), *row_axes(program, value.right))
        case TimesEach():
            return row_axes(program, value.matrices)[:1]
        case MatrixProduct():
            left, right = row_axes(program, value.left), row_axes(program, value.right)
            return (left[0], right[-1])
        case Turned():
            return row_axes(program, value.matrices)[::-1]
        case RowFunction(function="log_sum_exp"):
            return ("1",)
    if isinstance(value, _ONE_A_ROW):
        return ("1",)
    found = [row_axes(program, operand) for operand in operands(value)]
    return next((axes for axes in found if axes != ("1",)), ("1",))


def _between(start: str, stop: str, whole: str) -> str:
    if not start and not stop:
        return whole
    return size_text(_length(stop or whole) - _length(start or "0"))


def entries_of(axes: Sequence[str]) -> Expr:
    """Return how many entries an array of some axes has.

    Examples
    --------
    >>> entries_of(("n", "2 * m + 1"))
    n*(2*m + 1)
    """
    result = Integer(1)
    for axis in axes:
        result *= _length(axis)
    return result


def sum_of_sizes(sizes: Sequence[str]) -> str:
    """Return the text of a sum of sizes, equal ones counted.

    Examples
    --------
    >>> sum_of_sizes(["n", "n", "m"])
    '2 * n + m'
    """
    counts = Counter(sizes)
    return " + ".join(f"{count} * {size}" if count > 1 else size for size, count in counts.items())


def _length(size: str) -> Expr:
    """Return a size, which is a sum of products of names and numbers."""
    total = Integer(0)
    for term in size.split(" + "):
        product = Integer(1)
        for factor in term.split(" * "):
            product *= Integer(int(factor)) if factor.isdecimal() else Symbol(factor)
        total += product
    return total


__all__ = ["entries", "entries_of", "row_axes", "sum_of_sizes"]
