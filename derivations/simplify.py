"""The small steps between a product of Jacobians and the form that people remember.

Each function is one step that a reader can follow, applied everywhere in an expression. None of
them is trusted: every step is printed as a side of an equation, and the judge compares the sides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import cast

from sympy import Basic, Expr, Integer, MatrixExpr, Transpose

from derivations.algebra import (
    add,
    hadamard,
    multiply,
    outer_factors,
    power,
    rebuild,
    split_coefficient,
    total,
    transpose,
)
from derivations.expressions import (
    Diag,
    Entry,
    HadamardPower,
    HadamardProduct,
    MatAdd,
    MatMul,
    OneMatrix,
    Quantity,
    Scaled,
    UnitVector,
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
    """A (B + C) D = A B D + A C D, and α (B + C) = α B + α C."""
    if not isinstance(expression, MatMul | Scaled):
        return expression
    number, rest = split_coefficient(expression)
    before: tuple[MatrixExpr | Expr, ...] = (number,)
    if isinstance(rest, Scaled):
        before, rest = (*before, rest.scalar), rest.body
    factors = rest.args if isinstance(rest, MatMul) else (rest,)
    for position, factor in enumerate(factors):
        if isinstance(factor, MatAdd) and len(factors) + len(before) > 2:
            left, right = (*before, *factors[:position]), factors[position + 1 :]
            return add(*(distribute(multiply(*left, term, *right)) for term in factor.args))
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


def pick_entries(expression: Basic) -> Basic:
    """e_y ⊙ u = [u]_y e_y, and e_yᵀ u = [u]_y, for the unit vector of a label."""
    if isinstance(expression, HadamardProduct):
        return _picked_product(expression)
    if not isinstance(expression, MatMul):
        return expression
    factors = list(expression.args)
    for position in range(len(factors) - 1):
        left, right = factors[position : position + 2]
        is_pick = isinstance(left, Transpose) and isinstance(left.arg, UnitVector)
        if is_pick and isinstance(right, MatrixExpr) and right.shape[1] == 1:
            factors[position : position + 2] = [Entry(right, left.arg.label)]
            return pick_entries(multiply(*factors))
    return expression


def _picked_product(product: HadamardProduct) -> MatrixExpr:
    unit = next((factor for factor in product.args if isinstance(factor, UnitVector)), None)
    if unit is None:
        return product
    others = [factor for factor in product.args if factor != unit]
    return multiply(*(_entry(other, unit.label) for other in others), unit)


def _entry(vector: MatrixExpr, label: Quantity) -> MatrixExpr:
    if isinstance(vector, HadamardPower):
        return power(_entry(vector.base, label), vector.exp)
    return Entry(vector, label)


def sum_over_outer_products(expression: Basic) -> Basic:
    """𝟏ᵀ (A ⊙ u vᵀ) 𝟏 = uᵀ A v."""
    if not isinstance(expression, MatMul):
        return expression
    number, rest = split_coefficient(expression)
    match rest.args:
        case (Transpose(arg=OneMatrix()), HadamardProduct() as product, OneMatrix()):
            for position, factor in enumerate(product.args):
                columns = outer_factors(factor)
                if columns is not None:
                    others = product.args[:position] + product.args[position + 1 :]
                    u, v = columns
                    return multiply(number, transpose(u), hadamard(*others), v)
    return expression


def merge_diagonals(expression: Basic) -> Basic:
    """diag(u) diag(v) = diag(u ⊙ v), and diag(u) − diag(v) = diag(u − v)."""
    if isinstance(expression, MatAdd):
        terms = [split_coefficient(term) for term in expression.args]
        if all(isinstance(term, Diag) for _, term in terms):
            vectors = add(*(multiply(number, term.vector) for number, term in terms))
            return Diag(cast("MatrixExpr", positive_first(vectors)))
        return expression
    if not isinstance(expression, MatMul):
        return expression
    merged: list[MatrixExpr] = []
    for factor in expression.args:
        if isinstance(factor, Diag) and merged and isinstance(merged[-1], Diag):
            merged[-1] = Diag(hadamard(merged[-1].vector, factor.vector))
        else:
            merged.append(factor)
    return multiply(*merged) if len(merged) < len(expression.args) else expression


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


def expand_products(expression: Basic) -> Basic:
    """u ⊙ (v + w) = u ⊙ v + u ⊙ w, and likewise of numbers and transposes of sums."""
    if isinstance(expression, Transpose) and isinstance(expression.arg, MatAdd):
        return add(*(transpose(term) for term in expression.arg.args))
    if not isinstance(expression, MatMul | HadamardProduct):
        return expression
    number, product = split_coefficient(expression)
    if isinstance(product, MatAdd):
        return add(*(multiply(number, term) for term in product.args))
    if not isinstance(product, HadamardProduct):
        return expression
    for position, factor in enumerate(product.args):
        if isinstance(factor, MatAdd):
            before, after = product.args[:position], product.args[position + 1 :]
            terms = (hadamard(*before, term, *after) for term in factor.args)
            return add(*(multiply(number, expand_products(term)) for term in terms))
    return expression


def collect_terms(expression: Basic) -> Basic:
    """u ⊙ v − v ⊙ u = 0: terms that differ only in their order are added up."""
    if not isinstance(expression, MatAdd):
        return expression
    numbers: dict[object, Expr] = {}
    kept: dict[object, MatrixExpr] = {}
    for term in expression.args:
        number, rest = split_coefficient(term)
        inner = rest.arg if isinstance(rest, Transpose) else rest
        factors = inner.args if isinstance(inner, HadamardProduct) else (inner,)
        key = (isinstance(rest, Transpose), frozenset(Counter(factors).items()))
        kept.setdefault(key, rest)
        numbers[key] = numbers.get(key, Integer(0)) + number
    if len(kept) == len(expression.args):
        return expression
    return add(*(multiply(numbers[key], rest) for key, rest in kept.items()))


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
    """u ⊙ v − u ⊙ w = u ⊙ (v − w), and v ⊙ u − w ⊙ u = (v − w) ⊙ u."""
    if not isinstance(expression, MatAdd):
        return expression
    terms = [split_coefficient(term) for term in expression.args]
    if not all(isinstance(term, HadamardProduct) for _, term in terms):
        return expression
    counted = [Counter(term.args) for _, term in terms]
    common = Counter(counted[0])
    for one in counted[1:]:
        common &= one
    if not common or any(one == common for one in counted):
        return expression
    rests = [_without(term.args, common) for _, term in terms]
    rest = add(*(multiply(n, hadamard(*r)) for (n, _), r in zip(terms, rests, strict=True)))
    first = terms[0][1].args
    shared = _without(first, counted[0] - common)
    return hadamard(*shared, rest) if first[0] in common else hadamard(rest, *shared)


def _without(factors: Sequence[MatrixExpr], taken: Counter[MatrixExpr]) -> list[MatrixExpr]:
    """Return the factors, in their order, but for those that are taken out."""
    left = Counter(taken)
    kept = []
    for factor in factors:
        if left[factor]:
            left[factor] -= 1
        else:
            kept.append(factor)
    return kept


def gather_transposes(expression: Basic) -> Basic:
    """uᵀ + vᵀ = (u + v)ᵀ for a sum of rows."""
    if isinstance(expression, MatAdd) and expression.shape[0] == 1 and not is_scalar(expression):
        columns = [transpose(term) for term in expression.args]
        if not any(isinstance(column, Transpose) for column in columns):
            return Transpose(add(*columns))
    return expression


def tidy_steps(expression: MatrixExpr, one_hot: frozenset[str]) -> list[MatrixExpr]:
    """Return the expression after each step that changed it, in the order of a proof on paper.

    Products are multiplied out only where that makes the end shorter, as something cancels.
    """
    kept, spread = (_tidied(expression, one_hot, distributed=d) for d in (False, True))
    ends = [steps[-1] if steps else expression for steps in (kept, spread)]
    return spread if _length(ends[1]) < _length(ends[0]) else kept


def _tidied(
    expression: MatrixExpr, one_hot: frozenset[str], *, distributed: bool
) -> list[MatrixExpr]:
    found: list[MatrixExpr] = []

    def apply(*steps: Step) -> None:
        for step in steps:
            before = found[-1] if found else expression
            changed = everywhere(step, before)
            if changed != before:
                found.append(changed)

    apply(*([distribute] if distributed else []))
    apply(absorb_diagonals, sum_over_outer_products, pick_entries, cancel_quotients)
    apply(sum_one_hot(one_hot))
    before = found[-1] if found else expression
    expanded = everywhere(expand_products, before)
    collected = everywhere(collect_terms, expanded)
    if collected != expanded and _length(collected) < _length(before):
        found += [expanded, collected] if expanded != before else [collected]
    apply(positive_first, turn_differences, factor_out)
    return found


def _length(expression: Basic) -> int:
    """Count the symbols and signs of an expression."""
    return 1 + sum(map(_length, expression.args))


def divides(expression: Basic) -> bool:
    """Tell whether an expression divides by something that is computed."""
    return (isinstance(expression, HadamardPower) and bool(expression.exp.is_negative)) or any(
        divides(argument) for argument in expression.args
    )
