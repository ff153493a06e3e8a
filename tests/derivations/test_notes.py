"""From a page of notes to claims: what is found, what it is taken for, and what is judged."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from derivations.claims import notes
from derivations.claims.notes import Checked, check_notes, section_model
from derivations.claims.notes.displays import find_displays
from derivations.claims.notes.markup import read_document
from derivations.claims.notes.sentences import said
from derivations.claims.verdict import VERDICTS, Verdict
from derivations.errors import BpttError, ModelError, NotationError, Place

FORWARD = r"$$h_t = \tanh(W h_{t-1} + U x_t + b)$$" + "\n"
SECONDS = 2.0


def stated(text: str) -> list[str]:
    return [display.shown for display in find_displays(text).displays]


# What is found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$$a = b$$", ["a = b"]),
        ("$$\na = b\n$$\nwords\n$$c = d.$$", ["a = b", "c = d"]),
        (r"\[ a = b \]", ["a = b"]),
        ("\\\\[ a = b \\\\]", ["a = b"]),
        (r"Inline $a = b$ and \(c \le d\), not $e$.", ["a = b", r"c \le d"]),
        ("$`a = b`$ as GitHub writes it", ["a = b"]),
        ("```math\na = b\n```", ["a = b"]),
        ("> $$\n> a = b\n> + c\n> $$", ["a = b + c"]),
        ("- $$a = b$$\n  1. $c = d$", ["a = b", "c = d"]),
        *[
            (rf"\begin{{{name}}} a &= b \end{{{name}}}", ["a = b"])
            for name in ("align", "align*", "aligned", "gather", "gathered*", "equation", "split")
        ],
        (r"\begin{alignat}{2} a &= b & c &= d \end{alignat}", ["a = b", "c = d"]),
        (r"\begin{displaymath} a = b \end{displaymath}", ["a = b"]),
        (r"\begin{eqnarray} a &=& b \\ &=& c \nonumber \\ d &=& e \end{eqnarray}",
         ["a = b = c", "d = e"]),
        (r"\begin{multline} a = b \\ + c \\ \left( d \right) \end{multline}",
         [r"a = b + c \left( d \right)"]),
        (r"\begin{equation}\begin{split} a &= b \\ & + c\end{split}\end{equation}", ["a = b + c"]),
        (r"$$\begin{aligned}[t] a &= b \\[2pt] c &= d \end{aligned}$$", ["a = b", "c = d"]),
    ],
)  # fmt: skip
def test_delimiters(text: str, expected: list[str]) -> None:
    assert stated(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "no mathematics, though 1 = 1 in four words of prose",
        "`$a = b$` and ``$$c = d$$``",
        "```\n$$a = b$$\n```",
        "~~~ python\n$$a = b$$\n~~~\n",
        "```\n$$a = b$$ in a fence that is not closed",
        "<!-- $$a = b$$ -->",
        r"\verb|$a = b$|",
        r"\$5 = \$5 and $5 and $6 = 6",
        "It costs $5, or $6 with a = b in between.",
        r"\documentclass{article} \newcommand{\x}{$a = b$} \begin{document} x \end{document}",
        "\\begin{document}\n% $$a = b$$\n\\end{document}",
        "\\section{One}\n\\begin{verbatim}$a = b$\\end{verbatim}",
        "a link to \\[1\\]",
    ],
)
def test_what_is_no_statement(text: str) -> None:
    found = find_displays(text)
    assert [display.shown for display in found.displays] == []
    assert found.problems == ()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (r"a = b \\ c = d", ["a = b", "c = d"]),
        (r"\begin{aligned} a &= b \\ &= c \\ &\le d \end{aligned}", [r"a = b = c \le d"]),
        (r"\begin{aligned} a &= b \\ &\quad + c \\ &\quad - d \end{aligned}", ["a = b + c - d"]),
        (r"\begin{aligned} a = \\ b \cdot \\ c \end{aligned}", [r"a = b \cdot c"]),
        (r"\begin{aligned} a &= b \\ d \end{aligned}", ["a = b d"]),
        (r"\begin{aligned} a &= b \\ -c &= d \end{aligned}", ["a = b", "-c = d"]),
        (r"\begin{pmatrix} a & b \\ c & d \end{pmatrix} = W",
         [r"\begin{pmatrix} a & b \\ c & d \end{pmatrix} = W"]),
        (r"f = \begin{cases} 1 & x = 0 \\ 0 & x > 0 \end{cases}",
         [r"f = \begin{cases} 1 & x = 0 \\ 0 & x > 0 \end{cases}"]),
        (r"\begin{cases} a = b \\ c = d \end{cases}", ["a = b", "c = d"]),
        (r"\left\{ \begin{array}{l} a = b \\ c = d \end{array} \right.", ["a = b", "c = d"]),
        (r"\begin{array}{rcl} a &=& b \\ &=& c \end{array}", ["a = b = c"]),
        (r"\boxed{a = b}", ["a = b"]),
        (r"\boxed{\begin{aligned} a &= b \\ &= c \end{aligned}}", ["a = b = c"]),
        (r"{\color{red} a = b}", ["a = b"]),
        (r"\sum_{\substack{k=1 \\ k < t}} a_k = b", [r"\sum_{\substack{k=1 \\ k < t}} a_k = b"]),
        ("a = b % = c\n + d", ["a = b + d"]),
    ],
)  # fmt: skip
def test_rows(body: str, expected: list[str]) -> None:
    assert stated(f"$${body}$$") == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (r"a = b \qquad c = d, \quad e = f; g = h", ["a = b", "c = d", "e = f", "g = h"]),
        (r"a = b, c = d", ["a = b", "c = d"]),
        (r"a = b \Rightarrow c = d", ["a = b", "c = d"]),
        (r"\text{其中: } a = b, \text{ 且 } c = d", ["a = b", "c = d"]),
        (r"a = b \quad \text{where } c = d", ["a = b", "c = d"]),
        (r"a = b \quad + c", [r"a = b \quad + c"]),
        (r"h = f(x; w) [a, b]", ["h = f(x; w) [a, b]"]),
        (r"\text{softmax}(z) = p", [r"\text{softmax}(z) = p"]),
        (r"a = b \quad (3.2)", ["a = b"]),
        (r"a = b \label{eq:a=b} \tag{3} \nonumber", ["a = b"]),
        (r"a = b \quad \textcircled{1}", ["a = b"]),
        (r"a = b \quad (t: \text{the } t \text{th step})", ["a = b"]),
        (r"a = b, \quad t = 1, \ldots, T", ["a = b"]),
        (r"a = b \quad \forall t", ["a = b"]),
        (r"a = b \quad (1 \le k \le t)", [r"a = b , 1 \le k \le t"]),
        (r"a = b \quad \text{for } k < t", ["a = b , k < t"]),
        (r"a = b, \quad k = 1, \dots, t", [r"a = b, k = 1, \dots, t"]),
        (r"\begin{align} a &= b, \text{ as } c = d \\ &= e \end{align}", ["a = b = e", "c = d"]),
    ],
)  # fmt: skip
def test_several_statements_in_a_row(body: str, expected: list[str]) -> None:
    assert stated(f"$${body}$$") == expected


@pytest.mark.parametrize(
    ("text", "reasons", "rest"),
    [
        ("$$a = b\n\nwords\n\n$$c = d$$", ["This $$ is not closed."], ["c = d"]),
        ("$$a = b\nfour words of prose here\n$$c = d$$", ["This $$ is not closed."], ["c = d"]),
        ("$$a = b\n\nand $c = d$ here $$", ["This $$ is not closed."] * 2, ["c = d"]),
        (r"$$\begin{split} a = b$$ $$c = d$$", [r"This \begin{split} is not closed."], ["c = d"]),
        (r"\begin{align} a = b $$c = d$$", [r"This \begin{align} is not closed."], ["c = d"]),
        (r"a = b \end{align} $$c = d$$", [r"This \end{align} closes nothing."], ["c = d"]),
        (r"$$\end{cases} a = b$$ $c = d$", [r"This \end{cases} closes nothing."], ["c = d"]),
        ("\\[ a = b\n\n$c = d$", ["This \\[ is not closed."], ["c = d"]),
    ],
)  # fmt: skip
def test_what_is_unbalanced_is_reported_and_the_rest_is_read(
    text: str, reasons: list[str], rest: list[str]
) -> None:
    found = find_displays(text)
    assert [problem.reason for problem in found.problems] == reasons
    assert [display.shown for display in found.displays] == rest


def test_places_and_lines() -> None:
    text = "# Title\n\nAs $a = b$:\n\n"
    text += "\\begin{align}\n c &= d \\\\\n  &= e \\\\\n f &= g\n\\end{align}\n"
    displays = find_displays(text).displays
    assert [(display.line, display.row) for display in displays] == [(3, 1), (6, 1), (8, 2)]
    assert text[displays[1].place.start : displays[1].place.end] == "c &= d \\\\\n  &= e"
    assert text[slice(*displays[1].block)].startswith("\\begin{align}")


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_line_ends(end: str) -> None:
    text = f"words{end}{end}$${end}a = b{end}$${end}{end}$c = d$"
    assert [(d.line, d.shown) for d in find_displays(text).displays] == [(4, "a = b"), (7, "c = d")]


def test_a_text_without_delimiters_is_read_line_by_line() -> None:
    text = "# Cell\nh_t = tanh(W h_{t-1})\nx_t is the input\n- this is prose = and no claim\n"
    assert stated(text) == ["h_t = tanh(W h_{t-1})"]


FRAGMENTS = [
    "$", "$$", "\\[", "\\]", "\\(", "\\)", "\\begin{align}", "\\end{align}", "\\begin{aligned}",
    "\\end{aligned}", "\\begin{cases}", "\\end{cases}", "\\begin{pmatrix}", "\\end{pmatrix}",
    "\\begin{array}{rcl}", "\\end{array}", "\\left\\{", "\\right.", "\\left(", "\\right)", "{", "}",
    "\\boxed{", "\\text{ where }", "\\text{for }", "\\quad", "\\qquad", "\\\\", "\\\\[2pt]", "&",
    ";", ",", "\n", "\n\n", "\r\n", "```", "```math\n", "`", "~~~", "<!--", "-->", "%", "\\%",
    "\\$",
    "\\verb|", "> ", "- ", "# ", "= ", "\\le ", "+ ", "- ", "\\Rightarrow", "h_t", "W", "x", "^{t}",
    "\\frac{a}{b}", "\\tag{1}", "\\textcircled{1}", "(1)", "(", ")", "[", "]", "t = 1, \\dots, T",
    "\\forall t", "words of plain prose here ", "其中 σ 为 sigmoid", "σ is tanh", "\0", "\\", "é",
    "\\documentclass{article}", "\\begin{document}", "\\end{document}", "\\input{other}", "😀",
]  # fmt: skip


def _is_faithful(text: str) -> None:
    """Every statement lies where it says, and holds nothing that does not stand there."""
    found = find_displays(text)
    for display in found.displays:
        written = text[display.place.start : display.place.end]
        assert len(written) == len(display.latex)
        assert all(a == b or a in " ," for a, b in zip(display.latex, written, strict=True))
        assert display.line == text.count("\n", 0, display.place.start) + 1
        assert display.block[0] <= display.place.start <= display.place.end <= display.block[1]
        assert display.latex == display.latex.strip()
    for problem in found.problems:
        assert 0 <= problem.place.start <= problem.place.end <= len(text)


@example("}= \\\\text{ where }")  # a break of a row, and no command
@example("a = b \\\\\\text{ where } c = d")
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_mixture_of_marks_is_taken_apart(text: str) -> None:
    _is_faithful(text)


@given(st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_text_is_taken_apart(text: str) -> None:
    _is_faithful(text)


@pytest.mark.parametrize(
    "fragment", ["$a$ ", "$$", "\\begin{align}", "{", "a = b, ", "\\text{", "`"]
)
@pytest.mark.parametrize("around", ["{}", "$${}$$", "\\begin{{align}}{}\\end{{align}}"])
def test_time_grows_with_length_only(fragment: str, around: str) -> None:
    def seconds(length: int) -> float:
        text = around.format(fragment * (length // len(fragment)))
        start = time.perf_counter()
        find_displays(text)
        return time.perf_counter() - start

    seconds(1000)
    assert seconds(100_000) < max(SECONDS, 40 * seconds(10_000))


# What the prose says


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- $x_t$ is the input.", ["x_t is the input"]),
        ("- `x`\n- f is an elementwise function", ["f is an elementwise function"]),
        ("vectors are rows", ["vectors are rows"]),
        ("Here vectors are row vectors.", ["vectors are rows"]),
        ("* is elementwise", ["* is elementwise"]),
        ("$E_t$ depends on $\\hat{y}_t$", ["E_t depends on \\hat{y}_t"]),
        ("$h_t$ depends on all earlier inputs", []),
        ("$\\|\\cdot\\|$ is the spectral norm", ["\\|\\cdot\\| is the spectral norm"]),
        (
            "where $\\sigma(\\cdot)$ denotes the logistic sigmoid and $\\odot$ is the element-wise "
            "product",
            ["\\sigma is sigmoid", "\\odot is elementwise"],
        ),
        ("其中 $x_t$ 为第 t 时刻的输入", ["x_t is the input"]),
        ("其中 σ 是 sigmoid 函数", ["\\sigma is sigmoid"]),
        ("⊙ 表示逐元素相乘", ["\\odot is elementwise"]),
        ("If $\\sigma$ is tanh, it is bounded.", []),
        ("$\\sigma$ is tanh or ReLU", []),
        ("σ 为 sigmoid 时, σ' 最大为 1/4; σ 为 tanh 或 ReLU, 最大为 1", []),
        ("the input gate $i_t$ is the input gate", []),
        ("$U, V \\in \\mathbb{R}^{n \\times m}$",
         ["U \\in \\mathbb{R}^{n \\times m}", "V \\in \\mathbb{R}^{n \\times m}"]),
        ("$y_t$ is a one-hot vector, $L$ is the total loss",
         ["y_t is one-hot", "L is the total loss"]),
        ("This is elementwise. What it is the input of is unclear.", []),
        ("```\n$x_t$ is the input\n```", []),
        ("$$x_t \\text{ is the input}$$", []),
    ],
)  # fmt: skip
def test_prose_declares(text: str, expected: list[str]) -> None:
    assert [one.text for one in said(read_document(text))] == expected


# What a statement is taken for: the judge is a stand-in that finds everything true


class _Network:
    """Stands for a model; knows its lines."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], str]]:
    """Record what the judge is asked: the lines of the model, and the claim."""
    questions: list[tuple[list[str], str]] = []

    def judged(model: _Network, claim: str) -> Verdict:
        questions.append((model.lines, claim))
        return Verdict(claim, "holds")

    monkeypatch.setattr(section_model, "read", _Network)
    monkeypatch.setattr(section_model, "judged", judged)
    monkeypatch.setattr(notes, "follows", lambda section, display: False)
    return questions


