"""Our printer's LaTeX → Typst's mathematics, piece by piece; an unknown command is an error."""

from __future__ import annotations

import re
from collections.abc import Sequence

from codegen.documents.printed import SILENT, Piece, pieces, plain
from derivations.errors import EmitError

_ENVIRONMENT = re.compile(r"\\begin\{([^}]*)\}")
_GROWN = re.compile(r"\\([bB]igg?)[lrm]?")
_TALL = frozenset({"\\frac", "\\sum", "\\prod", "\\begin"})
_CLOSING = {"(": ")", "[": "]", "\\{": "\\}", "\\lVert": "\\rVert", "\\|": "\\|", "|": "|"}
#: Brackets that look alike at both ends, and how Typst writes them.
_ALIKE = {"\\|": "‖", "|": "|"}
#: Heights of brackets that do not grow by themselves.
_SIZES = {"big": "1.2em", "Big": "1.8em", "bigg": "2.4em", "Bigg": "3em"}
_BARS = {
    "\\lVert": ("opening", "‖"),
    "\\rVert": ("closing", "‖"),
    "\\|": ("opening", "‖"),
    "\\lvert": ("opening", "|"),
    "\\rvert": ("closing", "|"),
}
_SPACES = {
    "\\,": "thin",
    "\\:": "med",
    "\\;": "thick",
    "\\enspace": "space.en",
    "\\quad": "quad",
    "\\qquad": "wide",
    "\\ ": "space",
    "~": "space",
}
#: What leaves no trace at all.
_UNSEEN = frozenset(SILENT - _SPACES.keys())
_ACCENTS = {
    "\\hat": "accent({}, hat, size: #60%)",
    "\\widehat": "hat({})",
    "\\tilde": "accent({}, tilde, size: #60%)",
    "\\widetilde": "tilde({})",
    "\\bar": "macron({})",
    "\\overline": "overline({})",
    "\\dot": "dot({})",
    "\\ddot": "dot.double({})",
    "\\check": "caron({})",
    "\\breve": "breve({})",
    "\\acute": "acute({})",
    "\\grave": "grave({})",
    "\\mathring": "circle({})",
    "\\vec": "accent({}, arrow, size: #60%)",
    "\\overrightarrow": "arrow({})",
    "\\overleftarrow": "arrow.l({})",
}
_FONTS = {
    "\\mathbf": "upright(bold({}))",
    "\\mathit": "italic({})",
    "\\mathbb": "bb({})",
    "\\mathcal": "cal({})",
    "\\mathscr": "scr({})",
    "\\mathfrak": "frak({})",
    "\\mathsf": "upright(sans({}))",
    "\\mathtt": "mono({})",
    "\\boldsymbol": "bold({})",
    "\\bm": "bold({})",
}
#: Fonts whose argument is a word.
_WORDS = {
    "\\text": "{}",
    "\\textrm": "{}",
    "\\mathrm": "{}",
    "\\textbf": "bold({})",
    "\\textit": "italic({})",
    "\\textsf": "sans({})",
    "\\texttt": "mono({})",
    "\\operatorname": "op({})",
    "\\operatorname*": "op({}, limits: #true)",
}
#: Functions that Typst sets upright, some of them with what is below under their name.
_FUNCTIONS = frozenset(
    {
        *("arccos", "arcsin", "arctan", "arg", "cos", "cosh", "cot", "coth", "csc", "deg", "det"),
        *("dim", "exp", "gcd", "hom", "inf", "ker", "lg", "lim", "liminf", "limsup", "ln", "log"),
        *("max", "min", "Pr", "sec", "sech", "sin", "sinh", "sup", "tan", "tanh"),
    }
)
#: Signs for which a terminal has another, or none.
_SIGNS = {
    "\\sum": "∑",
    "\\prod": "∏",
    "\\cdot": "⋅",
    "\\dagger": "†",
    "\\ddagger": "‡",
    "\\bot": "⊥",
    "\\emptyset": "∅",
    "\\varkappa": "ϰ",
    "\\digamma": "ϝ",
    "\\ll": "≪",
    "\\gg": "≫",
    "\\sim": "∼",
    "\\pm": "±",
    "\\mapsto": "↦",
    "\\Rightarrow": "⇒",
    "\\mid": "|",
    "*": "∗",
}
#: Characters that mean something to Typst though they are no letters of its own.
_ROOTS = frozenset("√∛∜")


