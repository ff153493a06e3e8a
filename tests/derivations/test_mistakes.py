"""The wrong forms: each kind is made for some cell, changes what it is made of, and is refuted."""

from __future__ import annotations

import pytest

from derivations import cell, cell_names, derive
from derivations.errors import Place
from derivations.mistakes import KINDS, Kind, Mistakes, narrower
from derivations.notation.build import agree, build_sides
from derivations.notation.parse import parse_statement
from derivations.proof.judge import Counterexample, Judge
from derivations.proving import network_of

#: Between them they leave room for every kind.
COMPLETE = ("rnn", "rnn-preactivation", "lstm")


@pytest.fixture(scope="module")
def found() -> dict[str, Mistakes]:
    return {name: Mistakes(derive(cell(name))) for name in COMPLETE}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name.replace(" ", "-"))
def test_every_kind_is_made_and_refuted(kind: Kind, found: dict[str, Mistakes]) -> None:
    refuted = [known.first(kind) for known in found.values() if kind in known.kinds]
    assert any(mistake is not None for mistake in refuted), "no cell leaves room for this kind"


def test_kinds_have_names_of_their_own() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    assert len({kind.wrongs for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("name", cell_names())
def test_no_form_is_the_right_one(name: str) -> None:
    known = Mistakes(derive(cell(name)))
    for kind in known.kinds:
        for candidate in known.of(kind):
            assert candidate.wrong.side not in candidate.equation.sides
            assert candidate.wrong.side.shape == candidate.equation.right.shape
            assert candidate.equation.topic in kind.topics


@pytest.mark.parametrize("name", COMPLETE)
def test_what_is_refuted_is_what_is_printed(name: str, found: dict[str, Mistakes]) -> None:
    known = found[name]
    network = network_of(known.derivation)
    judge = Judge(network)
    for kind in known.kinds:
        mistake = known.first(kind)
        if mistake is None:
            continue
        place = Place(mistake.latex, 0, len(mistake.latex))
        statement = parse_statement(mistake.latex, place)
        sides = build_sides(statement, network.scope, place)
        assert tuple(sides) == mistake.sides
        agree(sides)
        assert isinstance(judge.examine(sides, statement.conditions), Counterexample)
        left, right = mistake.counterexample.left, mistake.counterexample.right
        assert left.shape == right.shape
        assert abs(left - right).max() > 0


def test_what_holds_all_the_same_is_no_mistake() -> None:
    """The slope of relu at its value is the slope at its argument."""
    known = Mistakes(derive(cell("irnn")))
    kind = next(kind for kind in known.kinds if kind.name == "A value for an argument")
    assert known.of(kind)
    assert known.first(kind) is None


def test_the_mistakes_of_the_notes(found: dict[str, Mistakes]) -> None:
    first = [found["rnn"].first(kind) for kind in found["rnn"].kinds]
    shown = [mistake.latex for mistake in first if mistake is not None]
    slope = r"\operatorname{diag}\left(\sigma'\left(h_{j-1}\right)\right)"
    assert any(rf"\left(W_{{rec}} {slope}\right)" in text for text in shown)
    assert any(r"\sum_{k=1}^{t-1}" in text for text in shown)
    one_path = r"\frac{\partial h_t}{\partial h_1} \frac{\partial^{+} h_1}{\partial W_{rec}}"
    assert any(one_path in text and "sum" not in text for text in shown)


def test_a_transpose_of_pascanu_and_others(found: dict[str, Mistakes]) -> None:
    """Equation (5) of their paper, letter for letter."""
    known = found["rnn-preactivation"]
    kind = next(kind for kind in known.kinds if kind.name == "A transpose too many")
    mistake = known.first(kind)
    assert mistake is not None
    assert mistake.latex.startswith(
        r"\frac{\partial x_t}{\partial x_k} = \prod_{j=k+1}^{t} \left(W_{rec}^{\top} "
        r"\operatorname{diag}\left(\sigma'\left(x_{j-1}\right)\right)\right)"
    )


def test_a_range_is_narrowed_where_a_step_is_missing(found: dict[str, Mistakes]) -> None:
    kind = next(kind for kind in KINDS if kind.name == "A slope at the wrong step")
    mistake = found["rnn"].first(kind)
    assert mistake is not None
    assert mistake.conditions == "2 \\le t \\le T"
    assert list(narrower("")) == [""]
