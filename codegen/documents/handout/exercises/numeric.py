"""An exercise: a tiny network with numbers of the sheet's own, to be computed by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from sympy import Symbol

from codegen.documents.document import Display, Exercise, Paragraph, Row, Table
from codegen.documents.handout.example import by_steps, given_table, instances, put_in_row
from codegen.documents.handout.exercises.draw import Draw
from codegen.documents.handout.numbers import Array, Example, example, matrix
from codegen.documents.handout.once import once
from codegen.documents.handout.put_in import at_steps
from derivations.algebra import subexpressions
from derivations.derivation import Derivation, Equation
from derivations.expressions import Partial, Quantity, Softmax, T, Unspecified, t
from derivations.model import Model
from derivations.notation.latex import latex
from derivations.proof.arithmetic import Undecidable

STEPS = 2
#: A network with more numbers among its parameters has scalar states instead.
_MOST_ENTRIES = 24
_BACKWARD = ("adjoint", "last")
#: So many networks are tried for one in which everything has a value.
_ATTEMPTS = 20
_ROOM = 14


def numeric(derivation: Derivation, seed: int) -> Exercise | None:
    """Return the exercise; None where a function has no value, or nothing is trained.

    Examples
    --------
    >>> from derivations import cell, derive, prove
    >>> exercise = numeric(prove(derive(cell("rnn"))), 7)
    >>> exercise.statement[0].text.partition(".")[0]
    'The network has $T = 2$ steps and these numbers'
    """
    model = derivation.model
    gradients = _gradients(derivation)
    if model.unspecified_functions or not gradients:
        return None
    small = _network(derivation, seed)
    if small is None:
        return None
    states, adjoints = _asked(derivation)
    gradient = Draw(seed, "gradient").one(gradients)
    choices = _choices(derivation)
    asked = [
        *(latex(_left(e, steps)) for e in (*states, *adjoints) for steps in choices[e.label]),
        latex(gradient.left),
    ]
    listed = ", ".join(f"${name}$" for name in asked[:-1])
    task = (
        f"The network has $T = {STEPS}$ steps and these numbers. Compute {listed} and "
        f"${asked[-1]}$ to 4 decimal places."
    )
    given: tuple[Table | Display, ...] = (given_table(small),)
    if model.unspecified_loss:
        given = (*given, Display(tuple(_loss_gradients(model, small))))
    solution = (
        Paragraph("The forward pass, and below it the adjoints:"),
        by_steps(_values(derivation, ("forward",), small), small),
        by_steps(_values(derivation, _BACKWARD, small), small),
        Paragraph("The gradient sums what the steps contribute:"),
        Display((put_in_row(gradient, gradient.right, {}, small),)),
    )
    return Exercise((Paragraph(task), *given), solution, _ROOM)


def _network(derivation: Derivation, seed: int) -> Example | None:
    """Return a network in whose numbers everything has a value: no logarithm of −1, say.

    None of them has the numbers of the worked example, whose seed is 0.
    """
    for attempt in range(_ATTEMPTS):
        number = 1 + seed * _ATTEMPTS + attempt
        small = example(derivation, number, STEPS, _sizes(derivation.model))
        try:
            small.value(derivation.model.total)
        except (Undecidable, ZeroDivisionError):
            continue
        return small
    return None


def _sizes(model: Model) -> dict[Symbol, int]:
    """Return 2 for every size, or 1 where that would be long; softmax needs 2 in any case."""
    twos = dict.fromkeys(model.sizes, 2)
    entries = sum(int(math.prod(p.shape).subs(twos)) for p in model.parameters)
    compared = [
        size
        for definition in model.definitions
        for node in subexpressions(definition.expression)
        if isinstance(node, Softmax)
        for size in node.shape[0].free_symbols
    ]
    return {s: 2 if entries <= _MOST_ENTRIES or s in compared else 1 for s in model.sizes}


@once
def _asked(derivation: Derivation) -> tuple[tuple[Equation, ...], tuple[Equation, ...]]:
    """Return the equations of the states, and of their adjoints."""
    names = {state.name for state in derivation.model.states}
    forward = [e for e in derivation.equations if e.topic == "forward" and e.subject in names]
    backward = [e for e in derivation.equations if e.topic in _BACKWARD and e.subject in names]
    return tuple(forward), tuple(backward)


def _gradients(derivation: Derivation) -> Sequence[Equation]:
    """Return the gradients of what acts through time, or all if nothing does."""
    every = [e for e in derivation.equations if e.topic == "gradient"]
    through_time = {e.subject for e in derivation.equations if e.topic == "paths"}
    return [e for e in every if e.subject in through_time] or every


@once
def _choices(derivation: Derivation) -> Mapping[str, Sequence[Mapping[Symbol, int]]]:
    """Return every choice of the free steps, by the label of an equation."""
    small = example(derivation, steps=STEPS)
    return {
        equation.label: instances(equation, small)
        for equation in derivation.equations
        if equation.topic in ("forward", *_BACKWARD)
    }


def _left(equation: Equation, steps: Mapping[Symbol, int]) -> Quantity:
    """Return the first side at its step."""
    left: Quantity = at_steps(equation.left, {**steps, T: STEPS})
    return left


def _values(
    derivation: Derivation, topics: Sequence[str], small: Example
) -> dict[str, dict[int, Array]]:
    """Return the left sides of the equations of some topics, by step."""
    values: dict[str, dict[int, Array]] = {}
    for equation in derivation.equations:
        if equation.topic in topics:
            for steps in _choices(derivation)[equation.label]:
                at = _left(equation, steps)
                values.setdefault(latex(equation.left.at(t)), {})[int(at.time)] = small.value(at)
    return values


def _loss_gradients(model: Model, small: Example) -> Iterator[Row]:
    """Yield ∂E_t/∂ŷ_t of an unspecified loss at every step."""
    definition = model.definition(model.loss.name)
    assert definition is not None
    assert isinstance(definition.expression, Unspecified)
    for argument in definition.expression.arguments:
        if not isinstance(argument, Quantity):
            continue
        for step in small.every_step:
            partial = Partial(model.loss.at(step), argument.at(step))
            yield Row((latex(partial), matrix(small.value(partial))))


__all__ = ["STEPS", "numeric"]
