"""Numbers, quantities at their steps, and entries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sympy import Rational

from derivations.claims.evaluation.core import Environment, Evaluator, evaluated
from derivations.claims.evaluation.derivatives import derivative
from derivations.claims.source import Forward
from derivations.claims.steps import Step
from derivations.claims.terms import (
    Apply,
    Call,
    Constant,
    Entry,
    Labelled,
    Number,
    Partial,
    StepNumber,
    Symbol,
    Written,
)
from derivations.claims.values import OutOfRange, Undefined, Value
from derivations.proof.evaluate import Dual

#: Relations that stand in brackets.
COMPARISONS = frozenset({"=", "<", "<=", ">", ">=", "\\neq"})


@evaluated.register
def evaluate_number(term: Number, evaluator: Evaluator, environment: Environment) -> Value:
    return evaluator.rules.number(Rational(term.value.numerator, term.value.denominator))


@evaluated.register
def evaluate_step_number(term: StepNumber, evaluator: Evaluator, environment: Environment) -> Value:
    return evaluator.rules.number(evaluator.step(term.step, environment))


@evaluated.register
def evaluate_constant(term: Constant, evaluator: Evaluator, environment: Environment) -> Value:
    if term.kind == "identity":
        return replace(evaluator.rules.number(1), number=False, identity=True)
    if term.kind == "ones":
        return evaluator.rules.number(1)
    raise Undefined("An argument is left out and cannot be seen from the source.")


@evaluated.register
def evaluate_written(term: Written, evaluator: Evaluator, environment: Environment) -> Value:
    raise Undefined(f"{term.text} is not explained.")


@evaluated.register
def evaluate_labelled(term: Labelled, evaluator: Evaluator, environment: Environment) -> Value:
    raise Undefined(f"The label {term.label} is not explained.")


@evaluated.register
def evaluate_call(term: Call, evaluator: Evaluator, environment: Environment) -> Value:
    """A function of which nothing is known: a value and slopes that its arguments decide."""
    if term.function in COMPARISONS or not term.arguments:
        raise Undefined("A comparison has no value.")
    duals = [evaluator.value(argument, environment).dual for argument in term.arguments]
    return Value(evaluator.run.unknown(term.function, 0, duals, (1, 1)))


@evaluated.register
def evaluate_symbol(term: Symbol, evaluator: Evaluator, environment: Environment) -> Value:
    step = None if term.time is None else evaluator.step(term.time, environment)
    for definition in evaluator.source.definitions.get(term.key, ()):
        letters = _matched(definition.time, term.time, step)
        if letters is not None:
            return _defined(evaluator, definition, {**environment, **letters})
    if term.key in evaluator.source.definitions:
        raise OutOfRange(f"{term.name} is not defined at step {step}.")
    if not evaluator.is_given(term.key):
        raise Undefined(f"The symbol {term.name} is not explained.")
    value = Value(evaluator.run.quantity(term.key, step, evaluator.here))
    if evaluator.reading.rows and value.is_vector and value.shape[1] == 1:
        return value.turned()
    if evaluator.reading.weights_behind and value.is_matrix:
        return value.turned()
    return value


def _defined(evaluator: Evaluator, definition: Forward, environment: Environment) -> Value:
    right = definition.right
    if evaluator.reading.preactivation_gradients == definition.key and isinstance(right, Partial):
        by = right.by
        forward = evaluator.point.network.forward.get(by.key) if isinstance(by, Symbol) else None
        if forward is not None and isinstance(forward.right, Apply):
            return derivative(evaluator, right, environment, is_argument=True)
    return evaluator.value(right, environment)


@evaluated.register
def evaluate_entry(term: Entry, evaluator: Evaluator, environment: Environment) -> Value:
    body = evaluator.value(term.body, environment)
    positions = [evaluator.step(index, environment) - 1 for index in term.indices]
    if body.identity and len(positions) == 2:
        return evaluator.rules.number(int(positions[0] == positions[1]))
    if body.is_tensor:
        if len(positions) != 3:
            raise Undefined("An entry of a third-order array has three positions.")
        limits = body.shape
    elif len(positions) == 1 and body.number:
        raise Undefined("A number has no entries.")
    elif len(positions) == 1 and body.is_vector:
        positions = [0, *positions] if body.shape[0] == 1 else [*positions, 0]
        limits = body.shape
    else:
        limits = body.shape
    if len(positions) != len(limits):
        raise Undefined("An entry of a matrix has two positions.")
    if not all(0 <= p < limit for p, limit in zip(positions, limits, strict=True)):
        raise OutOfRange("There is no such entry.")
    picked = np.empty((1, 1), dtype=object)
    picked[0, 0] = body.dual.value[tuple(positions)]
    tangent = body.dual.tangent
    if tangent is None:
        return Value(Dual(picked))
    where = int(np.ravel_multi_index(positions, limits))
    moved = tangent.reshape(tangent.shape[0], -1)[:, where].reshape(-1, 1, 1)
    return Value(Dual(picked, moved))


def _matched(pattern: Step | None, time: Step | None, step: int | None) -> dict[str, int] | None:
    """Return what the letter of a definition stands for, or None where it does not apply."""
    if pattern is None or time is None:
        return {} if pattern is time is None else None
    assert step is not None
    if pattern.lone is not None and pattern.lone != "T":
        return {pattern.lone: step}
    if pattern == time:
        return {}
    if not pattern.letters and pattern.number == step:
        return {}
    return None
