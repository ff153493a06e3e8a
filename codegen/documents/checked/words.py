"""How verdicts are worded, and how formulas are shortened, in every output of checked notes."""

from __future__ import annotations

import re
import unicodedata

from codegen.documents.printed import plain
from codegen.documents.text import columns
from derivations.claims.notes import Checked
from derivations.claims.verdict import VERDICTS, VerdictName
from derivations.errors import printable

MARKS: dict[VerdictName, str] = {
    "holds": "✓",
    "holds_under_reading": "✓",
    "no_counterexample": "✓",
    "false": "✗",
    "not_checkable": "?",
}
WORDS: dict[VerdictName, str] = {
    "holds": "holds",
    "holds_under_reading": "holds under a reading",
    "no_counterexample": "no counterexample",
    "false": "false",
    "not_checkable": "not checkable",
}
#: Of a longer formula, the LaTeX is shown as it stands.
LONGEST_SHOWN = 4000
DEEPEST_SHOWN = 40
_LABEL = re.compile(r"\\(?:tag\*?|label)\s*\{[^{}]*\}")
_AFTER_SCRIPT = re.compile(
    r"([_^]\{[^{}]*\})(?=[A-Za-z\\])|(\})(?=\\(?:frac|left|sum|prod|partial))"
)
_IN_BRACKETS = re.compile(r"([(\[]) +| +([)\]])")


def sentence(text: str) -> str:
    """Return a sentence for the terminal, the formulas between dollars in plain text.

    Examples
    --------
    >>> sentence("The sum over $k$ is missing.")
    'The sum over k is missing.'
    """
    parts = re.split(r"\$([^$]+)\$", text)
    return printable("".join(unicode(part) if n % 2 else part for n, part in enumerate(parts)))


def unicode(latex: str) -> str:
    """Return a formula as Unicode text; one that is too deep or too long stays LaTeX.

    Examples
    --------
    >>> print(unicode("\\\\frac{\\\\partial E_t}{\\\\partial W_{in}} = \\\\delta_{t}x_t^\\\\top"))
    ∂E_t/∂W_in = δ_t x_tᵀ
    """
    depth = deepest = 0
    for character in latex:
        depth += (character == "{") - (character == "}")
        deepest = max(deepest, depth)
    if len(latex) > LONGEST_SHOWN or deepest > DEEPEST_SHOWN or depth < 0:
        return printable(latex)
    # W_{rec}h_t shall not become W_rech_t, nor two fractions one.
    apart = _AFTER_SCRIPT.sub(r"\1\2 ", _LABEL.sub("", latex))
    return printable(_IN_BRACKETS.sub(r"\1\2", plain(apart)))


def shortened(formula: str, room: int) -> str:
    """Return a formula that takes at most so many columns; of a chain, both ends stay.

    Examples
    --------
    >>> shortened("a = b + c + d + e = f", 12), shortened("a = b + c + d + e", 9)
    ('a = … = f', 'a = b + …')
    """
    if columns(formula) <= room:
        return formula
    sides = formula.split(" = ")
    if len(sides) > 2:
        ends = f"{sides[0]} = … = {sides[-1]}"
        if columns(ends) <= room:
            return ends
    kept, used = "", 1
    for character in formula:
        used += 0 if unicodedata.combining(character) else columns(character)
        if used > room:
            break
        kept += character
    return f"{kept}…"


def summary(checked: Checked) -> str:
    """Return how many claims got which verdict, in one line.

    Examples
    --------
    >>> summary(Checked("", False, (), ()))
    'No equation claims anything.'
    """
    counts = checked.counts
    if not counts:
        return "No equation claims anything."
    parts = [f"{counts[name]} {_counted(name, counts[name])}" for name in VERDICTS if counts[name]]
    total = sum(counts.values())
    return f"{total} {'equation' if total == 1 else 'equations'}: {', '.join(parts)}."


def _counted(name: VerdictName, count: int) -> str:
    if name == "no_counterexample":
        return "without counterexample"
    return WORDS[name] if count == 1 else WORDS[name].replace("holds", "hold")


def foundations(checked: Checked) -> list[str]:
    """Return what the verdicts rest on, a sentence for what is written and one for the rest."""
    found = []
    for kind in ("forward equation", "definition", "declaration"):
        lines = [str(stated.line) for stated in checked.stated if stated.kind == kind]
        if lines:
            noun = kind if len(lines) == 1 else f"{kind}s"
            numbers = list(dict.fromkeys(lines))
            where = "line" if len(numbers) == 1 else "lines"
            found.append(f"{len(lines)} {noun} ({where} {', '.join(numbers)})")
    assumed = [unicode(stated.text) for stated in checked.stated if stated.kind == "assumption"]
    sentences = [f"Judged against {'; '.join(found)}."] if found else []
    if assumed:
        sentences.append(f"The notes do not say, and it is assumed: {'; '.join(assumed)}.")
    return sentences


__all__ = ["MARKS", "WORDS", "foundations", "shortened", "summary", "unicode"]
