"""What is known of a cell before anything is measured: its bounds, as a table and as a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group
from rich.table import Table
from rich.text import Text

from codegen.documents.document import Block, Document, Paragraph, Section, numbered
from codegen.documents.formats import FORMATS, Files
from codegen.documents.handout.flow.bounds import bounds_blocks, consequence, tried
from codegen.documents.handout.flow.linear import linear_blocks
from codegen.documents.handout.flow.slopes import functions_met
from codegen.documents.handout.pictures import bounded_functions, functions_section
from codegen.documents.handout.references import references_section
from codegen.documents.printed import plain
from codegen.documents.text import readable
from derivations.bptt import derive
from derivations.derivation import Derivation
from derivations.model import Model
from derivations.norms import number_latex
from derivations.notation.latex import latex
from derivations.slopes import slope_bound
from derivations.stability import (
    GradientBounds,
    Inequality,
    gradient_bounds,
)

TITLE = "Bounds of gradients through time"
SUBTITLE = "Numbers of equations are those that `bptt derive` prints."


@dataclass(frozen=True)
class Theorems:
    """The inequalities of a cell.

    Attributes
    ----------
    name : str
    derivation : Derivation
    bounds : GradientBounds
    rows : tuple of Inequality
        Each with what was found among random networks.
    """

    name: str
    derivation: Derivation
    bounds: GradientBounds
    rows: tuple[Inequality, ...]


def theorems(models: Mapping[str, Model]) -> tuple[Theorems, ...]:
    """Return the bounds of some models, by their names.

    Raises
    ------
    ProofError
        When a random network violates one.

    Examples
    --------
    >>> from derivations import cell
    >>> [found] = theorems({"rnn": cell("rnn")})
    >>> [row.evidence for row in found.rows]
    ['no counterexample in 1144 tries', 'no counterexample in 7776 tries']
    """
    return tuple(_theorems(name, model) for name, model in models.items())


def _theorems(name: str, model: Model) -> Theorems:
    bounds = gradient_bounds(model)
    return Theorems(name, derive(model), bounds, tried(bounds, model))


def terminal(found: Sequence[Theorems]) -> Group:
    """Return what the terminal shows: a row a slope or an inequality, and below what follows."""
    table = Table(box=None, pad_edge=False)
    table.add_column("cell", no_wrap=True)
    table.add_column("bound")
    table.add_column("counterexamples")
    for one in found:
        lines = [*_slopes(one), *((_readable(row), _evidence(row)) for row in one.rows)]
        for place, (bound, evidence) in enumerate(lines):
            name = "" if place else one.name
            table.add_row(Text(name, style="bold"), Text(bound), Text(evidence))
    said = [Text(f"\n{one.name}: {_indexed(readable(_words(one)))}") for one in found]
    return Group(table, *said)


def _words(found: Theorems) -> str:
    """Return what signs mean, and what follows."""
    state = found.bounds.state
    of_blocks = (
        "β is the largest singular value of the matrix of the bounds of the blocks. "
        if len(state.members) > 1
        else ""
    )
    return f"{_signs(found)}{of_blocks}{consequence(found.bounds)}"


def _slopes(found: Theorems) -> Iterator[tuple[str, str]]:
    """Yield the bounds of the slopes that meet an error, each with where it is reached."""
    met = functions_met(found.bounds)
    for name, function in bounded_functions(found.bounds.model):
        if name in met:
            bound = slope_bound(function)
            where = f", at {bound.maximiser}" if bound.attained else ", not reached"
            shown = plain(f"\\left|{name}'\\right| \\le {number_latex(bound.supremum)}")
            yield f"{shown}{where}", "none: by SymPy"


def _signs(found: Theorems) -> str:
    """Return what the sign of a state of several parts means; nothing for one of the equations."""
    state = found.bounds.state
    if not state.is_named:
        return ""
    parts = "; ".join(map(latex, state.members))
    return (
        f"Here ${latex(state.quantity)} = \\left[{parts}\\right]$, and $\\partial^{{+}}$ holds the "
        "rest of the state before the step fixed. "
    )


def _indexed(text: str) -> str:
    """Return a text with the signs of norms and singular values as one character each."""
    for written, shown in (("‖_2", "‖₂"), ("‖_{∞}", "‖∞"), ("σ_1", "σ₁")):
        text = text.replace(written, shown)
    return text


def _readable(row: Inequality) -> str:
    sides = " ≤ ".join(map(plain, row.sides))
    return _indexed(f"{sides}, {plain(row.conditions)}")


def _evidence(row: Inequality) -> str:
    """Return what stands behind a row: every one is a theorem, and most were tried in numbers."""
    if not row.evidence:
        return "not looked for: it follows"
    return row.evidence.replace("no counterexample", "none")


def document(found: Sequence[Theorems]) -> Document:
    """Return the bounds as a document: of each model, of the linear case, and the sources.

    Examples
    --------
    >>> from derivations import cell
    >>> [section.title for section in document(theorems({"rnn": cell("rnn")})).sections]
    ['rnn', 'Powers of one matrix', 'References']
    """
    sections = [Section(one.name, (*_functions(one), *_bounds(one))) for one in found]
    sections += [Section("Powers of one matrix", linear_blocks()), references_section()]
    return numbered(Document(TITLE, SUBTITLE, "en", tuple(sections)))


def _functions(found: Theorems) -> tuple[Block, ...]:
    blocks = functions_section(found.bounds.model).blocks
    return tuple(block for block in blocks if isinstance(block, Paragraph))


def _bounds(found: Theorems) -> tuple[Block, ...]:
    blocks = bounds_blocks(found.derivation, found.bounds, found.rows)
    signs = _signs(found)
    return (*blocks, Paragraph(signs.strip())) if signs else blocks


def bounds_file(found: Sequence[Theorems]) -> Files:
    """Return the document as Markdown, by its file name."""
    return FORMATS["md"](document(found), "bounds", "")


__all__ = ["Theorems", "bounds_file", "document", "terminal", "theorems"]
