"""The rules: the local Jacobian and the pullback of every node, one small function a rule.

`jacobian(u, v)` is ∂u/∂v as u stands, in numerator layout: |u| rows, |v| columns; a matrix counts
as the column of its entries, row by row. `pullback(u, G, v)` takes the adjoint G of u, a matrix of
u's shape, to what u contributes to the adjoint of v. Both look only at what is written in u: a
symbol other than v is constant. How symbols depend on each other through the forward equations is
the business of `bptt.py`.
"""

from derivations.calculus.jacobian import jacobian, jacobian_rule
from derivations.calculus.pullback import pullback, pullback_rule
from derivations.calculus.slopes import choice, slope, slope_in_terms_of_output

__all__ = [
    "choice",
    "jacobian",
    "jacobian_rule",
    "pullback",
    "pullback_rule",
    "slope",
    "slope_in_terms_of_output",
]
