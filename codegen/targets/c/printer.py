"""Expressions of one entry to C: one rule a node, brackets where C needs them."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import singledispatch

from codegen.program import (
    Add,
    Apply,
    Divide,
    Expression,
    Lifted,
    Load,
    Maximum,
    Multiply,
    Number,
    OuterEach,
    Part,
    Pick,
    Power,
    RowsTimes,
    Turned,
    Weight,
    Where,
)
from codegen.sizes import row_axes
from codegen.targets.c.names import c_name, product, size
from codegen.targets.c.places import Places, Step, pointer_name
from derivations.errors import UnsupportedError

#: Binding strength of a printed expression.
CHOICE, SUM, PRODUCT, SIGN, ATOM = range(5)

#: What the functions of a program are called in C.
FUNCTIONS = {
    "tanh": "real_tanh",
    "exp": "real_exp",
    "expm1": "real_expm1",
    "log": "MATH(log)",
}


@dataclass
class Row:
    """What stands before the loops over the entries of a row: pointers to what they read and write.

    Attributes
    ----------
    places : Places
    step : Step
    locals : set of str
        Quantities that are needed for one entry only, and so are variables.
    pointers, constants : dict of str
        The values of pointers, and of numbers that every entry of the next loop meets, by name.
    """

    places: Places
    step: Step
    locals: frozenset[str] = frozenset()
    pointers: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)

    def pointer(self, load: Load, *, writes: bool = False) -> str:
        """Return the name of the pointer to a row, declared at its first use."""
        name = pointer_name(load)
        self.pointers[name] = self.places.of(load.name, self.step, load.shift).pointer("row")
        if writes:
            self.written.add(name)
        return name

    def constant(self, name: str, value: str) -> str:
        """Return the name of a number that every entry meets, read before the loop over them.

        A compiler cannot know that what the loop writes leaves the number as it is.
        """
        self.constants[f"{name}_0"] = value
        return f"{name}_0"

    def hoisted(self, lines: list[str]) -> list[str]:
        """Return a loop behind the numbers that its entries meet."""
        declared = [f"const real {name} = {value};" for name, value in self.constants.items()]
        self.constants.clear()
        return ["{", *(f"    {line}" for line in [*declared, *lines]), "}"] if declared else lines

    def declarations(self, labels: frozenset[str]) -> list[str]:
        """Return the lines that declare the pointers."""
        kinds = {name: "const int64_t" for label in labels for name in [pointer_name(Load(label))]}
        kinds |= dict.fromkeys(self.written, "real")
        return [
            f"{kinds.get(name, 'const real')} *{name} = {value};"
            for name, value in self.pointers.items()
        ]


#: The names of the indices of an entry: one of a vector, two of a matrix.
Index = tuple[str, ...]


def entry(expression: Expression, index: Index, row: Row) -> str:
    """Return one entry of an expression."""
    return printed(expression, index, row)[0]


@singledispatch
def printed(expression: Expression, index: Index, row: Row) -> tuple[str, int]:
    """Return the text of an entry and how tightly it binds."""
    raise UnsupportedError(
        f"{type(expression).__name__} has no C yet.", hint="codegen/targets/c/printer.py"
    )


def subscript(axes: tuple[str, ...], index: Index) -> str:
    """Return the place of an entry in a row; one number a row meets every entry."""
    if all(axis == "1" for axis in axes):
        return "0"
    if len(axes) == 1:
        return index[-1]
    return f"{product(index[0], size(axes[1]))} + {index[1]}"


@printed.register
def printed_load(expression: Load, index: Index, row: Row) -> tuple[str, int]:
    if expression.name in row.locals:
        return pointer_name(expression), ATOM
    axes = row_axes(row.places.program, expression)
    text = f"{row.pointer(expression)}[{subscript(axes, index)}]"
    if all(axis == "1" for axis in axes) and index != ("0",):
        return row.constant(pointer_name(expression), text), ATOM
    return text, ATOM


@printed.register
def printed_weight(expression: Weight, index: Index, row: Row) -> tuple[str, int]:
    axes = row_axes(row.places.program, expression)
    text = f"{weight_base(row.places, expression.name)}[{subscript(axes, index)}]"
    if all(axis == "1" for axis in axes) and index != ("0",):
        return row.constant(expression.name, text), ATOM
    return text, ATOM


def weight_base(places: Places, name: str) -> str:
    """Return the pointer to a parameter, or to several below each other."""
    is_own = name in dict(places.program.parameters)
    return f"{'params->' if is_own else 'at.'}{c_name(name)}"


@printed.register
def printed_number(expression: Number, index: Index, row: Row) -> tuple[str, int]:
    value = expression.value
    if isinstance(value, Fraction) and value.denominator == 1 and abs(value) < 2**31:
        return str(value.numerator), ATOM if value >= 0 else SIGN
    return f"(real){float(value)!r}" if value >= 0 else f"(real)({float(value)!r})", SIGN


@printed.register
def printed_sum(expression: Add, index: Index, row: Row) -> tuple[str, int]:
    text = ""
    for sign, term in expression.terms:
        if text:
            shown = _inside(term, index, row, SUM if sign > 0 else PRODUCT)
            text += f" {'+' if sign > 0 else '-'} {shown}"
        else:
            shown = _inside(term, index, row, SUM if sign > 0 else ATOM)
            text = shown if sign > 0 else f"-{shown}"
    return text, SIGN if len(expression.terms) == 1 else SUM


@printed.register
def printed_product(expression: Multiply, index: Index, row: Row) -> tuple[str, int]:
    first, *others = expression.factors
    text = _inside(first, index, row, PRODUCT)
    for factor in others:
        text += f" * {_inside(factor, index, row, SIGN)}"
    return text, PRODUCT


@printed.register
def printed_quotient(expression: Divide, index: Index, row: Row) -> tuple[str, int]:
    above = expression.above
    shown = (
        f"(real){_inside(above, index, row, ATOM)}"
        if isinstance(above, Number)
        else _inside(above, index, row, PRODUCT)
    )
    return f"{shown} / {_inside(expression.below, index, row, SIGN)}", PRODUCT


@printed.register
def printed_power(expression: Power, index: Index, row: Row) -> tuple[str, int]:
    base = entry(expression.base, index, row)
    if expression.exponent == 2:
        return f"square({base})", ATOM
    return f"power({base}, {expression.exponent})", ATOM


@printed.register
def printed_application(expression: Apply, index: Index, row: Row) -> tuple[str, int]:
    name = FUNCTIONS.get(expression.function, expression.function)
    return f"{name}({entry(expression.argument, index, row)})", ATOM


@printed.register
def printed_where(expression: Where, index: Index, row: Row) -> tuple[str, int]:
    condition = _inside(expression.positive, index, row, SUM)
    then, otherwise = (
        _inside(one, index, row, SUM) for one in (expression.then, expression.otherwise)
    )
    return f"{condition} > 0 ? {then} : {otherwise}", CHOICE


@printed.register
def printed_maximum(expression: Maximum, index: Index, row: Row) -> tuple[str, int]:
    first, second = (entry(one, index, row) for one in (expression.first, expression.second))
    return f"larger({first}, {second})", ATOM


@printed.register
def printed_part(expression: Part, index: Index, row: Row) -> tuple[str, int]:
    place = f"{size(expression.start)} + {index[-1]}" if expression.start else index[-1]
    return printed(expression.rows, (place,), row)


@printed.register
def printed_pick(expression: Pick, index: Index, row: Row) -> tuple[str, int]:
    label = entry(expression.label, ("0",), row)
    return printed(expression.rows, (label,), row)


@printed.register
def printed_outer_each(expression: OuterEach, index: Index, row: Row) -> tuple[str, int]:
    left = _inside(expression.left, index[:1], row, PRODUCT)
    return f"{left} * {_inside(expression.right, index[1:], row, SIGN)}", PRODUCT


@printed.register
def printed_turned(expression: Turned, index: Index, row: Row) -> tuple[str, int]:
    return printed(expression.matrices, index[::-1], row)


@printed.register
def printed_lifted(expression: Lifted, index: Index, row: Row) -> tuple[str, int]:
    return printed(expression.rows, ("0",), row)


@printed.register
def printed_column(expression: RowsTimes, index: Index, row: Row) -> tuple[str, int]:
    """Print a constant times the one column of a weight, or its one row, that it meets."""
    base = weight_base(row.places, expression.weight)
    _, columns = row.places.program.weight_axes(expression.weight)
    place = index[-1]
    if expression.transposed:
        place = product(place, size(columns))
    place += f" + {size(expression.start)}" if expression.start else ""
    shown = f"{base}[{place}]"
    if expression.rows == Number(Fraction(1)):
        return shown, ATOM
    return f"{_inside(expression.rows, index, row, PRODUCT)} * {shown}", PRODUCT


def _inside(expression: Expression, index: Index, row: Row, strength: int) -> str:
    text, own = printed(expression, index, row)
    return text if own >= strength else f"({text})"
