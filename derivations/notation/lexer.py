"""From the text that people write to the text that the grammar reads.

Two things happen before the grammar sees a formula, and both keep every offset, so that a message
still points into the user's own text: plain text gets its backslashes and braces (as tokens), and
the bars of a norm, which open and close with one sign, are told apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lark import Token

#: Functions and Greek letters that plain text may write without a backslash.
FUNCTION_WORDS = frozenset(
    [
        "tanh",
        "exp",
        "log",
        "ln",
        "sigmoid",
        "relu",
        "ReLU",
        "identity",
        "softplus",
        "gelu",
        "GELU",
        "silu",
        "SiLU",
        "softmax",
        "diag",
    ]
)
GREEK_WORDS = frozenset(
    [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "zeta",
        "eta",
        "theta",
        "iota",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "xi",
        "pi",
        "rho",
        "sigma",
        "tau",
        "upsilon",
        "phi",
        "chi",
        "psi",
        "omega",
        "Gamma",
        "Delta",
        "Theta",
        "Lambda",
        "Xi",
        "Pi",
        "Sigma",
        "Phi",
        "Psi",
        "Omega",
    ]
)
#: Every command that may stand for a symbol. Nothing else does: a formula cannot smuggle TeX.
SYMBOL_COMMANDS = frozenset(
    f"\\{word}"
    for word in FUNCTION_WORDS
    | GREEK_WORDS
    | frozenset(
        [
            "partial",
            "top",
            "intercal",
            "varepsilon",
            "vartheta",
            "varpi",
            "varrho",
            "varsigma",
            "varphi",
            "ell",
            "hbar",
            "nabla",
            "imath",
            "jmath",
            "Re",
            "Im",
            "wp",
            "aleph",
        ]
    )
)

_NORM = re.compile(r"\\left\s*\\\||\\right\s*\\\||\\\||\\[lr]Vert(?![a-zA-Z])|‖")
_OPENS = re.compile(r"(\\left\s*\\\||\\lVert)")
_CLOSES = re.compile(r"(\\right\s*\\\||\\rVert)")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*")


class Marked(str):
    """A text whose characters know their offsets in the text that it was made from."""

    offsets: tuple[int, ...]

    @classmethod
    def of(cls, pieces: list[tuple[str, int]], end: int) -> Marked:
        """Join (text, offset) pieces; every character of a piece points at its offset or after."""
        marked = cls("".join(text for text, _ in pieces))
        offsets = [start for text, start in pieces for _ in text]
        marked.offsets = (*offsets, end)
        return marked


def prepare(text: str) -> Marked:
    """Return the formula in the grammar's spelling.

    Examples
    --------
    >>> str(prepare("h_t = tanh(W_rec h_{t-1})"))
    'h_{t} = \\\\tanh(W_{rec} h_{t-1})'
    """
    is_plain = "\\" not in text
    pieces: list[tuple[str, int]] = []
    position = 0
    norm_is_open = False
    inside_braces = 0
    while position < len(text):
        norm = _NORM.match(text, position)
        word = _WORD.match(text, position) if is_plain and not inside_braces else None
        if norm is not None:
            opens = bool(_OPENS.match(norm[0])) or not (norm_is_open or _CLOSES.match(norm[0]))
            pieces.append(("<norm_open>" if opens else "<norm_close>", position))
            norm_is_open = opens
            position = norm.end()
        elif word is not None:
            pieces.extend(_plain_word(word[0], position))
            position = word.end()
        else:
            character = text[position]
            inside_braces += {"{": 1, "}": -1}.get(character, 0)
            pieces.append((character, position))
            position += 1
    return Marked.of(pieces, len(text))


def _plain_word(word: str, start: int) -> Iterator[tuple[str, int]]:
    """Spell ``W_rec`` as ``W_{rec}``, ``tanh`` as ``\\tanh``, ``bias`` as ``\\text{bias}``."""
    head, *labels = word.split("_")
    if head in FUNCTION_WORDS | GREEK_WORDS:
        spelled = f"\\{head}"
    elif len(head) > 1:
        spelled = f"\\text{{{head}}}"
    else:
        spelled = head
    yield from ((character, start + min(i, len(head) - 1)) for i, character in enumerate(spelled))
    if labels:
        yield "_{" + ",".join(labels) + "}", start + len(head)


def place_of(text: Marked, span: tuple[int, int]) -> tuple[int, int]:
    """Translate a span of the grammar's spelling into one of the user's text."""
    start = text.offsets[min(span[0], len(text))]
    end = text.offsets[min(max(span[1] - 1, span[0]), len(text))] + 1
    return start, max(end, start + 1)


def token_span(token: Token) -> tuple[int, int]:
    """Return where a token stands in the grammar's spelling."""
    start = token.start_pos or 0
    return start, token.end_pos if token.end_pos is not None else start + len(token)
