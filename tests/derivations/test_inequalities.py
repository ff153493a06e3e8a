"""Inequalities and norms: what is true survives, what is false is refuted, and how."""

from __future__ import annotations

import re

import numpy as np
import pytest

from derivations.activations import FUNCTIONS
from derivations.claims.check import check
from derivations.claims.court import Court
from derivations.claims.floating import Floating, named_norm, norms, radii
from derivations.claims.inequalities import stands
from derivations.claims.lanes import Lanes, Networks, doubles_of, lanes_of
from derivations.claims.looking import looked
from derivations.claims.precise import Precise
from derivations.claims.reading import AS_WRITTEN
from derivations.claims.search import searched
from derivations.claims.trial import Trial
from derivations.claims.values import Mismatch, Undefined
from derivations.errors import Place
from derivations.model import Model
from derivations.notation.parse import parse_statement

MODELS = {
    "tanh": r"""h_t = \tanh(W h_{t-1} + U x_t + b)
        y_t = V h_t
        x_t is the input
        L_t is the loss of step t
        L is the total loss
        L_t depends on y_t
        \|\cdot\| is the spectral norm
        \lambda is the spectral radius of W
        \sigma_{max} is the largest singular value of W
        \gamma bounds \|diag(1 - h_t^2)\|
        \beta_t bounds \|\frac{\partial h_t}{\partial h_{t-1}}\|
        J_t = \frac{\partial h_t}{\partial h_{t-1}}""",
    "sigmoid": r"""a_t = W s_{t-1} + U x_t + b
        s_t = \sigma(a_t)
        p_t = softmax(V s_t)
        E_t = -y_t^\top \log p_t
        x_t is the input
        y_t is one-hot
        \sigma is sigmoid
        \beta_W = \|W\|
        \beta_s = \frac{1}{4}""",
    "any": r"""a_t = W s_{t-1} + U x_t + b
        s_t = \sigma(a_t)
        x_t is the input
        \sigma is an elementwise function
        \gamma bounds \|diag(\sigma'(a_j))\|
        \lambda bounds \|W\|""",
    "gru": r"""r_t = \sigma(W_r x_t + U_r h_{t-1} + b_r)
        z_t = \sigma(W_z x_t + U_z h_{t-1} + b_z)
        \tilde{h}_t = \tanh(W_h x_t + U_h (r_t \odot h_{t-1}) + b_h)
        h_t = (1 - z_t) \odot h_{t-1} + z_t \odot \tilde{h}_t
        x_t is the input
        \sigma is sigmoid""",
    "square": r"""h_t = \tanh(W h_{t-1} + U x_t)
        y_t = V h_t
        E_t = \frac{1}{2} \|d_t - y_t\|^2
        x_t is the input
        d_t is the target""",
}

TRUE = [
    ("tanh", r"\|J_t\| \le \|W\|"),
    ("tanh", r"\|J_t\| \le \sigma_{max}"),
    ("tanh", r"\|J_t\| \leq \|1 - h_t^2\|_\infty \cdot \|W\|"),
    ("tanh", r"\|J_t\| = \|diag(1-h_t^2) W\| \le \|diag(1-h_t^2)\| \|W\| \le \gamma \|W\|"),
    ("tanh", r"\|\frac{\partial h_t}{\partial h_k}\| \le (\gamma \|W\|)^{t-k}"),
    ("tanh", r"\|\frac{\partial h_t}{\partial h_k}\| \le \prod_{j=k+1}^{t} \beta_j"),
    ("tanh", r"\|\frac{\partial h_T}{\partial h_1}\| \le \|W\|^{T-1}"),
    ("tanh", r"\|\frac{\partial L}{\partial W}\| \le \sum_t \|\frac{\partial L_t}{\partial W}\|"),
    ("tanh", r"\|\frac{\partial L_t}{\partial h_k}\| \le "
             r"\|\frac{\partial L_t}{\partial h_t}\| \sigma_{max}^{t-k}"),
    ("tanh", r"\lambda \le \|W\|"),
    ("tanh", r"\|W\| = \|W^T\| = \sigma_{max}"),
    ("tanh", r"\|W\|_1 = \|W^T\|_\infty"),
    ("tanh", r"\|W\|_2 \le \|W\|_F"),
    ("tanh", r"\|W\|^2 = \|W^T W\|"),
    ("tanh", r"\|W - W\| \le 0"),
    ("tanh", r"\|h_t\|_\infty < 1"),
    ("sigmoid", r"\|\frac{\partial s_t}{\partial s_k}\| \le (\beta_W \beta_s)^{t-k}"),
    ("sigmoid", r"0 < s_t < 1"),
    ("sigmoid", r"E_t \ge 0"),
    ("sigmoid", r"\|p_t - y_t\|_1 \le 2"),
    ("any", r"\|\frac{\partial s_j}{\partial s_{j-1}}\| = \|diag(\sigma'(a_j)) W\| "
            r"\leq \|diag(\sigma'(a_j))\| \cdot \|W\|"),
    ("any", r"\|\frac{\partial s_t}{\partial s_k}\| \le \prod_{j=k}^{t-1} \gamma \lambda"),
    ("square", r"\|\frac{\partial E_t}{\partial h_t}\| \le \|V\| \|d_t - y_t\|"),
]  # fmt: skip

