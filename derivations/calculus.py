"""The rules: the local Jacobian and the pullback of every node, one small function a rule.

`jacobian(u, v)` is ∂u/∂v as u stands, for a column u (or a 1 × 1 matrix) and a column v, in
numerator layout: |u| rows, |v| columns. `pullback(u, G, v)` takes the adjoint G of u, a matrix of
u's shape, to what u contributes to the adjoint of v. Both look only at what is written in u: a
symbol other than v is constant. How symbols depend on each other through the forward equations is
the business of `bptt.py`.
"""

from __future__ import annotations

from functools import singledispatch

from sympy import (
    Add,
    Basic,
    Expr,
    Function,
    Identity,
    Integer,
    MatrixExpr,
    Mul,
    Pow,
    Symbol,
    Transpose,
)

from derivations.activations import FUNCTIONS, OUTPUT, Atom, ScalarFunction, x
from derivations.algebra import (
    add,
    depends_on,
    hadamard,
    multiply,
    power,
    split_coefficient,
    transpose,
)
from derivations.errors import UnsupportedError
from derivations.expressions import (
    Diag,
    Elementwise,
    HadamardPower,
    HadamardProduct,
    MatAdd,
    MatMul,
    OneMatrix,
    Quantity,
    Softmax,
    SquaredNorm,
    ZeroMatrix,
)


def jacobian(expression: MatrixExpr, variable: Quantity) -> MatrixExpr:
    """Return ∂expression/∂variable as the expression stands.

    Raises
    ------
    UnsupportedError
        When a node that depends on the variable has no rule; the message names it.

    Examples
    --------
    >>> from derivations.expressions import MatrixSymbol, t
    >>> h = Quantity("h", 3, 1, t)
    >>> jacobian(multiply(MatrixSymbol("W", 3, 3), h), h)
    W
    """
    if expression == variable:
        return Identity(variable.shape[0])
    if not depends_on(expression, variable):
        return ZeroMatrix(expression.shape[0], variable.shape[0])
    return jacobian_rule(expression, variable)


@singledispatch
def jacobian_rule(expression: Basic, variable: Quantity) -> MatrixExpr:
    """Choose the rule by the kind of the node."""
    raise UnsupportedError(
        f"{type(expression).__name__} has no Jacobian yet.", hint="derivations/calculus.py"
    )


@jacobian_rule.register
def jacobian_of_sum(expression: MatAdd, variable: Quantity) -> MatrixExpr:
    """∂(u + w)/∂v = ∂u/∂v + ∂w/∂v."""
    return add(*(jacobian(term, variable) for term in expression.args))


@jacobian_rule.register
def jacobian_of_product(expression: MatMul, variable: Quantity) -> MatrixExpr:
    """∂(A u)/∂v = A ∂u/∂v, ∂(uᵀ w)/∂v = wᵀ ∂u/∂v + uᵀ ∂w/∂v (Matrix Cookbook, equation 37)."""
    number, rest = split_coefficient(expression)
    factors = rest.args if isinstance(rest, MatMul) else (rest,)
    terms = []
    for position, factor in enumerate(factors):
        if not depends_on(factor, variable):
            continue
        before, after = factors[:position], factors[position + 1 :]
        if not after:
            inner = jacobian(factor, variable)
        elif isinstance(factor, Diag):
            inner = multiply(Diag(multiply(*after)), jacobian(factor.vector, variable))
        elif factor.shape[0] == 1:
            inner = multiply(transpose(multiply(*after)), jacobian(transpose(factor), variable))
        else:
            raise UnsupportedError(
                "A matrix that depends on a vector, times a vector, has no Jacobian yet.",
                hint="derivations/calculus.py",
            )
        terms.append(multiply(number, *before, inner))
    return add(*terms)


@jacobian_rule.register
def jacobian_of_elementwise(expression: Elementwise, variable: Quantity) -> MatrixExpr:
    """∂σ(a)/∂v = diag(σ′(a)) ∂a/∂v."""
    return multiply(Diag(slope(expression)), jacobian(expression.argument, variable))


@jacobian_rule.register
def jacobian_of_hadamard_product(expression: HadamardProduct, variable: Quantity) -> MatrixExpr:
    """∂(u ⊙ w)/∂v = diag(w) ∂u/∂v + diag(u) ∂w/∂v."""
    terms = []
    for position, factor in enumerate(expression.args):
        if depends_on(factor, variable):
            others = expression.args[:position] + expression.args[position + 1 :]
            terms.append(multiply(Diag(hadamard(*others)), jacobian(factor, variable)))
    return add(*terms)


@jacobian_rule.register
def jacobian_of_hadamard_power(expression: HadamardPower, variable: Quantity) -> MatrixExpr:
    """∂u^p/∂v = diag(p u^{p−1}) ∂u/∂v."""
    inner = multiply(expression.exp, power(expression.base, expression.exp - 1))
    return multiply(Diag(inner), jacobian(expression.base, variable))


@jacobian_rule.register
def jacobian_of_softmax(expression: Softmax, variable: Quantity) -> MatrixExpr:
    """∂s/∂z = diag(s) − s sᵀ for s = softmax(z)."""
    own = add(Diag(expression), multiply(-1, expression, transpose(expression)))
    return multiply(own, jacobian(expression.argument, variable))


