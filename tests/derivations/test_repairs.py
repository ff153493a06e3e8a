"""Repairs: true equations are spoilt by every kind of edit, and something true must be found."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from derivations import Model, check
from derivations.claims.court import Court
from derivations.claims.latex import latex
from derivations.claims.repairs import Repair, relation_repair, repair
from derivations.claims.repairs.edits import Edit, edits, kinds
from derivations.claims.repairs.edits_of_names import Names
from derivations.claims.repairs.paths import put, spot_at, spots, text_size
from derivations.claims.repairs.repair import holds
from derivations.claims.repairs.scene import Scene
from derivations.claims.terms import Term
from derivations.notation.parse import parse_statement

RNN = r"""
a_t = W h_{t-1} + U x_t + b
h_t = \tanh(a_t)
y_t = V h_t + c
L = \sum_{t=1}^{T} L_t
x_t is the input
L_t is the loss of step t
L is the total loss
\delta_t = \frac{\partial L}{\partial a_t}
"""
LSTM = r"""
f_t = \sigma(W_f x_t + U_f h_{t-1} + b_f)
i_t = \sigma(W_i x_t + U_i h_{t-1} + b_i)
g_t = \tanh(W_g x_t + U_g h_{t-1} + b_g)
o_t = \sigma(W_o x_t + U_o h_{t-1} + b_o)
c_t = f_t \odot c_{t-1} + i_t \odot g_t
h_t = o_t \odot \tanh(c_t)
x_t is the input
\sigma is sigmoid
L_t is the loss of step t
L is the total loss
"""
ROWS = r"""
a_t = h_{t-1} W + x_t U
h_t = \operatorname{sigmoid}(a_t)
y_t = h_t V
x_t is the input
vectors are rows
L_t is the loss of step t
L is the total loss
\delta_t = \frac{\partial L}{\partial a_t}
dW = \frac{\partial L}{\partial W}
"""
TRUE = [
    (RNN, r"\frac{\partial h_t}{\partial h_{t-1}} = \operatorname{diag}(1 - h_t^2) W"),
    (
        RNN,
        r"\delta_t = \left(V^\top \frac{\partial L}{\partial y_t} + W^\top \delta_{t+1}\right)"
        r" \odot (1 - h_t^2)",
    ),
    (RNN, r"\frac{\partial L}{\partial W} = \sum_{t=1}^{T} \delta_t h_{t-1}^\top"),
    (
        RNN,
        r"\frac{\partial L}{\partial h_t} = \frac{\partial L_t}{\partial h_t}"
        r" + W^\top \delta_{t+1}",
    ),
    (
        RNN,
        r"\frac{\partial h_t}{\partial h_k} = \prod_{j=k+1}^{t} \operatorname{diag}(1 - h_j^2) W",
    ),
    (
        RNN,
        r"\frac{\partial L_t}{\partial W} = \sum_{k=1}^{t} \frac{\partial L_t}{\partial a_k}"
        r" h_{k-1}^\top",
    ),
    (
        LSTM,
        r"\frac{\partial L}{\partial c_t} = \frac{\partial L}{\partial h_t} \odot o_t \odot"
        r" (1 - \tanh^2(c_t)) + \frac{\partial L}{\partial c_{t+1}} \odot f_{t+1}",
    ),
    (
        LSTM,
        r"\frac{\partial L}{\partial U_f} = \sum_{t=1}^{T} \left(\frac{\partial L}{\partial f_t}"
        r" \odot f_t \odot (1 - f_t)\right) h_{t-1}^\top",
    ),
    (ROWS, r"dW = \sum_{t=1}^{T} h_{t-1}^\top \delta_t"),
    (
        ROWS,
        r"\delta_t = \left(\frac{\partial L}{\partial y_t} V^\top + \delta_{t+1} W^\top\right)"
        r" \odot h_t \odot (1 - h_t)",
    ),
]


@cache
def model(text: str) -> Model:
    return Model.read(text)


def terms(court: Court, claim: str) -> tuple[Term, ...]:
    statement = parse_statement(claim, words=court.source.words)
    elaborator = court.source.elaborator()
    return tuple(elaborator.term(side) for side in statement.sides)


def mended(text: str, claim: str) -> Repair:
    """Return the repair of a claim, which must hold when it is given back as text."""
    court = model(text).court
    found = repair(court, terms(court, claim))
    assert found is not None, claim
    assert check(model(text), found.latex).verdict == "holds", found.latex
    return found


# Every kind of edit


@dataclass(frozen=True)
class Spoilt:
    """A true equation with one edit that makes it false."""

    text: str
    sides: tuple[Term, ...]
    edit: Edit

    @property
    def claim(self) -> str:
        return " = ".join(
            latex(side, model(self.text).court.source.vocabulary) for side in self.sides
        )


@cache
def single_edits(text: str, equation: str) -> list[Edit]:
    court = model(text).court
    sides = terms(court, equation)
    assert holds(court, (sides[0], sides[1])), equation
    scene = Scene(court, sides[0], sides[1])
    return edits(sides[1], scene, kinds(Names(scene)))


def spoilt(kind: str) -> Iterator[Spoilt]:
    """Yield the equations that one kind of edit makes false, one edit of each."""
    for text, equation in TRUE:
        court = model(text).court
        left, right = terms(court, equation)
        for edit in single_edits(text, equation):
            if edit.kind.propose.__name__ == kind:
                sides = (left, edit.applied(right))
                if not holds(court, sides):
                    yield Spoilt(text, sides, edit)
                    break


def kind_names() -> list[str]:
    court = model(RNN).court
    scene = Scene(court, *terms(court, r"\delta_t = \delta_t"))
    return [kind.propose.__name__ for kind in kinds(Names(scene))]


@pytest.mark.parametrize("kind", kind_names())
def test_what_one_edit_spoils_is_mended(kind: str) -> None:
    for case in itertools.islice(spoilt(kind), 2):
        mended(case.text, case.claim)


@pytest.mark.slow
@pytest.mark.parametrize("kind", kind_names())
def test_everything_that_one_edit_spoils_is_mended(kind: str) -> None:
    for case in spoilt(kind):
        mended(case.text, case.claim)


# What is found, and what is said


@pytest.mark.parametrize(
    ("text", "claim", "repaired", "why"),
    [
        (
            RNN,
            r"\frac{\partial h_t}{\partial h_{t-1}} = diag(1 - h_t^2) W^\top",
            r"\operatorname{diag}\left(1 - h_t^2\right) W",
            "A transpose too many.",
        ),
        (
            RNN,
            r"\frac{\partial L}{\partial W} = \sum_{t=1}^{T-1} \delta_t h_{t-1}^\top",
            r"\sum_{t=1}^{T} \delta_t h_{t-1}^\top",
            "The sum stops one term too early.",
        ),
        (
            RNN,
            r"\frac{\partial L}{\partial W} = \sum_{t=2}^{T} \delta_t h_{t-1}^\top",
            r"\sum_{t=1}^{T} \delta_t h_{t-1}^\top",
            "The sum begins one term too late.",
        ),
        (
            RNN,
            r"\frac{\partial L}{\partial W} = \delta_t h_{t-1}^\top",
            r"\sum_{t=1}^{T} \delta_t h_{t-1}^\top",
            "The sum over the steps $t$ is missing.",
        ),
        (
            RNN,
            r"\frac{\partial L}{\partial h_t} = W^\top \delta_{t+1}",
            r"W^\top \delta_{t+1} + \frac{\partial L_t}{\partial h_t}",
            "The term of the local loss is missing.",
        ),
        (
            RNN,
            r"\frac{\partial h_t}{\partial h_{t-1}} = diag(\tanh'(a_{t-1})) W",
            r"\operatorname{diag}\left(\tanh'\left(a_t\right)\right) W",
            "The slope belongs to step $t$.",
        ),
        (
            RNN,
            r"\frac{\partial L}{\partial b} = -\sum_{t=1}^{T} \delta_t",
            r"\sum_{t=1}^{T} \delta_t",
            "A sign is wrong.",
        ),
        (
            LSTM,
            r"\frac{\partial L}{\partial f_t} = \frac{\partial L}{\partial c_t}"
            r" \odot \tanh(c_{t-1})",
            r"\frac{\partial L}{\partial c_t} \odot c_{t-1}",
            "The function is applied once too often.",
        ),
        (
            RNN,
            r"\frac{\partial L}{\partial h_t} = \frac{\partial L_t}{\partial h_t}"
            r" + 2 W^\top \delta_{t+1}",
            r"\frac{\partial L_t}{\partial h_t} + W^\top \delta_{t+1}",
            "A factor is too many.",
        ),
    ],
)
def test_the_smallest_repair_and_its_reason(text: str, claim: str, repaired: str, why: str) -> None:
    found = mended(text, claim)
    assert found.latex.split(" = ", 1)[1] == repaired
    assert found.why == why


@pytest.mark.parametrize(
    ("claim", "repaired"),
    [
        (
            r"\frac{\partial E}{\partial V} = \sum_{t=1}^{T} \hat{y}_t h_t^\top",
            r"\sum_{t=1}^{T} \left(\hat{y}_t - y_t\right) h_t^\top",
        ),
        (r"\frac{\partial E_t}{\partial z_t} = \hat{y}_t", r"\hat{y}_t - y_t"),
    ],
)
def test_the_forgotten_target(claim: str, repaired: str) -> None:
    """The error of the output is its difference from the target, not the output."""
    text = r"""
        h_t = \tanh(W h_{t-1} + U x_t)
        z_t = V h_t
        \hat{y}_t = softmax(z_t)
        E_t = -y_t^\top \log \hat{y}_t
        E = \sum_{t=1}^{T} E_t
        y_t is one-hot
    """
    found = mended(text, claim)
    assert found.latex.split(" = ", 1)[1] == repaired
    assert found.why == "The term $y_t$ is missing."


def test_two_edits() -> None:
    claim = (
        r"\frac{\partial L}{\partial h_t} = \frac{\partial L_t}{\partial h_t}"
        r" + W^\top \left(\frac{\partial L}{\partial h_{t+1}} \odot (1 - h_t^2)\right)"
    )
    assert r"h_{t+1}^2" in mended(RNN, claim).latex
    claim = (
        r"\frac{\partial L}{\partial c_t} = \frac{\partial L}{\partial h_t} \odot i_t \odot"
        r" (1 - \tanh^2(c_t)) + \frac{\partial L}{\partial c_{t+1}} \odot f_t"
    )
    found = mended(LSTM, claim)
    assert (
        found.why == (r"$o_t$ belongs where $i_t$ stands. $f_{t+1}$ belongs where $f_t$ stands.")
        or found.why == r"$f_{t+1}$ belongs where $f_t$ stands. $o_t$ belongs where $i_t$ stands."
    )


def test_only_the_wrong_link_of_a_chain_changes() -> None:
    claim = (
        r"\frac{\partial L}{\partial h_t} = \frac{\partial L_t}{\partial h_t}"
        r" + \frac{\partial L}{\partial h_{t+1}} \frac{\partial h_{t+1}}{\partial h_t}"
        r" = \frac{\partial L_t}{\partial h_t} + W \delta_{t+1}"
    )
    court = model(RNN).court
    found = mended(RNN, claim)
    assert found.sides[:2] == terms(court, claim)[:2]
    assert r"\boxed" not in found.marked.rsplit(" = ", 1)[0]
    assert r"\boxed" in found.marked.rsplit(" = ", 1)[1]


def test_the_left_side_is_kept_unless_only_it_is_wrong() -> None:
    found = mended(RNN, r"\frac{\partial L}{\partial W} = \sum_t \delta_t x_t^\top")
    assert found.latex == r"\frac{\partial L}{\partial W} = \sum_t \delta_t h_{t-1}^\top"
    found = mended(RNN, r"\frac{\partial L}{\partial V} = \sum_t \delta_t")
    assert found.latex == r"\frac{\partial L}{\partial b} = \sum_t \delta_t"
    assert found.why == "This is the gradient of $b$."


def test_without_a_small_edit_the_paths_are_summed() -> None:
    found = mended(RNN, r"\delta_t = (W^\top)^{T-t} (1 - h_t^2)")
    assert found.why == "This is the sum over everything that is computed from $a_t$."
    found = mended(RNN, r"\frac{\partial L}{\partial W} = V h_t")
    assert found.why == "The gradient of a parameter is the sum over all its uses."


def test_a_repair_says_something() -> None:
    """Neither side is the other one by definition, and no derivative in it vanishes."""
    court = model(RNN).court
    for claim in (
        r"\delta_t = \frac{\partial L}{\partial h_t}",
        r"\frac{\partial L}{\partial a_t} = W",
        r"\frac{\partial L}{\partial h_t} = \frac{\partial L_t}{\partial h_t}",
    ):
        found = mended(RNN, claim)
        scene = Scene(court, found.sides[0], found.sides[1])
        assert scene.expanded(found.sides[0]) != scene.expanded(found.sides[1])
        assert found.sides[0] not in set(found.sides[1].walk())


def test_nothing_within_reach() -> None:
    court = model(RNN).court
    assert repair(court, terms(court, r"W = h_t h_{t-1}^\top")) is None


def test_the_same_repair_every_time() -> None:
    claim = (
        r"\delta_t = V^\top \frac{\partial L}{\partial y_t} + W^\top \delta_{t+1} \odot (1 - h_t^2)"
    )
    first, second = (
        repair(Model.read(RNN).court, terms(Model.read(RNN).court, claim)) for _ in range(2)
    )
    assert first == second
    assert first is not None


# Relations


BOUNDED = (
    RNN
    + r"""
\|\cdot\| is the spectral norm
\lambda is the spectral radius of W
\sigma_1 is the largest singular value of W
"""
)


@pytest.mark.parametrize(
    ("claim", "repaired"),
    [
        (r"\|W\| = \lambda", r"\left\| W \right\| = \sigma_1"),
        (
            r"\left\|\frac{\partial h_t}{\partial h_{t-1}}\right\| \geq \|W\|",
            r"\left\| \frac{\partial h_t}{\partial h_{t-1}} \right\| \le \left\| W \right\|",
        ),
    ],
)
def test_relations(claim: str, repaired: str) -> None:
    court = model(BOUNDED).court
    statement = parse_statement(claim, words=court.source.words)
    found = relation_repair(court, terms(court, claim), statement.relations)
    assert found is not None
    assert found.latex == repaired
    assert r"\boxed" in found.marked
    assert check(model(BOUNDED), found.latex).agrees


# Places


def test_every_piece_has_its_place() -> None:
    side = terms(model(RNN).court, r"\delta_t = V^\top (h_t + x_t) \odot h_t")[1]
    for spot in spots(side):
        assert spot_at(side, spot.path) == spot
        assert put(side, spot.path, spot.term) == side
    assert text_size(side, side) == 1
