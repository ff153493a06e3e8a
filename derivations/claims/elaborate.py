"""Syntax to terms: functions take their arguments, ∑ and ∏ the rest, ∂ what it stands before."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from derivations.claims.differentials import Parts, behind_d, is_d, is_immediate
from derivations.claims.dots import product_with_dots, sum_with_dots
from derivations.claims.ranges import range_of
from derivations.claims.scripts import Scripts
from derivations.claims.terms import (
    Apply,
    Block,
    Call,
    Cases,
    Chain,
    Constant,
    Labelled,
    Norm,
    Number,
    Partial,
    Power,
    Quotient,
    Series,
    Sum,
    Term,
)
from derivations.claims.vocabulary import plain
from derivations.notation import syntax
from derivations.notation.names import Scope

#: Functions that act on a whole vector.
VECTOR_FUNCTIONS = frozenset({"\\softmax", "\\diag"})
#: Letters that stand for an unspecified function where nothing else is said.
FUNCTION_LETTERS = frozenset({"\\sigma", "\\phi", "\\varphi", "\\psi", "f", "g"})
_NO_SCOPE = Scope()


class Elaborator(Scripts):
    """Makes terms of formulas of one source.

    Parameters
    ----------
    vocabulary : Vocabulary
    compounds : mapping of parts to name
        Names that are written as several letters, such as ``dW_{hh}`` or ``\\delta 7``.
    place : Place
        What the spans of the formula point into.
    products : collection of str
        Names that stand for the matrix product of their arguments.
    """

    def term(self, node: syntax.Node) -> Term:
        """Return the term of a piece of a formula.

        Raises
        ------
        NotationError
            With the place of the piece that has no meaning.
        """
        match node:
            case syntax.Number():
                return Number(Fraction(node.text))
            case syntax.Name() | syntax.Scripted():
                return self._chain((node,), node.span)
            case syntax.Bracket():
                return self._bracket(node)
            case syntax.Norm():
                return Norm(self.term(node.body), "", node.bars)
            case syntax.Fraction():
                return self._fraction(node)
            case syntax.Sum():
                return self._sum(node)
            case syntax.Chain():
                return self._chain(node.parts, node.span)
            case syntax.Matrix():
                return Block(tuple(tuple(self.term(i) for i in row) for row in node.rows))
            case syntax.Cases():
                return Cases(tuple(self.term(row[0]) for row in node.rows))
            case syntax.Restricted():
                return Labelled(self.term(node.body), node.label)
            case syntax.Comparison():
                return Call(node.relations[0], tuple(map(self.term, node.sides)))
        raise self._refuse("This piece has no meaning here.", node.span)

    def _sum(self, node: syntax.Sum) -> Term:
        if not any(isinstance(term, syntax.Ellipsis) for _, term in node.terms):
            return Sum(tuple((sign, self.term(term)) for sign, term in node.terms))
        terms = [
            None if isinstance(term, syntax.Ellipsis) else (sign, self.term(term))
            for sign, term in node.terms
        ]
        made = sum_with_dots(terms)
        if made is None:
            raise self._refuse("What the dots stand for cannot be seen.", node.span)
        return made

    def _bracket(self, node: syntax.Bracket) -> Term:
        if len(node.items) == 1:
            return self.term(node.items[0])
        items = tuple(map(self.term, node.items))
        if node.square or ";" in node.separators:
            is_stack = ";" in node.separators
            rows = tuple((item,) for item in items) if is_stack else (items,)
            return Block(rows, is_list=not is_stack)
        raise self._refuse("A list in round brackets has no meaning here.", node.span)

    # Derivatives

    def _fraction(self, node: syntax.Fraction) -> Term:
        above, below = behind_d(node.numerator), behind_d(node.denominator)
        if above is None:
            return Quotient(self.term(node.numerator), self.term(node.denominator))
        immediate, parts = above
        if not parts:
            raise self._refuse("This derivative acts on nothing.", node.span)
        of = self._chain(parts, node.numerator.span)
        if below is None:
            return self._divided(of, immediate, node.denominator)
        by = self._chain(below[1], node.denominator.span)
        return Partial(of, by, immediate or below[0])

    def _divided(self, of: Term, immediate: bool, below: syntax.Node) -> Term:
        """A denominator without a ∂ in front: the ∂ is left out, or a number stands before it."""
        parts = below.parts if isinstance(below, syntax.Chain) else (below,)
        place = next((n for n, part in enumerate(parts) if is_d(part)), None)
        if place is None:
            return Partial(of, self.term(below), immediate)
        before = parts[:place]
        while before and isinstance(before[-1], syntax.Operator):
            before = before[:-1]
        by = self._chain(parts[place + 1 :], below.span)
        return Quotient(Partial(of, by, immediate), self._chain(before, below.span))

    def _operator(self, node: syntax.Node | syntax.Operator) -> syntax.Fraction | None:
        """Return ∂/∂v, if the node is that and waits for what it acts on."""
        if not isinstance(node, syntax.Fraction):
            return None
        above = behind_d(node.numerator)
        return node if above is not None and not above[1] else None

    # Chains

    def _chain(self, parts: Parts, span: syntax.Span) -> Term:
        factors: list[Term] = []
        signs: list[str] = []
        dots: list[int] = []
        pending = ""
        position = 0
        while position < len(parts):
            part = parts[position]
            if isinstance(part, syntax.Operator):
                if not factors or pending:
                    raise self._refuse("A factor is missing before this sign.", part.span)
                pending = part.text
                position += 1
                continue
            if isinstance(part, syntax.Ellipsis):
                dots.append(len(factors))
                pending = ""
                position += 1
                continue
            factor, used = self._factor(parts, position)
            if factors:
                signs.append(pending)
            factors.append(factor)
            pending = ""
            position += used
        if pending or not factors:
            raise self._refuse("A factor is missing after this sign.", span)
        if dots:
            return self._with_dots(factors, signs, dots, span)
        return joined(factors, signs)

    def _with_dots(
        self, factors: list[Term], signs: list[str], dots: list[int], span: syntax.Span
    ) -> Term:
        made = product_with_dots(factors, signs, dots) if len(dots) == 1 else None
        if made is None:
            raise self._refuse("What the dots stand for cannot be seen.", span)
        return joined(*made)

    def _factor(self, parts: Parts, position: int) -> tuple[Term, int]:
        """Return the next factor and how many parts it takes."""
        part = parts[position]
        for compound in self._compounds:
            found = compound.match(parts, position, self._vocabulary)
            if found is not None:
                return found, len(compound.parts)
        if isinstance(part, syntax.Series):
            rest = parts[position + 1 :]
            if not rest:
                raise self._refuse("Nothing follows this sum or product.", part.span)
            return self._series(part, rest), 1 + len(rest)
        slashed = self._slashed(parts, position)
        if slashed is not None:
            return slashed
        operator = self._operator(part)
        if operator is not None:
            rest = parts[position + 1 :]
            if not rest:
                raise self._refuse("This derivative acts on nothing.", part.span)
            of, used = self._factor(parts, position + 1)
            below = behind_d(operator.denominator)
            by = (
                self.term(operator.denominator)
                if below is None
                else self._chain(below[1], part.span)
            )
            return Partial(of, by), 1 + used
        nabla = self._nabla(part)
        if nabla is not None:
            if position + 1 >= len(parts):
                raise self._refuse("∇ stands before nothing.", part.span)
            of, used = self._factor(parts, position + 1)
            return Partial(of, nabla, nabla=True), 1 + used
        if isinstance(part, syntax.Name | syntax.Scripted):
            applied = self._application(part, parts, position)
            if applied is not None:
                return applied
            indexed = self._indexed(part, parts, position)
            if indexed is not None:
                return indexed
            return self._scripted(part), 1
        assert not isinstance(part, syntax.Operator)
        return self.term(part), 1

    def _slashed(self, parts: Parts, position: int) -> tuple[Term, int] | None:
        """∂u/∂v in one line."""
        shape = parts[position : position + 5]
        if len(shape) < 5 or not (is_d(shape[0]) and is_d(shape[3])):
            return None
        if not (isinstance(shape[2], syntax.Operator) and shape[2].text == "/"):
            return None
        of, by = shape[1], shape[4]
        if isinstance(of, syntax.Operator) or isinstance(by, syntax.Operator):
            return None
        return Partial(self.term(of), self.term(by), is_immediate(shape[0])), 5

    def _nabla(self, part: syntax.Node | syntax.Operator) -> Term | None:
        if not isinstance(part, syntax.Scripted) or not isinstance(part.base, syntax.Name):
            return None
        if part.base.text != "\\nabla" or len(part.subscripts) != 1:
            return None
        index = part.subscripts[0]
        if index.symbol is not None:
            return self.term(index.symbol)
        return self._scripted(syntax.Name(index.word or "", index.span))

    def _series(self, node: syntax.Series, rest: Parts) -> Term:
        kind = "sum" if node.kind == "sum" else "product"
        index, lower, upper = range_of(node, self._vocabulary, self._refuse)
        self._bound.append(index)
        body = self._chain(rest, (rest[0].span[0], rest[-1].span[1]))
        self._bound.pop()
        return Series(kind, index, lower, upper, body)

    # Functions

    def function_of(self, part: syntax.Node | syntax.Operator) -> str | None:
        """Return the function that a name stands for."""
        name = part.base if isinstance(part, syntax.Scripted) else part
        if not isinstance(name, syntax.Name):
            return None
        vocabulary = self._vocabulary
        if isinstance(part, syntax.Scripted) and part.subscripts:
            labelled = plain(name.text + "_" + ",".join(i.word or "?" for i in part.subscripts))
            for function in vocabulary.functions:
                if plain(function) == labelled:
                    return function
            return None
        for function in vocabulary.functions:
            if plain(function) == plain(name.text):
                return function
        if vocabulary.known(name.text) is not None:
            return None
        if name.text in VECTOR_FUNCTIONS or _NO_SCOPE.function(name.text) is not None:
            return name.text
        if plain(name.text) in ("\\sech", "sech"):
            return "\\sech"
        return None

    def _application(
        self, part: syntax.Name | syntax.Scripted, parts: Parts, position: int
    ) -> tuple[Term, int] | None:
        following = parts[position + 1] if position + 1 < len(parts) else None
        function = self.function_of(part)
        if isinstance(part, syntax.Scripted) and self._vocabulary.split(part).is_known:
            return None
        if function is None and self._is_call(part, following):
            return self._call(part, following), 2
        if function is None:
            return None
        if following is None or isinstance(
            following, syntax.Operator | syntax.Series | syntax.Ellipsis
        ):
            raise self._refuse(f"The function {function} needs an argument.", part.span)
        outer: syntax.Scripted | None = None
        argument: syntax.Node = following
        if isinstance(following, syntax.Scripted) and isinstance(following.base, syntax.Bracket):
            outer, argument = following, following.base
        if isinstance(argument, syntax.Bracket) and len(argument.items) > 1 and not argument.square:
            return Call(function, tuple(map(self.term, argument.items))), 2
        value = self._applied(function, part, self._argument(argument))
        return (value if outer is None else self._with_scripts(value, outer)), 2

    def _argument(self, node: syntax.Node) -> Term:
        inner = node.items[0] if isinstance(node, syntax.Bracket) and len(node.items) == 1 else node
        if isinstance(inner, syntax.Name) and inner.text == "\\cdot":
            return Constant("blank")
        return self.term(node)

    def _is_call(
        self, part: syntax.Name | syntax.Scripted, following: syntax.Node | syntax.Operator | None
    ) -> bool:
        """Tell whether an unknown name before a bracket is a function that nothing specifies."""
        if not isinstance(following, syntax.Bracket):
            return False
        if len(following.items) > 1 and not following.square:
            return True
        if self._vocabulary.split(part).is_known:
            return False
        is_comparison = isinstance(following.items[0], syntax.Comparison)
        name = part.base if isinstance(part, syntax.Scripted) else part
        return is_comparison or (
            isinstance(name, syntax.Name) and name.text in FUNCTION_LETTERS and not following.square
        )

    def _call(
        self, part: syntax.Name | syntax.Scripted, following: syntax.Node | syntax.Operator | None
    ) -> Term:
        assert isinstance(following, syntax.Bracket)
        name = self._vocabulary.split(part).name
        arguments = tuple(map(self.term, following.items))
        if plain(name) == "1" and len(arguments) == 1 and _is_positive(arguments[0]):
            return Apply("\\relu", 1, arguments[0].children[0])  # the slope of the rectifier
        if name == "\\max" and len(arguments) == 2:
            return _larger(*arguments)
        if plain(name) in self._products:
            return joined(arguments, [""] * (len(arguments) - 1))
        if name in FUNCTION_LETTERS and len(arguments) == 1:
            order = part.primes if isinstance(part, syntax.Scripted) else 0
            return Apply(name, order, arguments[0])
        return Call(name, arguments)

    def _applied(self, function: str, part: syntax.Name | syntax.Scripted, argument: Term) -> Term:
        order, power = 0, None
        if isinstance(part, syntax.Scripted):
            order = part.primes
            powers = [self._vocabulary.step_of(index) for index in part.superscripts]
            if len(powers) > 1 or None in powers:
                raise self._refuse(f"The scripts of {function} cannot be read.", part.span)
            power = powers[0] if powers else None
        value: Term = Apply(function, order, argument)
        return value if power is None else Power(value, power)


def joined(factors: Sequence[Term], signs: Sequence[str]) -> Term:
    """Return a chain, with every slash made a quotient of its two neighbours."""
    new_factors: list[Term] = [factors[0]]
    new_signs: list[str] = []
    for sign, factor in zip(signs, factors[1:], strict=True):
        if sign in ("/", "\\oslash"):
            new_factors[-1] = Quotient(new_factors[-1], factor)
        else:
            new_factors.append(factor)
            new_signs.append(sign)
    if len(new_factors) == 1:
        return new_factors[0]
    return Chain(tuple(new_factors), tuple(new_signs))


def _larger(first: Term, second: Term) -> Term:
    """max(0, a) is the rectifier of a, and max(u, w) = w + relu(u - w)."""
    zero = Number(Fraction(0))
    if zero in (first, second):
        return Apply("\\relu", 0, second if first == zero else first)
    return Sum(((1, second), (1, Apply("\\relu", 0, Sum(((1, first), (-1, second)))))))


def _is_positive(term: Term) -> bool:
    """Tell whether a term is a comparison such as a > 0."""
    return (
        isinstance(term, Call) and term.function == ">" and term.children[1] == Number(Fraction(0))
    )
