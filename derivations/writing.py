"""How a derivation is written: its running steps, its equations, the names of its adjoints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from sympy import MatrixExpr, Symbol

from derivations.algebra import replace, transpose
from derivations.derivation import Equation
from derivations.expressions import MatrixSymbol, Partial, Quantity, Vec, is_column, is_scalar, t
from derivations.model import Model
from derivations.notation.latex import latex
from derivations.notation.names import canonical, parts, time_symbol

_FRAMED = re.compile(r"\\(?:text|mathrm|operatorname)\{([^{}]*)\}")
#: The range of most equations.
EVERY_STEP = "1 \\le t \\le T"
#: Letters for the step at which a parameter acts, and for the one that a product runs over.
_RUNNING = ("k", "j", "l", "r", "u", "p", "q", "v", "w")


def running_steps(model: Model) -> tuple[Symbol, Symbol]:
    """Return two letters for steps that the model uses for nothing else.

    Examples
    --------
    >>> running_steps(Model.read("h_t = tanh(W h_{t-1})\\nE_t depends on h_t"))
    (k, j)
    """
    taken = {parts(name)[0] for name in model.scope.shapes} | set(map(str, model.sizes))
    k, j = [letter for letter in _RUNNING if letter not in taken][:2]
    return time_symbol(k), time_symbol(j)


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


def listed(expressions: Sequence[MatrixExpr]) -> str:
    """Return formulas as a sentence lists them.

    Examples
    --------
    >>> listed([Quantity(name, 1, 1, t) for name in "abc"])
    '$a_t$, $b_t$ and $c_t$'
    """
    *first, last = map(math, expressions)
    return f"{', '.join(first)} and {last}" if first else last


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
    # A word as a superscript is set upright as it is, and is read back without its frame.
    labels = [_FRAMED.sub(r"\1", part) for part in parts(name) if part]
    return canonical("\\delta", [], labels)


def adjoint(quantity: Quantity, time: object = t) -> Quantity:
    """Return δ of a quantity at a step."""
    return Quantity(adjoint_name(quantity.name), *quantity.shape, time)


def row(of: MatrixExpr, by: Quantity, *, immediate: bool = False) -> MatrixExpr:
    """Return a derivative as a Jacobian: ∂u_t/∂v_t; of a scalar by a matrix vec(∂E_t/∂S_t)ᵀ."""
    partial = Partial(of, by, immediate)
    return transpose(Vec(partial)) if is_scalar(of) and not is_column(by) else partial


def gradient(total: MatrixExpr, by: Quantity | MatrixSymbol) -> MatrixExpr:
    """Return the gradient of a scalar in the shape of what it is taken by: (∂E/∂h_t)ᵀ, ∂E/∂W."""
    partial = Partial(total, by)
    return transpose(partial) if isinstance(by, Quantity) and is_column(by) else partial
