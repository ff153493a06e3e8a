"""σ′(a) ≤ c: proven by SymPy, with the point where the largest slope is reached."""

from __future__ import annotations

from sympy import Rational

from derivations.claims.source import Source
from derivations.claims.terms import Apply, Norm, Number, Quotient, Term
from derivations.claims.verdict import Verdict
from derivations.slopes import slope_bound


def slope_verdict(
    source: Source, sides: tuple[Term, ...], relations: tuple[str, ...], claim: str
) -> Verdict | None:
    """Return the verdict on a bound of a slope, None for any other statement.

    Parameters
    ----------
    source : Source
    sides : tuple of Term
    relations : tuple of str
    claim : str
        The LaTeX of the claim.
    """
    if relations == (">=",):
        sides, relations = sides[::-1], ("<=",)
    if relations != ("<=",):
        return None
    slope = sides[0].body if isinstance(sides[0], Norm) else sides[0]
    bound = _constant(sides[1])
    if bound is None or not isinstance(slope, Apply) or slope.order != 1:
        return None
    function = source.function(slope.function)
    if function is None or function.formula is None:
        return None
    found = slope_bound(function)
    largest = found.supremum
    where = f"reached at {found.maximiser}" if found.attained else "approached, not reached"
    if largest <= bound:
        return Verdict(claim, "holds", evidence=f"the largest slope is {largest}, {where} (SymPy)")
    shown = f"The slope of {function.name} is {largest}, {where}."
    return Verdict(claim, "false", why="The slope can be larger.", counterexample=shown)


def _constant(term: Term) -> Rational | None:
    if isinstance(term, Number):
        return Rational(term.value.numerator, term.value.denominator)
    if isinstance(term, Quotient):
        above, below = _constant(term.above), _constant(term.below)
        return None if above is None or not below else above / below
    return None
