"""What the symbols of notes are called, and what their formulas differentiate, from the syntax."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from derivations.claims.steps import Step
from derivations.claims.vocabulary import Spelling, Vocabulary, unknown_parts
from derivations.notation import syntax
from derivations.notation.names import canonical

Piece = syntax.Node | syntax.Operator

#: Letters that count steps where a derivative's numerator carries them.
_STEP_LETTERS = frozenset("tTkjisnmτ")
#: Letters that notes give to losses, without their fonts.
LOSS_LETTERS = frozenset(
    [
        *("L", "E", "J", "C", "\\ell", "l", "\\mathcal{L}", "\\mathcal{E}", "\\mathcal{J}"),
        *("\\varepsilon", "\\epsilon", "\\mathscr{L}", "loss", "Loss", "Cost", "cost", "Err"),
    ]
)
_DIFFERENTIALS = frozenset({"\\partial", "d", "\\mathrm{d}", "\\text{d}", "\\operatorname{d}"})
_LONGEST_COMPOUND = 4
#: What makes a name of the symbol behind it: dW, δW, ΔW.
_PREFIXES = frozenset({"d", "\\mathrm{d}", "\\text{d}", "\\delta", "\\Delta"})


@dataclass(frozen=True)
class Key:
    """A quantity, whatever its step.

    Attributes
    ----------
    name : str
        Canonical name, without the step.
    is_timed : bool
        Whether it carries a step; E_t and E are two quantities.
    """

    name: str
    is_timed: bool


@dataclass(frozen=True)
class Derivative:
    """A derivative as it is written.

    Attributes
    ----------
    of, by : tuple of syntax.Symbol
        The symbols above and below.
    """

    of: tuple[syntax.Symbol, ...]
    by: tuple[syntax.Symbol, ...]


class Names:
    """The names of some statements.

    Parameters
    ----------
    statements : iterable of syntax.Statement
    """

    def __init__(self, statements: Iterable[syntax.Statement]) -> None:
        self._vocabulary = Vocabulary()
        every = list(statements)
        self.running = _running_letters(every, self._vocabulary)
        for letter in self.running:
            self._vocabulary.running = letter
            for statement in every:
                for side in statement.sides:
                    for symbol in symbols(side):
                        self._learn(symbol)
        self._vocabulary.running = "t"
        for statement in every:
            for side in statement.sides:
                for derivative in derivatives(side):
                    for symbol in derivative.of:
                        self._learn_numerator(symbol)

    def key(self, symbol: syntax.Symbol) -> Key:
        """Return which quantity a symbol is."""
        split = self._vocabulary.split(symbol)
        return Key(split.name, split.time is not None)

    def time(self, symbol: syntax.Symbol) -> Step | None:
        """Return the step at which a symbol stands."""
        return self._vocabulary.split(symbol).time

    def is_bare(self, symbol: syntax.Symbol) -> bool:
        """Tell whether a symbol carries neither power nor transpose nor entry."""
        split = self._vocabulary.split(symbol)
        return split.power is None and not split.transposed and not split.entries

    def keys(self, node: Piece) -> set[Key]:
        """Return the quantities of a formula."""
        return {self.key(symbol) for symbol in symbols(node)}

    def _learn(self, symbol: syntax.Symbol) -> None:
        if isinstance(symbol, syntax.Name) or not isinstance(symbol.base, syntax.Name):
            return
        if symbol.base.text in ("\\nabla", "\\partial"):
            return
        base, below, above, time, _, _ = unknown_parts(self._vocabulary, symbol)
        if time is not None:
            self._vocabulary.learn(canonical(base, below, above), Spelling(base), is_timed=True)

    def _learn_numerator(self, symbol: syntax.Symbol) -> None:
        """E_k is a loss at a step, though nothing says so but what is differentiated."""
        if isinstance(symbol, syntax.Name) or not isinstance(symbol.base, syntax.Name):
            return
        scripts = (*symbol.subscripts, *symbol.superscripts)
        if len(scripts) != 1 or self._vocabulary.split(symbol).is_known:
            return
        step, name = self._vocabulary.step_of(scripts[0]), symbol.base.text
        is_entry = step is not None and not step.names and plain_letter(name) not in LOSS_LETTERS
        if step is not None and step.names <= _STEP_LETTERS and not is_entry:
            self._vocabulary.learn(name, Spelling(name), is_timed=True)


def symbols(node: Piece) -> Iterator[syntax.Symbol]:
    """Yield the symbols of a formula; scripts on a bracket hide nothing that it holds."""
    if isinstance(node, syntax.Name) or (
        isinstance(node, syntax.Scripted) and isinstance(node.base, syntax.Name)
    ):
        yield node
        if isinstance(node, syntax.Scripted):
            by = _nabla(node)
            yield from (symbol for symbol in by or () if isinstance(symbol, syntax.Scripted))
        return
    for child in syntax.children(node):
        yield from symbols(child)


def _running_letters(statements: Sequence[syntax.Statement], vocabulary: Vocabulary) -> list[str]:
    """Return t, and the letters that left sides carry and right sides carry shifted."""
    letters = ["t"]
    for statement in statements:
        left = statement.sides[0]
        if not isinstance(left, syntax.Scripted):
            continue
        mine = _steps([left], vocabulary)
        others = _steps(statement.sides[1:], vocabulary)
        for step in mine:
            for letter in step.names:
                shifted = any(letter in o.names and o.number != step.number for o in others)
                if shifted and letter != "T" and letter not in letters:
                    letters.append(letter)
    return letters


def _steps(nodes: Iterable[syntax.Node], vocabulary: Vocabulary) -> list[Step]:
    return [
        step
        for node in nodes
        for symbol in symbols(node)
        if isinstance(symbol, syntax.Scripted)
        for index in (*symbol.subscripts, *symbol.superscripts)
        for step in [vocabulary.step_of(index)]
        if step is not None and len(step.letters) == 1
    ]


def plain_letter(name: str) -> str:
    """Return a letter without the fonts that change nothing."""
    return re.sub(r"\\(?:mathrm|text|textrm|boldsymbol|bm|mathbf)\{([^{}]*)\}", r"\1", name)


# Derivatives


def derivatives(node: Piece) -> Iterator[Derivative]:
    """Yield the derivatives in a formula, in the order of the text."""
    if isinstance(node, syntax.Fraction):
        above, below = _behind_d(node.numerator), _behind_d(node.denominator)
        if above is not None and below is not None:
            yield Derivative(_symbols_of(above), _symbols_of(below))
            return
    if isinstance(node, syntax.Chain):
        yield from _derivatives_in_chain(node.parts)
    for child in syntax.children(node):
        yield from derivatives(child)


def _derivatives_in_chain(parts: Sequence[Piece]) -> Iterator[Derivative]:
    for position, part in enumerate(parts):
        by = _nabla(part)
        if by is not None and position + 1 < len(parts):
            yield Derivative(_symbols_of(parts[position + 1 : position + 2]), by)
        five = parts[position : position + 5]
        if len(five) == 5 and _is_d(five[0]) and _is_slash(five[2]) and _is_d(five[3]):
            yield Derivative(_symbols_of(five[1:2]), _symbols_of(five[4:5]))


def is_derivative(node: Piece) -> bool:
    """Tell whether a formula is one derivative, in brackets or transposed at most."""
    match node:
        case syntax.Fraction():
            above, below = _behind_d(node.numerator), _behind_d(node.denominator)
            return bool(above) and bool(below)
        case syntax.Bracket():
            return len(node.items) == 1 and is_derivative(node.items[0])
        case syntax.Scripted():
            return isinstance(node.base, syntax.Bracket) and is_derivative(node.base)
        case syntax.Chain():
            parts = node.parts
            is_nabla = len(parts) == 2 and _nabla(parts[0]) is not None
            is_slashed = (
                len(parts) == 5 and _is_d(parts[0]) and _is_slash(parts[2]) and _is_d(parts[3])
            )
            return is_nabla or is_slashed
        case _:
            return False


def has_derivative(node: Piece) -> bool:
    """Tell whether a formula speaks of a derivative."""
    return any(
        isinstance(piece, syntax.Name) and piece.text in ("\\partial", "\\nabla")
        for piece in syntax.walk(node)
    ) or any(True for _ in derivatives(node))


def has_product_over_steps(node: Piece) -> bool:
    """Tell whether a formula holds a ∏."""
    return any(
        isinstance(piece, syntax.Series) and piece.kind == "product" for piece in syntax.walk(node)
    )


def _symbols_of(parts: Iterable[Piece]) -> tuple[syntax.Symbol, ...]:
    return tuple(symbol for part in parts for symbol in symbols(part))


def _behind_d(node: syntax.Node) -> tuple[Piece, ...] | None:
    """Return what stands behind a ∂ or d, or None where there is none."""
    parts = node.parts if isinstance(node, syntax.Chain) else (node,)
    return tuple(parts[1:]) if _is_d(parts[0]) and len(parts) > 1 else None


def _is_d(part: Piece) -> bool:
    base = part.base if isinstance(part, syntax.Scripted) else part
    return isinstance(base, syntax.Name) and base.text in _DIFFERENTIALS


def _is_slash(part: Piece) -> bool:
    return isinstance(part, syntax.Operator) and part.text == "/"


def _nabla(part: Piece) -> tuple[syntax.Symbol, ...] | None:
    """Return by what a ∇ with a subscript differentiates."""
    if not (isinstance(part, syntax.Scripted) and isinstance(part.base, syntax.Name)):
        return None
    if part.base.text != "\\nabla" or len(part.subscripts) != 1:
        return None
    index = part.subscripts[0]
    return (index.symbol or syntax.Name(index.word or "?", index.span),)


def compound(node: Piece) -> tuple[syntax.Name, tuple[Piece, ...]] | None:
    """Return the pieces of a name such as dW, δW or δ 7, the prefix apart, or None."""
    if not (isinstance(node, syntax.Chain) and 2 <= len(node.parts) <= _LONGEST_COMPOUND):
        return None
    first, *rest = node.parts
    if not (isinstance(first, syntax.Name) and first.text in _PREFIXES):
        return None
    if not all(is_symbol(part) or isinstance(part, syntax.Number) for part in rest):
        return None
    return first, tuple(rest)


def is_symbol(node: Piece) -> TypeGuard[syntax.Symbol]:
    """Tell whether a piece is a name, with scripts or without."""
    base = node.base if isinstance(node, syntax.Scripted) else node
    return isinstance(base, syntax.Name)


__all__ = [
    "LOSS_LETTERS",
    "Derivative",
    "Key",
    "Names",
    "Piece",
    "compound",
    "derivatives",
    "has_derivative",
    "has_product_over_steps",
    "is_derivative",
    "is_symbol",
    "plain_letter",
    "symbols",
]
