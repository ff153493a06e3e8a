"""The test bench: finite differences, complex step and Taylor test of an emitted module.

Three witnesses that share no code with the derivation are asked about every gradient.  None of them
has an absolute floor.  Where float64 cannot tell, the entry is counted as unresolved, and it then
needs the word of the complex step.

    file -> module                module.py
    module, arrays -> Point       common.py
    Point -> ArrayComparison      differences.py, complex_step.py
    Point -> TaylorResult         taylor.py
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from codegen.gradcheck.common import ArrayComparison, Point
from codegen.gradcheck.complex_step import complex_derivatives
from codegen.gradcheck.differences import central_differences
from codegen.gradcheck.module import check_face, default_sizes, draw_arrays, load_module
from codegen.gradcheck.taylor import TaylorResult, taylor_test
from derivations.errors import VerificationError

__all__ = ["GradientReport", "check_module", "load_module", "worst_error"]


@dataclass(frozen=True)
class GradientReport:
    """The three tests of one module on one draw, which sizes and seed repeat.

    There is one comparison for every gradient; `complex_step` is None where the module does not
    take complex numbers.
    """

    sizes: dict[str, int]
    seed: int
    finite_differences: tuple[ArrayComparison, ...]
    complex_step: tuple[ArrayComparison, ...] | None
    taylor: TaylorResult

    @property
    def unresolved(self) -> int:
        """How many entries neither the differences nor the complex step could compare."""
        stepped = {found.name: found.unresolved for found in self.complex_step or ()}
        return sum(
            min(found.unresolved, stepped.get(found.name, found.unresolved))
            for found in self.finite_differences
        )

    @property
    def passed(self) -> bool:
        """Whether every test that applies accepts, and every entry was compared by one of them."""
        comparisons = self.finite_differences + (self.complex_step or ())
        accepted = all(found.accepted for found in comparisons)
        return accepted and self.taylor.accepted and not self.unresolved

    def __str__(self) -> str:
        sizes = ", ".join(f"{name}={size}" for name, size in self.sizes.items())
        stepped = ", ".join(map(str, self.complex_step or ())) or "not applicable"
        return (
            f"{'passed' if self.passed else 'FAILED'} at {sizes} with seed {self.seed}\n"
            f"finite differences: {', '.join(map(str, self.finite_differences))}\n"
            f"complex step: {stepped}\n"
            f"Taylor order: {self.taylor}"
        )


def worst_error(comparisons: Sequence[ArrayComparison]) -> float:
    """Return the largest error; NaN wins.

    Examples
    --------
    >>> worst_error([])
    0.0
    """
    errors = [found.error for found in comparisons]
    return math.nan if any(math.isnan(error) for error in errors) else max(errors, default=0.0)


def check_module(
    module_or_path: ModuleType | str | Path,
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
) -> GradientReport:
    """Draw a point and put an emitted module to all three tests.

    `sizes` stand in for some or all of the default ones, which are small and all different; `seed`
    draws the point and the directions.

    Raises
    ------
    VerificationError
        If the module cannot be tested: it does not load, it fails on the drawn arrays, or a
        gradient is missing.
    """
    given = module_or_path
    module = given if isinstance(given, ModuleType) else load_module(given)
    check_face(module)
    known = default_sizes(module)
    unknown = [name for name in sizes or {} if name not in known]
    if unknown:
        message = f"the module has no size {', '.join(unknown)}"
        raise VerificationError(message, hint=f"Its sizes are {', '.join(known)}.")
    chosen = {**known, **(sizes or {})}
    point = Point(module, draw_arrays(module, chosen, seed)).sped_up()
    return GradientReport(
        chosen,
        seed,
        central_differences(point),
        complex_derivatives(point),
        taylor_test(point, seed),
    )
