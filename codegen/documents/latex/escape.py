"""Text → LaTeX: whatever a user wrote is shown literally, on every TeX engine."""

from __future__ import annotations

import unicodedata

from codegen.documents.content import visible
from codegen.documents.document import Span, spans
from codegen.documents.layout import relaxed
from codegen.documents.printed import plain
from derivations.notation.lexer import GREEK_WORDS

_SPECIAL = {
    "\\": "\\textbackslash{}",
    "{": "\\{",
    "}": "\\}",
    "$": "\\$",
    "&": "\\&",
    "#": "\\#",
    "^": "\\textasciicircum{}",
    "_": "\\_",
    "~": "\\textasciitilde{}",
    "%": "\\%",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    "`": "\\textasciigrave{}",
}
#: TeX joins two of these into another sign: -- into a dash, two apostrophes into a quotation mark.
_JOINED = frozenset("-',")
_MATHEMATICS = {
    **{plain(f"\\{word}"): f"\\ensuremath{{\\{word}}}" for word in sorted(GREEK_WORDS)},
    "φ": "\\ensuremath{\\varphi}",
    "ε": "\\ensuremath{\\varepsilon}",
    "∂": "\\ensuremath{\\partial}",
    "∇": "\\ensuremath{\\nabla}",
    "⊙": "\\ensuremath{\\odot}",
    "−": "\\ensuremath{-}",
    "×": "\\ensuremath{\\times}",
    "·": "\\ensuremath{\\cdot}",
    "≤": "\\ensuremath{\\le}",
    "≥": "\\ensuremath{\\ge}",
    "→": "\\ensuremath{\\to}",
    "′": "\\ensuremath{'}",
    "✓": "\\ensuremath{\\checkmark}",
    "≈": "\\ensuremath{\\approx}",
}
#: Accents of mathematics, by their combining characters.
_ACCENTS = {
    "\u0302": "\\hat",
    "\u0303": "\\tilde",
    "\u0304": "\\bar",
    "\u0307": "\\dot",
    "\u20d7": "\\vec",
    "\u20d6": "\\overleftarrow",
}
#: What the comments of emitted code hold besides; \\sp is ^ where that is a character like others.
_IN_CODE = {
    "ᵀ": "\\ensuremath{\\sp{\\top}}",
    "²": "\\ensuremath{\\sp{2}}",
    "³": "\\ensuremath{\\sp{3}}",
    "⁻": "\\ensuremath{\\sp{-}}",
    "⁺": "\\ensuremath{\\sp{+}}",
    "¹": "\\ensuremath{\\sp{1}}",
    "‖": "\\ensuremath{\\|}",
    "⊘": "\\ensuremath{\\oslash}",
    "⊗": "\\ensuremath{\\otimes}",
    "∏": "\\ensuremath{\\prod}",
    "ℓ": "\\ensuremath{\\ell}",
    "𝟏": "\\ensuremath{\\mathbf{1}}",
}
#: Letters of Western and Central Europe, and punctuation, that every engine sets as they are.
_KNOWN = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿß"
    "ĂăĄąĆćČčĎďĐđĘęĚěĞğĹĺĽľŁłŃńŇňŐőŒœŔŕŘřŚśŞşŠšŢţŤťŮůŰűŸŹźŻżŽž"
    "–—‘’“”„…«»¡¿§"
)


def escape(text: str, *, chinese: bool = False) -> str:
    """Return LaTeX that shows a text literally.

    A character that not every engine can set is handed to ``\\bpttcharacter`` by its code; the
    frame of the document defines it to show the character, or its code where the font lacks it.

    Parameters
    ----------
    text : str
    chinese : bool
        Whether the document can set Chinese characters as they are.

    Examples
    --------
    >>> print(escape("50% of $x_1$ & {y}"))
    50\\% of \\$x\\_1\\$ \\& \\{y\\}
    >>> print(escape("the σ-cell 中"))
    the \\ensuremath{\\sigma}-cell \\bpttcharacter{4E2D}
    """
    shown = ""
    before = ""
    for character in visible(text):
        if character in _JOINED and character == before:
            shown += "\\/"  # a pair of braces would not keep LuaTeX from joining them
        is_set = chinese and unicodedata.east_asian_width(character) in ("W", "F")
        shown += character if is_set else _escaped(character)
        before = character
    return shown


def _escaped(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character.isascii() or character in _KNOWN:
        return character
    return _MATHEMATICS.get(character) or f"\\bpttcharacter{{{ord(character):04X}}}"


def prose(text: str) -> str:
    """Return LaTeX of prose, whose formulas come from our own printer.

    Examples
    --------
    >>> print(prose("$h_t$ is 100% of `a_b`"))
    $h_t$ is 100\\% of \\texttt{a\\_b}
    """
    return "".join(_shown(span) for span in spans(text))


def _shown(span: Span) -> str:
    if span.kind == "formula":
        return f"${relaxed(span.text)}$"
    return f"\\texttt{{{escape(span.text)}}}" if span.kind == "code" else _words(span.text)


def character_in_code(letter: str) -> str:
    """Return a character of code, with the accents that stand on it.

    Examples
    --------
    >>> print(character_in_code("{"), character_in_code("_"), character_in_code("y\u0302"))
    \\{ _ \\ensuremath{\\hat{y}}
    """
    base, accents = letter[:1], letter[1:]
    for accent in accents:
        if accent not in _ACCENTS:
            return _escaped(unicodedata.normalize("NFC", letter))
        base = f"\\ensuremath{{{_ACCENTS[accent]}{{{base}}}}}"
    if base in ("\\", "{", "}"):
        return _SPECIAL[base]
    return base if accents or base.isascii() else _IN_CODE.get(base) or _escaped(base)


def _words(text: str) -> str:
    """Escape text between formulas, with the blanks at its ends."""
    if not text.strip():
        return " " if text else ""
    front = " " if text[0].isspace() else ""
    return front + escape(text, chinese=True) + (" " if text[-1].isspace() else "")


__all__ = ["character_in_code", "escape", "prose"]
