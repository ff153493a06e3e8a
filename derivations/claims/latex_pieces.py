"""Pieces of LaTeX that say nothing of a vocabulary: scripts, numbers, names of functions."""

from __future__ import annotations

import string
from fractions import Fraction

from derivations.claims.dots import COUNTER
from derivations.claims.ranges import UNKNOWN
from derivations.claims.steps import Step
from derivations.claims.terms import Series, Symbol, Term, substituted
from derivations.notation.latex import show_size
from derivations.notation.lexer import FUNCTION_WORDS
from derivations.notation.picks import Range

#: Letters for a series that was written with dots, the most usual first.
_COUNTERS = ("s", "j", "i", "k", "l", "m", "n", "r", "q", "p", *string.ascii_lowercase)
#: Functions that LaTeX has a command for; the others are set upright by name.
_COMMANDS = frozenset({"\\tanh", "\\exp", "\\log", "\\sin", "\\cos", "\\sinh", "\\cosh", "\\ln"})


def script(sign: str, text: str, *, is_braced: bool = False) -> str:
    """Return a script, in braces where it has more than one letter."""
    if not text:
        return ""
    is_bare = len(text) == 1 and not is_braced
    return sign + (text if is_bare else f"{{{text}}}")


def boxed(text: str) -> str:
    """Return a text in a box."""
    return f"\\boxed{{{text}}}"


def step_text(step: Step | None) -> str | None:
    return None if step is None else str(step)


def range_text(span: Range | None) -> str:
    """Return a range of rows or columns, a bare colon for all of them.

    Examples
    --------
    >>> from derivations.notation.picks import size_symbol
    >>> n = size_symbol("n")
    >>> range_text(Range(n + 1, 2 * n)), range_text(Range(None, n)), range_text(None)
    ('n+1:2n', ':n', ':')
    """
    bounds = (None, None) if span is None else (span.first, span.last)
    return ":".join("" if bound is None else show_size(bound) for bound in bounds)


def limit(step: Step, index: str) -> str:
    """Return an upper limit; where it is a size that has no value, a size."""
    return f"n_{index}" if step == Step.letter(UNKNOWN) else str(step)


def decimal(value: Fraction) -> str:
    """Return a number as decimals, or as a fraction where it has no end."""
    if value.denominator == 1:
        return str(value.numerator)
    digits = 1
    while digits < 16 and (value * 10**digits).denominator != 1:
        digits += 1
    if (value * 10**digits).denominator != 1:
        return f"\\frac{{{value.numerator}}}{{{value.denominator}}}"
    return f"{float(value):.{digits}f}"


def function_name(name: str) -> str:
    """Return the LaTeX of a function's name."""
    is_word = name.removeprefix("\\") in FUNCTION_WORDS and name not in _COMMANDS
    return f"\\operatorname{{{name[1:]}}}" if is_word else name


def with_letter(term: Series) -> Series:
    """Return a written-out series with a letter that nothing in it uses."""
    taken = {letter for piece in term.walk() for letter in piece.letters} | _names(term)
    letter = next(letter for letter in _COUNTERS if letter not in taken)
    step = Step.letter(letter)
    body = substituted(term.body, {COUNTER: step})
    return Series(term.kind, letter, term.lower, term.upper, body, term.ascending)


def _names(term: Term) -> set[str]:
    """Return the names in a term; a counter that is also a quantity would confuse."""
    return {piece.name for piece in term.walk() if isinstance(piece, Symbol)}
