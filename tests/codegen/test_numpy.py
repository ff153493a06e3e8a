"""Emitted NumPy modules: right, stable, checked, readable."""

from __future__ import annotations

import ast
import importlib.util
import itertools
import subprocess
import sys
import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.build import STYLES, emit_source
from codegen.gradcheck import check_module
from codegen.gradcheck.module import default_sizes, draw_arrays
from codegen.lower import lower
from codegen.targets.numpy.functions import source
from codegen.targets.numpy.module import emit
from derivations import Derivation, Model, cell, cell_names, derive, prove
from derivations.activations import ACTIVATIONS
from derivations.algebra import quantities
from derivations.errors import EmitError, UnsupportedError


@cache
def derived(name: str, activation: str | None = None) -> Derivation:
    return derive(cell(name, activation))


@cache
def module(name: str, activation: str | None, style: str) -> ModuleType:
    return loaded(
        emit_source(derived(name, activation), name, style), f"{name}-{activation}-{style}"
    )


def loaded(text: str, name: str = "emitted") -> ModuleType:
    made = ModuleType(name)
    exec(compile(text, f"{name}.py", "exec"), made.__dict__)
    return made


def draw(emitted: ModuleType, sizes: dict[str, int], seed: int = 0) -> tuple[dict, dict]:
    """Draw parameters and data that are larger than those of the gradient check."""
    arrays = draw_arrays(emitted, sizes, seed)
    params = {name: arrays[name] * np.sqrt(sizes["n"]) for name in emitted.PARAMS}
    return params, {name: arrays[name] for name in emitted.DATA}


SIZES = {"n": 4, "m": 3, "q": 5, "n_2": 2, "o": 3, "d": 4, "T": 6, "B": 2}

#: Every cell as it stands, and every activation in a plain cell and in one with gates.
CASES = [
    *((name, None) for name in cell_names()),
    *((name, activation) for name in ("rnn", "gru") for activation in ACTIVATIONS),
]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("name", "activation"), CASES)
def test_gradients_pass_all_three_checks(name: str, activation: str | None, style: str) -> None:
    report = check_module(module(name, activation, style), seed=1)
    assert report.passed, str(report)
    assert report.complex_step is not None


@settings(max_examples=40, deadline=None)
@given(
    case=st.sampled_from(CASES),
    style=st.sampled_from(sorted(STYLES)),
    sizes=st.fixed_dictionaries({size: st.integers(1, 4) for size in SIZES}),
    seed=st.integers(0, 10**6),
)
@pytest.mark.slow
def test_gradients_at_any_size(
    case: tuple[str, str | None], style: str, sizes: dict[str, int], seed: int
) -> None:
    """One unit, one step and one sequence are sizes like any other."""
    emitted = module(*case, style)
    report = check_module(emitted, {size: sizes[size] for size in default_sizes(emitted)}, seed)
    assert report.passed, str(report)


def stacked(layers: int) -> str:
    """Return a recurrent network of some layers, each as large as it likes."""
    lines = []
    for layer in range(1, layers + 1):
        below = f"h^{{({layer - 1})}}_t" if layer > 1 else "x_t"
        state = f"h^{{({layer})}}"
        sums = f"W_{layer} {state}_{{t-1}} + U_{layer} {below} + b_{layer}"
        lines.append(f"{state}_t = \\tanh({sums})")
    lines += [f"\\hat{{y}}_t = \\text{{softmax}}(V h^{{({layers})}}_t + c)"]
    return "\n".join([*lines, "E_t = -y_t^\\top \\log \\hat{y}_t", "y_t is one-hot"])


@cache
def stacked_module(layers: int, style: str) -> ModuleType:
    return loaded(emit_source(prove(derive(Model.read(stacked(layers)))), "stacked", style))


@settings(max_examples=20, deadline=None)
@given(
    layers=st.integers(1, 4),
    style=st.sampled_from(sorted(STYLES)),
    lengths=st.lists(st.integers(1, 4), min_size=8, max_size=8),
    seed=st.integers(0, 10**6),
)
@pytest.mark.slow
def test_any_number_of_layers(layers: int, style: str, lengths: list[int], seed: int) -> None:
    emitted = stacked_module(layers, style)
    sizes = dict(zip(default_sizes(emitted), lengths, strict=False))
    report = check_module(emitted, sizes, seed)
    assert report.passed, str(report)


