"""What a derivation is: sections of numbered equations, each with its reason and its proof."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from sympy import MatrixExpr

from derivations.model import Model
from derivations.notation.latex import equation
from derivations.proof.judge import Evidence


@dataclass(frozen=True)
class Equation:
    """A chain of equal sides.

    Attributes
    ----------
    label : str
        What it is about, such as ``adjoint:a``; unique in a derivation.
    number : int
        The number that is printed, and that comments in emitted code refer to.
    sides : tuple of MatrixExpr
        At least two.
    conditions : str
        LaTeX of the range of the free steps; empty where nothing is free.
    reason : str
        One sentence of why it holds, in text with ``$`` around formulas.
    kind : str
        ``given`` for a forward equation, ``definition`` where the left side gets its meaning,
        ``claim`` for everything that has to be proven.
    evidence : Evidence or None
        What the judge found; None before the proof.
    """

    label: str
    number: int
    sides: tuple[MatrixExpr, ...]
    conditions: str
    reason: str
    kind: Literal["given", "definition", "claim"] = "claim"
    evidence: Evidence | None = field(default=None, compare=False)

    @property
    def topic(self) -> str:
        """The first word of the label, such as ``adjoint``."""
        return self.label.partition(":")[0]

    @property
    def subject(self) -> str:
        """The name that the equation is about, such as ``a``."""
        return self.label.partition(":")[2]

    @property
    def latex(self) -> str:
        """The equation as it is displayed; this text is what the judge reads."""
        text = equation(self.sides)
        return f"{text}, \\quad {self.conditions}" if self.conditions else text

    @property
    def left(self) -> MatrixExpr:
        """The first side."""
        return self.sides[0]

    @property
    def right(self) -> MatrixExpr:
        """The last side: the form to compute with."""
        return self.sides[-1]


@dataclass(frozen=True)
class Section:
    """A heading, a paragraph, and equations."""

    title: str
    text: str
    equations: tuple[Equation, ...]


@dataclass(frozen=True)
class Derivation:
    """Back-propagation through time of one model, with time symbolic.

    Attributes
    ----------
    model : Model
        The network, with every intermediate named.
    sections : tuple of Section
        The derivation in the order in which it is read.
    """

    model: Model
    sections: tuple[Section, ...]

    @property
    def equations(self) -> Iterator[Equation]:
        """All equations, in the order of their numbers."""
        return (equation for section in self.sections for equation in section.equations)

    def equation(self, label: str) -> Equation | None:
        """Return the equation with a label, or None."""
        return next((e for e in self.equations if e.label == label), None)

    @property
    def proven(self) -> int:
        """How many claims the judge has confirmed."""
        return sum(e.kind == "claim" and e.evidence is not None for e in self.equations)
