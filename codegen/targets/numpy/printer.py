"""Program expressions to NumPy: one line a node, brackets where Python needs them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import singledispatch

from codegen.program import (
    Add,
    Apply,
    Array,
    Concatenate,
    Divide,
    Dot,
    EntrySum,
    Expression,
    Lifted,
    Load,
    MatrixProduct,
    Maximum,
    Multiply,
    Number,
    Outer,
    OuterEach,
    Part,
    Pick,
    Power,
    Program,
    RowFunction,
    RowsTimes,
    RowSum,
    TimesEach,
    Total,
    Turned,
    Weight,
    Where,
    loads,
)
from codegen.program.statements import Steps
from derivations.errors import UnsupportedError

#: Binding strength of a printed expression, as in Python, except that @ there binds like *; to a
#: reader it does not, so each stands in brackets within the other.
SUM, MATRIX, PRODUCT, SIGN, POWER, ATOM = range(6)

UFUNCS = {"tanh": "np.tanh", "exp": "np.exp", "expm1": "np.expm1", "log": "np.log"}


@dataclass(frozen=True)
class Layout:
    """Where a step stands in an array, and whether all steps are meant.

    Attributes
    ----------
    program : Program
    all_steps : bool
        Whether expressions stand for all steps at once.
    steps : str
        Of all steps, whether every one is meant or all but the last.
    origin : str
        What the step is called in a loop: ``t``, or ``T`` for the last one; empty for a number.
    distance : int
        What is added to it, or the number.
    """

    program: Program
    all_steps: bool = False
    steps: Steps = "every"
    origin: str = "t"
    distance: int = 0

    def element(self, load: Load) -> str:
        """Return the subscripted array of a quantity at a step, or at all steps."""
        array = self.program.array(load.name)
        if array.at_last_only:
            return array.name
        steps = self._slice if self.all_steps else self._index
        return f"{array.name}{steps(array, load.shift)}"

    def _index(self, array: Array, shift: int) -> str:
        offset = self.distance + shift + array.before - 1  # step 1 stands behind those before it
        if not self.origin:
            return f"[{offset}]"
        if not offset:
            return f"[{self.origin}]"
        return f"[{self.origin} {'+' if offset > 0 else '-'} {abs(offset)}]"

    def _slice(self, array: Array, shift: int) -> str:
        start = shift + array.before
        left_out = array.after - shift + (self.steps == "earlier")
        if not start and not left_out:
            return ""
        return f"[{start or ''}:{-left_out if left_out else ''}]"

    @property
    def count(self) -> str:
        """How many rows there are."""
        return "T * B" if self.all_steps else "B"

    @property
    def leading(self) -> str:
        """The axes before those of a row."""
        return "T, B" if self.all_steps else "B"


def python(expression: Expression, layout: Layout) -> str:
    """Return an expression as NumPy.

    Examples
    --------
    >>> stored = Array("h", ("n",), "value", before=1)
    >>> program = Program("", "E", (), (), (), (stored,), (), (), (), ())
    >>> python(Power(Load("h", -1), 2), Layout(program))
    'h[t - 1] ** 2'
    """
    return printed(expression, layout)[0]


def slice_of(start: str, stop: str) -> str:
    """Return a slice, with blanks around the colon where an end is more than a name.

    Examples
    --------
    >>> slice_of("", "n"), slice_of("n", "2 * n"), slice_of("n + m", "")
    (':n', 'n : 2 * n', 'n + m :')
    """
    blank = " " if " " in start + stop else ""
    return f"{start}{blank if start else ''}:{blank if stop else ''}{stop}"


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
    name = UFUNCS.get(expression.function, expression.function)
    return f"{name}({python(expression.argument, layout)})", ATOM


@printed.register
def printed_choice(expression: Where, layout: Layout) -> tuple[str, int]:
    condition = f"{_inside(expression.positive, layout, SUM)} > 0"
    then, otherwise = (python(e, layout) for e in (expression.then, expression.otherwise))
    return f"np.where({condition}, {then}, {otherwise})", ATOM


@printed.register
def printed_maximum(expression: Maximum, layout: Layout) -> tuple[str, int]:
    first, second = (python(e, layout) for e in (expression.first, expression.second))
    return f"np.maximum({first}, {second})", ATOM


@printed.register
def printed_concatenation(expression: Concatenate, layout: Layout) -> tuple[str, int]:
    parts = []
    for part, size in zip(expression.parts, expression.sizes, strict=True):
        text = python(part, layout)
        # What is the same for every row has no axis of its own for them.
        parts.append(
            text if loads(part) else f"np.broadcast_to({text}, ({layout.leading}, {size}))"
        )
    return f"np.concatenate([{', '.join(parts)}], axis=-1)", ATOM


@printed.register
def printed_part(expression: Part, layout: Layout) -> tuple[str, int]:
    rows = _inside(expression.rows, layout, ATOM)
    return f"{rows}[..., {slice_of(expression.start, expression.stop)}]", ATOM


@printed.register
def printed_pick(expression: Pick, layout: Layout) -> tuple[str, int]:
    rows, label = python(expression.rows, layout), _inside(expression.label, layout, ATOM)
    return f"np.take_along_axis({rows}, {label}[..., None], axis=-1)", ATOM


@printed.register
def printed_times_each(expression: TimesEach, layout: Layout) -> tuple[str, int]:
    matrices = python(expression.matrices, layout)
    if expression.rows == Number(Fraction(1)):
        return f"np.sum({matrices}, axis=-1)", ATOM
    return f"times_each({matrices}, {python(expression.rows, layout)})", ATOM


@printed.register
def printed_outer_each(expression: OuterEach, layout: Layout) -> tuple[str, int]:
    return (
        f"outer_each({python(expression.left, layout)}, {python(expression.right, layout)})",
        ATOM,
    )


@printed.register
def printed_matrix_product(expression: MatrixProduct, layout: Layout) -> tuple[str, int]:
    left, right = expression.left, expression.right
    return f"{_left_of_at(left, layout)} @ {_inside(right, layout, SIGN)}", MATRIX


@printed.register
def printed_turned(expression: Turned, layout: Layout) -> tuple[str, int]:
    if isinstance(expression.matrices, Weight):
        return f"{expression.matrices.name}.T", ATOM
    return f"np.swapaxes({python(expression.matrices, layout)}, -1, -2)", ATOM


@printed.register
def printed_lifted(expression: Lifted, layout: Layout) -> tuple[str, int]:
    return f"{_inside(expression.rows, layout, ATOM)}[..., None]", ATOM


@printed.register
def printed_entry_sum(expression: EntrySum, layout: Layout) -> tuple[str, int]:
    return f"np.sum({python(expression.matrices, layout)}, axis=(-2, -1))[..., None]", ATOM


@printed.register
def printed_row_function(expression: RowFunction, layout: Layout) -> tuple[str, int]:
    return f"{expression.function}({python(expression.argument, layout)})", ATOM


def weight_of(product: RowsTimes) -> str:
    """Return the matrix that rows are multiplied by: a weight, turned or not, or a part of it."""
    columns = f"[:, {slice_of(product.start, product.stop)}]"
    is_part = bool(product.start or product.stop)
    turned = ".T" if product.transposed else ""
    return f"{product.weight}{columns if is_part else ''}{turned}"


@printed.register
def printed_rows_times(expression: RowsTimes, layout: Layout) -> tuple[str, int]:
    weight = weight_of(expression)
    if isinstance(expression.rows, Number):  # the same in every row: the one column of the weight
        column = Weight(weight)
        is_one = expression.rows == Number(Fraction(1))
        return printed(column if is_one else Multiply((expression.rows, column)), layout)
    if layout.all_steps:
        return f"times({python(expression.rows, layout)}, {weight})", ATOM
    return f"{_left_of_at(expression.rows, layout)} @ {weight}", MATRIX


@printed.register
def printed_dot(expression: Dot, layout: Layout) -> tuple[str, int]:
    product = python(Multiply((expression.left, expression.right)), layout)
    return f"np.sum({product}, axis=-1, keepdims=True)", ATOM


@printed.register
def printed_row_sum(expression: RowSum, layout: Layout) -> tuple[str, int]:
    return f"np.sum({python(expression.rows, layout)}, axis=-1, keepdims=True)", ATOM


@printed.register
def printed_outer(expression: Outer, layout: Layout) -> tuple[str, int]:
    left, right = expression.left, expression.right
    if not loads(left) or not loads(right):
        return _outer_of_a_constant(left, right, layout)
    if layout.all_steps:
        return f"outer({python(left, layout)}, {python(right, layout)})", ATOM
    return f"{_inside(left, layout, ATOM)}.T @ {_inside(right, layout, SIGN)}", MATRIX


def _outer_of_a_constant(left: Expression, right: Expression, layout: Layout) -> tuple[str, int]:
    """Σ u vᵀ = u (Σ v)ᵀ where u is the same in every row."""
    constant, other = (python(side, layout) for side in (left, right))
    if loads(left):
        return f"np.outer({python(Total(left), layout)}, {other})", ATOM
    return f"np.outer({constant}, {python(Total(right), layout)})", ATOM


@printed.register
def printed_total(expression: Total, layout: Layout) -> tuple[str, int]:
    if isinstance(expression.rows, Dot | RowSum | EntrySum):
        return _scalar_total(expression.rows, layout)
    if not loads(expression.rows):
        return f"{layout.count} * {_inside(expression.rows, layout, SIGN)}", PRODUCT
    axis = "(0, 1)" if layout.all_steps else "0"
    return f"np.sum({python(expression.rows, layout)}, axis={axis})", ATOM


def _scalar_total(rows: Expression, layout: Layout) -> tuple[str, int]:
    """Return a sum that is one number: a scalar parameter is an array of one entry."""
    ((sign, text),) = whole_sum(rows, layout)
    is_added_up = not layout.all_steps and layout.origin == "t"
    text = text if is_added_up else f"{text}.reshape(1)"
    return (text, ATOM) if sign > 0 else (f"-{text}", SIGN)


def whole_sum(expression: Expression, layout: Layout) -> list[tuple[int, str]]:
    """Return the sum of every entry as signed texts: what a loss adds up.

    Sums of rows dissolve into it: the sum of Σ_i u_i v_i over all rows is ``np.sum(u * v)``.
    """
    match expression:
        case Total():
            return whole_sum(expression.rows, layout)
        case _ if not loads(expression) and not isinstance(expression, Add):
            return [(1, f"{layout.count} * np.sum({python(expression, layout)})")]
        case Add():
            return [
                (sign * inner, text)
                for sign, term in expression.terms
                for inner, text in whole_sum(term, layout)
            ]
        case Multiply(factors=(Number() as number, rest)):
            shown = printed(number, layout)[0]
            return [(sign, f"{shown} * {text}") for sign, text in whole_sum(rest, layout)]
        case Dot():
            return whole_sum(Multiply((expression.left, expression.right)), layout)
        case RowSum(rows=inner) | EntrySum(matrices=inner):
            return [(1, f"np.sum({python(inner, layout)})")]
        case Multiply():
            sign, bare = 1, []
            for factor in expression.factors:
                match factor:
                    case Add(terms=((own, term),)):
                        sign, factor = sign * own, term
                bare.append(factor)
            return [(sign, f"np.sum({python(Multiply(tuple(bare)), layout)})")]
    return [(1, f"np.sum({python(expression, layout)})")]


def _left_of_at(expression: Expression, layout: Layout) -> str:
    text, own = printed(expression, layout)
    return text if own == MATRIX else _inside(expression, layout, SIGN)


def _inside(expression: Expression, layout: Layout, strength: int) -> str:
    text, own = printed(expression, layout)
    return text if own >= strength else f"({text})"
