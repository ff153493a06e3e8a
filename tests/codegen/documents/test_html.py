"""HTML pages: valid, self-contained, true to what was proven, and whole on a desk and a phone."""

from __future__ import annotations

import html as standard
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import html5lib
import pytest

from codegen.documents.content import visible
from codegen.documents.document import Document, Row
from codegen.documents.drawing.svg import as_svg
from codegen.documents.handout.handout import Choice
from codegen.documents.html import html
from codegen.documents.html.displays import SMALLEST
from codegen.documents.html.mathematics import mathml
from codegen.documents.html.words import prose
from codegen.documents.layout import relaxed
from derivations.library import cell_names
from tests.codegen.documents.mathml_reading import MATHML, latex_of
from tests.codegen.documents.rows_of import rows_of
from tests.codegen.documents.samples import (
    CODE,
    HOSTILE,
    QUICK,
    SHADES,
    document_of,
    drawing,
    every_block,
    proven,
    sides_of,
    whole,
)
from tests.codegen.documents.test_handout import blocks_of

XHTML = "{http://www.w3.org/1999/xhtml}"
CELLS = [
    *QUICK,
    *(pytest.param(n, marks=pytest.mark.slow) for n in cell_names() if n not in QUICK),
]


def parsed(page: str) -> Element:
    """Return the tree of a page; a strict parser raises at the first error."""
    parser = html5lib.HTMLParser(strict=True)
    return parser.parse(page)


def by_class(tree: Element, name: str) -> Iterator[Element]:
    return (one for one in tree.iter() if name in one.get("class", "").split())


def text_of(element: Element) -> str:
    return "".join(element.itertext())


# Mathematics


@pytest.mark.parametrize("name", CELLS)
def test_both_layouts_read_back_as_what_was_proven(name: str) -> None:
    derivation = proven(name)
    tree = parsed(html(document_of(name)))
    rows = {row.get("id"): row for row in by_class(tree, "row")}
    assert list(rows) == [f"eq-{equation.number}" for equation in derivation.equations]
    for equation in derivation.equations:
        row = rows[f"eq-{equation.number}"]
        layouts = list(by_class(row, "sides"))
        shown = [one.get("class") for one in layouts]
        assert shown in (["sides"], ["sides wide", "sides narrow"])
        for layout in layouts:
            (mathematics,) = layout.iter(f"{MATHML}math")
            assert sides_of(latex_of(mathematics), derivation) == equation.sides
        (beside,) = by_class(row, "beside")
        conditions = [latex_of(one) for one in beside.iter(f"{MATHML}math")]
        expected = [equation.conditions.replace(" ", "")] if equation.conditions else []
        assert [one.replace(" ", "") for one in conditions] == expected
        assert f"({equation.number})" in text_of(beside)


@pytest.mark.parametrize(
    "formula",
    [
        "\\operatorname{diag}(\\sigma'(a_t))",
        "\\hat{y}_t^{\\top}+\\widetilde{C}",
        "\\mathbf{1}^{\\top}\\bm{W}",
        "\\frac{\\partial^{+}h_k}{\\partial b}",
        "\\overrightarrow{\\prod}_{j=1}^{t}J_j",
        "\\mathbb{R}^{n\\times m}",
        "f''^{2}",
        "(W_y)_{:,1:n}",
        "W_{\\text{rec}}",
        "-0.12+10^{-3}",
        "\\Delta t<3",
        "\\begin{pmatrix} 0.5 & -0.25 \\\\ A & x^{2} \\end{pmatrix}",
    ],
)
def test_mathml_reads_back(formula: str) -> None:
    element = fromstring(mathml(formula).replace("<math>", f'<math xmlns="{MATHML[1:-1]}">'))
    assert bare(latex_of(element)) == bare(formula)


def bare(formula: str) -> str:
    """Return a formula without blanks and without braces around a single sign of a script."""
    return re.sub(r"([_^])\{(\w|\\top|\+|:)\}", r"\1\2", re.sub(r"\s", "", formula))


def test_only_brackets_around_something_tall_grow() -> None:
    assert 'stretchy="false"' in mathml(relaxed("\\left(a\\right)"))
    assert "stretchy" not in mathml(relaxed("\\left(\\frac{a}{b}\\right)"))


def test_a_script_belongs_to_the_whole_bracket() -> None:
    assert "<msup><mrow><mo" in mathml("(a + b)^{\\top}")


