"""Derivatives: a seed is pushed forward, and the tangents are read off."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sympy import Integer

from derivations.claims.evaluation.core import Environment, Evaluator, evaluated
from derivations.claims.evaluation.stacks import as_column
from derivations.claims.run import Seed
from derivations.claims.terms import (
    Block,
    Entry,
    Partial,
    Symbol,
    Term,
    Transposed,
)
from derivations.claims.values import Mismatch, OutOfRange, Undefined, Value
from derivations.proof.arithmetic import Array
from derivations.proof.evaluate import Dual


@evaluated.register
def evaluate_partial(term: Partial, evaluator: Evaluator, environment: Environment) -> Value:
    return derivative(evaluator, term, environment)


def derivative(
    evaluator: Evaluator, term: Partial, environment: Environment, is_argument: bool = False
) -> Value:
    if evaluator.run.seed is not None:
        raise Undefined("A derivative of a derivative is not judged.")
    by = _expanded(evaluator, term.by)
    if isinstance(by, Block):
        return _by_block(evaluator, term, by, environment)
    if isinstance(by, Entry):
        return _by_entry(evaluator, term, by, environment)
    if isinstance(by, Transposed):
        return derivative(evaluator, replace(term, by=by.body), environment).turned()
    if not isinstance(by, Symbol):
        raise Undefined("A derivative is taken by a quantity or a parameter.")
    return _by_symbol(evaluator, term, by, environment, is_argument)


def _expanded(evaluator: Evaluator, by: Term) -> Term:
    """Replace a name that only abbreviates a quantity, or a stack of them."""
    while isinstance(by, Symbol) and by.key in evaluator.source.definitions:
        definition = evaluator.source.definitions[by.key][0]
        if any(isinstance(term, Partial) for term in definition.right.walk()):
            raise Undefined(f"A derivative by {by.name}, itself a derivative, is not judged.")
        by = definition.right
    return by


def _by_symbol(
    evaluator: Evaluator, term: Partial, by: Symbol, environment: Environment, is_argument: bool
) -> Value:
    if not evaluator.is_given(by.key):
        raise Undefined(f"The symbol {by.name} is not explained.")
    step = None if by.time is None else evaluator.step(by.time, environment)
    _check_depends(evaluator, term.of, by, environment)
    moving = evaluator.point.run().quantity(by.key, step).value
    run = evaluator.point.run(
        Seed(by.key, step, _carries(evaluator, term, by, environment), is_argument)
    )
    of = run.evaluator().value(term.of, environment)
    if of.is_tensor:
        raise Undefined("A derivative of a third-order array.")
    tangent = of.dual.tangent
    count = int(np.prod(moving.shape))
    if tangent is None:
        zero = evaluator.arithmetic.number(Integer(0))
        tangent = np.full((count, *of.shape), zero, dtype=object)
    return _arranged(evaluator, tangent, of.shape, moving.shape)


def _check_depends(evaluator: Evaluator, of: Term, by: Symbol, environment: Environment) -> None:
    """Refuse to differentiate a number of which nothing says what it depends on."""
    network = evaluator.point.network
    if not isinstance(of, Symbol) or of.key == by.key or of.key in evaluator.source.definitions:
        return
    step = None if of.time is None else evaluator.step(of.time, environment)
    if step is not None and step < network.start - network.lags.get(of.key, 0):
        raise OutOfRange(f"{of.name} has no step {step}.")
    is_number = evaluator.is_given(of.key) and evaluator.point.shape(of.key) == (1, 1)
    if is_number and not network.is_computed(of.key) and of.key not in evaluator.source.given:
        raise Undefined(f"Nothing says what {of.name} depends on.")


def _carries(evaluator: Evaluator, term: Partial, by: Symbol, environment: Environment) -> str:
    """An immediate derivative sees what the equation names; if it does not name v, then v
    acts through the other quantities of the step, or through v itself at the steps between."""
    if not term.immediate:
        return "all"
    of = term.of.body if isinstance(term.of, Entry) else term.of
    if not isinstance(of, Symbol) or not evaluator.point.network.mentions(of.key, by.key):
        return "step"
    if of.time is None or by.time is None:
        return "self"
    lag = evaluator.step(of.time, environment) - evaluator.step(by.time, environment)
    return "once" if evaluator.point.network.mentions(of.key, by.key, lag) else "self"


def _arranged(
    evaluator: Evaluator, tangent: Array, of: tuple[int, ...], by: tuple[int, ...]
) -> Value:
    """Give the tangents the shape of the derivative."""
    is_by_matrix = 1 not in by
    if of == (1, 1):
        gradient: Array = tangent.reshape(by)
        if evaluator.reading.rows and not is_by_matrix:
            gradient = gradient.reshape(1, -1)
        if evaluator.reading.weights_behind and is_by_matrix:
            gradient = gradient.T
        return Value(
            Dual(gradient), flexible=not (is_by_matrix or evaluator.reading.weights_behind)
        )
    if evaluator.reading.weights_behind:
        raise Mismatch("A Jacobian has no other orientation where the weights stand behind.")
    if 1 not in of:
        raise Undefined("A derivative of a matrix is not judged.")
    entries = int(np.prod(of))
    jacobian = tangent.reshape(-1, entries).T  # entries of u by entries of v
    if is_by_matrix:
        return Value(Dual(jacobian.reshape(entries, *by)))
    if by == (1, 1):
        return Value(Dual(jacobian), flexible=True)
    return Value(Dual(jacobian.T if evaluator.reading.denominator else jacobian))


def _by_block(evaluator: Evaluator, term: Partial, by: Block, environment: Environment) -> Value:
    """The derivative by a stack has its parts where the stack has them."""
    values = [
        [derivative(evaluator, replace(term, by=item), environment) for item in row]
        for row in by.rows
    ]
    arrays = [[value.dual.value for value in row] for row in values]
    if any(value.is_vector for row in values for value in row) and by.is_list:
        values = [[as_column(value)] for value in values[0]]
        arrays = [[value.dual.value for value in row] for row in values]
    try:
        joined = np.concatenate([np.concatenate(row, axis=-1) for row in arrays], axis=-2)
    except ValueError:
        raise Mismatch("The parts of a stack do not fit together.") from None
    return Value(Dual(joined), flexible=1 in joined.shape)


def _by_entry(evaluator: Evaluator, term: Partial, by: Entry, environment: Environment) -> Value:
    whole = replace(term, by=by.body)
    of = evaluator.point.run().evaluator().value(term.of, environment)
    if not of.is_scalar:
        raise Undefined("A derivative of a vector by one entry is not judged.")
    value = derivative(evaluator, whole, environment)
    positions = [evaluator.step(index, environment) - 1 for index in by.indices]
    array = value.dual.value
    if len(positions) == 1 and 1 in array.shape:
        array = array.reshape(-1)
    if len(positions) != array.ndim:
        raise Undefined("An entry of a matrix has two positions.")
    if not all(0 <= p < limit for p, limit in zip(positions, array.shape, strict=True)):
        raise OutOfRange("There is no such entry.")
    picked = np.empty((1, 1), dtype=object)
    picked[0, 0] = array[tuple(positions)]
    return Value(Dual(picked))
