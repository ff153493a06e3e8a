"""How a wrong form is made: one place of a side is changed, and everything else stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sympy import Basic, MatrixExpr

from derivations.algebra import rebuild
from derivations.derivation import Equation
from derivations.errors import ShapeError
from derivations.expressions import MatrixSymbol, Partial, Quantity
from derivations.model import Model


@dataclass(frozen=True)
class Wrong:
    """A wrong form of a side.

    Attributes
    ----------
    side : MatrixExpr
    what : str
        One sentence of what is wrong in it, in text with ``$`` around formulas.
    """

    side: MatrixExpr
    what: str


@dataclass(frozen=True)
class Subject:
    """A side of a proven equation, and what a mistake in it may need to know.

    Attributes
    ----------
    equation : Equation
    side : MatrixExpr
        One of its sides, not the first.
    model : Model
    """

    equation: Equation
    side: MatrixExpr
    model: Model


#: What may stand in the place of a node, with what is then wrong.
Change = Callable[[Basic], Iterator[tuple[MatrixExpr, str]]]


def changed(side: MatrixExpr, change: Change) -> Iterator[Wrong]:
    """Yield a side with a change at each of its places in turn, the outermost first.

    What stands in a derivative, ∂u/∂v, is no place of its own. A change that does not fit where it
    stands is left out.

    Examples
    --------
    >>> from derivations.algebra import add, negate
    >>> u, v = Quantity("u", 3, 1, 0), Quantity("v", 3, 1, 0)
    >>> def turned(node):
    ...     if isinstance(node, Quantity):
    ...         yield negate(node), "The sign is wrong."
    >>> [wrong.side for wrong in changed(add(u, v), turned)] == [
    ...     add(negate(u), v), add(u, negate(v))]
    True
    """
    yield from (Wrong(new, what) for new, what in _changed(side, change))


def _changed(node: Basic, change: Change) -> Iterator[tuple[Basic, str]]:
    yield from change(node)
    if isinstance(node, Partial | Quantity | MatrixSymbol):
        return
    for position, argument in enumerate(node.args):
        for new, what in _changed(argument, change):
            try:
                arguments = (*node.args[:position], new, *node.args[position + 1 :])
                yield rebuild(node, arguments), what
            except ShapeError:
                continue


__all__ = ["Change", "Subject", "Wrong", "changed"]
