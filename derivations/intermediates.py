"""Names for what the user did not name: the preactivation in σ(…), the logits in softmax(…)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from sympy import Basic, MatrixExpr

from derivations.algebra import rebuild
from derivations.algebra import replace as exchange
from derivations.errors import ModelError
from derivations.expressions import Elementwise, Quantity, Softmax, is_parameter, t
from derivations.model import Definition, Model
from derivations.notation.names import canonical, parts
from derivations.recurrence import reachable, uses

#: What the argument of a function is called, the first that is free: a preactivation on the way to
#: a state, logits in a read-out, and a distribution that is only used inside another function.
PREACTIVATION, LOGITS, DISTRIBUTION = ("a",), ("z", "o"), ("p",)


@dataclass(frozen=True)
class _Argument:
    """An argument that gets a name, and the quantity in whose equation it stands."""

    expression: MatrixExpr
    owner: str
    letters: tuple[str, ...]


def name_intermediates(model: Model) -> Model:
    """Return the model with a definition for every compound argument of a function.

    Where several get the same letter, or a user took it, the quantity in whose equation the
    argument stands is written above it.

    Examples
    --------
    >>> model = Model.read("h_t = tanh(W h_{t-1} + U x_t)\\nE_t depends on h_t")
    >>> [str(d.quantity.name) for d in name_intermediates(model).definitions]
    ['a', 'h', 'E', 'E']
    """
    recurrent = _recurrent(model)
    arguments = [
        argument
        for definition in model.definitions
        for argument in _arguments(definition.expression, definition.quantity.name, recurrent)
    ]
    names = _names(list(dict.fromkeys(arguments)), set(model.scope.shapes))
    definitions: list[Definition] = []
    for definition in model.definitions:
        found: list[Definition] = []
        own = {a.expression: n for a, n in names.items() if a.owner == definition.quantity.name}
        expression = _named(definition.expression, own, found)
        definitions += [*found, replace(definition, expression=expression)]
    added = [d.quantity for d in definitions if d.quantity.name not in model.scope.shapes]
    scope = replace(
        model.scope,
        shapes={**model.scope.shapes, **{quantity.name: quantity.shape for quantity in added}},
        temporal=model.scope.temporal | {quantity.name for quantity in added},
    )
    return replace(model, definitions=tuple(definitions), scope=scope)


def _recurrent(model: Model) -> frozenset[str]:
    """Return the names of what acts on a state."""
    needs: dict[str, set[str]] = {}
    for user, used, _ in uses(model.definitions):
        needs.setdefault(user, set()).add(used)
    return reachable([state.name for state in model.states], needs)


def _arguments(expression: Basic, owner: str, recurrent: Collection[str]) -> Iterator[_Argument]:
    """Yield the compound arguments of functions, the innermost first."""
    if isinstance(expression, Quantity) or is_parameter(expression):
        return
    for argument in expression.args:
        yield from _arguments(argument, owner, recurrent)
    if isinstance(expression, Elementwise | Softmax) and _is_compound(expression.argument):
        inner = expression.argument
        is_read_out = isinstance(expression, Softmax) or owner not in recurrent
        letters: tuple[str, ...] = LOGITS if is_read_out else PREACTIVATION
        yield _Argument(inner, owner, DISTRIBUTION if isinstance(inner, Softmax) else letters)


def _is_compound(expression: MatrixExpr) -> bool:
    """Tell whether something is computed that the network learns or a distribution is formed."""
    if isinstance(expression, Quantity):
        return False
    return isinstance(expression, Softmax) or any(is_parameter(n) for n in _nodes(expression))


def _nodes(expression: Basic) -> list[Basic]:
    return [expression, *(node for a in expression.args for node in _nodes(a))]


def _names(arguments: list[_Argument], taken: set[str]) -> dict[_Argument, str]:
    found: dict[_Argument, str] = {}
    for letters in dict.fromkeys(argument.letters for argument in arguments):
        group = [argument for argument in arguments if argument.letters == letters]
        letter = next((x for x in letters if x not in taken), letters[0])
        for argument in group:
            alone = len(group) == 1 and letter not in taken
            found[argument] = letter if alone else _labelled(letter, argument.owner, taken)
            taken.add(found[argument])
    return found


def _labelled(letter: str, owner: str, taken: set[str]) -> str:
    labels = [part for part in parts(owner) if part]
    # By letters: a number above a name is read as a power of it.
    lettered = [[more] for more in "bcdefgh"]
    candidates = [canonical(letter, [], [*labels, *more]) for more in ([], *lettered)]
    for name in (*candidates, canonical(letter, labels, [])):
        if name not in taken:
            return name
    raise ModelError(f"There is no free name for the argument of the function in {owner}.")


def _named(expression: Basic, names: dict[MatrixExpr, str], found: list[Definition]) -> Basic:
    """Exchange arguments for their names, the innermost first."""
    if not expression.args or isinstance(expression, Quantity) or is_parameter(expression):
        return expression
    original = expression.argument if isinstance(expression, Elementwise | Softmax) else None
    arguments = [_named(a, names, found) for a in expression.args]
    if any(new is not old for new, old in zip(arguments, expression.args, strict=True)):
        expression = rebuild(expression, arguments)
    if original not in names:
        return expression
    inner = expression.argument
    rows, columns = inner.shape
    quantity = Quantity(names[original], rows, columns, t)
    if all(d.quantity != quantity for d in found):
        found.append(Definition(quantity, inner))
    return exchange(expression, {inner: quantity})
