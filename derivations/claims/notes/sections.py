"""The statements of notes sorted: what defines the network, what defines a symbol, what claims.

Notes may hold several networks one after the other. A forward equation for a symbol that has one
already, and that does not follow from the equations before it, starts a new section; the other
equations stay in force. Within a section every equation counts for every claim, for notes often say
behind a formula what its symbols are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from derivations.claims.notes.displays import Display
from derivations.claims.notes.items import EQUALITIES, Item, marked_as_latex
from derivations.claims.notes.left_sides import left_key, left_time
from derivations.claims.notes.naming import (
    Key,
    Names,
    compound,
    has_derivative,
    has_product_over_steps,
    is_derivative,
    is_symbol,
    symbols,
)
from derivations.claims.source.symbols import applied_names
from derivations.claims.steps import Step
from derivations.notation import syntax

Kind: TypeAlias = Literal["forward equation", "definition"]
#: Tells whether a statement follows from the equations of a section.
Follows: TypeAlias = "Callable[[Section, Display], bool]"

#: Letters for derivatives: an equation for one of these is never part of a network.
ADJOINT_LETTERS = frozenset({"\\delta", "\\Delta", "\\nabla"})


@dataclass(frozen=True)
class Line:
    """An equation that the notes state, for a model to be read from.

    Attributes
    ----------
    key : Key
        What it defines.
    kind : str
        Whether it is a forward equation or the definition of a symbol.
    text : str
        The equation, on one line.
    display : Display
        Where it stands.
    statement : syntax.Statement
        As it was read.
    uses : frozenset of Key
        What stands on its right side.
    """

    key: Key
    kind: Kind
    text: str
    display: Display
    statement: syntax.Statement
    uses: frozenset[Key]


@dataclass
class Section:
    """A stretch of notes that one network belongs to.

    Attributes
    ----------
    lines : dict of Key to Line
    claims : list of Item
    own : set of Key
        What the section itself defines; the rest is in force from earlier ones.
    start, end : int
        Where it starts in the document, and where the next section does.
    """

    lines: dict[Key, Line] = field(default_factory=dict)
    claims: list[Item] = field(default_factory=list)
    own: set[Key] = field(default_factory=set)
    start: int = 0
    end: int = 0

    @property
    def ordered(self) -> list[Line]:
        """The equations of the network, then the definitions."""
        return sorted(self.lines.values(), key=lambda line: line.kind != "forward equation")

    @property
    def statements(self) -> list[syntax.Statement]:
        """Everything that was read, equations first."""
        claims = (item.statement for item in self.claims)
        return [
            *(line.statement for line in self.lines.values()),
            *(statement for statement in claims if statement is not None),
        ]

    def computed(self) -> set[Key]:
        """Return what the equations of the network compute."""
        return {line.key for line in self.lines.values() if line.kind == "forward equation"}


def sort(items: Sequence[Item], names: Names, follows: Follows) -> list[Section]:
    """Sort the statements of notes into sections.

    Parameters
    ----------
    items : sequence of Item
    names : Names
        Of all these statements.
    follows : callable
        Tells whether a second equation for a symbol follows from a section's lines: then it is a
        claim, and no new network.
    """
    return _Sorter(items, names, follows).sections


class _Sorter:
    def __init__(self, items: Sequence[Item], names: Names, follows: Follows) -> None:
        self._names = names
        self._follows = follows
        self.sections = [Section()]
        self._derived = {
            key
            for item in items
            if item.statement is not None and is_derivative(item.statement.sides[1])
            for key in [left_key(self._names, item.statement)]
            if key is not None
        }
        self._stated = {
            key
            for item in items
            if item.statement is not None
            for key in [left_key(self._names, item.statement)]
            if key is not None
        }
        for item in items:
            self._place(item)
        self._section.end = len(items[-1].display.place.text) if items else 0

    @property
    def _section(self) -> Section:
        return self.sections[-1]

    def _place(self, item: Item) -> None:
        """Put a statement where it belongs."""
        statement = item.statement
        key = None if statement is None else left_key(self._names, statement)
        if statement is None or key is None or statement.relations[0] not in EQUALITIES:
            self._section.claims.append(item)
        elif self._updates(statement, key):
            reason = "This is an assignment, no equation: the new value stands on its left."
            self._section.claims.append(replace(item, reason=reason))
        elif self._is_boundary(statement):
            kind: Kind = "definition" if _is_zero(statement.sides[1]) else "forward equation"
            self._define(item, statement, self._boundary_key(statement, key), kind)
        elif any(has_derivative(side) for side in statement.sides[1:]):
            self._place_derivative(item, statement, key)
        else:
            self._place_equation(item, statement, key)

    def _place_derivative(self, item: Item, statement: syntax.Statement, key: Key) -> None:
        section = self._section
        is_new = key not in section.lines
        replaces = is_derivative(statement.sides[1]) and key not in section.own and not is_new
        if self._mentions_itself(statement, key) or not (is_new or replaces):
            section.claims.append(item)
            return
        self._define(item, statement, key, "definition")

    def _place_equation(self, item: Item, statement: syntax.Statement, key: Key) -> None:
        section = self._section
        is_adjoint = (
            key in self._derived or _base(key) in ADJOINT_LETTERS or _is_compound(statement)
        )
        time = left_time(self._names, statement)
        is_general = time is None or self._is_running(time)
        has_product = any(has_product_over_steps(side) for side in statement.sides[1:])
        earlier = section.lines.get(key)
        if not is_general or key in self._derived or self._mentions_itself(statement, key):
            section.claims.append(item)
        elif earlier is None:
            defines = is_adjoint or has_product or self._names_parts(statement, key)
            self._define(item, statement, key, "definition" if defines else "forward equation")
        elif _lists(statement.sides[1]):
            parts = Key(f"{key.name} by its entries", key.is_timed)
            self._define(item, statement, parts if key in section.own else key, "definition")
        elif packed(earlier.text) == packed(self._text(item, statement)):
            return
        elif (
            earlier.kind == "definition"
            or has_product
            or not self._is_another(statement, earlier)
            or self._follows(section, item.display)
        ):
            section.claims.append(item)
        else:
            self._start_section(item, earlier)
            self._define(item, statement, key, "forward equation")

    def _define(self, item: Item, statement: syntax.Statement, key: Key, kind: Kind) -> None:
        section = self._section
        text = self._text(item, statement)
        uses = frozenset(k for side in statement.sides[1:] for k in self._names.keys(side))
        section.lines[key] = Line(key, kind, text, item.display, statement, uses)
        section.own.add(key)
        if len(statement.sides) > 2 and not self._explains(statement):
            section.claims.append(item)

    def _is_another(self, statement: syntax.Statement, earlier: Line) -> bool:
        """Tell another network from a claim about this one: it has names or functions that this
        one has not; h_t = 0 has neither."""
        known = {k for line in self._section.lines.values() for k in (line.key, *line.uses)}
        names = {k for side in statement.sides[1:] for k in self._names.keys(side)}
        functions = set(applied_names(statement)) - set(applied_names(earlier.statement))
        return bool(names - known or functions)

    def _start_section(self, item: Item, earlier: Line) -> None:
        """Leave out the old equation, and definitions of what only it knew."""
        self._section.end = item.display.place.start
        lines = {key: line for key, line in self._section.lines.items() if line is not earlier}
        statement = item.statement
        assert statement is not None
        still = {k for side in statement.sides for k in self._names.keys(side)}
        for line in lines.values():
            if line.kind == "forward equation" and line.key.is_timed:
                still |= line.uses
        gone = earlier.uses - still
        kept = {
            key: line
            for key, line in lines.items()
            if not (line.uses & gone) or (line.kind == "forward equation" and key.is_timed)
        }
        self.sections.append(Section(kept, start=self._section.end))

    # What a statement says

    def _names_parts(self, statement: syntax.Statement, key: Key) -> bool:
        """Tell W = [W_{rec}, W_{in}] and θ = W: names for what the network has anyway."""
        right = statement.sides[1]
        other = self._names.key(right) if is_symbol(right) else key
        is_alias = not other.is_timed and _base(other) != _base(key)
        return not key.is_timed and (_lists(right) or is_alias)

    def _is_running(self, time: Step) -> bool:
        """Tell t, t + 1 and the like from the last step and from step 3."""
        return len(time.letters) == 1 and time.letters[0][0] != "T"

    def _is_boundary(self, statement: syntax.Statement) -> bool:
        """Tell values outside the network's steps: h_0 = 0, δ_{T+1} = 0, a_0 = W x_0."""
        time = left_time(self._names, statement)
        if time is None or self._is_running(time) or len(statement.sides) != 2:
            return False
        right = statement.sides[1]
        is_early = not time.letters and time.number <= 0
        return _is_zero(right) or (is_early and not has_derivative(right))

    def _boundary_key(self, statement: syntax.Statement, key: Key) -> Key:
        return Key(f"{key.name} at {left_time(self._names, statement)}", True)

    def _mentions_itself(self, statement: syntax.Statement, key: Key) -> bool:
        """Tell whether a definition would use its own symbol, at the same step or a later one."""
        time = left_time(self._names, statement)
        for symbol in symbols(self._defining_side(statement)):
            if self._names.key(symbol) != key:
                continue
            other = self._names.time(symbol)
            if time is None or other is None:
                return True
            difference = other.plus(time, -1)
            if difference.letters or difference.number >= 0:
                return True
        return False

    def _updates(self, statement: syntax.Statement, key: Key) -> bool:
        """Tell W = W − η ∂L/∂W, which says what a program does."""
        used = {k for line in self._section.lines.values() for k in line.uses}
        is_parameter = not key.is_timed and key not in self._section.lines and key in used
        sides = statement.sides
        return (
            is_parameter
            and len(sides) == 2
            and isinstance(sides[1], syntax.Sum)
            and has_derivative(sides[1])
            and self._mentions_itself(statement, key)
        )

    def _explains(self, statement: syntax.Statement) -> bool:
        """Tell whether a chain without derivatives says on its way what an unknown symbol is.

        In L = ∑ L_t = −∑ y_t log ŷ_t nothing else may say what L_t is: the last side counts.
        """
        between = {
            key for side in statement.sides[1:-1] for key in self._names.keys(side) if key.is_timed
        }
        last = self._names.keys(statement.sides[-1])
        return not any(has_derivative(side) for side in statement.sides[1:]) and any(
            key not in self._stated for key in between - last
        )

    def _defining_side(self, statement: syntax.Statement) -> syntax.Node:
        """Return what a chain defines its left side to be: its first link, or its last side."""
        is_chain = len(statement.sides) > 2
        return statement.sides[-1 if is_chain and self._explains(statement) else 1]

    def _text(self, item: Item, statement: syntax.Statement) -> str:
        """Return the equation that defines, on one line."""
        if len(statement.sides) == 2 and not statement.conditions:
            return marked_as_latex(item.display.shown)
        left_text, right_text = (
            stretch(item.display, side.span)
            for side in (statement.sides[0], self._defining_side(statement))
        )
        return marked_as_latex(f"{left_text} = {right_text}")


def _is_zero(node: syntax.Node) -> bool:
    """Tell 0 and a bold 0 from everything else."""
    if isinstance(node, syntax.Name):
        return re.fullmatch(r"\\\w+\{0\}", node.text) is not None
    return isinstance(node, syntax.Number) and not node.text.strip("0.")


def stretch(display: Display, span: syntax.Span) -> str:
    """Return a piece of a statement on one line."""
    start, end = (position - display.place.start for position in span)
    return " ".join(display.latex[start:end].split())


def _lists(node: syntax.Node) -> bool:
    """Tell whether a side puts something together of parts: [a, b]."""
    return isinstance(node, syntax.Matrix) or (
        isinstance(node, syntax.Bracket) and len(node.items) > 1
    )


def packed(text: str) -> str:
    """Return an equation without what makes no difference."""
    return re.sub(r"[\s{}]|\\[,;:! ]|\\left|\\right", "", text)


def _base(key: Key) -> str:
    return re.split(r"[_^]", key.name, maxsplit=1)[0]


def _is_compound(statement: syntax.Statement) -> bool:
    return compound(statement.sides[0]) is not None


__all__ = ["Line", "Section", "packed", "sort", "stretch"]
