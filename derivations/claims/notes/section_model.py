"""A section of notes to the model that its claims are judged against, and the verdicts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from derivations.claims.check import check
from derivations.claims.notes.assumptions import assumptions
from derivations.claims.notes.displays import Display
from derivations.claims.notes.habits import softmaxes, with_inner_product, with_named_parts
from derivations.claims.notes.items import Item, marked_as_latex, reason_of
from derivations.claims.notes.naming import Key, Names
from derivations.claims.notes.sections import Line, Section
from derivations.claims.notes.sentences import Said
from derivations.claims.verdict import Verdict
from derivations.errors import BpttError
from derivations.model import Model
from derivations.notation import syntax
from derivations.notation.parse import parse_symbol

#: Lines that are left out, one by one, until the rest makes a model.
MOST_LEFT_OUT = 30


@dataclass(frozen=True)
class Prepared:
    """A section with everything that its claims are judged against.

    Attributes
    ----------
    section : Section
    declared : tuple of Said
        What the prose says of the section's symbols.
    assumed : tuple of str
        What nobody says.
    lines : tuple of Line
        The equations, those of the network first.
    claims : tuple of (Item, str)
        Each claim, and how it is put to the judge.
    """

    section: Section
    declared: tuple[Said, ...]
    assumed: tuple[str, ...]
    lines: tuple[Line, ...]
    claims: tuple[tuple[Item, str], ...]


def prepare(section: Section, names: Names, declared: Sequence[Said]) -> Prepared:
    """Find what is said, and what must be assumed, of the symbols of a section."""
    spoken = tuple(_in_force(section, names, declared))
    known = frozenset(key for one in spoken for key in _subjects(one, names))
    assumed = tuple(assumptions(section, names, known))
    vectors = softmaxes(section.lines.values())

    def spelled_out(text: str, display: Display, statement: syntax.Statement | None) -> str:
        if statement is None:
            return text
        return with_inner_product(text, display, statement, vectors, names)

    lines = tuple(
        replace(line, text=spelled_out(line.text, line.display, line.statement))
        for line in with_named_parts(section, names)
    )
    claims = tuple(
        (item, spelled_out(item.display.shown, item.display, item.statement))
        for item in section.claims
    )
    return Prepared(section, spoken, assumed, lines, claims)


# What is said

#: What is said of a quantity of the network, and of no use where it has none such.
_ROLES = frozenset(["input", "target", "one-hot", "parameter", "scalar", "shape", "function"])


def _in_force(section: Section, names: Names, declared: Sequence[Said]) -> Iterator[Said]:
    """Yield what is declared before the end of a section and concerns it.

    A later section may declare anew; a section that contradicts itself declares nothing.
    """
    mentioned = {
        name for s in section.statements for side in s.sides for name in _names_in(side, names)
    }
    by_subject: dict[tuple[str, str], list[Said]] = {}
    for one in declared:
        is_role = one.subject[1] in _ROLES
        concerns = not is_role or any(key.name in mentioned for key in _subjects(one, names))
        if one.place.start < section.end and concerns:
            by_subject.setdefault(one.subject, []).append(one)
    for group in by_subject.values():
        own = [one for one in group if one.place.start >= section.start] or group[-1:]
        if len({one.text for one in own}) == 1:
            yield own[-1]


def _names_in(node: syntax.Node, names: Names) -> Iterator[str]:
    yield from (key.name for key in names.keys(node))
    yield from (piece.text for piece in syntax.walk(node) if isinstance(piece, syntax.Name))


def _subjects(one: Said, names: Names) -> set[Key]:
    """Return the quantity that a sentence speaks of; none for ∂h/∂W."""
    try:
        return {names.key(parse_symbol(one.subject[0]))}
    except BpttError:
        return set()


# The model


def verdicts(prepared: Prepared, repairs: bool = True) -> Iterator[tuple[Display, Verdict]]:
    """Yield the claims of a section with their verdicts; they share one model.

    An equation that cannot be part of the model is left out and reported; the others are judged
    all the same.
    """
    model: Model | str = ""
    if any(not item.reason for item, _ in prepared.claims):
        model, left_out = _model(prepared)
        for line, reason in left_out:
            yield line.display, Verdict(line.display.shown, "not_checkable", why=reason)
    for item, text in prepared.claims:
        verdict = _verdict(model, item, text)
        yield item.display, verdict if repairs else replace(verdict, repair=None)


def _model(prepared: Prepared) -> tuple[Model | str, list[tuple[Line, str]]]:
    """Return the model, or why there is none, and the equations that cannot be part of it."""
    lines = list(prepared.lines)
    said = [*(one.text for one in prepared.declared), *prepared.assumed]
    left_out: list[tuple[Line, str]] = []
    reason = ""
    for _ in range(MOST_LEFT_OUT):
        text = "\n".join([*said, *(line.text for line in lines)])
        try:
            return read(text), left_out
        except BpttError as error:
            reason = in_one_line(error)
            number = _line_number(error, text)
        if number is None and not said:
            break
        if number is None:
            said.pop()  # what the prose says yields before what is written
        elif number < len(said):
            del said[number]
        elif number - len(said) < len(lines):
            left_out.append((lines.pop(number - len(said)), reason))
        else:
            break
    return reason, left_out


@lru_cache(maxsize=4)
def read(text: str) -> Model:
    """Read a model; the one that was asked for last is kept."""
    return Model.read(text)


def _line_number(error: BpttError, text: str) -> int | None:
    """Return in which line of a text an error stands, from 0."""
    if error.place is None or error.place.text != text:
        return None
    return text.count("\n", 0, error.place.start)


def in_one_line(error: BpttError) -> str:
    """Return a message without its place, which lies in no text that the user wrote."""
    return re.sub(r"\s*\n.*", "", reason_of(error), flags=re.DOTALL)


def _verdict(model: Model | str, item: Item, text: str) -> Verdict:
    claim = item.display.shown
    if item.reason:
        return Verdict(claim, "not_checkable", why=item.reason)
    if isinstance(model, str):
        return Verdict(claim, "not_checkable", why=f"The network cannot be read. {model}")
    return replace(judged(model, text), claim=claim)


#: The line with a caret in a message: the claim stands beside it anyway.
_EXCERPT = re.compile(r"\n\s+\d+ \|[^\n]*\n\s+\|[ ^]*(?:\n|\Z)")


def judged(model: Model, claim: str) -> Verdict:
    """Return the verdict on a claim; what has no meaning is not checkable."""
    try:
        verdict = check(model, marked_as_latex(claim))
    except BpttError as error:
        return Verdict(claim, "not_checkable", why=in_one_line(error))
    return replace(verdict, why=_EXCERPT.sub(" ", verdict.why).strip())


def follows(section: Section, display: Display) -> bool:
    """Tell whether an equation follows from a section: then it starts no new network."""
    try:
        model = read("\n".join(line.text for line in section.ordered))
    except BpttError:
        return False
    return judged(model, display.shown).verdict == "holds"


__all__ = ["Prepared", "follows", "prepare", "verdicts"]
