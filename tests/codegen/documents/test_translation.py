"""Languages: what a sentence is, what it is looked up as, and what comes back."""

from __future__ import annotations

import gettext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.documents import translation
from codegen.documents.translation import message, sentences, translated, translations
from derivations.errors import EmitError


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("$h_t$ acts on $z_t$ and $a_t$.", "{1} acts on {2}."),
        ("$h_t$ acts on $z_t$.", "{1} acts on {2}."),
        ("$W$, $U$, $b$", "{1}"),
        ("In 3 ways (Pascanu 2013).", "In {1} ways (Pascanu {2})."),
        ("The derivative of tanh, as it is", "The derivative of {1}, as it is"),
        ("The module `rnn_textbook.py`.", "The module {1}."),
        ("tanhs and h2 stay, section 10.2.2 goes", "tanhs and h2 stay, section {1} goes"),
        ("the product is the identity", "the product is the identity"),
    ],
)
def test_a_sentence_is_looked_up_without_its_formulas(sentence: str, text: str) -> None:
    assert message(sentence).text == text


def test_a_paragraph_is_looked_up_sentence_by_sentence() -> None:
    found = sentences("One is $a. B$ here. Two? $c$ is three: Not four.")
    assert found == ("One is $a. B$ here.", "Two?", "$c$ is three: Not four.")


def test_formulas_come_back_in_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    class Catalogue(gettext.NullTranslations):
        def gettext(self, message: str) -> str:
            return {"{1} acts on {2}.": "{2} 受 {1} 影响。"}.get(message, message)

    monkeypatch.setattr(translation, "translations", lambda language: Catalogue())
    shown = translated("$a$ acts on $b$, $c$ and $d$. $a$ acts on $b$. No entry. At all.", "zh")
    assert shown == "$b$、$c$ 和 $d$ 受 $a$ 影响。$b$ 受 $a$ 影响。No entry. At all."


@given(st.text(alphabet="aB .?$`1,;{}()andx", max_size=40))
def test_without_a_catalogue_prose_is_as_it_was(text: str) -> None:
    assert translated(text, "en") == text
    if "{" not in text and text == " ".join(text.split()):
        assert " ".join(sentences(text)) == text


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(EmitError, match="There is no language 'fr'"):
        translations("fr")
