"""What lies in the workspace, and what is put there before and behind the loops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from codegen.passes.materialise import is_whole
from codegen.program import (
    Array,
    Program,
    RowsTimes,
    Stack,
    Statement,
    Weight,
    is_summed_once,
    nodes,
    statements,
)
from codegen.sizes import sum_of_sizes
from codegen.storage import name_at, steps_beyond
from codegen.targets.c.names import c_name, product, size
from codegen.targets.c.packing import Packed

BEYOND = "/* What lies beyond the steps is multiplied by zero alone. */"


def arrays(
    program: Program, variables: frozenset[str], matrices: Sequence[Packed]
) -> Iterator[tuple[str, str]]:
    """Yield what lies in the workspace, with the number of its entries."""
    for array in (*stored(program, variables), *_copied(program)):
        axes = [] if array.at_last_only else [_steps(array)]
        yield c_name(array.name), product(*axes, "B", *map(size, array.axes))
    every = (*statements(program.forward), *program.backward_statements)
    for stack in _stacks_read(program, every):
        yield c_name(stack.name), _count(program.weight_axes(stack.name))
    for stack in _gradient_stacks(program):
        yield c_name(stack.name), _count(program.target_axes(stack.name))
    for matrix in matrices:
        yield matrix.name, f"packed_size({matrix.depth}, {matrix.width})"


def _count(axes: Sequence[str]) -> str:
    """Return the product of some sizes, equal ones among their terms counted."""
    return product(*(size(sum_of_sizes(axis.split(" + "))) for axis in axes))


def stored(program: Program, variables: frozenset[str]) -> list[Array]:
    """Return the arrays that need a place: no parts of others, no variables, no results."""
    results = {target for _, target in program.gradients}
    return [
        array
        for array in program.arrays
        if array.role != "data"
        and array.within in ("", array.name)
        and array.name not in variables | results
    ]


def _copied(program: Program) -> list[Array]:
    """Return the data that is read beyond the ends."""
    return [a for a in program.arrays if a.role == "data" and (a.before or a.after)]


def _steps(array: Array) -> str:
    more = array.before + array.after
    return f"T + {more}" if more else "T"


# Weights and gradients that lie below each other


def _gradient_stacks(program: Program) -> list[Stack]:
    return [stack for stack in program.stacks if stack.of == "gradients"]


def _stacks_read(program: Program, found: Iterable[Statement]) -> list[Stack]:
    """Return the stacks of weights that are read entry by entry, and so must lie together."""
    found = list(found)
    return [
        stack
        for stack in program.stacks
        if stack.of == "weights" and any(_reads_entries(s, stack.name) for s in found)
    ]


def _reads_entries(statement: Statement, weight: str) -> bool:
    return any(
        (isinstance(node, Weight) and node.name == weight)
        or (isinstance(node, RowsTimes) and node.weight == weight and not is_whole(node))
        for node in nodes(statement.value)
    )


def stacked_weights(program: Program, found: Iterable[Statement]) -> Iterator[str]:
    """Yield the lines that put weights below each other which some statements read."""
    for stack in _stacks_read(program, found):
        parts = _parts(program, stack, stack.members)
        for member, (count, place) in zip(stack.members, parts, strict=True):
            yield f"copy(self, {count}, params->{c_name(member)}, {place});"


def unstacked_gradients(program: Program) -> Iterator[str]:
    """Yield the lines that hand out gradients which were computed below each other."""
    names = {target: name for name, target in program.gradients}
    for stack in _gradient_stacks(program):
        members = [names[member] for member in stack.members]
        parts = _parts(program, stack, members)
        for member, (count, place) in zip(members, parts, strict=True):
            yield f"copy(self, {count}, {place}, gradients->{c_name(member)});"


def _parts(program: Program, stack: Stack, members: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the number of entries of every member of a stack, and the pointer to them."""
    axes = dict(program.parameters)
    for number, member in enumerate(members):
        before = " + ".join(product(*map(size, axes[one])) for one in members[:number])
        place = f"at.{c_name(stack.name)}"
        yield product(*map(size, axes[member])), f"{place} + {before}" if before else place


# Before the blocks and behind them


