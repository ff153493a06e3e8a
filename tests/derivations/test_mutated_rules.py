"""Every rule of the calculus, seeded with a mistake, is caught by the judge."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from sympy import MatrixExpr

from derivations import calculus
from derivations.algebra import (
    add,
    depends_on,
    hadamard,
    heights,
    multiply,
    negate,
    power,
    stack,
    transpose,
)
from derivations.bptt import derive
from derivations.calculus import choice, jacobian, pullback, slope
from derivations.errors import BpttError, NotationError, UnsupportedError
from derivations.expressions import (
    Blocks,
    Diag,
    Elementwise,
    Entry,
    HadamardProduct,
    MatMul,
    Maximum,
    OneMatrix,
    Quantity,
    Softmax,
    rows_of,
)
from derivations.model import Model
from derivations.proving import prove
from tests.derivations.mutations import (
    BILINEAR,
    CUBE,
    DIFFERENCE,
    DISTANCE,
    EVERYWHERE,
    GATED,
    LABELLED,
    LARGER,
    PICKED,
    PRODUCT,
    RECURRENT,
    ROOMS,
    SCALED,
    SIGMOID,
    SOFTMAX,
    STACKED,
    SUMMED_LOSS,
    TANGLED,
    TWO_WAYS,
    UNSPECIFIED,
    Calls,
    Mutation,
    Rule,
    assert_rejected,
    counted,
    halved,
    proven,
    registered,
    reversed_factors,
    spoiled,
    with_first_factor_transposed,
    with_last_factor_transposed,
    with_last_sign_flipped,
    without_first_term,
    without_last_term,
    without_number,
)

pytestmark = pytest.mark.usefixtures("one_point")


# Wrong versions of single rules


def of_order(order: int) -> Rule:
    return lambda call: Elementwise(call.function, call.order + order, call.argument)


def elementwise_jacobian(wrong_slope: Rule) -> Callable[[Rule], Rule]:
    return lambda _: lambda u, v: multiply(Diag(wrong_slope(u)), jacobian(u.argument, v))


def elementwise_pullback(wrong_slope: Rule) -> Callable[[Rule], Rule]:
    return lambda _: lambda u, g, v: pullback(u.argument, hadamard(wrong_slope(u), g), v)


def diagonal_on_the_right(_: Rule) -> Rule:
    return lambda u, v: multiply(jacobian(u.argument, v), Diag(slope(u)))


def product_jacobian_untransposed(_: Rule) -> Rule:
    """∂(uᵀ w)/∂v = w ∂u/∂v: the row has lost its transpose."""

    def rule(expression: MatMul, variable: Quantity) -> MatrixExpr:
        first, rest = expression.args[0], multiply(*expression.args[1:])
        if first.shape[0] == 1 and depends_on(first, variable):
            return multiply(rest, jacobian(transpose(first), variable))
        return multiply(first, jacobian(rest, variable))

    return rule


def product_pullback(left_transposed: bool, right_transposed: bool) -> Callable[[Rule], Rule]:
    """C = A B: Ā = C̄ B, or B̄ = A C̄: a transpose is dropped."""

    def wrong(_: Rule) -> Rule:
        def rule(expression: MatMul, adjoint: MatrixExpr, variable: MatrixExpr) -> MatrixExpr:
            left, right = expression.args[0], multiply(*expression.args[1:])
            terms = []
            if depends_on(left, variable):
                factor = transpose(right) if right_transposed else right
                terms.append(pullback(left, multiply(adjoint, factor), variable))
            if depends_on(right, variable):
                factor = transpose(left) if left_transposed else left
                terms.append(pullback(right, multiply(factor, adjoint), variable))
            return add(*terms)

        return rule

    return wrong


def one_factor_only(_: Rule) -> Rule:
    """∂(u ⊙ w)/∂v = diag(w) ∂u/∂v: the second term of the product rule is dropped."""

    def rule(expression: HadamardProduct, variable: Quantity) -> MatrixExpr:
        first = next(f for f in expression.args if depends_on(f, variable))
        others = [f for f in expression.args if f != first]
        return multiply(Diag(hadamard(*others)), jacobian(first, variable))

    return rule


def own_factor(_: Rule) -> Rule:
    """c = a ⊙ b: ā = a ⊙ c̄, the factor itself instead of the others."""

    def rule(expression: HadamardProduct, adjoint: MatrixExpr, variable: MatrixExpr) -> MatrixExpr:
        factors = [f for f in expression.args if depends_on(f, variable)]
        return add(*(pullback(f, hadamard(f, adjoint), variable) for f in factors))

    return rule


def others_dropped(_: Rule) -> Rule:
    """c = a ⊙ b: ā = c̄."""

    def rule(expression: HadamardProduct, adjoint: MatrixExpr, variable: MatrixExpr) -> MatrixExpr:
        factors = [f for f in expression.args if depends_on(f, variable)]
        return add(*(pullback(f, adjoint, variable) for f in factors))

    return rule


def power_jacobian(lost: int, keeps_number: bool = True) -> Callable[[Rule], Rule]:
    def rule(expression: MatrixExpr, variable: Quantity) -> MatrixExpr:
        number = expression.exp if keeps_number else 1
        inner = multiply(number, power(expression.base, expression.exp - lost))
        return multiply(Diag(inner), jacobian(expression.base, variable))

    return lambda _: rule


def power_pullback(lost: int, keeps_number: bool = True) -> Callable[[Rule], Rule]:
    def rule(expression: MatrixExpr, adjoint: MatrixExpr, variable: MatrixExpr) -> MatrixExpr:
        number = expression.exp if keeps_number else 1
        inner = multiply(number, power(expression.base, expression.exp - lost))
        return pullback(expression.base, hadamard(inner, adjoint), variable)

    return lambda _: rule


def softmax_own(kind: str) -> Callable[[Softmax], MatrixExpr]:
    def own(s: Softmax) -> MatrixExpr:
        outer = multiply(s, transpose(s))
        forms = {
            "outer product dropped": Diag(s),
            "diagonal dropped": negate(outer),
            "plus for minus": add(Diag(s), outer),
            "outer product of ones": add(
                Diag(s), negate(multiply(s, transpose(OneMatrix(s.shape[0], 1))))
            ),
        }
        return forms[kind]

    return own


SOFTMAX_MISTAKES = (
    "outer product dropped",
    "diagonal dropped",
    "plus for minus",
    "outer product of ones",
)


def softmax_jacobian(kind: str) -> Callable[[Rule], Rule]:
    own = softmax_own(kind)
    return lambda _: lambda s, v: multiply(own(s), jacobian(s.argument, v))


def softmax_pullback(kind: str) -> Callable[[Rule], Rule]:
    own = softmax_own(kind)
    return lambda _: lambda s, g, v: pullback(s.argument, multiply(own(s), g), v)


def norm_jacobian_untransposed(_: Rule) -> Rule:
    return lambda u, v: multiply(2, u.argument, jacobian(u.argument, v))


def norm_pullback_transposed(_: Rule) -> Rule:
    return lambda u, g, v: pullback(u.argument, multiply(2, g, transpose(u.argument)), v)


def transpose_pullback_kept(_: Rule) -> Rule:
    """C = Aᵀ: Ā = C̄, without the transpose."""
    return lambda u, g, v: pullback(u.arg, g, v)


def reversed_stack(expression: MatrixExpr) -> MatrixExpr:
    return stack(*reversed(expression.entries)) if isinstance(expression, Blocks) else expression


def pieces_swapped(_: Rule) -> Rule:
    """c = [a; b]: ā is the lower part of c̄."""

    def rule(expression: Blocks, adjoint: MatrixExpr, variable: MatrixExpr) -> MatrixExpr:
        places = list(heights(expression))
        parts = [rows_of(adjoint, *place) for place in reversed(places)]
        pieces = zip(expression.entries, parts, strict=True)
        return add(*(pullback(piece, part, variable) for piece, part in pieces))

    return rule


def entry_jacobian_of_ones(_: Rule) -> Rule:
    def rule(expression: Entry, variable: Quantity) -> MatrixExpr:
        ones = OneMatrix(expression.vector.shape[0], 1)
        return multiply(transpose(ones), jacobian(expression.vector, variable))

    return rule


def entry_pullback_of_ones(_: Rule) -> Rule:
    def rule(expression: Entry, adjoint: MatrixExpr, variable: MatrixExpr) -> MatrixExpr:
        ones = OneMatrix(expression.vector.shape[0], 1)
        return pullback(expression.vector, multiply(ones, adjoint), variable)

    return rule


def maximum_jacobian_of_smaller(right: Rule) -> Rule:
    def rule(expression: Maximum, variable: Quantity) -> MatrixExpr:
        second, first = choice(expression)
        return add(
            multiply(Diag(first), jacobian(expression.first, variable)),
            multiply(Diag(second), jacobian(expression.second, variable)),
        )

    return rule


def maximum_pullback_of_smaller(_: Rule) -> Rule:
    def rule(expression: Maximum, adjoint: MatrixExpr, variable: MatrixExpr) -> MatrixExpr:
        second, first = choice(expression)
        return add(
            pullback(expression.first, hadamard(first, adjoint), variable),
            pullback(expression.second, hadamard(second, adjoint), variable),
        )

    return rule


def generic(rule: str, model: str) -> list[Mutation]:
    return [Mutation(rule, name, spoiled(change), model) for name, change in EVERYWHERE.items()]


JACOBIANS = [
    *generic("jacobian_of_sum", TWO_WAYS),
    Mutation("jacobian_of_sum", "last term dropped", spoiled(without_last_term), TWO_WAYS),
    Mutation("jacobian_of_sum", "first term dropped", spoiled(without_first_term), TWO_WAYS),
    Mutation("jacobian_of_sum", "one sign flipped", spoiled(with_last_sign_flipped), TWO_WAYS),
    *generic("jacobian_of_product", DIFFERENCE),
    Mutation("jacobian_of_product", "number dropped", spoiled(without_number), DIFFERENCE),
    Mutation("jacobian_of_product", "transposed", spoiled(transpose), DIFFERENCE),
    Mutation("jacobian_of_product", "factors swapped", spoiled(reversed_factors), TANGLED),
    Mutation(
        "jacobian_of_product", "factors swapped by shape", spoiled(reversed_factors), BILINEAR
    ),
    Mutation("jacobian_of_product", "transpose dropped", product_jacobian_untransposed, BILINEAR),
    Mutation(
        "jacobian_of_product", "matrix transposed", spoiled(with_first_factor_transposed), TANGLED
    ),
    Mutation(
        "jacobian_of_product",
        "diagonal's matrix transposed",
        spoiled(with_last_factor_transposed),
        GATED,
    ),
    Mutation("jacobian_of_product", "diagonal's factors swapped", spoiled(reversed_factors), GATED),
    *generic("jacobian_of_elementwise", RECURRENT),
    Mutation(
        "jacobian_of_elementwise",
        "slope of order 0",
        elementwise_jacobian(of_order(0)),
        UNSPECIFIED,
    ),
    Mutation(
        "jacobian_of_elementwise",
        "slope of order 2",
        elementwise_jacobian(of_order(2)),
        UNSPECIFIED,
    ),
    Mutation(
        "jacobian_of_elementwise",
        "slope of order 0 of a sigmoid",
        elementwise_jacobian(of_order(0)),
        SIGMOID,
    ),
    Mutation(
        "jacobian_of_elementwise",
        "slope dropped",
        lambda _: lambda u, v: jacobian(u.argument, v),
        TANGLED,
    ),
    Mutation(
        "jacobian_of_elementwise",
        "diagonal on the right",
        diagonal_on_the_right,
        "h_t = \\sigma(x_t x_t^\\top h_{t-1})\nE_t depends on h_t",
    ),
    *generic("jacobian_of_hadamard_product", PRODUCT),
    Mutation("jacobian_of_hadamard_product", "second term dropped", one_factor_only, PRODUCT),
    Mutation(
        "jacobian_of_hadamard_product", "one sign flipped", spoiled(with_last_sign_flipped), PRODUCT
    ),
    *generic("jacobian_of_hadamard_power", CUBE),
    Mutation("jacobian_of_hadamard_power", "exponent kept", power_jacobian(0), CUBE),
    Mutation("jacobian_of_hadamard_power", "exponent less two", power_jacobian(2), CUBE),
    Mutation(
        "jacobian_of_hadamard_power", "number dropped", power_jacobian(1, keeps_number=False), CUBE
    ),
    *generic("jacobian_of_softmax", SOFTMAX),
    *(
        Mutation("jacobian_of_softmax", kind, softmax_jacobian(kind), SOFTMAX)
        for kind in SOFTMAX_MISTAKES
    ),
    *generic("jacobian_of_transpose", BILINEAR),
    *generic("jacobian_of_scaled", SCALED),
    Mutation("jacobian_of_scaled", "scalar held fixed", spoiled(without_last_term), SCALED),
    Mutation("jacobian_of_scaled", "body held fixed", spoiled(without_first_term), SCALED),
    *generic("jacobian_of_blocks", STACKED),
    Mutation("jacobian_of_blocks", "pieces swapped", spoiled(reversed_stack), STACKED),
    *generic("jacobian_of_entry", LABELLED),
    Mutation("jacobian_of_entry", "sum of all entries", entry_jacobian_of_ones, LABELLED),
    *generic("jacobian_of_maximum", LARGER),
    Mutation("jacobian_of_maximum", "smaller one", maximum_jacobian_of_smaller, LARGER),
    Mutation("jacobian_of_maximum", "first one only", spoiled(without_last_term), LARGER),
    *generic("jacobian_of_squared_norm", DISTANCE),
    Mutation("jacobian_of_squared_norm", "two dropped", spoiled(halved), DISTANCE),
    Mutation("jacobian_of_squared_norm", "transpose dropped", norm_jacobian_untransposed, DISTANCE),
]

PULLBACKS = [
    *generic("pullback_of_sum", SUMMED_LOSS),
    Mutation("pullback_of_sum", "last term dropped", spoiled(without_last_term), TWO_WAYS),
    Mutation("pullback_of_sum", "first term dropped", spoiled(without_first_term), TWO_WAYS),
    Mutation("pullback_of_sum", "one sign flipped", spoiled(with_last_sign_flipped), TWO_WAYS),
    *generic("pullback_of_product", RECURRENT),
    Mutation("pullback_of_product", "number dropped", spoiled(without_number), DIFFERENCE),
    Mutation("pullback_of_product", "factors swapped", spoiled(reversed_factors), RECURRENT),
    Mutation(
        "pullback_of_product", "left transpose dropped", product_pullback(False, True), TANGLED
    ),
    Mutation(
        "pullback_of_product", "right transpose dropped", product_pullback(True, False), TANGLED
    ),
    Mutation(
        "pullback_of_product", "both transposes dropped", product_pullback(False, False), TANGLED
    ),
    Mutation(
        "pullback_of_product",
        "gradient transposed by shape",
        spoiled(transpose),
        "h_t = U x_t + h_{t-1} ⊙ b\nE_t depends on h_t",
    ),
    Mutation(
        "pullback_of_product",
        "square gradient transposed",
        spoiled(transpose),
        "h_t = W h_{t-1}\nE_t depends on h_t",
    ),
    *generic("pullback_of_transpose", SUMMED_LOSS),
    Mutation("pullback_of_transpose", "transpose dropped", transpose_pullback_kept, SUMMED_LOSS),
    *generic("pullback_of_elementwise", UNSPECIFIED),
    Mutation(
        "pullback_of_elementwise",
        "slope of order 0",
        elementwise_pullback(of_order(0)),
        UNSPECIFIED,
    ),
    Mutation(
        "pullback_of_elementwise",
        "slope of order 2",
        elementwise_pullback(of_order(2)),
        UNSPECIFIED,
    ),
    Mutation(
        "pullback_of_elementwise",
        "slope of order 0 of a sigmoid",
        elementwise_pullback(of_order(0)),
        SIGMOID,
    ),
    Mutation(
        "pullback_of_elementwise",
        "slope dropped",
        lambda _: lambda u, g, v: pullback(u.argument, g, v),
        UNSPECIFIED,
    ),
    *generic("pullback_of_hadamard_product", PRODUCT),
    Mutation("pullback_of_hadamard_product", "the factor itself", own_factor, PRODUCT),
    Mutation("pullback_of_hadamard_product", "other factors dropped", others_dropped, PRODUCT),
    Mutation("pullback_of_hadamard_product", "term dropped", spoiled(without_last_term), PRODUCT),
    *generic("pullback_of_hadamard_power", CUBE),
    Mutation("pullback_of_hadamard_power", "exponent kept", power_pullback(0), CUBE),
    Mutation("pullback_of_hadamard_power", "exponent less two", power_pullback(2), CUBE),
    Mutation(
        "pullback_of_hadamard_power", "number dropped", power_pullback(1, keeps_number=False), CUBE
    ),
    *generic("pullback_of_softmax", SOFTMAX),
    *(
        Mutation("pullback_of_softmax", kind, softmax_pullback(kind), SOFTMAX)
        for kind in SOFTMAX_MISTAKES
    ),
    *generic("pullback_of_scaled", SCALED),
    Mutation("pullback_of_scaled", "scalar held fixed", spoiled(without_first_term), SCALED),
    Mutation("pullback_of_scaled", "body held fixed", spoiled(without_last_term), SCALED),
    *generic("pullback_of_blocks", STACKED),
    Mutation("pullback_of_blocks", "pieces swapped", pieces_swapped, STACKED),
    *generic("pullback_of_entry", PICKED),
    Mutation("pullback_of_entry", "every entry", entry_pullback_of_ones, PICKED),
    *generic("pullback_of_maximum", LARGER),
    Mutation("pullback_of_maximum", "smaller one", maximum_pullback_of_smaller, LARGER),
    *generic("pullback_of_squared_norm", DISTANCE),
    Mutation("pullback_of_squared_norm", "two dropped", spoiled(halved), DISTANCE),
    Mutation("pullback_of_squared_norm", "transposed", norm_pullback_transposed, DISTANCE),
]


@pytest.mark.parametrize(
    "text",
    [
        *dict.fromkeys(m.model for m in (*JACOBIANS, *PULLBACKS)),
    ],
)
def test_right_rules_are_proven(text: str) -> None:
    derivation = proven(text)
    assert derivation.proven == sum(e.kind == "claim" for e in derivation.equations)
    assert sum(e.evidence is not None for e in derivation.equations) > 5


@pytest.mark.parametrize(
    "equations",
    [
        "h_t = W^\\top h_{t-1} + x_t",
        "h_t = (W - W^\\top) h_{t-1} + x_t",
        "h_t = h_{t-1} + tanh(W h_{t-1} + x_t)",
        "h_t = x_t - 2 h_{t-1}",
        "h_t = tanh(W h_{t-1}) ⊘ x_t",
        "s_t = tanh(W h_{t-1} + a)\nh_t = V s_t",
        "h_t = tanh(W h_{t-1} + x_t)\nz_t = softmax(V a_t)\na_t = tanh(U h_t)",
    ],
)
def test_model_is_derived_and_proven(equations: str) -> None:
    derivation = proven(f"{equations}\nE_t depends on h_t")
    assert all(equation.evidence is not None for equation in derivation.equations)
    assert derivation.proven > 3


@pytest.mark.parametrize(
    "text",
    [
        "h_t = W h_{t-1}\nE_t = \\|h_t\\|^2 + \\|h_t - h_{t-1}\\|^2",
        "h_t = tanh(W h_{t-1} + x_t)\ny_t = V h_t\nE_t depends on y_t\nE_t depends on h_t",
        "h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ x_t\nz_t = sigmoid(W h_{t-1})\nE_t depends on h_t",
        "h_t = W h_{t-1} + \\sum_{k=1}^{3} U x_t\nE_t depends on h_t",
        "h_t = W h_{t-1} + \\sum_{k=1}^{3} x_t\nE_t depends on h_t",
    ],
)
def test_model_beyond_the_rules_is_refused_before_the_proof(text: str) -> None:
    """A false equation is never written down: the judge is the second lock, not the first."""
    try:
        derivation = derive(Model.read(text))
    except (UnsupportedError, NotationError):
        return
    assert prove(derivation).proven > 5


@pytest.mark.parametrize("mutation", JACOBIANS, ids=str)
def test_wrong_jacobian_is_rejected(mutation: Mutation) -> None:
    calls = Calls()
    with registered(calculus.jacobian_rule, mutation, calls):
        assert_rejected(mutation.model, calls)


@pytest.mark.parametrize("mutation", PULLBACKS, ids=str)
def test_wrong_pullback_is_rejected(mutation: Mutation) -> None:
    calls = Calls()
    with registered(calculus.pullback_rule, mutation, calls):
        assert_rejected(mutation.model, calls)


def rules_of(dispatcher: Any) -> set[str]:
    return {rule.__name__ for kind, rule in dispatcher.registry.items() if kind is not object}


def test_every_jacobian_has_a_mutation() -> None:
    assert rules_of(calculus.jacobian_rule) == {m.rule for m in JACOBIANS}


def test_every_pullback_has_a_mutation() -> None:
    assert rules_of(calculus.pullback_rule) == {m.rule for m in PULLBACKS}


# Slopes: what the two rules of elementwise functions ask

SLOPES = [
    ("slope", "order of the function", lambda f: of_order(0), UNSPECIFIED),
    ("slope", "order too high", lambda f: of_order(2), UNSPECIFIED),
    ("slope", "sign flipped", spoiled(negate), SIGMOID),
    ("slope_in_terms_of_output", "sign flipped", spoiled(negate), RECURRENT),
    ("slope_in_terms_of_output", "term dropped", spoiled(without_last_term), RECURRENT),
    (
        "slope_in_terms_of_output",
        "slope of a sigmoid",
        lambda right: (
            lambda function, output: hadamard(output, add(OneMatrix(*output.shape), negate(output)))
        ),
        RECURRENT,
    ),
]


#: The files of the rules; in the package, their names are those of functions.
CALCULUS = ("derivations.calculus.jacobian", "derivations.calculus.pullback")


@pytest.mark.parametrize(("function", "name", "wrong", "model"), SLOPES)
def test_wrong_slope_is_rejected(
    function: str,
    name: str,
    wrong: Callable[[Rule], Rule],
    model: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = Calls()
    right = getattr(calculus, function)
    for module in (*map(import_module, CALCULUS), *ROOMS):
        if hasattr(module, function):
            monkeypatch.setattr(module, function, counted(right, wrong(right), calls))
    assert_rejected(model, calls)


def test_mutations_leave_nothing_behind() -> None:
    """After all that, the rules are the right ones again."""
    assert rules_of(calculus.jacobian_rule) >= {m.rule for m in JACOBIANS}
    assert proven(RECURRENT).proven > 10


def test_missing_rule_names_the_node_and_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    right = calculus.jacobian_rule.registry[Softmax]
    calculus.jacobian_rule.register(Softmax, calculus.jacobian_rule.registry[object])
    try:
        with pytest.raises(BpttError, match=r"Softmax has no Jacobian yet\.\nderivations/calculus"):
            derive(Model.read(SOFTMAX))
    finally:
        calculus.jacobian_rule.register(Softmax, right)
