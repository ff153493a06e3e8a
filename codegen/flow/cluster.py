"""Points on a Dask cluster that runs already."""

from __future__ import annotations

import asyncio
import logging
import pickle
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from functools import cache, partial
from typing import Any

from codegen.build import version
from codegen.flow.point import Point
from codegen.flow.running import (
    KEPT,
    Failure,
    Job,
    Outcome,
    Results,
    Runner,
    Work,
    as_finished,
    attempt_alone,
    values_of,
)
from derivations.errors import EmitError

#: Seconds in which a scheduler answers.
PATIENCE = 5
#: So many points are on the cluster at a time: enough for a large one, and few to cancel.
OUTSTANDING = 512


def dask(address: str) -> Runner:
    """Return a runner on the cluster whose scheduler has this address.

    Raises
    ------
    EmitError
        When the extra is not installed, or no scheduler answers there.
    """
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise EmitError(
            "A cluster needs the package distributed.", hint="Install it: pip install 'bptt[dask]'."
        ) from None
    for name in ("distributed", "distributed.client", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # its failures are told in our words
    _check_scheduler(address)
    return partial(on_cluster, address=address)


def on_cluster(work: Work, jobs: Sequence[Job], address: str) -> Results:
    """Yield points as the workers of a cluster finish them.

    Raises
    ------
    EmitError
        When a point fails, the workers have not what they need, or the cluster is gone.
    """
    from distributed import Client

    with Client(address, timeout=PATIENCE, set_as_default=False) as client:
        if not client.scheduler_info()["workers"]:
            print("bptt: The scheduler has no workers yet; waiting for them.", file=sys.stderr)
        # A probe is sent once. As the result of a task, it is made again where a worker dies.
        probes = {
            pair: client.submit(bytes, pickle.dumps(probe), pure=False)
            for pair, probe in {_pair(job): job.probe for job in jobs}.items()
        }
        carried, executor = _carried(), client.get_executor(pure=False)

        def submit(job: Job) -> Future[Outcome | str]:
            call = pickle.dumps((attempt_there, work, version(), job.point))
            future: Future[Outcome | str] = executor.submit(carried, call, probes[_pair(job)])
            return future

        try:
            for point, outcome in as_finished(submit, jobs, OUTSTANDING):
                if isinstance(outcome, str):
                    raise ImportError(outcome)
                yield point, values_of(point, outcome)
        except EmitError:
            raise
        except Exception as error:
            raise _in_our_words(error, address) from None
        finally:
            executor.shutdown(wait=False)


def attempt_there(work: Work, wanted: str, probe: Any, point: Point) -> Outcome:
    """Do a job on a worker, if that has the same program."""
    if _version() != wanted:
        return Failure(f"a worker has bptt {_version()}, and this is bptt {wanted}.")
    return attempt_alone(work, probe, point)


_version = cache(version)


def _carried() -> Callable[[bytes, bytes], Outcome | str]:
    """Return what a worker calls.

    A function inside of another travels as it stands. One that travels by its name would have to be
    importable by the scheduler, too, and a worker that cannot import it would only fall silent.
    """

    def there(call: bytes, probe: bytes) -> Outcome | str:
        from pickle import loads

        try:
            attempt, work, wanted, point = loads(call)
            found: Outcome = attempt(work, wanted, loads(probe), point)
        except ImportError as error:
            return str(error)
        return found

    return there


def _pair(job: Job) -> tuple[str, str]:
    return job.point.cell, job.point.activation


def _check_scheduler(address: str) -> None:
    """Ask the scheduler who it is: a client alone takes long to give up, and is not quiet."""
    try:
        asyncio.run(asyncio.wait_for(_identity(address), PATIENCE))
    except Exception as error:  # distributed raises whatever an address leads to
        said = f": {error}" if isinstance(error, ValueError) else ""
        raise EmitError(
            f"No Dask scheduler answers at {address}{said}.",
            hint="An address is like tcp://10.0.0.1:8786; `dask scheduler` prints its own.",
        ) from None


async def _identity(address: str) -> None:
    from distributed import Security
    from distributed.core import rpc

    security = Security().get_connection_args("client")
    async with rpc(address, timeout=PATIENCE, connection_args=security) as scheduler:
        await scheduler.identity()


def _in_our_words(error: Exception, address: str) -> EmitError:
    from distributed import KilledWorker

    if isinstance(error, ImportError):
        return EmitError(
            f"A worker of the cluster at {address} lacks something: {error}.",
            hint=f"Install bptt[dask] {version()} on all of them. {KEPT}",
        )
    if isinstance(error, KilledWorker):
        return EmitError(
            f"Workers at {address} were killed again and again, perhaps for want of memory.",
            hint=KEPT,
        )
    if isinstance(error, CancelledError):
        return EmitError(f"The cluster at {address} does not answer any more.", hint=KEPT)
    return EmitError(f"The cluster at {address} fails: {error}", hint=KEPT)
