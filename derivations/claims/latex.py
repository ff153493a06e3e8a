"""Terms to LaTeX, in the source's own spelling; what is printed here, the reader reads back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from derivations.claims.dots import COUNTER
from derivations.claims.elaborate import Elaborator
from derivations.claims.latex_pieces import (
    boxed,
    decimal,
    function_name,
    limit,
    range_text,
    script,
    step_text,
    with_letter,
)
from derivations.claims.steps import Step
from derivations.claims.terms import (
    Apply,
    Block,
    Call,
    Cases,
    Chain,
    Constant,
    Entry,
    Labelled,
    Norm,
    Number,
    Part,
    Partial,
    Power,
    Quotient,
    Series,
    StepNumber,
    Sum,
    Symbol,
    Term,
    Transposed,
    Written,
    substituted,
)
from derivations.claims.vocabulary import SLOT, Spelling, Vocabulary, spelling_of
from derivations.errors import BpttError
from derivations.notation import syntax
from derivations.notation.parse import parse_expression

TRANSPOSE = "\\top"
#: A space that tells the reader that a text without a command is LaTeX all the same.
AS_LATEX = "\\,"


@dataclass(frozen=True, eq=True)
class Marked(Term):
    """A piece that is printed in a box; the reader knows no such thing."""

    body: Term
    __hash__ = Term.__hash__


_CONSTANTS = {"identity": "I", "ones": "\\mathbf{1}", "blank": "\\cdot"}
_SERIES = {"sum": "\\sum", "product": "\\prod"}


def latex(term: Term, vocabulary: Vocabulary) -> str:
    """Return the LaTeX of a term.

    Parameters
    ----------
    term : Term
    vocabulary : Vocabulary
        Of the source whose names the term uses.

    Examples
    --------
    >>> vocabulary = Vocabulary()
    >>> vocabulary.learn("h", Spelling("h", ("\\0",)), is_timed=True)
    >>> h = Symbol("h", Step.letter("t"))
    >>> latex(Transposed(Apply("\\\\tanh", 1, h)), vocabulary)
    "\\\\tanh'\\\\left(h_t\\\\right)^{\\\\top}"
    """
    return Printer(vocabulary).text(term)


class Printer:
    """Prints the terms of one source.

    Parameters
    ----------
    vocabulary : Vocabulary
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._reader = Elaborator(vocabulary)

    def text(self, term: Term) -> str:
        """Return the text of a side, with no bracket around it."""
        return _RULES[type(term)](self, term)

    def _bracketed(self, term: Term) -> str:
        return f"\\left({self.text(term)}\\right)"

    def _factor(self, term: Term, *, is_last: bool = True) -> str:
        """Return the text of a factor of a product."""
        if isinstance(term, Marked):
            return boxed(self._factor(term.body, is_last=is_last))
        is_open = isinstance(term, Sum | Chain) or (isinstance(term, Series) and not is_last)
        return self._bracketed(term) if is_open else self.text(term)

    def _term(self, term: Term) -> str:
        """Return the text of a member of a sum."""
        if isinstance(term, Marked):
            return boxed(self._term(term.body))
        return self._bracketed(term) if isinstance(term, Sum) else self.text(term)

    def _marked(self, term: Marked) -> str:
        return boxed(self.text(term.body))

    def _first_read(self, texts: Iterator[str], term: Term) -> str:
        """Return the first text that means a term, or the last text."""
        text = ""
        for text in texts:
            if self._reads(text, term):
                return text
        return text

    def _reads(self, text: str, term: Term) -> bool:
        try:
            return self._reader.term(parse_expression(text + AS_LATEX)) == term
        except BpttError:
            return False

    # Numbers and names

    def _number(self, term: Number) -> str:
        return decimal(term.value)

    def _step_number(self, term: StepNumber) -> str:
        text = str(term.step)
        return text if term.step.lone is not None else f"\\left({text}\\right)"

    def _constant(self, term: Constant) -> str:
        return _CONSTANTS[term.kind]

    def _written(self, term: Written) -> str:
        return term.text

    def _symbol(self, term: Symbol) -> str:
        spelling = self._spelling(term)
        text = spelling.at(step_text(term.time))
        if term.time is not None or self._reads(text, term):
            return text
        return term.name if self._reads(term.name, term) else text

    def _spelling(self, term: Symbol) -> Spelling:
        """Return how a name is written, with a place for the step if it carries time."""
        is_timed = term.time is not None
        known = self._vocabulary.timed if is_timed else self._vocabulary.untimed
        spelling = known.get(term.name) or self._vocabulary.spelling(term.name)
        if not is_timed or any(SLOT in label for label in (*spelling.below, *spelling.above)):
            return spelling
        compound = self._compound(spelling.base, term.time)
        return compound or Spelling(spelling.base, (*spelling.below, SLOT), spelling.above)

    def _compound(self, text: str, time: Step | None) -> Spelling | None:
        """Return a name of several parts at a step, None where it has only one."""
        try:
            node = parse_expression(text + AS_LATEX)
        except BpttError:
            return None
        if not isinstance(node, syntax.Chain):
            return None
        made, written = "", 0
        for part in node.parts:
            start, end = part.span
            gap = text[written:start] if written else ""
            made, written = made + gap + self._part(part, text, time), end
        return Spelling(made)

    def _part(self, part: syntax.Node | syntax.Operator, text: str, time: Step | None) -> str:
        if isinstance(part, syntax.Name | syntax.Scripted):
            return spelling_of(self._vocabulary, part, text).at(step_text(time))
        start, end = part.span
        return text[start:end]

    def _entry(self, term: Entry) -> str:
        return self._first_read(self._entries(term), term)

    def _entries(self, term: Entry) -> Iterator[str]:
        """Yield spellings of an entry, what looks most like a book's first."""
        steps = [str(index) for index in term.indices]
        is_short = all(len(step) == 1 and step.isalpha() for step in steps)
        joined = "".join(steps) if is_short and len(steps) == 2 else ", ".join(steps)
        if isinstance(term.body, Symbol):
            spelling = self._spelling(term.body)
            labels = (*spelling.below, joined)
            yield Spelling(spelling.base, labels, spelling.above).at(step_text(term.body.time))
            yield f"{{{self.text(term.body)}}}{script('_', joined)}"
        yield f"{self._bracketed(term.body)}{script('_', joined)}"

    def _part_of(self, term: Part) -> str:
        picked = ",".join(map(range_text, term.ranges))
        bare = self.text(term.body)
        has_scripts = re.search("[_^']", bare) is not None
        is_bare = isinstance(term.body, Symbol) and not has_scripts
        return f"{bare if is_bare else self._bracketed(term.body)}_{{{picked}}}"

    # Sums and products

    def _sum(self, term: Sum) -> str:
        text = ""
        for sign, child in term.terms:
            shown = self._term(child)
            if text:
                text += f" {'+' if sign > 0 else '-'} {shown}"
            else:
                text = shown if sign > 0 else f"-{shown}"
        return text

    def _chain(self, term: Chain) -> str:
        last = len(term.factors) - 1
        text = self._factor(term.factors[0], is_last=False)
        for position, (sign, factor) in enumerate(zip(term.signs, term.factors[1:], strict=True)):
            shown = self._factor(factor, is_last=position + 1 == last)
            if not sign and shown[:1].isdigit():
                shown = f"\\left({shown}\\right)"  # two numbers side by side would be one
            text += f" {sign} {shown}" if sign else f" {shown}"
        return text

    def _quotient(self, term: Quotient) -> str:
        return f"\\frac{{{self._above(term.above)}}}{{{self.text(term.below)}}}"

    def _above(self, term: Term) -> str:
        """What begins with the letter d would be read as a derivative."""
        text = self.text(term)
        is_differential = re.match(r"(d|\\mathrm\{d\})\s*[^\s_^']", text) is not None
        return f"\\left({text}\\right)" if is_differential else text

    def _power(self, term: Power) -> str:
        exponent = str(term.exponent)
        if exponent == "T":
            exponent = "T+0"  # a lone T is a transpose
        if isinstance(term.base, Apply) and term.base.order == 0 and exponent.isdigit():
            function = function_name(term.base.function)
            argument = self.text(term.base.argument)
            return f"{function}{script('^', exponent)}\\left({argument}\\right)"
        return self._raised(term, term.base, exponent)

    def _transposed(self, term: Transposed) -> str:
        return self._raised(term, term.body, TRANSPOSE)

    def _raised(self, term: Term, base: Term, power: str) -> str:
        if isinstance(base, Symbol):
            return self._first_read(self._raised_symbols(base, power), term)
        is_ready = isinstance(base, Apply) and not isinstance(base.argument, Block)
        is_ready = is_ready or (isinstance(base, Norm) and isinstance(term, Power))
        is_ready = is_ready or isinstance(base, Part)
        shown = self.text(base) if is_ready else self._bracketed(base)
        return shown + script("^", power)

    def _raised_symbols(self, base: Symbol, power: str) -> Iterator[str]:
        step = step_text(base.time)
        yield self._spelling(base).at(step, power)
        yield f"\\left({self._spelling(base).at(step)}\\right){script('^', power)}"

    def _series(self, term: Series) -> str:
        if term.index == COUNTER:
            term = with_letter(term)
        if term.ascending and term.lower is not None and term.upper is not None:
            first, last = (
                substituted(term.body, {term.index: step}) for step in (term.lower, term.upper)
            )
            return f"{self._factor(first)} \\cdots {self._factor(last)}"
        text = _SERIES[term.kind]
        if term.lower is not None:
            text += f"_{{{term.index}={term.lower}}}"
        elif term.index:
            text += script("_", term.index)
        if term.upper is not None:
            text += script("^", limit(term.upper, term.index), is_braced=True)
        body = term.body
        return f"{text} {self._bracketed(body) if isinstance(body, Sum) else self.text(body)}"

    # Functions and derivatives

    def _apply(self, term: Apply) -> str:
        primes = "'" * term.order
        return f"{function_name(term.function)}{primes}\\left({self.text(term.argument)}\\right)"

    def _call(self, term: Call) -> str:
        if term.function in ("=", "<=", ">=", "<", ">"):
            return f"\\left[{f' {term.function} '.join(map(self.text, term.arguments))}\\right]"
        shown = ", ".join(map(self.text, term.arguments))
        is_bracketed = len(term.arguments) == 1 and shown.startswith("\\left[")
        return term.function + (shown if is_bracketed else f"\\left({shown}\\right)")

    def _partial(self, term: Partial) -> str:
        if term.nabla and not term.immediate and self._is_one_symbol(term.by):
            return (
                f"\\nabla{script('_', self.text(term.by))} {self._factor(term.of, is_last=False)}"
            )
        sign = "\\partial^{+}" if term.immediate else "\\partial"
        of, by = (self._factor(piece, is_last=False) for piece in (term.of, term.by))
        return f"\\frac{{{sign} {of}}}{{\\partial {by}}}"

    def _is_one_symbol(self, by: Term) -> bool:
        """Tell whether a quantity may stand below ∇."""
        if not isinstance(by, Symbol | Entry | Marked):
            return False
        try:
            node = parse_expression(self.text(by) + AS_LATEX)
        except BpttError:
            return isinstance(by, Marked)
        return isinstance(node, syntax.Name | syntax.Scripted) or isinstance(by, Marked)

    # Stacks and the rest

    def _block(self, term: Block) -> str:
        if term.is_list:
            return f"\\left[{', '.join(map(self.text, term.rows[0]))}\\right]"
        rows = " \\\\ ".join(" & ".join(map(self.text, row)) for row in term.rows)
        return f"\\begin{{bmatrix}} {rows} \\end{{bmatrix}}"

    def _cases(self, term: Cases) -> str:
        rows = " \\\\ ".join(map(self.text, term.rows))
        return f"\\begin{{cases}} {rows} \\end{{cases}}"

    def _norm(self, term: Norm) -> str:
        bar = "|" if term.bars == 1 else "\\|"
        kind = script("_", term.kind)
        return f"\\left{bar} {self.text(term.body)} \\right{bar}{kind}"

    def _labelled(self, term: Labelled) -> str:
        return self._first_read(self._labels(term), term)

    def _labels(self, term: Labelled) -> Iterator[str]:
        body = self._bracketed(term.body)
        yield f"{body}_{{{term.label}}}"
        yield f"{body}_{{\\text{{{term.label}}}}}"
        yield f"{body}\\bigg|_{{\\text{{{term.label}}}}}"


#: The rule of every term.
_RULES: Mapping[type[Term], Callable[..., str]] = {
    Number: Printer._number,
    StepNumber: Printer._step_number,
    Constant: Printer._constant,
    Written: Printer._written,
    Symbol: Printer._symbol,
    Entry: Printer._entry,
    Part: Printer._part_of,
    Sum: Printer._sum,
    Chain: Printer._chain,
    Quotient: Printer._quotient,
    Power: Printer._power,
    Transposed: Printer._transposed,
    Series: Printer._series,
    Apply: Printer._apply,
    Call: Printer._call,
    Partial: Printer._partial,
    Block: Printer._block,
    Cases: Printer._cases,
    Norm: Printer._norm,
    Labelled: Printer._labelled,
    Marked: Printer._marked,
}
