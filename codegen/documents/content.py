"""What every document says of a derivation: symbols, conventions, and how it was proven.

Prose is text with ``$`` around formulas, as in `Equation.reason`; each format shows it in its way.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from sympy import MatrixExpr

from derivations.derivation import Derivation, Equation
from derivations.errors import EmitError
from derivations.expressions import Quantity, t
from derivations.model import Model
from derivations.notation.latex import latex, show_size
from derivations.proof.arithmetic import DIGITS

#: The categories of characters that steer a terminal or a typesetter instead of being shown.
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


@dataclass(frozen=True)
class Symbol:
    """A symbol of the derivation.

    Attributes
    ----------
    latex : str
        With its time, if it carries one.
    shape : tuple of str
        Rows and columns.
    role : str
        One of ``state``, ``whole state``, ``input``, ``target``, ``label``, ``parameter``,
        ``computed``, ``loss``, ``adjoint``.
    """

    latex: str
    shape: tuple[str, str]
    role: str


@dataclass(frozen=True)
class Proof:
    """What the judge found, over all equations.

    Attributes
    ----------
    equations, definitions, given : int
        How many there are; how many define a symbol; how many are the user's own.
    exact, real : int
        How many were decided modulo 2^61 − 1, and how many in real arithmetic.
    instances : int
        How often both sides were compared, over all equations.
    networks : tuple
        The sizes of each random network, T among them.
    log2_bound : int
        No false equation passes the exact comparison with a probability of 2 to this power.
    log2_any : int
        The same for the event that any of them does.
    """

    equations: int
    definitions: int
    given: int
    exact: int
    real: int
    instances: int
    networks: tuple[tuple[tuple[str, int], ...], ...]
    log2_bound: int
    log2_any: int


def checked(derivation: Derivation) -> Derivation:
    """Return the derivation if everything in it is proven.

    Raises
    ------
    EmitError
        At the first equation without evidence.

    Examples
    --------
    >>> from derivations.bptt import derive
    >>> from derivations.library import cell
    >>> checked(derive(cell("rnn")))
    Traceback (most recent call last):
    derivations.errors.EmitError: Equation (1), forward:a, is not proven.
    A document shows proven equations only: prove(derivation).
    """
    for equation in derivation.equations:
        if equation.evidence is None:
            raise EmitError(
                f"Equation ({equation.number}), {equation.label}, is not proven.",
                hint="A document shows proven equations only: prove(derivation).",
            )
    return derivation


def mark(equation: Equation) -> Literal["given", "definition", "proven", "numeric"]:
    """Return what is said of an equation beside it.

    Examples
    --------
    >>> mark(Equation("a", 1, (), "", "As given.", "given"))
    'given'
    """
    if equation.kind != "claim":
        return equation.kind
    evidence = equation.evidence
    return "proven" if evidence is not None and evidence.method == "exact" else "numeric"


def visible(text: str) -> str:
    """Return a user's text on one line, with a code for every character that is not for the eye.

    Examples
    --------
    >>> visible("red\\x1b[31m\\ttext")
    'red[U+001B][31m text'
    """
    words = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(f"[U+{ord(c):04X}]" if unicodedata.category(c) in _UNSEEN else c for c in words)


def runs(equations: tuple[Equation, ...]) -> Iterator[tuple[str, tuple[Equation, ...]]]:
    """Yield each reason with the equations in a row that it holds for.

    Examples
    --------
    >>> one = Equation("a", 1, (), "", "Because.")
    >>> two = Equation("b", 2, (), "", "Because.")
    >>> [(reason, len(group)) for reason, group in runs((one, two))]
    [('Because.', 2)]
    """
    for reason, group in groupby(equations, key=lambda equation: equation.reason):
        yield reason, tuple(group)


def symbols(derivation: Derivation) -> tuple[Symbol, ...]:
    """Return the symbols of a derivation, by role, in the order in which they appear.

    Examples
    --------
    >>> from derivations.bptt import derive
    >>> from derivations.library import cell
    >>> [symbol.latex for symbol in symbols(derive(cell("rnn"))) if symbol.role == "adjoint"]
    ['\\\\delta_t^z', '\\\\delta_t^h', '\\\\delta_t^a']
    """
    model = derivation.model
    special = {state.name for state in model.states} | {model.loss.name}
    computed = [
        definition.quantity
        for definition in model.definitions
        if definition.quantity.time == t and definition.quantity.name not in special
    ]
    defined = [e for e in derivation.equations if e.kind == "definition"]
    members = {
        "state": list(model.states),
        "whole state": [e.left for e in defined if e.topic == "state"],
        "input": [data for data in model.data if data.name not in model.targets],
        "target": [data for data in model.data if data.name in model.targets],
        "parameter": list(model.parameters),
        "computed": computed,
        "loss": [model.loss, model.total],
        "adjoint": [e.left for e in defined if e.topic == "definition"],
    }
    return tuple(
        Symbol(latex(one), _shape(one), "label" if one in labels(model) else role)
        for role, group in members.items()
        for one in group
    )


def _shape(of: MatrixExpr) -> tuple[str, str]:
    """Return rows and columns; a sum of sizes stands in brackets beside another size."""
    rows, columns = (show_size(size) for size in of.shape)
    return (rows, columns) if "1" in (rows, columns) else (_closed(rows), _closed(columns))


def _closed(size: str) -> str:
    return f"({size})" if "+" in size else size


def labels(model: Model) -> list[Quantity]:
    """Return the data that are integer labels, at step t."""
    return [model.quantity(name) for name in sorted(model.scope.labels)]


def proof(derivation: Derivation) -> Proof:
    """Return what the judge found, over all equations."""
    equations = tuple(checked(derivation).equations)
    found = [equation.evidence for equation in equations if equation.evidence is not None]
    bounds = [evidence.log2_bound for evidence in found if evidence.method == "exact"]
    networks = dict.fromkeys(sizes for evidence in found for sizes in evidence.sizes)
    largest = max(bounds, default=0.0)
    return Proof(
        equations=len(equations),
        definitions=sum(equation.kind == "definition" for equation in equations),
        given=sum(equation.kind == "given" for equation in equations),
        exact=len(bounds),
        real=len(found) - len(bounds),
        instances=sum(evidence.cases for evidence in found),
        networks=tuple(networks),
        log2_bound=math.ceil(largest),  # a bound from above: rounded to nothing smaller
        log2_any=math.ceil(largest + math.log2(max(len(bounds), 1))),
    )


def proof_text(derivation: Derivation) -> str:
    """Return the paragraph on how the equations were proven, and on what that shows.

    Examples
    --------
    >>> from derivations.bptt import derive
    >>> from derivations.library import cell
    >>> from derivations.proving import prove
    >>> proof_text(prove(derive(cell("rnn"))))[:38]
    'Of the 44 equations, 3 are definitions'
    """
    found = proof(derivation)
    networks = "; ".join(
        ", ".join(f"${name} = {size}$" for name, size in sizes) for sizes in found.networks
    )
    text = (
        f"Of the {found.equations} equations, {found.definitions} are definitions and "
        f"{found.given} are given: forward equations and conventions; the others are claims. All "
        "were read back from the LaTeX that is printed here, and their sides were "
        f"evaluated on {len(found.networks)} random networks ({networks}), at every "
        f"admissible choice of the free steps: {found.instances} instances in all. Derivatives "
        "were computed there in forward mode from the forward equations alone, by none of the "
        "rules that led to these formulas."
    )
    if found.exact:
        which = "The" if not found.real else f"For {found.exact} equations the"
        text += (
            f" {which} comparison is exact: in arithmetic modulo the prime $2^{{61}}-1$, with "
            "random values for parameters, data and scalar functions, the sides agree in every "
            "entry. A false equation would pass with a probability below "
            f"$2^{{{found.log2_bound}}}$ (Schwartz and Zippel; the largest bound of all "
            f"equations), and at least one of the {found.exact} would with one below "
            f"$2^{{{found.log2_any}}}$."
        )
    if found.real:
        text += (
            f" {found.real} equations cannot be decided so; their sides agree to {DIGITS} digits "
            "in real arithmetic at random points, which is evidence and no proof."
        )
    return text + (
        " This is a probabilistic proof at these sizes: at them, and up to that probability, the "
        "equations hold for all parameters and data. The sizes other than $T$ differ from each "
        "other so that a wrong transpose, order, index or range shows. Other sizes and more steps "
        "were not tried, and nothing is said of rounding in a program."
    )


__all__ = [
    "Proof",
    "Symbol",
    "checked",
    "labels",
    "proof",
    "proof_text",
    "runs",
    "symbols",
    "visible",
]
