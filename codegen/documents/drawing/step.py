"""What is drawn of one step: the quantities, and who uses whom, at which lag, by which weight."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sympy import Basic, Transpose

from codegen.documents.drawing import Fill
from derivations.algebra import depends_on, quantities, subexpressions
from derivations.expressions import HadamardProduct, MatMul, Quantity, is_parameter, t
from derivations.model import Definition, Model
from derivations.recurrence import acting_within_the_step, in_order, steps_of


@dataclass(frozen=True)
class Node:
    """A quantity of every step."""

    name: str
    fill: Fill


@dataclass(frozen=True)
class Use:
    """That a quantity is computed from another.

    Attributes
    ----------
    used, user : str
        Names.
    lag : int
        How many steps earlier the used one stands.
    weight : str
        LaTeX of the one parameter that it is multiplied by, or nothing.
    """

    used: str
    user: str
    lag: int
    weight: str = ""


@dataclass(frozen=True)
class Step:
    """The graph of one step; everything stands behind what it uses within the step.

    Attributes
    ----------
    nodes : tuple of Node
    uses : tuple of Use
    beside : frozenset of str
        What acts on the loss of its own step alone.
    """

    nodes: tuple[Node, ...]
    uses: tuple[Use, ...]
    beside: frozenset[str]

    @cached_property
    def within(self) -> tuple[Use, ...]:
        """The uses within the step."""
        return tuple(use for use in self.uses if use.lag == 0)

    @cached_property
    def between(self) -> tuple[Use, ...]:
        """The uses from step to step."""
        return tuple(use for use in self.uses if use.lag != 0)

    @cached_property
    def kept(self) -> frozenset[str]:
        """The names of what other steps use."""
        return frozenset(use.used for use in self.between)


def step_of(model: Model) -> Step:
    r"""Return the graph of one step of a model.

    Examples
    --------
    >>> step = step_of(Model.read("h_t = tanh(W h_{t-1} + U x_t)\nE_t depends on h_t"))
    >>> [(node.name, node.fill) for node in step.nodes]
    [('x', 'input'), ('h', 'state'), ('E', 'loss')]
    >>> [(use.used, use.user, use.lag, use.weight) for use in step.uses]
    [('h', 'h', 1, 'W'), ('x', 'h', 0, 'U'), ('h', 'E', 0, '')]
    """
    definitions = in_order(model.definitions)
    states = {state.name for state in model.states}

    def fill(name: str) -> Fill:
        if name == model.loss.name:
            return "loss"
        return "state" if name in states else "computed"

    nodes = [Node(quantity.name, "input") for quantity in model.data]
    nodes += [Node(d.quantity.name, fill(d.quantity.name)) for d in definitions]
    uses = [
        Use(used.name, d.quantity.name, int(t - used.time), _weight(d, used))
        for d in steps_of(model.definitions)
        for used in quantities(d.expression)
    ]
    return Step(tuple(nodes), tuple(uses), acting_within_the_step(model))


def essential(step: Step) -> Step:
    r"""Return the graph of a step without what is computed on the way.

    Examples
    --------
    >>> text = "a_t = W h_{t-1} + U x_t\nh_t = tanh(a_t)\nE_t depends on h_t"
    >>> [(use.used, use.user, use.lag) for use in essential(step_of(Model.read(text))).uses]
    [('h', 'E', 0), ('h', 'h', 1), ('x', 'h', 0)]
    """
    uses = {(use.used, use.user, use.lag): None for use in step.uses}
    for node in step.nodes:
        if node.fill == "computed":
            into = [key for key in uses if key[1] == node.name]
            out = [key for key in uses if key[0] == node.name]
            for key in (*into, *out):
                uses.pop(key, None)
            for used, _, first in into:
                uses.update({(used, user, first + second): None for _, user, second in out})
    nodes = tuple(node for node in step.nodes if node.fill != "computed")
    return Step(nodes, tuple(Use(*key) for key in uses), step.beside)


def _weight(definition: Definition, used: Quantity) -> str:
    """Return the one parameter by which a product in an equation multiplies a quantity."""
    found: dict[str, None] = {}
    for product in subexpressions(definition.expression):
        if isinstance(product, MatMul | HadamardProduct) and depends_on(product, used):
            found.update((str(_bare(p).name), None) for p in product.args if is_parameter(_bare(p)))
    return next(iter(found)) if len(found) == 1 else ""


def _bare(factor: Basic) -> Basic:
    return factor.arg if isinstance(factor, Transpose) else factor


__all__ = ["Node", "Step", "Use", "essential", "step_of"]
