"""Terms of claims to LaTeX and back: what is printed reads back as the same term."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.formulas import CORPUS, read_items
from derivations import Model
from derivations.claims.dots import COUNTER
from derivations.claims.latex import AS_LATEX, Printer, latex
from derivations.claims.source import Source
from derivations.claims.steps import Step
from derivations.claims.terms import (
    Apply,
    Block,
    Chain,
    Constant,
    Entry,
    Norm,
    Number,
    Partial,
    Power,
    Quotient,
    Series,
    StepNumber,
    Sum,
    Symbol,
    Term,
    Transposed,
)
from derivations.errors import BpttError
from derivations.notation.parse import parse_statement

OWN = Path(__file__).parents[1] / "formulas" / "held_out.jsonl"
SOURCE = Model.read(r"""
    a_t = W_{hh} h_{t-1} + U x_t + b
    h_t = \sigma(a_t)
    s^{(t)} = \tanh(V^{(1)} h_t)
    \sigma is an elementwise function
    x_t is the input
    L_t is the loss of step t
    L is the total loss
    \delta_{h_t} = \frac{\partial L}{\partial h_t}
    \delta 7 = \frac{\partial L}{\partial b}
    dz_t = \frac{\partial L}{\partial a_t}
""").court.source


def read(text: str, source: Source = SOURCE) -> Term:
    """Return what the reader makes of a side."""
    statement = parse_statement(text + AS_LATEX, words=source.words)
    return source.elaborator().term(statement.sides[0])


def step(text: str) -> Step:
    node = read(f"h_{{{text}}}")
    assert isinstance(node, Symbol)
    assert node.time is not None
    return node.time


T, K = Step.letter("t"), Step.letter("k")
H = Symbol("h", T)
W = Symbol("W_{hh}")


def counted(term: Term) -> Term:
    """Return a term in which every series counts by one letter, as dots do."""
    return term.mapped(counted)


@pytest.mark.parametrize(
    ("term", "text"),
    [
        (Transposed(W), r"W_{hh}^\top"),
        (Transposed(Symbol("s", T)), r"(s^{(t)})^\top"),
        (Power(H, Step((), 2)), r"h_t^2"),
        (Power(Apply("\\tanh", 0, H), Step((), 2)), r"\tanh^2\left(h_t\right)"),
        (Power(W, Step.letter("T")), r"W_{hh}^{T+0}"),
        (Apply("\\diag", 0, H), r"\operatorname{diag}\left(h_t\right)"),
        (Apply("\\sigma", 1, Constant("blank")), r"\sigma'\left(\cdot\right)"),
        (
            Partial(H, Symbol("h", T.shifted(-1)), immediate=True),
            r"\frac{\partial^{+} h_t}{\partial h_{t-1}}",
        ),
        (Partial(Symbol("L"), W, nabla=True), r"\nabla_{W_{hh}} L"),
        (
            Chain((Transposed(W), Chain((H, H), ("\\odot",))), ("",)),
            r"W_{hh}^\top \left(h_t \odot h_t\right)",
        ),
        (
            Chain((Sum(((1, H), (-1, H))), H), ("\\odot",)),
            r"\left(h_t - h_t\right) \odot h_t",
        ),
        (
            Series("product", "k", Step((), 1), T, Partial(H, W), ascending=False),
            r"\prod_{k=1}^{t} \frac{\partial h_t}{\partial W_{hh}}",
        ),
        (Entry(W, (Step.letter("i"), Step.letter("j"))), r"W_{hh, ij}"),
        (Symbol("\\delta_h", T), r"\delta_{h_{t}}"),
        (Symbol("\\delta 7"), r"\delta 7"),
        (Transposed(Symbol("\\delta 7")), r"\left(\delta 7\right)^{\top}"),
        (Symbol("dz_t", T.shifted(1)), r"dz_{t+1}"),
        (Block(((H,), (Symbol("x", T),))), r"\begin{bmatrix} h_t \\ x_t \end{bmatrix}"),
        (Block(((H, Symbol("x", T)),), is_list=True), r"\left[h_t, x_t\right]"),
        (Norm(W, "F"), r"\left\| W_{hh} \right\|_F"),
        (Quotient(Number(Fraction(1)), StepNumber(Step.letter("T"))), r"\frac{1}{T}"),
        (Chain((Number(Fraction(2)), Number(Fraction(3))), ("",)), r"2 \left(3\right)"),
    ],
)
def test_spellings(term: Term, text: str) -> None:
    assert latex(term, SOURCE.vocabulary) == text
    if not isinstance(term, Entry):
        assert read(text) == term


def test_an_entry_reads_back() -> None:
    for term in (
        Entry(W, (Step.letter("i"), Step.letter("j"))),
        Entry(H, (Step.letter("i"),)),
        Entry(Symbol("s", T), (Step((), 2),)),
        Entry(Sum(((1, H), (1, H))), (Step.letter("i"),)),
    ):
        assert read(latex(term, SOURCE.vocabulary)) == term


def test_a_product_in_the_order_of_time_is_written_with_dots() -> None:
    text = r"W_{hh}^\top h_{k+1} \cdots W_{hh}^\top h_{T}"
    term = read(text)
    assert isinstance(term, Series)
    assert term.ascending
    printed = latex(term, SOURCE.vocabulary)
    assert r"\cdots" in printed
    assert read(printed) == term


def test_dots_of_a_falling_product_get_a_letter_that_nothing_has() -> None:
    text = r"\frac{\partial h_t}{\partial h_{t-1}} \cdots \frac{\partial h_{s+1}}{\partial h_s}"
    printed = latex(read(text), SOURCE.vocabulary)
    assert printed == r"\prod_{j=s+1}^{t} \frac{\partial h_j}{\partial h_{j-1}}"
    assert COUNTER not in printed


# Any term

letters = st.sampled_from(["t", "k", "T"]).map(Step.letter)
times = st.builds(lambda s, n: s.shifted(n), letters, st.integers(-2, 2)) | st.integers(0, 3).map(
    lambda n: Step((), n)
)
timed = st.builds(Symbol, st.sampled_from(["h", "x", "a", "s", "\\delta_h", "L", "dz_t"]), times)
untimed = st.sampled_from(["W_{hh}", "U", "b", "V^{(1)}", "L", "\\delta 7"]).map(Symbol)
numbers = st.integers(0, 9).map(lambda n: Number(Fraction(n)))
leaves = timed | untimed | numbers | st.just(Constant("identity"))
SIGNS = ["", "", "\\cdot", "\\odot", "*", "\\times", "\\circ", "\\otimes"]


@st.composite
def products(draw: st.DrawFn, inner: st.SearchStrategy[Term]) -> Term:
    factors = draw(st.lists(inner, min_size=2, max_size=4))
    signs = [draw(st.sampled_from(SIGNS)) for _ in factors[1:]]
    return Chain(tuple(factors), tuple(signs))


@st.composite
def sums(draw: st.DrawFn, inner: st.SearchStrategy[Term]) -> Term:
    terms = draw(st.lists(st.tuples(st.sampled_from([1, -1]), inner), min_size=1, max_size=3))
    return Sum(((-1, terms[0][1]),)) if len(terms) == 1 else Sum(tuple(terms))


def larger(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
    quantities = timed | untimed
    return st.one_of(
        products(inner),
        sums(inner),
        inner.map(Transposed),
        st.builds(Power, inner, st.integers(2, 4).map(lambda n: Step((), n)) | times),
        st.builds(
            Apply, st.sampled_from(["\\sigma", "\\tanh", "\\diag"]), st.integers(0, 2), inner
        ),
        st.builds(Quotient, inner, inner),
        st.builds(Partial, quantities, quantities, st.booleans(), st.booleans()),
        st.builds(
            lambda kind, low, high, body: Series(kind, "j", low, high, body),
            st.sampled_from(["sum", "product"]),
            st.none() | times,
            st.none() | times,
            inner,
        ),
        st.builds(Norm, inner, st.sampled_from(["", "F", "2"])),
        st.lists(inner, min_size=2, max_size=3).map(
            lambda items: Block(tuple((item,) for item in items))
        ),
        st.builds(lambda a, b: Block(((a, b),), is_list=True), quantities, inner),
    )


def is_written_so(term: Term) -> bool:
    """Leave out what no text says: a prime on diag, ∇⁺, ∇ by a name of several parts."""
    for piece in term.walk():
        if isinstance(piece, Apply) and piece.function == "\\diag" and piece.order:
            return False
        if isinstance(piece, Partial) and piece.nabla:
            is_compound = isinstance(piece.by, Symbol) and piece.by.name in ("\\delta 7", "dz_t")
            if piece.immediate or is_compound:
                return False
    return True


@given(st.recursive(leaves, larger, max_leaves=8).filter(is_written_so))
@settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
def test_any_term_reads_back(term: Term) -> None:
    text = Printer(SOURCE.vocabulary).text(term)
    assert read(text) == term, text
    assert latex(read(text), SOURCE.vocabulary) == text


# Real formulas


@pytest.mark.parametrize("path", [OWN, CORPUS], ids=["own", "corpus"])
def test_real_formulas_read_back(path: Path) -> None:
    if not path.exists():
        pytest.skip("the corpus of labelled formulas is not beside this checkout")
    seen = 0
    for item in read_items(path):
        try:
            source = Model.read("\n".join([*item["model"], *item["declare"]])).court.source
            statement = parse_statement(item["claim"], words=source.words)
            terms = [source.elaborator().term(side) for side in statement.sides]
        except BpttError:
            continue
        terms += [forward.right for forward in source.forward]
        for term in terms:
            text = latex(term, source.vocabulary)
            again = read(text, source)
            assert latex(again, source.vocabulary) == text, item["id"]
            if not any(isinstance(p, Series) and p.index == COUNTER for p in term.walk()):
                assert again == term, item["id"]
            seen += 1
    assert seen > 100
