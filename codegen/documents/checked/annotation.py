"""The notes again, with the verdict behind each formula: as block quotes, in LaTeX as comments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from codegen.documents.checked.difference import marked
from codegen.documents.checked.words import MARKS, WORDS, foundations, summary
from derivations.claims.notes import Checked, CheckedClaim
from derivations.errors import printable

#: Of a longer counterexample, the start is shown.
LONGEST_COUNTEREXAMPLE = 160

_PREFIX = re.compile(r"([ \t]*(?:>[ \t]?)*[ \t]*)((?:[-*+]|\d{1,9}[.)])[ \t]+)?")
_BLOCK_STARTS = re.compile(
    r"[ \t]*(?:\r?$|(?:[-*+]|\d{1,9}[.)])[ \t]|#{1,6}[ \t]|```|~~~|\$\$|\\\[|\\begin)"
)
_FORMULA = re.compile(r"(\$[^$]+\$)")
_MARKDOWN = re.compile(r"([\\`*_<>\[\]$|~])")


def annotated(checked: Checked) -> str:
    """Return the notes with a verdict behind each formula that claims something.

    Examples
    --------
    >>> annotated(Checked("No formula.\\n", False, (), ()))
    'No formula.\\n\\n> No equation claims anything.\\n'
    """
    end = "\r\n" if "\r\n" in checked.text else "\n"
    pieces, position = [], 0
    for place, claims in groupby(checked.claims, key=lambda claim: _behind(checked, claim)):
        before = checked.text[position:place]
        lines = [*([] if before.endswith("\n") else [""]), *_lines(checked, list(claims))]
        is_followed = checked.text[place : _line_end(checked.text, place)].strip()
        lines += [""] if is_followed and not checked.is_latex else []
        pieces += [before, *(line + end for line in lines)]
        position = place
    rest = checked.text[position:]
    said = [summary(checked), *foundations(checked)]
    if checked.is_latex:
        closing = [f"% bptt: {_of_one_line(line)}" for line in said]
    else:
        closing = [f"> {_escaped(line)}" for line in said]
    blank = "" if not rest or rest.endswith("\n") else end
    return "".join([*pieces, rest, blank, end, *(line + end for line in closing)])


# Where it goes


def _behind(checked: Checked, claim: CheckedClaim) -> int:
    """Return the start of the line behind the block that a claim stands in."""
    text, (start, end) = checked.text, claim.block
    position = _line_end(text, end)
    is_inline = text.startswith(("$", "\\("), start) and not text.startswith("$$", start)
    if checked.is_latex or not is_inline:
        return position
    is_table = text[text.rfind("\n", 0, start) + 1 : start].lstrip().startswith("|")
    while position < len(text):
        line_end = _line_end(text, position)
        line = text[position:line_end].rstrip("\n")
        stays = line.lstrip().startswith("|") if is_table else not _BLOCK_STARTS.match(line)
        if not stays:
            break
        position = line_end
    return position


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end + 1


# What it says


def _lines(checked: Checked, claims: Sequence[CheckedClaim]) -> Iterator[str]:
    if checked.is_latex:
        for claim in claims:
            yield from _comment(claim, _is_one_of_several(claim, claims))
        return
    text, start = checked.text, claims[0].block[0]
    line_start = text.rfind("\n", 0, start) + 1
    found = _PREFIX.match(text, line_start)
    assert found is not None
    prefix = found[1] + " " * len(found[2] or "")
    yield prefix.rstrip()
    for number, claim in enumerate(claims):
        if number:
            yield f"{prefix}>"
        for line in _quote(claim, _is_one_of_several(claim, claims)):
            yield f"{prefix}> {line}".rstrip()


def _is_one_of_several(claim: CheckedClaim, claims: Sequence[CheckedClaim]) -> bool:
    return any(other is not claim for other in claims)


def _head(claim: CheckedClaim, is_one_of_several: bool) -> str:
    name = claim.verdict.verdict
    where = f" (line {claim.line}, equation {claim.row})" if is_one_of_several else ""
    return f"{MARKS[name]} {WORDS[name]}{where}"


def _quote(claim: CheckedClaim, is_one_of_several: bool) -> Iterator[str]:
    verdict = claim.verdict
    sentences = [_head(claim, is_one_of_several)]
    sentences += [f"{_escaped(verdict.reading)}."] if verdict.reading else []
    sentences += [_with_formulas(verdict.why)] if verdict.why else []
    sentences += [f"{_with_formulas(verdict.evidence)}."] if verdict.evidence else []
    head, *rest = sentences
    yield f"{head}: {' '.join(rest)}" if rest else head
    if verdict.repair is not None:
        repair = marked(claim.claim, _of_one_line(verdict.repair), "\\textcolor{red}{", "}")
        yield from ("", f"$${repair}$$")
    if verdict.counterexample is not None:
        yield from ("", f"Counterexample: {_with_formulas(_cut(verdict.counterexample))}")


def _comment(claim: CheckedClaim, is_one_of_several: bool) -> Iterator[str]:
    verdict = claim.verdict
    parts = [_head(claim, is_one_of_several), verdict.reading, verdict.why, verdict.evidence]
    yield f"% bptt: {': '.join(_of_one_line(part) for part in parts if part)}"
    if verdict.repair is not None:
        yield f"% bptt: repair: {_of_one_line(verdict.repair)}"
    if verdict.counterexample is not None:
        yield f"% bptt: counterexample: {_of_one_line(_cut(verdict.counterexample))}"


def _with_formulas(text: str) -> str:
    """Return a sentence for Markdown in which what stands between dollars stays a formula."""
    parts = _FORMULA.split(_of_one_line(text))
    return "".join(part if n % 2 else _MARKDOWN.sub(r"\\\1", part) for n, part in enumerate(parts))


def _cut(text: str) -> str:
    text = _of_one_line(text)
    return text if len(text) <= LONGEST_COUNTEREXAMPLE else f"{text[:LONGEST_COUNTEREXAMPLE]}…"


def _of_one_line(text: str) -> str:
    return printable(" ".join(text.split()))


def _escaped(text: str) -> str:
    """Return words in which Markdown finds nothing to do."""
    return _MARKDOWN.sub(r"\\\1", _of_one_line(text))


__all__ = ["annotated"]
