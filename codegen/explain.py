"""What the passes do to a program: the program after each of them, and what a call of it costs.

Counted over forward and backward, all steps and the batch: calls of matrix products, floating-point
operations (a function of an entry is one), and numbers read and written by statements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sympy import Expr, Integer, Symbol, expand

from codegen.passes.rewrite import rewrite
from codegen.program import (
    Add,
    AllSteps,
    Apply,
    Assign,
    Block,
    Concatenate,
    Dot,
    EntrySum,
    Expression,
    LastStep,
    Lifted,
    Load,
    Loop,
    MatrixProduct,
    Multiply,
    Number,
    Outer,
    Part,
    Pick,
    Program,
    RowFunction,
    RowsTimes,
    RowSum,
    TimesEach,
    Unit,
    Weight,
    nodes,
    operands,
)
from codegen.sizes import entries
from codegen.targets.numpy.printer import Layout, python

_PRODUCTS = (RowsTimes, Outer, TimesEach, MatrixProduct)


@dataclass(frozen=True)
class Cost:
    """What one call costs, in sizes."""

    products: Expr
    operations: Expr
    numbers: Expr


def explain(program: Program, passes: Sequence[Callable[[Program], Program]]) -> str:
    """Return the program before the first pass and after each, with its cost.

    Examples
    --------
    >>> from codegen.lower import lower
    >>> from codegen.passes.stack import stack
    >>> from derivations import cell, derive
    >>> print(explain(lower(derive(cell("rnn"))), ())[:6])
    before
    """
    parts = [_shown("before", program)]
    for transform in passes:
        program = transform(program)
        parts.append(_shown(transform.__name__, program))
    return "\n\n".join(parts) + "\n"


def _shown(title: str, program: Program) -> str:
    found = cost(program)
    lines = [
        title,
        "=" * len(title),
        f"matrix products: {found.products}",
        f"operations: {found.operations}",
        f"numbers moved: {found.numbers}",
    ]
    for name, blocks in (("forward", program.forward), ("backward", program.backward)):
        lines += ["", name]
        for block in blocks:
            lines += _listed(program, block)
    return "\n".join(lines)


def _listed(program: Program, block: Block) -> Iterable[str]:
    match block:
        case Loop():
            yield f"  for t = {'T … 1' if block.backward else '1 … T'}"
            layout = Layout(program)
        case AllSteps():
            yield "  at all steps at once"
            layout = Layout(program, all_steps=True)
        case LastStep():
            yield "  at step T"
            layout = Layout(program, origin="T")
    for statement in block.body:
        is_stored = isinstance(statement, Assign)
        target = layout.element(Load(statement.target)) if is_stored else statement.target
        sign = "=" if isinstance(statement, Assign) and not statement.adds else "+="
        yield f"    {target} {sign} {python(rewrite(statement.value, _without_units), layout)}"


def _without_units(node: Expression) -> Expression:
    """Show a unit vector, which code adds entry by entry, as a function of its label."""
    return Apply("unit", node.label) if isinstance(node, Unit) else node


def cost(program: Program) -> Cost:
    """Return what a call of a program costs."""
    products = operations = numbers = Integer(0)
    steps, batch = Symbol("T"), Symbol("B")
    for block in (*program.forward, *program.backward):
        times = Integer(1) if isinstance(block, LastStep) else steps
        for statement in block.body:
            found = list(nodes(statement.value))
            calls = sum(isinstance(node, _PRODUCTS) for node in found)
            products += calls * (steps if isinstance(block, Loop) else 1)
            operations += times * batch * sum(_operations(program, node) for node in found)
            read = sum(entries(program, node) for node in found if isinstance(node, Load))
            written = entries(program, statement.value)
            if isinstance(statement, Assign):
                numbers += times * batch * (read + written)
            else:  # one array, to which every step of a loop adds
                numbers += times * batch * read
                numbers += written * (steps if isinstance(block, Loop) else 1)
    return Cost(*map(expand, (products, operations, numbers)))


def _operations(program: Program, node: Expression) -> Expr:
    own = entries(program, node)
    match node:
        case RowsTimes():
            return 2 * entries(program, node.rows) * own
        case Outer():
            return 2 * own
        case TimesEach() | MatrixProduct():
            return 2 * entries(program, next(iter(operands(node))))
        case Dot():
            return 2 * entries(program, node.left)
        case RowSum() | EntrySum():
            return entries(program, next(iter(operands(node))))
        case Add() | Multiply():
            return (len(list(operands(node))) - 1) * own
        case RowFunction():
            return 4 * entries(program, node.argument)
        case Load() | Weight() | Number() | Concatenate() | Part() | Pick() | Unit() | Lifted():
            return Integer(0)
    return own


__all__ = ["Cost", "cost", "explain"]
