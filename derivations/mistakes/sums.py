"""Mistakes in sums and products over steps: where they begin and end, and what they add up."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Basic, Expr, Integer, MatrixExpr

from derivations.algebra import multiply, replace
from derivations.expressions import (
    AscendingProduct,
    MatMul,
    Partial,
    T,
    TimeProduct,
    TimeSum,
    t,
)
from derivations.mistakes.trees import Subject, Wrong, changed
from derivations.notation.latex import latex
from derivations.notation.names import show_time


def sum_too_short(subject: Subject) -> Iterator[Wrong]:
    """Σ_{k=1}^{t} becomes Σ_{k=1}^{t−1}."""

    def change(node: Basic) -> Iterator[tuple[MatrixExpr, str]]:
        for end in ("upper", "lower") if isinstance(node, TimeSum) else ():
            last = getattr(node, end)
            if last.is_Symbol and last != T:
                moved = last - 1 if end == "upper" else last + 1
                bounds = (node.lower, moved) if end == "upper" else (moved, node.upper)
                what = (
                    f"The sum {'stops' if end == 'upper' else 'begins'} at ${show_time(moved)}$: "
                    f"the term with ${node.index} = {show_time(last)}$ is missing."
                )
                yield TimeSum(node.body, node.index, *bounds), what

    return changed(subject.side, change)


def one_path(subject: Subject) -> Iterator[Wrong]:
    """Σ_k A_k becomes A_1, the term of the longest path."""
    found = _path_sum(subject)
    if found is None:
        return
    far = found.lower if found.upper == t else found.upper
    body = _without_identity(replace(found.body, {found.index: far}))
    yield Wrong(
        body,
        f"Of all paths only the longest is left, the one that starts at step ${show_time(far)}$.",
    )


def past_held_fixed(subject: Subject) -> Iterator[Wrong]:
    """Σ_k A_k becomes A_t, the term of the step itself."""
    found = _path_sum(subject)
    if found is None:
        return
    near = found.upper if found.upper == t else found.lower
    body = _without_identity(replace(found.body, {found.index: near}))
    by = next((p.of for p in body.atoms(Partial) if p.immediate), None)
    if by is not None:
        before = by.at(by.time - 1 if found.upper == t else by.time + 1)
        what = (
            f"${latex(before)}$ is held fixed, as if it were an input: only the use of the "
            f"parameter at step $t$ itself is left."
        )
        yield Wrong(body, what)


def _path_sum(subject: Subject) -> TimeSum | None:
    """Return a sum over k up to t, or from t on, if the side is one."""
    side = subject.side
    is_one = isinstance(side, TimeSum) and t in (side.lower, side.upper)
    return side if is_one else None


def _without_identity(product: MatrixExpr) -> MatrixExpr:
    """Leave out ∂h_t/∂h_t."""
    if not isinstance(product, MatMul):
        return product
    kept = [f for f in product.args if not (isinstance(f, Partial) and f.of == f.by)]
    return multiply(*kept)


def product_too_long(subject: Subject) -> Iterator[Wrong]:
    """∏_{j=k+1}^{t} becomes ∏_{j=k}^{t}."""

    def change(node: Basic) -> Iterator[tuple[MatrixExpr, str]]:
        if isinstance(node, TimeProduct):
            bounds: tuple[Expr, Expr] = (node.lower - 1, node.upper)
            moved, verb = bounds[0], "starts"
        elif isinstance(node, AscendingProduct):
            bounds = (node.lower, node.upper + 1)
            moved, verb = bounds[1], "ends"
        else:
            return
        what = (
            f"The product {verb} at ${show_time(moved)}$ and has one factor too many: "
            "the empty product would not be the identity."
        )
        yield node.func(node.body, node.index, *bounds), what

    return changed(subject.side, change)


def total_for_immediate(subject: Subject) -> Iterator[Wrong]:
    """∂⁺h_k/∂W becomes ∂h_k/∂W."""

    def change(node: Basic) -> Iterator[tuple[MatrixExpr, str]]:
        if isinstance(node, Partial) and node.immediate:
            total = Partial(node.of, node.by)
            what = (
                f"${latex(total)}$ is the total derivative, which holds the share of other steps "
                "already: most paths are counted several times."
            )
            yield total, what

    return changed(subject.side, change)


def only_the_last_step(subject: Subject) -> Iterator[Wrong]:
    """Σ_{t=1}^{T} A_t becomes A_T."""
    side = subject.side
    if isinstance(side, TimeSum) and (side.lower, side.upper) == (Integer(1), T):
        what = "The sum over the steps is missing: only the use at the last step $T$ is left."
        yield Wrong(replace(side.body, {side.index: T}), what)


__all__ = [
    "one_path",
    "only_the_last_step",
    "past_held_fixed",
    "product_too_long",
    "sum_too_short",
    "total_for_immediate",
]
