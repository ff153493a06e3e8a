"""The Chinese catalogue: every message of every handout stands in it, and nothing else does."""

from __future__ import annotations

import gettext
import re
from functools import cache
from importlib import resources
from io import StringIO
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import codegen.documents
from codegen.build import emit_source
from codegen.documents import translation
from codegen.documents.handout.handout import Choice, handout, key, sheet
from derivations.bptt import derive
from derivations.derivation import Derivation
from derivations.library import cell, cell_names
from derivations.proving import prove

#: Sheets are drawn from so many seeds: each kind of exercise comes up, for every cell.
SEEDS = 12
#: How templates and code ask for a word.
ASKED_FOR = re.compile(r"\b(?:_|gettext|word)\([\"']([^\"']+)[\"']\)")
PLACEHOLDER = re.compile(r"\{\d+\}")


class Recorder(gettext.NullTranslations):
    """A catalogue that knows nothing and remembers what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[str, None] = {}

    def gettext(self, message: str) -> str:
        self.asked.setdefault(message)
        return message


@cache
def catalogue() -> dict[str, str]:
    folder = resources.files("codegen.documents") / "locale" / "zh" / "LC_MESSAGES"
    text = (folder / "handout.po").read_text("utf-8")
    messages = read_po(StringIO(text), locale="zh", abort_invalid=True)
    assert not messages.obsolete
    return {str(message.id): str(message.string) for message in messages if message.id}


def proven(name: str) -> Derivation:
    return prove(derive(cell(name)))


def asked_by(name: str, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return every message that the documents of a cell are looked up for."""
    recorder = Recorder()
    monkeypatch.setattr(translation, "translations", lambda language: recorder)
    derivation = proven(name)
    source = emit_source(derivation, name, "textbook")
    handout(derivation, source, "module.py", Choice("zh"))
    sheet(derivation, 1, 1, "zh")
    key(derivation, tuple(range(SEEDS)), "zh")
    return set(recorder.asked)


def words_of_the_formats() -> set[str]:
    """Return the words that the formats add themselves, in templates and in code."""
    found: set[str] = set()
    for path in Path(codegen.documents.__file__).parent.rglob("*"):
        if path.suffix in (".jinja", ".py"):
            found |= {match[1] for match in ASKED_FOR.finditer(path.read_text("utf-8"))}
    assert {"Figure", "Exercise", "given"} <= found
    return found


@pytest.mark.parametrize("name", ["rnn", "lstm", "bidirectional", "rnn-labels"])
def test_every_message_of_a_handout_is_translated(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked_by(name, monkeypatch) - set(catalogue()) == set()


@pytest.mark.slow
def test_every_message_of_the_library_is_translated_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = set().union(*(asked_by(name, monkeypatch) for name in cell_names()))
    asked |= words_of_the_formats()
    assert asked - set(catalogue()) == set()
    assert set(catalogue()) - asked == set(), "nobody asks for these"


def test_placeholders_are_kept() -> None:
    for message, translated in catalogue().items():
        assert sorted(PLACEHOLDER.findall(message)) == sorted(PLACEHOLDER.findall(translated)), (
            message
        )
