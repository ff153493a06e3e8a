"""The door where every failure leaves: one base class, and a message that shows the place."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

#: Of a longer line, a message shows this many characters.
LONGEST_SHOWN = 160


@dataclass(frozen=True)
class Place:
    """A stretch of a text that a message points at.

    Attributes
    ----------
    text : str
        The whole text that was read.
    start, end : int
        Offsets of the first character and of the one behind the last.
    first_line : int
        The number of the first line of `text` in its file.
    """

    text: str
    start: int
    end: int
    first_line: int = 1

    def part(self, start: int, end: int) -> Place:
        """Return another stretch of the same text."""
        return Place(self.text, start, end, self.first_line)

    def show(self) -> str:
        """Return the line with its number and a caret under the place.

        Examples
        --------
        >>> print(Place("h_t = W h_{t+1}", 8, 15).show())
          1 | h_t = W h_{t+1}
            |         ^^^^^^^
        """
        start = min(self.start, len(self.text))
        line_start = self.text.rfind("\n", 0, start) + 1
        line_end = self.text.find("\n", start)
        line_end = len(self.text) if line_end < 0 else line_end
        number = str(self.first_line + self.text.count("\n", 0, start))
        # Of a very long line, the neighbourhood of the place.
        shown_start = max(line_start, start - LONGEST_SHOWN // 2)
        shown_end = min(line_end, shown_start + LONGEST_SHOWN)
        width = max(1, min(self.end, shown_end) - start)
        gutter = " " * (len(number) + 3)
        line = printable(self.text[shown_start:shown_end])
        return f"  {number} | {line}\n{gutter}| {' ' * (start - shown_start)}{'^' * width}"


def printable(text: str) -> str:
    """Return a text with a stand-in for every character that steers a terminal.

    Examples
    --------
    >>> printable("a\\tb\\x1b[31m")
    'a b�[31m'
    """
    stand_ins = {"\t": " "}
    return "".join(
        stand_ins.get(c, "\ufffd") if unicodedata.category(c) in ("Cc", "Cf", "Cs") else c
        for c in text
    )


class BpttError(Exception):
    """Base of every error that this project raises on purpose.

    Parameters
    ----------
    message : str
        What is wrong, in one sentence.
    place : Place, optional
        Where in the user's text.
    hint : str, optional
        What was expected, and what to do.
    """

    def __init__(self, message: str, place: Place | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.hint = hint

    def __str__(self) -> str:
        parts = [self.message]
        if self.place is not None:
            parts.append(self.place.show())
        if self.hint is not None:
            parts.append(self.hint)
        return "\n".join(parts)


class NotationError(BpttError):
    """A formula that does not parse, or a piece of it that has no meaning here."""


class StepError(NotationError):
    """A step at which a quantity does not stand, such as x_0 of data that starts at 1."""


class ModelError(BpttError):
    """Forward equations that do not make a network."""


class ShapeError(ModelError):
    """Shapes that cannot agree."""


class UnsupportedError(BpttError):
    """A node for which a stage has no rule; the message names the node and the file."""


class ProofError(BpttError):
    """An equation that the judge rejects."""


class EmitError(BpttError):
    """A derivation that cannot be turned into code, or a file that cannot be written."""


class VerificationError(BpttError):
    """An emitted module that cannot be tested, or whose gradients are wrong."""
