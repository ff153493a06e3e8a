"""Shapes of the forward equations, inferred by unification."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sympy import Expr

from derivations.errors import NotationError, Place, ShapeError
from derivations.expressions import t
from derivations.notation import syntax
from derivations.notation.interpret import Interpreter
from derivations.notation.names import Scope, at_time, identifier, parts
from derivations.notation.picks import Range, size_symbol
from derivations.notation.signs import GREEK_WORDS
from derivations.reading.letters import FreshLetters
from derivations.reading.unify import Unifier


@dataclass(frozen=True)
class Dimensions:
    """Rows and columns as unknowns of the unifier, and the symbol, if it is one, that has them."""

    rows: int
    columns: int
    symbol: str | None = None


@dataclass(frozen=True)
class Bare:
    """A number, which takes any shape."""


Value = Dimensions | Bare


@dataclass(frozen=True)
class _Product:
    """A product of which it is still to be told which factors are scalars."""

    factors: tuple[Dimensions, ...]
    result: Dimensions
    place: Place | None


class _UndecidedError(Exception):
    """A column stands before something else: a scalar, or a mistake."""

    def __init__(self, factor: Dimensions) -> None:
        super().__init__()
        self.factor = factor


class ShapeAlgebra:
    """The algebra of shapes: every rule equates what must agree."""

    def __init__(self, unifier: Unifier, temporal: frozenset[str]) -> None:
        self._unifier = unifier
        self._temporal = temporal
        self._undecided: list[_Product] = []
        self.symbols: dict[str, Dimensions] = {}

    def number(self, value: Expr) -> Value:
        return Bare()

    def ones(self) -> Value:
        return self._column()

    def unit(self, label: Value) -> Value:
        return self._column()

    def _column(self) -> Dimensions:
        return Dimensions(self._unifier.unknown(), self._unifier.one)

    def identity(self, size: Expr | None) -> Value:
        side = self._unifier.unknown() if size is None else self._unifier.known(size)
        return Dimensions(side, side)

    def zero(self, rows: Expr, columns: Expr) -> Value:
        return Dimensions(self._unifier.known(rows), self._unifier.known(columns))

    def symbol(self, name: str, time: Expr | None) -> Value:
        return self.dimensions(name)

    def dimensions(self, name: str) -> Dimensions:
        """Return the shape of a symbol; lower-case letters are columns."""
        if name not in self.symbols:
            columns = self._unifier.one if is_lower_case(name) else self._unifier.unknown()
            self.symbols[name] = Dimensions(self._unifier.unknown(), columns, name)
        return self.symbols[name]

    def add(self, terms: Sequence[tuple[int, Value]]) -> Value:
        return self._same([value for _, value in terms], "A sum needs equal shapes")

    def hadamard(self, factors: Sequence[tuple[Value, bool]]) -> Value:
        return self._same([value for value, _ in factors], "⊙ needs equal shapes")

    def divide(self, above: Value, below: Value) -> Value:
        if isinstance(above, Dimensions) and isinstance(below, Dimensions) and self._scales(below):
            return above
        return self._same([above, below], "An elementwise quotient needs equal shapes")

    def maximum(self, first: Value, second: Value) -> Value:
        return self._same([first, second], "max needs equal shapes")

    def _same(self, values: Sequence[Value], message: str) -> Value:
        shaped = [value for value in values if isinstance(value, Dimensions)]
        for other in shaped[1:]:
            self.equate(shaped[0], other, message)
        return Dimensions(shaped[0].rows, shaped[0].columns) if shaped else Bare()

    def equate(self, left: Dimensions, right: Dimensions, message: str) -> None:
        """Make two shapes one."""
        self._unifier.equate(left.rows, right.rows, message)
        self._unifier.equate(left.columns, right.columns, message)

    # Products

    def multiply(self, factors: Sequence[Value]) -> Value:
        shaped = [value for value in factors if isinstance(value, Dimensions)]
        if not shaped:
            return Bare()
        try:
            return self._product(shaped)
        except _UndecidedError:
            result = Dimensions(self._unifier.unknown(), shaped[-1].columns)
            self._undecided.append(_Product(tuple(shaped), result, self._unifier.place))
            return result

    def _product(self, factors: Sequence[Dimensions]) -> Dimensions:
        """Return the shape of a product; scalars fit everywhere.

        Raises
        ------
        _UndecidedError
            When a column stands before something that it does not fit, and may be a scalar.
        """
        kept = [factor for factor in factors if not self._scales(factor)] or list(factors[:1])
        chain = kept[:1]
        for factor in kept[1:]:
            last = chain[-1]
            is_end = self._unifier.is_one(last.columns) and not self._unifier.is_one(factor.rows)
            if is_end and self._unifier.is_one(chain[0].rows):
                chain = []  # uᵀ v w: the inner product scales what follows
            elif is_end:
                raise _UndecidedError(chain[0])
            else:
                self._unifier.equate(last.columns, factor.rows, "A product needs columns = rows")
            chain.append(factor)
        return Dimensions(chain[0].rows, chain[-1].columns)

    def _scales(self, factor: Dimensions) -> bool:
        return self._unifier.is_one(factor.rows) and self._unifier.is_one(factor.columns)

    def decide(self) -> None:
        """Tell in every product which factors are scalars, now that all equations were seen.

        Raises
        ------
        ShapeError
            When two columns are multiplied and none of them can be a scalar.
        """
        while self._undecided:
            waiting, self._undecided = self._undecided, []
            for product in waiting:
                self._settle(product)
            if len(self._undecided) == len(waiting):
                self._take_a_scalar(waiting)

    def _settle(self, product: _Product) -> None:
        self._unifier.place = product.place
        try:
            self.equate(product.result, self._product(product.factors), "A product")
        except _UndecidedError:
            self._undecided.append(product)

    def _take_a_scalar(self, waiting: Sequence[_Product]) -> None:
        """Take a Greek parameter before a vector for a scalar, as a reader does."""
        for product in waiting:
            self._unifier.place = product.place
            try:
                self._product(product.factors)
            except _UndecidedError as undecided:
                name = undecided.factor.symbol
                free = self._unifier.value(undecided.factor.rows) is None
                if name is not None and free and self._is_greek_parameter(name):
                    message = "A scalar has one row"
                    self._unifier.equate(undecided.factor.rows, self._unifier.one, message)
                    return
        names = [factor.symbol for factor in waiting[0].factors if factor.symbol is not None]
        shown = [at_time(name, t) if name in self._temporal else name for name in names]
        which = f": {', '.join(shown)}" if len(shown) > 1 else ""
        raise ShapeError(
            f"Two columns cannot be multiplied{which}.",
            waiting[0].place,
            "Write ⊙ for the elementwise product, ^\\top behind one of them, or, where one is a "
            f"number, add the line: {[*shown, 'g_t'][0]} is a scalar",
        )

    def _is_greek_parameter(self, name: str) -> bool:
        base = parts(name)[0].removeprefix("\\")
        return name not in self._temporal and base in GREEK_WORDS

    # The rest

    def power(self, base: Value, exponent: Expr) -> Value:
        if isinstance(base, Dimensions) and self._is_weight(base) and not self._scales(base):
            raise ShapeError(
                "The power of a weight matrix may mean two things.",
                hint="Write W W for the matrix product, W ⊙ W for the power of every entry; or say "
                "that W is a scalar. A number in brackets is part of a name: W^{(1)}",
            )
        return base

    def transpose(self, value: Value) -> Value:
        return Dimensions(value.columns, value.rows) if isinstance(value, Dimensions) else value

    def apply(self, function: str, order: int, argument: Value) -> Value:
        return self._plain(argument)

    def softmax(self, argument: Value) -> Value:
        return self._plain(argument)

    def diag(self, argument: Value) -> Value:
        shape = self._shaped(argument)
        self._unifier.equate(shape.columns, self._unifier.one, "diag needs a column")
        return Dimensions(shape.rows, shape.rows)

    def squared_norm(self, argument: Value) -> Value:
        self._shaped(argument)
        return Dimensions(self._unifier.one, self._unifier.one)

    def entry(self, vector: Value, label: Value) -> Value:
        column = self._shaped(vector)
        self._unifier.equate(column.columns, self._unifier.one, "A label picks from a column")
        return Dimensions(self._unifier.one, self._unifier.one)

    def stack(self, pieces: Sequence[Value]) -> Value:
        one = Dimensions(self._unifier.one, self._unifier.one)
        shaped = [piece if isinstance(piece, Dimensions) else one for piece in pieces]
        for piece in shaped:
            if self._is_weight(piece):
                raise ShapeError(
                    "Weights cannot be concatenated.",
                    hint="Concatenate the vectors, W [h_{t-1}; x_t], or write W h_{t-1} + U x_t.",
                )
            self._unifier.equate(
                piece.columns, self._unifier.one, "A concatenation joins columns below each other"
            )
        return Dimensions(self._unifier.total([piece.rows for piece in shaped]), self._unifier.one)

    def blocks(self, rows: Sequence[Sequence[Value]]) -> Value:
        if any(len(row) != 1 for row in rows):
            raise NotationError(
                "A matrix of blocks has no meaning in a forward equation.",
                hint="Write [h_{t-1}; x_t] for vectors below each other.",
            )
        return self.stack([row[0] for row in rows])

    def vec(self, argument: Value) -> Value:
        raise NotationError("A forward equation does not flatten a matrix.")

    def kronecker(self, left: Value, right: Value) -> Value:
        raise NotationError(
            "⊗ has no meaning in a forward equation.",
            hint="Write v_t k_t^\\top for the outer product, and ⊙ for the elementwise one.",
        )

    def part(self, matrix: Value, rows: Range | None, columns: Range | None) -> Value:
        raise NotationError(
            "A forward equation takes no rows or columns out of a matrix.",
            hint="Give each piece a name and an equation of its own.",
        )

    def partial(self, of: Value, by: Value, immediate: bool) -> Value:
        raise NotationError("A forward equation contains no derivative.")

    def series(self, kind: str, body: Value, index: Expr, lower: Expr, upper: Expr) -> Value:
        raise NotationError(
            "A forward equation sums over steps only in the total loss.",
            hint="Write the sum as a state: s_t = s_{t-1} + …",
        )

    def _is_weight(self, shape: Dimensions) -> bool:
        name = shape.symbol
        return name is not None and name not in self._temporal and not is_lower_case(name)

    def _plain(self, value: Value) -> Value:
        return Dimensions(value.rows, value.columns) if isinstance(value, Dimensions) else value

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
    ends: tuple[Collection[str], Collection[str]] = ((), ()),
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
    ends : pair of collections of names
        What nothing else uses, and what is data: a loss y_t log p_t makes y_t a scalar.

    Raises
    ------
    ShapeError
        When two sizes cannot agree; the message shows both equations.
    """
    unifier = Unifier()
    algebra = ShapeAlgebra(unifier, scope.temporal)
    for name, (shape, place) in declared.items():
        unifier.place = place
        rows, columns = unifier.known(shape[0]), unifier.known(shape[1])
        algebra.symbols[name] = Dimensions(rows, columns, name)
    for equation in equations:
        unifier.place = equation.place
        right = Interpreter(algebra, scope, equation.place).value(equation.right)
        if isinstance(right, Dimensions):
            algebra.equate(algebra.dimensions(equation.name), right, "The two sides disagree")
    unifier.solve_sums()
    algebra.decide()
    unifier.solve_sums()
    lengths = {unifier.root(dimensions.rows) for dimensions in algebra.symbols.values()}
    for name, dimensions in algebra.symbols.items():
        # Columns that are as many as some rows are not one by default: S_t = v_t k_tᵀ is a matrix.
        is_free = unifier.value(dimensions.columns) is None
        is_free &= unifier.root(dimensions.columns) not in lengths
        if is_free and (name in scope.temporal or name in scope.timeless):
            unifier.equate(dimensions.columns, unifier.one, "A vector has one column")
    unifier.solve_sums()
    _make_losses_scalars(algebra.symbols, unifier, *ends)
    return _named(algebra.symbols, unifier, letters)


