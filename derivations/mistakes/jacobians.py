"""Mistakes in Jacobians: the order of the factors, transposes, and where a slope is taken."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Basic, Expr, MatrixExpr, Transpose

from derivations.algebra import add, hadamard, multiply, negate, power, rebuild, transpose
from derivations.expressions import (
    AscendingProduct,
    Diag,
    Elementwise,
    HadamardPower,
    HadamardProduct,
    MatAdd,
    MatMul,
    MatrixSymbol,
    OneMatrix,
    Partial,
    Quantity,
    TimeProduct,
    is_column,
)
from derivations.mistakes.trees import Subject, Wrong, changed
from derivations.model import Model
from derivations.notation.latex import function_name, latex


def factors_swapped(subject: Subject) -> Iterator[Wrong]:
    """diag(σ′(a)) W becomes W diag(σ′(a))."""

    def change(node: Basic) -> Iterator[tuple[MatrixExpr, str]]:
        for before, left, right, after in _diagonal_pairs(node):
            what = f"${latex(left)}$ and ${latex(right)}$ stand in the wrong order."
            yield multiply(*before, right, left, *after), what

    return changed(subject.side, change)


def other_network(subject: Subject) -> Iterator[Wrong]:
    """diag(σ′(a_j)) W becomes W diag(σ′(h_{j−1})), and the other way round.

    The one belongs to h_t = σ(W h_{t−1}), the other to h_t = W σ(h_{t−1}).
    """
    left = subject.equation.left
    if not (isinstance(left, Partial) and isinstance(left.by, Quantity)):
        return iter(())
    state = left.by
    ahead = isinstance(subject.side, AscendingProduct) or _runs_ahead(left)

    def change(node: Basic) -> Iterator[tuple[MatrixExpr, str]]:
        for before, one, other, after in _diagonal_pairs(node):
            slope = (one if isinstance(one, Diag) else other).vector
            if before or after or not (_is_slope(slope) and isinstance(slope.argument, Quantity)):
                continue
            function, time = slope.function, slope.argument.time
            if isinstance(one, Diag):
                moved = Diag(slope_at(slope, state.at(time + 1 if ahead else time - 1)))
                yield multiply(other, moved), _of_another(function, "before", other)
            elif slope.argument.name == state.name:
                moved = Diag(slope_at(slope, state.at(time - 1 if ahead else time + 1)))
                yield multiply(moved, one), _of_another(function, "after", one)

    return changed(subject.side, change)


def _of_another(function: str, when: str, matrix: MatrixExpr) -> str:
    return (
        f"This is the Jacobian of another network, one that applies ${function_name(function)}$ "
        f"{when} the product with ${latex(matrix)}$."
    )


def _runs_ahead(left: Partial) -> bool:
    """Tell whether a state is computed from the step after."""
    of = left.of
    if not isinstance(of, Quantity):
        return False
    gap = of.time - left.by.time
    return bool(gap.is_number and gap < 0)


def _diagonal_pairs(node: Basic) -> Iterator[tuple[tuple[Expr, ...], Expr, Expr, tuple[Expr, ...]]]:
    """Yield each diagonal matrix and a square one beside it, with what stands around them."""
    if not isinstance(node, MatMul):
        return
    for position in range(len(node.args) - 1):
        one, other = node.args[position : position + 2]
        if not (isinstance(one, MatrixExpr) and one.shape == other.shape):
            continue
        if isinstance(one, Diag) != isinstance(other, Diag):
            yield node.args[:position], one, other, node.args[position + 2 :]


def _is_slope(node: Basic) -> bool:
    return isinstance(node, Elementwise) and node.order == 1


def slope_at(slope: Elementwise, argument: MatrixExpr) -> Elementwise:
    """Return the same slope, taken elsewhere."""
    return Elementwise(slope.function, slope.order, argument)


def slope_at_other_step(subject: Subject) -> Iterator[Wrong]:
    """σ′(a_j) becomes σ′(a_{j−1}), and in the adjoint recursion σ′(a_{t+1})."""
    side, left = subject.side, subject.equation.left
    is_chain = isinstance(side, TimeProduct | AscendingProduct)
    looks_back = is_chain or isinstance(left, Partial)
    ahead = isinstance(side, AscendingProduct) or (
        isinstance(left, Partial) and isinstance(left.by, Quantity) and _runs_ahead(left)
    )

    def change(node: Basic) -> Iterator[tuple[MatrixExpr, str]]:
        if not (_is_slope(node) and isinstance(node.argument, Quantity)):
            return
        right = node.argument
        named = left.by.name if isinstance(left, Partial) else ""
        forwards = ahead == (looks_back and right.name != named)
        wrong = right.at(right.time + 1 if forwards else right.time - 1)
        what = f"The slope is taken at ${latex(wrong)}$ instead of ${latex(right)}$."
        yield slope_at(node, wrong), what

    return changed(side, change)


def value_for_argument(subject: Subject) -> Iterator[Wrong]:
    """σ′(a_t) becomes σ′(h_t)."""
    values = _values(subject.model)

    def change(node: Basic) -> Iterator[tuple[MatrixExpr, str]]:
        if not (_is_slope(node) and isinstance(node.argument, Quantity)):
            return
        argument = node.argument
        value = values.get((node.function, argument.name))
        if value is not None:
            wrong = value.at(argument.time)
            what = (
                f"The slope is taken at the value ${latex(wrong)}$ instead of the argument "
                f"${latex(argument)}$."
            )
            yield slope_at(node, wrong), what

    return changed(subject.side, change)


def _values(model: Model) -> dict[tuple[str, str], Quantity]:
    """Return, for a function and its argument by name, the quantity that is its value."""
    return {
        (right.function, right.argument.name): definition.quantity
        for definition in model.definitions
        for right in [definition.expression]
        if isinstance(right, Elementwise) and isinstance(right.argument, Quantity)
    }


def transpose_added(subject: Subject) -> Iterator[Wrong]:
    """W becomes Wᵀ, where W is square."""

    def change(node: Basic) -> Iterator[tuple[MatrixExpr, str]]:
        for position, factor in _factors(node):
            if isinstance(factor, MatrixSymbol) and _is_square(factor):
                what = f"${latex(transpose(factor))}$ stands for ${latex(factor)}$."
                yield _with_factor(node, position, transpose(factor)), what

    return changed(subject.side, change)


def transpose_dropped(subject: Subject) -> Iterator[Wrong]:
    """Wᵀ becomes W, where W is square."""

    def change(node: Basic) -> Iterator[tuple[MatrixExpr, str]]:
        for position, factor in _factors(node):
            is_matrix = isinstance(factor, Transpose) and isinstance(factor.arg, MatrixSymbol)
            if is_matrix and _is_square(factor):
                what = f"${latex(factor.arg)}$ stands for ${latex(factor)}$."
                yield _with_factor(node, position, factor.arg), what

    return changed(subject.side, change)


def _factors(node: Basic) -> Iterator[tuple[int, Basic]]:
    return iter(enumerate(node.args) if isinstance(node, MatMul) else ())


def _with_factor(node: MatMul, position: int, factor: MatrixExpr) -> MatrixExpr:
    return rebuild(node, (*node.args[:position], factor, *node.args[position + 1 :]))


def _is_square(matrix: MatrixExpr) -> bool:
    return bool(matrix.shape[0] == matrix.shape[1] and matrix.shape[0] != 1)


def softmax_entry_by_entry(subject: Subject) -> Iterator[Wrong]:
    """diag(ŷ) − ŷ ŷᵀ becomes diag(ŷ ⊙ (1 − ŷ)), its diagonal alone."""

    def change(node: Basic) -> Iterator[tuple[MatrixExpr, str]]:
        if not (isinstance(node, MatAdd) and len(node.args) == 2):
            return
        first, second = node.args
        if isinstance(first, Diag) and is_column(first.vector):
            value = first.vector
            if second == negate(multiply(value, transpose(value))):
                kept = Diag(hadamard(value, add(OneMatrix(*value.shape), negate(value))))
                what = (
                    "Only the diagonal of the matrix is left: every entry of "
                    f"${latex(value)}$ depends on all arguments, not on its own alone."
                )
                yield kept, what

    return changed(subject.side, change)


def slope_of_another_function(subject: Subject) -> Iterator[Wrong]:
    """1 − h² becomes h ⊙ (1 − h), and the other way round: the slopes of tanh and sigmoid."""

    def change(node: Basic) -> Iterator[tuple[MatrixExpr, str]]:
        for value in _tanh_values(node):
            if _function_behind(value, subject.model) == "tanh":
                wrong = hadamard(value, add(OneMatrix(*value.shape), negate(value)))
                what = f"This is the slope of sigmoid, but ${latex(value)}$ is a value of tanh."
                yield wrong, what
        for value in _sigmoid_values(node):
            if _function_behind(value, subject.model) == "sigmoid":
                wrong = add(OneMatrix(*value.shape), negate(power(value, 2)))
                what = f"This is the slope of tanh, but ${latex(value)}$ is a value of sigmoid."
                yield wrong, what

    return changed(subject.side, change)


def _function_behind(value: MatrixExpr, model: Model) -> str | None:
    """Return the name of the scalar function that something is a value of."""
    definition = model.definition(value.name) if isinstance(value, Quantity) else None
    applied = value if definition is None else definition.expression
    if not (isinstance(applied, Elementwise) and applied.order == 0):
        return None
    function = model.scope.function(applied.function)
    return None if function is None else function.name


def _tanh_values(node: Basic) -> Iterator[MatrixExpr]:
    """Yield u of 1 − u²."""
    if isinstance(node, MatAdd) and len(node.args) == 2 and isinstance(node.args[0], OneMatrix):
        square = negate(node.args[1])
        if isinstance(square, HadamardPower) and square.exp == 2:
            yield square.base


def _sigmoid_values(node: Basic) -> Iterator[MatrixExpr]:
    """Yield u of u ⊙ (1 − u)."""
    if isinstance(node, HadamardProduct) and len(node.args) == 2:
        value, rest = node.args
        if rest == add(OneMatrix(*value.shape), negate(value)):
            yield value


__all__ = [
    "factors_swapped",
    "other_network",
    "slope_at_other_step",
    "slope_of_another_function",
    "softmax_entry_by_entry",
    "transpose_added",
    "transpose_dropped",
    "value_for_argument",
]
