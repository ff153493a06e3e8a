"""Our printer's LaTeX → MathML Core, which browsers show without a script.

latex2mathml was tried first. It prints ``\\operatorname`` as an operator without its spaces, bold
by an attribute that browsers dropped, accents that stretch, and does not know which brackets
grow; with our own pieces all of that is one table and one walk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Literal, TypeAlias

from codegen.documents.html.alphabets import FONTS, in_font
from codegen.documents.layout import Line
from codegen.documents.printed import ACCENTS, Piece, cells, character, pieces

#: TeX's classes of atoms; a group is something in brackets.
Kind: TypeAlias = Literal[
    "ordinary", "group", "function", "sign", "relation", "open", "punctuation", "series", "dots",
    "space",
]  # fmt: skip

_SIGNS = frozenset(
    {"+", "-", "\\odot", "\\oslash", "\\cdot", "\\circ", "\\otimes", "\\ast", "\\times"}
)
_RELATIONS = frozenset(
    {"=", "<", ">", "\\le", "\\leq", "\\ge", "\\geq", "\\ne", "\\neq", "\\in", "\\approx"}
    | {"\\propto", "\\equiv", "\\to"}
)
_PUNCTUATION = frozenset({",", ";"})
_SERIES = frozenset({"\\sum", "\\prod"})
_DOTS = frozenset({"\\cdots", "\\ldots", "\\dots"})
#: Relations and operators in the eyes of MathML, but set without space.
_TIGHT = frozenset({":", "/", "!", "|"})
_BRACKETS = {"(": ")", "[": "]", "\\lVert": "\\rVert", "\\langle": "\\rangle"}
_FENCES = frozenset({*_BRACKETS, *_BRACKETS.values(), "\\|"})
_SIZES = {"\\Bigl": "1.8em", "\\Bigr": "1.8em"}
_SPACES = {"\\,": "0.167em", "\\;": "0.278em", "\\!": "-0.167em", "\\quad": "1em", "\\qquad": "2em"}
_CHARACTERS = {"-": "−", "\\sum": "∑", ",": ",", "\\cdots": "⋯"}
_WORDS = frozenset({"\\text", "\\textrm", "\\mathrm", "\\operatorname", "\\operatorname*"})
#: The character of an accent that stands alone, and the accents that are as wide as what is below.
_SPACING = {
    "\u0302": "^", "\u0303": "~", "\u0304": "¯", "\u0307": "˙", "\u20d7": "→", "\u20d6": "←",
}  # fmt: skip
_WIDE = frozenset({"\\widehat", "\\widetilde", "\\overline", "\\overrightarrow", "\\overleftarrow"})
_HANGING = frozenset("gjpqyfQJβγζημξρςφχψϕϱ")
_THIN = '<mspace width="0.167em"/>'
_APPLIED = "<mo>&#x2061;</mo>"


@dataclass(frozen=True)
class _Setting:
    """Whether this is a script, where TeX sets no space around signs, and the font of letters."""

    script: bool = False
    font: str = ""


@dataclass(frozen=True)
class _Atom:
    """An element of MathML and TeX's class of it."""

    markup: str
    kind: Kind


def mathml(text: str, *, display: bool = False) -> str:
    """Return a formula as an element ``math``.

    Parameters
    ----------
    text : str
        LaTeX of our printer in which `layout.relaxed` has chosen the brackets that grow.
    display : bool
        Whether limits stand above and below.

    Examples
    --------
    >>> print(mathml("W h_0"))
    <math><mi>W</mi><msub><mi>h</mi><mn>0</mn></msub></math>
    """
    mode = ' display="block"' if display else ""
    row = pieces(text, frozenset())
    setting = _Setting(script=len(row) == 1)  # a sign that is spoken of has no space around it
    return f"<math{mode}>{''.join(_elements(row, setting))}</math>"


def aligned(lines: Sequence[Line]) -> str:
    """Return a chain that was broken into lines, aligned where they say.

    Examples
    --------
    >>> print(aligned((Line("a", "= b"), Line("", "= c"))).count("<mtr>"))
    2
    """
    if len(lines) == 1:
        return mathml(f"{lines[0].left} {lines[0].right}".strip(), display=True)
    rows = "".join(f"<mtr>{_line(line)}</mtr>\n" for line in lines)
    table = f'<mtable class="lines" displaystyle="true">\n{rows}</mtable>'
    return f'<math display="block">{table}</math>'


def _line(line: Line) -> str:
    left = "".join(_elements(pieces(line.left, frozenset())))
    # An empty group: a sign behind it adds, and is no sign of a number.
    text = f"{{}} {line.right}" if line.indent else line.right
    right = "".join(_elements(pieces(text, frozenset())))
    indent = f'<mspace width="{line.indent}em"/>' if line.indent else ""
    return f"<mtd>{left}</mtd><mtd>{indent}{right}</mtd>"


