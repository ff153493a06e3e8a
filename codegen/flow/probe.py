"""Model → Probe: the emitted code that answers every question about one step of a network.

A step is asked by a model whose loss pairs expressions with data (`derivations.pairing`): the parts
of the state, what the bounds need, and the carry gate. Its gradients are their values and their
pullbacks. A second module, of the model itself, gives the loss at the last step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray
from sympy import MatrixExpr

from codegen.build import emit_pullback, emit_source
from codegen.gradcheck.module import length
from codegen.storage import axes_of, given_name
from derivations.algebra import subexpressions
from derivations.bptt import derive
from derivations.errors import EmitError
from derivations.expressions import (
    Diag,
    MatrixSymbol,
    Part,
    Quantity,
    T,
    Vec,
    is_parameter,
    is_scalar,
)
from derivations.graph import consumers, local_jacobian
from derivations.model import Model
from derivations.norms import Norm
from derivations.notation.names import identifier
from derivations.pairing import pair, paired
from derivations.stability import GradientBounds, gradient_bounds
from derivations.states import State, written_block

#: Axes of an array, by the names of their sizes.
Axes = tuple[str, ...]

Real = NDArray[np.float64]


@dataclass(frozen=True)
class Member:
    """A part of the state, or its value some steps before.

    Attributes
    ----------
    name : str
        The data array of the probe's module that holds it before a step.
    own_name : str
        The same of the model's own module, which is not mirrored in time.
    axes : tuple of str
    source : int
        Where its value after a step comes from: the place of what it is paired with, or −1 − i
        where it is the member i before the step.
    """

    name: str
    own_name: str
    axes: Axes
    source: int


@dataclass(frozen=True)
class Recurrent:
    """A parameter that meets the state before, or the columns of it that do.

    Attributes
    ----------
    name : str
    axes : tuple of str
        Of the whole parameter.
    columns : tuple of (str, str) or None
        Behind which column, and up to which, by sizes in code; all without it.
    """

    name: str
    axes: Axes
    columns: tuple[str, str] | None = None

    def columns_in(self, array: Real, sizes: Mapping[str, int]) -> Real:
        """Return the columns of an array of the parameter's shape, as a view."""
        if self.columns is None:
            return array
        first, last = (length(end, sizes) for end in self.columns)
        return array[:, first:last]


@dataclass(frozen=True)
class Probe:
    """Everything that a measurement needs of a model; plain data that can be sent to a worker.

    Attributes
    ----------
    name : str
    step_source, pullback_source, own_source : str
        Emitted modules: of one step, of its pullback to the state alone, and of the model itself.
    members : tuple of Member
    recurrent : tuple of Recurrent
    factors : frozenset of str
        All parameters that are factors in the Jacobian of a step; others are only added.
    inputs : tuple of str
        Data by which a gradient is taken: what a word k steps back is.
    bounds : GradientBounds
    watched : tuple of (Norm, int)
        Norms of the bounds that the step computes, with the places of their pairs.
    carry : int or None
        The place of the carry gate.
    """

    name: str
    step_source: str
    pullback_source: str
    own_source: str
    members: tuple[Member, ...]
    recurrent: tuple[Recurrent, ...]
    factors: frozenset[str]
    inputs: tuple[str, ...]
    bounds: GradientBounds
    watched: tuple[tuple[Norm, int], ...]
    carry: int | None

    def entries(self, size: int) -> int:
        """Return how many entries the state has where every axis has this size."""
        return sum(prod(int(a) if a.isdecimal() else size for a in m.axes) for m in self.members)

    @property
    def fingerprint(self) -> str:
        """What results depend on besides the point: the code that is measured."""
        return self.step_source + self.pullback_source + self.own_source


def probe_of(model: Model, name: str) -> Probe:
    """Return the probe of a model.

    Raises
    ------
    BpttError
        When no gradient can be derived, a function is unspecified, the state needs the other
        direction of time, or no parameter meets the state before.

    Examples
    --------
    >>> from derivations import cell
    >>> probe = probe_of(cell("lstm"), "lstm")
    >>> [member.name for member in probe.members], [one.name for one in probe.recurrent]
    (['h_0', 'c_0'], ['U_i', 'U_f', 'U_o', 'U_g'])
    """
    bounds = gradient_bounds(model)
    named, state = bounds.model, bounds.state
    if named.unspecified_functions:
        raise EmitError(
            f"Nothing is said of the function {named.unspecified_functions[0]} of {name}.",
            hint="Choose one with --activation.",
        )
    recurrent = recurrent_parameters(named, state)
    if not recurrent:
        raise EmitError(
            f"No parameter of {name} meets the state before.",
            hint="Random networks differ in such a parameter, and a gain scales it.",
        )
    watched = [norm for norm in bounds.norms if not _is_in_parameters(norm)]
    gates = [bounds.carries[0].gate] if bounds.carries else []
    asked: list[MatrixExpr] = [*state.current, *map(_entries_of, watched), *gates]
    step = derive(paired(named, state, asked))
    own = derive(replace(model, zeros=frozenset()))
    first = len(state.current)
    return Probe(
        name,
        emit_source(step, name, "fast"),
        emit_pullback(step, name),
        emit_source(own, name, "fast"),
        _members(state),
        recurrent,
        _factors_of_blocks(bounds),
        _inputs(step.model),
        bounds,
        tuple((norm, first + i) for i, norm in enumerate(watched)),
        first + len(watched) if gates else None,
    )


