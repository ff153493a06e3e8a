"""A text to a source: names first, for they decide what the scripts mean; then terms."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from derivations.claims.matching import rewritten
from derivations.claims.source.data import Forward, Rewrite, Source
from derivations.claims.source.names import Learner
from derivations.claims.source.symbols import Line, name_of
from derivations.claims.steps import Step
from derivations.claims.terms import (
    Block,
    Call,
    Entry,
    Labelled,
    Number,
    Power,
    Symbol,
    Term,
    timed_key,
)
from derivations.claims.vocabulary import SLOT, Spelling, plain
from derivations.errors import ModelError, NotationError, Place
from derivations.notation import syntax
from derivations.notation.parse import parse_expression, parse_statement
from derivations.notation.text import Declaration, read_text

#: Signs whose meaning a declaration may change.
SIGNS = {
    "\\cdot": "\\cdot",
    "*": "*",
    "\\circ": "\\circ",
    "\\otimes": "\\otimes",
    "\\times": "\\times",
    "\\odot": "\\odot",
    "·": "\\cdot",
    "∘": "\\circ",
    "⊗": "\\otimes",
    "\\ast": "*",
    "∗": "*",
}


def read_source(text: str) -> Source:
    """Return what a text of forward equations and declarations says.

    Raises
    ------
    BpttError
        For a line that cannot be read, with its place.
    """
    return _Reader(text).source


class _Reader:
    """Reads one text: names first, for they decide what the scripts mean; then terms."""

    def __init__(self, text: str) -> None:
        self.source = Source(text)
        taken = read_text(text)
        self._declared = taken.declarations
        self._lines = [
            Line(parse_statement(p.text[p.start : p.end], p, words=self.source.words), p)
            for p in taken.equations
        ]
        definitions = Learner(self.source, self._lines, self._declared).learn()
        self._read_sentences()
        for line in self._lines:
            self._read_equation(line, line in definitions)
        self._read_late_sentences()
        self._name_the_loss()
        self._rewrite_definitions()

    def _name_the_loss(self) -> None:
        """A total loss of which nothing else is said is the sum of the losses of the steps: of the
        unspecified one, or of one by its own name."""
        source = self.source
        total = source.total
        is_computed = any(f.key == total for f in source.forward) or total in source.definitions
        if total is None or is_computed or total in source.unspecified or source.loss is not None:
            return
        unspecified = [key for key in source.unspecified if key.endswith("@")]
        if timed_key(total) not in unspecified and len(unspecified) == 1:
            source.loss = unspecified[0]
            return
        source.loss = timed_key(total)
        source.vocabulary.learn(total, Spelling(total, (SLOT,)), is_timed=True)

    def _rewrite_definitions(self) -> None:
        for name, found in self.source.definitions.items():
            self.source.definitions[name] = [
                replace(f, right=rewritten(f.right, self.source)) for f in found
            ]

    def _read_sentences(self) -> None:
        source = self.source
        for declaration in self._declared:
            match declaration.kind:
                case "one-hot":
                    source.one_hot.add(self._name(declaration))
                case "scalar":
                    source.scalars.add(self._name(declaration))
                case "input" | "target" | "parameter":
                    source.given.add(self._name(declaration))
                case "rows":
                    source.rows = True
                case "last step":
                    source.is_last_only = True
                case "loss":
                    # l(o_t, y_t) is a function of its arguments, and needs no other meaning.
                    if not isinstance(self._term(declaration.symbol, declaration), Call):
                        source.loss = self._name(declaration)
                case "total loss":
                    source.total = self._name(declaration)
                case "elementwise operator" | "matrix product" | "outer product":
                    sign = SIGNS.get(declaration.symbol.strip())
                    if sign is None:
                        source.product_names.add(plain(declaration.symbol))
                    else:
                        source.signs[sign] = declaration.kind
                case "norm":
                    source.norms[""] = declaration.kind
                case "shape":
                    source.shapes[self._name(declaration)] = declaration.argument

    def _name(self, declaration: Declaration) -> str:
        term = self._term(declaration.symbol, declaration)
        while isinstance(term, Entry | Power | Labelled):
            term = term.children[0]
        if not isinstance(term, Symbol):
            raise NotationError("A symbol was expected here.", declaration.place)
        return term.key

    def _term(self, text: str, declaration: Declaration) -> Term:
        place = declaration.part(text)
        node = parse_expression(text, place, words=self.source.words)
        return self.source.elaborator(place).term(node)

    def _read_late_sentences(self) -> None:
        source = self.source
        for declaration in self._declared:
            match declaration.kind:
                case "depends":
                    name = self._name(declaration)
                    if any(f.key == name for f in source.forward):
                        continue
                    argument = self._term(declaration.argument, declaration)
                    source.unspecified.setdefault(name, []).append(argument)
                case "immediate":
                    left = self._term(declaration.symbol, declaration)
                    source.rewrites.append(Rewrite(left, None))
                case "spectral radius" | "singular value":
                    name = self._name(declaration)
                    argument = self._term(declaration.argument, declaration)
                    source.extremes[name] = (declaration.kind, argument)
                    source.scalars.add(name)
                case "bounds":
                    bound = self._term(declaration.symbol, declaration)
                    argument = self._term(declaration.argument, declaration)
                    source.bounds.append((bound, argument))
                    if isinstance(bound, Symbol):
                        source.scalars.add(bound.key)

    # Equations

    def _read_equation(self, line: Line, is_definition: bool) -> None:
        source = self.source
        sides = line.statement.sides
        if set(line.statement.relations) != {"="}:
            raise ModelError("A line of the source is an equation.", line.place)
        elaborator = source.elaborator(line.place)
        left_node = sides[0]
        if isinstance(left_node, syntax.Name) and left_node.text in source.vocabulary.aliases:
            return
        if (
            isinstance(left_node, syntax.Scripted)
            and name_of(left_node) in source.vocabulary.aliases
        ):
            return
        left, right = elaborator.term(left_node), elaborator.term(sides[-1])
        if len(sides) > 2:
            right = elaborator.term(sides[1])
        if left == right:
            return  # two spellings of one name
        if isinstance(left, Symbol) and right == Number(Fraction(0)):
            source.zeros.append(left)
        elif not isinstance(left, Symbol):
            source.rewrites.append(Rewrite(left, right))
        elif is_definition and not self._is_entries_of(left, right):
            if left.key in {f.key for f in source.forward} | source.given:
                if left != right:
                    source.rewrites.append(Rewrite(left, right))
                return
            source.definitions.setdefault(left.key, []).append(
                Forward(left.name, left.time, right, line.place)
            )
        elif not is_definition:
            self._add_forward(Forward(left.name, left.time, right, line.place))

    def _is_entries_of(self, left: Symbol, right: Term) -> bool:
        """x = [x_1; x_2] where x is known already: the entries get names, and x a size."""
        source = self.source
        computed = {f.key for f in source.forward} | source.given
        if not isinstance(right, Block) or left.key not in computed:
            return False
        for row, items in enumerate(right.rows):
            for column, item in enumerate(items):
                if isinstance(item, Symbol) and item.key not in computed:
                    entry = Entry(left, (Step((), row + 1), Step((), column + 1)))
                    source.definitions[item.key] = [
                        Forward(item.name, item.time, entry, Place("", 0, 0))
                    ]
        source.shapes[left.key] = f"{len(right.rows)} × {len(right.rows[0])}"
        return True

    def _add_forward(self, forward: Forward) -> None:
        for other in self.source.forward:
            if (other.name, other.time) == (forward.name, forward.time):
                raise ModelError(
                    f"{forward.name} is defined twice.",
                    forward.place,
                    f"The first definition is here:\n{other.place.show()}",
                )
        self.source.forward.append(forward)


_NOWHERE = Place("", 0, 0)
