"""Emitted C: it agrees with NumPy, compiles without a warning, keeps its memory, refuses well."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import mpmath
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from codegen.build import emit_c, emit_source
from codegen.gradcheck import check_module, load_module
from codegen.gradcheck.module import default_sizes, draw_arrays, module_from_source
from codegen.targets.c.binding import build_binding
from codegen.targets.c.compiler import FLAGS, find_compiler
from codegen.targets.c.names import c_name
from derivations import Derivation, Model, cell_names, derive
from derivations.errors import EmitError
from derivations.library import cell_text
from tests.codegen.c_driver import driver
from tests.random_cells import cells

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="there is no C compiler"
)

#: Optimised code of one precision takes a second or two to compile.
QUICK = ("-O0",)


@cache
def derivation(name: str) -> Derivation:
    model = Model.read(cell_text(name))
    return derive(Model.read(cell_text(name), "tanh") if model.unspecified_functions else model)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory):
    """Return what compiles a cell, once for every style."""

    @cache
    def module(name: str, style: str = "fast", flags: tuple[str, ...] = QUICK) -> ModuleType:
        folder = tmp_path_factory.mktemp(name)
        return load_module(
            build_binding(emit_c(derivation(name), "cell", style), folder, flags=flags)
        )

    return module


def drawn(module: ModuleType, seed: int = 0, **sizes: int) -> tuple[dict, dict]:
    arrays = draw_arrays(module, {**default_sizes(module), **sizes}, seed)
    return {n: arrays[n] for n in module.PARAMS}, {n: arrays[n] for n in module.DATA}


def assert_same(found: tuple[float, dict], expected: tuple[float, dict], digits: float) -> None:
    value, gradients = expected
    np.testing.assert_allclose(found[0], value, rtol=10 * digits)
    assert found[1].keys() == gradients.keys()
    for name, gradient in gradients.items():
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(found[1][name], gradient, rtol=0, atol=digits * scale)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "style"),
    [
        *((name, "fast") for name in cell_names()),
        *((name, "textbook") for name in ("lstm", "rnn-last", "fast-weights", "bidirectional")),
    ],
)
def test_c_agrees_with_numpy(built, name: str, style: str) -> None:
    module = built(name, style)
    textbook = module_from_source(emit_source(derivation(name), name, "textbook"))
    for sizes in ({"T": 1, "B": 1}, {"T": 5, "B": 3}, {"T": 2, "B": 41}):
        params, data = drawn(textbook, 1, **sizes)
        expected = textbook.value_and_grad(params, data)
        compute = module.prepare(params, data)
        compute.kept[-1][:] = 255  # NaN: nothing may be read that was not written
        assert_same(compute(), expected, 1e-13)
        single = {
            key: array.astype(np.float32) if array.dtype == np.float64 else array
            for key, array in (params | data).items()
        }
        found = module.value_and_grad(
            {key: single[key] for key in params}, {key: single[key] for key in data}
        )
        assert all(gradient.dtype == np.float32 for gradient in found[1].values())
        assert_same(found, expected, 3e-5)


@pytest.mark.parametrize("name", ["rnn-labels", "lstm", "fast-weights"])
def test_c_passes_the_gradient_checks(built, name: str) -> None:
    report = check_module(built(name), seed=2)
    assert report.passed, str(report)


@pytest.mark.slow
def test_random_cells_in_c(tmp_path: Path) -> None:
    """Draw other cells than the library's."""
    count = 0

    def agrees(text: str) -> None:
        nonlocal count
        count += 1
        found = derive(Model.read(text))
        folder = tmp_path / str(count)
        folder.mkdir()
        module = load_module(build_binding(emit_c(found, "cell", "fast"), folder, flags=QUICK))
        textbook = module_from_source(emit_source(found, "cell", "textbook"))
        params, data = drawn(textbook, 1)
        expected = textbook.value_and_grad(params, data)
        assert_same(module.value_and_grad(params, data), expected, 1e-9)

    test = given(cells())(agrees)
    examples = max(4, int(os.environ.get("BPTT_RANDOM_CELLS", "12")) // 5)
    settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(seed(11)(test))()
    assert count >= examples


def test_every_run_emits_the_same() -> None:
    """Also where sets and dictionaries have another order."""
    program = (
        "from codegen.build import emit_c\n"
        "from derivations import cell, derive\n"
        "print(*emit_c(derive(cell('stacked-lstm')), 'cell', 'fast').values())\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(said) == 1


# Speed must not cost what is right


def test_large_products_and_every_number_of_threads(built, tmp_path: Path) -> None:
    """Sizes beyond every block and panel; the threads share the work and change no digit."""
    module = built("lstm", "fast", ())
    textbook = module_from_source(emit_source(derivation("lstm"), "lstm", "textbook"))
    params, data = drawn(textbook, 3, T=7, B=57, n=67, m=35, q=33)
    expected = textbook.value_and_grad(params, data)
    assert_same(module.value_and_grad(params, data), expected, 1e-12)
    np.savez(tmp_path / "given.npz", **params, **data)
    program = (
        "import sys, hashlib, numpy as np\n"
        "from codegen.gradcheck import load_module\n"
        "module = load_module(sys.argv[1])\n"
        "given = dict(np.load(sys.argv[2]))\n"
        "params, data = ({n: given[n] for n in names} for names in (module.PARAMS, module.DATA))\n"
        "value, gradients = module.value_and_grad(params, data)\n"
        "print(value.hex(), *(hashlib.sha256(g).hexdigest() for g in gradients.values()))\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program, module.__file__, str(tmp_path / "given.npz")],
            env={**os.environ, "OMP_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2", "3")
    }
    assert len(said) == 1


@pytest.mark.skipif(
    not any(map(importlib.util.find_spec, ("scipy_openblas32", "scipy_openblas64"))),
    reason="no scipy-openblas is installed",
)
def test_the_products_of_a_cblas(tmp_path: Path) -> None:
    files = emit_c(derivation("lstm"), "lstm", "fast")
    module = load_module(build_binding(files, tmp_path, cblas=True))
    textbook = module_from_source(emit_source(derivation("lstm"), "lstm", "textbook"))
    params, data = drawn(textbook, 3, T=7, B=5)
    assert_same(module.value_and_grad(params, data), textbook.value_and_grad(params, data), 1e-13)


FUNCTIONS = {
    "tanh": mpmath.tanh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    "gelu": lambda x: x * mpmath.ncdf(x),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_exact_to_rounding(name: str, tmp_path: Path) -> None:
    text = f"h_t = f(W x_t + U h_{{t-1}})\nE_t depends on h_t\nf is {name}"
    files = emit_c(derive(Model.read(text)), "cell", "fast")
    module = load_module(build_binding(files, tmp_path))
    points = [0.0, 1e-30, -1e-9, 1e-4, 0.01, -0.3, 0.4, -1.0, 2.5, -7.0, 15.0, -30.0, 80.0, -80.0]
    for dtype, digits in ((np.float64, 1e-15), (np.float32, 4e-7)):
        for point in points:
            x = np.full((1, 1, 1), point, dtype)
            one = np.ones((1, 1), dtype)
            given = {"x": x, "dE_dh": one[None], "h_0": 0 * one}
            value, gradients = module.value_and_grad({"W": one, "U": 0 * one}, given)
            with mpmath.workdps(50):
                exact = FUNCTIONS[name](mpmath.mpf(float(x[0, 0, 0])))
                slope = mpmath.diff(FUNCTIONS[name], mpmath.mpf(float(x[0, 0, 0])))
            assert value == pytest.approx(float(exact), rel=4 * digits, abs=4 * digits)
            assert gradients["x"][0, 0, 0] == pytest.approx(float(slope), abs=4 * digits)


@pytest.mark.parametrize("point", [1e4, -1e4])
@pytest.mark.parametrize("name", ["lstm", "rnn-labels", "rnn-binary"])
def test_nothing_overflows(built, name: str, point: float) -> None:
    module = built(name)
    params, data = drawn(module)
    params = {key: np.where(array > 0, point, -point) for key, array in params.items()}
    value, gradients = module.value_and_grad(params, data)
    assert np.isfinite(value)
    assert all(np.isfinite(gradient).all() for gradient in gradients.values())


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
def test_what_a_cell_does_not_need_is_no_warning(text: str, gradients: str, tmp_path: Path) -> None:
    found = derive(Model.read(text))
    files = emit_c(found, "cell", "fast", gradients)
    module = load_module(build_binding(files, tmp_path, flags=QUICK))
    textbook = module_from_source(emit_source(found, "cell", "textbook", gradients))
    params, data = drawn(textbook)
    assert_same(module.value_and_grad(params, data), textbook.value_and_grad(params, data), 1e-13)


def test_fast_math_is_refused(tmp_path: Path) -> None:
    files = emit_c(derivation("rnn"), "rnn", "fast")
    with pytest.raises(EmitError, match="-ffast-math takes the rounding away"):
        build_binding(files, tmp_path, flags=("-ffast-math",))


# The compiler and its instruments


@pytest.mark.parametrize(
    "flags", [("-O0",), ("-O2", "-DCELL_SINGLE"), ("-O2", "-fopenmp"), ("-O2", "-Wshadow")], ids=str
)
@pytest.mark.parametrize("name", ["bidirectional", "fast-weights", "rnn-labels", "two-lag"])
def test_no_warnings(name: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    """Also without OpenMP, without vectors of this machine, and where names could hide others."""
    files = emit_c(derivation(name), "cell", "fast")
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
def test_clean_under_the_sanitizers(
    built, name: str, sizes: dict[str, int], tmp_path: Path
) -> None:
    flags = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    program = _driven(built(name), name, sizes, tmp_path, flags)
    if program is None:
        pytest.skip("the compiler has no sanitizers")
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("0 ")


@pytest.mark.skipif(not shutil.which("valgrind"), reason="there is no valgrind")
@pytest.mark.parametrize("name", ["rnn-labels", "lstm"])
def test_clean_under_valgrind(built, name: str, tmp_path: Path) -> None:
    program = _driven(built(name), name, {"T": 3, "B": 11}, tmp_path, ["-O2", "-g"])
    assert program is not None
    call = ["valgrind", "--error-exitcode=9", "--leak-check=full", str(program)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _driven(
    module: ModuleType, name: str, sizes: dict[str, int], folder: Path, flags: list[str]
) -> Path | None:
    """Compile a model with a main function; None if the compiler lacks what the flags ask for."""
    for file, text in emit_c(derivation(name), "cell", "fast").items():
        (folder / file).write_text(text, "utf-8")
    (folder / "main.c").write_text(driver(module, "cell", {**default_sizes(module), **sizes}))
    call = [*_plain_compiler(), *flags, "main.c", "cell.c", "-lm", "-o", "program"]
    done = subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode and "sanitize" in done.stderr:
        return None
    assert done.returncode == 0, done.stderr
    return folder / "program"


# Bad input


def test_errors_of_the_binding(built) -> None:
    module = built("rnn-labels")
    params, data = drawn(module)
    gaps = np.zeros((*data["x"].shape[:2], 2 * data["x"].shape[2]))[..., ::2]
    shifted = np.frombuffer(bytearray(data["x"].nbytes + 1), np.uint8)[1:].view(np.float64)
    for changed, message in (
        ({"x": gaps}, "has gaps in memory"),
        ({"x": shifted.reshape(data["x"].shape)}, "is not aligned in memory"),
        ({"x": data["x"].astype(np.float32)}, "W_rec.* is float64, .*x.* is float32; one dtype"),
        ({"x": data["x"].astype(np.float16)}, "float64 or float32 was expected"),
        ({"x": data["x"].astype(np.complex128)}, "an array of floating numbers was expected"),
        ({"x": data["x"][:0], "y": data["y"][:0]}, "every size must be at least 1"),
        ({"x": data["x"][1:]}, "was expected"),
        ({"x": np.full_like(data["x"], np.nan)}, "not finite"),
        ({"y": data["y"] + 100}, "has labels outside of"),
        ({"y": data["y"].astype(float)}, "an array of integer numbers was expected"),
        ({"y": data["y"].astype(np.int32)}, "is int32; int64 was expected"),
        ({"y": np.repeat(data["y"], 2, axis=1)[:, ::2]}, "has gaps in memory"),
    ):
        for face in (module.value_and_grad, module.prepare, module.forward):
            with pytest.raises(ValueError, match=message):
                face(params, {**data, **changed})
    with pytest.raises(ValueError, match="params has"):
        module.value_and_grad({}, data)
    value, tape = module.forward(params, data)
    with pytest.raises(ValueError, match="the workspace is too small"):
        module.backward(params, data, {**tape, "workspace": tape["workspace"][:-1]})
    shorter = {name: data[name][:-1] if name in "xy" else data[name] for name in data}
    for arrays, other in ((shorter, tape), (data, {}), (data, {**tape, "dtype": np.float32})):
        with pytest.raises(ValueError, match="the tape is not what `forward` has returned"):
            module.backward(params, arrays, other)
    gradients = module.backward(params, data, tape)
    assert_same((value, gradients), module.value_and_grad(params, data), 1e-16)


def test_prepared_calls_read_the_arrays_as_they_are(built) -> None:
    module = built("rnn-labels")
    params, data = drawn(module)
    compute = module.prepare(params, data)
    before = compute()[0]
    params["W_rec"] *= 0.5
    after, gradients = compute()
    assert after != before
    assert_same((after, gradients), module.value_and_grad(params, data), 1e-16)


def test_status_of_every_kind_of_misuse(built) -> None:
    """Call the library itself, past the checks of the binding."""
    module = built("rnn-labels")
    params, data = drawn(module)
    library, sizes, (params_of, data_of), _ = module._arguments(params, data)
    size = library.cell_workspace_size(sizes)
    workspace, value = ctypes.create_string_buffer(size), ctypes.c_double()

    def status(sizes=sizes, params=params_of, data=data_of, space=workspace, room=size) -> str:
        space = ctypes.byref(space) if space is not None else None
        found = library.cell_forward(sizes, params, data, ctypes.byref(value), space, room)
        return library.cell_message(found).decode()

    def with_pointer(pointers, place: int, address: int | None):
        changed = type(pointers)(*pointers)
        changed[place] = address
        return changed

    counts = list(sizes)
    zero, huge = type(sizes)(0, *counts[1:]), type(sizes)(2**50, 2**50, *counts[2:])
    labels = np.full((4, 3), 99)
    y = list(module.DATA).index("y")
    assert status() == "everything is computed"
    assert status(sizes=None) == "a pointer is null"
    assert status(space=None) == "a pointer is null"
    assert status(params=with_pointer(params_of, 0, None)) == "a pointer is null"
    odd = with_pointer(params_of, 0, params_of[0] + 1)
    assert status(params=odd) == "an array lies at no multiple of its entries' size"
    assert status(sizes=zero) == "a size is zero, or all sizes are too large together"
    assert status(sizes=huge) == "a size is zero, or all sizes are too large together"
    assert library.cell_workspace_size(zero) == library.cell_workspace_size(huge) == 0
    assert status(room=size - 1) == "the workspace is too small"
    outside = with_pointer(data_of, y, labels.ctypes.data)
    assert status(data=outside) == "a label lies outside of what it picks from"
    odd_labels = with_pointer(data_of, y, data_of[y] + 4)
    assert status(data=odd_labels) == "an array lies at no multiple of its entries' size"
    gradients = module._pointers(
        np.empty_like(a) for a in (*params.values(), data["x"], data["h_0"])
    )
    space = ctypes.byref(workspace)
    found = library.cell_backward(sizes, params_of, outside, gradients, space, size)
    assert library.cell_message(found) == b"a label lies outside of what it picks from"
    assert library.cell_message(99) == b"an unknown status"


def test_no_compiler_and_a_compiler_that_fails(monkeypatch, tmp_path: Path) -> None:
    files = emit_c(derivation("rnn"), "rnn", "fast")
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


@pytest.mark.parametrize("equation", ["E h_{t-1}", "W h_{t-1} + i", "W h_{t-1} + j + k"])
def test_letters_that_the_file_uses_itself(equation: str, tmp_path: Path) -> None:
    text = rf"h_t = \tanh({equation} + U x_t)" + "\n" + "L_t depends on h_t"
    found = derive(Model.read(text))
    module = load_module(build_binding(emit_c(found, "cell", "fast"), tmp_path, flags=QUICK))
    textbook = module_from_source(emit_source(found, "cell", "textbook"))
    params, data = drawn(textbook)
    assert_same(module.value_and_grad(params, data), textbook.value_and_grad(params, data), 1e-13)


def test_words_of_c_give_way() -> None:
    assert c_name("double") == "double_"
    assert c_name("W_rec") == "W_rec"
