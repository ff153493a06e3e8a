"""Claims about a model: verdicts, readings, and what refuses to be judged."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derivations import Model, Verdict, check
from derivations.errors import BpttError

RNN = r"""
a_t = W h_{t-1} + U x_t + b
h_t = \tanh(a_t)
y_t = V h_t + c
x_t is the input
E_t is the loss of step t
E is the total loss
E_t depends on y_t
"""
LSTM = r"""
f_t = \sigma(W_f [h_{t-1}, x_t] + b_f)
i_t = \sigma(W_i [h_{t-1}, x_t] + b_i)
o_t = \sigma(W_o [h_{t-1}, x_t] + b_o)
g_t = \tanh(W_g [h_{t-1}, x_t] + b_g)
c_t = f_t \odot c_{t-1} + i_t \odot g_t
h_t = o_t \odot \tanh(c_t)
x_t is the input
\sigma is sigmoid
L_t is the loss of step t
L is the total loss
"""


@pytest.fixture(scope="module")
def rnn() -> Model:
    return Model.read(RNN)


@pytest.fixture(scope="module")
def lstm() -> Model:
    return Model.read(LSTM)


TRUE = [
    r"\frac{\partial h_t}{\partial h_{t-1}} = \operatorname{diag}(1 - h_t^2) W",
    r"\partial h_t/\partial h_{t-1} = diag(\tanh'(a_t)) W",
    r"\frac{\partial h_t}{\partial h_k} = \prod_{j=k+1}^{t} \operatorname{diag}(1 - h_j^2) W",
    r"\frac{\partial h_t}{\partial h_{t-k}} = J_t J_{t-1} \cdots J_{t-k+1}",
    r"\frac{\partial E}{\partial W} = \sum_{t=1}^{T} \frac{\partial E_t}{\partial W}",
    r"\frac{\partial E_t}{\partial W} = \sum_{k=1}^{t} \frac{\partial E_t}{\partial h_t}"
    r" \frac{\partial h_t}{\partial h_k} \frac{\partial h_k}{\partial W}",
    r"\frac{\partial E}{\partial W} = \sum_t \frac{\partial E}{\partial a_t} h_{t-1}^\top",
    r"\nabla_{W} E = \sum_{t} \nabla_{a_t} E \, h_{t-1}^T",
    r"\frac{\partial E}{\partial W} += \frac{\partial E}{\partial a_t} h_{t-1}^\top",
    r"\frac{\partial E}{\partial h_t} = V^\top \frac{\partial E_t}{\partial y_t}"
    r" + W^\top \frac{\partial E}{\partial a_{t+1}}",
    r"\frac{\partial E_3}{\partial b} = \sum_{k=1}^{3} \frac{\partial E_3}{\partial a_k}",
    r"\frac{\partial h_{t,i}}{\partial x_{t,j}} = (1 - h_{t,i}^2) U_{ij}",
    r"\frac{\partial h_t}{\partial a_t} = \operatorname{diag}(\operatorname{sech}^2(a_t))",
    r"\left\| \frac{\partial h_t}{\partial h_{t-1}} \right\| \le \|W\|",
    r"\tanh'(a_t) \le 1",
]
FALSE = [
    r"\frac{\partial h_t}{\partial h_{t-1}} = W \operatorname{diag}(1 - h_t^2)",
    r"\frac{\partial h_t}{\partial h_{t-1}} = \operatorname{diag}(1 - h_{t-1}^2) W",
    r"\frac{\partial h_t}{\partial h_k} = \prod_{j=k}^{t} \operatorname{diag}(1 - h_j^2) W",
    r"\frac{\partial E_t}{\partial W} = \sum_{k=1}^{t-1} \frac{\partial E_t}{\partial h_t}"
    r" \frac{\partial h_t}{\partial h_k} \frac{\partial h_k}{\partial W}",
    r"\frac{\partial E}{\partial W} = \sum_t \frac{\partial E}{\partial h_t} h_{t-1}^\top",
    r"\frac{\partial E}{\partial h_t} = W^\top \frac{\partial E}{\partial a_{t+1}}",
    r"\left\| \frac{\partial h_t}{\partial h_{t-1}} \right\| \ge \|W\|",
    r"\tanh'(a_t) \le \frac{1}{4}",
]


@pytest.mark.parametrize("claim", TRUE)
def test_what_is_true(claim: str) -> None:
    model = Model.read(RNN + "J_t = \\frac{\\partial h_t}{\\partial h_{t-1}}\n")
    assert check(model, claim, repairs=False).agrees


@pytest.mark.parametrize("claim", FALSE)
def test_what_is_false(rnn: Model, claim: str) -> None:
    verdict = check(rnn, claim, repairs=False)
    assert verdict.verdict == "false"
    assert verdict.counterexample


@pytest.mark.parametrize(
    ("claim", "reading"),
    [
        (
            r"\frac{\partial h_t}{\partial h_{t-1}} = W^\top \operatorname{diag}(1 - h_t^2)",
            "denominator layout",
        ),
        (r"\frac{\partial h_t}{\partial h_{t-1}} = (1 - h_t^2) W", "diagonal matrices"),
        (r"\frac{\partial h_t}{\partial h_{t-1}} = W \operatorname{diag}(\tanh'(h_{t-1}))",
         "state is the preactivation"),
        (r"\frac{\partial E}{\partial b} = \sum_t (1 - h_t^2) \frac{\partial E}{\partial h_t}",
         "juxtaposed vectors"),
        (r"\frac{\partial E}{\partial a_t} = \tanh'(h_t) \odot \frac{\partial E}{\partial h_t}",
         "slope as a function of the output"),
    ],
)  # fmt: skip
def test_readings_have_names(rnn: Model, claim: str, reading: str) -> None:
    verdict = check(rnn, claim, repairs=False)
    assert verdict.verdict == "holds_under_reading"
    assert reading in str(verdict.reading)


def test_gates_held_fixed(lstm: Model) -> None:
    claim = r"\frac{\partial c_t}{\partial c_{t-1}} = \operatorname{diag}(f_t)"
    verdict = check(lstm, claim, repairs=False)
    assert (verdict.verdict, "immediate" in str(verdict.reading)) == ("holds_under_reading", True)
    exact = claim + (
        r" + \frac{\partial c_t}{\partial h_{t-1}} \frac{\partial h_{t-1}}{\partial c_{t-1}}"
    )
    assert check(lstm, exact, repairs=False).verdict == "holds"


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (r"\frac{\partial h_t}{\partial h_{t-1}} = Q", "not explained"),
        (r"\frac{\partial E}{\partial h_t} \propto W^\top", "says nothing"),
        (r"h_t = T^{10^9", "cannot be read"),
        (r"\frac{\partial E}{\partial h_t} = \sum_{k=1}^{1000000000} h_k", ""),
        (r"\frac{\partial E_{1000000000}}{\partial h_t} = 0", "Steps are counted"),
        (r"h_t", "cannot be read|sign of equality"),
        (r"\input{/etc/passwd} = h_t", ""),
        ("{" * 5000 + "h" + "}" * 5000 + " = h_t", "nested"),
        (r"\begin{align} h_t = 1", ""),
        ("h_t = \x00", ""),
        ("", ""),
    ],
)
def test_what_is_not_checkable(rnn: Model, claim: str, words: str) -> None:
    start = time.process_time()
    verdict = check(rnn, claim)
    assert time.process_time() - start < 2
    assert verdict.verdict == "not_checkable"
    assert any(word in verdict.why for word in words.split("|"))


def test_a_model_without_a_loss_is_read_but_not_derived() -> None:
    from derivations import derive

    model = Model.read("h_t = tanh(W h_{t-1})")
    assert check(model, r"\frac{\partial h_t}{\partial h_{t-1}} = diag(1 - h_t^2) W").agrees
    with pytest.raises(BpttError, match="no loss"):
        derive(model)


UNSPECIFIED = "h_t = tanh(W h_{t-1} + U x_t)\nL is the total loss"


@pytest.mark.parametrize("more", ["", "\nL_t depends on h_t", "\nL_t is the loss of step t"])
def test_a_total_loss_depends_on_something(more: str) -> None:
    model = Model.read(UNSPECIFIED + more)
    assert check(model, r"\frac{\partial L}{\partial W} = 0", repairs=False).verdict == "false"
    sums = r"\frac{\partial L}{\partial W} = \sum_t \frac{\partial L_t}{\partial W}"
    assert check(model, sums, repairs=False).verdict == "holds"


def test_nothing_is_said_of_a_number() -> None:
    model = Model.read("h_t = tanh(W h_{t-1})\nQ is a scalar")
    verdict = check(model, r"\frac{\partial Q}{\partial W} = 0")
    assert verdict.verdict == "not_checkable"


@pytest.mark.parametrize(
    "claim",
    [
        r"\frac{\partial h_k}{\partial h_t} = \frac{\partial h_t}{\partial h_k}",
        r"\frac{\partial h_t}{\partial h_k} \frac{\partial h_k}{\partial h_t} = I",
        r"\frac{\partial E_t}{\partial h_k} = \frac{\partial E_t}{\partial h_t}"
        r" \frac{\partial h_k}{\partial h_t}",
        r"\frac{\partial h_t}{\partial h_k} ="
        r" \prod_{j=t+1}^{k} \frac{\partial h_j}{\partial h_{j-1}}",
        r"\frac{\partial E_t}{\partial W} = \frac{\partial E_t}{\partial h_t}"
        r" \frac{\partial^+ h_t}{\partial W}",
        r"\frac{\partial E}{\partial b} = \sum_t \frac{\partial E}{\partial h_t}",
    ],
)
def test_no_claim_passes_where_nothing_speaks_against_it(rnn: Model, claim: str) -> None:
    assert check(rnn, claim, repairs=False).verdict == "false"


@pytest.mark.parametrize("limit", ["{T^2}", "{10^9}", "{T/2}"])
def test_limits_that_are_no_steps(rnn: Model, limit: str) -> None:
    total, loss = r"\frac{\partial E}{\partial W}", r"\frac{\partial E_t}{\partial W}"
    assert check(rnn, rf"{total} = \sum_{{t=1}}^{limit} {loss}").verdict == "not_checkable"


def test_a_derivative_that_the_source_defines_is_no_claim() -> None:
    definition = r"\frac{\partial h_t}{\partial h_{t-1}} = W"
    model = Model.read("h_t = tanh(W h_{t-1} + U x_t)\n" + definition)
    assert check(model, definition).verdict == "not_checkable"


def test_long_sums_do_not_hang(rnn: Model) -> None:
    start = time.process_time()
    assert check(rnn, "h_t = " + " + ".join(["h_t"] * 100)).verdict == "false"
    assert time.process_time() - start < 3


def test_repairs_explain_no_side_by_itself(rnn: Model) -> None:
    claim = (
        r"\frac{\partial E}{\partial h_t} = \frac{\partial E}{\partial h_{t+1}}"
        r" \frac{\partial h_{t+1}}{\partial h_t}"
    )
    repair = check(rnn, claim).repair
    assert repair is not None
    assert r"\frac{\partial E_t}{\partial h_t}" in repair


def test_conditions_narrow_a_claim(rnn: Model) -> None:
    claim = r"\frac{\partial E_t}{\partial h_k} = 0"
    assert check(rnn, claim, repairs=False).verdict == "false"
    same = r"\frac{\partial h_t}{\partial h_k} = \operatorname{diag}(1 - h_t^2) W"
    assert check(rnn, same, repairs=False).verdict == "false"
    assert check(rnn, same + r", \quad k = t - 1", repairs=False).verdict == "holds"


def test_evidence_gives_the_bound(rnn: Model) -> None:
    verdict = check(rnn, TRUE[0])
    assert isinstance(verdict, Verdict)
    assert "below 2^-" in str(verdict.evidence)


PIECES = [
    *r"WUVhxybEat=+-()[]{}_^'|&,;", "h_t", "h_{t-1}", r"\frac", r"\partial", r"\sum_{t=1}^T",
    r"\prod", r"\odot", r"\cdot", r"\top", r"\le", r"\|", r"\cdots", "diag", r"\tanh",
    r"\frac{\partial E}{\partial h_t}", r"\frac{\partial h_t}{\partial h_{t-1}}", "1", "2",
    r"\begin{bmatrix}", r"\end{bmatrix}", r"\\", r"\mathbf", r"\nabla_{W}", " ", "σ", "第",
]  # fmt: skip


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_only_verdicts_come_out(text: str) -> None:
    model = Model.read(RNN)
    start = time.process_time()
    assert isinstance(check(model, text, repairs=False), Verdict)
    assert time.process_time() - start < 4


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(TRUE + FALSE), st.data())
def test_mutated_claims_give_verdicts(claim: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(claim) - 1))
    piece = data.draw(st.sampled_from(["", *PIECES]))
    mutated = claim[:place] + piece + claim[place + data.draw(st.integers(0, 3)) :]
    assert isinstance(check(Model.read(RNN), mutated, repairs=False), Verdict)
