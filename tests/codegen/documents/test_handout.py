"""Whole handouts and sheets: complete, the same in every format, set by every engine."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from codegen.build import emit_source
from codegen.documents.document import Display, Document, Exercise, Figure, Listing, Row
from codegen.documents.formats import FORMATS
from codegen.documents.handout.handout import Choice, handout, key, sheet
from codegen.documents.latex import tex
from derivations.bptt import derive
from derivations.library import cell_names
from derivations.model import Model
from derivations.proving import prove
from tests.codegen.documents.samples import every_cell, proven, sides_of_latex, whole

#: Nobody sees less.
VISIBLE_OVERFLOW = 2.0
QUICK = ("rnn", "fast-weights")


def blocks_of(document: Document) -> list[object]:
    found: list[object] = []
    for section in document.sections:
        for block in section.blocks:
            found.append(block)
            if isinstance(block, Exercise):
                found += [*block.statement, *block.solution]
    return found


def rows_of(document: Document) -> list[Row]:
    return [row for b in blocks_of(document) if isinstance(b, Display) for row in b.rows]


@pytest.mark.parametrize("name", every_cell(*QUICK))
def test_a_handout_has_all_its_parts(name: str) -> None:
    document = whole(name, Choice(solutions=True))
    titles = [section.title for section in document.sections]
    for title in (
        *("Symbols and conventions", "The network", "The network, unrolled", "The gradients"),
        *("How the equations were proven", "A worked example in numbers", "The code"),
        *("Common mistakes", "Exercises", "References"),
    ):
        assert title in titles
    numbered = [row.number for row in rows_of(document) if row.mark == "given" or row.number]
    assert set(numbered) >= {equation.number for equation in proven(name).equations}
    kinds = [type(block) for block in blocks_of(document)]
    assert kinds.count(Figure) >= 1
    assert kinds.count(Listing) == 2
    assert kinds.count(Exercise) >= 4


@pytest.mark.parametrize("name", every_cell(*QUICK))
def test_the_numbers_in_the_code_are_those_of_the_equations(name: str) -> None:
    document = whole(name, Choice())
    rows = {row.number: row for row in rows_of(document) if row.number}
    code = next(b.code for b in blocks_of(document) if isinstance(b, Listing))
    named = {int(n) for n in re.findall(r"^\s*# \((\d+)\)", code, re.MULTILINE)}
    assert named
    assert named <= set(rows)


def test_exercises_are_solved_only_on_demand() -> None:
    open_ones = [b for b in blocks_of(whole("rnn", Choice())) if isinstance(b, Exercise)]
    solved = [b for b in blocks_of(whole("rnn", Choice(solutions=True))) if isinstance(b, Exercise)]
    assert [one.statement for one in open_ones] == [one.statement for one in solved]
    assert not any(one.solution for one in open_ones)
    assert all(one.solution for one in solved)


def test_the_key_solves_the_sheets() -> None:
    derivation = proven("rnn")
    solved = key(derivation, (4, 5), "en")
    for number, seed in ((1, 4), (2, 5)):
        tasks = blocks_of(sheet(derivation, number, seed, "en"))
        of_the_sheet = [b.statement for b in tasks if isinstance(b, Exercise)]
        of_the_key = [
            b.statement for b in solved.sections[number - 1].blocks if isinstance(b, Exercise)
        ]
        assert of_the_sheet == of_the_key
    assert all(b.solution for b in blocks_of(solved) if isinstance(b, Exercise))


# LaTeX


@pytest.mark.parametrize("name", every_cell(*QUICK))
def test_equations_in_latex_read_back_as_what_was_proven(name: str) -> None:
    derivation = proven(name)
    text = tex(whole(name, Choice("zh")))
    rows = re.findall(
        r"(?:\\begin\{gather\}\n|\\bpttskip\]\n)((?:(?!\\bptt(?!fit)|\\tag|\\notag).|\n)*?)\n"
        r"\\bptttag\{(.*?)\}\{\\bptt(\w+)\}\{(\d+)\}",
        text,
    )
    shown = {int(number): (chain, conditions) for chain, conditions, _, number in rows}
    for equation in derivation.equations:
        chain, conditions = shown[equation.number]
        assert sides_of_latex(chain, derivation) == equation.sides
        assert conditions == equation.conditions


def typeset(document: Document, engine: str, folder: Path) -> str:
    if shutil.which(engine) is None:
        pytest.skip(f"{engine} is not installed")
    needed = ["tikz.sty"]
    if document.language == "zh":
        needed += ["ctex.sty", *(["luatexja.sty"] if engine == "lualatex" else [])]
    if subprocess.run(["kpsewhich", *needed], capture_output=True, check=False).returncode:
        pytest.skip(f"one of {needed} is not installed")
    (folder / "handout.tex").write_text(tex(document), "utf-8")
    command = [engine, "-interaction=nonstopmode", "-halt-on-error", "handout.tex"]
    run = subprocess.run(command, cwd=folder, capture_output=True, timeout=300, check=False)
    log = (folder / "handout.log").read_text("utf-8", errors="replace")
    assert run.returncode == 0, log[-3000:]
    return log


def assert_fits(log: str) -> None:
    overflows = [float(found) for found in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert max(overflows, default=0.0) <= VISIBLE_OVERFLOW
    assert "Missing character" not in log
    assert not re.findall(r"^LaTeX (?:Font )?Warning: (?!.*size).*", log, re.MULTILINE)


@pytest.mark.parametrize("name", every_cell("rnn"))
def test_pdflatex_sets_a_handout(name: str, tmp_path: Path) -> None:
    assert_fits(typeset(whole(name, Choice(solutions=True)), "pdflatex", tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("engine", ["xelatex", "lualatex"])
@pytest.mark.parametrize("name", ["rnn", "rnn-preactivation", "lstm", "gru"])
def test_other_engines_set_a_handout(name: str, engine: str, language: str, tmp_path: Path) -> None:
    assert_fits(typeset(whole(name, Choice(language, solutions=True)), engine, tmp_path))


# All formats


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("form", [form for form in FORMATS if form != "pdf"])
def test_every_format_shows_everything(form: str, language: str) -> None:
    document = whole("rnn", Choice(language, solutions=True))
    files = FORMATS[form](document, "x", "typst")
    (text, *_) = [content for file, content in files.items() if not file.endswith(".svg")]
    assert isinstance(text, str)
    if form == "ipynb":
        cells = json.loads(text)["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
    for section in document.sections:
        assert section.title in text
    solution = "Solution" if language == "en" else "解答"
    solutions = "\\begin{bpttsolution}" if form == "tex" else solution
    assert solution in text
    assert text.count(solutions) >= 4


@pytest.mark.slow
@pytest.mark.parametrize("name", cell_names())
def test_the_notebook_of_a_handout_runs(name: str, tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    (text,) = FORMATS["ipynb"](whole(name, Choice()), "x", "typst").values()
    book = nbformat.reads(text, as_version=4)
    nbclient.NotebookClient(book, timeout=120, resources={"metadata": {"path": tmp_path}}).execute()
    printed = "".join(
        output.text for cell in book.cells for output in cell.get("outputs", ()) if "text" in output
    )
    assert "E = " in printed


def test_a_model_of_ones_own(tmp_path: Path) -> None:
    text = "# <b>$1 & 2\n\n$$h_t = \\tanh(W h_{t-1} + x_t)$$\n\n$$E_t = \\|h_t - y_t\\|^2$$\n"
    derivation = prove(derive(Model.read(text + "\n- $x_t$ is the input\n- $y_t$ is the target\n")))
    source = emit_source(derivation, "own", "textbook")
    document = handout(derivation, source, "own.py", Choice(solutions=True))
    assert_fits(typeset(document, "pdflatex", tmp_path))
    for form in FORMATS:
        assert FORMATS[form](document, "own", "typst")


@pytest.mark.parametrize(
    "text",
    [
        "s_t = \\tanh(w s_{t-1} + u x_t)\nE_t = (s_t - y_t)^2\ns_t is a scalar\nx_t is a scalar\n"
        "y_t is the target\nw is a scalar\nu is a scalar",
        "h_t = \\tanh(h_{t-1} + x_t)\nE_t = \\|h_t\\|^2\nx_t is the input",
        "\\lambda_t = w \\lambda_{t-1}\nh_t = \\lambda_t \\tanh(W h_{t-1})\nE_t depends on h_t\n"
        "\\lambda_t is a scalar\nw is a scalar",
    ],
)
def test_scalars_and_models_without_parameters(text: str) -> None:
    derivation = prove(derive(Model.read(text)))
    document = handout(derivation, emit_source(derivation, "m", "textbook"), "m.py", Choice())
    for form in FORMATS:
        assert FORMATS[form](document, "m", "typst")
