"""What people write, brought to the one form that the rest of the reader knows.

h_t = …, \\quad t = 1, …, T         the range goes: a forward equation holds at every step
L = −\\sum_t y_t^\\top \\log p_t       becomes L_t = −y_t^\\top \\log p_t and L = \\sum_t L_t
u_t \\cdot v_t                       where \\cdot is declared elementwise, becomes u_t ⊙ v_t
I                                   is the identity, unless it is declared a parameter
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from derivations.errors import ModelError, Place
from derivations.notation import syntax
from derivations.notation.names import IDENTITY
from derivations.notation.parse import parse_statement, parse_symbol
from derivations.notation.text import Declaration

_WHOLE = parse_statement("E = \\sum_{t=1}^{T} E_t").sides[1]
_STEP = parse_symbol("E_t").subscripts


def standard_forms(
    statement: syntax.Statement, place: Place, declarations: Collection[Declaration]
) -> Iterator[syntax.Statement]:
    """Yield the equations that an equation of the text stands for.

    Raises
    ------
    ModelError
        For a mean over the steps.
    """
    elementwise = {d.symbol for d in declarations if d.kind == "elementwise operator"}
    declared = {d.symbol for d in declarations if d.kind in ("parameter", "shape", "scalar")}

    def change(node: syntax.Node | syntax.Operator) -> syntax.Node | syntax.Operator:
        match node:
            case syntax.Operator() if node.text in elementwise:
                return replace(node, text="\\odot")
            case syntax.Name(text="I") if "I" not in declared:
                return replace(node, text=IDENTITY)
        return node

    sides = tuple(syntax.changed(side, change) for side in statement.sides)
    kept = tuple(c for c in statement.conditions if not _is_range(c))
    yield from _steps_of_a_sum(replace(statement, sides=sides, conditions=kept), place)


def _is_range(condition: syntax.Condition) -> bool:
    """Tell whether a condition is on the steps alone, such as 1 ≤ t ≤ T."""
    letters = {spelled_index(index) for index in condition.indices}
    return "t" in letters and all(letter in ("t", "T") or letter.isdigit() for letter in letters)


def spelled_index(index: syntax.Index) -> str:
    return "".join(term for _, term in index.terms)


def _steps_of_a_sum(statement: syntax.Statement, place: Place) -> Iterator[syntax.Statement]:
    """Take a total loss that is written out apart: the loss of a step, and the sum of all."""
    left = statement.sides[0]
    right = statement.sides[-1]
    is_signed = isinstance(right, syntax.Sum) and len(right.terms) == 1
    sign, chain = right.terms[0] if isinstance(right, syntax.Sum) and is_signed else (1, right)
    parts = chain.parts if isinstance(chain, syntax.Chain) else ()
    at = next((i for i, part in enumerate(parts) if _is_sum_over_steps(part)), None)
    bare = left.base if isinstance(left, syntax.Scripted) else left
    is_timeless = isinstance(bare, syntax.Name) and not getattr(left, "subscripts", ())
    if at is None or not is_timeless or len(statement.sides) != 2:
        yield statement
        return
    if any(
        isinstance(n, syntax.Name) and n.text == "T" for p in parts[:at] for n in syntax.walk(p)
    ):
        raise ModelError(
            "A mean over the steps is not read.",
            place,
            "Leave 1/T out: a loss is the sum over all steps.",
        )
    factors = (*parts[:at], *parts[at + 1 :])
    if sign == 1 and len(factors) == 1 and _is_step(factors[0]):
        yield replace(statement, sides=(left, _sum_over_steps(factors[0], right.span)))
        return
    body: syntax.Node = syntax.Chain(factors, chain.span)
    of_step = syntax.Scripted(bare, _STEP, getattr(left, "superscripts", ()), 0, left.span)
    value = body if sign == 1 else syntax.Sum(((sign, body),), right.span)
    yield replace(statement, sides=(of_step, value))
    yield replace(statement, sides=(left, _sum_over_steps(of_step, right.span)))


def _is_sum_over_steps(part: syntax.Node | syntax.Operator) -> bool:
    if not isinstance(part, syntax.Series) or part.kind != "sum":
        return False
    ends = [spelled_index(index) for index in part.bounds]
    upper = None if part.upper is None else spelled_index(part.upper)
    return (ends, upper) in ((["t"], None), (["t", "1"], "T"), (["t"], "T"))


def _is_step(node: syntax.Node | syntax.Operator) -> bool:
    """Tell whether a factor is one symbol at step t, without anything above it."""
    return (
        isinstance(node, syntax.Scripted)
        and [spelled_index(index) for index in node.subscripts] == ["t"]
        and not node.superscripts
    )


def _sum_over_steps(body: syntax.Node | syntax.Operator, span: syntax.Span) -> syntax.Node:
    assert isinstance(_WHOLE, syntax.Chain)
    return syntax.Chain((_WHOLE.parts[0], body), span)


__all__ = ["standard_forms"]
