"""The numbers of a study as files: read back, they are what was measured, to the last digit."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from codegen.flow import summary
from codegen.flow.columns import ABOUT, CURVES, GROUP_COLUMNS, POINT_COLUMNS
from codegen.flow.groups import Results, grouped, in_order
from codegen.flow.overview import summary_table
from codegen.flow.point import MEASURED, Measured, Point, Settings
from codegen.flow.tables import study_csv, table_files
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
        for name in ("steps", "size", "input_scale", "clip"):
            assert row[name] == str(getattr(point.settings, name))
        assert float(row["spectral_radius"]) == network.radius
        assert float(row["largest_singular_value"]) == network.stretch
        assert float(row["lg_gradient"]) == network.gradient
        assert float(row["lg_norm"]) == network.norms[-1]
        assert float(row["lg_bound"]) == network.bounds[-1]
        assert float(row["largest_lyapunov_exponent"]) == network.exponents[0]
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
                column = [row[f"{name}_q{percent}"] for row in own]
                assert [float(text) for text in column if text] == curve.tolist()
                assert column[len(curve) :] == [""] * (13 - len(curve))


def test_quantiles_may_be_others(results: Results) -> None:
    header = study_csv(grouped(results), 1.0, (0.025, 1.0)).splitlines()[0].split(",")
    assert header[6:10] == ["lg_norm_q2.5", "lg_norm_q100", "lg_bound_q2.5", "lg_bound_q100"]


def test_files_do_not_depend_on_which_seed_came_first(results: Results) -> None:
    by_seed = sorted(results, key=lambda pair: -pair[0].seed)
    assert table_files(by_seed) == table_files(results)


def test_half_a_character_in_a_name_is_spelt_out() -> None:
    files = table_files(study(cells=[("r\udce4n", "")], seeds=1))
    assert rows_of(files["points.csv"])[0]["cell"] == r"r\udce4n"


def test_biases_stand_in_a_column_as_they_are_typed() -> None:
    point, found = study(seeds=1)[0]
    settings = replace(point.settings, biases=(("b_f", 3.0), ("b_i", -1.0)))
    files = table_files([(replace(point, settings=settings), found)])
    assert rows_of(files["points.csv"])[0]["biases"] == "b_f=3.0,b_i=-1.0"


def test_every_column_and_field_is_explained(results: Results) -> None:
    files = table_files(results)
    text = files["columns.md"].decode()
    columns = {name for file in ("points.csv", "study.csv") for name in rows_of(files[file])[0]}
    found = json.loads(files["study.json"])
    fields = {*found["settings"], *found["points"][0]}
    for name in columns | fields | {"null", "Infinity"}:
        assert f"\n- `{name}`: " in text, name
    assert set(found["about"]) == fields | {"null", "Infinity"}
    for texts in (ABOUT, CURVES, GROUP_COLUMNS, POINT_COLUMNS):
        for name, said in texts.items():
            assert said in text, name


def test_no_points_are_no_study() -> None:
    with pytest.raises(EmitError, match="without points"):
        table_files([])


def test_a_single_step_has_every_file() -> None:
    files = table_files(study(steps=1, seeds=1, values=(1.0,), initialisations=("gaussian",)))
    first, second = rows_of(files["study.csv"])
    assert float(first["lg_share_q50"]) == 0.0
    assert (second["lg_share_q50"], second["lg_norm_q50"] != "") == ("", True)


def printed(results: Results, width: int = 120) -> list[str]:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(summary_table(results))
    return console.export_text().splitlines()


def rows_printed(results: Results, width: int = 120) -> list[str]:
    """Return the rows between the two lines of the head and the notes."""
    lines = printed(results, width)[2:]
    blank = [rank for rank, line in enumerate(lines) if not line.strip()]
    return lines[: blank[0]]


def test_the_terminal_shows_medians_and_verdicts() -> None:
    results = [
        (point, replace(found, exponents=(math.log(point.value),)))
        for point, found in study(seeds=5, initialisations=("identity",))
    ]
    lines = rows_printed(results)
    assert [line.split()[-2:] for line in lines] == [
        ["vanishes", "0"],
        ["varies", "0"],
        ["explodes", "0"],
    ]
    medians = [sorted(found.norms[-1] for _, found in results[5 * k :][:5])[2] for k in range(3)]
    for line, median in zip(lines, medians, strict=True):
        assert f"{median:+.1f}".replace("-", "−") in line.split()


def test_the_terminal_keeps_the_order_of_the_study() -> None:
    cells = [("rnn", "tanh"), ("lstm", "")]
    lines = rows_printed(study(seeds=1, cells=cells, values=(2.0, 0.5)))
    assert [line.split()[0] for line in lines] == ["rnn,"] * 6 + ["lstm"] * 6
    assert [line.split()[2] for line in lines[6:8]] == ["2", "0.5"]


def test_a_cell_with_its_activation_fits_80_columns() -> None:
    results = study(steps=100, seeds=1, cells=[("rnn", "sigmoid")], values=(1.25, 2.0))
    lines = rows_printed(results, 80)
    assert len(lines) == 6
    assert all(line.startswith("rnn, sigmoid  ") for line in lines)


@pytest.mark.parametrize("width", [58, 60, 70])
def test_in_a_narrow_terminal_names_fold_and_are_whole(width: int) -> None:
    results = study(steps=100, seeds=1, cells=[("lstm", "")], initialisations=("orthogonal",))
    lines = rows_printed(results, width)
    assert max(map(len, lines)) <= width
    assert "lstm" in "".join(line.split(" ")[0] for line in lines)


def test_the_terminal_says_what_its_columns_are() -> None:
    text = " ".join(" ".join(printed(study(seeds=1))).split())
    assert "largest Lyapunov exponent, natural logarithm a step" in text
    assert "middle 80 % of the networks; else it varies" in text


def test_gains_and_radii_in_one_table_are_told_apart() -> None:
    few = {"values": (1.0,), "seeds": 1, "initialisations": ("identity",)}
    lines = rows_printed([*study(scale="gain", **few), *study(scale="radius", **few)])
    assert ["gain 1 " in lines[0], "radius 1 " in lines[1]] == [True, True]


def test_the_terminal_counts_norms_over_their_bound() -> None:
    (point, found), *_ = study(seeds=1)
    wrong = replace(found, bounds=tuple(norm - 1 for norm in found.norms))
    assert rows_printed([(point, wrong)])[-1].split()[-1] == str(len(found.norms))


def test_the_terminal_shows_zero_and_no_markup() -> None:
    (point, found), *_ = study(seeds=1, cells=[("[red]x[/red]", "")])
    dead = replace(found, norms=(0.0,) + (-math.inf,) * 12, exponents=())
    line = rows_printed([(point, dead)])[-1]
    assert line.startswith("[red]x[/red]")
    assert line.split().count("−∞") == 2
    assert "unknown" in line
