"""A derivation as JSON, for programs."""

from __future__ import annotations

import json
import math
from typing import Any

from codegen.documents.content import checked, symbols, visible
from codegen.documents.printed import plain
from derivations.derivation import Derivation, Equation
from derivations.notation.latex import latex
from derivations.proof.judge import Evidence


def as_json(derivation: Derivation) -> str:
    """Return a proven derivation as JSON: title, symbols, and sections with their equations.

    Raises
    ------
    EmitError
        When an equation is not proven.

    Examples
    --------
    >>> from derivations.bptt import derive
    >>> from derivations.library import cell
    >>> from derivations.proving import prove
    >>> document = json.loads(as_json(prove(derive(cell("rnn")))))
    >>> document["sections"][-1]["equations"][0]["label"]
    'gradient:W_{rec}'
    """
    document = {
        "title": visible(derivation.model.title),
        "symbols": [
            {
                "latex": symbol.latex,
                "text": plain(symbol.latex),
                "shape": list(symbol.shape),
                "role": symbol.role,
            }
            for symbol in symbols(checked(derivation))
        ],
        "sections": [
            {
                "title": section.title,
                "text": section.text,
                "equations": [_equation(equation) for equation in section.equations],
            }
            for section in derivation.sections
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _equation(equation: Equation) -> dict[str, Any]:
    return {
        "number": equation.number,
        "label": equation.label,
        "latex": equation.latex,
        "sides": [latex(side) for side in equation.sides],
        "conditions": equation.conditions,
        "reason": equation.reason,
        "kind": equation.kind,
        "evidence": None if equation.evidence is None else _evidence(equation.evidence),
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "method": evidence.method,
        "sizes": [dict(sizes) for sizes in evidence.sizes],
        "cases": evidence.cases,
        # To a hundredth, rounded up: a bound from above, and the same digits on every machine.
        "log2_bound": math.ceil(evidence.log2_bound * 100) / 100,
    }


__all__ = ["as_json"]
