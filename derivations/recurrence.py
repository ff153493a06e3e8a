"""How the steps hang together: what is used how many steps later, and in which direction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from derivations.algebra import quantities
from derivations.expressions import Quantity, T, t
from derivations.model import Definition, Model


@dataclass(frozen=True)
class Memory:
    """A quantity that other steps use.

    Attributes
    ----------
    quantity : Quantity
        At step t.
    reach : int
        How many steps on it is used at most.
    """

    quantity: Quantity
    reach: int

    @property
    def shifts(self) -> range:
        """How many steps back, seen from step t, the values are that must be kept."""
        return range(self.reach)


@dataclass(frozen=True)
class Recurrence:
    """Everything that is handed from step to step in one direction.

    Attributes
    ----------
    direction : int
        1 where later steps use earlier ones, −1 where earlier steps use later ones.
    memories : tuple of Memory
        In the order of the equations.
    """

    direction: int
    memories: tuple[Memory, ...]

    @property
    def names(self) -> frozenset[str]:
        """The names of what is handed on."""
        return frozenset(memory.quantity.name for memory in self.memories)


def steps_of(definitions: Iterable[Definition]) -> list[Definition]:
    """Return the equations of one step: all but the total loss."""
    return [d for d in definitions if d.quantity.time == t]


def uses(definitions: Iterable[Definition]) -> list[tuple[str, str, int]]:
    """Return who uses whom: the user, the used, and how many steps earlier the used stands."""
    return [
        (definition.quantity.name, quantity.name, int(t - quantity.time))
        for definition in steps_of(definitions)
        for quantity in quantities(definition.expression)
    ]


def recurrences(model: Model) -> tuple[Recurrence, ...]:
    """Return what goes from step to step on its way to the loss, forwards and backwards.

    Examples
    --------
    >>> model = Model.read("h_t = tanh(W h_{t-1} + U h_{t-2})\\nE_t depends on h_t")
    >>> [(m.quantity.name, m.reach) for r in recurrences(model) for m in r.memories]
    [('h', 2)]
    """
    matters = influential(model)
    found = []
    for direction in (1, -1):
        reach: dict[str, int] = {}
        for user, used, lag in uses(model.definitions):
            if lag * direction > 0 and user in matters:
                reach[used] = max(reach.get(used, 0), lag * direction)
        memories = tuple(Memory(s, reach[s.name]) for s in model.states if s.name in reach)
        if memories:
            found.append(Recurrence(direction, memories))
    return tuple(found)


def reach(model: Model, name: str) -> tuple[int, int]:
    """Return how many steps before the first, and behind the last, a quantity is given.

    Examples
    --------
    >>> model = Model.read("h_t = tanh(W h_{t-1} + U h_{t-2})\\nE_t depends on h_t")
    >>> reach(model, "h")
    (2, 0)
    """
    lags = [lag for _, used, lag in uses(model.definitions) if used == name]
    return max([0, *lags]), -min([0, *lags])


def given_values(model: Model, state: Quantity) -> list[Quantity]:
    """Return the values of a state that are given, the nearest to the steps first.

    Examples
    --------
    >>> model = Model.read("h_t = tanh(W h_{t-1} + U h_{t-2})\\nE_t depends on h_t")
    >>> [value.time for value in given_values(model, model.states[0])]
    [0, -1]
    """
    before, behind = reach(model, state.name)
    steps = [*range(0, -before, -1), *(T + distance for distance in range(1, behind + 1))]
    return [] if state.name in model.zeros else [state.at(step) for step in steps]


def reachable(starts: Iterable[str], edges: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """Return what can be reached along edges, the starts included."""
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(edges.get(name, ()))
    return frozenset(found)


def influential(model: Model) -> frozenset[str]:
    """Return the names of everything that the loss depends on, at any step, itself included."""
    needs: dict[str, set[str]] = {}
    for user, used, _ in uses(model.definitions):
        needs.setdefault(user, set()).add(used)
    return reachable([model.loss.name], needs)


def acting_within_the_step(model: Model) -> frozenset[str]:
    """Return the names of what acts on the loss of its own step alone, the loss included."""
    matters = influential(model)
    users: dict[str, set[str]] = {}
    for user, used, lag in uses(model.definitions):
        if lag == 0:
            users.setdefault(used, set()).add(user)
    kept = {used for user, used, lag in uses(model.definitions) if lag != 0 and user in matters}
    return frozenset(name for name in matters if not reachable([name], users) & kept)


def influenced(model: Model, name: str) -> frozenset[str]:
    """Return the names of everything that depends on a quantity, at any step, itself included."""
    users: dict[str, set[str]] = {}
    for user, used, _ in uses(model.definitions):
        users.setdefault(used, set()).add(user)
    return reachable([name], users)


def acts_through_time(model: Model, start: str, end: str) -> bool:
    """Tell whether a quantity acts on another of its own step by way of other steps.

    For that, something must look back on the way, and something ahead.
    """
    reached: set[tuple[str, bool, bool]] = set()
    waiting = [(start, False, False)]
    while waiting:
        name, looks_back, looks_ahead = place = waiting.pop()
        if place not in reached:
            reached.add(place)
            waiting += [
                (user, looks_back or lag > 0, looks_ahead or lag < 0)
                for user, used, lag in uses(model.definitions)
                if used == name
            ]
    return (end, True, True) in reached


def circles(found: Iterable[tuple[str, str, int]]) -> list[frozenset[str]]:
    """Return the groups of quantities each of which depends on all others of its group.

    Parameters
    ----------
    found : iterable of (user, used, lag)
        As from `uses`.
    """
    needs: dict[str, set[str]] = {}
    for user, used, _ in found:
        needs.setdefault(user, set()).add(used)
    closure = {name: reachable(needs[name], needs) for name in needs}
    groups = {
        name: frozenset(other for other in closure[name] if name in closure.get(other, frozenset()))
        for name in needs
    }
    return list(dict.fromkeys(group for group in groups.values() if group))


def directions(definitions: Sequence[Definition]) -> dict[str, int]:
    """Return for what depends on itself through time whether earlier (1) or later (−1) steps act.

    A group in which both happen has 0.
    """
    found: dict[str, int] = {}
    for group in circles(uses(definitions)):
        lags = {lag for user, used, lag in uses(definitions) if user in group and used in group}
        signs = {1 if lag > 0 else -1 for lag in lags if lag}
        direction = signs.pop() if len(signs) == 1 else 0
        found.update(dict.fromkeys(group, direction))
    return found


def phases(model: Model) -> list[tuple[int, list[Definition]]]:
    """Return the passes over the steps in which a network is computed, with their directions.

    One pass does for recurrences that look back; one that looks ahead needs a pass from the last
    step to the first. A quantity is computed in the first pass in which all it needs is there.

    Examples
    --------
    >>> model = Model.read('''
    ...     h_t = tanh(W h_{t-1} + x_t)
    ...     g_t = tanh(V g_{t+1} + x_t)
    ...     E_t = ‖h_t - g_t‖²
    ... ''')
    >>> [(direction, [d.quantity.name for d in part]) for direction, part in phases(model)]
    [(-1, ['g']), (1, ['h', 'E'])]
    """
    definitions = in_order(model.definitions)
    ways = directions(definitions)
    first = -1 if -1 in ways.values() else 1
    used = uses(definitions)
    groups = {name: group for group in circles(used) for name in group}
    placed: dict[str, int] = {}
    names = [d.quantity.name for d in definitions]
    while len(placed) < len(names):
        for name in names:
            group = groups.get(name, frozenset({name}))
            needed = [
                (other, lag)
                for user, other, lag in used
                if user in group and other in names and other not in group
            ]
            if name not in placed and all(other in placed for other, _ in needed):
                number = _first_pass(needed, placed, ways.get(name, 0), first)
                placed.update(dict.fromkeys(group, number))
    count = max(placed.values()) + 1
    passes = [[d for d in definitions if placed[d.quantity.name] == i] for i in range(count)]
    return [(first * (-1) ** i, part) for i, part in enumerate(passes) if part]


def _first_pass(
    needed: Sequence[tuple[str, int]], placed: Mapping[str, int], way: int, first: int
) -> int:
    """Return the first pass of a direction (0: of any) in which everything needed is there."""
    number = 0
    while True:
        direction = first * (-1) ** number
        is_there = all(
            placed[other] < number or (placed[other] == number and lag * direction >= 0)
            for other, lag in needed
        )
        if way in (0, direction) and is_there:
            return number
        number += 1


def in_order(definitions: Iterable[Definition]) -> list[Definition]:
    """Return the equations of one step so that each comes after what it needs.

    Examples
    --------
    >>> model = Model.read("y_t = V h_t\\nh_t = tanh(W h_{t-1})\\nE_t depends on y_t")
    >>> [d.quantity.name for d in in_order(model.definitions)]
    ['h', 'y', 'E']
    """
    waiting = steps_of(definitions)
    ordered: list[Definition] = []
    while waiting:
        names = {d.quantity.name for d in waiting}
        ready = next(
            d
            for d in waiting
            if not any(q.time == t and q.name in names for q in quantities(d.expression))
        )
        ordered.append(ready)
        waiting.remove(ready)
    return ordered
