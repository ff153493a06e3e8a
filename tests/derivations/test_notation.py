"""Printing and reading are inverse, and the many spellings of a formula are one formula."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy import Integer, MatrixExpr, MatrixSymbol, OneMatrix, Rational, Symbol, ZeroMatrix

from derivations import cell, cell_names, derive
from derivations.activations import ACTIVATIONS, ScalarFunction
from derivations.algebra import add, hadamard, multiply, power, transpose
from derivations.errors import Place
from derivations.expressions import (
    Diag,
    Elementwise,
    Partial,
    Quantity,
    Softmax,
    SquaredNorm,
    T,
    TimeProduct,
    TimeSum,
    t,
    timeless,
)
from derivations.model import Model
from derivations.notation.build import build_sides
from derivations.notation.latex import equation, latex
from derivations.notation.names import Scope
from derivations.notation.parse import parse_statement
from derivations.notation.picks import size_symbol
from derivations.proving import network_of

n, m = size_symbol("n"), size_symbol("m")
k, j = Symbol("k", integer=True), Symbol("j", integer=True)
one = Integer(1)

COLUMNS = {"h": n, "\\delta^a": n, "\\delta^{hx}": n, "c_{new}": n, "x": m, "\\hat{y}": m, "u": m}
MATRICES = {
    "W_{rec}": (n, n),
    "W^{hh}": (n, n),
    "V": (n, n),
    "W_{in}": (n, m),
    "W^s": (m, n),
    "\\Gamma": (m, m),
    "b_h": (n, one),
    "b": (n, one),
    "\\beta^{(1)}": (m, one),
}
SCALARS = ("E", "\\ell")
SCOPE = Scope(
    shapes={
        **{name: (size, one) for name, size in COLUMNS.items()},
        **MATRICES,
        **dict.fromkeys(SCALARS, (one, one)),
    },
    temporal=frozenset({*COLUMNS, *SCALARS}),
    timeless=frozenset({"E"}),
    functions={name: ScalarFunction(name, None) for name in ("\\sigma", "\\phi", "f")},
)


def read(text: str, scope: Scope = SCOPE) -> tuple[MatrixExpr, ...]:
    place = Place(text, 0, len(text))
    return tuple(build_sides(parse_statement(text, place), scope, place))


# The library


@cache
def printed(
    name: str, activation: str | None
) -> tuple[Scope, tuple[tuple[str, tuple[MatrixExpr, ...]], ...]]:
    model = cell(name)
    if activation is not None and model.scope.functions:
        model = model.with_activation(activation)
    derivation = derive(model)
    equations = tuple((e.latex, e.sides) for e in derivation.equations)
    return network_of(derivation).scope, equations


#: Slopes of every kind, and in every cell the one that is a vector of ones.
WRITTEN = [
    *((name, "identity") for name in cell_names()),
    *((name, None) for name in cell_names()),
    *((name, activation) for name in ("rnn", "lstm-coupled") for activation in ACTIVATIONS),
]


@pytest.mark.parametrize(("name", "activation"), list(dict.fromkeys(WRITTEN)))
def test_every_equation_of_the_library_is_read_back(name: str, activation: str | None) -> None:
    scope, equations = printed(name, activation)
    assert len(equations) > 20
    for text, sides in equations:
        assert read(text, scope) == sides
        assert equation(read(text, scope)) == equation(sides)


COLUMN, OTHER = Quantity("h", n, 1, t), MatrixSymbol("b_h", n, 1)

# Random expressions

TIMES = st.sampled_from([t, t - 1, t + 1, k, k - 1, T, T - 1, T + 1, Integer(0), Integer(1)])
NUMBERS = st.sampled_from([2, 3, -1, -2, Rational(1, 2), Rational(-2, 3), Rational(7, 5)])
EXPONENTS = st.sampled_from([2, 3, 10, -1, -2])
FUNCTIONS = st.sampled_from(["\\sigma", "\\phi", "f", "\\tanh", "\\relu", "\\exp", "\\sigmoid"])
Expressions = st.SearchStrategy[MatrixExpr]


@st.composite
def quantity(draw: st.DrawFn, size: Symbol) -> MatrixExpr:
    name = draw(st.sampled_from([name for name, own in COLUMNS.items() if own == size]))
    return Quantity(name, size, 1, draw(TIMES))


def parameter(rows: Symbol, columns: Symbol) -> Expressions:
    names = [name for name, shape in MATRICES.items() if shape == (rows, columns)]
    return st.sampled_from(names).map(lambda name: MatrixSymbol(name, rows, columns))


@st.composite
def column(draw: st.DrawFn, size: Symbol, depth: int) -> MatrixExpr:
    """A column of some size."""
    if depth == 0:
        return draw(st.one_of(quantity(size), parameter(size, one)))
    inner = column(size, depth - 1)
    match draw(st.integers(0, 11)):
        case 0:
            return add(*draw(st.lists(inner, min_size=2, max_size=3)))
        case 1:
            return hadamard(*draw(st.lists(inner, min_size=2, max_size=3)))
        case 2:
            return multiply(draw(NUMBERS), draw(inner))
        case 3:
            other = draw(st.sampled_from([n, m]))
            return multiply(draw(matrix(size, other, depth - 1)), draw(column(other, depth - 1)))
        case 4:
            return power(draw(inner), draw(EXPONENTS))
        case 5:
            return Elementwise(draw(FUNCTIONS), draw(st.integers(0, 2)), draw(inner))
        case 6:
            return Softmax(draw(inner))
        case 7:
            return hadamard(draw(inner), power(draw(inner), draw(st.sampled_from([-1, -2]))))
        case 8:
            return add(OneMatrix(size, 1), multiply(draw(NUMBERS), draw(inner)))
        case 9:
            return TimeSum(draw(inner), k, 1, draw(st.sampled_from([t, T, t - 1])))
        case 10:
            scalar = Quantity("E", 1, 1, draw(st.sampled_from([t, timeless])))
            return transpose(Partial(scalar, draw(quantity(size))))
        case _:
            return transpose(draw(row(size, depth - 1)))


@st.composite
def row(draw: st.DrawFn, size: Symbol, depth: int) -> MatrixExpr:
    inner = column(size, depth)
    match draw(st.integers(0, 2)):
        case 0:
            return transpose(draw(inner))
        case 1:
            return Partial(Quantity("\\ell", 1, 1, t), draw(quantity(size)))
        case _:
            other = draw(st.sampled_from([n, m]))
            return multiply(transpose(draw(column(other, depth))), draw(matrix(other, size, depth)))


@st.composite
def matrix(draw: st.DrawFn, rows: Symbol, columns: Symbol, depth: int) -> MatrixExpr:
    square = rows == columns
    if depth == 0:
        return draw(parameter(rows, columns))
    inner = matrix(rows, columns, depth - 1)
    match draw(st.integers(0, 7 if square else 5)):
        case 0:
            return add(*draw(st.lists(inner, min_size=2, max_size=3)))
        case 1:
            return multiply(draw(column(rows, depth - 1)), draw(row(columns, depth - 1)))
        case 2:
            return transpose(draw(matrix(columns, rows, depth - 1)))
        case 3:
            return Partial(draw(quantity(rows)), draw(quantity(columns)))
        case 4:
            other = draw(st.sampled_from([n, m]))
            return multiply(
                draw(matrix(rows, other, depth - 1)), draw(matrix(other, columns, depth - 1))
            )
        case 5:
            return multiply(draw(NUMBERS), draw(inner))
        case 6:
            return Diag(draw(column(rows, depth - 1)))
        case _:
            return TimeProduct(draw(inner), j, k + 1, t)


@st.composite
def scalar(draw: st.DrawFn, depth: int) -> MatrixExpr:
    size = draw(st.sampled_from([n, m]))
    match draw(st.integers(0, 4)):
        case 0:
            return multiply(draw(row(size, depth)), draw(column(size, depth)))
        case 1:
            return SquaredNorm(draw(column(size, depth)))
        case 2:
            inner = scalar(max(depth - 1, 0))
            return add(draw(inner), multiply(draw(NUMBERS), draw(inner)))
        case 3:
            return multiply(transpose(OneMatrix(size, 1)), draw(column(size, depth)))
        case _:
            return TimeSum(Quantity("E", 1, 1, t), t, 1, T)


@st.composite
def gradient(draw: st.DrawFn) -> MatrixExpr:
    """∂E/∂W as it stands, and as a contraction of ∂⁺h_k/∂W."""
    weights = draw(st.one_of(parameter(n, n), parameter(n, m), parameter(n, one)))
    total = Quantity("E", 1, 1, draw(st.sampled_from([t, timeless])))
    state = Quantity("h", n, 1, k)
    immediate = Partial(state, weights, draw(st.booleans()))
    return draw(
        st.sampled_from(
            [
                Partial(total, weights),
                TimeSum(multiply(Partial(total, state), immediate), k, 1, T),
                multiply(Partial(total, state), immediate),
            ]
        )
    )


def assert_read_back(expression: MatrixExpr) -> None:
    """Behind a side of the same shape, as every equation has one."""
    anchors = {
        (n, one): Quantity("h", n, 1, t),
        (m, one): Quantity("x", m, 1, t),
        (one, one): Quantity("E", 1, 1, t),
        (one, n): transpose(Quantity("h", n, 1, t)),
        (one, m): transpose(Quantity("x", m, 1, t)),
        (n, n): MatrixSymbol("V", n, n),
        (m, m): MatrixSymbol("\\Gamma", m, m),
        (n, m): MatrixSymbol("W_{in}", n, m),
        (m, n): MatrixSymbol("W^s", m, n),
    }
    sides = (anchors[expression.shape], expression)
    text = equation(sides)
    again = read(text)
    assert again == sides, text
    assert equation(again) == text


often = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@often
@given(st.one_of(column(n, 1), column(m, 2), column(n, 3)))
def test_columns_are_read_back(expression: MatrixExpr) -> None:
    assert_read_back(expression)


@often
@given(st.one_of(row(n, 1), row(m, 2)))
def test_rows_are_read_back(expression: MatrixExpr) -> None:
    assert_read_back(expression)


@often
@given(st.one_of(matrix(n, n, 1), matrix(n, m, 2), matrix(m, m, 3)))
def test_matrices_are_read_back(expression: MatrixExpr) -> None:
    assert_read_back(expression)


@often
@given(st.one_of(scalar(0), scalar(1), scalar(2)))
def test_scalars_are_read_back(expression: MatrixExpr) -> None:
    assert_read_back(expression)


@pytest.mark.parametrize(
    "expression",
    [
        hadamard(COLUMN, power(hadamard(COLUMN, OTHER), -1)),
        hadamard(COLUMN, power(hadamard(OTHER, power(COLUMN, -1)), -1)),
        power(hadamard(COLUMN, OTHER), -1),
        power(power(COLUMN, 2), -1),
        hadamard(COLUMN, add(COLUMN, OTHER), power(add(COLUMN, OTHER), -1)),
        power(multiply(2, COLUMN), -1),
        power(hadamard(COLUMN, OTHER), 2),
        power(transpose(COLUMN), 2),
        transpose(power(COLUMN, 2)),
        power(Elementwise("\\sigma", 1, COLUMN), 2),
        power(Elementwise("\\sigma", 1, COLUMN), -2),
        transpose(Elementwise("\\sigma", 1, COLUMN)),
        add(COLUMN, multiply(-1, add(COLUMN, OTHER))),
        multiply(-1, TimeSum(COLUMN, k, 1, t)),
        add(TimeSum(COLUMN, k, 1, t), COLUMN),
        TimeSum(add(COLUMN, OTHER), k, 1, t),
        TimeSum(multiply(-1, COLUMN), k, 1, t),
        TimeSum(TimeSum(COLUMN, j, 1, k), k, 1, t),
        hadamard(TimeSum(COLUMN, k, 1, t), COLUMN),
        multiply(TimeProduct(MatrixSymbol("V", n, n), j, 1, t), COLUMN),
        multiply(MatrixSymbol("V", n, n), hadamard(COLUMN, OTHER)),
        hadamard(multiply(MatrixSymbol("V", n, n), COLUMN), OTHER),
        multiply(transpose(multiply(MatrixSymbol("V", n, n), MatrixSymbol("V", n, n))), COLUMN),
        multiply(power(MatrixSymbol("V", n, n), 2), COLUMN),
        multiply(transpose(power(MatrixSymbol("W^{hh}", n, n), 2)), COLUMN),
        multiply(transpose(MatrixSymbol("W^{hh}", n, n)), COLUMN),
    ],
    ids=str,
)
def test_brackets_stand_where_they_are_needed(expression: MatrixExpr) -> None:
    assert_read_back(expression)


@settings(often, max_examples=60)
@given(gradient())
def test_gradients_by_parameters_are_read_back(expression: MatrixExpr) -> None:
    text = equation((expression, expression))
    assert read(text) == (expression, expression)


h, x = Quantity("h", n, 1, t), Quantity("x", m, 1, t)
W, V = MatrixSymbol("W_{rec}", n, n), MatrixSymbol("V", n, n)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (add(multiply(W, h.at(t - 1)), h), "W_{rec} h_{t-1} + h_t"),
        (add(h, multiply(-1, h)), "h_t - h_t"),
        (multiply(Rational(-1, 2), add(h, h)), "-\\frac{1}{2} \\left(h_t + h_t\\right)"),
        (hadamard(h, power(h, -1)), "h_t \\oslash h_t"),
        (power(h, -2), "1 \\oslash h_t^{2}"),
        (power(Quantity("\\delta^a", n, 1, t), 2), "{\\delta_t^a}^{2}"),
        (transpose(Quantity("\\delta^a", n, 1, t)), "{\\delta_t^a}^{\\top}"),
        (add(OneMatrix(n, 1), multiply(-1, h)), "1 - h_t"),
        (Elementwise("\\sigma", 2, h), "\\sigma''\\left(h_t\\right)"),
        (ZeroMatrix(n, 1), "0"),
        (SquaredNorm(h), "\\left\\|h_t\\right\\|^{2}"),
        (
            TimeProduct(Partial(h.at(j), h.at(j - 1)), j, k + 1, t),
            "\\prod_{j=k+1}^{t} \\frac{\\partial h_j}{\\partial h_{j-1}}",
        ),
        (
            Partial(h.at(k), W, True),
            "\\frac{\\partial^{+} h_k}{\\partial W_{rec}}",
        ),
    ],
)
def test_print(expression: MatrixExpr, text: str) -> None:
    assert latex(expression) == text


# Spellings

HIDDEN = MatrixSymbol("W_{rec}", n, n), MatrixSymbol("W_{in}", n, m), MatrixSymbol("b", n, 1)
PREACTIVATION = add(multiply(HIDDEN[0], h.at(t - 1)), multiply(HIDDEN[1], x), HIDDEN[2])
CELL = Elementwise("\\sigma", 0, PREACTIVATION)


@pytest.mark.parametrize(
    "text",
    [
        r"h_t = \sigma(W_{rec}h_{t-1} + W_{in}x_t + b)",
        r"h_{t} = \sigma \left( W_{rec} h_{t-1} + W_{in} x_{t} + b \right)",
        r"h_t=\sigma\left(W_{rec}h_{t-1}+W_{in}x_t+b\right)",
        r"h_t = \sigma\big(W_{rec}\, h_{t-1} + W_{in}\; x_t + b\big)",
        r"h_t = \sigma\Bigl(W_{rec} \cdot h_{t-1} + W_{in} \cdot x_t + b\Bigr)",
        r"h_t = \sigma[W_{rec} h_{t-1} + W_{in} x_t + b]",
        r"h_t = \sigma{(W_{rec} h_{t-1} + W_{in} x_t + b)}",
        r"h_t = \sigma(W_{\text{rec}} h_{t-1} + W_{\text{in}} x_t + b)",
        r"h_t = \sigma(W_{\mathrm{rec}} h_{t-1} + W_{\mathrm{in}} x_t + b)",
        r"h_t = \sigma(W_{rec} h_{t−1} + W_{in} x_t + b)",  # a minus sign of Unicode
        r"h_t = \sigma(W_{rec} h_{t - 1} + W_{in} x_t + b)",
        r"h_t = \sigma(W_{rec} h_{-1+t} + W_{in} x_t + b)",
        r"h_t := \sigma(W_{rec} h_{t-1} + W_{in} x_t + b)",
        r"h^{(t)} = \sigma(W_{rec} h^{(t-1)} + W_{in} x^{(t)} + b)",
        r"h_t = \sigma(W_{rec} h_{t-1} + W_{in} x_t + b), \quad 1 \le t \le T",
        "h_t = sigma(W_rec h_{t-1} + W_in x_t + b)",
        "h_t = sigma(W_rec · h_{t-1} + W_in · x_t + b)",
        "h_{t} =\n\tsigma( W_{rec} h_{t-1}\n + W_{in} x_t + b )",
    ],
)
def test_spellings_of_a_cell(text: str) -> None:
    assert read(text) == (h, CELL)


def only(text: str, scope: Scope = SCOPE) -> MatrixExpr:
    """Return the right side of an equation for h_t, x_t, E_t or a matrix."""
    return read(text, scope)[1]


EQUAL = [
    (
        "E_t = h_t^\\top h_t",
        [
            "E_t = h_t^T h_t",
            "E_t = h_t^{\\top} h_t",
            "E_t = h_t^{T}h_t",
            "E_t = h^\\top_t h_t",
            "E_t = {h_t}^\\top h_t",
            "E_t = (h_t)^\\top h_t",
            "E_t = h_t^\\intercal h_t",
        ],
    ),
    (
        "E_t = \\|h_t\\|^2",
        [
            "E_t = \\lVert h_t \\rVert^2",
            "E_t = ‖h_t‖^2",
            "E_t = ‖h_t‖^{2}",
            "E_t = \\left\\| h_t \\right\\|^{2}",
            "E_t = \\left \\| h_t \\right \\|^2",
        ],
    ),
    (
        "E_t = \\frac{1}{2} \\|u_t - \\hat{y}_t\\|^2",
        [
            "E_t = \\frac12 \\|u_t - \\hat y_t\\|^2",
            "E_t = \\tfrac{1}{2} ‖u_t − \\hat{y}_t‖^2",
            "E_t = \\dfrac12 \\left\\| u_t - {\\hat{y}}_t \\right\\|^2",
            "E_t = 0.5 \\|u_t - \\hat{y}_t\\|^2",
            "E_t = ½‖u_t − ŷ_t‖²",
            "Eₜ = ½ ‖uₜ − ŷₜ‖²",
            "E_t = \\frac{1}{2} \\|u_t - \\hat{y_t}\\|^2",
        ],
    ),
    (
        "x_t = \\text{softmax}(W^s h_t)",
        [
            "x_t = \\operatorname{softmax}(W^s h_t)",
            "x_t = \\mathrm{softmax}(W^{s} h_t)",
            "x_t = \\operatorname{softmax}\\left(W^s h_t\\right)",
            "x_t = softmax(W^s h_t)",
        ],
    ),
    (
        "h_t = \\tanh(h_t)",
        [
            "h_t = tanh(h_t)",
            "h_t = \\text{tanh}(h_t)",
            "h_t = \\tanh h_t",
            "h_t = \\mathrm{tanh}\\left(h_t\\right)",
            "h_t = \\operatorname{tanh}(h_t)",
        ],
    ),
    ("h_t = h_t \\odot b", ["h_t = h_t ⊙ b", "h_t=h_t\\odot b"]),
    ("h_t = h_t \\oslash b", ["h_t = h_t ⊘ b", "h_t = \\frac{h_t}{b}"]),
    ("h_t = h_t^2", ["h_t = h_t^{2}", "h_t = h_t^{\\odot 2}", "h_t = (h_t)^2", "h_t = h^2_t"]),
    ("h_t = \\sigma'(h_t)", ["h_t = \\sigma′(h_t)"]),
    ("h_t = \\log(h_t)", ["h_t = \\ln(h_t)", "h_t = log(h_t)", "h_t = ln(h_t)"]),
    (
        "E = \\sum_{t=1}^{T} E_t",
        ["E = \\sum_{t=1}^T E_t", "E = ∑_{t=1}^T E_t", "E = \\sum\\limits_{t=1}^{T} E_t"],
    ),
    (
        "V = \\operatorname{diag}(h_t)",
        ["V = \\text{diag}(h_t)", "V = \\mathrm{diag}(h_t)", "V = diag(h_t)"],
    ),
]


@pytest.mark.parametrize(
    ("text", "other"), [(text, other) for text, others in EQUAL for other in others]
)
def test_spellings_are_equal(text: str, other: str) -> None:
    assert read(other) == read(text)


def test_conditions_are_kept() -> None:
    conditions = parse_statement(r"h_t = h_t, \quad 0 \le k < t \leq T").conditions
    assert [c.relations for c in conditions] == [("<=", "<", "<=")]


def test_plain_words_may_stand_beside_latex() -> None:
    """One backslash in a line does not turn tanh into the product of t, a, n and h."""
    assert read(r"h_t = tanh(h_t + \frac{1}{2} b)") == read(r"h_t = \tanh(h_t + \frac{1}{2} b)")
    assert read(r"h_t = tanh(h_t) + \tanh(h_t)") == read(r"h_t = \tanh(h_t) + \tanh(h_t)")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (r"h_t = \sigma(W_{rec}h_{t-1} + W_{in}x_t + b_t)", ["W_{rec}", "W_{in}"]),
        (r"h_t = \sigma(W^{hh}h_{t-1} + W^{hx}x_t)", ["W^{hh}", "W^{hx}"]),
        ("h_t = tanh(W h_{t-1} + U x_t + b)", ["W", "U", "b"]),
        (r"h_t = \tanh(\mathbf{W} h_{t-1} + \mathbf{U} x_t)", ["\\mathbf{W}", "\\mathbf{U}"]),
        (
            r"\mathbf{h}_t = \tanh(\boldsymbol{W} \mathbf{h}_{t-1} + \bm{U} \mathbf{x}_t)",
            ["\\boldsymbol{W}", "\\bm{U}"],
        ),
        (r"h_t = \tanh(W_{hh} h_{t-1} + W_{xh} x_t + b_h)", ["W_{hh}", "W_{xh}", "b_h"]),
        (r"h^{(t)} = \tanh(W h^{(t-1)} + U x^{(t)} + b)", ["W", "U", "b"]),
        (r"h_t = \tanh(\Theta h_{t-1} + \theta)", ["\\Theta", "\\theta"]),
        ("h_t = tanh(Theta h_{t-1} + theta)", ["\\Theta", "\\theta"]),
    ],
)
def test_cells_of_textbooks(text: str, names: list[str]) -> None:
    state = "\\mathbf{h}" if "mathbf{h}" in text else "h"
    model = Model.read(f"{text}\nE_t depends on {state}_t")
    assert [p.name for p in model.parameters] == names
    assert [s.name for s in model.states] == [state]
    assert isinstance(model.definitions[0].expression, Elementwise)


def test_the_issue_s_network() -> None:
    model = Model.read(
        "$$h_t = \\sigma(W^{hh}h_{t-1} + W^{hx}x_t)$$\n"
        "$$\\hat{y}_t = \\text{softmax}(W^s h_t)$$\n"
        "- $E_t$ depends on $\\hat{y}_t$\n"
    )
    assert [p.name for p in model.parameters] == ["W^{hh}", "W^{hx}", "W^s"]
    assert isinstance(model.definition("\\hat{y}").expression, Softmax)  # type: ignore[union-attr]
    assert [d.quantity.name for d in model.definitions] == ["h", "\\hat{y}", "E", "E"]
