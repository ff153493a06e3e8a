"""What sizes are called: n for states, m for inputs, q for what the loss looks at."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sympy import Expr

from derivations.expressions import t

# What else a size is called where its letter is taken, as by the gate n_t of a GRU.
_LETTERS = {"n": "nds", "m": "mpu", "q": "qod", "p": "pus", "r": "ros"}


@dataclass(frozen=True)
class Use:
    """A quantity that stands in the equation of another one, and at which time."""

    user: str
    name: str
    time: Expr


def size_letters(
    uses: Sequence[Use],
    defined: Sequence[str],
    targets: Sequence[str],
    judged: Sequence[str],
) -> dict[str, str]:
    """Return the letter for the size of each quantity, the most telling quantities first.

    Parameters
    ----------
    uses : sequence of Use
        What stands in the forward equations.
    defined : sequence of str
        What the equations define.
    targets : sequence of str
        What is declared a target.
    judged : sequence of str
        What an unspecified loss depends on.

    Examples
    --------
    >>> uses = [Use("h", "h", t - 1), Use("h", "x", t), Use("z", "h", t), Use("E", "z", t)]
    >>> size_letters(uses, ["h", "z", "E"], [], [])
    {'z': 'q', 'h': 'n', 'x': 'm', 'E': 'n'}
    """
    lagged = [use.name for use in uses if use.time != t]
    users_of = {name: {use.user for use in uses if use.name == name} for name in defined}
    last = [name for name in defined if name not in {use.name for use in uses}]
    outputs = [name for name in defined if users_of[name] & set(last)] + list(judged)
    inputs = [use.name for use in uses if use.name not in defined]
    letters: dict[str, str] = {}
    for names, letter in (
        (targets, "q"),
        ([name for name in outputs if name not in lagged], "q"),
        (lagged, "n"),
        (inputs, "m"),
        (defined, "n"),
    ):
        for name in names:
            letters.setdefault(name, letter)
    return letters


class FreshLetters:
    """Hands out names of sizes that nothing else has.

    Parameters
    ----------
    taken : collection of str
        The names of the quantities and the sizes of the model.

    Examples
    --------
    >>> fresh = FreshLetters({"n", "h"})
    >>> fresh.next("n"), fresh.next("n"), fresh.next("m")
    ('d', 'd_2', 'm')
    """

    def __init__(self, taken: Collection[str]) -> None:
        self._given = set(taken)
        self._letters = {
            letter: next((other for other in others if other not in taken), letter)
            for letter, others in _LETTERS.items()
        }

    def next(self, letter: str) -> str:
        """Return a name that was not returned before; numbered from the second on."""
        plain = self._letters[letter]
        numbered = (f"{plain}_{number}" for number in itertools.count(2))
        name = next(n for n in itertools.chain([plain], numbered) if n not in self._given)
        self._given.add(name)
        return name
