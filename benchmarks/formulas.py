"""How well `check` does on labelled formulas: `python -m benchmarks.formulas [formulas.jsonl]`.

Prints the figures, and every disagreement with both sides of it. The corpus stands beside the
checkout; its README says what the fields mean.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derivations import Model, Verdict, check
from derivations.errors import BpttError

CORPUS = Path(__file__).parents[2] / "shared" / "corpus" / "dev.jsonl"


@dataclass(frozen=True)
class Judged:
    """A labelled formula and what was found.

    Attributes
    ----------
    item : dict
        The line of the corpus.
    verdict : Verdict or None
        None where the forward equations could not be read.
    message : str
        Why they could not.
    seconds : float
        Reading, verdict and repair together.
    is_repaired : bool
        Whether the repair, given as a claim of its own, is judged to hold.
    """

    item: dict[str, Any]
    verdict: Verdict | None
    message: str
    seconds: float
    is_repaired: bool

    @property
    def label(self) -> str:
        return str(self.item["verdict"])

    @property
    def found(self) -> str:
        """The verdict in the words of the corpus."""
        if self.verdict is None:
            return "not_read"
        return "holds" if self.verdict.verdict == "no_counterexample" else self.verdict.verdict

    @property
    def is_read(self) -> bool:
        """Whether source and claim were understood: a refusal of a claim shows a line."""
        return self.verdict is not None and not (
            self.found == "not_checkable" and " | " in self.verdict.why
        )

    @property
    def agrees(self) -> bool:
        """Whether the verdict is the label, or one that counts as agreement."""
        either = {"false", "holds_under_reading"}
        return self.found == self.label or (bool(self.item["debatable"]) and self.found in either)


def judged(items: Iterable[dict[str, Any]]) -> Iterator[Judged]:
    """Yield what is found for each formula."""
    for item in items:
        start = time.perf_counter()
        try:
            model = Model.read("\n".join([*item["model"], *item["declare"]]))
            verdict = check(model, item["claim"])
        except BpttError as error:
            yield Judged(item, None, str(error), time.perf_counter() - start, False)
            continue
        seconds = time.perf_counter() - start
        is_repaired = verdict.repair is not None and check(model, verdict.repair).agrees
        yield Judged(item, verdict, "", seconds, is_repaired)


def read_items(path: Path = CORPUS) -> list[dict[str, Any]]:
    """Return the lines of a corpus."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


@dataclass(frozen=True)
class Figures:
    """What the issue asks for, as shares of one."""

    read: float
    agreement: float
    repaired: float
    false_called_true: int
    slowest: float


def figures(results: list[Judged]) -> Figures:
    """Return the figures of some results."""
    false = [r for r in results if r.label == "false"]
    refuted = [r for r in false if r.found == "false"]
    return Figures(
        sum(r.is_read for r in results) / len(results),
        sum(r.agrees for r in results) / len(results),
        sum(r.is_repaired for r in refuted) / max(1, len(false)),
        sum(r.found == "holds" for r in false),
        max(r.seconds for r in results),
    )


def main() -> None:
    """Print the figures and the disagreements."""
    results = list(judged(read_items(Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS)))
    for result in results:
        if not result.agrees:
            _show(result)
    unrepaired = [r for r in results if r.label == r.found == "false" and not r.is_repaired]
    print("without a repair:", ", ".join(r.item["id"] for r in unrepaired) or "none")
    print(Counter((r.label, r.found) for r in results))
    found = figures(results)
    print(f"read                {found.read:7.1%} of {len(results)}")
    print(f"agreement           {found.agreement:7.1%}")
    print(f"false with a repair {found.repaired:7.1%} of those labelled false")
    print(f"false called holds  {found.false_called_true:5}")
    print(f"slowest             {found.slowest:7.2f} s")


def _show(result: Judged) -> None:
    item, verdict = result.item, result.verdict
    print(f"{item['id']}: labelled {item['verdict']} ({item['reading'] or item['why']})")
    print(f"    {item['claim']}")
    if verdict is None:
        print(f"    not read: {result.message}")
        return
    said = [verdict.reading, verdict.why, verdict.counterexample, verdict.evidence]
    print(f"    found {verdict.verdict}: " + "; ".join(filter(None, said)))
    if verdict.repair is not None:
        print(f"    repair: {verdict.repair}")


if __name__ == "__main__":
    main()
