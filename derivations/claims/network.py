"""A source as a network: what computes each quantity, and where each one is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from sympy import Expr

from derivations.claims.reading import AS_WRITTEN, Reading
from derivations.claims.sizes import Inference, Layout
from derivations.claims.source import Forward, Source
from derivations.claims.steps import Step
from derivations.claims.terms import (
    Apply,
    Series,
    Symbol,
    Term,
    replaced,
    timed_key,
)


class Network:
    """The forward equations of a source, by name.

    Parameters
    ----------
    source : Source
    reading : Reading
        Of a reading, what changes the network itself: the state, the losses.
    """

    def __init__(self, source: Source, reading: Reading = AS_WRITTEN) -> None:
        self.source = source
        self.is_last_only = source.is_last_only or reading.last_loss
        forward = list(source.forward)
        if reading.preactivation_state:
            forward = _with_preactivation_state(forward)
        self.forward: dict[str, Forward] = {}
        self.special: dict[tuple[str, int], Forward] = {}
        for equation in forward:
            if equation.time is not None and not equation.time.letters:
                self.special[equation.key, equation.time.number] = equation
            else:
                self.forward[equation.key] = equation

    @cached_property
    def layout(self) -> Layout:
        return Inference(self.source).layout()

    @cached_property
    def sizes(self) -> Mapping[Expr, int]:
        """The class of equal sizes that each name of a size, such as n, stands for."""
        found: dict[Expr, set[int]] = {}
        shapes = self.layout.shapes
        for name, axes in self.source.axes.items():
            classes = shapes.get(timed_key(name)) or shapes.get(name) or ()
            for size, number in zip(axes, classes, strict=False):  # some names mean nothing here
                if size.is_Symbol:
                    found.setdefault(size, set()).add(number)
        return {size: classes.pop() for size, classes in found.items() if len(classes) == 1}

    @cached_property
    def lags(self) -> Mapping[str, int]:
        """How many steps before the first each quantity is given."""
        found: dict[str, int] = {}
        for equation in (*self.forward.values(), *self.special.values()):
            for term in equation.right.walk():
                if isinstance(term, Symbol) and term.time is not None and equation.time is not None:
                    letters = equation.time.names
                    own = Step.letter(next(iter(letters))) if letters else equation.time
                    behind = own.plus(term.time, -1)
                    if not behind.letters and behind.number > 0:
                        found[term.key] = max(found.get(term.key, 0), behind.number)
        return found

    @cached_property
    def backward(self) -> Mapping[str, int]:
        """Quantities that a recurrence computes from later steps, and how far these reach: such a
        quantity is given behind the last step, not before the first."""
        found: dict[str, int] = {}
        for name, equation in self.forward.items():
            reach = max(self._offsets(equation, name), default=0)
            if reach > 0:
                found[name] = reach
        return found

    def _offsets(self, start: Forward, name: str) -> list[int]:
        """Return how many steps later a quantity's own equation, through others of the step,
        sees the quantity."""
        found: list[int] = []
        seen: set[str] = set()
        pending = [start]
        while pending:
            equation = pending.pop()
            for term in equation.right.walk():
                if not isinstance(term, Symbol) or term.time is None or equation.time is None:
                    continue
                ahead = term.time.plus(equation.time, -1)
                if term.key == name and not ahead.letters:
                    found.append(ahead.number)
                elif ahead == Step() and term.key in self.forward and term.key not in seen:
                    seen.add(term.key)
                    pending.append(self.forward[term.key])
        return found

    @cached_property
    def whole(self) -> frozenset[str]:
        """Computed quantities without a step."""
        timeless = {name for name, equation in self.forward.items() if equation.time is None}
        return frozenset(timeless | self.source.definitions.keys())

    @cached_property
    def is_causal(self) -> bool:
        """Whether no equation uses a later step than the one it computes, by way of a quantity
        without a step neither."""
        used = {
            term.key
            for equation in self.forward.values()
            if equation.time is not None
            for term in equation.right.walk()
            if isinstance(term, Symbol) and term.time is None
        }
        if used & self.whole:
            return False
        return all(
            term.time.plus(equation.time, -1).number <= 0
            for equation in self.forward.values()
            if equation.time is not None
            for term in equation.right.walk()
            if isinstance(term, Symbol) and term.time is not None
        )

    @cached_property
    def start(self) -> int:
        """The first step: 1, unless the source says what stands before 0 or at 0."""
        if self.special:
            return min(step for _, step in self.special)
        before = [
            s.time.number for s in self.source.zeros if s.time is not None and not s.time.letters
        ]
        return min([number + 1 for number in before if number < 0], default=1)

    @cached_property
    def loss(self) -> str | None:
        """The loss of step t: declared, or what the total sums."""
        if self.source.loss is not None:
            return self.source.loss
        for equation in self.forward.values():
            if equation.time is None and isinstance(equation.right, Series):
                for term in equation.right.walk():
                    if (
                        isinstance(term, Symbol)
                        and term.time is not None
                        and term.key not in self.forward
                    ):
                        return term.key
        return None

    @cached_property
    def output(self) -> Symbol | None:
        """What the loss of a step sees where nothing is said: what no other equation of the step
        uses, the last of these."""
        used = {
            term.key
            for equation in self.forward.values()
            for term in equation.right.walk()
            if isinstance(term, Symbol) and term.time == equation.time
        }
        timed = [
            e
            for e in self.forward.values()
            if e.time is not None and e.key != self.loss and e.key not in self.source.unspecified
        ]
        last = [e for e in timed if e.key not in used] or timed
        return Symbol(last[-1].name, last[-1].time) if last else None

    def unspecified(self, name: str) -> list[Term] | None:
        """Return the arguments of a scalar of which nothing else is known."""
        declared = self.source.unspecified.get(name)
        if declared is not None:
            return declared
        if name == self.loss and name not in self.forward and self.output is not None:
            return [self.output]
        return None

    def letters(self, name: str, step: int | None) -> dict[str, int]:
        """Return what the running letter stands for in a quantity's equation at a step."""
        if step is None:
            return {}
        equation = self.forward.get(name)
        if equation is None or equation.time is None:
            return {self.source.vocabulary.running: step}
        (letter,) = equation.time.names
        return {letter: step - equation.time.number}

    def mentions(self, name: str, other: str, lag: int | None = None) -> bool:
        """Tell whether a quantity's own equation names another one, perhaps so many steps back."""
        equation = self.forward.get(name)
        if equation is None:
            return False
        found = [
            term.time
            for term in equation.right.walk()
            if isinstance(term, Symbol) and term.key == other
        ]
        if lag is None:
            return bool(found)
        own = equation.time
        return any(
            time is not None
            and own is not None
            and time.letters == own.letters
            and own.number - time.number == lag
            for time in found
        )

    def is_computed(self, name: str) -> bool:
        return (
            name in self.forward
            or self.unspecified(name) is not None
            or name == self.source.total
            or any(name == other for other, _ in self.special)
        )


def _with_preactivation_state(forward: list[Forward]) -> list[Forward]:
    """h_t = f(W h_{t−1} + …) becomes h_t = W f(h_{t−1}) + …; names of the argument follow."""
    by_name = {equation.name: equation for equation in forward}
    result = []
    for equation in forward:
        right = equation.right
        if isinstance(right, Apply) and right.order == 0 and equation.time is not None:
            argument = right.argument
            if isinstance(argument, Symbol) and argument.name in by_name:
                argument = by_name[argument.name].right
            lagged = [
                term
                for term in set(argument.walk())
                if isinstance(term, Symbol) and term.name == equation.name
            ]
            for term in lagged:
                argument = replaced(argument, term, Apply(right.function, 0, term))
            if lagged:
                result.append(replace(equation, right=argument))
                continue
        result.append(equation)
    return result
