"""Checked notes as a table for the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from codegen.documents.checked.difference import marked
from codegen.documents.checked.words import (
    MARKS,
    WORDS,
    foundations,
    sentence,
    shortened,
    summary,
    unicode,
)
from codegen.documents.text import columns
from derivations.claims.notes import Checked, CheckedClaim
from derivations.claims.verdict import VerdictName
from derivations.errors import printable

_STYLES: dict[VerdictName, str] = {
    "holds": "green",
    "holds_under_reading": "cyan",
    "no_counterexample": "green",
    "false": "bold red",
    "not_checkable": "yellow",
}
#: What the columns beside the equation take, with the space between them.
_BESIDE = len("line") + 2 + max(map(columns, WORDS.values())) + len("✓ ") + 2
_NARROWEST = 20


def verdict_table(checked: Checked, width: int) -> RenderableType:
    """Return the table of the claims, and what they were judged against.

    Parameters
    ----------
    checked : Checked
    width : int
        Columns of the terminal.
    """
    room = max(width - _BESIDE, _NARROWEST)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("line", justify="right")
    table.add_column("equation")
    table.add_column("verdict", no_wrap=True)
    for claim in checked.claims:
        name = claim.verdict.verdict
        table.add_row(
            str(claim.line),
            Text("\n").join(_cell(claim, room)),
            Text(f"{MARKS[name]} {WORDS[name]}", style=_STYLES[name]),
        )
    counted = Text(summary(checked), style="bold")
    rest = [Text(line) for line in foundations(checked)]
    if not checked.claims:
        return Group(counted, *rest)
    return Group(table, Padding(Group(counted, *rest), (1, 0, 0, 0)))


def _cell(claim: CheckedClaim, room: int) -> Iterator[Text]:
    """Yield the equation on one line and, under it, what is to be said of it."""
    verdict = claim.verdict
    yield Text(shortened(unicode(claim.claim), room))
    if verdict.reading is not None:
        yield Text(f"reading: {printable(verdict.reading)}", style="cyan")
    if verdict.repair is not None:
        yield _repair(claim.claim, verdict.repair)
    if verdict.why:
        yield Text(sentence(verdict.why), style="dim")
    if verdict.counterexample is not None and verdict.repair is None:
        yield Text(f"counterexample: {sentence(verdict.counterexample)}", style="dim")


#: Characters of private use, for a moment, around what a repair changes.
_OPENING, _CLOSING = "\ue000", "\ue001"


def _repair(claim: str, repair: str) -> Text:
    """Return the repair, with what it changes underlined."""
    line = Text("repair: ", style="green")
    shown = unicode(marked(claim, repair, _OPENING, _CLOSING))
    for piece in re.split(f"({_OPENING}[^{_CLOSING}]*{_CLOSING})", shown):
        is_changed = piece.startswith(_OPENING)
        line.append(piece.strip(_OPENING + _CLOSING), style="bold underline" if is_changed else "")
    return line


__all__ = ["verdict_table"]
