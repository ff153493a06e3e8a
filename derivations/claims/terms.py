"""What a formula says, before it has a shape: the terms that claims are made of.

A term keeps what the text leaves open, such as how tightly ⊙ binds or what two vectors side by
side mean; a `Reading` decides that when the term is evaluated. Terms are immutable and know their
hash, so that the value of a piece that an edit does not touch is found again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from derivations.claims.steps import Step
from derivations.notation.picks import Range


class Term:
    """Base of the terms: children, free letters, and a hash that is computed once."""

    @cached_property
    def _hash(self) -> int:
        return hash((type(self), *(getattr(self, name) for name in _field_names(type(self)))))

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def children(self) -> tuple[Term, ...]:
        """The terms in this term, in the order of the text."""
        found: list[Term] = []
        for name in _field_names(type(self)):
            _collect(getattr(self, name), found)
        return tuple(found)

    @cached_property
    def letters(self) -> frozenset[str]:
        """The letters of steps and entries that are free in the term."""
        own: set[str] = set().union(*(child.letters for child in self.children))
        return frozenset(own | self._own_letters())

    def _own_letters(self) -> frozenset[str]:
        return frozenset()

    def mapped(self, function: Callable[[Term], Term]) -> Term:
        """Return the term with a function applied to each child."""
        changed: dict[str, Any] = {}
        for name in _field_names(type(self)):
            old = getattr(self, name)
            new = _mapped(old, function)
            if new is not old:
                changed[name] = new
        return replace(self, **changed) if changed else self  # type: ignore[type-var]

    def walk(self) -> Iterator[Term]:
        """Yield the term and all terms in it."""
        yield self
        for child in self.children:
            yield from child.walk()


_FIELDS: dict[type, tuple[str, ...]] = {}


def _field_names(kind: type[Term]) -> tuple[str, ...]:
    """Return the names of a term's fields; `dataclasses.fields` is slow."""
    if kind not in _FIELDS:
        _FIELDS[kind] = tuple(field.name for field in fields(kind))  # type: ignore[arg-type]
    return _FIELDS[kind]


def _collect(value: object, found: list[Term]) -> None:
    if isinstance(value, Term):
        found.append(value)
    elif isinstance(value, tuple):
        for item in value:
            _collect(item, found)


def _mapped(value: Any, function: Callable[[Term], Term]) -> Any:
    if isinstance(value, Term):
        return function(value)
    if isinstance(value, tuple):
        new = tuple(_mapped(item, function) for item in value)
        return new if any(a is not b for a, b in zip(new, value, strict=True)) else value
    return value


@dataclass(frozen=True, eq=True)
class Number(Term):
    value: Fraction
    __hash__ = Term.__hash__


@dataclass(frozen=True, eq=True)
class StepNumber(Term):
    """A step that stands where a number does, such as the T of 1/T."""

    step: Step
    __hash__ = Term.__hash__

    def _own_letters(self) -> frozenset[str]:
        return self.step.names


@dataclass(frozen=True, eq=True)
class Constant(Term):
    """``identity``, ``ones`` or ``blank``, the argument that f′(·) leaves out."""

    kind: str
    __hash__ = Term.__hash__


@dataclass(frozen=True, eq=True)
class Symbol(Term):
    """A quantity, at a step if it carries time."""

    name: str
    time: Step | None = None
    __hash__ = Term.__hash__

    @property
    def key(self) -> str:
        """The name, told apart where E_t and E share one."""
        return self.name if self.time is None else timed_key(self.name)

    def _own_letters(self) -> frozenset[str]:
        return self.time.names if self.time is not None else frozenset()


def timed_key(name: str) -> str:
    """Return the key of a quantity that carries time."""
    return name + "@"


@dataclass(frozen=True, eq=True)
class Entry(Term):
    """An entry of a vector or a matrix; positions count from 1."""

    body: Term
    indices: tuple[Step, ...]
    __hash__ = Term.__hash__

    def _own_letters(self) -> frozenset[str]:
        return frozenset().union(*(index.names for index in self.indices))


@dataclass(frozen=True, eq=True)
class Part(Term):
    """Neighbouring rows and columns, W_{:,1:n}: a range for each axis, None for all of it.

    A single range is one of the entries of a vector, or of the rows of a matrix.
    """

    body: Term
    ranges: tuple[Range | None, ...]
    __hash__ = Term.__hash__


