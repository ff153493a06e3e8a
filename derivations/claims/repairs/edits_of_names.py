"""Edits of names: another symbol, another loss, another argument, a factor that was forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from derivations.claims.repairs.edits_of_steps import Proposal, Why
from derivations.claims.repairs.graph import Graph
from derivations.claims.repairs.paths import Spot
from derivations.claims.repairs.scene import Scene
from derivations.claims.repairs.suggestions import Suggestions
from derivations.claims.steps import Step
from derivations.claims.terms import (
    Apply,
    Chain,
    Entry,
    Number,
    Partial,
    Power,
    Sum,
    Symbol,
    Term,
    Transposed,
)


class Names:
    """Edits that look at the source's names.

    Parameters
    ----------
    scene : Scene
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.graph = Graph(scene)
        self.suggestions = Suggestions(scene, self.graph)

    # Symbols

    def symbol_exchanged(self, spot: Spot, scene: Scene) -> Iterator[Proposal]:
        """Another symbol of the same shape, at a step of the claim."""
        term = spot.term
        if not isinstance(term, Symbol):
            return
        for other in scene.alike(term):
            for new in self._at_steps(other, term, spot):
                yield new, Why("{} belongs where {} stands.", (new, term))
        for new in self.graph.neighbours(term):
            yield new, Why("{} belongs where {} stands.", (new, term))

    def _at_steps(self, other: Symbol, term: Symbol, spot: Spot) -> Iterator[Symbol]:
        if other.time is None:
            yield other
        elif term.time is not None:
            yield replace(other, time=term.time)
        else:
            steps = dict.fromkeys((*self._steps_before(spot), self._scene.running))
            yield from (replace(other, time=step) for step in steps)

    def parameter_exchanged(self, spot: Spot, scene: Scene) -> Iterator[Proposal]:
        """The gradient by another parameter, whatever its shape."""
        meant = scene.expanded(spot.term)
        partial = next((piece for piece in meant.walk() if isinstance(piece, Partial)), None)
        if partial is None or not isinstance(partial.by, Symbol):
            return
        for other in scene.symbols:
            is_other = other.key not in (partial.by.key, *scene.source.definitions)
            if is_other and (other.time is None) == (partial.by.time is None):
                by = other if other.time is None else replace(other, time=partial.by.time)
                yield replace(partial, by=by), Why("This is the gradient of {}.", (by,))

    def loss_exchanged(self, spot: Spot, scene: Scene) -> Iterator[Proposal]:
        """The loss of one step where all of them stand, or the other way round."""
        term = spot.term
        if isinstance(term, Symbol):
            defined = self._scene.defined(term)
            if isinstance(defined, Partial):
                yield from self._other_losses(defined, spot)
        elif isinstance(term, Partial):
            yield from self._other_losses(term, spot)

    def _other_losses(self, partial: Partial, spot: Spot) -> Iterator[Proposal]:
        of, total = partial.of, self.graph.total
        if not isinstance(of, Symbol) or total is None or not self.graph.is_loss(of):
            return
        if of != total:
            yield replace(partial, of=total), Why("The total loss is meant, not that of one step.")
            return
        for step in dict.fromkeys((*self._scene.steps_near(spot), *self._scene.steps)):
            loss = self.graph.loss(step)
            if loss is not None:
                yield (
                    replace(partial, of=loss),
                    Why("The loss of one step is meant, not the total one."),
                )

    # Gradients

    def gradient_moved(self, spot: Spot, scene: Scene) -> Iterator[Proposal]:
        """The gradient at a function's argument for the one at its output, or back."""
        new = self._moved(spot.term)
        if new is not None:
            yield new

    def gradients_moved(self, spot: Spot, scene: Scene) -> Iterator[Proposal]:
        """The same for every gradient of a side."""
        if not spot.is_member or not isinstance(spot.term, Sum | Chain):
            return
        found = [new for piece in set(spot.term.walk()) for new in [self._moved(piece)] if new]
        if len(found) > 1:
            yield self._all_moved(spot.term), found[0][1]

    def _all_moved(self, term: Term) -> Term:
        new = self._moved(term)
        return new[0] if new is not None else term.mapped(self._all_moved)

    def _moved(self, term: Term) -> Proposal | None:
        partial = self._scene.defined(term) if isinstance(term, Symbol) else term
        if not isinstance(partial, Partial) or not isinstance(partial.by, Symbol):
            return None
        if not isinstance(partial.of, Symbol) or not self.graph.is_loss(partial.of):
            return None
        argument = self.graph.argument(partial.by)
        if argument is not None:
            why = Why("The gradient at {} is meant.", (argument,))
            return replace(partial, by=argument), why
        output = self.graph.output(partial.by)
        if output is None:
            return None
        why = Why("The gradient at {} is meant.", (output,))
        return replace(partial, by=output), why

    def derivative_turned(self, spot: Spot, scene: Scene) -> Iterator[Proposal]:
        """∂a/∂b for ∂b/∂a, and ∂⁺ for ∂."""
        term = spot.term
        if not isinstance(term, Partial):
            return
        if isinstance(term.of, Symbol) and isinstance(term.by, Symbol):
            yield replace(term, of=term.by, by=term.of), Why("The derivative is upside down.")
            if not self.graph.is_loss(term.of):
                immediate = replace(term, immediate=not term.immediate)
                yield immediate, Why("The derivative with everything else held fixed is meant.")

    # Functions

    def function_dropped(self, spot: Spot, scene: Scene) -> Iterator[Proposal]:
        """f(x) becomes x."""
        term = spot.term
        if isinstance(term, Apply) and term.function != "\\diag" and term.order == 0:
            yield term.argument, Why("The function is applied once too often.")

    def function_added(self, spot: Spot, scene: Scene) -> Iterator[Proposal]:
        """x becomes f(x), as the forward equations have it, or its square."""
        term = spot.term
        if not isinstance(term, Symbol) or spot.is_in_derivative or spot.is_in_argument:
            return
        if isinstance(spot.parent, Sum):
            yield Power(term, Step((), 2)), Why("The square of {} is meant.", (term,))
        for new in self.graph.slopes_at(term.time):
            if isinstance(new, Apply) and new.argument == term:
                made = replace(new, order=0)
                yield made, Why("{} belongs where {} stands.", (made, term))

    def difference_made(self, spot: Spot, scene: Scene) -> Iterator[Proposal]:
        """An output becomes its difference from what is given beside it, such as a target."""
        entry = spot.term
        term = entry.body if isinstance(entry, Entry) else entry
        if not isinstance(term, Symbol) or term.time is None or not spot.is_value:
            return
        if not self.graph.is_computed(term):
            return
        for other in scene.alike(term):
            if other.time is None or self.graph.is_computed(other):
                continue
            given: Term = replace(other, time=term.time)
            given = Entry(given, entry.indices) if isinstance(entry, Entry) else given
            if scene.is_alike(entry, given):
                yield Sum(((1, entry), (-1, given))), Why("The term {} is missing.", (given,))

    def slope_changed(self, spot: Spot, scene: Scene) -> Iterator[Proposal]:
        """f for f′ or f′ for f."""
        term = spot.term
        if isinstance(term, Apply) and term.function not in ("\\diag", "\\softmax"):
            if term.order == 0:
                yield replace(term, order=1), Why("The slope is meant, not the function.")
            else:
                yield (
                    replace(term, order=term.order - 1),
                    Why("The function is meant, not its slope."),
                )

    def argument_exchanged(self, spot: Spot, scene: Scene) -> Iterator[Proposal]:
        """What the forward equations apply the function to, at a step of the claim."""
        term = spot.term
        if not isinstance(term, Apply) or term.function == "\\diag":
            return
        for step in self._steps_around(spot):
            for new in self.graph.slopes_at(step):
                if (
                    isinstance(new, Apply)
                    and new.function == term.function
                    and new.argument != term.argument
                ):
                    why = Why("The slope of {} is meant.", (replace(new, order=0),))
                    yield replace(term, argument=new.argument), why

    def _steps_around(self, spot: Spot) -> list[Step | None]:
        own = [step.shifted(move) for step in self._scene.steps_near(spot) for move in (0, 1)]
        if not own and spot.bound:
            own = [Step.letter(letter) for letter in sorted(spot.bound)]
        return [*dict.fromkeys(own), None]

    # What is missing

    def slope_added(self, spot: Spot, scene: Scene) -> Iterator[Proposal]:
        """The slope of a function, entry by entry or as a diagonal matrix."""
        if not self._takes_factor(spot):
            return
        value = scene.value(spot.term)
        why = Why("The slope of the function is missing.")
        for step in self._steps_around(spot):
            for slope in self.graph.slopes_at(step):
                if scene.is_alike(spot.term, slope):
                    yield self._acted(spot.term, slope), why
                elif value is not None and value.is_matrix:
                    yield from self._scaled_matrix(spot.term, slope, why)

    def _acted(self, term: Term, factor: Term) -> Term:
        sign = self._scene.elementwise
        if isinstance(factor, Chain) and set(factor.signs) == {sign}:
            return Chain((term, *factor.factors), (sign, *factor.signs))
        return Chain((term, factor), (sign,))

    def _scaled_matrix(self, term: Term, slope: Term, why: Why) -> Iterator[Proposal]:
        matrix, vector = self._scene.value(term), self._scene.value(slope)
        if matrix is None or vector is None or not vector.is_vector:
            return
        diagonal, length = Apply("\\diag", 0, slope), max(vector.shape)
        if matrix.shape[0] == length:
            yield self._product(diagonal, term), why
        if matrix.shape[-1] == length:
            yield self._product(term, diagonal), why

    def _product(self, left: Term, right: Term) -> Chain:
        """Return a matrix product, without brackets that say nothing."""
        sign = self._scene.product
        factors: list[Term] = []
        for term in (left, right):
            factors += (
                term.factors if isinstance(term, Chain) and set(term.signs) == {sign} else [term]
            )
        return Chain(tuple(factors), (sign,) * (len(factors) - 1))

    def factor_added(self, spot: Spot, scene: Scene) -> Iterator[Proposal]:
        """A factor that the formula or the source has elsewhere."""
        if not self._takes_factor(spot):
            return
        for factor in self._factors:
            if factor != spot.term and scene.is_alike(factor, spot.term):
                yield self._acted(spot.term, factor), Why("The factor {} is missing.", (factor,))
        for matrix in self._matrices:
            if self._fits(matrix, spot.term):
                made = Chain((matrix, spot.term), (scene.product,))
                yield made, Why("The factor {} is missing.", (matrix,))
            if self._fits(spot.term, matrix):
                made = Chain((spot.term, matrix), (scene.product,))
                yield made, Why("The factor {} is missing.", (matrix,))

    def outer_product_made(self, spot: Spot, scene: Scene) -> Iterator[Proposal]:
        """A gradient by a matrix is an outer product: the other vector is missing."""
        whole, value = scene.value(scene.left), scene.value(spot.term)
        if not self._takes_factor(spot) or whole is None or value is None:
            return
        if not whole.is_matrix or not value.is_vector:
            return
        for symbol in scene.symbols:
            if symbol.key in scene.source.definitions or not scene.is_vector(symbol):
                continue
            for step in [None] if symbol.time is None else self._steps_before(spot):
                other = replace(symbol, time=step)
                pair = (
                    (Transposed(other), spot.term)
                    if scene.source.rows
                    else (
                        spot.term,
                        Transposed(other),
                    )
                )
                yield Chain(pair, (scene.product,)), Why("The factor {} is missing.", (other,))

    def _steps_before(self, spot: Spot) -> list[Step]:
        near = [step.shifted(move) for step in self._scene.steps_near(spot) for move in (0, -1)]
        return list(dict.fromkeys(near))

    def _takes_factor(self, spot: Spot) -> bool:
        is_whole_sum = isinstance(spot.term, Number | Sum) and spot.parent is None
        if not spot.is_value or is_whole_sum:
            return False
        return spot.is_member or isinstance(spot.parent, Chain | Transposed)

    @property
    def _factors(self) -> list[Term]:
        """Factors of the claim, and what the source defines."""
        found: dict[Term, None] = {}
        for piece in self._scene.right.walk():
            if isinstance(piece, Chain):
                found.update(dict.fromkeys(piece.factors))
        for symbol in self._scene.symbols:
            if symbol.key in self._scene.source.definitions:
                found[symbol] = None
        return [term for term in found if not isinstance(term, Number)]

    @property
    def _matrices(self) -> list[Term]:
        found: list[Term] = []
        for symbol in self._scene.symbols:
            value = self._scene.value(symbol)
            if symbol.time is None and value is not None and value.is_matrix:
                found += [symbol, Transposed(symbol)]
        return found

    def _fits(self, left: Term, right: Term) -> bool:
        one, other = self._scene.value(left), self._scene.value(right)
        if one is None or other is None or one.is_scalar or other.is_scalar:
            return False
        if one.is_tensor or other.is_tensor:
            return False
        if one.flexible or other.flexible:
            vector, matrix = (one, other) if one.flexible else (other, one)
            side = matrix.shape[0] if one.flexible else matrix.shape[1]
            return max(vector.shape) == side
        return one.shape[1] == other.shape[0]

    def term_added(self, spot: Spot, scene: Scene) -> Iterator[Proposal]:
        """A path that the graph has and the claim has not."""
        if spot.parent is not None:
            return
        have = set(spot.term.walk())
        for term in self.suggestions.terms:
            if term not in have:
                for sign in (1, -1):
                    yield _with_term(spot.term, sign, term), self._why_missing(term, sign)

    def _why_missing(self, term: Term, sign: int) -> Why:
        if sign < 0:
            return Why("The term {} is too many.", (term,))
        if (
            isinstance(term, Partial)
            and isinstance(term.of, Symbol)
            and self.graph.is_loss(term.of)
        ):
            return Why("The term of the local loss is missing.")
        return Why("The term {} is missing.", (term,))


def _with_term(side: Term, sign: int, term: Term) -> Sum:
    terms = side.terms if isinstance(side, Sum) else ((1, side),)
    return Sum((*terms, (sign, term)))
