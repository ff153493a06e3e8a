"""Each pass does what it says; that it changes no number is seen by the tests of the modules."""

from __future__ import annotations

import ast
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from sympy import Symbol, expand

from codegen.build import C_STYLES, emit_source, passes_of
from codegen.explain import cost, explain
from codegen.gradcheck import check_module
from codegen.gradcheck.module import default_sizes, draw_arrays, module_from_source
from codegen.lower import lower
from codegen.passes.distribute import distribute
from codegen.passes.gradients import parameters_only
from codegen.passes.materialise import is_whole
from codegen.passes.share import share
from codegen.passes.share_products import share_products
from codegen.passes.split import split
from codegen.passes.stabilise import stabilise
from codegen.passes.stack import stack
from codegen.program import (
    Apply,
    Load,
    Loop,
    Number,
    Outer,
    Program,
    RowsTimes,
    nodes,
    statements,
)
from codegen.targets.c.groups import product_of
from codegen.targets.numpy.module import emit
from derivations import Derivation, Model, cell, cell_names, derive
from derivations.errors import EmitError


@cache
def derived(name: str) -> Derivation:
    return derive(cell(name))


def lowered(name: str) -> Program:
    return stabilise(lower(derived(name)))


def products(program: Program) -> list[int]:
    """Return how many matrix products each loop makes at a step."""
    return [
        sum(isinstance(node, RowsTimes) for s in block.body for node in nodes(s.value))
        for block in (*program.forward, *program.backward)
        if isinstance(block, Loop)
    ]


@pytest.mark.parametrize(
    ("name", "apart", "together"),
    [
        ("lstm", [4, 4], [1, 1]),
        ("lstm-coupled", [3, 3], [1, 1]),
        ("gru", [3, 4], [2, 3]),
        ("rnn", [1, 1], [1, 1]),
        ("stacked-lstm", [4, 4, 4, 4], [1, 1, 1, 1]),
    ],
)
def test_stack_makes_one_product_of_the_gates(
    name: str, apart: list[int], together: list[int]
) -> None:
    program = split(lowered(name))
    assert products(distribute(program)) == apart
    assert products(distribute(stack(program))) == together


def test_stack_keeps_gates_in_order_beside_each_other() -> None:
    found = {s.name: s.members for s in stack(split(lowered("lstm"))).stacks}
    assert found["a_ifog"] == ("a_i", "a_f", "a_o", "a_g")
    assert found["ifo"] == ("i", "f", "o")
    assert found["U_ifog"] == ("U_i", "U_f", "U_o", "U_g")
    assert found["d_W_ifog"] == ("d_W_i", "d_W_f", "d_W_o", "d_W_g")
    assert stack(split(lowered("rnn"))) == split(lowered("rnn"))


def test_stack_joins_layers_of_different_sizes_apart() -> None:
    found = [s.members for s in stack(split(lowered("stacked-lstm"))).stacks]
    assert all(len({member[-1] for member in members}) == 1 for members in found)


def test_a_name_that_the_text_has_is_not_given_to_a_stack() -> None:
    text = (
        "i_t = sigmoid(W_i x_t + U_i h_{t-1})\nf_t = sigmoid(W_f x_t + U_f h_{t-1})\n"
        "h_t = i_t ⊙ tanh(W_{if} x_t) + f_t ⊙ h_{t-1}\nE_t = \\|h_t - y_t\\|^2"
    )
    source = emit_source(derive(Model.read(text)), "cell", "fast")
    assert "W_if_stack = np.concatenate([W_i, W_f])" in source
    assert check_module(module_from_source(source), seed=1).passed


NEED_EACH_OTHER = """
i_t = sigmoid(W_i x_t + U_i h_{t-1})
f_t = sigmoid(W_f x_t + U_f h_{t-1})
p_t = tanh(V x_t)
v_t = i_t ⊙ p_t
r_t = tanh(Q v_t)
w_t = f_t ⊙ r_t
h_t = v_t + w_t
E_t = \\|h_t - y_t\\|^2
"""


def test_statements_that_need_each_other_stay_apart() -> None:
    """v_t and w_t have one form, but w_t needs r_t, which needs v_t."""
    derivation = derive(Model.read(NEED_EACH_OTHER))
    program = stack(split(stabilise(lower(derivation))))
    joined = [s.members for s in program.stacks]
    assert ("i", "f") in joined
    assert ("v", "w") not in joined
    written = [s.target for s in statements(program.forward)]
    assert written.index("v") < written.index("r") < written.index("w")
    source = emit_source(derivation, "cell", "fast")
    assert check_module(module_from_source(source), seed=1).passed


def test_what_is_made_for_a_loop_takes_no_name_of_the_text() -> None:
    text = "h_t = tanh(U h_{t-1} + U_T x_t + b_{buffer})\nE_t = \\|h_t - y_t\\|^2"
    source = emit_source(derive(Model.read(text)), "cell", "fast")
    assert "U_T_2 = np.ascontiguousarray(U.T)" in source
    assert 'U_T = params["U_T"]' in source
    assert check_module(module_from_source(source), seed=1).passed


def test_share_applies_a_function_once() -> None:
    def users(program: Program) -> int:
        call = Apply("tanh", Load("c"))
        found = statements((*program.forward, *program.backward))
        return sum(call in nodes(s.value) for s in found)

    assert users(lowered("lstm")) == 3
    assert users(share(lowered("lstm"))) == 1


@pytest.mark.parametrize(
    ("name", "apart", "shared"),
    [("gru", [3, 4], [3, 3]), ("gru-reset-after", [3, 4], [3, 3]), ("lstm", [4, 4], [4, 4])],
)
def test_share_products_multiplies_once(name: str, apart: list[int], shared: list[int]) -> None:
    program = split(share(lowered(name)))
    assert products(distribute(program)) == apart
    assert products(distribute(share_products(program))) == shared


