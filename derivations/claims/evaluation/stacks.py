"""Stacks of vectors and blocks of matrices."""

from __future__ import annotations

import numpy as np
from sympy import Integer

from derivations.claims.evaluation.core import Environment, Evaluator, evaluated
from derivations.claims.terms import (
    Block,
    Cases,
)
from derivations.claims.values import Mismatch, Undefined, Value
from derivations.proof.arithmetic import Array
from derivations.proof.evaluate import Dual


@evaluated.register
def evaluate_block(term: Block, evaluator: Evaluator, environment: Environment) -> Value:
    rows = term.rows
    values = [[evaluator.value(item, environment) for item in row] for row in rows]
    if term.is_list and _is_stacked_down(evaluator, values[0]):
        values = [[value] for value in values[0]]
    flat = [value for row in values for value in row]
    if any(value.is_tensor for value in flat):
        raise Mismatch("A stack of third-order arrays.")
    if len(values) > 1 and all(len(row) == 1 for row in values):
        values = [[as_column(row[0])] for row in values]
    try:
        array = np.block([[value.dual.value for value in row] for row in values])
    except ValueError:
        raise Mismatch("The parts of a stack do not fit together.") from None
    is_flexible = all(value.flexible for value in flat)
    return Value(
        Dual(array, _stacked_tangents(values, evaluator.arithmetic.number(Integer(0)))),
        flexible=is_flexible,
    )


def _is_stacked_down(evaluator: Evaluator, values: list[Value]) -> bool:
    """[a, b] stacks columns downwards; rows and matrices stand side by side."""
    if evaluator.source.rows or evaluator.reading.rows:
        return False
    return all(value.is_vector and (value.shape[1] == 1) for value in values)


@evaluated.register
def evaluate_cases(term: Cases, evaluator: Evaluator, environment: Environment) -> Value:
    raise Undefined("Which case applies is not said in a form that is read.")


def as_column(value: Value) -> Value:
    """Return a flexible vector as a column."""
    return value.turned() if value.flexible and value.shape[0] == 1 else value


def _stacked_tangents(values: list[list[Value]], zero: object) -> Array | None:
    moved = [v.dual.tangent for row in values for v in row if v.dual.tangent is not None]
    if not moved:
        return None
    count = moved[0].shape[0]
    rows = []
    for row in values:
        parts = [
            np.full((count, *v.shape), zero, dtype=object)
            if v.dual.tangent is None
            else v.dual.tangent
            for v in row
        ]
        rows.append(np.concatenate(parts, axis=2))
    return np.concatenate(rows, axis=1)