FALSE = [
    # the other way round
    ("tanh", r"\|J_t\| \ge \|W\|"),
    ("tanh", r"\|J_t\| \geq \|1 - h_t^2\|_\infty \cdot \|W\|"),
    ("tanh", r"\|\frac{\partial L}{\partial W}\| \ge \sum_t \|\frac{\partial L_t}{\partial W}\|"),
    ("tanh", r"\|W\|_2 \ge \|W\|_F"),
    # a factor is missing, or too small
    ("tanh", r"\|J_t\| \le \gamma"),
    ("tanh", r"\|\frac{\partial h_t}{\partial h_k}\| \le (\gamma \|W\|)^{t-k-1}"),
    ("tanh", r"\|\frac{\partial h_t}{\partial h_k}\| \le \prod_{j=k+2}^{t} \|J_j\|"),
    ("tanh", r"\|\frac{\partial h_T}{\partial h_1}\| \le \|W\|^{T}"),
    ("sigmoid", r"\|\frac{\partial s_t}{\partial s_{t-1}}\| \le \frac{249}{1000} \|W\|"),
    # true of small matrices
    ("tanh", r"\|W\|_F \le 2 \|W\|"),
    # the norm of a product is at most the product of the norms
    ("tanh", r"\|W U\| = \|W\| \|U\|"),
    ("tanh", r"\|\frac{\partial h_t}{\partial h_k}\| = \prod_{j=k+1}^{t} \|J_j\|"),
    ("any", r"\|\frac{\partial s_t}{\partial s_k}\| = \prod_{j=k}^{t-1} "
            r"\|\frac{\partial s_{j+1}}{\partial s_j}\| \leq \prod_{j=k}^{t-1} \gamma \lambda"),
    # the spectral radius is no norm
    ("tanh", r"\|J_t\| \le \lambda"),
    ("tanh", r"\|J_t\| \le \|W\| = \lambda"),
    ("tanh", r"\|J_t\| \le \gamma \lambda"),
    # nothing is known of these
    ("tanh", r"L_t \le 1"),
    ("tanh", r"\|W\| < 1"),
    ("any", r"\|\frac{\partial s_t}{\partial s_{t-1}}\| \le \|W\|"),
    # order and argument
    ("any", r"\|\frac{\partial s_t}{\partial s_{t-1}}\| = \|W diag(\sigma'(a_t))\|"),
    ("sigmoid", r"\|\frac{\partial s_t}{\partial s_{t-1}}\| \le "
                r"\|diag(\sigma'(a_{t-1}))\| \|W\|"),
    # both sides can be equal
    ("tanh", r"\|J_t\| < \sigma_{max}"),
    ("sigmoid", r"\sigma'(a_t) < \frac{1}{4}"),
    # violated only near special weights
    ("gru", r"\left\|\frac{\partial h_t}{\partial h_{t-1}}\right\| \geq \| 1 - z_t \|"),
]  # fmt: skip


@pytest.fixture(scope="module")
def models() -> dict[str, Model]:
    return {name: Model.read(text) for name, text in MODELS.items()}


@pytest.mark.parametrize(("name", "claim"), TRUE)
def test_true_statements_survive(models: dict[str, Model], name: str, claim: str) -> None:
    verdict = check(models[name], claim)
    assert verdict.verdict == "no_counterexample", verdict
    assert re.fullmatch(r"no counterexample in \d{3,} tries", verdict.evidence or "")


