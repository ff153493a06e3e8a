"""The alphabets of mathematics: bold, double-struck and script letters, each its own character."""

from __future__ import annotations

import re
import unicodedata

#: What Unicode calls the font of a command.
FONTS = {
    "\\mathbf": "BOLD",
    "\\boldsymbol": "BOLD ITALIC",
    "\\bm": "BOLD ITALIC",
    "\\mathbb": "DOUBLE-STRUCK",
    "\\mathcal": "SCRIPT",
    "\\mathsf": "SANS-SERIF",
}


def in_font(letter: str, font: str) -> str:
    """Return a letter of an alphabet of mathematics: MathML Core has no other markup for it.

    Examples
    --------
    >>> in_font("R", "DOUBLE-STRUCK"), in_font("h", "BOLD"), in_font("1", "BOLD ITALIC")
    ('ℝ', '𝐡', '𝟏')
    """
    if not font or len(letter) != 1:
        return letter
    name = re.sub("LATIN |GREEK |LETTER ", "", unicodedata.name(letter))
    for known in (f"MATHEMATICAL {font} {name}", f"{font} {name}"):
        try:
            return unicodedata.lookup(known)
        except KeyError:
            continue
    return in_font(letter, font.removesuffix(" ITALIC")) if " " in font else letter


__all__ = ["FONTS", "in_font"]
