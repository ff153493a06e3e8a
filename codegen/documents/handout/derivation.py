"""The derivation as sections of a document: symbols, conventions, equations, and their proof."""

from __future__ import annotations

from codegen.documents.content import Symbol, checked, mark, proof_text, runs, symbols
from codegen.documents.conventions import conventions
from codegen.documents.document import (
    Block,
    Display,
    Document,
    Items,
    Paragraph,
    Row,
    Section,
    Table,
    numbered,
)
from derivations.derivation import Derivation, Equation
from derivations.notation.latex import latex, show_size

SUBTITLE = "Back-propagation through time: every gradient, step by step"


def derivation_document(derivation: Derivation) -> Document:
    """Return the derivation alone: symbols, conventions, equations, and how they were proven.

    Raises
    ------
    EmitError
        When an equation is not proven.

    Examples
    --------
    >>> from derivations.bptt import derive
    >>> from derivations.library import cell
    >>> from derivations.proving import prove
    >>> [section.title for section in derivation_document(prove(derive(cell("rnn")))).sections][:2]
    ['Symbols and conventions', 'The network']
    """
    model = checked(derivation).model
    sections = (
        symbols_section(derivation),
        *derivation_sections(derivation),
        proof_section(derivation),
    )
    return numbered(Document(model.title, SUBTITLE, "en", sections))


def symbols_section(derivation: Derivation) -> Section:
    """Return the table of symbols, and the conventions."""
    sizes = ", ".join(f"${show_size(size)}$" for size in derivation.model.sizes)
    rows = (*_roles(symbols(derivation)), *([("sizes", sizes)] if sizes else []))
    table = Table(("Role", "Symbols and shapes"), rows, "lp")
    return Section("Symbols and conventions", (table, Items(conventions(derivation))))


def derivation_sections(derivation: Derivation) -> tuple[Section, ...]:
    """Return the sections of a derivation: each run of equations under its reason."""
    return tuple(
        Section(section.title, (Paragraph(section.text), *_runs(section.equations)))
        for section in derivation.sections
    )


def proof_section(derivation: Derivation) -> Section:
    """Return the paragraph on how the equations were proven."""
    return Section("How the equations were proven", (Paragraph(proof_text(derivation)),))


def _runs(equations: tuple[Equation, ...]) -> tuple[Block, ...]:
    return tuple(
        block
        for reason, group in runs(equations)
        for block in (Paragraph(reason), Display(tuple(row(equation) for equation in group)))
    )


def row(equation: Equation) -> Row:
    """Return an equation as it is displayed, with its number and its mark."""
    return Row(
        tuple(latex(side) for side in equation.sides),
        conditions=equation.conditions,
        mark=mark(equation),
        number=equation.number,
    )


_PLURALS = {
    "state": "states",
    "whole state": "whole states",
    "input": "inputs",
    "target": "targets",
    "label": "labels",
    "parameter": "parameters",
    "computed": "computed",
    "loss": "losses",
    "adjoint": "adjoints",
}


def _roles(found: tuple[Symbol, ...]) -> tuple[tuple[str, str], ...]:
    roles = []
    for role in dict.fromkeys(symbol.role for symbol in found):
        members = [symbol for symbol in found if symbol.role == role]
        shown = ", ".join(f"${_membership(symbol)}$" for symbol in members)
        roles.append((role if len(members) == 1 else _PLURALS[role], shown))
    return tuple(roles)


def _membership(symbol: Symbol) -> str:
    """Return h_t ∈ R^n."""
    if symbol.role == "label":
        return symbol.latex
    rows, columns = symbol.shape
    exponent = {(True, True): "", (False, True): f"^{{{rows}}}"}.get(
        (rows == "1", columns == "1"), f"^{{{rows} \\times {columns}}}"
    )
    return f"{symbol.latex} \\in \\mathbb{{R}}{exponent}"


__all__ = ["derivation_document", "derivation_sections", "proof_section", "row", "symbols_section"]
