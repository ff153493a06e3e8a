"""The smallest change that makes an equation, or a chain of them, true."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from derivations.claims.court import Agreement, Court
from derivations.claims.latex import Printer
from derivations.claims.latex_pieces import boxed
from derivations.claims.prepare import prepared
from derivations.claims.reading import AS_WRITTEN
from derivations.claims.repairs.bench import Bench
from derivations.claims.repairs.edits import Edit, Kind, edits
from derivations.claims.repairs.edits_of_names import Names
from derivations.claims.repairs.edits_of_steps import Why
from derivations.claims.repairs.marking import marked
from derivations.claims.repairs.scene import REFUSALS, Scene
from derivations.claims.repairs.search import Candidate, Search
from derivations.claims.terms import Term
from derivations.errors import BpttError
from derivations.notation.parse import parse_statement

#: The search ends then, whatever is found: nobody waits longer.
SECONDS = 2.5
#: Left sides that are tried in place of the written one.
MOST_LEFT_SIDES = 40


Stages = tuple[Callable[[Search], Iterator[Candidate]], ...]
#: One edit; two; more, and what the graph suggests.
FIRST: Stages = (Search.single,)
SECOND: Stages = (Search.double,)
THIRD: Stages = (Search.further, Search.rewritten_terms, Search.triples, Search.rewritten)


@dataclass(frozen=True)
class Repair:
    """A statement that holds, near one that does not.

    Attributes
    ----------
    sides : tuple of Term
    latex : str
    marked : str
        The same with a box around what changed.
    why : str
        One sentence for every edit.
    """

    sides: tuple[Term, ...]
    latex: str
    marked: str
    why: str


def repair(court: Court, sides: tuple[Term, ...]) -> Repair | None:
    """Return the nearest statement that holds, None where none is within reach.

    Parameters
    ----------
    court : Court
    sides : tuple of Term
        Of an equation or a chain of them, as they were written.
    """
    return _Mender(court, sides).mended()


@dataclass(frozen=True)
class _Mended:
    """Sides that hold together, and what was done to them."""

    sides: tuple[Term, ...]
    whys: tuple[Why, ...]


class _Mender:
    def __init__(self, court: Court, sides: tuple[Term, ...]) -> None:
        self._court = court
        self._sides = sides
        self._deadline = time.process_time() + SECONDS

    def mended(self) -> Repair | None:
        for found in self._chains():
            shown = self._shown(found)
            if shown is not None:
                return shown
        return None

    def _chains(self) -> Iterator[_Mended]:
        """Yield chains that hold, the least changed first."""
        failing = [n for n in range(1, len(self._sides)) if not self._agree(0, n)]
        searches = {n: self._search(self._sides[0], n) for n in failing}
        found: dict[int, Candidate] = {}
        for stages in (FIRST, SECOND, THIRD):
            for number, search in searches.items():
                made = None if number in found else _first(search, stages)
                if made is not None:
                    found[number] = made
            if len(found) == len(failing):
                joined = self._joined(found)
                if len(set(joined.sides)) == len(joined.sides):
                    yield joined
                    return
            if stages is not THIRD and len(failing) == len(self._sides) - 1:
                yield from self._with_other_left(searches, is_further=stages is SECOND)
        if 0 < len(failing) < len(self._sides) - 1:
            yield _without(self._sides, failing)

    def _agree(self, one: int, other: int) -> bool:
        return holds(self._court, (self._sides[one], self._sides[other]))

    def _search(self, left: Term, number: int) -> Search:
        scene = Scene(self._court, left, self._sides[number], self._deadline)
        return Search(scene, Bench(self._court, left, scene))

    def _joined(self, found: dict[int, Candidate], left: Term | None = None) -> _Mended:
        sides = list(self._sides)
        if left is not None:
            sides[0] = left
        whys: list[Why] = []
        for number, made in sorted(found.items()):
            sides[number] = made.right
            whys += made.whys
        return _Mended(tuple(sides), tuple(whys))

    def _with_other_left(self, searches: dict[int, Search], is_further: bool) -> Iterator[_Mended]:
        """Another left side, and what the right sides then still need.

        In a chain, a left side that mends one of the sides is likely to be the right one.
        """
        for edit in self._left_sides:
            left = edit.applied(self._sides[0])
            rest: dict[int, Candidate] = {}
            mended = 0
            for number, search in searches.items():
                own = self._search(left, number)
                if own.first([Candidate(self._sides[number], ())]) is not None:
                    mended += 1
                    continue
                made: Candidate | None = None
                if mended:
                    made = _first(own, (*FIRST, *SECOND))
                elif is_further and own.wanted is not None:
                    made = own.first(search.with_value(own.wanted))
                if made is None:
                    break
                rest[number] = made
            if mended + len(rest) == len(searches):
                joined = self._joined(rest, left)
                yield replace(joined, whys=(edit.why, *joined.whys))

    @cached_property
    def _left_sides(self) -> list[Edit]:
        """Another loss, another parameter: what the right side may be the gradient of."""
        scene = Scene(self._court, self._sides[0], self._sides[-1])
        names = Names(scene)
        table = (
            Kind(names.loss_exchanged),
            Kind(names.symbol_exchanged),
            Kind(names.parameter_exchanged),
            Kind(names.gradient_moved),
        )
        return edits(self._sides[0], scene, table)[:MOST_LEFT_SIDES]

    # Showing

    def _shown(self, found: _Mended) -> Repair | None:
        """Return the repair as text, if the text says the same to the reader and holds."""
        if self._says_nothing(found.sides):
            return None
        relations = ("=",) * (len(found.sides) - 1)
        made = shown(self._court, self._sides, found.sides, found.whys, relations)
        return made if self._is_read_back(made.latex) else None

    def _says_nothing(self, sides: tuple[Term, ...]) -> bool:
        """Tell whether a side is explained by itself, which the claim did not do."""
        left = sides[0]
        was_there = any(piece == left for side in self._sides[1:] for piece in side.walk())
        return not was_there and any(piece == left for side in sides[1:] for piece in side.walk())

    def _is_read_back(self, text: str) -> bool:
        try:
            statement = parse_statement(text, words=self._court.source.words)
            elaborator = self._court.source.elaborator()
            sides = tuple(elaborator.term(side) for side in statement.sides)
        except BpttError:
            return False
        return all(holds(self._court, pair) for pair in itertools.pairwise(sides))


def shown(
    court: Court,
    old: tuple[Term, ...],
    new: tuple[Term, ...],
    whys: tuple[Why, ...],
    relations: tuple[str, ...],
    old_relations: tuple[str, ...] | None = None,
) -> Repair:
    """Return new sides as text, with what differs from the old ones marked."""
    vocabulary = court.source.vocabulary
    printer = Printer(vocabulary)
    before = old if len(old) == len(new) else new
    pairs = zip(before, new, strict=True)
    why = " ".join(dict.fromkeys(why.written(vocabulary) for why in whys))
    return Repair(
        new,
        _related([printer.text(side) for side in new], relations, relations),
        _related([printer.text(marked(*p)) for p in pairs], relations, old_relations or relations),
        why,
    )


def _related(texts: list[str], relations: tuple[str, ...], before: tuple[str, ...]) -> str:
    """Return sides with the signs between them, those that are new in boxes."""
    text = texts[0]
    for relation, old, side in zip(relations, before, texts[1:], strict=True):
        sign = {"<=": "\\le", ">=": "\\ge"}.get(relation, relation)
        text += f" {sign if relation == old else boxed(sign)} {side}"
    return text


def holds(court: Court, pair: tuple[Term, Term]) -> bool:
    """Tell whether two sides are equal as written."""
    try:
        return isinstance(
            court.judge(prepared(pair, court.source, AS_WRITTEN), AS_WRITTEN), Agreement
        )
    except REFUSALS:
        return False


def _first(search: Search, stages: Stages) -> Candidate | None:
    """Return what the first stage finds that finds anything."""
    for stage in stages:
        found = search.first(stage(search))
        if found is not None:
            return found
    return None


def _without(sides: tuple[Term, ...], failing: list[int]) -> _Mended:
    kept = tuple(side for number, side in enumerate(sides) if number not in failing)
    why = Why("{} is not equal to the other sides.", (sides[failing[0]],))
    return _Mended(kept, (why,))
