"""Statements and blocks to lines of NumPy, each with the number of its equation."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from codegen.program import (
    Accumulate,
    Add,
    Assign,
    Block,
    Expression,
    LastStep,
    Lifted,
    Load,
    Loop,
    Multiply,
    Number,
    Part,
    Program,
    Statement,
    Turned,
    Unit,
    is_summed_once,
    loads,
)
from codegen.targets.equations import equation_text
from codegen.targets.numpy.inplace import Buffers, in_place
from codegen.targets.numpy.printer import Layout, python, whole_sum
from codegen.targets.units import units, without_units

#: An assignment that is longer than this is made term by term.
LINE_LENGTH = 100
INDENT = "    "


def block_lines(program: Program, blocks: Sequence[Block]) -> list[str]:
    """Return the lines of blocks, one after another."""
    return [line for block in blocks for line in _block(program, block, blocks)]


def first_lines(program: Program, assignment: Assign, step: int) -> list[str]:
    """Return the lines of a gradient by a given value, at a step before the first or behind T."""
    origin = "T" if step > 0 else ""
    layout = Layout(program, origin=origin, distance=step)
    if assignment.value == Number(Fraction(0)):
        given = assignment.target.removeprefix("d_")
        return [
            *_comment(assignment),
            f'{assignment.target} = np.zeros(data["{given}"].shape, dtype)',
        ]
    sign = "+=" if assignment.adds else "="
    return [*_comment(assignment), *_broken(assignment.target, sign, assignment, layout)]


def _block(program: Program, block: Block, blocks: Sequence[Block]) -> list[str]:
    if isinstance(block, Loop):
        steps = "range(T, 0, -1)" if block.backward else "range(1, T + 1)"
        buffers = Buffers(_taken(program))
        body = _body(block.body, Layout(program), blocks, in_loop=True, buffers=buffers)
        return [*buffers.lines(), f"for t in {steps}:", *(INDENT + line for line in body)]
    if isinstance(block, LastStep):
        return _body(block.body, Layout(program, origin="T"), blocks, in_loop=False)
    layout = Layout(program, all_steps=True)
    return _body(block.body, layout, blocks, in_loop=False, buffers=Buffers(_taken(program)))


def _taken(program: Program) -> frozenset[str]:
    return program.names | {stack.name for stack in program.stacks}


def _body(
    body: Sequence[Statement],
    layout: Layout,
    blocks: Sequence[Block],
    *,
    in_loop: bool,
    buffers: Buffers | None = None,
) -> list[str]:
    lines: list[str] = []
    previous: Statement | None = None
    for statement in body:
        continues = (
            previous is not None
            and previous.equation == statement.equation
            and previous.steps == statement.steps
        )
        at = _at(statement, layout, in_loop)
        code = _statement(statement, at, blocks, buffers if in_loop or at.all_steps else None)
        code = code if continues else [*_comment(statement), *code]
        if in_loop and statement.steps != "every":
            # Whatever is done at the last step stands directly before what is done at the others.
            is_else = previous is not None and previous.steps == "last"
            is_same = continues or (is_else and statement.steps == "last")
            head = (
                "else:" if is_else else "if t == T:" if statement.steps == "last" else "if t < T:"
            )
            lines += ([] if is_same else [head]) + [INDENT + line for line in code]
        else:
            lines += code
        previous = statement
    return lines


def _at(statement: Statement, layout: Layout, in_loop: bool) -> Layout:
    """Return the layout of a statement that is not done at every step."""
    if in_loop or statement.steps == "every":
        return layout
    if statement.steps == "earlier":
        return replace(layout, steps="earlier")
    return Layout(layout.program, origin="T")


def _comment(statement: Statement) -> list[str]:
    return textwrap.wrap(
        equation_text(statement),
        LINE_LENGTH - 2 * len(INDENT),
        initial_indent="# ",
        subsequent_indent="#     ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _statement(
    statement: Statement, layout: Layout, blocks: Sequence[Block], buffers: Buffers | None
) -> list[str]:
    if isinstance(statement, Accumulate):
        return _accumulated(statement, layout, blocks)
    target = layout.element(Load(statement.target))
    if buffers is not None and layout.program.in_place:
        calls = in_place(statement, target, layout, buffers)
        if calls is not None:
            return calls
    sign = "+=" if statement.adds else "="
    found = units(statement.value)
    if not found:
        return _broken(target, sign, statement, layout)
    rest = replace(statement, value=without_units(statement.value))
    lines = _broken(target, sign, rest, layout)
    if target == statement.target and isinstance(rest.value, Load):
        lines = [f"{target} = {python(rest.value, layout)}.copy()"]
    for sign_of_unit, unit in found:
        label, amount = layout.element(_label(unit)), python(unit.amount, layout)
        shown = amount if sign_of_unit > 0 else f"-{_negated(unit.amount, amount)}"
        lines.append(f"add_at({target}, {label}, {shown})")
    return lines


def _negated(amount: Expression, text: str) -> str:
    return text if isinstance(amount, Number | Load) else f"({text})"


def _label(unit: Unit) -> Load:
    assert isinstance(unit.label, Load)
    return unit.label


def _accumulated(statement: Accumulate, layout: Layout, blocks: Sequence[Block]) -> list[str]:
    target = statement.target
    sign = "=" if is_summed_once(blocks, target) else "+="
    if target == layout.program.loss:
        return _summed_loss(target, sign, whole_sum(statement.value, layout))
    return _broken(target, sign, statement, layout)


def _summed_loss(target: str, sign: str, terms: Sequence[tuple[int, str]]) -> list[str]:
    """Return a loss on one line, or, where it is too long, a line for every term."""
    first_sign, first = terms[0]
    whole = ("-" if first_sign < 0 else "") + first
    whole += "".join(f" {'+' if s > 0 else '-'} {text}" for s, text in terms[1:])
    if sign == "=" and len(whole) + len(target) + 2 * len(INDENT) <= LINE_LENGTH:
        return [f"{target} = {whole}"]
    lines = (
        _sum_on_lines(f"{target} = {'-' if first_sign < 0 else ''}{first}") if sign == "=" else []
    )
    rest = terms[1:] if sign == "=" else terms
    for s, text in rest:
        lines += _sum_on_lines(f"{target} {'+' if s > 0 else '-'}= {text}")
    return lines


def _sum_on_lines(line: str) -> list[str]:
    """Return a line that ends in a sum; what is summed gets its own if it is too long for one."""
    if len(line) + 2 * len(INDENT) <= LINE_LENGTH:
        return [line]
    head, summed = line.removesuffix(")").split("np.sum(", 1)
    return [f"{head}np.sum(", INDENT + summed, ")"]


def _broken(target: str, sign: str, statement: Statement, layout: Layout) -> list[str]:
    """Return an assignment; one that is too long for a line is made term by term."""
    value = statement.value
    line = f"{target} {sign} {python(value, layout)}"
    if len(line) + 2 * len(INDENT) <= LINE_LENGTH:
        return [line]
    is_stored = "[" in target
    # A sum behind *= or -= is one amount, and stays whole.
    if isinstance(value, Add) and len(value.terms) > 1 and sign in ("=", "+="):
        first, *others = value.terms
        if is_stored or sign == "+=" or _is_new(first[1]):
            lines = _broken(target, sign, replace(statement, value=Add((first,))), layout)
            for term_sign, term in others:
                own = replace(statement, value=term)
                lines += _broken(target, "+=" if term_sign > 0 else "-=", own, layout)
            return lines
    if isinstance(value, Multiply) and sign == "=" and is_stored:
        longest = max(value.factors, key=lambda factor: len(python(factor, layout)))
        shorter = [factor for factor in value.factors if factor is not longest]
        rest = Multiply(tuple(shorter)) if len(shorter) > 1 else shorter[0]
        lines = _broken(target, sign, replace(statement, value=longest), layout)
        return [*lines, *_broken(target, "*=", replace(statement, value=rest), layout)]
    return [f"{target} {sign} (", INDENT + python(value, layout), ")"]


def _is_new(value: Expression) -> bool:
    """Tell whether a value is an array of its own for every row, which others may be added to."""
    return bool(loads(value)) and not isinstance(value, Load | Part | Lifted | Turned)