def taken(checked: Checked) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {"claim": [claim.claim for claim in checked.claims]}
    for one in checked.stated:
        kinds.setdefault(one.kind, []).append(one.text)
    return kinds


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (r"$$y_t = V h_t$$", "forward equation"),
        (r"$$L_t = -y_t^\top \log \hat{y}_t$$", "forward equation"),
        (r"$$E = \sum_t E_t$$", "forward equation"),
        (r"$$\theta = W$$", "definition"),
        (r"$$\delta_t = \frac{\partial L}{\partial h_t}$$", "definition"),
        (r"$$J_t := \frac{\partial h_t}{\partial h_{t-1}}$$", "definition"),
        (r"$$P = \prod_{j=1}^{T} W$$", "definition"),
        (r"$$D_k = diag(1 - h_k^2)$$", "forward equation"),
        (r"$$h_0 = 0$$", "definition"),
        (r"$$\delta_{T+1} = 0$$", "definition"),
        (r"$$\frac{\partial h_t}{\partial h_{t-1}} = W$$", "claim"),
        (r"$$\sigma'(x) \le 1$$", "claim"),
        (r"$$\delta_t = W^\top \delta_{t+1}$$", "claim"),
        (r"$$h_3 = \tanh(W h_2)$$", "claim"),
        (r"$$h_t^2 = 1$$", "claim"),
        (r"$$\sigma = \tanh$$", "declaration"),
        (r"$$\sigma(z) = \frac{1}{1 + e^{-z}}$$", "declaration"),
        (r"We set $U \in \mathbb{R}^{n \times m}$.", "declaration"),
    ],
)
def test_each_statement_is_taken_for_one_thing(
    text: str, kind: str, asked: list[tuple[list[str], str]]
) -> None:
    network = r"$$h_t = \sigma(W h_{t-1} + U x_t + b)$$" + "\n"
    before, after = taken(check_notes(network)), taken(check_notes(network + text + "\n"))
    new = {k: len(v) - len(before.get(k, [])) for k, v in after.items() if k != "assumption"}
    assert {k: count for k, count in new.items() if count} == {kind: 1}


