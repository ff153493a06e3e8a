"""What a step hands on entry by entry: the forget gate of an LSTM, 1 − z_t of a GRU."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Identity, MatrixExpr

from derivations.algebra import multiply, split_coefficient
from derivations.expressions import (
    Diag,
    Elementwise,
    MatAdd,
    MatrixSymbol,
    OneMatrix,
    Quantity,
    Scaled,
    ZeroMatrix,
    is_column,
)
from derivations.graph import consumers, local_jacobian
from derivations.model import Model
from derivations.states import State, block_sign


@dataclass(frozen=True)
class Carry:
    """A term of ∂c_t/∂c_{t−1} that is diagonal: past every weight matrix and every slope.

    Attributes
    ----------
    member : Quantity
        The part of the state at step t.
    before : Quantity
        The same at the step before.
    factor : MatrixExpr
        The term, such as ``diag(f_t)``.
    """

    member: Quantity
    before: Quantity
    factor: MatrixExpr

    @property
    def gate(self) -> MatrixExpr:
        """The diagonal of the factor: a column, or the scalar that all its entries are."""
        is_scaled = isinstance(self.factor, Scaled)
        body = self.factor.body if is_scaled else self.factor
        column = body.vector if isinstance(body, Diag) else OneMatrix(1, 1)
        return multiply(self.factor.scalar, column) if is_scaled else column


def carries(model: Model, state: State) -> tuple[Carry, ...]:
    """Return the terms that lead from a part of the state to itself entry by entry.

    References
    ----------
    Hochreiter, Schmidhuber, Long short-term memory, Neural Computation 9 (1997), section 3.2.

    Examples
    --------
    >>> from derivations.states import states
    >>> model = Model.read('''
    ...     z_t = sigmoid(U h_{t-1})
    ...     h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ tanh(W x_t)
    ...     E_t depends on h_t
    ... ''')
    >>> [carry.gate for carry in carries(model, states(model)[0])]
    [1 - z]
    """
    found: list[Carry] = []
    for member in state.current:
        definition = model.definition(member.name)
        assert definition is not None
        before = member.at(state.before)
        users = consumers(model, member.name, state.direction)
        if isinstance(block_sign(model, member, before), ZeroMatrix) or all(
            user.quantity != member for user in users
        ):
            continue
        own = local_jacobian(model, definition, before)
        terms = own.args if isinstance(own, MatAdd) else (own,)
        found += [Carry(member, before, term) for term in terms if _is_straight(term)]
    return tuple(found)


def _is_straight(term: MatrixExpr) -> bool:
    """Tell whether a term acts on each entry by itself."""
    inner = term.body if isinstance(term, Scaled) else term
    return isinstance(inner, Identity | Diag)


def opening_bias(model: Model, carry: Carry) -> tuple[MatrixSymbol, int] | None:
    """Return the bias that opens a carry gate, and its sign: b_f, 1 for f_t; b_z, −1 for 1 − z_t.

    None where the gate is not a function of a sum with a bias, as a scalar leak is not.

    References
    ----------
    Gers, Schmidhuber, Cummins, Learning to forget, Neural Computation 12 (2000), section 3.2.

    Examples
    --------
    >>> from derivations.intermediates import name_intermediates
    >>> from derivations.library import cell
    >>> from derivations.states import states
    >>> gru = name_intermediates(cell("gru"))
    >>> opening_bias(gru, carries(gru, states(gru)[0])[0])
    (b_z, -1)
    """
    terms = carry.gate.args if isinstance(carry.gate, MatAdd) else (carry.gate,)
    signed = [split_coefficient(term) for term in terms if not isinstance(term, OneMatrix)]
    if len(signed) != 1:
        return None
    sign, gate = signed[0]
    definition = model.definition(gate.name) if isinstance(gate, Quantity) else None
    if definition is None or not isinstance(definition.expression, Elementwise):
        return None
    argument = definition.expression.argument
    inside = model.definition(argument.name) if isinstance(argument, Quantity) else None
    summands = () if inside is None else inside.expression.args
    biases = [one for one in summands if isinstance(one, MatrixSymbol) and is_column(one)]
    return (biases[0], int(sign)) if len(biases) == 1 else None
