"""Exercises without numbers: a sum over paths written out, and what the way back needs."""

from __future__ import annotations

from sympy import Integer, MatrixExpr

from codegen.documents.document import Display, Exercise, Paragraph, Row
from codegen.documents.handout.derivation import row
from codegen.documents.handout.exercises.draw import Draw
from codegen.documents.handout.once import once
from derivations.algebra import add, multiply, quantities, replace
from derivations.derivation import Derivation, Equation
from derivations.expressions import MatMul, Partial, Quantity, TimeSum, t
from derivations.notation.latex import latex

#: The step at which a sum over paths is written out.
STEP = 3
_ROOM = 6


def paths(derivation: Derivation, seed: int) -> Exercise | None:
    """Return the exercise to write a sum over paths out; None where no sum runs up to t.

    Examples
    --------
    >>> from derivations import cell, derive, prove
    >>> exercise = paths(prove(derive(cell("rnn"))), 7)
    >>> exercise.solution[0].rows[0].sides[1].count("+ ")
    2
    """
    sums = _path_sums(derivation)
    if not sums:
        return None
    equation = Draw(seed, "paths").one(sums)
    task = (
        f"Write this sum over paths out for $t = {STEP}$, with every derivative of a state by an "
        "earlier one as a product of derivatives over one step. Which path does each term stand "
        "for?"
    )
    left = replace(equation.left, {t: Integer(STEP)})
    shown = Row((latex(left), latex(written_out(equation))), source=equation.number)
    answer = (
        f"There are ${STEP}$ paths, one for each step at which ${equation.subject}$ is used: it "
        "changes the state of that step at once, and each factor hands the change on by one step. "
        f"For any $t$ there are $t$ paths, and the longest has $t-1$ such factors."
    )
    statement = Paragraph(task), Display((row(equation),))
    return Exercise(statement, (Display((shown,)), Paragraph(answer)), _ROOM)


@once
def _path_sums(derivation: Derivation) -> tuple[Equation, ...]:
    return tuple(
        equation
        for equation in derivation.equations
        if equation.topic == "paths"
        and isinstance(equation.right, TimeSum)
        and (equation.right.lower, equation.right.upper) == (1, t)
    )


def written_out(equation: Equation) -> MatrixExpr:
    """Return the terms of a sum over paths at a small step, the shortest path first."""
    series = equation.right
    terms = []
    for start in range(STEP, 0, -1):
        term = replace(series.body, {series.index: Integer(start), t: Integer(STEP)})
        factors = term.args if isinstance(term, MatMul) else (term,)
        terms.append(multiply(*(step for factor in factors for step in _one_by_one(factor))))
    return add(*terms)


def _one_by_one(factor: MatrixExpr) -> list[MatrixExpr]:
    """Return ∂h_3/∂h_1 as ∂h_3/∂h_2 and ∂h_2/∂h_1, and ∂h_3/∂h_3 as nothing."""
    if not isinstance(factor, Partial) or not isinstance(factor.of, Quantity):
        return [factor]
    of, by = factor.of, factor.by
    if not isinstance(by, Quantity) or of.name != by.name:
        return [factor]
    steps = range(int(of.time), int(by.time), -1)
    return [Partial(of.at(step), by.at(step - 1)) for step in steps]


def memory(derivation: Derivation, seed: int) -> Exercise | None:
    """Return the exercise on what the forward pass has to keep; None where it keeps nothing.

    Examples
    --------
    >>> from derivations import cell, derive, prove
    >>> memory(prove(derive(cell("rnn"))), 7).solution[0].text[-29:]
    'each gradient has been added.'
    """
    kept = _kept(derivation)
    if not kept:
        return None
    task = (
        "Which results of the forward pass does the backward pass use? How does the memory for "
        "them grow with the number of steps $T$?"
    )
    listed = [f"${latex(quantity)}$" for quantity in kept]
    shown = " and ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)
    answer = (
        "The right sides of the adjoint recursion and of the gradients name, beside adjoints, "
        f"parameters and data, {shown}. They are needed at every step, and what is computed last "
        "is needed first, so that all of them are kept: the memory grows in proportion to $T$. "
        "The adjoints themselves need not be kept once their share of each gradient has been "
        "added."
    )
    return Exercise((Paragraph(task),), (Paragraph(answer),), _ROOM)


@once
def _kept(derivation: Derivation) -> tuple[Quantity, ...]:
    """Return the computed quantities that the equations of the way back are written with."""
    computed = {definition.quantity.name for definition in derivation.model.definitions}
    back = [e for e in derivation.equations if e.topic in ("adjoint", "last", "gradient")]
    named = (q for e in back for q in quantities(e.right) if q.name in computed)
    return tuple(dict.fromkeys(q.at(t) for q in named if t in q.time.free_symbols))


__all__ = ["STEP", "memory", "paths", "written_out"]
