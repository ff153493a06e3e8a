"""Vanishing and exploding gradients: bounds of ‖∂s_t/∂s_k‖, for any cell, from its own Jacobians.

    gradient_bounds   Model -> GradientBounds        every block of one step, and what carries
    inequalities      GradientBounds -> Inequality   what is printed of one step, and of many
    with_evidence     Inequality -> Inequality       with what a search for a counterexample found

The bounds follow from ‖A B‖ ≤ ‖A‖ ‖B‖ and ‖A + B‖ ≤ ‖A‖ + ‖B‖ (`derivations.norms`) and from the
largest slope of each function, which SymPy proves (`derivations.slopes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from sympy import Integer, MatrixExpr, Symbol, ZeroMatrix

from derivations.algebra import quantities
from derivations.carries import Carry, carries
from derivations.claims.check import check
from derivations.errors import ProofError, UnsupportedError
from derivations.expressions import Diag, Identity, Partial
from derivations.intermediates import name_intermediates
from derivations.model import Model
from derivations.norms import (
    Bound,
    Norm,
    bound_of,
    constant,
    entry_bound,
    largest_entry,
    norm_bound,
)
from derivations.notation.latex import latex
from derivations.recurrence import influenced
from derivations.states import State, block, block_sign, states
from derivations.writing import EVERY_STEP, at_step, math, running_steps


@dataclass(frozen=True)
class BlockBound:
    """A block of the Jacobian of one step, and an upper bound of its spectral norm.

    Attributes
    ----------
    row, column : int
        Which parts of the state: their places in its members.
    block : MatrixExpr
        ``∂⁺c_t/∂h_{t−1}``, or the identity where a part only moves on.
    bound : Bound
    """

    row: int
    column: int
    block: MatrixExpr
    bound: Bound


@dataclass(frozen=True)
class GradientBounds:
    """What bounds the Jacobians of a state.

    Attributes
    ----------
    model : Model
        With every intermediate named.
    state : State
        The first of the model.
    blocks : tuple of BlockBound
        All that are not zero, those that others need before them.
    carries : tuple of Carry
        The terms that hand an error on entry by entry.
    """

    model: Model
    state: State
    blocks: tuple[BlockBound, ...]
    carries: tuple[Carry, ...]

    @cached_property
    def norms(self) -> tuple[Norm, ...]:
        """The norms of which the bounds are made, but for those of other blocks."""
        known = {Norm(block.block, "2") for block in self.blocks}
        found = dict.fromkeys(norm for block in self.blocks for norm in block.bound.norms)
        return tuple(norm for norm in found if norm not in known)

    @property
    def is_uniform(self) -> bool:
        """Whether the bound is the same at every step."""
        return not any(_moves(norm) for norm in self.norms)

    def step(self, norms: Mapping[Norm, float]) -> float:
        """Return the bound of ‖∂s_t/∂s_{t−1}‖₂ in numbers: the norm of the matrix of the bounds.

        Parameters
        ----------
        norms : mapping of Norm to float
            The value of each of `norms` at the step.
        """
        known = dict(norms)
        size = len(self.state.members)
        found = np.zeros((size, size))
        for one in self.blocks:
            value = one.bound.value(known)
            found[one.row, one.column] = value
            known[Norm(one.block, "2")] = value
        return float(np.linalg.norm(found, 2)) if size > 1 else float(found[0, 0])


def _moves(norm: Norm) -> bool:
    """Tell whether a norm may be another one at another step."""
    return any(True for _ in quantities(norm.expression))


def gradient_bounds(model: Model) -> GradientBounds:
    """Return bounds of the Jacobians of a model's first state.

    Raises
    ------
    UnsupportedError
        For a model without a state, or whose first state needs one of the other direction of time.

    References
    ----------
    Pascanu, Mikolov, Bengio, On the difficulty of training recurrent neural networks, ICML 2013,
    section 2.1.

    Examples
    --------
    >>> from derivations import cell
    >>> [one] = gradient_bounds(cell("rnn", "sigmoid")).blocks
    >>> print(one.bound.latex)
    \\frac{1}{4} \\left\\|W_{rec}\\right\\|_2
    """
    if model.refusal is not None:
        raise model.refusal
    named = name_intermediates(model)
    found = states(named)
    if not found:
        raise UnsupportedError(
            "This network has no recurrence: no gradient flows through time.",
            hint="Write an equation that uses a value of another step.",
        )
    state = found[0]
    others = {name for other in found[1:] for name in other.recurrence.names}
    if any(influenced(named, other) & state.recurrence.names for other in others):
        raise UnsupportedError(
            f"{latex(state.quantity)} needs what comes from the other direction of time.",
            hint="Gradients are followed where a state is computed from one direction alone.",
        )
    return GradientBounds(named, state, _blocks(named, state), carries(named, state))


def _blocks(model: Model, state: State) -> tuple[BlockBound, ...]:
    members = state.members
    before = [member.at(member.time - state.direction) for member in members]
    found = []
    for row, member in enumerate(members):
        for column, other in enumerate(before):
            sign = block_sign(model, member, other)
            if isinstance(sign, ZeroMatrix):
                continue
            known = isinstance(sign, Identity)
            bound = (
                constant(Integer(1))
                if known
                else norm_bound(block(model, state, member, other), model)
            )
            found.append(BlockBound(row, column, sign, bound))
    return tuple(_in_order(found))


def _in_order(blocks: list[BlockBound]) -> list[BlockBound]:
    """Put every block behind those that its bound is written with."""
    waiting, ordered = list(blocks), []
    while waiting:
        signs = {Norm(one.block, "2") for one in waiting}
        ready = next(one for one in waiting if not signs & set(one.bound.norms))
        ordered.append(ready)
        waiting.remove(ready)
    return ordered


# What is printed


@dataclass(frozen=True)
class Inequality:
    """A chain of sides with ≤ between them.

    Attributes
    ----------
    sides : tuple of str
        LaTeX.
    conditions : str
        LaTeX of the range of the free steps.
    reason : str
        Why it holds, in text with ``$`` around formulas.
    evidence : str
        What the search for a counterexample found; empty before it, and for what cannot be put to
        it.
    is_in_the_text : bool
        Whether the text explains its symbols: what the one for a state of several parts means is no
        part of it.
    """

    sides: tuple[str, ...]
    conditions: str
    reason: str
    evidence: str = ""
    is_in_the_text: bool = True

    @property
    def latex(self) -> str:
        """The chain as it is displayed."""
        return " \\le ".join(self.sides) + f", \\quad {self.conditions}"


def inequalities(bounds: GradientBounds) -> tuple[Inequality, ...]:
    """Return what holds of one step, of many steps, and of what carries.

    Examples
    --------
    >>> from derivations import cell
    >>> step, many = inequalities(gradient_bounds(cell("rnn")))
    >>> print(step.sides[0])
    \\left\\|\\frac{\\partial h_t}{\\partial h_{t-1}}\\right\\|_2
    >>> print(many.sides[-1])
    \\left\\|W_{rec}\\right\\|_2^{t - k}
    """
    steps = [_of_block(bounds, one) for one in bounds.blocks if isinstance(one.block, Partial)]
    carried = [_of_carry(bounds, carry) for carry in bounds.carries]
    return (*steps, _of_many_steps(bounds), *carried)


def _of_block(bounds: GradientBounds, one: BlockBound) -> Inequality:
    state = bounds.state
    sign = one.block if state.is_named else Partial(state.quantity, state.quantity.at(state.before))
    return Inequality(
        (Norm(sign, "2").latex, one.bound.latex),
        EVERY_STEP,
        "The norm of a product is at most the product of the norms, that of a sum at most the sum.",
    )


def _of_many_steps(bounds: GradientBounds) -> Inequality:
    """‖∂s_t/∂s_k‖ ≤ ∏ ‖∂s_j/∂s_{j−1}‖ ≤ ∏ β_j, or β^{t−k} where β is the same at every step."""
    state = bounds.state
    k, j = running_steps(bounds.model)
    product, distance, limits = _along_the_steps(state, k, j)
    quantity = state.quantity
    step = Norm(Partial(quantity, quantity.at(state.before)), "2")
    jacobian = Norm(at_step(step.expression, j), "2").latex
    sides = [Norm(Partial(quantity, quantity.at(k)), "2").latex, product + jacobian]
    if len(state.members) > 1:
        sides.append(f"{product}\\beta_{j}")
    elif bounds.is_uniform:
        sides.append(_power(bounds.blocks[0].bound, distance))
    else:
        sides.append(product + _bracketed(_at_step(bounds.blocks[0].bound, j)))
    return Inequality(
        tuple(sides),
        limits,
        "Step by step: a product over time is a product of matrices.",
        is_in_the_text=not state.is_named,
    )


def _along_the_steps(state: State, k: Symbol, j: Symbol) -> tuple[str, str, str]:
    """Return the sign of a product over the steps between, how many they are, and the range."""
    if state.direction > 0:
        return f"\\prod_{{{j}={k}+1}}^{{t}} ", f"t - {k}", f"0 \\le {k} \\le t \\le T"
    return f"\\prod_{{{j}=t}}^{{{k}-1}} ", f"{k} - t", f"1 \\le t \\le {k} \\le T + 1"


def _power(bound: Bound, exponent: str) -> str:
    """Return a bound to the number of steps: 1 stays 1, and a norm needs no brackets."""
    if bound == constant(Integer(1)):
        return bound.latex
    is_norm = len(bound.norms) == 1 and bound == bound_of(bound.norms[0])
    return f"{bound.latex if is_norm else _bracketed(bound)}^{{{exponent}}}"


def _bracketed(bound: Bound) -> str:
    return f"\\left({bound.latex}\\right)"


def _at_step(bound: Bound, time: object) -> Bound:
    terms = {
        tuple(replace(norm, expression=at_step(norm.expression, time)) for norm in product): number
        for product, number in bound.terms.items()
    }
    return Bound(terms)


def _of_carry(bounds: GradientBounds, carry: Carry) -> Inequality:
    """‖∏ diag(f_j)‖ ≤ ∏ ‖f_j‖_∞ ≤ 1: along the way past all weights."""
    k, j = running_steps(bounds.model)
    product, distance, limits = _along_the_steps(bounds.state, k, j)
    factor = latex(at_step(carry.factor, j))
    if not isinstance(carry.factor, Diag):
        factor = f"\\left({factor}\\right)"
    gate = entry_bound(carry.gate, bounds.model)
    size = largest_entry(carry.gate)
    largest = replace(size, expression=at_step(size.expression, j)).latex
    sides = [f"\\left\\|{product}{factor}\\right\\|_2"]
    if _moves(size):
        sides.append(product + largest)
    if not any(map(_moves, gate.norms)):
        sides.append(_power(gate, distance))
    return Inequality(
        tuple(sides),
        limits,
        f"Along the term {math(carry.factor)} alone, from {math(carry.before)} to "
        f"{math(carry.member)} at every step, the product is a diagonal matrix.",
    )


def with_evidence(inequality: Inequality, model: Model, *, search: bool = True) -> Inequality:
    """Return an inequality with what the search for a counterexample found.

    Parameters
    ----------
    inequality : Inequality
    model : Model
        As it was read: claims are judged by its text.
    search : bool
        Whether a counterexample is searched for, or only looked for among random networks.

    Raises
    ------
    ProofError
        When there is a counterexample.

    Examples
    --------
    >>> from derivations import cell
    >>> model = cell("diagonal")
    >>> with_evidence(inequalities(gradient_bounds(model))[0], model).evidence
    'no counterexample in 1120 tries'
    """
    if not inequality.is_in_the_text:
        return inequality
    verdict = check(model, inequality.latex, search=search)
    if verdict.verdict == "false":
        raise ProofError(f"{inequality.latex} is false: {verdict.counterexample}.")
    return replace(inequality, evidence=verdict.evidence or "")
