"""Labelled formulas: the figures that `check` must reach, on two sets.

The corpus stands beside the checkout and may be absent; the project's own set is part of it. What
disagrees, and why, is written in tests/README.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.formulas import CORPUS, Judged, figures, judged, read_items

SETS = {"corpus": CORPUS, "own": Path(__file__).parent / "formulas" / "held_out.jsonl"}
#: The smallest shares that are read, whose verdict agrees, and of the false ones, are mended.
LEAST = {"corpus": (0.95, 0.90, 0.70), "own": (0.90, 0.90, 0.70)}


def names(results: list[Judged]) -> list[str]:
    return [str(result.item["id"]) for result in results]


@pytest.mark.slow
@pytest.mark.parametrize("which", SETS)
def test_labelled_formulas(which: str) -> None:
    """All of it in one test: to judge a set takes long, and workers share nothing."""
    if not SETS[which].exists():
        pytest.skip("the corpus of labelled formulas is not beside this checkout")
    results = list(judged(read_items(SETS[which])))
    found = figures(results)
    reached = (found.read, found.agreement, found.repaired)
    assert all(share >= least for share, least in zip(reached, LEAST[which], strict=True)), reached
    assert not names([r for r in results if r.label == "false" and r.found == "holds"])
    repaired = [r for r in results if r.verdict is not None and r.verdict.repair is not None]
    assert repaired
    assert not names([r for r in repaired if not r.is_repaired])
