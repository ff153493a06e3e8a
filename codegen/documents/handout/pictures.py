"""The sections with pictures: the unrolled network, and the functions with their slopes."""

from __future__ import annotations

from sympy import Expr, latex

from codegen.documents.document import Block, Figure, Paragraph, Section
from codegen.documents.drawing.curves import curves
from codegen.documents.drawing.unrolled import unrolled
from derivations.activations import ScalarFunction, x
from derivations.algebra import subexpressions
from derivations.expressions import Elementwise
from derivations.model import Model
from derivations.notation.latex import function_name
from derivations.slopes import SlopeBound, slope_bound


def graph_section(model: Model) -> Section:
    """Return the section with the computation graph."""
    return Section(
        "The network, unrolled",
        (
            Paragraph(
                "Unrolled in time, the network is one deep network whose layers share their "
                "parameters. Thick arrows lead from one step to another: an error can come back "
                "along each of them, and the sum over paths below has a term for every way through "
                "this graph."
            ),
            Figure(unrolled(model), "The computation graph, unrolled in time.", "graph"),
        ),
    )


def functions_section(model: Model) -> Section:
    """Return the section with the functions of a model, their slopes, and the bounds of these.

    Examples
    --------
    >>> from derivations import cell
    >>> section = functions_section(cell("rnn"))
    >>> print(section.blocks[0].text)
    The slope of $\\sigma$, which is tanh, is at most $1$ in size; it is so at $x = 0$.
    """
    blocks: list[Block] = []
    for name, function in bounded_functions(model):
        bound = slope_bound(function)
        blocks.append(Paragraph(_text(name, function.name, bound)))
        caption = f"The function ${name}$ and its slope; the dotted line is the bound of the slope."
        blocks.append(Figure(curves(name, function), caption, function.name))
    return Section("The functions and their slopes", tuple(blocks))


def bounded_functions(model: Model) -> tuple[tuple[str, ScalarFunction], ...]:
    """Return the elementwise functions of a model with their LaTeX names, each once.

    A function of which nothing is known, the identity, and one whose slope has no bound are left
    out.
    """
    found = {
        node.function: model.scope.function(node.function)
        for definition in model.definitions
        for node in subexpressions(definition.expression)
        if isinstance(node, Elementwise) and not node.order
    }
    return tuple(
        (function_name(name), function)
        for name, function in found.items()
        if function is not None
        and function.formula not in (None, x)
        and slope_bound(function).supremum.is_finite
    )


def _text(name: str, meaning: str, bound: SlopeBound) -> str:
    called = f"${name}$" if meaning in name else f"${name}$, which is {meaning},"
    text = f"The slope of {called} is at most ${_digits(bound.supremum)}$ in size"
    if bound.maximiser is None:
        return f"{text}; it comes as close to that as one likes, and never reaches it."
    return f"{text}; it is so at $x = {_digits(bound.maximiser)}$."


def _digits(value: Expr) -> str:
    """Return a number as LaTeX: a fraction as it is, anything else to four digits."""
    return str(latex(value)) if value.is_Rational else f"{float(value):.4f}"


__all__ = ["bounded_functions", "functions_section", "graph_section"]