def _elements(row: Sequence[Piece], setting: _Setting = _Setting()) -> Iterator[str]:
    """Yield the elements of a row, with the spaces that TeX sets and MathML does not."""
    before: _Atom | None = None
    for atom in _atoms(row, setting):
        if before is not None and not setting.script:
            yield _between(before.kind, atom.kind)
        yield atom.markup
        before = atom


def _one(row: Sequence[Piece], setting: _Setting = _Setting()) -> str:
    """Return a row as one element."""
    elements = [element for element in _elements(row, setting) if element]
    return elements[0] if len(elements) == 1 else f"<mrow>{''.join(elements)}</mrow>"


def _between(before: Kind, kind: Kind) -> str:
    letters = ("ordinary", "group", "function")
    if before == "function" and kind in ("group", "open"):
        return _APPLIED
    is_function = "function" in (before, kind) or "dots" in (before, kind)
    is_letter = before in (*letters, "dots") and kind in (*letters, "dots")
    return _THIN if is_function and is_letter else ""


def _atoms(row: Sequence[Piece], setting: _Setting) -> Iterator[_Atom]:
    position = 0
    kind: Kind | None = None
    while position < len(row):
        atom, position = _next(row, position, setting, kind)
        if atom is not None:
            yield atom
            kind = kind if atom.kind == "space" else atom.kind


def _next(
    row: Sequence[Piece], start: int, setting: _Setting, before: Kind | None
) -> tuple[_Atom | None, int]:
    """Return the atom that begins at a piece, and where the next one does."""
    piece = row[start]
    if piece.token == " ":
        return None, start + 1
    if piece.token in _SPACES:
        return _Atom(f'<mspace width="{_SPACES[piece.token]}"/>', "space"), start + 1
    if piece.token in _SIZES and start + 1 < len(row):
        fence = row[start + 1]
        size = _SIZES[piece.token]
        markup = _alone(fence.token, f'minsize="{size}" maxsize="{size}"')
        kind: Kind = "open" if piece.token == "\\Bigl" else "group"
        return _Atom(_scripted(markup, fence, setting), kind), start + 2
    grows = piece.token == "\\left"
    end = _closing(row, start)
    if end is not None:
        first = start + grows
        growth = "" if grows else 'stretchy="false"'
        inside = "".join(_elements(row[first + 1 : end - grows], setting))
        opened, closed = (_fence(row[i].token, growth) for i in (first, end))
        markup = f"<mrow>{opened}{inside}{closed}</mrow>"
        return _Atom(_scripted(markup, row[end], setting), "group"), end + 1
    if grows or piece.token == "\\right":
        return None, start + 1
    return _letter_or_number(row, start, setting, before)


def _letter_or_number(
    row: Sequence[Piece], start: int, setting: _Setting, before: Kind | None
) -> tuple[_Atom, int]:
    piece, end = row[start], start + 1
    if _is_digit(piece):
        number = piece.token
        while end < len(row) and _is_digit(row[end]) and not (piece.below or piece.above):
            piece = row[end]
            number, end = number + piece.token, end + 1
        shown = "".join(in_font(digit, setting.font) for digit in number)
        return _Atom(_scripted(f"<mn>{shown}</mn>", piece, setting), "ordinary"), end
    primes = 0
    while end < len(row) and row[end].token == "'" and not piece.above:
        last, end, primes = row[end], end + 1, primes + 1
        piece = replace(piece, below=piece.below or last.below, above=last.above)
    kind = _kind(piece)
    markup = _scripted(_core(piece, setting, before), piece, setting, kind == "series", primes)
    return _Atom(markup, kind), end


def _is_digit(piece: Piece) -> bool:
    return piece.token in "0123456789." and not piece.arguments


def _closing(row: Sequence[Piece], start: int) -> int | None:
    """Return where the bracket that opens at a piece closes."""
    opening = row[start].token
    grows = opening == "\\left"
    closing = "\\right" if grows else _BRACKETS.get(opening)
    depth = 0
    for position in range(start, len(row)):
        depth += (row[position].token == opening) - (row[position].token == closing)
        if closing is not None and depth == 0:
            end = position + grows
            return end if end < len(row) else None
    return None


def _kind(piece: Piece) -> Kind:
    token = piece.token
    tables: tuple[tuple[frozenset[str], Kind], ...] = (
        (_SIGNS, "sign"),
        (_RELATIONS, "relation"),
        (_PUNCTUATION, "punctuation"),
        (_SERIES, "series"),
        (_DOTS, "dots"),
        (frozenset({"\\operatorname", "\\operatorname*"}), "function"),
        (frozenset(_BRACKETS), "open"),
    )
    for tokens, kind in tables:
        if token in tokens:
            return kind
    if token in ACCENTS and any(inner.token in _SERIES for inner in piece.arguments[0]):
        return "series"
    is_name = not piece.arguments and len(character(token)) > 1 and token.startswith("\\")
    return "function" if is_name else "ordinary"


