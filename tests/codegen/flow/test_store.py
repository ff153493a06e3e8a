"""Finished points come back to the last digit, and no damage to a file goes unseen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.flow.point import Measured, Point
from codegen.flow.store import (
    MOST_NAMED,
    _digest_of_json,
    decoded,
    digest_of,
    encoded,
    file_name,
    read_points,
    write_point,
)
from derivations.errors import EmitError
from tests.codegen.flow.work import SETTINGS, Probe, measured, study

PROBE = Probe("a probe")
POINT = study().points[0]
DIGEST = digest_of(PROBE)
CONTENT = encoded(POINT, DIGEST, measured(PROBE, POINT)).encode()


def written(folder: Path) -> dict[Point, Measured]:
    values = {point: measured(PROBE, point) for point in study().points}
    for point, value in values.items():
        write_point(folder, point, PROBE, value)
    return values


def test_values_come_back_to_the_last_digit(tmp_path: Path) -> None:
    values = written(tmp_path)
    found = read_points(tmp_path, study())
    assert found == values
    assert repr(found[POINT]) == repr(values[POINT])  # so −0.0, too
    assert found[POINT].norms[0] == float("-inf")


@given(st.floats())
def test_any_number_comes_back(number: float) -> None:
    value = replace(measured(PROBE, POINT), gradient=number, eigenvalues=((1.0, number),))
    assert repr(decoded(encoded(POINT, DIGEST, value).encode(), POINT, DIGEST)) == repr(value)


def test_a_name_says_what_is_in_the_file() -> None:
    name = file_name(POINT, DIGEST)
    assert name.startswith("rnn-tanh-gaussian-gain-0.5-seed-0-")
    assert len(file_name(replace(POINT, cell="long-" * 60), DIGEST)) < 200


def test_results_of_another_study_are_neither_used_nor_touched(tmp_path: Path) -> None:
    written(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    others = [
        study(probe="another probe"),
        study(settings=replace(SETTINGS, input_scale=0.2)),
        study(settings=replace(SETTINGS, biases=())),
    ]
    assert all(read_points(tmp_path, other) == {} for other in others)
    assert len(read_points(tmp_path, study(seeds=9))) == len(before)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_damaged_file_is_named_and_the_others_are_kept(tmp_path: Path) -> None:
    values = written(tmp_path)
    path = tmp_path / file_name(POINT, DIGEST)
    path.write_bytes(CONTENT[:100])
    with pytest.raises(EmitError) as refusal:
        read_points(tmp_path, study())
    said = str(refusal.value)
    assert "1 file is damaged" in said
    assert f"{path}: it is not JSON." in said
    assert f"The other {len(values) - 1} finished points are kept." in said
    assert "Delete" in said
    path.unlink()
    assert len(read_points(tmp_path, study())) == len(values) - 1


def test_of_many_damaged_files_some_are_named(tmp_path: Path) -> None:
    written(tmp_path)
    for path in tmp_path.iterdir():
        path.write_text("{}", "utf-8")
    with pytest.raises(EmitError) as refusal:
        read_points(tmp_path, study())
    said = str(refusal.value)
    assert "8 files are damaged" in said
    assert said.count(".json: ") == MOST_NAMED
    assert f"And {8 - MOST_NAMED} more." in said


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / file_name(POINT, DIGEST)).mkdir()
    with pytest.raises(EmitError, match="damaged"):
        read_points(tmp_path, study())


def refused(content: bytes) -> str:
    with pytest.raises(ValueError) as refusal:
        decoded(content, POINT, DIGEST)
    return str(refusal.value)


def forged(**changes: Any) -> bytes:
    """A record with other fields, whose checksum is right all the same."""
    record = {**json.loads(CONTENT), **changes}
    del record["checksum"]
    return json.dumps({**record, "checksum": _digest_of_json(record)}).encode()


def forged_values(**changes: Any) -> bytes:
    return forged(measured={**json.loads(CONTENT)["measured"], **changes})


def test_forgery_alone_changes_nothing() -> None:
    assert decoded(forged(), POINT, DIGEST) == measured(PROBE, POINT)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "no record"),
        (b"{}", "lacks version, point, probe, measured"),
        (CONTENT.replace(b'"checksum"', b'"sum"'), "checksum"),
        (forged(version=0), "another point"),
        (forged(probe="b"), "another point"),
        (forged(point={**POINT.as_json(), "seed": 1}), "another point"),
        (forged(measured=[]), "not those that are measured"),
        (forged_values(surplus=1.0), "not those that are measured"),
        (forged_values(norms=1.0), "not those that are measured"),
        (forged_values(norms=["one"]), "not those that are measured"),
        (forged_values(norms=[1.0] * 3), "not those of 3 steps"),
        (forged_values(carry=[1.0] * 3), "not those of 3 steps"),
        (forged_values(terms=[1.0] * 4), "not those of 3 steps"),
    ],
)
def test_each_kind_of_damage_has_its_reason(content: bytes, reason: str) -> None:
    assert reason in refused(content)


@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_a_changed_byte_is_seen_or_changes_nothing(index: int, change: int) -> None:
    content = bytearray(CONTENT)
    content[index] ^= change
    try:
        found = decoded(bytes(content), POINT, DIGEST)
    except ValueError:
        return
    assert repr(found) == repr(measured(PROBE, POINT))


@given(st.integers(0, len(CONTENT) - 3))
def test_a_file_that_stops_early_is_seen(length: int) -> None:
    refused(CONTENT[:length])


@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused(content: bytes) -> None:
    refused(content)
