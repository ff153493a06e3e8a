"""Our own C, emitted and compiled for this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.cells import Arrays, Size, draw, text_of
from codegen.build import emit_c
from codegen.gradcheck import load_module
from codegen.targets.c.binding import build_binding
from derivations import Model, derive


def make(cell: str, size: Size, products: str = "own") -> Callable[[], Arrays]:
    """Return what computes every parameter's gradient once; `products` is ``own`` or ``cblas``."""
    files = emit_c(derive(Model.read(text_of(cell))), cell, "fast", "parameters")
    with tempfile.TemporaryDirectory() as folder:
        module = load_module(build_binding(files, Path(folder), cblas=products == "cblas"))
    params, data = draw(cell, size)
    compute = module.prepare(params, data)

    def run() -> Arrays:
        _, gradients = compute()
        return {name: gradients[name] for name in params}

    return run
