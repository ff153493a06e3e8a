"""Text → LaTeX: whatever a user wrote is shown literally, on every TeX engine."""

from __future__ import annotations

from codegen.documents.content import visible
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
#: Letters of Western and Central Europe, and punctuation, that every engine sets as they are.
_KNOWN = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿß"
    "ĂăĄąĆćČčĎďĐđĘęĚěĞğĹĺĽľŁłŃńŇňŐőŒœŔŕŘřŚśŞşŠšŢţŤťŮůŰűŸŹźŻżŽž"
    "–—‘’“”„…«»¡¿§"
)


def escape(text: str) -> str:
    """Return LaTeX that shows a text literally.

    A character that not every engine can set is handed to ``\\bpttcharacter`` by its code; the
    frame of `standalone` defines it to show the character, or its code where the font lacks it.

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
        shown += _escaped(character)
        before = character
    return shown


def _escaped(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character.isascii() or character in _KNOWN:
        return character
    return _MATHEMATICS.get(character) or f"\\bpttcharacter{{{ord(character):04X}}}"


def prose(text: str) -> str:
    """Return LaTeX of text whose formulas, between ``$``, come from our own printer.

    Examples
    --------
    >>> print(prose("$h_t$ is 100% of it"))
    $h_t$ is 100\\% of it
    """
    parts = text.split("$")
    if len(parts) % 2 == 0:
        return escape(text)  # a dollar without its partner: no formula can be meant
    shown = [f"${relaxed(part)}$" if i % 2 else _words(part) for i, part in enumerate(parts)]
    return "".join(shown)


def _words(text: str) -> str:
    """Escape text between formulas, with the blanks at its ends."""
    if not text.strip():
        return " " if text else ""
    front = " " if text[0].isspace() else ""
    return front + escape(text) + (" " if text[-1].isspace() else "")


__all__ = ["escape", "prose"]