@pytest.mark.parametrize(
    "text",
    [
        "the same again: $$h_t = \\tanh(W h_{t-1} + U x_t + b)$$",
        "for $t = 1$ and $k < t$, with $n = 128$ units",
        "when $\\|W\\| < 1$ the gradient vanishes",
        "若 $\\|W\\| < 1$ 则梯度消失",
    ],
)
def test_what_claims_nothing(text: str, asked: list[tuple[list[str], str]]) -> None:
    assert check_notes(FORWARD + text).claims == ()


def test_a_chain_defines_by_its_first_link_and_claims_as_a_whole(
    asked: list[tuple[list[str], str]],
) -> None:
    chain = r"\delta_t = \frac{\partial L}{\partial h_t} = W^\top \delta_{t+1}"
    found = taken(check_notes(f"{FORWARD}$${chain}$$"))
    assert found["definition"] == [chain]
    assert found["claim"] == [chain]
    lines, claim = asked[0]
    assert r"\delta_t = \frac{\partial L}{\partial h_t}" in lines
    assert claim == chain


def test_a_definition_behind_a_claim_counts(asked: list[tuple[list[str], str]]) -> None:
    claim = r"\frac{\partial L}{\partial b} = \sum_{t=1}^{T} \delta_t"
    check_notes(f"{FORWARD}$${claim}$$ with $\\delta_t = \\frac{{\\partial L}}{{\\partial h_t}}$")
    assert r"\delta_t = \frac{\partial L}{\partial h_t}" in asked[0][0]


