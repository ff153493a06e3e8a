"""How a derivation is written: its running steps, its equations, the names of its adjoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sympy import MatrixExpr, Symbol

from derivations.algebra import replace
from derivations.derivation import Equation
from derivations.expressions import Quantity, t
from derivations.notation.latex import latex
from derivations.notation.names import canonical, parts

#: The step at which a parameter acts, and the step that a product runs over.
k = Symbol("k", integer=True)
j = Symbol("j", integer=True)

#: The range of most equations.
EVERY_STEP = "1 \\le t \\le T"


def write(
    label: str,
    sides: Sequence[MatrixExpr],
    reason: str,
    conditions: str = EVERY_STEP,
    kind: Literal["given", "definition", "claim"] = "claim",
) -> Equation:
    """Return an equation without its number, each side once."""
    distinct = tuple(dict.fromkeys(sides))
    return Equation(label, 0, distinct, conditions, reason, kind)


def math(expression: MatrixExpr) -> str:
    return f"${latex(expression)}$"


def at_step(expression: MatrixExpr, time: object) -> MatrixExpr:
    """Return an expression of step t at another step."""
    result: MatrixExpr = replace(expression, {t: time})
    return result


def adjoint_name(name: str) -> str:
    """Return the name of the adjoint of a quantity: δ with the quantity above.

    Examples
    --------
    >>> adjoint_name("h")
    '\\\\delta^h'
    """
    return canonical("\\delta", [], [part for part in parts(name) if part])


def adjoint(quantity: Quantity, time: object = t) -> Quantity:
    """Return δ of a quantity at a step."""
    return Quantity(adjoint_name(quantity.name), *quantity.shape, time)
