"""The range of a sum or a product: its index and its limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from derivations.claims.steps import Step
from derivations.claims.vocabulary import Vocabulary
from derivations.errors import NotationError
from derivations.notation import syntax

#: Stands for a limit that is no step, such as the number of classes.
UNKNOWN = "?"
#: Makes the error for a piece of the text.
Refuse = Callable[[str, syntax.Span], NotationError]


def range_of(
    node: syntax.Series, vocabulary: Vocabulary, refuse: Refuse
) -> tuple[str, Step | None, Step | None]:
    """Return index and limits; a strict inequality moves its limit by one."""
    steps = [vocabulary.step_of(bound) for bound in node.bounds]
    upper = None if node.upper is None else vocabulary.step_of(node.upper)
    if node.upper is not None and upper is None and _counts_entries(node.upper):
        upper = Step.letter(UNKNOWN)
    elif node.upper is not None and upper is None:
        raise refuse("This upper limit is no step.", node.upper.span)
    if any(step is None for step in steps) and node.relations == ("=",) and steps[0] is not None:
        raise refuse("A range runs over steps, such as _{t=1}^{T}.", node.span)
    if not steps:
        return "", None, upper
    if len(steps) == 1 and steps[0] is not None and steps[0].lone:
        return steps[0].lone, None, upper
    if node.relations == ("=",) and steps[0] is not None and steps[0].lone:
        return steps[0].lone, steps[1], upper
    return _inequalities(node, steps, upper, refuse)


def _counts_entries(upper: syntax.Index) -> bool:
    """A size such as n_y ends a sum over entries, which ends where the entries do."""
    symbol = upper.symbol
    is_size = symbol is not None and bool(symbol.subscripts) and not symbol.superscripts
    return is_size or (upper.word or "").isalpha()


def _inequalities(
    node: syntax.Series, steps: Sequence[Step | None], upper: Step | None, refuse: Refuse
) -> tuple[str, Step | None, Step | None]:
    moves = {"<=": (0, False), "<": (1, False), ">=": (0, True), ">": (1, True)}
    if any(step is None for step in steps) or not set(node.relations) <= moves.keys():
        raise refuse("This range cannot be read.", node.span)
    known = [step for step in steps if step is not None]
    middle = 1 if len(known) == 3 else 0
    index = known[middle].lone
    if index is None:
        raise refuse("This range has no index.", node.span)
    lower: Step | None = None
    for position, relation in enumerate(node.relations):
        offset, falls = moves[relation]
        left, right = known[position], known[position + 1]
        small, large = (right, left) if falls else (left, right)
        if small == known[middle]:
            upper = large.shifted(-offset)
        else:
            lower = small.shifted(offset)
    return index, lower, upper
