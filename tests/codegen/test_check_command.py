"""`bptt check`: from a file of notes to a table, JSON and an annotated copy."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from codegen import cli
from codegen.documents.checked import annotated, as_json, verdict_table
from codegen.documents.checked.difference import marked
from codegen.documents.checked.words import shortened, unicode
from codegen.documents.text import columns
from derivations.claims import notes
from derivations.claims.notes import Checked, check_notes, section_model
from derivations.claims.verdict import Verdict

FORWARD = r"$$h_t = \tanh(W h_{t-1} + U x_t + b)$$"
TRUE = r"\frac{\partial h_t}{\partial h_{t-1}} = \text{diag}(1 - h_t^2) W"
TURNED = r"\frac{\partial h_t}{\partial h_{t-1}} = W^\top \text{diag}(1 - h_t^2)"
FALSE = r"\frac{\partial h_t}{\partial h_{t-1}} = W \text{diag}(1 - h_t^2)"
STRANGE = r"\frac{\partial h_t}{\partial h_{t-1}} = Q"
NOTES = f"""# Notes

{FORWARD}

So
$$
{TRUE}
$$
and, as one reads, ${TURNED}$,
but not

- $${FALSE}$$
- \\[{STRANGE}\\]
"""

VERDICTS = {
    TRUE: Verdict(TRUE, "holds", evidence="60 instances"),
    TURNED: Verdict(
        TURNED, "holds_under_reading", reading="denominator layout", why="It is *turned*."
    ),
    FALSE: Verdict(
        FALSE, "false", repair=TRUE, why="The factors are swapped.", counterexample="n = 2: 3 and 4"
    ),
    STRANGE: Verdict(STRANGE, "not_checkable", why="Q is not defined."),
}

Run = Callable[..., int]


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a table stand for the judge."""

    def judged(model: object, claim: str) -> Verdict:
        return VERDICTS.get(claim, Verdict(claim, "holds"))

    monkeypatch.setattr(section_model, "read", lambda text: object())
    monkeypatch.setattr(section_model, "judged", judged)
    monkeypatch.setattr(notes, "follows", lambda section, display: False)


