"""Sizes of everything in a source, inferred by unification; a stack is as long as its parts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatchmethod

from derivations.claims.source import Source
from derivations.claims.terms import (
    Apply,
    Block,
    Call,
    Chain,
    Entry,
    Norm,
    Part,
    Power,
    Quotient,
    Series,
    Sum,
    Symbol,
    Term,
    Transposed,
    timed_key,
)
from derivations.errors import Place, ShapeError
from derivations.notation.picks import Range

Dimensions = tuple[int, int]


@dataclass
class Layout:
    """The sizes of the symbols, as classes of equal sizes.

    Attributes
    ----------
    shapes : dict of name to (rows, columns)
        Classes of sizes.
    fixed : dict of class to number
    sums : list of (class, classes)
        A size that is the sum of others.
    """

    shapes: dict[str, Dimensions]
    fixed: dict[int, int]
    sums: list[tuple[int, tuple[int, ...]]]

    def numbers(self, choices: Sequence[int]) -> dict[int, int]:
        """Return a number for every class, free ones taken in turn from the choices."""
        found = dict(self.fixed)
        totals = {total for total, _ in self.sums}
        pool = iter([*choices, *range(10, 60)])
        for shape in self.shapes.values():
            for size in shape:
                if size not in found and size not in totals:
                    found[size] = next(pool)
        for _ in range(len(self.sums) + 1):
            for total, parts in self.sums:
                if all(part in found for part in parts):
                    found.setdefault(total, sum(found[part] for part in parts))
        for total, parts in self.sums:
            for size in (total, *parts):
                if size not in found:
                    found[size] = next(pool)
        for total, parts in self.sums:
            if found[total] != sum(found[part] for part in parts):
                raise ShapeError("A stack is not as long as its parts together.")
        return found


class Inference:
    """Walks the forward equations and equates what must agree.

    Parameters
    ----------
    source : Source
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._parent: list[int] = []
        self._fixed: dict[int, int] = {}
        self._sums: list[tuple[int, tuple[int, ...]]] = []
        self._shapes: dict[str, Dimensions] = {}
        self._place: Place | None = None
        self._axes: dict[str, int] = {}
        self.one = self._new(1)

    def layout(self) -> Layout:
        """Return the sizes of all symbols.

        Raises
        ------
        ShapeError
            When two sizes cannot agree, with the equation.
        """
        source = self._source
        losses = {name for name in (source.loss, source.total) if name is not None}
        # E_t depends on y_t is a loss; y_t depends on h_t is a read-out.
        unspecified = {name for name in source.unspecified if not _is_small(name)}
        for key in sorted(source.scalars | losses | unspecified):
            self._scalar(key)
        for name, text in source.shapes.items():
            self._declare(name, text)
        for forward in source.forward:
            self._place = forward.place
            self._axes.clear()
            right = self.shape(forward.right)
            if right is not None:
                self._equate(self.symbol(forward.key), right)
        self._place = None
        for arguments in source.unspecified.values():
            for argument in arguments:
                self.shape(argument)
        self._default_vectors()
        for key in (*map(timed_key, source.vocabulary.timed), *source.vocabulary.untimed):
            self.symbol(key)
        self._default_vectors()
        return self._finished()

    def _default_vectors(self) -> None:
        """What carries time, and what is written in lower case, is a vector if nothing objects."""
        source = self._source
        across = 0 if source.rows else 1
        for name in sorted(self._shapes, key=lambda name: not _is_small(name)):
            is_vector = name.endswith("@") or _is_small(name)
            size = self._shapes[name][across]
            if not _is_small(name) and self._is_a_length(size, 1 - across):
                continue  # the size of some vector: a copy of a weight matrix, say
            if is_vector and self._root(size) not in self._fixed and not self._is_total(size):
                self._join(size, self.one)

    def _is_a_length(self, size: int, along: int) -> bool:
        return any(
            self._root(shape[along]) == self._root(size)
            for name, shape in self._shapes.items()
            if _is_small(name)
        )

    def _is_total(self, size: int) -> bool:
        return any(self._root(total) == self._root(size) for total, _ in self._sums)

    def _scalar(self, name: str) -> None:
        self._equate(self.symbol(name), (self.one, self.one))

    def _declare(self, name: str, text: str) -> None:
        for size, number in zip(self.symbol(name), re.findall(r"[0-9]+", text), strict=False):
            self._join(size, self._new(int(number)))

    def _finished(self) -> Layout:
        root = self._root
        return Layout(
            {name: (root(r), root(c)) for name, (r, c) in self._shapes.items()},
            {root(size): number for size, number in self._fixed.items()},
            [(root(total), tuple(map(root, parts))) for total, parts in self._sums],
        )

    # Classes

    def _new(self, number: int | None = None) -> int:
        self._parent.append(len(self._parent))
        if number is not None:
            self._fixed[self._parent[-1]] = number
        return self._parent[-1]

    def _root(self, size: int) -> int:
        while self._parent[size] != size:
            self._parent[size] = self._parent[self._parent[size]]
            size = self._parent[size]
        return size

    def _join(self, left: int, right: int) -> None:
        first, second = self._root(left), self._root(right)
        if first == second:
            return
        numbers = self._fixed.get(first), self._fixed.get(second)
        if None not in numbers and numbers[0] != numbers[1]:
            raise ShapeError(f"Sizes {numbers[0]} and {numbers[1]} differ.", self._place)
        if numbers[0] is None:
            first, second = second, first
        self._parent[second] = first
        self._fixed.pop(second, None)

    def _equate(self, left: Dimensions, right: Dimensions) -> None:
        self._join(left[0], right[0])
        self._join(left[1], right[1])

    def symbol(self, name: str) -> Dimensions:
        if name not in self._shapes:
            self._shapes[name] = (self._new(), self._new())
        return self._shapes[name]

    def is_vector(self, shape: Dimensions) -> bool:
        """Tell whether a shape is that of a row, a column or a number."""
        return any(self._fixed.get(self._root(size)) == 1 for size in shape)

    def _is_one(self, shape: Dimensions) -> bool:
        return all(self._fixed.get(self._root(size)) == 1 for size in shape)

    def _taken(self, span: Range | None, size: int) -> int:
        return size if span is None else self._new()

    # Rules

    @singledispatchmethod
    def shape(self, term: Term) -> Dimensions | None:
        """Return the shape of a term; None for a number, which takes any."""
        for child in term.children:
            self.shape(child)
        return None

    @shape.register
    def _(self, term: Symbol) -> Dimensions | None:
        return self.symbol(term.key)

    @shape.register
    def _(self, term: Entry) -> Dimensions | None:
        """One letter counts the entries of one size, wherever it stands in an equation."""
        body = self.shape(term.body)
        axes: tuple[int, ...] = () if body is None else body
        if len(term.indices) == 1 and axes:
            axes = (axes[1],) if self._source.rows else (axes[0],)
        for index, axis in zip(term.indices, axes, strict=False):
            if index.lone is not None:
                self._join(self._axes.setdefault(index.lone, axis), axis)
        return self.one, self.one

    @shape.register
    def _(self, term: Part) -> Dimensions | None:
        """What a range takes has a size of its own here: what n stands for is known later."""
        body = self.shape(term.body)
        if body is None:
            return None
        rows, columns = body
        if len(term.ranges) == 1 and self._fixed.get(self._root(rows)) == 1:
            return rows, self._new()
        ranges = (*term.ranges, None)
        return self._taken(ranges[0], rows), self._taken(ranges[1], columns)

    @shape.register
    def _(self, term: Sum) -> Dimensions | None:
        return self._same([self.shape(child) for _, child in term.terms])

    def _same(self, shapes: Sequence[Dimensions | None]) -> Dimensions | None:
        known = [shape for shape in shapes if shape is not None]
        for other in known[1:]:
            self._equate(known[0], other)
        return known[0] if known else None

    @shape.register
    def _(self, term: Chain) -> Dimensions | None:
        groups: list[list[Dimensions | None]] = [[]]
        for position, factor in enumerate(term.factors):
            if position and self.is_elementwise(term.signs[position - 1]):
                groups.append([])
            is_last = position + 1 == len(term.factors) or self.is_elementwise(term.signs[position])
            following = None if is_last else term.factors[position + 1]
            groups[-1].append(self._factor(factor, following))
        return self._same_or_scalar([self._product(group) for group in groups])

    def is_elementwise(self, sign: str) -> bool:
        meaning = self._source.signs.get(sign)
        if meaning is not None:
            return meaning == "elementwise operator"
        return sign in ("\\odot", "\\circ")

    def _factor(self, factor: Term, following: Term | None) -> Dimensions | None:
        """A small letter without a time before another factor scales it, if vectors are columns."""
        if (
            isinstance(factor, Symbol)
            and factor.time is None
            and following is not None
            and not self._source.rows
            and _is_small(factor.name)
            and not isinstance(following, Transposed)
        ):
            self._scalar(factor.key)
            return None
        return self.shape(factor)

    def _same_or_scalar(self, shapes: Sequence[Dimensions | None]) -> Dimensions | None:
        shaped = [shape for shape in shapes if shape is not None and not self._is_one(shape)]
        return self._same(shaped) if shaped else next((s for s in shapes if s is not None), None)

    def _product(self, shapes: Sequence[Dimensions | None]) -> Dimensions | None:
        shaped = [shape for shape in shapes if shape is not None]
        large = [shape for shape in shaped if not self._is_one(shape)]
        if not large:
            return shaped[0] if shaped else None
        for left, right in itertools.pairwise(large):
            self._join(left[1], right[0])
        return large[0][0], large[-1][1]

    @shape.register
    def _(self, term: Quotient) -> Dimensions | None:
        above, below = self.shape(term.above), self.shape(term.below)
        return self._same_or_scalar([above, below])

    @shape.register
    def _(self, term: Power) -> Dimensions | None:
        return self.shape(term.base)

    @shape.register
    def _(self, term: Transposed) -> Dimensions | None:
        inner = self.shape(term.body)
        return None if inner is None else (inner[1], inner[0])

    @shape.register
    def _(self, term: Apply) -> Dimensions | None:
        inner = self.shape(term.argument)
        if term.function == "\\diag" and inner is not None:
            length = inner[1] if self._source.rows else inner[0]
            return length, length
        return inner

    @shape.register
    def _(self, term: Call) -> Dimensions | None:
        for argument in term.arguments:
            self.shape(argument)
        return None

    @shape.register
    def _(self, term: Norm) -> Dimensions | None:
        self.shape(term.body)
        return self.one, self.one

    @shape.register
    def _(self, term: Series) -> Dimensions | None:
        return self.shape(term.body)

    @shape.register
    def _(self, term: Block) -> Dimensions | None:
        rows = term.rows
        if term.is_list and not self._source.rows:
            rows = tuple((item,) for item in rows[0])
        shapes = [[self.shape(item) or (self.one, self.one) for item in row] for row in rows]
        for row in shapes:
            for left, right in itertools.pairwise(row):
                self._join(left[0], right[0])
        for column in zip(*shapes, strict=True):
            for upper, lower in itertools.pairwise(column):
                self._join(upper[1], lower[1])
        heights = tuple(row[0][0] for row in shapes)
        widths = tuple(shape[1] for shape in shapes[0])
        return self._sum_of(heights), self._sum_of(widths)

    def _sum_of(self, parts: tuple[int, ...]) -> int:
        if len(parts) == 1:
            return parts[0]
        roots = tuple(map(self._root, parts))
        for total, others in self._sums:
            if tuple(map(self._root, others)) == roots:
                return total
        total = self._new()
        self._sums.append((total, parts))
        return total


def _is_small(name: str) -> bool:
    """Tell whether a name's letter is in lower case."""
    bare = re.sub(r"\\[a-zA-Z]+\s*\{", "", name).lstrip("\\ ")
    return bare[:1].islower()