@pytest.mark.parametrize(("name", "activation"), CASES)
def test_styles_agree_to_rounding(name: str, activation: str | None) -> None:
    textbook, fast = (module(name, activation, style) for style in ("textbook", "fast"))
    params, data = draw(textbook, SIZES)
    (left, left_grads), (right, right_grads) = (
        m.value_and_grad(params, data) for m in (textbook, fast)
    )
    assert left == pytest.approx(right, rel=1e-13)
    assert left_grads.keys() == right_grads.keys() >= textbook.PARAMS.keys()
    for key, gradient in left_grads.items():
        scale = np.abs(gradient).max()
        assert np.abs(gradient - right_grads[key]).max() <= 1e-13 * scale, key


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_saturated_networks_neither_warn_nor_break(activation: str, style: str) -> None:
    """Logits of ±1e4 and saturated σ: finite values, no warning of any kind."""
    emitted = module("rnn", activation, style)
    params, data = draw(emitted, SIZES)
    params = {
        k: np.sign(v) * (1e4 if k in ("W_in", "W_out", "c") else 0.25) for k, v in params.items()
    }
    data["x"] = np.sign(data["x"])
    data["x"][0] = 0.0
    with warnings.catch_warnings(), np.errstate(over="raise", invalid="raise", divide="raise"):
        warnings.simplefilter("error")
        value, grads = emitted.value_and_grad(params, data)
    assert np.isfinite(value)
    assert value > 0
    for key, gradient in grads.items():
        assert np.isfinite(gradient).all(), key
        assert gradient.shape == (params | data)[key].shape


@pytest.mark.parametrize("style", STYLES)
def test_single_precision_stays_single(style: str) -> None:
    emitted = module("rnn", "tanh", style)
    params, data = draw(emitted, SIZES)
    single = [{k: v.astype(np.float32) for k, v in d.items()} for d in (params, data)]
    value, grads = emitted.value_and_grad(*single)
    exact, exact_grads = emitted.value_and_grad(params, data)
    assert value == pytest.approx(exact, rel=1e-5)
    for key, gradient in grads.items():
        assert gradient.dtype == np.float32
        np.testing.assert_allclose(gradient, exact_grads[key], rtol=1e-3, atol=1e-4)


def test_an_unspecified_loss_takes_its_gradient_as_an_argument() -> None:
    """With ∂E_t/∂ŷ_t of the cross-entropy, the gradients are those of the cross-entropy."""
    given_row, spelled = module("rnn-hh", "tanh", "fast"), module("rnn", "tanh", "fast")
    params, data = draw(spelled, SIZES)
    params["b"], params["c"] = np.zeros(4), np.zeros(5)
    _, tape = spelled.forward(params, data)
    row = -data["y"] / tape["y_hat"][1:]
    same = {"W_hh": params["W_rec"], "W_hx": params["W_in"], "W_s": params["W_out"]}
    _, grads = given_row.value_and_grad(
        same, {"x": data["x"], "h_0": data["h_0"], "dE_dy_hat": row}
    )
    _, expected = spelled.value_and_grad(params, data)
    for key, other in (("W_hh", "W_rec"), ("W_hx", "W_in"), ("W_s", "W_out"), ("x", "x")):
        np.testing.assert_allclose(grads[key], expected[other], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p, d: p.pop("b"), "params has"),
        (lambda p, d: p.update(extra=np.ones(3)), "params has"),
        (lambda p, d: d.pop("x"), "data has"),
        (
            lambda p, d: p.update(W_in=p["W_in"].T),
            r"params\['W_in'\] has shape \(3, 4\); \(n=4, m\)",
        ),
        (lambda p, d: p.update(b=p["b"][:, None]), r"params\['b'\] has shape \(4, 1\); \(n=4\)"),
        (
            lambda p, d: p.update(b=p["b"].astype(int)),
            r"params\['b'\] is int64; an array of floats",
        ),
        (lambda p, d: p.update(b=[0.0] * 4), r"params\['b'\] is list; an array of floats"),
        (
            lambda p, d: d["x"].__setitem__((0, 0, 0), np.nan),
            r"data\['x'\] has entries that are not",
        ),
        (
            lambda p, d: d["x"].__setitem__((0, 0, 0), np.inf),
            r"data\['x'\] has entries that are not",
        ),
        (lambda p, d: d.update(y=d["y"] * 2), r"data\['y'\]: each row was expected to sum to one"),
        (lambda p, d: d.update(x=d["x"][:0]), r"data\['x'\] has shape \(0, 2, 3\); every size"),
        (
            lambda p, d: d.update(h_0=d["h_0"][:1]),
            r"data\['h_0'\] has shape \(1, 4\); \(B=2, n=4\)",
        ),
    ],
)
def test_bad_arrays_are_named(change: object, message: str) -> None:
    emitted = module("rnn", "tanh", "textbook")
    params, data = draw(emitted, SIZES)
    change(params, data)  # type: ignore[operator]
    with pytest.raises(ValueError, match=message):
        emitted.value_and_grad(params, data)
    with pytest.raises(ValueError, match=message):
        emitted.forward(params, data)


