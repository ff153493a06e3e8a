"""Cells that are emitted in C and compiled, once a run for each choice."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from codegen.build import emit_c
from codegen.gradcheck import load_module
from codegen.targets.c.binding import build_binding
from derivations import Derivation
from tests.emitted import derived

needs_a_compiler = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="there is no C compiler"
)
#: Optimised code of one precision takes a second or two to compile.
QUICK = ("-O0",)


@cache
def built(name: str, style: str = "fast", flags: tuple[str, ...] = QUICK) -> ModuleType:
    """Return the binding of a cell, or of one of `tests.emitted.TEXTS`."""
    return compiled(derived(name), style, flags=flags)


def compiled(
    derivation: Derivation,
    style: str = "fast",
    gradients: str = "all",
    *,
    flags: tuple[str, ...] = QUICK,
    cblas: bool = False,
) -> ModuleType:
    """Return the binding of a model; what is loaded needs its files no more."""
    with tempfile.TemporaryDirectory() as folder:
        files = emit_c(derivation, "cell", style, gradients)
        return load_module(build_binding(files, Path(folder), cblas=cblas, flags=flags))
