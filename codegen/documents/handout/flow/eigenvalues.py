"""Eigenvalues of a recurrent matrix in the plane of complex numbers, with the unit circle."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from codegen.documents.drawing import Item, Point
from codegen.documents.drawing.panel import Axis, Panel
from codegen.documents.handout.flow.study import DIGITS
from codegen.flow.probe import Probe, Recurrent
from codegen.gradcheck.module import length
from derivations.notation.latex import latex
from derivations.notation.names import identifier

#: The radius of the dot at an eigenvalue.
DOT = 1.3


def eigenvalues(
    corner: Point, side: float, values: Sequence[tuple[float, float]]
) -> tuple[Item, ...]:
    """Return eigenvalues in the plane of complex numbers, with the unit circle."""
    # In an order of their own: that of LAPACK is not the same everywhere.
    rounded = sorted((round(real, DIGITS), round(imaginary, DIGITS)) for real, imaginary in values)
    reach = 1.1 * max(1.2, *(abs(coordinate) for value in rounded for coordinate in value))
    axis = Axis(-reach, reach, tuple(range(-math.floor(reach), math.floor(reach) + 1)))
    panel = Panel(corner, side, side, axis, axis)
    turns = [math.pi * number / 36 for number in range(73)]
    circle = [(math.cos(turn), math.sin(turn)) for turn in turns]
    return (
        *panel.frame("", ""),
        panel.titled("eigenvalues"),
        *panel.drawn([circle], "second"),
        *panel.dots(rounded, DOT),
    )


def square_matrix(probe: Probe) -> str | None:
    """Return the LaTeX of the matrix whose eigenvalues are measured; None where none is square.

    Examples
    --------
    >>> from derivations import cell
    >>> from codegen.flow.probe import probe_of
    >>> print(square_matrix(probe_of(cell("mgu"), "mgu")))
    \\left(W_f\\right)_{:,1:n}
    """
    for one in probe.recurrent:
        if len(one.axes) == 2:
            return _name(probe, one) if _is_square(one) else None
    return None


def _is_square(one: Recurrent) -> bool:
    """Tell whether the columns of a parameter that meet the state are as many as its rows."""
    if one.columns is None:
        return one.axes[0] == one.axes[1]
    names = dict.fromkeys(re.findall(r"[A-Za-z_]\w*", " ".join((*one.axes, *one.columns))))
    sizes = {name: 7 + 3**place for place, name in enumerate(names)}
    first, last = (length(end, sizes) for end in one.columns)
    return last - first == length(one.axes[0], sizes)


def _name(probe: Probe, one: Recurrent) -> str:
    model = probe.bounds.model
    known = {identifier(parameter.name): latex(parameter) for parameter in model.parameters}
    if one.columns is None:
        return known[one.name]
    first, last = one.columns
    begin = "1" if first == "0" else f"{first}+1"
    return f"\\left({known[one.name]}\\right)_{{:,{begin}:{last}}}"


__all__ = ["eigenvalues", "square_matrix"]