def test_a_sign_that_continues_a_line_adds() -> None:
    assert '<mo form="prefix">−</mo>' in mathml("-a")
    assert '<mo form="infix">−</mo>' in mathml("{} - a")
    assert mathml("\\odot") == '<math><mo lspace="0" rspace="0">⊙</mo></math>'


@pytest.mark.parametrize("name", CELLS)
def test_no_formula_holds_an_unknown_command(name: str) -> None:
    names = parsed(html(document_of(name))).iter(f"{MATHML}mi")
    words = {text_of(one) for one in names if len(text_of(one)) > 1}
    assert words <= {"diag", "softmax", "log", "tanh", "exp", "max", "vec", "sigmoid", "relu"}


def test_punctuation_stays_with_its_formula() -> None:
    shown = prose("so ($x$), then $y$; it")
    assert [text_of(one) for one in by_class(parsed_part(shown), "whole")] == ["(x),", "y;"]
    assert text_of(parsed_part(shown)) == "so (x), then y; it"


def parsed_part(part: str) -> Element:
    return html5lib.parse(f"<!DOCTYPE html><title></title><p>{part}")


# The page


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_block_is_valid_and_whole(language: str) -> None:
    page = html(every_block(language))
    tree = parsed(page)
    assert tree.get("lang") == language
    assert text_of(next(tree.iter(f"{XHTML}title"))) == visible(HOSTILE)
    assert text_of(next(tree.iter(f"{XHTML}h1"))) == visible(HOSTILE)
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    listings = [text_of(one) for one in tree.iter(f"{XHTML}pre")]
    assert listings == [CODE.rstrip(), "pip install", "assert h[0] > 0.9"]
    marks = [text_of(one) for one in by_class(tree, "mark")]
    assert marks[2:5] == ["✓", "≈", "✗"]
    sources = [text_of(one).split()[-1] for one in by_class(tree, "source")]
    assert sources == ["(1)", "(99)"]
    assert len(list(tree.iter(f"{XHTML}details"))) == 1
    assert len(list(tree.iter(f"{XHTML}table"))) == 2
    assert len(list(tree.iter(f"{XHTML}thead"))) == 1
    assert len(list(by_class(tree, "room"))) == 1


def test_a_page_needs_nothing_but_itself() -> None:
    page = html(every_block())
    tree = parsed(page)
    tags = {one.tag.removeprefix(XHTML) for one in tree.iter() if isinstance(one.tag, str)}
    assert not tags & {"script", "link", "img", "iframe", "object", "base"}
    assert not re.search(r"url\(|@import|\son\w+=", page)
    addresses = set(re.findall(r"https?://[^\s\"']+", page))
    assert addresses <= {"http://www.w3.org/2000/svg"}


def test_an_empty_document() -> None:
    assert "<nav" not in html(Document("", "", "en", ()))
    parsed(html(Document("T", "", "en", ())))


def test_the_same_page_at_every_hash_seed() -> None:
    program = (
        "from hashlib import sha256\n"
        "from tests.codegen.documents.samples import every_block\n"
        "from codegen.documents.html import html\n"
        "from codegen.documents.markdown import markdown\n"
        "from codegen.documents.notebook import notebook\n"
        "d = every_block()\n"
        "whole = html(d) + str(markdown(d, 'a')) + notebook(d)\n"
        "print(sha256(whole.encode()).hexdigest())\n"
    )
    root = Path(__file__).parents[3]
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


# Drawings


def test_a_drawing_is_xml_that_shows_all_of_it() -> None:
    tree = fromstring(as_svg(drawing()))
    svg = "{http://www.w3.org/2000/svg}"
    assert tree.get("aria-label") == "The <state> h_t leads to h_{t+1}"
    shown = [text_of(one) for one in tree.iter(f"{svg}text")]
    assert shown == ["xt−1", "h⃗t−1", "ŷt", "E", "where σ′ ≤ 1/4 & <b>", "δth 中文"]
    polygons = [one.get("class", "") for one in tree.iter(f"{svg}polygon")]
    assert sum("arrow" in name for name in polygons) == 3
    areas = [name for name in polygons if "arrow" not in name]
    assert areas == [f"shade-{shade.replace(' ', '-')}" for _, shade in SHADES]
    assert "<style" not in as_svg(drawing())


def test_a_script_is_moved_and_the_words_behind_it_moved_back() -> None:
    moves = [float(move) for move in re.findall(r'dy="([-\d.]+)"', as_svg(drawing()))]
    assert sum(moves[-3:]) == pytest.approx(0, abs=0.011)


# In a browser

