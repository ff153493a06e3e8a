"""GradientBounds → the inequalities as rows, and what follows from them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from string import ascii_lowercase

from sympy import Expr, Integer, floor

from codegen.documents.document import Block, Display, Paragraph, Row
from codegen.documents.handout.flow.slopes import functions_met
from codegen.documents.handout.pictures import bounded_functions
from derivations.derivation import Derivation
from derivations.expressions import is_scalar
from derivations.model import Model
from derivations.norms import number_latex
from derivations.slopes import slope_bound
from derivations.stability import GradientBounds, Inequality, inequalities, with_evidence

#: A bound with more terms is written once, and has a sign where it comes again.
MOST_TERMS = 3
#: A number without a short form is shown to this part of one.
DIGITS = Integer(10**4)
_TRIES = re.compile(r"\d+")


def tried(bounds: GradientBounds, model: Model) -> tuple[Inequality, ...]:
    """Return the inequalities of a model, each with what was found among random networks.

    Raises
    ------
    ProofError
        When a random network violates one.

    Examples
    --------
    >>> from derivations import cell
    >>> from derivations.stability import gradient_bounds
    >>> model = cell("diagonal")
    >>> tried(gradient_bounds(model), model)[0].evidence
    'no counterexample in 1120 tries'
    """
    return tuple(with_evidence(one, model, search=False) for one in inequalities(bounds))


def bounds_blocks(
    derivation: Derivation, bounds: GradientBounds, found: Sequence[Inequality]
) -> tuple[Block, ...]:
    """Return the product, its bounds as they were tried, and what follows from them.

    Examples
    --------
    >>> from derivations import cell, derive
    >>> from derivations.stability import gradient_bounds
    >>> rnn = derive(cell("rnn"))
    >>> bounds = gradient_bounds(rnn.model)
    >>> blocks = bounds_blocks(rnn, bounds, tried(bounds, rnn.model))
    >>> [row.label for block in blocks if isinstance(block, Display) for row in block.rows]
    ['(a)', '(b)']
    """
    return (
        Paragraph(_introduction(derivation)),
        *_displayed(bounds, found),
        Paragraph(_evidence(found)),
        Paragraph(consequence(bounds), lead="What follows."),
    )


def _introduction(derivation: Derivation) -> str:
    product = next((e for e in derivation.equations if e.topic == "product"), None)
    proven = f", by equation ({product.number})" if product is not None else ""
    return (
        "An error that comes back from one step to another is multiplied by the Jacobians of all "
        f"steps between{proven}. How much such a product can stretch an error is its spectral "
        "norm: $\\left\\|A\\right\\|_2$ is the largest singular value of $A$. Where the norm goes "
        "to zero with the number of steps, the gradient vanishes: what lies far back has no share "
        "in it. Where the norm grows with them, the gradient explodes (Bengio, Simard, Frasconi "
        "1994)."
    )


def _displayed(bounds: GradientBounds, found: Sequence[Inequality]) -> Iterator[Block]:
    """Yield the inequalities under their reasons, each reason once."""
    labels = iter(_labels(len(found)))
    for reason in dict.fromkeys(one.reason for one in found):
        alike = [one for one in found if one.reason == reason]
        is_of_step = alike[0] is found[0]
        yield Paragraph(reason + (_slopes(bounds) if is_of_step else ""))
        shown = [_short(bounds, one) for one in alike]
        yield Display(tuple(_row(one, next(labels)) for one in shown))
        if shown != alike:
            yield Paragraph(
                f"Here $\\beta_{{{_step(shown[0])}}}$ is the bound of a step, which stands in (a)."
            )
        elif any("\\beta" in one.sides[-1] for one in shown):
            yield Paragraph(
                f"Here $\\beta_{{{_step(alike[0])}}}$ is the largest singular value of the matrix "
                "that has, for each pair of parts of the state, the bound of the block above: $0$ "
                "where one part does not act on the other, and $1$ where it only moves on."
            )
    if bounds.carries:
        yield Paragraph(f"{_ONLY_WAY if is_only_carried(bounds) else _ONE_WAY} {_CARRIED}")


def _short(bounds: GradientBounds, one: Inequality) -> Inequality:
    """Return an inequality of many steps with a sign for the bound of one, where that is long."""
    is_long = len(bounds.blocks[0].bound.terms) > MOST_TERMS
    if "\\prod" not in one.sides[-1] or "\\beta" in one.sides[-1] or not is_long:
        return one
    *others, last = one.sides
    if "\\left(" not in last:
        return one
    product = last.partition("\\left(")[0]
    running = re.findall(r"\\prod_\{(\w)=", product)[0]
    return replace(one, sides=(*others, f"{product}\\beta_{running}"))


def _labels(count: int) -> list[str]:
    return [f"({ascii_lowercase[i]})" if i < 26 else f"({i + 1})" for i in range(count)]


def _step(one: Inequality) -> str:
    match = re.search(r"\\beta_(\w)", one.sides[-1])
    assert match is not None
    return match[1]


def _row(one: Inequality, label: str) -> Row:
    return Row(
        one.sides,
        ("\\le",) * (len(one.sides) - 1),
        one.conditions,
        "numeric" if one.evidence else "",
        label=label,
    )


def _slopes(bounds: GradientBounds) -> str:
    """Return the bounds of the slopes that meet an error; the section on functions shows them."""
    met = functions_met(bounds)
    said = []
    for name, function in bounded_functions(bounds.model):
        if name in met:
            shown = number_latex(slope_bound(function).supremum)
            said.append(f" The slope of ${name}$ is bounded by $\\gamma = {shown}$ (see above).")
    return "".join(said)


def _evidence(found: Sequence[Inequality]) -> str:
    tries = sum(int(_TRIES.findall(one.evidence)[0]) for one in found if one.evidence)
    said = "These inequalities follow from the equations."
    if not tries:
        return said
    return (
        f"{said} What is marked ≈ was also looked at in random networks: none of ${tries}$ tries "
        "violates it."
    )


_ONE_WAY = "This is one way among others, from entry to entry past all matrices."
_ONLY_WAY = "This is the only way here, from entry to entry past all matrices."
_CARRIED = (
    "Where its factors are near $1$, an error comes back along it almost as it was, over many "
    "steps; where they are $\\frac{1}{2}$, it is halved at each step."
)


def is_only_carried(bounds: GradientBounds) -> bool:
    """Tell whether a state is handed on entry by entry, and in no other way.

    Examples
    --------
    >>> from derivations import cell
    >>> from derivations.stability import gradient_bounds
    >>> [is_only_carried(gradient_bounds(cell(name))) for name in ("diagonal", "leaky")]
    [True, False]
    """
    return (
        len(bounds.blocks) == 1
        and len(bounds.carries) == 1
        and len(bounds.blocks[0].bound.terms) == 1
    )


def consequence(bounds: GradientBounds) -> str:
    """Return what follows from the bound of a step, for gradients over many.

    Examples
    --------
    >>> from derivations import cell
    >>> from derivations.stability import gradient_bounds
    >>> "$\\\\sigma_1 < 4$" in consequence(gradient_bounds(cell("rnn", "sigmoid")))
    True
    """
    [*others, last] = bounds.blocks
    bound = last.bound
    if others or len(bounds.state.members) > 1 or not bounds.is_uniform:
        return _of_steps(bounds)
    if not bound.norms:
        return _of_number(bound.terms.get((), Integer(0)))
    has_slopes, has_directions = bool(functions_met(bounds)), not _acts_alone(bounds)
    if not (has_slopes or has_directions):
        return (
            f"The Jacobians of all steps are one diagonal matrix, and their bound is their norm: "
            f"gradients vanish if and only if ${bound.latex} < 1$, and explode if and only if "
            f"${bound.latex} > 1$."
        )
    if len(bound.terms) == 1 and len(bound.norms) == 1 and bound.norms[0].kind == "2":
        [factor] = bound.terms.values()
        norm, limit = bound.norms[0].latex, _rounded_down(1 / factor)
        said = (
            f"Since ${norm}$ is the largest singular value $\\sigma_1$ of the matrix, gradients "
            f"vanish where $\\sigma_1 < {limit}$: this is sufficient. For gradients to explode, "
            f"$\\sigma_1 > {limit}$ is necessary."
        )
    else:
        said = (
            f"Gradients vanish where ${bound.latex} < 1$: this is sufficient. For gradients to "
            f"explode, ${bound.latex} > 1$ is necessary."
        )
    return f"{said} {_GAPS[has_slopes, has_directions]} (Pascanu, Mikolov, Bengio 2013)."


#: Why a bound above 1 is not sufficient: by slopes, and by directions.
_GAPS = {
    (True, True): "It is not sufficient: slopes may stay below their bound, and what one step "
    "stretches most is not what the next one stretches most",
    (True, False): "It is not sufficient: slopes may stay below their bound",
    (False, True): "It is not sufficient: what one step stretches most is not what the next one "
    "stretches most",
}


def _acts_alone(bounds: GradientBounds) -> bool:
    """Tell whether each entry of the state acts on itself alone."""
    return is_only_carried(bounds) or is_scalar(bounds.state.quantity)


def _rounded_down(limit: Expr) -> str:
    """Return a limit that is sufficient still, and necessary still, where it has no short form."""
    if limit.is_Rational:
        return number_latex(limit)
    return f"{float(floor(limit * DIGITS) / DIGITS):.4f}"


def _of_steps(bounds: GradientBounds) -> str:
    """Return what follows where the bound changes from step to step, or has several parts."""
    said = (
        "Gradients vanish where the bound of a step stays below some number less than $1$ at all "
        "steps: this is sufficient. For gradients to explode, the bound must exceed $1$ again and "
        "again: this is necessary, and not sufficient (Pascanu, Mikolov, Bengio 2013)."
    )
    if any(one.bound.terms.get((), Integer(0)) >= 1 for one in bounds.blocks):
        said += (
            " Here the bound is never less than $1$, for a part of an error may pass a step as it "
            "is: whether gradients vanish is left open, and has to be measured."
        )
    return said


def _of_number(bound: Expr) -> str:
    """Return what follows from a bound in which no parameter stands."""
    said = f"The bound of a step is ${number_latex(bound)}$ for all parameters"
    if bound < 1:
        return f"{said}: gradients vanish."
    return f"{said}: no gradient explodes." if bound == 1 else f"{said}, and leaves both open."


__all__ = ["bounds_blocks", "consequence", "is_only_carried", "tried"]
