"""The library: the cells that come with the project, one text file of forward equations each."""

from __future__ import annotations

from importlib import resources

from derivations.errors import ModelError
from derivations.model import Model


def cell_names() -> tuple[str, ...]:
    """Return the names of the library's cells, sorted.

    Examples
    --------
    >>> {"gru", "lstm", "rnn"} <= set(cell_names())
    True
    """
    files = resources.files("derivations").joinpath("cells").iterdir()
    return tuple(sorted(f.name.removesuffix(".md") for f in files if f.name.endswith(".md")))


def cell_text(name: str) -> str:
    """Return the forward equations of a cell of the library.

    Raises
    ------
    ModelError
        When the library has no such cell.
    """
    if name not in cell_names():
        raise ModelError(
            f"The library has no cell {name!r}.", hint=f"It has {', '.join(cell_names())}."
        )
    return resources.files("derivations").joinpath(f"cells/{name}.md").read_text("utf-8")


def cell(name: str, activation: str | None = None) -> Model:
    """Return a model of the library.

    Examples
    --------
    >>> cell("rnn").states[0].name
    'h'
    """
    return Model.read(cell_text(name), activation)
