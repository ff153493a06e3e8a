"""Running a study: what is finished is read, the rest is computed, and each point is kept.

Where a point is computed is a runner's affair; there are two (`codegen.flow.local`,
`codegen.flow.cluster`). Both call the same function with the same point in one thread of linear
algebra, so the values do not depend on where, how many or in which order.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar

from codegen.files import write_files
from codegen.flow.point import Measured, Point, TooLarge
from codegen.flow.store import named, read_points, write_point
from codegen.flow.study import Fingerprinted, Study
from derivations.errors import BpttError, EmitError

Found = TypeVar("Found")

KEPT = "Finished points are kept; the same command goes on from there."


@dataclass(frozen=True)
class Job:
    """A point with the probe it needs."""

    probe: Fingerprinted
    point: Point


@dataclass(frozen=True)
class Failure:
    """Why a point has no values; unlike some exceptions, it travels between processes."""

    reason: str


@dataclass(frozen=True)
class NoValues:
    """Why a network has no values, though nothing went wrong; the others have theirs."""

    reason: str


@dataclass(frozen=True)
class Finished:
    """A study that is done.

    Attributes
    ----------
    results : list of (Point, Measured)
        In the order of the study.
    without : list of (Point, str)
        Networks that have no values, and why.
    """

    results: list[tuple[Point, Measured]]
    without: list[tuple[Point, str]]


#: What is done with a probe at a point; a function of a module, so that it travels by its name.
Work: TypeAlias = Callable[[Any, Point], Measured]
Values: TypeAlias = Measured | NoValues
Outcome: TypeAlias = Values | Failure
Results: TypeAlias = Generator[tuple[Point, Values], None, None]
#: Yields points with their values as they are finished; ends its work when it is closed.
Runner: TypeAlias = Callable[[Work, Sequence[Job]], Results]
#: Is told how many points are finished, of how many.
Progress: TypeAlias = Callable[[int, int], None]


def run_study(
    study: Study, folder: Path, work: Work, runner: Runner, progress: Progress
) -> Finished:
    """Return what is measured at each point, in the order of the study.

    A network without values is no obstacle for the others, and is tried again the next time.

    Parameters
    ----------
    study : Study
    folder : Path
        Where finished points are, and are put.
    work : callable
        Called with a probe and a point where that is not finished yet.
    runner : callable
    progress : callable
        Called at the start, and after every point.

    Raises
    ------
    EmitError
        When a finished point is damaged, a point fails, or the folder cannot be written.
    """
    write_files(folder, {})  # a folder that cannot be made is found out before the work
    found = read_points(folder, study)
    progress(len(found), len(study.points))
    without: dict[Point, str] = {}
    jobs = [Job(study.probe(point), point) for point in study.points if point not in found]
    if jobs:
        # Closed whatever happens, so that an interrupt leaves no process behind.
        with closing(runner(work, jobs)) as finished:
            for point, values in finished:
                if isinstance(values, NoValues):
                    without[point] = values.reason
                else:
                    write_point(folder, point, study.probe(point), values)
                    found[point] = values
                progress(len(found) + len(without), len(study.points))
    return Finished(
        [(point, found[point]) for point in study.points if point in found],
        [(point, without[point]) for point in study.points if point in without],
    )


def attempt(work: Work, probe: Any, point: Point) -> Outcome:
    """Return the values of a point, or why there are none."""
    try:
        return work(probe, point)
    except TooLarge as error:
        return NoValues(str(error))
    except BpttError as error:
        return Failure(str(error))
    except Exception as error:
        return Failure(f"{type(error).__name__}: {error}")


def attempt_alone(work: Work, probe: Any, point: Point) -> Outcome:
    """Do the same in a process that does nothing else: from now on in one thread."""
    use_one_thread()
    return attempt(work, probe, point)


@cache
def use_one_thread() -> None:
    """Keep linear algebra in this process to one thread: sums then have one order."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)


def values_of(point: Point, outcome: Outcome) -> Values:
    """Return the values; a failure becomes the message of the whole study.

    Raises
    ------
    EmitError
    """
    if isinstance(outcome, Failure):
        raise EmitError(f"{named(point)} fails: {outcome.reason}", hint=KEPT)
    return outcome


def as_finished(
    submit: Callable[[Job], Future[Found]], jobs: Sequence[Job], most: int
) -> Iterator[tuple[Point, Found]]:
    """Yield outcomes as they come, with so many jobs submitted at a time.

    Parameters
    ----------
    submit : callable
    jobs : sequence of Job
    most : int
        A million jobs at once would be a million messages that wait.

    Raises
    ------
    Exception
        What a future holds instead of an outcome.
    """
    done: SimpleQueue[tuple[Point, Future[Found]]] = SimpleQueue()

    def start(job: Job) -> None:
        submit(job).add_done_callback(lambda future: done.put((job.point, future)))

    waiting = iter(jobs)
    for job in islice(waiting, most):
        start(job)
    for _ in jobs:
        point, future = done.get()
        outcome = future.result()
        for job in islice(waiting, 1):
            start(job)
        yield point, outcome
