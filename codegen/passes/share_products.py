"""Program → Program in which no product is computed on the way forward and again on the way back.

A product of a stored array with a weight that statements of both ways need is stored. On the way
back, a product that one statement needs of this step and another one of the next is computed once:
the adjoint in it is zero beyond the steps, so that the product is, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from codegen.passes.rewrite import rewrite, rewrite_program
from codegen.program import (
    Array,
    Assign,
    Block,
    Expression,
    Load,
    Multiply,
    Program,
    RowsTimes,
    loads,
    nodes,
    statements,
)
from codegen.sizes import row_axes


def share_products(program: Program) -> Program:
    """Return the program with common products stored."""
    for product in _repeated_forward(program):
        program = _stored_forward(program, product)
    for node in _repeated_backward(program):
        program = _stored_backward(program, node)
    return program


def _repeated_forward(program: Program) -> list[RowsTimes]:
    """Return the products with a weight that forward and backward statements have in common."""
    forward = {node for s in statements(program.forward) for node in _products(s.value)}
    backward = {node for s in statements(program.backward) for node in _products(s.value)}
    whole = {s.value for s in statements(program.forward)}
    values = {a.name for a in program.arrays if a.role == "value" and not a.at_last_only}
    return [
        node
        for node in sorted(forward & backward - whole, key=repr)
        if isinstance(node.rows, Load) and node.rows.name in values
    ]


def _products(value: Expression) -> Iterator[RowsTimes]:
    for node in nodes(value):
        if isinstance(node, RowsTimes) and isinstance(node.rows, Load):
            yield node


def _stored_forward(program: Program, node: RowsTimes) -> Program:
    """Give a product an array of its own, filled before the first statement that needs it."""
    assert isinstance(node.rows, Load)
    name = f"{node.weight}_{node.rows.name}"
    user = next(s for s in statements(program.forward) if node in nodes(s.value))
    if name in program.names or user.steps != "every" or not isinstance(user, Assign):
        return program
    filled = Assign(name, node, user.equation, user.formula)
    changed = _exchanged(program, node, name)
    forward = tuple(_with_before(block, user.target, filled) for block in changed.forward)
    own = Array(name, row_axes(program, node), "value", before=1)
    return replace(changed, forward=forward, arrays=(*program.arrays, own))


def _exchanged(program: Program, node: Expression, name: str) -> Program:
    """Read an array instead of computing what it holds, but for gradients by given values."""

    def rule(inner: Expression) -> Expression:
        return Load(name) if inner == node else inner

    return replace(rewrite_program(program, rule), initial=program.initial)


def _with_before(block: Block, target: str, statement: Assign) -> Block:
    position = next((i for i, one in enumerate(block.body) if one.target == target), None)
    if position is None:
        return block
    return replace(block, body=(*block.body[:position], statement, *block.body[position:]))


def _repeated_backward(program: Program) -> list[Expression]:
    """Return, for step t, the products with an adjoint that more than one statement needs."""
    zero = {a.name for a in program.arrays if a.role == "adjoint" and a.starts_at_zero}
    found: Counter[Expression] = Counter()
    for statement in statements(program.backward):
        found.update({_at_this_step(node) for node in nodes(statement.value) if _is_shared(node)})
    written = {s.value for s in statements(program.backward)}
    return [
        node
        for node, count in found.items()
        if count > 1 and node not in written and any(load.name in zero for load in loads(node))
    ]


def _is_shared(node: Expression) -> bool:
    """Tell whether a node is a product of arrays at one step, or of one with a weight."""
    factors = node.factors if isinstance(node, Multiply) else ()
    if isinstance(node, RowsTimes):
        factors = (node.rows,)
    shifts = {factor.shift if isinstance(factor, Load) else None for factor in factors}
    return len(shifts) == 1 and None not in shifts


def _at_this_step(node: Expression) -> Expression:
    return rewrite(node, lambda one: Load(one.name) if isinstance(one, Load) else one)


def _stored_backward(program: Program, node: Expression) -> Program:
    """Give a product an array of its own, filled directly after the adjoint in it."""
    names = [load.name for load in loads(node)]
    name = "_".join([node.weight, *names] if isinstance(node, RowsTimes) else names)
    adjoints = [a for a in map(program.array, names) if a.role == "adjoint"]
    if name in program.names or len(adjoints) != 1 or adjoints[0].at_last_only:
        return program
    (adjoint,) = adjoints

    def rule(inner: Expression) -> Expression:
        if not _is_shared(inner) or _at_this_step(inner) != node:
            return inner
        return Load(name, loads(inner)[0].shift)

    user = next(
        s for s in statements(program.backward) if node in map(_at_this_step, nodes(s.value))
    )
    filled = Assign(name, node, user.equation, user.formula)
    changed = replace(
        program, backward=rewrite_program(replace(program, forward=()), rule).backward
    )
    axes = row_axes(program, node)
    shifts = [
        load.shift
        for s in statements(changed.backward)
        for load in loads(s.value)
        if load.name == name
    ]
    own = replace(
        adjoint,
        name=name,
        axes=axes,
        before=max(1, -min(shifts)),
        after=max(0, *shifts),
        starts_at_zero=any(shifts),
    )
    backward = tuple(_with_after(block, adjoint.name, filled) for block in changed.backward)
    return replace(changed, backward=backward, arrays=(*program.arrays, own))


def _with_after(block: Block, target: str, statement: Assign) -> Block:
    position = max((i for i, one in enumerate(block.body) if one.target == target), default=None)
    if position is None:
        return block
    return replace(
        block, body=(*block.body[: position + 1], statement, *block.body[position + 1 :])
    )


__all__ = ["share_products"]
