"""SymForce: the Jacobian of the unrolled loss in SymEngine, and C++ with shared terms."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import symforce

from benchmarks.unrolled import Algebra, unrolled

symforce.set_epsilon_to_symbol()  # without a choice, made ahead of these imports, it warns
import symforce.symbolic as sf  # noqa: E402
from symforce.codegen import Codegen, CppConfig, RenderTemplateConfig  # noqa: E402
from symforce.values import Values  # noqa: E402


def _symbols(name: str, rows: int, columns: int) -> np.ndarray:
    names = [[sf.Symbol(f"{name}_{i}_{j}") for j in range(columns)] for i in range(rows)]
    return np.array(names, object)


ALGEBRA = Algebra(_symbols, np.sum, *(np.frompyfunc(f, 1, 1) for f in (sf.tanh, sf.exp, sf.log)))


def gradient_code(cell: str, T: int, n: int) -> str:
    """Return the code of the gradient."""
    network = unrolled(cell, T, n, ALGEBRA)
    variables = sf.Matrix([v for parameter in network.parameters.values() for v in parameter.flat])
    data = sf.Matrix([v for given in network.data.values() for v in given.flat])
    gradient = sf.Matrix([network.loss]).jacobian(variables)
    function = Codegen(
        inputs=Values(variables=variables, data=data),
        outputs=Values(gradient=gradient),
        config=CppConfig(render_template_config=RenderTemplateConfig(autoformat=False)),
        name="gradient",
    )
    with tempfile.TemporaryDirectory() as folder:
        made = function.generate_function(output_dir=folder, skip_directory_nesting=True)
        return "".join(Path(file).read_text() for file in made.generated_files)
