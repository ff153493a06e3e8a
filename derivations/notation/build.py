"""Formulas to SymPy expressions, where every name's shape is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from sympy import Expr, Identity, Integer, MatrixExpr, MatrixSymbol, OneMatrix, ZeroMatrix

from derivations.algebra import add, hadamard, multiply, negate, power, transpose
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
    show_shape,
    t,
    timeless,
)
from derivations.notation import syntax
from derivations.notation.interpret import Interpreter
from derivations.notation.names import Scope, at_time


@dataclass(frozen=True)
class Shapeless:
    """Ones or the identity, whose size the neighbours tell.

    Attributes
    ----------
    kind : str
        ``column`` or ``row`` of ones, or ``identity``.
    coefficient : Expr
        The number in front.
    wrap : callable
        What is made of the matrix once its size is known, such as a product over time.
    """

    kind: Literal["column", "row", "identity"]
    coefficient: Expr = field(default_factory=lambda: Integer(1))
    wrap: Callable[[MatrixExpr], MatrixExpr] | None = None

    def of_shape(self, shape: tuple[Expr, Expr]) -> MatrixExpr:
        """Return the matrix of a shape.

        Raises
        ------
        ShapeError
            When ones or the identity cannot have that shape.
        """
        rows, columns = shape
        fits = {"column": columns == 1, "row": rows == 1, "identity": rows == columns}
        if not fits[self.kind]:
            name = "The identity" if self.kind == "identity" else "A vector of ones"
            raise ShapeError(f"{name} is not {rows} × {columns}.")
        made = {
            "column": OneMatrix(rows, 1),
            "row": transpose(OneMatrix(columns, 1)),
            "identity": Identity(rows),
        }
        matrix = multiply(self.coefficient, made[self.kind])
        return matrix if self.wrap is None else self.wrap(matrix)


#: The names of what has no size of its own.
SHAPELESS: Mapping[str, Shapeless] = {
    "\\mathbf{1}": Shapeless("column"),
    "\\mathbf{I}": Shapeless("identity"),
}
_TURNED: Mapping[str, Literal["column", "row", "identity"]] = {
    "column": "row",
    "row": "column",
    "identity": "identity",
}

#: A SymPy number, a matrix expression, or something of a size still to be told.
Value: TypeAlias = "Expr | MatrixExpr | Shapeless"


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

    def shapeless(self, name: str) -> Value:
        return SHAPELESS[name]

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
        sign, only = terms[0]
        if len(terms) == 1 and isinstance(only, Shapeless):
            return replace(only, coefficient=sign * only.coefficient)
        summed: Expr = Integer(0)
        for sign, value in terms:
            if isinstance(value, Shapeless):
                raise ShapeError("What size this has cannot be told.")
            summed += sign * value
        return summed

    def multiply(self, factors: Sequence[Value]) -> Value:
        if not any(isinstance(factor, MatrixExpr) for factor in factors):
            return self._bare_product(factors)
        known: list[Expr | MatrixExpr] = []
        for position, factor in enumerate(factors):
            if not isinstance(factor, Shapeless):
                known.append(factor)
            elif factor.kind == "identity" and factor.wrap is None:
                known.append(factor.coefficient)
            else:
                step = -1 if factor.kind == "column" else 1
                neighbour = (
                    factors[position + step] if 0 <= position + step < len(factors) else None
                )
                if not isinstance(neighbour, MatrixExpr):
                    raise ShapeError("How many ones these are cannot be told.")
                length = neighbour.shape[1 if factor.kind == "column" else 0]
                shapes = {"row": (1, length), "column": (length, 1), "identity": (length, length)}
                known.append(factor.of_shape(shapes[factor.kind]))
        return multiply(*known)

    def _bare_product(self, factors: Sequence[Value]) -> Value:
        sizeless = [factor for factor in factors if isinstance(factor, Shapeless)]
        if len(sizeless) > 1:
            raise ShapeError("What size this has cannot be told.")
        product: Expr = Integer(1)
        for factor in factors:
            product = product * (factor.coefficient if isinstance(factor, Shapeless) else factor)
        return replace(sizeless[0], coefficient=product) if sizeless else product

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
            return replace(value, kind=_TURNED[value.kind])
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
        if isinstance(body, Shapeless) and body.wrap is None:
            return replace(body, wrap=lambda matrix: maker(matrix, index, lower, upper))
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
