"""Notebooks: valid, deterministic, they run, and they show what was proven."""

from __future__ import annotations

import base64
from xml.etree.ElementTree import fromstring

import nbformat
import pytest

from codegen.documents.document import Document, Listing, Section
from codegen.documents.notebook import notebook
from derivations.library import cell_names
from tests.codegen.documents.samples import CODE, QUICK, document_of, every_block
from tests.codegen.documents.test_markdown import assert_equations_read_back

CELLS = [
    *QUICK,
    *(pytest.param(n, marks=pytest.mark.slow) for n in cell_names() if n not in QUICK),
]


def read(document: Document) -> nbformat.NotebookNode:
    found = nbformat.reads(notebook(document), as_version=nbformat.NO_CONVERT)
    nbformat.validate(found)
    return found


@pytest.mark.parametrize("name", CELLS)
def test_every_equation_reads_back_as_what_was_proven(name: str) -> None:
    cells = read(document_of(name)).cells
    assert_equations_read_back("\n\n".join(cell.source for cell in cells), name)


def test_code_that_runs_is_a_cell_and_other_code_is_not() -> None:
    found = read(every_block())
    assert (found.nbformat, found.nbformat_minor) == (4, 5)
    assert found.metadata.kernelspec.name == "python3"
    code = [cell.source for cell in found.cells if cell.cell_type == "code"]
    assert code == [CODE.rstrip(), "assert h[0] > 0.9"]
    before = found.cells[[cell.source for cell in found.cells].index(code[0]) - 1]
    assert "**Listing 1.** State $h_t$" in before.source
    texts = [cell.source for cell in found.cells if cell.cell_type == "markdown"]
    assert sum("```python\npip install\n```" in text for text in texts) == 1
    ids = [cell.id for cell in found.cells]
    assert ids[:3] == ["title", "section-1-1", "section-1-2"]
    assert len(set(ids)) == len(ids)


def test_figures_are_attached_where_they_are_shown() -> None:
    shown = {}
    for cell in read(every_block()).cells:
        for name, bundle in cell.get("attachments", {}).items():
            assert f"](attachment:{name})" in cell.source
            shown[name] = fromstring(base64.b64decode(bundle["image/svg+xml"])).tag
    assert shown == dict.fromkeys(("graph.svg", "again.svg"), "{http://www.w3.org/2000/svg}svg")


def test_a_section_that_begins_with_code_has_its_heading() -> None:
    cells = read(Document("", "", "en", (Section("Code", (Listing("a = 1"),), 1),))).cells
    assert [cell.source for cell in cells[1:]] == ["## 1. Code", "a = 1"]


def test_it_runs_from_top_to_bottom() -> None:
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    found = read(every_block())
    nbclient.NotebookClient(found, timeout=60, kernel_name="python3").execute()
    outputs = [cell.outputs for cell in found.cells if cell.cell_type == "code"]
    assert outputs[0][0]["text"].endswith("< ```\n")
