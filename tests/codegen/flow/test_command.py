"""`bptt flow` as a user meets it: one message for what is wrong, and finished work is kept."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from codegen.cli import main
from codegen.flow.cluster import dask
from derivations.errors import EmitError
from tests.codegen.flow.clusters import two_workers

#: The interrupt is not ignored there, whatever it is in the process of the tests.
MAIN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from codegen.cli import main
from codegen.flow.cluster import dask
from derivations.errors import EmitError
if __name__ == "__main__":
    main()
"""
ROOT = Path(__file__).parents[3]
GAUSSIAN = ("rnn", "--initialisation", "gaussian")
SMALL = (*GAUSSIAN, "--steps", "5", "--size", "4", "--seeds", "2", "--gain", "0.5,1.5")


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str


class Flow(Protocol):
    def __call__(self, *arguments: str) -> Done: ...


@pytest.fixture
def flow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Flow:
    """The command in a folder of its own, and in this process: it starts faster."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def call(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["bptt", "flow", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        assert isinstance(left.value.code, int)
        return Done(left.value.code, *capsys.readouterr())

    return call


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


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".json"}


def written(folder: Path) -> dict[str, int]:
    """When each file was written: a file that is computed again would be another one."""
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("[!.]*.json")}


@pytest.mark.slow
def test_a_study_is_finished_once_and_then_only_drawn_again(flow: Flow, tmp_path: Path) -> None:
    first = flow(*SMALL, "--workers", "1")
    assert first.status == 0, first.err
    before = written(tmp_path / "flow" / "rnn" / "points")
    assert len(before) == 4
    again = flow(*SMALL, "--workers", "2")
    assert again.status == 0, again.err
    assert "4 of 4 points are there already." in again.err
    assert again.out == first.out
    assert written(tmp_path / "flow" / "rnn" / "points") == before


@pytest.mark.slow
def test_the_number_of_workers_changes_no_byte(flow: Flow, tmp_path: Path) -> None:
    cells = (*SMALL, "gru", "--initialisation", "gaussian,orthogonal")
    for workers in "1", "2":
        done = flow(*cells, "--workers", workers, "--out", workers)
        assert done.status == 0, done.err
    found = [contents(tmp_path / workers / "points") for workers in "12"]
    assert len(found[0]) == 16
    assert found[0] == found[1]
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_interrupted_study_goes_on_where_it_stopped(
    workers: str, flow: Flow, tmp_path: Path
) -> None:
    long = (*GAUSSIAN, "--steps", "60", "--size", "16", "--seeds", "200", "--gain", "1,2")
    points = tmp_path / "flow" / "rnn" / "points"
    process = started(*long, "--workers", workers, folder=tmp_path)
    interrupt_at(10, points, process)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    (message,) = err.splitlines()
    kept = re.fullmatch(
        r"Interrupted; (\d+) of 400 points are kept in flow/rnn/points\. "
        r"The same command goes on from there\.",
        message,
    )
    assert kept is not None, err
    before = written(points)
    # An interrupt between a file and its count leaves one more than is said.
    assert len(before) - int(kept[1]) in (0, 1)
    assert len(before) < 400

    done = flow(*long, "--workers", workers)
    assert done.status == 0, done.err
    assert f"{len(before)} of 400 points are there already." in done.err
    after = written(points)
    assert len(after) == 400
    assert {name: after[name] for name in before} == before


@pytest.mark.slow
def test_a_damaged_point_is_named_and_nothing_is_lost(flow: Flow, tmp_path: Path) -> None:
    assert flow(*SMALL, "--workers", "1").status == 0
    points = tmp_path / "flow" / "rnn" / "points"
    before = contents(points)
    damaged = points / next(iter(before))
    damaged.write_bytes(before[damaged.name][:50])
    refused = flow(*SMALL, "--workers", "1")
    assert refused.status == 2
    assert f"flow/rnn/points/{damaged.name}: it is not JSON." in refused.err
    assert "The other 3 finished points are kept." in refused.err
    damaged.unlink()
    assert flow(*SMALL, "--workers", "1").status == 0
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
        (["--seeds", "0"], "at least one seed"),
        (["--seeds", "1000000000000"], "at most 1000000 points"),
        (["--seed", "-1"], "from 0 on, not -1"),
        (["--clip", "0"], "Clipping needs a positive finite number"),
        (["--input-scale", "-1"], "from 0 on, not -1"),
        (["--initialisation", "xavier"], "Known: gaussian, orthogonal, identity."),
        (["--activation", "thanh"], "There is no activation 'thanh'."),
        (["--bias", "b"], "--bias is like b_f=1,b_i=-1."),
        (["--bias", "b=x"], "--bias takes numbers, and 'x' is none."),
        (["--bias", "b_f=1"], "No model of this study has a bias 'b_f'.\nThere is b, c."),
        (["--workers", "0"], "At least one worker is needed, not 0."),
        (["--workers", "2", "--dask", "tcp://127.0.0.1:1"], "--dask for a cluster"),
        (["--dask", "nowhere"], "No Dask scheduler answers at nowhere"),
        (["no-such-cell"], "There is no cell 'no-such-cell'."),
        (["own/rnn.md"], "Two of these models have the same name."),
        (["mine.md"], "Choose one with --activation."),
    ],
)
def test_what_is_wrong_is_one_message(
    arguments: list[str], said: str, flow: Flow, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    model = r"h_t = \sigma(W h_{t-1} + U x_t)" + "\nE_t depends on h_t\n"
    (tmp_path / "mine.md").write_text(model, "utf-8")
    (tmp_path / "own" / "rnn.md").write_text(model, "utf-8")
    seeds = [] if "--seeds" in arguments else ["--seeds", "1"]
    one = [] if "--workers" in arguments or "--dask" in arguments else ["--workers", "1"]
    done = flow("rnn", *arguments, *seeds, *one)
    assert done.status == 2, done.err
    assert said in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "flow" / "rnn" / "points").exists() or not written(
        tmp_path / "flow" / "rnn" / "points"
    )


def test_what_is_not_installed_is_found_out_before_the_work(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codegen.flow.command.find_spec", {"threadpoolctl": "found"}.get)
    without_flow = flow(*SMALL)
    assert without_flow.status == 2
    assert "needs matplotlib." in without_flow.err
    assert "pip install 'bptt[flow]'" in without_flow.err
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EmitError) as refusal:
        dask("127.0.0.1:8786")
    assert "pip install 'bptt[dask]'" in str(refusal.value)


@pytest.mark.slow
def test_an_activation_is_part_of_a_point(flow: Flow, tmp_path: Path) -> None:
    done = flow(*SMALL, "--activation", "tanh,relu", "--workers", "1")
    assert done.status == 0, done.err
    names = [name.split("-gaussian")[0] for name in contents(tmp_path / "flow" / "rnn" / "points")]
    assert sorted(names) == ["rnn-relu"] * 4 + ["rnn-tanh"] * 4


@pytest.mark.slow
@pytest.mark.xdist_group("cluster")
def test_a_cluster_changes_no_byte_and_may_be_interrupted(flow: Flow, tmp_path: Path) -> None:
    long = (*GAUSSIAN, "--steps", "30", "--size", "8", "--seeds", "200", "--gain", "1,2")
    points = tmp_path / "there" / "points"
    with two_workers() as address:
        process = started(*long, "--dask", address, "--out", "there", folder=tmp_path)
        interrupt_at(10, points, process)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert len(err.splitlines()) == 1, err
        before = written(points)
        assert len(before) < 400
        assert flow(*long, "--dask", address, "--out", "there").status == 0
    after = written(points)
    assert {name: after[name] for name in before} == before
    assert flow(*long, "--workers", "2", "--out", "here").status == 0
    assert contents(points) == contents(tmp_path / "here" / "points")


def interrupt_at(count: int, points: Path, process: subprocess.Popen[str]) -> None:
    while len(written(points)) < count:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)


def test_networks_that_overflow_leave_the_others_alone(flow: Flow, tmp_path: Path) -> None:
    linear = ("rnn", "--activation", "identity", "--initialisation", "orthogonal", "--seeds", "1")
    long = (*linear, "--steps", "1200", "--size", "2", "--workers", "1")
    done = flow(*long, "--gain", "0.5,2")
    assert done.status == 0, done.err
    assert "1 of 2 networks have no values" in done.err
    assert "rnn-identity-orthogonal-gain-2-seed-0" in done.err
    assert len(contents(tmp_path / "flow" / "rnn" / "points")) == 1
    alone = flow(*long, "--gain", "2")
    assert alone.status == 2
    assert "No network has values." in alone.err


def test_a_folder_that_is_a_file_is_named(flow: Flow, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    refused = flow(*SMALL, "--out", "taken")
    assert refused.status == 2
    assert "taken is a file." in refused.err
