"""The small steps between a product of Jacobians and the form that people remember.

Each function is one step that a reader can follow, applied everywhere in an expression. None of
them is trusted: every step is printed as a side of an equation, and the judge compares the sides.
"""

from __future__ import annotations

from collections.abc import Callable

from sympy import Basic, Integer, MatrixExpr, Transpose

from derivations.algebra import (
    add,
    hadamard,
    multiply,
    power,
    rebuild,
    split_coefficient,
    total,
    transpose,
)
from derivations.expressions import (
    Diag,
    HadamardPower,
    HadamardProduct,
    MatAdd,
    MatMul,
    OneMatrix,
    Quantity,
    is_scalar,
)

Step = Callable[[Basic], Basic]


def everywhere(step: Step, expression: Basic) -> Basic:
    """Apply a step to every node, the innermost first."""
    arguments = [everywhere(step, argument) for argument in expression.args]
    if any(new is not old for new, old in zip(arguments, expression.args, strict=True)):
        expression = rebuild(expression, arguments)
    return step(expression)


def distribute(expression: Basic) -> Basic:
    """A (B + C) D = A B D + A C D."""
    if not isinstance(expression, MatMul):
        return expression
    for position, factor in enumerate(expression.args):
        if isinstance(factor, MatAdd) and len(expression.args) > 1 + (expression.args[0] == -1):
            before, after = expression.args[:position], expression.args[position + 1 :]
            return add(*(distribute(multiply(*before, term, *after)) for term in factor.args))
    return expression


def absorb_diagonals(expression: Basic) -> Basic:
    """diag(u) v = u ⊙ v, and uᵀ diag(v) = (u ⊙ v)ᵀ."""
    if not isinstance(expression, MatMul):
        return expression
    factors = list(expression.args)
    for position, factor in enumerate(factors):
        if not isinstance(factor, Diag):
            continue
        after = factors[position + 1] if position + 1 < len(factors) else None
        if after is not None and after.shape[1] == 1:
            factors[position : position + 2] = [hadamard(factor.vector, after)]
            return absorb_diagonals(multiply(*factors))
        before = factors[position - 1] if position else None
        if isinstance(before, MatrixExpr) and before.shape[0] == 1:
            row = transpose(hadamard(transpose(before), factor.vector))
            factors[position - 1 : position + 1] = [row]
            return absorb_diagonals(multiply(*factors))
    return expression


def cancel_quotients(expression: Basic) -> Basic:
    """v ⊘ u ⊙ u = v, and (v ⊘ u)ᵀ u = 1ᵀ v."""
    if isinstance(expression, HadamardProduct):
        return _collected(expression)
    if isinstance(expression, MatMul):
        factors = list(expression.args)
        for position in range(len(factors) - 1):
            left, right = factors[position : position + 2]
            is_inner = isinstance(left, Transpose) and isinstance(right, MatrixExpr)
            if not is_inner or left.shape[0] != 1 or right.shape[1] != 1:
                continue
            number, vector = split_coefficient(hadamard(left.arg, right))
            collected = _collected(vector) if isinstance(vector, HadamardProduct) else vector
            if collected != vector:
                factors[position : position + 2] = [multiply(number, total(collected))]
                return cancel_quotients(multiply(*factors))
    return expression


def _collected(product: HadamardProduct) -> MatrixExpr:
    """Add the exponents of equal factors, if some of them divide."""
    if not any(isinstance(f, HadamardPower) and f.exp.is_negative for f in product.args):
        return product
    exponents: dict[MatrixExpr, Integer] = {}
    for factor in product.args:
        base, exponent = _base_and_exponent(factor)
        exponents[base] = exponents.get(base, Integer(0)) + exponent
    return hadamard(*(power(base, exponent) for base, exponent in exponents.items()))


def _base_and_exponent(factor: MatrixExpr) -> tuple[MatrixExpr, Integer]:
    if isinstance(factor, HadamardPower):
        return factor.base, factor.exp
    return factor, Integer(1)


def sum_one_hot(one_hot: frozenset[str]) -> Step:
    """1ᵀ y = 1 for data whose entries sum to one."""

    def step(expression: Basic) -> Basic:
        if not isinstance(expression, MatMul):
            return expression
        factors = list(expression.args)
        for position in range(len(factors) - 1):
            left, right = factors[position : position + 2]
            if (
                isinstance(left, Transpose)
                and isinstance(left.arg, OneMatrix)
                and isinstance(right, Quantity)
                and right.name in one_hot
            ):
                factors[position : position + 2] = [OneMatrix(1, 1)]
                return step(multiply(*factors))
        return expression

    return step


def positive_first(expression: Basic) -> Basic:
    """−u + v = v − u."""
    if isinstance(expression, MatAdd):
        signs = [split_coefficient(term)[0].could_extract_minus_sign() for term in expression.args]
        if signs[0] and not all(signs):
            ordered = sorted(range(len(signs)), key=lambda i: signs[i])
            return add(*(expression.args[i] for i in ordered))
    return expression


def turn_differences(expression: Basic) -> Basic:
    """−(u − v) = v − u, and −(u − v)ᵀ = (v − u)ᵀ."""
    if not isinstance(expression, MatMul) or expression.args[0] != -1:
        return expression
    first = expression.args[1]
    difference = first.arg if isinstance(first, Transpose) else first
    if not isinstance(difference, MatAdd):
        return expression
    turned = [multiply(-1, term) for term in difference.args]
    if not any(split_coefficient(term)[0].could_extract_minus_sign() for term in difference.args):
        return expression
    other = positive_first(add(*turned))
    kept = transpose(other) if isinstance(first, Transpose) else other
    return multiply(kept, *expression.args[2:])


def factor_out(expression: Basic) -> Basic:
    """u ⊙ v + u ⊙ w = u ⊙ (v + w)."""
    if not isinstance(expression, MatAdd):
        return expression
    if not all(isinstance(term, HadamardProduct) for term in expression.args):
        return expression
    shared: list[MatrixExpr] = []
    for factors in zip(*(term.args for term in expression.args), strict=False):
        if any(factor != factors[0] for factor in factors):
            break
        shared.append(factors[0])
    if not shared or any(len(term.args) == len(shared) for term in expression.args):
        return expression
    rest = add(*(hadamard(*term.args[len(shared) :]) for term in expression.args))
    return hadamard(*shared, rest)


def gather_transposes(expression: Basic) -> Basic:
    """uᵀ + vᵀ = (u + v)ᵀ for a sum of rows."""
    if isinstance(expression, MatAdd) and expression.shape[0] == 1 and not is_scalar(expression):
        columns = [transpose(term) for term in expression.args]
        if not any(isinstance(column, Transpose) for column in columns):
            return Transpose(add(*columns))
    return expression


def tidy_steps(expression: MatrixExpr, one_hot: frozenset[str]) -> list[MatrixExpr]:
    """Return the expression after each step that changed it, in the order of a proof on paper."""
    steps: list[Step] = [
        distribute,
        absorb_diagonals,
        cancel_quotients,
        sum_one_hot(one_hot),
        positive_first,
        turn_differences,
        factor_out,
    ]
    found: list[MatrixExpr] = []
    for step in steps:
        changed = everywhere(step, expression)
        if changed != expression:
            expression = changed
            found.append(expression)
    return found


def divides(expression: Basic) -> bool:
    """Tell whether an expression divides by something that is computed."""
    return (isinstance(expression, HadamardPower) and bool(expression.exp.is_negative)) or any(
        divides(argument) for argument in expression.args
    )
