"""The body of a display to its rows: environments are peeled off, their row breaks are kept.

What is peeled off becomes blanks, so that every offset stays what it was. Matrices and case
distinctions belong to a formula and stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from derivations.claims.notes.markup import DISPLAY_ENVIRONMENTS, Span

#: Signs that state something of their two sides.
RELATIONS = frozenset(
    [
        *("=", "<", ">", "≤", "≥", "≈", "≠", "≡", "∝", "⇐", "≜", ":=", "+=", "-=", "*="),
        *("\\le", "\\leq", "\\leqslant", "\\ge", "\\geq", "\\geqslant", "\\lt", "\\gt", "\\ll"),
        *("\\gg", "\\ne", "\\neq", "\\equiv", "\\approx", "\\simeq", "\\sim", "\\cong", "\\propto"),
        *(
            "\\triangleq",
            "\\coloneqq",
            "\\coloneq",
            "\\doteq",
            "\\eqdef",
            "\\stackrel",
            "\\overset",
        ),
        *("\\lesssim", "\\gtrsim", "\\leqq", "\\geqq", "\\colonequals"),
    ]
)
#: Signs that state something only in a display: in prose they describe a function or a set.
DISPLAY_RELATIONS = frozenset(
    [
        *("\\in", "∈", "\\to", "→", "\\rightarrow", "\\longrightarrow", "\\leftarrow", "\\gets"),
        *("\\subset", "\\subseteq", "\\supset", "\\supseteq", "\\mapsto"),
    ]
)
#: Signs between two statements.
ARROWS = frozenset(
    [
        *("\\Rightarrow", "\\Longrightarrow", "\\implies", "\\impliedby", "\\iff", "\\therefore"),
        *("\\because", "\\Leftrightarrow", "\\Longleftrightarrow", "\\Leftarrow", "⇒", "⇔", "∴"),
    ]
)

TOKEN = re.compile(
    r"\\begin\s*\{[A-Za-z]+\*?\}|\\end\s*\{[A-Za-z]+\*?\}"
    r"|\\\\\*?(?:\[\s*-?[0-9.]+\s*[a-z]{2}\s*\])?"
    r"|\\[A-Za-z]+|\\.|:=|[-+*]=|\S",
    re.DOTALL,
)
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([A-Za-z]+)\*?\}")
_ARGUMENT = re.compile(r"\s*(?:\[[a-z]\]|\{[0-9]{1,2}\})")
_COLUMNS = re.compile(r"\s*(?:\[[a-z]\])?\s*\{[rcl@{}\s]*\}")
_SYSTEM_OPENS = re.compile(r"\\left\s*(?:\\\{|\\lbrace|\.)\s*\Z")
_SYSTEM_CLOSES = re.compile(r"\s*\\right\s*(?:\.|\\\}|\\rbrace)")
#: Commands whose braces only decorate the statement in them.
_FRAMES = re.compile(r"\\(?:boxed|fbox|displaystyle|textcolor\s*\{[^{}]*\})\s*\Z")
#: What says nothing: colours, sizes, numbers and labels of equations.
_SILENT = re.compile(
    r"\\(?:color|tag\*?|label)\s*\{[^{}]*\}|\\(?:displaystyle|nonumber|notag)(?![A-Za-z])"
)
_DEEPEST_FRAMES = 4


class UnbalancedError(Exception):
    """An environment in a display that is not closed."""

    def __init__(self, reason: str, start: int, end: int) -> None:
        super().__init__(reason)
        self.reason, self.start, self.end = reason, start, end


@dataclass
class Body:
    """The body of a display while it is peeled.

    Attributes
    ----------
    characters : list of str
        The text of the document from `offset` on, what was peeled off blanked.
    offset : int
        Where the body starts in the document.
    breaks : list of int
        Where rows end.
    ampersands : set of int
        Where cells were told apart.
    columns : list of int
        Those of them behind which another equation starts.
    is_one : bool
        Whether all rows are one statement (``multline``).
    """

    characters: list[str]
    offset: int
    breaks: list[int] = field(default_factory=list)
    ampersands: set[int] = field(default_factory=set)
    columns: list[int] = field(default_factory=list)
    is_one: bool = False

    @property
    def text(self) -> str:
        return "".join(self.characters)

    def slice(self, start: int, end: int) -> str:
        return "".join(self.characters[start:end])

    def blank(self, start: int, end: int) -> None:
        for position in range(start, end):
            if self.characters[position] != "\n":
                self.characters[position] = " "

    def rows(self) -> list[Span]:
        """Return the rows, as spans of the body."""
        starts = [0, *self.breaks]
        return list(zip(starts, [*self.breaks, len(self.characters)], strict=True))


def peel(text: str, start: int, end: int, environment: str) -> Body:
    """Return the body of a display with its environments peeled off.

    Parameters
    ----------
    text : str
        The document.
    start, end : int
        The body.
    environment : str
        The environment that the body stands in, or an empty text.

    Raises
    ------
    UnbalancedError
        When an environment in it is not closed.

    Examples
    --------
    >>> text = "\\\\begin{aligned} a &= b \\\\\\\\ c &= d \\\\end{aligned}"
    >>> body = peel(text, 0, len(text), "")
    >>> [" ".join(body.text[start:end].split()) for start, end in body.rows()]
    ['a = b', 'c = d']
    """
    body = Body(list(text[start:end]), start, is_one=environment == "multline")
    for match in _SILENT.finditer(body.text):
        body.blank(*match.span())
    for _ in range(_DEEPEST_FRAMES):
        if not _unframe(body):
            break
    _peel_environments(body, environment)
    return body


@dataclass(frozen=True)
class _Open:
    name: str
    start: int
    end: int
    depth: int
    is_peeled: bool


#: Environments in which every second & starts another equation.
_ALIGNED = frozenset(["align", "aligned", "alignat", "alignedat", "flalign"])


def _peel_environments(body: Body, environment: str) -> None:
    text = body.text
    systems = _systems(text)
    stack: list[_Open] = []
    depth = cells = 0
    for match in TOKEN.finditer(text):
        token, (start, end) = match[0], match.span()
        border = _ENVIRONMENT.fullmatch(token)
        if border is not None and border[1] == "begin":
            is_peeled = border[2] in DISPLAY_ENVIRONMENTS or start in systems
            stack.append(_Open(border[2], start, end, depth, is_peeled))
            body.is_one = body.is_one or border[2] == "multline"
            cells = 0
        elif border is not None:
            if not stack or stack[-1].name != border[2]:
                reason = f"This \\end{{{border[2]}}} closes nothing."
                raise UnbalancedError(reason, body.offset + start, body.offset + end)
            _close(body, text, stack.pop(), start, end)
        elif token in ("{", "}"):
            depth += 1 if token == "{" else -1
        elif token == "&" and (not stack or stack[-1].is_peeled):
            body.ampersands.add(start)
            body.blank(start, end)
            cells += 1
            if cells % 2 == 0 and (stack[-1].name if stack else environment) in _ALIGNED:
                body.columns.append(start)
        elif token.startswith("\\\\"):
            inside = all(opened.is_peeled for opened in stack)
            if inside and depth == (stack[-1].depth if stack else 0):
                if depth == 0:
                    body.breaks.append(end)
                body.blank(start, end)
                cells = 0
    if stack:
        opened = stack[-1]
        reason = f"This \\begin{{{opened.name}}} is not closed."
        raise UnbalancedError(reason, body.offset + opened.start, body.offset + opened.end)


def _close(body: Body, text: str, opened: _Open, start: int, end: int) -> None:
    """Blank an environment that was peeled, its arguments, and a brace in front of a system."""
    if not opened.is_peeled:
        return
    after = opened.end
    if opened.name == "array":
        columns = _COLUMNS.match(text, after)
        after = columns.end() if columns is not None else after
    while (argument := _ARGUMENT.match(text, after)) is not None:
        after = argument.end()
    body.blank(opened.start, after)
    body.blank(start, end)
    before = text[max(0, opened.start - 20) : opened.start]
    left, right = _SYSTEM_OPENS.search(before), _SYSTEM_CLOSES.match(text, end)
    if left is not None and right is not None:
        body.blank(opened.start - (len(before) - left.start()), opened.start)
        body.blank(*right.span())


def _systems(text: str) -> frozenset[int]:
    """Return where ``cases`` and ``array`` hold equations, and not the values of one of them."""
    found = set()
    for match in re.finditer(r"\\begin\s*\{(cases|array)\}", text):
        before = _SYSTEM_OPENS.sub("", text[max(0, match.start() - 200) : match.start()])
        if has_relation(before.rpartition("\\\\")[2]):
            continue  # f(x) = \begin{cases} … is one equation
        first_row = re.split(r"\\\\|\\end", text[match.end() : match.end() + 2000], maxsplit=1)[0]
        if match[1] == "array":
            columns = _COLUMNS.match(first_row)
            first_row = first_row[columns.end() :] if columns is not None else ""
        if has_relation(first_row):
            found.add(match.start())
    return frozenset(found)


# Frames: \boxed{a = b}

_SCRIPT_OR_COMMAND = re.compile(r"(?:[_^]|\\[A-Za-z]+\*?|\}|\])\s*\Z")


def _unframe(body: Body) -> bool:
    """Blank braces around whole statements; tell whether there were any."""
    text, depth, opened = body.text, 0, 0
    found = False
    for match in TOKEN.finditer(text):
        if match[0] == "{":
            opened = match.start() if depth == 0 else opened
            depth += 1
        elif match[0] == "}" and depth > 0:
            depth -= 1
            if depth == 0:
                found = _unframe_group(body, text, opened, match.start()) or found
    return found


def _unframe_group(body: Body, text: str, opened: int, closed: int) -> bool:
    before = text[max(0, opened - 60) : opened]
    frame = _FRAMES.search(before)
    if frame is None and _SCRIPT_OR_COMMAND.search(before) is not None:
        return False
    if not has_relation(text[opened + 1 : closed]):
        return False
    body.blank(opened - (0 if frame is None else len(before) - frame.start()), opened + 1)
    body.blank(closed, closed + 1)
    return True


# Levels

_OPENING, _CLOSING = frozenset("{(["), frozenset("})]")


def tokens(text: str) -> Iterator[tuple[str, int, int, int]]:
    """Yield the tokens of a formula with their places and how deep they stand in brackets.

    Examples
    --------
    >>> [(token, level) for token, _, _, level in tokens("f(x)_{i} = 1") if token in "xi="]
    [('x', 1), ('i', 1), ('=', 0)]
    """
    level, after_size = 0, False
    for match in TOKEN.finditer(text):
        token, (start, end) = match[0], match.span()
        if after_size:  # the bracket behind \left counts with it
            after_size = False
            continue
        if token in ("\\left", "\\right"):
            after_size = True
            level = level + 1 if token == "\\left" else max(level - 1, 0)
        else:
            step = _step(token)
            level = max(level + min(step, 0), 0)
            yield token, start, end, level
            level += max(step, 0)


def _step(token: str) -> int:
    """Return by how much a token raises the level behind it, or lowers its own."""
    environment = _ENVIRONMENT.fullmatch(token)
    if environment is not None:
        is_display = environment[2] in DISPLAY_ENVIRONMENTS  # what it holds is no deeper
        return 0 if is_display else (1 if environment[1] == "begin" else -1)
    return (token in _OPENING) - (token in _CLOSING)


def has_relation(text: str, signs: frozenset[str] = RELATIONS | DISPLAY_RELATIONS) -> bool:
    """Tell whether a formula states something, outside its brackets.

    Examples
    --------
    >>> has_relation("h_t = f(x)"), has_relation("\\\\sum_{k=1}^{t} h_k")
    (True, False)
    """
    return any(level == 0 and token in signs for token, _, _, level in tokens(text))


__all__ = [
    "ARROWS",
    "DISPLAY_RELATIONS",
    "RELATIONS",
    "TOKEN",
    "Body",
    "UnbalancedError",
    "has_relation",
    "peel",
    "tokens",
]
