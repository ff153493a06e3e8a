"""Rows and columns of a matrix in claims, W_{:,1:n}: read, printed, evaluated and refused."""

from __future__ import annotations

import re

import pytest
from sympy import Integer

from derivations import Model, cell, check
from derivations.claims.latex import latex
from derivations.claims.terms import Entry, Part, Power, Symbol, Term, Transposed
from derivations.notation.parse import parse_expression
from derivations.notation.picks import Range, size_symbol

N, M = size_symbol("n"), size_symbol("m")
FIRST, LAST = Range(Integer(1), N), Range(N + 1, N + M)
#: A model whose matrix has no label of its own.
PLAIN = r"""
h_t = \tanh(W [h_{t-1}; x_t] + b)
y_t = V h_t
x_t is the input
E_t depends on y_t
"""


@pytest.fixture(scope="module")
def coupled() -> Model:
    return cell("lstm-coupled")


@pytest.fixture(scope="module")
def mgu() -> Model:
    return cell("mgu")


@pytest.fixture(scope="module")
def plain() -> Model:
    return Model.read(PLAIN)


def read(model: Model, text: str) -> Term:
    return model.court.source.elaborator().term(parse_expression(text))


W = Symbol("W")


@pytest.mark.parametrize(
    ("text", "term"),
    [
        (r"W_{:,1:n}", Part(W, (None, FIRST))),
        (r"\left(W\right)_{:,n+1:m+n}", Part(W, (None, LAST))),
        (r"W_{1:n,:}", Part(W, (FIRST, None))),
        (r"W_{1:n,n+1:n+m}", Part(W, (FIRST, LAST))),
        (r"W_{:,n+1:}", Part(W, (None, Range(N + 1, None)))),
        (r"W_{:,1:n}^\top", Transposed(Part(W, (None, FIRST)))),
        (r"(W^\top)_{1:n,:}", Part(Transposed(W), (FIRST, None))),
        (r"(W_{:,1:n})_{ij}", None),
        (r"(W_{:,1:n})^2", None),
        (r"\left(\frac{\partial E}{\partial W}\right)_{:,1:n}", None),
        (r"[h_{t-1}; x_t]_{1:n}", None),
        (r"h_{t,1:n}", None),
    ],
)
def test_what_is_read_is_printed_so_that_it_reads_back(
    plain: Model, text: str, term: Term | None
) -> None:
    found = read(plain, text)
    assert term is None or found == term
    assert any(isinstance(piece, Part) for piece in found.walk())
    printed = latex(found, plain.court.source.vocabulary)
    assert read(plain, printed) == found, printed


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        (r"(W_f)_{:,1:n}", r"\left(W_f\right)_{:,1:n}"),
        (r"W_{f,:,n+1:n+m}^{\top}", r"\left(W_f\right)_{:,n+1:m+n}^{\top}"),
        (r"h_{t,1:n}", r"\left(h_t\right)_{1:n}"),
    ],
)
def test_a_label_of_the_matrix_stands_in_a_bracket(coupled: Model, text: str, printed: str) -> None:
    assert latex(read(coupled, text), coupled.court.source.vocabulary) == printed


def test_bare_scripts_and_powers(plain: Model) -> None:
    part = read(plain, "W_{:,1:n}")
    vocabulary = plain.court.source.vocabulary
    assert latex(part, vocabulary) == "W_{:,1:n}"
    squared, entry = read(plain, "W_{:,1:n}^2"), read(plain, "(W_{:,1:n})_{ij}")
    assert isinstance(squared, Power)
    assert isinstance(entry, Entry)
    assert squared.base == part == entry.body


def test_two_parts_differ_by_their_ranges_alone(plain: Model) -> None:
    first, last = read(plain, "W_{:,1:n}"), read(plain, "W_{:,n+1:n+m}")
    assert first != last
    assert first == read(plain, r"\left(W\right)_{:, 1:n}")


