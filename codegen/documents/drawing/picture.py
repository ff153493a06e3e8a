"""An unrolled graph as lines, boxes and labels, once it is known what stands where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sympy import Expr

from codegen.documents.drawing import Box, Item, Label, Line, Point
from codegen.documents.drawing.frame import BOX_HEIGHT, MARGIN, PAD, Frame
from codegen.documents.drawing.nets import Net, Nets, Turn
from codegen.documents.drawing.paths import rounded, straight, swing, without_detours
from codegen.documents.drawing.room import Room, written
from codegen.documents.drawing.rows import rows_of
from codegen.documents.drawing.spacing import spaced
from codegen.documents.drawing.step import Node, Step, Use
from derivations.notation.names import at_time

#: With more quantities than these in a step there is no room for the weights.
WEIGHTS_UP_TO = 6
#: How near to the corner of a box a line may touch it, and how near to another line.
CORNER, PORT = 6.0, 6.0
DOTS = "\\cdots"


@dataclass(frozen=True)
class Picture:
    """A graph over some steps.

    Attributes
    ----------
    step : Step
    times : tuple of Expr
        The steps that are drawn.
    apart : bool
        Whether what other steps use has a row of its own.
    ends : bool
        Whether the last step drawn is the last of all, whose loss alone counts.
    """

    step: Step
    times: tuple[Expr, ...]
    apart: bool
    ends: bool

    @cached_property
    def widths(self) -> Mapping[str, float]:
        """The widths of the boxes, which are alike in all steps."""
        return {
            node.name: max(written(at_time(node.name, time)) for time in self.times) + 7
            for node in self.step.nodes
        }

    @cached_property
    def nets(self) -> Nets:
        """What leads from step to step."""
        return Nets(self.step, rows_of(self.step, self.widths, self.apart))

    @cached_property
    def frame(self) -> Frame:
        """Where everything lies."""
        left, right = (
            max((written(self._mark(net, source)) + 4 for net, source in ends), default=0.0)
            for ends in (self._ends_at(-1), self._ends_at(len(self.times)))
        )
        return Frame(self.nets, len(self.times), left, right)

    @property
    def items(self) -> tuple[Item, ...]:
        """All that is drawn, the hindmost first."""
        panels = [self._panel(column) for column in range(len(self.times))]
        lines = [*self._data_lines(), *self._state_lines()]
        has_weights = len(self.step.nodes) <= WEIGHTS_UP_TO
        weights = self._weights(lines) if has_weights else ()
        return (*panels, *lines, *self._boxes(), *self._marks(), *weights)

    # Boxes

    def drawn(self, column: int) -> tuple[Node, ...]:
        """Return what is drawn of a step: not a loss that does not count, nor what leads to it."""
        counts = not self.ends or column == len(self.times) - 1
        return tuple(
            node for node in self.step.nodes if counts or node.name not in self.step.beside
        )

    def _panel(self, column: int) -> Box:
        frame = self.frame
        wide, high = self.nets.rows.width + 2 * PAD, frame.height - 2 * MARGIN
        center = (frame.column(column) - PAD + wide / 2, MARGIN + high / 2)
        return Box(center, wide, high, "", "panel")

    def _boxes(self) -> Iterator[Box]:
        for column, time in enumerate(self.times):
            for node in self.drawn(column):
                label = at_time(node.name, time)
                center = self._center(node.name, column)
                yield Box(center, self.widths[node.name], BOX_HEIGHT, label, node.fill)

    def _center(self, name: str, column: int) -> Point:
        row = self.nets.rows.row[name]
        return self.frame.column(column) + self.nets.rows.x[name, row], self.frame.rows[row]

    # Within a step

    def _data_lines(self) -> Iterator[Line]:
        for column in range(len(self.times)):
            names = {node.name for node in self.drawn(column)}
            for use in self.step.within:
                if use.user in names:
                    yield Line(self._data_way(use.used, use.user, column), "data", True, True)

    def _data_way(self, used: str, user: str, column: int) -> tuple[Point, ...]:
        """Return a curve from the top of a box, through the seats of its line, to another box."""
        left = self.frame.column(column)
        seats = self.nets.rows.way(used, user)
        places = [left + self.nets.rows.x[seat] for seat in seats]
        places[-1] = left + self._ports[user][seats[-2][0], 0]
        slide = self.widths[used] / 2 - CORNER
        if abs(places[1] - places[0]) <= slide:
            places[0] = places[1]
        tops = [self.frame.rows[row] + BOX_HEIGHT / 2 for _, row in seats]
        points: list[Point] = [(places[0], tops[0])]
        for i in range(1, len(seats)):
            bottom = (places[i], tops[i] - BOX_HEIGHT)
            points += swing(points[-1], bottom)
            if i < len(seats) - 1:
                points += straight(bottom, (places[i], tops[i]))
        return tuple(points)

    @cached_property
    def _ports(self) -> Mapping[str, Mapping[Net, float]]:
        """Where lines from below touch each box: data at lag 0, and nets."""
        return {node.name: self._ports_of(node.name) for node in self.step.nodes}

    def _ports_of(self, name: str) -> Mapping[Net, float]:
        rows = self.nets.rows
        center = rows.x[name, rows.row[name]]
        reach = max(self.widths[name] / 2 - CORNER, 0.0)
        wanted = {
            (use.used, 0): rows.x[rows.way(use.used, name)[-2]]
            for use in self.step.within
            if use.user == name
        }
        for net, users in self.nets.users.items():
            if name in users and not self.nets.arrives_sideways(net, name):
                wanted[net] = float("-inf") if net[1] > 0 else float("inf")
        order = sorted(wanted, key=lambda net: wanted[net])
        nearest = [min(max(wanted[net], center - reach), center + reach) for net in order]
        gap = min(PORT, 2 * reach / max(len(order) - 1, 1))
        found = spaced(nearest, [gap] * (len(order) - 1))
        if found:
            over = max(found[-1] - center - reach, 0.0) + min(found[0] - center + reach, 0.0)
            found = [place - over for place in found]
        return dict(zip(order, found, strict=True))

    # From step to step

    def _pairs(self) -> Iterator[tuple[Net, str, int, int]]:
        """Yield each use between steps of which a part is drawn, with the two columns."""
        columns = range(len(self.times))
        for net, users in self.nets.users.items():
            for user in users:
                for column in range(min(0, net[1]), len(self.times) + max(0, net[1])):
                    source = column - net[1]
                    is_drawn = source in columns or column in columns
                    passes = (source < 0) != (column < 0)
                    if (is_drawn or passes) and self._exists(user, column):
                        yield net, user, source, column

    def _exists(self, name: str, column: int) -> bool:
        last = len(self.times) - 1
        if self.ends and column > last:
            return False
        return not (self.ends and column < last and name in self.step.beside)

    def _state_lines(self) -> Iterator[Line]:
        ways = {}
        for net, user, source, column in self._pairs():
            way = tuple(self._state_way(net, user, source, column))
            ways[way] = 0 <= column < len(self.times)
        for way, has_arrow in ways.items():
            yield Line(rounded(way), "state", has_arrow, curved=True)

    def _state_way(self, net: Net, user: str, source: int, column: int) -> Sequence[Point]:
        """Return the corners of a way from step to step, as far as it is drawn."""
        frame, nets = self.frame, self.nets
        ahead = 1 if net[1] > 0 else -1
        columns = range(len(self.times))
        corners = self._way_out(net, source) if source in columns else []
        if not corners:
            entrance = frame.start if ahead > 0 else frame.end
            height = frame.passing(net, source)
            if abs(net[1]) > 1 and source == (-1 if ahead > 0 else len(columns)):
                height = frame.leaving(net)
            corners = [(entrance, height)]
            if height != frame.passing(net, source):
                corners += self._turned(net, source, height)
        elif abs(net[1]) > 1 and source + ahead in columns:
            corners += self._turned(net, source, corners[-1][1])
        if column not in columns:
            return without_detours(
                [*corners, (frame.end if ahead > 0 else frame.start, corners[-1][1])]
            )
        center = self._center(user, column)
        gutter = column if ahead > 0 else column + 1
        arriving = frame.arriving(net, user)
        if arriving != corners[-1][1]:
            place = frame.turn(Turn(net, "in"), gutter)
            corners += [(place, corners[-1][1]), (place, arriving)]
        if nets.arrives_sideways(net, user):
            corners.append((center[0] - ahead * self.widths[user] / 2, arriving))
        else:
            port = frame.column(column) + self._ports[user][net]
            corners += [(port, arriving), (port, center[1] - BOX_HEIGHT / 2)]
        return without_detours(corners)

    def _way_out(self, net: Net, source: int) -> list[Point]:
        x, y = self._center(net[0], source)
        ahead = 1 if net[1] > 0 else -1
        half, leaving = self.widths[net[0]] / 2, self.frame.leaving(net)
        if self.nets.leaves_sideways(net):
            return [(x + ahead * half, leaving)]
        port = x + ahead * (half - CORNER)
        return [(port, y + BOX_HEIGHT / 2), (port, leaving)]

    def _turned(self, net: Net, source: int, height: float) -> list[Point]:
        """Return the corners at which a net comes to the height at which it passes columns."""
        passing = self.frame.passing(net, source)
        if passing == height:
            return []
        place = self.frame.turn(Turn(net, "out"), source + 1 if net[1] > 0 else source)
        return [(place, height), (place, passing)]

    # What is written beside lines

    def _ends_at(self, column: int) -> list[tuple[Net, int]]:
        """Return the nets that come from beyond, or lead beyond, the steps that are drawn."""
        count = len(self.times)

        def is_beyond(other: int) -> bool:
            return other < 0 if column < 0 else other >= count

        found = {
            (net, source): None
            for net, _, source, user in self._pairs()
            if is_beyond(source) or is_beyond(user)
        }
        return list(found)

    def _mark(self, net: Net, source: int) -> str:
        """Return what stands where a line ends: dots, or what is given behind the last step."""
        if self.ends and source >= len(self.times):
            return at_time(net[0], self.times[-1] + source - len(self.times) + 1)
        return DOTS

    def _marks(self) -> Iterator[Label]:
        frame = self.frame
        found: dict[Label, None] = {}
        for net, user, source, column in self._pairs():
            way = self._state_way(net, user, source, column)
            for (_, y), end in ((way[0], source), (way[-1], column)):
                mark = f"${self._mark(net, source)}$"
                if end < 0:
                    found[Label((frame.start - 2, y), mark, "east")] = None
                elif end >= len(self.times):
                    found[Label((frame.end + 2, y), mark, "west")] = None
        yield from found

    def _weights(self, lines: Sequence[Line]) -> Iterator[Label]:
        """Yield the weights beside the lines, those for which there is room in every step."""
        room = Room(list(self._boxes()), lines)
        for use in self.step.uses:
            ways = [self._way_of(use, column) for column in range(len(self.times))]
            if use.weight:
                yield from room.beside([way for way in ways if way], use.weight)

    def _way_of(self, use: Use, column: int) -> tuple[Point, ...]:
        """Return the curve of a use, both ends of which are drawn, or nothing."""
        source = column - use.lag
        if source not in range(len(self.times)):
            return ()
        if use.user not in {node.name for node in self.drawn(column)}:
            return ()
        if use.lag == 0:
            return self._data_way(use.used, use.user, column)
        return rounded(self._state_way((use.used, use.lag), use.user, source, column))


__all__ = ["Picture"]
