"""The table of edits: each a small generator, and what it may be combined with."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from derivations.claims.repairs import edits_of_path_sums as path_sums
from derivations.claims.repairs import edits_of_products as products
from derivations.claims.repairs import edits_of_steps as steps
from derivations.claims.repairs import edits_of_sums as sums
from derivations.claims.repairs.edits_of_names import Names
from derivations.claims.repairs.edits_of_steps import Proposal, Why
from derivations.claims.repairs.paths import Path, Spot, put, spots, text_growth, text_size
from derivations.claims.repairs.scene import Scene
from derivations.claims.terms import Term

Propose = Callable[[Spot, Scene], Iterator[Proposal]]

#: Edits that slip in together with others.
COMMON, RARE = True, False
#: Single edits of one side; a page of mathematics would have tens of thousands.
MOST_EDITS = 3000
#: Edits of the order of factors; two of them are no more than another order.
ORDERINGS = {"factors_swapped", "factor_moved", "layout_changed"}


@dataclass(frozen=True)
class Kind:
    """A kind of edit.

    Attributes
    ----------
    propose : callable
        Yields what may stand in place of a piece.
    is_common : bool
        Whether it is tried together with another edit.
    is_usual : bool
        Whether it is tried together with two others.
    size : int or None
        How much it changes, for what is one change that shows in many places.
    least : int
        How much it changes at least, where more than the text speaks against it.
    is_structural : bool
        Whether it rearranges a sum or a product, so that it may follow another such edit there.
    is_notational : bool
        Whether it only changes how a product is written, so that a wrong left side explains more.
    """

    propose: Propose
    is_common: bool = False
    is_usual: bool = False
    size: int | None = None
    least: int = 1
    is_structural: bool = False
    is_notational: bool = False

    def measured(self, old: Term, new: Term) -> int:
        """Return how much an edit changes."""
        return self.size or max(self.least, text_size(old, new))

    def undoes(self, other: Kind) -> bool:
        """Tell whether two edits together are one of them, or only write a side anew."""
        names = {self.propose.__name__, other.propose.__name__}
        return names == {"term_added", "term_dropped"} or names <= ORDERINGS


@dataclass(frozen=True)
class Edit:
    """A piece of a side, and what takes its place.

    Attributes
    ----------
    path : tuple of int
    old, new : Term
    why : Why
    size, growth : int
        How much of the text changes, and how much longer it becomes.
    kind : Kind
    before : Edit or None
        The edit that made what this one edits.
    """

    path: Path
    old: Term
    new: Term
    why: Why
    size: int
    growth: int
    kind: Kind
    before: Edit | None = None

    def applied(self, side: Term) -> Term:
        return put(side, self.path, self.new)

    def after(self, other: Edit) -> Edit:
        """Return the edit as one of what another edit made."""
        return replace(self, before=other)

    def is_on(self, other: Edit) -> bool:
        return self.before is other


def kinds(names: Names) -> tuple[Kind, ...]:
    """Return every kind of edit, the most usual first."""
    return (
        Kind(products.transpose_dropped, COMMON, is_usual=True, is_notational=True),
        Kind(products.transpose_added, COMMON, is_notational=True),
        Kind(products.factors_swapped, COMMON, is_structural=True, is_notational=True),
        Kind(steps.step_shifted, COMMON),
        Kind(products.grouped, COMMON, is_structural=True, is_notational=True),
        Kind(products.sign_exchanged, COMMON, is_structural=True, is_notational=True),
        Kind(sums.bracket_widened, COMMON, is_structural=True),
        Kind(sums.bracket_narrowed, COMMON, least=2, is_structural=True),
        Kind(sums.sign_turned, COMMON, is_structural=True),
        Kind(steps.range_moved, COMMON),
        Kind(steps.letter_bound, COMMON, size=2),
        Kind(sums.sum_added, COMMON),
        Kind(steps.indices_swapped, COMMON),
        Kind(path_sums.sum_extended, COMMON, size=2),
        Kind(path_sums.paths_summed, COMMON, size=3),
        Kind(products.diagonal_made, COMMON, is_usual=True, is_structural=True, is_notational=True),
        Kind(products.factor_moved, COMMON, least=2, is_structural=True),
        Kind(names.symbol_exchanged, COMMON, least=2),
        Kind(names.loss_exchanged, COMMON),
        Kind(names.gradient_moved, COMMON),
        Kind(names.slope_added, COMMON),
        Kind(names.function_dropped, COMMON),
        Kind(names.function_added, COMMON),
        Kind(products.factor_dropped, COMMON, size=2, is_structural=True),
        Kind(sums.term_dropped, COMMON, size=2, is_structural=True),
        Kind(names.term_added, COMMON, size=3, is_structural=True),
        Kind(
            products.layout_changed,
            COMMON,
            is_usual=True,
            size=2,
            is_structural=True,
            is_notational=True,
        ),
        Kind(names.argument_exchanged, COMMON, is_usual=True),
        Kind(steps.steps_shifted_together, COMMON, is_usual=True, size=2, is_structural=True),
        Kind(products.diagonals_made, COMMON, size=2, is_notational=True),
        Kind(products.vectors_multiplied, RARE, size=2, is_notational=True),
        Kind(products.factors_dropped, RARE, size=4),
        Kind(products.operator_exchanged, RARE),
        Kind(products.transposes_dropped, RARE),
        Kind(products.order_reversed, RARE),
        Kind(products.ungrouped, RARE),
        Kind(products.diagonal_dropped, RARE),
        Kind(steps.step_replaced, RARE),
        Kind(steps.repeated_symbol_shifted, COMMON, size=2),
        Kind(steps.order_of_time, RARE),
        Kind(sums.sum_dropped, RARE),
        Kind(sums.step_summed, RARE, size=3),
        Kind(products.factor_handed_over, RARE, size=3),
        Kind(products.power_added, RARE),
        Kind(sums.scaled, RARE, least=3),
        Kind(names.gradients_moved, RARE, size=4),
        Kind(names.derivative_turned, RARE),
        Kind(names.slope_changed, RARE),
        Kind(names.factor_added, RARE),
        Kind(names.outer_product_made, RARE),
        Kind(names.difference_made, RARE, least=3),
    )


def uniform_kinds() -> tuple[Kind, ...]:
    """Return the edits of all factors of a side at once."""
    return Kind(products.vectors_multiplied), Kind(products.diagonals_made)


def edits(side: Term, scene: Scene, table: tuple[Kind, ...]) -> list[Edit]:
    """Return every single edit of a side, those that change least first."""
    made = (edit for spot in spots(side) for edit in edits_at(spot, scene, table))
    found = list(itertools.islice(made, MOST_EDITS))
    places = {kind: place for place, kind in enumerate(table)}
    return sorted(found, key=lambda edit: (edit.size, edit.growth, places[edit.kind]))


def edits_at(spot: Spot, scene: Scene, table: tuple[Kind, ...]) -> list[Edit]:
    """Return every edit of one piece."""
    return [
        Edit(
            spot.path,
            spot.term,
            new,
            why,
            kind.measured(spot.term, new),
            text_growth(spot.term, new),
            kind,
        )
        for kind in table
        for new, why in kind.propose(spot, scene)
        if new != spot.term
    ]