def test_a_recursion_waits_for_the_definition(asked: list[tuple[list[str], str]]) -> None:
    recursion = r"\delta_t = W^\top (\delta_{t+1} \odot (1 - h_{t+1}^2))"
    definition = r"\delta_t = \frac{\partial L}{\partial h_t}"
    found = taken(check_notes(f"{FORWARD}$${recursion}$$\n$${definition}$$"))
    assert (found["claim"], found["definition"]) == ([recursion], [definition])


def test_a_second_network_starts_a_section(asked: list[tuple[list[str], str]]) -> None:
    first = r"\frac{\partial h_t}{\partial h_{t-1}} = W"
    second = r"\frac{\partial h_t}{\partial h_{t-1}} = V"
    check_notes(
        f"$${first}$$\n{FORWARD}$$y_t = C h_t$$\n$$w = [W, U]$$\n"
        f"$$h_t = \\tanh(V h_{{t-1}} + x_t)$$\n$${second}$$"
    )
    (old, one), (new, other) = asked
    assert (one, other) == (first, second)
    assert r"h_t = \tanh(W h_{t-1} + U x_t + b)" in old
    assert r"h_t = \tanh(V h_{t-1} + x_t)" in new
    assert not any("U x_t" in line or "[W, U]" in line for line in new)
    assert "y_t = C h_t\\!" in new


