"""A counterexample that people can look at: small, with round numbers and many zeros."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from derivations.claims.lanes import LOOSENESS, Doubles, Key
from derivations.claims.trial import CLOSE, Found, Trial

Draws = Mapping[Key, float]

#: Numbers are rounded to as few decimals as keep the violation.
DECIMALS = (0, 1, 2, 3)
#: A simpler network may violate the relation by this share of what the found one does.
SHARE = 0.3
#: What is zero lets more become zero.
PASSES = 2
#: At most so many characters of weights are told.
LONGEST = 240


def simplified(trial: Trial, found: Found) -> Found:
    """Return a violation with round numbers and zeros, about as clear as the one that was found."""
    simpler = _rounded(trial, found)
    for _ in range(PASSES):
        simpler = _with_zeros(trial, simpler)
    return simpler if trial.confirms(simpler) else found


def _rounded(trial: Trial, found: Found) -> Found:
    variants = [{key: round(v, n) + 0.0 for key, v in found.draws.items()} for n in DECIMALS]
    return next(iter(_acceptable(trial, found, variants).values()), found)


def _with_zeros(trial: Trial, found: Found) -> Found:
    """Set whole matrices to zero, as many as may be."""
    groups = list(dict.fromkeys(key[:2] for key in found.draws if key[0] not in trial.fixed))
    singly = _acceptable(trial, found, [_without(found.draws, [group]) for group in groups])
    order = [groups[i] for i in sorted(singly, key=lambda i: -singly[i].excess)]
    together = [_without(found.draws, order[: n + 1]) for n in range(len(order))]
    if not together:
        return found
    accepted = _acceptable(trial, found, together)
    return accepted[max(accepted)] if accepted else found


def _without(draws: Draws, groups: Sequence[Key]) -> Draws:
    return {key: 0.0 if key[:2] in groups else value for key, value in draws.items()}


def _acceptable(trial: Trial, found: Found, variants: Sequence[Draws]) -> dict[int, Found]:
    """Return the variants, by number, that violate the relation about as clearly."""
    if not variants:
        return {}
    table: dict[Key, Doubles] = {
        key: np.array([variant[key] for variant in variants]) for key in found.draws
    }
    samples = trial.given(found.frame, table, [found.instance])
    if not samples:
        return {}
    (sample,) = samples
    is_kept = trial.violated(sample) & (sample.excess >= SHARE * found.excess - CLOSE)
    return {
        number: replace(
            found,
            draws=variants[number],
            left=float(sample.left[number]),
            right=float(sample.right[number]),
            excess=float(sample.excess[number]),
        )
        for number in np.flatnonzero(is_kept).tolist()
    }


def description(trial: Trial, found: Found, is_turned: bool) -> str:
    """Return the sizes, the steps, both values and the weights of a violation in words.

    Parameters
    ----------
    is_turned : bool
        Whether the relation was turned round, ≥ into ≤, to look at it.
    """
    sizes = sorted(trial.sizes(found.frame))
    letters = {"T": found.frame.steps, **found.instance}
    where = [f"n={sizes[0]}"] if len(sizes) == 1 else [f"sizes {', '.join(map(str, sizes))}"]
    where += [f"{letter}={step}" for letter, step in letters.items()]
    left, right = (found.right, found.left) if is_turned else (found.left, found.right)
    sign = _sign(trial.relation, is_turned, left, right)
    text = f"{', '.join(where)}: left {_short(left)} {sign} right {_short(right)}"
    weights = _weights(found.draws)
    return f"{text} ({weights})" if weights else text


def _sign(relation: str, is_turned: bool, left: float, right: float) -> str:
    if relation == "=":
        return "≠"
    if relation == "<" and _short(left) == _short(right):
        return "="
    return "<" if is_turned else ">"


def _weights(draws: Draws) -> str:
    """Return what is not zero: matrix by matrix, function by function."""
    blocks: dict[Key, dict[Key, float]] = {}
    for key, value in draws.items():
        if key[0] != LOOSENESS:
            head = key[:1] if len(key) == 2 else key[:2]
            blocks.setdefault(head, {})[key[len(head) :]] = value
    told: list[str] = []
    left_out = 0
    shown = {head: entries for head, entries in blocks.items() if any(entries.values())}
    for head, entries in shown.items():
        text = _block(head, entries)
        if len("; ".join([*told, text])) <= LONGEST:
            told.append(text)
        else:
            left_out += 1
    if left_out:
        told.append(f"and {left_out} more")
    elif not shown and blocks:
        told.append("all weights zero")
    elif len(shown) < len(blocks):
        told.append("all else zero")
    return "; ".join(told)


def _block(head: Key, entries: Mapping[Key, float]) -> str:
    """Return a matrix, or one of the sines that unspecified functions are here."""
    if len(head) == 1:
        size, speed, shift = (_short(entries.get((part,), 0.0)) for part in ("a", "f", "p"))
        return f"{head[0]}(v) = {size} sin({speed} v + {shift})".replace("+ -", "− ")
    if any(len(key) == 1 for key in entries):
        size, shift = (_short(entries.get((part,), 0.0)) for part in ("size", "shift"))
        weights = ", ".join(_short(v) for (i,), v in entries.items() if isinstance(i, int))
        return f"{_name(*head)} = {size} sin(({weights})·v) + {shift}".replace("+ -", "− ")
    return f"{_name(*head)} = {_matrix(entries)}"


def _name(name: str, step: int | None) -> str:
    base = name.removesuffix("@")
    return base if step is None else f"{base}_{step}"


def _matrix(entries: Mapping[Key, float]) -> str:
    rows, columns = (max(key[axis] for key in entries) + 1 for axis in (0, 1))
    table = [[_short(entries.get((i, j), 0.0)) for j in range(columns)] for i in range(rows)]
    if rows == columns == 1:
        return table[0][0]
    if columns == 1:
        return f"({', '.join(row[0] for row in table)})"
    return f"[{', '.join('[' + ', '.join(row) + ']' for row in table)}]"


def _short(value: float) -> str:
    return f"{value + 0.0:.4g}"  # no −0
