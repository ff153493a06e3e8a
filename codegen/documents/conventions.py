"""The conventions of a derivation in words: those, and only those, that its equations need."""

from __future__ import annotations

from codegen.documents.content import labels
from derivations.algebra import subexpressions
from derivations.derivation import Derivation
from derivations.expressions import (
    AscendingProduct,
    Blocks,
    Entry,
    Kronecker,
    Part,
    Quantity,
    TimeProduct,
    Transpose,
    Vec,
    timeless,
)
from derivations.model import Model
from derivations.notation.latex import latex, show_size
from derivations.proof.arithmetic import DIGITS
from derivations.recurrence import given_values


def conventions(derivation: Derivation) -> tuple[str, ...]:
    """Return the conventions, a paragraph each, in the symbols of this derivation.

    Examples
    --------
    >>> from derivations.bptt import derive
    >>> from derivations.library import cell
    >>> print(conventions(derive(cell("rnn")))[-1][:81])
    In code, arrays are time-major and batch second. The shape of $x$ is $(T, B, m)$.
    """
    model = derivation.model
    found = _kinds(derivation)
    total = latex(model.total)
    lines = [
        "Vectors are columns. A Jacobian is in numerator layout: $\\partial u / \\partial v$ has "
        "a row for every entry of $u$ and a column for every entry of $v$.",
        "$\\odot$ and $\\oslash$ multiply and divide entry by entry, and bind less tightly than "
        "the matrix product; functions and powers of a vector act on every entry. In a sum with "
        "vectors, a number stands for the vector of that number; $\\mathbf{1}$ is the vector of "
        "ones.",
    ]
    if Blocks in found:
        lines.append("$[u; v]$ is the column of $u$ with $v$ below it.")
    if Part in found:
        lines.append(
            "$A_{:,i:j}$ is columns $i$ to $j$ of $A$. $v_{i:j}$ is entries $i$ to $j$ of $v$."
        )
    if Entry in found:
        lines.append(
            "$[u]_i$ is the entry of $u$ that the label $i$ picks, and $e_i$ the vector with a one "
            "there and zeros elsewhere."
        )
    if found & {Vec, Kronecker}:
        lines.append(
            "$\\operatorname{vec}(S)$ is the column of the entries of $S$, row by row, and "
            "$\\otimes$ is the Kronecker product. In a Jacobian a matrix counts as its "
            "$\\operatorname{vec}$; the gradient by it has its shape."
        )
    if found & {TimeProduct, AscendingProduct}:
        product = "A product over time runs against time: $\\prod_{j=k+1}^{t} J_j = J_t J_{t-1} "
        product += "\\cdots J_{k+1}$; the empty product is the identity."
        if AscendingProduct in found:
            product += " One with an arrow runs with time."
        lines.append(
            f"{product} Sums and products over time take in the whole product behind them."
        )
    rest = "all that stands at other steps is held fixed"
    if any(e.topic == "state" for e in derivation.equations):
        rest += ", except what the derivative is by"
    lines += [
        f"$\\partial$ is the total derivative; $\\partial^{{+}}$ is the immediate one, for which "
        f"{rest} (Pascanu, Mikolov, Bengio 2013).",
        f"The gradient of the scalar ${total}$ by a parameter has that parameter's shape. The "
        "derivative of a vector by a parameter has a column for every entry of the parameter, row "
        "by row; a row vector times it is written in the parameter's shape.",
    ]
    lines += _of_adjoints(derivation)
    marks = "✓ marks an equation that was proven, as told below"
    if any(e.evidence is not None and e.evidence.method != "exact" for e in derivation.equations):
        marks += f"; ≈ marks one whose sides agree to {DIGITS} digits"
    lines.append(f"{marks}; given marks a forward equation or a convention, and def. a definition.")
    lines.append(_arrays(model))
    return tuple(lines)


def _kinds(derivation: Derivation) -> set[type]:
    """Return the kinds of nodes that stand in a derivation."""
    sides = (side for equation in derivation.equations for side in equation.sides)
    return {type(node) for side in sides for node in subexpressions(side)}


def _of_adjoints(derivation: Derivation) -> list[str]:
    """Say what δ is: of a column, and of a matrix where there is one."""
    defined = [e for e in derivation.equations if e.topic == "definition"]
    columns = [e for e in defined if isinstance(e.right, Transpose)]
    matrices = [e for e in defined if not isinstance(e.right, Transpose)]
    lines = []
    for equation in (*columns[-1:], *matrices[-1:]):
        meaning = equation.right.arg if isinstance(equation.right, Transpose) else equation.right
        fraction = f"\\partial {latex(meaning.of)} / \\partial {latex(meaning.by)}"
        shown = f"({fraction})^{{\\top}}" if equation in columns else fraction
        lines.append(
            f"${latex(equation.left)}$ is the adjoint of ${latex(meaning.by)}$: ${shown}$."
        )
    return lines


def _arrays(model: Model) -> str:
    inputs = [data for data in model.data if data.name not in model.targets]
    given = [value for state in model.states for value in given_values(model, state)]
    shown = [(latex(one.at(timeless)), _axes(("T", "B"), one)) for one in inputs[:1]]
    shown += [(latex(value), _axes(("B",), value)) for value in given[:1]]
    text = "In code, arrays are time-major and batch second."
    for name, axes in shown:
        text += f" The shape of ${name}$ is ${axes}$."
    for label in labels(model):
        text += (
            f" Labels ${latex(label.at(timeless))}$ are integers there, $(T, B)$, and count from 0."
        )
    return text


def _axes(leading: tuple[str, ...], of: Quantity) -> str:
    rows, columns = of.shape
    sizes = [rows, *([] if columns == 1 else [columns])]
    return f"({', '.join([*leading, *map(show_size, sizes)])})"


__all__ = ["conventions"]
