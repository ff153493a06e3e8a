"""Every rule, seeded with a mistake by hand, is caught by the judge.

Transposes are dropped, signs flipped, indices shifted. A rule without such a mutation fails the
completeness test of its part, so that a rule that is added later brings its own.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sympy import Basic, Expr, Integer, MatrixExpr

from derivations import adjoints, bptt, calculus, graph, jacobians, path_sum, simplify, writing
from derivations.algebra import (
    add,
    depends_on,
    hadamard,
    multiply,
    negate,
    power,
    rebuild,
    split_coefficient,
    transpose,
)
from derivations.bptt import derive
from derivations.calculus import jacobian, pullback, slope
from derivations.derivation import Derivation
from derivations.errors import (
    BpttError,
    NotationError,
    ProofError,
    ShapeError,
    StepError,
    UnsupportedError,
)
from derivations.expressions import (
    Diag,
    Elementwise,
    HadamardProduct,
    MatAdd,
    MatMul,
    OneMatrix,
    Partial,
    Quantity,
    Softmax,
    TimeProduct,
    TimeSum,
    Transpose,
    t,
)
from derivations.library import cell_names, cell_text
from derivations.model import Model
from derivations.proof import judge
from derivations.proving import prove

Rule = Callable[..., Any]
Change = Callable[[Basic], Basic]

# The models: each uses the rules that are broken in it, and little else.

RECURRENT = """
h_t = \\sigma(W h_{t-1} + x_t)
y_t = V h_t
E_t depends on y_t
\\sigma is tanh
"""
TWO_WAYS = "h_t = W h_{t-1} + u ⊙ h_{t-1} + x_t\nE_t depends on h_t"
DIFFERENCE = "h_t = W h_{t-1} - U h_{t-1} + x_t\nE_t depends on h_t"
SUMMED_LOSS = "h_t = W h_{t-1} + x_t\nE_t = y_t^\\top h_t + h_t^\\top h_t"
TANGLED = "h_t = W \\sigma(h_{t-1})\nE_t depends on h_t"
GATED = "h_t = diag(W h_{t-1}) x_t\nE_t depends on h_t"
BILINEAR = "h_t = W h_{t-1}\nE_t = h_t^\\top A y_t"
UNSPECIFIED = "h_t = \\sigma(W h_{t-1} + x_t)\nE_t = y_t^\\top h_t"
SIGMOID = "h_t = sigmoid(W h_{t-1} + x_t)\nE_t = y_t^\\top h_t"
PRODUCT = "h_t = (W h_{t-1}) ⊙ (U h_{t-1}) ⊙ x_t\nE_t depends on h_t"
CUBE = "h_t = W h_{t-1}^3 + x_t\nE_t depends on h_t"
SOFTMAX = "h_t = W h_{t-1} + x_t\ny_t = softmax(V h_t)\nE_t depends on y_t"
DISTANCE = "h_t = W h_{t-1} + x_t\nE_t = \\frac12 \\|y_t - h_t\\|^2"
DEEP = "a_t = U h_{t-1}\nc_t = W a_t\nh_t = V c_t\nE_t depends on h_t"
SKIPPED = "h_t = W h_{t-1} + x_t\ny_t = V h_t\nE_t = y_t^\\top h_t"
LIBRARY = {name: cell_text(name) for name in cell_names()}
REGRESSION, CLASSIFIER = LIBRARY["rnn-regression"], LIBRARY["rnn"]


@pytest.fixture(autouse=True)
def one_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """One random point shows a mistake as well as two; and no bound is asked for here."""
    monkeypatch.setattr(judge, "POINTS", 1)
    monkeypatch.setattr(judge.Judge, "_bound", lambda *_: -100.0)


def proven(text: str) -> Derivation:
    return prove(derive(Model.read(text)))


@dataclass
class Calls:
    """How often a wrong rule answered, and how often otherwise than the right one."""

    answered: int = 0
    differed: int = 0


@dataclass(frozen=True)
class Mutation:
    """A wrong version of a rule, and a model in which the rule is used."""

    rule: str
    name: str
    wrong: Callable[[Rule], Rule]
    model: str

    def __str__(self) -> str:
        return f"{self.rule}, {self.name}".replace(" ", "-")


def counted(right: Rule, wrong: Rule, calls: Calls) -> Rule:
    """Return the wrong rule, which counts its calls."""

    def rule(*arguments: Any) -> Any:
        calls.answered += 1
        calls.differed += 1  # unless it turns out that it answers as the right one
        answer = wrong(*arguments)
        calls.differed -= answer == right(*arguments)
        return answer

    return rule


def assert_rejected(text: str, calls: Calls) -> None:
    """Derive and prove with a mistake in place: the judge refuses, or the shapes do."""
    with pytest.raises((ProofError, ShapeError, StepError)) as caught:
        proven(text)
    assert calls.differed, "the mutation changed nothing: it tests nothing"
    if isinstance(caught.value, ProofError):
        assert "The judge rejects this equation" in str(caught.value)


# Wrong versions that fit every rule: they spoil the answer.


def spoiled(change: Callable[[MatrixExpr], MatrixExpr]) -> Callable[[Rule], Rule]:
    return lambda rule: lambda *arguments: change(rule(*arguments))


def reversed_factors(expression: MatrixExpr) -> MatrixExpr:
    number, rest = split_coefficient(expression)
    return multiply(number, *reversed(rest.args)) if isinstance(rest, MatMul) else expression


def without_number(expression: MatrixExpr) -> MatrixExpr:
    return split_coefficient(expression)[1]


def without_last_term(expression: MatrixExpr) -> MatrixExpr:
    return add(*expression.args[:-1]) if isinstance(expression, MatAdd) else expression


def without_first_term(expression: MatrixExpr) -> MatrixExpr:
    return add(*expression.args[1:]) if isinstance(expression, MatAdd) else expression


def with_last_sign_flipped(expression: MatrixExpr) -> MatrixExpr:
    if not isinstance(expression, MatAdd):
        return expression
    return add(*expression.args[:-1], negate(expression.args[-1]))


def with_first_factor_transposed(expression: MatrixExpr) -> MatrixExpr:
    if not isinstance(expression, MatMul):
        return expression
    return multiply(transpose(expression.args[0]), *expression.args[1:])


def with_last_factor_transposed(expression: MatrixExpr) -> MatrixExpr:
    if not isinstance(expression, MatMul):
        return expression
    return multiply(*expression.args[:-1], transpose(expression.args[-1]))


def halved(expression: MatrixExpr) -> MatrixExpr:
    return multiply(Integer(1) / 2, expression)


def doubled(expression: MatrixExpr) -> MatrixExpr:
    return multiply(2, expression)


EVERYWHERE = {"sign flipped": negate, "factor two": doubled}

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
    *generic("pullback_of_squared_norm", DISTANCE),
    Mutation("pullback_of_squared_norm", "two dropped", spoiled(halved), DISTANCE),
    Mutation("pullback_of_squared_norm", "transposed", norm_pullback_transposed, DISTANCE),
]

# Steps of a simplification: wrong where the right one changes something.


def where_it_acts(change: Callable[[MatrixExpr], MatrixExpr]) -> Callable[[Rule], Rule]:
    def wrong(step: Rule) -> Rule:
        def rule(expression: Basic) -> Basic:
            answer = step(expression)
            return answer if answer == expression else change(answer)

        return rule

    return wrong


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
            }.items(),
            EVERYWHERE.items(),
        )
    ),
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


@contextmanager
def registered(dispatcher: Any, mutation: Mutation, calls: Calls) -> Iterator[None]:
    """Put a wrong rule into a registry, and the right one back."""
    kind, right = next(
        (kind, rule) for kind, rule in dispatcher.registry.items() if rule.__name__ == mutation.rule
    )
    dispatcher.register(kind, counted(right, mutation.wrong(right), calls))
    try:
        yield
    finally:
        dispatcher.register(kind, right)


@pytest.mark.parametrize(
    "text",
    [
        *LIBRARY.values(),
        *dict.fromkeys(
            m.model for m in (*JACOBIANS, *PULLBACKS, *STEPS) if m.model not in LIBRARY.values()
        ),
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


def rules_of(dispatcher: Any) -> set[str]:
    return {rule.__name__ for kind, rule in dispatcher.registry.items() if kind is not object}


def test_every_jacobian_has_a_mutation() -> None:
    assert rules_of(calculus.jacobian_rule) == {m.rule for m in JACOBIANS}


def test_every_pullback_has_a_mutation() -> None:
    assert rules_of(calculus.pullback_rule) == {m.rule for m in PULLBACKS}


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


# Slopes: what the two rules of elementwise functions ask

SLOPES = [
    ("slope", "order of the function", lambda f: of_order(0), "UNSPECIFIED"),
    ("slope", "order too high", lambda f: of_order(2), "UNSPECIFIED"),
    ("slope", "sign flipped", spoiled(negate), "SIGMOID"),
    ("slope_in_terms_of_output", "sign flipped", spoiled(negate), "RECURRENT"),
    ("slope_in_terms_of_output", "term dropped", spoiled(without_last_term), "RECURRENT"),
    (
        "slope_in_terms_of_output",
        "slope of a sigmoid",
        lambda right: (
            lambda function, output: hadamard(output, add(OneMatrix(*output.shape), negate(output)))
        ),
        "RECURRENT",
    ),
]


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
    for module in (calculus, *ROOMS):
        if hasattr(module, function):
            monkeypatch.setattr(module, function, counted(right, wrong(right), calls))
    assert_rejected(globals()[model], calls)


# Sections: what bptt.py puts together, with an index shifted in what it says

K = writing.k
#: Every room of the derivation, where a rule may be known by its name.
ROOMS = (bptt, jacobians, path_sum, adjoints)


def rewritten(expression: Basic, change: Change) -> Basic:
    """Apply a change to every node, the innermost first."""
    arguments = [rewritten(argument, change) for argument in expression.args]
    if any(new is not old for new, old in zip(arguments, expression.args, strict=True)):
        expression = rebuild(expression, arguments)
    return change(expression)


def moved(name: str, by: int) -> Change:
    """Shift a quantity wherever it stands: x_t for x_{t−1}."""

    def change(node: Basic) -> Basic:
        return node.at(node.time + by) if isinstance(node, Quantity) and node.name == name else node

    return change


def bounded(kind: type, lower: int, upper: int, index: Expr | None = None) -> Change:
    """Move the ends of a range: a product from k instead of k + 1, a sum up to t − 1."""

    def change(node: Basic) -> Basic:
        if isinstance(node, kind) and index in (None, node.index):
            return kind(node.body, node.index, node.lower + lower, node.upper + upper)
        return node

    return change


def by_parameter(node: Basic) -> Basic:
    """∂⁺u/∂W for ∂u/∂W, and the other way round."""
    if isinstance(node, Partial) and not isinstance(node.by, Quantity):
        return Partial(node.of, node.by, not node.immediate)
    return node


def reversed_product(node: Basic) -> Basic:
    return reversed_factors(node) if isinstance(node, MatMul) else node


def flipped(node: Basic) -> Basic:
    return node


@dataclass(frozen=True)
class WrongEquation:
    """A side of an equation, or its range, as a careless author would have it.

    Attributes
    ----------
    label : str
        The equation, up to the colon of its label.
    side : int
        Which of its sides is wrong.
    """

    label: str
    name: str
    side: int
    change: Change
    conditions: str | None = None
    whole: Callable[[MatrixExpr], MatrixExpr] | None = None

    def __str__(self) -> str:
        return f"{self.label}, {self.name}".replace(" ", "-")


EQUATIONS = [
    WrongEquation("forward", "state of this step", 1, moved("h", 1)),
    WrongEquation("forward", "input of the step before", 1, moved("x", -1)),
    WrongEquation("forward", "from step 0", 1, flipped, "0 \\le t \\le T"),
    WrongEquation("total", "sum from 2", 1, bounded(TimeSum, 1, 0)),
    WrongEquation("total", "sum up to T-1", 1, bounded(TimeSum, 0, -1)),
    WrongEquation("total", "loss of the step before", 1, moved("E", -1)),
    WrongEquation("sum", "sum from 2", 1, bounded(TimeSum, 1, 0)),
    WrongEquation("sum", "sum up to T-1", 1, bounded(TimeSum, 0, -1)),
    WrongEquation("sum", "immediate", 1, by_parameter),
    WrongEquation("slope", "at the step before", 1, moved("h", -1)),
    WrongEquation("slope", "sign", 1, flipped, whole=negate),
    WrongEquation("local", "at the step before", 1, moved("a", -1)),
    WrongEquation("local", "sign", 1, flipped, whole=negate),
    WrongEquation("readout", "derivative at the step before", 1, moved("h", -1)),
    WrongEquation("readout", "loss of the step before", 1, moved("E", -1)),
    WrongEquation("step", "factors swapped", 2, reversed_product),
    WrongEquation("step", "slope at the step before", 2, moved("a", -1)),
    WrongEquation("step", "slope at the step after", 2, moved("a", 1)),
    WrongEquation("product", "from k", 1, bounded(TimeProduct, -1, 0)),
    WrongEquation("product", "from k+2", 1, bounded(TimeProduct, 1, 0)),
    WrongEquation("product", "up to t-1", 1, bounded(TimeProduct, 0, -1)),
    WrongEquation("product", "up to t+1", 1, bounded(TimeProduct, 0, 1)),
    WrongEquation("product", "written form from k", 2, bounded(TimeProduct, -1, 0)),
    WrongEquation("product", "written form up to t-1", 2, bounded(TimeProduct, 0, -1)),
    WrongEquation("product", "slope at the step before", 2, moved("a", -1)),
    WrongEquation("product", "k beyond t", 1, flipped, "1 \\le t \\le k \\le T"),
    WrongEquation("immediate", "state of step k", 1, moved("h", 1)),
    WrongEquation("immediate", "slope at the step before", 1, moved("a", -1)),
    WrongEquation("immediate", "not immediate", 0, by_parameter),
    WrongEquation("paths", "from 2", 1, bounded(TimeSum, 1, 0)),
    WrongEquation("paths", "up to t-1", 1, bounded(TimeSum, 0, -1)),
    WrongEquation("paths", "not immediate", 1, by_parameter),
    WrongEquation("exchange", "path from k", 1, bounded(TimeProduct, -1, 0)),
    WrongEquation("exchange", "k up to t-1", 1, bounded(TimeSum, 0, -1, K)),
    WrongEquation("exchange", "t up to T-1", 1, bounded(TimeSum, 0, -1, t)),
    WrongEquation("exchange", "t from k+1", 2, bounded(TimeSum, 1, 0, t)),
    WrongEquation("exchange", "k from 2", 3, bounded(TimeSum, 1, 0, K)),
    WrongEquation("exchange", "not immediate", 3, by_parameter),
    WrongEquation("definition", "at the step before", 1, moved("a", -1)),
    WrongEquation(
        "definition:a",
        "of one loss only",
        1,
        lambda node: (
            Quantity("E", 1, 1, t) if isinstance(node, Quantity) and node.name == "E" else node
        ),
    ),
    WrongEquation("definition", "sign", 1, flipped, whole=negate),
    WrongEquation("adjoint", "same step", 1, moved("\\delta^a", -1)),
    WrongEquation("adjoint", "slope at the step before", 1, moved("a", -1)),
    WrongEquation("boundary", "at step T", 0, moved("\\delta^a", -1)),
    WrongEquation("gradient", "state of the same step", 1, moved("h", 1)),
    WrongEquation("gradient", "adjoint of the step after", 1, moved("\\delta^a", 1)),
    WrongEquation("gradient", "sum from 2", 1, bounded(TimeSum, 1, 0)),
    WrongEquation("gradient", "sum up to T-1", 1, bounded(TimeSum, 0, -1)),
    WrongEquation("gradient", "factors swapped", 1, reversed_product),
    WrongEquation("gradient", "sign", 1, flipped, whole=negate),
    WrongEquation("input", "adjoint of the step after", 1, moved("\\delta^a", 1)),
    WrongEquation("initial", "adjoint of step 0", 1, moved("\\delta^a", -1)),
    WrongEquation("initial", "adjoint of step 2", 1, moved("\\delta^a", 1)),
]


@pytest.mark.parametrize("wrong", EQUATIONS, ids=str)
def test_wrong_index_is_rejected(wrong: WrongEquation, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first equation of its kind that the mistake changes is spoiled; the rest stays right."""
    calls = Calls()
    right = writing.write

    def spoiled_equation(label: str, sides: Sequence[MatrixExpr], *rest: Any, **more: Any) -> Any:
        equation = right(label, sides, *rest, **more)
        if (
            wrong.label not in (label, label.split(":")[0])
            or wrong.side >= len(equation.sides)
            or calls.differed
        ):
            return equation
        side = rewritten(equation.sides[wrong.side], wrong.change)
        side = wrong.whole(side) if wrong.whole else side
        changed = [*equation.sides[: wrong.side], side, *equation.sides[wrong.side + 1 :]]
        conditions = equation.conditions if wrong.conditions is None else wrong.conditions
        if tuple(changed) == equation.sides and conditions == equation.conditions:
            return equation
        calls.differed += 1
        return replace(equation, sides=tuple(changed), conditions=conditions)

    for module in ROOMS:
        monkeypatch.setattr(module, "write", spoiled_equation)
    assert_rejected(RECURRENT, calls)


