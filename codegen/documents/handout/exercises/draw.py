"""Choices that a seed makes, the same on every machine."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

Member = TypeVar("Member")


class Draw:
    """A stream of choices.

    Parameters
    ----------
    seed : int
        The number of the sheet.
    purpose : str
        What the choices are for: each exercise draws from a stream of its own, so that one does
        not change with another.

    Examples
    --------
    >>> Draw(7, "blanks").one("abc") == Draw(7, "blanks").one("abc")
    True
    """

    def __init__(self, seed: int, purpose: str) -> None:
        self._random = random.Random(f"{seed} {purpose}")

    def number(self, count: int) -> int:
        """Return a number from 0 up to a count."""
        return int(self._random.random() * count)

    def one(self, members: Sequence[Member]) -> Member:
        """Return one of several."""
        return members[self.number(len(members))]

    def shuffled(self, members: Sequence[Member]) -> list[Member]:
        """Return all of them in some order."""
        rest = list(members)
        return [rest.pop(self.number(len(rest))) for _ in members]

    def some(self, members: Sequence[Member], count: int) -> list[Member]:
        """Return so many of them, or all if there are fewer, in the order in which they stand."""
        chosen = sorted(self.shuffled(range(len(members)))[:count])
        return [members[place] for place in chosen]


__all__ = ["Draw"]
