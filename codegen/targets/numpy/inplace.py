"""A statement as calls that write where the result belongs, without arrays in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, count

from sympy import Expr

from codegen.program import (
    Add,
    Apply,
    Assign,
    Divide,
    Expression,
    Load,
    Multiply,
    Number,
    Power,
    RowsTimes,
    Weight,
    loads,
    nodes,
)
from codegen.rows import size_text
from codegen.sizes import entries, entries_of
from codegen.targets.numpy.printer import UFUNCS, Layout, python, weight_of

_KNOWN = (Load, Weight, Number, Add, Multiply, Divide, Power, Apply, RowsTimes)
_SIMPLE = (Load, Weight, Number)


@dataclass
class Buffers:
    """Arrays of one step that hold what is computed on the way; made once, before the loop.

    Attributes
    ----------
    taken : frozenset of str
        Names that stand for something else.
    """

    taken: frozenset[str]
    names: dict[tuple[tuple[str, ...], int], str] = field(default_factory=dict)
    matrices: dict[str, str] = field(default_factory=dict)

    def name(self, axes: tuple[str, ...], depth: int) -> str:
        """Return the buffer of some axes; one that is in use gives way to the next depth."""
        if (axes, depth) not in self.names:
            self.names[axes, depth] = self._fresh("buffer")
        return self.names[axes, depth]

    def matrix(self, text: str) -> str:
        """Return the name of a matrix in memory order: products with a view of one are slow."""
        if text.isidentifier():
            return text
        if text not in self.matrices:
            base = text.split("[")[0].split(".")[0]
            self.matrices[text] = self._fresh(
                f"{base}_T" if text.endswith(".T") else f"{base}_part"
            )
        return self.matrices[text]

    def _fresh(self, name: str) -> str:
        """Return a name that nothing else has, numbered from the second on."""
        taken = {*self.taken, *self.names.values(), *self.matrices.values()}
        numbered = (f"{name}_{number}" for number in count(2))
        return next(one for one in chain([name], numbered) if one not in taken)

    def lines(self) -> list[str]:
        return [
            *(f"{name} = np.ascontiguousarray({text})" for text, name in self.matrices.items()),
            *(
                f"{name} = np.empty((B, {', '.join(axes)}), dtype)"
                for (axes, _), name in self.names.items()
            ),
        ]


def in_place(statement: Assign, target: str, layout: Layout, buffers: Buffers) -> list[str] | None:
    """Return the lines that compute a statement; None if it has no such form.

    What is done for all steps at once gets no buffers, which would be as large as what they save.
    """
    array = layout.program.array(statement.target)
    members = set(layout.program.members(statement.target))
    reads_itself = any(
        load.shift == 0 and members & set(layout.program.members(load.name))
        for load in loads(statement.value)
    )
    is_known = all(isinstance(node, _KNOWN) for node in nodes(statement.value))
    is_part = layout.all_steps and array.within  # whose rows of all steps lie apart in memory
    if reads_itself or not is_known or is_part or isinstance(statement.value, _SIMPLE):
        return None
    writer = _Writer(layout, buffers, array.axes)
    if statement.adds:
        writer.add(statement.value, target)
    else:
        writer.write(statement.value, target, 0)
    return None if layout.all_steps and writer.needs_buffers else writer.lines


class _Writer:
    def __init__(self, layout: Layout, buffers: Buffers, axes: tuple[str, ...]) -> None:
        self._layout = layout
        self._buffers = buffers
        self._axes = axes
        self.lines: list[str] = []
        self.needs_buffers = False

    def _text(self, expression: Expression) -> str:
        return python(expression, self._layout)

    def _entries(self, value: Expression) -> Expr:
        return entries(self._layout.program, value)

    def add(self, value: Expression, out: str) -> None:
        """Add a value to what `out` holds."""
        for sign, term in value.terms if isinstance(value, Add) else ((1, value),):
            self._combine("+=" if sign > 0 else "-=", term, out, 0)

    def _combine(self, sign: str, value: Expression, out: str, depth: int) -> None:
        self.lines.append(f"{out} {sign} {self._operand(value, depth)}")

    def _operand(self, value: Expression, depth: int) -> str:
        """Return the text of a value: its own, or a buffer's that holds it."""
        if isinstance(value, _SIMPLE):
            return self._text(value)
        self.needs_buffers = True
        if self._layout.all_steps:
            return self._text(value)
        buffer = self._buffers.name(self._axes, depth)
        self.write(value, buffer, depth + 1)
        return buffer

    def write(self, value: Expression, out: str, depth: int) -> None:
        """Compute a value into `out`, which nothing in it reads."""
        match value:
            case Load() | Weight() | Number():
                self.lines.append(f"{out}[...] = {self._text(value)}")
            case RowsTimes() if self._entries(value) != entries_of(self._axes):
                self.lines.append(f"{out}[...] = {self._text(value)}")  # one number a row
            case RowsTimes(rows=Load()) if self._layout.all_steps:
                rows = self._text(value.rows)
                self.lines.append(f"put_times({out}, {rows}, {weight_of(value)})")
            case RowsTimes() if not self._layout.all_steps:
                matrix = self._buffers.matrix(weight_of(value))
                rows = self._rows(value.rows, depth)
                self.lines.append(f"np.matmul({rows}, {matrix}, out={out})")
            case Apply():
                self._apply(value, out, depth)
            case Power(exponent=2):
                self.lines.append(f"np.square({self._inner(value.base, out, depth)}, out={out})")
            case Multiply():
                self._multiply(value, out, depth)
            case Add():
                self._sum(value, out, depth)
            case Divide():
                above = self._inner(value.above, out, depth)
                below = self._operand(value.below, depth)
                self.lines.append(f"np.divide({above}, {below}, out={out})")
            case _:
                self.lines.append(f"{out}[...] = {self._text(value)}")

    def _rows(self, value: Expression, depth: int) -> str:
        """Return the text of rows that are multiplied: their own, or a buffer's of their width."""
        if isinstance(value, Load):
            return self._text(value)
        axes = (size_text(self._entries(value)),)
        writer = _Writer(self._layout, self._buffers, axes)
        buffer = self._buffers.name(axes, depth + 1)
        writer.write(value, buffer, depth + 2)
        self.lines += writer.lines
        return buffer

    def _inner(self, value: Expression, out: str, depth: int) -> str:
        """Return the text of an argument, which is computed into `out` unless it is simple."""
        if isinstance(value, _SIMPLE):
            return self._text(value)
        self.write(value, out, depth)
        return out

    def _apply(self, value: Apply, out: str, depth: int) -> None:
        argument = self._inner(value.argument, out, depth)
        if value.function in UFUNCS:
            self.lines.append(f"{UFUNCS[value.function]}({argument}, out={out})")
        elif value.function == "sigmoid":
            self.lines.append(f"logistic({argument}, {out})")
        else:
            self.lines.append(f"{out}[...] = {value.function}({argument})")

    def _multiply(self, value: Multiply, out: str, depth: int) -> None:
        simple = [self._text(f) for f in value.factors if isinstance(f, _SIMPLE)]
        others = [f for f in value.factors if not isinstance(f, _SIMPLE)]
        if others:
            self.write(others[0], out, depth)
        else:
            first, second, *simple = simple
            self.lines.append(f"np.multiply({first}, {second}, out={out})")
        self.lines += [f"{out} *= {text}" for text in simple]
        for other in others[1:]:
            self._combine("*=", other, out, depth)

    def _sum(self, value: Add, out: str, depth: int) -> None:
        (sign, first), *rest = value.terms
        if sign > 0 and rest and isinstance(first, _SIMPLE):
            (second_sign, second), *rest = rest
            function = "np.add" if second_sign > 0 else "np.subtract"
            operand = self._inner(second, out, depth)
            self.lines.append(f"{function}({self._text(first)}, {operand}, out={out})")
        elif sign > 0:
            self.write(first, out, depth)
        else:
            self.lines.append(f"np.negative({self._inner(first, out, depth)}, out={out})")
        for other_sign, term in rest:
            self._combine("+=" if other_sign > 0 else "-=", term, out, depth)
