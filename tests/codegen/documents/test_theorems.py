"""What the terminal and the file say of bounds, for every activation and kind of state."""

import pytest
from rich.console import Console

from codegen.documents.theorems import bounds_file, document, terminal, theorems
from derivations import cell
from derivations.activations import ACTIVATIONS


def shown(name: str, activation: str | None = None) -> str:
    console = Console(width=100)
    with console.capture() as captured:
        console.print(terminal(theorems({name: cell(name, activation)})))
    return captured.get()


@pytest.mark.parametrize(
    ("activation", "slope"),
    [
        ("sigmoid", "|σ'| ≤ 1/4, at 0"),
        ("tanh", "|σ'| ≤ 1, at 0"),
        ("relu", "|σ'| ≤ 1"),
        ("identity", "‖W_rec‖₂"),
        ("softplus", "|σ'| ≤ 1, not reached"),
        ("gelu", "|σ'| ≤ 1.1290, at sqrt(2)"),
        ("silu", "|σ'| ≤ 1.0999, at 2.39"),
    ],
)
def test_every_activation_has_its_bound(activation: str, slope: str) -> None:
    assert activation in ACTIVATIONS
    text = shown("rnn", activation)
    assert slope in text
    assert "σ₁" in text, "what follows of the largest singular value"


def test_the_signs_of_a_state_of_two_parts_are_explained() -> None:
    text = " ".join(shown("lstm").split())
    assert "Here s_t = [h_t; c_t]" in text
    assert "β is the largest singular value" in text
    assert "β" not in shown("rnn")


def test_the_file_has_each_model_the_linear_case_and_the_sources() -> None:
    found = theorems({"rnn": cell("rnn"), "lstm": cell("lstm")})
    titles = [section.title for section in document(found).sections]
    assert titles == ["rnn", "lstm", "Powers of one matrix", "References"]
    text = str(bounds_file(found)["bounds.md"])
    assert "Pascanu" in text
    assert "Powers of a matrix that is not normal" in text
    assert text.count("it is so at $x = 0$") >= 2
