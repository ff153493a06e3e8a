"""Program → Program in which a statement is one product, one function of a row, or entry by entry.

Whatever else stands within an expression gets a buffer and a statement of its own: a target without
arrays as values, such as C, then prints each statement as one call or one loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import count
from typing import TypeAlias

from codegen.program import (
    Accumulate,
    Add,
    AllSteps,
    Array,
    Assign,
    Block,
    Concatenate,
    Dot,
    EntrySum,
    Expression,
    LastStep,
    Load,
    MatrixProduct,
    Multiply,
    Number,
    Outer,
    Program,
    RowFunction,
    RowsTimes,
    RowSum,
    Statement,
    TimesEach,
    Total,
    Unit,
    Weight,
    loads,
    operands,
    with_operands,
)
from codegen.sizes import entries, entries_of, row_axes

_WHOLE: TypeAlias = (
    RowsTimes | Dot | RowSum | EntrySum | RowFunction | TimesEach | MatrixProduct | Concatenate
)


def materialise(program: Program) -> Program:
    """Return the program with a statement for everything that is not done entry by entry."""
    maker = _Materialising(program)
    forward = tuple(map(maker.block, program.forward))
    backward = tuple(map(maker.block, program.backward))
    initial = tuple(
        (statement, step)
        for assignment, step in program.initial
        for statement in maker.assignments(assignment, has_steps=False)
    )
    arrays = (*program.arrays, *maker.arrays)
    return replace(program, forward=forward, backward=backward, initial=initial, arrays=arrays)


def is_whole(value: Expression) -> bool:
    """Tell whether a value is computed as a whole, and not entry by entry.

    A constant row times a matrix is a column of it, and needs no product.
    """
    is_column = isinstance(value, RowsTimes) and isinstance(value.rows, Number)
    return isinstance(value, _WHOLE) and not is_column


class _Materialising:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._numbers = count(1)
        self.arrays: list[Array] = []

    def block(self, block: Block) -> Block:
        has_steps = isinstance(block, AllSteps)
        body = (s for one in block.body for s in self._statements(one, has_steps, block))
        return replace(block, body=tuple(body))

    def _statements(
        self, statement: Statement, has_steps: bool, block: Block
    ) -> Iterator[Statement]:
        if isinstance(statement, Assign):
            yield from self.assignments(statement, has_steps=has_steps)
            return
        at_last = isinstance(block, LastStep) or statement.steps == "last"
        for sign, term in _terms(statement.value):
            yield from self._accumulated(statement, sign, term, has_steps=has_steps and not at_last)

    def assignments(self, statement: Assign, *, has_steps: bool) -> Iterator[Assign]:
        """Yield what computes an assignment, in order."""
        work = _Work(self, statement, has_steps and statement.steps != "last")
        products = [] if self._reads_itself(statement) else self._products(statement)
        if not products:
            value = work.top(statement.value, whole_allowed=not statement.adds)
            yield from work.made
            yield replace(statement, value=value)
            return
        rest = [term for term in _terms(statement.value) if term not in products]
        biases = [term for term in rest if term[0] > 0 and isinstance(term[1], Weight)]
        first_sum: list[tuple[int, Expression]] = [(1, work.product(products[0][1]))]
        if biases and not statement.adds:
            first_sum.append(biases[0])
            rest.remove(biases[0])
        value = first_sum[0][1] if len(first_sum) == 1 else Add(tuple(first_sum))
        others = [work.product(product) for _, product in products[1:]]
        left = work.entrywise(Add(tuple(rest))) if rest else None
        yield from work.made
        yield replace(statement, value=value)
        for product in others:
            yield replace(statement, value=product, adds=True)
        if left is not None:
            yield replace(statement, value=left, adds=True)

    def _reads_itself(self, statement: Assign) -> bool:
        own = set(self._program.members(statement.target))
        return any(
            own & set(self._program.members(load.name))
            for load in loads(statement.value)
            if load.shift == 0
        )

    def _products(self, statement: Assign) -> list[tuple[int, RowsTimes]]:
        """Return the products among the terms of a sum that can be made where it belongs."""
        terms = _terms(statement.value)
        if any(isinstance(term, Unit) for _, term in terms):
            return []
        length = entries_of(self._program.target_axes(statement.target))
        return [
            (sign, term)
            for sign, term in terms
            if isinstance(term, RowsTimes) and is_whole(term) and sign > 0
            if entries(self._program, term) == length
        ]

    def _accumulated(
        self, statement: Accumulate, sign: int, term: Expression, *, has_steps: bool
    ) -> Iterator[Statement]:
        work = _Work(self, statement, has_steps)
        number, summed = _scale(sign, term)
        match summed:
            case Outer():
                left = work.stored(_scaled(number, summed.left))
                value: Expression = Outer(left, work.stored(summed.right))
            case Total():
                value = Total(work.stored(_scaled(number, summed.rows)))
            case _:
                value = Total(work.stored(_scaled(number, summed)))
        yield from work.made
        yield replace(statement, value=value)

    def buffer(self, value: Expression, has_steps: bool) -> Array:
        """Make a buffer for a value, of one step or of all of them."""
        axes = row_axes(replace(self._program, arrays=(*self._program.arrays, *self.arrays)), value)
        taken = self._program.names | {array.name for array in self.arrays}
        names = (f"buffer_{number}" for number in self._numbers)
        name = next(name for name in names if name not in taken)
        array = Array(name, axes, "adjoint", at_last_only=not has_steps)
        self.arrays.append(array)
        return array


class _Work:
    """The statements that come before one statement."""

    def __init__(self, maker: _Materialising, statement: Statement, has_steps: bool) -> None:
        self._maker = maker
        self._statement = statement
        self._has_steps = has_steps
        self.made: list[Assign] = []

    def top(self, value: Expression, *, whole_allowed: bool) -> Expression:
        """Return a whole value as it stands, with operands that it takes; others entry by entry."""
        return (
            self._operands_of(value) if is_whole(value) and whole_allowed else self.entrywise(value)
        )

    def product(self, value: RowsTimes) -> RowsTimes:
        return replace(value, rows=self.stored(value.rows))

    def entrywise(self, value: Expression) -> Expression:
        """Return a value in which everything is done entry by entry."""
        if is_whole(value):
            return self.stored(value)
        changed = {i: self.entrywise(operand) for i, operand in enumerate(operands(value))}
        return with_operands(value, changed) if changed else value

    def stored(self, value: Expression) -> Load:
        """Return a value as an array, which a buffer is where it is none."""
        if isinstance(value, Load):
            return value
        value = self.top(value, whole_allowed=True)
        array = self._maker.buffer(value, self._has_steps)
        s = self._statement
        self.made.append(
            Assign(array.name, value, s.equation, s.formula, steps=s.steps, also=s.also)
        )
        return Load(array.name)

    def _operands_of(self, value: Expression) -> Expression:
        match value:
            case RowsTimes():
                return self.product(value)
            case RowFunction():
                return replace(value, argument=self.stored(value.argument))
        changed = {i: self.entrywise(operand) for i, operand in enumerate(operands(value))}
        return with_operands(value, changed)


def _terms(value: Expression) -> Sequence[tuple[int, Expression]]:
    return value.terms if isinstance(value, Add) else ((1, value),)


def _scale(sign: int, term: Expression) -> tuple[Fraction | float, Expression]:
    """Return a number and what it multiplies."""
    match term:
        case Multiply(factors=(Number(value=value), rest)):
            return sign * value, rest
        case Add(terms=((own, inner),)):
            return _scale(sign * own, inner)
    return Fraction(sign), term


def _scaled(number: Fraction | float, value: Expression) -> Expression:
    if number == 1:
        return value
    return Add(((-1, value),)) if number == -1 else Multiply((Number(number), value))


__all__ = ["is_whole", "materialise"]
