"""Program → Program in which only what depends on itself through time stays in a loop.

Statements form a graph: one needs another if it reads what the other writes. Those on a common
cycle stay in a loop together; every other statement is done for all steps at once, as one product
over T · B rows where it multiplies (Kennedy and McKinley, Loop distribution with arbitrary control
flow, 1990). Before that, the terms of a recurrent sum that are not recurrent are taken out of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from codegen.program import (
    Accumulate,
    Add,
    AllSteps,
    Assign,
    Block,
    Expression,
    LastStep,
    Load,
    Loop,
    Multiply,
    Program,
    Statement,
    loads,
)


def distribute(program: Program) -> Program:
    """Return the program with its loops distributed."""
    return replace(
        program,
        forward=tuple(_merged(b for block in program.forward for b in _distributed(block))),
        backward=tuple(_merged(b for block in program.backward for b in _distributed(block))),
    )


def _distributed(block: Block) -> list[Block]:
    if isinstance(block, AllSteps | LastStep):
        return [block]
    statements = _hoisted(block.body)
    groups = _components(statements)
    return [
        Loop(tuple(group), block.backward)
        if _is_recurrent(group, statements)
        else AllSteps(tuple(group))
        for group in groups
    ]


def _hoisted(statements: Sequence[Statement]) -> list[Statement]:
    """Split a recurrent sum: assign what is known beforehand, add the recurrent terms.

    A sum may stand under factors, u ⊙ (v + w); it is then multiplied by them where it is complete.
    """
    found: list[Statement] = []
    for statement in statements:
        recurrent = _recurrent_arrays(statement, statements)
        split = _split(statement.value, recurrent)
        if not isinstance(statement, Assign) or statement.steps != "every" or split is None:
            found.append(statement)
            continue
        outside, inside, factors = split
        found.append(replace(statement, value=_sum(outside)))
        found.append(replace(statement, value=_sum(inside), adds=True))
        if factors:
            scaled = Multiply((*factors, Load(statement.target)))
            found.append(replace(statement, value=scaled))
    return found


Terms = list[tuple[int, Expression]]


def _split(
    value: Expression, recurrent: frozenset[str]
) -> tuple[Terms, Terms, tuple[Expression, ...]] | None:
    """Return the terms of a sum that are known beforehand, the others, and factors around it."""
    factors: tuple[Expression, ...] = ()
    if isinstance(value, Multiply):
        sums = [factor for factor in value.factors if isinstance(factor, Add)]
        mixed = [s for s in sums if _reads(s, recurrent)]
        factors = tuple(factor for factor in value.factors if factor not in mixed)
        if len(mixed) != 1 or any(_reads(factor, recurrent) for factor in factors):
            return None
        value = mixed[0]
    if not isinstance(value, Add):
        return None
    outside = [term for term in value.terms if not _reads(term[1], recurrent)]
    inside = [term for term in value.terms if _reads(term[1], recurrent)]
    return (outside, inside, factors) if outside and inside else None


def _sum(terms: Sequence[tuple[int, Expression]]) -> Expression:
    return terms[0][1] if len(terms) == 1 and terms[0][0] == 1 else Add(tuple(terms))


def _reads(expression: Expression, arrays: frozenset[str]) -> bool:
    return any(load.name in arrays for load in loads(expression))


def _recurrent_arrays(statement: Statement, statements: Sequence[Statement]) -> frozenset[str]:
    """Return the arrays on a common cycle with what a statement writes."""
    after = _reachable(statement.target, statements)
    if statement.target not in after:
        return frozenset()
    return frozenset(name for name in after if statement.target in _reachable(name, statements))


def _reachable(name: str, statements: Sequence[Statement]) -> set[str]:
    """Return the arrays that are computed, directly or not, from an array."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        for statement in statements:
            reads = {load.name for load in loads(statement.value)}
            if current in reads and statement.target not in found:
                found.add(statement.target)
                waiting.append(statement.target)
    return found


def _components(statements: Sequence[Statement]) -> list[list[Statement]]:
    """Return the groups that must stay together, each after what it needs."""
    needs = [_needed(i, statements) for i in range(len(statements))]
    closure = [set(need) for need in needs]
    for middle in range(len(statements)):
        for need in closure:
            if middle in need:
                need |= closure[middle]
    waiting = list(range(len(statements)))
    groups: list[list[Statement]] = []
    while waiting:
        first = next(
            i for i in waiting if not any(j in waiting and i not in closure[j] for j in closure[i])
        )
        group = [i for i in waiting if i == first or (i in closure[first] and first in closure[i])]
        groups.append([statements[i] for i in group])
        waiting = [i for i in waiting if i not in group]
    return groups


def _needed(position: int, statements: Sequence[Statement]) -> set[int]:
    """Return the positions of the statements whose results one statement needs."""
    statement = statements[position]
    needed = set()
    for load in loads(statement.value):
        writers = [i for i, other in enumerate(statements) if other.target == load.name]
        needed |= set(writers[-1:])
    needed |= {i for i, s in enumerate(statements[:position]) if s.target == statement.target}
    return needed


def _is_recurrent(group: Sequence[Statement], statements: Sequence[Statement]) -> bool:
    if isinstance(group[0], Accumulate):
        return False
    return len(group) > 1 or bool({load.name for load in loads(group[0].value)} & {group[0].target})


def _merged(blocks: Iterable[Block]) -> list[Block]:
    """Join neighbours of one kind; what is done for all steps goes as early as it may."""
    merged: list[Block] = []
    for block in blocks:
        if merged and isinstance(block, AllSteps) and isinstance(merged[-1], AllSteps):
            merged[-1] = AllSteps((*merged[-1].body, *block.body))
        else:
            merged.append(block)
    return merged


__all__ = ["distribute"]