def test_an_equation_that_follows_starts_no_section(
    asked: list[tuple[list[str], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "follows", lambda section, display: True)
    again = r"h_t = \tanh(a_t)"
    found = taken(check_notes(f"{FORWARD}$${again}$$"))
    assert found["claim"] == [again]
    assert len(found["forward equation"]) == 1


def test_declarations_of_an_earlier_section_yield(asked: list[tuple[list[str], str]]) -> None:
    claim = r"\frac{\partial h_t}{\partial h_{t-1}} = W"
    network = r"$$h_t = \sigma(W h_{t-1} + {} x_t)$$" + "\n"
    text = "".join(
        network.replace("{}", weight) + f"{words}\n\n$${claim}$$\n\n"
        for weight, words in (
            ("U", "$\\sigma$ is tanh"),
            ("V", "$\\sigma$ is sigmoid"),
            ("C", "Here $\\sigma$ is the sigmoid. Here $\\sigma$ is the ReLU."),
        )
    )
    check_notes(text)
    said_of_it = [[line for line in lines if " is " in line] for lines, _ in asked]
    assert said_of_it == [["\\sigma is tanh"], ["\\sigma is sigmoid"], []]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"$$\frac{\partial E}{\partial W} = \sum_t \frac{\partial E_t}{\partial W}$$",
         ["E_t is the loss of step t", "E is the total loss"]),
        (r"$$\frac{\partial E_k}{\partial h_k} = \delta_k$$", ["E_t is the loss of step t"]),
        (r"$$\frac{\partial \mathcal{L}}{\partial W} = 0$$",
         [r"\mathcal{L}_t is the loss of step t", r"\mathcal{L} is the total loss"]),
        (r"$$L = \sum_t \ell_t$$ $$\frac{\partial L}{\partial W} = 0$$",
         ["L is the total loss", r"\ell_t is the loss of step t"]),
        (r"$$\frac{\partial E_k}{\partial y_k} \frac{\partial y_k}{\partial h_k} = 0$$",
         ["E_t is the loss of step t", "y_t depends on h_t", "E_t depends on y_t"]),
        (r"$$\hat{y}_t = V h_t$$ $$\frac{\partial y_t}{\partial h_t} = V$$", [r"y_t = \hat{y}_t"]),
        (r"$$\frac{\partial E}{\partial W} = \sum_{t=1}^{\tau} \frac{\partial E_t}{\partial W}$$",
         ["E_t is the loss of step t", "E is the total loss", r"\tau = T"]),
        ("- $E$ is the total loss\n- $E_t$ is the loss of step t\n\n"
         r"$$\frac{\partial E}{\partial W} = 0$$", []),
    ],
)  # fmt: skip
def test_what_nobody_says_is_assumed(
    text: str, expected: list[str], asked: list[tuple[list[str], str]]
) -> None:
    checked = check_notes(FORWARD + text)
    assumed = [one for one in checked.stated if one.kind == "assumption"]
    assert [one.text for one in assumed] == expected
    assert all(one.line is None for one in assumed)


