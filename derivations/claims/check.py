"""Is a claim true of a model? As written, under a reading, or not; with the reason."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from derivations.claims.court import Agreement, Court, Difference
from derivations.claims.declared import needs_doubles
from derivations.claims.findings import counterexample, evidence
from derivations.claims.inequalities import inequality_verdict
from derivations.claims.prepare import prepared
from derivations.claims.reading import AS_WRITTEN
from derivations.claims.readings import readings
from derivations.claims.repairs import relation_repair, repair
from derivations.claims.slope_bounds import slope_verdict
from derivations.claims.source import Source
from derivations.claims.terms import Apply, Part, Partial, Symbol, Term, Transposed
from derivations.claims.values import OutOfRange, Undefined
from derivations.claims.verdict import Verdict
from derivations.errors import BpttError, NotationError, Place
from derivations.model import Model
from derivations.notation import syntax
from derivations.notation.parse import parse_statement
from derivations.proof.arithmetic import Undecidable

#: In sums and products with more members nothing is looked for that could mend them.
MOST_MEMBERS = 16


def check(model: Model, claim: str, *, repairs: bool = True, search: bool = True) -> Verdict:
    """Judge a claim about a model.

    Parameters
    ----------
    model : Model
        The forward equations, and what is said of the symbols.
    claim : str
        LaTeX or plain text: an equation, a chain of them, or an inequality.
    repairs : bool
        Whether the smallest change that makes a false equation true is looked for.
    search : bool
        Whether an inequality that no random network violates is searched for one that does.

    Returns
    -------
    Verdict
        ``not_checkable`` with the reason for a claim that cannot be read or has no meaning.

    Examples
    --------
    >>> model = Model.read("h_t = tanh(W h_{t-1} + U x_t)")
    >>> check(model, "\\\\frac{\\\\partial h_t}{\\\\partial h_{t-1}} = diag(1 - h_t^2) W").verdict
    'holds'
    """
    court = model.court
    place = Place(claim, 0, len(claim))
    try:
        statement = parse_statement(claim, place, words=court.source.words)
        return _judged(court, statement, claim, place, repairs, search)
    except BpttError as error:
        return Verdict(claim, "not_checkable", None, None, str(error), None, None)


def _judged(
    court: Court,
    statement: syntax.Statement,
    claim: str,
    place: Place,
    repairs: bool,
    search: bool,
) -> Verdict:
    if len(statement.sides) < 2:
        raise NotationError("A claim has a sign of equality.", place)
    strange = set(statement.relations) - {"=", "+=", "<=", "<", ">=", ">"}
    if strange:
        raise NotationError(
            f"The relation {strange.pop()} says nothing that could be checked.", place
        )
    sides = court.terms(statement, place)
    if statement.conditions:
        court = court.under(statement.conditions, place)
    is_named = isinstance(sides[0], Symbol) and not court.knows(sides[0])
    if is_named and len(sides) > 2 and statement.relations[0] == "=":
        sides = sides[1:]  # a name given on the way: the rest of the chain is what can be checked
        statement = replace(statement, sides=statement.sides[1:], relations=statement.relations[1:])
    if set(statement.relations) <= {"=", "+="} and not needs_doubles(sides, court.source):
        return equation_verdict(court, sides, claim, repairs)
    proven = slope_verdict(court.source, sides, statement.relations, claim)
    if proven is not None:
        return proven
    verdict = inequality_verdict(court, sides, statement.relations, claim, search=search)
    if verdict.verdict != "false" or not repairs:
        return verdict
    mended = relation_repair(court, sides, statement.relations)
    return verdict if mended is None else replace(verdict, repair=mended.latex, why=mended.why)


def equation_verdict(court: Court, sides: tuple[Term, ...], claim: str, repairs: bool) -> Verdict:
    links = list(itertools.pairwise(range(len(sides))))
    failing: list[tuple[int, int]] = []
    refused: Undefined | None = None
    difference: Difference | None = None
    wrong: list[Term] = []
    agreed: list[Agreement] = []
    terms = prepared(sides, court.source, AS_WRITTEN)
    if len(sides) == 2 and isinstance(sides[0], Partial) and terms[0] == terms[1] != sides[0]:
        why = "The source defines this derivative so; there is nothing to check."
        return Verdict(claim, "not_checkable", why=why)
    for link in links:
        try:
            outcome = court.judge([terms[i] for i in link], AS_WRITTEN)
        except (Undefined, Undecidable, ZeroDivisionError) as error:
            refused = error if isinstance(error, Undefined) else Undefined(str(error))
            failing.append(link)
            continue
        if isinstance(outcome, Difference):
            if difference is None:
                difference, wrong = outcome, [terms[i] for i in link]
            failing.append(link)
        else:
            agreed.append(outcome)
    if not failing:
        pairs = [[terms[i] for i in link] for link in links]
        return Verdict(claim, "holds", None, None, "", None, evidence(court, pairs, agreed))
    for reading in readings(sides):
        if reading.scalar and not (
            difference is not None
            and difference.reason
            and _is_plain(court, sides)
            and not _has_softmax(court.source)
        ):
            continue
        terms = prepared(sides, court.source, reading)
        try:
            read = failing if reading.is_notational else links
            found = [court.judge([terms[i] for i in link], reading) for link in read]
            if all(isinstance(outcome, Agreement) and not outcome.is_empty for outcome in found):
                return Verdict(claim, "holds_under_reading", reading.name, None, "", None, None)
        except (Undefined, Undecidable, ZeroDivisionError, OutOfRange):
            continue
    if difference is None:
        assert refused is not None
        return Verdict(claim, "not_checkable", None, None, refused.message, None, None)
    is_short = all(len(piece.children) <= MOST_MEMBERS for side in sides for piece in side.walk())
    mended = repair(court, sides) if repairs and is_short else None
    shown = counterexample(court, wrong, difference)
    if mended is None:
        why = difference.reason or "The sides differ."
        return Verdict(claim, "false", why=why, counterexample=shown)
    return Verdict(claim, "false", None, mended.latex, mended.why, shown)


def _has_softmax(source: Source) -> bool:
    """A softmax of one entry is constant: nothing would be left to check."""
    return any(
        isinstance(term, Apply) and term.function == "\\softmax"
        for forward in source.forward
        for term in forward.right.walk()
    )


def _is_plain(court: Court, sides: Sequence[Term]) -> bool:
    """Tell whether nothing in a formula speaks of vectors: no transpose, part, diag or matrix."""
    return not any(_is_of_vectors(court, side) for side in sides)


def _is_of_vectors(court: Court, term: Term) -> bool:
    if isinstance(term, Partial):
        return False
    is_diag = isinstance(term, Apply) and term.function == "\\diag"
    if is_diag or isinstance(term, Transposed | Part):
        return True
    if isinstance(term, Symbol) and court.is_matrix(term):
        return True
    return any(_is_of_vectors(court, child) for child in term.children)
