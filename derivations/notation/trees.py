"""Grammar to syntax: what the parser calls for every rule, and how scripts become indices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from lark import Token, Transformer

from derivations.notation import syntax
from derivations.notation.layout import Refusal
from derivations.notation.signs import COUNTERS, ORDERS, UPRIGHT
from derivations.notation.spelling import glued, spelled
from derivations.notation.syntax import Index, Node, Span

Parts: TypeAlias = "list[Any]"


@dataclass(frozen=True)
class _Group:
    """What stands in braces, which TeX does not show."""

    body: Node
    span: Span


@dataclass(frozen=True)
class _Items:
    """What stands between the signs of a list."""

    nodes: tuple[Node, ...]
    separators: tuple[str, ...]
    span: Span


@dataclass(frozen=True)
class _Script:
    """A subscript, a superscript or a prime."""

    kind: str
    items: _Items | None
    span: Span


def _span(children: Parts) -> Span:
    return _of(children[0])[0], _of(children[-1])[1]


def _of(child: Any) -> Span:
    if isinstance(child, Token):
        return child.start_pos or 0, child.end_pos or 0
    span: Span = child.span
    return span


def _first(child: Any) -> int:
    return _of(child[0] if isinstance(child, tuple) else child)[0]


def _last(child: Any) -> int:
    return _of(child[-1] if isinstance(child, tuple) else child)[1]


def _shown(part: Any) -> Any:
    """Return a group as the bracket that it is for what stands beside it."""
    return syntax.Bracket((part.body,), False, part.span) if isinstance(part, _Group) else part


class ToSyntax(Transformer[Token, Any]):
    """Every method gets the pieces of its rule: tokens, and what the methods made before."""

    def statement(self, children: Parts) -> syntax.Statement:
        first, *others = [child for child in children if not isinstance(child, Token)]
        if isinstance(first, syntax.Comparison):
            conditions = _conditions(others)
            return syntax.Statement(first.sides, first.relations, conditions, _span(children))
        if others:
            raise _second(others[0])
        return syntax.Statement((first,), (), (), _span(children))

    def formula(self, children: Parts) -> Node:
        node: Node = children[0]
        return node

    def comparison(self, children: Parts) -> syntax.Comparison:
        return syntax.Comparison(
            tuple(children[::2]), tuple(str(sign) for sign in children[1::2]), _span(children)
        )

    def half(self, children: Parts) -> syntax.Comparison:
        """Read a relation whose left side is understood, as in x_{<t}."""
        return syntax.Comparison((children[1],), (str(children[0]),), _span(children))

    def sum(self, children: Parts) -> Node:
        sign, terms = 1, []
        for child in children:
            if isinstance(child, Token):
                sign = sign if child == "+" else -sign
            else:
                terms.append((sign, child))
                sign = 1
        if len(terms) == 1 and terms[0][0] == 1:
            node: Node = terms[0][1]
            return node
        return syntax.Sum(tuple(terms), _span(children))

    def chain(self, children: Parts) -> Node:
        if len(children) == 1:
            only = children[0]
            if isinstance(only, _Group):
                return only.body
            if not isinstance(only, Token | tuple | syntax.Series):
                node: Node = only
                return node
        parts: list[Node | syntax.Operator] = []
        for child in children:
            if isinstance(child, tuple):
                parts.extend(child)
            elif isinstance(child, Token):
                parts.append(syntax.Operator(str(child), _of(child)))
            else:
                parts.append(_shown(child))
        return syntax.Chain(tuple(parts), (_first(children[0]), _last(children[-1])))

    def negative(self, children: Parts) -> tuple[syntax.Operator, Node]:
        """Read the minus behind a product sign, as in a · −b: it holds for the next factor."""
        product, sign, factor = children
        operator = syntax.Operator(str(product), _of(product))
        if sign == "+":
            return operator, _shown(factor)
        span = _span(children[1:])
        return operator, syntax.Bracket((syntax.Sum(((-1, _shown(factor)),), span),), False, span)

    def scripted(self, children: Parts) -> syntax.Scripted:
        base, *scripts = children
        below, above, primes = _scripts(scripts)
        return syntax.Scripted(_shown(base), below, above, primes, _span(children))

    def restricted(self, children: Parts) -> syntax.Restricted:
        body, bar = children
        inner = body.body if isinstance(body, _Group) else body
        return syntax.Restricted(inner, str(bar), _span(children))

    def series(self, children: Parts) -> syntax.Series:
        return _series(children[0], children[1:], _span(children))

    def ellipsis(self, children: Parts) -> syntax.Ellipsis:
        return syntax.Ellipsis(_span(children))

    def name(self, children: Parts) -> syntax.Name:
        return syntax.Name(str(children[0]), _of(children[0]))

    def number(self, children: Parts) -> syntax.Number:
        return syntax.Number(str(children[0]), _of(children[0]))

    def bracket(self, children: Parts) -> Node:
        opening, items, _ = children
        if len(items.nodes) == 1 and isinstance(items.nodes[0], syntax.Matrix):
            return replace(items.nodes[0], span=_span(children))
        return syntax.Bracket(
            items.nodes, opening.type == "LSQB", _span(children), items.separators
        )

    def group(self, children: Parts) -> Node | _Group:
        """Braces around one factor change nothing: {\\hat{y}}_t is \\hat{y}_t."""
        body: Node = children[1]
        if isinstance(body, syntax.Chain | syntax.Sum | syntax.Series):
            return _Group(body, _span(children))
        return body

    def over(self, children: Parts) -> syntax.Fraction:
        return syntax.Fraction(children[1], children[3], _span(children))

    def norm(self, children: Parts) -> syntax.Norm:
        body, bars = children[1], int(children[0])
        if bars == 1 and isinstance(body, syntax.Norm) and body.bars == 1:
            body, bars = body.body, 2  # a norm whose bars are written one by one
        return syntax.Norm(body, _span(children), bars)

    def accent(self, children: Parts) -> syntax.Name | syntax.Scripted:
        accent, inner, span = str(children[0]), children[2], _span(children)
        if isinstance(inner, syntax.Scripted) and isinstance(inner.base, syntax.Name):
            base = syntax.Name(f"{accent}{{{inner.base.text}}}", inner.base.span)
            return replace(inner, base=base, span=span)
        return syntax.Name(f"{accent}{{{spelled(inner)}}}", span)

    def fraction(self, children: Parts) -> syntax.Fraction:
        return syntax.Fraction(children[2], children[5], _span(children))

    def matrix(self, children: Parts) -> syntax.Matrix:
        span = _span(children)
        blank = syntax.Number("0", span)
        rows = [[blank if cell is None else cell for cell in row] for row in children[1]]
        return syntax.Matrix(tuple(tuple(row) for row in rows), span)

    def cases(self, children: Parts) -> syntax.Cases:
        rows = [[cell for cell in row if cell is not None] for row in children[1]]
        return syntax.Cases(tuple(tuple(row) for row in rows if row), _span(children))

    def script(self, children: Parts) -> _Script:
        items = children[2] if len(children) > 1 else None
        return _Script(children[0].type, items, _span(children))

    def items(self, children: Parts) -> _Items:
        signs = {"SEMICOLON": ";"}
        nodes = tuple(child for child in children if not isinstance(child, Token))
        separators = tuple(
            str(child) if child.type == "SEPARATOR" else signs.get(child.type, ",")
            for child in children
            if isinstance(child, Token)
        )
        return _Items(nodes, separators, _span(children))

    def slice(self, children: Parts) -> syntax.Slice:
        colon = next(i for i, child in enumerate(children) if isinstance(child, Token))
        start = children[0] if colon else None
        stop = children[-1] if colon < len(children) - 1 else None
        return syntax.Slice(start, stop, _span(children))

    def rows(self, children: Parts) -> list[list[Node | None]]:
        return [child for child in children if not isinstance(child, Token)]

    def row(self, children: Parts) -> list[Node | None]:
        return [child for child in children if not isinstance(child, Token)]

    def cell(self, children: Parts) -> Node | None:
        return children[0] if children else None


# Scripts


def _scripts(
    scripts: list[_Script],
) -> tuple[tuple[Index, ...], tuple[Index, ...], int]:
    below: list[Index] = []
    above: list[Index] = []
    primes = 0
    for script in scripts:
        if script.items is None:
            primes += 1
        else:
            found = [index for node in script.items.nodes for index in indices(node)]
            (below if script.kind == "SUB" else above).extend(found)
    return tuple(below), tuple(above), primes


def _series(sign: Token, scripts: list[_Script], span: Span) -> syntax.Series:
    bounds: list[Index] = []
    relations: list[str] = []
    upper: Index | None = None
    for script in scripts:
        if script.items is None:
            raise Refusal("A sum or a product takes no prime.", script.span)
        if script.kind == "SUP":
            upper = index_of(script.items.nodes[0])
            continue
        for position, node in enumerate(script.items.nodes):
            sides = node.sides if isinstance(node, syntax.Comparison) else (node,)
            if position:
                relations.append(script.items.separators[position - 1])
            bounds.extend(index_of(side) for side in sides)
            relations.extend(node.relations if isinstance(node, syntax.Comparison) else ())
    return syntax.Series(str(sign), tuple(bounds), tuple(relations), upper, span)


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


def _conditions(nodes: list[Node]) -> tuple[syntax.Condition, ...]:
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
        raise _second(node)
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


def _second(node: Node) -> Refusal:
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
