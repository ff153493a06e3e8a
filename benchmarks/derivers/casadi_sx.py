"""CasADi: the unrolled loss as a graph of scalars, its gradient in reverse mode, and C code."""

from __future__ import annotations

import casadi

from benchmarks.unrolled import Algebra, unrolled

ALGEBRA = Algebra(casadi.SX.sym, casadi.sum1, casadi.tanh, casadi.exp, casadi.log)


def gradient_code(cell: str, T: int, n: int) -> str:
    """Return the code of the gradient."""
    network = unrolled(cell, T, n, ALGEBRA)
    variables = casadi.veccat(*network.parameters.values())
    data = casadi.veccat(*network.data.values())
    gradient = casadi.Function(
        "gradient", [variables, data], [casadi.gradient(network.loss, variables)]
    )
    code = casadi.CodeGenerator("gradient")
    code.add(gradient)
    return code.dump()
