"""Typst and PDF: formulas, escapes, every kind of block, and equations read back."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import typst as compiler

from codegen.documents.document import Display, Document, Paragraph, Row, Section
from codegen.documents.drawing.typst import as_typst
from codegen.documents.handout.derivation import derivation_document
from codegen.documents.printed import plain
from codegen.documents.typst import fonts, typst
from codegen.documents.typst.escape import escape, prose
from codegen.documents.typst.fonts import chinese_fonts
from codegen.documents.typst.mathematics import mathematics
from codegen.documents.typst.pdf import check_fonts, compiled, pdf
from derivations.errors import EmitError, Place
from derivations.notation.build import build_sides
from derivations.notation.parse import parse_statement
from derivations.proving import network_of
from tests.codegen.documents.samples import every_cell, proven
from tests.codegen.documents.typst_reading import numbered_equations, too_wide
from tests.codegen.documents.typst_sample import drawing, sample

HOSTILE = '#panic() $x$ *a* _b_ `c` <d> @e [f] \\g // = - + / ~ "h" 1. https://x 中 é\x1b[31m'
QUICK = ("rnn", "rnn-hh", "fast-weights")
#: A4 in points, its margin, and how far a comma hangs into it.
PAGE, MARGIN, HANGS = (595.3, 841.9), 70.9, 4.0

cells = pytest.mark.parametrize("name", every_cell(*QUICK))


def document(*blocks: Display | Paragraph, language: str = "en") -> Document:
    return Document("Title", "", language, (Section("A section", blocks, 1),))


def words(made: bytes, folder: Path) -> list[tuple[float, float, float, float, str]]:
    """Return the words of a PDF with their corners: left, top, right, bottom."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    (folder / "made.pdf").write_bytes(made)
    command = ["pdftotext", "-bbox", "made.pdf", "-"]
    run = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=True)
    found = re.findall(
        r'<word xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)">(.*?)</word>',
        run.stdout.decode("utf-8"),
    )
    return [(*map(float, corners), word) for *corners, word in found]  # type: ignore[misc]


def assert_on_the_page(made: bytes, folder: Path) -> None:
    for left, top, right, bottom, word in words(made, folder):
        assert left >= MARGIN - HANGS, word
        assert right <= PAGE[0] - MARGIN + HANGS, word
        assert 0 < top < bottom < PAGE[1], word


# Formulas


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        ("h_{t-1}", "h_(t - 1)"),
        ("W_{rec} \\, h_t", "W_(r e c) thin h_(t)"),
        ("\\frac{\\partial^{+} h_t}{\\partial h_k}", "frac(∂^(+) h_(t), ∂ h_(k))"),
        ("\\left(\\frac{a}{b}\\right)^{2}", "lr(\\( frac(a, b) \\))^(2)"),
        ("\\left(a\\right)^{\\top}", "\\( a \\)^(⊤)"),
        ("\\Bigl(a", "lr(size: #1.8em, \\() a"),
        ("{h^{s}}^{2}", "scripts(h^(s))^(2)"),
        ("{h}^2", "h^(2)"),
        ("\\overrightarrow{\\prod}_{j=1}^{t}", "limits(arrow(∏))_(j = 1)^(t)"),
        ("\\lVert x\\rVert^2", 'class("opening", ‖) x class("closing", ‖)^(2)'),
        ("\\left|x\\right|^{2}", 'class("opening", |) x class("closing", |)^(2)'),
        ("\\left\\|\\frac{a}{b}\\right\\|^{2}", "lr(‖ frac(a, b) ‖)^(2)"),
        ("\\sigma''(a)", "σ'' \\( a \\)"),
        ("f'_t", "f'_(t)"),
        ("12.50, 3.", "12.50 \\, 3 \\."),
        ("10^{-5}", "10^(- 5)"),
        ("\\text{net}(x)", '"net"\\( x \\)'),
        ("\\text{raw\\_loss}", '"raw_loss"'),
        ("\\operatorname{diag}(a)", 'op("diag") \\( a \\)'),
        ("\\mathbf{1}^{\\top}", "upright(bold(1))^(⊤)"),
        ("\\bm{W}\\mathcal{L}\\mathbb{R}", "bold(W) cal(L) bb(R)"),
        ("\\mathscr{L} \\mathrm{d}", 'scr(L) "d"'),
        ("\\begin{pmatrix} 1 & \\\\ a, b & 2 \\end{pmatrix}", 'mat(delim: "(", 1, ""; a \\, b, 2)'),
        ("x \\approx y \\le \\rho, \\ldots", "x ≈ y ≤ ρ \\, …"),
        ("\\phi \\varphi \\epsilon \\varepsilon", "ϕ φ ϵ ε"),
        ("a; b/c & \\# \\$ \\_ \\{ \\}", "a \\; b \\/ c \\& \\# \\$ \\_ \\{ \\}"),
        ("1:n", "1 \\: n"),
    ],
)  # fmt: skip
def test_a_formula(latex: str, expected: str) -> None:
    assert mathematics(latex) == expected
    compiler.compile(f"${expected}$".encode(), format="pdf", ignore_system_fonts=True)


@pytest.mark.parametrize("command", ["\\foo", "\\begin{cases} a \\end{cases}", "\\text{$x_1$}"])
def test_an_unknown_command_is_no_silent_gap(command: str) -> None:
    with pytest.raises(EmitError, match="no Typst yet"):
        mathematics(f"a + {command}")


# Words


