"""Mistakes in the adjoint recursion and the gradients: ways that are forgotten, and what meets."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Basic, MatrixExpr

from derivations.algebra import (
    add,
    hadamard,
    multiply,
    negate,
    outer_factors,
    quantities,
    replace,
    split_coefficient,
    transpose,
)
from derivations.expressions import (
    Elementwise,
    HadamardProduct,
    MatAdd,
    MatMul,
    Partial,
    Quantity,
    T,
    TimeSum,
    UnitVector,
    t,
)
from derivations.mistakes.trees import Subject, Wrong, changed
from derivations.model import Model
from derivations.notation.latex import latex
from derivations.notation.names import show_time
from derivations.writing import adjoint_name


def own_loss_only(subject: Subject) -> Iterator[Wrong]:
    """Wᵀδ_t + Uᵀδ_{t+1} becomes Wᵀδ_t, and ∂E/∂h_k becomes ∂E_k/∂h_k."""
    model = subject.model

    def change(node: Basic) -> Iterator[tuple[MatrixExpr, str]]:
        if isinstance(node, MatAdd):
            own = [term for term in node.args if not _returning(term, model)]
            lost = _returning(node, model)
            if own and lost:
                what = f"Nothing comes back from step ${show_time(lost[0].time)}$."
                yield add(*own), what
        if isinstance(node, Partial) and node.of == model.total and isinstance(node.by, Quantity):
            own_loss = Partial(model.loss.at(node.by.time), node.by)
            what = f"${latex(own_loss)}$ counts the loss of one step, ${latex(node)}$ all of them."
            yield own_loss, what

    return changed(subject.side, change)


def _returning(term: Basic, model: Model) -> list[Quantity]:
    """Return the adjoints of other steps in a term."""
    adjoints = _adjoints(model)
    return [q for q in quantities(term) if q.name in adjoints and q.time not in (t, T)]


def _adjoints(model: Model) -> frozenset[str]:
    """Return the names of all adjoints."""
    return frozenset(adjoint_name(definition.quantity.name) for definition in model.definitions)


def way_left_out(subject: Subject) -> Iterator[Wrong]:
    """One of several terms that come back from the next step is left out."""

    def change(node: Basic) -> Iterator[tuple[MatrixExpr, str]]:
        if not isinstance(node, MatAdd):
            return
        returning = [term for term in node.args if _returning(term, subject.model)]
        for lost in returning if len(returning) > 1 else ():
            way = _returning(lost, subject.model)[0]
            kept = [term for term in node.args if term is not lost]
            yield add(*kept), f"The way through ${latex(way)}$ is forgotten."

    return changed(subject.side, change)


def other_state_forgotten(subject: Subject) -> Iterator[Wrong]:
    """∂c_t/∂c_{t−1} becomes its first term: c_{t−1} acts on c_t through h_{t−1}, too."""
    side = subject.side
    if isinstance(side, MatAdd):
        left = subject.equation.left
        yield Wrong(
            side.args[0],
            f"Only the direct way from ${latex(left.by)}$ to ${latex(left.of)}$ is left; the ways "
            "through the other states are forgotten.",
        )


def factor_on_one_term(subject: Subject) -> Iterator[Wrong]:
    """u ⊙ (v + w) becomes u ⊙ v + w."""

    def change(node: Basic) -> Iterator[tuple[MatrixExpr, str]]:
        if not isinstance(node, HadamardProduct) or not isinstance(node.args[-1], MatAdd):
            return
        *factors, bracket = node.args
        first, *others = bracket.args
        if quantities(first) and all(quantities(other) for other in others):
            shown = latex(hadamard(*factors))
            yield (
                add(hadamard(*factors, first), *others),
                f"${shown}$ multiplies the first term alone: the bracket is missing.",
            )

    return changed(subject.side, change)


def sign_turned(subject: Subject) -> Iterator[Wrong]:
    """ŷ − y becomes y − ŷ."""
    targets = subject.model.targets | subject.model.scope.labels

    def change(node: Basic) -> Iterator[tuple[MatrixExpr, str]]:
        if not isinstance(node, MatAdd) or len(node.args) != 2:
            return
        (first_sign, first), (second_sign, second) = map(split_coefficient, node.args)
        if not all(isinstance(part, Quantity | UnitVector) for part in (first, second)):
            return
        names = {q.name for q in (*quantities(first), *quantities(second))}
        if (first_sign, second_sign) == (1, -1) and names & targets:
            yield add(second, negate(first)), "The sign of the error is turned."

    return changed(subject.side, change)


def factor_of_other_step(subject: Subject) -> Iterator[Wrong]:
    """δ_t h_{t−1}ᵀ becomes δ_t h_tᵀ."""
    side = subject.side
    if not isinstance(side, TimeSum):
        return
    for quantity in quantities(side.body):
        if quantity.name in _adjoints(subject.model) or quantity.time == side.index:
            continue
        wrong = quantity.at(side.index)
        yield Wrong(
            TimeSum(replace(side.body, {quantity: wrong}), side.index, side.lower, side.upper),
            f"${latex(wrong)}$ stands for ${latex(quantity)}$.",
        )


def outer_product_turned(subject: Subject) -> Iterator[Wrong]:
    """δ hᵀ becomes h δᵀ, where both have one size."""

    def change(node: Basic) -> Iterator[tuple[MatrixExpr, str]]:
        if not isinstance(node, MatMul) or node.shape[0] != node.shape[1]:
            return
        number, product = split_coefficient(node)
        factors = outer_factors(product)
        if factors is not None:
            column, row = factors
            wrong = multiply(number, row, transpose(column))
            yield wrong, f"${latex(wrong)}$ is the transpose of the gradient."

    return changed(subject.side, change)


def slope_forgotten(subject: Subject) -> Iterator[Wrong]:
    """σ′(a_t) ⊙ δ_t becomes δ_t."""

    def change(node: Basic) -> Iterator[tuple[MatrixExpr, str]]:
        if not isinstance(node, HadamardProduct):
            return
        for position, factor in enumerate(node.args):
            if isinstance(factor, Elementwise) and factor.order == 1:
                rest = node.args[:position] + node.args[position + 1 :]
                yield hadamard(*rest), f"The slope ${latex(factor)}$ is forgotten."

    return changed(subject.side, change)


__all__ = [
    "factor_of_other_step",
    "factor_on_one_term",
    "other_state_forgotten",
    "outer_product_turned",
    "own_loss_only",
    "sign_turned",
    "slope_forgotten",
    "way_left_out",
]
