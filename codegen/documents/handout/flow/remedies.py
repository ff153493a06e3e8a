"""Study → what each remedy does: curves for a figure, and the numbers that the text says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codegen.documents.handout.flow.study import CURVES, DIGITS, OPEN, Gates, Study, curves
from codegen.flow.point import Measured
from codegen.flow.summary import Array, clipped_at, norms
from derivations.notation.latex import latex

#: By how much a gradient is longer than the norm that it is clipped at, at least.
CLEAR = 0.3
#: Stands for the logarithm of zero, where logarithms are compared.
NOTHING = -1000.0


@dataclass(frozen=True)
class Shown:
    """A curve of logarithms over distances, and what it is."""

    words: str
    curve: Array


@dataclass(frozen=True)
class Clip:
    """One gradient, and the norm that it is clipped at.

    Attributes
    ----------
    gain : float
    network : Measured
    gradient : float
        lg of its norm, rounded.
    limit : int
        lg of the norm that is left of it.
    """

    gain: float
    network: Measured
    gradient: float
    limit: int


@dataclass(frozen=True)
class Remedies:
    """The curves of each remedy."""

    clip: Clip
    clipping: tuple[Shown, ...]
    initialisation: tuple[Shown, ...]
    gates: tuple[Shown, ...]


def remedies_of(study: Study) -> Remedies:
    """Return what the remedies do to a model."""
    clip = _clip(study)
    after = clipped_at(clip.network, clip.limit)
    return Remedies(
        clip,
        (
            Shown("before", _rounded(clip.network.terms)),
            Shown("after", _rounded(after)),
        ),
        (
            Shown("Gaussian", curves(study.plain, norms)[1]),
            Shown("orthogonal", curves(study.orthogonal, norms)[1]),
            Shown("identity", curves(study.identity, norms)[1]),
        ),
        _gates(study.gates),
    )


def _rounded(values: Sequence[float]) -> Array:
    return np.array([round(value, DIGITS) + 0.0 for value in values])


def _clip(study: Study) -> Clip:
    """Return the middle one of the networks at the gain where gradients are largest."""
    middle = {gain: _middle(study.gaussian[gain]) for gain in CURVES}
    gain = max(CURVES, key=lambda gain: _finite(middle[gain].gradient))
    gradient = _finite(middle[gain].gradient)
    # At norm 1; a gradient that is not clearly longer is clipped at a power of ten below it.
    limit = min(0, math.floor(gradient - CLEAR))
    return Clip(gain, middle[gain], gradient, limit)


def _middle(group: tuple[Measured, ...]) -> Measured:
    return sorted(group, key=lambda network: _finite(network.gradient))[len(group) // 2]


def _finite(logarithm: float) -> float:
    return round(max(logarithm, NOTHING), DIGITS)


def _gates(gates: Gates) -> tuple[Shown, ...]:
    opened, closed, without = "LSTM, forget gate open", "LSTM, biases $0$", "this cell"
    if gates.own:
        opened, closed, without = "gates open", "biases $0$", "plain recurrent network"
    return (
        Shown(opened, curves(gates.opened, norms)[1]),
        Shown(closed, curves(gates.closed, norms)[1]),
        Shown(without, curves(gates.without, norms)[1]),
    )


def opening(gates: Gates) -> str:
    """Return the biases that open the gates, with their values, as prose."""
    *others, last = (f"${latex(bias)} = {sign * OPEN:g}$" for bias, sign in gates.own)
    return f"{', '.join(others)} and {last}" if others else last


__all__ = ["NOTHING", "Clip", "Remedies", "Shown", "opening", "remedies_of"]