@jacobian_rule.register
def jacobian_of_squared_norm(expression: SquaredNorm, variable: Quantity) -> MatrixExpr:
    """∂‖u‖²/∂v = 2 uᵀ ∂u/∂v (Matrix Cookbook, equation 131)."""
    inner = jacobian(expression.argument, variable)
    return multiply(2, transpose(expression.argument), inner)


def pullback(expression: MatrixExpr, adjoint: MatrixExpr, variable: MatrixExpr) -> MatrixExpr:
    """Return what an expression with this adjoint contributes to the adjoint of a variable.

    Raises
    ------
    UnsupportedError
        When a node that depends on the variable has no rule; the message names it.

    Examples
    --------
    >>> from derivations.expressions import MatrixSymbol, t
    >>> h, d, W = Quantity("h", 3, 1, t), Quantity("d", 2, 1, t), MatrixSymbol("W", 2, 3)
    >>> pullback(multiply(W, h), d, W), pullback(multiply(W, h), d, h)
    (d*h.T, W.T*d)
    """
    if expression == variable:
        return adjoint
    if not depends_on(expression, variable):
        return ZeroMatrix(*variable.shape)
    return pullback_rule(expression, adjoint, variable)


@singledispatch
def pullback_rule(expression: Basic, adjoint: MatrixExpr, variable: MatrixExpr) -> MatrixExpr:
    """Choose the rule by the kind of the node."""
    raise UnsupportedError(
        f"{type(expression).__name__} has no pullback yet.", hint="derivations/calculus.py"
    )


@pullback_rule.register
def pullback_of_sum(expression: MatAdd, adjoint: MatrixExpr, variable: MatrixExpr) -> MatrixExpr:
    """C = A + B: Ā = C̄, B̄ = C̄."""
    return add(*(pullback(term, adjoint, variable) for term in expression.args))


@pullback_rule.register
def pullback_of_product(
    expression: MatMul, adjoint: MatrixExpr, variable: MatrixExpr
) -> MatrixExpr:
    """C = A B: Ā = C̄ Bᵀ, B̄ = Aᵀ C̄ (Giles 2008, section 2.2.2)."""
    number, rest = split_coefficient(expression)
    factors = rest.args if isinstance(rest, MatMul) else (rest,)
    terms = []
    for position, factor in enumerate(factors):
        if not depends_on(factor, variable):
            continue
        before = [transpose(f) for f in reversed(factors[:position])]
        after = factors[position + 1 :]
        reached = multiply(number, *before, adjoint)
        if isinstance(factor, Diag):
            inner = hadamard(multiply(*after), reached)
            terms.append(pullback(factor.vector, inner, variable))
        else:
            inner = multiply(reached, *(transpose(f) for f in reversed(after)))
            terms.append(pullback(factor, inner, variable))
    return add(*terms)


@pullback_rule.register
def pullback_of_transpose(
    expression: Transpose, adjoint: MatrixExpr, variable: MatrixExpr
) -> MatrixExpr:
    """C = Aᵀ: Ā = C̄ᵀ."""
    return pullback(expression.arg, transpose(adjoint), variable)


@pullback_rule.register
def pullback_of_elementwise(
    expression: Elementwise, adjoint: MatrixExpr, variable: MatrixExpr
) -> MatrixExpr:
    """u = σ(a): ā = σ′(a) ⊙ ū."""
    return pullback(expression.argument, hadamard(slope(expression), adjoint), variable)


@pullback_rule.register
def pullback_of_hadamard_product(
    expression: HadamardProduct, adjoint: MatrixExpr, variable: MatrixExpr
) -> MatrixExpr:
    """c = a ⊙ b: ā = b ⊙ c̄, b̄ = a ⊙ c̄."""
    terms = []
    for position, factor in enumerate(expression.args):
        if depends_on(factor, variable):
            others = expression.args[:position] + expression.args[position + 1 :]
            terms.append(pullback(factor, hadamard(*others, adjoint), variable))
    return add(*terms)


@pullback_rule.register
def pullback_of_hadamard_power(
    expression: HadamardPower, adjoint: MatrixExpr, variable: MatrixExpr
) -> MatrixExpr:
    """c = a^p: ā = p a^{p−1} ⊙ c̄."""
    inner = multiply(expression.exp, power(expression.base, expression.exp - 1))
    return pullback(expression.base, hadamard(inner, adjoint), variable)


@pullback_rule.register
def pullback_of_softmax(
    expression: Softmax, adjoint: MatrixExpr, variable: MatrixExpr
) -> MatrixExpr:
    """s = softmax(z): z̄ = (diag(s) − s sᵀ) s̄."""
    own = add(Diag(expression), multiply(-1, expression, transpose(expression)))
    return pullback(expression.argument, multiply(own, adjoint), variable)


@pullback_rule.register
def pullback_of_squared_norm(
    expression: SquaredNorm, adjoint: MatrixExpr, variable: MatrixExpr
) -> MatrixExpr:
    """c = ‖u‖²: ū = 2 u c̄."""
    return pullback(expression.argument, multiply(2, expression.argument, adjoint), variable)


# Slopes of scalar functions


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


def slope_in_terms_of_output(function: ScalarFunction, output: MatrixExpr) -> MatrixExpr | None:
    """Return σ′ as an expression in σ's own output, where SymPy finds one.

    Examples
    --------
    >>> from derivations.expressions import t
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
