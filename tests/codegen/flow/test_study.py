"""A grid is checked before anything is computed, and its order is fixed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from codegen.flow.point import Settings
from codegen.flow.study import MOST_POINTS, grid
from derivations.errors import EmitError

GRID: dict[str, Any] = {
    "models": [("rnn", "relu"), ("rnn", "tanh"), ("lstm", "")],
    "initialisations": ["orthogonal", "gaussian"],
    "scale": "gain",
    "values": [1, 0.5],
    "seeds": range(3, 5),
    "settings": Settings(),
}


def test_every_combination_is_one_point_in_the_order_typed() -> None:
    points = grid(**GRID)
    assert len(set(points)) == len(points) == 3 * 2 * 2 * 2
    assert [(p.cell, p.activation) for p in points[::8]] == GRID["models"]
    assert [(p.initialisation, p.value, p.seed) for p in points[:5]] == [
        ("orthogonal", 1.0, 3),
        ("orthogonal", 1.0, 4),
        ("orthogonal", 0.5, 3),
        ("orthogonal", 0.5, 4),
        ("gaussian", 1.0, 3),
    ]
    assert all(isinstance(point.value, float) for point in points)


def test_what_is_said_twice_counts_once() -> None:
    doubled = {name: [*GRID[name], *GRID[name]] for name in ("models", "values", "seeds")}
    assert grid(**{**GRID, **doubled}) == grid(**GRID)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"values": [0.9, -1.0]}, "A gain is a positive finite number, not -1."),
        ({"values": [0.0], "scale": "radius"}, "A radius is a positive finite number, not 0."),
        ({"values": [float("nan")]}, "not nan"),
        ({"values": [float("inf")]}, "not inf"),
        ({"values": []}, "at least one gain"),
        ({"seeds": range(0)}, "at least one seed"),
        ({"seeds": range(-1, 3)}, "from 0 on, not -1"),
        ({"seeds": range(10**12)}, f"at most {MOST_POINTS} points"),
        ({"initialisations": ["xavier"]}, "Known: gaussian, orthogonal, identity."),
        ({"models": []}, "at least one model"),
        ({"scale": "norm"}, "Known: gain, radius."),
    ],
)
def test_what_cannot_be_computed_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(EmitError) as refusal:
        grid(**{**GRID, **changes})
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps": 0}, "at least one step, not 0"),
        ({"size": 0}, "at least one entry, not 0"),
        ({"input_scale": -0.1}, "from 0 on, not -0.1"),
        ({"input_scale": float("nan")}, "not nan"),
        ({"clip": 0.0}, "positive finite number, not 0"),
        ({"clip": float("inf")}, "positive finite number, not inf"),
        ({"biases": (("b", float("nan")),)}, "The bias b is a finite number, not nan"),
        ({"biases": (("b", 1.0), ("b", 2.0))}, "The bias b is given twice"),
    ],
)
def test_settings_are_checked(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(EmitError) as refusal:
        grid(**{**GRID, "settings": replace(Settings(), **changes)})
    assert said in str(refusal.value)
