"""What the prose of notes says of their symbols, as declarations that `Model.read` understands.

Two kinds of prose are read: lines that are declarations already, and the phrases of the table
below, English and Chinese, wherever they stand. A phrase that is a condition ("when σ is tanh") or
an alternative ("σ is tanh or ReLU") declares nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from derivations.activations import FUNCTIONS
from derivations.claims.notes.markup import Document
from derivations.errors import BpttError, Place
from derivations.notation.lexer import FUNCTION_WORDS, GREEK_LETTERS
from derivations.notation.text import Declaration, read_text


@dataclass(frozen=True)
class Said:
    """A declaration that the prose makes.

    Attributes
    ----------
    text : str
        One line, as `Model.read` takes it.
    subject : tuple of (str, str)
        What is spoken of, and in which respect; a later declaration on the same subject replaces
        an earlier one.
    place : Place
        Where it was said.
    """

    text: str
    subject: tuple[str, str]
    place: Place


#: How notes call the functions.
_FUNCTION_NAMES = {
    "sigmoid": ("sigmoid", "logistic sigmoid", "logistic", "sigmoid 函数"),
    "tanh": ("tanh", "hyperbolic tangent", "双曲正切"),
    "relu": ("relu", "rectified linear unit", "rectifier"),
    "softplus": ("softplus",),
    "identity": ("identity",),
    "gelu": ("gelu",),
    "silu": ("silu", "swish"),
}
_OPERATORS = {"\\odot", "\\circ", "\\otimes", "\\cdot", "\\times", "*", "\\ast"}
_OPERATOR_SIGNS = {"⊙": "\\odot", "∘": "\\circ", "⊗": "\\otimes", "·": "\\cdot", "×": "\\times"}

_SYMBOL = (
    r"(?P<symbol>\$[^$\n]{1,80}\$|\\\((?:(?!\\\)).){1,80}\\\)|(?<![\w\\$])(?:[α-ωΑ-Ω⊙∘⊗*]"
    r"|\\[A-Za-z]+(?:[_^](?:\{[^{}\n]*\}|\w))*|[A-Za-z](?:[_^](?:\{[^{}\n]*\}|\w))+)(?![\w{]))"
)
_BE = r"\s+(?:is|denotes|means|represents|stands\s+for|be)\s+"
_IST = r"\s*(?:是|为|表示|代表|指)\s*"
_AT_STEP = r"(?:\s+(?:at|of|for)\s+(?:the\s+)?(?:time\s*step|step|time)\s+\$?t\$?)"
_NO_GATE = r"(?!\s*-?(?:gate|layer|matrix|weight|size|dimension|modulation|sequence\s+length))"
_NAMES = "|".join(
    re.escape(name) for names in _FUNCTION_NAMES.values() for name in sorted(names, key=len)[::-1]
)


#: Which phrase says which sentence; ``S`` is the symbol, ``F`` the function.
PHRASES = (
    (
        "S is F",
        rf"{_BE}(?:the\s+|a\s+)?(?P<function>{_NAMES})(?:[\s-]+(?:activation|function|"
        rf"nonlinearity|non-linearity))*\b",
    ),
    ("S is F", rf"{_IST}(?P<function>{_NAMES})\s*(?:激活)?(?:函数)?"),
    (
        "S is an elementwise function",
        rf"{_BE}(?:the|an?|some|any)\s+(?:(?:arbitrary|unspecified|elementwise|element-wise|"
        r"pointwise|point-wise|nonlinear|non-linear|activation|differentiable)\s+)+"
        r"(?:function|nonlinearity|non-linearity)\b",
    ),
    ("S is an elementwise function", rf"{_IST}(?:任意|某个|逐元素|非线性)*\s*(?:的)?激活函数"),
    ("S is the input", rf"{_BE}the\s+input(?:\s+vector)?{_AT_STEP}?\b{_NO_GATE}"),
    (
        "S is the input",
        rf"{_IST}(?:第?\s*\$?t\$?\s*(?:时刻|步|个时刻)的?)?\s*输入(?:向量)?(?![a-z门层])",
    ),
    (
        "S is the target",
        rf"{_BE}the\s+(?:(?:true|correct|desired)\s+)?(?:target|label|output\s+label|ground\s+truth)"
        rf"(?:\s+vector)?{_AT_STEP}?\b",
    ),
    (
        "S is the target",
        rf"{_IST}(?:第?\s*\$?t\$?\s*(?:时刻|步)的?)?\s*(?:目标|真实标签|标签)(?:向量)?",
    ),
    (
        "S is one-hot",
        rf"{_BE}(?:an?\s+|the\s+)?one-hot(?:[\s-]+(?:encoded|vector|encoding|label|target))*\b",
    ),
    ("S is one-hot", rf"{_IST}(?:一个)?\s*(?:one-hot|独热)\s*(?:编码|向量)*"),
    (
        "S is elementwise",
        rf"{_BE}(?:the\s+|an\s+)?(?:element-?wise|entry-?wise|point-?wise|hadamard|component-?wise)\b",
    ),
    ("S is elementwise", rf"{_IST}(?:逐元素|按元素|对应元素|逐点|按位|哈达玛|hadamard)"),
    ("S is the outer product", rf"{_BE}the\s+outer\s+product\b"),
    ("S is the outer product", rf"{_IST}外积"),
    ("S is the matrix product", rf"{_BE}(?:the\s+)?matrix\s+(?:product|multiplication)\b"),
    ("S is the matrix product", rf"{_IST}矩阵(?:乘法|乘积)"),
    ("S is the loss of step t", rf"{_BE}the\s+(?:loss|error|cost){_AT_STEP}\b"),
    ("S is the loss of step t", rf"{_IST}(?:第?\s*\$?t\$?\s*(?:时刻|步)的)\s*(?:损失|误差)"),
    ("S is the total loss", rf"{_BE}the\s+(?:total|overall|whole)\s+(?:loss|error|cost)\b"),
    ("S is the total loss", rf"{_IST}(?:总的?|全部的?)(?:损失|误差)"),
    ("S is a scalar", rf"{_BE}an?\s+scalar\b"),
    ("S is a scalar", rf"{_IST}(?:一个)?标量"),
)
#: What is said of everything at once.
GENERAL_PHRASES = (
    (
        "vectors are rows",
        r"\bvectors\s+are\s+(?:all\s+)?(?:rows|row\s+vectors)\b|\brow[\s-]+vector\s+convention\b"
        r"|\bwe\s+(?:use|write|take|work\s+with)\s+row\s+vectors\b|向量(?:均|都)?(?:是|为|采用)行向量"
        r"|采用行向量|行向量(?:约定|记法)",
    ),
    (
        "loss at the last step only",
        r"\bloss\s+(?:is\s+)?(?:computed\s+)?(?:only\s+at\s+the\s+last\s+step|at\s+the\s+last\s+step"
        r"\s+only)\b|(?:只|仅)在最后一[步个]\s*(?:时刻)?(?:计算|有)?损失",
    ),
)
_COMPILED = tuple(
    (sentence, re.compile(_SYMBOL + phrase, re.IGNORECASE)) for sentence, phrase in PHRASES
)
_COMPILED_GENERAL = tuple(
    (sentence, re.compile(phrase, re.IGNORECASE)) for sentence, phrase in GENERAL_PHRASES
)
_KEYWORDS = re.compile(
    r"vector|sigmoid|logistic|tanh|tangent|relu|rectif|softplus|identity|gelu|silu|swish|function"
    r"|linearity|input|target|label|truth|one-hot|wise|hadamard|product|multiplication|loss|error"
    r"|cost|scalar|双曲|函数|输入|目标|标签|独热|元素|逐点|按位|哈达玛|外积|矩阵|损失|误差|标量|行向量",
    re.IGNORECASE,
)
_CONDITION_BEFORE = re.compile(
    r"\b(?:if|when|whenever|suppose|whether|unless)\b[^.;。；]*\Z|(?:当|若|如果|假如)[^.;。；，]*\Z",
    re.IGNORECASE,
)
_CONDITION_BEHIND = re.compile(r"\s*(?:时|的时候|或|or\b|/|、|,\s*(?:or|if|when)\b)", re.IGNORECASE)
_LIST_MARK = re.compile(r"[ \t]*(?:[-*+][ \t]+|\d+[.)][ \t]+)?")
_PLAIN_WORDS = re.compile(
    rf"(?<![\\A-Za-z{{_^(])(?!(?:{'|'.join(FUNCTION_WORDS)})\b)[A-Za-z]{{3,}}(?![A-Za-z}}])"
)
_LONGEST_LINE = 2000
_SHAPE = re.compile(
    r"(?P<symbols>[^=<>]+?)(?:\\in(?![a-zA-Z])|∈)\s*"
    r"(?P<space>(?:\\mathbb\s*\{?\s*R\s*\}?|ℝ)\s*\^\s*(?:\{[^{}]{1,60}\}|\w))\s*\Z"
)


def said(document: Document) -> list[Said]:
    """Return the declarations that the prose of a document makes, in the order of the text.

    Examples
    --------
    >>> from derivations.claims.notes.markup import read_document
    >>> text = "- $x_t$ is the input\\nHere $f$ is the sigmoid function, 其中 ⊙ 表示逐元素相乘."
    >>> [one.text for one in said(read_document(text))]
    ['x_t is the input', 'f is sigmoid', '\\\\odot is elementwise']
    """
    found: dict[tuple[int, str], Said] = {}
    displays = [(r.outer_start, r.outer_end) for r in document.regions if not r.inline]
    for start, end in _outside(document.readable, displays):
        for one in (*_whole_line(document, start, end), *_phrases(document, start, end)):
            found.setdefault((one.place.start, one.subject[1]), one)
    for region in document.regions:
        for one in _shapes(document, region.start, region.end):
            found.setdefault((one.place.start, one.text), one)
    return sorted(found.values(), key=lambda one: one.place.start)


def _outside(text: str, displays: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the lines that no display stands in."""
    number = 0
    for match in re.finditer(r"[^\n]+", text):
        while number < len(displays) and displays[number][1] <= match.start():
            number += 1
        inside = number < len(displays) and displays[number][0] < match.end()
        if not inside and match.end() - match.start() <= _LONGEST_LINE:
            yield match.span()


