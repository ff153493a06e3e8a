"""Loops, products and sums to lines of C, each with the number of its equation."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from codegen.program import (
    Accumulate,
    Add,
    AllSteps,
    Assign,
    Block,
    Concatenate,
    Dot,
    EntrySum,
    Expression,
    LastStep,
    Load,
    Loop,
    MatrixProduct,
    Multiply,
    Outer,
    Program,
    RowFunction,
    RowSum,
    Statement,
    TimesEach,
    Total,
    Weight,
)
from codegen.program.statements import Steps
from codegen.sizes import row_axes
from codegen.targets.c.groups import Entries, Item, Product, RowLoop, Sum, Whole, items, product_of
from codegen.targets.c.names import product, size
from codegen.targets.c.packing import packed
from codegen.targets.c.places import ALL, EARLIER, LAST, LOOP, Places, Step
from codegen.targets.c.printer import Row, entry, subscript, weight_base
from codegen.targets.equations import equation_text
from codegen.targets.units import units, without_units
from derivations.errors import UnsupportedError

LINE_LENGTH = 100
INDENT = "    "
#: What is computed may be read by every thread, and what was read may be written.
BARRIER = "BARRIER"


@dataclass(frozen=True)
class Writer:
    """What every line needs to know.

    Attributes
    ----------
    program : Program
    places : Places
    variables : frozenset of str
        Quantities that are variables of a loop, and no arrays.
    sums : frozenset of str
        Targets to which one statement gives their whole sum; others start at zero.
    labels : frozenset of str
        Data that holds integers.
    """

    program: Program
    places: Places
    variables: frozenset[str]
    sums: frozenset[str]
    labels: frozenset[str]

    def block(self, block: Block) -> list[str]:
        """Return the lines of a block."""
        lines = [
            line
            for item in items(self.program, block)
            for line in self._with_condition(item, block)
        ]
        if not isinstance(block, Loop):
            return lines
        head = "size_t t = T; t >= 1; t--" if block.backward else "size_t t = 1; t <= T; t++"
        return [f"for ({head}) {{", *_indented(lines), "}"]

    def first(self, statements: Sequence[tuple[Assign, int]]) -> list[str]:
        """Return the lines of gradients by given values, before the first step or behind T."""
        lines: list[str] = []
        for statement, step in statements:
            block = AllSteps((statement,))
            at = Step("T" if step > 0 else "", step, "B")
            for item in items(self.program, block):
                lines += [*self._item(item, at), BARRIER]
        return lines

    def _with_condition(self, item: Item, block: Block) -> list[str]:
        steps = item.steps if isinstance(item, RowLoop) else item.statement.steps
        lines = [*self._item(item, _step(block, steps)), BARRIER]
        if not isinstance(block, Loop) or steps == "every":
            return lines
        return [f"if (t {'==' if steps == 'last' else '<'} T) {{", *_indented(lines), "}"]

    def _item(self, item: Item, step: Step) -> list[str]:
        match item:
            case RowLoop():
                return self._rows(item, step)
            case Product(statement=statement):
                return [*comment(statement), *self._product(statement, step)]
            case Sum(statement=statement):
                return [*comment(statement), *self._sum(statement, step)]

    # Rows times a matrix, and sums over rows

    def _product(self, statement: Assign, step: Step) -> list[str]:
        found = product_of(statement.value)
        assert found is not None
        assert isinstance(found.rows, Load)
        out = self.places.of(statement.target, step)
        start = "NOTHING"
        if statement.adds:
            start = _rows(out.pointer(), out.stride)
        elif isinstance(statement.value, Add):
            (_, bias) = statement.value.terms[1]
            assert isinstance(bias, Weight)
            start = _rows(weight_base(self.places, bias.name), "0")
        return _call(
            "times",
            "self",
            step.rows,
            self._rows_of(found.rows, step),
            packed(self.program, found).argument,
            start,
            f"(target){{{out.pointer()}, {out.stride}}}",
        )

    def _rows_of(self, load: Load, step: Step) -> str:
        place = self.places.of(load.name, step, load.shift)
        return _rows(place.pointer(), place.stride)

    def _sum(self, statement: Accumulate, step: Step) -> list[str]:
        value = statement.value
        if statement.target == self.program.loss:
            assert isinstance(value, Total)
            assert isinstance(value.rows, Load)
            place = self.places.of(value.rows.name, step, value.rows.shift)
            return [f"add_up(self, {step.rows}, {place.pointer()}, E);"]
        out = self.places.of(statement.target, step).pointer()
        adds = "0" if statement.target in self.sums else "1"
        match value:
            case Outer(left=Load() as left, right=Load() as right):
                pairs = [(self._rows_of(one, step), self._width(one)) for one in (left, right)]
                arguments = [text for pair in pairs for text in pair]
                return _call("outer", "self", step.rows, *arguments, adds, out, "at.room")
            case Total(rows=Load() as load):
                rows, width = self._rows_of(load, step), self._width(load)
                return _call("sums", "self", step.rows, rows, width, adds, out)
        raise UnsupportedError(
            f"A sum of {type(value).__name__} has no C yet.", hint="codegen/targets/c/lines.py"
        )

    def _width(self, load: Load) -> str:
        return product(*map(size, row_axes(self.program, load)))

    # Loops over rows

    def _rows(self, loop: RowLoop, step: Step) -> list[str]:
        row = Row(self.places, step, self.variables)
        body: list[str] = []
        for part in loop.parts:
            body += (
                self._entries(part, row) if isinstance(part, Entries) else self._whole(part, row)
            )
        declared = row.declarations(self.labels)
        return [f"SHARED_LOOP(row, {step.rows}) {{", *_indented([*declared, *body]), "}"]

    def _entries(self, part: Entries, row: Row) -> list[str]:
        axes = [size(axis) for axis in part.axes]
        is_one = all(axis == "1" for axis in axes)
        index = ("0",) if is_one else ("j",) if len(axes) == 1 else ("i", "j")
        lines: list[str] = []
        previous = None
        for statement in part.body:
            if previous is None or previous.equation != statement.equation:
                lines += comment(statement)
            lines += self._entry(statement, index, row)
            previous = statement
        labelled = self._units(part, row)
        if is_one:
            return [*lines, *labelled]
        return [*row.hoisted(_loops(index, axes, lines, "ENTRIES")), *labelled]

    def _entry(self, statement: Assign, index: tuple[str, ...], row: Row) -> list[str]:
        load = Load(statement.target)
        value = without_units(statement.value)
        if statement.target in self.variables:
            left = f"const real {entry(load, index, row)}"
        else:
            axes = self.program.target_axes(statement.target)
            left = f"{row.pointer(load, writes=True)}[{subscript(axes, index)}]"
        return _broken(f"{left} {'+=' if statement.adds else '='} {entry(value, index, row)};")

    def _units(self, part: Entries, row: Row) -> list[str]:
        """Return the lines that add a number to the entry that a label names."""
        lines = []
        for statement in part.body:
            for sign, unit in units(statement.value):
                label, amount = (entry(one, ("0",), row) for one in (unit.label, unit.amount))
                target = row.pointer(Load(statement.target), writes=True)
                lines.append(f"{target}[{label}] {'+' if sign > 0 else '-'}= {amount};")
        return lines

    def _whole(self, part: Whole, row: Row) -> list[str]:
        statement = part.statement
        target = row.pointer(Load(statement.target), writes=True)
        value = statement.value
        axes = [size(axis) for axis in self.program.target_axes(statement.target)]
        match value:
            case RowFunction(function="log_sum_exp", argument=Load() as load):
                lines = [f"{target}[0] = log_sum_exp({row.pointer(load)}, {self._width(load)});"]
            case RowFunction(function=function, argument=Load() as load):
                lines = [f"{function}({row.pointer(load)}, {self._width(load)}, {target});"]
            case Dot(left=left, right=right):
                lines = self._reduced(Multiply((left, right)), f"{target}[0]", row)
            case RowSum(rows=inner) | EntrySum(matrices=inner):
                lines = self._reduced(inner, f"{target}[0]", row)
            case TimesEach(matrices=matrices, rows=vector):
                length = size(row_axes(self.program, matrices)[1])
                factors = f"{_factor(matrices, ('i', 'j'), row)} * {_factor(vector, ('j',), row)}"
                lines = _loops(("i",), axes, _summed(factors, ("j",), [length], f"{target}[i]"))
            case MatrixProduct(left=left, right=right):
                length = size(row_axes(self.program, left)[1])
                factors = f"{_factor(left, ('i', 'k'), row)} * {_factor(right, ('k', 'j'), row)}"
                place = f"{target}[{product('i', axes[1])} + j]"
                lines = _loops(("i", "j"), axes, _summed(factors, ("k",), [length], place))
            case Concatenate(parts=parts, sizes=lengths):
                lines = []
                starts = [" + ".join(map(size, lengths[:i])) for i in range(len(parts))]
                for inner, start, length in zip(parts, starts, lengths, strict=True):
                    place = f"{start} + j" if start else "j"
                    line = f"{target}[{place}] = {entry(inner, ('j',), row)};"
                    lines += _loops(("j",), [size(length)], [line], "ENTRIES")
            case _:
                raise UnsupportedError(
                    f"{type(value).__name__} has no C yet.", hint="codegen/targets/c/lines.py"
                )
        return [*comment(statement), *row.hoisted(lines)]

    def _reduced(self, inner: Expression, place: str, row: Row) -> list[str]:
        axes = [size(axis) for axis in row_axes(self.program, inner)]
        if all(axis == "1" for axis in axes):
            return [f"{place} = {entry(inner, ('0',), row)};"]
        index = ("j",) if len(axes) == 1 else ("i", "j")
        return ["{", *_indented(_summed(entry(inner, index, row), index, axes, place)), "}"]


def _step(block: Block, steps: Steps) -> Step:
    if isinstance(block, Loop):
        return LOOP
    if isinstance(block, LastStep) or steps == "last":
        return LAST
    return EARLIER if steps == "earlier" else ALL


def _summed(value: str, index: Sequence[str], axes: Sequence[str], place: str) -> list[str]:
    lines = _loops(index, axes, [f"sum += {value};"], "REDUCTION(+, sum)")
    return ["real sum = 0;", *lines, f"{place} = sum;"]


def _factor(value: Expression, index: tuple[str, ...], row: Row) -> str:
    text = entry(value, index, row)
    return f"({text})" if isinstance(value, Add) else text


def _loops(
    index: Sequence[str], axes: Sequence[str], body: Sequence[str], pragma: str = ""
) -> list[str]:
    """Return loops around some lines; what is said of the innermost stands before it."""
    head = f"for (size_t {index[0]} = 0; {index[0]} < {axes[0]}; {index[0]}++)"
    if len(index) > 1:
        return [head, *_indented(_loops(index[1:], axes[1:], body, pragma))]
    said = [pragma] if pragma else []
    if len(body) == 1:
        return [*said, head, *_indented(body)]
    return [*said, f"{head} {{", *_indented(body), "}"]


def comment(statement: Statement) -> list[str]:
    """Return the comment of a statement: the equations that it computes."""
    text = equation_text(statement)
    harmless = text.replace("*/", "* /").replace("/*", "/ *")
    return textwrap.wrap(
        f"{harmless} */",
        LINE_LENGTH - 6 * len(INDENT),
        initial_indent="/* ",
        subsequent_indent=" *     ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def without_comments(lines: Iterable[str]) -> str:
    """Return the code of some lines.

    Examples
    --------
    >>> without_comments(["/* (1) a_t", " *     = b_t */", "a_t[j] = b_t[j]", "* c_t[j];"])
    '\\na_t[j] = b_t[j]\\n* c_t[j];'
    """
    return re.sub(r"/\*.*?\*/", "", "\n".join(lines), flags=re.DOTALL)


def _rows(pointer: str, stride: str) -> str:
    return f"(rows){{{pointer}, {stride}}}"


def _call(function: str, *arguments: str) -> list[str]:
    """Return a call, on as many lines as it needs."""
    line = f"{function}({', '.join(arguments)});"
    return (
        [line] if len(line) + 3 * len(INDENT) <= LINE_LENGTH else _broken_call(function, arguments)
    )


def _broken_call(function: str, arguments: Iterable[str]) -> list[str]:
    lines: list[str] = []
    current = f"{function}("
    for argument in arguments:
        if len(current) + len(argument) + 3 * len(INDENT) + 2 > LINE_LENGTH:
            lines.append(current.rstrip())
            current = " " * (len(function) + 1)
        current += f"{argument}, "
    return [*lines, f"{current.removesuffix(', ')});"]


def _broken(line: str) -> list[str]:
    """Break a long assignment at the signs of its sum."""
    return textwrap.wrap(
        line,
        LINE_LENGTH - 6 * len(INDENT),
        subsequent_indent=INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _indented(lines: Iterable[str]) -> list[str]:
    return [INDENT + line for line in lines]
