"""Program expressions to NumPy: one line a node, brackets where Python needs them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import singledispatch

from codegen.program import (
    Add,
    Apply,
    Array,
    Divide,
    Dot,
    Expression,
    Load,
    Multiply,
    Number,
    Outer,
    Power,
    Program,
    RowFunction,
    RowsTimes,
    RowSum,
    Total,
    Weight,
    Where,
    operands,
)
from derivations.errors import UnsupportedError

#: Binding strength of a printed expression, as in Python.
SUM, PRODUCT, SIGN, POWER, ATOM = range(5)

_UFUNCS = {"tanh": "np.tanh", "exp": "np.exp", "expm1": "np.expm1", "log": "np.log"}


@dataclass(frozen=True)
class Layout:
    """Where a step stands in an array, and whether all steps are meant.

    Attributes
    ----------
    program : Program
    all_steps : bool
        Whether expressions stand for all steps at once.
    origin : str
        What the step is called in a loop; empty for step 0 itself.
    """

    program: Program
    all_steps: bool = False
    origin: str = "t"

    def element(self, load: Load) -> str:
        """Return the subscripted array of a quantity at a step, or at all steps."""
        array = self.program.array(load.name)
        steps = self._slice if self.all_steps else self._index
        return f"{array.name}{steps(array, load.shift)}"

    def _index(self, array: Array, shift: int) -> str:
        """Index = step, except for data, whose steps count from 0 in the array."""
        offset = shift - (array.role == "data")
        if not self.origin:
            return f"[{offset}]"
        return (
            f"[{self.origin}]"
            if not offset
            else f"[{self.origin} {'+' if offset > 0 else '-'} {abs(offset)}]"
        )

    def _slice(self, array: Array, shift: int) -> str:
        if array.role == "data":
            return "" if not shift else _refuse_shift(array, shift)
        first = 1 + shift
        beyond = (1 if array.role == "recurrent adjoint" else 0) - shift
        start = str(first) if first else ""
        stop = f"-{beyond}" if beyond else ""
        return f"[{start}:{stop}]"


def _refuse_shift(array: Array, shift: int) -> str:
    raise UnsupportedError(f"The data {array.name} is used at step t{shift:+d}.")


def python(expression: Expression, layout: Layout) -> str:
    """Return an expression as NumPy.

    Examples
    --------
    >>> program = Program("", "E", (), (), (), (Array("h", "n", "state"),), (), (), (), ())
    >>> python(Power(Load("h", -1), 2), Layout(program))
    'h[t - 1] ** 2'
    """
    return printed(expression, layout)[0]


@singledispatch
def printed(expression: Expression, layout: Layout) -> tuple[str, int]:
    """Return the text of an expression and how tightly it binds."""
    raise UnsupportedError(
        f"{type(expression).__name__} has no NumPy yet.", hint="codegen/targets/numpy/printer.py"
    )


@printed.register
def printed_load(expression: Load, layout: Layout) -> tuple[str, int]:
    return layout.element(expression), ATOM


@printed.register
def printed_weight(expression: Weight, layout: Layout) -> tuple[str, int]:
    return expression.name, ATOM


@printed.register
def printed_number(expression: Number, layout: Layout) -> tuple[str, int]:
    value = expression.value
    if isinstance(value, Fraction) and value.denominator == 1:
        return str(value.numerator), ATOM if value >= 0 else SIGN
    return repr(float(value)), ATOM if value >= 0 else SIGN


@printed.register
def printed_sum(expression: Add, layout: Layout) -> tuple[str, int]:
    text = ""
    for sign, term in expression.terms:
        if text:
            shown = _inside(term, layout, SUM if sign > 0 else PRODUCT)
            text += f" {'+' if sign > 0 else '-'} {shown}"
        else:
            text = _inside(term, layout, SUM) if sign > 0 else f"-{_inside(term, layout, PRODUCT)}"
    return text, SIGN if len(expression.terms) == 1 else SUM


@printed.register
def printed_product(expression: Multiply, layout: Layout) -> tuple[str, int]:
    first, *others = expression.factors
    text = _inside(first, layout, PRODUCT)
    for factor in others:
        text += f" * {_inside(factor, layout, SIGN)}"
    return text, PRODUCT


@printed.register
def printed_quotient(expression: Divide, layout: Layout) -> tuple[str, int]:
    above = _inside(expression.above, layout, PRODUCT)
    return f"{above} / {_inside(expression.below, layout, SIGN)}", PRODUCT


@printed.register
def printed_power(expression: Power, layout: Layout) -> tuple[str, int]:
    base = _inside(expression.base, layout, ATOM)
    is_simple = isinstance(expression.base, Load | Weight) and "[" not in base
    return (
        f"{base}**{expression.exponent}" if is_simple else f"{base} ** {expression.exponent}"
    ), POWER


@printed.register
def printed_application(expression: Apply, layout: Layout) -> tuple[str, int]:
    name = _UFUNCS.get(expression.function, expression.function)
    return f"{name}({python(expression.argument, layout)})", ATOM


@printed.register
def printed_choice(expression: Where, layout: Layout) -> tuple[str, int]:
    condition = f"{_inside(expression.positive, layout, SUM)} > 0"
    then, otherwise = (python(e, layout) for e in (expression.then, expression.otherwise))
    return f"np.where({condition}, {then}, {otherwise})", ATOM


@printed.register
def printed_row_function(expression: RowFunction, layout: Layout) -> tuple[str, int]:
    return f"{expression.function}({python(expression.argument, layout)})", ATOM


@printed.register
def printed_rows_times(expression: RowsTimes, layout: Layout) -> tuple[str, int]:
    weight = expression.weight + (".T" if expression.transposed else "")
    if layout.all_steps:
        return f"times({python(expression.rows, layout)}, {weight})", ATOM
    return f"{_inside(expression.rows, layout, PRODUCT)} @ {weight}", PRODUCT


@printed.register
def printed_dot(expression: Dot, layout: Layout) -> tuple[str, int]:
    left, right = (_inside(e, layout, PRODUCT) for e in (expression.left, expression.right))
    return f"np.sum({left} * {right}, axis=-1, keepdims=True)", ATOM


@printed.register
def printed_row_sum(expression: RowSum, layout: Layout) -> tuple[str, int]:
    return f"np.sum({python(expression.rows, layout)}, axis=-1, keepdims=True)", ATOM


@printed.register
def printed_outer(expression: Outer, layout: Layout) -> tuple[str, int]:
    left, right = expression.left, expression.right
    if layout.all_steps:
        return f"outer({python(left, layout)}, {python(right, layout)})", ATOM
    return f"{_inside(left, layout, ATOM)}.T @ {_inside(right, layout, SIGN)}", PRODUCT


@printed.register
def printed_total(expression: Total, layout: Layout) -> tuple[str, int]:
    axis = "(0, 1)" if layout.all_steps else "0"
    return f"np.sum({python(expression.rows, layout)}, axis={axis})", ATOM


def whole_sum(expression: Expression, layout: Layout) -> tuple[int, str]:
    """Return the sum of every entry, as a sign and a text: what a loss adds up.

    Sums of rows dissolve into it: the sum of Σ_i u_i v_i over all rows is ``np.sum(u * v)``.
    """
    match expression:
        case Total():
            return whole_sum(expression.rows, layout)
        case Add(terms=((sign, term),)):
            inner, text = whole_sum(term, layout)
            return sign * inner, text
        case Multiply(factors=(Number() as number, rest)):
            sign, text = whole_sum(rest, layout)
            return sign, f"{printed(number, layout)[0]} * {text}"
        case Dot():
            left, right = (_inside(e, layout, PRODUCT) for e in (expression.left, expression.right))
            return 1, f"np.sum({left} * {right})"
        case RowSum():
            return 1, f"np.sum({python(expression.rows, layout)})"
    return 1, f"np.sum({python(expression, layout)})"


def _inside(expression: Expression, layout: Layout, strength: int) -> str:
    text, own = printed(expression, layout)
    return text if own >= strength else f"({text})"


def helpers(expression: Expression, layout: Layout) -> set[str]:
    """Return the names of the module's own functions that an expression calls."""
    found = set()
    for node in (expression, *(n for o in operands(expression) for n in _all(o))):
        if (isinstance(node, Apply) and node.function not in _UFUNCS) or isinstance(
            node, RowFunction
        ):
            found.add(node.function)
        elif layout.all_steps and isinstance(node, RowsTimes):
            found.add("times")
        elif layout.all_steps and isinstance(node, Outer):
            found.add("outer")
    return found


def _all(expression: Expression) -> list[Expression]:
    return [expression, *(n for o in operands(expression) for n in _all(o))]