IMMEDIATE = r"\frac{\partial^{+} c_t}{\partial h_{t-1}}"
COUPLED = [
    IMMEDIATE + r" = \operatorname{diag}((c_{t-1} - g_t) \odot f_t \odot (1 - f_t)) (W_f)_{:,1:n}"
    r" + \operatorname{diag}((1 - f_t) \odot (1 - g_t^{2})) (W_g)_{:,1:n}",
    IMMEDIATE + r" = \operatorname{diag}(c_{t-1} \odot f_t \odot (1 - f_t)) (W_f)_{:,1:n}"
    r" - \operatorname{diag}(g_t \odot f_t \odot (1 - f_t)) (W_f)_{1:n,1:n}"
    r" + \operatorname{diag}((1 - f_t) \odot (1 - g_t^{2})) (W_g)_{:,:n}",
    r"\frac{\partial^{+} c_t}{\partial x_t} = "
    r"\operatorname{diag}((c_{t-1} - g_t) \odot f_t \odot (1 - f_t)) (W_f)_{:,n+1:m+n}"
    r" + \operatorname{diag}((1 - f_t) \odot (1 - g_t^{2})) (W_g)_{:,n+1:}",
    r"W_f [h_{t-1}; x_t] = (W_f)_{:,1:n} h_{t-1} + (W_f)_{:,n+1:n+m} x_t",
    r"(W_f^\top)_{1:n,:} = (W_f)_{:,1:n}^{\top}",
    r"[h_{t-1}; x_t]_{n+1:n+m} = x_t",
    r"\left(\frac{\partial E_t}{\partial W_o}\right)_{:,n+1:n+m} = \sum_{k=1}^{t}"
    r" (\frac{\partial E_t}{\partial h_k} \odot \tanh(c_k) \odot o_k \odot (1 - o_k)) x_k^\top",
]


@pytest.mark.parametrize("claim", COUPLED)
def test_true_equations_hold(coupled: Model, claim: str) -> None:
    verdict = check(coupled, claim, repairs=False)
    assert verdict.verdict == "holds", verdict


@pytest.mark.parametrize("old", [r"(W_f)_{:,1:n}", r"(W_g)_{:,1:n}"])
@pytest.mark.parametrize("picked", [":,2:n+1", ":,n+1:n+m", "1:n,:"])
def test_other_columns_are_false(coupled: Model, old: str, picked: str) -> None:
    wrong = COUPLED[0].replace(old, old.replace(":,1:n", picked))
    assert wrong != COUPLED[0]
    assert check(coupled, wrong, repairs=False).verdict == "false"


def test_a_false_equation_with_parts_is_mended(coupled: Model) -> None:
    wrong = COUPLED[0].replace("c_{t-1} - g_t", "c_{t-1} + g_t")
    verdict = check(coupled, wrong)
    assert verdict.verdict == "false"
    assert verdict.repair is not None
    mended = re.sub(r"\\boxed\{(.)\}", r"\1", verdict.repair)
    assert check(coupled, mended, repairs=False).verdict == "holds", verdict.repair


def test_a_product_of_jacobians(mgu: Model) -> None:
    jacobian = (
        r"\operatorname{diag}(f_j \odot (1 - \tilde{h}_j^{2})) (W_h)_{:,1:n}"
        r" (\operatorname{diag}(f_j) + \operatorname{diag}(h_{j-1} \odot f_j \odot (1 - f_j))"
        r" (W_f)_{:,1:n}) + \operatorname{diag}((\tilde{h}_j - h_{j-1}) \odot f_j \odot (1 - f_j))"
        r" (W_f)_{:,1:n} + \operatorname{diag}(1 - f_j)"
    )
    claim = (
        rf"\frac{{\partial h_t}}{{\partial h_k}} = \prod_{{j=k+1}}^{{t}} \left({jacobian}\right)"
    )
    assert check(mgu, claim, repairs=False).verdict == "holds"
    swapped = claim.replace("(W_f)_{:,1:n}", "(W_h)_{:,1:n}", 1)
    assert check(mgu, swapped, repairs=False).verdict == "false"


BOUND = (
    rf"\left\|{IMMEDIATE}\right\|_2 \le "
    r"\frac{1}{4}\left\|c_{t-1}\right\|_\infty\left\|\left(W_f\right)_{:,1:n}\right\|_2"
    r" + \frac14 \left\|\left(W_f\right)_{:,1:n}\right\|_2"
    r" + \left\|\left(W_g\right)_{:,1:n}\right\|_2"
)


