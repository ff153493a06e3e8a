"""Formulas to SymPy expressions, where every name's shape is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from sympy import Expr, Integer, MatrixExpr, MatrixSymbol, OneMatrix, ZeroMatrix

from derivations.algebra import (
    add,
    hadamard,
    kronecker,
    multiply,
    negate,
    power,
    stack,
    transpose,
)
from derivations.errors import NotationError, Place, ShapeError
from derivations.expressions import (
    AscendingProduct,
    Blocks,
    Diag,
    Elementwise,
    Entry,
    FlatSize,
    Identity,
    Maximum,
    Part,
    Partial,
    Quantity,
    Softmax,
    SquaredNorm,
    TimeProduct,
    TimeSum,
    Vec,
    is_scalar,
    show_shape,
    t,
    timeless,
)
from derivations.notation import shapeless, syntax
from derivations.notation.interpret import Interpreter
from derivations.notation.names import Scope, at_time
from derivations.notation.picks import Range
from derivations.notation.shapeless import Shapeless

#: A SymPy number, a matrix expression, or something of a size still to be told.
Value: TypeAlias = "Expr | MatrixExpr | Shapeless"

_SERIES = {"sum": TimeSum, "product": TimeProduct, "ascending product": AscendingProduct}


def build_sides(statement: syntax.Statement, scope: Scope, place: Place) -> list[MatrixExpr]:
    """Return the sides of a statement; a side that is a number takes the others' shape."""
    interpreter = Interpreter(_Expressions(scope), scope, place)
    values = [interpreter.value(side) for side in statement.sides]
    shaped = next((value for value in values if isinstance(value, MatrixExpr)), None)
    if shaped is None:
        raise NotationError("An equation between numbers says nothing.", place)
    return [_shaped(value, shaped.shape) for value in values]


def _shaped(value: Value, shape: tuple[Expr, Expr]) -> MatrixExpr:
    if isinstance(value, MatrixExpr):
        return value
    if isinstance(value, Shapeless):
        return value.of_shape(shape)
    return multiply(value, OneMatrix(*shape))


