"""Which statements do the same with different weights, and could be one: the gates of an LSTM.

Statements with the same structure are lanes of one wide statement. It begins with products that
share their rows, W_i x + U_i h and W_f x + U_f h; their weights, and so the gradients of these, the
arrays that hold them, and what is computed from these arrays entry by entry are lanes, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from codegen.program import (
    Accumulate,
    Add,
    Apply,
    Array,
    Assign,
    Block,
    Divide,
    Expression,
    Load,
    Maximum,
    Multiply,
    Number,
    Outer,
    Power,
    Program,
    RowsTimes,
    Statement,
    Total,
    Weight,
    Where,
    operands,
)

_ENTRYWISE = (Add, Multiply, Divide, Power, Apply, Where, Maximum)


@dataclass(frozen=True)
class Lane:
    """Where an array, a weight or a gradient stands beside its like.

    Attributes
    ----------
    bundle : int
        Which bundle of lanes.
    number : int
        Which lane of it.
    kind : str
        The name of the first of its like: what has one kind is stored side by side.
    """

    bundle: int
    number: int
    kind: str


@dataclass(frozen=True)
class Group:
    """Statements that become one, in the order of their lanes."""

    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class _Form:
    """The structure of a statement, and the names that fill it, from left to right."""

    structure: tuple[object, ...]
    names: tuple[str, ...]


#: Statements that may be lanes of one, with their structures.
Members = list[tuple[Statement, _Form]]


def groups(program: Program) -> tuple[tuple[Group, ...], Mapping[str, Lane]]:
    """Return the statements of a program that can be done in one, and the lane of every name."""
    finder = _Finder(program)
    finder.anchor()
    while finder.spread():
        pass
    return tuple(finder.found()), finder.lanes


class _Finder:
    def __init__(self, program: Program) -> None:
        self.lanes: dict[str, Lane] = {}
        self._bundles = 0
        written: dict[str, int] = {}
        blocks: Sequence[Block] = (*program.forward, *program.backward)
        for block in blocks:
            for statement in block.body:
                written[statement.target] = written.get(statement.target, 0) + 1
        stored = {array.name for array in program.arrays if _can_be_a_lane(array)}
        self._gradients = {name: dict(program.gradients)[name] for name, _ in program.parameters}
        self._arrays = {array.name for array in program.arrays}
        gradients = set(self._gradients.values())
        usable = stored | self._gradients.keys()
        self._forms: list[tuple[int, Statement, _Form]] = []
        for number, block in enumerate(blocks):
            for statement in block.body:
                form = _form(statement)
                if (
                    form is not None
                    and written[statement.target] == 1
                    and statement.target in stored | gradients
                    and all(name in usable for name in form.names)
                ):
                    self._forms.append((number, statement, form))

    def anchor(self) -> None:
        """Bundle statements that name weights alone: they share the rows that they multiply."""
        for members in self._alike(lambda form: ()):
            forms = [form for _, form in members]
            is_anchor = all(name not in self._arrays for form in forms for name in form.names)
            if len(members) < 2 or not is_anchor or not forms[0].names:
                continue
            names = [(s.target, *form.names) for s, form in members]
            self._bundle(names)

    def _bundle(self, names: Sequence[tuple[str, ...]]) -> None:
        """Make lanes of names, those of one statement in one; the gradients of weights follow."""
        columns = list(dict.fromkeys(zip(*names, strict=True)))  # a weight may stand twice
        flat = [name for column in columns for name in column]
        if len(set(flat)) < len(flat) or any(name in self.lanes for name in flat):
            return
        self._bundles += 1
        for column in columns:
            for number, name in enumerate(column):
                self.lanes[name] = Lane(self._bundles, number, column[0])
                if name in self._gradients:
                    kind = self._gradients[column[0]]
                    self.lanes[self._gradients[name]] = Lane(self._bundles, number, kind)

    def spread(self) -> bool:
        """Give lanes to what is computed from lanes, and to what lanes are computed from."""
        # The gradients of weights that lie side by side tell what else does, so they come first.
        return self._spread(Accumulate) or self._spread(Assign)

    def _spread(self, kind: type) -> bool:
        before = len(self.lanes)
        for members in self._alike(self._known):
            statement, form = members[0]
            if not isinstance(statement, kind):
                continue
            # What is computed from nothing that has lanes would be put together for nothing.
            if kind is Assign and not any(name in self.lanes for name in form.names):
                continue
            lanes = [self._lane(statement, form) for statement, form in members]
            numbers = [lane.number for lane in lanes if lane is not None]
            if len(members) < 2 or len(set(numbers)) < len(members) or len(numbers) < len(members):
                continue
            columns = zip(*((s.target, *form.names) for s, form in members), strict=True)
            for column in columns:
                self._join(column, [lane for lane in lanes if lane is not None])
        return len(self.lanes) > before

    def _join(self, column: Sequence[str], lanes: Sequence[Lane]) -> None:
        if len(set(column)) < len(column) or any(name in self.lanes for name in column):
            return
        for name, lane in zip(column, lanes, strict=True):
            self.lanes[name] = Lane(lane.bundle, lane.number, column[0])

    def _lane(self, statement: Statement, form: _Form) -> Lane | None:
        found = [self.lanes[n] for n in (statement.target, *form.names) if n in self.lanes]
        return found[0] if found and len({(f.bundle, f.number) for f in found}) == 1 else None

    def _known(self, form: _Form) -> tuple[object, ...]:
        return tuple(
            (self.lanes[name].bundle, self.lanes[name].kind) if name in self.lanes else None
            for name in form.names
        )

    def _alike(self, key: Callable[[_Form], tuple[object, ...]]) -> Iterator[Members]:
        """Yield the statements of a block that have one structure and one key."""
        alike: dict[object, Members] = {}
        for number, statement, form in self._forms:
            of_target = self.lanes.get(statement.target)
            known = (
                number,
                form.structure,
                key(form),
                None if of_target is None else (of_target.bundle, of_target.kind),
            )
            alike.setdefault(known, []).append((statement, form))
        yield from list(alike.values())

    def found(self) -> Iterator[Group]:
        for members in self._alike(self._known):
            lanes = [self._lane(statement, form) for statement, form in members]
            names = [name for s, form in members for name in (s.target, *form.names)]
            if len(members) > 1 and None not in lanes and all(name in self.lanes for name in names):
                ordered = sorted(members, key=lambda member: self.lanes[member[0].target].number)
                yield Group(tuple(statement for statement, _ in ordered))


def _can_be_a_lane(array: Array) -> bool:
    is_row_of_its_own = array.role != "data" and len(array.axes) == 1
    return is_row_of_its_own and not array.at_last_only and not array.given


def _form(statement: Statement) -> _Form | None:
    """Return the structure of a statement; None if it cannot be a lane."""
    names: list[str] = []
    structure = _structure(statement.value, names)
    if structure is None:
        return None
    adds = isinstance(statement, Assign) and statement.adds
    head = (isinstance(statement, Accumulate), adds, statement.steps)
    return _Form((head, structure), tuple(names))


def _structure(value: Expression, names: list[str]) -> tuple[object, ...] | None:
    match value:
        case Load():
            names.append(value.name)
            return ("load", value.shift)
        case Weight():
            names.append(value.name)
            return ("weight",)
        case Number():
            return ("number", value.value)
        case RowsTimes(transposed=True):
            names.append(value.weight)
            return ("times", value.rows, value.start, value.stop)
        case Outer(left=Load() as left):
            names.append(left.name)
            return ("outer", left.shift, value.right)
        case Total(rows=Load() as rows):
            names.append(rows.name)
            return ("total", rows.shift)
    if not isinstance(value, _ENTRYWISE):
        return None
    inner = [_structure(operand, names) for operand in operands(value)]
    if any(one is None for one in inner):
        return None
    extra: object = ()
    match value:
        case Add():
            extra = tuple(sign for sign, _ in value.terms)
        case Power():
            extra = value.exponent
        case Apply():
            extra = value.function
    return (type(value).__name__, extra, tuple(inner))


def order(lanes: Mapping[str, Lane], found: Iterable[Group]) -> dict[int, list[int]]:
    """Return the order of the lanes of each bundle.

    What belongs to more groups stands first, so that groups stand together: the gates before the
    new value.
    """
    counts: dict[int, dict[int, int]] = {}
    for lane in lanes.values():
        counts.setdefault(lane.bundle, {}).setdefault(lane.number, 0)
    for group in found:
        for statement in group.statements:
            lane = lanes[statement.target]
            counts[lane.bundle][lane.number] += 1
    return {
        bundle: sorted(numbers, key=lambda number: (-numbers[number], number))
        for bundle, numbers in counts.items()
    }
