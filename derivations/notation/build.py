"""Formulas to SymPy expressions, where every name's shape is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from sympy import Expr, Integer, MatrixExpr, MatrixSymbol, OneMatrix

from derivations.errors import NotationError, Place, ShapeError
from derivations.expressions import (
    Diag,
    Elementwise,
    FlatSize,
    Partial,
    Quantity,
    Softmax,
    SquaredNorm,
    TimeProduct,
    TimeSum,
    add,
    hadamard,
    multiply,
    negate,
    power,
    show_shape,
    t,
    timeless,
    transpose,
)
from derivations.notation import syntax
from derivations.notation.interpret import Interpreter
from derivations.notation.names import Scope, at_time


class Ones:
    """A column of ones whose length the neighbours tell."""

    def __init__(self, transposed: bool = False) -> None:
        self.transposed = transposed

    def like(self, length: Expr) -> MatrixExpr:
        column = OneMatrix(length, 1)
        return transpose(column) if self.transposed else column


#: A SymPy number, a matrix expression, or ones of a length still to be told.
Value: TypeAlias = "Expr | MatrixExpr | Ones"


def build(node: syntax.Node, scope: Scope, place: Place) -> MatrixExpr:
    """Return the SymPy expression of a formula.

    Raises
    ------
    BpttError
        With the place of the piece that has no meaning or no matching shape.
    """
    value = Interpreter(_Expressions(scope), scope, place).value(node)
    if not isinstance(value, MatrixExpr):
        where = Place(place.text, *node.span, place.first_line)
        raise NotationError("A side of an equation cannot be a bare number.", where)
    return value


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
    if isinstance(value, Ones):
        return value.like(shape[1] if value.transposed else shape[0])
    return multiply(value, OneMatrix(*shape))


class _Expressions:
    """The algebra of SymPy expressions."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def number(self, value: Expr) -> Value:
        return value

    def ones(self) -> Value:
        return Ones()

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
            summed: Expr = Integer(0)
            for sign, value in terms:
                if isinstance(value, Ones):
                    raise ShapeError("How many ones these are cannot be told.")
                summed += sign * value
            return summed
        values = [(sign, _shaped(value, shaped.shape)) for sign, value in terms]
        return add(*(value if sign > 0 else negate(value) for sign, value in values))

    def multiply(self, factors: Sequence[Value]) -> Value:
        known: list[Expr | MatrixExpr] = []
        for position, factor in enumerate(factors):
            if isinstance(factor, Ones):
                step = 1 if factor.transposed else -1
                neighbour = (
                    factors[position + step] if 0 <= position + step < len(factors) else None
                )
                if not isinstance(neighbour, MatrixExpr):
                    raise ShapeError("How many ones these are cannot be told.")
                known.append(factor.like(neighbour.shape[0 if factor.transposed else 1]))
            else:
                known.append(factor)
        if not any(isinstance(factor, MatrixExpr) for factor in known):
            product = known[0]
            for factor in known[1:]:
                product = product * factor
            return product
        return multiply(*known)

    def hadamard(self, factors: Sequence[tuple[Value, bool]]) -> Value:
        shaped = next((value for value, _ in factors if isinstance(value, MatrixExpr)), None)
        if shaped is None:
            raise ShapeError("⊙ stands between vectors or matrices.")
        known = [(_shaped(value, shaped.shape), inverted) for value, inverted in factors]
        return hadamard(*(power(value, -1) if inverted else value for value, inverted in known))

    def divide(self, above: Value, below: Value) -> Value:
        if isinstance(below, Ones) or isinstance(above, Ones):
            raise ShapeError("A fraction of ones cannot be read.")
        if not isinstance(below, MatrixExpr):
            return multiply(1 / below, above) if isinstance(above, MatrixExpr) else above / below
        return self.hadamard([(above, False), (below, True)])

    def power(self, base: Value, exponent: Expr) -> Value:
        if isinstance(base, Ones):
            return base
        return power(base, exponent) if isinstance(base, MatrixExpr) else base**exponent

    def transpose(self, value: Value) -> Value:
        if isinstance(value, Ones):
            return Ones(not value.transposed)
        return transpose(value) if isinstance(value, MatrixExpr) else value

    def apply(self, function: str, order: int, argument: Value) -> Value:
        return Elementwise(function, order, _matrix(argument))

    def softmax(self, argument: Value) -> Value:
        return Softmax(_matrix(argument))

    def diag(self, argument: Value) -> Value:
        return Diag(_matrix(argument))

    def squared_norm(self, argument: Value) -> Value:
        return SquaredNorm(_matrix(argument))

    def partial(self, of: Value, by: Value, immediate: bool) -> Value:
        above, below = _matrix(of), _matrix(by)
        if not isinstance(below, Quantity | MatrixSymbol):
            raise NotationError("A derivative is taken by a symbol.")
        return Partial(above, below, immediate)

    def series(self, kind: str, body: Value, index: Expr, lower: Expr, upper: Expr) -> Value:
        maker = TimeSum if kind == "sum" else TimeProduct
        return maker(_matrix(body), index, lower, upper)


def _matrix(value: Value) -> MatrixExpr:
    if not isinstance(value, MatrixExpr):
        raise ShapeError("A vector or a matrix was expected here, not a number.")
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
