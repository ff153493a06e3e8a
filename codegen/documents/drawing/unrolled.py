"""The unrolled computation graph of any model, drawn from its equations."""

from __future__ import annotations

from sympy import Expr

from codegen.documents.drawing import Drawing
from codegen.documents.drawing.frame import HEIGHT, WIDTH
from codegen.documents.drawing.picture import Picture
from codegen.documents.drawing.step import essential, step_of
from derivations.errors import EmitError
from derivations.expressions import T, t
from derivations.model import Model

MOST_STEPS = 3


def unrolled(model: Model) -> Drawing:
    r"""Return the computation graph of a network, unrolled over a few steps.

    Three steps are drawn where they fit the page, otherwise two, or one; where that is still too
    large, what is computed on the way to a state or to the loss is left out.

    Raises
    ------
    EmitError
        When the graph does not fit the page.

    Examples
    --------
    >>> from codegen.documents.drawing import Box
    >>> model = Model.read("h_t = tanh(W h_{t-1} + U x_t)\nE_t depends on h_t")
    >>> [box.label for box in unrolled(model).items if isinstance(box, Box) and box.label][:3]
    ['x_{t-1}', 'h_{t-1}', 'E_{t-1}']
    """
    step = step_of(model)
    for graph in (step, essential(step)):
        for columns in range(MOST_STEPS, 0, -1):
            for apart in (True, False):
                picture = Picture(graph, _times(model, columns), apart, model.is_last_only)
                frame = picture.frame
                if frame.width <= WIDTH and frame.height <= HEIGHT:
                    return Drawing(frame.width, frame.height, picture.items, "")
    raise EmitError(
        "The computation graph is too large for a page.",
        hint="Use fewer states, or shorter names.",
    )


def _times(model: Model, columns: int) -> tuple[Expr, ...]:
    """Return the last steps where only the last loss counts, otherwise steps around t."""
    last = columns - 1
    first = T - last if model.is_last_only else t - min(1, last)
    return tuple(first + column for column in range(columns))


__all__ = ["unrolled"]
