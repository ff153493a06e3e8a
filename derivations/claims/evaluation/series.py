"""Sums and products over steps, and sums over entries."""

from __future__ import annotations

from dataclasses import replace

from derivations.claims.evaluation.core import Environment, Evaluator, evaluated
from derivations.claims.evaluation.products import is_elementwise
from derivations.claims.terms import (
    Chain,
    Entry,
    Series,
    Symbol,
    Term,
)
from derivations.claims.values import Mismatch, OutOfRange, Undefined, Value

#: A sum over entries looks for the end of its range up to here.
MOST_ENTRIES = 60


@evaluated.register
def evaluate_series(term: Series, evaluator: Evaluator, environment: Environment) -> Value:
    index = term.index or evaluator.source.vocabulary.running
    if _runs_over_entries(term.body, index):
        return _entries(evaluator, term, index, environment)
    lower, upper = _limits(evaluator, term, environment)
    if upper < lower - 1 and not evaluator.reading.empty_ranges:
        raise OutOfRange("A range runs backwards.")
    steps = range(lower, upper + 1)
    if term.kind == "sum":
        return _summed(evaluator, term.body, index, steps, environment)
    return _product_over(evaluator, term, index, steps, environment)


def _limits(evaluator: Evaluator, term: Series, environment: Environment) -> tuple[int, int]:
    if term.lower is not None:
        lower = evaluator.step(term.lower, environment)
    elif term.kind == "product" and term.upper is not None:
        if evaluator.reading.lower is None:
            raise Undefined("A product has no lower limit.")
        lower = evaluator.reading.lower
    else:
        lower = evaluator.point.network.start
    upper = evaluator.point.steps if term.upper is None else evaluator.step(term.upper, environment)
    return lower, upper


def _summed(
    evaluator: Evaluator, body: Term, index: str, steps: range, environment: Environment
) -> Value:
    if not steps:
        return evaluator.rules.number(0)
    values = [evaluator.value(body, {**environment, index: step}) for step in steps]
    return evaluator.rules.add([(1, value) for value in values])


def _entries(evaluator: Evaluator, term: Series, index: str, environment: Environment) -> Value:
    """A sum over entries ends where the entries do."""
    lower = 1 if term.lower is None else evaluator.step(term.lower, environment)
    upper = MOST_ENTRIES
    if term.upper is not None and not term.upper.letters:
        upper = term.upper.number
    values: list[Value] = []
    for position in range(lower, upper + 1):
        try:
            values.append(evaluator.value(term.body, {**environment, index: position}))
        except OutOfRange:
            if not values:
                raise
            break
    if not values:
        raise OutOfRange("A range of entries is empty.")
    if term.kind == "sum":
        return evaluator.rules.add([(1, value) for value in values])
    return evaluator.rules.multiply(values)


def _product_over(
    evaluator: Evaluator, term: Series, index: str, steps: range, environment: Environment
) -> Value:
    """A product runs against time; what stands behind its square part does not belong to it."""
    body, tail = _square_part(evaluator, term, index, steps, environment)
    result: Value | None = None
    is_rising = term.ascending or evaluator.reading.ascending
    for step in steps:
        factor = evaluator.value(body, {**environment, index: step})
        if result is None:
            result = factor
        elif factor.is_vector:
            result = evaluator.rules.hadamard([factor, result])
        else:
            pair = [result, factor] if is_rising else [factor, result]
            result = evaluator.rules.multiply(pair)
    if result is None:
        result = replace(evaluator.rules.number(1), number=False, identity=True)
    if tail is None:
        return result
    return evaluator.rules.multiply([result, evaluator.value(tail, environment)])


def _square_part(
    evaluator: Evaluator, term: Series, index: str, steps: range, environment: Environment
) -> tuple[Term, Term | None]:
    body = term.body
    if not isinstance(body, Chain) or any(is_elementwise(evaluator, sign) for sign in body.signs):
        return body, None
    probe = {**environment, index: steps[0] if steps else _limits(evaluator, term, environment)[1]}
    for length in range(len(body.factors), 0, -1):
        if length < len(body.factors) and index in body.factors[length].letters:
            break
        head = _part(body, 0, length)
        try:
            value = evaluator.value(head, probe)
        except (Mismatch, OutOfRange):
            continue
        if value.is_scalar or (value.is_matrix and value.shape[0] == value.shape[1]):
            tail = _part(body, length, len(body.factors)) if length < len(body.factors) else None
            return head, tail
    return body, None


def _runs_over_entries(body: Term, index: str) -> bool:
    positions = False
    for term in body.walk():
        if isinstance(term, Symbol) and term.time is not None and index in term.time.names:
            return False
        if isinstance(term, Entry) and any(index in i.names for i in term.indices):
            positions = True
    return positions


def _part(chain: Chain, start: int, end: int) -> Term:
    factors = chain.factors[start:end]
    return factors[0] if len(factors) == 1 else Chain(factors, chain.signs[start : end - 1])