def test_a_letter_without_label_is_the_recurrent_weight(
    asked: list[tuple[list[str], str]],
) -> None:
    text = r"$$h_t = \sigma(W^{hh} h_{t-1} + W^{hx} x_t)$$ $$\frac{\partial h_t}{\partial W} = 0$$"
    assert taken(check_notes(text))["assumption"] == ["W = W^{hh}"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"$$E_t(y_t, \hat{y}_t) = \|y_t - \hat{y}_t\|^2$$", r"E_t = \|y_t - \hat{y}_t\|^2"),
        (r"$$\hat{y}_t = \text{softmax}(V h_t)$$ $$L_t = - y_t \log \hat{y}_t$$",
         r"L_t = - y_t^\top \log \hat{y}_t"),
        (r"$$\hat{y}_t = \text{softmax}(V h_t)$$ $$L_t = - y_t^T \log \hat{y}_t$$",
         r"L_t = - y_t^T \log \hat{y}_t"),
        (r"$z_3 = V h_3$", r"z_t = V h_t\!"),
        (r"$$o_t = \tanh(V h_t)$$ $\frac{\partial o_t}{\partial z_t} = 1$, $z_t = V h_t$",
         r"o_t = \tanh(z_t)"),
    ],
)  # fmt: skip
def test_habits_of_notes(text: str, expected: str, asked: list[tuple[list[str], str]]) -> None:
    check_notes(f"{FORWARD}{text}\n$$\\frac{{\\partial h_t}}{{\\partial h_{{t-1}}}} = W$$")
    assert expected in asked[-1][0]


