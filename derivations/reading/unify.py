"""Unknown sizes: which of them are one, which are sums of others, and where that was written."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sympy import Add, Expr, Integer

from derivations.errors import Place, ShapeError


@dataclass(frozen=True)
class SumOfSizes:
    """A size that is the sum of others: the rows of [h; x]."""

    whole: int
    parts: tuple[int, ...]
    place: Place | None


class Unifier:
    """Unknown sizes, and what is known of them.

    Sizes are integers that index `_parent`; a class of equal sizes may have a value. Every
    equality keeps the place where it was written, so that a conflict can be traced back.
    """

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._value: dict[int, Expr] = {}
        self._given: dict[int, Place | None] = {}
        self._links: list[list[tuple[int, Place | None]]] = []
        self._sums: list[SumOfSizes] = []
        self.place: Place | None = None
        self.one = self.known(Integer(1))

    def unknown(self) -> int:
        """Return a new unknown size."""
        self._parent.append(len(self._parent))
        self._links.append([])
        return self._parent[-1]

    def known(self, value: Expr) -> int:
        """Return a size of a known value."""
        size = self.unknown()
        self._value[size] = value
        self._given[size] = self.place
        return size

    def total(self, parts: Sequence[int]) -> int:
        """Return the size that is the sum of others."""
        size = self.unknown()
        self._sums.append(SumOfSizes(size, tuple(parts), self.place))
        return size

    def root(self, size: int) -> int:
        """Return the representative of a size's class."""
        while self._parent[size] != size:
            self._parent[size] = self._parent[self._parent[size]]
            size = self._parent[size]
        return size

    def values(self) -> list[Expr]:
        """Return every value that a size has."""
        return list(self._value.values())

    def value(self, size: int) -> Expr | None:
        """Return the value of a size, if it has one."""
        return self._value.get(self.root(size))

    def is_one(self, size: int) -> bool:
        """Tell whether a size is known to be 1."""
        return self.value(size) == 1

    def equate(self, left: int, right: int, message: str) -> None:
        """Make two sizes one.

        Raises
        ------
        ShapeError
            When both have values and these differ; the message shows both equations.
        """
        first, second = self.root(left), self.root(right)
        if first == second:
            return
        values = self._value.get(first), self._value.get(second)
        if values[0] is not None and values[1] is not None and values[0] != values[1]:
            raise self._conflict(left, right, f"{message}: {values[0]} and {values[1]} differ.")
        if values[0] is None:
            first, second = second, first
        self._parent[second] = first
        self._links[left].append((right, self.place))
        self._links[right].append((left, self.place))

    def _conflict(self, left: int, right: int, message: str) -> ShapeError:
        """Return the error, with the equation from which one of the two sizes comes."""
        trail = [*self._trail(left), *self._trail(right)]
        other = next((place for place in trail if place not in (None, self.place)), None)
        hint = None if other is None else f"The other size comes from here:\n{other.show()}"
        return ShapeError(message, self.place, hint)

    def _trail(self, size: int) -> list[Place | None]:
        """Return where it was written, link by link, that a size has its value."""
        came: dict[int, tuple[int, Place | None]] = {}
        waiting = deque([size])
        while waiting:
            current = waiting.popleft()
            if current in self._given:
                places = [self._given[current]]
                while current != size:
                    current, place = came[current]
                    places.append(place)
                return places
            for neighbour, place in self._links[current]:
                if neighbour != size and neighbour not in came:
                    came[neighbour] = (current, place)
                    waiting.append(neighbour)
        return []

    # Sums

    def solve_sums(self) -> None:
        """Draw what follows from sums of sizes: n + m = n + k makes m and k one.

        Raises
        ------
        ShapeError
            When a sum cannot be what it must.
        """
        changed = True
        while changed:
            changed = False
            for one, other in self._pairs():
                changed |= self._solved(one, other)
            for one in self._sums:
                changed |= self._solved_by_value(one)

    def _pairs(self) -> Iterator[tuple[SumOfSizes, SumOfSizes]]:
        for position, one in enumerate(self._sums):
            for other in self._sums[:position]:
                if self.root(one.whole) == self.root(other.whole):
                    yield one, other

    def _solved(self, one: SumOfSizes, other: SumOfSizes) -> bool:
        """Compare two sums that are one size: what is left of each without the common parts."""
        counts = [Counter(map(self.root, found.parts)) for found in (one, other)]
        left, right = counts[0] - counts[1], counts[1] - counts[0]
        if not left and not right:
            return False
        self.place = one.place
        if left.total() == right.total() == 1:
            self.equate(next(iter(left)), next(iter(right)), "Concatenations of one size")
            return True
        if not left or not right:
            hint = "" if other.place is None else f"The other one is here:\n{other.place.show()}"
            raise ShapeError("One concatenation is longer than the other.", one.place, hint)
        return False

    def _solved_by_value(self, found: SumOfSizes) -> bool:
        """Use a sum whose whole is known, or all of whose parts are."""
        whole, parts = self.value(found.whole), [self.value(part) for part in found.parts]
        missing = [part for part, value in zip(found.parts, parts, strict=True) if value is None]
        known = Add(*(value for value in parts if value is not None))
        self.place = found.place
        if whole is None:
            if missing:
                return False
            self.equate(found.whole, self.known(known), "A concatenation")
            return True
        if not missing:
            if whole != known:
                raise ShapeError(
                    f"The sizes of the pieces add up to {known}, and {whole} was expected.",
                    found.place,
                )
            return False
        if len({self.root(part) for part in missing}) > 1:
            return False
        rest = (whole - known) / len(missing)
        if rest.could_extract_minus_sign() or rest == 0 or not rest.is_integer:
            raise ShapeError(
                f"A concatenation of size {whole} leaves no room for all its pieces.", found.place
            )
        self.equate(missing[0], self.known(rest), "A piece of a concatenation")
        return True

    def name_sums(self, named: Callable[[int], Expr]) -> None:
        """Give sums whose parts have names their values: the rows of [h; x] are n + m.

        Raises
        ------
        ShapeError
            When a concatenation is a piece of itself.
        """
        waiting = self._sums
        while waiting:
            wholes = {self.root(found.whole) for found in waiting if self._is_open(found.whole)}
            ready = [f for f in waiting if not any(self.root(p) in wholes for p in f.parts)]
            if not ready:
                raise ShapeError("This concatenation is a piece of itself.", waiting[0].place)
            for found in ready:
                total = Add(*(named(part) for part in found.parts))
                if self._value.setdefault(self.root(found.whole), total) != total:
                    raise ShapeError(
                        f"The sizes of the pieces add up to {total}, and "
                        f"{self.value(found.whole)} was expected.",
                        found.place,
                    )
            waiting = [found for found in waiting if found not in ready]

    def _is_open(self, size: int) -> bool:
        return self.value(size) is None

    def is_sum(self, size: int) -> bool:
        """Tell whether a size without a value is a sum of others."""
        return any(self.root(found.whole) == self.root(size) for found in self._sums)
