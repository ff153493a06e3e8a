"""Program → Program in which a product with a concatenation is a sum of products.

W [h; x] becomes W_h h + W_x x, with the columns of W that meet each: then only what is recurrent
stays in the loop, and nothing is copied together at every step.
"""

from __future__ import annotations

from codegen.passes.rewrite import rewrite_program
from codegen.program import Add, Concatenate, Expression, Program, RowsTimes


def split(program: Program) -> Program:
    """Return the program with products of concatenations taken apart."""
    return rewrite_program(program, _split)


def _split(node: Expression) -> Expression:
    if isinstance(node, Add):
        return _flat(node)
    if not isinstance(node, RowsTimes) or not isinstance(node.rows, Concatenate):
        return node
    if not node.transposed or node.start or node.stop:
        return node
    parts, sizes = node.rows.parts, node.rows.sizes
    ends = [" + ".join(sizes[:i]) for i in range(len(sizes))] + [""]
    return Add(
        tuple(
            (1, RowsTimes(part, node.weight, True, ends[i], ends[i + 1]))
            for i, part in enumerate(parts)
        )
    )


def _flat(node: Add) -> Add:
    """Return a sum without sums among its terms."""
    terms: list[tuple[int, Expression]] = []
    for sign, term in node.terms:
        inner = term.terms if isinstance(term, Add) else ((1, term),)
        terms += [(sign * own, part) for own, part in inner]
    return Add(tuple(terms))
