"""The numbers of a study as files: read back, they are what was measured, to the last digit."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from codegen.flow import summary
from codegen.flow.groups import Results, grouped, in_order
from codegen.flow.overview import summary_table
from codegen.flow.point import MEASURED, Measured, Point, Settings
from codegen.flow.tables import CURVES, POINT_COLUMNS, study_csv, table_files
from derivations.errors import EmitError
from tests.codegen.flow.invented import study


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def read(content: bytes) -> list[tuple[Point, Measured]]:
    """Return a study as a reader of the JSON gets it, by what `about` says."""
    found = json.loads(content, parse_constant=refuse)
    settings = found["settings"]
    settings["biases"] = tuple(map(tuple, settings["biases"]))
    return [
        (
            Point(
                settings=Settings(**settings),
                **{name: value for name, value in point.items() if name not in MEASURED},
            ),
            Measured(**{name: number_of(point[name]) for name in MEASURED}),
        )
        for point in found["points"]
    ]


def number_of(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(number_of, value))
    return -math.inf if value is None else float(value)


@pytest.fixture
def results() -> Results:
    """A study with zeros, gates and a bound that is none."""
    found = study(cells=[("rnn", "tanh"), ('"two, words"\n', "σ"), ("lstm", "")])
    point, network = found[4]
    dead = replace(
        network,
        norms=(0.0, *[-math.inf] * 12),
        bounds=(math.inf,) * 13,
        terms=(-math.inf,) * 12,
        inputs=(-math.inf,) * 12,
        gradient=-math.inf,
        exponents=(-math.inf,) * 3,
    )
    return [*found[:4], (point, dead), *found[5:]]


def test_json_holds_the_study_to_the_last_digit(results: Results) -> None:
    assert read(table_files(results)["study.json"]) == list(in_order(results))


def test_points_csv_holds_a_row_a_network(results: Results) -> None:
    rows = rows_of(table_files(results)["points.csv"])
    assert list(rows[0]) == list(POINT_COLUMNS)
    for row, (point, network) in zip(rows, in_order(results), strict=True):
        for name in ("cell", "activation", "initialisation", "scale", "value", "seed"):
            assert row[name] == str(getattr(point, name))
        for name in ("radius", "stretch", "gradient"):
            assert float(row[name]) == getattr(network, name)
        assert float(row["norm"]) == network.norms[-1]
        assert float(row["bound"]) == network.bounds[-1]
        assert float(row["exponent"]) == network.exponents[0]
        assert int(row["violations"]) == 0


def test_study_csv_holds_the_quantiles_of_each_group_and_distance(results: Results) -> None:
    rows = rows_of(table_files(results)["study.csv"])
    groups = grouped(results)
    assert len(rows) == len(groups) * 13
    what = (
        summary.norms,
        summary.bounds,
        summary.carry,
        summary.terms,
        lambda network: summary.clipped(network, 1.0),
        summary.shares,
        summary.inputs,
    )
    for rank, (group, networks) in enumerate(groups.items()):
        own = rows[13 * rank : 13 * (rank + 1)]
        assert {row["cell"] for row in own} == {group.cell}
        assert {float(row["value"]) for row in own} == {group.value}
        assert [int(row["distance"]) for row in own] == list(range(13))
        for name, quantity in zip(CURVES, what, strict=True):
            curves = summary.quantile_curves(networks, quantity)
            for percent, curve in zip((10, 50, 90), curves, strict=True):
                column = [row[f"{name}_{percent}"] for row in own]
                assert [float(text) for text in column if text] == curve.tolist()
                assert column[len(curve) :] == [""] * (13 - len(curve))


def test_quantiles_may_be_others(results: Results) -> None:
    header = study_csv(grouped(results), 1.0, (0.025, 1.0)).splitlines()[0].split(",")
    assert header[6:10] == ["norm_2.5", "norm_100", "bound_2.5", "bound_100"]


def test_files_do_not_depend_on_the_order_of_the_results(results: Results) -> None:
    shuffled = [results[k] for k in np.random.default_rng(1).permutation(len(results))]
    assert table_files(shuffled) == table_files(results)


def test_half_a_character_in_a_name_is_spelt_out() -> None:
    files = table_files(study(cells=[("r\udce4n", "")], seeds=1))
    assert rows_of(files["points.csv"])[0]["cell"] == r"r\udce4n"


def test_no_points_are_no_study() -> None:
    with pytest.raises(EmitError, match="without points"):
        table_files([])


def test_a_single_step_has_every_file() -> None:
    files = table_files(study(steps=1, seeds=1, values=(1.0,), initialisations=("gaussian",)))
    first, second = rows_of(files["study.csv"])
    assert float(first["share_50"]) == 0.0
    assert (second["share_50"], second["norm_50"] != "") == ("", True)


def printed(results: Results) -> list[str]:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(summary_table(results))
    return console.export_text().splitlines()


def test_the_terminal_shows_medians_and_verdicts() -> None:
    results = [
        (point, replace(found, exponents=(math.log(point.value),)))
        for point, found in study(seeds=5, initialisations=("identity",))
    ]
    lines = printed(results)
    assert [line.split()[-2:] for line in lines[2:]] == [
        ["vanishes", "0"],
        ["neither", "0"],
        ["explodes", "0"],
    ]
    medians = [sorted(found.norms[-1] for _, found in results[5 * k :][:5])[2] for k in range(3)]
    for line, median in zip(lines[2:], medians, strict=True):
        assert f"{median:+.1f}".replace("-", "−") in line.split()


def test_the_terminal_counts_norms_over_their_bound() -> None:
    (point, found), *_ = study(seeds=1)
    wrong = replace(found, bounds=tuple(norm - 1 for norm in found.norms))
    assert printed([(point, wrong)])[-1].split()[-1] == str(len(found.norms))


def test_the_terminal_shows_zero_and_no_markup() -> None:
    (point, found), *_ = study(seeds=1, cells=[("[red]x[/red]", "")])
    dead = replace(found, norms=(0.0,) + (-math.inf,) * 12, exponents=())
    line = printed([(point, dead)])[-1]
    assert line.startswith("[red]x[/red]")
    assert line.split().count("−∞") == 2
    assert "unknown" in line
