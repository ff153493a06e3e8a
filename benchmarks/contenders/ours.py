"""Our own emitted modules."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.cells import Arrays, Size, draw, text_of
from codegen.build import emit_source
from codegen.gradcheck.module import module_from_source
from derivations import Model, derive


def make(cell: str, size: Size, style: str = "fast") -> Callable[[], Arrays]:
    """Return what computes every parameter's gradient once."""
    derivation = derive(Model.read(text_of(cell)))
    module = module_from_source(emit_source(derivation, cell, style, gradients="parameters"))
    params, data = draw(cell, size)

    def run() -> Arrays:
        _, gradients = module.value_and_grad(params, data)
        return {name: gradients[name] for name in params}

    return run
