"""What is said of a claim: whether it holds, under which reading, and what would mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

VerdictName: TypeAlias = Literal[
    "holds", "holds_under_reading", "false", "not_checkable", "no_counterexample"
]
VERDICTS: tuple[VerdictName, ...] = get_args(VerdictName)


@dataclass(frozen=True)
class Verdict:
    """The judgement of one claim.

    Attributes
    ----------
    claim : str
        The LaTeX of the claim, as it was written.
    verdict : str
        One of `VERDICTS`.
    reading : str or None
        The convention under which the claim holds; None where it holds as written, or not at all.
    repair : str or None
        The LaTeX of the nearest statement that holds, for a claim that does not.
    why : str
        One sentence.
    counterexample : str or None
        The smallest network and the two values, or the values that break an inequality.
    evidence : str or None
        What the judgement rests on: the bound of the probability, or ``in N tries``.
    """

    claim: str
    verdict: VerdictName
    reading: str | None = None
    repair: str | None = None
    why: str = ""
    counterexample: str | None = None
    evidence: str | None = None

    @property
    def agrees(self) -> bool:
        """Whether nothing speaks against the claim.

        Examples
        --------
        >>> [name for name in VERDICTS if Verdict("a = b", name).agrees]
        ['holds', 'holds_under_reading', 'no_counterexample']
        """
        return self.verdict in ("holds", "holds_under_reading", "no_counterexample")


__all__ = ["VERDICTS", "Verdict", "VerdictName"]
