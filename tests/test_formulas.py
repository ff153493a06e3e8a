"""Labelled formulas: the figures that `check` must reach, on two sets.

The corpus stands beside the checkout and may be absent; the project's own set is part of it. What
disagrees, and why, is written in tests/README.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.formulas import CORPUS, Judged, figures, judged, read_items

pytestmark = pytest.mark.xdist_group("formulas")

OWN = Path(__file__).parent / "formulas" / "held_out.jsonl"


@pytest.fixture(scope="module")
def corpus() -> list[Judged]:
    if not CORPUS.exists():
        pytest.skip("the corpus of labelled formulas is not beside this checkout")
    return list(judged(read_items(CORPUS)))


@pytest.fixture(scope="module")
def own() -> list[Judged]:
    return list(judged(read_items(OWN)))


def names(results: list[Judged]) -> list[str]:
    return [str(result.item["id"]) for result in results]


@pytest.mark.slow
def test_figures_on_the_corpus(corpus: list[Judged]) -> None:
    found = figures(corpus)
    assert found.read >= 0.95
    assert found.agreement >= 0.90
    assert found.repaired >= 0.70


@pytest.mark.slow
def test_figures_on_the_own_formulas(own: list[Judged]) -> None:
    found = figures(own)
    assert found.read >= 0.90
    assert found.agreement >= 0.90
    assert found.repaired >= 0.70


@pytest.mark.slow
@pytest.mark.parametrize("which", ["corpus", "own"])
def test_nothing_false_is_called_true(which: str, request: pytest.FixtureRequest) -> None:
    results = request.getfixturevalue(which)
    assert not names([r for r in results if r.label == "false" and r.found == "holds"])


@pytest.mark.slow
@pytest.mark.parametrize("which", ["corpus", "own"])
def test_every_repair_holds(which: str, request: pytest.FixtureRequest) -> None:
    results = request.getfixturevalue(which)
    repaired = [r for r in results if r.verdict is not None and r.verdict.repair is not None]
    assert repaired
    assert not names([r for r in repaired if not r.is_repaired])
