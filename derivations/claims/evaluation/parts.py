"""Rows and columns of a matrix, whose bounds are sizes of the model."""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Integer

from derivations.claims.evaluation.core import Environment, Evaluator, evaluated
from derivations.claims.latex_pieces import range_text
from derivations.claims.run import Point
from derivations.claims.terms import Part
from derivations.claims.values import Undefined, Value
from derivations.notation.picks import Range
from derivations.proof.evaluate import Dual

_AXES = ("rows", "columns")


@evaluated.register
def evaluate_part(term: Part, evaluator: Evaluator, environment: Environment) -> Value:
    body = evaluator.value(term.body, environment)
    if body.is_tensor:
        raise Undefined("A third-order array has more than rows and columns.")
    if body.number or body.identity:
        raise Undefined("A number has no rows and columns, nor has an identity of any size.")
    taken = [slice(None), slice(None)]
    is_row = len(term.ranges) == 1 and body.shape[0] == 1
    for axis, span in enumerate(term.ranges, start=int(is_row)):
        if span is not None:
            taken[axis] = _taken(span, _AXES[axis], body.shape[axis], evaluator.point)
    rows, columns = taken
    tangent = body.dual.tangent
    moved = None if tangent is None else tangent[:, rows, columns]
    return replace(body, dual=Dual(body.dual.value[rows, columns], moved))


def _taken(span: Range, axis: str, length: int, point: Point) -> slice:
    """Return the positions of a range, counted from 0.

    Raises
    ------
    Undefined
        When a bound is no size, or the matrix has no such rows or columns.
    """
    first, last = (
        fallback if bound is None else _number(bound, point)
        for bound, fallback in ((span.first, 1), (span.last, length))
    )
    shown = f"The {axis} {range_text(span)}"
    if first < 1 or last > length:
        raise Undefined(f"{shown} go beyond the matrix, which has {length}{_where(span, point)}.")
    if first > last:
        raise Undefined(f"{shown} are none{_where(span, point)}.")
    return slice(first - 1, last)


def _number(bound: Expr, point: Point) -> int:
    unknown = sorted(map(str, bound.free_symbols - point.sizes.keys()))
    if unknown:
        raise Undefined(f"{unknown[0]} is no size of this model.")
    return int(bound.xreplace({size: Integer(n) for size, n in point.sizes.items()}))


def _where(span: Range, point: Point) -> str:
    """Return the sizes in a range as the network has them: `` where n = 3``."""
    bounds = (bound for bound in (span.first, span.last) if bound is not None)
    names = set().union(*(bound.free_symbols for bound in bounds))
    shown = ", ".join(f"{name} = {point.sizes[name]}" for name in sorted(names, key=str))
    return shown and f" where {shown}"
