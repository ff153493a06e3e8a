"""The judge by itself: what is true passes, what is false does not, and no rule is shared."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

import derivations
from derivations import cell, derive, prove
from derivations.errors import (
    BpttError,
    NotationError,
    ProofError,
    ShapeError,
    StepError,
    UnsupportedError,
)
from derivations.model import Model
from derivations.proof.judge import Counterexample, Evidence, Judge
from derivations.proving import network_of

UNSPECIFIED = """
h_t = \\sigma(W h_{t-1} + U x_t + b)
y_t = V h_t
E_t depends on y_t
"""


@cache
def judge_of(text: str, activation: str | None = None) -> Judge:
    model = cell(text, activation) if "\n" not in text else Model.read(text, activation)
    return Judge(network_of(derive(model)))


def accepted(equation: str, text: str = "rnn", activation: str | None = None) -> Evidence:
    return judge_of(text, activation).prove(equation)


def assert_rejected(equation: str, text: str = "rnn", activation: str | None = None) -> None:
    with pytest.raises(ProofError, match="The judge rejects this equation"):
        accepted(equation, text, activation)


# Pairs: what holds, and its nearest neighbours that do not

STEP = r"\frac{\partial h_t}{\partial h_{t-1}} = "
ADJOINT = r"\delta_t^h = "
GRADIENT = r"\frac{\partial E}{\partial W_{rec}} = "
PRODUCT = r"\frac{\partial h_t}{\partial h_k} = "
RANGE = r", \quad 0 \le k \le t \le T"
PATHS = r"\frac{\partial E_t}{\partial W_{rec}} = "
PATH = r"\frac{\partial E_t}{\partial h_t} \frac{\partial h_t}{\partial h_k} "
IMMEDIATE = r"\frac{\partial^{+} h_k}{\partial W_{rec}}"
TOTAL_PATHS = GRADIENT + r"\sum_{k=1}^{T} \left(%s" + PATH + r"\right) " + IMMEDIATE

TRUE = [
    STEP + r"\operatorname{diag}(\sigma'(a_t)) W_{rec}",
    STEP + r"\operatorname{diag}(1 - h_t^2) W_{rec}",
    STEP + r"\frac{\partial h_t}{\partial a_t} \frac{\partial a_t}{\partial h_{t-1}}",
    PRODUCT + r"\prod_{j=k+1}^{t} \operatorname{diag}(\sigma'(a_j)) W_{rec}" + RANGE,
    ADJOINT + r"W_{out}^\top \delta_t^z + W_{rec}^\top \delta_{t+1}^a",
    r"\delta_t^a = (1 - h_t^2) \odot \delta_t^h",
    r"\delta_t^z = \hat{y}_t - y_t",
    r"\delta_{T+1}^a = 0",
    GRADIENT + r"\sum_{t=1}^{T} \delta_t^a h_{t-1}^\top",
    GRADIENT + r"\sum_{t=1}^{T} \frac{\partial E_t}{\partial W_{rec}}",
    PATHS + r"\sum_{k=1}^{t} " + PATH + IMMEDIATE,
    TOTAL_PATHS % r"\sum_{t=k}^{T} ",
    r"\frac{\partial \hat{y}_t}{\partial z_t} = "
    r"\operatorname{diag}(\hat{y}_t) - \hat{y}_t \hat{y}_t^\top",
    r"\frac{\partial E_t}{\partial z_t} = (\hat{y}_t - y_t)^\top",
    r"\frac{\partial h_t}{\partial h_k} = 0, \quad 1 \le t < k \le T",
    r"\frac{\partial E}{\partial h_T} = \frac{\partial E_T}{\partial h_T}",
    r"\mathbf{1}^\top y_t = 1",
    r"\mathbf{1}^\top \hat{y}_t = 1",
    r"\sigma'(a_t) = 1 - \sigma(a_t)^2",
    r"\sigma''(a_t) = -2 \sigma(a_t) \odot \sigma'(a_t)",
    r"\|h_t\|^2 = h_t^\top h_t",
    r"a_t \oslash a_t = \mathbf{1}",
    r"\frac{1}{3} h_t + \frac{2}{3} h_t = h_t",
    r"\operatorname{softplus}'(a_t) = \operatorname{sigmoid}(a_t)",
    r"\operatorname{relu}(a_t) - \operatorname{relu}(-a_t) = a_t",
]

FALSE = [
    # The order of a product, and its transposes
    STEP + r"W_{rec} \operatorname{diag}(\sigma'(a_t))",
    STEP + r"\operatorname{diag}(\sigma'(a_t)) W_{rec}^\top",
    STEP + r"W_{rec}^\top \operatorname{diag}(\sigma'(a_t))",
    ADJOINT + r"W_{out}^\top \delta_t^z + W_{rec} \delta_{t+1}^a",
    GRADIENT + r"\sum_{t=1}^{T} h_{t-1} {\delta_t^a}^\top",
    r"W_{rec} W_{rec}^\top = W_{rec}^\top W_{rec}",
    # Signs and numbers
    STEP + r"-\operatorname{diag}(\sigma'(a_t)) W_{rec}",
    r"\delta_t^z = y_t - \hat{y}_t",
    r"\delta_t^z = 2 \hat{y}_t - y_t",
    r"\frac{\partial \hat{y}_t}{\partial z_t} = "
    r"\operatorname{diag}(\hat{y}_t) + \hat{y}_t \hat{y}_t^\top",
    r"\sigma'(a_t) = 1 + \sigma(a_t)^2",
    GRADIENT + r"\frac{1}{2} \sum_{t=1}^{T} \delta_t^a h_{t-1}^\top",
    # Steps
    STEP + r"\operatorname{diag}(\sigma'(a_{t-1})) W_{rec}",
    STEP + r"\operatorname{diag}(1 - h_{t-1}^2) W_{rec}",
    STEP + r"\operatorname{diag}(\sigma'(h_t)) W_{rec}",
    ADJOINT + r"W_{out}^\top \delta_t^z + W_{rec}^\top \delta_t^a",
    ADJOINT + r"W_{out}^\top \delta_{t+1}^z + W_{rec}^\top \delta_{t+1}^a",
    ADJOINT + r"W_{out}^\top \delta_t^z",
    ADJOINT + r"W_{rec}^\top \delta_{t+1}^a",
    r"\delta_T^a = 0",
    r"h_t = \sigma(a_t), \quad 1 \le t \le T+1",
    # Ranges of sums
    GRADIENT + r"\sum_{t=2}^{T} \delta_t^a h_{t-1}^\top",
    GRADIENT + r"\sum_{t=1}^{T-1} \delta_t^a h_{t-1}^\top",
    GRADIENT + r"\sum_{t=1}^{T} \delta_t^a h_t^\top",
    r"E = \sum_{t=1}^{T+1} E_t",
    r"E = \sum_{t=1}^{T-1} E_t",
    PATHS + r"\sum_{k=2}^{t} " + PATH + IMMEDIATE,
    PATHS + r"\sum_{k=1}^{t-1} " + PATH + IMMEDIATE,
    TOTAL_PATHS % r"\sum_{t=k+1}^{T} ",
    TOTAL_PATHS % r"\sum_{t=k}^{T-1} ",
    TOTAL_PATHS % "",
    # Ranges of products
    PRODUCT
    + r"\prod_{j=k}^{t} \operatorname{diag}(\sigma'(a_j)) W_{rec}, \quad 1 \le k \le t \le T",
    PRODUCT + r"\prod_{j=k+2}^{t} \operatorname{diag}(\sigma'(a_j)) W_{rec}" + RANGE,
    PRODUCT + r"\prod_{j=k+1}^{t-1} \operatorname{diag}(\sigma'(a_j)) W_{rec}" + RANGE,
    PRODUCT + r"\prod_{j=k+1}^{t+1} \operatorname{diag}(\sigma'(a_j)) W_{rec}" + RANGE,
    PRODUCT + r"\prod_{j=k+1}^{t} W_{rec} \operatorname{diag}(\sigma'(a_j))" + RANGE,
    PRODUCT + r"\prod_{j=k+1}^{t} W_{rec}" + RANGE,
    PRODUCT + r"W_{rec} \prod_{j=k+1}^{t} \operatorname{diag}(\sigma'(a_j))" + RANGE,
    # A derivative of the wrong kind
    r"\frac{\partial h_t}{\partial W_{rec}} = \frac{\partial^{+} h_t}{\partial W_{rec}}",
    r"\frac{\partial E}{\partial h_t} = \frac{\partial E_t}{\partial h_t}",
    PATHS + r"\frac{\partial E_t}{\partial h_t} \frac{\partial^{+} h_t}{\partial W_{rec}}",
    # What holds of other data, or of other functions
    r"\mathbf{1}^\top h_t = 1",
    r"\sigma'(a_t) = \sigma(a_t) \odot \left(1 - \sigma(a_t)\right)",
    r"\operatorname{softplus}'(a_t) = \sigma(a_t)",
    r"\operatorname{relu}(a_t) = a_t",
    r"h_t = W_{rec}^3 h_t",
]


@pytest.mark.parametrize("equation", TRUE)
def test_true_equation_is_proven(equation: str) -> None:
    evidence = accepted(equation)
    assert evidence.method == "exact"
    assert evidence.log2_bound < -50
    assert evidence.cases >= 2


@pytest.mark.parametrize("equation", FALSE)
def test_false_equation_is_rejected(equation: str) -> None:
    assert_rejected(equation)


@pytest.mark.parametrize(
    "equation",
    [
        GRADIENT + r"\sum_{t=0}^{T} \delta_t^a h_{t-1}^\top",  # there is no h_{-1}
        r"\frac{\partial E}{\partial W_{in}} = \sum_{t=0}^{T} \delta_t^a x_t^\top",  # nor x_0
        GRADIENT + r"\sum_{t=1}^{T+2} \delta_t^a h_{t-1}^\top",  # nor h_{T+1}
        r"h_t = \sigma(a_t), \quad 0 \le t \le T",  # nor a_0
        r"E = \sum_{t=0}^{T} E_t",
        PRODUCT + r"\prod_{j=k}^{t} \operatorname{diag}(\sigma'(a_j)) W_{rec}" + RANGE,
        r"h_{-1} = h_{-1}",
        r"x_{T+2} = x_{T+2}",
        r"\delta_{T+2}^a = 0",
    ],
)
def test_step_that_does_not_exist_is_refused(equation: str) -> None:
    """A wrong range cannot hide behind adjoints that vanish beyond the ends."""
    with pytest.raises(StepError, match="has no step"):
        accepted(equation)


@pytest.mark.parametrize(
    "equation",
    [
        r"\frac{\partial \delta_t^h}{\partial h_t} = 0",  # it is the Hessian of E
        r"\frac{\partial \delta_t^z}{\partial \hat{y}_t} = 0",
        r"\frac{\partial E}{\partial \delta_t^a} = 0",  # no quantity of the network
        r"\frac{\partial \left(\frac{\partial E}{\partial h_t}\right)^\top}{\partial h_t} = 0",
    ],
)
def test_derivative_of_a_derivative_is_not_taken_for_zero(equation: str) -> None:
    with pytest.raises(BpttError):
        accepted(equation)


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ShapeError, match="n × n and n × m"):
        accepted("W_{rec} = W_{in}")
    with pytest.raises(ShapeError):
        accepted(GRADIENT + r"\sum_{t=1}^{T} \delta_t^a x_t^\top")


def test_every_pair_of_neighbouring_sides_is_compared() -> None:
    assert accepted("h_t = \\sigma(a_t) = h_t").cases > 0
    assert_rejected("h_t = \\sigma(a_t) = \\sigma(h_t)")
    assert_rejected("h_t = \\sigma(h_t) = h_t")


# What is known of the data and of the functions


def test_entries_sum_to_one_only_where_it_was_said() -> None:
    text = """
        h_t = tanh(W h_{t-1} + U x_t)
        z_t = softmax(V h_t)
        E_t = -y_t^\\top \\log z_t
    """
    assert_rejected(r"\mathbf{1}^\top y_t = 1", text)
    row = r"\frac{\partial E_t}{\partial o_t} = "
    assert_rejected(row + r"(z_t - y_t)^\top", text)
    assert accepted(row + r"\mathbf{1}^\top y_t z_t^\top - y_t^\top", text).method == "exact"
    assert accepted(row + r"(z_t - y_t)^\top", text + "y_t is one-hot\n").method == "exact"


@pytest.mark.parametrize(
    "equation",
    [
        r"\frac{\partial h_t}{\partial a_t} = \operatorname{diag}(\sigma'(a_t))",
        r"\frac{\partial E_t}{\partial h_t} = \frac{\partial E_t}{\partial y_t} V",
        r"\delta_t^a = \sigma'(a_t) \odot \delta_t^h",
        r"\sigma(a_t) + \sigma(a_t) = 2 h_t",
    ],
)
def test_unspecified_function_keeps_what_holds_for_all(equation: str) -> None:
    assert accepted(equation, UNSPECIFIED).method == "exact"


@pytest.mark.parametrize(
    "equation",
    [
        r"\sigma'(a_t) = 1 - \sigma(a_t)^2",
        r"\sigma'(a_t) = \sigma(a_t) \odot (1 - \sigma(a_t))",
        r"\sigma(-a_t) = -\sigma(a_t)",
        r"\sigma(a_t) = a_t",
        r"\sigma''(a_t) = 0",
        r"\frac{\partial E_t}{\partial y_t} = y_t^\top",
        r"\frac{\partial E_t}{\partial y_t} = \frac{\partial E_{t-1}}{\partial y_{t-1}}",
        r"\frac{\partial E_t}{\partial y_t} = 0",
        r"E_t = E_1",
    ],
)
def test_unspecified_function_loses_what_holds_for_some(equation: str) -> None:
    assert_rejected(equation, UNSPECIFIED)


SLOPES = {
    "sigmoid": r"\sigma'(a_t) = \sigma(a_t) \odot (1 - \sigma(a_t))",
    "tanh": r"\sigma'(a_t) = 1 - \sigma(a_t)^2",
    "identity": r"\sigma'(a_t) = \mathbf{1}",
    "softplus": r"\sigma'(a_t) = 1 - \exp(-\sigma(a_t))",
    "relu": r"\sigma'(a_t) \odot \sigma'(a_t) = \sigma'(a_t)",
    "silu": r"\sigma(a_t) = a_t \odot \operatorname{sigmoid}(a_t)",
}


@pytest.mark.parametrize("activation", SLOPES)
def test_slope_identity_holds_for_its_function_alone(activation: str) -> None:
    assert accepted(SLOPES[activation], UNSPECIFIED, activation).method == "exact"
    for other, identity in SLOPES.items():
        if {activation, other} not in ({activation}, {"identity", "relu"}):
            assert_rejected(identity, UNSPECIFIED, activation)


@pytest.mark.parametrize(
    "equation",
    [
        r"\exp(a_t + b) = \exp(a_t) \odot \exp(b)",
        r"\sigma(a_t) = 2 \operatorname{sigmoid}(2 a_t) - 1",
        r"\sigma(-a_t) = -\sigma(a_t)",
    ],
)
def test_what_only_the_functions_satisfy_is_reported_as_real(equation: str) -> None:
    evidence = accepted(equation)
    assert evidence.method == "real"
    assert "50 digits" in str(evidence)


@pytest.mark.parametrize(
    "equation",
    [
        r"\exp(a_t + b) = \exp(a_t) + \exp(b)",
        r"\sigma(a_t) = 2 \operatorname{sigmoid}(a_t) - 1",
        r"x_t = x_t + {\left(\frac{1}{10}\right)}^{60} x_t",
        r"\exp(x_t) = \exp(x_t) + \left(\frac{1}{10}\right)^{60}",
    ],
)
def test_reals_do_not_save_what_is_false(equation: str) -> None:
    assert_rejected(equation)


def test_what_cannot_be_decided_is_not_believed() -> None:
    with pytest.raises(ProofError, match="cannot be decided"):
        accepted(r"\log(-x_t) = \log(x_t)")


# Evidence


@pytest.mark.parametrize("name", derivations.cell_names())
def test_evidence_of_every_equation(name: str) -> None:
    for equation in prove(derive(cell(name))).equations:
        if equation.kind == "definition" and equation.evidence is None:
            continue
        evidence = equation.evidence
        assert evidence is not None
        assert evidence.method == "exact"
        assert evidence.log2_bound < -50
        assert evidence.cases >= len(evidence.sizes) >= 2
        for point in evidence.sizes:
            sizes = dict(point)
            steps = sizes.pop("T")
            assert steps >= 4
            assert len(set(sizes.values())) == len(sizes) >= 2
            assert min(sizes.values()) >= 2
        assert len(set(evidence.sizes)) == len(evidence.sizes)


def test_number_of_instances() -> None:
    steps = (5, 4)
    assert accepted("h_t = \\sigma(a_t)").cases == sum(steps)
    pairs = sum((T + 1) * (T + 2) // 2 for T in steps)
    assert (
        accepted(PRODUCT + r"\prod_{j=k+1}^{t} \frac{\partial h_j}{\partial h_{j-1}}" + RANGE).cases
        == pairs
    )
    assert accepted(r"h_t = h_t, \quad t = 1").cases == len(steps)


@pytest.mark.parametrize("range_", [r"3 \le t \le 2", r"T < t \le T", r"t < 1, 2 \le t"])
def test_equation_without_an_instance_is_refused(range_: str) -> None:
    with pytest.raises(ProofError, match="no instance"):
        accepted(rf"h_t = h_t, \quad {range_}")


@pytest.mark.parametrize(
    "equation",
    [
        "h_t",
        "1 = 1",
        r"h_t \le h_t",
        "h_t = q_t",
        "b_t = b_t",
        r"h_t = h_t, 1 \le \alpha \le 3",
        r"h_{t+s} = h_{t+s}, s = 2 t",
        r"\frac{\partial^{+} E}{\partial h_t} = 0",
    ],
)
def test_what_is_no_equation_is_refused(equation: str) -> None:
    with pytest.raises(NotationError):
        accepted(equation)


def test_rejection_shows_both_sides_and_where() -> None:
    with pytest.raises(ProofError) as caught:
        accepted("h_t = W_{rec} h_{t-1}")
    message = str(caught.value)
    assert "h_t = W_{rec} h_{t-1}" in message
    assert "left =" in message
    assert "right =" in message
    assert "t=1" in message
    assert "T=5" in message


def test_counterexample_is_one() -> None:
    from derivations.notation.build import build_sides
    from derivations.notation.parse import parse_statement

    judge = judge_of("rnn")
    statement = parse_statement("h_t = 2 h_t")
    from derivations.errors import Place

    sides = build_sides(statement, judge._network.scope, Place("h_t = 2 h_t", 0, 11))
    found = judge.examine(sides, ())
    assert isinstance(found, Counterexample)
    assert (2 * found.left == found.right).all()
    assert found.left.any()


def test_node_without_a_rule_is_named() -> None:
    from sympy import Determinant, MatrixExpr, MatrixSymbol

    from derivations.proof.evaluate import evaluate

    class Unknown(MatrixExpr):  # type: ignore[misc]
        shape = (2, 2)

    for node in (Unknown(), Determinant(MatrixSymbol("W", 2, 2))):
        with pytest.raises(
            UnsupportedError, match=f"{type(node).__name__} has no rule of the judge"
        ):
            evaluate(node, None)  # type: ignore[arg-type]


# Independence


def imports_of(module: str) -> set[str]:
    """Return the modules of the project that a module imports, wherever the import stands."""
    root = Path(derivations.__file__).parent.parent
    path = root.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: the imports of this project are absolute"
            assert node.module is not None
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                path = root.joinpath(*name.split("."))
                if path.with_suffix(".py").exists() or (path.is_dir() and name != "derivations"):
                    found.add(name)
    return {name for name in found if name.split(".")[0] in ("derivations", "codegen")}


def reached_from(modules: set[str]) -> set[str]:
    reached: set[str] = set()
    while modules:
        module = modules.pop()
        reached.add(module)
        modules |= imports_of(module) - reached
    return reached


RULES = {
    f"derivations.{name}"
    for name in (
        "calculus",
        "graph",
        "simplify",
        "states",
        "chains",
        "jacobians",
        "path_sum",
        "adjoints",
        "bptt",
        "intermediates",
        "explicit",
    )
}


def test_judge_reaches_no_rule_of_the_derivation() -> None:
    folder = Path(derivations.__file__).parent / "proof"
    modules = {f"derivations.proof.{path.stem}" for path in folder.glob("[!_]*.py")}
    assert "derivations.proof.judge" in modules
    reached = reached_from(modules)
    assert "derivations.expressions" in reached  # the walk does walk
    assert not reached & RULES
    assert not any(name.startswith("codegen") for name in reached)


def test_the_walk_over_imports_would_find_a_rule() -> None:
    assert reached_from({"derivations.bptt"}) >= RULES - {"derivations.explicit"}