@pytest.mark.parametrize("style", STYLES)
def test_a_module_imports_numpy_alone(style: str) -> None:
    tree = ast.parse(emit_source(derived("rnn", "gelu"), "rnn", style))
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [alias.name for node in imported for alias in node.names] == ["numpy"]


@pytest.mark.parametrize("name", cell_names())
def test_fast_loops_hold_nothing_but_the_recurrence(name: str) -> None:
    """A loop computes from what it computed itself; whatever else there is stands outside."""
    program = lower(derived(name))
    for transform in STYLES["fast"]:
        program = transform(program)
    # Written with expressions, for what a statement reads to stand in it.
    tree = ast.parse(emit(replace(program, in_place=False)))
    loops = [n for n in ast.walk(tree) if isinstance(n, ast.For) and ast.unparse(n.target) == "t"]
    assert loops
    wholes = {
        ast.unparse(node.targets[0]): ast.unparse(node.value).split("[")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and "[..., " in ast.unparse(node.value)
    }
    for loop in loops:
        for node in ast.walk(loop):
            if isinstance(node, ast.Name):  # a part of an array counts as the whole of it
                node.id = wholes.get(node.id, node.id)
        assigned = [n for n in ast.walk(loop) if isinstance(n, ast.Assign | ast.AugAssign)]
        reads: dict[str, set[str]] = {}
        for node in assigned:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            found = {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
            reads.setdefault(ast.unparse(target).split("[")[0], set()).update(found)
        for target in reads:
            assert target in reached(target, reads), target
        for node in assigned:
            found = {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
            assert found & reads.keys() or "*=" in ast.unparse(node), ast.unparse(node)


def reached(start: str, reads: dict[str, set[str]]) -> set[str]:
    """Return the names from which one is computed, itself among them if it comes back to it."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = reads.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def test_every_line_carries_the_number_of_an_equation() -> None:
    text = emit_source(derived("rnn", "tanh"), "rnn", "textbook")
    derivation = derived("rnn", "tanh")
    numbers = {equation.number for equation in derivation.equations}
    lines = text.splitlines()
    for previous, line in itertools.pairwise(lines):
        if "[t] =" in line or "+= " in line or "-= " in line:
            number = int(previous.strip().removeprefix("# (").split(")")[0])
            assert number in numbers, line


@pytest.mark.parametrize("style", STYLES)
def test_emitted_code_is_formatted_and_clean(style: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("ruff") is None:
        pytest.skip("ruff is not installed")
    for name, activation in CASES:
        text = emit_source(derived(name, activation), name, style)
        (tmp_path / f"{name}-{activation}.py").write_text(text)
    for command in (["format", "--check", "--diff"], ["check", "--select", "E,F,W,B,UP"]):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "ruff",
                *command,
                "--isolated",
                "--line-length=100",
                "--no-cache",
                str(tmp_path),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_an_unspecified_activation_is_refused() -> None:
    model = Model.read("h_t = \\sigma(W h_{t-1} + U x_t)\nE_t depends on h_t")
    with pytest.raises(EmitError, match="Code needs to know what"):
        emit_source(derive(model), "model", "fast")


def test_names_that_are_made_do_not_hide_names_that_are_given() -> None:
    model = Model.read("h_t = tanh(W h_{t-1} + d_W)\nE_t depends on h_t")
    with pytest.raises(EmitError, match="two things"):
        emit_source(derive(model), "model", "fast")


def test_normal_cdf_is_exact_to_rounding() -> None:
    import mpmath

    emitted = loaded("import numpy as np\n" + source("normal_cdf"))
    points = np.concatenate([np.linspace(-12, 12, 801), [-1e4, 1e4, 0.0, 1e-9, -1e-9]])
    for point, value in zip(points, emitted.normal_cdf(points), strict=True):
        with mpmath.workdps(40):
            exact = mpmath.ncdf(mpmath.mpf(float(point)))
            assert abs(mpmath.mpf(float(value)) - exact) <= 1e-13 * exact + mpmath.mpf(10) ** -300


def test_generated_modules_load_from_their_files(tmp_path: Path) -> None:
    path = tmp_path / "rnn.py"
    path.write_text(emit_source(derived("rnn", "tanh"), "rnn", "fast"))
    spec = importlib.util.spec_from_file_location("rnn", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert made.PARAMS["W_rec"] == ("n", "n")


RNN = "h_t = tanh(W h_{t-1} + U x_t)\n"

OWN_MODELS = {
    "binary cross-entropy": RNN
    + "p_t = sigmoid(V h_t)\nE_t = -y_t^\\top \\log p_t - (1-y_t)^\\top \\log(1-p_t)",
    "a weight vector": RNN + "\\hat{y}_t = w^\\top h_t\nE_t = (y_t - \\hat{y}_t)^2",
    "a weight vector in the loss": RNN + "E_t = (y_t - w^\\top h_t)^2",
    "an unspecified loss of two outputs": RNN
    + "y_t = V h_t\nz_t = A h_t\nE_t depends on y_t\nE_t depends on z_t",
    "an unused parameter": RNN + "z_t = V h_t\nE_t depends on h_t",
    "a gate of the step after": (
        "z_t = sigmoid(W h_{t-1})\nh_t = z_t ⊙ h_{t-1} + U x_t\nE_t depends on h_t"
    ),
    "concatenation in brackets with a comma": (
        "h_t = tanh(W [h_{t-1}, x_t] + b)\nE_t = ½‖h_t - y_t‖²"
    ),
    "concatenation of a gated state": (
        "r_t = sigmoid(V [x_t; h_{t-1}])\nh_t = tanh(W [r_t ⊙ h_{t-1}; x_t])\nE_t = ½‖h_t - y_t‖²"
    ),
    "attention to itself": (
        "s_t = sigmoid(u^\\top h_{t-1} + v^\\top x_t)\n"
        "h_t = (1 - s_t) h_{t-1} + s_t tanh(W x_t)\nE_t = ½‖h_t - y_t‖²"
    ),
    "a normalised state": ("a_t = W h_{t-1} + U x_t\nh_t = a_t ⊘ (1 + a_t^2)\nE_t = ½‖h_t - y_t‖²"),
    "a larger one of two": RNN + "z_t = \\max(V h_t, b)\nE_t = ½‖z_t - y_t‖²",
    "a bias in the loss": RNN + "E_t = ½‖V h_t + c - y_t‖²",
    "a bias on both sides of a product": RNN + "E_t = (y_t - c)^\\top V (h_t + b)",
    "a loss of parameters alone": RNN
    + "E_t = ½‖h_t - y_t‖² + \\frac{\\lambda}{2}‖b‖² + b^\\top h_t",
    "a scalar output": RNN + "E_t = ½‖V h_t + \\gamma - y_t‖²\n\\gamma is a scalar",
    "a scalar state": (
        "s_t = \\lambda s_{t-1} + v^\\top x_t\nE_t = ½ (s_t - y_t)^2\ns_t is a scalar"
    ),
    "a state of one unit": (
        "h_t = tanh(w h_{t-1} + u x_t)\nE_t = ½ (h_t - y_t)^2\nh_t is a scalar\nx_t is a scalar"
    ),
    "a matrix that the loss reads": (
        "k_t = U x_t\nv_t = W x_t\nS_t = \\lambda S_{t-1} + v_t k_t^\\top\n"
        "E_t = ½‖S_t k_t - y_t‖²\n\\lambda is a scalar"
    ),
    "a state divided by itself": (
        "h_t = tanh(W h_{t-1} + U x_t) / (1 + h_{t-1}^2)\nE_t = ½‖h_t - y_t‖²"
    ),
    "a mean of entries": (
        "a_t = W h_{t-1} + U x_t\nm_t = \\nu (\\mathbf{1}^\\top a_t)\nh_t = m_t tanh(a_t)\n"
        "E_t = ½‖h_t - y_t‖²\n\\nu is a scalar"
    ),
    "antisymmetric weights": (
        "h_t = h_{t-1} + \\epsilon tanh((W - W^\\top - \\gamma I) h_{t-1} + V x_t + b)\n"
        "E_t = ½‖h_t - y_t‖²"
    ),
    "a one among the inputs": "h_t = tanh(W [h_{t-1}; x_t; 1])\nE_t = ½‖V h_t - y_t‖²",
    "a logistic loss": RNN
    + "s_t = sigmoid(v^\\top h_t)\nE_t = -y_t \\log s_t - (1 - y_t) \\log(1 - s_t)",
    "a loss that is written out": RNN + "L = -\\sum_{t=1}^T y_t^\\top \\log \\softmax(V h_t + c)",
    "zeros before the first step": (
        "h_t = tanh(W h_{t-1} + V h_{t-2} + U x_t)\nh_0 = 0\nh_{-1} = 0\nE_t = ½‖h_t - y_t‖²"
    ),
    "a scalar rate": (
        "h_t = (1 - \\alpha) h_{t-1} + \\alpha tanh(W h_{t-1} + U x_t)\n"
        "E_t = \\frac{1}{2} \\|h_t\\|^2"
    ),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", OWN_MODELS)
def test_models_of_ones_own_pass_the_checks(name: str, style: str) -> None:
    model = Model.read(OWN_MODELS[name])
    emitted = loaded(emit_source(derive(model), "own", style))
    report = check_module(emitted, seed=1)
    assert report.passed, str(report)
    one = dict.fromkeys(default_sizes(emitted), 1)
    assert check_module(emitted, one, seed=2).passed


def test_products_take_no_rows_at_all() -> None:
    """With one step, none is earlier than the last."""
    namespace: dict = {"np": np}
    exec(source("times"), namespace)
    assert namespace["times"](np.empty((0, 3, 4)), np.ones((4, 2))).shape == (0, 3, 2)


@pytest.mark.parametrize(
    "equation", ["tanh(W h_{t-1}) + tanh(U x_t)", "tanh(W h_{t-1} + V x_t) - tanh(U h_{t-3})"]
)
def test_two_functions_in_one_equation(equation: str) -> None:
    """Their arguments get names that are read back as such."""
    derivation = prove(derive(Model.read(f"h_t = {equation}\nE_t depends on h_t")))
    report = check_module(loaded(emit_source(derivation, "own", "fast")), seed=1)
    assert report.passed, str(report)


def test_an_adjoint_that_looks_ahead_is_defined() -> None:
    """δ of what reads another step has an equation, also where a division stands in it."""
    text = r"""
        h_t = tanh(W h_{t-1} + U x_t)
        E_t = -\log [softmax(V h_{t-1})]_{y_t}
        y_t is a label
    """
    derivation = derive(Model.read(text))
    defined = {e.left.name for e in derivation.equations if e.topic == "adjoint"}
    used = {
        quantity.name
        for e in derivation.equations
        if e.topic == "adjoint"
        for quantity in quantities(e.right)
        if quantity.name.startswith(r"\delta")
    }
    assert used <= defined
    with pytest.raises(UnsupportedError, match="unit vector"):  # clearly, and no traceback
        emit_source(derivation, "own", "textbook")
