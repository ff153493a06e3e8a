"""Places in a term: every piece with what stands around it, and the term with a piece replaced."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from derivations.claims.terms import (
    Apply,
    Chain,
    Entry,
    Norm,
    Part,
    Partial,
    Power,
    Quotient,
    Series,
    StepNumber,
    Sum,
    Symbol,
    Term,
    Transposed,
)
from derivations.claims.vocabulary import plain

_SIGN = re.compile(r"\\[a-zA-Z]+|[^\s_^]")
#: Which child, from a side down.
Path = tuple[int, ...]
#: Terms whose pieces are remembered; a search makes some ten thousand.
REMEMBERED = 1 << 16


@dataclass(frozen=True)
class Spot:
    """A piece of a side.

    Attributes
    ----------
    path : tuple of int
        Which child, from the side down.
    term : Term
    above : tuple of Term
        What the piece stands in, the side first.
    """

    path: Path
    term: Term
    above: tuple[Term, ...] = ()

    @property
    def parent(self) -> Term | None:
        return self.above[-1] if self.above else None

    @property
    def bound(self) -> frozenset[str]:
        """The letters that sums and products around the piece run over."""
        return frozenset(term.index for term in self.above if isinstance(term, Series))

    @property
    def is_in_derivative(self) -> bool:
        return any(isinstance(term, Partial) for term in self.above)

    @property
    def is_in_argument(self) -> bool:
        """Whether the piece belongs to what a function is applied to."""
        return any(isinstance(term, Apply) and term.function != "\\diag" for term in self.above)

    @property
    def is_value(self) -> bool:
        """Whether the piece may be exchanged for any other of its shape."""
        return not any(
            isinstance(term, Partial | Entry | Norm)
            or (isinstance(term, Apply) and term.function != "\\diag")
            for term in self.above
        )

    @property
    def is_member(self) -> bool:
        """Whether the piece is a whole side, what a sum runs over, or one of its members."""
        return self.parent is None or isinstance(self.parent, Sum | Series)


def spots(side: Term) -> Iterator[Spot]:
    """Yield every piece of a side, the side itself first."""
    yield from _below(Spot((), side))


def _below(spot: Spot) -> Iterator[Spot]:
    yield spot
    above = (*spot.above, spot.term)
    for position, child in enumerate(spot.term.children):
        yield from _below(Spot((*spot.path, position), child, above))


def spot_at(side: Term, path: Path) -> Spot | None:
    """Return the piece at a path, if there is one."""
    spot = Spot((), side)
    for position in path:
        if position >= len(spot.term.children):
            return None
        child = spot.term.children[position]
        spot = Spot((*spot.path, position), child, (*spot.above, spot.term))
    return spot


def contain(one: Path, other: Path) -> bool:
    """Tell whether one piece is the other, or one of them contains the other."""
    length = min(len(one), len(other))
    return one[:length] == other[:length]


def put(side: Term, path: Path, new: Term) -> Term:
    """Return a side with another piece at a path; needless brackets around it fall."""
    if not path:
        return new
    position, *rest = path
    merged = None if rest else _merged(side, new, position)
    if merged is not None:
        return merged
    children = list(side.children)
    children[position] = put(children[position], tuple(rest), new)
    remaining = iter(children)
    return side.mapped(lambda _: next(remaining))


def _merged(outer: Term, inner: Term, position: int) -> Term | None:
    """Return a sum of sums, or a product of products, in one; None where brackets are needed."""
    if isinstance(outer, Sum) and isinstance(inner, Sum):
        return _merged_sum(outer, inner, position)
    if isinstance(outer, Chain) and isinstance(inner, Chain) and _is_one_product(outer, inner):
        return _merged_chain(outer, inner, position)
    return None


def _merged_sum(outer: Sum, inner: Sum, position: int) -> Term:
    sign = outer.terms[position][0]
    made = [(sign * inner_sign, term) for inner_sign, term in inner.terms]
    return Sum((*outer.terms[:position], *made, *outer.terms[position + 1 :]))


def _is_one_product(outer: Chain, inner: Chain) -> bool:
    """Tell whether brackets around the inner product would say nothing."""
    return len({*outer.signs, *inner.signs}) == 1


def _merged_chain(outer: Chain, inner: Chain, position: int) -> Term:
    factors = (*outer.factors[:position], *inner.factors, *outer.factors[position + 1 :])
    signs = (*outer.signs[:position], *inner.signs, *outer.signs[position:])
    return Chain(factors, signs)


# How much of the text changes


def text_size(old: Term, new: Term) -> int:
    """Return how many signs and names of one term the other one lacks, both ways."""
    gap = Counter(_pieces(new))
    gap.subtract(_pieces(old))
    return max(1, sum(map(abs, gap.values())))


def text_growth(old: Term, new: Term) -> int:
    """Return how many signs and names more one term has."""
    return len(_pieces(new)) - len(_pieces(old))


@lru_cache(maxsize=REMEMBERED)
def _pieces(term: Term) -> tuple[object, ...]:
    """Return the signs and names in a term."""
    found = _written(term)
    for child in term.children:
        found += _pieces(child)
        if _is_bracketed(term, child):
            found.append("()")
    return tuple(found)


def _written(piece: Term) -> list[object]:
    """Return what is written for a piece itself."""
    return list(_shown(piece))


def _shown(piece: Term) -> Sequence[object]:
    match piece:
        case Symbol(name, time):
            signs = list(_signs(name))
            return signs if time is None else [*signs, *_step(time.letters), time.number]
        case StepNumber(step):
            return [str(step)]
        case Chain(_, signs):
            return [sign for sign in signs if sign]
        case Sum(terms):
            return [sign for sign, _ in terms[1:]] + ([-1] if terms[0][0] < 0 else [])
        case Apply(function, order, _):
            return [function] + ["'"] * order
        case Series(kind, index, lower, upper, _, ascending):
            return [kind, index, ("from", lower), ("to", upper)] + (["rising"] if ascending else [])
        case Power(_, exponent):
            return [("^", exponent)]
        case Partial(_, _, immediate):
            return ["∂", "∂"] + (["+"] if immediate else [])
        case Entry(_, indices):
            return list(indices)
        case Part(_, ranges):
            return list(ranges)
        case Transposed() | Quotient():
            return [type(piece)]
    return [piece] if not piece.children else [type(piece)]


@lru_cache(maxsize=REMEMBERED)
def _signs(name: str) -> tuple[str, ...]:
    """Return the letters, digits and commands of a name: similar names are nearer."""
    return tuple(_SIGN.findall(plain(name)))


def _step(letters: tuple[tuple[str, int], ...]) -> list[object]:
    return [("step", *pair) for pair in letters]


def _is_bracketed(parent: Term, child: Term) -> bool:
    return isinstance(child, Sum | Chain) and isinstance(parent, Chain | Transposed | Power)
