"""What the emitted modules of every target say of themselves to Python."""

from __future__ import annotations

import textwrap

from codegen.program import LastStep, Program
from derivations.errors import printable

#: Docstrings of an emitted module are filled to this width.
DOCSTRING_WIDTH = 92


def filled(text: str) -> str:
    """Break text into lines, and keep a user's title from ending the docstring it stands in."""
    harmless = printable(text).replace("\\", "/").replace('"', "'")
    return textwrap.fill(harmless, DOCSTRING_WIDTH, break_on_hyphens=False)


def shown_tuple(names: tuple[str, ...]) -> str:
    """Return a tuple of names as Python.

    Examples
    --------
    >>> print(shown_tuple(("n",)))
    ("n",)
    """
    return "(" + ", ".join(f'"{name}"' for name in names) + ("," if len(names) == 1 else "") + ")"


def value_of(program: Program) -> str:
    """Return what the value of a program is."""
    over = program.gradients_of_loss
    return f"the inner product with {' and '.join(over)}" if over else "the loss"


def summed_over(program: Program) -> str:
    """Return what the value of a program is summed over."""
    at_last = [b for b in program.forward if any(s.target == program.loss for s in b.body)]
    is_last_only = all(isinstance(block, LastStep) for block in at_last)
    if program.mask is not None:
        is_last_only = program.mask.at_last_only
    return "the batch, at the last step" if is_last_only else "steps and batch"
