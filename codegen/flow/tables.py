"""The numbers of a study as files that other programs read: CSV and strict JSON.

Floats are written with the digits that give the same float back. A size of zero has the logarithm
−∞: ``-inf`` in CSV, as NumPy and pandas read it, and ``null`` in JSON, which has no infinity.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from itertools import zip_longest
from typing import Any

from codegen.flow import summary
from codegen.flow.columns import (
    ABOUT,
    GROUP_COLUMNS,
    POINT_COLUMNS,
    columns_markdown,
    quantile_columns,
)
from codegen.flow.groups import Groups, Results, grouped, in_order, settings_of
from codegen.flow.point import MEASURED, Measured, Point
from codegen.flow.summary import QUANTILES, quantile_curves


def table_files(results: Results) -> dict[str, bytes]:
    """Return ``points.csv``, ``study.csv``, ``study.json`` and ``columns.md``, which explains them.

    Parameters
    ----------
    results : sequence of (Point, Measured)

    Raises
    ------
    EmitError
        When the results are no study: none at all, with several settings, or with a value that is
        no number.

    Examples
    --------
    >>> from codegen.flow.point import Point, Settings
    >>> found = Measured((0.0, 0.3), (0.0, 0.3), (), (-1.0,), (-2.0,), -1.0, (0.7,), (), 2.0, 2.0)
    >>> point = Point("rnn", "tanh", "gaussian", "gain", 2.0, 0, Settings(steps=1))
    >>> sorted(table_files([(point, found)]))
    ['columns.md', 'points.csv', 'study.csv', 'study.json']
    """
    limit = settings_of(results).clip
    groups = grouped(results)
    texts = {
        "columns.md": columns_markdown(),
        "points.csv": points_csv(results),
        "study.csv": study_csv(groups, limit),
        "study.json": study_json(results),
    }
    # A name that no encoding has, such as half of a pair of UTF-16, is spelt out.
    return {name: text.encode("utf-8", "backslashreplace") for name, text in texts.items()}


def points_csv(results: Results) -> str:
    """Return a row for every network, with the columns of `POINT_COLUMNS`.

    Examples
    --------
    >>> points_csv([]).split(",")[:3]
    ['cell', 'activation', 'initialisation']
    """
    return _csv(
        POINT_COLUMNS,
        (
            (
                point.cell,
                point.activation,
                point.initialisation,
                point.scale,
                point.value,
                point.seed,
                point.settings.steps,
                point.settings.size,
                point.settings.input_scale,
                point.settings.clip,
                ",".join(f"{name}={value}" for name, value in point.settings.biases),
                measured.radius,
                measured.stretch,
                measured.gradient,
                measured.norms[-1],
                measured.bounds[-1],
                *(summary.largest_exponent(measured) or ("",)),
                summary.violations([measured]),
            )
            for point, measured in in_order(results)
        ),
    )


def study_csv(groups: Groups, limit: float, quantiles: Sequence[float] = QUANTILES) -> str:
    """Return a row for every group and distance, with quantiles over the networks of the group.

    After `GROUP_COLUMNS` stand the quantiles: ``lg_norm_q10``, ``lg_norm_q50`` and ``lg_norm_q90``
    are the 10 %, 50 % and 90 % quantiles. A cell is empty where there is no value.

    Parameters
    ----------
    groups : mapping of Group to sequence of Measured
    limit : float
        The norm that clipping leaves of a longer gradient.
    quantiles : sequence of float
        Between 0 and 1.

    Examples
    --------
    >>> study_csv({}, 1.0).split(",")[5:8]
    ['distance', 'lg_norm_q10', 'lg_norm_q50']
    """
    return _csv(
        (*GROUP_COLUMNS, *quantile_columns(quantiles)), _study_rows(groups, limit, quantiles)
    )


def study_json(results: Results) -> str:
    """Return the settings, and every network with all that was measured; a line a network.

    Examples
    --------
    >>> from codegen.flow.point import Point, Settings
    >>> found = Measured((0.0, -math.inf), (0.0, 0.3), (), (), (), -1.0, (), (), 2.0, 2.0)
    >>> point = Point("rnn", "tanh", "gaussian", "gain", 2.0, 0, Settings(steps=1))
    >>> json.loads(study_json([(point, found)]))["points"][0]["norms"]
    [0.0, None]
    """
    settings_of(results)
    points = [_point(point, measured) for point, measured in in_order(results)]
    settings = results[0][0].as_json()["settings"]
    parts = {
        "about": _json(ABOUT),
        "settings": _json(settings),
        "points": "[\n" + ",\n".join(map(_json, points)) + "\n]",
    }
    return "{\n" + ",\n".join(f'"{name}": {text}' for name, text in parts.items()) + "\n}\n"


def _study_rows(
    groups: Groups, limit: float, quantiles: Sequence[float]
) -> Iterator[Sequence[object]]:
    what: tuple[Callable[[Measured], Sequence[float]], ...] = (
        summary.norms,
        summary.bounds,
        summary.carry,
        summary.terms,
        lambda measured: summary.clipped(measured, limit),
        summary.shares,
        summary.inputs,
    )
    for group, measured in groups.items():
        curves = [
            row
            for quantity in what
            for row in quantile_curves(measured, quantity, quantiles).tolist()
        ]
        # Norms have a distance more than terms: that of the first state, where d = T.
        for distance, row in enumerate(zip_longest(*curves, fillvalue="")):
            yield (*astuple(group), distance, *row)


def _csv(columns: Iterable[str], rows: Iterable[Sequence[object]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return stream.getvalue()


def _point(point: Point, measured: Measured) -> dict[str, Any]:
    """Return all of a network but the settings, which stand once for all."""
    said = {name: value for name, value in point.as_json().items() if name != "settings"}
    return said | {name: getattr(measured, name) for name in MEASURED}


def _json(value: object) -> str:
    return json.dumps(_strict(value), ensure_ascii=False, allow_nan=False)


def _strict(value: object) -> object:
    """Return a value without infinity, which JSON lacks."""
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else None
    if isinstance(value, Mapping):
        return {name: _strict(part) for name, part in value.items()}
    return [_strict(part) for part in value] if isinstance(value, list | tuple) else value
