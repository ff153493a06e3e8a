"""A text of forward equations to a `Model`: names, roles, shapes, expressions, checks."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sympy import Expr, Integer

from derivations.activations import FUNCTIONS, ScalarFunction
from derivations.algebra import parameters, quantities
from derivations.checks import (
    RESERVED_SIZES,
    ROLES,
    check_declarations,
    check_names,
    check_times,
    data_warnings,
)
from derivations.errors import BpttError, ModelError, NotationError, Place
from derivations.expressions import (
    Quantity,
    T,
    TimeSum,
    Unspecified,
    is_scalar,
    t,
    timeless,
)
from derivations.model import Definition, Model
from derivations.notation import syntax
from derivations.notation.build import agree, build_sides
from derivations.notation.latex import latex
from derivations.notation.names import Scope, at_time, meaning, temporal_name
from derivations.notation.parse import parse_statement, parse_symbol
from derivations.notation.text import Declaration, read_text
from derivations.shapes import Equation, infer_shapes, size_symbol


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
            (parse_statement(place.text[place.start : place.end], place), place)
            for place in self._text.equations
        ]

    def model(self) -> Model:
        declarations = self._text.declarations
        temporal = self._temporal_names()
        functions = self._functions()
        check_names(self._statements, temporal, functions)
        parsed = self._defined(temporal)
        dependent = self._dependent(temporal)
        total = self._total(parsed, temporal, dependent)
        names = [p.name for p in parsed]
        scope = Scope({}, temporal, frozenset({total}), functions)
        shapes = self._shapes(parsed, dependent, scope)
        scope = replace(scope, shapes=shapes)
        definitions = self._definitions(parsed, dependent, scope)
        loss = self._loss(definitions, declarations, temporal)
        scope = replace(scope, shapes={**shapes, total: (Integer(1), Integer(1))})
        complete = (*definitions, self._total_definition(parsed, loss, total, scope))
        check_times(self._statements, complete, frozenset(names) | frozenset(dependent))
        return self._assemble(complete, loss, scope)

    # Names

    def _temporal_names(self) -> frozenset[str]:
        found: set[str] = set()
        for statement, _ in self._statements:
            for node in syntax.statement_symbols(statement):
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

    def _functions(self) -> dict[str, ScalarFunction]:
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
                if name in ("\\sigma", "\\phi", "\\varphi", "f", "g") and name not in functions:
                    functions[name] = ScalarFunction(name, None)
        return functions

    def _defined(self, temporal: frozenset[str]) -> list[_Parsed]:
        parsed: list[_Parsed] = []
        for statement, place in self._statements:
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
                raise ModelError("The left side is a bare symbol.", place.part(*left.span))
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

    def _total(
        self,
        parsed: list[_Parsed],
        temporal: frozenset[str],
        dependent: Mapping[str, tuple[list[str], Declaration]],
    ) -> str:
        """Return the name of the total loss: declared, defined by a sum, or E for E_t."""
        for declaration in self._text.declarations:
            if declaration.kind == "total loss":
                return declaration.name()
        timeless_names = [p.name for p in parsed if not p.is_timed]
        if len(timeless_names) > 1:
            raise ModelError("Only the total loss is defined without a time.", parsed[-1].place)
        if timeless_names:
            return timeless_names[0]
        for declaration in self._text.declarations:
            if declaration.kind == "loss":
                return declaration.name(temporal)
        used = {
            meaning(node, temporal).name
            for p in parsed
            for node in syntax.statement_symbols(p.statement, left=False)
        } | {on for names, _ in dependent.values() for on in names}
        last = [name for name in (*(p.name for p in parsed), *dependent) if name not in used]
        return last[-1] if last else ""

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
        for declaration in self._text.declarations:
            if declaration.kind == "shape":
                name = declaration.name(scope.temporal)
                declared[name] = (_declared_shape(declaration), declaration.place)
        equations = [Equation(p.name, p.statement.sides[1], p.place) for p in parsed if p.is_timed]
        return infer_shapes(equations, scope, declared, self._letters(parsed, scope))

    def _letters(self, parsed: list[_Parsed], scope: Scope) -> dict[str, str]:
        """Return what sizes are called: n for states, m for inputs, q for what is read out."""
        lagged = [
            found.name
            for p in parsed
            for node in syntax.statement_symbols(p.statement, left=False)
            for found in [meaning(node, scope.temporal)]
            if found.time is not None and found.time != t
        ]
        defined = [p.name for p in parsed]
        targets = [d.name(scope.temporal) for d in self._declared("target", "one-hot")]
        given = [
            found.name
            for p in parsed
            for node in syntax.statement_symbols(p.statement, left=False)
            for found in [meaning(node, scope.temporal)]
            if found.time is not None and found.name not in defined
        ]
        inputs = [name for name in given if name not in targets]
        letters = dict.fromkeys(lagged, "n")
        outputs = [name for name in (*targets, *defined) if name not in letters]
        # What is compared with the output has the output's size, so outputs name theirs first.
        return {
            **letters,
            **dict.fromkeys(outputs, "q"),
            **dict.fromkeys([name for name in inputs if name not in letters], "m"),
        }

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

    def _loss(
        self,
        definitions: Sequence[Definition],
        declarations: Sequence[Declaration],
        temporal: frozenset[str],
    ) -> Quantity:
        declared = [d for d in declarations if d.kind == "loss"]
        if declared:
            name = declared[0].name(temporal)
            found = next((d.quantity for d in definitions if d.quantity.name == name), None)
            if found is None:
                raise ModelError(f"The loss {at_time(name, t)} is not defined.", declared[0].place)
            return found
        used = {q.name for d in definitions for q in quantities(d.expression)}
        candidates = [
            d for d in definitions if is_scalar(d.quantity) and d.quantity.name not in used
        ]
        if len(candidates) == 1:
            return candidates[0].quantity
        place = self._text.equations[-1] if self._text.equations else None
        if not candidates:
            unused = [d for d in definitions if d.quantity.name not in used]
            if unused and unused[-1].place is not None and not is_scalar(unused[-1].quantity):
                place = unused[-1].place
            raise ModelError(
                "There is no loss.",
                place,
                "Add the scalar equation E_t = …, or the line: E_t depends on \\hat{y}_t",
            )
        names = ", ".join(at_time(d.quantity.name, t) for d in candidates)
        raise ModelError(
            f"Which of {names} is the loss?", place, "Add the line: E_t is the loss of step t"
        )

    def _total_definition(
        self, parsed: Sequence[_Parsed], loss: Quantity, total: str, scope: Scope
    ) -> Definition:
        quantity = Quantity(total, 1, 1, timeless)
        expected = TimeSum(loss, t, 1, T)
        written = next((p for p in parsed if not p.is_timed), None)
        if written is None:
            return Definition(quantity, expected)
        if build_sides(written.statement, scope, written.place) != [quantity, expected]:
            raise ModelError(
                "The total loss is the sum of the losses of all steps.",
                written.place,
                f"Write {total} = {latex(expected)}, or leave the line out.",
            )
        return Definition(quantity, expected, written.place)

    # The model

    def _assemble(self, definitions: tuple[Definition, ...], loss: Quantity, scope: Scope) -> Model:
        defined = {d.quantity.name for d in definitions}
        used = [q for d in definitions for q in quantities(d.expression)]
        data = dict.fromkeys(q.name for q in used if q.name not in defined)
        lagged = dict.fromkeys(q.name for q in used if q.time == t - 1)
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
            targets=one_hot | frozenset(d.name(scope.temporal) for d in self._declared("target")),
            one_hot=one_hot,
            scope=scope,
            warnings=data_warnings(definitions, data, declared),
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
    text = declaration.argument.split("}")[0].strip("{ ").split()
    words = " ".join(text[:1] if "{" not in declaration.argument else text)
    pieces = [p for p in words.replace("\\times", " ").replace("×", " ").split() if p]
    is_size = [re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*|[1-9][0-9]{0,5}", p) for p in pieces]
    if not 1 <= len(pieces) <= 2 or not all(is_size) or RESERVED_SIZES & set(pieces):
        raise NotationError(
            "This shape cannot be read.",
            declaration.place,
            "Write x_t ∈ R^m or W ∈ R^{n \\times m}.",
        )
    sizes = [Integer(int(p)) if p.isdigit() else size_symbol(p) for p in pieces]
    return (sizes[0], Integer(1)) if len(sizes) == 1 else (sizes[0], sizes[1])
