"""A proven derivation to the files of its handout, or of many sheets of exercises."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codegen.build import emit_source, module_name
from codegen.documents.document import Document
from codegen.documents.formats import FORMATS
from codegen.documents.handout.handout import Choice, handout, key, sheet
from codegen.documents.pdf import check_engine
from codegen.documents.rows import scaled
from codegen.documents.translation import translations
from codegen.documents.typst.pdf import check_fonts
from derivations import Derivation
from derivations.errors import EmitError


@dataclass(frozen=True)
class Request:
    """What somebody asks for.

    Attributes
    ----------
    formats : tuple of str
        Names in `codegen.documents.formats.FORMATS`.
    choice : Choice
    engine : str
        What sets PDF: one of `codegen.documents.pdf.ENGINES`.
    """

    formats: tuple[str, ...]
    choice: Choice
    engine: str


@dataclass(frozen=True)
class Made:
    """Files by name, and what the reader should know of them."""

    files: Mapping[str, str | bytes]
    warnings: tuple[str, ...]


def check_request(request: Request, folder: Path) -> None:
    """Refuse what cannot be done, before any work is done.

    Raises
    ------
    EmitError
        When the language or the engine cannot be had, or the folder cannot be written.
    """
    translations(request.choice.language)
    if "pdf" in request.formats:
        check_engine(request.engine, request.choice.language)
        if request.engine == "typst":
            check_fonts(request.choice.language)
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        what = "is a file" if not existing.is_dir() else "cannot be written"
        raise EmitError(f"{existing} {what}.", hint="Choose another folder with --out.")


def handout_files(derivation: Derivation, name: str, request: Request) -> Made:
    """Return the files of a handout, by name.

    Raises
    ------
    EmitError
        When a function of the model is unspecified, or a format fails.
    """
    style = "textbook"
    source = emit_source(derivation, name, style)
    document = handout(derivation, source, module_name(name, style), request.choice)
    return _written(document, f"{name}-handout{_ending(request.choice)}", request)


def sheet_files(
    derivation: Derivation, name: str, request: Request, numbers: Iterable[int]
) -> Made:
    """Return the files of numbered sheets of exercises and of the key to them.

    Sheet k is drawn from the request's seed plus k.

    Raises
    ------
    EmitError
        When a format fails.
    """
    language, first = request.choice.language, request.choice.seed
    ending = _ending(request.choice)
    done: list[Made] = []
    seeds: list[int] = []
    for number in numbers:
        seeds.append(first + number)
        document = sheet(derivation, number, first + number, language)
        done.append(_written(document, f"{name}-sheet-{number:03d}{ending}", request))
    solved = key(derivation, tuple(seeds), language)
    done.append(_written(solved, f"{name}-key{ending}", request))
    files = {file: content for made in done for file, content in made.files.items()}
    return Made(files, tuple(warning for made in done for warning in made.warnings))


def _ending(choice: Choice) -> str:
    language = "" if choice.language == "en" else f"-{choice.language}"
    return language + ("-solutions" if choice.solutions else "")


def _written(document: Document, stem: str, request: Request) -> Made:
    files: dict[str, str | bytes] = {}
    for form in request.formats:
        files.update(FORMATS[form](document, stem, request.engine))
    wide = scaled(document)
    if not wide:
        return Made(files, ())
    shown = "row is" if wide == 1 else "rows are"
    return Made(files, (f"{stem}: {wide} {shown} wider than the page, and set smaller.",))


__all__ = ["Made", "Request", "check_request", "handout_files", "sheet_files"]
