"""The same values by any runner; what fails, is killed or is interrupted loses nothing finished."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from codegen.flow import running
from codegen.flow.cluster import attempt_there, dask
from codegen.flow.local import in_processes, local
from codegen.flow.point import Measured, Point
from codegen.flow.running import Failure, Job, Runner, as_finished, attempt, run_study
from codegen.flow.study import Study
from derivations.errors import EmitError
from tests.codegen.flow import work
from tests.codegen.flow.clusters import two_workers

PROBE = work.Probe("a probe")
ROOT = Path(__file__).parents[3]


def silent(done: int, total: int) -> None:
    """Progress that nobody looks at."""


def run(
    study: Study,
    folder: Path,
    runner: Runner,
    does: running.Work = work.measured,
    progress: running.Progress = silent,
) -> list[tuple[Point, Measured]]:
    return run_study(study, folder, does, runner, progress).results


def test_one_and_two_workers_give_the_same_to_the_last_digit(tmp_path: Path) -> None:
    one = run(work.study(), tmp_path / "1", local(1))
    two = run(work.study(), tmp_path / "2", local(2))
    assert repr(one) == repr(two)
    assert [point for point, _ in one] == list(work.study().points)
    files = [{p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("1", "2")]
    assert files[0] == files[1]


def test_what_is_finished_is_not_computed_again(tmp_path: Path) -> None:
    notes, points = tmp_path / "notes", tmp_path / "points"
    notes.mkdir()
    few, many = work.study(2, str(notes)), work.study(5, str(notes))
    told: list[tuple[int, int]] = []
    run(few, points, local(1), work.noted)
    whole = run(many, points, local(1), work.noted, lambda *counts: told.append(counts))
    assert told == [(done, 10) for done in range(4, 11)]
    assert len(list(notes.iterdir())) == 10
    assert whole == run(many, points, local(1), work.noted)
    assert len(list(notes.iterdir())) == 10


def test_any_order_of_completion_gives_the_order_of_the_study(tmp_path: Path) -> None:
    def backwards(does: running.Work, jobs: object) -> running.Results:
        assert isinstance(jobs, list)
        for job in reversed(jobs):
            yield job.point, does(job.probe, job.point)

    assert run(work.study(), tmp_path / "b", backwards) == run(work.study(), tmp_path, local(1))


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_point_that_fails_is_named_and_the_others_are_kept(workers: int, tmp_path: Path) -> None:
    with pytest.raises(EmitError) as refusal:
        run(work.study(), tmp_path, local(workers), work.failing)
    said = str(refusal.value)
    assert "seed-2 fails: ZeroDivisionError: a ball of zero volume" in said
    assert "Finished points are kept" in said
    if workers == 1:
        assert len(list(tmp_path.iterdir())) == 2


def test_a_failure_of_ours_keeps_its_hint() -> None:
    failed = attempt(work.refusing, PROBE, work.study().points[0])
    assert failed == Failure("This cannot be.\nDo something else.")


@pytest.mark.slow
def test_a_killed_worker_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(EmitError, match="A worker process was killed") as refusal:
        run(work.study(), tmp_path, local(2), work.killed)
    assert "Fewer --workers" in str(refusal.value)


@pytest.mark.slow
def test_an_interrupted_pool_stops_in_the_middle_of_its_points(tmp_path: Path) -> None:
    jobs = [Job(work.Probe(str(tmp_path)), point) for point in work.study().points]
    finished = in_processes(work.lasting, jobs, workers=2)
    next(finished)
    wait_until(lambda: len(list(tmp_path.iterdir())) >= 2)
    processes = [int(path.name) for path in tmp_path.iterdir()]
    before = time.monotonic()
    finished.close()
    assert time.monotonic() - before < 10  # a point would take a minute
    assert not any(map(alive, processes))


@pytest.mark.slow
def test_workers_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    script = (
        "import sys; from codegen.flow.local import in_processes; from codegen.flow.running import "
        "Job; from tests.codegen.flow import work; probe = work.Probe(sys.argv[1]); jobs = [Job("
        "probe, point) for point in work.study().points]; "
        "list(in_processes(work.lasting, jobs, workers=2))"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT)
    wait_until(lambda: len(list(tmp_path.iterdir())) >= 2)
    processes = [int(path.name) for path in tmp_path.iterdir()]
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(map(alive, processes)))


def test_no_more_jobs_wait_than_are_asked_for() -> None:
    class Counting:
        submitted = 0

        def __call__(self, job: Job) -> running.Future[running.Outcome]:
            self.submitted += 1
            future: running.Future[running.Outcome] = running.Future()
            future.set_result(Failure(str(job.point.seed)))
            return future

    submit = Counting()
    jobs = [Job(PROBE, point) for point in work.study(10).points]
    seen = 0
    for _ in as_finished(submit, jobs, 3):
        seen += 1
        assert submit.submitted <= seen + 3
    assert seen == submit.submitted == len(jobs)


def test_a_study_without_workers_is_refused() -> None:
    with pytest.raises(EmitError, match="At least one worker"):
        local(0)


def test_a_folder_that_cannot_be_made_is_found_out_first(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmitError, match="cannot be written"):
        run(work.study(), tmp_path / "file", local(1), work.refusing)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    with two_workers() as address:
        yield address


@pytest.mark.slow
@pytest.mark.xdist_group("cluster")
def test_a_cluster_gives_the_same_with_a_worker_killed_in_the_middle(
    cluster: str, tmp_path: Path
) -> None:
    (tmp_path / "notes").mkdir()
    study = work.study(40, str(tmp_path / "notes"))

    def kill(done: int, total: int) -> None:
        if done == 20:
            note = next((tmp_path / "notes").iterdir())
            os.kill(int(note.name.split("-")[2]), signal.SIGKILL)

    killed = run(study, tmp_path / "points", dask(cluster), work.noted, kill)
    notes = [path.name.split("-") for path in (tmp_path / "notes").iterdir()]
    assert len({process for _, _, process, _ in notes}) >= 2
    assert len(notes) <= 80 + 2  # but for what the killed one was at, everything is done once
    assert repr(killed) == repr(run(study, tmp_path / "alone", local(1), work.noted))


@pytest.mark.slow
@pytest.mark.xdist_group("cluster")
def test_a_cluster_that_lacks_a_module_says_so(cluster: str, tmp_path: Path) -> None:
    module = ModuleType("only_here")
    exec("def measured(probe, point): ...", module.__dict__)
    sys.modules["only_here"] = module
    try:
        with pytest.raises(EmitError, match="only_here") as refusal:
            run(work.study(), tmp_path, dask(cluster), module.measured)
    finally:
        del sys.modules["only_here"]
    assert "Install bptt[dask]" in str(refusal.value)


@pytest.mark.slow
@pytest.mark.xdist_group("cluster")
def test_a_point_that_fails_on_a_cluster_is_named(cluster: str, tmp_path: Path) -> None:
    with pytest.raises(EmitError, match="seed-2 fails: ZeroDivisionError"):
        run(work.study(), tmp_path, dask(cluster), work.failing)


@pytest.mark.slow
@pytest.mark.xdist_group("cluster")
def test_a_point_that_kills_its_workers_ends_the_study(cluster: str, tmp_path: Path) -> None:
    with pytest.raises(EmitError, match="killed again and again"):
        run(work.study(), tmp_path, dask(cluster), work.killed)


def test_another_version_on_a_worker_is_refused() -> None:
    found = attempt_there(work.measured, "0.0.0", PROBE, work.study().points[0])
    assert isinstance(found, Failure)
    assert "this is bptt 0.0.0" in found.reason


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("127.0.0.1:1", marks=pytest.mark.slow),
        "nonsense",
        "http://127.0.0.1:80",
        "tcp://127.0.0.1:x",
        "",
    ],
)
def test_an_unreachable_cluster_is_one_message(
    address: str, capfd: pytest.CaptureFixture[str]
) -> None:
    before = time.monotonic()
    with pytest.raises(EmitError, match="No Dask scheduler answers at"):
        dask(address)
    assert time.monotonic() - before < 10
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_port_that_does_not_answer_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        before = time.monotonic()
        with pytest.raises(EmitError, match="No Dask scheduler answers at"):
            dask(f"127.0.0.1:{deaf.getsockname()[1]}")
        assert time.monotonic() - before < 10


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(reached: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.02)
