"""generated/ is what the current code makes, byte for byte, and nothing else stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from codegen.build import build, find_source, proven_derivation
from codegen.documents.checked import annotated
from codegen.documents.formats import FORMATS
from codegen.documents.handout.handout import Choice
from codegen.handouts import Request, handout_files
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


def test_there_is_a_folder_for_every_cell_for_the_notes_and_for_the_handouts() -> None:
    expected = sorted([*cell_names(), "handouts", "notes"])
    assert sorted(path.name for path in GENERATED.iterdir()) == expected


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_handout_is_what_the_command_writes(language: str) -> None:
    request = Request(tuple(FORMATS), Choice(language), "typst")
    made = handout_files(proven_derivation(find_source("rnn")), "rnn", request)
    for file, content in made.files.items():
        written = content if isinstance(content, bytes) else content.encode()
        assert (GENERATED / "handouts" / file).read_bytes() == written, f"{file} differs"


def test_the_handouts_of_four_cells_are_there_and_no_other_file() -> None:
    names = [path.name for path in (GENERATED / "handouts").iterdir()]
    for cell in ("rnn", "rnn-preactivation", "lstm", "gru"):
        for ending in ("", "-zh"):
            for form in FORMATS:
                assert f"{cell}-handout{ending}.{form}" in names
    assert all(re.match(r"(rnn|rnn-preactivation|lstm|gru)-handout(-zh)?[-.]", n) for n in names)


def test_the_errata_of_the_notes() -> None:
    notes = (Path(__file__).parent / "notes" / "rnn-notes.md").read_text("utf-8")
    stands = (GENERATED / "notes" / "rnn-notes.checked.md").read_text("utf-8")
    assert annotated(check_notes(notes)) == stands, (
        "run bptt check tests/notes/rnn-notes.md --annotate-to generated/notes/rnn-notes.checked.md"
    )
