"""Files appear whole or not at all: written beside their place, then renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from errno import EISDIR
from pathlib import Path

from derivations.errors import EmitError


def write_files(folder: Path, contents: Mapping[str, str | bytes]) -> list[Path]:
    """Write several files into a folder, each whole; nothing changes before all are written.

    Parameters
    ----------
    folder : Path
        Made if it is missing.
    contents : mapping of file name to text, or to bytes

    Returns
    -------
    list of Path
        The files, in the order of the mapping.

    Raises
    ------
    EmitError
        When the folder cannot be written; what stood there before stands there still.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as name:
    ...     [path.name for path in write_files(Path(name), {"a.txt": "text"})]
    ['a.txt']
    """
    waiting: list[tuple[str, Path]] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            handle, temporary = tempfile.mkstemp(dir=folder, prefix=".", suffix=".part")
            waiting.append((temporary, folder / name))
            _write(handle, temporary, content)
        for _, path in waiting:
            if path.is_dir():  # found out before the first file is exchanged
                raise IsADirectoryError(EISDIR, f"{path.name} is a folder there")
        for temporary, path in waiting:
            os.replace(temporary, path)
    except BaseException as error:
        # Interrupted or failed, nothing half-written stays.
        for temporary, _ in waiting:
            with suppress(OSError):
                os.unlink(temporary)
        if not isinstance(error, OSError):
            raise
        raise EmitError(
            f"{folder} cannot be written: {error.strerror}.", hint="Choose another place."
        ) from None
    return [path for _, path in waiting]


def _write(handle: int, temporary: str, content: str | bytes) -> None:
    with os.fdopen(handle, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    umask = os.umask(0)
    os.umask(umask)
    os.chmod(temporary, 0o666 & ~umask)  # mkstemp keeps its files to the user
