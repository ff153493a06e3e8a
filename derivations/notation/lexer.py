"""From the text that people write to the text that the grammar reads.

Two things happen before the grammar sees a formula, and both keep every offset, so that a message
still points into the user's own text: plain text gets its backslashes and braces (as tokens), and
the bars of a norm, which open and close with one sign, are told apart.
"""

from __future__ import annotations

import re
import unicodedata

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
#: Greek letters as people type them, and their commands.
GREEK_LETTERS = {
    unicodedata.lookup(
        f"GREEK {'CAPITAL' if word[0].isupper() else 'SMALL'} LETTER "
        + word.upper().replace("LAMBDA", "LAMDA")  # Unicode spells this one letter so
    ): f"\\{word} "
    for word in GREEK_WORDS
}
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
_COMMAND = re.compile(r"\\[a-zA-Z]+")
_LABEL_BEFORE = re.compile(
    r"([_^]|\\(text|textrm|math(rm|bf|bb|cal|sf)|boldsymbol|bm|operatorname\*?))\s*\Z"
)
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*")


#: A piece of the grammar's spelling, and where it stands in the user's text.
Piece = tuple[str, int, int]


class Marked(str):
    """A text whose characters know where they come from in the user's text."""

    spans: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, pieces: list[Piece], end: int) -> Marked:
        """Join pieces; a piece of the same length stands character by character, others whole."""
        marked = cls("".join(text for text, _, _ in pieces))
        spans: list[tuple[int, int]] = []
        for text, start, stop in pieces:
            is_same = len(text) == stop - start
            spans += [
                (start + i, start + i + 1) if is_same else (start, stop) for i in range(len(text))
            ]
        marked.spans = (*spans, (end, end + 1))
        return marked


def prepare(text: str) -> Marked:
    """Return the formula in the grammar's spelling.

    Examples
    --------
    >>> str(prepare("h_t = tanh(W_rec h_{t-1})"))
    'h_{t} = \\\\tanh(W_{rec} h_{t-1})'
    """
    words = _plain_word if "\\" not in text else _function_word
    pieces: list[Piece] = []
    verbatim: list[bool] = []  # for every open brace, whether it holds a label or a name
    norm_is_open = False
    position = 0
    while position < len(text):
        norm = _NORM.match(text, position)
        verbatim_piece = _COMMAND.match(text, position)
        word = None if any(verbatim) else _WORD.match(text, position)
        if norm is not None:
            opens = bool(_OPENS.match(norm[0])) or not (norm_is_open or _CLOSES.match(norm[0]))
            pieces.append(("<norm_open>" if opens else "<norm_close>", position, norm.end()))
            norm_is_open = opens
            position = norm.end()
        elif verbatim_piece is not None:
            pieces.append((verbatim_piece[0], position, verbatim_piece.end()))
            position = verbatim_piece.end()
        elif word is not None:
            spelled, end = words(word[0], position)
            pieces.extend(spelled)
            position = end
        elif text[position] in GREEK_LETTERS:
            pieces.append((GREEK_LETTERS[text[position]], position, position + 1))
            position += 1
        else:
            character = text[position]
            if character == "{":
                verbatim.append(
                    _LABEL_BEFORE.search(text[max(0, position - 24) : position]) is not None
                )
            elif character == "}" and verbatim:
                verbatim.pop()
            pieces.append((character, position, position + 1))
            position += 1
    return Marked.of(pieces, len(text))


Spelled = tuple[list[Piece], int]


def _function_word(word: str, start: int) -> Spelled:
    """Among LaTeX, spell ``tanh`` as ``\\tanh`` and leave every other letter alone."""
    head = re.match(r"[A-Za-z]+", word)
    assert head is not None
    end = start + len(head[0])
    spelled = f"\\{head[0]}" if head[0] in FUNCTION_WORDS else head[0]
    return [(spelled, start, end)], end


def _plain_word(word: str, start: int) -> Spelled:
    """Spell ``W_rec`` as ``W_{rec}``, ``tanh`` as ``\\tanh``, ``bias`` as ``\\text{bias}``."""
    head, *labels = word.split("_")
    if head in FUNCTION_WORDS | GREEK_WORDS:
        spelled = f"\\{head}"
    elif len(head) > 1:
        spelled = f"\\text{{{head}}}"
    else:
        spelled = head
    middle, end = start + len(head), start + len(word)
    pieces = [(spelled, start, middle)]
    if labels:
        pieces.append(("_{" + ",".join(labels) + "}", middle, end))
    return pieces, end


def place_of(text: Marked, span: tuple[int, int]) -> tuple[int, int]:
    """Translate a span of the grammar's spelling into one of the user's text."""
    first, last = min(span[0], len(text)), min(max(span[1] - 1, span[0]), len(text))
    return text.spans[first][0], max(text.spans[last][1], text.spans[first][0] + 1)
