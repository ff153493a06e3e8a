"""One step as rows of boxes: what stands above what, what beside what, and where.

A layered drawing after Sugiyama, Tagawa and Toda (1981): rows by longest path, order in the rows
by barycentres, places by least squares. A line that passes a row has a seat there, too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from codegen.documents.drawing.spacing import spaced
from codegen.documents.drawing.step import Step

#: A name and a row: the box of the quantity in its own row, its line upwards in the rows above.
Seat: TypeAlias = tuple[str, int]
Link: TypeAlias = tuple[Seat, Seat]

#: Between two boxes, and between a line and what stands beside it.
BOX_GAP, LINE_GAP = 6.0, 6.0
ORDER_SWEEPS, PLACE_SWEEPS = 12, 60
#: How much an input, and what stands on the upright line, insist on their places.
WEAK, FIXED = 0.01, 1e6


@dataclass(frozen=True)
class Rows:
    """Where everything of a step stands.

    Attributes
    ----------
    row : mapping of name to int
        0 is at the bottom.
    seats : tuple of tuple of Seat
        Each row from left to right.
    x : mapping of Seat to float
        Centres; the leftmost box begins at 0.
    width : float
        From the leftmost to the rightmost box.
    """

    row: Mapping[str, int]
    seats: tuple[tuple[Seat, ...], ...]
    x: Mapping[Seat, float]
    width: float

    def boxes(self, row: int) -> tuple[str, ...]:
        """Return the names of the boxes in a row, from left to right."""
        return tuple(name for name, _ in self.seats[row] if self.row[name] == row)

    def way(self, used: str, user: str) -> tuple[Seat, ...]:
        """Return the seats from a quantity to one above it that uses it."""
        first, last = self.row[used], self.row[user]
        return (*((used, row) for row in range(first, last)), (user, last))


def rows_of(step: Step, widths: Mapping[str, float], apart: bool) -> Rows:
    """Return the rows of a step.

    Parameters
    ----------
    step : Step
    widths : mapping of name to float
        Of the boxes.
    apart : bool
        Whether what other steps use gets a row of its own, which makes its line straight.
    """
    row = _row_numbers(step, apart)
    links = _links(step, row)
    seats = _ordered(_seats(step, row, links), links)
    half = {
        seat: widths[seat[0]] / 2 if row[seat[0]] == seat[1] else 0.0 for seat in sum(seats, ())
    }
    inputs = {node.name for node in step.nodes if node.fill == "input"}
    x = _places(seats, links, half, inputs)
    left = min(x[seat] - half[seat] for seat in x)
    right = max(x[seat] + half[seat] for seat in x)
    shifted = {seat: place - left for seat, place in x.items()}
    return Rows(row, seats, shifted, right - left)


def _row_numbers(step: Step, apart: bool) -> dict[str, int]:
    """Return the row of each quantity: above all that it uses, data of the loss just below it."""
    below: dict[str, list[str]] = {node.name: [] for node in step.nodes}
    above: dict[str, list[str]] = {node.name: [] for node in step.nodes}
    for use in step.within:
        below[use.user].append(use.used)
        above[use.used].append(use.user)
    losses = {node.name for node in step.nodes if node.fill == "loss"}
    inputs = [node.name for node in step.nodes if node.fill == "input"]
    late = [name for name in inputs if above[name] and set(above[name]) <= losses]
    row = {name: 0 for name in inputs if name not in late}
    lowest = 1 if row else 0
    carried = step.kept - set(inputs)

    def is_taken(name: str, number: int) -> bool:
        others = [other for other, its in row.items() if its == number and other != name]
        return apart and bool(others) and (name in carried or any(o in carried for o in others))

    for node in step.nodes:
        if node.name not in inputs:
            known = [row[name] for name in below[node.name] if name in row]
            number = max([lowest, *(its + 1 for its in known)])
            if not above[node.name] and node.fill == "loss":
                number = max(number, 1 + max(row.values(), default=0))
            while is_taken(node.name, number):
                number += 1
            row[node.name] = number
    for name in late:
        number = min(row[user] for user in above[name]) - 1
        while is_taken(name, number) and number > 0:
            number -= 1
        row[name] = max(number, 0)
    return row


def _links(step: Step, row: Mapping[str, int]) -> tuple[Link, ...]:
    links: dict[Link, None] = {}
    for use in step.within:
        way = [(use.used, number) for number in range(row[use.used], row[use.user])]
        links.update(dict.fromkeys(zip(way, [*way[1:], (use.user, row[use.user])], strict=True)))
    return tuple(links)


def _seats(
    step: Step, row: Mapping[str, int], links: Sequence[Link]
) -> tuple[tuple[Seat, ...], ...]:
    inputs = [node.name for node in step.nodes if node.fill == "input"]
    others = [node.name for node in step.nodes if node.fill != "input"]
    boxes = [(name, row[name]) for name in (*others, *inputs)]
    found = dict.fromkeys([*boxes, *(seat for link in links for seat in link)])
    numbers = range(max(row.values()) + 1)
    return tuple(tuple(seat for seat in found if seat[1] == number) for number in numbers)


# The order within the rows


def _ordered(
    seats: tuple[tuple[Seat, ...], ...], links: Sequence[Link]
) -> tuple[tuple[Seat, ...], ...]:
    best, current = seats, seats
    for sweep in range(ORDER_SWEEPS):
        current = _swept(current, links, upwards=sweep % 2 == 0)
        if _crossings(current, links) < _crossings(best, links):
            best = current
    return best


def _swept(
    seats: tuple[tuple[Seat, ...], ...], links: Sequence[Link], upwards: bool
) -> tuple[tuple[Seat, ...], ...]:
    rows = list(seats)
    numbers = range(1, len(rows)) if upwards else range(len(rows) - 2, -1, -1)
    for number in numbers:
        place = {seat: i for row in rows for i, seat in enumerate(row)}
        beside: dict[Seat, list[int]] = {seat: [] for seat in rows[number]}
        for low, high in links:
            here, there = (high, low) if upwards else (low, high)
            if here in beside:
                beside[here].append(place[there])

        means = {
            seat: sum(found) / len(found) if found else float(place[seat])
            for seat, found in beside.items()
        }
        rows[number] = tuple(sorted(rows[number], key=means.__getitem__))
    return tuple(rows)


def _crossings(seats: tuple[tuple[Seat, ...], ...], links: Sequence[Link]) -> int:
    place = {seat: i for row in seats for i, seat in enumerate(row)}
    ends = [(low[1], place[low], place[high]) for low, high in links]
    return sum(
        1
        for i, (row, low, high) in enumerate(ends)
        for other, its_low, its_high in ends[:i]
        if row == other and (low - its_low) * (high - its_high) < 0
    )


# The places within the rows


def _places(
    seats: tuple[tuple[Seat, ...], ...],
    links: Sequence[Link],
    half: Mapping[Seat, float],
    inputs: Collection[str],
) -> dict[Seat, float]:
    """Return centres such that lines are as upright as their neighbours allow.

    What has a row for itself, but for inputs, stands on one upright line through the whole step.
    """
    spine = _spine(seats, half, inputs)
    pulls: dict[Seat, list[tuple[Seat, float]]] = {seat: [] for row in seats for seat in row}
    for low, high in links:
        weight = WEAK if half[low] and low[0] in inputs else 1.0
        pulls[low].append((high, weight))
        pulls[high].append((low, weight))
    x: dict[Seat, float] = {}
    for row in seats:
        x.update(zip(row, spaced([0.0] * len(row), _gaps(row, half)), strict=True))
    for sweep in range(PLACE_SWEEPS):
        for row in seats if sweep % 2 == 0 else reversed(seats):
            wanted, weights = [], []
            for seat in row:
                total = sum(weight for _, weight in pulls[seat])
                mean = sum(x[other] * weight for other, weight in pulls[seat]) / (total or 1.0)
                wanted.append(0.0 if seat in spine else mean)
                weights.append(FIXED if seat in spine else total or WEAK)
            x.update(zip(row, spaced(wanted, _gaps(row, half), weights), strict=True))
    return x


def _spine(
    seats: tuple[tuple[Seat, ...], ...], half: Mapping[Seat, float], inputs: Collection[str]
) -> frozenset[Seat]:
    found = []
    for row in seats:
        boxes = [seat for seat in row if half[seat]]
        computed = [seat for seat in boxes if seat[0] not in inputs]
        found += computed if len(computed) == 1 else boxes if len(boxes) == 1 else []
    return frozenset(found)


def _gaps(row: Sequence[Seat], half: Mapping[Seat, float]) -> list[float]:
    return [
        half[left] + (BOX_GAP if half[left] and half[right] else LINE_GAP) + half[right]
        for left, right in pairwise(row)
    ]


__all__ = ["Rows", "Seat", "rows_of"]
