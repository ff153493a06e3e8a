"""What a source says: forward equations, definitions, and what is said of the symbols."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sympy import Expr, exp

from derivations.activations import ScalarFunction, x
from derivations.claims.compounds import Compound
from derivations.claims.elaborate import Elaborator
from derivations.claims.ranges import UNKNOWN
from derivations.claims.steps import Step
from derivations.claims.terms import (
    Series,
    Symbol,
    Term,
    timed_key,
)
from derivations.claims.vocabulary import Vocabulary
from derivations.errors import Place
from derivations.notation.names import Scope

#: Functions that claims mention and models do not choose.
FURTHER_FUNCTIONS = {"\\sech": ScalarFunction("sech", 2 / (exp(x) + exp(-x)))}


@dataclass(frozen=True)
class Forward:
    """One forward equation.

    Attributes
    ----------
    name : str
    time : Step or None
        The running step, a number where the equation holds at one step alone, None without time.
    right : Term
    place : Place
    """

    name: str
    time: Step | None
    right: Term
    place: Place

    @property
    def key(self) -> str:
        return self.name if self.time is None else timed_key(self.name)


@dataclass(frozen=True)
class Rewrite:
    """A definition whose left side is no bare symbol, such as (δ_t)_local = ….

    Attributes
    ----------
    left : Term
        The pattern; its letters, T aside, stand for any step.
    right : Term or None
        None where the declaration only says that the left side is immediate.
    """

    left: Term
    right: Term | None


@dataclass
class Source:
    """What a text says.

    Attributes
    ----------
    vocabulary : Vocabulary
    forward : list of Forward
        What the network computes, in the order of the text.
    definitions : dict of name to list of Forward
        Symbols that stand for a term, such as an adjoint.
    rewrites : list of Rewrite
    functions : dict of name to ScalarFunction
    unspecified : dict of name to list of Term
        Scalars of which only the arguments are known.
    total : str or None
        The name of the total loss, if it is declared and no equation defines it.
    loss : str or None
        The name of the loss of step t.
    axes : dict of name to (rows, columns)
        The sizes that the model's derivation has, such as (n, m), by name without time.
    is_last_only : bool
        Whether the loss stands at the last step only.
    """

    text: str
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    forward: list[Forward] = field(default_factory=list)
    definitions: dict[str, list[Forward]] = field(default_factory=dict)
    rewrites: list[Rewrite] = field(default_factory=list)
    functions: dict[str, ScalarFunction] = field(default_factory=dict)
    signs: dict[str, str] = field(default_factory=dict)
    product_names: set[str] = field(default_factory=set)
    unspecified: dict[str, list[Term]] = field(default_factory=dict)
    scalars: set[str] = field(default_factory=set)
    axes: dict[str, tuple[Expr, Expr]] = field(default_factory=dict)
    one_hot: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    shapes: dict[str, str] = field(default_factory=dict)
    zeros: list[Symbol] = field(default_factory=list)
    norms: dict[str, str] = field(default_factory=dict)
    bounds: list[tuple[Term, Term]] = field(default_factory=list)
    extremes: dict[str, tuple[str, Term]] = field(default_factory=dict)
    compounds: list[Compound] = field(default_factory=list)
    total: str | None = None
    loss: str | None = None
    is_last_only: bool = False
    rows: bool = False
    _free: dict[Term, frozenset[str]] = field(default_factory=dict)

    @property
    def words(self) -> frozenset[str]:
        """Names with underscores, as the source's plain lines write them."""
        plain_lines = [line for line in self.text.splitlines() if "\\" not in line]
        found = re.findall(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+", "\n".join(plain_lines))
        # h_t is a letter with a step; h_prev and w_r_x are words.
        return frozenset(word for word in found if re.search(r"_..|_.*_", word))

    def free_letters(self, term: Term) -> frozenset[str]:
        """Return the letters that decide a term's value, those of its definitions among them."""
        found = self._free.get(term)
        if found is None:
            self._free[term] = frozenset()  # a definition in terms of itself adds nothing
            found = self._free[term] = self._found_letters(term)
        return found

    def _found_letters(self, term: Term) -> frozenset[str]:
        own = set(term._own_letters())
        for child in term.children:
            own |= self.free_letters(child)
        if isinstance(term, Series):
            own.discard(term.index or self.vocabulary.running)
            for limit in (term.lower, term.upper):
                own |= limit.names - {UNKNOWN} if limit is not None else frozenset()
        if isinstance(term, Symbol):
            for definition in self.definitions.get(term.key, ()):
                bound = definition.time.names if definition.time is not None else frozenset()
                own |= self.free_letters(definition.right) - bound
        return frozenset(own)

    def elaborator(self, place: Place | None = None) -> Elaborator:
        return Elaborator(self.vocabulary, self.compounds, place, self.product_names)

    def function(self, name: str) -> ScalarFunction | None:
        """Return the scalar function behind a name."""
        own = self.functions.get(name)
        if own is not None:
            return own
        return FURTHER_FUNCTIONS.get(name) or Scope().function(name)