@dataclass(frozen=True, eq=True)
class Sum(Term):
    """Signed terms."""

    terms: tuple[tuple[int, Term], ...]
    __hash__ = Term.__hash__


@dataclass(frozen=True, eq=True)
class Chain(Term):
    """Factors and the signs between them; ``""`` is juxtaposition."""

    factors: tuple[Term, ...]
    signs: tuple[str, ...]
    __hash__ = Term.__hash__


@dataclass(frozen=True, eq=True)
class Quotient(Term):
    above: Term
    below: Term
    __hash__ = Term.__hash__


@dataclass(frozen=True, eq=True)
class Power(Term):
    base: Term
    exponent: Step
    __hash__ = Term.__hash__

    def _own_letters(self) -> frozenset[str]:
        return self.exponent.names


@dataclass(frozen=True, eq=True)
class Transposed(Term):
    body: Term
    __hash__ = Term.__hash__


@dataclass(frozen=True, eq=True)
class Apply(Term):
    """A function, or a derivative of one, of an argument: entry by entry, softmax or diag."""

    function: str
    order: int
    argument: Term
    __hash__ = Term.__hash__


@dataclass(frozen=True, eq=True)
class Call(Term):
    """A function of several arguments of which nothing is known."""

    function: str
    arguments: tuple[Term, ...]
    __hash__ = Term.__hash__


@dataclass(frozen=True, eq=True)
class Partial(Term):
    """∂u/∂v, total, or immediate (∂⁺)."""

    of: Term
    by: Term
    immediate: bool = False
    nabla: bool = False
    __hash__ = Term.__hash__


@dataclass(frozen=True, eq=True)
class Series(Term):
    """A sum or a product over a range of steps, or of entries.

    Attributes
    ----------
    kind : str
        ``sum`` or ``product``.
    index : str
    lower, upper : Step or None
        None where the text leaves the limit out.
    ascending : bool
        Whether the factors of a product stand in the order of time, A_1 A_2 ⋯ A_T.
    body : Term
    """

    kind: str
    index: str
    lower: Step | None
    upper: Step | None
    body: Term
    ascending: bool = False
    __hash__ = Term.__hash__

    @cached_property
    def letters(self) -> frozenset[str]:
        limits: set[str] = set()
        for limit in (self.lower, self.upper):
            if limit is not None:
                limits |= limit.names
        return frozenset((self.body.letters - {self.index}) | limits)


@dataclass(frozen=True, eq=True)
class Block(Term):
    """Rows of blocks: a stack, a matrix, a concatenation ``[a, b]`` whose direction is open."""

    rows: tuple[tuple[Term, ...], ...]
    is_list: bool = False
    __hash__ = Term.__hash__


@dataclass(frozen=True, eq=True)
class Cases(Term):
    rows: tuple[Term, ...]
    __hash__ = Term.__hash__


@dataclass(frozen=True, eq=True)
class Norm(Term):
    """A norm; its kind is the text of its subscript."""

    body: Term
    kind: str = ""
    bars: int = 2
    __hash__ = Term.__hash__


@dataclass(frozen=True, eq=True)
class Labelled(Term):
    """A term that a label makes another one, such as (δ_t)_local."""

    body: Term
    label: str
    __hash__ = Term.__hash__


@dataclass(frozen=True, eq=True)
class Written(Term):
    """A name that the text uses and nothing explains."""

    text: str
    __hash__ = Term.__hash__


def substituted(term: Term, letters: dict[str, Step]) -> Term:
    """Return the term with free letters of steps replaced."""
    if not letters or not term.letters & letters.keys():
        return term
    match term:
        case Symbol(name, time) if time is not None:
            return Symbol(name, time.replaced(letters))
        case StepNumber(step):
            return StepNumber(step.replaced(letters))
        case Power(base, exponent):
            return Power(substituted(base, letters), exponent.replaced(letters))
        case Entry(body, indices):
            new = tuple(index.replaced(letters) for index in indices)
            return Entry(substituted(body, letters), new)
        case Series():
            inner = {k: v for k, v in letters.items() if k != term.index}
            return replace(
                term,
                lower=None if term.lower is None else term.lower.replaced(letters),
                upper=None if term.upper is None else term.upper.replaced(letters),
                body=substituted(term.body, inner),
            )
        case _:
            return term.mapped(lambda child: substituted(child, letters))


def replaced(term: Term, old: Term, new: Term) -> Term:
    """Return the term with every occurrence of another one replaced."""
    return new if term == old else term.mapped(lambda child: replaced(child, old, new))