def test_what_cannot_be_read_is_reported_and_the_rest_is_judged(
    asked: list[tuple[list[str], str]],
) -> None:
    text = (
        FORWARD + "$$h_t = \\frac{a}$$\n$$\\frac{\\partial h_t}{\\partial h_{t-1}} = W$$\n$$a = b"
    )
    verdicts = check_notes(text).claims
    assert [claim.line for claim in verdicts] == [2, 3, 4]
    assert [claim.verdict.verdict == "holds" for claim in verdicts] == [False, True, False]
    assert all(c.verdict.why for c in verdicts if c.verdict.verdict == "not_checkable")


def test_an_update_is_no_equation(asked: list[tuple[list[str], str]]) -> None:
    text = FORWARD + r"$$W = W - \eta \frac{\partial L}{\partial W}$$"
    (claim,) = check_notes(text).claims
    assert claim.verdict.verdict == "not_checkable"
    assert "assignment" in claim.verdict.why
    assert asked == []


def test_an_equation_that_spoils_the_network_is_left_out(
    asked: list[tuple[list[str], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(text: str) -> _Network:
        start = text.find("q_t")
        if start >= 0:
            raise ModelError("Shapes differ.", Place(text, start, start + 3))
        return _Network(text)

    monkeypatch.setattr(section_model, "read", read)
    text = FORWARD + r"$$q_t = W W h_t$$" + "\n" + r"$$\frac{\partial h_t}{\partial h_{t-1}} = W$$"
    verdicts = check_notes(text).claims
    assert [(claim.line, claim.verdict.verdict) for claim in verdicts] == [
        (2, "not_checkable"),
        (3, "holds"),
    ]
    assert verdicts[0].verdict.why == "Shapes differ. The piece is 'q_t'."


def test_a_network_that_cannot_be_read_makes_claims_not_checkable(
    asked: list[tuple[list[str], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(text: str) -> _Network:
        raise ModelError("Nothing fits.")

    monkeypatch.setattr(section_model, "read", read)
    (claim,) = check_notes(FORWARD + r"$$\frac{\partial h_t}{\partial h_{t-1}} = W$$").claims
    assert claim.verdict.verdict == "not_checkable"
    assert "Nothing fits." in claim.verdict.why


def test_progress_counts_to_the_end(asked: list[tuple[list[str], str]]) -> None:
    steps: list[tuple[int, int]] = []
    claims = "".join(rf"$$\frac{{\partial h_t}}{{\partial h_{{t-{k}}}}} = W$$" for k in range(1, 5))
    check_notes(FORWARD + claims, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no equations"),
        ("Only prose, with $x_t$ in it.", "no equations"),
        (r"$$\frac{\partial h_t}{\partial h_{t-1}} = W$$", "no forward equation"),
        ("$$a = b$$" + "x" * 1_000_000, "at most 1000000"),
        ("$$h_t = \0$$", "NUL"),
        (FORWARD + "$a = b$ " * 10_000, "at most 10000"),
        (FORWARD + r"$$\frac{\partial h_t}{\partial h_0} = W$$" * 2001, "at most 2000"),
    ],
)
def test_texts_that_are_no_notes(
    text: str, message: str, asked: list[tuple[list[str], str]]
) -> None:
    with pytest.raises((NotationError, ModelError), match=message):
        check_notes(text)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join))
@settings(
    max_examples=150, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_only_our_own_errors_come_out(asked: list[tuple[list[str], str]], text: str) -> None:
    try:
        checked = check_notes(FORWARD + text)
    except BpttError:
        return
    assert all(claim.verdict.verdict in VERDICTS for claim in checked.claims)


@pytest.mark.parametrize(
    "claim",
    [
        "h_t = " + "{" * 5000 + "x" + "}" * 5000,
        "a = " + "x + " * 20_000 + "x",
        r"\frac{\partial h_{10^9}}{\partial h_1} = W",
        r"\input{/etc/passwd} = 1",
        "a = " + "\\hat{" * 3000,
        "a_{" + "1" * 5000 + "} = 1",
    ],
)
def test_a_monster_costs_no_time(claim: str, asked: list[tuple[list[str], str]]) -> None:
    start = time.perf_counter()
    check_notes(f"{FORWARD}$${claim}$$")
    assert time.perf_counter() - start < SECONDS


# With the judge itself

PAGE = r"""# 循环神经网络

其中 $\sigma$ 为 sigmoid 函数:

\begin{align}
  z_t &= W h_{t-1} + U x_t + b, \label{eq:z} \\
  h_t &= \sigma(z_t), \qquad \hat{y}_t = \text{softmax}(V h_t).
\end{align}

损失为 $L = \sum_{t=1}^T L_t$, $L_t = -y_t \log \hat{y}_t$.
令 $\delta_t = \frac{\partial L}{\partial z_t}$, 则

$$\frac{\partial h_t}{\partial h_{t-1}}
= \text{diag}(h_t \odot (1 - h_t)) W, \quad t = 1, \dots, T \tag{1}$$

$$\frac{\partial L}{\partial W} = \sum_{t=1}^{T} \delta_t h_{t-1}^\top \quad \textcircled{2}$$

but never $\frac{\partial L}{\partial W} = \sum_{t=1}^{T-1} \delta_t h_{t-1}^\top$.
"""


def test_a_page_of_notes_is_judged() -> None:
    checked = check_notes(PAGE)
    assert [(claim.line, claim.verdict.verdict) for claim in checked.claims] == [
        (13, "holds"),
        (16, "holds"),
        (18, "false"),
    ]


def test_macros_of_the_author_are_written_out() -> None:
    text = (
        r"\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}}\DeclareMathOperator{\dg}{diag}"
        "\n\n$$h_t = \\tanh(W h_{t-1})$$\n\n$$\\pd{h_t}{h_{t-1}} = \\dg(1 - h_t^2) W$$\n"
    )
    checked = check_notes(text)
    assert [(claim.line, claim.verdict.verdict) for claim in checked.claims] == [(5, "holds")]


def test_an_equation_that_brings_nothing_new_is_a_claim() -> None:
    text = "$$h_t = \\tanh(W h_{t-1} + U x_t)$$\n\n$$h_t = 0$$\n"
    (claim,) = check_notes(text, repairs=False).claims
    assert claim.verdict.verdict == "false"
