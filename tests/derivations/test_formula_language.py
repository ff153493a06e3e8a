"""The formula language: every construct of the field, remarks around it, and no other exception."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derivations.errors import BpttError, NotationError, Place
from derivations.notation import syntax
from derivations.notation.parse import parse_expression, parse_statement, parse_symbol
from derivations.notation.spelling import index_text, spelled

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "dev.jsonl"
SECONDS = 2.0


def show(node: syntax.Node | syntax.Operator) -> str:
    """Return a node in few signs: <chain>, {sum}, base_below^above, a/b."""
    match node:
        case syntax.Chain():
            return "<" + " ".join(map(show, node.parts)) + ">"
        case syntax.Sum():
            terms = [("+" if sign > 0 else "-") + show(term) for sign, term in node.terms]
            return "{" + " ".join(terms) + "}"
        case syntax.Fraction():
            return f"({show(node.numerator)} / {show(node.denominator)})"
        case syntax.Bracket():
            signs = (*node.separators, "")
            inner = "".join(show(i) + s for i, s in zip(node.items, signs, strict=True))
            return f"[{inner}]" if node.square else f"({inner})"
        case syntax.Scripted():
            scripts = "".join(f"_{index_text(i)}" for i in node.subscripts)
            scripts += "".join(f"^{index_text(i)}" for i in node.superscripts)
            return show(node.base) + "'" * node.primes + scripts
        case syntax.Norm():
            return "|" * node.bars + show(node.body) + "|" * node.bars
        case syntax.Matrix() | syntax.Cases():
            rows = "; ".join(", ".join(map(show, row)) for row in node.rows)
            return f"{type(node).__name__}[{rows}]"
        case syntax.Restricted():
            return f"{show(node.body)}|{node.label}|"
        case syntax.Comparison() if len(node.sides) > 1:
            signs = (*node.relations, "")
            return " ".join(show(s) + f" {r}" for s, r in zip(node.sides, signs, strict=True))
        case _:
            return spelled(node)


def shown(text: str, words: frozenset[str] = frozenset()) -> str:
    statement = parse_statement(text, words=words)
    parts = [show(statement.sides[0])]
    for relation, side in zip(statement.relations, statement.sides[1:], strict=True):
        parts += [relation, show(side)]
    for condition in statement.conditions:
        parts.append(";")
        for index, relation in zip(condition.indices, (*condition.relations, ""), strict=True):
            parts += [index_text(index), relation]
    return " ".join(parts).strip()


# Constructs

CONSTRUCTS = {
    # scripts
    r"h^{(t-1)} W^{\langle t \rangle} a^{<t-1>} a^{[l]}": "<h^(t-1) W^(t) a^(t-1) a^(l)>",
    r"h^{(t-1),T} a^{\langle t-1 \rangle T} h^{(t - 1)^{\top}}": (
        r"<h^(t-1)^T a^(t-1)^T h^(t-1)^\top>"
    ),
    r"W^{\left(rec\right)} \sigma_{\max} \lambda_{max} n_\infty": (
        r"<W^(rec) \sigma_\max \lambda_max n_\infty>"
    ),
    r"dh_{next\_prev} h_{\text{prev}} W_\mathrm{in}": r"<d h_next\_prev h_prev W_in>",
    r"x^{T-t} x^{2t} x_{T+t-i} x_{-1+t}": "<x^T-t x^2t x_T+t-i x_-1+t>",
    r"y^* y^{*} \partial^{+} W^{-1} W^{-\top}": r"<y^* y^* \partial^+ W^-1 W^-\top>",
    r"A^T A^\top A^{\mathsf T} A^{\mathsf{T}} A^\mathsf{T} A^{\rm T} A^\mathrm{T}": (
        r"<A^T A^\top A^T A^T A^T A^T A^T>"
    ),
    "Aᵀ hₜ₋₁ σ′": r"<A^\top h_t-1 \sigma'>",
    r"{h_{t-1}}_l (W^{hh})^{\top} \frac{a}{b}^2": r"<h_t-1_l (W^hh)^\top (a / b)^2>",
    r"\sigma^{'} f^{\prime} \tanh' \tanh^2(x) h'^{(t)}": r"<\sigma' f' \tanh' \tanh^2 (x) h'^(t)>",
    r"x_{t:t+k} x_{<t} W_{:,j} x_{t'}": "<x_t:t+k x_<t W_:_j x_t'>",
    r"\delta_th^T_{t-1} W_{xr}x_t W_hh_t": r"<\delta_t h_t-1^T W_xr x_t W_h h_t>",
    # names
    r"\hat y_t \widetilde C \mathbf{\hat y} \hat{\mathbf y} \bar{h_t}": (
        r"<\hat{y}_t \widetilde{C} \hat{\mathbf{y}} \hat{\mathbf{y}} \bar{h}_t>"
    ),
    r"\mathbf W {\bf W} \mathbf{h_t} \textbf{b} \boldsymbol\delta": (
        r"<\mathbf{W} \mathbf{W} \mathbf{h}_t \textbf{b} \boldsymbol{\delta}>"
    ),
    r"\operatorname{diag} diag \text{diag} {\rm diag} \mathrm{diag}": (
        r"<\diag \diag \diag \diag \diag>"
    ),
    r"\mathrm{d} L \text{d} W": "<d L d W>",
    r"\delta 7 \cdot \delta \hat a^t": r"<\delta 7 \cdot \delta \hat{a}^t>",
    r"\delta dtanh(x) ylog(x) o_ttanh(c)": (r"<\delta d \tanh (x) y \log (x) o_t \tanh (c)>"),
    r"\partial net_j \cdot sech(x)": r"<\partial \text{net}_j \cdot \sech (x)>",
    "ŷ_t + h̃_t": r"{+\hat{y}_t +\tilde{h}_t}",
    # plain text
    "x * w_r_x + h_prev": "{+<x * w_r_x> +h_prev}",
    r"u \circ h_prev + d_h_prev_component_1": r"{+<u \circ h_prev> +d_h_prev_component_1}",
    "dL/dh_t * tanh(Wx_t + Uh_{t-1})": r"<d L / d h_t * \tanh ({+<W x_t> +<U h_t-1>})>",
    # products, sums, dots
    r"a \times b \odot c \circ d * e \otimes f \oslash g / h": (
        r"<a \times b \odot c \circ d * e \otimes f \oslash g / h>"
    ),
    "a ⊙ b ∘ c ∗ d ⊗ e · f × g ÷ h": r"<a \odot b \circ c * d \otimes e \cdot f \times g / h>",
    r"a \cdot -b": r"<a \cdot ({-b})>",
    r"J_t J_{t-1} \cdots J_1 + \dots + a ... b": r"{+<J_t J_t-1 \dots J_1> +\dots +<a \dots b>}",
    # brackets
    r"f(x_t, h; \theta) \{ a \} diag[f'(x)] [h; x]": (
        r"<f (x_t,h;\theta) (a) \diag [<f' (x)>] [h;x]>"
    ),
    r"f'(\cdot) \|\cdot\|": r"<f' (\cdot) ||\cdot||>",
    r"W_h[:, n:] p(y | x)": "<W_h [:,n:] p (y|x)>",
    r"\mathbb{1}[j = \text{target}_t] \mathbf 1\{i = y\}": (
        r"<\mathbb{1} [j = \text{target}_t ] \mathbf{1} (i = y )>"
    ),
    r"\odot{c_{t-1}}{\tilde{c}_t}": r"<\odot c_t-1 \tilde{c}_t>",
    # norms
    r"\|a\| ||a|| \lVert a\rVert \left\| a \right\| \rVert a\rVert": (
        "<||a|| ||a|| ||a|| ||a|| ||a||>"
    ),
    r"|a||b| \left|a\right| \lvert a \rvert \|x\|_2^2": "<|a| |b| |a| |a| ||x||_2^2>",
    # fractions and derivatives
    r"\frac{\partial^{+} x_k}{\partial \theta} \frac{\partial l_t}{W_{hy}}": (
        r"<(<\partial^+ x_k> / <\partial \theta>) (<\partial l_t> / W_hy)>"
    ),
    r"{\partial a \over \partial b} \dfrac12 \frac\partial{\partial h} L": (
        r"<(<\partial a> / <\partial b>) (1 / 2) (\partial / <\partial h>) L>"
    ),
    r"\nabla_{\boldsymbol{h}^{(t)}} L": r"<\nabla_\boldsymbol{h}^{(t)} L>",
    # series
    r"\sum_{k=0}^{3} a_k \sum^{t}_{i=0} b": r"<\sum_{k=0}^{3} a_k \sum_{i=0}^{t} b>",
    r"\Pi^t_{j=k+1} J_j \amalg_{t \geq i > k} J_i \prod_i^k J": (
        r"<\prod_{j=k+1}^{t} J_j \prod_{t>=i>k} J_i \prod_{i}^{k} J>"
    ),
    r"\sum_t a \sum b \sum_{j \in S} c \sum_{t=1}^\mathsf{T} d": (
        r"<\sum_{t} a \sum b \sum_{j\in S} c \sum_{t=1}^{T} d>"
    ),
    # matrices
    r"\begin{bmatrix} a & b \\ c & d \\ \end{bmatrix}^T": "Matrix[a, b; c, d]^T",
    r"\left[\begin{array}{cc} a & b \end{array}\right]": "Matrix[a, b]",
    r"\begin{cases} a & \text{if } i = j \\ b & \text{otherwise} \end{cases}": (
        "Cases[a, i = j ; b]"
    ),
    r"\left\{\begin{array}{ll} a, & i = j \\ b & i > j \end{array}\right.": (
        "Cases[a, i = j ; b, i > j ]"
    ),
    # restrictions
    r"\frac{a}{b}\bigg|_{\text{indirect}} \left. X Y \right|_{t=3} z|_{\text{gates fixed}}": (
        "<(a / b)|indirect| <X Y>|t=3| z|gates fixed|>"
    ),
    # decorations
    r"\boxed{a} \underbrace{b}_{\text{c } d} \color{red} e \overset{x}{f} \displaystyle g {}": (
        "<a b e f g>"
    ),
    r"\Big( a \Bigr) \! \left\{ b \right\} \mathop{c}\limits": "<(a) (b) c>",
}


@pytest.mark.parametrize("text", CONSTRUCTS)
def test_construct(text: str) -> None:
    assert show(parse_expression(text)) == CONSTRUCTS[text]
    assert shown(f"q = {text}") == f"q = {CONSTRUCTS[text]}"


@pytest.mark.parametrize(
    ("spellings", "relation"),
    [
        (r"= := \equiv \triangleq \doteq \coloneqq \stackrel{\text{def}}{=} \overset{!}{=}", "="),
        (r"+= \mathrel{+}=", "+="),
        (r"<= ≤ \le \leq \leqslant", "<="),
        (r"< \lt", "<"),
        (r">= ≥ \ge \geq \geqslant", ">="),
        (r"\approx \simeq \sim \cong ≈", "\\approx"),
        (r"\propto", "\\propto"),
        (r"\supseteq", "\\supseteq"),
        (r"\to \rightarrow", "\\to"),
        (r"\Rightarrow \implies", "\\Rightarrow"),
        (r"\ll", "\\ll"),
        (r"\neq \ne \not=", "\\neq"),
    ],
)
def test_relations(spellings: str, relation: str) -> None:
    for sign in spellings.split():
        assert shown(f"a {sign} b") == f"a {relation} b"


# Indices


def index_of(text: str) -> syntax.Index:
    return parse_symbol(text).subscripts[0]


def test_index_holds_a_nested_symbol() -> None:
    index = index_of(r"\delta_{z_{h, t}}")
    assert index.terms == ((1, "z_{h,t}"),)
    assert index.symbol is not None
    assert [i.word for i in index.symbol.subscripts] == ["h", "t"]
    assert index_of(r"\delta_{h_t}").terms == ((1, "h_t"),)


def test_index_with_an_equation_and_a_formula() -> None:
    (index,) = parse_symbol("W^{(t=1)}").superscripts
    assert (index.bracketed, index.word) == (True, "t")
    assert index.equals is not None
    assert index.equals.word == "1"
    (exponent,) = parse_symbol(r"e^{-W_h x}").superscripts
    assert isinstance(exponent.body, syntax.Sum)


def test_series_fields() -> None:
    chain = parse_expression(r"\prod_{t \geq i > k} x")
    assert isinstance(chain, syntax.Chain)
    series = chain.parts[0]
    assert isinstance(series, syntax.Series)
    assert series.kind == "product"
    assert [bound.word for bound in series.bounds] == ["t", "i", "k"]
    assert (series.relations, series.upper) == ((">=", ">"), None)


def test_known_words_are_one_name_everywhere() -> None:
    words = frozenset({"h_prev", "dh_next", "w_ru"})
    assert shown(r"w_ru \circ dh_next = h_prev", words) == r"<w_ru \circ \text{dh}_next> = h_prev"
    assert shown(r"w_ru \circ dh_next = h_prev") == r"<w_r u \circ d h_next> = h_prev"
    assert show(parse_expression(r"\delta_{h_prev}", words=words)) == r"\delta_h_{prev}"


# What stands around a formula

CLEAN = r"\delta_t = W^T \delta_{t+1} + b"
REMARKS = [
    r"%s.", r"%s,", r"%s \tag{10.18}", r"%s \label{eq:a}", r"%s \quad (3)", r"%s \:\:(\rhd)",
    r"%s \quad\quad (2.5a)", r"%s \nonumber", r"%s \textcircled{1}", r"%s \cdots (1)",
    r"%s \quad \in \mathbb{R}^{H \times 1}", r"%s \in \mathbb R^n", r"%s,\ b \in \mathbb{R}^n",
    r"%s, \text{ set } h = W x + b", r"%s, \text{ since } \frac{d}{dx} x = 1.",
    r"%s, \quad \text{where } b = c", r"%s \text{ (chain rule)}", r"%s \quad (\text{chain rule})",
    r"\text{so: } %s", r"\therefore %s", r"\Rightarrow %s", r"& %s", r"\text{Hence, } %s",
    r"(1) \quad %s", r"$%s$", r"$$%s$$", r"\[ %s \]", r"\( %s \)", r"\boxed{%s}",
    r"\boxed{%s \quad \in \mathbb{R}^n} \tag{2}", r"\begin{align*} %s \end{align*}",
    r"\begin{equation}\begin{split} %s \\ \end{split}\end{equation}", r"（%s） \\", r"%s。",
    r"%s, \forall t", r"%s, \quad \delta_{T+1} = 0", r"%s \qquad\text{(BPTT)}",
]  # fmt: skip


@pytest.mark.parametrize("remark", REMARKS)
def test_remarks_are_dropped(remark: str) -> None:
    text = remark.replace("（%s）", "%s") % CLEAN
    assert shown(text) == shown(CLEAN)


@pytest.mark.parametrize(
    ("behind", "condition"),
    [
        (r", \quad 1 \le k \le t", "1 <= k <= t"),
        (r", \; t \geq 1", "t >= 1"),
        (r" \quad \text{for } t < T", "t < T"),
        (r" \quad (t < T)", "t < T"),
        (r", \quad t = T", "t = T"),
        (r", \quad t = 1, \dots, T", "1 <= t <= T"),
        (r" \quad \text{for } t = T-1, \dots, 1", "1 <= t <= T-1"),
    ],
)
def test_conditions_stay(behind: str, condition: str) -> None:
    assert shown(CLEAN + behind) == f"{shown(CLEAN)} ; {condition}"


@pytest.mark.parametrize(
    "text", [r"a = f\ (x)", r"a = f \; \; (x)", r"J = A \cdots (B)", r"a = b (1)", r"a = (b)(c)"]
)
def test_factors_are_no_remarks(text: str) -> None:
    assert shown(text).endswith(")>")


def test_lines_of_one_chain_are_joined() -> None:
    lines = (
        r"\begin{align} a &= b, \text{ set } q = r \\[2pt] &= c \tag{1} \\ &\quad + d \end{align}"
    )
    assert shown(lines) == "a = b = {+c +d}"
    assert shown(r"\begin{array}{rcl} a & = & b \\ & = & c \end{array}") == "a = b = c"
    assert shown(r"a = b \tag{1} = c") == "a = b = c"


def test_a_bracket_that_is_open_at_the_end_is_closed() -> None:
    assert shown(r"a = diag(f'(x)") == shown(r"a = diag(f'(x))")
    assert shown(r"a = diag(f'(x) = b") == shown(r"a = diag(f'(x)) = b")


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        (r"a = b, c_t = W d", "c_t = W d"),
        (r"\begin{align} a &= b \\ c &= d \end{align}", "c &= d "),
        (r"a = b \quad c = W d", "c = W d"),
        (r"a = (b", ""),
        (r"a = \foo b", "\\foo"),
        (r"a = \begin{bmatrix} b", r"\begin{bmatrix}"),
        (r"a = b \end{align}", r"\end{align}"),
        (r"a = = b", "="),
        (r"a = b ? c", "?"),
        (r"a = _t", "_"),
    ],
)
def test_refusals_point_at_the_place(text: str, marked: str) -> None:
    whole = f"see {text}"
    with pytest.raises(NotationError) as caught:
        parse_statement(text, Place(whole, 4, len(whole)))
    place = caught.value.place
    assert place is not None
    assert whole[place.start : place.end].strip() == marked.strip()


# Places

SOURCES = [*CONSTRUCTS, *(remark % CLEAN for remark in REMARKS)]


def nodes_of(statement: syntax.Statement) -> list[syntax.Node | syntax.Operator]:
    return [node for side in statement.sides for node in syntax.walk(side)]


@pytest.mark.parametrize("text", CONSTRUCTS)
def test_places_are_read_back(text: str) -> None:
    """What stands at a node's place is that node."""
    whole = f"see: q \\odot 1 = {text} | here"
    place = Place(whole, 5, len(whole) - 7)
    for node in nodes_of(parse_statement(whole[place.start : place.end], place)):
        start, end = node.span
        assert place.start <= start < end <= place.end
        for child in syntax.children(node):
            assert start <= child.span[0] <= child.span[1] <= end
        if isinstance(node, syntax.Fraction | syntax.Norm | syntax.Matrix) and "\\" in text:
            assert show(parse_expression(whole[start:end])) == show(node)


