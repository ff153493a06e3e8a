"""The numbers of an unrolled graph: heights of rows and tracks, places of columns and gutters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from codegen.documents.drawing.nets import Net, Nets, Track, Turn

#: The largest picture: a little less than the text of an A4 page.
WIDTH, HEIGHT = 450.0, 330.0
BOX_HEIGHT = 18.0
#: Around the boxes of a step, within its panel; and around everything.
PAD, MARGIN = 5.0, 1.0
#: Between parallel tracks (with room), and from the outermost to what stands beside it.
TRACK, TRACK_ROOM, TRACK_EDGE = 5.0, 12.0, 6.0
#: The heights of a channel without tracks and the widths of a gutter: at least, and with room.
CHANNEL, CHANNEL_ROOM = 13.0, 27.0
GUTTER, GUTTER_ROOM = 8.0, 60.0
#: How far a line leads into steps that are not drawn.
STUB = 12.0


@dataclass(frozen=True)
class Frame:
    """Where rows, tracks and columns lie.

    Attributes
    ----------
    nets : Nets
    columns : int
        How many steps are drawn.
    left, right : float
        The widths of what is written where lines come from, and lead to, steps that are not drawn.
    """

    nets: Nets
    columns: int
    left: float
    right: float

    # Heights

    @cached_property
    def _channels(self) -> tuple[float, ...]:
        """The heights of the channels, with what room there is."""
        count = len(self.nets.rows.seats)
        tracks = [len(self.nets.channels.get(number, ())) * TRACK for number in range(count + 1)]
        least = [CHANNEL if 0 < number < count else 0.0 for number in range(count + 1)]
        outer = [
            TRACK_EDGE if high and not low else 0.0 for high, low in zip(tracks, least, strict=True)
        ]
        used = count * BOX_HEIGHT + sum(tracks) + sum(least) + sum(outer) + 2 * (PAD + MARGIN)
        room = min(CHANNEL_ROOM - CHANNEL, (HEIGHT - used) / max(count - 1, 1))
        return tuple(
            high + low + edge + (max(room, 0.0) if low else 0.0)
            for high, low, edge in zip(tracks, least, outer, strict=True)
        )

    @cached_property
    def rows(self) -> tuple[float, ...]:
        """The heights of the centres of the rows."""
        found, y = [], MARGIN + PAD
        for channel in self._channels[:-1]:
            y += channel + BOX_HEIGHT / 2
            found.append(y)
            y += BOX_HEIGHT / 2
        return tuple(found)

    @cached_property
    def height(self) -> float:
        """The height of the picture."""
        return self.rows[-1] + BOX_HEIGHT / 2 + self._channels[-1] + PAD + MARGIN

    def track(self, row: int, track: Track) -> float:
        """Return the height of a track in the channel below a row."""
        tracks = self.nets.channels[row]
        alike = [other for other in tracks if other.leads == track.leads]
        place = alike.index(track)
        if track.leads == "out":  # just above the boxes that it comes from
            return self.rows[row - 1] + BOX_HEIGHT / 2 + TRACK_EDGE + place * TRACK
        top = self.rows[row] - BOX_HEIGHT / 2
        return top - TRACK_EDGE - 4 - (len(alike) - 1 - place) * TRACK

    def slot(self, row: int, turn: Turn) -> float:
        """Return the height at which a net touches boxes of a row at their sides."""
        turns = self.nets.slots[row]
        distance = min(TRACK, (BOX_HEIGHT - 6) / max(len(turns) - 1, 1))
        return self.rows[row] + (turns.index(turn) - (len(turns) - 1) / 2) * distance

    def leaving(self, net: Net) -> float:
        """Return the height at which a net leaves the column of its source."""
        row = self.nets.rows.row[net[0]]
        if self.nets.leaves_sideways(net):
            return self.slot(row, self.nets.exit_slot(net))
        return self.track(row + 1, Track(net, "out"))

    def passing(self, net: Net, column: int) -> float:
        """Return the height at which a net of a column's source comes to its users' gutter."""
        if abs(net[1]) == 1:
            return self.leaving(net)
        row = self.nets.rows.row[net[0]]
        return self.track(row + 1, Track(net, "out", column % self.nets.phases(net)))

    def arriving(self, net: Net, user: str) -> float:
        """Return the height at which a net enters the column of a user."""
        row = self.nets.rows.row[user]
        if self.nets.arrives_sideways(net, user):
            return self.slot(row, Turn(net, "in"))
        return self.track(row, Track(net, "in"))

    # Widths

    @cached_property
    def _turns(self) -> tuple[tuple[Turn, ...], ...]:
        spans: dict[Turn, tuple[float, float]] = {}
        for net, users in self.nets.users.items():
            passing = [self.passing(net, column) for column in range(max(self.nets.phases(net), 1))]
            arriving = [self.arriving(net, user) for user in users]
            both = (*passing, *arriving)
            if max(both) > min(both):
                spans[Turn(net, "in")] = (min(both), max(both))
            if abs(net[1]) > 1:
                both = (*passing, self.leaving(net))
                spans[Turn(net, "out")] = (min(both), max(both))
        return self.nets.turns(spans)

    @cached_property
    def _gutter(self) -> float:
        """The width between the panels of two steps."""
        tracks = len(self._turns)
        least = max(GUTTER, 2 * TRACK_EDGE + (tracks - 1) * TRACK if tracks else 0.0)
        room = GUTTER_ROOM - least
        spare = (WIDTH - self._width(least)) / (self.columns - 1 + self._full_gutters)
        return least + max(0.0, min(room, spare))

    @cached_property
    def _full_gutters(self) -> int:
        """How many of the outer gutters hold turns, and are as wide as those between steps."""
        signs = {lag > 0 for _, lag in self.nets.users}
        return len(signs)

    def _outer(self, looks_back: bool, gutter: float) -> float:
        signs = {lag > 0 for _, lag in self.nets.users}
        if looks_back in signs:
            return gutter
        return STUB if signs else 0.0

    def _width(self, gutter: float) -> float:
        inner = self.columns * (self.nets.rows.width + 2 * PAD) + (self.columns - 1) * gutter
        outer = self._outer(True, gutter) + self._outer(False, gutter)
        return inner + outer + self.left + self.right + 2 * MARGIN

    @cached_property
    def width(self) -> float:
        """The width of the picture."""
        return self._width(self._gutter)

    @property
    def start(self) -> float:
        """Where lines from the left begin."""
        return MARGIN + self.left

    @property
    def end(self) -> float:
        """Where lines to the right end."""
        return self.width - MARGIN - self.right

    def column(self, number: int) -> float:
        """Return the left end of the boxes of a step."""
        pitch = self.nets.rows.width + 2 * PAD + self._gutter
        return self.start + self._outer(True, self._gutter) + PAD + number * pitch

    def turn(self, turn: Turn, column: int) -> float:
        """Return the place of a turn in the gutter on the left of a column."""
        number = next(i for i, track in enumerate(self._turns) if turn in track)
        middle = self.column(column) - PAD - self._gutter / 2
        between = len(self._turns) - 1
        room = (self._gutter - 2 * TRACK_EDGE) / max(between, 1)
        return middle + (number - between / 2) * min(room, TRACK_ROOM)


__all__ = ["BOX_HEIGHT", "HEIGHT", "MARGIN", "PAD", "WIDTH", "Frame"]
