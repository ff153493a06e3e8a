"""Files appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codegen.files import write_files
from derivations.errors import EmitError


def test_files_are_written_whole(tmp_path: Path) -> None:
    written = write_files(tmp_path / "new" / "folder", {"a.txt": "α\n", "b.txt": "β\n"})
    assert [path.read_text("utf-8") for path in written] == ["α\n", "β\n"]
    assert sorted(p.name for p in (tmp_path / "new" / "folder").iterdir()) == ["a.txt", "b.txt"]


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("earlier")
    with pytest.raises(EmitError, match="cannot be written"):
        write_files(tmp_path / "taken", {"a.txt": "later"})
    assert (tmp_path / "taken").read_text() == "earlier"


def test_a_failure_on_the_way_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, {"a.txt": "earlier a", "b.txt": "earlier b"})

    def full(descriptor: int, mode: str, **options: object) -> object:
        os.close(descriptor)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(EmitError, match="No space left"):
        write_files(tmp_path, {"a.txt": "later a", "b.txt": "later b"})
    monkeypatch.undo()
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == {"a.txt": "earlier a", "b.txt": "earlier b"}


def test_nothing_changes_before_all_files_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, {"a.txt": "earlier a"})
    real, calls = os.fdopen, []

    def full_at_the_second(descriptor: int, mode: str, **options: object) -> object:
        calls.append(descriptor)
        if len(calls) == 2:
            os.close(descriptor)
            raise OSError(28, "No space left on device")
        return real(descriptor, mode, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "fdopen", full_at_the_second)
    with pytest.raises(EmitError):
        write_files(tmp_path, {"a.txt": "later a", "b.txt": "later b"})
    assert len(calls) == 2
    assert (tmp_path / "a.txt").read_text() == "earlier a"


def test_a_folder_in_the_place_of_a_file_changes_nothing(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.txt": "earlier a"})
    (tmp_path / "b.txt").mkdir()
    with pytest.raises(EmitError, match="cannot be written"):
        write_files(tmp_path, {"a.txt": "later a", "b.txt": "later b"})
    assert (tmp_path / "a.txt").read_text() == "earlier a"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt"]