def _entries_of(norm: Norm) -> MatrixExpr:
    """Return what holds the entries of a norm: of vec(S) the matrix itself."""
    expression = norm.expression
    return expression.matrix if isinstance(expression, Vec) else expression


def _is_in_parameters(norm: Norm) -> bool:
    """Tell whether a norm is that of a parameter, or of some of its columns."""
    expression = norm.expression
    return is_parameter(expression.matrix if isinstance(expression, Part) else expression)


def _members(state: State) -> tuple[Member, ...]:
    current, members = state.current, state.members
    found = []
    for member in members:
        # Seen from a step, what it is given: h_{t−1} for h_t.
        lag = int(state.current[0].time - member.time) * state.direction + 1
        given = member.at(1 - lag)
        own = member.at(1 - lag if state.direction > 0 else T + lag)
        source = (
            current.index(member)
            if member in current
            else -1 - members.index(member.at(member.time + state.direction))
        )
        found.append(Member(given_name(given), given_name(own), axes_of(member.shape), source))
    return tuple(found)


def recurrent_parameters(model: Model, state: State) -> tuple[Recurrent, ...]:
    """Return the parameters that meet the state before: matrices, else vectors, else scalars.

    Examples
    --------
    >>> from derivations import cell
    >>> from derivations.stability import gradient_bounds
    >>> bounds = gradient_bounds(cell("mgu"))
    >>> recurrent_parameters(bounds.model, bounds.state)[0]
    Recurrent(name='W_f', axes=('n', 'm + n'), columns=('0', 'n'))
    """
    found: dict[MatrixExpr, None] = {}
    for member in state.members:
        before = member.at(member.time - state.direction)
        lag = int(state.current[0].time - before.time)
        for user in consumers(model, member.name, lag):
            found |= dict.fromkeys(_factors(local_jacobian(model, user, before)))
    matrices = [one for one in found if 1 not in one.shape]
    vectors = [one for one in found if not is_scalar(one)]
    return tuple(map(factor_of, matrices or vectors or list(found)))


def _factors_of_blocks(bounds: GradientBounds) -> frozenset[str]:
    model, members = bounds.model, bounds.state.members
    blocks = [
        written_block(model, row, column.at(column.time - bounds.state.direction))
        for row in bounds.state.current
        for column in members
    ]
    return frozenset(
        identifier(node.name)
        for block in blocks
        for node in subexpressions(block)
        if is_parameter(node)
    )


def _factors(jacobian: MatrixExpr) -> Iterator[MatrixExpr]:
    """Yield the parameters that are factors in a Jacobian, or the parts of them."""
    if isinstance(jacobian, Part) or is_parameter(jacobian):
        yield jacobian
    elif isinstance(jacobian, Diag):
        if is_parameter(jacobian.vector):
            yield jacobian.vector
    elif not isinstance(jacobian, Quantity):
        for argument in jacobian.args:
            if isinstance(argument, MatrixExpr):
                yield from _factors(argument)


def factor_of(factor: MatrixExpr) -> Recurrent:
    """Return a parameter, or some columns of one, by its name and its sizes in code."""
    if isinstance(factor, Part):
        first, last = (axes_of((end, 2))[0] for end in factor.column_range)
        return Recurrent(
            identifier(factor.matrix.name), axes_of(factor.matrix.shape), (first, last)
        )
    assert isinstance(factor, MatrixSymbol)
    return Recurrent(identifier(factor.name), axes_of(factor.shape))


def _inputs(step: Model) -> tuple[str, ...]:
    pairs = {pair(number) for number in range(len(step.data))}
    fixed = pairs | step.one_hot | step.scope.labels
    return tuple(identifier(q.name) for q in step.data if q.name not in fixed)


__all__ = ["Member", "Probe", "Recurrent", "factor_of", "probe_of", "recurrent_parameters"]
