"""Fixtures of the tests of wrong rules."""

from __future__ import annotations

import pytest

from derivations.proof import judge


@pytest.fixture
def one_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """One random point shows a mistake as well as two; and no bound is asked for here."""
    monkeypatch.setattr(judge, "POINTS", 1)
    monkeypatch.setattr(judge.Judge, "_bound", lambda *_: -100.0)
