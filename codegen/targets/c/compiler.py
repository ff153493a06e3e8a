"""C source → shared libraries, with the system's compiler."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from derivations.errors import EmitError

#: What every build is made with; the emitted code has no warnings.
FLAGS = ("-std=c99", "-O3", "-ffp-contract=fast", "-Wall", "-Wextra", "-Werror", "-pedantic")
#: What makes it faster, where the compiler knows it.
OPTIONAL = ("-march=native", "-fopenmp")
COMPILERS = ("cc", "gcc", "clang")


@dataclass(frozen=True)
class Compiler:
    """A compiler and what it is called with.

    Attributes
    ----------
    command : tuple of str
        The compiler and its flags.
    libraries : tuple of str
        What is linked.
    """

    command: tuple[str, ...]
    libraries: tuple[str, ...] = ("-lm",)

    def library(self, source: Path, out: Path, flags: Sequence[str] = ()) -> None:
        """Compile a source to a shared library.

        Raises
        ------
        EmitError
            When the compiler fails; the message holds what it said.
        """
        call = [*self.command, *flags, "-fPIC", "-shared", str(source), "-o", str(out)]
        done = _run([*call, *self.libraries])
        if not done.returncode and not out.exists():
            raise EmitError(
                f"{self.command[0]} made nothing of {source.name}, and said that all is well.",
                hint="Is it a compiler? The environment variable CC names it.",
            )
        if done.returncode:
            said = "\n".join(done.stderr.strip().splitlines()[:12])
            raise EmitError(
                f"{self.command[0]} fails on {source.name} with status {done.returncode}.",
                hint=said or "It said nothing.",
            )


def find_compiler(*, cblas: bool = False) -> Compiler:
    """Return the compiler that CC names, or the system's, with the flags that it knows.

    Raises
    ------
    EmitError
        When there is none, or no CBLAS where one is wanted.
    """
    named = os.environ.get("CC", "").split()
    found = named if named and shutil.which(named[0]) else None
    if found is None and not named:
        found = next(([one] for one in COMPILERS if shutil.which(one)), None)
    if found is None:
        wanted = f"CC names {named[0]!r}, which is not there" if named else "there is no C compiler"
        raise EmitError(
            f"Nothing can be built: {wanted}.",
            hint="Install gcc or clang, or name a compiler in the environment variable CC.",
        )
    known = [flag for flag in OPTIONAL if _knows(found, flag)]
    if not cblas:
        return Compiler((*found, *FLAGS, *known))
    flags, libraries = cblas_flags()
    return Compiler((*found, *FLAGS, *known, *flags), ("-lm", *libraries))


def cblas_flags() -> tuple[list[str], list[str]]:
    """Return the flags that link the matrix products of a CBLAS from PyPI.

    Raises
    ------
    EmitError
        When none is installed.
    """
    for package, integer, ending in (
        ("scipy_openblas32", "int", ""),
        ("scipy_openblas64", "int64_t", "##64_"),
    ):
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue
        folder = Path(spec.origin).parent / "lib"
        library = next(
            path.name.split(".")[0].removeprefix("lib") for path in sorted(folder.glob("lib*.so*"))
        )
        symbol = f"scipy_cblas_##name{ending}"
        defined = ["-DUSE_CBLAS", f"-DCBLAS_INT={integer}", f"-DCBLAS(name)={symbol}"]
        return defined, [f"-L{folder}", f"-l{library}", f"-Wl,-rpath,{folder}"]
    raise EmitError(
        "There is no CBLAS to link.", hint="pip install scipy-openblas32, or leave --cblas out."
    )


def _knows(compiler: Sequence[str], flag: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "empty.c"
        source.write_text("int empty(void);\nint empty(void) { return 0; }\n", "utf-8")
        out = str(Path(folder) / "empty.so")
        return not _run([*compiler, flag, "-fPIC", "-shared", str(source), "-o", out]).returncode


def _run(call: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(call, capture_output=True, text=True, check=False)
    except OSError as error:
        raise EmitError(f"{call[0]} cannot be run: {error.strerror}.") from error
