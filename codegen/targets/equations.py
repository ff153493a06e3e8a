"""What an emitted line says of the equations that it computes, in every target."""

from __future__ import annotations

from codegen.documents.printed import plain
from codegen.program import Statement


def equation_text(statement: Statement) -> str:
    """Return the number and the formula of a statement, with the numbers of others like it.

    Examples
    --------
    >>> from codegen.program import Assign, Load
    >>> equation_text(Assign("i", Load("a"), 2, "i_t = a_t", also=(4, 6)))
    '(2) i_t = a_t; so (4) and (6)'
    """
    numbers = [f"({number})" for number in statement.also]
    *others, last = numbers or [""]
    also = f"; so {', '.join(others)} and {last}" if others else f"; so {last}" if last else ""
    return f"({statement.equation}) {plain(statement.formula)}{also}"
