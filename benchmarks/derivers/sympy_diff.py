"""SymPy: sympy.diff of the unrolled loss by every scalar, then lambdify with shared terms."""

from __future__ import annotations

import inspect

import numpy as np
import sympy

from benchmarks.unrolled import Algebra, unrolled


def _symbols(name: str, rows: int, columns: int) -> np.ndarray:
    return np.array(sympy.symbols(f"{name}_:{rows}_:{columns}", real=True), object).reshape(
        rows, columns
    )


ALGEBRA = Algebra(
    _symbols, np.sum, *(np.frompyfunc(f, 1, 1) for f in (sympy.tanh, sympy.exp, sympy.log))
)


def gradient_code(cell: str, T: int, n: int) -> str:
    """Return the code of the gradient."""
    network = unrolled(cell, T, n, ALGEBRA)
    variables = [v for parameter in network.parameters.values() for v in parameter.flat]
    data = [v for given in network.data.values() for v in given.flat]
    gradient = [sympy.diff(network.loss, variable) for variable in variables]
    return inspect.getsource(sympy.lambdify([variables, data], gradient, "numpy", cse=True))
