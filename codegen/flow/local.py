"""Points on the cores of this machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Lock, Thread
from typing import Any

from codegen.flow.point import Point
from codegen.flow.running import (
    KEPT,
    Job,
    Outcome,
    Results,
    Runner,
    Work,
    as_finished,
    attempt,
    attempt_alone,
    values_of,
)
from derivations.errors import EmitError

#: So many jobs a worker wait in the queue, so that none waits for the next one.
QUEUED = 4
#: Seconds that a worker without a parent waits for something to compute.
PATIENCE = 5


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def local(workers: int) -> Runner:
    """Return a runner with so many processes; one is this process itself.

    Raises
    ------
    EmitError
        When there is none.
    """
    if workers < 1:
        raise EmitError(f"At least one worker is needed, not {workers}.")
    return in_this_process if workers == 1 else partial(in_processes, workers=workers)


def in_this_process(work: Work, jobs: Sequence[Job]) -> Results:
    """Yield the values of one point after the other.

    Raises
    ------
    EmitError
        When a point fails.
    """
    from threadpoolctl import threadpool_limits

    for job in jobs:
        with threadpool_limits(1):  # and as before for who takes the values
            outcome = attempt(work, job.probe, job.point)
        yield job.point, values_of(job.point, outcome)


def in_processes(work: Work, jobs: Sequence[Job], workers: int) -> Results:
    """Yield points as worker processes finish them.

    Raises
    ------
    EmitError
        When a point fails, or a worker dies.
    """
    count = min(workers, len(jobs))
    context = get_context("spawn")  # a fork would copy the thread of a progress bar as it stands
    watched, held = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(count, context, initializer=_begin, initargs=(watched,))

    def submit(job: Job) -> Future[Outcome]:
        with _interrupts_held():  # workers start here, and take over what is held
            return pool.submit(_attempt_watched, work, job.probe, job.point)

    try:
        for point, outcome in as_finished(submit, jobs, QUEUED * count):
            yield point, values_of(point, outcome)
    except BrokenProcessPool:
        raise EmitError(
            "A worker process was killed, perhaps for want of memory.",
            hint=f"{KEPT} Fewer --workers need less memory.",
        ) from None
    finally:
        held.close()  # after an interrupt, what is still computed is not wanted any more
        pool.shutdown(cancel_futures=True)
        watched.close()


#: Held by a worker but while it computes. A worker that ended in the middle of an answer would
#: leave its parent waiting for the rest of it.
_answering = Lock()


def _begin(watched: Connection) -> None:
    """Prepare a worker: interrupts are its parent's affair, and it does not outlive that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _answering.acquire()
    Thread(target=_end_with, args=(watched,), daemon=True).start()


def _end_with(watched: Connection) -> None:
    """End this process when the parent has closed its end, or is no more."""
    with suppress(EOFError):
        watched.recv()
    _answering.acquire(timeout=PATIENCE)
    os._exit(1)


def _attempt_watched(work: Work, probe: Any, point: Point) -> Outcome:
    _answering.release()
    try:
        return attempt_alone(work, probe, point)
    finally:
        _answering.acquire()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