class _Expressions:
    """The algebra of SymPy expressions."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def number(self, value: Expr) -> Value:
        return value

    def ones(self) -> Value:
        return shapeless.ones()

    def identity(self, size: Expr | None) -> Value:
        return shapeless.identity() if size is None else Identity(size)

    def zero(self, rows: Expr, columns: Expr) -> Value:
        return ZeroMatrix(rows, columns)

    def unit(self, label: Value) -> Value:
        return shapeless.unit(_label(label))

    def symbol(self, name: str, time: Expr | None) -> Value:
        shape = self._scope.shapes.get(name)
        if shape is None:
            raise NotationError(f"The symbol {name} is not defined.")
        if time is not None:
            return Quantity(name, *shape, time)
        if name in self._scope.timeless:
            return Quantity(name, *shape, timeless)
        if name in self._scope.temporal:
            raise NotationError(f"{name} carries time: write {at_time(name, t)}.")
        return MatrixSymbol(name, *shape)

    def add(self, terms: Sequence[tuple[int, Value]]) -> Value:
        shaped = next((value for _, value in terms if isinstance(value, MatrixExpr)), None)
        if shaped is None:
            return self._bare_sum(terms)
        values = [(sign, _shaped(value, shaped.shape)) for sign, value in terms]
        return add(*(value if sign > 0 else negate(value) for sign, value in values))

    def _bare_sum(self, terms: Sequence[tuple[int, Value]]) -> Value:
        sizeless = [(sign, value) for sign, value in terms if isinstance(value, Shapeless)]
        if not sizeless:
            numbers = [(sign, value) for sign, value in terms if isinstance(value, Expr)]
            return sum((sign * number for sign, number in numbers), start=Integer(0))
        if len(sizeless) < len(terms):
            raise ShapeError("What size this has cannot be told.")
        return shapeless.total(sizeless)

    def multiply(self, factors: Sequence[Value]) -> Value:
        sizeless = [factor for factor in factors if isinstance(factor, Shapeless)]
        others = [factor for factor in factors if not isinstance(factor, Shapeless)]
        if len(sizeless) == 1 and all(_is_number(factor) for factor in others):
            return sizeless[0].mapped(lambda own: multiply(*others, own))
        first, *rest = factors
        if isinstance(first, Shapeless) and first.lacks_rows and isinstance(rest[0], MatrixExpr):
            product = _matrix(self.multiply(rest))
            return first.before(product, rest if len(sizeless) == 1 else [product])
        *front, last = factors
        if len(sizeless) == 1 and isinstance(last, Shapeless) and last.lacks_columns:
            return last.behind(_matrix(self.multiply(front)), front)
        known = [
            factor.among(factors[:position], factors[position + 1 :])
            if isinstance(factor, Shapeless)
            else factor
            for position, factor in enumerate(factors)
        ]
        if not any(isinstance(factor, MatrixExpr) for factor in known):
            value: Expr = Integer(1)
            for number in known:
                value = value * number
            return value
        return multiply(*known)

    def hadamard(self, factors: Sequence[tuple[Value, bool]]) -> Value:
        shaped = next((value for value, _ in factors if isinstance(value, MatrixExpr)), None)
        if shaped is None:
            raise ShapeError("⊙ stands between vectors or matrices.")
        known = [(_shaped(value, shaped.shape), inverted) for value, inverted in factors]
        if any(inverted and isinstance(value, ZeroMatrix) for value, inverted in known):
            raise NotationError("This divides by zero.")
        return hadamard(*(power(value, -1) if inverted else value for value, inverted in known))

    def divide(self, above: Value, below: Value) -> Value:
        if isinstance(below, Shapeless) or isinstance(above, Shapeless):
            raise ShapeError("A fraction of ones cannot be read.")
        if isinstance(below, ZeroMatrix) or (not isinstance(below, MatrixExpr) and below == 0):
            raise NotationError("This divides by zero.")
        if not isinstance(below, MatrixExpr):
            return multiply(1 / below, above) if isinstance(above, MatrixExpr) else above / below
        if is_scalar(below) and isinstance(above, MatrixExpr) and not is_scalar(above):
            return multiply(power(below, -1), above)
        return self.hadamard([(above, False), (below, True)])

    def power(self, base: Value, exponent: Expr) -> Value:
        if isinstance(base, Shapeless):
            raise ShapeError("Ones and the identity take no power here.")
        if isinstance(base, MatrixExpr):
            return power(base, exponent)
        if base == 0 and exponent.is_negative:
            raise NotationError("This divides by zero.")
        return base**exponent

    def transpose(self, value: Value) -> Value:
        if isinstance(value, Shapeless):
            return value.turned()
        return transpose(value) if isinstance(value, MatrixExpr) else value

    def apply(self, function: str, order: int, argument: Value) -> Value:
        return Elementwise(function, order, _matrix(argument))

    def softmax(self, argument: Value) -> Value:
        return Softmax(_matrix(argument))

    def diag(self, argument: Value) -> Value:
        return Diag(_matrix(argument))

    def vec(self, argument: Value) -> Value:
        return Vec(_matrix(argument))

    def maximum(self, first: Value, second: Value) -> Value:
        shaped = next((v for v in (first, second) if isinstance(v, MatrixExpr)), None)
        if shaped is None:
            raise ShapeError("max needs a vector or a matrix among its arguments.")
        return Maximum(_shaped(first, shaped.shape), _shaped(second, shaped.shape))

    def squared_norm(self, argument: Value) -> Value:
        return SquaredNorm(_matrix(argument))

    def entry(self, vector: Value, label: Value) -> Value:
        return Entry(_matrix(vector), _label(label))

    def part(self, matrix: Value, rows: Range | None, columns: Range | None) -> Value:
        whole = _matrix(matrix)
        first_row, row_count = _taken(rows, whole.shape[0])
        first_column, column_count = _taken(columns, whole.shape[1])
        return Part(whole, first_row, row_count, first_column, column_count)

    def stack(self, pieces: Sequence[Value]) -> Value:
        one = OneMatrix(1, 1)  # a number is an entry of its own: [h; 1]
        return self.blocks([[multiply(p, one) if _is_bare(p) else p] for p in pieces])

    def blocks(self, rows: Sequence[Sequence[Value]]) -> Value:
        if len({len(row) for row in rows}) != 1:
            raise ShapeError("The rows of these blocks have different lengths.")
        known = [list(row) for row in rows]
        for _ in range(2):  # an identity tells its row the height of which a zero waits
            heights = [_common(row, 0) for row in known]
            widths = [_common(column, 1) for column in zip(*known, strict=True)]
            known = [
                [_fitted(block, height, width) for block, width in zip(row, widths, strict=True)]
                for row, height in zip(known, heights, strict=True)
            ]
        entries = [_matrix(block) for row in known for block in row]
        return stack(*entries) if len(known[0]) == 1 else Blocks(len(known[0]), *entries)

    def kronecker(self, left: Value, right: Value) -> Value:
        return kronecker(_matrix(left), _matrix(right))

    def partial(self, of: Value, by: Value, immediate: bool) -> Value:
        above, below = _matrix(of), _matrix(by)
        if not isinstance(below, Quantity | MatrixSymbol):
            raise NotationError("A derivative is taken by a symbol.")
        return Partial(above, below, immediate)

    def series(self, kind: str, body: Value, index: Expr, lower: Expr, upper: Expr) -> Value:
        maker = _SERIES[kind]
        if isinstance(body, Shapeless):
            return body.mapped(lambda own: maker(own, index, lower, upper))
        return maker(_matrix(body), index, lower, upper)


def _is_bare(value: Value) -> bool:
    """Tell whether a value is a number, and no matrix of any size."""
    return not isinstance(value, MatrixExpr | Shapeless)


def _is_number(factor: Expr | MatrixExpr) -> bool:
    """Tell whether a factor only scales: a number, or a scalar."""
    return not isinstance(factor, MatrixExpr) or is_scalar(factor)


def _common(blocks: Sequence[Value], axis: int) -> Expr | None:
    """Return the height or the width that the known ones of some blocks have."""
    return next((block.shape[axis] for block in blocks if isinstance(block, MatrixExpr)), None)


def _fitted(block: Value, height: Expr | None, width: Expr | None) -> Value:
    """Give a block without a size of its own the one that its neighbours tell."""
    if isinstance(block, MatrixExpr):
        return block
    if isinstance(block, Shapeless) and block.is_square:
        height, width = height or width, width or height
    return block if height is None or width is None else _shaped(block, (height, width))


def _taken(span: Range | None, length: Expr) -> tuple[Expr, Expr]:
    """Return how much is left out before, and how much is taken."""
    if span is None:
        return Integer(0), length
    before = Integer(0) if span.first is None else span.first - 1
    return before, (length if span.last is None else span.last) - before


def _label(value: Value) -> Quantity:
    if not isinstance(value, Quantity):
        raise NotationError("A label was expected here.")
    return value


def _matrix(value: Value) -> MatrixExpr:
    if not isinstance(value, MatrixExpr):
        raise ShapeError("A vector or a matrix of a known size was expected here, not a number.")
    return value


def agree(sides: Sequence[MatrixExpr]) -> None:
    """Check that the sides of an equation have one shape.

    A contraction of ∂u/∂W over u, a row whose second axis runs over the entries of W, stands for
    a gradient of W's shape.

    Raises
    ------
    ShapeError
        With the two shapes that differ.
    """
    shapes = [_gradient_shape(side.shape) for side in sides]
    for side, shape in zip(sides, shapes, strict=True):
        if shape != shapes[0]:
            raise ShapeError(
                f"The sides have different shapes: {show_shape(sides[0])} and {show_shape(side)}."
            )


def _gradient_shape(shape: tuple[Expr, Expr]) -> tuple[Expr, Expr]:
    if shape[0] == 1 and isinstance(shape[1], FlatSize):
        rows, columns = shape[1].args
        return rows, columns
    return shape