def mathematics(latex: str) -> str:
    """Return the Typst mathematics of a formula in our printer's LaTeX.

    Brackets grow only around something tall.

    Parameters
    ----------
    latex : str
        A formula, perhaps `layout.relaxed`, or a line of one.

    Raises
    ------
    EmitError
        For a command that has no line in this file.

    Examples
    --------
    >>> print(mathematics("\\\\hat{y}_{t-1} = W_{rec} \\\\, h_t"))
    accent(y, hat, size: #60%)_(t - 1) = W_(r e c) thin h_(t)
    >>> print(mathematics("\\\\operatorname{diag}\\\\left(\\\\frac{a}{b}\\\\right)^{\\\\top}"))
    op("diag") lr(\\( frac(a, b) \\))^(⊤)
    """
    for environment in _ENVIRONMENT.findall(latex):
        if environment != "pmatrix":
            raise _unknown(f"\\begin{{{environment}}}")
    return _row(pieces(latex, _UNSEEN))


def literal(text: str) -> str:
    """Return a string of Typst's code.

    Examples
    --------
    >>> print(literal('a "b" \\\\ c'))
    "a \\"b\\" \\\\ c"
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'


def _unknown(command: str) -> EmitError:
    return EmitError(
        f"The LaTeX {command} has no Typst yet.", hint="codegen/documents/typst/mathematics.py"
    )


def _row(row: Sequence[Piece]) -> str:
    """Return the atoms of a row, with blanks between them."""
    atoms: list[str] = []
    position = 0
    while position < len(row):
        atom, position = _atom(row, position, atoms)
        if atom:
            atoms.append(atom)
    return _joined(atoms)


def _joined(atoms: Sequence[str]) -> str:
    """Join atoms; next to a word Typst shows the blank, which no bracket or sign is to have."""
    text = ""
    for atom in atoms:
        at_word = text.endswith('"') or atom.startswith('"')
        is_tight = at_word and (text[-2:-1] == "\\" or atom.startswith("\\"))
        text += atom if is_tight or not text else f" {atom}"
    return text


def _atom(row: Sequence[Piece], position: int, atoms: list[str]) -> tuple[str, int]:
    """Return what stands at a place, and where the next atom begins."""
    piece = row[position]
    if piece.token == "'" and atoms:
        return f"{atoms.pop()}'{_scripts(piece)}", position + 1
    if piece.token in "0123456789":
        return _number(row, position)
    size = _GROWN.fullmatch(piece.token)
    if size is not None and position + 1 < len(row):
        bracket = row[position + 1]
        grown = f"lr(size: #{_SIZES[size[1]]}, {_sign(bracket.token)})"
        return grown + _scripts(bracket), position + 2
    if piece.token in _CLOSING:
        end = _partner(row, position)
        inside = row[position + 1 : end]
        if end and (_is_tall(inside) or piece.token in _ALIKE):
            return _bracketed(piece, inside, row[end]), end + 1
    return _base(piece) + _scripts(piece), position + 1


def _number(row: Sequence[Piece], position: int) -> tuple[str, int]:
    """Return the decimal number that begins at a place: it is one atom."""
    digits = ""
    while position < len(row) and row[position].token in "0123456789.":
        piece = row[position]
        ends = piece.token == "." and not _is_digit(row, position + 1)
        if ends:
            break
        digits += piece.token
        position += 1
        if piece.below or piece.above:
            return digits + _scripts(piece), position
    return digits, position


def _is_digit(row: Sequence[Piece], position: int) -> bool:
    return position < len(row) and row[position].token in "0123456789"


def _partner(row: Sequence[Piece], position: int) -> int:
    """Return where the bracket that is opened at a place is closed, or 0."""
    opening = row[position].token
    depth = 0
    for place in range(position + 1, len(row)):
        token = row[place].token
        if token == _CLOSING[opening] and not depth:
            return place
        depth += (token == opening) - (token == _CLOSING[opening])
    return 0


def _is_tall(row: Sequence[Piece]) -> bool:
    return any(piece.token in _TALL or any(map(_is_tall, piece.arguments)) for piece in row)


def _bracketed(opening: Piece, inside: Sequence[Piece], closing: Piece) -> str:
    if not _is_tall(inside):
        bar = _ALIKE[opening.token]
        left, right = f'class("opening", {bar})', f'class("closing", {bar})'
        return f"{left} {_row(inside)} {right}{_scripts(closing)}"
    return f"lr({_sign(opening.token)} {_row(inside)} {_sign(closing.token)}){_scripts(closing)}"


def _scripts(piece: Piece) -> str:
    below = f"_({_row(piece.below)})" if piece.below else ""
    return below + (f"^({_row(piece.above)})" if piece.above else "")


def _base(piece: Piece) -> str:
    token, arguments = piece.token, piece.arguments
    if token == "{":
        return _group(arguments[0], bool(piece.below or piece.above))
    if token == "\\frac":
        return "frac({}, {})".format(*(_row(argument) or '""' for argument in arguments))
    if token == "\\begin":
        return f'mat(delim: "(", {"; ".join(map(_cells, arguments))})'
    if token in _ACCENTS:
        accented = _ACCENTS[token].format(_row(arguments[0]) or '""')
        return f"limits({accented})" if _is_series(arguments[0]) else accented
    if token in _FONTS:
        return _FONTS[token].format(_row(arguments[0]))
    if token in _WORDS:
        return _WORDS[token].format(literal(_words(arguments[0])))
    if token in _BARS:
        kind, bar = _BARS[token]
        return f'class("{kind}", {_escaped(bar)})'
    if token == " ":
        return '""' if piece.below or piece.above else ""
    return _sign(token)


def _group(inside: tuple[Piece, ...], has_scripts: bool) -> str:
    shown = _row(inside)
    if not has_scripts:
        return shown
    is_simple = len(inside) == 1 and not (inside[0].below or inside[0].above)
    return (shown or '""') if is_simple or not inside else f"scripts({shown})"


def _is_series(row: Sequence[Piece]) -> bool:
    return [piece.token for piece in row] in (["\\prod"], ["\\sum"])


def _cells(row: Sequence[Piece]) -> str:
    cells: list[list[Piece]] = [[]]
    for piece in row:
        if piece.token == "&":
            cells.append([])
        else:
            cells[-1].append(piece)
    return ", ".join(_row(cell) or '""' for cell in cells)


def _words(row: Sequence[Piece]) -> str:
    """Return the text of a font that holds words.

    Examples
    --------
    >>> _words(pieces("raw\\\\_loss of it"))
    'raw_loss of it'
    """
    text = ""
    for piece in row:
        if len(piece.token) > 2 or piece.arguments or piece.below or piece.above:
            shown = _row([piece])
            raise _unknown(f"text with a formula in it, {shown},")
        text += piece.token.removeprefix("\\") if piece.token != "\\ " else " "
    return text


def _sign(token: str) -> str:
    """Return the sign of a character or a command."""
    if token in _SPACES:
        return _SPACES[token]
    if token in _SIGNS:
        return _escaped(_SIGNS[token])
    if len(token) == 1:
        return _escaped(token)
    word = token[1:]
    if word in _FUNCTIONS:
        return word
    shown = plain(token)
    if not word.isalpha():
        return _escaped(shown)
    if shown == word or not shown:
        raise _unknown(token)
    return _escaped(shown)


def _escaped(sign: str) -> str:
    """Return a character that stands for itself."""
    is_plain = sign.isalnum() or sign in "+-=" or not (sign.isascii() or sign in _ROOTS)
    return sign if is_plain else f"\\{sign}"


__all__ = ["literal", "mathematics"]
