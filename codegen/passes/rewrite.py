"""Walking a program: the one place that rebuilds expressions and statements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from codegen.program import Block, Expression, Program, operands, with_operands

Rule = Callable[[Expression], Expression]


def rewrite(expression: Expression, rule: Rule) -> Expression:
    """Apply a rule to every node, the innermost first.

    Examples
    --------
    >>> from codegen.program import Apply, Load
    >>> rewrite(Apply("exp", Load("a")), lambda node: Load("b") if node == Load("a") else node)
    Apply(function='exp', argument=Load(name='b', shift=0))
    """
    changed = {
        position: new
        for position, old in enumerate(operands(expression))
        if (new := rewrite(old, rule)) is not old
    }
    return rule(with_operands(expression, changed) if changed else expression)


def rewrite_program(program: Program, rule: Rule) -> Program:
    """Apply a rule to every expression of a program."""

    def blocks(found: tuple[Block, ...]) -> tuple[Block, ...]:
        return tuple(_rewrite_block(block, rule) for block in found)

    return replace(
        program,
        forward=blocks(program.forward),
        backward=blocks(program.backward),
        initial=tuple(
            (replace(s, value=rewrite(s.value, rule)), step) for s, step in program.initial
        ),
    )


def _rewrite_block(block: Block, rule: Rule) -> Block:
    body = tuple(replace(s, value=rewrite(s.value, rule)) for s in block.body)
    return replace(block, body=body)