MEASURE = """
const frame = document.querySelector("iframe");
frame.onload = () => {
  const page = frame.contentDocument, root = page.documentElement;
  page.querySelectorAll("details").forEach(one => { one.open = true; });
  const clipped = [...page.querySelectorAll(".sides")]
    .filter(one => one.offsetParent && one.scrollWidth > one.clientWidth + 1)
    .map(one => [one.parentElement.querySelector(".source") !== null,
      one.style.getPropertyValue("--phone")]);
  const low = [...page.querySelectorAll(".sides")]
    .filter(one => one.offsetParent && one.scrollHeight > one.clientHeight + 1)
    .map(one => [one.parentElement.id, one.scrollHeight, one.clientHeight]);
  const shown = [...page.querySelectorAll(".row")]
    .map(row => [...row.querySelectorAll(".sides")].filter(one => one.offsetParent).length);
  const requests = frame.contentWindow.performance.getEntriesByType("resource").length;
  const width = root.scrollWidth, inner = frame.contentWindow.innerWidth;
  document.querySelector("pre").textContent = JSON.stringify(
    {width, inner, clipped, low, shown, requests});
};
frame.srcdoc = document.querySelector("template").innerHTML;
"""


def measured(page: str, width: int, folder: Path) -> dict[str, object]:
    """Return what a browser says of a page in a frame of a width."""
    if shutil.which("chromium") is None:
        pytest.skip("chromium is not installed")
    frame = f'<iframe style="border:0" width="{width}" height="900"></iframe>'
    quoted = json.dumps(page).replace("</", "<\\/")
    script = MEASURE.replace('document.querySelector("template").innerHTML', quoted)
    wrapper = f"<!DOCTYPE html><meta charset=utf-8>{frame}<pre></pre><script>{script}</script>"
    (folder / "wrapper.html").write_text(wrapper, "utf-8")
    run = subprocess.run(
        [
            *(
                "chromium",
                "--headless",
                "--no-sandbox",
                "--hide-scrollbars",
                "--enable-logging=stderr",
            ),
            *("--virtual-time-budget=4000", f"--user-data-dir={folder / 'profile'}"),
            *("--window-size=1400,1000", "--dump-dom", f"file://{folder / 'wrapper.html'}"),
        ],
        capture_output=True,
        timeout=120,
        check=True,
    )
    assert b"CONSOLE" not in run.stderr, run.stderr.decode()[-2000:]
    match = re.search(r"<pre>(\{.*?\})</pre>", run.stdout.decode("utf-8"), re.DOTALL)
    assert match is not None
    found = json.loads(standard.unescape(match[1]))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("width", [360, 390, 1280])
@pytest.mark.parametrize(
    "name",
    [
        "rnn",
        *(pytest.param(n, marks=pytest.mark.slow) for n in cell_names() if n != "rnn"),
    ],
)
def test_no_equation_is_clipped(name: str, width: int, tmp_path: Path) -> None:
    found = measured(html(document_of(name)), width, tmp_path)
    assert found["width"] == found["inner"] == width
    assert found["clipped"] == found["low"] == []
    assert set(found["shown"]) == {1}  # type: ignore[call-overload]
    assert found["requests"] == 0


@pytest.mark.parametrize(
    "name", ["rnn", *(pytest.param(n, marks=pytest.mark.slow) for n in cell_names() if n != "rnn")]
)
def test_a_whole_handout_fits_a_phone(name: str, tmp_path: Path) -> None:
    document = whole(name, Choice("zh", solutions=True))
    page = html(document)
    parsed(page)
    found = measured(page, 360, tmp_path)
    assert found["width"] == found["inner"] == 360
    assert found["low"] == []
    # What scrolls is as small as can be read: numbers in matrices of eight columns, and no more.
    scrolling = found["clipped"]
    assert isinstance(scrolling, list)
    assert all(is_numeric for is_numeric, _ in scrolling)
    assert {size for _, size in scrolling} <= {f"{SMALLEST:.0%}"}
    assert len(scrolling) <= sum(map(has_a_wide_matrix, rows_of(blocks_of(document))))


def has_a_wide_matrix(row: Row) -> bool:
    lines = re.split(r"\\\\|\\end", " ".join(row.sides))
    return max(line.count("&") for line in lines) >= 7


@pytest.mark.parametrize("width", [360, 1280])
def test_a_page_of_every_block_does_not_scroll_sideways(width: int, tmp_path: Path) -> None:
    found = measured(html(every_block("zh")), width, tmp_path)
    assert found["width"] == found["inner"] == width
