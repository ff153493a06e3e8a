"""Sums, products in their order of binding, quotients and powers."""

from __future__ import annotations

from derivations.claims.evaluation.core import Environment, Evaluator, evaluated
from derivations.claims.terms import (
    Chain,
    Norm,
    Power,
    Quotient,
    Sum,
    Term,
    Transposed,
)
from derivations.claims.values import Mismatch, Value
from derivations.proof.evaluate import times


@evaluated.register
def evaluate_sum(term: Sum, evaluator: Evaluator, environment: Environment) -> Value:
    return evaluator.rules.add(
        [(sign, evaluator.value(child, environment)) for sign, child in term.terms]
    )


@evaluated.register
def evaluate_chain(term: Chain, evaluator: Evaluator, environment: Environment) -> Value:
    tight = evaluator.reading.hadamard_first
    try:
        return _grouped(evaluator, term, environment, tight)
    except Mismatch:
        if tight or not any(is_elementwise(evaluator, sign) for sign in term.signs):
            raise
        return _from_left(evaluator, term, environment)


def _from_left(evaluator: Evaluator, term: Chain, environment: Environment) -> Value:
    """a ⊙ b cᵀ has no meaning with the product first; from left to right it has one."""
    result = evaluator.value(term.factors[0], environment)
    for sign, factor in zip(term.signs, term.factors[1:], strict=True):
        right = evaluator.value(factor, environment)
        if is_elementwise(evaluator, sign):
            result = evaluator.rules.hadamard([result, right])
        else:
            result = evaluator.rules.multiply([result, right])
    return result


def _grouped(evaluator: Evaluator, term: Chain, environment: Environment, tight: bool) -> Value:
    groups: list[list[tuple[str, Term]]] = [[]]
    for position, factor in enumerate(term.factors):
        sign = term.signs[position - 1] if position else ""
        if position and is_elementwise(evaluator, sign) != tight:
            groups.append([])
        groups[-1].append((sign, factor))
    values = [_group(evaluator, group, environment, tight) for group in groups]
    if len(values) == 1:
        return values[0]
    return juxtaposed(evaluator, values) if tight else evaluator.rules.hadamard(values)


def _group(
    evaluator: Evaluator, group: list[tuple[str, Term]], environment: Environment, is_hadamard: bool
) -> Value:
    values = [evaluator.value(factor, environment) for _, factor in group]
    if len(values) == 1:
        return values[0]
    if is_hadamard:
        return evaluator.rules.hadamard(values)
    runs: list[list[Value]] = [[values[0]]]
    kinds: list[str] = []
    for (sign, _), value in zip(group[1:], values[1:], strict=True):
        kind = _kind(evaluator, sign)
        if kind in ("outer", "either"):
            kinds.append(kind)
            runs.append([value])
        else:
            runs[-1].append(value)
    result = juxtaposed(evaluator, runs[0])
    for kind, run in zip(kinds, runs[1:], strict=True):
        right = juxtaposed(evaluator, run)
        result = (
            evaluator.rules.outer(result, right)
            if kind == "outer"
            else _either(evaluator, result, right)
        )
    return result


def juxtaposed(evaluator: Evaluator, values: list[Value]) -> Value:
    return values[0] if len(values) == 1 else evaluator.rules.multiply(values)


def _either(evaluator: Evaluator, left: Value, right: Value) -> Value:
    """An asterisk of which nothing is said: the matrix product if there is one."""
    try:
        return evaluator.rules.multiply([left, right])
    except Mismatch:
        return evaluator.rules.hadamard([left, right])


def is_elementwise(evaluator: Evaluator, sign: str) -> bool:
    return _kind(evaluator, sign) == "elementwise"


def _kind(evaluator: Evaluator, sign: str) -> str:
    """Return what a sign means: declared, or by custom."""
    declared = evaluator.source.signs.get(sign)
    if declared is not None:
        return {
            "elementwise operator": "elementwise",
            "matrix product": "product",
            "outer product": "outer",
        }[declared]
    return {
        "\\odot": "elementwise",
        "\\circ": "elementwise",
        "\\otimes": "outer",
        "*": "either",
    }.get(sign, "product")


@evaluated.register
def evaluate_quotient(term: Quotient, evaluator: Evaluator, environment: Environment) -> Value:
    above, below = (
        evaluator.value(term.above, environment),
        evaluator.value(term.below, environment),
    )
    return evaluator.rules.divide(above, below)


@evaluated.register
def evaluate_power(term: Power, evaluator: Evaluator, environment: Environment) -> Value:
    exponent = evaluator.step(term.exponent, environment)
    if isinstance(term.base, Norm) and exponent == 2 and term.base.kind in ("", "2"):
        body = evaluator.value(term.base.body, environment)
        if body.is_vector or body.is_scalar:
            column = body if body.shape[1] == 1 else body.turned()
            return Value(times(column.turned().dual, column.dual, evaluator.arithmetic))
    return evaluator.rules.power(evaluator.value(term.base, environment), exponent)


@evaluated.register
def evaluate_transposed(term: Transposed, evaluator: Evaluator, environment: Environment) -> Value:
    value = evaluator.value(term.body, environment)
    if value.is_tensor:
        raise Mismatch("A transpose of a third-order array.")
    return value.turned()
