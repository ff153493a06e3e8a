"""The worked example: every intermediate of a tiny network, from the inputs to the gradients."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import ModuleType

from sympy import MatrixExpr, Symbol

from codegen.documents.document import Block, Display, Heading, Paragraph, Row, Section, Table
from codegen.documents.handout.differences import differences
from codegen.documents.handout.numbers import Array, Example, entries, example, matrix
from codegen.documents.handout.put_in import at_steps, put_in
from codegen.documents.printed import width
from derivations.algebra import subexpressions
from derivations.derivation import Derivation, Equation
from derivations.expressions import Partial, T
from derivations.notation import syntax
from derivations.notation.latex import latex
from derivations.notation.parse import parse_statement
from derivations.proof.judge import admissible

#: How many em the given numbers may take side by side.
_GIVEN_WIDTH = 36.0
#: No smaller disagreement is told apart from rounding.
_SMALLEST_EXPONENT = -9
#: The topics of the equations that lead back to the states, in the order of the derivation.
_BACKWARD = ("adjoint", "last")


def example_section(derivation: Derivation, module: ModuleType) -> Section:
    """Return the worked example of a derivation.

    Parameters
    ----------
    derivation : Derivation
        Proven.
    module : module
        The emitted textbook code of the same derivation.

    Raises
    ------
    EmitError
        When a function of the model is unspecified.

    Examples
    --------
    >>> from codegen.build import emit_source
    >>> from codegen.gradcheck.module import module_from_source
    >>> from derivations import cell, derive, prove
    >>> rnn = prove(derive(cell("rnn")))
    >>> section = example_section(rnn, module_from_source(emit_source(rnn, "rnn", "textbook")))
    >>> [block.title for block in section.blocks if isinstance(block, Heading)][:2]
    ['Forward', 'From one step to another']
    """
    small = example(derivation)
    blocks = (
        *_given(small),
        Heading("Forward"),
        *_part(small, ("forward", "total"), _FORWARD, first=True),
        *_jacobians(small),
        Heading("Backward"),
        *_part(small, _BACKWARD, _RECURSION, first=False),
        *_gradients(small),
        *_check(small, module),
    )
    return Section("A worked example in numbers", blocks)


_FORWARD = (
    "The forward equations at the first step, with their numbers put in, and below them what all "
    "steps give."
)
_RECURSION = (
    "The adjoints at the last step, where nothing comes back from later steps, and below them "
    "what all steps give."
)


def _given(small: Example) -> Iterable[Block]:
    steps = small.steps
    yield Paragraph(
        f"Here every size is $2$ and there are $T = {steps}$ steps, so that each line can be "
        "checked with a pocket calculator. Computed numbers are rounded where they are printed, "
        "and nowhere else: to 4 decimal places, and to 6 below 0.001. A power of ten stands before "
        "a matrix of small numbers. The number at the right names the equation that is used."
    )
    yield given_table(small)


def given_table(small: Example) -> Table:
    """Return the parameters, the data and the given states in numbers."""
    model = small.derivation.model
    pairs = [(latex(p), matrix(small.value(p))) for p in model.parameters]
    for one in small.given:
        if one.name in model.scope.labels:
            pairs.append((latex(one), str(small.label(one) + 1)))
        else:
            pairs.append((latex(one), matrix(small.value(one))))
    shown = [f"{name} = {value}" for name, value in pairs]
    columns = max(1, int(_GIVEN_WIDTH // max(map(width, shown))))
    cells = [f"${one}$" for one in shown]
    cells += [""] * (-len(cells) % columns)
    rows = tuple(tuple(cells[i : i + columns]) for i in range(0, len(cells), columns))
    return Table((), rows, "l" * columns)


def _part(small: Example, topics: Sequence[str], text: str, *, first: bool) -> Iterable[Block]:
    """Yield the equations of some topics at their first or last step, and a table of all steps."""
    equations = [e for e in small.derivation.equations if e.topic in topics]
    yield Paragraph(text)
    rows = []
    values: dict[str, dict[int, Array]] = {}
    for equation in equations:
        found = instances(equation, small)
        shown = found[0 if first else -1]
        formula = equation.sides[1] if first else equation.right
        rows.append(put_in_row(equation, formula, shown, small))
        for steps in found:
            if steps:
                (step,) = steps.values()
                name = latex(equation.left)
                values.setdefault(name, {})[step] = small.value(equation.left, steps)
    yield Display(tuple(rows))
    yield by_steps(values, small)


def by_steps(values: Mapping[str, Mapping[int, Array]], small: Example) -> Table:
    """Return a table with a row for every quantity and a column for every step."""
    header = ("", *(f"$t = {step}$" for step in small.every_step))
    rows = []
    for name, at in values.items():
        cells = [f"${_flat(at[step])}$" if step in at else "" for step in small.every_step]
        rows.append((f"${name}$", *cells))
    return Table(header, tuple(rows), "l" + "l" * small.steps)


def _flat(values: Array) -> str:
    """Return a column as a row with its sign of transposition, which takes one line only."""
    if values.shape[1] != 1 or values.size == 1:
        return matrix(values)
    power, shown = entries(values)
    return f"{power}({', '.join(shown)})^{{\\top}}"


def _jacobians(small: Example) -> Iterable[Block]:
    one_step, many = tuple(_one_step(small)), tuple(_many_steps(small))
    if one_step or many:
        yield Heading("From one step to another")
        yield Paragraph(
            "How each step changes with the one beside it, and, by the product, with those further "
            "away."
        )
        yield Display((*one_step, *many))
    paths = [e for e in small.derivation.equations if e.topic == "paths"]
    for equation in paths[:1]:
        yield Paragraph(
            f"The paths from all uses of ${equation.subject}$ to the loss that most of them act "
            "on: a term for every step at which the parameter acts, and their sum."
        )
        yield Display(tuple(_path_sum(equation, small)))


def _path_sum(equation: Equation, small: Example) -> Iterator[Row]:
    """Yield what each use of a parameter does to one loss, and the sum."""

    def loss(of: Equation, steps: Mapping[Symbol, int]) -> int:
        partial = next(node for node in subexpressions(of.left) if isinstance(node, Partial))
        return int(at_steps(partial.of, _numbers(steps, small)).time)

    each = small.derivation.equation(f"immediate:{equation.subject}")
    uses = [] if each is None else [(loss(each, s), s) for s in instances(each, small)]
    losses = [step for step, _ in uses]
    chosen = max(losses, key=lambda step: (losses.count(step), step), default=small.steps)
    if each is not None:
        for step, steps in uses:
            if step == chosen:
                yield put_in_row(each, each.right, steps, small)
    for steps in instances(equation, small):
        if loss(equation, steps) == chosen:
            yield put_in_row(equation, equation.sides[1], steps, small)


def _one_step(small: Example) -> Iterator[Row]:
    """Yield ∂h_t/∂h_{t−1}: the first with its formula and its numbers, the others as numbers."""
    for equation in small.derivation.equations:
        if equation.topic == "step":
            first, *others = instances(equation, small)
            yield put_in_row(equation, equation.right, first, small)
            for steps in others:
                left = latex(at_steps(equation.left, steps))
                result = matrix(small.value(equation.left, steps))
                yield Row((left, result), ("\\approx",), source=equation.number)


def _many_steps(small: Example) -> Iterator[Row]:
    """Yield ∂h_t/∂h_k for steps that are not neighbours, as products."""
    for equation in small.derivation.equations:
        for steps in instances(equation, small) if equation.topic == "product" else ():
            of, by = (at_steps(q, _numbers(steps, small)) for q in equation.left.args[:2])
            if abs(int(of.time) - int(by.time)) > 1:
                yield put_in_row(equation, equation.sides[1], steps, small)


def _gradients(small: Example) -> Iterable[Block]:
    yield Heading("The gradients")
    yield Paragraph("What each step contributes, from the first to the last, and the sum.")
    rows = [
        put_in_row(equation, equation.right, {}, small)
        for equation in small.derivation.equations
        if equation.topic == "gradient"
    ]
    yield Display(tuple(rows))


def _check(small: Example, module: ModuleType) -> Iterable[Block]:
    found = differences(small, module)
    yield Heading("The check by finite differences")
    yield Paragraph(
        "No derivative is needed to check a derivative: each parameter's entry $\\theta$ is moved "
        "a little to both sides, and $(E(\\theta + \\varepsilon) - E(\\theta - \\varepsilon)) / (2 "
        "\\varepsilon)$ with $\\varepsilon = 10^{-5}$ is compared with the gradient. The losses "
        "come from the emitted code. Of each parameter the table shows the entry with the largest "
        "gradient; the last column is the largest disagreement in any entry, between the formulas "
        "above, the emitted gradients and the differences."
    )
    rows = tuple(
        (
            f"${_entry(one.parameter, one.place)}$",
            f"${one.formula:.6f}$",
            f"${one.difference:.6f}$",
            f"$< 10^{{{_exponent(one.worst)}}}$",
        )
        for one in found
    )
    yield Table(("Entry", "Gradient", "Difference", "Disagreement"), rows, "lrrr")


def _entry(parameter: str, place: tuple[int, ...]) -> str:
    return f"\\left[{parameter}\\right]_{{{','.join(map(str, place))}}}"


def _exponent(value: float) -> int:
    """Return the exponent of a power of ten well above a value that is rounding for the most part:
    its digits differ from machine to machine."""
    return max(
        _SMALLEST_EXPONENT, math.ceil(math.log10(3 * value)) if value else _SMALLEST_EXPONENT
    )


def put_in_row(
    equation: Equation, formula: MatrixExpr, steps: Mapping[Symbol, int], small: Example
) -> Row:
    """Return symbol = formula = numbers put in ≈ result."""
    at = _numbers(steps, small)
    left, right = at_steps(equation.left, at), at_steps(formula, at)
    result = matrix(small.value(equation.left, steps))
    put = put_in(right, small)
    sides, relations = [latex(left), latex(right)], ["="]
    if put not in (result, sides[-1]):
        sides.append(put)
        relations.append("=")
    if sides[-1] != result:
        sides.append(result)
        relations.append("\\approx")
    return Row(tuple(sides), tuple(relations), source=equation.number)


def _numbers(steps: Mapping[Symbol, int], small: Example) -> dict[Symbol, int]:
    return {**steps, T: small.steps}


def instances(equation: Equation, small: Example) -> list[dict[Symbol, int]]:
    """Return every choice of the free steps of an equation, the earliest first."""
    return admissible(equation.sides, _conditions(equation.conditions), small.point)


@cache
def _conditions(printed: str) -> tuple[syntax.Condition, ...]:
    """Read the range of free steps behind an equation that says nothing."""
    return tuple(parse_statement(f"E = E, \\quad {printed}").conditions) if printed else ()


__all__ = ["by_steps", "example_section", "given_table", "instances", "put_in_row"]