@pytest.mark.parametrize(
    "claim",
    [
        BOUND,
        r"\|(W_f)_{:,1:n}\|_2 \le \|W_f\|_2",
        r"\|(W_f)_{:,n+1:n+m}\|_F^2 + \|(W_f)_{:,1:n}\|_F^2 = \|W_f\|_F^2",
    ],
)
def test_true_bounds_are_not_refuted(coupled: Model, claim: str) -> None:
    verdict = check(coupled, claim, repairs=False)
    assert verdict.agrees, verdict


@pytest.mark.parametrize(
    "claim",
    [
        BOUND.replace(r"\frac{1}{4}", r"\frac{1}{8}").replace(r"\frac14", r"\frac18"),
        BOUND.replace(r"\left(W_g\right)_{:,1:n}", r"\left(W_g\right)_{:,n+1:n+m}"),
        r"\|(W_f)_{:,1:n}\|_2 \ge \|W_f\|_2",
        r"\|(W_f)_{:,1:n}\|_2 \le \|(W_f)_{:,n+1:n+m}\|_2",
    ],
)
def test_false_bounds_are_refuted(coupled: Model, claim: str) -> None:
    verdict = check(coupled, claim, repairs=False)
    assert verdict.verdict == "false", verdict
    assert verdict.counterexample


@pytest.mark.parametrize(
    ("picked", "words"),
    [
        (
            ":,1:n+m+1",
            r"columns 1:m\+n\+1 go beyond the matrix, which has \d+ where m = \d, n = \d",
        ),
        ("1:n+1,:", r"rows 1:n\+1 go beyond the matrix, which has \d+ where n = \d"),
        (":,0:n", r"columns 0:n go beyond"),
        (":,n+1:n", r"columns n\+1:n are none where n = \d"),
        (":,1:k", r"k is no size of this model"),
        (":,1:h_t", r"h_t is no size of this model"),
        (":,1:n^m", r"1:n\^m\} is not explained"),
        (":,:,1:n", r":,:,1:n\} is not explained"),
        (":,1:n^{999999999}", r"999999999\}\} is not explained"),
        (":,1:(2)^{999999999}", r"999999999\}\} is not explained"),
        (":,1:n^{99}", r"columns 1:n\^\{99\} go beyond"),
        ("i,1:n", r"i,1:n\} is not explained"),
    ],
)
@pytest.mark.parametrize("claim", [r"{} = (W_g)_{{:,1:n}}", r"\|{}\|_2 \le 1"])
def test_what_is_no_part_is_not_checkable(
    coupled: Model, claim: str, picked: str, words: str
) -> None:
    verdict = check(coupled, claim.format(f"(W_f)_{{{picked}}}"))
    assert verdict.verdict == "not_checkable", verdict
    assert re.search(words, verdict.why), verdict.why


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (r"\mathbf{1}_{:,1:n} = W", "not explained"),
        (r"(1)_{:,1:n} = W", "A number has no rows and columns"),
        (r"\left(\frac{\partial h_t}{\partial W}\right)_{:,1:n} = W", "third-order"),
        (r"W = Q_{:,1:n}", "Q is not explained"),
    ],
)
def test_what_has_no_parts(plain: Model, claim: str, words: str) -> None:
    verdict = check(plain, claim)
    assert verdict.verdict == "not_checkable"
    assert words in verdict.why, verdict.why


def test_a_text_that_uses_the_spelling_as_a_name_keeps_it() -> None:
    """Without a derivation nothing says what n is; the text's own names stay names."""
    text = "h_t = tanh(W_{:,1:n} h_{t-1} + U x_t)\nx_t is the input\n"
    claim = r"\frac{\partial h_t}{\partial h_{t-1}} = \operatorname{diag}(1 - h_t^2) W_{:,1:n}"
    assert check(Model.read(text), claim, repairs=False).verdict == "holds"


@pytest.mark.parametrize("picked", [r"W_{:,1:\frac{n}{2}}", r"(W)_{i,:}^\top", "W_{:,i}"])
def test_a_text_may_hold_ranges_that_no_claim_asks_for(picked: str) -> None:
    text = f"h_t = tanh(W h_{{t-1}} + U x_t)\nx_t is the input\nA = {picked}\n"
    model = Model.read(text)
    claim = r"\frac{\partial h_t}{\partial h_{t-1}} = \operatorname{diag}(1 - h_t^2) W"
    assert check(model, claim, repairs=False).verdict == "holds"
    verdict = check(model, "A = W", repairs=False)
    assert verdict.verdict == "not_checkable"
    assert "is not explained" in verdict.why
