"""Our printer's LaTeX taken apart again: how wide it is on paper, and how a terminal shows it.

Only what `derivations.notation.latex` prints is understood in full; any other command is shown by
its name, so that no text is lost.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from derivations.notation.lexer import GREEK_WORDS

_TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|\s+|.")
#: What is not seen, or hardly.
SILENT = frozenset({"\\left", "\\right", "\\,", "\\;", "\\!"})
#: The combining character of an accent.
ACCENTS = {
    "\\hat": "\u0302",
    "\\widehat": "\u0302",
    "\\tilde": "\u0303",
    "\\widetilde": "\u0303",
    "\\bar": "\u0304",
    "\\overline": "\u0304",
    "\\dot": "\u0307",
    "\\ddot": "\u0308",
    "\\check": "\u030c",
    "\\breve": "\u0306",
    "\\acute": "\u0301",
    "\\grave": "\u0300",
    "\\mathring": "\u030a",
    "\\vec": "\u20d7",
    "\\overrightarrow": "\u20d7",
    "\\overleftarrow": "\u20d6",
}
_STYLES = frozenset(
    f"\\{word}"
    for word in (
        *("text", "textrm", "textbf", "textit", "textsf", "texttt"),
        *("mathrm", "mathbf", "mathit", "mathbb", "mathcal", "mathscr", "mathfrak", "mathsf"),
        *("mathtt", "boldsymbol", "bm", "operatorname", "operatorname*"),
    )
)
_ARGUMENTS = {"\\frac": 2, **dict.fromkeys(ACCENTS, 1), **dict.fromkeys(_STYLES, 1)}
_SIGNS = {
    "\\partial": "∂",
    "\\nabla": "∇",
    "\\top": "⊤",
    "\\intercal": "⊺",
    "\\odot": "⊙",
    "\\oslash": "⊘",
    "\\cdot": "·",
    "\\cdots": "⋯",
    "\\ldots": "…",
    "\\le": "≤",
    "\\leq": "≤",
    "\\times": "×",
    "\\in": "∈",
    "\\sum": "Σ",
    "\\prod": "∏",
    "\\|": "‖",
    "\\ell": "ℓ",
    "\\hbar": "ħ",
    "\\imath": "ı",
    "\\jmath": "ȷ",
    "\\Re": "ℜ",
    "\\Im": "ℑ",
    "\\wp": "℘",
    "\\aleph": "ℵ",
    "\\epsilon": "ϵ",
    "\\varepsilon": "ε",
    "\\vartheta": "ϑ",
    "\\varpi": "ϖ",
    "\\varrho": "ϱ",
    "\\varsigma": "ς",
    "\\varphi": "φ",
    "\\phi": "ϕ",
    "\\quad": " ",
    "\\qquad": " ",
    # Our printer writes none of these; other people's formulas do.
    "\\circ": "∘",
    "\\otimes": "⊗",
    "\\ast": "∗",
    "\\ge": "≥",
    "\\geq": "≥",
    "\\neq": "≠",
    "\\ne": "≠",
    "\\approx": "≈",
    "\\propto": "∝",
    "\\equiv": "≡",
    "\\to": "→",
    "\\dots": "…",
    "\\infty": "∞",
    "\\lVert": "‖",
    "\\rVert": "‖",
    "\\langle": "⟨",
    "\\rangle": "⟩",
}
_RAISED = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")


@dataclass(frozen=True)
class Piece:
    """A token with what belongs to it.

    Attributes
    ----------
    token : str
        A character or a command; ``{`` for a group, whose only argument is what it holds; and
        ``\\begin`` for a matrix, whose arguments are its rows.
    arguments : tuple of tuple of Piece
        What the command is applied to.
    below, above : tuple of Piece
        The scripts.
    """

    token: str
    arguments: tuple[tuple[Piece, ...], ...] = ()
    below: tuple[Piece, ...] = ()
    above: tuple[Piece, ...] = ()


@lru_cache(maxsize=2**14)  # every format takes the same formulas apart
def pieces(text: str, silent: frozenset[str] = SILENT) -> tuple[Piece, ...]:
    """Take LaTeX apart.

    Parameters
    ----------
    text : str
        LaTeX.
    silent : frozenset of str
        Commands that are left out.

    Examples
    --------
    >>> [piece.token for piece in pieces("W_{rec} h_t")]
    ['W', ' ', 'h']
    """
    tokens = [match[0] for match in _TOKEN.finditer(text) if match[0] not in silent]
    return _row(tokens)


def _row(tokens: list[str]) -> tuple[Piece, ...]:
    """Consume the tokens up to a closing brace, or all of them."""
    row = []
    while tokens and tokens[0] != "}":
        row.append(_scripted(tokens))
    return tuple(row)


def _scripted(tokens: list[str]) -> Piece:
    core = _core(tokens)
    below: tuple[Piece, ...] = ()
    above: tuple[Piece, ...] = ()
    while tokens and tokens[0] in ("_", "^"):
        sign = tokens.pop(0)
        script = _argument(tokens)
        below, above = (script, above) if sign == "_" else (below, script)
    return Piece(core.token, core.arguments, below, above)


def _core(tokens: list[str]) -> Piece:
    token = tokens.pop(0)
    if token == "{":
        inside = _row(tokens)
        _close(tokens)
        return Piece("{", (inside,))
    if token == "\\begin":
        return Piece(token, tuple(_matrix_rows(tokens)))
    arguments = tuple(_argument(tokens) for _ in range(_ARGUMENTS.get(token, 0)))
    return Piece(" " if token.isspace() else token, arguments)


def _matrix_rows(tokens: list[str]) -> Iterator[tuple[Piece, ...]]:
    """Consume a matrix, its name in front and behind, and yield its rows with their ``&``."""
    _argument(tokens)
    row: list[Piece] = []
    while tokens and tokens[0] != "\\end":
        piece = _scripted(tokens)
        if piece.token == "\\\\":
            yield tuple(row)
            row = []
        else:
            row.append(piece)
    yield tuple(row)
    _close(tokens)
    _argument(tokens)


def cells(row: Sequence[Piece]) -> list[tuple[Piece, ...]]:
    """Return the entries of a row of a matrix."""
    return [
        tuple(group)
        for is_sign, group in groupby(row, key=lambda piece: piece.token == "&")
        if not is_sign
    ]


def _argument(tokens: list[str]) -> tuple[Piece, ...]:
    while tokens and tokens[0].isspace():
        tokens.pop(0)
    if not tokens:
        return ()
    if tokens[0] == "{":
        tokens.pop(0)
        inside = _row(tokens)
        _close(tokens)
        return inside
    return (_core(tokens),)


def _close(tokens: list[str]) -> None:
    if tokens:
        tokens.pop(0)


# How wide it is

#: In em of the text font (1 em is 10.95 pt at 11 pt), with the space that TeX sets around a sign.
_WIDTHS = {
    "=": 1.33,
    "\\le": 1.33,
    "\\in": 1.2,
    "\\to": 1.55,
    **dict.fromkeys(("+", "-", "\\odot", "\\oslash", "\\cdot"), 1.22),
    ",": 0.45,
    "(": 0.4,
    ")": 0.4,
    "'": 0.25,
    " ": 0.0,
    "\\sum": 1.6,
    "\\prod": 1.45,
    "\\top": 0.8,
    "\\quad": 1.0,
    "\\qquad": 2.0,
}
_LETTER = 0.56
_SCRIPT = 0.75


@lru_cache(maxsize=2**14)
def width(text: str) -> float:
    """Return an estimate of the width of displayed LaTeX, in em.

    Examples
    --------
    >>> width("a") < width("a_t") < width("a_t + b_t")
    True
    >>> width("\\\\frac{a}{b + c}") < width("a + b + c")
    True
    """
    return _row_width(pieces(text))


def _row_width(row: Sequence[Piece]) -> float:
    return sum(_piece_width(piece) for piece in row)


def _piece_width(piece: Piece) -> float:
    scripts = _SCRIPT * max(_row_width(piece.below), _row_width(piece.above))
    if piece.token in ("\\sum", "\\prod"):  # in a display the limits stand above and below
        return max(_WIDTHS[piece.token], scripts + 0.2)
    if piece.token == "\\frac":
        core = max(_row_width(argument) for argument in piece.arguments) + 0.3
    elif piece.token == "\\begin":
        rows = [[_row_width(cell) for cell in cells(row)] for row in piece.arguments]
        core = sum(map(max, zip(*rows, strict=True))) + len(rows[0])
    elif piece.arguments:
        core = sum(_row_width(argument) for argument in piece.arguments)
        core += 0.2 if piece.token.startswith("\\operatorname") else 0
    else:
        core = _WIDTHS.get(piece.token, _LETTER)
        if piece.token in ("\\tanh", "\\exp", "\\log"):
            core = _LETTER * 3.5
    return core + scripts


# How a terminal shows it


def plain(text: str) -> str:
    """Return short LaTeX, such as a name or a range, as Unicode text.

    Examples
    --------
    >>> print(plain("\\\\hat{y}_{t-1}^{\\\\top}"), plain("W_{rec}"), plain("1 \\\\le k \\\\le t"))
    ŷ_{t-1}ᵀ W_rec 1 ≤ k ≤ t
    >>> print(plain("\\\\frac{\\\\partial^{+} h_k}{\\\\partial b}"), plain("\\\\delta_t^{a}"))
    ∂⁺h_k/∂b δ_t^a
    >>> print(plain("\\\\begin{pmatrix} A & b \\\\\\\\ 0 & I \\\\end{pmatrix}"))
    [A, b; 0, I]
    """
    return _text(pieces(text))


def _text(row: Sequence[Piece]) -> str:
    shown = unicodedata.normalize("NFC", "".join(_shown(row)))
    return re.sub(r"(∂⁺?) ", r"\1", re.sub(r" +", " ", shown)).strip()


def _shown(row: Sequence[Piece]) -> Iterator[str]:
    for piece in row:
        yield _sign(piece)
        if piece.below:
            yield "_" + _braced("".join(_shown(piece.below)))
        if piece.above:
            yield _raised("".join(_shown(piece.above)))


def _sign(piece: Piece) -> str:
    if piece.token == "\\begin":
        rows = [", ".join(_text(cell) for cell in cells(row)) for row in piece.arguments]
        return f"[{'; '.join(rows)}]"
    inside = ["".join(_shown(argument)) for argument in piece.arguments]
    if piece.token == "{" and piece.above and any(inner.above for inner in piece.arguments[0]):
        return f"({inside[0]})"  # two superscripts in a row would run together
    if piece.token == "\\frac":
        return "/".join(map(_bracketed, inside))
    if piece.token == "\\mathbf" and inside == ["1"]:
        return "𝟏"
    if piece.token in ACCENTS:
        return inside[0] + ACCENTS[piece.token]
    if inside:
        return inside[0]
    return character(piece.token)


def character(token: str) -> str:
    """Return the Unicode of a token without arguments; the name of a command that has none.

    Examples
    --------
    >>> character("\\\\delta"), character("\\\\odot"), character("\\\\tanh"), character("h")
    ('δ', '⊙', 'tanh', 'h')
    """
    if token in _SIGNS:
        return _SIGNS[token]
    word = token.removeprefix("\\")
    return _greek(word) if word in GREEK_WORDS and word != token else word


def _bracketed(side: str) -> str:
    """Put brackets around a side of a fraction that a slash would tear apart."""
    bare = re.sub(r"\{[^{}]*\}|\([^()]*\)", "", side).strip()
    factors = re.sub(r"^∂⁺?\s*", "", bare)
    return f"({side})" if re.search(r"[ +\-·⊙⊘/]", factors) else side


def _greek(word: str) -> str:
    case = "CAPITAL" if word[0].isupper() else "SMALL"
    name = word.upper().replace("LAMBDA", "LAMDA")  # Unicode spells this one letter so
    return unicodedata.lookup(f"GREEK {case} LETTER {name}")


def _braced(script: str) -> str:
    letters = [c for c in unicodedata.normalize("NFC", script) if not unicodedata.combining(c)]
    return script if all(letter.isalnum() for letter in letters) else f"{{{script}}}"


def _raised(script: str) -> str:
    if script == "⊤":
        return "ᵀ"
    if re.fullmatch(r"[+-]?\d*", script):
        return script.translate(_RAISED)
    return "^" + _braced(script)


__all__ = ["ACCENTS", "SILENT", "Piece", "cells", "character", "pieces", "plain", "width"]
