"""A small study of one model: random networks at a few gains, with each remedy, and without.

A handout has the same bytes on every machine, and the last digits of what is measured differ
between processors. So networks are small, steps are few and gains are moderate, which keeps
rounding errors small, and logarithms are rounded before anything is made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from codegen.documents.handout.once import once
from codegen.flow.measure import measure
from codegen.flow.point import Measured, Point, Settings
from codegen.flow.probe import Probe, probe_of
from codegen.flow.summary import Array, quantile_curves
from derivations.carries import opening_bias
from derivations.derivation import Derivation
from derivations.errors import BpttError
from derivations.expressions import MatrixSymbol
from derivations.library import cell
from derivations.model import Model
from derivations.notation.names import identifier

#: T, and how many networks there are of each kind.
STEPS, NETWORKS = 40, 5
#: The entries of a state: the first size for which the whole state has at most so many.
SIZES, MOST_ENTRIES = (16, 12, 8, 6, 4, 3, 2), 24
#: Gains of the table, and those that are shown as curves.
GAINS, CURVES = (0.5, 0.7, 1.0, 1.4, 2.0), (0.5, 1.0, 2.0)
#: The deviation of inputs and first states: small, so that slopes are near their largest.
INPUTS = 0.001
#: What opens a gate.
OPEN = 3.0
#: Digits behind the point of a logarithm: what differs between machines lies far behind them.
DIGITS = 4
#: The cells that others are compared with.
PLAIN, GATED = "rnn", "lstm"

#: Networks that differ in their seeds alone.
Group = tuple[Measured, ...]


@dataclass(frozen=True)
class Gates:
    """This cell, with gates opened, beside one that has none; or beside one that has some.

    Attributes
    ----------
    own : tuple of (MatrixSymbol, int)
        The biases of this cell that open its gates, with their signs; empty without such gates.
    closed, opened : tuple of Measured
        Of the cell with gates: biases at zero, and open.
    without : tuple of Measured
        Of the cell without gates.
    """

    own: tuple[tuple[MatrixSymbol, int], ...]
    closed: Group
    opened: Group
    without: Group


@dataclass(frozen=True)
class Study:
    """What is measured.

    Attributes
    ----------
    probe : Probe
    settings : Settings
    gaussian : mapping of float to tuple of Measured
        By gain; the terms of gradients at the gains that are shown as curves.
    orthogonal, identity : tuple of Measured
        At gain 1.
    gates : Gates
        At gain 1.
    """

    probe: Probe
    settings: Settings
    gaussian: Mapping[float, Group]
    orthogonal: Group
    identity: Group
    gates: Gates

    @property
    def plain(self) -> Group:
        """Gaussian networks at gain 1."""
        return self.gaussian[1.0]


@once
def study_of(derivation: Derivation) -> Study | None:
    """Return the study of a model; None where nothing can be measured.

    Examples
    --------
    >>> from derivations import derive
    >>> study = study_of(derive(cell("rnn")))
    >>> float(curves(study.plain, lambda network: network.norms)[1, 0])
    0.0
    """
    try:
        return _measured(probe_of(derivation.model, "cell"))
    except BpttError:
        # Its state needs the other direction or becomes too large, or it has nothing to draw.
        return None


def _measured(probe: Probe) -> Study:
    settings = Settings(STEPS, _size(probe), INPUTS)
    gaussian = {
        gain: _group(probe, settings, "gaussian", gain, terms=gain in CURVES) for gain in GAINS
    }
    return Study(
        probe,
        settings,
        gaussian,
        _group(probe, settings, "orthogonal"),
        _group(probe, settings, "identity"),
        _gates(probe, settings, gaussian[1.0]),
    )


def _size(probe: Probe) -> int:
    """Return how many entries each axis has."""
    return next((size for size in SIZES if probe.entries(size) <= MOST_ENTRIES), SIZES[-1])


def _group(
    probe: Probe,
    settings: Settings,
    initialisation: str,
    gain: float = 1.0,
    *,
    terms: bool = False,
) -> Group:
    points = (
        Point(probe.name, "", initialisation, "gain", gain, seed, settings)
        for seed in range(NETWORKS)
    )
    with np.errstate(all="ignore"):
        return tuple(measure(probe, point, terms=terms) for point in points)


def _gates(probe: Probe, settings: Settings, plain: Group) -> Gates:
    own = opening_biases(probe)
    if own:
        opened = _group(probe, _opened(settings, own), "gaussian")
        return Gates(own, plain, opened, _of_library(PLAIN, settings))
    gated = _probe_of_library(GATED)
    opened = _of_library(GATED, _opened(settings, opening_biases(gated)))
    return Gates((), _of_library(GATED, settings), opened, plain)


def opening_biases(probe: Probe) -> tuple[tuple[MatrixSymbol, int], ...]:
    """Return the biases that open the gates of a model, with their signs, each once."""
    model: Model = probe.bounds.model
    found = (opening_bias(model, carry) for carry in probe.bounds.carries)
    return tuple(dict.fromkeys(one for one in found if one is not None))


def _opened(settings: Settings, biases: Sequence[tuple[MatrixSymbol, int]]) -> Settings:
    named = tuple((identifier(bias.name), sign * OPEN) for bias, sign in biases)
    return replace(settings, biases=named)


@cache
def _probe_of_library(name: str) -> Probe:
    return probe_of(cell(name), name)


@cache
def _of_library(name: str, settings: Settings) -> Group:
    return _group(_probe_of_library(name), settings, "gaussian")


def curves(group: Group, what: Callable[[Measured], Sequence[float]]) -> Array:
    """Return the smallest, the median and the largest value of networks at every distance.

    Examples
    --------
    >>> from types import SimpleNamespace as Network
    >>> three = [Network(norms=(0.0, size)) for size in (-1.0, 1 / 3, 2.0)]
    >>> curves(three, lambda network: network.norms)[1]
    array([0.    , 0.3333])
    """
    return np.round(quantile_curves(group, what, (0, 0.5, 1)), DIGITS) + 0.0


def median(group: Group, what: Callable[[Measured], Sequence[float]]) -> float:
    """Return the median at the largest distance."""
    return float(curves(group, what)[1, -1])


__all__ = [
    "CURVES",
    "GAINS",
    "NETWORKS",
    "OPEN",
    "STEPS",
    "Gates",
    "Group",
    "Study",
    "curves",
    "median",
    "opening_biases",
    "study_of",
]
