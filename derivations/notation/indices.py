"""Formulas in scripts to indices, and what stands behind a comma to conditions on the steps."""

from __future__ import annotations

from dataclasses import replace

from derivations.notation import syntax
from derivations.notation.layout import Refusal
from derivations.notation.signs import COUNTERS, ORDERS, UPRIGHT
from derivations.notation.spelling import glued, spelled
from derivations.notation.syntax import Index, Node, Span


def index_of(node: Node) -> Index:
    """Return one index for a formula in a script, whatever it holds."""
    found = indices(node)
    if len(found) == 1:
        return found[0]
    return Index(((1, spelled(node)),), node.span, body=node)


def indices(node: Node) -> tuple[Index, ...]:
    """Return the indices that one item of a script makes: ``(t-1)T`` makes two."""
    match node:
        case syntax.Name() | syntax.Number():
            return (Index(((1, _word(node)),), node.span),)
        case syntax.Bracket():
            return tuple(
                replace(index, span=node.span, bracketed=True)
                for item in node.items
                for index in indices(item)
            )
        case syntax.Scripted(base=syntax.Name()):
            return (Index(((1, spelled(node)),), node.span, symbol=node),)
        case syntax.Scripted(base=syntax.Bracket(), subscripts=(), primes=0):
            return (*indices(node.base), *node.superscripts)
        case syntax.Sum():
            terms = _terms(node)
            if terms is not None:
                return (Index(terms, node.span),)
        case syntax.Chain():
            return _beside(node)
        case syntax.Comparison(sides=(_, _), relations=("=",)):
            left, right = (index_of(side) for side in node.sides)
            return (replace(left, span=node.span, equals=right),)
    return (Index(((1, spelled(node)),), node.span, body=node),)


def _word(node: syntax.Name | syntax.Number) -> str:
    """Return the text of an index word, without the font that only keeps it upright."""
    text = node.text
    if text[-1] == "}":
        font, inner = text[:-1].split("{", 1)
        return inner if font in UPRIGHT else text
    return text


def _terms(node: Node) -> tuple[tuple[int, str], ...] | None:
    """Return the signed words of a sum, or None if it holds more than words."""
    match node:
        case syntax.Name() | syntax.Number():
            return ((1, _word(node)),)
        case syntax.Scripted(base=syntax.Name()):
            return ((1, spelled(node)),)
        case syntax.Bracket(items=(inner,)):
            return _terms(inner)
        case syntax.Chain():
            found = _beside(node)
            return found[0].terms if len(found) == 1 and found[0].body is None else None
        case syntax.Sum():
            terms: list[tuple[int, str]] = []
            for sign, term in node.terms:
                inner_terms = _terms(term)
                if inner_terms is None:
                    return None
                terms.extend((sign * inner_sign, text) for inner_sign, text in inner_terms)
            return tuple(terms)
    return None


def _beside(node: syntax.Chain) -> tuple[Index, ...]:
    """Return the indices of pieces side by side: words make one, brackets one each."""
    whole = Index(((1, spelled(node)),), node.span, body=node)
    if all(isinstance(part, syntax.Name | syntax.Number) for part in node.parts):
        return (replace(whole, body=None),)
    brackets = [part for part in node.parts if _is_bracket(part)]
    if not brackets or isinstance(node.parts[0], syntax.Number):
        return (whole,)
    found: list[Index] = []
    words: list[syntax.Name | syntax.Number] = []
    for part in node.parts:
        if isinstance(part, syntax.Name | syntax.Number):
            words.append(part)
            continue
        if not _is_bracket(part) and not isinstance(part, syntax.Scripted):
            return (whole,)
        found.extend(_joined(words))
        words.clear()
        assert not isinstance(part, syntax.Operator)
        found.extend(indices(part))
    return (*found, *_joined(words))


def _is_bracket(part: Node | syntax.Operator) -> bool:
    base = part.base if isinstance(part, syntax.Scripted) else part
    return isinstance(base, syntax.Bracket)


def _joined(words: list[syntax.Name | syntax.Number]) -> list[Index]:
    if not words:
        return []
    text = glued([_word(word) for word in words])
    return [Index(((1, text),), (words[0].span[0], words[-1].span[1]))]


def conditions_of(nodes: list[Node]) -> tuple[syntax.Condition, ...]:
    """Return what limits the steps; ``t = 1, …, T`` says 1 ≤ t ≤ T."""
    conditions: list[syntax.Condition] = []
    for position, node in enumerate(nodes):
        condition = _condition(node)
        if condition is not None:
            conditions.append(condition)
            continue
        if _is_boundary(node):
            continue
        before = nodes[position - 1] if position else None
        if conditions and (isinstance(node, syntax.Ellipsis) or not _is_equation(node)):
            if isinstance(before, syntax.Ellipsis) and conditions[-1].relations == ("=",):
                counter, first = conditions[-1].indices
                span = (conditions[-1].span[0], node.span[1])
                conditions[-1] = _counted(first, counter, index_of(node), span)
            continue
        raise second_equation(node)
    return tuple(conditions)


def _condition(node: Node) -> syntax.Condition | None:
    """Return a comparison of steps, or None for one of other things."""
    if not isinstance(node, syntax.Comparison) or not set(node.relations) <= ORDERS:
        return None
    found = tuple(index_of(side) for side in node.sides)
    terms = [text for index in found for _, text in index.terms]
    if any(index.body is not None or index.equals is not None for index in found):
        return None
    if "=" in node.relations and (
        found[0].word not in COUNTERS
        or not all(len(t) == 1 or t[0] in "\\0123456789" for t in terms)
    ):
        return None
    return syntax.Condition(found, node.relations, node.span)


def _is_boundary(node: Node) -> bool:
    """Tell whether a number is given to a symbol, such as h_0 = 0 beside a recursion."""
    return (
        isinstance(node, syntax.Comparison)
        and node.relations == ("=",)
        and isinstance(node.sides[0], syntax.Scripted)
        and isinstance(node.sides[1], syntax.Number)
    )


def second_equation(node: Node) -> Refusal:
    return Refusal(
        "This formula cannot be read.",
        node.span,
        "One equation is read at a time; behind a comma stands only a condition on its steps.",
    )


def _counted(first: Index, counter: Index, last: Index, span: Span) -> syntax.Condition:
    """Return the range of a counter that goes up, or down to a number."""
    is_down = all(term.isdigit() for _, term in last.terms) and not all(
        term.isdigit() for _, term in first.terms
    )
    steps = (last, counter, first) if is_down else (first, counter, last)
    return syntax.Condition(steps, ("<=", "<="), span)


def _is_equation(node: Node) -> bool:
    return isinstance(node, syntax.Comparison)
