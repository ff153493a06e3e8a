"""What is told about a finding: the smallest counterexample, and how sure an agreement is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from derivations.claims.court import Agreement, Court, Difference, Instance
from derivations.claims.degrees import Degree
from derivations.claims.evaluation import Evaluator
from derivations.claims.reading import AS_WRITTEN, Reading
from derivations.claims.run import Point
from derivations.claims.terms import Term
from derivations.claims.values import Mismatch, OutOfRange, Undefined
from derivations.proof.arithmetic import PRIME, Array, Undecidable

#: Lengths of the networks among which the shortest counterexample is looked for.
SHORTEST = (1, 2, 3, 4)


def evidence(court: Court, links: Sequence[Sequence[Term]], found: Sequence[Agreement]) -> str:
    """Return how both sides were compared, and how likely a false claim would pass."""
    cases = sum(agreement.cases for agreement in found)
    if any(agreement.method == "real" for agreement in found):
        return f"equal to 50 digits in {cases} instances"
    bound = max(_log2_bound(court, link) for link in links)
    return (
        f"exact modulo 2^61-1 in {cases} instances; "
        f"a false claim passes with probability below 2^{math.ceil(bound)}"
    )


def _log2_bound(court: Court, sides: Sequence[Term]) -> float:
    """Return log2 of the probability that two sides that differ agree at both points.

    References
    ----------
    Schwartz, Fast probabilistic algorithms for verification of polynomial identities, J. ACM 27
    (1980), lemma 1.
    """
    point = court.point(AS_WRITTEN, 1, court.steps(sides, 1), "degree")
    degrees = point.arithmetic
    assert isinstance(degrees, Degree)
    largest = 1
    evaluator = point.run().evaluator(AS_WRITTEN)
    # Formulas grow towards one end of the steps or the other: both ends are measured.
    ordered = sorted(court.instances(point, sides), key=_lateness)
    for instances in (ordered, ordered[::-1]):
        largest = max(largest, _degree(evaluator, sides, instances))
    collisions = degrees.questions**2 // 2 * degrees.largest
    return 2 * (math.log2(2 * largest + collisions) - math.log2(PRIME))


def _degree(evaluator: Evaluator, sides: Sequence[Term], instances: Sequence[Instance]) -> int:
    """Return the degree of both sides in the first instance that exists."""
    for instance in instances:
        try:
            values = [evaluator.value(side, instance) for side in sides]
        except (Mismatch, OutOfRange):
            continue
        return int(max(e.degree for value in values for e in value.dual.value.flat))
    return 1


def _lateness(instance: Instance) -> tuple[int, ...]:
    return (sum(instance.values()), *(instance[letter] for letter in sorted(instance)))


def counterexample(court: Court, sides: Sequence[Term], found: Difference) -> str:
    """Return the shortest network in which two sides differ, with both values, in words."""
    if found.left is None:
        return f"At {_where(found.instance)}: {found.reason}"
    for steps in SHORTEST:
        point = court.point(AS_WRITTEN, 0, steps, "double")
        shown = _first_difference(court, point, sides, AS_WRITTEN)
        if shown is not None:
            return shown
    return f"At {_where(found.instance)} both sides differ modulo 2^61-1."


def _first_difference(
    court: Court, point: Point, sides: Sequence[Term], reading: Reading
) -> str | None:
    evaluator = point.run().evaluator(reading)
    for instance in court.instances(point, sides):
        try:
            values = [evaluator.value(side, instance) for side in sides]
            left, right = (a.astype(float) for a in evaluator.rules.equalised(*values))
        except (Mismatch, OutOfRange, Undefined, Undecidable, ZeroDivisionError):
            continue
        gap = np.abs(left - right)
        if not np.isfinite(gap).all() or gap.max() <= 1e-6 * max(np.abs(left).max(), 1e-6):
            continue
        place = np.unravel_index(int(gap.argmax()), gap.shape)
        return (
            f"At {_sizes(point)}, {_where(instance)}{_entry(left, place)}: "
            f"left {left[place]:.4g}, right {right[place]:.4g}"
        )
    return None


def _sizes(point: Point) -> str:
    """Return the sizes of the states and the data."""
    shown: list[str] = []
    for name in (*point.network.lags, *point.network.layout.shapes):
        rows, columns = point.shape(name)
        size = f"{max(rows, columns)} entries in ${name.removesuffix('@')}$"
        is_vector = name.endswith("@") and 1 in (rows, columns) and (rows, columns) != (1, 1)
        if is_vector and all(not s.startswith(size.split(" in ")[0]) for s in shown):
            shown.append(size)
    return ", ".join(shown[:3]) or "one entry each"


def _where(instance: Instance) -> str:
    return ", ".join(f"{letter} = {step}" for letter, step in instance.items())


def _entry(array: Array, place: Sequence[np.intp]) -> str:
    if array.size == 1:
        return ""
    return ", entry " + ", ".join(
        str(int(p) + 1) for p, size in zip(place, array.shape, strict=True) if size > 1
    )
