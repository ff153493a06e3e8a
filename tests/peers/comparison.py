"""The emitted modules, the arrays drawn for them, and how far their numbers are from a peer's."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import count
from types import ModuleType

import numpy as np

from codegen.build import STYLES, emit_source
from codegen.gradcheck.module import Arrays, default_sizes, draw_arrays, module_from_source
from derivations import Model, derive
from derivations.library import cell_text

#: By E and each gradient, relative to the largest entry of the peer's array.
TOLERANCE = 1e-10

#: What has no gradient in an emitted module: the targets, and the gradient of an unspecified loss.
TARGETS = frozenset({"y", "dE_dy_hat"})

#: A loss and its gradients by name.
Result = tuple[float, Arrays]

Sizes = dict[str, int]

#: Sizes of the axes, from those that `default_sizes` gives, which all differ.
DRAWS: dict[str, Callable[[Sizes], Sizes]] = {
    "all-different": lambda sizes: sizes,
    # A softmax of one class is constant, so here many a gradient is zero; hence the draw after it.
    "all-one": lambda sizes: dict.fromkeys(sizes, 1),
    "one-step-one-sequence": lambda sizes: {**sizes, "T": 1, "B": 1},
    "larger": lambda sizes: {**dict(zip(sizes, count(11), strict=False)), "T": 9, "B": 5},
}


@cache
def emitted(cell: str) -> dict[str, ModuleType]:
    """Return the emitted module of a cell in every style."""
    derivation = derive(Model.read(cell_text(cell)))
    return {
        style: module_from_source(emit_source(derivation, cell, style), f"{cell} ({style})")
        for style in STYLES
    }


def drawn(
    cell: str, draw: str, equal_sizes: Callable[[ModuleType], list[str]] = lambda module: []
) -> tuple[Arrays, Arrays]:
    """Return parameters and data; the sizes that a peer needs to be equal are made so."""
    module = next(iter(emitted(cell).values()))
    sizes = DRAWS[draw](default_sizes(module))
    equal = equal_sizes(module)
    sizes.update((size, sizes[equal[0]]) for size in equal)
    arrays = draw_arrays(module, sizes, seed=list(DRAWS).index(draw))
    return (
        {name: arrays[name] for name in module.PARAMS},
        {name: arrays[name] for name in module.DATA},
    )


def relative_errors(found: Result, expected: Result) -> dict[str, float]:
    """Return the error of E and of each gradient; infinite where only one side is zero.

    Raises
    ------
    AssertionError
        When names or shapes differ.
    """
    value, gradients = found
    peer_value, peer_gradients = expected
    assert gradients.keys() == peer_gradients.keys(), gradients.keys() ^ peer_gradients.keys()
    errors = {"E": _relative_error(np.asarray(value), np.asarray(peer_value), 0.0)}
    for name, gradient in gradients.items():
        assert gradient.shape == peer_gradients[name].shape, name
        errors[name] = _relative_error(gradient, peer_gradients[name], 1e-14 * abs(peer_value))
    return errors


def _relative_error(found: np.ndarray, expected: np.ndarray, floor: float) -> float:
    scale = float(np.abs(expected).max())
    if scale == 0:
        return 0.0 if np.abs(found).max() <= floor else float("inf")
    return float(np.abs(found - expected).max()) / scale