# Lines that are declarations


def _whole_line(document: Document, start: int, end: int) -> Iterator[Said]:
    text = document.readable
    mark = _LIST_MARK.match(text, start, end)
    start = mark.end() if mark is not None else start
    line = text[start:end].rstrip(" \t\r.,;。；，")
    words = re.sub(r"\\[()]|\$", " ", line)
    declaration = _declaration(" ".join(words.split()))
    if declaration is None:
        return
    is_symbol = re.search(r"[$\\_^*]|[^\x00-\x7f]", line) or (mark is not None and mark[0].strip())
    if not is_symbol and declaration.kind not in ("rows", "last step"):
        return  # "This is elementwise", "y is a scalar" within a text
    place = Place(document.text, start, start + len(line))
    yield Said(_line(declaration), _subject(declaration), place)


def _declaration(line: str) -> Declaration | None:
    if not line or len(line) > 300 or _KNOWN_VERBS.search(line) is None:
        return None
    try:
        found = read_text(line).declarations
    except BpttError:
        return None
    if len(found) != 1 or (found[0].kind == "function" and found[0].argument not in FUNCTIONS):
        return None
    if found[0].kind == "shape" and "," in re.sub(r"\{[^{}]*\}", "", found[0].symbol):
        return None  # several symbols: `_shapes` takes them apart
    spoken_of = found[0].symbol if found[0].kind not in ("rows", "last step") else ""
    other = found[0].argument if found[0].kind not in ("function", "shape") else ""
    return None if _PLAIN_WORDS.search(f"{spoken_of} {other}") else found[0]


