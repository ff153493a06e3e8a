"""Equations read back from a compiled Typst document: content trees to LaTeX that we parse.

Typst does not say which font a part of a formula has; every font is read as ``\\mathbf``, the one
that the library's cells use.
"""

from __future__ import annotations

import json
from functools import singledispatch
from itertools import takewhile
from typing import Any

from codegen.documents.document import Document
from codegen.documents.typst.pdf import compiled

Tree = dict[str, Any]


def too_wide(document: Document) -> tuple[int | None, ...]:
    """Return the numbers of the rows that Typst had to set smaller to fit the line."""
    return tuple(json.loads(compiled(document).query("<scaled>", field="value")))


ACCENTS = {
    ("\u0302", "60%"): "\\hat",
    ("\u0302", "100%"): "\\widehat",
    ("\u0303", "60%"): "\\tilde",
    ("\u0303", "100%"): "\\widetilde",
    ("\u0304", "100%"): "\\bar",
    ("\u0307", "100%"): "\\dot",
    ("\u20d7", "60%"): "\\vec",
    ("\u20d7", "100%"): "\\overrightarrow",
    ("\u20d6", "100%"): "\\overleftarrow",
}


@singledispatch
def latex(tree: object) -> str:
    """Return the LaTeX of a content tree."""
    raise AssertionError(f"unknown content: {tree!r}")


@latex.register
def latex_of_nothing(tree: None) -> str:
    return ""


@latex.register
def latex_of_tree(tree: dict) -> str:  # type: ignore[type-arg]
    kind = tree["func"]
    if kind in ("h", "space"):
        return " "
    if kind == "symbol":
        return {"∏": "\\prod "}.get(tree["text"], str(tree["text"]))
    if kind == "text":
        text = tree["text"]
        return text if not text or text[0].isdigit() else f"\\text{{{text}}}"
    if kind == "op":
        return f"\\operatorname{{{tree['text']['text']}}}"
    if kind == "sequence":
        return "".join(map(latex, tree["children"]))
    if kind == "frac":
        return f"\\frac{{{latex(tree['num'])}}}{{{latex(tree['denom'])}}}"
    if kind in ("lr", "class", "limits", "scripts"):
        return f"{{{latex(tree['body'])}}}" if kind == "scripts" else latex(tree["body"])
    if kind == "styled":
        return f"\\mathbf{{{latex(tree['child'])}}}"
    if kind == "accent":
        size = str(tree.get("size", "100%")).split(" ")[0]
        return f"{ACCENTS[tree['accent'], size]}{{{latex(tree['base'])}}}"
    if kind == "overline":
        return f"\\overline{{{latex(tree['body'])}}}"
    if kind == "primes":
        return "'" * int(tree["count"])
    if kind == "attach":
        return attached(tree)
    if kind == "mat":
        rows = " \\\\ ".join(" & ".join(map(latex, row)) for row in tree["rows"])
        return f"\\begin{{pmatrix}} {rows} \\end{{pmatrix}}"
    raise AssertionError(f"unknown content: {tree!r}")


def attached(tree: Tree) -> str:
    """Return a base with its scripts."""
    below, above = latex(tree.get("b")).strip(), latex(tree.get("t")).strip()
    primes = latex(tree.get("tr"))
    scripts = (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")
    return latex(tree["base"]) + primes + scripts


def numbered_equations(document: Document, numbers: list[int]) -> dict[int, tuple[str, list[str]]]:
    """Return the LaTeX of every numbered row, with the formulas beside it, in order."""
    labels = "".join(f".or(<equation-{number}>)" for number in numbers)
    found = json.loads(compiled(document).query(f"selector(math.equation){labels}"))
    starts = [at for at, element in enumerate(found) if element["func"] == "block"]
    rows = {}
    for start, end in zip(starts, [*starts[1:], len(found)], strict=True):
        bodies = [element["body"] for element in found[start + 1 : end]]
        parts = list(takewhile(lambda body: body["func"] == "styled", bodies))
        number = int(found[start]["label"].strip("<>").removeprefix("equation-"))
        shown = " ".join(latex(part["child"]) for part in parts)
        rows[number] = (shown, [latex(body) for body in bodies[len(parts) : len(parts) + 2]])
    return rows
