"""The Chinese catalogue: every message of every handout stands in it."""

from __future__ import annotations

import gettext
import re
from functools import cache
from importlib import resources
from io import StringIO
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from hypothesis import HealthCheck, Phase, given, seed, settings

import codegen.documents
from codegen.build import emit_source
from codegen.documents import translation
from codegen.documents.handout.handout import Choice, handout, key, sheet
from derivations.bptt import derive
from derivations.derivation import Derivation
from derivations.errors import UnsupportedError
from derivations.library import cell, cell_names
from derivations.model import Model
from derivations.proving import prove
from tests.codegen.documents.samples import proven
from tests.random_cells import cells

#: Sheets are drawn from so many seeds: each kind of exercise comes up, for every cell.
SEEDS = 12
#: How templates and code ask for a word.
ASKED_FOR = re.compile(r"\b(?:_|gettext|word)\([\"']([^\"']+)[\"']\)")
PLACEHOLDER = re.compile(r"\{\d+\}")


#: Models that say what none of the library says.
MODELS = (
    "h_t = softplus(W h_{t-1} + U x_t + V u_t)\nE_t = \\|h_t - y_t\\|^2 + \\|h_t - z_t\\|^2\n"
    "x_t is the input\nu_t is the input\ny_t is the target\nz_t is the target",
    "h_t = gelu(W h_{t-1} + x_t)\nE_t = \\|h_t\\|^2",
    "s_t = \\tanh(w s_{t-1} + u x_t)\nE_t = (s_t - y_t)^2\ns_t is a scalar\nx_t is a scalar\n"
    "y_t is the target\nw is a scalar\nu is a scalar",
    "h_t = \\tanh(h_{t-1} + x_t)\nE_t = \\|h_t\\|^2\nx_t is the input",
    "s_t = w s_{t-1} + x_t\nE_t = (s_t - y_t)^2\ns_t is a scalar\nx_t is a scalar\n"
    "y_t is the target\nw is a scalar",
    "h_t = relu(W h_{t-1} + x_t)\ny_t = softmax(V h_t)\n"
    "E_t = -\\log [y_t]_{c_t} - \\log[y_t]_{d_t}\nc_t is a label\nd_t is a label",
)


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


def asked_by(derivation: Derivation, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return every message that the documents of a derivation are looked up for."""
    recorder = Recorder()
    monkeypatch.setattr(translation, "translations", lambda language: recorder)
    source = emit_source(derivation, "cell", "textbook")
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


def test_every_message_of_a_handout_is_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked_by(proven("rnn"), monkeypatch) - set(catalogue()) == set()
    assert words_of_the_formats() - set(catalogue()) == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", cell_names())
def test_every_message_of_the_library_is_translated(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked_by(proven(name), monkeypatch) - set(catalogue()) == set()
    assert cell(name).title in catalogue()


@pytest.mark.slow
@pytest.mark.parametrize("text", MODELS)
def test_every_message_of_other_models_is_translated(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    derivation = prove(derive(Model.read(text)))
    assert asked_by(derivation, monkeypatch) - set(catalogue()) == set()


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(2))
def test_every_message_of_random_cells_is_translated(
    shard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_translated(text: str) -> None:
        try:
            derivation = prove(derive(Model.read(text)))
        except UnsupportedError:
            return  # too many ways: see tests/random_cells.py
        assert asked_by(derivation, monkeypatch) - set(catalogue()) == set()

    test = given(cells())(is_translated)
    settings(
        max_examples=20,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(seed(shard)(test))()


def test_placeholders_are_kept() -> None:
    for message, translated in catalogue().items():
        assert sorted(PLACEHOLDER.findall(message)) == sorted(PLACEHOLDER.findall(translated)), (
            message
        )
