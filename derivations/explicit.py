"""A small unrolled network written out in scalars: sympy.diff as the second, independent opinion.

    Unrolled                 the forward equations with every entry a SymPy scalar, nothing shared
    explicit_gradients       sympy.diff of the total loss by every scalar; no chain rule of ours
    matrix_form_gradients    the equations of a derivation over the same scalars, from T down to 1
    agree_exactly            both, entry by entry, decided in exact arithmetic

Both sides become Laurent polynomials with rational coefficients, in which tanh(…), exp(…), an
undefined function or its derivative are unknowns. A difference that vanishes there vanishes for
every value, so that agreement is never a matter of luck; equal entries that SymPy writes with
different unknowns would be reported as a disagreement, and none is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce, singledispatch
from itertools import product
from math import lcm, prod
from operator import add

import sympy
from sympy import Add, Basic, Expr, Function, Integer, MatrixExpr, Piecewise, Symbol

from derivations.activations import x as argument
from derivations.derivation import Derivation, Equation
from derivations.errors import ModelError, ProofError, UnsupportedError
from derivations.expressions import (
    Diag,
    Elementwise,
    HadamardPower,
    HadamardProduct,
    Identity,
    MatAdd,
    MatMul,
    MatrixSymbol,
    OneMatrix,
    Partial,
    Quantity,
    Softmax,
    SquaredNorm,
    T,
    TimeSum,
    Transpose,
    Unspecified,
    ZeroMatrix,
    t,
    timeless,
)
from derivations.model import Model

_FILE = "derivations/explicit.py"


class Unrolled:
    """A network with sizes and a number of steps, every entry of everything a SymPy scalar.

    `backward` are equations that define further quantities at step t or one step, the adjoints.

    Examples
    --------
    >>> model = Model.read("h_t = tanh(W h_{t-1})\\nE_t depends on h_t")
    >>> Unrolled(model, {"n": 1}, 2).quantity("h", 1)
    Matrix([[tanh(W[0,0]*h(0)[0,0])]])
    """

    def __init__(
        self,
        model: Model,
        sizes: Mapping[str, int],
        steps: int,
        backward: tuple[Equation, ...] = (),
    ) -> None:
        self.model = model
        self.sizes = _checked_sizes(model, sizes)
        if steps < 1:
            raise ModelError(f"A network needs at least one step to unroll; {steps} came.")
        self.steps = steps
        rules = [(d.quantity, d.expression) for d in model.definitions]
        self._rules: dict[tuple[str, object], MatrixExpr] = {}
        for left, right in [*rules, *((equation.left, equation.right) for equation in backward)]:
            self._rules[left.name, t if left.time == t else self.step(left.time, {})] = right
        self._known: dict[tuple[str, object], sympy.Matrix] = {}

    def quantity(self, name: str, step: int | None) -> sympy.Matrix:
        """Return the entries of a quantity at a step; None is the place of one without time."""
        if (name, step) not in self._known:
            self._known[name, step] = self._made(name, step)
        return self._known[name, step]

    def _made(self, name: str, step: int | None) -> sympy.Matrix:
        if (name, step) in self._rules:
            return entries(self._rules[name, step], self, {})
        if (name, t) in self._rules and step is not None and 1 <= step <= self.steps:
            return entries(self._rules[name, t], self, {t: step})
        if step is None or name not in self.model.scope.shapes:
            raise ProofError(f"Nothing says what {name} is at step {step}.")
        # data, a first state, or what is computed beyond the ends: then any value must do
        given = self.symbols(f"{name}({step})", self.model.scope.shapes[name])
        if name in self.model.one_hot:
            ones = sympy.ones(1, given.rows - 1)
            given[-1, :] = sympy.ones(1, given.cols) - ones * given[:-1, :]
        return given

    def symbols(self, name: str, shape: tuple[Expr, Expr]) -> sympy.Matrix:
        """Return a matrix of scalar symbols."""
        return sympy.Matrix(*self.shape(shape), lambda i, j: Symbol(f"{name}[{i},{j}]", real=True))

    def shape(self, shape: tuple[Expr, Expr]) -> tuple[int, int]:
        """Return a symbolic shape in numbers."""
        rows, columns = (int(size.subs(self.sizes)) for size in shape)
        return rows, columns

    def step(self, time: Expr, steps: Mapping[Symbol, int]) -> int | None:
        """Return a symbolic step as a number."""
        return None if time == timeless else int(time.subs({T: self.steps, **steps}))

    @property
    def intermediates(self) -> Iterator[Expr]:
        """Every entry that the forward equations compute, the first step first."""
        names = [d.quantity.name for d in self.model.definitions if d.quantity.time == t]
        for step, name in product(range(1, self.steps + 1), names):
            yield from self.quantity(name, step)


def _checked_sizes(model: Model, sizes: Mapping[str, int]) -> dict[Symbol, int]:
    symbols = {size.name: size for size in model.sizes}
    wanted = f"This model has the sizes {', '.join(symbols)}."
    for name in symbols.keys() ^ sizes.keys():
        problem = "A number is missing for" if name in symbols else "This model does not have"
        raise ModelError(f"{problem} the size {name}.", hint=wanted)
    for name, size in sizes.items():
        if size < 1:
            raise ModelError(f"The size {name} must be at least 1; {size} came.")
    return {symbols[name]: size for name, size in sizes.items()}


# What each node means in scalars


@singledispatch
def entries(node: Basic, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    """Return the entries of a matrix expression when its free steps have these numbers.

    Raises
    ------
    UnsupportedError
        For a node that has no rule here.
    """
    raise UnsupportedError(f"{_FILE} does not write out {type(node).__name__} in scalars.")


def _all(node: Basic, network: Unrolled, steps: Mapping[Symbol, int]) -> list[sympy.Matrix]:
    return [entries(part, network, steps) for part in node.args]


@entries.register(Quantity)
def _(node: Quantity, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return network.quantity(node.name, network.step(node.time, steps))


@entries.register(MatrixSymbol)
def _(node: MatrixSymbol, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return network.symbols(node.name, node.shape)


@entries.register(MatAdd)
def _(node: MatAdd, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return reduce(add, _all(node, network, steps))


@entries.register(MatMul)
def _(node: MatMul, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    number, factors = node.as_coeff_matrices()
    return prod((entries(f, network, steps) for f in factors), start=number.subs(network.sizes))


@entries.register(HadamardProduct)
def _(node: HadamardProduct, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return reduce(sympy.Matrix.multiply_elementwise, _all(node, network, steps))


@entries.register(HadamardPower)
def _(node: HadamardPower, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return entries(node.base, network, steps).applyfunc(lambda entry: entry**node.exp)


@entries.register(Transpose)
def _(node: Transpose, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return entries(node.arg, network, steps).T


@entries.register(OneMatrix)
@entries.register(ZeroMatrix)
@entries.register(Identity)
def _(node: MatrixExpr, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return sympy.Matrix(*network.shape(node.shape), lambda i, j: node[i, j])


@entries.register(Diag)
def _(node: Diag, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return sympy.diag(*entries(node.vector, network, steps))


@entries.register(SquaredNorm)
def _(node: SquaredNorm, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    return sympy.Matrix([[sum(e**2 for e in entries(node.argument, network, steps))]])


@entries.register(Softmax)
def _(node: Softmax, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    powers = entries(node.argument, network, steps).applyfunc(sympy.exp)
    return powers / sum(powers)


@entries.register(Elementwise)
def _(node: Elementwise, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    function = network.model.scope.function(node.function)
    inner = entries(node.argument, network, steps)
    if function is None:
        raise UnsupportedError(f"Nothing says what the function {node.function} is.")
    if function.formula is not None:
        formula = function.formula.diff(argument, node.order) if node.order else function.formula
        formula = formula.replace(Piecewise, _in_one_piece)
        return inner.applyfunc(lambda entry: formula.xreplace({argument: entry}))
    if node.order > 1:
        raise UnsupportedError(f"{_FILE} differentiates an unspecified function once only.")
    calls = inner.applyfunc(Function(node.function, real=True))
    return calls.applyfunc(lambda call: call.fdiff(1)) if node.order else calls


class Holds(Function):  # type: ignore[misc]
    """1 where a condition on x holds and 0 elsewhere, so that its slope is 0 on each piece.

    SymPy's Piecewise decides its conditions anew at each step of a differentiation, which takes
    minutes in a network.
    """

    def fdiff(self, argindex: int = 1) -> Expr:
        """Return the slope."""
        return Integer(0)


def _in_one_piece(*pieces: tuple[Expr, Basic]) -> Expr:
    value = Integer(0)
    for piece, condition in reversed(pieces):
        holds = 1 if condition == sympy.true else Holds(argument, Symbol(str(condition)))
        value = holds * piece + (1 - holds) * value
    return value


@entries.register(Unspecified)
def _(node: Unspecified, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    # each step has a function of its own, so that nothing can hide in all of them being equal
    inner = [entry for part in node.arguments for entry in entries(part, network, steps)]
    return sympy.Matrix([[Function(node.name, real=True)(*inner, steps[t])]])


@entries.register(Partial)
def _(node: Partial, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    """The derivative of an unspecified loss by one of its arguments; no other one is left."""
    of, by = node.of, node.by
    loss = next((d.expression for d in network.model.definitions if d.quantity == of.at(t)), None)
    by = by.at(by.time - of.time + t) if isinstance(by, Quantity) else by
    if not isinstance(loss, Unspecified) or by not in loss.arguments:
        raise UnsupportedError(f"{_FILE} computes with no derivative but of an unspecified loss.")
    (call,) = entries(of, network, steps)
    before = loss.arguments[: loss.arguments.index(by)]
    first = 1 + sum(prod(network.shape(part.shape)) for part in before)
    rows, columns = network.shape(node.shape)
    return sympy.Matrix(rows, columns, [call.fdiff(first + k) for k in range(rows * columns)])


@entries.register(TimeSum)
def _(node: TimeSum, network: Unrolled, steps: Mapping[Symbol, int]) -> sympy.Matrix:
    first, last = (int(bound.subs({T: network.steps, **steps})) for bound in node.args[2:])
    every = [{**steps, node.index: step} for step in range(first, last + 1)]
    zero = sympy.zeros(*network.shape(node.shape))
    return sum((entries(node.body, network, at) for at in every), zero)


# The two opinions


def explicit_gradients(
    model: Model, sizes: Mapping[str, int], steps: int
) -> dict[str, sympy.Matrix]:
    """Differentiate the total loss of an unrolled network by every scalar, with sympy.diff.

    Parameters
    ----------
    model : Model
        The forward equations.
    sizes : mapping of str to int
        A number for every symbolic size of the model, by its name.
    steps : int
        How many steps are unrolled.

    Returns
    -------
    dict
        By the labels of a derivation: ``gradient:W``, ``input:x`` and ``initial:h``. The gradient
        by data has the steps side by side.

    Raises
    ------
    ModelError
        When a size is missing, unknown or not positive, or there is no step.

    Examples
    --------
    >>> model = Model.read("h_t = tanh(W h_{t-1})\\nE_t = \\\\|h_t\\\\|^2")
    >>> explicit_gradients(model, {"n": 1}, 1)["gradient:W"]
    Matrix([[2*h(0)[0,0]*(1 - tanh(W[0,0]*h(0)[0,0])**2)*tanh(W[0,0]*h(0)[0,0])]])
    """
    network = Unrolled(model, sizes, steps)
    (total,) = network.quantity(model.total.name, None)
    variables = {f"gradient:{p.name}": entries(p, network, {}) for p in model.parameters}
    for data in _inputs(model):
        at_steps = [network.quantity(data.name, step) for step in range(1, steps + 1)]
        variables[f"input:{data.name}"] = sympy.Matrix.hstack(*at_steps)
    for state in model.states:
        variables[f"initial:{state.name}"] = network.quantity(state.name, 0)
    return {
        label: by.applyfunc(lambda variable: sympy.diff(total, variable))
        for label, by in variables.items()
    }


def _inputs(model: Model) -> list[Quantity]:
    return [data for data in model.data if data.name not in model.targets]


def matrix_form_gradients(
    derivation: Derivation, sizes: Mapping[str, int], steps: int
) -> dict[str, sympy.Matrix]:
    """Evaluate the equations of a derivation over the same scalars, from the last step back.

    Parameters
    ----------
    derivation : Derivation
        Its last sides are evaluated: the form to compute with.
    sizes, steps
        As in `explicit_gradients`.

    Returns
    -------
    dict of str to Matrix
        As from `explicit_gradients`.

    Raises
    ------
    ModelError
        When a size is missing, unknown or not positive, or there is no step.
    ProofError
        When the derivation lacks an equation.

    Examples
    --------
    >>> from derivations.bptt import derive
    >>> model = Model.read("h_t = tanh(W h_{t-1})\\nE_t = \\\\|h_t\\\\|^2")
    >>> matrix_form_gradients(derive(model), {"n": 1}, 1)["gradient:W"]
    Matrix([[2*h(0)[0,0]*(1 - tanh(W[0,0]*h(0)[0,0])**2)*tanh(W[0,0]*h(0)[0,0])]])
    """
    model = derivation.model
    backward = [e for e in derivation.equations if e.label.startswith(("adjoint:", "boundary:"))]
    network = Unrolled(model, sizes, steps, tuple(backward))

    def right(label: str) -> MatrixExpr:
        equation = derivation.equation(label)
        if equation is None:
            raise ProofError(f"The derivation has no equation {label}.")
        return equation.right

    found = {}
    for data in _inputs(model):
        label = f"input:{data.name}"
        columns = [entries(right(label), network, {t: step}) for step in range(1, steps + 1)]
        found[label] = sympy.Matrix.hstack(*columns)
    for label in [
        *(f"gradient:{parameter.name}" for parameter in model.parameters),
        *(f"initial:{state.name}" for state in model.states),
    ]:
        found[label] = entries(right(label), network, {})
    return found


@dataclass(frozen=True)
class Agreement:
    """What the comparison of a derivation with sympy.diff found.

    Attributes
    ----------
    entries : mapping of str to int
        How many entries were compared, by the label of the equation.
    disagreements : tuple of (label, row, column)
        The entries that differ.
    """

    entries: Mapping[str, int]
    disagreements: tuple[tuple[str, int, int], ...]

    @property
    def holds(self) -> bool:
        """Whether all entries are equal."""
        return not self.disagreements


def agree_exactly(
    derivation: Derivation, sizes: Mapping[str, int] | None = None, steps: int = 3
) -> Agreement:
    """Compare a derivation with sympy.diff, entry by entry, in exact arithmetic.

    Parameters
    ----------
    derivation : Derivation
        Every gradient by a parameter, by data that is no target and by a first state is compared.
    sizes : mapping of str to int, optional
        A number for every symbolic size; by default each is 2.
    steps : int
        How many steps are unrolled.

    Raises
    ------
    ModelError
        When a size is missing, unknown or not positive, or there is no step.
    ProofError
        When the derivation lacks an equation.

    Examples
    --------
    >>> from derivations.bptt import derive
    >>> model = Model.read("h_t = tanh(W h_{t-1})\\nE_t depends on h_t")
    >>> agree_exactly(derive(model), {"n": 2}, steps=2)
    Agreement(entries={'gradient:W': 4, 'initial:h': 2}, disagreements=())
    """
    model = derivation.model
    sizes = {size.name: 2 for size in model.sizes} if sizes is None else sizes
    by_diff = explicit_gradients(model, sizes, steps)
    by_equations = matrix_form_gradients(derivation, sizes, steps)
    scalars = Scalars(Unrolled(model, sizes, steps).intermediates)
    disagreements = [
        (label, row, column)
        for label, matrix in by_diff.items()
        for row, column in product(range(matrix.rows), range(matrix.cols))
        if matrix.shape != by_equations[label].shape
        or not scalars.are_equal(matrix[row, column], by_equations[label][row, column])
    ]
    return Agreement({k: len(matrix) for k, matrix in by_diff.items()}, tuple(disagreements))


# Exact comparison

#: Coefficients of monomials. A monomial is one integer, the sum of exponent · 2^(16 · place) over
#: its unknowns: monomials multiply by adding integers, and an exponent may be negative.
Polynomial = dict[int, Fraction]
_BITS = 16


class Scalars:
    """SymPy scalars as Laurent polynomials in unknowns, some of which stand for other polynomials.

    A sum that the network computes, and the inverse of any sum, is an unknown until a difference
    needs its meaning: what is never expanded stays small.
    """

    def __init__(self, intermediates: Iterator[Expr]) -> None:
        self._shared = {scalar for scalar in intermediates if scalar.is_Add}
        self._places: dict[object, int] = {}
        self._meanings: dict[int, tuple[int, Polynomial]] = {}  # place → (±1, p): it is p^(±1)
        self._roots: dict[int, tuple[Fraction, int]] = {}  # place → (b, q): it is b^(1/q)
        self._known: dict[Expr, Polynomial] = {}

    def are_equal(self, one: Expr, other: Expr) -> bool:
        """Tell whether two scalars are equal for all values of their unknowns."""
        difference = _sum(
            [self.polynomial(one), {m: -c for m, c in self.polynomial(other).items()}]
        )
        for kinds in ((-1,), (-1, 1)):  # inverses first: most differences vanish without the sums
            for place in sorted(self._meanings, reverse=True):  # a meaning has lower places only
                difference = self._reduced(difference)
                if self._meanings[place][0] in kinds and difference:
                    difference = self._without(place, difference)
        return not self._reduced(difference)

    def polynomial(self, scalar: Expr) -> Polynomial:
        """Return a scalar as a polynomial."""
        if scalar not in self._known:
            self._known[scalar] = self._made(scalar)
        return self._known[scalar]

    def _made(self, scalar: Expr) -> Polynomial:
        if scalar.is_Rational:
            return {0: Fraction(scalar.p, scalar.q)} if scalar else {}
        if scalar.is_Add:
            total = _sum(self.polynomial(term) for term in scalar.args)
            return self._unknown(scalar, meaning=(1, total)) if scalar in self._shared else total
        if scalar.is_Mul:
            return reduce(_product, (self.polynomial(factor) for factor in scalar.args))
        if isinstance(scalar, sympy.exp):  # SymPy merges exp(a) exp(b) into exp(a + b)
            return reduce(_product, map(self._exponential, Add.make_args(scalar.args[0])))
        if scalar.is_Pow and scalar.exp.is_Rational:
            return self._power(scalar.base, scalar.exp)
        if scalar.is_number and not scalar.is_finite:
            raise UnsupportedError(f"{_FILE} cannot compare {scalar}.")
        return self._unknown(scalar)

    def _unknown(
        self, key: object, exponent: int = 1, meaning: tuple[int, Polynomial] | None = None
    ) -> Polynomial:
        place = self._places.setdefault(key, len(self._places))
        if meaning is not None:
            self._meanings[place] = meaning
        return {exponent << (_BITS * place): Fraction(1)}

    def _exponential(self, term: Expr) -> Polynomial:
        number, rest = term.as_coeff_Mul(rational=True)
        part = lcm(2, number.q)  # halves, so that exp(−a²/2) exp(−a²/2) is exp(−a²)
        return self._unknown((sympy.exp, rest, part), int(number * part))

    def _power(self, base: Expr, exponent: Expr) -> Polynomial:
        if exponent.q != 1:
            root = self._unknown((sympy.root, base, exponent.q), int(exponent.p))
            if base.is_Rational:
                place = self._places[sympy.root, base, exponent.q]
                self._roots[place] = (Fraction(base.p, base.q), exponent.q)
            return root
        factor = self.polynomial(base)
        if exponent < 0 and len(factor) == 1:
            ((monomial, coefficient),) = factor.items()
            factor = {-monomial: 1 / coefficient}
        elif exponent < 0:
            if self.are_equal(base, Integer(0)):
                raise UnsupportedError(f"{_FILE} cannot divide by {base}, which is zero.")
            factor = self._unknown(frozenset(factor.items()), meaning=(-1, factor))
        return reduce(_product, [factor] * abs(int(exponent)))

    def _exponents(self, polynomial: Polynomial, place: int) -> Iterator[tuple[int, int, Fraction]]:
        """Yield the exponent of an unknown, the rest of the monomial, and the coefficient."""
        half, shift = 1 << (_BITS - 1), _BITS * place
        offset = half * (((1 << _BITS * len(self._places)) - 1) // ((1 << _BITS) - 1))
        for monomial, coefficient in polynomial.items():
            exponent = (((monomial + offset) >> shift) & (2 * half - 1)) - half
            yield exponent, monomial - (exponent << shift), coefficient

    def _reduced(self, polynomial: Polynomial) -> Polynomial:
        """Use that √2² = 2, and that an indicator, 0 or 1, is its own square."""
        for place, (base, order) in self._roots.items():
            polynomial = _sum(
                {rest + (k % order << (_BITS * place)): coefficient * base ** (k // order)}
                for k, rest, coefficient in self._exponents(polynomial, place)
            )
        for key, place in self._places.items():
            if isinstance(key, Holds):
                polynomial = _sum(
                    {rest + (min(k, 1) << (_BITS * place)): coefficient}
                    for k, rest, coefficient in self._exponents(polynomial, place)
                )
        return polynomial

    def _without(self, place: int, polynomial: Polynomial) -> Polynomial:
        """Put in what an unknown stands for; a common denominator is left out."""
        sign, meaning = self._meanings[place]
        parts: dict[int, Polynomial] = {}
        for exponent, rest, coefficient in self._exponents(polynomial, place):
            parts.setdefault(exponent * sign, {})[rest] = coefficient
        result: Polynomial = {}
        for exponent in range(max(parts), min(parts) - 1, -1):  # Horner's rule
            result = _sum([_product(result, meaning), parts.get(exponent, {})])
        return result


def _sum(polynomials: Iterable[Polynomial]) -> Polynomial:
    total: Polynomial = {}
    for polynomial in polynomials:
        for monomial, coefficient in polynomial.items():
            total[monomial] = total.get(monomial, Fraction(0)) + coefficient
    return {monomial: coefficient for monomial, coefficient in total.items() if coefficient}


def _product(left: Polynomial, right: Polynomial) -> Polynomial:
    return _sum({m + n: c * d for n, d in right.items()} for m, c in left.items())