# The corpus

SENTENCE = re.compile(
    r"(?P<S>.+?)\s+(?:is\s+(?:the\s+\w+\s*\w*\s+of\s+(?P<of>\S.*)|.*)|(?:depends\s+on|bounds)\s+(?P<R>.+))"
)


def corpus() -> list[tuple[str, str, frozenset[str]]]:
    """Return what the formulas of the corpus are, each with the words of its plain lines."""
    found = []
    for line in CORPUS.read_text("utf-8").splitlines():
        item = json.loads(line)
        lines = [*item["model"], *item["declare"], item["claim"]]
        plain = " ".join(line for line in lines if "\\" not in line)
        words = frozenset(re.findall(r"[A-Za-z]\w*_\w+", plain))
        found += [("statement", text, words) for text in (*item["model"], item["claim"])]
        found += [("statement", item["repair"], words)] if item["repair"] else []
        for declaration in item["declare"]:
            sentence = SENTENCE.fullmatch(declaration)
            if sentence is None and "=" in declaration:
                found.append(("statement", declaration, words))
            elif sentence is not None and declaration != "vectors are rows":
                symbols = (sentence["S"], sentence["R"])
                found += [("symbol", text, words) for text in symbols if text]
    return found


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
def test_corpus_is_read() -> None:
    refused, formulas = [], corpus()
    start = time.process_time()
    for kind, text, words in formulas:
        try:
            (parse_statement if kind == "statement" else parse_expression)(text, words=words)
        except BpttError as error:
            refused.append(f"{text}\n{error}")
    assert not refused, "\n".join(refused)
    assert len(formulas) > 1000
    assert (time.process_time() - start) / len(formulas) < 0.01


