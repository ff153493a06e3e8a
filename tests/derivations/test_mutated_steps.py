"""Every small step of a simplification, seeded with a mistake, is caught by the judge."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable

import pytest
from sympy import Basic

from derivations import simplify
from derivations.algebra import add, hadamard, multiply, negate, split_coefficient, transpose
from derivations.expressions import Diag, HadamardProduct, MatAdd, MatMul, Transpose, UnitVector
from tests.derivations.mutations import (
    BINARY,
    CLASSIFIER,
    EVERYWHERE,
    LABELLED,
    LOG_ODDS,
    REGRESSION,
    ROOMS,
    SEVERAL_STATES,
    Calls,
    Mutation,
    Rule,
    assert_rejected,
    counted,
    where_it_acts,
    without_first_term,
    without_last_term,
)

LABELLED_ODDS = """
h_t = W h_{t-1} + x_t
y_t = sigmoid(V h_t)
E_t = -\\log [y_t]_{c_t}
c_t is a label
"""
SHIFTED = "h_t = (W - \\gamma Q) h_{t-1} + x_t\nE_t depends on h_t\n\\gamma is a scalar"

pytestmark = pytest.mark.usefixtures("one_point")


# Steps of a simplification: wrong where the right one changes something.


def outer_factors_lost(_: Rule) -> Rule:
    """A (B + C) D = A B + A C."""

    def rule(expression: Basic) -> Basic:
        if not isinstance(expression, MatMul):
            return expression
        for position, factor in enumerate(expression.args):
            if position and isinstance(factor, MatAdd) and expression.args[0] != -1:
                before = expression.args[:position]
                return add(*(multiply(*before, term) for term in factor.args))
        return expression

    return rule


def one_term_multiplied(_: Rule) -> Rule:
    """A (B + C) = A B + C."""

    def rule(expression: Basic) -> Basic:
        if isinstance(expression, MatMul) and isinstance(expression.args[-1], MatAdd):
            first, *rest = expression.args[-1].args
            return add(multiply(*expression.args[:-1], first), *rest)
        return expression

    return rule


def diagonals_dropped(_: Rule) -> Rule:
    """diag(u) v = v."""

    def rule(expression: Basic) -> Basic:
        if not isinstance(expression, MatMul):
            return expression
        kept = [factor for factor in expression.args if not isinstance(factor, Diag)]
        return multiply(*kept) if len(kept) > 1 else expression

    return rule


def row_untransposed(_: Rule) -> Rule:
    """uᵀ diag(v) = u ⊙ v."""

    def rule(expression: Basic) -> Basic:
        if not isinstance(expression, MatMul) or not isinstance(expression.args[-1], Diag):
            return expression
        row = multiply(*expression.args[:-1])
        return (
            hadamard(transpose(row), expression.args[-1].vector)
            if row.shape[0] == 1
            else expression
        )

    return rule


def cancelled_to_ones(_: Rule) -> Rule:
    """v ⊘ u ⊙ u = u: the wrong factor is kept."""

    def rule(expression: Basic) -> Basic:
        if isinstance(expression, HadamardProduct) and simplify.divides(expression):
            return expression.args[-1]
        return expression

    return rule


def sums_to(value: int) -> Callable[[Rule], Rule]:
    """1ᵀ y = value, and the same of data that is not one-hot."""

    def wrong(factory: Rule) -> Rule:
        def spoiled_factory(one_hot: frozenset[str]) -> Rule:
            return where_it_acts(lambda answer: multiply(value, answer))(factory(one_hot))

        return spoiled_factory

    return wrong


def sums_everything(factory: Rule) -> Rule:
    """1ᵀ y = 1 for the prediction's logits as well: for everything that has a name."""
    return lambda one_hot: factory(one_hot | {"u", "y"})


def first_sign_lost(_: Rule) -> Rule:
    """−u + v = v + u."""

    def rule(expression: Basic) -> Basic:
        if isinstance(expression, MatAdd) and split_coefficient(expression.args[0])[0] == -1:
            return add(*expression.args[1:], negate(expression.args[0]))
        return expression

    return rule


def only_one_turned(_: Rule) -> Rule:
    """−(u − v)ᵀ = (−u − v)ᵀ."""

    def rule(expression: Basic) -> Basic:
        if not isinstance(expression, MatMul) or expression.args[0] != -1:
            return expression
        first = expression.args[1]
        inner = first.arg if isinstance(first, Transpose) else first
        if not isinstance(inner, MatAdd):
            return expression
        turned = add(negate(inner.args[0]), *inner.args[1:])
        return multiply(transpose(turned) if inner is not first else turned, *expression.args[2:])

    return rule


def transpose_lost(_: Rule) -> Rule:
    """uᵀ + vᵀ = u + v."""

    def rule(expression: Basic) -> Basic:
        if isinstance(expression, MatAdd) and expression.shape[0] == 1:
            return add(*(transpose(term) for term in expression.args))
        return expression

    return rule


