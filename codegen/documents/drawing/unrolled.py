"""The unrolled computation graph of any model, drawn from its equations."""

from __future__ import annotations

from collections.abc import Iterable

from sympy import Expr

from codegen.documents.drawing import Drawing
from codegen.documents.drawing.frame import HEIGHT, WIDTH
from codegen.documents.drawing.picture import Picture
from codegen.documents.drawing.step import Use, essential, step_of
from derivations.errors import EmitError
from derivations.expressions import T, t
from derivations.model import Model
from derivations.notation.names import at_time, show_time

MOST_STEPS = 3


def unrolled(model: Model) -> Drawing:
    r"""Return the computation graph of a network, unrolled over a few steps.

    Three steps are drawn where they fit the page, otherwise two, or one; where that is still too
    large, what is computed on the way to a state or to the loss is left out.

    Raises
    ------
    BpttError
        When the model is incomplete, or the graph does not fit the page.

    Examples
    --------
    >>> from codegen.documents.drawing import Box
    >>> model = Model.read("h_t = tanh(W h_{t-1} + U x_t)\nE_t depends on h_t")
    >>> [box.label for box in unrolled(model).items if isinstance(box, Box) and box.label][:3]
    ['x_{t-1}', 'h_{t-1}', 'E_{t-1}']
    """
    if model.refusal is not None:
        raise model.refusal
    step = step_of(model)
    for graph in (step, essential(step)):
        for columns in range(MOST_STEPS, 0, -1):
            for apart in (True, False):
                picture = Picture(graph, _times(model, columns), apart, model.is_last_only)
                width, height = round(picture.frame.width, 2), round(picture.frame.height, 2)
                if width <= WIDTH and height <= HEIGHT:
                    return Drawing(width, height, picture.items, _description(model, picture))
    raise EmitError(
        "The computation graph is too large for a page.",
        hint="Use fewer states, or shorter names.",
    )


def _times(model: Model, columns: int) -> tuple[Expr, ...]:
    """Return the last steps where only the last loss counts, otherwise steps around t."""
    last = columns - 1
    first = T - last if model.is_last_only else t - min(1, last)
    return tuple(first + column for column in range(columns))


def _description(model: Model, picture: Picture) -> str:
    """Say in words what the picture shows."""
    nodes = picture.step.nodes
    given = [at_time(node.name, t) for node in nodes if node.fill == "input"]
    computed = [at_time(node.name, t) for node in nodes if node.fill != "input"]
    takes = f"takes {_listed(given)} and " if given else ""
    said = [
        f"The network unrolled over the steps {_listed(map(show_time, picture.times))}.",
        f"Each step {takes}computes {_listed(computed)}.",
        f"Thin lines lead within a step: {_listed(map(_arrow, picture.step.within))}.",
    ]
    if picture.step.between:
        arrows = _listed(map(_arrow, picture.step.between))
        said.append(f"Thick lines lead from step to step: {arrows}.")
    if model.is_last_only:
        said.append("Only the loss of the last step counts.")
    if len(nodes) < len(step_of(model).nodes):
        said.append("What is computed on the way is left out.")
    return " ".join(said)


def _arrow(use: Use) -> str:
    return f"{at_time(use.used, t - use.lag)} \\to {at_time(use.user, t)}"


def _listed(formulas: Iterable[str]) -> str:
    *others, last = (f"${formula}$" for formula in formulas)
    return f"{', '.join(others)} and {last}" if others else last


__all__ = ["unrolled"]
