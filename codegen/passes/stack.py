"""Program → Program in which statements that do the same with different weights are one.

The four gates of an LSTM multiply the same rows: their weights are put together once, their
arrays lie side by side, and one product, one sigmoid and one gradient serve them all. The arrays
keep their names, as views; which statements can be joined is found in `lanes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from keyword import iskeyword

from codegen.passes.lanes import Group, Lane, groups, order
from codegen.passes.rewrite import rewrite
from codegen.program import (
    Accumulate,
    Add,
    Array,
    Block,
    Expression,
    Load,
    Outer,
    Program,
    RowsTimes,
    Stack,
    Statement,
    Weight,
    loads,
    nodes,
    operands,
    with_operands,
)
from codegen.sizes import sum_of_sizes
from derivations.reading.checks import RESERVED


def stack(program: Program) -> Program:
    """Return the program with its lanes joined."""
    found, lanes = groups(program)
    return _Stacking(program, lanes, order(lanes, found), found).stacked()


def stack_products(program: Program) -> Program:
    """Return the program with only the products of its lanes joined, and sums over all rows.

    Where a loop over the entries costs nothing but its work, what is done entry by entry is better
    left apart: one loop then does all of it for one entry after another.
    """
    found, lanes = groups(program)
    chosen = [group for group in found if any(map(_is_product, group.statements))]
    return _Stacking(program, lanes, order(lanes, found), chosen).stacked()


def _is_product(statement: Statement) -> bool:
    is_sum = isinstance(statement, Accumulate)
    return is_sum or any(isinstance(node, RowsTimes) for node in nodes(statement.value))


@dataclass(frozen=True)
class _Kind:
    """What lies side by side: its names in the order of the lanes."""

    name: str
    names: tuple[str, ...]


class _Stacking:
    def __init__(
        self,
        program: Program,
        lanes: Mapping[str, Lane],
        orders: Mapping[int, Sequence[int]],
        found: Sequence[Group],
    ) -> None:
        self._program = program
        self._lanes = lanes
        self._place = {
            (bundle, number): place
            for bundle, numbers in orders.items()
            for place, number in enumerate(numbers)
        }
        self._given: dict[str, tuple[str, ...]] = {}
        self._kinds: dict[str, _Kind] = {}
        for kind in dict.fromkeys(lane.kind for lane in lanes.values()):
            names = sorted((n for n, lane in lanes.items() if lane.kind == kind), key=self._at)
            self._kinds[kind] = _Kind(self._fresh(names), tuple(names))
        self._used: dict[tuple[str, ...], str] = {}
        self._groups: list[Group] = []
        for group in map(self._ordered, found):
            if self._is_possible(group) and self._leaves_an_order([*self._groups, group]):
                self._groups.append(group)

    def _at(self, name: str) -> int:
        lane = self._lanes[name]
        return self._place[lane.bundle, lane.number]

    def _ordered(self, group: Group) -> Group:
        return Group(tuple(sorted(group.statements, key=lambda s: self._at(s.target))))

    def _is_possible(self, group: Group) -> bool:
        """Tell whether everything in a group stands together, in the order of its lanes."""
        return all(self._run(column) is not None for column in _columns(group.statements))

    def _run(self, names: Sequence[str]) -> str | None:
        """Return the name of neighbours; None where they are none."""
        kind = self._kinds[self._lanes[names[0]].kind]
        if names[0] not in kind.names:
            return None
        start = kind.names.index(names[0])
        if kind.names[start : start + len(names)] != tuple(names):
            return None
        return kind.name if len(names) == len(kind.names) else self._fresh(names)

    def _fresh(self, names: Sequence[str]) -> str:
        """Return one name for several, which nothing else has."""
        name = _joined(names)
        while (
            name in self._program.names | RESERVED
            or iskeyword(name)
            or self._given.setdefault(name, tuple(names)) != tuple(names)
        ):
            name += "_stack"
        return name

    def _leaves_an_order(self, groups: Sequence[Group]) -> bool:
        """Tell whether, with some groups joined, no statement needs what comes after it."""
        blocks = (*self._program.forward, *self._program.backward)
        return all(_units(block, groups) is not None for block in blocks)

    def _name(self, names: Sequence[str]) -> str:
        name = self._run(names)
        assert name is not None
        self._used[tuple(names)] = name
        return name

    def stacked(self) -> Program:
        if not self._groups:
            return self._program
        program = replace(
            self._program,
            forward=tuple(map(self._block, self._program.forward)),
            backward=tuple(map(self._block, self._program.backward)),
            initial=tuple(
                (replace(s, value=rewrite(s.value, self._gathered)), step)
                for s, step in self._program.initial
            ),
        )
        stacks, arrays = self._storage()
        return replace(program, stacks=stacks, arrays=arrays)

    # Statements

    def _block(self, block: Block) -> Block:
        """Join the groups of a block; whatever a statement needs of its step stands before it."""
        units = _units(block, self._groups)
        assert units is not None
        body = [self._merged(unit) if len(unit) > 1 else unit[0] for unit in units]
        gathered = (replace(s, value=rewrite(s.value, self._gathered)) for s in body)
        return replace(block, body=tuple(gathered))

    def _merged(self, unit: Sequence[Statement]) -> Statement:
        first, *others = unit
        target, *names = (self._name(column) for column in _columns(unit))
        also = tuple(sorted(other.equation for other in others))
        return replace(first, target=target, value=_renamed(first.value, iter(names)), also=also)

    def _gathered(self, node: Expression) -> Expression:
        """Make one product of Σ Wᵀ δ over neighbours."""
        if not isinstance(node, Add):
            return node
        alike: dict[object, list[tuple[str, str, int]]] = {}
        for position, (sign, term) in enumerate(node.terms):
            match term:
                case RowsTimes(rows=Load() as rows, transposed=False) if sign == 1:
                    lane, other = self._lanes.get(rows.name), self._lanes.get(term.weight)
                    if lane and other and lane.number == other.number:
                        key = (lane.kind, other.kind, rows.shift, term.start, term.stop)
                        alike.setdefault(key, []).append((rows.name, term.weight, position))
        terms: list[tuple[int, Expression] | None] = list(node.terms)
        for members in alike.values():
            members.sort(key=lambda member: self._at(member[0]))
            read, weights, positions = (tuple(column) for column in zip(*members, strict=True))
            if len(members) < 2 or self._run(read) is None or self._run(weights) is None:
                continue
            first = node.terms[positions[0]][1]
            assert isinstance(first, RowsTimes)
            together = _renamed(first.rows, iter([self._name(read)]))
            product = replace(first, rows=together, weight=self._name(weights))
            for position in positions:
                terms[position] = None
            terms[min(positions)] = (1, product)
        kept = tuple(term for term in terms if term is not None)
        return kept[0][1] if len(kept) == 1 and kept[0][0] == 1 else Add(kept)

    # Storage

    def _storage(self) -> tuple[tuple[Stack, ...], tuple[Array, ...]]:
        """Return what lies side by side, and the arrays with those that are parts of others."""
        weights = dict(self._program.parameters)
        arrays = {array.name: array for array in self._program.arrays}
        stacks: list[Stack] = []
        stored: dict[str, Array] = {}
        for names, name in self._used.items():
            if names[0] in weights:
                stacks.append(Stack(name, names, "weights"))
            elif names[0] not in arrays:
                stacks.append(Stack(name, names, "gradients"))
            else:
                kind = self._kinds[self._lanes[names[0]].kind]
                if kind.name not in stored:
                    stored[kind.name] = _side_by_side(kind, [arrays[n] for n in kind.names])
                    for member in kind.names:
                        stored[member] = _part(stored[kind.name], kind, (member,), arrays)
                if name not in stored:
                    stored[name] = replace(_part(stored[kind.name], kind, names, arrays), name=name)
                stacks.append(Stack(name, names, "arrays"))
        others = [array for array in self._program.arrays if array.name not in stored]
        return tuple(stacks), (*others, *stored.values())


def _units(block: Block, groups: Iterable[Group]) -> list[tuple[Statement, ...]] | None:
    """Return statements and groups of a block, each after what it needs of its own step.

    None if there is no such order: if statements of a group need each other, by whatever way.
    """
    group_of = {id(s): group.statements for group in groups for s in group.statements}
    found = {id(one[0]): one for s in block.body for one in [group_of.get(id(s), (s,))]}
    units = list(found.values())
    writers: dict[str, list[int]] = {}
    for position, unit in enumerate(units):
        for statement in unit:
            writers.setdefault(statement.target, []).append(position)
    needs = [
        {
            *(
                writer
                for statement in unit
                for load in loads(statement.value)
                if load.shift == 0
                for writer in writers.get(load.name, ())
            ),
            *(w for statement in unit for w in writers[statement.target] if w < position),
        }
        for position, unit in enumerate(units)
    ]
    placed: list[int] = []
    waiting = list(range(len(units)))
    while waiting:
        following = next((i for i in waiting if needs[i] <= set(placed)), None)
        if following is None:
            return None
        placed.append(following)
        waiting.remove(following)
    return [units[i] for i in placed]


def _columns(statements: Sequence[Statement]) -> Iterable[tuple[str, ...]]:
    """Yield the names that are joined, from the target on."""
    rows = [(s.target, *_names(s.value)) for s in statements]
    yield from zip(*rows, strict=True)


def _names(value: Expression) -> Iterable[str]:
    match value:
        case Load() | Weight():
            yield value.name
        case RowsTimes():
            yield value.weight
        case Outer():
            yield from _names(value.left)
        case _:
            for operand in operands(value):
                yield from _names(operand)


def _renamed(value: Expression, names: Iterator[str]) -> Expression:
    """Return an expression with other names, which come in the order of `_names`."""
    match value:
        case Load():
            return replace(value, name=next(names))
        case Weight():
            return Weight(next(names))
        case RowsTimes():
            return replace(value, weight=next(names))
        case Outer():
            return replace(value, left=_renamed(value.left, names))
    return with_operands(value, {i: _renamed(o, names) for i, o in enumerate(operands(value))})


def _side_by_side(kind: _Kind, members: Sequence[Array]) -> Array:
    """Return the array that holds others: as much room before and behind as any of them needs."""
    return replace(
        members[0],
        name=kind.name,
        axes=(sum_of_sizes([member.axes[0] for member in members]),),
        before=max(member.before for member in members),
        after=max(member.after for member in members),
        starts_at_zero=any(member.starts_at_zero for member in members),
        reads_before=any(member.reads_before for member in members),
    )


def _part(whole: Array, kind: _Kind, names: Sequence[str], arrays: Mapping[str, Array]) -> Array:
    sizes = [arrays[name].axes[0] for name in kind.names]
    first = kind.names.index(names[0])
    last = first + len(names)
    return replace(
        whole,
        name=names[0],
        axes=(sum_of_sizes(sizes[first:last]),),
        within=whole.name,
        start=sum_of_sizes(sizes[:first]) if first else "",
        stop=sum_of_sizes(sizes[:last]) if last < len(sizes) else "",
    )


def _joined(names: Sequence[str]) -> str:
    """Return one name for several: what differs between them is put together.

    Examples
    --------
    >>> _joined(["delta_a_i", "delta_a_f"]), _joined(["i", "f", "o"]), _joined(["W_i1", "W_f1"])
    ('delta_a_if', 'ifo', 'W_i1_f1')
    """
    words = [name.split("_") for name in names]
    differing = [i for i in range(len(words[0])) if len({tuple(w[i : i + 1]) for w in words}) > 1]
    if len({len(word) for word in words}) > 1 or len(differing) != 1:
        return "_".join(names)
    own = [word[differing[0]] for word in words]
    words[0][differing[0]] = ("" if all(len(one) == 1 for one in own) else "_").join(own)
    return "_".join(words[0])


__all__ = ["stack", "stack_products"]