_KNOWN_VERBS = re.compile(r"\bis\b|\bdepends\s+on\b|\bbounds\b|vectors are rows|\\in|∈|loss at")


def _line(declaration: Declaration) -> str:
    return declaration.place.text[declaration.place.start : declaration.place.end]


_GROUPS = {
    **dict.fromkeys(["function", "elementwise function"], "function"),
    **dict.fromkeys(["elementwise operator", "matrix product", "outer product"], "operator"),
}


def _subject(declaration: Declaration) -> tuple[str, str]:
    kind = declaration.kind
    about = f"{kind} {declaration.argument}" if kind in ("depends", "bounds") else kind
    return " ".join(declaration.symbol.split()), _GROUPS.get(kind, about)


# Phrases


def _phrases(document: Document, start: int, end: int) -> Iterator[Said]:
    text = document.readable
    if _KEYWORDS.search(text, start, end) is None:
        return
    for sentence, pattern in _COMPILED_GENERAL:
        for match in pattern.finditer(text, start, end):
            if not _is_conditional(text, match, start, end):
                yield from _made(sentence, Place(document.text, *match.span()))
    for sentence, pattern in _COMPILED:
        for match in pattern.finditer(text, start, end):
            symbol = _symbol(match["symbol"])
            is_operator = symbol in _OPERATORS
            speaks_of_one = sentence in _OPERATOR_SENTENCES
            if is_operator != speaks_of_one or _is_conditional(text, match, start, end):
                continue
            named = match.groupdict().get("function")
            spoken = sentence.replace("F", _function(named) if named else "F")
            yield from _made(spoken.replace("S", symbol, 1), Place(document.text, *match.span()))


