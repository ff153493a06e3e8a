"""What a text of forward equations must keep to: its names, its times, its declarations."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

from derivations.activations import ScalarFunction
from derivations.algebra import parameters, quantities, subexpressions
from derivations.errors import ModelError, NotationError, Place
from derivations.expressions import MatAdd, Quantity, is_scalar, t
from derivations.model import Definition
from derivations.notation import syntax
from derivations.notation.build import SHAPELESS
from derivations.notation.names import Scope, at_time, identifier, meaning
from derivations.notation.text import Declaration

#: Names that emitted modules keep for themselves.
RESERVED = frozenset(
    {"np", "params", "data", "tape", "dtype", "t", "PARAMS", "DATA", "CONSTRAINTS", "Arrays"}
    | {"times", "outer", "softmax", "log_softmax", "sigmoid", "softplus", "normal_cdf"}
    | {"forward", "backward", "value_and_grad"}
)
#: Sizes that have a fixed meaning: the number of steps and of sequences in a batch.
RESERVED_SIZES = frozenset({"T", "B"})

#: Equations with their places.
Statements: TypeAlias = Sequence[tuple[syntax.Statement, Place]]
#: Declarations that give a symbol a role.
ROLES = ("input", "target", "one-hot", "parameter", "shape")


def check_names(
    statements: Statements, temporal: frozenset[str], functions: Mapping[str, ScalarFunction]
) -> None:
    """Refuse names that emitted code could not carry, and two names that it would mix up.

    Raises
    ------
    BpttError
        With the place of the name.
    """
    codes: dict[str, str] = {}
    scope = Scope({}, temporal, frozenset(), functions)
    for statement, place in statements:
        for node in syntax.statement_symbols(statement):
            name = meaning(node, temporal).name
            if name in ("\\softmax", "\\diag", *SHAPELESS) or scope.function(name):
                continue
            where = place.part(*node.span)
            try:
                code = identifier(name)
            except NotationError as error:
                error.place, error.hint = where, error.hint or "Choose another name."
                raise
            if code in RESERVED | RESERVED_SIZES:
                raise ModelError(
                    f"The name {code} has a meaning of its own in emitted code.",
                    where,
                    "Choose another name.",
                )
            if codes.setdefault(code, name) != name:
                raise ModelError(
                    f"{codes[code]} and {name} would both be {code} in emitted code.",
                    where,
                    "Choose another name for one of them.",
                )


def check_times(
    statements: Statements, definitions: Sequence[Definition], defined: frozenset[str]
) -> None:
    """Refuse what cannot be computed step after step: the future, a far past, a loop.

    Raises
    ------
    ModelError
        With the place of the symbol.
    """
    for definition in definitions[:-1]:
        for quantity in quantities(definition.expression):
            lag = t - quantity.time
            shown = at_time(quantity.name, quantity.time)
            place = _find(statements, definition.place, shown)
            if not lag.is_Integer:
                raise ModelError(f"{shown} does not stand at a fixed distance from t.", place)
            if lag < 0:
                raise ModelError(
                    f"{shown} lies in the future of step t and cannot be computed there.",
                    place,
                    "A forward equation uses what stands at step t or before it.",
                )
            if lag > 1:
                raise ModelError(
                    f"{shown} reaches back more than one step, which is not supported yet.",
                    place,
                    "Name the earlier value as a state of its own.",
                )
            if lag == 1 and quantity.name not in defined:
                raise ModelError(
                    f"{shown} is used, but no equation defines {at_time(quantity.name, t)}.",
                    place,
                    "Data is used at step t; a state needs an equation.",
                )
    _refuse_loops(definitions)


def _refuse_loops(definitions: Sequence[Definition]) -> None:
    """Refuse equations of one step that need each other."""
    needs = {
        d.quantity.name: {q.name for q in quantities(d.expression) if q.time == t}
        for d in definitions[:-1]
    }
    while True:
        # What needs nothing that waits is computed; what nothing that waits needs is no loop.
        needed = set().union(*needs.values()) if needs else set()
        free = [name for name in needs if not needs[name] & set(needs) or name not in needed]
        if not free:
            break
        for name in free:
            del needs[name]
    if needs:
        names = ", ".join(at_time(name, t) for name in needs)
        place = next(d.place for d in definitions if d.quantity.name in needs)
        raise ModelError(
            f"These need each other within one step: {names}.",
            place,
            "One of them must use the value of step t-1.",
        )


def _find(statements: Statements, place: Place | None, shown: str) -> Place | None:
    """Narrow a place down to the symbol, if it is written as it is printed."""
    if place is None:
        return None
    compact = shown.replace("{", "").replace("}", "")
    for statement, where in statements:
        if where == place:
            for node in syntax.statement_symbols(statement):
                text = place.text[slice(*node.span)]
                if text.replace("{", "").replace("}", "").replace(" ", "") == compact:
                    return place.part(*node.span)
    return place


def check_declarations(
    declarations: Sequence[Declaration],
    data: Collection[str],
    defined: Collection[str],
    trained: Collection[str],
    temporal: frozenset[str],
) -> None:
    """Refuse a role that a symbol does not have.

    Raises
    ------
    ModelError
        With the place of the declaration.
    """
    known = {*data, *defined, *trained}
    for declaration in declarations:
        if declaration.kind not in ROLES:
            continue
        name = declaration.name(temporal)
        if name not in known:
            raise ModelError(
                f"{declaration.symbol} is declared, but no equation uses it.",
                declaration.place,
            )
        if declaration.kind in ("input", "target", "one-hot") and name not in data:
            raise ModelError(
                f"{declaration.symbol} is declared as data, but it is "
                + ("computed." if name in defined else "a parameter: it carries no time."),
                declaration.place,
            )
        if declaration.kind == "parameter" and name in known - set(trained):
            raise ModelError(
                f"{declaration.symbol} is declared as a parameter, but it carries time.",
                declaration.place,
            )


def data_warnings(
    definitions: Sequence[Definition], data: Collection[str], declared: Collection[str]
) -> tuple[str, ...]:
    """Warn of a bare summand with a time and no equation: most people mean a shared bias."""
    warnings: list[str] = []
    for definition in definitions:
        if is_scalar(definition.quantity):
            continue  # a target that a prediction is taken from is no bias
        for node in subexpressions(definition.expression):
            if not isinstance(node, MatAdd) or not any(parameters(a) for a in node.args):
                continue
            for term in node.args:
                if isinstance(term, Quantity) and term.name in data:
                    shown = at_time(term.name, t)
                    if term.name not in declared:
                        warnings.append(
                            f"{shown} carries t and no equation defines it: it is read as "
                            "data, given anew at every step. For a bias that all steps share, "
                            f"write {term.name}."
                        )
    return tuple(warnings)
