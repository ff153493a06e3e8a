"""The names of a source, learned before its formulas are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from derivations.activations import FUNCTIONS, ScalarFunction
from derivations.claims.compounds import Compound, spelled_out
from derivations.claims.elaborate import FUNCTION_LETTERS
from derivations.claims.source.data import Source
from derivations.claims.source.definitions import Named, is_definition, named, used_names
from derivations.claims.source.symbols import (
    Line,
    all_symbols,
    applied_names,
    bound_letters,
    is_sign,
    letters_as_times,
    mentions,
    name_of,
    symbol_name,
)
from derivations.claims.steps import Step
from derivations.claims.terms import (
    Entry,
)
from derivations.claims.vocabulary import Spelling, plain, spelling_of, unknown_parts
from derivations.errors import NotationError
from derivations.notation import syntax
from derivations.notation.names import canonical
from derivations.notation.parse import parse_expression
from derivations.notation.text import Declaration


class Learner:
    """Learns the names of a source from its lines and sentences.

    Parameters
    ----------
    source : Source
        Gets the vocabulary, the functions and the compound names.
    lines : sequence of Line
    declared : sequence of Declaration
    """

    def __init__(
        self, source: Source, lines: Sequence[Line], declared: Sequence[Declaration]
    ) -> None:
        self.source = source
        self._lines = lines
        self._declared = declared

    def learn(self) -> set[Line]:
        """Learn every name; return the lines that define a symbol, and do not compute."""
        self._find_running_letter()
        self._learn_functions()
        return self._learn_names()

    def _find_running_letter(self) -> None:
        """The letter that the left sides of forward equations carry, t if any does."""
        found: list[str] = []
        for line in self._lines:
            left = line.statement.sides[0]
            if isinstance(left, syntax.Scripted):
                for index in (*left.subscripts, *left.superscripts):
                    step = self.source.vocabulary.step_of(index)
                    if step is not None and step.lone is not None:
                        found.append(step.lone)
        lagged = [
            letter
            for letter in dict.fromkeys(found)
            if letter != "T"
            and any(mentions(line, letter, -1, self.source.vocabulary) for line in self._lines)
        ]
        if lagged and "t" not in found:
            self.source.vocabulary.running = lagged[0]

    def _learn_functions(self) -> None:
        source = self.source
        for declaration in self._declared:
            if declaration.kind in ("elementwise function", "function"):
                name = symbol_name(declaration.symbol)
                if declaration.kind == "function" and declaration.argument not in FUNCTIONS:
                    known = ", ".join(FUNCTIONS)
                    raise NotationError(
                        f"There is no function {declaration.argument!r}.",
                        declaration.place,
                        f"Known are {known}.",
                    )
                source.functions[name] = (
                    FUNCTIONS[declaration.argument]
                    if declaration.kind == "function"
                    else ScalarFunction(name, None)
                )
        for line in self._lines:
            for name in applied_names(line.statement):
                if name in FUNCTION_LETTERS:
                    source.functions.setdefault(name, ScalarFunction(name, None))
        source.vocabulary.functions |= source.functions.keys()

    def _learn_names(self) -> set[Line]:
        """Learn every name; return the lines that define, and do not compute."""
        for line in self._lines:
            for alias in self._alias(line):
                self.source.vocabulary.aliases.update(alias)
        definitions: set[Line] = set()
        given = set(self._given())
        used = {line: used_names(line, self.source.vocabulary) for line in self._lines}
        for line in self._lines:
            if is_definition(
                line,
                self._lines,
                definitions,
                given,
                used,
                self.source.vocabulary,
                self._is_late(line),
            ):
                definitions.add(line)
        for only_timed in (True, False):
            self._learn_sentences(only_timed)
            for line in self._lines:
                if line not in definitions:
                    self._learn_symbols(line.statement, line.place.text, only_timed)
        for line in self._lines:
            if line in definitions:
                self._learn_left(line)
        for line in self._lines:
            if line in definitions:
                self._learn_symbols(line.statement, line.place.text, True, only_known=True)
        return definitions

    def _is_late(self, line: Line) -> bool:
        """Equations first, then words about them, then what is defined beside them."""
        sentences = [declaration.place.start for declaration in self._declared]
        first = min((other.place.start for other in self._lines), default=0)
        return bool(sentences) and first < min(sentences) < line.place.start

    def _given(self) -> Iterator[Named]:
        for declaration in self._declared:
            if declaration.kind in ("input", "target", "parameter"):
                node = parse_expression(declaration.symbol, words=self.source.words)
                if isinstance(node, syntax.Name | syntax.Scripted):
                    yield named(node, self.source.vocabulary)

    def _learn_sentences(self, only_timed: bool) -> None:
        for declaration in self._declared:
            if declaration.kind in (
                "input",
                "target",
                "one-hot",
                "parameter",
                "scalar",
                "loss",
                "total loss",
                "depends",
                "shape",
            ):
                self._learn_symbol(declaration.symbol, declaration, only_timed)
                if declaration.kind == "depends":
                    self._learn_symbol(declaration.argument, declaration, only_timed)
            elif declaration.kind in ("spectral radius", "singular value", "bounds"):
                node = parse_expression(
                    declaration.symbol, declaration.place, words=self.source.words
                )
                if isinstance(node, syntax.Name | syntax.Scripted):
                    self._learn_node(node, declaration.symbol, only_timed)

    def _alias(self, line: Line) -> Iterator[dict[str, Step]]:
        """n_{seq} = T."""
        sides = line.statement.sides
        if len(sides) == 2 and isinstance(sides[1], syntax.Name) and sides[1].text == "T":
            left = sides[0]
            if isinstance(left, syntax.Name | syntax.Scripted):
                yield {name_of(left): Step.letter("T")}

    def _learn_symbols(
        self,
        statement: syntax.Statement,
        text: str,
        only_timed: bool = False,
        only_known: bool = False,
    ) -> None:
        bound = bound_letters(statement)
        for side in statement.sides:
            for symbol in all_symbols(side):
                if isinstance(symbol, syntax.Name) and symbol.text in bound:
                    continue
                self._learn_node(symbol, text, only_timed, bound, only_known)

    def _learn_symbol(self, text: str, declaration: Declaration, only_timed: bool) -> None:
        node = parse_expression(text, declaration.part(text), words=self.source.words)
        if isinstance(node, syntax.Name | syntax.Scripted):
            self._learn_node(node, declaration.place.text, only_timed)

    def _learn_node(
        self,
        node: syntax.Name | syntax.Scripted,
        text: str,
        only_timed: bool = False,
        bound: frozenset[str] = frozenset(),
        only_known: bool = False,
    ) -> None:
        vocabulary = self.source.vocabulary
        if isinstance(node, syntax.Scripted) and not isinstance(node.base, syntax.Name):
            return
        if self.source.elaborator().function_of(node) is not None or is_sign(node):
            return
        split = vocabulary.split(node)
        # In a forward equation b_y is a name of its own, unless a sum runs over y.
        if split.is_known and (only_known or all(e.names <= bound for e in split.entries)):
            return
        if isinstance(node, syntax.Name):
            if not only_timed and plain(node.text) != "T":
                vocabulary.learn(node.text, Spelling(node.text), is_timed=False)
            return
        free = replace(node, subscripts=tuple(i for i in node.subscripts if i.word not in bound))
        base, below, above, time, _, _ = unknown_parts(vocabulary, free)
        if only_timed and time is None:
            return
        name = canonical(base, below, above)
        vocabulary.learn(name, spelling_of(vocabulary, free, text), is_timed=time is not None)
        self._learn_spelled_out(node, name, is_timed=time is not None)

    def _learn_left(self, line: Line) -> None:
        """Learn the name that a definition introduces; a lone step on its left is its time."""
        left = line.statement.sides[0]
        vocabulary = self.source.vocabulary
        if isinstance(left, syntax.Chain):
            self._learn_compound(left, line)
            return
        if not isinstance(left, syntax.Name | syntax.Scripted):
            return
        if isinstance(left, syntax.Name):
            if plain(left.text) != "T" and left.text not in vocabulary.aliases:
                vocabulary.learn(left.text, Spelling(left.text), is_timed=False)
            return
        if not isinstance(left.base, syntax.Name) or vocabulary.split(left).is_known:
            return
        if self.source.elaborator().function_of(left.base) is not None and not (
            left.primes or left.subscripts
        ):
            return
        running = vocabulary.running
        times = letters_as_times(line.statement.sides[1:], vocabulary)
        vocabulary.running = next(
            (
                step.lone
                for index in (*left.subscripts, *left.superscripts)
                for step in [vocabulary.step_of(index)]
                if step is not None and step.lone is not None and step.lone in times
            ),
            running,
        )
        base, below, above, time, _, _ = unknown_parts(vocabulary, left)
        spelling = spelling_of(vocabulary, left, line.place.text)
        vocabulary.running = running
        if time is None and len(left.subscripts) == 1 and not left.superscripts:
            step = vocabulary.step_of(left.subscripts[0])
            if step is not None and (not step.letters or step == Step.letter("T")):
                time, below = step, []
                spelling = Spelling(base, ("\0",))
            elif self._is_entry(left, line):
                below = []
                spelling = Spelling(base)
        elif time is None and self._is_entry(left, line):
            below, spelling = [], Spelling(base)
        name = canonical(base, below, above)
        if plain(name) != "T" and name not in vocabulary.aliases:
            vocabulary.learn(name, spelling, is_timed=time is not None)
            self._learn_spelled_out(left, name, is_timed=time is not None)

    def _learn_spelled_out(self, node: syntax.Scripted, name: str, *, is_timed: bool) -> None:
        """The word dy of a plain line is d y in LaTeX."""
        spelled = spelled_out(node)
        if spelled is not None:
            compound = Compound(spelled, name, is_timed, self.source.vocabulary)
            self.source.compounds.append(compound)

    def _is_entry(self, left: syntax.Scripted, line: Line) -> bool:
        """w_{i,j} = W_{i,j}: the letters stand for positions on both sides."""
        vocabulary = self.source.vocabulary
        mine = {s.lone for i in left.subscripts for s in [vocabulary.step_of(i)] if s is not None}
        right = self.source.elaborator().term(line.statement.sides[1])
        entries = {
            letter
            for term in right.walk()
            if isinstance(term, Entry)
            for index in term.indices
            for letter in index.names
        }
        return bool(mine) and mine <= entries

    def _learn_compound(self, left: syntax.Chain, line: Line) -> None:
        parts = [part for part in left.parts if not isinstance(part, syntax.Operator)]
        if len(parts) != len(left.parts) or not all(
            isinstance(part, syntax.Name | syntax.Scripted | syntax.Number) for part in parts
        ):
            return
        vocabulary = self.source.vocabulary
        is_timed = any(
            isinstance(part, syntax.Scripted)
            and any(vocabulary.mentions_running(i) for i in (*part.subscripts, *part.superscripts))
            for part in parts
        )
        start, end = left.span
        written = line.place.text[start:end]
        name = "\\,".join([written])
        self.source.compounds.append(Compound(parts, name, is_timed, vocabulary))
        vocabulary.learn(name, Spelling(name), is_timed=is_timed)
        self.source.compounds.sort(key=lambda compound: -len(compound.parts))

    # Sentences