_OPERATOR_SENTENCES = ("S is elementwise", "S is the outer product", "S is the matrix product")


def _made(line: str, place: Place) -> Iterator[Said]:
    declaration = _declaration(line)
    if declaration is not None:
        yield Said(line, _subject(declaration), place)


def _symbol(written: str) -> str:
    symbol = re.sub(r"\A(?:\$|\\\()\s*|\s*(?:\$|\\\))\Z", "", written)
    symbol = re.sub(r"\((?:\\cdot|[a-z])\)\Z", "", symbol)  # σ(·) is σ
    symbol = _OPERATOR_SIGNS.get(symbol, symbol)
    return GREEK_LETTERS.get(symbol, symbol).strip()


def _function(named: str) -> str:
    words = " ".join(named.lower().split())
    return next(name for name, spellings in _FUNCTION_NAMES.items() if words in spellings)


def _is_conditional(text: str, match: re.Match[str], start: int, end: int) -> bool:
    """Tell "when σ is tanh" and "σ is tanh or ReLU" from what is said without condition."""
    before, behind = text[start : match.start()], text[match.end() : min(end, match.end() + 20)]
    return (
        _CONDITION_BEFORE.search(before) is not None or _CONDITION_BEHIND.match(behind) is not None
    )


# Shapes


def _shapes(document: Document, start: int, end: int) -> Iterator[Said]:
    """Yield the shapes that a formula declares: U, V ∈ ℝ^{n × m}."""
    if end - start > _LONGEST_LINE:
        return
    match = _SHAPE.match(document.readable[start:end].strip(" \t\r\n.,;，。"))
    if match is None:
        return
    for symbol in match["symbols"].split(","):
        if symbol.strip() and not re.search(r"\\(?:forall|sum|text)", symbol):
            line = f"{' '.join(symbol.split())} \\in {' '.join(match['space'].split())}"
            yield from _made(line, Place(document.text, start, end))


__all__ = ["PHRASES", "Said", "said"]
