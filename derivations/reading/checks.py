"""What a text of forward equations must keep to: its names, its times, its declarations."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

from derivations.activations import FUNCTIONS, ScalarFunction
from derivations.algebra import parameters, subexpressions
from derivations.errors import ModelError, NotationError, Place
from derivations.expressions import MatAdd, Quantity, is_scalar, t
from derivations.model import Definition
from derivations.notation import syntax
from derivations.notation.names import (
    IDENTITY,
    ONES,
    WHOLE_FUNCTIONS,
    Scope,
    at_time,
    identifier,
    meaning,
    parts,
)
from derivations.notation.picks import bare_symbols
from derivations.notation.signs import UNKNOWN_FUNCTIONS, UPRIGHT
from derivations.notation.text import Declaration
from derivations.recurrence import reachable, steps_of, uses

#: Names that emitted modules keep for themselves.
RESERVED = frozenset(
    {"np", "params", "data", "tape", "dtype", "t", "PARAMS", "DATA", "CONSTRAINTS", "Arrays"}
    | {"times", "outer", "softmax", "log_softmax", "sigmoid", "softplus", "normal_cdf"}
    | {"times_each", "outer_each", "add_at", "forward", "backward", "value_and_grad"}
    | {"put_times", "logistic", "log_sum_exp", "buffer", "behind", "gradients"}
)
#: Sizes that have a fixed meaning: the number of steps and of sequences in a batch.
RESERVED_SIZES = frozenset({"T", "B"})

#: Equations with their places.
Statements: TypeAlias = Sequence[tuple[syntax.Statement, Place]]
#: Declarations that give a symbol a role.
ROLES = ("input", "target", "one-hot", "label", "parameter", "shape", "scalar")


def check_names(
    statements: Statements,
    temporal: frozenset[str],
    functions: Mapping[str, ScalarFunction],
    labels: frozenset[str],
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
        for node in bare_symbols(statement, labels):
            name = meaning(node, temporal).name
            is_function = name in WHOLE_FUNCTIONS or scope.function(name)
            if is_function or name == ONES or parts(name)[0] == IDENTITY:
                continue
            where = place.part(*node.span)
            if name in labels:
                raise ModelError(
                    f"{at_time(name, t)} is a label: an integer, which only picks an entry.",
                    where,
                    f"Write [\\hat{{y}}_t]_{{{at_time(name, t)}}}. A column of a matrix cannot be "
                    "picked yet.",
                )
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


def check_layout(declarations: Sequence[Declaration]) -> None:
    """Refuse rows: what is derived, and what code is made of, is columns.

    Raises
    ------
    ModelError
        With the place of the declaration.
    """
    for declaration in declarations:
        if declaration.kind == "rows":
            raise ModelError(
                "Derivations are for columns.",
                declaration.place,
                "Write h_t = tanh(W h_{t-1} + …). Only notes that are checked may be in rows.",
            )


def check_applications(
    statements: Statements,
    temporal: frozenset[str],
    functions: Mapping[str, ScalarFunction],
    declarations: Sequence[Declaration],
) -> None:
    """Refuse a function that is not known, and one that may take more or less than it seems.

    Raises
    ------
    NotationError
        With the place of the function's name.
    """
    scope = Scope({}, temporal, frozenset(), functions)
    declared = {d.name(temporal) for d in declarations if d.kind in ("parameter", "shape")}
    for statement, place in statements:
        for node in (node for side in statement.sides[1:] for node in syntax.walk(side)):
            if not isinstance(node, syntax.Chain):
                continue
            for position, part in enumerate(node.parts):
                base = part.base if isinstance(part, syntax.Scripted) else part
                if not isinstance(base, syntax.Name):
                    continue
                behind = node.parts[position + 1 : position + 3]
                symbol = part if isinstance(part, syntax.Scripted) else base
                name = meaning(symbol, temporal).name
                where = place.part(*part.span)
                if base.text in WHOLE_FUNCTIONS or scope.function(base.text):
                    _check_argument(base.text, behind, where)
                elif name not in declared | temporal and _looks_like_a_function(base.text, behind):
                    raise NotationError(
                        f"There is no function {base.text}.",
                        where,
                        f"Known are {', '.join(FUNCTIONS)}, softmax and max. If it is a "
                        f"matrix, give it one letter, or say: {base.text} is a parameter",
                    )


def _check_argument(
    name: str, behind: Sequence[syntax.Node | syntax.Operator], where: Place
) -> None:
    """Refuse tanh W h: does tanh take W, or W h?"""
    if len(behind) < 2 or any(isinstance(part, syntax.Operator) for part in behind):
        return
    first = behind[0].base if isinstance(behind[0], syntax.Scripted) else behind[0]
    if isinstance(first, syntax.Name) and first.text not in WHOLE_FUNCTIONS:
        raise NotationError(
            f"How much of what follows does {name} take?",
            where,
            f"Put its argument in brackets: {name}(…).",
        )


def _looks_like_a_function(text: str, behind: Sequence[syntax.Node | syntax.Operator]) -> bool:
    if text in UNKNOWN_FUNCTIONS:
        return True
    word = text[text.index("{") + 1 : -1] if "{" in text else ""
    is_word = text.split("{")[0] in UPRIGHT and len(word) > 1
    return is_word and bool(behind) and isinstance(behind[0], syntax.Bracket)


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
        if declaration.kind in ("input", "target", "one-hot", "label") and name not in data:
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


def unreached(definitions: Sequence[Definition], loss: str) -> tuple[str, ...]:
    """Warn of parameters that the loss does not depend on: their gradients are zero."""
    needs: dict[str, set[str]] = {}
    for user, used, _ in uses(definitions):
        needs.setdefault(user, set()).add(used)
    matters = reachable([loss], needs)
    reached = {
        parameter.name
        for d in steps_of(definitions)
        if d.quantity.name in matters
        for parameter in parameters(d.expression)
    }
    warnings = []
    for definition in steps_of(definitions):
        for parameter in parameters(definition.expression):
            if parameter.name not in reached:
                reached.add(parameter.name)
                where = "" if definition.place is None else f"\n{definition.place.show()}"
                warnings.append(
                    f"No gradient reaches {parameter.name}: the loss does not depend on this "
                    f"equation. Its gradient is zero.{where}"
                )
    return tuple(warnings)
