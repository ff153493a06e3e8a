"""Names for what the user did not name: the preactivation in σ(…), the logits in softmax(…)."""

from __future__ import annotations

from dataclasses import replace

from sympy import Basic, MatrixExpr

from derivations.algebra import rebuild
from derivations.algebra import replace as exchange
from derivations.errors import ModelError
from derivations.expressions import Elementwise, Quantity, Softmax, is_parameter, t
from derivations.model import Definition, Model
from derivations.notation.names import canonical

#: What the argument of a function is called: a preactivation in a state, logits in a read-out.
PREACTIVATION = "a"
LOGITS = "z"
#: What a distribution is called that is only used inside another function.
DISTRIBUTION = "p"


def name_intermediates(model: Model) -> Model:
    """Return the model with a definition for every compound argument of a function.

    A name that the user took is given an upper label instead.

    Examples
    --------
    >>> model = Model.read("h_t = tanh(W h_{t-1} + U x_t)\\nE_t depends on h_t")
    >>> [str(d.quantity.name) for d in name_intermediates(model).definitions]
    ['a', 'h', 'E', 'E']
    """
    states = {state.name for state in model.states}
    taken = set(model.scope.shapes)
    definitions: list[Definition] = []
    for definition in model.definitions:
        letter = PREACTIVATION if definition.quantity.name in states else LOGITS
        found: list[Definition] = []
        expression = _named(definition.expression, definition.quantity, letter, taken, found)
        definitions += [*found, replace(definition, expression=expression)]
    added = [d.quantity for d in definitions if d.quantity.name not in model.scope.shapes]
    scope = replace(
        model.scope,
        shapes={**model.scope.shapes, **{quantity.name: quantity.shape for quantity in added}},
        temporal=model.scope.temporal | {quantity.name for quantity in added},
    )
    return replace(model, definitions=tuple(definitions), scope=scope)


def _named(
    expression: Basic, owner: Quantity, letter: str, taken: set[str], found: list[Definition]
) -> Basic:
    """Name compound arguments, the innermost first."""
    if not expression.args or isinstance(expression, Quantity) or is_parameter(expression):
        return expression
    arguments = [_named(a, owner, letter, taken, found) for a in expression.args]
    if any(new is not old for new, old in zip(arguments, expression.args, strict=True)):
        expression = rebuild(expression, arguments)
    if not isinstance(expression, Elementwise | Softmax):
        return expression
    inner = expression.argument
    if isinstance(inner, Quantity) or not _is_compound(inner):
        return expression
    wanted = DISTRIBUTION if isinstance(inner, Softmax) else letter
    rows, columns = inner.shape
    quantity = Quantity(_free_name(wanted, owner.name, taken), rows, columns, t)
    taken.add(quantity.name)
    found.append(Definition(quantity, inner))
    return exchange(expression, {inner: quantity})


def _is_compound(expression: MatrixExpr) -> bool:
    """Tell whether something is computed that the network learns or a distribution is formed."""
    return isinstance(expression, Softmax) or any(is_parameter(n) for n in _nodes(expression))


def _nodes(expression: Basic) -> list[Basic]:
    return [expression, *(node for a in expression.args for node in _nodes(a))]


def _free_name(letter: str, owner: str, taken: set[str]) -> str:
    for name in (letter, canonical(letter, [], [owner]), canonical(letter, [owner], [])):
        if name not in taken:
            return name
    raise ModelError(f"There is no free name for the argument of the function in {owner}.")