def test_a_product_is_shared_with_the_next_step_where_it_is_zero_beyond() -> None:
    """With a given value behind the steps, nothing says that the product is zero there."""
    program = split(share(lowered("gru")))
    stored = share_products(program).array("U_h_delta_a_h_tilde")
    assert (stored.after, stored.starts_at_zero) == (1, True)
    ends_anywhere = tuple(replace(array, starts_at_zero=False) for array in program.arrays)
    assert share_products(replace(program, arrays=ends_anywhere)).arrays == ends_anywhere


@pytest.mark.parametrize(
    "name",
    ["gru", "lstm-peephole", "fast-weights", "bidirectional", "rnn-last", "rnn-hh", "mgu", "rhn"],
)
def test_materialise_leaves_one_thing_a_statement(name: str) -> None:
    """Whole values stand alone, made of arrays; the program computes what it did."""
    activation = "tanh" if name == "rnn-hh" else None
    derivation = derive(cell(name, activation))
    program = lower(derivation)
    for transform in C_STYLES["fast"]:
        program = transform(program)
    for statement in statements((*program.forward, *program.backward)):
        inner = [node for node in nodes(statement.value) if is_whole(node)]
        assert inner in ([], [statement.value], [product_of(statement.value)]), statement
        for node in nodes(statement.value):
            if isinstance(node, Outer | RowsTimes):
                parts = [node.rows] if isinstance(node, RowsTimes) else [node.left, node.right]
                assert all(isinstance(part, Load | Number) for part in parts)
    textbook, materialised = (
        module_from_source(text)
        for text in (emit_source(derivation, name, "textbook"), emit(program))
    )
    arrays = draw_arrays(textbook, default_sizes(textbook), seed=1)
    params, data = ({n: arrays[n] for n in names} for names in (textbook.PARAMS, textbook.DATA))
    value, gradients = textbook.value_and_grad(params, data)
    other, others = materialised.value_and_grad(params, data)
    assert other == pytest.approx(value, rel=1e-12)
    for key, gradient in gradients.items():
        np.testing.assert_allclose(others[key], gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["rnn-labels", "lstm", "fast-weights", "bidirectional"])
def test_explain_shows_every_pass_and_what_it_saves(name: str) -> None:
    passes = passes_of("fast")
    text = explain(lowered(name), passes)
    titles = ["before", *(transform.__name__ for transform in passes)]
    assert [line for line in text.splitlines() if line in titles] == titles
    program = lowered(name)
    before = cost(program)
    for transform in passes:
        program = transform(program)
    after, steps = cost(program), Symbol("T")
    assert after.products.coeff(steps) < before.products.coeff(steps)
    assert after.operations.coeff(steps) != 0


def test_the_cost_of_a_plain_network_is_what_one_counts() -> None:
    T, B, n, m, q = map(Symbol, "TBnmq")
    program = distribute(parameters_only(lowered("rnn")))
    # Of each step W_rec h and W_recᵀ δ; of all W_in x, V h, Vᵀ δ, and each weight's gradient.
    assert cost(program).products == 2 * T + 6
    operations = cost(program).operations
    assert operations.coeff(m) == 4 * T * B * n
    assert expand(operations.coeff(q) - 6 * T * B * n).coeff(n) == 0


@pytest.mark.parametrize("style", ["textbook", "fast"])
@pytest.mark.parametrize("name", ["lstm", "rnn-last", "bidirectional"])
def test_gradients_by_parameters_alone(name: str, style: str) -> None:
    derivation = derived(name)
    every, some = (
        module_from_source(emit_source(derivation, name, style, gradients=which))
        for which in ("all", "parameters")
    )
    arrays = draw_arrays(every, default_sizes(every), seed=1)
    params, data = ({n: arrays[n] for n in names} for names in (every.PARAMS, every.DATA))
    value, gradients = every.value_and_grad(params, data)
    other, kept = some.value_and_grad(params, data)
    assert other == value
    assert kept.keys() == params.keys()
    for parameter, gradient in kept.items():
        np.testing.assert_array_equal(gradient, gradients[parameter])
    program = parameters_only(lowered(name))
    assert {n for n, _ in program.gradients} == set(params)
    with pytest.raises(EmitError, match="no gradients 'none'"):
        emit_source(derivation, name, style, gradients="none")


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "two-lag", "bidirectional", "mgu"])
def test_loops_make_no_arrays(name: str) -> None:
    """Every line of a loop is a call with out=, or adds one array to another."""
    tree = ast.parse(emit_source(derived(name), name, "fast"))
    loops = [n for n in ast.walk(tree) if isinstance(n, ast.For) and ast.unparse(n.target) == "t"]
    assert loops
    for node in (node for loop in loops for node in loop.body):
        if isinstance(node, ast.AugAssign):
            assert isinstance(node.value, ast.Name | ast.Subscript), ast.unparse(node)
        else:
            assert isinstance(node, ast.Expr), ast.unparse(node)
            assert "out=" in ast.unparse(node) or "logistic(" in ast.unparse(node)


def test_every_cell_of_the_library_has_a_fast_module_without_transposes_in_loops() -> None:
    for name in cell_names():
        tree = ast.parse(emit_source(derived(name), name, "fast"))
        for loop in (n for n in ast.walk(tree) if isinstance(n, ast.For)):
            assert not [
                n for n in ast.walk(loop) if isinstance(n, ast.Attribute) and n.attr == "T"
            ], name
