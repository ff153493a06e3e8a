"""Statements to loops: what is computed row by row stands in one loop over the rows.

Within a row, statements of one width are one loop over its entries as long as each reads of the
others nothing but its own entry; what no other loop reads is then a variable and needs no array.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codegen.passes.materialise import is_whole
from codegen.program import (
    Accumulate,
    Add,
    Apply,
    Assign,
    Block,
    Divide,
    Expression,
    Load,
    Loop,
    Maximum,
    Multiply,
    Power,
    Program,
    RowsTimes,
    Unit,
    Where,
    loads,
    nodes,
    operands,
    statements,
)
from codegen.program.statements import Steps
from codegen.sizes import entries_of

_ENTRYWISE = Add | Multiply | Divide | Power | Apply | Where | Maximum


@dataclass(frozen=True)
class Entries:
    """Statements in one loop over the entries of a row; some of their targets are variables."""

    axes: tuple[str, ...]
    body: tuple[Assign, ...]


@dataclass(frozen=True)
class Whole:
    """A statement that is computed from a whole row."""

    statement: Assign


@dataclass(frozen=True)
class RowLoop:
    """What is done row by row."""

    parts: tuple[Entries | Whole, ...]
    steps: Steps


@dataclass(frozen=True)
class Product:
    """Rows times a matrix, for all rows."""

    statement: Assign


@dataclass(frozen=True)
class Sum:
    """A sum over all rows."""

    statement: Accumulate


Item = RowLoop | Product | Sum


def product_of(value: Expression) -> RowsTimes | None:
    """Return the product that a value consists of, but for a bias."""
    first = value.terms[0][1] if isinstance(value, Add) else value
    return first if isinstance(first, RowsTimes) and is_whole(first) else None


def items(program: Program, block: Block) -> list[Item]:
    """Return what a block consists of, in order."""
    found: list[Item] = []
    waiting: list[Assign] = []

    def flush() -> None:
        if waiting:
            found.append(RowLoop(tuple(_parts(program, waiting)), waiting[0].steps))
            waiting.clear()

    for statement in block.body:
        if isinstance(statement, Accumulate):
            flush()
            found.append(Sum(statement))
        elif product_of(statement.value) is not None:
            flush()
            found.append(Product(statement))
        else:
            is_loop = isinstance(block, Loop)
            if not all(_share_a_row(program, one, statement, is_loop) for one in waiting):
                flush()
            waiting.append(statement)
    flush()
    return found


def _share_a_row(program: Program, first: Assign, second: Assign, is_loop: bool) -> bool:
    """Tell whether two statements read of each other nothing but their own row."""
    if first.steps != second.steps:
        return False
    return is_loop or not any(
        load.shift
        for reader, writer in ((first, second), (second, first))
        for load in _overlapping(program, reader.value, writer.target)
    )


def _overlapping(program: Program, value: Expression, target: str) -> list[Load]:
    own = set(program.members(target))
    return [load for load in loads(value) if own & set(program.members(load.name))]


def _parts(program: Program, body: Sequence[Assign]) -> Iterator[Entries | Whole]:
    group: list[Assign] = []
    for statement in body:
        is_entrywise = not is_whole(statement.value)
        if group and not (is_entrywise and _joins(program, group, statement)):
            yield Entries(program.target_axes(group[0].target), tuple(group))
            group = []
        if is_entrywise:
            group.append(statement)
        else:
            yield Whole(statement)
    if group:
        yield Entries(program.target_axes(group[0].target), tuple(group))


def _joins(program: Program, group: Sequence[Assign], statement: Assign) -> bool:
    """Tell whether a statement can be done for one entry directly after the others."""
    axes = program.target_axes(statement.target)
    if not _same_axes(program.target_axes(group[0].target), axes):
        return False
    return all(
        _is_aligned(program, reader, writer.target, axes)
        for one in group
        for reader, writer in ((one, statement), (statement, one))
    ) and not any(_has_unit(one) for one in group)


def _has_unit(statement: Assign) -> bool:
    return any(isinstance(node, Unit) for node in nodes(statement.value))


def _same_axes(first: Sequence[str], second: Sequence[str]) -> bool:
    return len(first) == len(second) and all(
        entries_of((one,)) == entries_of((other,)) for one, other in zip(first, second, strict=True)
    )


def _is_aligned(program: Program, reader: Assign, target: str, axes: Sequence[str]) -> bool:
    """Tell whether a statement reads, of what is written, its own entry and nothing else."""
    own = set(program.members(target))
    aligned = set(map(id, _aligned(reader.value)))
    for load in loads(reader.value):
        if load.shift or not own & set(program.members(load.name)):
            continue
        if load.name != target or id(load) not in aligned:
            return False
        if not _same_axes(program.target_axes(load.name), axes):
            return False
    return reader.target == target or not own & set(program.members(reader.target))


def _aligned(value: Expression) -> Iterator[Load]:
    """Yield the quantities of which an entry reads the same entry."""
    if isinstance(value, Load):
        yield value
    elif isinstance(value, _ENTRYWISE):
        for operand in operands(value):
            yield from _aligned(operand)


def variables(program: Program) -> frozenset[str]:
    """Return the quantities that are read by the loop over entries that computes them, alone."""
    everything = (*statements(program.forward), *program.backward_statements)
    writes = Counter(statement.target for statement in everything)
    reads = Counter(load.name for statement in everything for load in loads(statement.value))
    stored = {
        name
        for stack in program.stacks
        for name in (stack.name, *stack.members)
        if stack.of == "arrays"
    }
    results = {target for _, target in program.gradients}
    return frozenset(
        statement.target
        for block in (*program.forward, *program.backward)
        for item in items(program, block)
        if isinstance(item, RowLoop)
        for part in item.parts
        if isinstance(part, Entries)
        for statement in part.body
        if statement.target not in stored | results
        and writes[statement.target] == 1
        and 0 < reads[statement.target] == _own_reads(part, statement.target)
        and not (statement.adds or _has_unit(statement))
    )


def _own_reads(part: Entries, name: str) -> int:
    own = [load for s in part.body for load in _aligned(s.value) if load.name == name]
    return sum(not load.shift for load in own)


__all__ = [
    "Entries",
    "Item",
    "Product",
    "RowLoop",
    "Sum",
    "Whole",
    "items",
    "product_of",
    "variables",
]