def unit_for_ones(_: Rule) -> Rule:
    """e_y ⊙ u = u: what is picked is forgotten."""

    def rule(expression: Basic) -> Basic:
        if not isinstance(expression, HadamardProduct):
            return expression
        return hadamard(*(f for f in expression.args if not isinstance(f, UnitVector)))

    return rule


def turned_inside(product: Basic) -> Basic:
    """uᵀ A v = uᵀ Aᵀ v."""
    number, inner = split_coefficient(product)
    row, *matrices, column = inner.args
    return multiply(number, row, *(transpose(matrix) for matrix in matrices), column)


def last_diagonal_lost(_: Rule) -> Rule:
    """diag(u) diag(v) = diag(u)."""

    def rule(expression: Basic) -> Basic:
        if not isinstance(expression, MatMul):
            return expression
        kept = [
            factor
            for before, factor in zip((None, *expression.args), expression.args, strict=False)
            if not (isinstance(before, Diag) and isinstance(factor, Diag))
        ]
        return multiply(*kept)

    return rule


FACTORED = "h_t = u ⊙ h_{t-1} + x_t\ny_t = u ⊙ h_t\nE_t depends on y_t"
POSITIVE_DATA = """
h_t = W h_{t-1} + x_t
y_t = softmax(V h_t)
E_t = -u_t^\\top \\log y_t
u_t is the target
"""

STEPS = [
    *(
        Mutation(step, name, where_it_acts(change), model)
        for (step, model), (name, change) in itertools.product(
            {
                "distribute": CLASSIFIER,
                "absorb_diagonals": CLASSIFIER,
                "cancel_quotients": CLASSIFIER,
                "positive_first": REGRESSION,
                "turn_differences": REGRESSION,
                "gather_transposes": CLASSIFIER,
                "factor_out": FACTORED,
                "pick_entries": LABELLED,
                "merge_diagonals": SEVERAL_STATES,
                "collect_terms": BINARY,
            }.items(),
            EVERYWHERE.items(),
        )
    ),
    Mutation("pick_entries", "every entry", unit_for_ones, LABELLED_ODDS),
    Mutation("sum_over_outer_products", "sign flipped", where_it_acts(negate), SHIFTED),
    Mutation("sum_over_outer_products", "turned", where_it_acts(turned_inside), SHIFTED),
    Mutation("merge_diagonals", "last one lost", last_diagonal_lost, SEVERAL_STATES),
    Mutation("expand_products", "sign flipped", where_it_acts(negate), LOG_ODDS),
    Mutation("expand_products", "a term lost", where_it_acts(without_first_term), LOG_ODDS),
    Mutation("collect_terms", "one of two lost", where_it_acts(without_last_term), BINARY),
    Mutation("factor_out", "shared factor lost", where_it_acts(lambda a: a.args[-1]), FACTORED),
    Mutation("distribute", "outer factor lost", outer_factors_lost, POSITIVE_DATA),
    Mutation("distribute", "one term multiplied", one_term_multiplied, CLASSIFIER),
    Mutation("distribute", "term dropped", where_it_acts(without_last_term), CLASSIFIER),
    Mutation("absorb_diagonals", "diagonals dropped", diagonals_dropped, CLASSIFIER),
    Mutation("absorb_diagonals", "row untransposed", row_untransposed, CLASSIFIER),
    Mutation("cancel_quotients", "wrong factor kept", cancelled_to_ones, CLASSIFIER),
    Mutation("sum_one_hot", "sum is two", sums_to(2), CLASSIFIER),
    Mutation("sum_one_hot", "sum is minus one", sums_to(-1), CLASSIFIER),
    Mutation("sum_one_hot", "data that is not one-hot", sums_everything, POSITIVE_DATA),
    Mutation("positive_first", "sign lost", first_sign_lost, CLASSIFIER),
    Mutation("turn_differences", "only one turned", only_one_turned, REGRESSION),
    Mutation("gather_transposes", "transpose lost", transpose_lost, CLASSIFIER),
    Mutation(
        "gather_transposes",
        "term dropped",
        where_it_acts(lambda row: transpose(without_last_term(row.arg))),
        CLASSIFIER,
    ),
]


@pytest.mark.parametrize("mutation", STEPS, ids=str)
def test_wrong_step_is_rejected(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls()
    right = getattr(simplify, mutation.rule)
    wrong = mutation.wrong(right)
    if mutation.rule == "sum_one_hot":

        def rule(one_hot: frozenset[str]) -> Rule:
            return counted(right(one_hot), wrong(one_hot), calls)

    else:
        rule = counted(right, wrong, calls)
    for module in (simplify, *ROOMS):
        if hasattr(module, mutation.rule):
            monkeypatch.setattr(module, mutation.rule, rule)
    assert_rejected(mutation.model, calls)


def test_every_step_has_a_mutation() -> None:
    steps = {
        name
        for name, function in inspect.getmembers(simplify, inspect.isfunction)
        if function.__module__ == simplify.__name__
        and not name.startswith("_")
        and (
            inspect.signature(function).return_annotation == "Step"
            or (
                list(inspect.signature(function).parameters) == ["expression"]
                and inspect.signature(function).return_annotation == "Basic"
            )
        )
    }
    assert steps == {m.rule for m in STEPS}
