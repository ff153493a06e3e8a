"""Lines of a sheet: short equations with a letter beside them."""

from __future__ import annotations

from codegen.documents.printed import width
from derivations.derivation import Equation
from derivations.notation.latex import latex

#: A line of a sheet is at most so wide, in em, its range apart.
WIDEST = 32.0


def letter(position: int) -> str:
    """Return the label of a line: (a), (b), …

    Examples
    --------
    >>> letter(2)
    '(c)'
    """
    return f"({chr(ord('a') + position)})"


def short_sides(equation: Equation) -> tuple[str, str]:
    """Return the first and the last side of an equation in LaTeX."""
    return latex(equation.left), latex(equation.right)


def is_short(equation: Equation) -> bool:
    """Tell whether a line holds the first and the last side."""
    return width(" = ".join(short_sides(equation))) <= WIDEST


__all__ = ["WIDEST", "is_short", "letter", "short_sides"]
