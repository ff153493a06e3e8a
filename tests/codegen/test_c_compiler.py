"""Emitted C compiles without a warning, keeps to its memory, and says why it cannot be built."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from codegen.build import emit_c, emit_source
from codegen.gradcheck.module import default_sizes, module_from_source
from codegen.targets.c.binding import build_binding
from codegen.targets.c.compiler import FLAGS, find_compiler
from derivations import Model, derive
from derivations.errors import EmitError
from tests.codegen.built import built, compiled, needs_a_compiler
from tests.codegen.c_driver import driver
from tests.emitted import assert_same, derived, drawn

pytestmark = needs_a_compiler


PLAIN_CELLS = {
    "scalar": r"""
        s_t = \alpha s_{t-1} + \beta x_t
        E_t = \frac{1}{2} (y_t - s_t)^2
        x_t is a scalar
        s_t is a scalar
        y_t is the target
    """,
    "diagonal": r"""
        h_t = \lambda \odot h_{t-1} + x_t
        E_t = \frac{1}{2} \|y_t - h_t\|^2
        y_t is the target
    """,
    "data of the way forward alone": r"""
        h_t = \lambda \odot h_{t-1} + x_t
        E_t = \frac{1}{2} \|h_t\|^2
    """,
    "without a bias": r"""
        h_t = \tanh(W h_{t-1} + x_t)
        E_t = \frac{1}{2} \|y_t - h_t\|^2
        y_t is the target
    """,
    "names that C has taken": r"""
        h_t = \tanh(W h_{t-1} + U x_t + \mathrm{NULL} + \mathrm{BARRIER} + \mathrm{new})
        E_t = \frac{1}{2} \|y_t - h_t\|^2
        y_t is the target
    """,
}


@pytest.mark.parametrize("gradients", ["all", "parameters"])
@pytest.mark.parametrize("text", PLAIN_CELLS.values(), ids=PLAIN_CELLS)
def test_what_a_cell_does_not_need_is_no_warning(text: str, gradients: str) -> None:
    found = derive(Model.read(text))
    binding = compiled(found, gradients=gradients)
    textbook = module_from_source(emit_source(found, "cell", "textbook", gradients))
    params, data = drawn(textbook)
    assert_same(binding.value_and_grad(params, data), textbook.value_and_grad(params, data), 1e-13)


def test_fast_math_is_refused(tmp_path: Path) -> None:
    files = emit_c(derived("rnn"), "rnn", "fast")
    with pytest.raises(EmitError, match="-ffast-math takes the rounding away"):
        build_binding(files, tmp_path, flags=("-ffast-math",))


# The compiler and its instruments


@pytest.mark.parametrize(
    "flags", [("-O0",), ("-O2", "-DCELL_SINGLE"), ("-O2", "-fopenmp"), ("-O2", "-Wshadow")], ids=str
)
@pytest.mark.parametrize("name", ["bidirectional", "fast-weights", "rnn-labels", "two-lag"])
def test_no_warnings(name: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    """Also without OpenMP, without vectors of this machine, and where names could hide others."""
    files = emit_c(derived(name), "cell", "fast")
    for file, text in files.items():
        (tmp_path / file).write_text(text, "utf-8")
        assert all(len(line) <= 100 for line in text.splitlines()), file
        assert not any(f"{word}(" in text for word in ("malloc", "calloc", "realloc", "alloca"))
    call = [*_plain_compiler(), *flags, "-c", "cell.c", "-o", "cell.o"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _plain_compiler() -> tuple[str, ...]:
    return (find_compiler().command[0], *FLAGS)


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        *((name, {"T": 3, "B": 11, "n": 19}) for name in ("lstm", "fast-weights", "two-lag")),
        *((name, {"T": 1, "B": 1}) for name in ("rnn-labels", "bidirectional")),
    ],
    ids=str,
)
def test_clean_under_the_sanitizers(name: str, sizes: dict[str, int], tmp_path: Path) -> None:
    flags = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    program = _driven(built(name), name, sizes, tmp_path, flags)
    if program is None:
        pytest.skip("the compiler has no sanitizers")
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("0 ")


@pytest.mark.skipif(not shutil.which("valgrind"), reason="there is no valgrind")
@pytest.mark.parametrize("name", ["rnn-labels", "lstm"])
def test_clean_under_valgrind(name: str, tmp_path: Path) -> None:
    program = _driven(built(name), name, {"T": 3, "B": 11}, tmp_path, ["-O2", "-g"])
    assert program is not None
    call = ["valgrind", "--error-exitcode=9", "--leak-check=full", str(program)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _driven(
    module: ModuleType, name: str, sizes: dict[str, int], folder: Path, flags: list[str]
) -> Path | None:
    """Compile a model with a main function; None if the compiler lacks what the flags ask for."""
    for file, text in emit_c(derived(name), "cell", "fast").items():
        (folder / file).write_text(text, "utf-8")
    (folder / "main.c").write_text(driver(module, "cell", {**default_sizes(module), **sizes}))
    call = [*_plain_compiler(), *flags, "main.c", "cell.c", "-lm", "-o", "program"]
    done = subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode and "sanitize" in done.stderr:
        return None
    assert done.returncode == 0, done.stderr
    return folder / "program"


def test_no_compiler_and_a_compiler_that_fails(monkeypatch, tmp_path: Path) -> None:
    files = emit_c(derived("rnn"), "rnn", "fast")
    monkeypatch.setenv("CC", "there-is-no-such-compiler")
    with pytest.raises(EmitError, match="CC names 'there-is-no-such-compiler'"):
        build_binding(files, tmp_path)
    monkeypatch.setenv("CC", "false")
    with pytest.raises(EmitError, match=r"false fails on rnn\.c with status 1"):
        build_binding(files, tmp_path)
    monkeypatch.setenv("CC", "true")
    with pytest.raises(EmitError, match="true made nothing of rnn"):
        build_binding(files, tmp_path)
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmitError, match="there is no C compiler"):
        build_binding(files, tmp_path)