@pytest.mark.parametrize(("name", "claim"), FALSE)
def test_false_statements_are_refuted(models: dict[str, Model], name: str, claim: str) -> None:
    verdict = check(models[name], claim)
    assert verdict.verdict == "false", verdict
    assert verdict.why.endswith(".")
    assert re.search(r"T=\d.*left [-\de.]+ [<>≠=] right [-\de.]+", verdict.counterexample or "")


@pytest.mark.parametrize(
    ("name", "claim", "why"),
    [
        ("tanh", r"\|J_t\| \le \eta", "The symbol \\eta is not explained."),
        ("tanh", r"W \le 1", "An inequality compares numbers, or vectors entry by entry."),
        ("tanh", r"\|W\|_{abc} \le 1", "The norm with the subscript abc is not explained."),
        ("tanh", r"\frac{\partial \|h_t\|}{\partial h_t} \le 1",
         "A derivative of a norm is not judged, unless the norm is squared."),
        ("tanh", r"\|h_{100}\| \le 1", "Steps are counted up to 20 here."),
    ],
)  # fmt: skip
def test_what_has_no_meaning(models: dict[str, Model], name: str, claim: str, why: str) -> None:
    verdict = check(models[name], claim)
    assert (verdict.verdict, verdict.why) == ("not_checkable", why)


@pytest.mark.parametrize(
    ("name", "claim", "reading"),
    [
        (
            "sigmoid",
            r"\|\frac{\partial s_t}{\partial s_{t-1}}\| \le \|W^T\| \|diag(\sigma'(s_{t-1}))\|",
            "state is the preactivation",
        ),
        (
            "tanh",
            r"\|J_t\| \le \|(1 - h_t^2) W\|",
            None,  # an equation under the reading that makes a diagonal matrix of the vector
        ),
        ("tanh", r"\|J_t\| = \|(1 - h_t^2) W\|",
         "vectors beside matrices read as diagonal matrices"),
        ("gru", r"\|\frac{\partial h_t}{\partial h_{t-1}}\| \le 1",
         "immediate partial, everything else held fixed"),
        ("sigmoid", r"\|p_t - y_t\| \le 1", None),  # no matrix stands beside the vector
    ],
)  # fmt: skip
def test_readings(models: dict[str, Model], name: str, claim: str, reading: str | None) -> None:
    verdict = check(models[name], claim)
    assert verdict.reading == reading
    assert verdict.verdict == ("false" if reading is None else "holds_under_reading")


def test_the_square_of_a_vectors_norm_is_exact(models: dict[str, Model]) -> None:
    claim = r"\frac{\partial E_t}{\partial y_t} = (y_t - d_t)^T"
    assert check(models["square"], claim).verdict == "holds"


def test_a_counterexample_is_small_and_round(models: dict[str, Model]) -> None:
    shown = check(models["tanh"], r"\|J_t\| \le \lambda").counterexample or ""
    assert shown.startswith("n=2, T=3, t=1: left 1 > right 0 (W = [[")
    assert shown.endswith("all else zero)")


def test_verdicts_are_reproducible() -> None:
    claim = r"\|\frac{\partial h_t}{\partial h_{t-1}}\| \geq \|diag(1 - z_t)\|"
    first, second = (check(Model.read(MODELS["gru"]), claim) for _ in range(2))
    assert first == second


# The search


def trial(model: Model, claim: str) -> Trial:
    court: Court = model.court
    place = Place(claim, 0, len(claim))
    statement = parse_statement(claim, place, words=court.source.words)
    left, right = court.terms(statement, place)
    return Trial(court, right, left, "<=", AS_WRITTEN)


@pytest.mark.parametrize("factor", ["1/100", "1/300"])
def test_the_search_finds_what_random_networks_do_not(
    models: dict[str, Model], factor: str
) -> None:
    above, below = factor.split("/")
    claim = (
        r"\|\frac{\partial h_t}{\partial h_{t-1}}\| \ge "
        rf"\frac{{{above}}}{{{below}}} \|diag(1 - z_t)\|"
    )
    look = looked(trial(models["gru"], claim))
    assert look.found is None
    of_size_two = look.starts[-1]
    found = [searched(look.trial, of_size_two, seed) for seed in range(3)]
    assert any(one is not None and look.trial.confirms(one) for one in found)


