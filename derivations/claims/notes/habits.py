"""Habits of notes undone: arguments of a loss, one step in the place of all, parts named too late.

Each of these leaves a statement what it says, and makes it one that a model can be read from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from derivations.claims.notes.displays import Display
from derivations.claims.notes.items import EQUALITIES, Item, marked_as_latex, read_items
from derivations.claims.notes.naming import (
    LOSS_LETTERS,
    Key,
    Names,
    derivatives,
    has_derivative,
    is_symbol,
    plain_letter,
    symbols,
)
from derivations.claims.notes.sections import Line, Section, packed, stretch
from derivations.claims.steps import Step
from derivations.notation import syntax


def without_arguments(items: Sequence[Item]) -> list[Item]:
    """Return the statements with E_t for E_t(y_t, ŷ_t): a loss is called by its name alone."""
    return [_rewritten(item, [(span, "") for span in _arguments(item)]) for item in items]


def _arguments(item: Item) -> Iterator[syntax.Span]:
    if item.statement is None:
        return
    for side in item.statement.sides:
        for node in syntax.walk(side):
            if isinstance(node, syntax.Chain):
                for first, second in pairwise(node.parts):
                    if _is_loss(first) and _lists_symbols(second):
                        yield second.span


def _is_loss(node: syntax.Node | syntax.Operator) -> bool:
    base = node.base if isinstance(node, syntax.Scripted) else node
    return isinstance(base, syntax.Name) and plain_letter(base.text) in LOSS_LETTERS


def _lists_symbols(node: syntax.Node | syntax.Operator) -> bool:
    return isinstance(node, syntax.Bracket) and not node.square and all(map(is_symbol, node.items))


def at_every_step(items: Sequence[Item], names: Names) -> list[Item]:
    """Return the statements with z_t = V s_t for z_3 = V s_3, if that is all that is said of z."""
    return [_rewritten(item, _steps(item, names)) for item in items]


def _steps(item: Item, names: Names) -> list[tuple[syntax.Span, str]]:
    """Return where the left side's step stands, if it is the step of everything on the right."""
    statement = item.statement
    if statement is None or len(statement.sides) != 2 or statement.relations[0] not in EQUALITIES:
        return []
    left, right = statement.sides
    if not isinstance(left, syntax.Scripted) or not isinstance(left.base, syntax.Name):
        return []
    step = left.subscripts[0].word if len(left.subscripts) == 1 else None
    is_known = names.key(left).is_timed or left.superscripts or has_derivative(right)
    if step is None or not re.fullmatch(r"[1-9]", step) or is_known:
        return []
    timed = [symbol for symbol in symbols(right) if names.key(symbol).is_timed]
    if not timed or any(names.time(symbol) != Step((), int(step)) for symbol in timed):
        return []
    found = [
        index.span
        for symbol in (left, *timed)
        if isinstance(symbol, syntax.Scripted)
        for index in (*symbol.subscripts, *symbol.superscripts)
        if index.word == step
    ]
    return [(span, "t") for span in found]


def _rewritten(item: Item, changes: Iterable[tuple[syntax.Span, str]]) -> Item:
    """Return an item with stretches replaced; everything else keeps its place."""
    characters, offset = list(item.display.latex), item.display.place.start
    is_changed = False
    for (start, end), text in changes:
        characters[start - offset : end - offset] = text.ljust(end - start)
        is_changed = True
    if not is_changed:
        return item
    latex = "".join(characters).rstrip()
    place = item.display.place.part(offset, offset + len(latex))
    (again,) = read_items([replace(item.display, latex=latex, place=place)])
    return again


def with_named_parts(section: Section, names: Names) -> list[Line]:
    """Return the equations with the names of their parts put in.

    Where notes write ŷ_t = softmax(V s_t) and say behind a derivative by z_t that z_t = V s_t, the
    path to ŷ_t leads through z_t.
    """
    wanted = {
        names.key(symbol)
        for statement in section.statements
        for side in statement.sides
        for found in derivatives(side)
        for symbol in (*found.of, *found.by)
    }
    lines = section.ordered
    network = [line for line in lines if line.kind == "forward equation"]
    used = {key for line in network for key in line.uses}
    for part in network:
        is_open = part.key.is_timed and part.key in wanted and part.key not in used
        if is_open and not isinstance(_right(part), syntax.Number) and not is_symbol(_right(part)):
            lines = [_with_part(line, part) for line in lines]
    return lines


def _right(line: Line) -> syntax.Node:
    return line.statement.sides[1]


def _with_part(line: Line, part: Line) -> Line:
    if line is part or line.kind != "forward equation" or len(line.statement.sides) != 2:
        return line
    wanted = packed(stretch(part.display, _right(part).span))
    for node in syntax.walk(_right(line)):
        if packed(stretch(line.display, node.span)) == wanted:
            left, right = (stretch(line.display, side.span) for side in line.statement.sides)
            name = stretch(part.display, part.statement.sides[0].span)
            piece = stretch(line.display, node.span)
            text = marked_as_latex(f"{left} = {right.replace(piece, name)}")
            return replace(line, text=text, uses=line.uses | {part.key})
    return line


def with_inner_product(
    text: str, display: Display, statement: syntax.Statement, vectors: frozenset[Key], names: Names
) -> str:
    """Return an equation for a loss with y_tᵀ log ŷ_t for y_t log ŷ_t.

    A softmax is no number, and a loss is one: the product can mean nothing else.

    Parameters
    ----------
    text : str
        The equation on one line.
    display, statement
        The same where it stands, and as it was read.
    vectors : frozenset of Key
        What a softmax gives.
    names : Names
    """
    target = compared(statement, vectors, names)
    if target is None or (isinstance(target, syntax.Scripted) and target.superscripts):
        return text
    written = re.escape(stretch(display, target.span))
    return re.sub(rf"{written}(?=\s*\\log)", lambda match: f"{match[0]}^\\top", text)


def softmaxes(lines: Iterable[Line]) -> frozenset[Key]:
    """Return the quantities that a softmax gives."""
    return frozenset(line.key for line in lines if _is_softmax(_right(line)))


def compared(
    statement: syntax.Statement, vectors: frozenset[Key], names: Names
) -> syntax.Symbol | None:
    """Return what a loss of the form −y log ŷ compares a softmax with."""
    if not _is_loss(statement.sides[0]):
        return None
    chains = (
        node.parts
        for side in statement.sides[1:]
        for node in syntax.walk(side)
        if isinstance(node, syntax.Chain)
    )
    for parts in chains:
        for target, log, behind in zip(parts, parts[1:], parts[2:], strict=False):
            inner = behind.items[0] if isinstance(behind, syntax.Bracket) else behind
            is_log = isinstance(log, syntax.Name) and log.text == "\\log"
            if is_log and is_symbol(inner) and names.key(inner) in vectors and is_symbol(target):
                return target
    return None


def _is_softmax(node: syntax.Node) -> bool:
    first = node.parts[0] if isinstance(node, syntax.Chain) else node
    return isinstance(first, syntax.Name) and first.text == "\\softmax"


__all__ = [
    "at_every_step",
    "compared",
    "softmaxes",
    "with_inner_product",
    "with_named_parts",
    "without_arguments",
]
