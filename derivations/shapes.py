"""Shapes of the forward equations, inferred by unification."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sympy import Expr, Integer, Symbol

from derivations.errors import NotationError, Place, ShapeError
from derivations.notation import syntax
from derivations.notation.interpret import Interpreter
from derivations.notation.names import Scope, identifier, parts


@dataclass(frozen=True)
class Dimensions:
    """Rows and columns as unknowns of the unifier."""

    rows: int
    columns: int


@dataclass(frozen=True)
class Bare:
    """A number, which takes any shape."""


Value = Dimensions | Bare


class Unifier:
    """Unknown sizes, and which of them are one.

    Sizes are integers that index `_parent`; a class of equal sizes may have a value.
    """

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._value: dict[int, Expr] = {}
        self._origin: dict[int, Place | None] = {}
        self.place: Place | None = None
        self.one = self.known(Integer(1))

    def unknown(self) -> int:
        """Return a new unknown size."""
        self._parent.append(len(self._parent))
        return self._parent[-1]

    def known(self, value: Expr) -> int:
        """Return a size of a known value."""
        size = self.unknown()
        self._value[size] = value
        self._origin[size] = self.place
        return size

    def root(self, size: int) -> int:
        """Return the representative of a size's class."""
        while self._parent[size] != size:
            self._parent[size] = self._parent[self._parent[size]]
            size = self._parent[size]
        return size

    def values(self) -> list[Expr]:
        """Return every value that a size has."""
        return list(self._value.values())

    def value(self, size: int) -> Expr | None:
        """Return the value of a size, if it has one."""
        return self._value.get(self.root(size))

    def equate(self, left: int, right: int, message: str) -> None:
        """Make two sizes one.

        Raises
        ------
        ShapeError
            When both have values and these differ; the message shows both equations.
        """
        first, second = self.root(left), self.root(right)
        if first == second:
            return
        values = self._value.get(first), self._value.get(second)
        if values[0] is not None and values[1] is not None and values[0] != values[1]:
            raise ShapeError(
                f"{message}: {values[0]} and {values[1]} differ.", None, self._fixed(first, second)
            )
        if values[0] is None:
            first, second = second, first
        self._parent[second] = first
        self._origin.setdefault(first, self.place)

    def _fixed(self, first: int, second: int) -> str | None:
        origins = [self._origin.get(root) for root in (first, second)]
        other = next((p for p in origins if p is not None and p != self.place), None)
        return None if other is None else f"The other size comes from here:\n{other.show()}"


class ShapeAlgebra:
    """The algebra of shapes: every rule equates what must agree."""

    def __init__(self, unifier: Unifier) -> None:
        self._unifier = unifier
        self.symbols: dict[str, Dimensions] = {}

    def number(self, value: Expr) -> Value:
        return Bare()

    def shapeless(self, name: str) -> Value:
        size = self._unifier.unknown()
        columns = self._unifier.one if name == "\\mathbf{1}" else size
        return Dimensions(size, columns)

    def symbol(self, name: str, time: Expr | None) -> Value:
        return self.dimensions(name)

    def dimensions(self, name: str) -> Dimensions:
        """Return the shape of a symbol; lower-case letters are columns."""
        if name not in self.symbols:
            columns = self._unifier.one if is_lower_case(name) else self._unifier.unknown()
            self.symbols[name] = Dimensions(self._unifier.unknown(), columns)
        return self.symbols[name]

    def add(self, terms: Sequence[tuple[int, Value]]) -> Value:
        return self._same([value for _, value in terms], "A sum needs equal shapes")

    def hadamard(self, factors: Sequence[tuple[Value, bool]]) -> Value:
        return self._same([value for value, _ in factors], "⊙ needs equal shapes")

    def divide(self, above: Value, below: Value) -> Value:
        return self._same([above, below], "An elementwise quotient needs equal shapes")

    def _same(self, values: Sequence[Value], message: str) -> Value:
        shaped = [value for value in values if isinstance(value, Dimensions)]
        for other in shaped[1:]:
            self.equate(shaped[0], other, message)
        return shaped[0] if shaped else Bare()

    def equate(self, left: Dimensions, right: Dimensions, message: str) -> None:
        """Make two shapes one."""
        self._unifier.equate(left.rows, right.rows, message)
        self._unifier.equate(left.columns, right.columns, message)

    def multiply(self, factors: Sequence[Value]) -> Value:
        shaped = [value for value in factors if isinstance(value, Dimensions)]
        if not shaped:
            return Bare()
        for left, right in itertools.pairwise(shaped):
            if self._unifier.value(left.columns) == 1 and self._unifier.value(right.rows) is None:
                raise ShapeError(
                    "Two columns cannot be multiplied.",
                    hint="Write ⊙ for the elementwise product, or ^\\top behind one of them.",
                )
            self._unifier.equate(left.columns, right.rows, "A product needs columns = rows")
        return Dimensions(shaped[0].rows, shaped[-1].columns)

    def power(self, base: Value, exponent: Expr) -> Value:
        return base

    def transpose(self, value: Value) -> Value:
        return Dimensions(value.columns, value.rows) if isinstance(value, Dimensions) else value

    def apply(self, function: str, order: int, argument: Value) -> Value:
        return argument

    def softmax(self, argument: Value) -> Value:
        return argument

    def diag(self, argument: Value) -> Value:
        shape = self._shaped(argument)
        return Dimensions(shape.rows, shape.rows)

    def squared_norm(self, argument: Value) -> Value:
        self._shaped(argument)
        return Dimensions(self._unifier.one, self._unifier.one)

    def partial(self, of: Value, by: Value, immediate: bool) -> Value:
        raise NotationError("A forward equation contains no derivative.")

    def series(self, kind: str, body: Value, index: Expr, lower: Expr, upper: Expr) -> Value:
        raise NotationError(
            "A forward equation sums over steps only in the total loss.",
            hint="Write the sum as a state: s_t = s_{t-1} + …",
        )

    def _shaped(self, value: Value) -> Dimensions:
        if not isinstance(value, Dimensions):
            raise ShapeError("A vector was expected here, not a number.")
        return value