def _core(piece: Piece, setting: _Setting, before: Kind | None) -> str:
    """Return a piece without its scripts."""
    token, arguments = piece.token, piece.arguments
    if token == "\\begin":
        return _matrix(arguments)
    if token == "{":
        return _one(arguments[0], setting)
    if token == "\\frac":
        above, below = (_one(argument, setting) for argument in arguments)
        return f"<mfrac>{above}{below}</mfrac>"
    if token in ACCENTS:
        stretch = "" if token in _WIDE else ' stretchy="false"'
        accent = f"<mo{stretch}>{_SPACING[ACCENTS[token]]}</mo>"
        return f'<mover accent="true">{_one(arguments[0], setting)}{accent}</mover>'
    if token in _WORDS:
        return _word(token, "".join(character(inner.token) for inner in arguments[0]))
    if token in FONTS:
        return _one(arguments[0], replace(setting, font=FONTS[token]))
    if token in _FENCES:
        return _alone(token, 'stretchy="false"')
    return _token(token, setting, before)


def _token(token: str, setting: _Setting, before: Kind | None) -> str:
    shown = escape(_CHARACTERS.get(token) or character(token))
    if token in ("+", "-") and not setting.script:
        is_infix = before in ("ordinary", "group", "function", "dots")
        return f'<mo form="{"infix" if is_infix else "prefix"}">{shown}</mo>'
    if token in _SERIES:
        return f"<mo>{shown}</mo>"
    if token in _SIGNS | _RELATIONS | _PUNCTUATION | _TIGHT:
        is_tight = setting.script or token in _TIGHT
        return f'<mo lspace="0" rspace="0">{shown}</mo>' if is_tight else f"<mo>{shown}</mo>"
    letter = in_font(shown, setting.font)
    is_upright = len(shown) == 1 and shown == letter and (shown.isupper() and not shown.isascii())
    variant = ' mathvariant="normal"' if is_upright or shown == "∇" else ""
    return f"<mi{variant}>{letter}</mi>"


def _word(token: str, word: str) -> str:
    shown = escape(word).replace(" ", "&#xA0;")
    if token in ("\\text", "\\textrm"):
        return f"<mtext>{shown}</mtext>"
    variant = ' mathvariant="normal"' if len(word) == 1 else ""
    return f"<mi{variant}>{shown}</mi>"


def _fence(token: str, growth: str) -> str:
    beside = f" {growth}" if growth else ""
    return f"<mo{beside}>{escape(character(token))}</mo>"


def _alone(token: str, growth: str) -> str:
    """Return a bracket whose partner stands on another line."""
    return _fence(token, f'form="{"prefix" if token in _BRACKETS else "postfix"}" {growth}')


def _matrix(rows: Sequence[Sequence[Piece]]) -> str:
    entries = [cells(row) for row in rows]
    widest = [max(map(_numeral, column), key=len) for column in zip(*entries, strict=True)]
    shown = "".join(f"<mtr>{''.join(map(_entry, row, widest))}</mtr>\n" for row in entries)
    return f"<mrow><mo>(</mo><mtable>\n{shown}</mtable><mo>)</mo></mrow>"


def _entry(cell: Sequence[Piece], widest: str) -> str:
    """Return an entry of a matrix; numbers below each other end at one place, by what is not seen
    in front of them: browsers centre what stands in a matrix, and not all align it otherwise."""
    number = _numeral(cell)
    missing = widest[: len(widest) - len(number)] if number else ""
    phantom = f"<mphantom>{''.join(_elements(pieces(missing)))}</mphantom>" if missing else ""
    return f"<mtd>{phantom}{''.join(_elements(cell))}</mtd>"


def _numeral(cell: Sequence[Piece]) -> str:
    """Return the text of a number, and nothing for any other entry."""
    inside = [piece for piece in cell if piece.token != " "]
    is_number = all(piece.token == "-" or _is_digit(piece) for piece in inside)
    return "".join(piece.token for piece in inside) if is_number else ""


def _scripted(
    core: str, piece: Piece, setting: _Setting, limits: bool = False, primes: int = 0
) -> str:
    """Return an element with its scripts; limits stand below and above it in a display."""
    inner = _Setting(script=True)
    below = _one(piece.below, inner) if piece.below else ""
    above = _one(piece.above, inner) if piece.above else ""
    if primes:
        # The character is raised already: as a superscript it would be too high and too small.
        core = f'<mrow>{core}<mo lspace="0" rspace="0">{"′" * primes}</mo></mrow>'
    if not (below or above):
        return core
    if below and not limits and not primes and _hangs(piece):
        core = f'<mpadded depth="0">{core}</mpadded>'
    name = ("munder" if below else "m") + ("over" if above else "")
    if not limits:
        name = "m" + ("sub" if below else "") + ("sup" if above else "")
    return f"<{name}>{core}{below}{above}</{name}>"


def _hangs(piece: Piece) -> bool:
    """Say whether a letter reaches below the line: its index would be lower than those beside it,
    in browsers and not in TeX."""
    inside = piece.arguments[0] if piece.token in ACCENTS else (piece,)
    return len(inside) == 1 and character(inside[0].token) in _HANGING


__all__ = ["aligned", "mathml"]
