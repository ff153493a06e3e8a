"""The SymPy nodes that the field needs and SymPy lacks, and those of SymPy that it uses.

Everything is a ``MatrixExpr``: vectors are columns, scalars are 1 × 1 matrices. Expressions are put
together with the constructors of `algebra.py`, which keep the order in which a reader wrote them.
"""

from sympy import (
    Identity,
    MatAdd,
    MatMul,
    MatrixSymbol,
    OneMatrix,
    Transpose,
    ZeroMatrix,
)
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derivations.expressions.blocks import Blocks, Kronecker, Part, Vec, columns_of, rows_of
from derivations.expressions.calculus import AscendingProduct, Partial, TimeProduct, TimeSum
from derivations.expressions.functions import (
    Diag,
    Elementwise,
    Entry,
    Maximum,
    Scaled,
    Softmax,
    SquaredNorm,
    UnitVector,
    Unspecified,
)
from derivations.expressions.symbols import (
    FlatSize,
    Quantity,
    T,
    is_column,
    is_parameter,
    is_row,
    is_scalar,
    is_vector,
    show_shape,
    t,
    timeless,
)

__all__ = [
    "AscendingProduct",
    "Blocks",
    "Diag",
    "Elementwise",
    "Entry",
    "FlatSize",
    "HadamardPower",
    "HadamardProduct",
    "Identity",
    "Kronecker",
    "MatAdd",
    "MatMul",
    "MatrixSymbol",
    "Maximum",
    "OneMatrix",
    "Part",
    "Partial",
    "Quantity",
    "Scaled",
    "Softmax",
    "SquaredNorm",
    "T",
    "TimeProduct",
    "TimeSum",
    "Transpose",
    "UnitVector",
    "Unspecified",
    "Vec",
    "ZeroMatrix",
    "columns_of",
    "is_column",
    "is_parameter",
    "is_row",
    "is_scalar",
    "is_vector",
    "rows_of",
    "show_shape",
    "t",
    "timeless",
]
