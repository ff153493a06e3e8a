"""Markdown files: what three readers take alike, literal text, and equations as proven."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from codegen.documents.content import visible
from codegen.documents.document import Document
from codegen.documents.markdown import markdown
from codegen.documents.markdown.words import portable, prose
from derivations.errors import EmitError
from derivations.library import cell_names
from tests.codegen.documents.samples import (
    CODE,
    HOSTILE,
    QUICK,
    document_of,
    every_block,
    proven,
    sides_of,
)

CELLS = [
    *QUICK,
    *(pytest.param(n, marks=pytest.mark.slow) for n in cell_names() if n not in QUICK),
]


@pytest.mark.parametrize("name", CELLS)
def test_every_equation_reads_back_as_what_was_proven(name: str) -> None:
    text = markdown(document_of(name), "a")["a.md"]
    assert_equations_read_back(text, name)


def assert_equations_read_back(text: str, name: str) -> None:
    """Fail unless a text displays the equations of a cell, all and in order."""
    derivation = proven(name)
    blocks = re.findall(r"^\$\$\n(.*?) \\tag\{(\d+)\}\n\$\$$", text, re.DOTALL | re.MULTILINE)
    assert [int(number) for _, number in blocks] == [e.number for e in derivation.equations]
    marks = {"given": "\\text{given}", "definition": "\\text{def.}", "claim": "\\checkmark"}
    for (shown, _), equation in zip(blocks, derivation.equations, strict=True):
        chain, *beside = shown.split(" \\qquad ")
        conditions = [portable(equation.conditions)] if equation.conditions else []
        assert beside == [*conditions, marks[equation.kind]]
        line = re.sub(r"\\(begin|end)\{aligned\}|\\\\\n|&(?==|\\enspace)|\{\}", " ", chain)
        assert "operatorname" not in line
        line = re.sub(r"\\mathop\{\\mathrm\{(\w+)\}\}", r"\\operatorname{\1}", line)
        assert sides_of(line, derivation) == equation.sides


def test_every_block_is_what_it_should_be() -> None:
    files = markdown(every_block(), "sheet")
    assert list(files) == ["sheet.md", "sheet-graph.svg", "sheet-again.svg"]
    tokens = MarkdownIt("commonmark").enable("table").parse(without_formulas(files["sheet.md"]))
    kinds = [token.type for token in tokens]
    assert [token.content for token in tokens if token.type == "fence"] == [
        CODE,
        "pip install\n",
        "assert h[0] > 0.9\n",
    ]
    assert kinds.count("table_open") == 2
    assert kinds.count("tr_open") == 3 + 3
    assert kinds.count("td_open") == 6 + 4
    assert not {"html_block", "code_block", "blockquote_open", "ordered_list_open"} & set(kinds)
    inline = [child for token in tokens for child in token.children or ()]
    assert [one.attrs["src"] for one in inline if one.type == "image"] == [
        "sheet-graph.svg",
        "sheet-again.svg",
    ]
    assert not [one.content for one in inline if one.type in ("html_inline", "link_open")]
    assert "a|b" in {one.content for one in inline if one.type == "code_inline"}


def without_formulas(text: str) -> str:
    """Return Markdown with a letter in place of each formula: a reader takes them out first."""
    text = re.sub(r"\$\$.*?\$\$", "X", text, flags=re.DOTALL)
    return re.sub(r"(?<!\\)\$[^$\n]+(?<!\\)\$", "X", text)


def test_a_hostile_title_is_shown_literally() -> None:
    text = markdown(Document(HOSTILE, "", "en", ()), "a")["a.md"]
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    assert [token.type for token in tokens] == ["heading_open", "inline", "heading_close"]
    assert "".join(one.content for one in tokens[1].children or ()) == visible(HOSTILE)
    assert not re.search(r"(?<!\\)\$", text)


@pytest.mark.parametrize("title", ["1. One", "- a", "+ b", "> c", "# d", "=== e", "", "~~~"])
def test_a_title_begins_nothing_else(title: str) -> None:
    text = markdown(Document(title, "", "en", ()), "a")["a.md"]
    tokens = MarkdownIt("commonmark").parse(text)
    assert [token.type for token in tokens] == ["heading_open", "inline", "heading_close"]
    assert "".join(one.content for one in tokens[1].children or ()) == title


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("状态$h_t$随时间，$b$。", "状态 $h_t$ 随时间， $b$。"),
        ("($x$), $y$'s", "($x$), $y$'s"),
        ("$|a| < b$", "$\\vert a\\vert \\lt b$"),
        ("$W_{rec} h$", "$W_{rec} \\thinspace h$"),
        (
            "$\\begin{pmatrix} a \\\\ b \\end{pmatrix}$",
            "$\\begin{pmatrix} a \\cr b \\end{pmatrix}$",
        ),
    ],
)
def test_formulas_in_prose(written: str, expected: str) -> None:
    assert prose(written) == expected


def test_the_stem_is_a_plain_file_name() -> None:
    for stem in ("../a", "a b", "", "a(b)"):
        with pytest.raises(EmitError, match="cannot be the name"):
            markdown(every_block(), stem)
