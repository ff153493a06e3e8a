"""Wrong versions of rules, and models in which the rules are used.

Every rule, seeded with a mistake by hand, is caught by the judge. Transposes are dropped, signs
flipped, indices shifted. A rule without such a mutation fails the completeness test of its part,
so that a rule that is added later brings its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sympy import Basic, Integer, MatrixExpr

from derivations import adjoints, bptt, chains, jacobians, path_sum, states
from derivations.algebra import add, multiply, negate, rebuild, split_coefficient, transpose
from derivations.bptt import derive
from derivations.derivation import Derivation
from derivations.errors import ProofError, ShapeError, StepError
from derivations.expressions import MatAdd, MatMul, Quantity
from derivations.library import cell_text
from derivations.model import Model
from derivations.proving import prove

Rule = Callable[..., Any]
Change = Callable[[Basic], Basic]
#: Every room of the derivation, where a rule may be known by its name.
ROOMS = (bptt, jacobians, states, chains, path_sum, adjoints)

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
SCALED = "h_t = (a^\\top h_{t-1}) (W h_{t-1}) + x_t\nE_t depends on h_t"
STACKED = "h_t = [W h_{t-1}; U h_{t-1}] ⊙ x_t\nE_t depends on h_t"
LARGER = "h_t = \\max(W h_{t-1}, U h_{t-1}) + x_t\nE_t depends on h_t"
LABELLED = """
h_t = W h_{t-1} + x_t
y_t = softmax(V h_t)
E_t = -\\log [y_t]_{c_t}
c_t is a label
"""
PICKED = "h_t = W h_{t-1} + x_t\nE_t = -[h_t]_{c_t}\nc_t is a label"
LOG_ODDS = """
h_t = W h_{t-1} + x_t
y_t = sigmoid(V h_t)
E_t = -u_t^\\top \\log y_t + u_t^\\top \\log(1 - y_t)
"""
SEVERAL_STATES, BINARY, LAST = (cell_text(name) for name in ("lstm", "rnn-binary", "rnn-last"))
REGRESSION, CLASSIFIER = cell_text("rnn-regression"), cell_text("rnn")


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


def where_it_acts(change: Callable[[MatrixExpr], MatrixExpr]) -> Callable[[Rule], Rule]:
    def wrong(step: Rule) -> Rule:
        def rule(expression: Basic) -> Basic:
            answer = step(expression)
            return answer if answer == expression else change(answer)

        return rule

    return wrong


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
