"""Emitted C computes what NumPy computes, to rounding, and refuses what is wrong."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from codegen.build import emit_c, emit_source
from codegen.gradcheck import check_module, load_module
from codegen.gradcheck.module import module_from_source
from codegen.targets.c.binding import build_binding
from codegen.targets.c.names import c_name
from derivations import Model, cell_names, derive
from tests.codegen.built import built, compiled, needs_a_compiler
from tests.emitted import assert_same, derived, drawn, module
from tests.random_cells import cells

pytestmark = needs_a_compiler


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "style"),
    [
        *((name, "fast") for name in cell_names()),
        *((name, "textbook") for name in ("lstm", "rnn-last", "fast-weights", "bidirectional")),
    ],
)
def test_c_agrees_with_numpy(name: str, style: str) -> None:
    binding = built(name, style)
    textbook = module(name, "textbook")
    for steps, batch in ((1, 1), (5, 3), (2, 41)):
        params, data = drawn(textbook, steps, batch, seed=1)
        expected = textbook.value_and_grad(params, data)
        compute = binding.prepare(params, data)
        compute.kept[-1][:] = 255  # NaN: nothing may be read that was not written
        assert_same(compute(), expected, 1e-13)
        single = {
            key: array.astype(np.float32) if array.dtype == np.float64 else array
            for key, array in (params | data).items()
        }
        value, gradients = binding.value_and_grad(
            {key: single[key] for key in params}, {key: single[key] for key in data}
        )
        assert all(gradient.dtype == np.float32 for gradient in gradients.values())
        doubles = {key: gradient.astype(np.float64) for key, gradient in gradients.items()}
        assert_same((value, doubles), expected, 3e-5)


@pytest.mark.parametrize("name", ["rnn-labels", "lstm", "fast-weights"])
def test_c_passes_the_gradient_checks(name: str) -> None:
    report = check_module(built(name), seed=2)
    assert report.passed, str(report)


@pytest.mark.slow
def test_random_cells_in_c() -> None:
    """Draw other cells than the library's."""
    count = 0

    def agrees(text: str) -> None:
        nonlocal count
        count += 1
        found = derive(Model.read(text))
        binding = compiled(found)
        textbook = module_from_source(emit_source(found, "cell", "textbook"))
        params, data = drawn(textbook, batch=3, seed=1)
        expected = textbook.value_and_grad(params, data)
        assert_same(binding.value_and_grad(params, data), expected, 1e-9)

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


