"""The door where every failure leaves: one base class, and a message that shows the place."""

from __future__ import annotations

from dataclasses import dataclass


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
        width = max(1, min(self.end, line_end) - start)
        gutter = " " * (len(number) + 3)
        line = self.text[line_start:line_end].replace("\t", " ")
        return f"  {number} | {line}\n{gutter}| {' ' * (start - line_start)}{'^' * width}"


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
