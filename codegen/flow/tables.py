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
from codegen.flow.groups import Groups, Results, grouped, in_order, settings_of
from codegen.flow.point import MEASURED, Measured, Point
from codegen.flow.summary import QUANTILES, quantile_curves

#: What each column of a file says.
POINT_COLUMNS: Mapping[str, str] = {
    "cell": "name of the model",
    "activation": "what σ is; empty where the model says it",
    "initialisation": "how recurrent matrices are drawn",
    "scale": "gain, or spectral radius",
    "value": "of the gain, or of the spectral radius",
    "seed": "everything drawn is drawn from it",
    "radius": "spectral radius of the first square recurrent matrix",
    "stretch": "largest singular value of that matrix",
    "gradient": "lg ‖∂E_T/∂W‖",
    "norm": "lg ‖∂s_T/∂s_0‖₂",
    "bound": "lg of the bound on it",
    "exponent": "largest Lyapunov exponent, natural logarithm a step",
    "violations": "distances at which a norm exceeds its bound",
}
#: The columns of ``study.csv`` that say which group, and how far back.
GROUP_COLUMNS = ("cell", "activation", "initialisation", "scale", "value", "distance")
#: What ``study.csv`` holds of each group and distance, with quantiles over seeds.
CURVES: Mapping[str, str] = {
    "norm": "lg ‖∂s_T/∂s_{T−d}‖₂",
    "bound": "lg of the bound on it",
    "carry": "lg of the norm of the product of the carry gates alone",
    "term": "lg ‖∂E_T/∂s_{T−d} ∂⁺s_{T−d}/∂W‖",
    "clipped": "lg of that term once ‖∂E_T/∂W‖ is clipped",
    "share": "lg of the term's share in the sum of the sizes of all",
    "input": "lg of ‖∂E_T/∂x_{T−d}‖ / ‖∂E_T/∂x_T‖",
}
#: How ``study.json`` is read.
ABOUT: Mapping[str, str] = {
    "null": "−∞, the logarithm of zero",
    "Infinity": "as a string, in bounds: there is no bound",
    "norms, bounds, carry, terms, inputs, gradient": "decimal logarithms",
    "exponents": "natural logarithms a step, the largest first",
    "order": "by the distance d = T − k, from d = 0",
}


def table_files(results: Results) -> dict[str, bytes]:
    """Return ``points.csv``, ``study.csv`` and ``study.json``.

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
    ['points.csv', 'study.csv', 'study.json']
    """
    limit = settings_of(results).clip
    groups = grouped(results)
    texts = {
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

    After `GROUP_COLUMNS` stand, for each of `CURVES`, the quantiles: ``norm_10``, ``norm_50`` and
    ``norm_90`` are the 10 %, 50 % and 90 % quantiles. A cell is empty where there is no value.

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
    ['distance', 'norm_10', 'norm_50']
    """
    names = [f"{curve}_{100 * quantile:g}" for curve in CURVES for quantile in quantiles]
    return _csv((*GROUP_COLUMNS, *names), _study_rows(groups, limit, quantiles))


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
