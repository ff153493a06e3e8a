"""Random networks that show a relation fail: a few whose sizes all differ, many small ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from derivations.claims.court import STEPS, Instance
from derivations.claims.lanes import Doubles, Key
from derivations.claims.run import SIZES
from derivations.claims.trial import CLOSE, Found, Frame, Sample, Trial
from derivations.claims.values import Undefined

#: How many networks have different sizes, and how many have sizes one, two and six: the last
#: refutes what holds up to some size, such as ‖W‖_F ≤ 2‖W‖.
MANY, SMALL, LARGE = 64, ((1, 96), (2, 192)), (6, 24)
#: So many instances are looked at in large networks and in a search.
MOST_PROMISING = 2
#: The steps of the small ones.
SHORT = 3
#: Among violations by more than this share, the one with numbers near one is clearest.
CLEAREST, PER_DECADE = 0.3, 0.05
#: So many violations are looked at again in many digits before all are taken for rounding.
MOST_CONFIRMED = 4


@dataclass(frozen=True)
class Start:
    """Networks that show no violation, from which a search may start."""

    frame: Frame
    samples: tuple[Sample, ...]
    draws: Mapping[Key, Doubles]


@dataclass(frozen=True)
class Look:
    """What random networks show of a relation.

    Attributes
    ----------
    trial : Trial
    found : Found or None
        A violation in the smallest networks that have one.
    differs : bool
        Whether the two sides differ anywhere.
    starts : tuple of Start
    """

    trial: Trial
    found: Found | None
    differs: bool = True
    starts: tuple[Start, ...] = ()


def looked(trial: Trial) -> Look:
    """Look at a relation in random networks.

    Raises
    ------
    Mismatch
        When shapes do not go together.
    Undefined
        When a piece has no meaning, or there is no instance.
    """
    first = first_look(trial)
    starts = []
    for size, count in SMALL:
        start = _alike(trial, size, count)
        smaller = violation(trial, start)
        if smaller is not None:
            return Look(trial, smaller)
        starts.append(start)
    if first.found is None and first.differs:
        instances = promising(starts[-1].samples)
        larger = violation(trial, _alike(trial, *LARGE, instances))
        if larger is not None:
            return Look(trial, larger)
    return Look(trial, first.found, first.differs, tuple(starts))


def first_look(trial: Trial) -> Look:
    """Look at networks whose sizes all differ: there, what does not go together is seen."""
    frame = Frame(SIZES, STEPS[0] + trial.further_steps)
    samples, draws = trial.drawn(frame, MANY, seed=0)
    if not samples:
        raise Undefined("There is no instance of this relation to look at.")
    differs = any((np.isfinite(s.excess) & (np.abs(s.excess) > CLOSE)).any() for s in samples)
    return Look(trial, violation(trial, Start(frame, tuple(samples), draws)), differs)


def _alike(
    trial: Trial, size: int, count: int, instances: Sequence[Instance] | None = None
) -> Start:
    """Look at short networks of one size, longer ones where the claim names later steps."""
    sizes = (size,) * len(SIZES)
    for steps in (SHORT, STEPS[0]):
        frame = Frame(sizes, steps + trial.further_steps)
        samples, draws = trial.drawn(frame, count, size, instances)
        if samples:
            break
    return Start(frame, tuple(samples), draws)


def promising(samples: Sequence[Sample]) -> list[Instance]:
    """Return instances that differ by more than a shift in time, nearest a violation first."""
    best: dict[tuple[int, ...], Sample] = {}
    for sample in samples:
        steps = [step for letter, step in sample.instance.items() if letter != "T"]
        shape = tuple(step - steps[0] for step in steps)
        known = best.get(shape)
        if not sample.is_constant and (known is None or sample.top > known.top):
            best[shape] = sample
    ranked = sorted(best.values(), key=lambda sample: sample.top, reverse=True)
    return [sample.instance for sample in ranked[:MOST_PROMISING]]


def violation(trial: Trial, start: Start, most: int = MOST_CONFIRMED) -> Found | None:
    """Return the clearest violation among some networks that is more than rounding."""
    candidates = []
    with np.errstate(all="ignore"):
        weight = np.log10(1 + sum(np.abs(doubles) for doubles in start.draws.values()))
    for sample in start.samples:
        clarity = _clarity(trial, sample) - PER_DECADE * weight
        for lane in np.argsort(-clarity)[:most]:
            if clarity[lane] > -np.inf:
                candidates.append((float(clarity[lane]), sample, int(lane)))
    candidates.sort(key=lambda candidate: -candidate[0])
    for _, sample, lane in candidates[:most]:
        found = Found(
            start.frame,
            {key: float(doubles[lane]) for key, doubles in start.draws.items()},
            sample.instance,
            float(sample.left[lane]),
            float(sample.right[lane]),
            float(sample.excess[lane]),
        )
        if trial.confirms(found):
            return found
    return None


def _clarity(trial: Trial, sample: Sample) -> Doubles:
    """Return how well people would see each violation; −∞ where there is none."""
    with np.errstate(all="ignore"):
        decades = np.log10(np.maximum(np.abs(sample.left), np.abs(sample.right)))
    clarity = np.minimum(sample.excess, CLEAREST) - PER_DECADE * np.abs(decades)
    return np.where(trial.violated(sample), clarity, -np.inf)