def copied_data(program: Program) -> Iterator[str]:
    """Yield the lines that lengthen data which is read beyond the ends."""
    for array in _copied(program):
        row, place = _row(array), _Place(array)
        given = f"data->{c_name(array.name)}"
        last = f"{given} + {product('T - 1', row)}"
        yield BEYOND
        yield f"copy(self, {product('T', row)}, {given}, {place.at(1)});"
        for number in range(array.before):
            yield f"copy(self, {row}, {given}, {place.at(-number)});"
        for number in range(array.after):
            yield f"copy(self, {row}, {last}, {place.behind(number + 1)});"


def given_values(program: Program, variables: frozenset[str]) -> Iterator[str]:
    """Yield the lines that set values before the first step and behind the last one."""
    for array in _values(program, variables):
        place = _Place(array)
        for distance in array.given:
            target = place.behind(distance) if distance > 0 else place.at(distance)
            yield f"copy(self, {_row(array)}, data->{name_at(array.name, distance)}, {target});"
        if array.starts_at_zero:
            yield from _zero_ends(array)


def copies_beyond(program: Program, variables: frozenset[str]) -> list[str]:
    """Return the lines that fill steps beyond the ends, where only a zero multiplies them."""
    lines = []
    for array in _values(program, variables):
        if array.starts_at_zero:
            continue
        row, place = _row(array), _Place(array)
        ahead, behind = steps_beyond(array)
        for distance in behind:
            lines.append(f"copy(self, {row}, {place.behind(0)}, {place.behind(distance)});")
        for distance in ahead:
            lines.append(f"copy(self, {row}, {place.at(1)}, {place.at(distance)});")
    return [BEYOND, *lines] if lines else []


def zero_adjoints(program: Program, variables: frozenset[str]) -> Iterator[str]:
    """Yield the lines that set adjoints beyond the ends."""
    for array in stored(program, variables):
        if array.role == "adjoint" and not array.at_last_only and array.starts_at_zero:
            yield from _zero_ends(array)


def _values(program: Program, variables: frozenset[str]) -> list[Array]:
    found = stored(program, variables)
    return [array for array in found if array.role == "value" and not array.at_last_only]


def _zero_ends(array: Array) -> Iterator[str]:
    row, place = _row(array), _Place(array)
    if array.before:
        yield f"fill(self, {product(str(array.before), row)}, 0, {place.at(1 - array.before)});"
    if array.after:
        yield f"fill(self, {product(str(array.after), row)}, 0, {place.behind(1)});"


def _row(array: Array) -> str:
    return product("B", *map(size, array.axes))


class _Place:
    """Pointers to the steps of an array."""

    def __init__(self, array: Array) -> None:
        self._array = array

    def at(self, step: int) -> str:
        """Return the pointer to a step that is counted from the first one, which is 1."""
        return self._pointer(str(step + self._array.before - 1))

    def behind(self, distance: int) -> str:
        """Return the pointer to a step that is counted from the last one, which is 0."""
        offset = distance + self._array.before - 1
        return self._pointer(f"T {'+' if offset > 0 else '-'} {abs(offset)}" if offset else "T")

    def _pointer(self, step: str) -> str:
        name = f"at.{c_name(self._array.name)}"
        return name if step == "0" else f"{name} + {product(step, _row(self._array))}"


# Sums


def summed_once(program: Program) -> frozenset[str]:
    """Return the gradients that one statement outside of all loops computes."""
    targets = {statement.target for statement in statements(program.backward)}
    return frozenset(t for t in targets if is_summed_once(program.backward, t))


def zero_sums(program: Program) -> Iterator[str]:
    """Yield the lines that begin the sums to which several statements add."""
    stacks = _gradient_stacks(program)
    members = {member for stack in stacks for member in stack.members}
    once = summed_once(program)
    targets = dict(program.gradients)
    for name, axes in program.parameters:
        if name in targets and targets[name] not in once | members:
            yield f"fill(self, {product(*map(size, axes))}, 0, gradients->{c_name(name)});"
    for stack in stacks:
        if stack.name not in once:
            axes = program.target_axes(stack.name)
            yield f"fill(self, {product(*map(size, axes))}, 0, at.{c_name(stack.name)});"
