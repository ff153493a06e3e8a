"""A derivation as LaTeX: a fragment for ``\\input``, and a frame that makes a handout of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from codegen.documents.content import Symbol, checked, mark, proof_text, runs, symbols
from codegen.documents.conventions import conventions
from codegen.documents.latex.escape import escape, prose
from codegen.documents.layout import GAP, LINE, body
from codegen.documents.printed import width
from codegen.documents.rendering import render
from derivations.derivation import Derivation, Equation, Section
from derivations.errors import EmitError
from derivations.notation.latex import latex

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
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


@dataclass(frozen=True)
class ShownRun:
    """Equations in a row that hold for one reason: the reason, and the rows of a ``gather``."""

    reason: str
    rows: str


@dataclass(frozen=True)
class ShownSection:
    """A heading, a paragraph, and runs of equations."""

    title: str
    text: str
    runs: tuple[ShownRun, ...]


@dataclass(frozen=True)
class ShownRole:
    """A row of the table of symbols."""

    role: str
    symbols: str


def fragment(derivation: Derivation) -> str:
    """Return a derivation as LaTeX to be ``\\input``; it needs amsmath and amssymb.

    Parameters
    ----------
    derivation : Derivation
        Proven.

    Raises
    ------
    EmitError
        When an equation is not proven.

    Examples
    --------
    >>> from derivations.bptt import derive
    >>> from derivations.library import cell
    >>> from derivations.proving import prove
    >>> latex = fragment(prove(derive(cell("rnn"))))
    >>> "\\\\bptttag{1 \\\\le t \\\\le T}{\\\\bpttgiven}{1}" in latex
    True
    """
    sections = tuple(_section(section) for section in checked(derivation).sections)
    return render(__name__, "fragment.tex.jinja", sections=sections)


def standalone(derivation: Derivation, fragment_name: str) -> str:
    """Return a handout: a complete LaTeX document that inputs the fragment.

    Parameters
    ----------
    derivation : Derivation
        Proven.
    fragment_name : str
        The file that holds `fragment` of the same derivation, beside the document.

    Raises
    ------
    EmitError
        When an equation is not proven, or when the name is no plain file name.

    Examples
    --------
    >>> from derivations.bptt import derive
    >>> from derivations.library import cell
    >>> from derivations.proving import prove
    >>> "\\\\input{rnn.tex}" in standalone(prove(derive(cell("rnn"))), "rnn.tex")
    True
    """
    if not _FILE_NAME.fullmatch(fragment_name):
        raise EmitError(
            f"The file name {fragment_name!r} cannot stand in \\input.",
            hint="Use Latin letters, digits, dots, hyphens and underscores.",
        )
    return render(
        __name__,
        "standalone.tex.jinja",
        title=escape(checked(derivation).model.title),
        roles=_roles(symbols(derivation)),
        conventions=tuple(prose(line) for line in conventions(derivation)),
        fragment_name=fragment_name,
        proof=prose(proof_text(derivation)),
    )


def _section(section: Section) -> ShownSection:
    shown = tuple(
        ShownRun(prose(reason), _rows(group)) for reason, group in runs(section.equations)
    )
    return ShownSection(prose(section.title), prose(section.text), shown)


def _rows(equations: Sequence[Equation]) -> str:
    return " \\\\[\\bpttskip]\n".join(_row(equation) for equation in equations)


def _row(equation: Equation) -> str:
    beside = width(equation.conditions) + width(f"\\quad ({equation.number})") + 2
    shown = body([latex(side) for side in equation.sides], LINE - GAP - beside)
    shown_mark = f"\\bptt{mark(equation)}"
    return f"{shown}\n\\bptttag{{{equation.conditions}}}{{{shown_mark}}}{{{equation.number}}}"


def _roles(found: Sequence[Symbol]) -> tuple[ShownRole, ...]:
    roles = []
    for role in dict.fromkeys(symbol.role for symbol in found):
        members = [symbol for symbol in found if symbol.role == role]
        shown = ", ".join(_membership(symbol) for symbol in members)
        roles.append(ShownRole(role if len(members) == 1 else _PLURALS[role], shown))
    return tuple(roles)


def _membership(symbol: Symbol) -> str:
    """Return h_t ∈ R^n, in a box that no line break divides."""
    if symbol.role == "label":
        return f"\\mbox{{${symbol.latex}$}}"
    rows, columns = symbol.shape
    exponent = {(True, True): "", (False, True): f"^{{{rows}}}"}.get(
        (rows == "1", columns == "1"), f"^{{{rows} \\times {columns}}}"
    )
    return f"\\mbox{{${symbol.latex} \\in \\mathbb{{R}}{exponent}$}}"


__all__ = ["fragment", "standalone"]
