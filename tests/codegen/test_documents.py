"""Documents of the library's cells: they compile, they fit, and they say what was proven."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from codegen.documents.breaking import lines
from codegen.documents.content import proof, visible
from codegen.documents.handout.derivation import derivation_document
from codegen.documents.json import as_json
from codegen.documents.latex import fragment, tex
from codegen.documents.latex.escape import escape, prose
from codegen.documents.layout import arranged, body
from codegen.documents.printed import plain
from codegen.documents.rendering import render
from codegen.documents.text import columns, text
from derivations.bptt import derive
from derivations.derivation import Derivation
from derivations.errors import EmitError
from derivations.library import cell, cell_names
from derivations.model import Model
from derivations.notation.parse import parse_statement
from derivations.proving import prove
from tests.codegen.documents.samples import sides_of_latex

#: One state and several, states that are matrices, and both directions.
QUICK = ("rnn", "lstm", "fast-weights", "bidirectional")
CELLS = [
    *((name, None) for name in QUICK),
    *(pytest.param(n, None, marks=pytest.mark.slow) for n in cell_names() if n not in QUICK),
    ("rnn", "relu"),
    ("rnn-hh", "softplus"),
]
HOSTILE = "\\write18{ls} $x$ 100% & # ~ ^^M _{a} \\end{document} -- '' 中文 σ é \x1b[31m"
#: Nobody sees less.
VISIBLE_OVERFLOW = 2.0

cells = pytest.mark.parametrize(("name", "activation"), CELLS)


@cache
def proven(name: str, activation: str | None = None) -> Derivation:
    return prove(derive(cell(name, activation)))


def titled(title: str) -> Derivation:
    derivation = proven("rnn")
    return replace(derivation, model=replace(derivation.model, title=title))


def standalone(derivation: Derivation) -> str:
    return tex(derivation_document(derivation))


def typeset(derivation: Derivation, folder: Path, engine: str = "pdflatex") -> str:
    """Return the log of the handout, typeset in an empty folder."""
    if shutil.which(engine) is None:
        pytest.skip(f"{engine} is not installed")
    (folder / "cell.tex").write_text(standalone(derivation), "utf-8")
    options = ["-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"]
    run = subprocess.run(
        [engine, *options, "cell.tex"], cwd=folder, capture_output=True, timeout=120, check=False
    )
    log = (folder / "cell.log").read_text("utf-8", errors="replace")
    assert run.returncode == 0, log[-3000:]
    return log


def words(folder: Path) -> str:
    """Return the words of the handout, as a reader sees them."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    command = ["pdftotext", "-layout", "cell.pdf", "-"]
    run = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=True)
    return run.stdout.decode("utf-8")


# LaTeX


