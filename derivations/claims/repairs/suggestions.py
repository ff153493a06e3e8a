"""Terms that the graph suggests for a derivative: one a path, one a use, one a factor.

They serve two edits: a missing term is added, and where nothing smaller holds the right side is
written anew. All of them are guesses; the judge decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from derivations.claims.repairs.edits_of_steps import Why
from derivations.claims.repairs.graph import Graph
from derivations.claims.repairs.scene import Scene
from derivations.claims.steps import Step
from derivations.claims.terms import (
    Apply,
    Chain,
    Partial,
    Series,
    Sum,
    Symbol,
    Term,
    Transposed,
    substituted,
)

#: Letters for a sum or a product that the claim does not have.
_LETTERS = ("k", "s", "j", "i", "l", "m")


class Suggestions:
    """What the right side of a derivative may be made of.

    Parameters
    ----------
    scene : Scene
    graph : Graph
    """

    def __init__(self, scene: Scene, graph: Graph) -> None:
        self._scene = scene
        self._graph = graph
        self._partial = self._meant(scene.left)

    def _meant(self, left: Term) -> Partial | None:
        """Return the derivative that the left side is, or stands for."""
        if isinstance(left, Transposed):
            left = left.body
        if isinstance(left, Symbol):
            left = self._scene.defined(left) or left
        return left if isinstance(left, Partial) else None

    # One term

    @cached_property
    def terms(self) -> list[Term]:
        """Every single term that may be missing."""
        found: dict[Term, None] = {}
        partial = self._partial
        if partial is None or not isinstance(partial.of, Symbol):
            return []
        by = partial.by
        if isinstance(by, Symbol):
            if self._graph.is_loss(partial.of):
                for term in self._gradient_terms(partial.of, by):
                    found[term] = None
            else:
                for term in self._jacobian_terms(partial.of, by):
                    found[term] = None
        return [term for term in found if not self._graph.is_zero(term)]

    def _gradient_terms(self, loss: Symbol, by: Symbol) -> Iterator[Term]:
        own = self._graph.loss(by.time)
        if own is not None and loss.time is None:
            yield Partial(own, by)
        for user in self._graph.users(by):
            yield from self._through(loss, user, by)

    def _through(self, of: Symbol, user: Symbol, by: Symbol) -> Iterator[Term]:
        """∂L/∂u ∂u/∂q, with the total and with the immediate derivative."""
        for immediate in (False, True):
            yield self._product(Partial(of, user), Partial(user, by, immediate))

    def _product(self, *factors: Term) -> Term:
        return Chain(factors, (self._scene.product,) * (len(factors) - 1))

    def _jacobian_terms(self, of: Symbol, by: Symbol) -> Iterator[Term]:
        """∂⁺u/∂w ∂w/∂v for everything w that u is computed from."""
        right = self._graph.equation(of)
        if right is None:
            return
        for piece in dict.fromkeys(p for p in right.walk() if isinstance(p, Symbol)):
            if piece == by:
                yield Partial(of, by, immediate=True)
            elif piece.time is not None:
                for immediate in (False, True):
                    yield self._product(Partial(of, piece, immediate), Partial(piece, by))
                for factor in self._partners(right, piece):
                    diagonal = Apply("\\diag", 0, factor)
                    yield self._product(diagonal, Partial(piece, by))

    def _partners(self, right: Term, piece: Symbol) -> Iterator[Term]:
        """Yield what multiplies a quantity entry by entry in an equation."""
        for term in right.walk():
            if not isinstance(term, Chain) or piece not in term.factors:
                continue
            if len(term.factors) == 2 and self._scene.is_elementwise(term.signs[0]):
                yield term.factors[1 - term.factors.index(piece)]

    # The whole right side

    def rewritten(self) -> Iterator[tuple[Term, Why]]:
        """Yield right sides that are written anew, the ones that say most first."""
        partial = self._partial
        if partial is None or not isinstance(partial.of, Symbol):
            return
        of, by = partial.of, partial.by
        if not isinstance(by, Symbol):
            return
        if self._graph.is_loss(of):
            for stage, text in (
                (self._by_parameter, "The gradient of a parameter is the sum over all its uses."),
                (self._over_steps, "The Jacobians of all steps stand between the loss and {}."),
                (self._over_users, "This is the sum over everything that is computed from {}."),
            ):
                for right in stage(of, by):
                    yield right, Why(text, (by,))
        else:
            for right in self._jacobians(of, by):
                yield right, Why("This is the derivative that the forward equations give.")

    def _over_users(self, loss: Symbol, by: Symbol) -> Iterator[Term]:
        """One path for every user, and the loss of the same step where it looks at q itself."""
        users = self._graph.users(by)
        own = self._graph.loss(by.time)
        local = [] if own is None or loss.time is not None else [Partial(own, by)]
        later = [user for user in users if user.time != by.time]
        for immediate in (False, True):
            paths = [self._path(loss, user, by, immediate) for user in users]
            late = [self._path(loss, user, by, immediate) for user in later]
            for terms in (paths, [*local, *paths], [*local, *late]):
                kept = [term for term in terms if not self._graph.is_zero(term)]
                if kept:
                    yield _sum(kept)

    def _path(self, loss: Symbol, user: Symbol, by: Symbol, immediate: bool) -> Term:
        return self._product(Partial(loss, user), Partial(user, by, immediate))

    def _over_steps(self, loss: Symbol, by: Symbol) -> Iterator[Term]:
        """With a loss at the last step only: one product of Jacobians up to there."""
        if by.time is None or not self._scene.source.is_last_only:
            return
        letter = self._fresh()
        step = Step.letter(letter)
        factor = Partial(Symbol(by.name, step), Symbol(by.name, step.shifted(-1)))
        product = Series("product", letter, by.time.shifted(1), Step.letter("T"), factor)
        last = Symbol(by.name, Step.letter("T"))
        yield self._product(Partial(loss, last), product)
        own = self._graph.loss(Step.letter("T"))
        if own is not None:
            yield self._product(Partial(own, last), product)

    def _fresh(self) -> str:
        taken = {
            letter
            for side in (self._scene.left, self._scene.right)
            for p in side.walk()
            for letter in p.letters
        }
        return next(letter for letter in _LETTERS if letter not in taken)

    # Parameters

    def _by_parameter(self, loss: Symbol, weight: Symbol) -> Iterator[Term]:
        users = self._graph.users(weight) if weight.time is None else []
        if not users:
            return
        outer = [self._outer(loss, user, weight) for user in users]
        if all(term is not None for term in outer):
            yield self._summed(loss, _sum([term for term in outer if term is not None]))
        paths = [
            self._product(Partial(loss, user), Partial(user, weight, immediate=True))
            for user in users
        ]
        yield self._summed(loss, _sum(paths))

    def _summed(self, loss: Symbol, body: Term) -> Term:
        """Sum over all steps, or for the loss of one step over those before it."""
        running = self._scene.running.lone
        assert running is not None
        if running not in body.letters:
            return body
        if loss.time is None:
            return Series("sum", running, None, None, body)
        letter = self._fresh()
        inner = _counted_by(body, {running: Step.letter(letter)}, loss)
        return Series("sum", letter, self._scene.first, loss.time, inner)

    def _outer(self, loss: Symbol, user: Symbol, weight: Symbol) -> Term | None:
        """∂L/∂u vᵀ for u = W v + …, with the slope for u = f(W v + …)."""
        right = self._graph.equation(user)
        gradient: Term = Partial(loss, user)
        if isinstance(right, Apply) and right.order == 0:
            slope = next(iter(self._slopes_of(user)), None)
            if slope is None:
                return None
            gradient = Chain((gradient, slope), (self._scene.elementwise,))
            right = right.argument
        if right is None:
            return None
        members = [term for _, term in right.terms] if isinstance(right, Sum) else [right]
        for member in members:
            made = self._outer_of(gradient, member, weight)
            if made is not None:
                return made
        return None

    def _slopes_of(self, user: Symbol) -> Iterator[Term]:
        """Yield the ways to write the slope of the function that gives a quantity."""
        right = self._graph.equation(user)
        if not isinstance(right, Apply):
            return
        exact = self._scene.value(Apply(right.function, 1, right.argument))
        for slope in self._graph.slopes_at(user.time):
            value = self._scene.value(slope)
            if value is None or exact is None or value.shape != exact.shape:
                continue
            if (value.dual.value == exact.dual.value).all():
                yield slope

    def _outer_of(self, gradient: Term, member: Term, weight: Symbol) -> Term | None:
        if member == weight:
            return gradient
        if not isinstance(member, Chain) or len(member.factors) != 2:
            return None
        if any(self._scene.is_elementwise(sign) for sign in member.signs):
            return None
        first, second = member.factors
        if first == weight:
            return self._product(gradient, _transposed(second))
        if second == weight:
            return self._product(_transposed(first), gradient)
        return None

    # Jacobians

    def _jacobians(self, of: Symbol, by: Symbol) -> Iterator[Term]:
        right = self._graph.equation(of)
        if isinstance(right, Apply) and right.order == 0:
            yield from self._of_function(of, right, by)
        if of.key == by.key and of.time and by.time and of.time.plus(by.time, -1).letters:
            letter = self._fresh()
            step = Step.letter(letter)
            factor = Partial(Symbol(of.name, step), Symbol(by.name, step.shifted(-1)))
            yield Series("product", letter, by.time.shifted(1), of.time, factor)
        terms = [term for term in self._jacobian_terms(of, by) if not self._graph.is_zero(term)]
        plain = [t for t in terms if not _is_diagonal(t)]
        for immediate in (True, False):
            chosen = [t for t in plain if _is_immediate(t) == immediate or isinstance(t, Partial)]
            if chosen:
                yield _sum(chosen)

    def _of_function(self, of: Symbol, right: Apply, by: Symbol) -> Iterator[Term]:
        if right.function == "\\softmax" and right.argument == by:
            square = self._product(of, Transposed(of))
            yield Sum(((1, Apply("\\diag", 0, of)), (-1, square)))
        for slope in self._slopes_of(of):
            diagonal = Apply("\\diag", 0, slope)
            if right.argument == by:
                yield diagonal
            for weight in self._weights(right.argument, by):
                yield self._product(diagonal, weight)
            if isinstance(right.argument, Symbol) and right.argument != by:
                yield self._product(diagonal, Partial(right.argument, by))

    def _weights(self, argument: Term, by: Symbol) -> Iterator[Term]:
        """Yield the matrix before a quantity in an argument that is linear in it."""
        if isinstance(argument, Symbol):
            argument = self._graph.equation(argument) or argument
        for piece in argument.walk():
            if isinstance(piece, Chain) and len(piece.factors) == 2:
                if piece.factors[1] == by:
                    yield piece.factors[0]
                elif piece.factors[0] == by:
                    yield _transposed(piece.factors[1])


def _sum(terms: list[Term]) -> Term:
    return terms[0] if len(terms) == 1 else Sum(tuple((1, term) for term in terms))


def _transposed(term: Term) -> Term:
    return term.body if isinstance(term, Transposed) else Transposed(term)


def _counted_by(term: Term, letters: dict[str, Step], fixed: Term) -> Term:
    """Count the steps of a path by another letter; the loss keeps its own."""
    if term == fixed:
        return term
    if isinstance(term, Symbol):
        return substituted(term, letters)
    return term.mapped(lambda child: _counted_by(child, letters, fixed))


def _is_immediate(term: Term) -> bool:
    return any(isinstance(p, Partial) and p.immediate for p in term.walk())


def _is_diagonal(term: Term) -> bool:
    return any(isinstance(p, Apply) and p.function == "\\diag" for p in term.walk())
