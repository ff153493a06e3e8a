"""Emitted files → a Python module that calls the compiled functions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from codegen.targets.c.compiler import find_compiler


def build_binding(
    files: Mapping[str, str], folder: Path, *, cblas: bool = False, flags: tuple[str, ...] = ()
) -> Path:
    """Write the emitted files into a folder, compile both precisions; return the Python module.

    Raises
    ------
    EmitError
        When there is no compiler, it fails, or no CBLAS is installed where one is wanted.
    """
    compiler = find_compiler(cblas=cblas)
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    source = next(folder / name for name in files if name.endswith(".c"))
    for precision, own in (("double", ()), ("single", (f"-D{source.stem.upper()}_SINGLE",))):
        out = folder / f"{source.stem}_{precision}.so"
        compiler.library(source, out, (*flags, *own))
    return source.with_suffix(".py")
