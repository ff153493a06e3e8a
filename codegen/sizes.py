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
    Weight,
    operands,
)

_ONE_A_ROW = (Number, Dot, RowSum, Pick, EntrySum, Lifted)


def entries(program: Program, value: Expression) -> Expr:
    """Return how many entries a row, or the matrix of a row, has."""
    match value:
        case Load():
            return entries_of(program.array(value.name).axes)
        case Weight():
            return entries_of(program.weight_axes(value.name)[-1:])
        case RowsTimes():
            rows, columns = program.weight_axes(value.weight)
            if value.transposed:
                return _length(rows)
            return _length(value.stop or columns) - _length(value.start or "0")
        case Part():
            whole = entries(program, value.rows)
            stop = _length(value.stop) if value.stop else whole
            return stop - _length(value.start or "0")
        case Concatenate():
            return sum((_length(size) for size in value.sizes), start=Integer(0))
        case Outer() | OuterEach():
            return entries(program, value.left) * entries(program, value.right)
        case TimesEach(matrices=Load() as matrices):
            return _length(program.array(matrices.name).axes[0])
        case RowFunction(function="log_sum_exp"):
            return Integer(1)
    if isinstance(value, _ONE_A_ROW):
        return Integer(1)
    found = [entries(program, operand) for operand in operands(value)]
    return next((one for one in found if one != 1), Integer(1))


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


__all__ = ["entries", "entries_of", "sum_of_sizes"]
