"""The section on vanishing and exploding gradients."""

from __future__ import annotations

from codegen.documents.document import Block, Section
from codegen.documents.handout.flow.bounds import bounds_blocks, tried
from codegen.documents.handout.flow.linear import linear_blocks
from codegen.documents.handout.flow.measured import measured_blocks
from codegen.documents.handout.flow.study import study_of
from derivations.derivation import Derivation
from derivations.errors import UnsupportedError
from derivations.stability import gradient_bounds

TITLE = "Vanishing and exploding gradients"


def flow_section(derivation: Derivation) -> Section:
    """Return the section: the product, its bounds, what is measured, and the remedies.

    It is empty for a model whose Jacobians make no product of their own: without a state, or with
    one that comes back from the other direction of time.

    Examples
    --------
    >>> from derivations import cell, derive
    >>> section = flow_section(derive(cell("rnn")))
    >>> [block.name for block in section.blocks if hasattr(block, "drawing")]
    ['flow-norms', 'flow-shares', 'flow-remedies']
    """
    try:
        bounds = gradient_bounds(derivation.model)
    except UnsupportedError:
        return Section(TITLE, ())
    study = study_of(derivation)
    rows = tried(bounds, derivation.model)
    blocks: tuple[Block, ...] = (*bounds_blocks(derivation, bounds, rows), *linear_blocks())
    return Section(TITLE, blocks + (measured_blocks(study) if study is not None else ()))


__all__ = ["TITLE", "flow_section"]
