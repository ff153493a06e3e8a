"""Which letters make one word: TeX sets ``h_prev`` and ``h_th`` alike, and people mean both."""

from __future__ import annotations

import re

from derivations.notation.signs import FUNCTION_WORDS, GREEK_WORDS, NOUNS, UPRIGHT

#: A word of plain text with its labels, such as ``w_r_x``.
PLAIN_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*")
#: A run of letters; no word is longer.
LETTERS = re.compile(r"[A-Za-z]{1,40}")
#: What may stand behind an unbraced underscore.
LABELS = re.compile(r"[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*")
#: The text of \text{…} that can be a name.
NAME_TEXT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 -]|\\?_)*")

_CANONICAL = {"\\ln": "\\log", "\\ReLU": "\\relu", "\\GELU": "\\gelu", "\\SiLU": "\\silu"}
_FUNCTION = re.compile("|".join(sorted(FUNCTION_WORDS, key=len, reverse=True)))
_LABEL_WORD = re.compile(r"[a-z]{3,}[0-9]*|[A-Z][a-z]{2,}[0-9]*|[A-Z]{3,}|[a-zA-Z][0-9]+")
_STEP_BEHIND = re.compile(
    r"_[tk](?![A-Za-z0-9_])|(?:_\{|\(|\[|\^\{?\()\s*[tkT]\s*(?:[-+−]\s*[0-9]\s*)?[\])}]"
)
_SCRIPT = r"(?:_\{[^{}]*\}|_[A-Za-z0-9]+)?"
_OVER_D = re.compile(_SCRIPT + r"\s*/\s*d[A-Za-z]")
_D_OVER = re.compile(r"(?<![A-Za-z0-9_])d[A-Za-z]+" + _SCRIPT + r"\s*/\s*\Z")


def canonical(command: str) -> str:
    """Return one command for those that mean the same function."""
    return _CANONICAL.get(command, command)


def canonical_name(font: str, inner: str) -> str:
    """Return one spelling for the many of a name in a font.

    Examples
    --------
    >>> canonical_name("\\\\operatorname", "softmax"), canonical_name("\\\\mathbf", " W ")
    ('\\\\softmax', '\\\\mathbf{W}')
    """
    inner = " ".join(inner.split())
    if font in UPRIGHT or font == "\\textbf":
        if inner in FUNCTION_WORDS:
            return canonical(f"\\{inner}")
        if inner == "d":  # the upright d of a differential
            return "d"
    return f"{font}{{{inner}}}"


def plain_name(word: str) -> str:
    """Return the name that a word of plain text stands for.

    Examples
    --------
    >>> plain_name("tanh"), plain_name("alpha"), plain_name("bias"), plain_name("h")
    ('\\\\tanh', '\\\\alpha', '\\\\text{bias}', 'h')
    """
    if word in FUNCTION_WORDS:
        return canonical(f"\\{word}")
    if word in GREEK_WORDS or word in ("partial", "nabla"):
        return f"\\{word}"
    return f"\\text{{{word}}}" if len(word) > 1 else word


def first_of_run(run: str) -> tuple[int, str]:
    """Return how many letters of a run among LaTeX make its first name, and that name.

    Examples
    --------
    >>> first_of_run("tanh"), first_of_run("Wtanh"), first_of_run("net"), first_of_run("uvw")
    ((4, '\\\\tanh'), (1, 'W'), (3, '\\\\text{net}'), (1, 'u'))
    """
    if run in NOUNS:
        return len(run), f"\\text{{{run}}}"
    found = _FUNCTION.match(run)
    # One letter may stand behind a function; a longer rest makes it another word.
    if found is not None and len(run) - found.end() <= 1:
        return found.end(), canonical(f"\\{found[0]}")
    return 1, run[0]


def are_labels(first: str, others: list[str]) -> bool:
    """Tell whether an unbraced subscript among LaTeX is a word, or words, and not one letter.

    Two underscores in a row are no TeX. A word has three letters or more of one kind, a vowel
    among them, and is no letter with a function behind it.

    Examples
    --------
    >>> are_labels("prev", []), are_labels("th", []), are_labels("r", ["x"]), are_labels("hh", [])
    (True, False, True, False)
    """
    if first.isdigit() or (len(first) == 1 and others):
        return True
    return (
        _LABEL_WORD.fullmatch(first) is not None
        and re.search(r"[aeiouAEIOU0-9]", first) is not None
        and first[1:] not in FUNCTION_WORDS
    )


def is_product(head: str, before: str, behind: str) -> bool:
    """Tell whether a plain word is a weight times a state, or a d before a variable.

    Parameters
    ----------
    head : str
        The word without its labels.
    before, behind : str
        The text around it.

    Examples
    --------
    >>> is_product("Wx", "", "_t"), is_product("dL", "", "/dh_t"), is_product("dh", "", "_next")
    (True, True, False)
    """
    if len(head) == 2 and head[0].isupper() and head[1].islower():
        return _STEP_BEHIND.match(behind) is not None
    if head[0] != "d" or len(head) < 2 or head in GREEK_WORDS | FUNCTION_WORDS:
        return False
    return _OVER_D.match(behind) is not None or _D_OVER.search(before[-60:]) is not None


def known_words(words: frozenset[str]) -> re.Pattern[str] | None:
    """Return the pattern of words that are known to be whole."""
    usable = sorted((w for w in words if PLAIN_WORD.fullmatch(w)), key=len, reverse=True)
    if not usable:
        return None
    return re.compile(rf"(?<![A-Za-z0-9_\\])(?:{'|'.join(usable)})(?![A-Za-z0-9_])")
