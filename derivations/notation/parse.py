"""Text to syntax: the Lark grammar, and the transformer of its trees into `syntax` nodes."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, VisitError

from derivations.errors import NotationError, Place
from derivations.notation import syntax
from derivations.notation.lexer import FUNCTION_WORDS, SYMBOL_COMMANDS, Marked, place_of, prepare
from derivations.notation.syntax import Span

#: Longer formulas are refused; a page of mathematics has some thousand characters.
LONGEST_FORMULA = 20_000
#: Deeper brackets are refused; nobody reads them, and a parser's stack ends somewhere.
DEEPEST_NESTING = 60

_EXPECTED = {
    "LETTER": "a symbol",
    "COMMAND": "a symbol",
    "NUMBER": "a number",
    "WORD": "a word",
    "RELATION": "=",
    "SIGN": "+ or −",
    "PRODUCT": "a product sign",
    "RPAR": ")",
    "RSQB": "]",
    "RBRACE": "}",
    "LBRACE": "{",
    "NORM_CLOSE": "the closing ‖",
    "$END": "the end of the formula",
}


@cache
def _parser() -> Lark:
    grammar = resources.files("derivations.notation").joinpath("grammar.lark").read_text("utf-8")
    return Lark(
        grammar,
        start=["statement", "symbol_only"],
        parser="lalr",
        propagate_positions=True,
        maybe_placeholders=False,
    )


def parse_statement(text: str, place: Place | None = None) -> syntax.Statement:
    """Read an equation, or a chain of them, with the conditions behind it.

    Parameters
    ----------
    text : str
        LaTeX or plain text, one statement.
    place : Place, optional
        Where the statement stands in a longer text, for messages.

    Raises
    ------
    NotationError
        With the place of the first thing that cannot be read.

    Examples
    --------
    >>> statement = parse_statement("h_t = \\\\tanh(W h_{t-1})")
    >>> len(statement.sides), statement.relations
    (2, ('=',))
    """
    statement = _parse(text, "statement", place)
    assert isinstance(statement, syntax.Statement)
    return statement


def parse_symbol(text: str, place: Place | None = None) -> syntax.Scripted:
    """Read one symbol with its scripts, such as ``\\hat{y}_t``."""
    symbol = _parse(text, "symbol_only", place)
    assert isinstance(symbol, syntax.Scripted)
    return symbol


def _parse(text: str, start: str, place: Place | None) -> Any:
    whole = place or Place(text, 0, len(text))
    _refuse_monsters(text, whole)
    marked = prepare(text)
    try:
        tree = _parser().parse(marked, start=start)
        return _ToSyntax(marked, whole).transform(tree)
    except UnexpectedInput as error:
        raise _explain(error, marked, whole) from None
    except VisitError as error:
        if isinstance(error.orig_exc, NotationError):
            raise error.orig_exc from None
        raise


_ACCENTS_IN_A_ROW = re.compile(r"(\\(hat|widehat|tilde|widetilde|bar|overline|vec|dot)[\s{]*){5,}")
_LONG_NUMBER = re.compile(r"[0-9]{16,}")
_MANY_PRIMES = re.compile(r"(['′]\s*){4,}")


def _refuse_monsters(text: str, place: Place) -> None:
    for pattern, message in (
        (_ACCENTS_IN_A_ROW, "More than four accents are piled up."),
        (_LONG_NUMBER, "A number has at most 15 digits."),
        (_MANY_PRIMES, "More than three primes stand in a row."),
    ):
        found = pattern.search(text)
        if found is not None:
            start = place.start + found.start()
            end = place.start + found.end()
            raise NotationError(message, Place(place.text, start, end, place.first_line))
    if len(text) > LONGEST_FORMULA:
        raise NotationError(
            f"The formula has {len(text)} characters; at most {LONGEST_FORMULA} are read.",
            Place(place.text, place.start, place.start + 1, place.first_line),
        )
    depth = 0
    for offset, character in enumerate(text):
        depth += {"{": 1, "(": 1, "[": 1, "}": -1, ")": -1, "]": -1}.get(character, 0)
        if depth > DEEPEST_NESTING:
            where = place.start + offset
            raise NotationError(
                f"Brackets are nested more than {DEEPEST_NESTING} deep.",
                Place(place.text, where, where + 1, place.first_line),
            )


def _explain(error: UnexpectedInput, marked: Marked, whole: Place) -> NotationError:
    if isinstance(error, UnexpectedEOF) or error.pos_in_stream is None:
        start, end = len(marked), len(marked) + 1
    else:
        start = error.pos_in_stream
        token = getattr(error, "token", None)
        if isinstance(token, Token) and token.type == "$END":
            start = len(marked)
        length = len(token) if isinstance(token, Token) and token.type != "$END" else 1
        end = start + max(length, 1)
    place = _place(marked, (start, end), whole)
    accepted = getattr(error, "accepts", None) or getattr(error, "expected", None) or set()
    allowed = getattr(error, "allowed", None) if isinstance(error, UnexpectedCharacters) else None
    names = dict.fromkeys(
        _EXPECTED[name] for name in _EXPECTED if name in (accepted or set()) | (allowed or set())
    )
    found = "The formula ends" if start >= len(marked) else f"{_piece(place)!r} came"
    hint = f"{found} where {_either(list(names))} was expected." if names else None
    return NotationError("This formula cannot be read.", place, hint)


def _piece(place: Place) -> str:
    return place.text[place.start : place.end]


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]


def _place(marked: Marked, span: Span, whole: Place) -> Place:
    start, end = place_of(marked, span)
    return Place(whole.text, whole.start + start, whole.start + end, whole.first_line)


@v_args(meta=True)
class _ToSyntax(Transformer[Token, Any]):
    """Bottom-up: every method gets the places of its piece and the pieces inside it."""

    def __init__(self, marked: Marked, whole: Place) -> None:
        super().__init__()
        self._marked = marked
        self._offset = whole.start
        self._text = whole.text
        self._first_line = whole.first_line

    def _span(self, meta: Any) -> Span:
        if meta.empty:
            return self._offset, self._offset + 1
        start, end = place_of(self._marked, (meta.start_pos, meta.end_pos))
        return self._offset + start, self._offset + end

    def statement(self, meta: Any, children: list[Any]) -> syntax.Statement:
        relations = [relation(str(c)) for c in children if isinstance(c, Token)]
        conditions = tuple(c for c in children if isinstance(c, syntax.Condition))
        sides = [c for c in children if not isinstance(c, Token | syntax.Condition)]
        return syntax.Statement(tuple(sides), tuple(relations), conditions, self._span(meta))

    def condition(self, meta: Any, children: list[Any]) -> syntax.Condition:
        indices = tuple(c for c in children if isinstance(c, syntax.Index))
        relations = tuple(relation(str(c)) for c in children if isinstance(c, Token))
        return syntax.Condition(indices, relations, self._span(meta))

    def symbol_only(self, meta: Any, children: list[Any]) -> syntax.Scripted:
        return self._script(children, self._span(meta))

    def sum(self, meta: Any, children: list[Any]) -> syntax.Node:
        sign, terms = 1, []
        for child in children:
            if isinstance(child, Token):
                sign = 1 if child == "+" else -1
            else:
                terms.append((sign, child))
                sign = 1
        if len(terms) == 1 and terms[0][0] == 1:
            return terms[0][1]  # type: ignore[no-any-return]
        return syntax.Sum(tuple(terms), self._span(meta))

    def chain(self, meta: Any, children: list[Any]) -> syntax.Node:
        parts = [
            syntax.Operator(product_sign(str(c)), self._token_span(c))
            if isinstance(c, Token)
            else c
            for c in children
        ]
        if len(parts) == 1 and not isinstance(parts[0], syntax.Operator | syntax.Series):
            return parts[0]  # type: ignore[no-any-return]
        return syntax.Chain(tuple(parts), self._span(meta))

    def _token_span(self, token: Token) -> Span:
        start = token.start_pos or 0
        inner = place_of(self._marked, (start, start + len(token)))
        return self._offset + inner[0], self._offset + inner[1]

    def scripted(self, meta: Any, children: list[Any]) -> syntax.Node:
        return children[0] if len(children) == 1 else self._script(children, self._span(meta))

    def _script(self, children: list[Any], span: Span) -> syntax.Scripted:
        base, *scripts = children
        below = tuple(i for kind, indices in scripts if kind == "_" for i in indices)
        above = tuple(i for kind, indices in scripts if kind == "^" for i in indices)
        primes = sum(kind == "'" for kind, _ in scripts)
        return syntax.Scripted(base, below, above, primes, span)

    def subscript(self, meta: Any, children: list[Any]) -> tuple[str, tuple[syntax.Index, ...]]:
        return "_", children[0]

    def superscript(self, meta: Any, children: list[Any]) -> tuple[str, tuple[syntax.Index, ...]]:
        if isinstance(children[0], tuple):
            return "^", children[0]
        text = "".join(map(str, children))
        return "^", (syntax.Index(((1, text),), self._span(meta)),)

    def prime(self, meta: Any, children: list[Any]) -> tuple[str, tuple[syntax.Index, ...]]:
        return "'", ()

    def index_token(self, meta: Any, children: list[Any]) -> tuple[syntax.Index, ...]:
        return (syntax.Index(((1, self._word(children[0])),), self._span(meta)),)

    def _word(self, token: Token) -> str:
        """Return the text of an index word; commands are symbols there, too."""
        text = word(str(token))
        self._check_symbol(text, self._token_span(token))
        return text

    def _check_symbol(self, text: str, span: Span) -> None:
        for command in re.findall(r"\\[a-zA-Z]+(?!\s*\{|[a-zA-Z])", text):
            if command not in SYMBOL_COMMANDS:
                raise NotationError(
                    f"{command} is no symbol.",
                    Place(self._text, *span, self._first_line),
                    "A symbol is a letter, a Greek letter, or a word in \\text{…}.",
                )

    def index_list(self, meta: Any, children: list[Any]) -> tuple[syntax.Index, ...]:
        return tuple(children)

    def index(self, meta: Any, children: list[Any]) -> syntax.Index:
        if isinstance(children[0], syntax.Index):
            return syntax.Index(children[0].terms, self._span(meta), bracketed=True)
        sign, terms = 1, []
        for child in children:
            if child.type == "SIGN":
                sign = 1 if child == "+" else -1
            else:
                terms.append((sign, self._word(child)))
                sign = 1
        return syntax.Index(tuple(terms), self._span(meta))

    def name(self, meta: Any, children: list[Any]) -> syntax.Name:
        span, text = self._span(meta), canonical_name(str(children[0]))
        self._check_symbol(text, span)
        return syntax.Name(text, span)

    def accent(self, meta: Any, children: list[Any]) -> syntax.Name | syntax.Scripted:
        accent, inner = str(children[0]), children[1]
        if isinstance(inner, syntax.Scripted):
            base = inner.base
            assert isinstance(base, syntax.Name)
            return syntax.Scripted(
                syntax.Name(f"{accent}{{{base.text}}}", base.span),
                inner.subscripts,
                inner.superscripts,
                inner.primes,
                self._span(meta),
            )
        return syntax.Name(f"{accent}{{{inner.text}}}", self._span(meta))

    def accented(self, meta: Any, children: list[Any]) -> syntax.Name | syntax.Scripted:
        if len(children) == 1:
            return children[0]  # type: ignore[no-any-return]
        return self._script(children, self._span(meta))

    def number(self, meta: Any, children: list[Any]) -> syntax.Number:
        return syntax.Number(str(children[0]), self._span(meta))

    def bracket(self, meta: Any, children: list[Any]) -> syntax.Bracket:
        return syntax.Bracket(tuple(children), False, self._span(meta))

    def group(self, meta: Any, children: list[Any]) -> syntax.Node:
        """Braces around a bare name change nothing: {\\hat{y}}_t is \\hat{y}_t."""
        if isinstance(children[0], syntax.Name):
            return children[0]
        return self.bracket(meta, children)

    def square(self, meta: Any, children: list[Any]) -> syntax.Bracket:
        return syntax.Bracket(tuple(children), True, self._span(meta))

    def norm(self, meta: Any, children: list[Any]) -> syntax.Norm:
        body = next(child for child in children if not isinstance(child, Token))
        return syntax.Norm(body, self._span(meta))

    def fraction(self, meta: Any, children: list[Any]) -> syntax.Fraction:
        return syntax.Fraction(children[1], children[2], self._span(meta))

    def short_fraction(self, meta: Any, children: list[Any]) -> syntax.Fraction:
        span = self._span(meta)
        above, below = (c for c in str(children[0]) if c.isdigit())
        return syntax.Fraction(syntax.Number(above, span), syntax.Number(below, span), span)

    def range(self, meta: Any, children: list[Any]) -> tuple[list[syntax.Index], list[str]]:
        bounds = [i for c in children if not isinstance(c, Token) for i in _indices(c)]
        return bounds, [relation(str(c)) for c in children if isinstance(c, Token)]

    def series(self, meta: Any, children: list[Any]) -> syntax.Series:
        kind = "sum" if str(children[0]).startswith(("\\sum", "∑")) else "product"
        bounds: list[syntax.Index] = []
        relations: list[str] = []
        upper: syntax.Index | None = None
        for child in children[1:]:
            if isinstance(child, tuple) and isinstance(child[0], list):
                bounds, relations = child
            else:
                upper = _indices(child)[0]
        return syntax.Series(kind, tuple(bounds), tuple(relations), upper, self._span(meta))


def _indices(child: Any) -> tuple[syntax.Index, ...]:
    return (child,) if isinstance(child, syntax.Index) else tuple(child)


_UPRIGHT = ("\\text", "\\textrm", "\\mathrm", "\\operatorname", "\\operatorname*", "\\mathsf")
_SPELLINGS = {"\\ln": "\\log", "\\ReLU": "\\relu", "\\GELU": "\\gelu", "\\SiLU": "\\silu"}


def canonical_name(text: str) -> str:
    """Return one spelling for the many of a name: ``\\text{softmax}`` is ``\\softmax``.

    Examples
    --------
    >>> canonical_name("\\\\operatorname{softmax}"), canonical_name("\\\\mathbf { W }")
    ('\\\\softmax', '\\\\mathbf{W}')
    """
    if "{" in text:
        font, inner = text.rstrip("}").split("{")
        font, inner = font.strip(), " ".join(inner.split())
        if font in _UPRIGHT and inner in FUNCTION_WORDS:
            text = f"\\{inner}"
        else:
            text = f"{font}{{{inner}}}"
    return _SPELLINGS.get(text, text)


def word(text: str) -> str:
    """Return the text of an index word, without the font that only keeps it upright."""
    if "{" in text:
        font, inner = text.rstrip("}").split("{")
        return inner.strip() if font.strip() in _UPRIGHT else canonical_name(text)
    return text


def relation(text: str) -> str:
    """Return one sign for the many spellings of a relation."""
    if text in ("\\le", "\\leq", "≤", "<="):
        return "<="
    return "=" if text == ":=" else text


def product_sign(text: str) -> str:
    """Return one sign for the many spellings of a product."""
    return {"⊙": "\\odot", "⊘": "\\oslash", "·": "\\cdot"}.get(text, text)
