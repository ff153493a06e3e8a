"""generated/ is what the current code makes, byte for byte, and nothing else stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from codegen.build import build, find_source
from codegen.documents.checked import annotated
from derivations import cell_names
from derivations.claims.notes import check_notes

GENERATED = Path(__file__).parent.parent / "generated"


@pytest.mark.parametrize("name", cell_names())
def test_a_folder_holds_what_a_build_makes(name: str) -> None:
    made = {file: text.encode() for file, text in build(find_source(name)).files.items()}
    stands = {
        path.name: path.read_bytes() for path in (GENERATED / name).iterdir() if path.is_file()
    }
    assert stands.keys() == made.keys()
    for file, content in made.items():
        assert stands[file] == content, f"{name}/{file} differs: run bptt build --all"


def test_there_is_a_folder_for_every_cell_and_one_for_the_notes() -> None:
    assert sorted(path.name for path in GENERATED.iterdir()) == sorted([*cell_names(), "notes"])


def test_the_errata_of_the_notes() -> None:
    notes = (Path(__file__).parent / "notes" / "rnn-notes.md").read_text("utf-8")
    stands = (GENERATED / "notes" / "rnn-notes.checked.md").read_text("utf-8")
    assert annotated(check_notes(notes)) == stands, (
        "run bptt check tests/notes/rnn-notes.md --annotate-to generated/notes/rnn-notes.checked.md"
    )
