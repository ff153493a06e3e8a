"""The steps from a text to a model."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sympy import Expr, Integer

from derivations.activations import FUNCTIONS, ScalarFunction
from derivations.algebra import parameters, quantities
from derivations.errors import BpttError, ModelError, NotationError, Place
from derivations.expressions import (
    Quantity,
    Unspecified,
    t,
)
from derivations.model import Definition, Model
from derivations.notation import syntax
from derivations.notation.build import agree, build_sides
from derivations.notation.names import Scope, at_time, meaning, temporal_name
from derivations.notation.parse import parse_expression, parse_statement, parse_symbol
from derivations.notation.picks import bare_symbols, size_of
from derivations.notation.text import Declaration, read_text
from derivations.reading.checks import (
    RESERVED_SIZES,
    ROLES,
    check_applications,
    check_declarations,
    check_layout,
    check_names,
    data_warnings,
    unreached,
)
from derivations.reading.forms import standard_forms
from derivations.reading.letters import Use, size_letters
from derivations.reading.loss import find_loss, total_definition
from derivations.reading.shapes import Equation, infer_shapes
from derivations.reading.timing import check_times
from derivations.reading.zeros import zero_states


def read_model(text: str) -> Model:
    """Return the model that a text of forward equations and declarations describes."""
    return _Reader(text).model()


@dataclass(frozen=True)
class _Parsed:
    """One equation of the text: its syntax, the name it defines, and whether that has a time."""

    statement: syntax.Statement
    name: str
    place: Place
    is_timed: bool


class _Reader:
    """Reads one text; each method is one step, in the order of `model`."""

    def __init__(self, text: str) -> None:
        self._text = read_text(text)
        self._statements = [
            (form, place)
            for place in self._text.equations
            for form in standard_forms(
                parse_statement(place.text[place.start : place.end], place),
                place,
                self._text.declarations,
            )
        ]
        self._labels = frozenset(
            name
            for declaration in self._declared("label")
            if (name := temporal_name(parse_symbol(declaration.symbol, declaration.place)))
        )

    def _symbols(self, statement: syntax.Statement, *, left: bool = True) -> list[syntax.Symbol]:
        return bare_symbols(statement, self._labels, left=left)

    def model(self) -> Model:
        temporal = self._temporal_names()
        functions = self._functions(temporal)
        check_layout(self._text.declarations)
        check_names(self._statements, temporal, functions, self._labels)
        check_applications(self._statements, temporal, functions, self._text.declarations)
        zeros = self._zeros(temporal)
        parsed = self._defined(temporal)
        dependent = self._dependent(temporal)
        total = self._total(parsed, temporal)
        names = [p.name for p in parsed]
        scope = Scope({}, temporal, frozenset(filter(None, [total])), functions, self._labels)
        shapes = self._shapes(parsed, dependent, scope)
        scope = replace(scope, shapes=shapes)
        definitions = self._definitions(parsed, dependent, scope)
        loss = find_loss(self._text, definitions, temporal)
        total = total or loss.name
        one = Integer(1)
        scope = replace(scope, shapes={**shapes, total: (one, one)}, timeless=frozenset({total}))
        written = next((p for p in parsed if not p.is_timed), None)
        sides = [] if written is None else build_sides(written.statement, scope, written.place)
        place = None if written is None else written.place
        complete = (*definitions, total_definition(self._text, loss, total, sides, place))
        check_times(self._statements, complete, frozenset(names) | frozenset(dependent))
        return self._assemble(complete, loss, scope, zeros)

    # Names

    def _temporal_names(self) -> frozenset[str]:
        found: set[str] = set()
        for statement, _ in self._statements:
            for node in self._symbols(statement):
                name = temporal_name(node)
                if name is not None:
                    found.add(name)
        for declaration in self._text.declarations:
            if declaration.kind != "function" and declaration.kind != "elementwise function":
                for text in (declaration.symbol, declaration.argument):
                    if declaration.kind == "depends" or text is declaration.symbol:
                        name = temporal_name(parse_symbol(text, declaration.part(text)))
                        if name is not None:
                            found.add(name)
        return frozenset(found)

    def _functions(self, temporal: frozenset[str]) -> dict[str, ScalarFunction]:
        functions: dict[str, ScalarFunction] = {}
        for declaration in self._text.declarations:
            if declaration.kind == "elementwise function":
                functions[declaration.name()] = ScalarFunction(declaration.symbol, None)
            elif declaration.kind == "function":
                if declaration.argument not in FUNCTIONS:
                    raise NotationError(
                        f"There is no function {declaration.argument!r}.",
                        declaration.place,
                        f"Known are {', '.join(FUNCTIONS)}.",
                    )
                functions[declaration.name()] = FUNCTIONS[declaration.argument]
        for statement, _ in self._statements:
            for name in _applied_names(statement):
                is_letter = name in ("\\sigma", "\\phi", "\\varphi", "f", "g")
                if is_letter and name not in functions and name not in temporal:
                    functions[name] = ScalarFunction(name, None)
        return functions

    def _zeros(self, temporal: frozenset[str]) -> dict[Quantity, Place]:
        """Return the values that are said to be zero beyond the steps, as in h_0 = 0."""
        zeros: dict[Quantity, Place] = {}
        for statement, place in self._statements:
            left = statement.sides[0]
            if not isinstance(left, syntax.Scripted) or len(statement.sides) != 2:
                continue
            found = meaning(left, temporal)
            if found.time is None or found.time.has(t):
                continue
            if not isinstance(statement.sides[1], syntax.Number) or found.power is not None:
                raise ModelError(
                    f"A first value is zero or given: {at_time(found.name, found.time)} is neither "
                    "in this equation.",
                    place,
                    "Leave the line out: then the value is an argument of the code.",
                )
            if statement.sides[1].text != "0":
                raise ModelError("A first value is zero, or given.", place)
            one = Integer(1)
            zeros[Quantity(found.name, one, one, found.time)] = place
        return zeros

    def _equations(self, temporal: frozenset[str]) -> Iterator[tuple[syntax.Statement, Place]]:
        """Yield the forward equations: all statements that say no first value."""
        first_values = set(self._zeros(temporal).values())
        return ((s, place) for s, place in self._statements if place not in first_values)

    def _defined(self, temporal: frozenset[str]) -> list[_Parsed]:
        parsed: list[_Parsed] = []
        for statement, place in self._equations(temporal):
            if len(statement.sides) != 2 or statement.relations != ("=",) or statement.conditions:
                raise ModelError(
                    "A forward equation has one sign of equality.",
                    place,
                    "Write one equation a line: h_t = …",
                )
            left = statement.sides[0]
            if not isinstance(left, syntax.Name | syntax.Scripted):
                raise ModelError(
                    "The left side of a forward equation is one symbol.",
                    place.part(*left.span),
                    "Write h_t = …",
                )
            found = meaning(left, temporal)
            if found.power is not None or found.transposed:
                raise ModelError(
                    "The left side is a bare symbol.",
                    place.part(*left.span),
                    "For a layer write h^{(1)}_t = …" if found.power is not None else None,
                )
            if found.time is not None and found.time != t:
                raise ModelError(
                    f"A forward equation defines {at_time(found.name, t)}.",
                    place.part(*left.span),
                    "Shift its steps so that the left side stands at t.",
                )
            is_timed = found.time is not None
            same = (p for p in parsed if (p.name, p.is_timed) == (found.name, is_timed))
            earlier = next(same, None)
            if earlier is not None:
                raise ModelError(
                    f"{at_time(found.name, t) if found.time else found.name} is defined twice.",
                    place.part(*left.span),
                    f"The first definition is here:\n{earlier.place.show()}",
                )
            parsed.append(_Parsed(statement, found.name, place, found.time is not None))
        return parsed

    def _dependent(self, temporal: frozenset[str]) -> dict[str, tuple[list[str], Declaration]]:
        """Return the unspecified functions: what each depends on."""
        dependent: dict[str, tuple[list[str], Declaration]] = {}
        for declaration in self._text.declarations:
            if declaration.kind == "depends":
                name = declaration.name(temporal)
                on = meaning(parse_symbol(declaration.argument), temporal).name
                dependent.setdefault(name, ([], declaration))[0].append(on)
        return dependent

    def _total(self, parsed: list[_Parsed], temporal: frozenset[str]) -> str:
        """Return the name of the total loss; empty where the text gives it none."""
        for declaration in self._declared("total loss"):
            return declaration.name()
        for p in parsed:
            names = [meaning(n, temporal) for n in self._symbols(p.statement, left=False)]
            if not p.is_timed and not any(found.time is not None for found in names):
                raise ModelError(
                    f"{p.name} is defined without a time, and it is no loss.",
                    p.place,
                    "What carries no t is trained. Write a constant as a number, where it stands.",
                )
        timeless_names = [p.name for p in parsed if not p.is_timed]
        if len(timeless_names) > 1:
            raise ModelError("Only the total loss is defined without a time.", parsed[-1].place)
        return timeless_names[0] if timeless_names else ""

    # Shapes and expressions

    def _shapes(
        self,
        parsed: list[_Parsed],
        dependent: Mapping[str, tuple[list[str], Declaration]],
        scope: Scope,
    ) -> dict[str, tuple[Expr, Expr]]:
        declared: dict[str, tuple[tuple[Expr, Expr], Place]] = {}
        one = Integer(1)
        for name, (_, declaration) in dependent.items():
            declared[name] = ((one, one), declaration.place)
        for declaration in self._declared("shape", "scalar", "label"):
            shape = _declared_shape(declaration) if declaration.kind == "shape" else (one, one)
            declared[declaration.name(scope.temporal)] = (shape, declaration.place)
        equations = [Equation(p.name, p.statement.sides[1], p.place) for p in parsed if p.is_timed]
        uses = self._uses(parsed, scope.temporal)
        letters = size_letters(
            uses,
            defined=[p.name for p in parsed],
            targets=[d.name(scope.temporal) for d in self._declared("target", "one-hot")],
            judged=[name for on, _ in dependent.values() for name in on],
        )
        used = {use.name for use in uses}
        ends = [p.name for p in parsed if p.is_timed and p.name not in used]
        given = scope.temporal - {p.name for p in parsed}
        return infer_shapes(equations, scope, declared, letters, (ends, given))

    def _uses(self, parsed: list[_Parsed], temporal: frozenset[str]) -> list[Use]:
        return [
            Use(p.name, found.name, found.time)
            for p in parsed
            for node in self._symbols(p.statement, left=False)
            for found in [meaning(node, temporal)]
            if p.is_timed and found.time is not None
        ]

    def _declared(self, *kinds: str) -> list[Declaration]:
        return [d for d in self._text.declarations if d.kind in kinds]

    def _definitions(
        self,
        parsed: list[_Parsed],
        dependent: Mapping[str, tuple[list[str], Declaration]],
        scope: Scope,
    ) -> list[Definition]:
        definitions = []
        for p in parsed:
            if not p.is_timed:
                continue
            left, right = build_sides(p.statement, scope, p.place)
            try:
                agree([left, right])
            except BpttError as error:
                error.place = error.place or p.place
                raise
            assert isinstance(left, Quantity)
            definitions.append(Definition(left, right, p.place))
        for name, (on, declaration) in dependent.items():
            if name in {p.name for p in parsed if p.is_timed}:
                raise ModelError(
                    f"{at_time(name, t)} is defined by an equation and declared to be unspecified.",
                    declaration.place,
                )
            for argument in on:
                if argument not in scope.shapes:
                    raise ModelError(
                        f"{at_time(argument, t)} is not defined.",
                        declaration.place,
                        "Give the equation that computes it.",
                    )
            arguments = [Quantity(argument, *scope.shapes[argument], t) for argument in on]
            quantity = Quantity(name, 1, 1, t)
            definitions.append(
                Definition(quantity, Unspecified(name, *arguments), declaration.place)
            )
        return definitions

    # The model

    def _assemble(
        self,
        definitions: tuple[Definition, ...],
        loss: Quantity,
        scope: Scope,
        zeros: Mapping[Quantity, Place],
    ) -> Model:
        defined = {d.quantity.name for d in definitions}
        used = [q for d in definitions[:-1] for q in quantities(d.expression)]
        data = dict.fromkeys(q.name for q in used if q.name not in defined)
        lagged = dict.fromkeys(q.name for q in used if q.time != t)
        trained = dict.fromkeys(p for d in definitions for p in parameters(d.expression))
        one_hot = frozenset(d.name(scope.temporal) for d in self._declared("one-hot"))
        trained_names = [parameter.name for parameter in trained]
        declarations, temporal = self._text.declarations, scope.temporal
        check_declarations(declarations, data, defined, trained_names, temporal)
        declared = {d.name(temporal) for d in declarations if d.kind in ROLES}
        return Model(
            title=self._text.title or "A recurrent network",
            definitions=definitions,
            parameters=tuple(trained),
            data=tuple(Quantity(name, *scope.shapes[name], t) for name in data),
            states=tuple(Quantity(name, *scope.shapes[name], t) for name in lagged),
            loss=loss,
            total=definitions[-1].quantity,
            targets=frozenset(
                d.name(scope.temporal) for d in self._declared("target", "one-hot", "label")
            ),
            one_hot=one_hot,
            scope=scope,
            zeros=zero_states(zeros, definitions, lagged),
            warnings=(
                *data_warnings(definitions, data, declared),
                *unreached(definitions, loss.name),
            ),
            text=self._text.text,
        )


def _applied_names(statement: syntax.Statement) -> list[str]:
    """Return the names that stand directly before a bracket."""
    found: list[str] = []
    for node in (node for side in statement.sides for node in syntax.walk(side)):
        if isinstance(node, syntax.Chain):
            bases = [p.base if isinstance(p, syntax.Scripted) else p for p in node.parts]
            for base, behind in itertools.pairwise(bases):
                if isinstance(base, syntax.Name) and isinstance(behind, syntax.Bracket):
                    found.append(base.text)
    return found


def _declared_shape(declaration: Declaration) -> tuple[Expr, Expr]:
    found = re.match(r"\{([^{}]*)\}|(\w+)", declaration.argument)
    words = "" if found is None else found[1] or found[2]
    axes = re.split(r"\\times|×", words)
    try:
        sizes = [size_of(parse_expression(axis)) for axis in axes]
    except BpttError:
        sizes = []
    names = {str(symbol) for size in sizes for symbol in size.free_symbols}
    is_named = all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) for name in names)
    is_large = any(size.is_Integer and not 1 <= size < 10**6 for size in sizes)
    if not 1 <= len(sizes) <= 2 or not is_named or RESERVED_SIZES & names or is_large:
        raise NotationError(
            "This shape cannot be read.",
            declaration.place,
            "Write x_t ∈ R^m or W ∈ R^{n \\times m}.",
        )
    return (sizes[0], Integer(1)) if len(sizes) == 1 else (sizes[0], sizes[1])
