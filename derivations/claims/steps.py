"""Steps of time and positions of entries: signed sums of letters and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """A step such as t − k + 1.

    Attributes
    ----------
    letters : tuple of (str, int)
        Each letter with its coefficient, sorted by letter; no coefficient is zero.
    number : int
    """

    letters: tuple[tuple[str, int], ...] = ()
    number: int = 0

    @classmethod
    def of(cls, letters: Mapping[str, int], number: int) -> Step:
        """Return the step with these coefficients."""
        return cls(tuple(sorted((s, n) for s, n in letters.items() if n)), number)

    @classmethod
    def letter(cls, letter: str) -> Step:
        return cls(((letter, 1),), 0)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(letter for letter, _ in self.letters)

    @property
    def lone(self) -> str | None:
        """The letter, if the step is nothing but one letter."""
        if self.number == 0 and len(self.letters) == 1 and self.letters[0][1] == 1:
            return self.letters[0][0]
        return None

    def at(self, values: Mapping[str, int]) -> int:
        """Return the number of the step."""
        return self.number + sum(n * values[letter] for letter, n in self.letters)

    def plus(self, other: Step, factor: int = 1) -> Step:
        letters = dict(self.letters)
        for letter, n in other.letters:
            letters[letter] = letters.get(letter, 0) + factor * n
        return Step.of(letters, self.number + factor * other.number)

    def shifted(self, number: int) -> Step:
        return Step(self.letters, self.number + number)

    def replaced(self, by: Mapping[str, Step]) -> Step:
        """Return the step with letters replaced.

        Examples
        --------
        >>> str(Step.letter("t").shifted(-1).replaced({"t": Step.letter("k")}))
        'k-1'
        """
        result = Step((), self.number)
        for letter, n in self.letters:
            result = result.plus(by.get(letter, Step.letter(letter)), n)
        return result

    def __str__(self) -> str:
        text = ""
        for letter, n in sorted(self.letters, key=lambda pair: (pair[1] < 0, pair[0] != "T", pair)):
            sign = "-" if n < 0 else ("+" if text else "")
            text += sign + ("" if abs(n) == 1 else str(abs(n))) + letter
        if self.number or not text:
            text += f"{self.number:+d}" if text else str(self.number)
        return text
