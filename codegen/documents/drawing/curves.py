"""A scalar function and its derivative as two curves, with the bound on the slope."""

from __future__ import annotations

from sympy import Expr, Rational, oo

from codegen.documents.drawing import Drawing, Item, Label, Line
from codegen.documents.drawing.panel import Curve, Panel
from codegen.documents.drawing.plot import HIGH, REACH, WIDE, panel, sampled
from derivations.activations import ScalarFunction, x
from derivations.errors import EmitError
from derivations.slopes import SlopeBound, slope_bound, smooth_pieces

#: Between the panels, and around them, where the numbers stand.
APART, LEFT, RIGHT, BELOW, ABOVE = 46.0, 28.0, 46.0, 18.0, 20.0
#: How large the ring is that marks a maximum, and how far a control point of its arcs stands out.
RING, ARC = 2.6, 0.5523
#: The room that the place of a maximum takes.
NUMBER = 52.0


def curves(name: str, function: ScalarFunction) -> Drawing:
    r"""Return the plots of σ and σ′, with the least upper bound of |σ′|.

    Parameters
    ----------
    name : str
        LaTeX by which the function is called, such as ``\sigma``.
    function : ScalarFunction

    Raises
    ------
    EmitError
        For an unspecified function.

    Examples
    --------
    >>> from derivations.activations import FUNCTIONS
    >>> drawing = curves("\\sigma", FUNCTIONS["sigmoid"])
    >>> print(drawing.description.split(". ")[1])
    The slope is at most $\frac{1}{4}$
    """
    if function.formula is None:
        raise EmitError(
            f"Nothing is known of the function {function.name}, so that no curve can be drawn.",
            hint="Choose an activation.",
        )
    bound = slope_bound(function)
    pieces = smooth_pieces(function.formula)
    values = sorted(curve for piece, domain in pieces for curve in sampled(piece, domain))
    slopes = sorted(curve for piece, domain in pieces for curve in sampled(piece.diff(x), domain))
    first = panel((LEFT, BELOW), [0.0, *_heights(values)])
    second = panel((LEFT + WIDE + APART, BELOW), [0.0, *_sizes(bound), *_heights(slopes)])
    items = (
        *first.frame(f"${name}(x)$", "$x$"),
        *first.drawn(values, "first"),
        *second.frame(f"${_primed(name)}(x)$", "$x$"),
        *_bound(second, bound),
        *second.drawn(slopes, "second"),
        *_maximum(second, function, bound),
    )
    width, height = LEFT + 2 * WIDE + APART + RIGHT, BELOW + HIGH + ABOVE
    return Drawing(width, height, items, _description(name, function, bound))


def _heights(curves: list[Curve]) -> list[float]:
    return [value for curve in curves for _, value in curve]


def _sizes(bound: SlopeBound) -> list[float]:
    return [] if bound.supremum == oo else [float(bound.supremum)]


def _primed(name: str) -> str:
    """Return the name of the derivative: TeX takes a prime before a superscript only."""
    return name.replace("^", "'^", 1) if "^" in name else f"{name}'"


def _bound(panel: Panel, bound: SlopeBound) -> tuple[Item, ...]:
    """Return a dashed line at the bound, with its value at the right."""
    label = f"${_sign(bound.supremum)}{_number(bound.supremum)}$"
    lines: list[Item] = []
    for size in _sizes(bound):
        start, end = panel.at((-REACH, size)), panel.at((REACH, size))
        lines += [Line((start, end), "bound"), Label((end[0] + 4, end[1]), label, "west")]
    return tuple(lines)


def _maximum(panel: Panel, function: ScalarFunction, bound: SlopeBound) -> tuple[Item, ...]:
    """Return a ring around a highest point, and the place where it is if no number says so."""
    maximiser = bound.maximiser
    if maximiser is None or not _is_peak(function, bound):
        return ()
    place = float(maximiser)
    x0, y0 = panel.at((place, float(bound.supremum)))
    r, k = RING, RING * ARC
    quarters = [((1, 0), (0, 1)), ((0, 1), (-1, 0)), ((-1, 0), (0, -1)), ((0, -1), (1, 0))]
    points = [(x0 + r, y0)]
    for (a, b), (c, d) in quarters:
        points += [
            (x0 + a * r + c * k, y0 + b * r + d * k),
            (x0 + c * r + a * k, y0 + d * r + b * k),
            (x0 + c * r, y0 + d * r),
        ]
    ring = Line(tuple(points), "second", curved=True)
    foot = (x0, panel.corner[1])
    drop = Line(((x0, y0 - r), foot), "bound")
    if not place:
        return drop, ring
    label = f"$x {_sign(maximiser) or '= '}{_number(maximiser)}$"
    fits = x0 + NUMBER < panel.corner[0] + WIDE
    at = (x0 + 4 if fits else x0 - 4, foot[1] + 9)
    return drop, ring, Label(at, label, "west" if fits else "east")


def _is_peak(function: ScalarFunction, bound: SlopeBound) -> bool:
    """Tell whether the slope is largest at a point, and not all along a straight piece."""
    return bound.attained and any(
        bound.maximiser in domain and piece.diff(x).has(x)
        for piece, domain in smooth_pieces(function.formula)
    )


def _description(name: str, function: ScalarFunction, bound: SlopeBound) -> str:
    said = [
        f"The function ${name}(x)$ and its derivative ${_primed(name)}(x)$ "
        f"for $-{REACH} \\le x \\le {REACH}$."
    ]
    shown = f"${_sign(bound.supremum)}{_number(bound.supremum)}$"
    if bound.supremum == oo:
        said.append("The slope has no bound.")
    elif not bound.attained:
        said.append(f"The slope comes as near to {shown} as one likes.")
    else:
        said.append(f"The slope is at most {shown}.")
    if _is_peak(function, bound):
        relation = _sign(bound.maximiser) or "= "
        said.append(f"It is largest at $x {relation}{_number(bound.maximiser)}$.")
    return " ".join(said)


def _sign(value: Expr) -> str:
    """Return a sign for a number that is rounded."""
    return "" if isinstance(value, Rational) or value == oo else "\\approx "


def _number(value: Expr) -> str:
    """Return the LaTeX of a number: exact if it is rational, otherwise to four digits."""
    if not isinstance(value, Rational):
        return f"{float(value):.4f}"
    sign, above = "-" if value < 0 else "", abs(value.p)
    return f"{sign}{above}" if value.q == 1 else f"{sign}\\frac{{{above}}}{{{value.q}}}"


__all__ = ["curves"]
