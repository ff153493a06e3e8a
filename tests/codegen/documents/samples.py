"""Documents for the tests of formats: derivations, and one with every kind of block."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest

from codegen.build import emit_source
from codegen.documents.document import (
    Display,
    Document,
    Exercise,
    Figure,
    Heading,
    Items,
    Listing,
    Paragraph,
    Row,
    Section,
    Table,
    numbered,
)
from codegen.documents.drawing import Area, Box, Drawing, Label, Line
from codegen.documents.handout.derivation import derivation_document
from codegen.documents.handout.handout import Choice, handout
from derivations.bptt import derive
from derivations.derivation import Derivation
from derivations.errors import Place
from derivations.library import cell, cell_names
from derivations.notation.build import build_sides
from derivations.notation.parse import parse_statement
from derivations.proving import network_of, prove

HOSTILE = '<script>alert(1)</script> $x$ | `a` *b* _c_ [d](e) & "f" <!-- 中文 \x1b[31m'
QUICK = ("rnn", "lstm", "rnn-hh", "fast-weights", "bidirectional")


@cache
def proven(name: str) -> Derivation:
    return prove(derive(cell(name)))


@cache
def document_of(name: str) -> Document:
    return derivation_document(proven(name))


def whole(name: str, choice: Choice) -> Document:
    """Return the handout of a cell."""
    derivation = proven(name)
    source = emit_source(derivation, name, "textbook")
    return handout(derivation, source, f"{name}.py", choice)


def every_cell(*quick: str) -> list[Any]:
    """Return the names of all cells, as parameters: all but some belong to the slow tests."""
    slow = [name for name in cell_names() if name not in quick]
    return [*quick, *(pytest.param(name, marks=pytest.mark.slow) for name in slow)]


def sides_of_latex(shown: str, derivation: Derivation) -> tuple[Any, ...]:
    """Read a row of our LaTeX without its breaks, its alignment and its scaling."""
    chain = re.sub(r"\A\\bpttfit\{[\d.]+em\}\{(.*)\}\Z", r"\1", shown, flags=re.DOTALL)
    line = re.sub(r"\\(begin|end)\{aligned\}(\[b\])?|\\\\\n|&(?==|\\enspace)|\{\}", " ", chain)
    return sides_of(line, derivation)


def sides_of(line: str, derivation: Derivation) -> tuple[Any, ...]:
    """Read a displayed chain as the judge reads it."""
    place = Place(line, 0, len(line))
    scope = network_of(derivation).scope
    return tuple(build_sides(parse_statement(line, place), scope, place))


def drawing() -> Drawing:
    items = (
        Box((60, 40), 80, 70, "", "panel"),
        Box((40, 20), 40, 22, "x_{t-1}", "input"),
        Box((40, 60), 40, 24, "\\overrightarrow{h}_{t-1}", "state"),
        Box((140, 60), 40, 24, "\\hat{y}_t", "computed"),
        Box((200, 60), 30, 24, "E", "loss"),
        Line(((40, 31), (40, 48)), "data", arrow=True),
        Line(((60, 60), (120, 60)), "state", arrow=True),
        Line(((160, 60), (170, 80), (180, 80), (185, 60)), "data", arrow=True, curved=True),
        *(Line(((0, y), (220, y)), stroke) for y, stroke in STROKES),
        *(Area(((x, 84), (x + 8, 84), (x + 4, 88)), shade) for x, shade in SHADES),
        Label((100, 10), "where $\\sigma' \\le \\frac{1}{4}$ & <b>", "west"),
        Label((100, 80), "$\\delta_t^{h}$ 中文", "north"),
    )
    return Drawing(220, 90, items, "The <state> $h_t$ leads to $h_{t+1}$")


STROKES = (
    (1, "axis"),
    (2, "grid"),
    (3, "frame"),
    (4, "first"),
    (5, "second"),
    (6, "bound"),
    (7, "third"),
)
SHADES = (
    (2, "band"),
    (12, "dot"),
    (22, "far below"),
    (32, "below"),
    (42, "level"),
    (52, "above"),
    (62, "far above"),
)

CODE = """import numpy as np

h = np.zeros(2)
for t in range(3):  # (1)
    h = np.tanh(h + 1)  # (1) and (98), too long a comment for the screen of a phone
print(f"{h[0]:.4f} < ```")
"""
TEXT = (
    "State $h_t$, ($W_{rec}$) & `a|b` <i>: $\\frac{1}{2} \\left\\|a\\right\\|^{2} + b + c + d + e$."
)
NUMBERS = "\\begin{pmatrix} 0.1200 & -0.3100 \\\\ 0.0500 & 10.2000 \\end{pmatrix}"


def every_block(language: str = "en", title: str = HOSTILE) -> Document:
    """Return a document that has every kind of block, with every mark."""
    marks = ("given", "definition", "proven", "numeric", "false")
    rows = tuple(
        Row(("h_t", "\\sigma\\left(a_t\\right)"), conditions="1 \\le t \\le T", mark=mark, number=n)
        for n, mark in enumerate(marks, 1)
    )
    wide = Row(("a_1", f"{NUMBERS} {NUMBERS} {NUMBERS} {NUMBERS}", NUMBERS), ("=", "\\approx"))
    numeric = (Row(("a_1", NUMBERS), source=1), Row(("a_1", "0.1"), source=99), wide)
    figure = Figure(drawing(), TEXT, "graph")
    again = Figure(drawing(), "", "again")
    table = Table(
        ("Name", "Text", "Number"), (("`a|b`", TEXT, "-1"), ("$|a|$", "", "2")), "cpr", TEXT
    )
    packed = Table((), (("$a = 1$", f"$b = {NUMBERS}$"), ("$c = 2$", "")), "ll")
    blocks = (
        *(Paragraph(TEXT, "Lead $x$."), Heading(TEXT), Items((TEXT, TEXT))),
        *(Display(rows), Display(numeric), table, packed, figure),
        *(Listing(CODE, TEXT), Listing("pip install", "", False), Listing("assert h[0] > 0.9")),
    )
    exercises = (
        Exercise((Paragraph(TEXT),), (), 3),
        Exercise((Paragraph(TEXT),), (Display(rows[2:3]), again), 3),
    )
    sections = (Section("Blocks 中文", blocks), Section("Exercises", exercises))
    return numbered(Document(title, TEXT, language, sections, TEXT))
