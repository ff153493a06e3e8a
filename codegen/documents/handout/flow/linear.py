"""The linear case: eigenvalues decide in the end, singular values on the way."""

from __future__ import annotations

from sympy import Expr, ImmutableMatrix, latex

from codegen.documents.document import Block, Paragraph, Table
from derivations.non_normal import EXAMPLE, condition, powers, radius

EXPONENTS = (1, 2, 4, 8)


def linear_blocks() -> tuple[Block, ...]:
    """Return what eigenvalues say, and a matrix whose powers grow before they go to zero.

    Examples
    --------
    >>> linear_blocks()[1].header
    ('', '$d = 1$', '$d = 2$', '$d = 4$', '$d = 8$')
    """
    text = (
        "The largest singular value of a matrix is not its spectral radius $\\rho$, which is the "
        "largest size of an eigenvalue, and never more. Where all Jacobians are one matrix "
        "$A = Q \\Lambda Q^{-1}$, the product over $d$ steps is $A^{d} = Q \\Lambda^{d} Q^{-1}$, "
        "so that $\\rho^{d} \\le \\left\\|A^{d}\\right\\|_2 \\le \\kappa \\rho^{d}$ with $\\kappa "
        "= \\left\\|Q\\right\\|_2 \\left\\|Q^{-1}\\right\\|_2$: gradients vanish if and only if "
        "$\\rho < 1$. On the way there they may grow, unless $A$ is normal. For "
        f"$A = {_matrix(EXAMPLE)}$, where $\\rho = {latex(radius(EXAMPLE))}$ and $\\kappa \\approx "
        f"{_number(condition(EXAMPLE))}$:"
    )
    found = powers(EXAMPLE, EXPONENTS)
    header = ("", *(f"$d = {one.exponent}$" for one in found))
    rows = (
        ("$A^{d}$", *(f"${_matrix(one.matrix)}$" for one in found)),
        ("$\\rho^{d}$", *(f"${latex(one.lower)}$" for one in found)),
        ("$\\left\\|A^{d}\\right\\|_2$", *(f"${_number(one.norm)}$" for one in found)),
        ("$\\kappa \\rho^{d}$", *(f"${_number(one.upper)}$" for one in found)),
    )
    caption = "Powers of a matrix that is not normal."
    return (
        Paragraph(text, lead="The linear case."),
        Table(header, rows, "l" + "c" * len(found), caption),
    )


def _matrix(matrix: ImmutableMatrix) -> str:
    rows = " \\\\ ".join(" & ".join(map(latex, matrix.row(i))) for i in range(matrix.rows))
    return f"\\begin{{pmatrix}} {rows} \\end{{pmatrix}}"


def _number(value: Expr) -> str:
    return f"{float(value):.3f}"


__all__ = ["linear_blocks"]
