"""The command line as a user meets it: tables, files, one message for everything that is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MODEL = """
h_t = \\sigma(W_{rec} h_{t-1} + W_{in} x_t + b)
\\hat{y}_t = \\text{softmax}(W_{out} h_t + c)
E_t = -y_t^\\top \\log \\hat{y}_t
\\sigma is tanh
y_t is one-hot
"""


def bptt(
    *arguments: str | Path, folder: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from codegen.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "120", **variables},
        check=False,
    )


def test_build_ends_with_a_table_and_files(tmp_path: Path) -> None:
    done = bptt("build", "rnn", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    *header, row = done.stdout.strip().splitlines()
    for words in ("equations", "proven", "difference error", "files written"):
        assert words in "\n".join(header)
    name, proven, error, *_ = row.split()
    assert name == "rnn"
    assert int(proven) >= 35
    assert float(error) <= 1e-7
    assert sorted(p.name for p in (tmp_path / "generated" / "rnn").iterdir()) == [
        "README.md",
        "derivation-fragment.tex",
        "derivation.tex",
        "rnn_fast.py",
        "rnn_textbook.py",
    ]


def test_a_model_of_ones_own_builds_as_the_library_does(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text(MODEL, "utf-8")
    done = bptt("build", "mine.md", "--activation", "silu", "--out", "here", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    module = (tmp_path / "here" / "mine" / "mine_fast.py").read_text("utf-8")
    assert "sigma = silu" in module
    verified = bptt("verify", "here/mine/mine_fast.py", folder=tmp_path)
    assert verified.returncode == 0, verified.stderr
    assert "yes" in verified.stdout


def test_a_bias_with_a_time_is_warned_about(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text(MODEL.replace("+ b)", "+ b_t)"), "utf-8")
    done = bptt("build", "notes.md", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "b_t carries t and no equation defines it" in done.stderr


def test_a_parameter_that_no_gradient_reaches_is_warned_about(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text(f"{MODEL}\nu_t = Q x_t", "utf-8")
    done = bptt("build", "notes.md", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "No gradient reaches Q" in done.stderr
    assert "u_t = Q x_t" in done.stderr
    emitted = (tmp_path / "generated/notes/notes_fast.py").read_text("utf-8")
    assert 'd_Q = np.zeros(params["Q"].shape, dtype)' in emitted


@pytest.mark.parametrize(("form", "start"), [("latex", "%"), ("text", "Recurrent"), ("json", "{")])
def test_derive_prints_each_format(form: str, start: str, tmp_path: Path) -> None:
    done = bptt("derive", "rnn-hh", "--format", form, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(start)
    if form == "json":
        assert json.loads(done.stdout)["sections"]


def test_emit_writes_to_a_file(tmp_path: Path) -> None:
    done = bptt("emit", "rnn", "--target", "numpy", "-o", "rnn.py", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "def value_and_grad" in (tmp_path / "rnn.py").read_text("utf-8")


def test_emit_takes_options_together(tmp_path: Path) -> None:
    options = ("--checkpoint", "--truncate", "--stream", "--lengths", "--clip")
    arguments = ("--style", "fast", "--gradients", "parameters", "-o", "rnn.py")
    done = bptt("emit", "rnn-last", *arguments, *options, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "rnn.py").read_text("utf-8")
    for function in ("_segments", "truncated_value_and_grad", "stream", "clip", "_within"):
        assert f"def {function}(" in text
    assert "with checkpoint, truncate, stream, lengths, clip" in " ".join(text.split())
    assert bptt("verify", "rnn.py", folder=tmp_path).returncode == 0


def test_verify_rejects_a_wrong_gradient(tmp_path: Path) -> None:
    text = bptt("emit", "rnn", folder=tmp_path).stdout
    wrong = text.replace(
        "d_b += np.sum(delta_a[t], axis=0)", "d_b += 1.001 * np.sum(delta_a[t], axis=0)"
    )
    assert wrong != text
    (tmp_path / "wrong.py").write_text(wrong, "utf-8")
    done = bptt("verify", "wrong.py", folder=tmp_path)
    assert done.returncode == 2
    assert "b" in done.stderr
    assert "Traceback" not in done.stderr


BAD_MODELS = {
    "does not parse": ("h_t = tanh(W h_{t-1}", "was expected"),
    "undefined": ("h_t = tanh(W h_{t-1})\nE_t depends on q_t", "q_t is not defined"),
    "defined twice": ("h_t = W h_{t-1}\nh_t = U x_t\nE_t depends on h_t", "is defined twice"),
    "shapes": (
        "h_t = W h_{t-1} + U x_t\nE_t depends on h_t\nU in R^{2 \\times 3}\nW in R^{3 \\times 3}",
        "differ",
    ),
    "no loss": ("h_t = tanh(W h_{t-1} + U x_t)", "There is no loss"),
    "keyword": (
        "h_t = tanh(\\text{class} h_{t-1})\nE_t depends on h_t",
        "class is taken by Python",
    ),
    "builtin": (
        "h_t = tanh(\\text{print} h_{t-1})\nE_t depends on h_t",
        "print is taken by Python",
    ),
    "no identifier": ("h_t = tanh(\\text{my name} h_{t-1})\nE_t depends on h_t", "no identifier"),
    "smuggled TeX": ("h_t = \\write18{ls} h_{t-1}\nE_t depends on h_t", "is no symbol"),
    "smuggled Python": ("h_t = __import__('os') h_{t-1}\nE_t depends on h_t", "cannot be read"),
    "future and past": (
        "h_t = tanh(W h_{t+1} + U h_{t-1})\nE_t depends on h_t",
        "needs the past and the future at once: h_t",
    ),
    "both directions entangled": (
        "h_t = tanh(W h_{t-1} + R s_t)\ns_t = tanh(V s_{t+1} + Q h_{t-1})\nE_t depends on h_t",
        "needs the past and the future at once: h_t, s_t",
    ),
    "loop": (
        "h_t = tanh(W o_t + U h_{t-1})\no_t = sigmoid(V h_t)\nE_t depends on h_t",
        "need each other within one step: h_t, o_t",
    ),
    "never initialised": (
        "h_t = tanh(W h_{t-1} + U c_{t-1})\nc_t = V h_t + c_{t-1}\nh_0 = 0\nE_t depends on c_t",
        "The state c_t is never initialised",
    ),
    "no scalar": ("h_t = tanh(W h_{t-1})\nE_t = h_t \\odot h_t", "E_t is no scalar: it is n × 1"),
    "softmax of a scalar": (
        "h_t = tanh(W h_{t-1})\nz_t = w^\\top h_t\ny_t = softmax(z_t)\nE_t depends on y_t",
        "softmax of a scalar is always 1",
    ),
}


@pytest.mark.parametrize("case", BAD_MODELS)
def test_a_bad_model_gets_one_message_with_a_caret(case: str, tmp_path: Path) -> None:
    text, message = BAD_MODELS[case]
    (tmp_path / "bad.md").write_text(text, "utf-8")
    done = bptt("build", "bad.md", folder=tmp_path)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "^" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["bad.md"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["frobnicate"], "frobnicate"),
        (["build"], "Name one model"),
        (["build", "rnn", "--all"], "Name one model"),
        (["build", "no-such-cell"], "There is no cell"),
        (["build", "no-such-file.md"], "cannot be read"),
        (["build", "binary.md"], "not text in UTF-8"),
        (["build", "rnn", "--activation", "swish"], "There is no activation"),
        (["build", "rnn", "--out", "binary.md"], "cannot be written"),
        (["derive", "rnn", "--format", "docx"], "There is no format"),
        (["emit", "rnn", "--target", "fortran"], "There is no target"),
        (["emit", "rnn", "--style", "baroque"], "There is no style"),
        (["emit", "bidirectional", "--lengths"], "h_backward cannot be computed before"),
        (["verify", "no-such.py"], "no-such.py"),
        (["verify", "binary.md"], "binary.md"),
    ],
)
def test_a_bad_command_gets_one_message(arguments: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe\x00\x80")
    done = bptt(*arguments, folder=tmp_path)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["binary.md"]


def test_every_build_is_the_same(tmp_path: Path) -> None:
    """Whatever the hash seed."""
    texts = []
    for seed in ("1", "2"):
        out = tmp_path / seed
        done = bptt("build", "rnn", "--out", out, folder=tmp_path, PYTHONHASHSEED=seed)
        assert done.returncode == 0, done.stderr
        texts.append({p.name: p.read_bytes() for p in (out / "rnn").iterdir()})
    assert texts[0] == texts[1]


def test_a_derivation_is_printed_where_the_locale_has_no_letters_for_it(tmp_path: Path) -> None:
    done = bptt("derive", "rnn", folder=tmp_path, LC_ALL="C", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "δ_t^a" in done.stdout


# Handouts


def test_a_handout_is_a_pdf(tmp_path: Path) -> None:
    done = bptt("handout", "rnn", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["rnn-handout.pdf"]
    assert (tmp_path / "rnn-handout.pdf").read_bytes().startswith(b"%PDF-")


def test_sheets_and_their_key(tmp_path: Path) -> None:
    done = bptt(
        *("handout", "rnn", "--variants", "3", "--format", "md,pdf", "--seed", "7"),
        *("--out", "sheets", "--lang", "zh"),
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    stems = ["rnn-key-zh", *(f"rnn-sheet-00{number}-zh" for number in (1, 2, 3))]
    files = sorted(path.name for path in (tmp_path / "sheets").iterdir())
    assert files == sorted(f"{stem}.{ending}" for stem in stems for ending in ("md", "pdf"))
    sheets = [(tmp_path / "sheets" / f"{stem}.md").read_text("utf-8") for stem in stems]
    assert len(set(sheets)) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--format", "docx"), "There is no format 'docx'."),
        (("--format", ","), "No format is named."),
        (("--lang", "fr"), "There is no language 'fr'."),
        (("--engine", "word"), "There is no engine 'word'."),
        (("--engine", "xelatex"), "xelatex is not installed."),
        (("--variants", "2", "--solutions"), "--variants writes the key to all sheets."),
        (("--out", "file.txt"), "file.txt is a file."),
        (("--out", "file.txt/deeper"), "file.txt is a file."),
        (("--variants", "0"), "--variants is a number from 1 to 999."),
    ],
)
def test_a_handout_that_cannot_be_made(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    (tmp_path / "file.txt").write_text("", "utf-8")
    done = bptt("handout", "rnn", *arguments, folder=tmp_path, PATH="/nowhere")
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_an_unspecified_function_must_be_chosen_for_a_handout(tmp_path: Path) -> None:
    text = "h_t = f(W h_{t-1} + x_t)\nE_t = \\|h_t\\|^2\nf is an elementwise function\n"
    (tmp_path / "own.md").write_text(text, "utf-8")
    done = bptt("handout", "own.md", "--format", "md", folder=tmp_path)
    assert done.returncode == 2
    assert "--activation" in done.stderr
    chosen = bptt("handout", "own.md", "--format", "md", "--activation", "silu", folder=tmp_path)
    assert chosen.returncode == 0, chosen.stderr
    assert (tmp_path / "own-handout-silu.svg").exists()
