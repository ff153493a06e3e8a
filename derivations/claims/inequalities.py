"""The verdict on statements with ≤, <, ≥ and >, and on equations in which norms occur.

Norms and eigenvalues have no residues, so here nothing is proven: hundreds of networks of many
kinds are looked at, then a search climbs towards a violation. What it finds is confirmed in 140
digits; what it does not find is no counterexample in so many tries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from derivations.claims.court import Court, Difference
from derivations.claims.declared import needs_doubles
from derivations.claims.looking import Look, looked
from derivations.claims.prepare import prepared
from derivations.claims.reading import AS_WRITTEN, Reading
from derivations.claims.readings import readings
from derivations.claims.search import searched
from derivations.claims.terms import Term
from derivations.claims.trial import CLOSE, Trial
from derivations.claims.values import Mismatch, Undefined
from derivations.claims.verdict import Verdict
from derivations.claims.witness import description, simplified
from derivations.proof.arithmetic import Undecidable

#: What ≥ and > are, seen from the right.
TURNED = {">=": "<=", ">": "<"}


@dataclass(frozen=True)
class Survived:
    """No counterexample so far.

    Attributes
    ----------
    tries : int
        Networks times instances.
    look : Look or None
        What was seen; None where residues have proven the relation.
    """

    tries: int
    look: Look | None = None

    @property
    def differs(self) -> bool:
        """Whether the two sides differ anywhere."""
        return self.look is not None and self.look.differs


@dataclass(frozen=True)
class Refuted:
    """A relation that fails.

    Attributes
    ----------
    why : str
    look : Look or None
        Where it fails; None where the sides do not even go together, or residues differ.
    instance : mapping of letter to number
        Where residues differ.
    """

    why: str
    look: Look | None = None
    instance: Mapping[str, int] = field(default_factory=dict)

    def counterexample(self, is_turned: bool) -> str | None:
        """Return the network in words, as simple as can be."""
        if self.look is None or self.look.found is None:
            return ", ".join(f"{letter}={step}" for letter, step in self.instance.items()) or None
        found = simplified(self.look.trial, self.look.found)
        return description(self.look.trial, found, is_turned)


Outcome = Survived | Refuted | Undefined


@dataclass(frozen=True)
class Chain:
    """Sides, prepared for a reading, and the relations between them."""

    court: Court
    sides: tuple[Term, ...]
    relations: tuple[str, ...]
    reading: Reading
    search: bool = True

    def outcomes(self, links: Iterable[int]) -> dict[int, Outcome]:
        """Judge some relations; nothing is searched for where one is refuted already."""
        outcomes = {link: self._guarded(link, self._looked_at) for link in links}
        if not self.search or any(isinstance(outcome, Refuted) for outcome in outcomes.values()):
            return outcomes
        return {
            link: self._guarded(link, lambda n: self._searched(n, outcomes[n])) for link in outcomes
        }

    def _guarded(self, link: int, judge: Callable[[int], Outcome]) -> Outcome:
        try:
            return judge(link)
        except Mismatch as error:
            return Refuted(error.message)
        except Undefined as error:
            return error
        except (Undecidable, ZeroDivisionError) as error:
            return Undefined(f"This cannot be decided: {error}")

    def trial(self, link: int) -> Trial | None:
        """Return a relation as one that numbers try; None where residues prove it."""
        left, right = self.sides[link : link + 2]
        relation = self.relations[link]
        if relation == "=" and not needs_doubles((left, right), self.court.source):
            return None
        if relation in TURNED:
            left, right, relation = right, left, TURNED[relation]
        return Trial(self.court, left, right, relation, self.reading)

    def _looked_at(self, link: int) -> Outcome:
        trial = self.trial(link)
        if trial is None:
            return self._proven(link)
        look = looked(trial)
        if look.found is None:
            return Survived(trial.tries, look)
        return self._refuted(link, look)

    def _searched(self, link: int, outcome: Outcome) -> Outcome:
        """Search on from what was seen; two sides that never differ need no search."""
        if not isinstance(outcome, Survived) or not outcome.differs or self.relations[link] == "=":
            return outcome
        look = outcome.look
        assert look is not None
        for seed, start in enumerate(reversed(look.starts)):
            found = searched(look.trial, start, seed)
            if found is not None:
                return self._refuted(link, replace(look, found=found))
        return Survived(look.trial.tries, look)

    def _refuted(self, link: int, look: Look) -> Refuted:
        relation, place = self.relations[link], self._place(link)
        if relation == "=":
            return Refuted(f"The sides{place} differ.", look)
        if look.found is not None and look.found.excess <= CLOSE:
            return Refuted(f"Both sides{place} can be equal.", look)
        word = "smaller" if relation in TURNED else "larger"
        return Refuted(f"The left side{place} can be {word}.", look)

    def _place(self, link: int) -> str:
        return "" if len(self.relations) == 1 else f" of relation {link + 1}"

    def _proven(self, link: int) -> Outcome:
        outcome = self.court.judge(self.sides[link : link + 2], self.reading)
        if isinstance(outcome, Difference):
            why = outcome.reason or f"The sides{self._place(link)} differ."
            return Refuted(why, None, outcome.instance)
        return Survived(outcome.cases)

    def still_fails(self, link: int, before: Outcome) -> bool:
        """Tell whether the network that violates a relation under one reading does under this."""
        found = before.look.found if isinstance(before, Refuted) and before.look else None
        if found is None:
            return False
        draws = {key: np.array([value]) for key, value in found.draws.items()}
        try:
            trial = self.trial(link)
            if trial is None:
                return False
            samples = trial.given(found.frame, draws, [found.instance])
        except (Mismatch, Undefined):
            return True
        return any(bool(trial.violated(sample)[0]) for sample in samples)


def inequality_verdict(
    court: Court,
    sides: tuple[Term, ...],
    relations: tuple[str, ...],
    claim: str,
    reading: Reading = AS_WRITTEN,
    search: bool = True,
) -> Verdict:
    """Judge a chain of relations, as written and then under the readings.

    Parameters
    ----------
    court : Court
    sides : tuple of Term
    relations : tuple of str
        One of ``=``, ``<=``, ``<``, ``>=`` and ``>`` between each two sides.
    claim : str
        The LaTeX of the claim.
    reading : Reading
        What is judged; only as written are other readings tried.
    search : bool
        Whether a violation is searched for where random networks show none.
    """
    chain = replace(_chain(court, sides, relations, reading), search=search)
    outcomes = chain.outcomes(range(len(relations)))
    failing = [link for link, o in outcomes.items() if not isinstance(o, Survived)]
    if not failing:
        return Verdict(claim, "no_counterexample", evidence=_evidence(outcomes))
    refuted = [link for link in failing if isinstance(outcomes[link], Refuted)]
    first = (refuted or failing)[0]
    shown, outcome = None, outcomes[first]
    if isinstance(outcome, Refuted):
        why, shown = outcome.why, outcome.counterexample(relations[first] in TURNED)
    else:
        assert isinstance(outcome, Undefined)
        why = outcome.message
    for other in readings(sides) if reading is AS_WRITTEN else ():
        mended = _mended(chain, outcomes, _chain(court, sides, relations, other))
        if mended:
            evidence = _evidence(mended)
            return Verdict(claim, "holds_under_reading", other.name, None, why, shown, evidence)
    return Verdict(claim, "false" if refuted else "not_checkable", None, None, why, shown)


def stands(
    court: Court, sides: tuple[Term, ...], relations: tuple[str, ...], reading: Reading = AS_WRITTEN
) -> bool:
    """Tell whether nothing refutes a chain, after the same search; made for repairs, which mostly
    fail at the first look."""
    chain = _chain(court, sides, relations, reading)
    return _all_survive(chain.outcomes(range(len(relations))))


def _chain(
    court: Court, sides: tuple[Term, ...], relations: tuple[str, ...], reading: Reading
) -> Chain:
    return Chain(court, prepared(sides, court.source, reading), relations, reading)


def _all_survive(outcomes: Mapping[int, Outcome]) -> bool:
    return all(isinstance(outcome, Survived) for outcome in outcomes.values())


def _evidence(outcomes: Mapping[int, Outcome]) -> str:
    tries = sum(outcome.tries for outcome in outcomes.values() if isinstance(outcome, Survived))
    return f"no counterexample in {tries} tries"


def _excludes(outcome: Outcome, reading: Reading) -> bool:
    """Tell whether a reading cannot be what was meant.

    No reading mends < where both sides can be equal. And a vector in a norm is a diagonal matrix
    only where norms of matrices stand beside it.
    """
    if not isinstance(outcome, Refuted) or outcome.look is None:
        return False
    found, trial = outcome.look.found, outcome.look.trial
    is_equal = found is not None and trial.relation == "<" and found.excess <= CLOSE
    return is_equal or (bool(reading.diagonal) and trial.has_norms_of_vectors_alone)


def _mended(
    written: Chain, before: Mapping[int, Outcome], read: Chain
) -> dict[int, Outcome] | None:
    """Return what becomes of all relations, if a reading mends those that fail as written.

    A reading under which an inequality is always an equation is not what its author meant, and
    with quantities of one entry every norm of a product is the product of the norms.
    """
    failing = [link for link, outcome in before.items() if not isinstance(outcome, Survived)]
    if read.reading.scalar or any(_excludes(before[link], read.reading) for link in failing):
        return None
    if any(read.still_fails(link, before[link]) for link in failing):
        return None
    outcomes = read.outcomes(failing)
    if not _all_survive(outcomes):
        return None
    for link, outcome in outcomes.items():
        if read.relations[link] != "=" and isinstance(outcome, Survived) and not outcome.differs:
            return None
    # Where quantities or derivatives become others, what held as written may fail.
    holding = [link for link in before if link not in failing]
    outcomes |= (written if read.reading.is_notational else read).outcomes(holding)
    return outcomes if _all_survive(outcomes) else None
