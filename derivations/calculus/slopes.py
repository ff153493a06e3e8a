"""Slopes of scalar functions: σ′ as a formula over the entries of a matrix."""

from __future__ import annotations

from sympy import Add, Expr, Function, Integer, MatrixExpr, Mul, Pow, Symbol

from derivations.activations import FUNCTIONS, OUTPUT, Atom, ScalarFunction, x
from derivations.algebra import add, hadamard, multiply, negate, power
from derivations.expressions import Elementwise, Maximum, OneMatrix


def slope(expression: Elementwise) -> MatrixExpr:
    """Return σ′(a): as a formula for a function with a name of its own, as σ′(a) for a user's σ."""
    function = FUNCTIONS.get(expression.function.removeprefix("\\"))
    if function is None:
        return Elementwise(expression.function, expression.order + 1, expression.argument)
    formula = function.derivative(expression.order + 1)
    written = entrywise(formula, expression.argument)
    if written is None:
        return Elementwise(expression.function, expression.order + 1, expression.argument)
    return written


def choice(expression: Maximum) -> tuple[MatrixExpr, MatrixExpr]:
    """Return where the first of two is the larger one, as ones and zeros, and where it is not.

    Examples
    --------
    >>> from derivations.expressions import Quantity, t
    >>> first, second = choice(Maximum(Quantity("u", 3, 1, t), Quantity("v", 3, 1, t)))
    >>> first.function, first.order
    ('\\\\relu', 1)
    """
    difference = add(expression.first, negate(expression.second))
    first = Elementwise("\\relu", 1, difference)
    return first, add(OneMatrix(*expression.shape), negate(first))


def slope_in_terms_of_output(function: ScalarFunction, output: MatrixExpr) -> MatrixExpr | None:
    """Return σ′ as an expression in σ's own output, where SymPy finds one.

    Examples
    --------
    >>> from derivations.expressions import Quantity, t
    >>> slope_in_terms_of_output(FUNCTIONS["tanh"], Quantity("h", 3, 1, t)).args[1]
    -HadamardPower(h, 2)
    """
    formula = function.slope_from_output
    return None if formula is None else entrywise(formula.subs(OUTPUT, x), output)


def entrywise(formula: Expr, argument: MatrixExpr) -> MatrixExpr | None:
    """Write a formula in one variable out over the entries of a matrix; None if a piece is missing.

    Sums are ordered as a person writes them: the number first, then rising powers.
    """
    match formula:
        case Symbol():
            return argument
        case Integer():
            return multiply(formula, OneMatrix(*argument.shape))
        case Add():
            ordered = sorted(formula.args, key=lambda term: (bool(term.free_symbols), str(term)))
            terms = [entrywise(term, argument) for term in ordered]
            known = [term for term in terms if term is not None]
            return add(*known) if len(known) == len(terms) else None
        case Mul():
            ordered = sorted(
                formula.args, key=lambda f: (f.free_symbols != set(), f.is_Add, str(f))
            )
            factors = [entrywise(factor, argument) for factor in ordered]
            kept = [factor for factor in factors if factor is not None]
            return hadamard(*kept) if len(kept) == len(factors) else None
        case Pow() if isinstance(formula.exp, Integer):
            base = entrywise(formula.base, argument)
            return None if base is None else power(base, formula.exp)
        case Function() if isinstance(formula, Atom) or type(formula).__name__ in FUNCTIONS:
            inner = entrywise(formula.args[0], argument)
            name = f"\\{type(formula).__name__}"
            return None if inner is None else Elementwise(name, 0, inner)
        case _:
            return None
