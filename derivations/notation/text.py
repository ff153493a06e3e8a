"""A user's text to its statements: where the equations stand, and what the declarations say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from derivations.errors import ModelError, NotationError, Place
from derivations.notation.names import meaning
from derivations.notation.parse import parse_symbol

#: A longer text is no model.
LONGEST_TEXT = 1_000_000
#: A text with more equations is no cell.
MOST_EQUATIONS = 200


@dataclass(frozen=True)
class Declaration:
    """A sentence about a symbol, such as ``y_t is one-hot``.

    Attributes
    ----------
    symbol : str
        The LaTeX of the symbol that is spoken of.
    kind : str
        What is said, one of the keys of `SENTENCES`.
    argument : str
        The rest of the sentence: a function's name, another symbol, a shape.
    place : Place
        Where the sentence stands.
    """

    symbol: str
    kind: str
    argument: str
    place: Place

    def name(self, temporal: frozenset[str] = frozenset()) -> str:
        """Return the canonical name of the symbol, its time excluded."""
        return meaning(parse_symbol(self.symbol, self.part(self.symbol)), temporal).name

    def part(self, piece: str) -> Place:
        """Return where a piece of the sentence stands."""
        start = self.place.text.find(piece, self.place.start, self.place.end)
        return self.place if start < 0 else self.place.part(start, start + len(piece))


@dataclass(frozen=True)
class Text:
    """A text taken apart: its title, its equations and its declarations, each with its place."""

    text: str
    title: str
    equations: tuple[Place, ...]
    declarations: tuple[Declaration, ...]


#: Every sentence that is understood; ``S`` is a symbol.
SENTENCES = {
    "input": "S is the input",
    "target": "S is the target",
    "one-hot": "S is one-hot",
    "label": "S is a label",
    "parameter": "S is a parameter",
    "elementwise function": "S is an elementwise function",
    "loss": "S is the loss of step t",
    "total loss": "S is the total loss",
    "depends": "S depends on R",
    "scalar": "S is a scalar",
    "elementwise operator": "S is elementwise",
    "matrix product": "S is the matrix product",
    "outer product": "S is the outer product",
    "immediate": "S is immediate",
    "norm": "S is the spectral norm",
    "singular value": "S is the largest singular value of R",
    "spectral radius": "S is the spectral radius of R",
    "bounds": "S bounds R",
    "rows": "vectors are rows",
    "last step": "loss at the last step only",
    "shape": "S ∈ R^m input",
    "function": "S is tanh",
}

_PATTERNS = (
    ("input", r"(?P<symbol>.+?)\s+is\s+(?:the|an?)\s+input"),
    ("target", r"(?P<symbol>.+?)\s+is\s+(?:the|a)\s+target"),
    ("one-hot", r"(?P<symbol>.+?)\s+is\s+one-hot"),
    ("label", r"(?P<symbol>.+?)\s+is\s+(?:a|an|the)\s+(?:integer\s+|class\s+)*label"),
    ("parameter", r"(?P<symbol>.+?)\s+is\s+a\s+parameter"),
    ("elementwise function", r"(?P<symbol>.+?)\s+is\s+an\s+elementwise\s+function"),
    ("loss", r"(?P<symbol>.+?)\s+is\s+the\s+loss\s+of\s+step\s+[a-z]"),
    ("total loss", r"(?P<symbol>.+?)\s+is\s+the\s+total\s+loss"),
    ("depends", r"(?P<symbol>.+?)\s+depends\s+on\s+(?P<argument>.+)"),
    ("scalar", r"(?P<symbol>.+?)\s+is\s+a\s+scalar"),
    ("elementwise operator", r"(?P<symbol>.+?)\s+is\s+elementwise"),
    ("matrix product", r"(?P<symbol>.+?)\s+is\s+the\s+matrix\s+product"),
    ("outer product", r"(?P<symbol>.+?)\s+is\s+the\s+outer\s+product"),
    ("immediate", r"(?P<symbol>.+?)\s+is\s+immediate"),
    ("norm", r"(?P<symbol>.+?)\s+is\s+the\s+spectral\s+norm"),
    (
        "singular value",
        r"(?P<symbol>.+?)\s+is\s+the\s+largest\s+singular\s+value\s+of\s+(?P<argument>.+)",
    ),
    (
        "spectral radius",
        r"(?P<symbol>.+?)\s+is\s+the\s+spectral\s+radius\s+of\s+(?P<argument>.+)",
    ),
    ("bounds", r"(?P<symbol>.+?)\s+bounds\s+(?P<argument>.+)"),
    ("rows", r"(?P<symbol>vectors)\s+are\s+rows"),
    ("last step", r"(?P<symbol>loss)\s+at\s+the\s+last\s+step\s+only"),
    (
        "shape",
        r"(?P<symbol>.+?)\s*(?:∈|\\in(?![a-zA-Z])|\bin\b)\s*(?:ℝ|\\mathbb\s*\{R\}|\\R|R)\s*\^\s*"
        r"(?P<argument>\{[^{}]*\}(?:\s+\w+)?|\w+(?:\s+\w+)?)",
    ),
    (
        "function",
        r"(?P<symbol>.+?)\s+is\s+(?:the\s+)?(?:logistic\s+)?(?P<argument>[A-Za-z-]+)(?:\s+function)?",
    ),
)


_ALIGNED = re.compile(
    r"\s*\\begin\{(?P<name>(?:align|aligned|gather|gathered|split|eqnarray)\*?)\}"
    r"(?P<rows>.*)\\end\{(?P=name)\}[\s.,;]*",
    re.DOTALL,
)
_NEW_ROW = re.compile(r"\\\\(?:\s*\[[^\]]*\])?")


def read_text(text: str) -> Text:
    """Take a text apart.

    Without ``$$`` every line is an equation or a declaration, and ``#`` starts a title. With it the
    text is Markdown: equations stand between ``$$``, declarations are list items, and the rest is
    prose.

    Raises
    ------
    NotationError
        When a list item says something that is not understood, or ``$$`` is not closed.

    Examples
    --------
    >>> text = read_text("h_t = tanh(W h_{t-1} + U x_t)\\nx_t is the input")
    >>> len(text.equations), text.declarations[0].kind
    (1, 'input')
    """
    if len(text) > LONGEST_TEXT:
        raise NotationError(
            f"The text has {len(text)} characters; at most {LONGEST_TEXT} are read."
        )
    if "\0" in text:
        raise NotationError("This is no text: it holds a NUL character.")
    title = re.search(r"^#[ \t]*([^\n#].*)$", text, re.MULTILINE)
    name = title[1].strip() if title else ""
    found = _markdown(text, name) if "$$" in text else _bare(text, name)
    if len(found.equations) > MOST_EQUATIONS:
        raise ModelError(
            f"There are {len(found.equations)} equations; {MOST_EQUATIONS} are read.",
            found.equations[MOST_EQUATIONS],
        )
    return found


def _bare(text: str, title: str) -> Text:
    equations, declarations = [], []
    for match in re.finditer(r"[^\n]+", text):
        place = _trim(text, match.start(), match.end())
        line = text[place.start : place.end]
        if not line or line.startswith("#"):
            continue
        found = _declarations(line, place)
        if found:
            declarations += found
        elif "=" in line:
            equations.append(place)
        else:
            raise NotationError(
                "This line is neither an equation nor a declaration.",
                place,
                "Declarations are: " + "; ".join(SENTENCES.values()) + ".",
            )
    return Text(text, title, tuple(equations), tuple(declarations))


def _markdown(text: str, title: str) -> Text:
    equations = list(_display_equations(text))
    declarations = []
    for place, is_item in _lines_outside_of_displays(text):
        line = text[place.start : place.end]
        found = _declarations(line, place)
        if is_item and not found and "=" in line:
            equations.append(place)
        elif is_item or (found and re.search(r"[_$\\]", line)):
            if not found:
                raise NotationError(
                    "This declaration is not understood.",
                    place,
                    "Sentences that are: " + "; ".join(SENTENCES.values()) + ".",
                )
            declarations += found
    return Text(text, title, tuple(equations), tuple(declarations))


def _display_equations(text: str) -> Iterator[Place]:
    fences = [match.start() for match in re.finditer(r"(?<!\\)\$\$", text)]
    if len(fences) % 2:
        last = fences[-1]
        raise NotationError("This $$ is not closed.", Place(text, last, last + 2))
    for start, end in zip(fences[::2], fences[1::2], strict=True):
        yield from _rows_of_a_display(text, start + 2, end)


def _rows_of_a_display(text: str, start: int, end: int) -> Iterator[Place]:
    """Yield the equations of a display: its rows, where it is one of the environments for that."""
    frame = _ALIGNED.fullmatch(text, start, end)
    if frame is None:
        yield _trim(text, start, end)
        return
    first, behind = frame.span("rows")
    ends = [match.span() for match in _NEW_ROW.finditer(text, first, behind)]
    begins = [first, *(stop for _, stop in ends)]
    for begin, stop in zip(begins, [*(at for at, _ in ends), behind], strict=True):
        place = _trim(text, begin, stop)
        if place.start < place.end:
            yield place


def _lines_outside_of_displays(text: str) -> Iterator[tuple[Place, bool]]:
    """Yield the lines of prose, and whether each is the item of a list."""
    for match in re.finditer(r"^[ \t]*([-*+][ \t]+)?([^\n]+)$", text, re.MULTILINE):
        yield _trim(text, match.start(2), match.end(2)), match[1] is not None


def _trim(text: str, start: int, end: int) -> Place:
    """Leave out blanks and dollar signs around a statement, and the punctuation behind it."""
    while start < end and (text[start].isspace() or text[start] == "$"):
        start += 1
    while start < end and (text[end - 1].isspace() or text[end - 1] in ".,;$"):
        end -= 1
    return Place(text, start, end)


def _declarations(line: str, place: Place) -> list[Declaration]:
    """Return what a line declares: nothing, one thing, or what S depends on, one by one."""
    words = line.replace("$", " ").strip()
    for kind, pattern in _PATTERNS:
        match = re.fullmatch(pattern, words)
        if match is not None and "=" not in words:
            symbol, argument = match["symbol"].strip(), match.groupdict().get("argument") or ""
            arguments = re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+", argument)
            listed = arguments if kind == "depends" else [argument]
            return [Declaration(symbol, kind, argument, place) for argument in listed]
    return []
