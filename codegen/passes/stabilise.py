"""Program → Program that neither overflows nor cancels, as floats do and paper does not.

log(softmax(z)) becomes log_softmax(z), log(sigmoid(z)) becomes −softplus(−z), and 1 − exp(u)
becomes −expm1(u). Each form on the left loses everything where its inner function saturates.
"""

from __future__ import annotations

from fractions import Fraction

from codegen.passes.rewrite import rewrite_program
from codegen.program import (
    Add,
    Apply,
    Assign,
    Expression,
    Load,
    Number,
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
    inner = node.argument
    if isinstance(inner, Load) and inner.shift == 0:
        inner = written.get(inner.name, inner)
    if isinstance(inner, RowFunction) and inner.function == "softmax":
        return RowFunction("log_softmax", inner.argument)
    if isinstance(inner, Apply) and inner.function == "sigmoid":
        return Add(((-1, Apply("softplus", Add(((-1, inner.argument),)))),))
    return node


def _one_minus_exponential(node: Add) -> Expression:
    if len(node.terms) != 2:
        return node
    (first_sign, first), (second_sign, second) = node.terms
    is_difference = (first_sign, second_sign) == (1, -1) and first == Number(Fraction(1))
    if is_difference and isinstance(second, Apply) and second.function == "exp":
        return Add(((-1, Apply("expm1", second.argument)),))
    return node
