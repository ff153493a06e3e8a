"""Pictures of a study, as SVG and PNG; equal studies give equal bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from codegen.flow.figures.compare import compare_figure
from codegen.flow.figures.distances import inputs_figure, norms_figure
from codegen.flow.figures.eigenvalues import eigenvalues_figure
from codegen.flow.figures.exponents import exponents_figure
from codegen.flow.figures.heat import heat_figure
from codegen.flow.figures.shares import shares_figure
from codegen.flow.figures.style import figure_bytes
from codegen.flow.groups import Group, Groups, Results, grouped, settings_of
from codegen.flow.point import Measured

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure_files(results: Results) -> dict[str, bytes]:
    """Return all figures of a study, by file name.

    Each cell with each activation has figures of its own, such as ``rnn-tanh-norms.svg``; where a
    study has several, ``compare.svg`` shows them beside each other.

    Parameters
    ----------
    results : sequence of (Point, Measured)

    Raises
    ------
    EmitError
        When Matplotlib is not installed, or the results are no study.

    Examples
    --------
    >>> figure_files([])
    {}
    """
    groups = grouped(results)
    if not groups:
        return {}
    limit = settings_of(results).clip
    return {
        f"{name}.{ending}": content
        for name, figure in _figures(groups, limit)
        for ending, content in figure_bytes(figure).items()
    }


def file_stems(names: Sequence[Sequence[str]]) -> list[str]:
    """Return what file names start with, for names that may hold anything; all are different.

    Examples
    --------
    >>> file_stems([("rnn", "tanh"), ("lstm", ""), ("a/b", ""), ("a:b", "")])
    ['rnn-tanh', 'lstm', 'a-b', 'a-b-2']
    """
    found: list[str] = []
    taken: set[str] = set()
    for parts in names:
        stem = "-".join(filter(None, (re.sub(r"\W+", "-", part).strip("-") for part in parts)))
        candidate, count = stem or "cell", 1
        # Some file systems do not tell capitals apart.
        while candidate.casefold() in taken:
            count += 1
            candidate = f"{stem or 'cell'}-{count}"
        taken.add(candidate.casefold())
        found.append(candidate)
    return found


def _figures(groups: Groups, limit: float) -> Iterator[tuple[str, Figure]]:
    """Give each figure with its name, one at a time: together they would be large."""
    scales = list(dict.fromkeys(group.scale for group in groups))
    families = _families(groups)
    stems = file_stems([family if len(scales) > 1 else family[:2] for family in families])
    for stem, family in zip(stems, families.values(), strict=True):
        yield f"{stem}-norms", norms_figure(family)
        yield f"{stem}-heat", heat_figure(family)
        yield f"{stem}-shares", shares_figure(family, limit)
        yield f"{stem}-inputs", inputs_figure(family)
        for name, found in (
            ("eigenvalues", eigenvalues_figure(family)),
            ("exponents", exponents_figure(family)),
        ):
            if found is not None:
                yield f"{stem}-{name}", found
    for scale in scales:
        cells = {family[:2]: found for family, found in families.items() if family[2] == scale}
        if len(cells) > 1:
            yield "compare" if len(scales) == 1 else f"compare-{scale}", compare_figure(cells)


def _families(groups: Groups) -> dict[tuple[str, str, str], Groups]:
    """Return the groups by cell, activation and scale: what one figure shows."""
    found: dict[tuple[str, str, str], dict[Group, Sequence[Measured]]] = {}
    for group, measured in groups.items():
        family = (group.cell, group.activation, group.scale)
        found.setdefault(family, {})[group] = measured
    return dict(found)


__all__ = [
    "compare_figure",
    "eigenvalues_figure",
    "exponents_figure",
    "figure_files",
    "file_stems",
    "heat_figure",
    "inputs_figure",
    "norms_figure",
    "shares_figure",
]
