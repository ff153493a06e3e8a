"""Document → PDF: by Typst, which comes with this package, or by a TeX engine of the machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from codegen.documents.document import Document
from codegen.documents.latex import tex
from codegen.documents.typst.pdf import pdf as by_typst
from derivations.errors import EmitError

#: What can set a PDF; those of TeX must be installed.
ENGINES = ("typst", "pdflatex", "xelatex", "lualatex")
#: Those that set Chinese.
_CHINESE = ("xelatex", "lualatex")
#: Seconds after which an engine is stopped.
_LONGEST = 300


def pdf(document: Document, engine: str) -> bytes:
    """Return a document as PDF.

    Raises
    ------
    EmitError
        When the engine is unknown, not installed or not able to set the language, or fails.
    """
    check_engine(engine, document.language)
    return by_typst(document) if engine == "typst" else _by_tex(document, engine)


def check_engine(engine: str, language: str) -> None:
    """Refuse an engine that cannot be had, before any work is done.

    Raises
    ------
    EmitError
        When it is unknown, not installed or not able to set the language.

    Examples
    --------
    >>> check_engine("word", "en")
    Traceback (most recent call last):
    derivations.errors.EmitError: There is no engine 'word'.
    Known: typst, pdflatex, xelatex, lualatex.
    """
    if engine not in ENGINES:
        raise EmitError(f"There is no engine {engine!r}.", hint=f"Known: {', '.join(ENGINES)}.")
    if engine == "typst":
        return
    if shutil.which(engine) is None:
        raise EmitError(
            f"{engine} is not installed.",
            hint="Leave --engine out for Typst, which comes with bptt, or install TeX Live.",
        )
    if language == "zh" and engine not in _CHINESE:
        raise EmitError(f"{engine} sets no Chinese.", hint=f"Use {' or '.join(_CHINESE)}.")


def _by_tex(document: Document, engine: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "handout.tex").write_text(tex(document), "utf-8")
        options = ["-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"]
        try:
            run = subprocess.run(
                [engine, *options, "handout.tex"],
                cwd=folder,
                capture_output=True,
                timeout=_LONGEST,
                check=False,
                # The same bytes from the same source.
                env={**os.environ, "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1"},
            )
        except subprocess.TimeoutExpired:
            raise EmitError(f"{engine} did not end within {_LONGEST} seconds.") from None
        if run.returncode:
            raise EmitError(
                f"{engine} fails.", hint=_complaint(run.stdout.decode("utf-8", "replace"))
            )
        return (Path(folder) / "handout.pdf").read_bytes()


def _complaint(log: str) -> str:
    """Return the first error of a log, which is often a package that is not installed."""
    found = re.search(r"^! (.*(?:\n.*){0,2})", log, re.MULTILINE)
    shown = found[1] if found else log[-300:]
    package = re.search(r"File `([^']+)' not found", shown)
    if package:
        return f"It lacks {package[1]}: install that package, or leave --engine out for Typst."
    return shown


__all__ = ["ENGINES", "check_engine", "pdf"]
