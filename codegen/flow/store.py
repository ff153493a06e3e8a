"""Finished points on disk: one file each, whole or not at all, and never one of another program.

A file is called after its point and after a digest of all that the values depend on: the point, the
probe and the version of what is measured. So a study that has changed finds no file, instead of one
that it must not use.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from codegen.files import write_files
from codegen.flow.point import MEASURED, Measured, Point
from codegen.flow.study import Fingerprinted, Study
from derivations.errors import EmitError

#: Counts up whenever the same point and probe would give other values, or another file.
VERSION = 1
#: Of more damaged files than this, a message names no more.
MOST_NAMED = 5


def read_points(folder: Path, study: Study) -> dict[Point, Measured]:
    """Return the points of a study that are finished; what else is in the folder does not matter.

    Raises
    ------
    EmitError
        When files are damaged; it names them, and nothing is changed.
    """
    found: dict[Point, Measured] = {}
    damaged: dict[Path, str] = {}
    digests = {pair: digest_of(probe) for pair, probe in study.probes.items()}
    for point in study.points:
        digest = digests[point.cell, point.activation]
        path = folder / file_name(point, digest)
        try:
            found[point] = decoded(path.read_bytes(), point, digest)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            damaged[path] = error.strerror or "it cannot be read"
        except ValueError as error:
            damaged[path] = str(error)
    if damaged:
        _refuse(damaged, len(found))
    return found


def write_point(folder: Path, point: Point, probe: Fingerprinted, measured: Measured) -> None:
    """Write what was measured at a point; the file appears whole or not at all.

    Raises
    ------
    EmitError
        When the folder cannot be written.
    """
    digest = digest_of(probe)
    write_files(folder, {file_name(point, digest): encoded(point, digest, measured)})


def digest_of(probe: Fingerprinted) -> str:
    """Return a digest of the emitted source that is measured."""
    return hashlib.sha256(probe.fingerprint.encode()).hexdigest()


def named(point: Point) -> str:
    """Return what a point is called in messages and in names of files.

    Examples
    --------
    >>> from codegen.flow.point import Settings
    >>> named(Point("rnn", "tanh", "gaussian", "gain", 1.25, 3, Settings()))
    'rnn-tanh-gaussian-gain-1.25-seed-3'
    """
    words = (point.cell, point.activation, point.initialisation, point.scale, f"{point.value:g}")
    return "-".join((*filter(None, words), "seed", str(point.seed)))


def file_name(point: Point, digest: str) -> str:
    """Return the name of the file of a point and a probe with this digest."""
    key = _digest_of_json({"version": VERSION, "point": point.as_json(), "probe": digest})
    return f"{named(point)[-120:]}-{key[:12]}.json"  # a file system takes no longer names than 255


def encoded(point: Point, digest: str, measured: Measured) -> str:
    """Return the text of a file."""
    values = {name: _plain(getattr(measured, name)) for name in MEASURED}
    record = {"version": VERSION, "point": point.as_json(), "probe": digest, "measured": values}
    return json.dumps({**record, "checksum": _digest_of_json(record)}) + "\n"


def decoded(content: bytes, point: Point, digest: str) -> Measured:
    """Return what a file holds, to the last digit.

    Raises
    ------
    ValueError
        With what is wrong, when it is not what `encoded` wrote for this point and probe.
    """
    try:
        record = json.loads(content.decode())
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(record, dict):
        raise ValueError("it holds no record")
    missing = [name for name in ("version", "point", "probe", "measured") if name not in record]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    checksum = record.pop("checksum", None)
    if checksum != _digest_of_json(record):
        raise ValueError("its checksum is wrong")
    wanted = {"version": VERSION, "point": point.as_json(), "probe": digest}
    if {name: record[name] for name in wanted} != wanted:
        raise ValueError("it belongs to another point")
    return _measured(record["measured"], point.settings.steps)


def _measured(values: Any, steps: int) -> Measured:
    try:
        found = Measured(**{name: _frozen(value) for name, value in values.items()})
        lengths = [len(getattr(found, name)) for name in ("norms", "bounds", "terms", "inputs")]
        right = lengths == [steps + 1, steps + 1, steps, steps]
        right = right and len(found.carry) in (0, steps + 1)
    except (AttributeError, TypeError, ValueError, OverflowError):
        raise ValueError("its values are not those that are measured") from None
    if not right:
        raise ValueError(f"its values are not those of {steps} steps")
    return found


def _plain(value: Any) -> Any:
    """Return a value as JSON holds it: −∞ is null, and what JSON has not either is a word."""
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    if value == float("-inf"):
        return None
    return float(value) if isfinite(value) else str(float(value))


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(entry) for entry in value)
    return float("-inf") if value is None else float(value)


def _digest_of_json(value: Any) -> str:
    """Return a digest that does not depend on the order of keys, nor on white space."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _refuse(damaged: Mapping[Path, str], kept: int) -> None:
    lines = [f"{path}: {reason}." for path, reason in list(damaged.items())[:MOST_NAMED]]
    more = len(damaged) - len(lines)
    files = "1 file is" if len(damaged) == 1 else f"{len(damaged)} files are"
    raise EmitError(
        "\n".join([f"{files} damaged.", *lines, *([f"And {more} more."] if more else [])]),
        hint=f"The other {kept} finished points are kept. Delete what is damaged; it is then "
        "computed again.",
    )