# Fuzz: a tree, or a BpttError, soon

PIECES = sorted({piece for text in SOURCES for piece in re.findall(r"\\[a-zA-Z]+|\\.|\w|.", text)})
fuzz = settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def assert_read_or_refused(text: str) -> None:
    whole = f"a {text} b"
    place = Place(whole, 2, 2 + len(text))
    for parse in (parse_statement, parse_expression, parse_symbol):
        start = time.process_time()
        try:
            found = parse(text, place)
        except BpttError as error:
            span = (error.place.start, error.place.end - 1) if error.place else (-1, -1)
            message = str(error)
        else:
            span, message = found.span, "read"
        assert message
        assert place.start <= span[0] <= span[1] <= place.end
        assert time.process_time() - start < SECONDS


@fuzz
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_random_pieces(text: str) -> None:
    assert_read_or_refused(text)


@fuzz
@given(st.text(max_size=40), st.sampled_from(SOURCES))
def test_random_characters(text: str, source: str) -> None:
    assert_read_or_refused(text)
    assert_read_or_refused(source[: len(text)] + text + source[len(text) :])


@st.composite
def formula(draw: st.DrawFn, depth: int = 3) -> str:
    """A formula of the language, so that the deeper stages are reached."""
    if depth == 0:
        return draw(st.sampled_from([r"h_t", "W", "2", r"\hat y_{t-1}", r"\delta^a", r"\mathbf b"]))
    inner = formula(depth - 1)
    form = draw(
        st.sampled_from(
            [
                "%s + %s", "%s %s", r"%s \odot %s", r"\frac{%s}{%s}", r"\left(%s\right)^{%s}",
                r"[%s, %s]", r"\|%s\|_{%s}", r"\sum_{%s=1}^{%s}", r"{%s}_{%s}", r"diag(%s) %s",
                r"\begin{bmatrix} %s \\ %s \end{bmatrix}", r"|%s| - %s", r"%s|_{%s}",
                r"\underbrace{%s}_{%s}", r"%s \cdots %s", r"\sigma'(%s) %s",
            ]
        )
    )  # fmt: skip
    return str(form % (draw(inner), draw(inner)))


