"""Derivation → proven Derivation: what is printed is read back, and the judge sees that."""

from __future__ import annotations

from dataclasses import replace

from sympy import MatrixExpr

from derivations.derivation import Derivation, Equation, Section
from derivations.errors import BpttError, Place, ProofError
from derivations.expressions import Blocks, Vec, t
from derivations.model import Model
from derivations.notation.build import build_sides
from derivations.notation.names import Scope
from derivations.notation.parse import parse_statement
from derivations.proof.judge import Judge
from derivations.proof.network import Network
from derivations.recurrence import reach
from derivations.writing import adjoint_name


def prove(derivation: Derivation) -> Derivation:
    """Return the derivation with the evidence for every equation.

    Raises
    ------
    ProofError
        At the first equation that the judge rejects, with both values and the place.

    Examples
    --------
    >>> from derivations.bptt import derive
    >>> model = Model.read("h_t = tanh(W h_{t-1})\\nE_t depends on h_t")
    >>> proven = prove(derive(model))
    >>> proven.equation("gradient:W").evidence.method
    'exact'
    """
    network = network_of(derivation)
    judge = Judge(network)
    sections = tuple(
        Section(
            section.title,
            section.text,
            tuple(_proven(equation, judge, network.scope) for equation in section.equations),
        )
        for section in derivation.sections
    )
    return replace(derivation, sections=sections)


def network_of(derivation: Derivation) -> Network:
    """Return the network that the judge runs: the forward equations and the definitions."""
    model = derivation.model
    definitions: dict[str, MatrixExpr] = {}
    stacks: dict[str, Blocks] = {}
    shapes = dict(model.scope.shapes)
    for equation in derivation.equations:
        if equation.kind != "definition":
            continue
        name, right = equation.left.name, equation.right
        shapes[name] = equation.left.shape
        if isinstance(right, Blocks | Vec):
            stacks[name] = right if isinstance(right, Blocks) else Blocks(1, right)
        else:
            definitions[name] = right
    temporal = model.scope.temporal | set(definitions) | set(stacks)
    scope = replace(model.scope, shapes=shapes, temporal=temporal)
    return forward_network(model, scope, definitions, stacks)


def forward_network(
    model: Model, scope: Scope, definitions: dict[str, MatrixExpr], stacks: dict[str, Blocks]
) -> Network:
    """Return a model's forward equations as the judge runs them."""
    forward = {d.quantity.name: d.expression for d in model.definitions if d.quantity.time == t}
    reaches = {state.name: reach(model, state.name) for state in model.states}
    total = model.definitions[-1].expression
    return Network(forward, definitions, stacks, model.one_hot, scope, total, reaches, model.zeros)


def _proven(equation: Equation, judge: Judge, scope: Scope) -> Equation:
    printed = equation.latex
    place = Place(printed, 0, len(printed))
    try:
        statement = parse_statement(printed, place)
        read = tuple(build_sides(statement, scope, place))
        if read != equation.sides:
            raise ProofError("This equation is read back as another one.", place)
        return replace(equation, evidence=judge.prove_read(statement, read, place))
    except BpttError as error:
        error.message = f"Equation ({equation.number}), {equation.label}: {error.message}"
        raise


__all__ = ["adjoint_name", "forward_network", "network_of", "prove"]