def test_every_kind_of_equation_has_a_mutation() -> None:
    kinds = {
        equation.label.split(":")[0]
        for text in (*LIBRARY.values(), RECURRENT)
        for equation in derive(Model.read(text)).equations
    }
    assert kinds == {wrong.label.split(":")[0] for wrong in EQUATIONS}


# The graph: who needs whom, one step off


def later_by_one(right: Rule) -> Rule:
    return lambda expression, steps: right(expression, steps + 1 if steps else 0)


def never_later(right: Rule) -> Rule:
    return lambda expression, steps: expression


def last_use_forgotten(right: Rule) -> Rule:
    return lambda *arguments: right(*arguments)[:-1] or right(*arguments)


GRAPH = [
    Mutation("shifted", "one step too far", later_by_one, RECURRENT),
    Mutation("shifted", "not at all", never_later, RECURRENT),
    Mutation("along", "first Jacobian first", lambda right: lambda *a: right(*a)[::-1], DEEP),
    Mutation("contributions", "a use forgotten", last_use_forgotten, SKIPPED),
    Mutation(
        "paths",
        "a path forgotten",
        last_use_forgotten,
        "a_t = U h_{t-1}\nc_t = W a_t\nd_t = V a_t\nh_t = c_t ⊙ d_t\nE_t depends on h_t",
    ),
    Mutation("unit", "two", spoiled(doubled), SUMMED_LOSS),
    Mutation(
        "with_outputs",
        "the output of another step",
        lambda right: lambda m, e: rewritten(right(m, e), moved("\\hat{y}", -1)),
        CLASSIFIER,
    ),
]


@pytest.mark.parametrize("mutation", GRAPH, ids=str)
def test_wrong_graph_is_rejected(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls()
    right = getattr(graph, mutation.rule)
    for module in (graph, *ROOMS):
        if hasattr(module, mutation.rule):
            monkeypatch.setattr(module, mutation.rule, counted(right, mutation.wrong(right), calls))
    assert_rejected(mutation.model, calls)


def test_wrong_chain_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """∂E_t/∂h_t and the product, out of step: the rule `at_step` answers for another step."""
    calls = Calls()
    right = writing.at_step
    wrong = counted(right, lambda e, time: right(e, time + 1 if time == writing.j else time), calls)
    for module in (jacobians, path_sum):
        monkeypatch.setattr(module, "at_step", wrong)
    assert_rejected(RECURRENT, calls)


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