def _make_losses_scalars(
    symbols: Mapping[str, Dimensions],
    unifier: Unifier,
    ends: Collection[str],
    data: Collection[str],
) -> None:
    """Give one row to what nothing uses, where only data has its free number of rows."""
    for name in ends:
        if name not in symbols:
            continue  # a number alone
        rows = unifier.root(symbols[name].rows)
        sharing = {
            other
            for other, shape in symbols.items()
            if rows in (unifier.root(shape.rows), unifier.root(shape.columns))
        }
        if unifier.value(rows) is None and sharing <= {name, *data} and sharing & set(data):
            unifier.equate(rows, unifier.one, "A loss is a scalar")


def _named(
    symbols: Mapping[str, Dimensions], unifier: Unifier, letters: Mapping[str, str]
) -> dict[str, tuple[Expr, Expr]]:
    names: dict[int, Expr] = {}
    # A size is a variable of the emitted code, as every symbol is: no two share a name.
    taken = {str(value) for value in unifier.values()} | set(map(identifier, symbols))
    fresh = FreshLetters(taken)

    def size(unknown: int, letter: str) -> Expr:
        value = unifier.value(unknown)
        root = unifier.root(unknown)
        if value is None and root not in names:
            names[root] = size_symbol(fresh.next(letter))
        return value if value is not None else names[root]

    for name, letter in letters.items():
        if name in symbols and not unifier.is_sum(symbols[name].rows):
            size(symbols[name].rows, letter)
    unifier.name_sums(lambda part: size(part, "p"))
    return {
        name: (size(shape.rows, "p"), size(shape.columns, "r")) for name, shape in symbols.items()
    }


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
