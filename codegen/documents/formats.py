"""Document → files: every format under the name by which it is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from codegen.documents.document import Document
from codegen.documents.html import html
from codegen.documents.latex import tex
from codegen.documents.markdown import markdown
from codegen.documents.notebook import notebook
from codegen.documents.pdf import pdf
from derivations.errors import EmitError

Files: TypeAlias = Mapping[str, str | bytes]

#: Document, the stem of its file names, and a typesetting engine → files.
FORMATS: Mapping[str, Callable[[Document, str, str], Files]] = {
    "pdf": lambda document, stem, engine: {f"{stem}.pdf": pdf(document, engine)},
    "tex": lambda document, stem, engine: {f"{stem}.tex": tex(document)},
    "html": lambda document, stem, engine: {f"{stem}.html": html(document)},
    "ipynb": lambda document, stem, engine: {f"{stem}.ipynb": notebook(document)},
    "md": lambda document, stem, engine: markdown(document, stem),
}


def chosen(formats: str) -> tuple[str, ...]:
    """Return the names of formats, as they are chosen with commas between them.

    Raises
    ------
    EmitError
        When there is none of that name, or none at all.

    Examples
    --------
    >>> chosen("html, pdf")
    ('html', 'pdf')
    """
    names = tuple(dict.fromkeys(name.strip() for name in formats.split(",") if name.strip()))
    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        raise EmitError(
            f"There is no format {unknown[0]!r}." if unknown else "No format is named.",
            hint=f"Known: {', '.join(FORMATS)}; several with commas between them.",
        )
    return names


__all__ = ["FORMATS", "Files", "chosen"]
