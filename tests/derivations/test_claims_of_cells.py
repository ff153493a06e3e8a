"""Claims about cells of the library in which scalars, rectifiers and two lags occur."""

import pytest

from derivations import cell, check

RANGE = ", \\quad 1 \\le t \\le T"


@pytest.mark.parametrize(
    ("name", "claim", "verdict"),
    [
        ("leaky", r"\prod_{l=j+1}^{t} (\alpha \mathbf{I}) = \alpha^{t-j} \mathbf{I}", "holds"),
        ("leaky", r"\prod_{l=j+1}^{t} (\alpha \mathbf{I}) = \alpha \mathbf{I}", "false"),
        ("irnn", r"h_t = \operatorname{relu}(W_{rec} h_{t-1} + W_{in} x_t + b)" + RANGE, "holds"),
        (
            "irnn",
            r"\frac{\partial h_t}{\partial h_{t-1}} = \operatorname{diag}("
            r"\operatorname{relu}'(W_{rec} h_{t-1} + W_{in} x_t + b)) W_{rec}" + RANGE,
            "holds",
        ),
        (
            "two-lag",
            r"\frac{\partial^{+} h_t}{\partial h_{t-2}} = \operatorname{diag}(1 - h_t^2) W_2"
            + RANGE,
            "holds",
        ),
        (
            "two-lag",
            r"\frac{\partial^{+} h_t}{\partial h_{t-1}} = \operatorname{diag}(1 - h_t^2) W_1"
            + RANGE,
            "holds",
        ),
        (
            "two-lag",
            r"\frac{\partial^{+} h_t}{\partial h_{t-2}} = \frac{\partial h_t}{\partial h_{t-2}}"
            + RANGE,
            "false",
        ),
        # Many steps on, an immediate derivative follows the quantity itself.
        (
            "lstm",
            r"\frac{\partial^{+} c_t}{\partial c_k} = \prod_{j=k+1}^t \operatorname{diag}(f_j)",
            "holds",
        ),
    ],
)
def test_a_claim_about_a_cell(name: str, claim: str, verdict: str) -> None:
    assert check(cell(name), claim).verdict == verdict