def test_repairs_are_judged_by_the_same_search(models: dict[str, Model]) -> None:
    court = models["tanh"].court
    claim = r"\|J_t\| \le \lambda"
    place = Place(claim, 0, len(claim))
    sides = court.terms(parse_statement(claim, place), place)
    assert not stands(court, sides, ("<=",))
    norm = court.terms(parse_statement(r"\|W\| = \|W\|", place), place)[0]
    assert stands(court, (sides[0], norm), ("<=",))


# Many networks at once


def test_lanes_compute_as_single_networks_do() -> None:
    generator = np.random.default_rng(0)
    left, right = generator.normal(size=(2, 5, 3, 3))
    many = Networks(5)
    product = lanes_of(left) @ lanes_of(right) - 2 * lanes_of(right) + 1
    for lane in range(5):
        single = left[lane] @ right[lane] - 2 * right[lane] + 1
        assert np.allclose(doubles_of(product, 5)[lane], single)
        assert np.isclose(
            many.norm(lanes_of(left), "").doubles[lane], np.linalg.norm(left[lane], 2)
        )
    zero, one = lanes_of(left) * 0.0, lanes_of(left) * 1.0
    assert all(entry == 0 for entry in zero.flat)
    assert np.allclose(doubles_of(one, 5), left)
    assert isinstance(1 - Lanes(left[:, 0, 0]), Lanes)


@pytest.mark.parametrize("name", [*FUNCTIONS])
def test_functions_in_lanes(name: str) -> None:
    function = FUNCTIONS[name]
    values = np.array([[0.3], [0.7], [2.0]])
    many, single, precise = Networks(3), Floating(0), Precise({}, 50)
    for order in range(3):
        found = doubles_of(many.function(function, order, lanes_of(values)), 3)
        for lane, value in enumerate(values[:, 0]):
            entry = np.array([value], dtype=object)
            assert np.isclose(found[lane, 0], single.function(function, order, entry)[0])
            assert np.isclose(found[lane, 0], float(precise.function(function, order, entry)[0]))


@pytest.mark.parametrize("kind", ["", "2", "F", "\\infty", "1", "\\text{F}"])
@pytest.mark.parametrize("shape", [(3, 3), (2, 3), (3, 1), (1, 3), (2, 3, 2)])
def test_norms_in_doubles_and_in_many_digits(kind: str, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(1).normal(size=shape)
    found = norms(array[np.newaxis], kind)[0]
    assert np.isclose(found, float(Precise({}, 50).norm(array.astype(object), kind)))
    if 1 not in shape and len(shape) == 2:
        order = {"spectral": 2, "Frobenius": "fro", "largest": np.inf, "one": 1}[named_norm(kind)]
        assert np.isclose(found, np.linalg.norm(array, order))  # type: ignore[arg-type]


def test_norms_of_vectors() -> None:
    column = np.array([[[3.0], [-4.0]]])
    assert [norms(column, kind)[0] for kind in ("", "1", "\\infty")] == [5, 7, 4]
    assert np.isnan(norms(np.full((1, 2, 2), np.inf), ""))


def test_spectral_radius() -> None:
    rotation = np.array([[0.0, -2.0], [2.0, 0.0]])
    assert np.isclose(radii(rotation[np.newaxis])[0], 2)
    assert np.isclose(float(Precise({}, 50).radius(rotation.astype(object))), 2)
    assert Precise({}, 50).radius(np.array([[-3.0]], dtype=object)) == 3
    with pytest.raises(Mismatch):
        radii(np.zeros((1, 2, 3)))
    with pytest.raises(Undefined):
        named_norm("abc")


# Slopes


def test_bounds_of_slopes_are_proven(models: dict[str, Model]) -> None:
    tight = check(models["sigmoid"], r"\sigma'(a_t) \le \frac{1}{4}")
    assert (tight.verdict, tight.evidence) == (
        "holds",
        "the largest slope is 1/4, reached at 0 (SymPy)",
    )
    low = check(models["sigmoid"], r"\frac{1}{5} \ge \sigma'(a_t)")
    assert (low.verdict, low.counterexample) == (
        "false",
        "The slope of sigmoid is 1/4, reached at 0.",
    )
