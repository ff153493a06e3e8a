"""Syntax to LaTeX: one spelling for a piece, for the names and indices that hold one."""

from __future__ import annotations

from collections.abc import Sequence

from derivations.notation import syntax
from derivations.notation.syntax import Index, Node


def spelled(node: Node | syntax.Operator) -> str:
    """Return the LaTeX of a piece, without blanks and with one spelling for the many.

    Examples
    --------
    >>> spelled(syntax.Scripted(syntax.Name("h", (0, 1)), (Index(((1, "t"),), (2, 3)),), (), 0,
    ...                         (0, 3)))
    'h_t'
    """
    match node:
        case syntax.Name() | syntax.Number() | syntax.Operator():
            return node.text
        case syntax.Scripted():
            return (
                spelled(node.base)
                + "'" * node.primes
                + _script_text("_", node.subscripts)
                + _script_text("^", node.superscripts)
            )
        case syntax.Bracket():
            opening, closing = "[]" if node.square else "()"
            return opening + _listed(node.items, node.separators) + closing
        case syntax.Norm():
            bar = "|" if node.bars == 1 else "\\|"
            return bar + spelled(node.body) + bar
        case syntax.Fraction():
            return f"\\frac{{{spelled(node.numerator)}}}{{{spelled(node.denominator)}}}"
        case syntax.Matrix() | syntax.Cases():
            name = "matrix" if isinstance(node, syntax.Matrix) else "cases"
            rows = "\\\\".join("&".join(map(spelled, row)) for row in node.rows)
            return f"\\begin{{{name}}}{rows}\\end{{{name}}}"
        case syntax.Restricted():
            return f"{spelled(node.body)}|_{{\\text{{{node.label}}}}}"
        case syntax.Ellipsis():
            return "\\dots"
        case syntax.Slice():
            ends = ["" if end is None else spelled(end) for end in (node.start, node.stop)]
            return ":".join(ends)
        case syntax.Comparison(sides=(side,)):
            return glued([*node.relations, spelled(side)])
        case syntax.Comparison():
            return _listed(node.sides, node.relations)
        case syntax.Series():
            bounds = glued(
                [
                    text
                    for index, sign in zip(node.bounds, (*node.relations, ""), strict=False)
                    for text in (index_text(index), sign)
                ]
            )
            sign = "\\sum" if node.kind == "sum" else "\\prod"
            upper = "" if node.upper is None else f"^{{{index_text(node.upper)}}}"
            return f"{sign}_{{{bounds}}}{upper}" if bounds else f"{sign}{upper}"
        case syntax.Chain():
            return glued([spelled(part) for part in node.parts])
        case syntax.Sum():
            pieces = [("+" if sign > 0 else "-") + spelled(term) for sign, term in node.terms]
            return "".join(pieces).removeprefix("+")


def _listed(nodes: tuple[Node, ...], signs: tuple[str, ...]) -> str:
    texts = [spelled(nodes[0])]
    for sign, node in zip(signs, nodes[1:], strict=True):
        texts += [sign, spelled(node)]
    return glued(texts)


def glued(texts: Sequence[str]) -> str:
    """Join texts, with a blank where a letter would lengthen a command."""
    glued = ""
    for text in texts:
        tail = glued[glued.rfind("\\") :] if "\\" in glued else ""
        glued += " " + text if tail[1:].isalpha() and text[:1].isalpha() else text
    return glued


def index_text(index: Index) -> str:
    text = "".join(("+" if sign > 0 else "-") + term for sign, term in index.terms)
    text = text.removeprefix("+")
    if index.equals is not None:
        text += "=" + index_text(index.equals)
    return f"({text})" if index.bracketed else text


def _script_text(sign: str, scripts: tuple[Index, ...]) -> str:
    if not scripts:
        return ""
    text = ",".join(map(index_text, scripts))
    is_one_token = len(text) == 1 or (text[0] == "\\" and text[1:].isalpha())
    return sign + (text if is_one_token else f"{{{text}}}")
