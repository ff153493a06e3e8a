"""Functions of a vector, entry by entry or as a whole, and norms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sympy import Integer

from derivations.activations import OUTPUT, ScalarFunction, x
from derivations.claims.evaluation.core import Environment, Evaluator, evaluated
from derivations.claims.terms import (
    Apply,
    Norm,
)
from derivations.claims.values import Mismatch, Undefined, Value, inverted
from derivations.proof.evaluate import Dual, entrywise, times


@evaluated.register
def evaluate_apply(term: Apply, evaluator: Evaluator, environment: Environment) -> Value:
    argument = _argument(evaluator, term, environment)
    if term.function == "\\diag":
        if argument.is_matrix:
            raise Mismatch("diag needs a vector.")
        return evaluator.rules._diagonal(argument)
    if argument.is_tensor:
        raise Mismatch("A function of a third-order array.")
    return replace(applied(evaluator, term, argument.dual), flexible=argument.flexible)


def _argument(evaluator: Evaluator, term: Apply, environment: Environment) -> Value:
    """What a function is applied to is a vector; none of its parts means a diagonal matrix."""
    if evaluator.reading.diagonal and term.function != "\\diag":
        plain = replace(evaluator.reading, diagonal="")
        return evaluator.run.evaluator(plain, evaluator.here).value(term.argument, environment)
    return evaluator.value(term.argument, environment)


def applied(evaluator: Evaluator, term: Apply, argument: Dual) -> Value:
    """Return a function's value at an argument that may move."""
    if term.function == "\\softmax":
        if term.order:
            raise Undefined("softmax takes no prime.")
        return Value(_softmax(evaluator, argument))
    function = evaluator.source.function(term.function)
    if function is None:
        raise Undefined(f"The function {term.function} is not explained.")
    order = term.order
    if evaluator.reading.slope_of_output and order == 1:
        slope = function.slope_from_output
        if slope is None:
            raise Undefined(f"The slope of {term.function} is no function of its output.")
        function, order = ScalarFunction(f"{function.name} slope", slope.subs(OUTPUT, x)), 0
    value = evaluator.arithmetic.function(function, order, argument.value)
    if argument.tangent is None:
        return Value(Dual(value))
    slope_value = evaluator.arithmetic.function(function, order + 1, argument.value)
    return Value(Dual(value, evaluator.arithmetic.reduce(argument.tangent * slope_value)))


def _softmax(evaluator: Evaluator, argument: Dual) -> Dual:
    """exp(z) over its sum, with the tangents of the quotient."""
    arithmetic = evaluator.arithmetic
    exponential = evaluator.source.function("\\exp")
    assert exponential is not None
    value = arithmetic.function(exponential, 0, argument.value)
    tangent = None if argument.tangent is None else arithmetic.reduce(argument.tangent * value)
    powers = Dual(value, tangent)
    ones = Dual(np.full_like(value.T, arithmetic.number(Integer(1))))
    is_column = value.shape[1] == 1
    whole = times(ones, powers, arithmetic) if is_column else times(powers, ones, arithmetic)
    return entrywise(powers, inverted(whole, arithmetic), arithmetic)


@evaluated.register
def evaluate_norm(term: Norm, evaluator: Evaluator, environment: Environment) -> Value:
    body = evaluator.value(term.body, environment)
    if body.dual.tangent is not None:
        raise Undefined("A derivative of a norm is not judged, unless the norm is squared.")
    if evaluator.reading.diagonal and body.is_vector and not body.flexible:
        body = evaluator.rules._diagonal(body)
    entry = np.empty((1, 1), dtype=object)
    entry[0, 0] = evaluator.arithmetic.norm(body.dual.value, term.kind)  # type: ignore[attr-defined]
    return Value(Dual(entry))
