"""Syntax to meaning: how a formula's pieces hang together, over whatever its values are.

The same walk serves twice: over shapes, to infer them (`shapes.py`), and over SymPy expressions
(`build.py`). What a value is, and what may be done with one, is the `Algebra`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from sympy import Expr, Integer, Rational

from derivations.errors import BpttError, NotationError, Place
from derivations.notation import syntax
from derivations.notation.names import (
    IDENTITY,
    ONES,
    UNITS,
    WHOLE_FUNCTIONS,
    Scope,
    meaning,
    time_of,
    time_symbol,
)
from derivations.notation.picks import Range, label_of, ranges_of, shape_in, size_in
from derivations.notation.syntax import Span

Value = TypeVar("Value")

#: A range with a larger number in it is refused: it would be summed step by step.
LARGEST_STEP = 1000

#: The signs of what is done entry by entry.
ELEMENTWISE = ("\\odot", "\\circ", "\\oslash")


class Algebra(Protocol[Value]):
    """What can be done with the values of a formula."""

    def number(self, value: Expr) -> Value: ...
    def ones(self) -> Value: ...
    def identity(self, size: Expr | None) -> Value: ...
    def zero(self, rows: Expr, columns: Expr) -> Value: ...
    def unit(self, label: Value) -> Value: ...
    def symbol(self, name: str, time: Expr | None) -> Value: ...
    def add(self, terms: Sequence[tuple[int, Value]]) -> Value: ...
    def multiply(self, factors: Sequence[Value]) -> Value: ...
    def hadamard(self, factors: Sequence[tuple[Value, bool]]) -> Value: ...
    def divide(self, above: Value, below: Value) -> Value: ...
    def power(self, base: Value, exponent: Expr) -> Value: ...
    def transpose(self, value: Value) -> Value: ...
    def apply(self, function: str, order: int, argument: Value) -> Value: ...
    def softmax(self, argument: Value) -> Value: ...
    def diag(self, argument: Value) -> Value: ...
    def vec(self, argument: Value) -> Value: ...
    def maximum(self, first: Value, second: Value) -> Value: ...
    def squared_norm(self, argument: Value) -> Value: ...
    def entry(self, vector: Value, label: Value) -> Value: ...
    def part(self, matrix: Value, rows: Range | None, columns: Range | None) -> Value: ...
    def stack(self, pieces: Sequence[Value]) -> Value: ...
    def blocks(self, rows: Sequence[Sequence[Value]]) -> Value: ...
    def kronecker(self, left: Value, right: Value) -> Value: ...
    def partial(self, of: Value, by: Value, immediate: bool) -> Value: ...
    def series(self, kind: str, body: Value, index: Expr, lower: Expr, upper: Expr) -> Value: ...


class Interpreter(Generic[Value]):
    """Walks a formula and hands its pieces to an algebra.

    Parameters
    ----------
    algebra : Algebra
        Makes the values.
    scope : Scope
        What the names mean.
    place : Place
        The text that the formula's spans point into.
    """

    def __init__(self, algebra: Algebra[Value], scope: Scope, place: Place) -> None:
        self._algebra = algebra
        self._scope = scope
        self._place = place

    def value(self, node: syntax.Node) -> Value:
        """Return the value of a piece of a formula.

        Raises
        ------
        BpttError
            With the place of the piece that has no meaning.
        """
        try:
            return self._value(node)
        except BpttError as error:
            if error.place is None:
                error.place = self._at(node.span)
            raise

    def _at(self, span: Span) -> Place:
        return Place(self._place.text, *span, self._place.first_line)

    def _refuse(self, message: str, span: Span, hint: str | None = None) -> NotationError:
        return NotationError(message, self._at(span), hint)

    def _value(self, node: syntax.Node) -> Value:
        match node:
            case syntax.Number():
                return self._algebra.number(Rational(node.text))
            case syntax.Name():
                return self._symbol(node)
            case syntax.Scripted():
                return self._scripted(node)
            case syntax.Bracket():
                return self._bracket(node)
            case syntax.Norm():
                raise self._refuse("A norm is read only when it is squared: ‖u‖².", node.span)
            case syntax.Fraction():
                return self._fraction(node)
            case syntax.Sum():
                return self._algebra.add([(sign, self.value(term)) for sign, term in node.terms])
            case syntax.Chain():
                return self._chain(node.parts, node.span)
            case syntax.Series():
                raise self._refuse("Nothing follows this sum or product.", node.span)
            case syntax.Matrix():
                rows = [[self.value(entry) for entry in row] for row in node.rows]
                return self._algebra.blocks(rows)
            case _:
                raise self._refuse("This cannot be read in a formula of a network.", node.span)

    def _symbol(self, node: syntax.Name | syntax.Scripted) -> Value:
        if isinstance(node, syntax.Scripted) and node.primes:
            raise self._refuse("A prime has a meaning only behind a function's name.", node.span)
        name = self._function_name(node)
        if name is not None:
            raise self._refuse(f"The function {name} needs an argument.", node.span)
        picked = self._picked(node)
        if picked is not None:
            return picked
        base = node.base if isinstance(node, syntax.Scripted) else node
        if isinstance(base, syntax.Name) and base.text == IDENTITY:
            return self._identity(node)
        found = meaning(node, self._scope.temporal)
        if found.name == ONES:
            value = self._algebra.ones()
        else:
            value = self._algebra.symbol(found.name, found.time)
        if found.power is not None:
            value = self._algebra.power(value, found.power)
        return self._algebra.transpose(value) if found.transposed else value

    def _identity(self, node: syntax.Name | syntax.Scripted) -> Value:
        """Read the identity, with its size as an index where it has one."""
        if isinstance(node, syntax.Name):
            return self._algebra.identity(None)
        size = size_in(node.subscripts)
        return self._raised(self._algebra.identity(size), node)

    def _picked(self, node: syntax.Name | syntax.Scripted) -> Value | None:
        """Return the entry, the unit vector, or the rows and columns that a subscript picks."""
        if isinstance(node, syntax.Name):
            return None
        ranges, label = ranges_of(node), label_of(node, self._scope)
        if not ranges and label is None:
            return None
        kept = tuple(
            index
            for index in node.subscripts
            if index is not label and not isinstance(index.body, syntax.Slice)
        )
        base = replace(node, subscripts=kept, superscripts=())
        if label is not None:
            picked = self._value(label.symbol) if label.symbol is not None else None
            assert picked is not None
            is_unit = isinstance(node.base, syntax.Name) and node.base.text in UNITS and not kept
            value = (
                self._algebra.unit(picked)
                if is_unit
                else self._algebra.entry(self._bare(base), picked)
            )
        else:
            rows, columns = (ranges[0], None) if len(ranges) == 1 else ranges
            value = self._algebra.part(self._bare(base), rows, columns)
        return self._raised(value, node)

    def _bare(self, node: syntax.Scripted) -> Value:
        return self.value(node if node.subscripts else node.base)

    def _scripted(self, node: syntax.Scripted) -> Value:
        if isinstance(node.base, syntax.Name):
            return self._symbol(node)
        if isinstance(node.base, syntax.Norm):
            if [index.word for index in node.superscripts] != ["2"]:
                return self.value(node.base)
            return self._algebra.squared_norm(self.value(node.base.body))
        if isinstance(node.base, syntax.Number) and node.subscripts:
            return self._zero(node)
        picked = self._picked(node)
        return picked if picked is not None else self._with_scripts(self.value(node.base), node)

    def _zero(self, node: syntax.Scripted) -> Value:
        """Read 0_{n \\times m}."""
        shape = shape_in(node.subscripts)
        if shape is None or node.base != syntax.Number("0", node.base.span) or node.superscripts:
            raise self._refuse("A number takes no index.", node.span)
        return self._algebra.zero(*shape)

    def _with_scripts(self, value: Value, node: syntax.Scripted) -> Value:
        """Apply the superscripts behind a bracket to the bracket's value."""
        if node.subscripts or node.primes:
            raise self._refuse("A bracket takes only powers and transposes.", node.span)
        return self._raised(value, node)

    def _raised(self, value: Value, node: syntax.Scripted) -> Value:
        stand_in = syntax.Scripted(
            syntax.Name("bracket", node.span), (), node.superscripts, 0, node.span
        )
        found = meaning(stand_in, frozenset())
        if found.name != "bracket":
            raise self._refuse("This superscript has no meaning behind a bracket.", node.span)
        if found.power is not None:
            value = self._algebra.power(value, found.power)
        return self._algebra.transpose(value) if found.transposed else value

    def _bracket(self, node: syntax.Bracket) -> Value:
        if len(node.items) == 1:
            return self.value(node.items[0])
        if not node.square:
            raise self._refuse(
                "A list in round brackets has no meaning here.", node.span, "Write [h_{t-1}; x_t]."
            )
        return self._algebra.stack([self.value(item) for item in node.items])

    # Fractions: numbers, elementwise quotients and derivatives

    def _fraction(self, node: syntax.Fraction) -> Value:
        above, below = _differential(node.numerator), _differential(node.denominator)
        if above is None and below is None:
            return self._algebra.divide(self.value(node.numerator), self.value(node.denominator))
        if above is None or below is None:
            raise self._refuse("A derivative needs a ∂ above and below.", node.span)
        if below.immediate or not above.parts or not below.parts:
            raise self._refuse("This derivative cannot be read.", node.span)
        of = self._chain(above.parts, node.numerator.span)
        by = self._chain(below.parts, node.denominator.span)
        return self._algebra.partial(of, by, above.immediate)

    # Chains: functions take their arguments, ∑ and ∏ the rest, then ⊙ and ⊘, then the products

    def _chain(self, parts: Sequence[syntax.Node | syntax.Operator], span: Span) -> Value:
        for position, part in enumerate(parts):
            if isinstance(part, syntax.Operator) and part.text == "\\otimes":
                before, behind = parts[:position], parts[position + 1 :]
                if not before or not behind:
                    raise self._refuse("A factor is missing beside this sign.", part.span)
                return self._algebra.kronecker(self._chain(before, span), self._chain(behind, span))
        segments: list[tuple[list[Value], bool]] = [([], False)]
        position, sign = 0, ""
        after_sign = True
        while position < len(parts):
            part = parts[position]
            if isinstance(part, syntax.Operator):
                if part.text not in ("\\cdot", "/", *ELEMENTWISE):
                    raise self._refuse(
                        f"The sign {part.text} cannot be read here.",
                        part.span,
                        "Write ⊙ for the elementwise product; the matrix product has no sign.",
                    )
                if after_sign:
                    raise self._refuse("A factor is missing before this sign.", part.span)
                sign, after_sign = part.text, True
                if sign in ELEMENTWISE:
                    segments.append(([], sign == "\\oslash"))
                position += 1
                continue
            value, used = self._factor(part, parts, position)
            factors = segments[-1][0]
            # A slash divides what stands before it in the product by the next factor alone.
            segments[-1][0][:] = (
                [self._algebra.divide(self._product(factors), value)]
                if sign == "/"
                else [*factors, value]
            )
            position, sign, after_sign = position + used, "", False
        if after_sign:
            raise self._refuse("A factor is missing after this sign.", parts[-1].span)
        values = [(self._product(factors), inverted) for factors, inverted in segments]
        return values[0][0] if len(values) == 1 else self._algebra.hadamard(values)

    def _product(self, factors: Sequence[Value]) -> Value:
        return factors[0] if len(factors) == 1 else self._algebra.multiply(factors)

    def _factor(
        self,
        part: syntax.Node,
        parts: Sequence[syntax.Node | syntax.Operator],
        position: int,
    ) -> tuple[Value, int]:
        """Return the value of the next factor, and how many parts it takes."""
        if isinstance(part, syntax.Series):
            rest = parts[position + 1 :]
            return self._series(part, rest), 1 + len(rest)
        if self._function_name(part) is not None:
            return self._application(part, parts, position)
        return self.value(part), 1

    def _series(self, node: syntax.Series, rest: Sequence[syntax.Node | syntax.Operator]) -> Value:
        if not rest:
            raise self._refuse("Nothing follows this sum or product.", node.span)
        if node.relations != ("=",) or node.upper is None or node.bounds[0].word is None:
            raise self._refuse("A range is written as _{t=1}^{T}.", node.span)
        lower, upper = time_of(node.bounds[1]), time_of(node.upper)
        if lower is None or upper is None or len(node.bounds[0].word) != 1:
            raise self._refuse("A range runs over steps, such as _{t=1}^{T}.", node.span)
        if any(bound.is_Integer and abs(bound) > LARGEST_STEP for bound in (lower, upper)):
            raise self._refuse(f"Steps are counted up to {LARGEST_STEP} here.", node.span)
        body = self._chain(rest, (rest[0].span[0], rest[-1].span[1]))
        index = time_symbol(node.bounds[0].word)
        return self._algebra.series(node.kind, body, index, lower, upper)

    def _function_name(self, part: syntax.Node | syntax.Operator) -> str | None:
        base = part.base if isinstance(part, syntax.Scripted) else part
        if not isinstance(base, syntax.Name):
            return None
        is_known = base.text in WHOLE_FUNCTIONS or self._scope.function(base.text) is not None
        return base.text if is_known and base.text not in self._scope.shapes else None

    def _application(
        self,
        function: syntax.Node,
        parts: Sequence[syntax.Node | syntax.Operator],
        position: int,
    ) -> tuple[Value, int]:
        """Return the value of a function, and how many parts it takes: log σ(x) takes three."""
        name = self._function_name(function)
        assert name is not None
        argument = parts[position + 1] if position + 1 < len(parts) else None
        if argument is None or isinstance(argument, syntax.Operator | syntax.Series):
            raise self._refuse(f"The function {name} needs an argument.", function.span)
        if name != "\\max" and self._function_name(argument) is not None:
            inner, used = self._application(argument, parts, position + 1)
            return self._apply(name, function, inner), 1 + used
        return self._applied(name, function, argument), 2

    def _applied(self, name: str, function: syntax.Node, argument: syntax.Node) -> Value:
        if name == "\\max":
            return self._maximum(argument)
        if isinstance(argument, syntax.Scripted) and isinstance(argument.base, syntax.Bracket):
            # What stands above the bracket, as in σ(a)², is applied to the function's value; what
            # is picked below it, as in log [p]_y, before.
            inner = replace(argument, superscripts=()) if argument.subscripts else argument.base
            value = self._apply(name, function, self.value(inner))
            return self._with_scripts(value, replace(argument, subscripts=()))
        return self._apply(name, function, self.value(argument))

    def _maximum(self, argument: syntax.Node) -> Value:
        """Read max(u, v); max(0, u) is relu(u)."""
        bracket = argument.base if isinstance(argument, syntax.Scripted) else argument
        if not isinstance(bracket, syntax.Bracket) or len(bracket.items) != 2:
            raise self._refuse("max takes two arguments.", argument.span, "Write \\max(0, a_t).")
        first, second = bracket.items
        if second == syntax.Number("0", second.span):
            first, second = second, first
        value = (
            self._algebra.apply("\\relu", 0, self.value(second))
            if first == syntax.Number("0", first.span)
            else self._algebra.maximum(self.value(first), self.value(second))
        )
        if isinstance(argument, syntax.Scripted):
            return self._with_scripts(value, argument)
        return value

    def _apply(self, name: str, function: syntax.Node, argument: Value) -> Value:
        order, exponent = 0, None
        if isinstance(function, syntax.Scripted):
            found = meaning(function, frozenset())
            if found.name != name or found.transposed:
                raise self._refuse(f"The scripts of {name} cannot be read.", function.span)
            order, exponent = function.primes, found.power
        whole = {
            "\\softmax": self._algebra.softmax,
            "\\diag": self._algebra.diag,
            "\\operatorname{vec}": self._algebra.vec,
        }.get(name)
        if whole is not None:
            if order:
                raise self._refuse(f"{name} takes no prime.", function.span)
            value = whole(argument)
        else:
            value = self._algebra.apply(name, order, argument)
        return value if exponent is None else self._algebra.power(value, Integer(exponent))


class _Differential:
    """What stands behind a ∂ in a fraction."""

    def __init__(self, parts: tuple[syntax.Node | syntax.Operator, ...], immediate: bool) -> None:
        self.parts = parts
        self.immediate = immediate


def _differential(node: syntax.Node) -> _Differential | None:
    parts = node.parts if isinstance(node, syntax.Chain) else (node,)
    first = parts[0]
    base = first.base if isinstance(first, syntax.Scripted) else first
    if not isinstance(base, syntax.Name) or base.text != "\\partial":
        return None
    above = first.superscripts if isinstance(first, syntax.Scripted) else ()
    return _Differential(parts[1:], [index.word for index in above] == ["+"])
