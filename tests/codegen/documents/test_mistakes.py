"""Common mistakes: what is marked false is false, and the numbers beside it are its own."""

from __future__ import annotations

import re

import pytest

from codegen.documents.document import Display, Paragraph
from codegen.documents.handout.mistakes import MOST, common, mistakes
from codegen.documents.handout.numbers import example, number
from codegen.documents.handout.wrong import mistakes_in, refutation
from derivations import Model, cell_names, derive, prove
from derivations.expressions import t
from tests.codegen.documents.rows_of import court_of, rows_of
from tests.codegen.documents.samples import proven

QUICK = ("rnn", "rnn-preactivation", "gru", "rnn-hh", "fast-weights", "bidirectional")
_SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in cell_names() if name not in QUICK]
UNSPECIFIED = """
h_t = f(W h_{t-1} + U x_t)
y_t = V h_t
E_t depends on y_t
"""


@pytest.mark.parametrize("name", [*QUICK, *_SLOW])
def test_every_row_is_false_and_marked_so(name: str) -> None:
    derivation = proven(name)
    court = court_of(name)
    rows = list(rows_of(mistakes(derivation)))
    assert len(rows) == MOST
    for row in rows:
        assert (row.mark, row.number, len(row.sides)) == ("false", None, 2)
        assert court.is_false(row)
        assert not court.is_proven(row)


@pytest.mark.parametrize("name", [*QUICK, *_SLOW])
def test_the_right_form_is_named(name: str) -> None:
    derivation = proven(name)
    equations = {equation.number: equation for equation in derivation.equations}
    blocks = mistakes(derivation)
    for text, display in zip(blocks[1::3], blocks[2::3], strict=True):
        assert isinstance(text, Paragraph)
        assert isinstance(display, Display)
        found = re.search(r"The right form is equation \((\d+)\)\.$", text.text)
        assert found
        right = equations[int(found[1])]
        assert right.evidence is not None
        assert right.latex.startswith(f"{display.rows[0].sides[0]} = ")


def test_each_kind_is_told_once() -> None:
    leads = [block.lead for block in mistakes(proven("rnn")) if isinstance(block, Paragraph)]
    named = [lead for lead in leads if lead]
    assert len(named) == len(set(named)) == MOST


def test_the_mistakes_of_the_notes_are_told() -> None:
    shown = " ".join(row.sides[1] for row in rows_of(mistakes(proven("rnn"))))
    assert r"W_{rec} \operatorname{diag}\left(\sigma'\left(h_{j-1}\right)\right)" in shown
    assert r"\sum_{k=1}^{t-1}" in shown
    assert r"\frac{\partial h_t}{\partial h_1}" in shown


def test_the_numbers_are_those_of_the_worked_example() -> None:
    """They are computed here a second time, from the two sides as they stand."""
    derivation = proven("rnn")
    mistake = next(m for m in common(derivation) if m.equation.label == "adjoint:h")
    text = refutation(derivation, mistake)
    assert text.startswith("In the worked example, at $t = 1$, in entry $")
    shown = re.findall(r"\$([^$]*)\$", text)
    small = example(derivation)
    for side, printed in zip(mistake.sides, shown[2:], strict=True):
        assert number(float(small.value(side, {t: 1})[int(shown[1]) - 1, 0])) == printed


def test_without_a_worked_example_the_network_is_described() -> None:
    derivation = prove(derive(Model.read(UNSPECIFIED)))
    found = mistakes_in(derivation)
    mistake = next(filter(None, map(found.first, found.kinds)))
    text = refutation(derivation, mistake)
    assert re.match(r"On a network with \$n = 3\$, .* and \$T = 5\$, at ", text)
    left, right = re.findall(r"\$(-?[\d.]+)\$", text)[-2:]
    assert left != right
