"""The worked example through the emitted code: the same numbers, and central differences of E."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from codegen.documents.handout.numbers import Example
from codegen.rows import row_name
from codegen.storage import given_name, is_given_once
from derivations.expressions import Partial, Quantity, Unspecified, t
from derivations.notation.names import identifier
from derivations.recurrence import given_values

Arrays = dict[str, NDArray[np.generic]]

#: The step of the central differences.
STEP = 1e-5


@dataclass(frozen=True)
class Difference:
    """A gradient by the formulas, by the emitted code and by central differences of E.

    Attributes
    ----------
    parameter : str
        Its LaTeX.
    place : tuple of int
        The entry with the largest gradient, counted from 1.
    formula, code, difference : float
        That entry of the three.
    worst : float
        The largest disagreement of any two of them in any entry.
    """

    parameter: str
    place: tuple[int, ...]
    formula: float
    code: float
    difference: float
    worst: float


def arrays_of(example: Example, module: ModuleType) -> tuple[Arrays, Arrays]:
    """Return the parameters and the data of an example as an emitted module takes them.

    Examples
    --------
    >>> from codegen.build import emit_source
    >>> from codegen.documents.handout.numbers import example
    >>> from codegen.gradcheck.module import module_from_source
    >>> from derivations import cell, derive, prove
    >>> rnn = prove(derive(cell("rnn")))
    >>> params, data = arrays_of(example(rnn), module_from_source(emit_source(rnn, "rnn", "fast")))
    >>> params["W_rec"].shape, data["x"].shape, data["h_0"].shape
    ((2, 2), (3, 1, 2), (1, 2))
    """
    model = example.derivation.model
    params: Arrays = {identifier(p.name): example.value(p) for p in model.parameters}
    data: Arrays = {}
    for one in model.data:
        steps = [example.steps] if is_given_once(model, one.name) else example.every_step
        rows = [_row(example, one.at(step)) for step in steps]
        array = np.stack(rows)
        data[identifier(one.name)] = array[0] if is_given_once(model, one.name) else array
    for state in model.states:
        for given in given_values(model, state):
            data[given_name(given)] = _batched(example.value(given))
    loss = model.definition(model.loss.name)
    if loss is not None and isinstance(loss.expression, Unspecified):
        for argument in loss.expression.arguments:
            slope = Partial(model.loss, argument)
            steps = [example.steps] if model.is_last_only else example.every_step
            rows = [_batched(example.value(slope, {t: step}).T) for step in steps]
            data[row_name(model, argument)] = rows[0] if model.is_last_only else np.stack(rows)
    shaped = {
        name: params[name] if len(axes) == 2 else params[name].reshape(-1)
        for name, axes in module.PARAMS.items()
    }
    return shaped, {name: data[name] for name in module.DATA}


def _row(example: Example, one: Quantity) -> NDArray[np.generic]:
    """Return data of one step, a batch of one: a column as a row, a label as its number."""
    if one.name in example.derivation.model.scope.labels:
        return np.array([example.label(one)])
    return _batched(example.value(one))


def _batched(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return value.T if value.shape[1] == 1 else value[None]


def differences(example: Example, module: ModuleType) -> tuple[Difference, ...]:
    """Compare the gradients by all parameters three ways."""
    params, data = arrays_of(example, module)
    _, gradients = module.value_and_grad(params, data)
    found = []
    for parameter in example.derivation.model.parameters:
        name = identifier(parameter.name)
        equation = example.derivation.equation(f"gradient:{parameter.name}")
        assert equation is not None
        by_formula = example.value(equation.right).reshape(params[name].shape)
        by_code = np.asarray(gradients[name])
        by_difference = np.empty_like(by_formula)
        for index in np.ndindex(*by_formula.shape):
            ends = []
            for step in (STEP, -STEP):
                moved = np.array(params[name])
                moved[index] += step
                ends.append(module.value_and_grad({**params, name: moved}, data)[0])
            by_difference[index] = (ends[0] - ends[1]) / (2 * STEP)
        place = np.unravel_index(np.argmax(np.abs(by_formula)), by_formula.shape)
        three = np.stack([by_formula, by_code, by_difference])
        found.append(
            Difference(
                str(parameter.name),
                tuple(int(index) + 1 for index in place),
                float(by_formula[place]),
                float(by_code[place]),
                float(by_difference[place]),
                float(np.max(three.max(axis=0) - three.min(axis=0))),
            )
        )
    return tuple(found)


__all__ = ["STEP", "Difference", "arrays_of", "differences"]
