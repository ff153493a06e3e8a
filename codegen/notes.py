"""The file of notes that is to be checked: bytes to text, and where the annotated copy goes."""

from __future__ import annotations

import codecs
from pathlib import Path

from derivations.errors import NotationError
from derivations.notation.text import LONGEST_TEXT

#: No text that is short enough takes more bytes in any of the encodings.
_MOST_BYTES = 4 * LONGEST_TEXT + 4
#: The marks that tell the encoding; the longer ones first, for one starts with another.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_notes(path: Path) -> str:
    """Return the text of a file.

    Raises
    ------
    NotationError
        When there is no such file, or it is too long, or no text.
    """
    if path.is_dir():
        raise NotationError(f"{path} is a folder.", hint="Name a file of notes.")
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no file has such a name"
        raise NotationError(f"{path} cannot be read: {reason}.") from None
    if len(data) > _MOST_BYTES:
        raise NotationError(f"{path} is too long; at most {LONGEST_TEXT} characters are read.")
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    if encoding.startswith("utf-8") and b"\0" in data:
        raise NotationError(f"{path} is no text: it holds a NUL character.")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotationError(
            f"{path} is not text in {error.encoding.upper()}: "
            f"byte {error.start} (line {line}) is {data[error.start]:#04x}.",
            hint="Save the notes as UTF-8.",
        ) from None


def annotated_path(notes: Path) -> Path:
    """Return where the annotated copy of some notes goes.

    Examples
    --------
    >>> print(annotated_path(Path("a/notes.md")), annotated_path(Path("bptt.tex")))
    a/notes.checked.md bptt.checked.tex
    """
    ending = notes.suffix if notes.suffix.lower() == ".tex" else ".md"
    return notes.with_name(f"{notes.stem}.checked{ending}")


__all__ = ["annotated_path", "read_notes"]