@pytest.fixture
def bptt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, judge: None) -> Run:
    """Run the command in a folder of its own, and return the status."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["bptt", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        assert isinstance(left.value.code, int)
        return left.value.code

    return run


@pytest.fixture
def checked(judge: None) -> Checked:
    return check_notes(NOTES)


# The command


def test_a_table(bptt: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.md").write_text(NOTES, "utf-8")
    assert bptt("check", "notes.md") == 1
    shown = capsys.readouterr().out
    for words in (
        "line  equation",
        "   7  ∂h_t/∂h_{t-1} = diag(1 - h_t²) W",
        "✓ holds under a reading",
        "reading: denominator layout",
        "✗ false",
        "repair: ∂h_t/∂h_{t-1} = diag(1 - h_t²) W",
        "The factors are swapped.",
        "? not checkable",
        "Q is not defined.",
        "4 equations: 1 holds, 1 holds under a reading, 1 false, 1 not checkable.",
        "Judged against 1 forward equation (line 3).",
    ):
        assert words in shown
    assert [path.name for path in tmp_path.iterdir()] == ["notes.md"]


@pytest.mark.parametrize(
    ("claims", "status"),
    [([TRUE], 0), ([TRUE, TURNED], 0), ([STRANGE], 0), ([FALSE], 1), ([TRUE, FALSE], 1), ([], 0)],
)
def test_the_status(claims: list[str], status: int, bptt: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text(FORWARD + "".join(f"\n$${c}$$\n" for c in claims), "utf-8")
    assert bptt("check", "notes.md") == status


def test_json(bptt: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.md").write_text(NOTES, "utf-8")
    assert bptt("check", "notes.md", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found[2] == {
        "line": 12,
        "claim": FALSE,
        "verdict": "false",
        "reading": None,
        "repair": TRUE,
        "why": "The factors are swapped.",
        "counterexample": "n = 2: 3 and 4",
    }
    assert [one["verdict"] for one in found] == [
        "holds", "holds_under_reading", "false", "not_checkable",
    ]  # fmt: skip


def test_without_repairs(bptt: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.md").write_text(NOTES, "utf-8")
    assert bptt("check", "notes.md", "--json", "--no-repairs") == 1
    assert {one["repair"] for one in json.loads(capsys.readouterr().out)} == {None}


@pytest.mark.parametrize(
    ("arguments", "copy"),
    [
        (["notes.md", "--annotate"], "notes.checked.md"),
        (["notes.md", "--annotate-to", "new/copy.md"], "new/copy.md"),
        (["notes.md", "--annotate", "--json"], "notes.checked.md"),
    ],
)
def test_an_annotated_copy(arguments: list[str], copy: str, bptt: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text(NOTES, "utf-8")
    assert bptt("check", *arguments) == 1
    assert "✗ false" in (tmp_path / copy).read_text("utf-8")
    assert (tmp_path / "notes.md").read_text("utf-8") == NOTES


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_encodings_that_a_mark_tells(
    mark: str, bptt: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lead = "\ufeff" if mark == "utf-16-le" else ""
    (tmp_path / "notes.md").write_bytes((lead + NOTES + "循环神经网络").encode(mark))
    assert bptt("check", "notes.md") == 1
    assert "✗ false" in capsys.readouterr().out


BAD = {
    "missing": (None, "cannot be read: No such file"),
    "binary": (b"\x89PNG\r\n\x1a\n\x00\x01", "no text"),
    "latin": ("$$h_t = W h_{t-1}$$\nVerst\xe4rkung".encode("latin-1"), "byte 25 (line 2) is 0xe4"),
    "mixed": ("循环".encode() + "循环".encode("gbk"), "(line 1)"),
    "half of UTF-16": (b"\xff\xfe$\x00\x00\xd8", "not text in UTF-16"),
    "empty": (b"", "no equations"),
    "prose": (b"Nothing but words.", "no equations"),
    "no network": (rf"$${TRUE}$$".encode(), "no forward equation"),
    "too many characters": (FORWARD.encode() + b"x" * 1_100_000, "at most 1000000"),
    "too many bytes": (b"x" * 10_000_000, "at most 1000000"),
    "NUL": (b"$$a = \x00$$", "NUL"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_message(
    case: str, bptt: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, message = BAD[case]
    if data is not None:
        (tmp_path / "bad.md").write_bytes(data)
    assert bptt("check", "bad.md", "--annotate") == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.err.startswith("bptt: ")
    assert shown.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ([] if data is None else ["bad.md"])


def test_bad_places(bptt: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.md").write_text(NOTES, "utf-8")
    (tmp_path / "folder").mkdir()
    assert bptt("check", "folder") == 2
    assert "is a folder" in capsys.readouterr().err
    assert bptt("check", "notes.md", "--annotate-to", "notes.md") == 2
    assert "the notes themselves" in capsys.readouterr().err
    assert bptt("check", "notes.md", "--annotate-to", "folder") == 2
    assert "cannot be written" in capsys.readouterr().err
    assert bptt("check") == 2
    assert (tmp_path / "notes.md").read_text("utf-8") == NOTES


def test_nothing_is_taken_in_from_other_files(bptt: Run, tmp_path: Path) -> None:
    (tmp_path / "other.tex").write_text(f"$${FALSE}$$", "utf-8")
    (tmp_path / "notes.tex").write_text(
        f"{FORWARD}\n\\input{{other}}\n$$\\input{{other}} = W$$", "utf-8"
    )
    assert bptt("check", "notes.tex") == 0


def test_the_help_tells_the_status(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from codegen.cli import main; main()", "check", "--help"],
        capture_output=True, text=True, encoding="utf-8", cwd=tmp_path, check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "120"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    words = " ".join(re.sub("[│╭╮╰╯─]", " ", done.stdout).split())
    assert "The status is 0 when nothing is false, though something may not be checkable" in words


# The table


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_the_table_fits(width: int, checked: Checked) -> None:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(verdict_table(checked, width))
    assert all(columns(line) <= width for line in console.export_text().splitlines())


def test_a_repair_underlines_what_it_changes(checked: Checked) -> None:
    console = Console(width=120, force_terminal=True, color_system="standard", no_color=False)
    with console.capture() as shown:
        console.print(verdict_table(checked, 120))
    assert re.search(r"\x1b\[[0-9;]*4[0-9;]*mW\x1b", shown.get())


def test_nothing_steers_the_terminal(judge: None) -> None:
    text = f"{FORWARD}\n$$\x1b[31m\u202e = [bold]W[/bold]$$"
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(verdict_table(check_notes(text), 100))
    shown = console.export_text()
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[bold]" in shown


@pytest.mark.parametrize(
    ("formula", "room", "expected"),
    [
        ("a = b", 10, "a = b"),
        ("a = b + c + d = e", 11, "a = … = e"),
        ("abcdefgh", 4, "abc…"),
        ("中文公式", 5, "中文…"),
    ],
)
def test_shortened(formula: str, room: int, expected: str) -> None:
    assert shortened(formula, room) == expected


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"W_{rec}h_{t-1}", "W_rec h_{t-1}"),
        (r"\frac{1}{1+e^{-x}} \otimes y", "1/(1+e^{-x}) ⊗ y"),
        (r"\frac{\partial E_t}{\partial y}\frac{\partial y}{\partial h}", "∂E_t/∂y ∂y/∂h"),
        (r"\left( \prod_{j=1}^t J_j \right) x", "(∏_{j=1}^t J_j) x"),
        ("{" * 5000 + "x" + "}" * 5000, "{" * 5000 + "x" + "}" * 5000),
        ("a}" * 10, "a}" * 10),
    ],
)
def test_unicode(latex: str, expected: str) -> None:
    assert unicode(latex) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a = b", "a = b", "a = b"),
        ("a = W b", "a = W^T b", "a = <W^T> b"),
        ("a = b c", "a = c b", "a = <c> b"),
        ("a = b", "a = b + c", "a = b <+ c>"),
        ("a = b + c", "a = b", "a = b"),
        (r"\left( a b \right) c", r"\left( a d \right) c", r"\left( a <d> \right) c"),
        (r"\frac{a}{b} c", r"\frac{a}{d} c", r"<\frac{a}{d}> c"),
        ("a_{t}", "a_t", "a_t"),
        ("a = b", "a = b} c", "a = b} c"),
    ],
)
def test_differences(before: str, after: str, expected: str) -> None:
    assert marked(before, after, "<", ">") == expected


# The annotated copy


def test_verdicts_stand_behind_their_formulas(checked: Checked) -> None:
    copy = annotated(checked)
    assert copy == (
        f"# Notes\n\n{FORWARD}\n\nSo\n$$\n{TRUE}\n$$\n\n> ✓ holds: 60 instances.\n\n"
        f"and, as one reads, ${TURNED}$,\nbut not\n\n"
        "> ✓ holds under a reading: denominator layout. It is \\*turned\\*.\n\n"
        f"- $${FALSE}$$\n\n  > ✗ false: The factors are swapped.\n  >\n"
        r"  > $$\frac{\partial h_t}{\partial h_{t-1}} = \text{diag}(1 - h_t^2) \textcolor{red}{W}$$"
        "\n  >\n  > Counterexample: n = 2: 3 and 4\n\n"
        f"- \\[{STRANGE}\\]\n\n  > ? not checkable: Q is not defined.\n\n"
        "> 4 equations: 1 holds, 1 holds under a reading, 1 false, 1 not checkable.\n"
        "> Judged against 1 forward equation (line 3).\n"
    )


def test_only_lines_are_added(checked: Checked) -> None:
    kept = [line for line in annotated(checked).splitlines() if line in NOTES.splitlines()]
    assert [line for line in kept if line] == [line for line in NOTES.splitlines() if line]


def test_a_latex_document_gets_comments(judge: None) -> None:
    text = f"\\begin{{document}}\n{FORWARD}\n\\[{FALSE}\\] words\n\\end{{document}}\n"
    copy = annotated(check_notes(text))
    assert f"\\[{FALSE}\\] words\n% bptt: ✗ false: The factors are swapped.\n" in copy
    assert f"% bptt: repair: {TRUE}\n% bptt: counterexample: n = 2: 3 and 4\n\\end{{doc" in copy
    assert [line for line in copy.splitlines() if line and not line.startswith("%")] == [
        line for line in text.splitlines() if line
    ]


def test_line_ends_and_quotations_stay(judge: None) -> None:
    text = f"{FORWARD}\r\n\r\n> $${FALSE}$$\r\n"
    copy = annotated(check_notes(text))
    assert f"> $${FALSE}$$\r\n>\r\n> > ✗ false: The factors are swapped.\r\n" in copy
    assert "\n" not in copy.replace("\r\n", "")


def test_several_claims_of_a_display_say_which(judge: None) -> None:
    text = f"{FORWARD}\n\\begin{{align}}\n{TRUE} \\\\\n{FALSE}\n\\end{{align}}\nmore words\n"
    copy = annotated(check_notes(text))
    assert (
        "\\end{align}\n\n> ✓ holds (line 3, equation 1): 60 instances.\n>\n"
        "> ✗ false (line 4, equation 2)" in copy
    )
    assert "4\n\nmore words\n" in copy


def test_a_table_row_is_not_torn_apart(judge: None) -> None:
    text = f"{FORWARD}\n\n| a | b |\n|---|---|\n| ${FALSE}$ | 1 |\n| 2 | 3 |\n\nwords\n"
    copy = annotated(check_notes(text))
    assert "| 1 |\n| 2 | 3 |\n\n> ✗ false" in copy


def test_the_outputs_are_the_same_every_time(checked: Checked) -> None:
    assert as_json(checked) == as_json(check_notes(NOTES))
    assert annotated(checked) == annotated(check_notes(NOTES))
