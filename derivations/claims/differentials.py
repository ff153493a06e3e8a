"""The ∂ and d of derivatives: where they stand, and what stands behind them."""

from __future__ import annotations

from collections.abc import Sequence

from derivations.notation import syntax

Parts = Sequence["syntax.Node | syntax.Operator"]


def is_d(node: syntax.Node | syntax.Operator) -> bool:
    base = node.base if isinstance(node, syntax.Scripted) else node
    return isinstance(base, syntax.Name) and base.text == "\\partial"


def is_immediate(node: syntax.Node | syntax.Operator) -> bool:
    return isinstance(node, syntax.Scripted) and [i.word for i in node.superscripts] == ["+"]


def behind_d(node: syntax.Node) -> tuple[bool, Parts] | None:
    """Return what stands behind the ∂ or d of a fraction, and whether it is ∂⁺."""
    parts: Parts = node.parts if isinstance(node, syntax.Chain) else (node,)
    first = parts[0]
    is_upright = isinstance(first, syntax.Name) and first.text in ("d", "\\mathrm{d}", "\\text{d}")
    if is_d(first):
        if isinstance(first, syntax.Scripted) and first.superscripts and not is_immediate(first):
            return None
        return is_immediate(first), parts[1:]
    return (False, parts[1:]) if is_upright and len(parts) > 1 else None
