"""What leads from step to step: where it leaves a box, which tracks it takes, where it arrives.

A net is everything that uses one quantity at one lag. It leaves its box sideways where nothing
stands in the way, otherwise upwards; it arrives sideways or from below in the same manner. Between
the rows of boxes there are channels with horizontal tracks, and between the steps gutters with
vertical ones. All steps look alike, so that tracks are given out once, for all steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from codegen.documents.drawing.rows import Rows
from codegen.documents.drawing.step import Step

#: The name of what is used, and the lag.
Net: TypeAlias = tuple[str, int]


@dataclass(frozen=True)
class Track:
    """A horizontal track: of a net on its way out of its column, or to boxes from below.

    ``phase`` tells those apart that leave columns in a row and run beside each other.
    """

    net: Net
    leads: str
    phase: int = 0


@dataclass(frozen=True)
class Turn:
    """Where a net leaves the column of its source, or comes to the column of its users."""

    net: Net
    leads: str


@dataclass(frozen=True)
class Nets:
    """All that leads from step to step in a graph whose rows are known."""

    step: Step
    rows: Rows

    @cached_property
    def users(self) -> Mapping[Net, tuple[str, ...]]:
        """Who uses what, in the order of the equations."""
        found: dict[Net, tuple[str, ...]] = {}
        for use in self.step.between:
            net = (use.used, use.lag)
            found[net] = (*found.get(net, ()), use.user)
        return found

    def leaves_sideways(self, net: Net) -> bool:
        """Whether nothing stands between the source and the gutter."""
        boxes = self.rows.boxes(self.rows.row[net[0]])
        return boxes[-1 if net[1] > 0 else 0] == net[0]

    def arrives_sideways(self, net: Net, user: str) -> bool:
        """Whether a user stands at the gutter, and alone uses the net in its row."""
        row = self.rows.row[user]
        fellows = [other for other in self.users[net] if self.rows.row[other] == row]
        return fellows == [user] and self.rows.boxes(row)[0 if net[1] > 0 else -1] == user

    def phases(self, net: Net) -> int:
        """Return how many tracks a net needs on its way out."""
        passed = abs(net[1]) - 1
        return passed if passed else int(not self.leaves_sideways(net))

    @cached_property
    def channels(self) -> Mapping[int, tuple[Track, ...]]:
        """The tracks below each row (and above the last), the lowest first."""
        found: dict[int, list[Track]] = {}
        for net in self.users:
            above = self.rows.row[net[0]] + 1
            for phase in range(self.phases(net)):
                found.setdefault(above, []).append(Track(net, "out", phase))
        for net, users in self.users.items():
            below = {self.rows.row[u] for u in users if not self.arrives_sideways(net, u)}
            for row in sorted(below):
                found.setdefault(row, []).append(Track(net, "in"))
        return {row: tuple(tracks) for row, tracks in found.items()}

    @cached_property
    def slots(self) -> Mapping[int, tuple[Turn, ...]]:
        """What touches boxes of a row at their sides, the lowest first."""
        found: dict[int, dict[Turn, float]] = {}
        for net, users in self.users.items():
            source = self.rows.row[net[0]]
            if self.leaves_sideways(net):
                found.setdefault(source, {})[self.exit_slot(net)] = 0.0
            for user in users:
                if self.arrives_sideways(net, user):
                    row = self.rows.row[user]
                    comes_from = source - row + (0.5 if self.phases(net) else 0.0)
                    found.setdefault(row, {})[Turn(net, "in")] = comes_from
        return {row: tuple(sorted(its, key=its.__getitem__)) for row, its in found.items()}

    def exit_slot(self, net: Net) -> Turn:
        """Return what stands for a net at its source: all that leave in a direction leave as one.

        A net to the next step may go straight on, and arrives at the height at which it left.
        """
        alike = [other for other in self.users if other[0] == net[0] and other[1] * net[1] > 0]
        nearest = min(alike, key=lambda other: abs(other[1]))
        return Turn(nearest, "in" if abs(nearest[1]) == 1 else "out")

    def turns(self, heights: Mapping[Turn, tuple[float, float]]) -> tuple[tuple[Turn, ...], ...]:
        """Return the vertical tracks of a gutter from left to right, each with its turns.

        Parameters
        ----------
        heights : mapping of Turn to (float, float)
            From where to where each turn reaches.
        """
        # A net that has passed a column turns off before its own next step comes onto its track.
        groups = (
            [turn for turn in heights if turn.leads == "in" and turn.net[1] > 0],
            [turn for turn in heights if turn.leads == "out"],
            [turn for turn in heights if turn.leads == "in" and turn.net[1] < 0],
        )
        return tuple(track for group in groups for track in _packed(group, heights))


def _packed(
    turns: Sequence[Turn], heights: Mapping[Turn, tuple[float, float]]
) -> list[tuple[Turn, ...]]:
    """Put turns that do not meet on one track: the left-edge algorithm of channel routing."""
    tracks: list[tuple[Turn, ...]] = []
    for turn in sorted(turns, key=lambda turn: heights[turn]):
        low = heights[turn][0]
        free = (i for i, track in enumerate(tracks) if heights[track[-1]][1] + 4 < low)
        number = next(free, len(tracks))
        if number == len(tracks):
            tracks.append(())
        tracks[number] = (*tracks[number], turn)
    return tracks


__all__ = ["Net", "Nets", "Track", "Turn"]
