"""Which matrices rows are multiplied by, each packed once before the loops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from codegen.passes.materialise import is_whole
from codegen.program import Program, RowsTimes, Statement, nodes
from codegen.sizes import row_axes, sum_of_sizes
from codegen.targets.c.names import c_name, size


@dataclass(frozen=True)
class Packed:
    """A matrix in panels.

    Attributes
    ----------
    name : str
        The array that holds the panels.
    depth, width : str
        How many rows and columns it has.
    lines : tuple of str
        What puts it there.
    """

    name: str
    depth: str
    width: str
    lines: tuple[str, ...]

    @property
    def argument(self) -> str:
        return f"(matrix){{at.{self.name}, {self.depth}, {self.width}}}"


def packed(program: Program, product_: RowsTimes) -> Packed:
    """Return the matrix of a product: a weight, turned or not, or some of its columns."""
    weight = product_.weight
    stack = next((s for s in program.stacks if s.name == weight and s.of == "weights"), None)
    members = (weight,) if stack is None else stack.members
    axes = dict(program.parameters)
    columns = size(axes[members[0]][1])
    (length,) = row_axes(
        program, RowsTimes(product_.rows, weight, False, product_.start, product_.stop)
    )
    chosen = size(length)
    heights = [axes[member][0] for member in members]
    total = size(sum_of_sizes(heights))
    name = f"packed_{weight}{'_T' if product_.transposed else ''}{_suffix(product_)}"
    depth, width = (chosen, total) if product_.transposed else (total, chosen)
    lines = []
    for number, member in enumerate(members):
        before = size(sum_of_sizes(heights[:number])) if number else "0"
        height = size(heights[number])
        block = f"params->{c_name(member)}"
        block += f" + {size(product_.start)}" if product_.start else ""
        if product_.transposed:
            place = ["0", before, chosen, height, block, "1", columns]
        else:
            place = [before, "0", height, chosen, block, columns, "1"]
        lines.append(f"pack(self, at.{name}, {', '.join([depth, width, *place])});")
    return Packed(name, depth, width, tuple(lines))


def _suffix(product_: RowsTimes) -> str:
    """Return what tells some columns of a weight from others, as part of a name."""
    if not product_.start and not product_.stop:
        return ""
    ends = (product_.start or "0", product_.stop or "end")
    return "_" + "_to_".join(end.replace(" + ", "_").replace(" * ", "") for end in ends)


def products(statements: Iterable[Statement]) -> Iterator[RowsTimes]:
    """Yield the products of some statements."""
    for statement in statements:
        for node in nodes(statement.value):
            if isinstance(node, RowsTimes) and is_whole(node):
                yield node


def packed_of(program: Program, statements: Iterable[Statement]) -> list[Packed]:
    """Return every matrix that some statements multiply by, once."""
    found = {one.name: one for one in (packed(program, node) for node in products(statements))}
    return list(found.values())


__all__ = ["Packed", "packed", "packed_of"]
