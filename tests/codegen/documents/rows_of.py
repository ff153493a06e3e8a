"""Rows of a document read back from their LaTeX, and judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from codegen.documents.document import Block, Display, Row
from derivations import Derivation
from derivations.errors import Place
from derivations.notation.build import agree, build_sides
from derivations.notation.latex import latex
from derivations.notation.parse import parse_statement
from derivations.proof.judge import Counterexample, Evidence, Judge
from derivations.proving import network_of
from tests.codegen.documents.samples import proven


@cache
def court_of(name: str) -> Court:
    return Court(proven(name))


def rows_of(blocks: Iterable[Block]) -> Iterator[Row]:
    for block in blocks:
        if isinstance(block, Display):
            yield from block.rows


class Court:
    """The judge of a derivation, who reads rows."""

    def __init__(self, derivation: Derivation) -> None:
        self.network = network_of(derivation)
        self.judge = Judge(self.network)
        self.proven = {
            (_printed(equation.sides), equation.conditions) for equation in derivation.equations
        }

    def examined(self, row: Row) -> Evidence | Counterexample:
        text = " = ".join(row.sides) + (f", \\quad {row.conditions}" if row.conditions else "")
        place = Place(text, 0, len(text))
        statement = parse_statement(text, place)
        sides = build_sides(statement, self.network.scope, place)
        agree(sides)
        return self.judge.examine(sides, statement.conditions)

    def is_false(self, row: Row) -> bool:
        return isinstance(self.examined(row), Counterexample)

    def is_proven(self, row: Row) -> bool:
        """Tell whether a row consists of sides of one proven equation, in their order."""
        return any(
            row.conditions == conditions and _is_part(row.sides, sides)
            for sides, conditions in self.proven
        )


def _printed(sides: Iterable[object]) -> tuple[str, ...]:
    return tuple(map(latex, sides))


def _is_part(some: tuple[str, ...], all_of_them: tuple[str, ...]) -> bool:
    rest = iter(all_of_them)
    return all(side in rest for side in some)
