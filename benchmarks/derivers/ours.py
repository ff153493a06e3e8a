"""Derived, proven and emitted as NumPy (fast): one module for every T and n."""

from __future__ import annotations

from benchmarks.cells import text_of
from codegen.build import emit_source
from derivations import Model, derive, prove


def gradient_code(cell: str, T: int, n: int) -> str:
    """Return the code of the gradient; steps and sizes stay symbols, whatever they are."""
    derivation = prove(derive(Model.read(text_of(cell))))
    return emit_source(derivation, cell, "fast", gradients="parameters")