@cells
def test_every_handout_compiles_and_fits(name: str, activation: str | None, tmp_path: Path) -> None:
    log = typeset(proven(name, activation), tmp_path)
    overflows = [float(match) for match in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert max(overflows, default=0.0) <= VISIBLE_OVERFLOW
    assert not re.findall(r"^LaTeX (?:Font )?Warning.*", log, re.MULTILINE)


@cells
def test_what_is_displayed_reads_back_as_what_was_proven(name: str, activation: str | None) -> None:
    derivation = proven(name, activation)
    rows = re.findall(
        r"(?:\\begin\{gather\}\n|\\bpttskip\]\n)(.*?)\n\\bptttag\{(.*?)\}\{(.*?)\}\{(\d+)\}",
        fragment(derivation),
        re.DOTALL,
    )
    equations = list(derivation.equations)
    assert [int(number) for *_, number in rows] == [e.number for e in equations]
    for (shown, conditions, mark, _), equation in zip(rows, equations, strict=True):
        assert sides_of_latex(shown, derivation) == equation.sides
        assert conditions == equation.conditions
        assert (
            mark
            == {"definition": "\\bpttdefinition", "given": "\\bpttgiven", "claim": "\\bpttproven"}[
                equation.kind
            ]
        )


def test_printed_numbers_are_the_numbers_of_the_equations(tmp_path: Path) -> None:
    derivation = proven("rnn-preactivation")
    typeset(derivation, tmp_path)
    numbers = [int(number) for number in re.findall(r"\((\d+)\)$", words(tmp_path), re.MULTILINE)]
    assert numbers == [equation.number for equation in derivation.equations]


def test_a_fragment_needs_amsmath_and_amssymb_only(tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    (tmp_path / "part.tex").write_text(fragment(proven("rnn-hh")), "utf-8")
    frame = "\\documentclass{article}\\usepackage{amsmath,amssymb}\n\\begin{document}\n"
    twice = "\\input{part}\n\\input{part}\n\\end{document}\n"
    (tmp_path / "whole.tex").write_text(frame + twice, "utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "whole.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout[-2000:]


@pytest.mark.parametrize("engine", ["pdflatex", "xelatex", "lualatex"])
def test_a_hostile_title_is_shown_literally(engine: str, tmp_path: Path) -> None:
    typeset(titled(HOSTILE), tmp_path, engine)
    # A font without the ASCII sign has the accent, and draws an underscore as a rule.
    shown = "".join(words(tmp_path).split()).replace("˜", "~").replace("ˆ", "^").replace("_", "")
    parts = ("\\write18{ls}$x$100%&#~^^M{a}\\end{document}--", "σ", "é[U+001B][31m")
    assert all(part in shown for part in parts)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("\\{}", "\\textbackslash{}\\{\\}"),
        ("$&#^_%~", "\\$\\&\\#\\textasciicircum{}\\_\\%\\textasciitilde{}"),
        ("a -- b", "a -\\/- b"),
        ("``x''", "\\textasciigrave{}\\textasciigrave{}x'\\/'"),
        ("中", "\\bpttcharacter{4E2D}"),
        ("é", "é"),
        ("a\nb\x00", "a b[U+0000]"),
        ("Δt", "\\ensuremath{\\Delta}t"),
    ],
)
def test_escape(written: str, expected: str) -> None:
    assert escape(written) == expected


def test_prose_keeps_formulas_and_escapes_the_rest() -> None:
    assert prose("$W_{rec}$ & $b$") == "$W_{rec}$ \\& $b$"
    assert prose("a_b costs 5$") == "a\\_b costs 5\\$"


def test_a_wide_side_breaks_at_its_outermost_signs_only() -> None:
    side = "\\left(a + b\\right) c + d_{t + 1} - \\left\\|e - f\\right\\|"
    assert lines(side, 30, len) == [
        "\\left(a + b\\right) c",
        "+ d_{t + 1}",
        "- \\left\\|e - f\\right\\|",
    ]
    assert lines("(a + b) c ⊙ d - e", 9, len) == ["(a + b) c", "⊙ d - e"]
    assert lines("Σ_{t=1}^T (a + b) c", 17, len) == ["Σ_{t=1}^T (a + b)", "c"]
    shown = body(arranged(["x", " + ".join(["W_{rec} h_t"] * 12)], ["="], 30, 20))
    assert shown.startswith("\\begin{aligned}[b]\nx &= W_{rec}")
    assert "\\\\\n&\\enspace\\enspace {} + W_{rec}" in shown


def test_a_template_gets_exactly_what_it_names() -> None:
    with pytest.raises(AssertionError, match=r"fragment\.tex\.jinja uses \['sections'\]"):
        render("codegen.documents.latex", "fragment.tex.jinja", sections=(), title="")


def test_bold_and_accented_names_compile(tmp_path: Path) -> None:
    model = Model.read(
        "h_t = \\relu(\\bm{W} h_{t-1} + \\mathbf{U} x_t)\n\\tilde{y}_t = \\mathbf{V} h_t\n"
        "E_t depends on \\tilde{y}_t\nx_t is the input"
    )
    derivation = prove(derive(model))
    typeset(derivation, tmp_path)
    assert "δ_t^ỹ = (∂E/∂ỹ_t)ᵀ" in text(derivation)


@pytest.mark.parametrize("name", ["\\text{hidden}", "\\mathrm{mem}", "\\operatorname{mem}"])
def test_a_word_as_a_name_has_an_adjoint(name: str, tmp_path: Path) -> None:
    text = f"{name}_t = \\tanh(W {name}_{{t-1}} + x_t)\nE_t = \\|{name}_t\\|^2\nx_t is the input"
    derivation = prove(derive(Model.read(text)))
    assert derivation.equation(f"adjoint:{name}") is not None
    typeset(derivation, tmp_path)


# Text


@cells
def test_text_fits_a_terminal(name: str, activation: str | None) -> None:
    derivation = proven(name, activation)
    lines = text(derivation).splitlines()
    assert max(map(columns, lines)) <= 100
    numbers = [int(match[1]) for line in lines if (match := re.match(r" \((\d+)\) ", line))]
    assert numbers == [equation.number for equation in derivation.equations]
    assert not any(sign in "\n".join(lines) for sign in "\\$")


def test_text_with_a_long_title_fits_too() -> None:
    lines = text(titled("中" * 300 + " " + HOSTILE)).splitlines()
    assert max(map(columns, lines)) <= 100
    assert all(line.isprintable() for line in lines)


def test_text_shows_the_equations() -> None:
    shown = text(proven("rnn-hh"))
    for line in (
        "∂h_t/∂h_{t-1} = ∂h_t/∂a_t ∂a_t/∂h_{t-1} = diag(σ'(a_t)) W^hh",
        "δ_t^h = (W^s)ᵀ δ_t^z + (W^hh)ᵀ δ_{t+1}^a",
        "∂E/∂W^hh = Σ_{t=1}^T δ_t^a h_{t-1}ᵀ",
        "δ_{T+1}^a = 0",
    ):
        assert line in shown
    assert "E_t = 1/2 ‖y_t - ŷ_t‖²" in text(proven("rnn-regression"))


def test_plain() -> None:
    assert plain("\\lambda_t^{\\top}") == "λ_tᵀ"
    assert plain("W_{rec}^{2}") == "W_rec²"
    assert plain("\\mathbf{1}^{\\top} \\text{bias}") == "𝟏ᵀ bias"


def test_control_characters_are_shown_by_their_codes() -> None:
    assert visible("a\x1b\u202eb\ud800") == "a[U+001B][U+202E]b[U+D800]"


# JSON


@cells
def test_json_reads_back(name: str, activation: str | None) -> None:
    derivation = proven(name, activation)
    document = json.loads(as_json(derivation))
    assert list(document) == ["title", "symbols", "sections"]
    found = [equation for section in document["sections"] for equation in section["equations"]]
    for shown, equation in zip(found, derivation.equations, strict=True):
        statement = parse_statement(shown["latex"])
        assert len(statement.sides) == len(shown["sides"]) == len(equation.sides)
        assert " = ".join(shown["sides"]) == shown["latex"].split(", \\quad")[0]
        assert (shown["number"], shown["label"]) == (equation.number, equation.label)
        assert shown["evidence"] is not None
        assert shown["kind"] == equation.kind
    roles = {symbol["latex"]: symbol["role"] for symbol in document["symbols"]}
    assert {"E", "E_t", "\\hat{y}_t"} <= set(roles)
    definitions = sum(equation.kind == "definition" for equation in derivation.equations)
    shown = list(roles.values())
    assert shown.count("adjoint") + shown.count("whole state") == definitions


def test_json_is_utf8_text_with_a_newline() -> None:
    shown = as_json(titled("中文"))
    assert shown.endswith("}\n")
    assert '"title": "中文"' in shown
    assert as_json(titled("\ud800")).encode("utf-8")


# All


def test_nothing_unproven_is_shown() -> None:
    unproven = derive(cell("rnn"))
    for document in (fragment, text, as_json, standalone):
        with pytest.raises(EmitError, match=r"Equation \(1\), forward:a, is not proven"):
            document(unproven)


def test_the_proof_is_told_with_its_largest_bound() -> None:
    derivation = proven("rnn")
    found = proof(derivation)
    evidence = [e.evidence for e in derivation.equations if e.evidence is not None]
    assert found.exact == len(evidence) == found.equations
    assert found.instances == sum(one.cases for one in evidence)
    assert found.log2_bound >= max(one.log2_bound for one in evidence) > found.log2_bound - 1
    assert f"2^{{{found.log2_bound}}}" in standalone(derivation)


def test_numeric_evidence_is_marked_and_told() -> None:
    derivation = proven("rnn")
    section = derivation.sections[0]
    claim = section.equations[1]
    assert claim.evidence is not None
    weaker = replace(claim, evidence=replace(claim.evidence, method="real"))
    changed = replace(section, equations=(section.equations[0], weaker, *section.equations[2:]))
    numeric = replace(derivation, sections=(changed, *derivation.sections[1:]))
    assert "{\\bpttnumeric}{2}" in fragment(numeric)
    assert " (2)   ≈ " in text(numeric)
    assert "which is evidence and no proof" in standalone(numeric)


def test_a_model_without_inputs_parameters_of_one_row_and_no_title() -> None:
    derivation = prove(derive(Model.read("h_t = tanh(W h_{t-1})\nE_t depends on h_t")))
    assert "\\mathbb{R}^{n \\times n}" in standalone(derivation)
    assert text(derivation)
    assert json.loads(as_json(derivation))["title"]


def test_the_same_documents_at_every_hash_seed() -> None:
    program = (
        "from derivations.bptt import derive\n"
        "from derivations.library import cell\n"
        "from derivations.proving import prove\n"
        "from codegen.documents.handout.derivation import derivation_document\n"
        "from codegen.documents.latex import fragment, tex\n"
        "from codegen.documents.text import text\n"
        "from codegen.documents.json import as_json\n"
        "from hashlib import sha256\n"
        "d = prove(derive(cell('rnn')))\n"
        "whole = fragment(d) + tex(derivation_document(d)) + text(d) + as_json(d)\n"
        "print(sha256(whole.encode()).hexdigest())\n"
    )
    root = Path(__file__).parents[2]
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            check=True,
            timeout=120,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
