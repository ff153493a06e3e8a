"""Symbols with their scripts to terms: entries, powers, transposes, and names by custom."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from derivations.claims.compounds import Compound
from derivations.claims.differentials import Parts
from derivations.claims.parts import part, part_of_symbol
from derivations.claims.steps import Step
from derivations.claims.terms import (
    Constant,
    Entry,
    Labelled,
    Norm,
    Power,
    StepNumber,
    Symbol,
    Term,
    Transposed,
)
from derivations.claims.vocabulary import Split, Vocabulary, plain
from derivations.errors import NotationError, Place
from derivations.notation import syntax
from derivations.notation.picks import without_ranges


class Scripts:
    """Reads symbols and what their scripts say; the base of `Elaborator`.

    Parameters
    ----------
    vocabulary : Vocabulary
    compounds : mapping of parts to name
        Names that are written as several letters, such as ``dW_{hh}`` or ``\\delta 7``.
    place : Place
        What the spans of the formula point into.
    products : collection of str
        Names that stand for the matrix product of their arguments.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        compounds: Sequence[Compound] = (),
        place: Place | None = None,
        products: Collection[str] = (),
    ) -> None:
        self._vocabulary = vocabulary
        self._compounds = compounds
        self._place = place
        self._products = products
        self._bound: list[str] = []  # indices of the sums around a piece

    def term(self, node: syntax.Node) -> Term:
        """Return the term of a piece of a formula."""
        raise NotImplementedError

    def _bracket(self, node: syntax.Bracket) -> Term:
        raise NotImplementedError

    def _refuse(self, message: str, span: syntax.Span, hint: str | None = None) -> NotationError:
        place = None if self._place is None else self._place.part(*span)
        return NotationError(message, place, hint)

    def _indexed(
        self, part: syntax.Name | syntax.Scripted, parts: Parts, position: int
    ) -> tuple[Term, int] | None:
        """y_t[j], an entry in programmers' brackets."""
        following = parts[position + 1] if position + 1 < len(parts) else None
        if not (isinstance(following, syntax.Bracket) and following.square):
            return None
        if any(isinstance(item, syntax.Slice) for item in following.items):
            raise self._refuse("Slices are not read.", following.span, "Name the blocks.")
        indices: list[Step] = []
        for item in following.items:
            if isinstance(item, syntax.Number):
                indices.append(Step((), int(item.text)))
            elif (
                isinstance(item, syntax.Name)
                and len(item.text) == 1
                and self._vocabulary.known(item.text) is None
            ):
                indices.append(Step.letter(item.text))
            else:
                return None
        return Entry(self._scripted(part), tuple(indices)), 2

    def _scripted(self, node: syntax.Name | syntax.Scripted) -> Term:
        if isinstance(node, syntax.Name):
            return self._symbol(node)
        if isinstance(node.base, syntax.Name):
            return self._symbol(node)
        if isinstance(node.base, syntax.Norm):
            return self._norm(node, node.base)
        if isinstance(node.base, syntax.Bracket) and len(node.base.items) > 1:
            return self._with_scripts(self._bracket(node.base), node)
        return self._with_scripts(self.term(node.base), node)

    def _norm(self, node: syntax.Scripted, norm: syntax.Norm) -> Term:
        kind = ",".join(index.word or "?" for index in node.subscripts)
        value: Term = Norm(self.term(norm.body), kind, norm.bars)
        for index in node.superscripts:
            step = self._vocabulary.step_of(index)
            if step is None:
                raise self._refuse("This superscript has no meaning behind a norm.", node.span)
            value = Power(value, step)
        return value

    def _symbol(self, node: syntax.Name | syntax.Scripted) -> Term:
        base = node.base if isinstance(node, syntax.Scripted) else node
        assert isinstance(base, syntax.Name)
        split = self._vocabulary.split(node)
        if isinstance(node, syntax.Scripted) and not split.is_known:
            whole = without_ranges(node)
            if whole != node:
                return part_of_symbol(self._symbol(whole), node)
        if not split.is_known:
            stand_in = self._stand_in(node, base, split)
            if stand_in is not None:
                return stand_in
        value: Term = Symbol(split.name, split.time)
        if split.entries:
            value = Entry(value, split.entries)
        if split.power is not None:
            value = Power(value, split.power)
        if isinstance(node, syntax.Scripted) and node.primes and not split.is_known:
            raise self._refuse("A prime has a meaning only behind a function's name.", node.span)
        return Transposed(value) if split.transposed else value

    def _stand_in(
        self, node: syntax.Name | syntax.Scripted, base: syntax.Name, split: Split
    ) -> Term | None:
        """Return what a name that nothing explains means by custom: T, I, 𝟏, or ∂ gone astray."""
        if base.text in ("\\partial", "\\nabla"):
            raise self._refuse("This ∂ belongs to no derivative.", node.span)
        if isinstance(node, syntax.Scripted) and base.text == "\\delta" and not node.superscripts:
            positions = [step for i in node.subscripts for step in self._entries(i) or ()]
            if len(positions) == 2:  # Kronecker's
                return Entry(Constant("identity"), tuple(positions))
        if isinstance(node, syntax.Scripted) and (node.subscripts or node.primes):
            return None
        name = plain(base.text)
        made: Term | None = None
        if base.text in self._vocabulary.aliases:
            made = StepNumber(self._vocabulary.aliases[base.text])
        elif name == "T" or base.text in self._bound:
            made = StepNumber(Step.letter(name))
        elif name == "I":
            made = Constant("identity")
        elif name == "1":
            made = Constant("ones")
        if made is None or not isinstance(node, syntax.Scripted):
            return made
        return self._with_scripts(made, node)

    def _with_scripts(self, value: Term, node: syntax.Scripted) -> Term:
        """Apply the scripts behind a bracket to what it holds."""
        below: list[Step] = []
        for index in without_ranges(node).subscripts:
            steps = self._entries(index)
            if steps is None:
                value = Labelled(value, index.word or "?")
            else:
                below += steps
        if below:
            value = Entry(value, tuple(below))
        value = part(value, node)
        for index in node.superscripts:
            word = (index.word or "").strip()
            step = self._vocabulary.step_of(index)
            if word in ("\\top", "\\intercal") or plain(word) == "T":
                value = Transposed(value)
            elif word.startswith("\\odot") and word.removeprefix("\\odot").strip().isdigit():
                value = Power(value, Step((), int(word.removeprefix("\\odot"))))
            elif step is not None:
                value = Power(value, step)
            else:
                raise self._refuse("This superscript has no meaning here.", node.span)
        for _ in range(node.primes):
            value = Transposed(value)
        return value

    def _entries(self, index: syntax.Index) -> list[Step] | None:
        step = self._vocabulary.step_of(index)
        if step is not None:
            return [step]
        word = index.word or ""
        return [Step.letter(c) for c in word] if len(word) == 2 and word.isalpha() else None
