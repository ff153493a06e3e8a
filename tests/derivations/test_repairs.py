"""True equations, each spoiled in one way: what mends them holds, and reads as it is printed."""

from __future__ import annotations

import pytest

from derivations import Model, check

MODEL = r"""
a_t = W h_{t-1} + U x_t + b
h_t = \tanh(a_t)
y_t = V h_t + c
x_t is the input
E_t is the loss of step t
E is the total loss
E_t depends on y_t
\delta_t = \frac{\partial E}{\partial a_t}
"""
JACOBIAN = r"\frac{\partial h_t}{\partial h_{t-1}} = "
STATE = r"\frac{\partial E}{\partial h_t} = "
WEIGHT = r"\frac{\partial E}{\partial W} = "

SPOILED = {
    "a transpose too many": JACOBIAN + r"\operatorname{diag}(1 - h_t^2) W^\top",
    "factors swapped": JACOBIAN + r"W \operatorname{diag}(1 - h_t^2)",
    "a step early": JACOBIAN + r"\operatorname{diag}(1 - h_{t-1}^2) W",
    "no diag": JACOBIAN + r"W (1 - h_t^2) + W",
    "a transpose missing": r"\delta_t = (V^\top \frac{\partial E_t}{\partial y_t}"
    r" + W \delta_{t+1}) \odot (1 - h_t^2)",
    "a bracket missing": r"\delta_t = V^\top \frac{\partial E_t}{\partial y_t}"
    r" + W^\top \delta_{t+1} \odot (1 - h_t^2)",
    "a sign": STATE + r"V^\top \frac{\partial E_t}{\partial y_t} - W^\top \delta_{t+1}",
    "a term missing": STATE + r"W^\top \delta_{t+1}",
    "a term too many": STATE
    + r"V^\top \frac{\partial E_t}{\partial y_t} + W^\top \delta_{t+1} + h_t",
    "a slope missing": WEIGHT + r"\sum_t \frac{\partial E}{\partial h_t} h_{t-1}^\top",
    "the wrong state": WEIGHT + r"\sum_t \delta_t h_t^\top",
    "an outer product turned": WEIGHT + r"\sum_t h_{t-1} \delta_t^\top",
    "a sum that starts late": WEIGHT + r"\sum_{t=2}^{T} \delta_t h_{t-1}^\top",
    "no sum": WEIGHT + r"\delta_t h_{t-1}^\top",
    "the wrong weight": r"\frac{\partial E}{\partial U} = \sum_t \delta_t h_{t-1}^\top",
    "a product that starts early": r"\frac{\partial h_t}{\partial h_k} = "
    r"\prod_{j=k}^{t} \operatorname{diag}(1 - h_j^2) W",
    "a sum that ends early": r"\frac{\partial E_t}{\partial W} = \sum_{k=1}^{t-1}"
    r" \frac{\partial E_t}{\partial h_t} \frac{\partial h_t}{\partial h_k}"
    r" \frac{\partial h_k}{\partial W}",
    "one path only": r"\frac{\partial E_t}{\partial W} = \frac{\partial E_t}{\partial h_t}"
    r" \left(\prod_{j=2}^{t} \frac{\partial h_j}{\partial h_{j-1}}\right)"
    r" \frac{\partial h_1}{\partial W}",
    "the loss of one step": WEIGHT + r"\sum_t \frac{\partial E_t}{\partial a_t} h_{t-1}^\top",
    "Hadamard for a product": JACOBIAN + r"\operatorname{diag}(1 - h_t^2) \odot W",
}  # fmt: skip


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.read(MODEL)


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_spoiled_is_mended(model: Model, name: str) -> None:
    verdict = check(model, SPOILED[name])
    assert verdict.verdict == "false"
    assert verdict.repair is not None
    assert verdict.why.endswith(".")
    assert check(model, verdict.repair).verdict == "holds"


def test_a_repair_keeps_what_is_right(model: Model) -> None:
    chain = JACOBIAN + r"\operatorname{diag}(\tanh'(a_t)) W = \operatorname{diag}(1 - h_{t-1}^2) W"
    repair = check(model, chain).repair
    assert repair is not None
    assert repair.count(" = ") == 2
    assert r"\tanh'" in repair


def test_the_same_repair_every_time() -> None:
    repairs = {check(Model.read(MODEL), SPOILED["a term missing"]).repair for _ in range(2)}
    assert len(repairs) == 1
