"""What the forward equations suggest: who uses a quantity, and the slope of every function.

These are guesses at what an author meant, not rules: the judge decides what of them holds.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from sympy import Poly

from derivations.activations import OUTPUT
from derivations.claims.repairs.scene import Scene
from derivations.claims.source import Forward
from derivations.claims.steps import Step
from derivations.claims.terms import (
    Apply,
    Chain,
    Number,
    Power,
    Sum,
    Symbol,
    Term,
    substituted,
)


@dataclass(frozen=True)
class Slope:
    """The derivative of an elementwise function where a forward equation applies it.

    Attributes
    ----------
    application : Apply
        At the running step of its equation.
    output : Symbol or None
        The quantity, if the application is the whole right side.
    letter : str or None
        The running letter of the equation.
    offset : Step
        The step of the quantity less the running letter.
    """

    application: Apply
    output: Symbol | None
    letter: str | None
    offset: Step


class Graph:
    """The forward equations of a source, asked for what stands next to what.

    Parameters
    ----------
    scene : Scene
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._network = scene.evaluator.point.network
        self._slopes: dict[Step | None, tuple[Term, ...]] = {}

    @property
    def _equations(self) -> Iterator[Forward]:
        return iter(self._network.forward.values())

    def equation(self, symbol: Symbol) -> Term | None:
        """Return the right side of a quantity's equation at its step."""
        equation = self._network.forward.get(symbol.key)
        if equation is None:
            return None
        if equation.time is None or symbol.time is None:
            return equation.right
        letters = sorted(equation.time.names)
        if not letters:
            return None
        move = symbol.time.plus(equation.time, -1).plus(Step.letter(letters[0]))
        return substituted(equation.right, {letters[0]: move})

    # Losses

    @cached_property
    def total(self) -> Symbol | None:
        """The total loss: declared, or the timeless sum of the losses."""
        if self._scene.source.total is not None:
            return self._scene.symbol(self._scene.source.total, None)
        for equation in self._equations:
            if (
                equation.time is None
                and self._network.loss is not None
                and any(
                    isinstance(piece, Symbol) and piece.key == self._network.loss
                    for piece in equation.right.walk()
                )
            ):
                return Symbol(equation.name)
        return None

    def loss(self, time: Step | None) -> Symbol | None:
        """Return the loss of a step."""
        if self._network.loss is None or time is None:
            return None
        return self._scene.symbol(self._network.loss, time)

    def is_loss(self, symbol: Symbol) -> bool:
        keys = {self._network.loss, None if self.total is None else self.total.key}
        return symbol.key in keys

    # Users

    def users(self, quantity: Symbol) -> list[Symbol]:
        """Return what is computed from a quantity directly, losses left out."""
        found: dict[Symbol, None] = {}
        for user, inputs in self._inputs():
            for piece in inputs:
                moved = _user_at(user, piece, quantity)
                if moved is not None and not self.is_loss(moved):
                    found[moved] = None
        return list(found)

    def _inputs(self) -> Iterator[tuple[Symbol, list[Symbol]]]:
        """Yield every computed quantity with the symbols on the right of its equation."""
        for equation in self._equations:
            used = [p for p in equation.right.walk() if isinstance(p, Symbol)]
            yield Symbol(equation.name, equation.time), used
        for key, arguments in self._scene.source.unspecified.items():
            user = self._scene.symbol(key, self._scene.running)
            used = [p for a in arguments for p in a.walk() if isinstance(p, Symbol)]
            if key not in self._network.forward:
                yield user, used

    def neighbours(self, quantity: Symbol) -> list[Symbol]:
        """Return what stands at another step beside a quantity: h_{t−1} beside x_t."""
        found: dict[Symbol, None] = {}
        for _, inputs in self._inputs():
            for own, other in itertools.permutations(dict.fromkeys(inputs), 2):
                moved = _user_at(other, own, quantity)
                if moved is not None and moved.time != quantity.time is not None:
                    found[moved] = None
        return [symbol for symbol in found if symbol.key != quantity.key]

    def is_computed(self, symbol: Symbol) -> bool:
        """Tell whether a symbol is computed, or defined, and not given."""
        is_defined = symbol.key in self._scene.source.definitions
        return is_defined or self._network.is_computed(symbol.key)

    def is_zero(self, term: Term) -> bool:
        """Tell whether a term vanishes, or has no value, at the ordinary instance."""
        value = self._scene.value(term)
        return value is None or not value.dual.value.any()

    # Preactivations and slopes

    def argument(self, quantity: Symbol) -> Symbol | None:
        """Return the named argument a_t of a quantity h_t = f(a_t)."""
        right = self.equation(quantity)
        if isinstance(right, Apply) and right.order == 0 and isinstance(right.argument, Symbol):
            return right.argument
        return None

    def output(self, argument: Symbol) -> Symbol | None:
        """Return the quantity h_t = f(a_t) of an argument a_t."""
        for user in self.users(argument):
            if self.argument(user) == argument:
                return user
        return None

    @cached_property
    def slopes(self) -> list[Slope]:
        """Every application of an elementwise function in the forward equations."""
        found: dict[Slope, None] = {}
        for equation in self._equations:
            letters = sorted(equation.time.names) if equation.time is not None else []
            letter = letters[0] if letters else None
            offset = Step()
            if equation.time is not None and letter is not None:
                offset = equation.time.plus(Step.letter(letter), -1)
            for piece in equation.right.walk():
                if isinstance(piece, Apply) and piece.order == 0 and self._is_elementwise(piece):
                    whole = Symbol(equation.name, equation.time)
                    output = whole if piece == equation.right else None
                    found[Slope(piece, output, letter, offset)] = None
        return list(found)

    def _is_elementwise(self, piece: Apply) -> bool:
        return piece.function not in ("\\diag", "\\softmax", "\\log", "\\exp")

    def slopes_at(self, step: Step | None) -> tuple[Term, ...]:
        """Return the slopes of the functions at a step, each by output first: 1 − h², then f′."""
        if step not in self._slopes:
            self._slopes[step] = tuple(self._found_slopes(step))
        return self._slopes[step]

    def _found_slopes(self, step: Step | None) -> Iterator[Term]:
        for slope in self.slopes:
            if (slope.letter is None) != (step is None):
                continue
            letters = {}
            if slope.letter is not None and step is not None:
                letters = {slope.letter: step.plus(slope.offset, -1)}
            application = substituted(slope.application, letters)
            assert isinstance(application, Apply)
            output = application if slope.output is None else substituted(slope.output, letters)
            by_output = self._by_output(slope.application.function, output)
            if by_output is not None:
                yield by_output
            yield Apply(application.function, 1, application.argument)

    def _by_output(self, name: str, output: Term) -> Term | None:
        """Return a slope as a polynomial in the function's value, if it is one."""
        function = self._scene.source.function(name)
        slope = None if function is None else function.slope_from_output
        if slope is None or not slope.is_polynomial(OUTPUT):
            return None
        coefficients = [
            Fraction(int(c.p), int(c.q)) for c in Poly(slope, OUTPUT).all_coeffs()[::-1]
        ]
        if len(coefficients) != 3 or not coefficients[2]:
            return None
        constant, linear, square = coefficients
        if constant == 0 and linear == 1 and square == -1:
            inner = Sum(((1, Number(Fraction(1))), (-1, output)))
            return Chain((output, inner), (self._scene.elementwise,))
        if linear == 0 and square == -1:
            return Sum(((1, Number(constant)), (-1, Power(output, Step((), 2)))))
        return None


def _user_at(user: Symbol, used: Symbol, quantity: Symbol) -> Symbol | None:
    """Return a user at the step at which what it uses is the quantity."""
    if used.key != quantity.key:
        return None
    if used.time is None or quantity.time is None or user.time is None:
        return user if used.time is quantity.time is None else None
    letters = sorted(used.time.names)
    if len(letters) != 1 or letters[0] not in user.time.names:
        return None
    move = quantity.time.plus(used.time, -1).plus(Step.letter(letters[0]))
    return Symbol(user.name, user.time.replaced({letters[0]: move}))
