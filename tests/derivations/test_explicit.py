"""sympy.diff of unrolled networks agrees with the derivations, and wrong derivations are caught."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from math import prod
from pathlib import Path

import pytest
import sympy
from sympy import MatrixExpr, Symbol

from derivations import Derivation, Model, cell, cell_names, derive, explicit
from derivations.activations import ACTIVATIONS
from derivations.algebra import add, negate, quantities, rebuild, subexpressions
from derivations.algebra import replace as exchange
from derivations.errors import ModelError, ProofError, UnsupportedError
from derivations.explicit import agree_exactly, explicit_gradients, matrix_form_gradients, unrolled
from derivations.explicit.rational import Scalars
from derivations.expressions import Quantity, TimeProduct, TimeSum, Transpose, t
from derivations.notation.names import at_time
from derivations.recurrence import given_values

ALL_TWO = {"n": 2, "m": 2, "q": 2}
#: With more than one entry, or more than two steps, these take half a minute or more: every gate is
#: a quotient of polynomials in exponentials.
GATED = {
    *("gru", "gru-reset-after", "mgu", "rhn"),
    *("lstm", "lstm-coupled", "lstm-peephole", "stacked-lstm"),
}
SQUARES = "h_t = tanh(W h_{t-1} + U x_t)\nE_t = \\|h_t\\|^2\nx_t is the input"


def assert_agrees(model: Model, size: int, steps: int) -> None:
    numbers = dict.fromkeys((s.name for s in model.sizes), size)
    agreement = agree_exactly(derive(model), numbers, steps)
    assert agreement.disagreements == ()
    values = dict.fromkeys(model.sizes, size)

    def entries(quantity: MatrixExpr) -> int:
        return int(sympy.sympify(prod(quantity.shape)).subs(values))

    expected = {f"gradient:{p.name}": entries(p) for p in model.parameters}
    inputs = [data for data in model.data if data.name not in model.targets]
    expected |= {f"input:{data.name}": steps * entries(data) for data in inputs}
    for state in model.states:
        given = given_values(model, state)
        expected |= {f"initial:{at_time(g.name, g.time)}": entries(state) for g in given}
    assert agreement.entries == expected


#: Their scalars take SymPy more than some seconds.
LARGE = ("stacked-lstm", "rhn", "lstm-peephole")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if n in LARGE else n for n in cell_names()],
)
def test_every_cell_agrees_with_sympy_diff(name: str) -> None:
    assert_agrees(cell(name), size=1, steps=2)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(cell_names()) - GATED))
def test_cells_of_more_entries_agree_with_sympy_diff(name: str) -> None:
    assert_agrees(cell(name), size=2, steps=2)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_agrees_with_sympy_diff(activation: str) -> None:
    assert_agrees(cell("rnn-regression", activation), size=1, steps=3)


@pytest.mark.parametrize(
    "text",
    [
        "h_t = f(W h_{t-1} + U x_t)\nE_t = \\|h_t\\|^2\nx_t is the input",
        "h_t = f(W h_{t-1})\ny_t = V h_t\nE_t depends on y_t",
        "h_t = tanh(W h_{t-1})\nE_t depends on h_t",
    ],
)
def test_what_is_unspecified_stays_unspecified(text: str) -> None:
    derivation = derive(Model.read(text))
    assert agree_exactly(derivation).holds
    gradients = explicit_gradients(derivation.model, dict.fromkeys(_sizes(derivation), 2), 2)
    assert any(gradients["gradient:W"].atoms(sympy.Derivative))


def test_sizes_that_differ_and_more_steps() -> None:
    derivation = derive(cell("rnn-regression"))
    agreement = agree_exactly(derivation, {"n": 1, "m": 3, "q": 2}, steps=5)
    assert agreement.holds
    assert agreement.entries["input:x"] == 15


def test_default_size_is_two() -> None:
    assert agree_exactly(derive(Model.read(SQUARES)), steps=1).entries["gradient:W"] == 4


def _sizes(derivation: Derivation) -> list[str]:
    return [size.name for size in derivation.model.sizes]


# Wrong derivations


def _with_right(
    derivation: Derivation, label: str, wrong: Callable[[MatrixExpr], MatrixExpr]
) -> Derivation:
    sections = []
    for section in derivation.sections:
        equations = tuple(
            replace(e, sides=(*e.sides[:-1], wrong(e.right))) if e.label == label else e
            for e in section.equations
        )
        sections.append(replace(section, equations=equations))
    changed = replace(derivation, sections=tuple(sections))
    assert derivation.equation(label).sides != changed.equation(label).sides  # type: ignore[union-attr]
    return changed


def _body(change: Callable[[MatrixExpr], MatrixExpr]) -> Callable[[MatrixExpr], MatrixExpr]:
    return lambda total: TimeSum(change(total.body), *total.args[1:])


def _present_state(body: MatrixExpr) -> MatrixExpr:
    (past,) = [q for q in quantities(body) if q.time == t - 1]
    return exchange(body, {past: past.at(t)})


def _without_last(total: MatrixExpr) -> MatrixExpr:
    return rebuild(total, total.args[:-1])


def _untransposed(expression: MatrixExpr) -> MatrixExpr:
    turned = next(n for n in subexpressions(expression) if isinstance(n, Transpose))
    assert not isinstance(turned.arg, Quantity)
    # a symbol that looks the same to the evaluation: n = m hides the transpose from every shape
    square = turned.arg.func(turned.arg.name, *turned.shape)
    return exchange(expression, {turned: square})


MISTAKES = {
    "flipped sign": ("gradient:W_{rec}", negate, "gradient:W_{rec}"),
    "shifted index": ("gradient:W_{rec}", _body(_present_state), "gradient:W_{rec}"),
    "first step left out": (
        "gradient:b",
        lambda total: TimeSum(total.body, t, 2, total.upper),
        "gradient:b",
    ),
    "too much": ("gradient:c", _body(lambda body: add(body, body)), "gradient:c"),
    "term dropped from the recursion": ("adjoint:h", _without_last, "gradient:W_{rec}"),
    "term dropped from the read-out": ("adjoint:z", _without_last, "gradient:W_{out}"),
    "transpose dropped": ("input:x", _untransposed, "input:x"),
    "transpose dropped from the first state": ("initial:h_0", _untransposed, "initial:h_0"),
    "slope forgotten": ("adjoint:a", lambda right: right.args[1], "gradient:W_{in}"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_caught(mistake: str) -> None:
    label, wrong, shows = MISTAKES[mistake]
    sizes = {"n": 2, "m": 2, "q": 2} if "transpose" in mistake else {"n": 2, "m": 1, "q": 2}
    agreement = agree_exactly(_with_right(derive(cell("rnn")), label, wrong), sizes, steps=2)
    assert not agreement.holds
    found = {name for name, _, _ in agreement.disagreements}
    assert shows in found
    if not label.startswith("adjoint:"):
        assert found == {label}  # and nothing else is blamed


@pytest.mark.parametrize("activation", ["relu", "softplus", "gelu", "silu", "identity"])
def test_a_mistake_is_caught_where_intermediates_are_shared(activation: str) -> None:
    derivation = derive(cell("rnn-regression", activation))
    wrong = _with_right(derivation, "gradient:W_{rec}", _body(_present_state))
    agreement = agree_exactly(wrong, {"n": 2, "m": 1, "q": 1}, steps=2)
    assert {name for name, _, _ in agreement.disagreements} == {"gradient:W_{rec}"}
    assert len(agreement.disagreements) == 4


def test_mistakes_are_placed() -> None:
    def first_entry_only(total: MatrixExpr) -> MatrixExpr:
        return add(total, sympy.MatrixSymbol("W_{rec}", *total.shape))

    wrong = _with_right(derive(cell("rnn-regression")), "gradient:W_{rec}", first_entry_only)
    places = {(i, j) for _, i, j in agree_exactly(wrong, ALL_TWO, steps=1).disagreements}
    assert places == {(0, 0), (0, 1), (1, 0), (1, 1)}


# The exact comparison


a, b, c = sympy.symbols("a b c", real=True)
INDICATOR = unrolled.Holds(a, Symbol("x > 0"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((a + b) ** 2, a**2 + 2 * a * b + b**2),
        (sympy.exp(a + b), sympy.exp(a) * sympy.exp(b)),
        (sympy.exp(-(a**2) / 2) ** 2 * c, c * sympy.exp(-(a**2))),
        (1 / (a + b) - 1 / (a - b), -2 * b / (a**2 - b**2)),
        (1 / (1 + 1 / (a + b)), (a + b) / (a + b + 1)),
        (sympy.exp(a) / (sympy.exp(a) + sympy.exp(b)), 1 / (1 + sympy.exp(b - a))),
        (sympy.sqrt(2) * (a + sympy.sqrt(2) * b) * c, c * (sympy.sqrt(2) * a + 2 * b)),
        (INDICATOR**2 * a, INDICATOR * a),
        (sympy.tanh(a) ** -2 * sympy.tanh(a), 1 / sympy.tanh(a)),
    ],
)
def test_equal_scalars(one: sympy.Expr, other: sympy.Expr) -> None:
    assert Scalars(iter(())).are_equal(one, other)
    assert Scalars(iter([a + b, a - b])).are_equal(one, other)
    assert not Scalars(iter(())).are_equal(one, other + a)
    assert not Scalars(iter([a + b, a - b])).are_equal(one, 2 * other)


def test_a_shared_sum_is_expanded_when_that_is_needed() -> None:
    shared = a * b + c
    assert Scalars(iter([shared])).are_equal(shared * a - c * a, a**2 * b)
    assert not Scalars(iter([shared])).are_equal(shared * a - c * a, a**2)


def test_scalars_without_a_value_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="cannot compare zoo"):
        Scalars(iter(())).are_equal(sympy.zoo, sympy.zoo)
    with pytest.raises(UnsupportedError, match="which is zero"):
        Scalars(iter(())).polynomial(1 / ((a + b) ** 2 - a**2 - 2 * a * b - b**2))


# Refusals


@pytest.mark.parametrize(
    ("sizes", "steps", "message"),
    [
        ({"n": 2}, 2, "A number is missing for the size m"),
        ({"n": 2, "m": 2, "q": 2}, 2, "does not have the size q"),
        ({"n": 2, "m": 0}, 2, "must be at least 1; 0 came"),
        ({"n": 2, "m": 2}, 0, "at least one step"),
    ],
)
def test_wrong_sizes_are_refused(sizes: dict[str, int], steps: int, message: str) -> None:
    derivation = derive(Model.read(SQUARES))
    with pytest.raises(ModelError, match=message):
        explicit_gradients(derivation.model, sizes, steps)
    with pytest.raises(ModelError, match=message):
        matrix_form_gradients(derivation, sizes, steps)
    with pytest.raises(ModelError, match=message):
        agree_exactly(derivation, sizes, steps)


@pytest.mark.parametrize(
    "label", ["gradient:W", "input:x", "initial:h_0", "boundary:a", "adjoint:a"]
)
def test_a_missing_equation_is_refused(label: str) -> None:
    derivation = derive(Model.read(SQUARES))
    sections = tuple(
        replace(s, equations=tuple(e for e in s.equations if e.label != label))
        for s in derivation.sections
    )
    with pytest.raises(ProofError, match=r"no equation|Nothing says"):
        agree_exactly(replace(derivation, sections=sections), {"n": 1, "m": 1}, 1)


def test_a_node_without_a_rule_is_named() -> None:
    derivation = derive(Model.read("h_t = tanh(W h_{t-1})\nE_t = \\|h_t\\|^2"))
    wrong = _with_right(
        derivation,
        "initial:h_0",
        lambda right: TimeProduct(sympy.MatrixSymbol("W", *2 * right.shape[:1]), t, 1, 2) * right,
    )
    with pytest.raises(UnsupportedError, match="does not write out TimeProduct"):
        agree_exactly(wrong, {"n": 1}, 1)


def test_it_shares_no_derivative_rule_with_the_derivation() -> None:
    files = Path(explicit.__file__).parent.glob("*.py")
    nodes = [n for file in files for n in ast.walk(ast.parse(file.read_text("utf-8")))]
    imported = {n.module for n in nodes if isinstance(n, ast.ImportFrom)}
    imported |= {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
    forbidden = ("derivations.proof", "derivations.calculus", "derivations.graph")
    assert not [name for name in imported if name and name.startswith(forbidden)]
