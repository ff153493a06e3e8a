"""MathML → LaTeX, written from the standard and not from the printer: what a browser is shown."""

from __future__ import annotations

import re
import unicodedata
from xml.etree.ElementTree import Element

MATHML = "{http://www.w3.org/1998/Math/MathML}"
_SIGNS = {
    "−": "-",
    "′": "'",
    "′′": "''",
    "⊙": "\\odot",
    "⊘": "\\oslash",
    "⊗": "\\otimes",
    "·": "\\cdot",
    "×": "\\times",
    "≤": "\\le",
    "≥": "\\ge",
    "≈": "\\approx",
    "∈": "\\in",
    "∂": "\\partial",
    "⊤": "\\top",
    "∑": "\\sum",
    "∏": "\\prod",
    "⋯": "\\cdots",
    "‖": "\\|",
    "ℝ": "\\mathbb{R}",
    "ℓ": "\\ell",
    "ϕ": "\\phi",
    "φ": "\\varphi",
    "ϵ": "\\epsilon",
    "ε": "\\varepsilon",
    "\u2061": "",
}
_ACCENTS = {"^": "hat", "~": "tilde", "¯": "bar", "˙": "dot", "→": "vec", "←": "overleftarrow"}
_WIDE = {"^": "widehat", "~": "widetilde", "¯": "overline", "→": "overrightarrow"}
_FUNCTIONS = frozenset({"tanh", "exp", "log", "max", "min", "sin", "cos"})


def latex_of(element: Element) -> str:
    """Return the LaTeX of an element and all that is in it."""
    tag = element.tag.removeprefix(MATHML)
    children = list(element)
    if tag in ("mi", "mn", "mo", "mtext"):
        return _token(tag, element.text or "")
    if tag in ("mspace", "mphantom"):
        return " "
    if tag == "mfrac":
        above, below = map(latex_of, children)
        return f"\\frac{{{above}}}{{{below}}}"
    if tag == "mover" and element.get("accent") == "true":
        accent = children[1].text or ""
        names = _ACCENTS if children[1].get("stretchy") == "false" else {**_ACCENTS, **_WIDE}
        return f"\\{names[accent]}{{{latex_of(children[0])}}}"
    if tag in ("msub", "msup", "msubsup", "munder", "mover", "munderover"):
        return _scripted(tag, children)
    if tag == "mtable" and element.get("class") == "lines":
        return glued([latex_of(cell) for row in children for cell in row])
    if tag == "mtable":
        return " \\\\ ".join(" & ".join(latex_of(cell) for cell in row) for row in children)
    assert tag in ("math", "mrow", "mpadded", "mtr", "mtd"), tag
    if any(child.tag == f"{MATHML}mtable" and child.get("class") is None for child in children):
        opened, table, closed = children
        assert (opened.text, closed.text) == ("(", ")")
        return f"\\begin{{pmatrix}} {latex_of(table)} \\end{{pmatrix}}"
    return glued([latex_of(child) for child in children])


def glued(parts: list[str]) -> str:
    """Join LaTeX; a letter behind a command would continue its name."""
    text = ""
    for part in parts:
        needs_blank = re.search(r"\\[a-zA-Z]+$", text) and part[:1].isalpha()
        text += f" {part}" if needs_blank else part
    return text


def _scripted(tag: str, children: list[Element]) -> str:
    base, *scripts = children
    text = latex_of(base)
    while base.tag == f"{MATHML}mpadded":
        base = base[0]
    is_compound = base.tag.removeprefix(MATHML) not in ("mi", "mn", "mo", "mrow", "mover")
    text = f"{{{text}}}" if is_compound else text
    signs = {"sub": "_", "under": "_", "sup": "^", "over": "^"}
    order = [signs[name] for name in re.findall("sub|sup|under|over", tag)]
    for sign, script in zip(order, scripts, strict=True):
        text += f"{sign}{{{latex_of(script)}}}"
    return text


def _token(tag: str, text: str) -> str:
    if tag == "mtext":
        return f"\\text{{{text}}}"
    if text in _SIGNS:
        return _SIGNS[text]
    if len(text) > 1 and tag == "mi":
        return f"\\{text}" if text in _FUNCTIONS else f"\\operatorname{{{text}}}"
    return "".join(map(_letter, text))


def _letter(letter: str) -> str:
    name = unicodedata.name(letter)
    if name.startswith("GREEK"):
        word = name.split()[-1].lower().replace("lamda", "lambda")
        return f"\\{word.capitalize() if 'CAPITAL' in name else word}"
    if name.startswith("MATHEMATICAL BOLD"):
        font = "bm" if "ITALIC" in name else "mathbf"
        return f"\\{font}{{{_letter(unicodedata.normalize('NFKC', letter))}}}"
    return letter
