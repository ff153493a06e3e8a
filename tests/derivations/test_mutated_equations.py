"""Every kind of equation, and the graph behind it, seeded with a mistake, is caught."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sympy import Basic, Expr, MatrixExpr

from derivations import graph, writing
from derivations.algebra import negate
from derivations.bptt import derive
from derivations.expressions import (
    Blocks,
    Diag,
    MatAdd,
    MatMul,
    Partial,
    Quantity,
    TimeProduct,
    TimeSum,
    t,
)
from derivations.library import cell_names, cell_text
from derivations.model import Model
from derivations.writing import running_steps
from tests.derivations.mutations import (
    CLASSIFIER,
    DEEP,
    LAST,
    RECURRENT,
    ROOMS,
    SEVERAL_STATES,
    SKIPPED,
    SUMMED_LOSS,
    Calls,
    Change,
    Mutation,
    Rule,
    assert_rejected,
    counted,
    doubled,
    moved,
    reversed_factors,
    rewritten,
    spoiled,
)

pytestmark = pytest.mark.usefixtures("one_point")


# Sections: what bptt.py puts together, with an index shifted in what it says

K, J = running_steps(Model.read(RECURRENT))


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


def swapped_blocks(node: Basic) -> Basic:
    return Blocks(node.args[0], *reversed(node.entries)) if isinstance(node, Blocks) else node


def without_products(node: Basic) -> Basic:
    """∂c_t/∂c_{t−1} = diag(f_t): what goes through the output before is forgotten."""
    is_sum = isinstance(node, MatAdd) and isinstance(node.args[0], Diag)
    return node.args[0] if is_sum else node


def total_row(side: MatrixExpr) -> MatrixExpr:
    """[∂E_t/∂h_t, ∂E_t/∂c_t]: c_t acts through h_t there, which is to be held fixed."""
    size = side.entries[0].shape[1]
    parts = (Quantity(name, size, 1, t) for name in "hc")
    return Blocks(2, *(Partial(Quantity("E", 1, 1, t), part) for part in parts))


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
    model: str = RECURRENT

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
    WrongEquation("state", "cell of the step before", 1, moved("c", -1), model=SEVERAL_STATES),
    WrongEquation("block", "sign", 1, flipped, whole=negate, model=SEVERAL_STATES),
    WrongEquation("block", "gate at the step before", 1, moved("f", -1), model=SEVERAL_STATES),
    WrongEquation("step:s", "blocks swapped", 1, swapped_blocks, model=SEVERAL_STATES),
    WrongEquation("response", "sign", 1, flipped, whole=negate, model=SEVERAL_STATES),
    WrongEquation("state row", "sign", 1, flipped, whole=negate, model=SEVERAL_STATES),
    WrongEquation(
        "state row", "parts not fixed", 1, flipped, whole=total_row, model=SEVERAL_STATES
    ),
    WrongEquation("own", "sign", 1, flipped, whole=negate, model=SEVERAL_STATES),
    WrongEquation("own", "cell held fixed", 2, without_products, model=SEVERAL_STATES),
    WrongEquation("own", "from step 1", 1, flipped, "1 \\le t \\le T", model=SEVERAL_STATES),
    WrongEquation("last", "at the step before", 1, moved("\\delta^z", -1), model=LAST),
    WrongEquation("last", "sign", 1, flipped, whole=negate, model=LAST),
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
        if hasattr(module, "write"):
            monkeypatch.setattr(module, "write", spoiled_equation)
    assert_rejected(wrong.model, calls)


def test_every_kind_of_equation_has_a_mutation() -> None:
    kinds = {
        equation.label.split(":")[0]
        for text in (*map(cell_text, cell_names()), RECURRENT)
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
    Mutation(
        "contributions",
        "a use forgotten",
        lambda right: lambda *a: dict(list(right(*a).items())[:-1]) or right(*a),
        SKIPPED,
    ),
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
    """The product, out of step: `at_step` answers for another step."""
    calls = Calls()
    right = writing.at_step
    wrong = counted(right, lambda e, time: right(e, time + 1 if time == J else time), calls)
    for module in ROOMS:
        if hasattr(module, "at_step"):
            monkeypatch.setattr(module, "at_step", wrong)
    assert_rejected(RECURRENT, calls)