@dataclass(frozen=True)
class Equation:
    """A forward equation as far as shapes see it: the defined name, and the right side."""

    name: str
    right: syntax.Node
    place: Place


def infer_shapes(
    equations: Sequence[Equation],
    scope: Scope,
    declared: Mapping[str, tuple[tuple[Expr, Expr], Place]],
    letters: Mapping[str, str],
) -> dict[str, tuple[Expr, Expr]]:
    """Infer the shape of every symbol of a model.

    Parameters
    ----------
    equations : sequence of Equation
        What is defined, and by what.
    scope : Scope
        Which names carry time, and which are functions.
    declared : mapping of name to (shape, place)
        Shapes that the user gave.
    letters : mapping of name to letter
        What a size is called when it is free, such as n for a state; in order of precedence.

    Raises
    ------
    ShapeError
        When two sizes cannot agree; the message shows both equations.
    """
    unifier = Unifier()
    algebra = ShapeAlgebra(unifier)
    for name, (shape, place) in declared.items():
        unifier.place = place
        algebra.symbols[name] = Dimensions(unifier.known(shape[0]), unifier.known(shape[1]))
    for equation in equations:
        unifier.place = equation.place
        right = Interpreter(algebra, scope, equation.place).value(equation.right)
        if isinstance(right, Dimensions):
            try:
                algebra.equate(algebra.dimensions(equation.name), right, "The two sides disagree")
            except ShapeError as error:
                error.place = error.place or equation.place
                raise
    for name, dimensions in algebra.symbols.items():
        is_free = unifier.value(dimensions.columns) is None
        if is_free and (name in scope.temporal or name in scope.timeless):
            unifier.equate(dimensions.columns, unifier.one, "A vector has one column")
    return _named(algebra.symbols, unifier, letters)


def _named(
    symbols: Mapping[str, Dimensions], unifier: Unifier, letters: Mapping[str, str]
) -> dict[str, tuple[Expr, Expr]]:
    names: dict[int, Expr] = {}
    # A size is a variable of the emitted code, as every symbol is: no two share a name.
    taken = {str(value) for value in unifier.values()} | set(map(identifier, symbols))

    def size(unknown: int, letter: str) -> Expr:
        value = unifier.value(unknown)
        root = unifier.root(unknown)
        if value is None and root not in names:
            fresh = letter
            number = 1
            while fresh in taken:
                number += 1
                fresh = f"{letter}_{number}"
            taken.add(fresh)
            names[root] = size_symbol(fresh)
        return value if value is not None else names[root]

    for name, letter in letters.items():
        if name in symbols:
            size(symbols[name].rows, letter)
    return {
        name: (size(shape.rows, "p"), size(shape.columns, "r")) for name, shape in symbols.items()
    }


def size_symbol(letter: str) -> Symbol:
    """Return the symbol of a size."""
    return Symbol(letter, integer=True, positive=True)


def is_lower_case(name: str) -> bool:
    """Tell whether a name's letter is lower case, which makes it a column vector.

    Examples
    --------
    >>> is_lower_case("\\\\hat{y}"), is_lower_case("W_{rec}"), is_lower_case("\\\\alpha")
    (True, False, True)
    """
    base = parts(name)[0]
    while base.startswith("\\") and "{" in base:
        base = base[base.index("{") + 1 : -1]
    return base.removeprefix("\\")[:1].islower()
