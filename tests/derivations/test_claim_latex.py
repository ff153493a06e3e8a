"""Terms are printed so that they are read back as themselves, in the source's own spelling."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from derivations import Model
from derivations.claims.latex import latex
from derivations.errors import BpttError, Place
from derivations.notation.parse import parse_statement

FORMULAS = Path(__file__).parents[1] / "formulas" / "held_out.jsonl"
ITEMS = [json.loads(line) for line in FORMULAS.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("item", ITEMS, ids=[item["id"] for item in ITEMS])
def test_print_read_print(item: dict[str, list[str]]) -> None:
    try:
        court = Model.read("\n".join([*item["model"], *item["declare"]])).court
        text = str(item["claim"])
        sides = court.terms(parse_statement(text, words=court.source.words), Place(text, 0, 1))
    except BpttError:
        pytest.skip("this formula is not understood")
    for side in sides:
        printed = latex(side, court.source.vocabulary)
        statement = parse_statement(f"{printed} = 0", words=court.source.words)
        again = court.source.elaborator().term(statement.sides[0])
        assert latex(again, court.source.vocabulary) == printed


@pytest.mark.parametrize(
    ("model", "claim", "printed"),
    [
        (r"h^{(t)} = \tanh(W h^{(t-1)})", "h^{(t-1)}", "h^{(t-1)}"),
        (r"\mathbf{h}_t = \tanh(W \mathbf{h}_{t-1})", r"\mathbf{h}_t^T", r"\mathbf{h}_t^\top"),
        (r"h_t = \tanh(W_{hh} h_{t-1})", r"W_{hh}^\intercal h_{t}", r"W_{hh}^\top h_t"),
    ],
)  # fmt: skip
def test_the_source_spells(model: str, claim: str, printed: str) -> None:
    source = Model.read(model).court.source
    term = source.elaborator().term(parse_statement(f"{claim} = 0").sides[0])
    assert latex(term, source.vocabulary) == printed
