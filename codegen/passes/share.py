"""Program → Program in which nothing is computed twice.

A function of a stored array that more than one statement applies, as tanh(c_t) on the way forward
and back, is stored. And softmax(z) and log softmax(z) have one log-sum-exp: with it, they are
exp(z − lse) and z − lse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from codegen.passes.rewrite import rewrite, rewrite_program
from codegen.program import (
    Add,
    Apply,
    Array,
    Assign,
    Block,
    Expression,
    Load,
    Pick,
    Program,
    RowFunction,
    Statement,
    nodes,
    statements,
)


def share(program: Program) -> Program:
    """Return the program with common subexpressions stored."""
    program = _with_one_log_sum(program)
    for node in _repeated(program):
        program = _stored(program, node)
    return program


def _repeated(program: Program) -> list[Apply]:
    """Return the functions of a stored value that are applied in more than one statement."""
    found: Counter[Apply] = Counter()
    for statement in statements((*program.forward, *program.backward)):
        found.update(set(_calls(statement, program)))
    return [node for node, count in found.items() if count > 1]


def _calls(statement: Statement, program: Program) -> Iterator[Apply]:
    values = {a.name for a in program.arrays if a.role == "value" and not a.at_last_only}
    for node in nodes(statement.value):
        match node:
            case Apply(argument=Load(shift=0) as load) if load.name in values:
                if node != statement.value:
                    yield node


def _stored(program: Program, node: Apply) -> Program:
    """Give a subexpression an array of its own, filled directly after what it is computed from."""
    assert isinstance(node.argument, Load)
    source = program.array(node.argument.name)
    name = f"{node.function}_{source.name}"
    if name in program.names:
        return program
    own = _beside(source, name, source.axes)

    def rule(inner: Expression) -> Expression:
        return Load(name) if inner == node else inner

    # Before the first step nothing is stored: gradients by given values keep the function.
    changed = replace(rewrite_program(program, rule), initial=program.initial)
    filled = tuple(_filled(block, source, Assign(name, node, 0, "")) for block in changed.forward)
    return replace(changed, forward=filled, arrays=(*program.arrays, own))


def _beside(source: Array, name: str, axes: tuple[str, ...]) -> Array:
    """Return an array for the steps of another one, and for none before or behind them."""
    return Array(name, axes, source.role, before=1, at_last_only=source.at_last_only)


def _filled(block: Block, source: Array, statement: Assign) -> Block:
    body: list[Statement] = []
    for position, one in enumerate(block.body):
        body.append(one)
        if one.target == source.name:
            user = next((s for s in block.body[position + 1 :] if _reads(s, statement.target)), one)
            body.append(replace(statement, equation=user.equation, formula=user.formula))
    return replace(block, body=tuple(body))


def _reads(statement: Statement, name: str) -> bool:
    return any(isinstance(node, Load) and node.name == name for node in nodes(statement.value))


def _with_one_log_sum(program: Program) -> Program:
    """Write softmax and log softmax of one array by its log-sum-exp, where both occur."""
    kinds: dict[Load, set[str]] = {}
    for statement in statements(program.forward):
        for node in nodes(statement.value):
            if isinstance(node, RowFunction) and isinstance(node.argument, Load):
                kinds.setdefault(node.argument, set()).add(node.function)
    for argument, found in kinds.items():
        if found == {"softmax", "log_softmax"} and argument.shift == 0:
            program = _by_log_sum(program, argument)
    return program


def _by_log_sum(program: Program, argument: Load) -> Program:
    name = f"lse_{argument.name}"
    if name in program.names:
        return program
    difference = Add(((1, argument), (-1, Load(name))))

    def rule(node: Expression) -> Expression:
        match node:
            case RowFunction(function="softmax") if node.argument == argument:
                return Apply("exp", difference)
            case RowFunction(function="log_softmax") if node.argument == argument:
                return difference
            case Pick(rows=rows) if rows == difference:
                return Add(((1, Pick(argument, node.label)), (-1, Load(name))))
        return node

    source = program.array(argument.name)
    own = _beside(source, name, ("1",))
    whole = RowFunction("log_sum_exp", argument)
    written = [
        replace(block, body=tuple(replace(s, value=rewrite(s.value, rule)) for s in block.body))
        for block in program.forward
    ]
    filled = tuple(_filled(block, source, Assign(name, whole, 0, "")) for block in written)
    return replace(program, forward=filled, arrays=(*program.arrays, own))


__all__ = ["share"]
