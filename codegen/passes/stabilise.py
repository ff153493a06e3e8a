"""Program → Program that neither overflows nor cancels, as floats do and paper does not.

log(softmax(z)) becomes log_softmax(z), also where a label picks an entry; log(sigmoid(z)) becomes
−softplus(−z), log(1 − sigmoid(z)) −softplus(z), and 1 − exp(u) becomes −expm1(u). Each form on the
left loses everything where its inner function saturates.
"""

from __future__ import annotations

from codegen.passes.rewrite import rewrite_program
from codegen.program import (
    Add,
    Apply,
    Assign,
    Expression,
    Load,
    Number,
    Pick,
    Program,
    RowFunction,
)


def stabilise(program: Program) -> Program:
    """Return the program with the forms that lose digits replaced."""
    written = {
        statement.target: statement.value
        for block in program.forward
        for statement in block.body
        if isinstance(statement, Assign) and not statement.adds
    }

    def rule(node: Expression) -> Expression:
        if isinstance(node, Apply) and node.function == "log":
            return _logarithm(node, written)
        if isinstance(node, Add):
            return _one_minus_exponential(node)
        return node

    return rewrite_program(program, rule)


def _logarithm(node: Apply, written: dict[str, Expression]) -> Expression:
    """Look through the name of what the logarithm is taken of."""
    inner = _meaning(node.argument, written)
    if isinstance(inner, RowFunction) and inner.function == "softmax":
        return RowFunction("log_softmax", inner.argument)
    if isinstance(inner, Pick):
        picked = _meaning(inner.rows, written)
        if isinstance(picked, RowFunction) and picked.function == "softmax":
            return Pick(RowFunction("log_softmax", picked.argument), inner.label)
    if isinstance(inner, Apply) and inner.function == "sigmoid":
        return Add(((-1, Apply("softplus", Add(((-1, inner.argument),)))),))
    rest = _complement(inner)
    meant = None if rest is None else _meaning(rest, written)
    if isinstance(meant, Apply) and meant.function == "sigmoid":
        return Add(((-1, Apply("softplus", meant.argument)),))
    return node


def _meaning(node: Expression, written: dict[str, Expression]) -> Expression:
    """Return what a name stands for, at its own step."""
    return written.get(node.name, node) if isinstance(node, Load) and node.shift == 0 else node


def _complement(node: Expression) -> Expression | None:
    """Return u of 1 − u."""
    match node:
        case Add(terms=((1, Number(value=1)), (-1, rest))):
            return rest
    return None


def _one_minus_exponential(node: Add) -> Expression:
    rest = _complement(node)
    if isinstance(rest, Apply) and rest.function == "exp":
        return Add(((-1, Apply("expm1", rest.argument)),))
    return node
