"""Grammar to syntax: what the parser calls for every rule of the language."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from lark import Token, Transformer

from derivations.notation import syntax
from derivations.notation.indices import conditions_of, index_of, indices, second_equation
from derivations.notation.layout import Refusal
from derivations.notation.spelling import spelled
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
            conditions = conditions_of(others)
            return syntax.Statement(first.sides, first.relations, conditions, _span(children))
        if others:
            raise second_equation(others[0])
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
