"""Names that are written as several letters, such as dW or δ 7."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from derivations.claims.differentials import Parts
from derivations.claims.steps import Step
from derivations.claims.terms import (
    Symbol,
    Term,
    Transposed,
)
from derivations.claims.vocabulary import Vocabulary, plain
from derivations.notation import syntax

_SHORT_WORD = re.compile(r"\\text\{([A-Za-z]{2,3})\}")


class Compound:
    """A name that is written as several parts, and the term that it stands for.

    Parameters
    ----------
    parts : sequence of syntax nodes
        What the source declares, such as d and W_{hh}.
    name : str
    is_timed : bool
        Whether the last part carries the running step.
    """

    def __init__(
        self, parts: Sequence[syntax.Node], name: str, is_timed: bool, vocabulary: Vocabulary
    ) -> None:
        self.parts = tuple(parts)
        self.name = name
        self.is_timed = is_timed
        self._keys = tuple(_bare(part, vocabulary)[0] for part in parts)

    def match(self, parts: Parts, position: int, vocabulary: Vocabulary) -> Term | None:
        """Return the symbol, if the parts at a position spell it."""
        found = parts[position : position + len(self.parts)]
        if len(found) < len(self.parts):
            return None
        time: Step | None = None
        transposed = False
        for key, part in zip(self._keys, found, strict=True):
            if not isinstance(part, syntax.Name | syntax.Scripted | syntax.Number):
                return None
            bare, step, is_transposed = _bare(part, vocabulary)
            if bare != key:
                return None
            time = step if step is not None else time
            transposed = transposed or is_transposed
        if self.is_timed != (time is not None):
            return None
        value = Symbol(self.name, time)
        return Transposed(value) if transposed else value


def spelled_out(node: syntax.Scripted) -> tuple[syntax.Node, ...] | None:
    """Return a short word of a plain line as LaTeX would spell it: d, y_t for dy_t."""
    base = node.base
    word = _SHORT_WORD.fullmatch(base.text) if isinstance(base, syntax.Name) else None
    if word is None:
        return None
    *first, last = (syntax.Name(letter, base.span) for letter in word[1])
    return (*first, replace(node, base=last))


def _bare(part: syntax.Node, vocabulary: Vocabulary) -> tuple[str, Step | None, bool]:
    """Return a part of a compound without its step: the key, the step, whether transposed."""
    if isinstance(part, syntax.Number):
        return part.text, None, False
    assert isinstance(part, syntax.Name | syntax.Scripted)
    split = vocabulary.split(part)
    name = plain(split.name)
    if split.power is not None or split.entries:
        return name + str(split.power) + str(split.entries), split.time, split.transposed
    return name, split.time, split.transposed