@fuzz
@given(formula(), formula(), st.sampled_from(REMARKS))
def test_formulas_of_the_language_are_read(left: str, right: str, remark: str) -> None:
    assert_read_or_refused(remark % f"{left} = {right}")


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A formula with some pieces deleted, doubled, swapped or exchanged."""
    pieces = re.findall(r"\\[a-zA-Z]+|\\.|.", draw(st.sampled_from(SOURCES)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(pieces) - 1))
        other = draw(st.sampled_from(PIECES))
        match draw(st.integers(0, 3)):
            case 0 if len(pieces) > 1:
                del pieces[at]
            case 1:
                pieces.insert(at, other)
            case 2:
                pieces[at], pieces[-1] = pieces[-1], pieces[at]
            case _:
                pieces[at] = other
    return "".join(pieces)


@fuzz
@given(damaged())
def test_damaged_formulas(text: str) -> None:
    assert_read_or_refused(text)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10_000_000, "{" * 5000, "(" * 59 + "x" * 9000 + ")" * 59, "T = 10^9", r"\input{x}",
        r"\begin{align} a = b", r"\end{align}", r"\begin{bmatrix}" * 1000, "|" * 19_999,
        r"\frac" * 3900, r"\mathbf" * 2800, r"\hat" * 4000, r"\left." * 3300, "x^" * 9999,
        r"a\\" * 6000, r"a \text{for} " * 1500, r"\underbrace" * 1800, "<" * 20_000,
        "tanh" * 5000, r"\tag{" * 3000, r"a|^\end{cases}b|_\end{cases}", "\ud800", "", "\\",
        "a_{h_{h_{h_{h_t}}}}" * 900, "Wx_t" * 4500, "(a" * 20, r"\right|", "x^{'a}" * 3000,
    ],
    ids=lambda text: repr(text[:20]),
)  # fmt: skip
def test_monsters(text: str) -> None:
    assert_read_or_refused(text)
