"""Program → Program in which only what depends on itself through time stays in a loop.

Statements form a graph: one needs another if it reads what the other writes. Those on a common
cycle stay in a loop together; every other statement is done for all steps at once, as one product
over T · B rows where it multiplies (Kennedy and McKinley, Loop distribution with arbitrary control
flow, 1990). Before that, the terms of a recurrent sum that are not recurrent are taken out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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

#: The arrays that an array holds: itself, or those that stand in it.
Members = Callable[[str], tuple[str, ...]]


def distribute(program: Program) -> Program:
    """Return the program with its loops distributed."""

    def blocks(found: Sequence[Block]) -> tuple[Block, ...]:
        apart = (part for block in found for part in _distributed(block, program.members))
        return tuple(_merged(apart))

    return replace(program, forward=blocks(program.forward), backward=blocks(program.backward))


def _distributed(block: Block, members: Members) -> list[Block]:
    if isinstance(block, AllSteps | LastStep):
        return [block]
    statements = _hoisted(block.body, members)
    return [
        Loop(tuple(group), block.backward)
        if _is_recurrent(group, members)
        else AllSteps(tuple(group))
        for group in _components(statements, members)
    ]


def _hoisted(statements: Sequence[Statement], members: Members) -> list[Statement]:
    """Split a recurrent sum: assign what is known beforehand, add the recurrent terms.

    A sum may stand under factors, u ⊙ (v + w); it is then multiplied by them where it is complete.
    """
    found: list[Statement] = []
    circles = _circles(statements, members)
    for statement in statements:
        recurrent = {n for own in members(statement.target) for n in circles.get(own, ())}
        split = _split(statement.value, recurrent, members)
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
    value: Expression, recurrent: Collection[str], members: Members
) -> tuple[Terms, Terms, tuple[Expression, ...]] | None:
    """Return the terms of a sum that are known beforehand, the others, and factors around it."""
    factors: tuple[Expression, ...] = ()
    if isinstance(value, Multiply):
        sums = [factor for factor in value.factors if isinstance(factor, Add)]
        mixed = [s for s in sums if _reads(s, recurrent, members)]
        factors = tuple(factor for factor in value.factors if factor not in mixed)
        if len(mixed) != 1 or any(_reads(factor, recurrent, members) for factor in factors):
            return None
        value = mixed[0]
    if not isinstance(value, Add):
        return None
    outside = [term for term in value.terms if not _reads(term[1], recurrent, members)]
    inside = [term for term in value.terms if _reads(term[1], recurrent, members)]
    return (outside, inside, factors) if outside and inside else None


def _sum(terms: Sequence[tuple[int, Expression]]) -> Expression:
    return terms[0][1] if len(terms) == 1 and terms[0][0] == 1 else Add(tuple(terms))


def _reads(expression: Expression, arrays: Collection[str], members: Members) -> bool:
    return any(name in arrays for load in loads(expression) for name in members(load.name))


def _circles(statements: Sequence[Statement], members: Members) -> dict[str, frozenset[str]]:
    """Return, for what depends on itself through time, the arrays on a common cycle with it."""
    users: dict[str, set[str]] = {}
    for statement in statements:
        for load in loads(statement.value):
            for name in members(load.name):
                users.setdefault(name, set()).update(members(statement.target))
    targets = {name for statement in statements for name in members(statement.target)}
    after = {name: _reachable(name, users) for name in targets}
    return {
        name: frozenset(other for other in found if name in after.get(other, ()))
        for name, found in after.items()
        if name in found
    }


def _reachable(name: str, users: Mapping[str, set[str]]) -> set[str]:
    """Return the arrays that are computed, directly or not, from an array."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for user in users.get(waiting.pop(), set()) - found:
            found.add(user)
            waiting.append(user)
    return found


def _components(statements: Sequence[Statement], members: Members) -> list[list[Statement]]:
    """Return the groups that must stay together, each after what it needs."""
    needs = _needs(statements, members)
    closure = [set(need) for need in needs]
    for middle in range(len(statements)):
        for need in closure:
            if middle in need:
                need |= closure[middle]
    waiting = list(range(len(statements)))
    groups: list[list[Statement]] = []
    while waiting:
        left = set(waiting)
        first = next(i for i in waiting if not any(i not in closure[j] for j in closure[i] & left))
        group = [i for i in waiting if i == first or (i in closure[first] and first in closure[i])]
        groups.append([statements[i] for i in group])
        waiting = [i for i in waiting if i not in group]
    return groups


def _needs(statements: Sequence[Statement], members: Members) -> list[set[int]]:
    """Return, for every statement, the positions of those whose results it needs."""
    writers: dict[str, list[int]] = {}
    for position, statement in enumerate(statements):
        for name in members(statement.target):
            writers.setdefault(name, []).append(position)
    return [
        {
            *(
                writers[name][-1]
                for load in loads(statement.value)
                for name in members(load.name)
                if name in writers
            ),
            *(
                other
                for name in members(statement.target)
                for other in writers[name]
                if other < position
            ),
        }
        for position, statement in enumerate(statements)
    ]


def _is_recurrent(group: Sequence[Statement], members: Members) -> bool:
    if isinstance(group[0], Accumulate):
        return False
    read = {name for load in loads(group[0].value) for name in members(load.name)}
    return len(group) > 1 or bool(read & set(members(group[0].target)))


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
