"""A small unrolled network written out in scalars: sympy.diff as the second, independent opinion.

    Unrolled                 the forward equations with every entry a SymPy scalar, nothing shared
    explicit_gradients       sympy.diff of the total loss by every scalar; no chain rule of ours
    matrix_form_gradients    the equations of a derivation over the same scalars, from T down to 1
    agree_exactly            both, entry by entry, decided in exact arithmetic

Both sides become Laurent polynomials with rational coefficients, in which tanh(…), exp(…), an
undefined function or its derivative are unknowns. A difference that vanishes there vanishes for
every value, so that agreement is never a matter of luck; equal entries that SymPy writes with
different unknowns would be reported as a disagreement, and none is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import sympy
from sympy import MatrixExpr

from derivations.derivation import Derivation
from derivations.errors import ProofError
from derivations.explicit.rational import Scalars
from derivations.explicit.unrolled import Unrolled, entries
from derivations.expressions import Quantity, t
from derivations.model import Model
from derivations.notation.names import at_time
from derivations.recurrence import given_values


def explicit_gradients(
    model: Model, sizes: Mapping[str, int], steps: int
) -> dict[str, sympy.Matrix]:
    """Differentiate the total loss of an unrolled network by every scalar, with sympy.diff.

    Parameters
    ----------
    model : Model
        The forward equations.
    sizes : mapping of str to int
        A number for every symbolic size of the model, by its name.
    steps : int
        How many steps are unrolled.

    Returns
    -------
    dict
        By the labels of a derivation: ``gradient:W``, ``input:x`` and ``initial:h_0``. The gradient
        by data has the steps side by side.

    Raises
    ------
    ModelError
        When a size is missing, unknown or not positive, or there is no step.

    Examples
    --------
    >>> model = Model.read("h_t = tanh(W h_{t-1})\\nE_t = \\\\|h_t\\\\|^2")
    >>> explicit_gradients(model, {"n": 1}, 1)["gradient:W"]
    Matrix([[2*h(0)[0,0]*(1 - tanh(W[0,0]*h(0)[0,0])**2)*tanh(W[0,0]*h(0)[0,0])]])
    """
    network = Unrolled(model, sizes, steps)
    (total,) = network.quantity(model.total.name, None)
    variables = {f"gradient:{p.name}": entries(p, network, {}) for p in model.parameters}
    for data in _inputs(model):
        at_steps = [network.quantity(data.name, step) for step in range(1, steps + 1)]
        variables[f"input:{data.name}"] = sympy.Matrix.hstack(*at_steps)
    for given in _given(model):
        variables[_initial(given)] = network.quantity(given.name, network.step(given.time, {}))
    return {
        label: by.applyfunc(lambda variable: sympy.diff(total, variable))
        for label, by in variables.items()
    }


def _inputs(model: Model) -> list[Quantity]:
    return [data for data in model.data if data.name not in model.targets]


def _given(model: Model) -> list[Quantity]:
    return [value for state in model.states for value in given_values(model, state)]


def _initial(given: Quantity) -> str:
    return f"initial:{at_time(given.name, given.time)}"


def matrix_form_gradients(
    derivation: Derivation, sizes: Mapping[str, int], steps: int
) -> dict[str, sympy.Matrix]:
    """Evaluate the equations of a derivation over the same scalars, from the last step back.

    Parameters
    ----------
    derivation : Derivation
        Its last sides are evaluated: the form to compute with.
    sizes, steps
        As in `explicit_gradients`.

    Returns
    -------
    dict of str to Matrix
        As from `explicit_gradients`.

    Raises
    ------
    ModelError
        When a size is missing, unknown or not positive, or there is no step.
    ProofError
        When the derivation lacks an equation.

    Examples
    --------
    >>> from derivations.bptt import derive
    >>> model = Model.read("h_t = tanh(W h_{t-1})\\nE_t = \\\\|h_t\\\\|^2")
    >>> matrix_form_gradients(derive(model), {"n": 1}, 1)["gradient:W"]
    Matrix([[2*h(0)[0,0]*(1 - tanh(W[0,0]*h(0)[0,0])**2)*tanh(W[0,0]*h(0)[0,0])]])
    """
    model = derivation.model
    kinds = ("adjoint:", "last:", "boundary:")
    backward = [e for e in derivation.equations if e.label.startswith(kinds)]
    network = Unrolled(model, sizes, steps, tuple(backward))

    def right(label: str) -> MatrixExpr:
        equation = derivation.equation(label)
        if equation is None:
            raise ProofError(f"The derivation has no equation {label}.")
        return equation.right

    found = {}
    for data in _inputs(model):
        label, at_last = f"input:{data.name}", f"last input:{data.name}"
        has_last = derivation.equation(at_last) is not None
        every = [*[label] * (steps - 1), at_last if has_last else label]
        columns = [entries(right(e), network, {t: i}) for i, e in enumerate(every, start=1)]
        found[label] = sympy.Matrix.hstack(*columns)
    for label in [
        *(f"gradient:{parameter.name}" for parameter in model.parameters),
        *map(_initial, _given(model)),
    ]:
        found[label] = entries(right(label), network, {})
    return found


@dataclass(frozen=True)
class Agreement:
    """What the comparison of a derivation with sympy.diff found.

    Attributes
    ----------
    entries : mapping of str to int
        How many entries were compared, by the label of the equation.
    disagreements : tuple of (label, row, column)
        The entries that differ.
    """

    entries: Mapping[str, int]
    disagreements: tuple[tuple[str, int, int], ...]

    @property
    def holds(self) -> bool:
        """Whether all entries are equal."""
        return not self.disagreements


def agree_exactly(
    derivation: Derivation, sizes: Mapping[str, int] | None = None, steps: int = 3
) -> Agreement:
    """Compare a derivation with sympy.diff, entry by entry, in exact arithmetic.

    Parameters
    ----------
    derivation : Derivation
        Every gradient by a parameter, by data that is no target and by a first state is compared.
    sizes : mapping of str to int, optional
        A number for every symbolic size; by default each is 2.
    steps : int
        How many steps are unrolled.

    Raises
    ------
    ModelError
        When a size is missing, unknown or not positive, or there is no step.
    ProofError
        When the derivation lacks an equation.

    Examples
    --------
    >>> from derivations.bptt import derive
    >>> model = Model.read("h_t = tanh(W h_{t-1})\\nE_t depends on h_t")
    >>> agree_exactly(derive(model), {"n": 2}, steps=2)
    Agreement(entries={'gradient:W': 4, 'initial:h_0': 2}, disagreements=())
    """
    model = derivation.model
    sizes = {size.name: 2 for size in model.sizes} if sizes is None else sizes
    by_diff = explicit_gradients(model, sizes, steps)
    by_equations = matrix_form_gradients(derivation, sizes, steps)
    scalars = Scalars(Unrolled(model, sizes, steps).intermediates)
    disagreements = [
        (label, row, column)
        for label, matrix in by_diff.items()
        for row, column in product(range(matrix.rows), range(matrix.cols))
        if matrix.shape != by_equations[label].shape
        or not scalars.are_equal(matrix[row, column], by_equations[label][row, column])
    ]
    return Agreement({k: len(matrix) for k, matrix in by_diff.items()}, tuple(disagreements))
