"""Checked notes as JSON, for programs."""

from __future__ import annotations

import json
from typing import Any

from derivations.claims.notes import Checked, CheckedClaim


def as_json(checked: Checked) -> str:
    """Return a list with one object a claim, in the order of the notes.

    Examples
    --------
    >>> as_json(Checked("", False, (), ()))
    '[]\\n'
    """
    claims = [_claim(claim) for claim in checked.claims]
    return json.dumps(claims, ensure_ascii=False, indent=2) + "\n"


def _claim(claim: CheckedClaim) -> dict[str, Any]:
    verdict = claim.verdict
    return {
        "line": claim.line,
        "claim": claim.claim,
        "verdict": verdict.verdict,
        "reading": verdict.reading,
        "repair": verdict.repair,
        "why": verdict.why,
        "counterexample": verdict.counterexample,
    }


__all__ = ["as_json"]