def test_large_products_and_every_number_of_threads(tmp_path: Path) -> None:
    """Sizes beyond every block and panel; the threads share the work and change no digit."""
    binding = load_module(build_binding(emit_c(derived("lstm"), "lstm", "fast"), tmp_path))
    textbook = module("lstm", "textbook")
    params, data = drawn(textbook, 7, 57, seed=3, n=67, m=35, q=33)
    expected = textbook.value_and_grad(params, data)
    assert_same(binding.value_and_grad(params, data), expected, 1e-12)
    np.savez(tmp_path / "given.npz", **params, **data)
    program = (
        "import sys, hashlib, numpy as np\n"
        "from codegen.gradcheck import load_module\n"
        "binding = load_module(sys.argv[1])\n"
        "given = dict(np.load(sys.argv[2]))\n"
        "tables = (binding.PARAMS, binding.DATA)\n"
        "params, data = ({name: given[name] for name in table} for table in tables)\n"
        "value, gradients = binding.value_and_grad(params, data)\n"
        "print(value.hex(), *(hashlib.sha256(g).hexdigest() for g in gradients.values()))\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program, binding.__file__, str(tmp_path / "given.npz")],
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
def test_the_products_of_a_cblas() -> None:
    binding = compiled(derived("lstm"), cblas=True)
    textbook = module("lstm", "textbook")
    params, data = drawn(textbook, 7, 5, seed=3)
    assert_same(binding.value_and_grad(params, data), textbook.value_and_grad(params, data), 1e-13)


FUNCTIONS = {
    "tanh": mpmath.tanh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    "gelu": lambda x: x * mpmath.ncdf(x),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_exact_to_rounding(name: str) -> None:
    text = f"h_t = f(W x_t + U h_{{t-1}})\nE_t depends on h_t\nf is {name}"
    binding = compiled(derive(Model.read(text)), flags=())
    points = [0.0, 1e-30, -1e-9, 1e-4, 0.01, -0.3, 0.4, -1.0, 2.5, -7.0, 15.0, -30.0, 80.0, -80.0]
    for dtype, digits in ((np.float64, 1e-15), (np.float32, 4e-7)):
        for point in points:
            x = np.full((1, 1, 1), point, dtype)
            one = np.ones((1, 1), dtype)
            given = {"x": x, "dE_dh": one[None], "h_0": 0 * one}
            value, gradients = binding.value_and_grad({"W": one, "U": 0 * one}, given)
            with mpmath.workdps(50):
                exact = FUNCTIONS[name](mpmath.mpf(float(x[0, 0, 0])))
                slope = mpmath.diff(FUNCTIONS[name], mpmath.mpf(float(x[0, 0, 0])))
            # A rounded argument moves the value by its condition number, x f'(x) / f(x).
            condition = abs(float(x[0, 0, 0] * slope / exact)) if exact else 0.0
            tiny = float(np.finfo(dtype).tiny)
            assert value == pytest.approx(float(exact), rel=4 * digits * (1 + condition), abs=tiny)
            assert gradients["x"][0, 0, 0] == pytest.approx(float(slope), abs=4 * digits)


@pytest.mark.parametrize("point", [1e4, -1e4])
@pytest.mark.parametrize("name", ["lstm", "rnn-labels", "rnn-binary"])
def test_nothing_overflows(name: str, point: float) -> None:
    binding = built(name)
    params, data = drawn(binding)
    params = {key: np.where(array > 0, point, -point) for key, array in params.items()}
    value, gradients = binding.value_and_grad(params, data)
    assert np.isfinite(value)
    assert all(np.isfinite(gradient).all() for gradient in gradients.values())


# Bad input


def test_errors_of_the_binding() -> None:
    binding = built("rnn-labels")
    params, data = drawn(binding)
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
        for face in (binding.value_and_grad, binding.prepare, binding.forward):
            with pytest.raises(ValueError, match=message):
                face(params, {**data, **changed})
    with pytest.raises(ValueError, match="params has"):
        binding.value_and_grad({}, data)
    value, tape = binding.forward(params, data)
    with pytest.raises(ValueError, match="the workspace is too small"):
        binding.backward(params, data, {**tape, "workspace": tape["workspace"][:-1]})
    shorter = {name: data[name][:-1] if name in "xy" else data[name] for name in data}
    for arrays, other in ((shorter, tape), (data, {}), (data, {**tape, "dtype": np.float32})):
        with pytest.raises(ValueError, match="the tape is not what `forward` has returned"):
            binding.backward(params, arrays, other)
    gradients = binding.backward(params, data, tape)
    assert_same((value, gradients), binding.value_and_grad(params, data), 1e-16)


def test_prepared_calls_read_the_arrays_as_they_are() -> None:
    binding = built("rnn-labels")
    params, data = drawn(binding)
    compute = binding.prepare(params, data)
    before = compute()[0]
    params["W_rec"] *= 0.5
    after, gradients = compute()
    assert after != before
    assert_same((after, gradients), binding.value_and_grad(params, data), 1e-16)


def test_status_of_every_kind_of_misuse() -> None:
    """Call the library itself, past the checks of the binding."""
    binding = built("rnn-labels")
    params, data = drawn(binding)
    library, sizes, (params_of, data_of), _ = binding._arguments(params, data)
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
    y = list(binding.DATA).index("y")
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
    gradients = binding._pointers(
        np.empty_like(a) for a in (*params.values(), data["x"], data["h_0"])
    )
    space = ctypes.byref(workspace)
    found = library.cell_backward(sizes, params_of, outside, gradients, space, size)
    assert library.cell_message(found) == b"a label lies outside of what it picks from"
    assert library.cell_message(99) == b"an unknown status"


@pytest.mark.parametrize("equation", ["E h_{t-1}", "W h_{t-1} + i", "W h_{t-1} + j + k"])
def test_letters_that_the_file_uses_itself(equation: str) -> None:
    text = rf"h_t = \tanh({equation} + U x_t)" + "\n" + "L_t depends on h_t"
    found = derive(Model.read(text))
    binding = compiled(found)
    textbook = module_from_source(emit_source(found, "cell", "textbook"))
    params, data = drawn(textbook)
    assert_same(binding.value_and_grad(params, data), textbook.value_and_grad(params, data), 1e-13)


def test_words_of_c_give_way() -> None:
    assert c_name("double") == "double_"
    assert c_name("W_rec") == "W_rec"
