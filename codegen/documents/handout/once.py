"""What is computed once for a derivation, however many sheets are made of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

from derivations.derivation import Derivation

Result = TypeVar("Result")


class _Same:
    """A derivation as a key: it equals itself alone. Comparing equations would take longer."""

    def __init__(self, derivation: Derivation) -> None:
        self.derivation = derivation

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.derivation is self.derivation

    def __hash__(self) -> int:
        return id(self.derivation)


def once(compute: Callable[[Derivation], Result]) -> Callable[[Derivation], Result]:
    """Return the function with its last results kept.

    Examples
    --------
    >>> from derivations import cell, derive
    >>> count = once(lambda derivation: [len(tuple(derivation.equations))])
    >>> rnn = derive(cell("rnn"))
    >>> count(rnn) is count(rnn)
    True
    """
    kept = lru_cache(maxsize=4)(lambda same: compute(same.derivation))

    @wraps(compute)
    def result(derivation: Derivation) -> Result:
        return kept(_Same(derivation))

    return result


__all__ = ["once"]