def test_a_hostile_text_is_shown_literally(tmp_path: Path) -> None:
    shown = replace(document(Paragraph("x")), title=HOSTILE)
    found = " ".join(word for *_, word in words(pdf(shown), tmp_path))
    for part in ("#panic()", "$x$", "*a*", "_b_", "`c`", "@e", "[f]", "\\g", "//", "1."):
        assert part in found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the cell's $h_t$(x)", "the cell’s #box[$h_(t)$];(x)"),
        ('`a\\b "c"`.', '#raw("a\\\\b \\"c\\"");.'),
        ("$\\begin{pmatrix} 1 \\end{pmatrix}$", '#tall[$display(mat(delim: "(", 1))$];'),
        ("1. no list", "1\\. no list"),
        ("see https://x.org/a_b.", 'see #link("https://x.org/a_b");.'),
        ("a $b", "a \\$b"),
    ],
)
def test_prose(text: str, expected: str) -> None:
    assert prose(text) == expected


def test_escape_leaves_blanks_and_words() -> None:
    assert escape("a  b\n- c") == "a b \\- c"


# Documents


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_kind_of_block_is_set_on_the_page(language: str, tmp_path: Path) -> None:
    assert_on_the_page(pdf(sample(language)), tmp_path)
    assert too_wide(sample(language)) == ()


def test_what_a_document_says_is_found_in_its_pdf(tmp_path: Path) -> None:
    found = " ".join(word for *_, word in words(pdf(sample()), tmp_path))
    for part in (
        *("Elman network", "1 What is needed", "Table 1", "Figure 1", "Listing 1", "Exercise 1"),
        *("Solution", "given", "def.", "✗ false", "by (99)", "(4)", "0.1234", "Written by bptt"),
        *("np.zeros((T + 1, n))", "https://arxiv.org/abs/1211.5063", "step"),
    ):
        assert part in found, part


def test_an_exercise_without_a_solution_has_room(tmp_path: Path) -> None:
    assert typst(sample()).count("#exercise(1, 4, none)") == 1


def test_the_same_bytes_twice_and_in_another_process() -> None:
    made = pdf(sample("zh"))
    assert pdf(sample("zh")) == made
    folder = Path(__file__).parent
    code = (
        f"import sys, hashlib; sys.path.insert(0, {str(folder)!r})\n"
        "from typst_sample import sample\nfrom codegen.documents.typst.pdf import pdf\n"
        "sys.stdout.buffer.write(pdf(sample('zh')))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)
    assert run.stdout == made


def test_the_title_is_in_the_metadata() -> None:
    source = typst(sample())
    assert '#set document(title: "Elman network: 50% of #it [x] $y$ *z*")' in source


def test_chinese_without_a_font_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_packaged", lambda: None)
    monkeypatch.setattr(fonts, "SERIF", ("No such family",))
    chinese_fonts.cache_clear()
    try:
        with pytest.raises(EmitError, match=r"bptt\[chinese\]"):
            pdf(document(language="zh"))
        with pytest.raises(EmitError, match="fonts-noto-cjk"):
            check_fonts("zh")
        check_fonts("en")
        titled = replace(document(Paragraph("x")), title="循环网络")
        assert pdf(titled).startswith(b"%PDF-")  # shown as well as can be
    finally:
        chinese_fonts.cache_clear()


def test_chinese_is_set_in_the_packaged_font() -> None:
    pytest.importorskip("mplfonts")
    assert b"NotoSerifCJK" in pdf(sample("zh"))


def test_a_row_that_is_too_wide_is_scaled_and_named(tmp_path: Path) -> None:
    long = " ".join(f"W_{{abcdefghij,{k}}}" for k in range(20))
    row = Row(("x", f"\\frac{{{long}}}{{y}}"), (), "1 \\le t \\le T", "proven", 7)
    shown = document(Display((row, Row(("a", "b"), number=8))))
    assert too_wide(shown) == (7,)
    assert_on_the_page(pdf(shown), tmp_path)


def test_a_row_that_is_longer_than_a_page_goes_on(tmp_path: Path) -> None:
    sides = tuple(f"\\frac{{a_{{{k}}}}}{{b}}" for k in range(60))
    made = pdf(document(Display((Row(sides, number=1),))))
    assert_on_the_page(made, tmp_path)


def test_a_drawing_compiles_and_keeps_its_size() -> None:
    frame = "#set page(width: auto, height: auto, margin: 0pt)\n#let note(a, b, c) = none\n"
    source = f"{frame}#{as_typst(drawing())}"
    svg = compiler.compile(source.encode(), format="svg", ignore_system_fonts=True)
    assert isinstance(svg, bytes)
    assert b'width="300pt" height="110pt"' in svg


# Derivations


@cells
def test_what_is_displayed_reads_back_as_what_was_proven(name: str) -> None:
    derivation = proven(name)
    scope = network_of(derivation).scope
    equations = list(derivation.equations)
    rows = numbered_equations(derivation_document(derivation), [e.number for e in equations])
    assert list(rows) == [equation.number for equation in equations]
    for equation in equations:
        line, beside = rows[equation.number]
        place = Place(line, 0, len(line))
        assert tuple(build_sides(parse_statement(line, place), scope, place)) == equation.sides
        conditions = [plain(equation.conditions)] if equation.conditions else []
        marks = ["✓"] if equation.kind == "claim" else []
        assert [plain(formula) for formula in beside][: len(conditions + marks)] == [
            *conditions,
            *marks,
        ]


@cells
def test_nothing_runs_off_the_page(name: str, tmp_path: Path) -> None:
    shown = derivation_document(proven(name))
    assert too_wide(shown) == ()
    assert_on_the_page(pdf(shown), tmp_path)
    assert compiled(shown).compile_with_warnings(format="pdf")[1] == []
