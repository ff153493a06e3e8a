"""`bptt flow` as a user meets it: one message for what is wrong, and finished work is kept."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

#: The interrupt is not ignored there, whatever it is in the process of the tests.
MAIN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from codegen.cli import main
if __name__ == "__main__":
    main()
"""
ROOT = Path(__file__).parents[3]
SMALL = ("rnn", "--steps", "5", "--size", "4", "--seeds", "2", "--gain", "0.5,1.5")


def started(*arguments: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, "flow", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"},
    )


def flow(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    process = started(*arguments, folder=folder)
    out, err = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".json"}


def written(folder: Path) -> dict[str, int]:
    """When each file was written: a file that is computed again would be another one."""
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("[!.]*.json")}


def test_a_study_is_finished_once_and_then_only_drawn_again(tmp_path: Path) -> None:
    first = flow(*SMALL, "--workers", "1", folder=tmp_path)
    assert first.returncode == 0, first.stderr
    before = written(tmp_path / "flow" / "points")
    assert len(before) == 4
    again = flow(*SMALL, "--workers", "2", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "4 of 4 points are there already." in again.stderr
    assert again.stdout == first.stdout
    assert written(tmp_path / "flow" / "points") == before


@pytest.mark.slow
def test_the_number_of_workers_changes_no_byte(tmp_path: Path) -> None:
    cells = (*SMALL, "gru", "--initialisation", "gaussian,orthogonal")
    for workers in "1", "2":
        done = flow(*cells, "--workers", workers, "--out", workers, folder=tmp_path)
        assert done.returncode == 0, done.stderr
    found = [contents(tmp_path / workers / "points") for workers in "12"]
    assert len(found[0]) == 16
    assert found[0] == found[1]
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_interrupted_study_goes_on_where_it_stopped(workers: str, tmp_path: Path) -> None:
    long = ("rnn", "--steps", "60", "--size", "16", "--seeds", "200", "--gain", "1,2")
    points = tmp_path / "flow" / "points"
    process = started(*long, "--workers", workers, folder=tmp_path)
    while len(written(points)) < 10:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    (message,) = err.splitlines()
    kept = re.fullmatch(
        r"Interrupted; (\d+) of 400 points are kept in flow/points\. "
        r"The same command goes on from there\.",
        message,
    )
    assert kept is not None, err
    before = written(points)
    # An interrupt between a file and its count leaves one more than is said.
    assert len(before) - int(kept[1]) in (0, 1)
    assert len(before) < 400

    done = flow(*long, "--workers", workers, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"{len(before)} of 400 points are there already." in done.stderr
    after = written(points)
    assert len(after) == 400
    assert {name: after[name] for name in before} == before


def test_a_damaged_point_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    assert flow(*SMALL, "--workers", "1", folder=tmp_path).returncode == 0
    points = tmp_path / "flow" / "points"
    before = contents(points)
    damaged = points / next(iter(before))
    damaged.write_bytes(before[damaged.name][:50])
    refused = flow(*SMALL, "--workers", "1", folder=tmp_path)
    assert refused.returncode == 2
    assert f"flow/points/{damaged.name}: it is not JSON." in refused.stderr
    assert "The other 3 finished points are kept." in refused.stderr
    damaged.unlink()
    assert flow(*SMALL, "--workers", "1", folder=tmp_path).returncode == 0
    assert contents(points) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--gain", "-1"], "A gain is a positive finite number, not -1."),
        (["--gain", "1,,2"], "--gain is a list with commas"),
        (["--gain", "much"], "--gain takes numbers, and 'much' is none."),
        (["--radius", "0"], "A radius is a positive finite number, not 0."),
        (["--gain", "1", "--radius", "1"], "Choose one."),
        (["--steps", "0"], "at least one step, not 0"),
        (["--size", "0"], "at least one entry, not 0"),
        (["--seeds", "0"], "--seeds is a number from 1 on, not 0."),
        (["--seeds", "1000000000000"], "at most 1000000 points"),
        (["--seed", "-1"], "from 0 on, not -1"),
        (["--clip", "0"], "Clipping needs a positive finite number"),
        (["--input-scale", "-1"], "from 0 on, not -1"),
        (["--initialisation", "xavier"], "Known: gaussian, orthogonal, identity."),
        (["--activation", "thanh"], "There is no activation 'thanh'."),
        (["--bias", "b"], "--bias is like b_f=1,b_i=-1."),
        (["--bias", "b=x"], "--bias takes numbers, and 'x' is none."),
        (["--bias", "b_f=1"], "rnn has no bias 'b_f'."),
        (["--workers", "0"], "At least one worker is needed, not 0."),
        (["--workers", "2", "--dask", "tcp://127.0.0.1:1"], "--dask for a cluster"),
        (["--dask", "nowhere"], "No Dask scheduler answers at nowhere"),
        (["no-such-cell"], "There is no cell 'no-such-cell'."),
        (["own/rnn.md"], "Two of these models have the same name."),
        (["mine.md"], "Nothing says what σ is in mine."),
    ],
)
def test_what_is_wrong_is_one_message(arguments: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    model = r"h_t = \sigma(W h_{t-1} + U x_t)" + "\nE_t depends on h_t\n"
    (tmp_path / "mine.md").write_text(model, "utf-8")
    (tmp_path / "own" / "rnn.md").write_text(model, "utf-8")
    seeds = [] if "--seeds" in arguments else ["--seeds", "1"]
    one = [] if "--workers" in arguments or "--dask" in arguments else ["--workers", "1"]
    done = flow("rnn", *arguments, *seeds, *one, folder=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "flow" / "points").exists() or not written(tmp_path / "flow" / "points")


def test_an_activation_is_part_of_a_point(tmp_path: Path) -> None:
    done = flow(*SMALL, "--activation", "tanh,relu", "--workers", "1", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    names = [name.split("-gaussian")[0] for name in contents(tmp_path / "flow" / "points")]
    assert sorted(names) == ["rnn-relu"] * 4 + ["rnn-tanh"] * 4
