"""The test bench: finite differences, complex step and Taylor test of an emitted module.

Three witnesses that share no code with the derivation are asked about every gradient:

- central differences, extrapolated, with a step chosen for each entry by the values of E alone;
- the complex step, which has no subtraction and is exact to rounding;
- the Taylor remainder E(p + εd) − E(p) − ε⟨g, d⟩, which must shrink like ε².

None of them has an absolute floor.  Where float64 cannot tell, the entry is counted as unresolved,
and it then needs the word of the complex step.
"""

from __future__ import annotations

import math
import sys
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from derivations.errors import VerificationError

Array = NDArray[Any]
Arrays = dict[str, Array]

FINITE_DIFFERENCE_TOLERANCE = 1e-7
COMPLEX_STEP_TOLERANCE = 1e-13
TAYLOR_ORDER_TOLERANCE = 0.05

# An entry whose rounding level exceeds this part of its array's scale has not been compared: a
# factor of 1.0005 must stay visible.
RESOLUTION_LIMIT = 1e-4

# h = 1e-200: h² underflows to an exact 0, so that products of imaginary parts vanish even where the
# real parts are 0 (with 1e-100, (0 + ih)³ leaves -1e-200 for a gradient that is 0), and h·g is a
# normal number for every gradient down to 1e-108.
COMPLEX_STEP = 1e-200

MACHINE_EPSILON = float(np.finfo(np.float64).eps)

TAYLOR_DIRECTIONS = 3

# Below this step the curvature of any function drowns in rounding, and nothing says "linear".
SHORTEST_LINEAR_PIECE = 2.0**-16

# The ladder of steps: windows of six halvings; the next window starts at a quarter of the step.
FIRST_STEP = 0.25
WINDOW_LENGTH = 6
WINDOW_SHIFT = 2
WINDOW_COUNT = 10

SMALLEST = """
import numpy as np

PARAMS = {"w": ("n",)}
DATA = {"x": ("n",)}


def _forward(params, data):
    return np.sum(np.tanh(params["w"] * data["x"])), None


def value_and_grad(params, data):
    slope = 1.0 - np.tanh(params["w"] * data["x"]) ** 2
    E, _ = _forward(params, data)
    return float(E), {"w": slope * data["x"], "x": slope * params["w"]}
"""
"""The source of the smallest emitted module, for the examples below."""


@dataclass(frozen=True)
class ArrayComparison:
    """What one test found about the gradient of one array.

    Attributes
    ----------
    name : str
        The array.
    error : float
        max|measured − g| / max(max|g|, max|measured|) over the resolved entries, without a floor;
        0 if the array is zero, NaN if a NaN or an infinity appeared.
    beyond_rounding : float
        The part of the error that the rounding of E does not explain.  This is what is judged.
    worst_index : tuple of int
        Where the largest difference lies.
    entries : int
        How many entries the array has.
    unresolved : int
        Entries that float64 could not compare: a kink on every step, or rounding too large.
    is_zero : bool
        Both sides lie below the computed rounding level everywhere.
    tolerance : float
        What `beyond_rounding` must not exceed.
    """

    name: str
    error: float
    beyond_rounding: float
    worst_index: tuple[int, ...]
    entries: int
    unresolved: int
    is_zero: bool
    tolerance: float

    @property
    def accepted(self) -> bool:
        """Whether the resolved entries agree; a NaN never does.

        It says nothing of unresolved entries: `GradientReport.passed` does.
        """
        return math.isfinite(self.error) and self.beyond_rounding <= self.tolerance


@dataclass(frozen=True)
class TaylorResult:
    """How fast the first-order Taylor remainder shrinks along one direction.

    Attributes
    ----------
    order : float or None
        The fitted exponent; None if it cannot be measured.
    kind : {"measured", "linear", "unmeasurable"}
        "linear": the remainder is at round-off for every step up to the first kink, so that there
        is no order.
        "unmeasurable": E is neither linear nor twice differentiable on any stretch of steps.
    steps, remainders : tuple of float
        The points of the fit, or without an order all points that were looked at.
    """

    order: float | None
    kind: Literal["measured", "linear", "unmeasurable"]
    steps: tuple[float, ...]
    remainders: tuple[float, ...]

    @property
    def accepted(self) -> bool:
        """Whether the order is 2, or E is linear and the remainder is nothing but round-off."""
        return self.badness() <= TAYLOR_ORDER_TOLERANCE

    def badness(self) -> float:
        """Return the distance of the order from 2; 0 for a linear E, infinite without an order."""
        if self.kind == "linear":
            return 0.0
        return math.inf if self.order is None or math.isnan(self.order) else abs(self.order - 2.0)


@dataclass(frozen=True)
class GradientReport:
    """The three tests of one module on one draw.

    Attributes
    ----------
    sizes : dict of str to int
        The sizes that were drawn.
    seed : int
        The seed of the draw; the same seed gives the same report.
    finite_differences : tuple of ArrayComparison
        One comparison for every gradient.
    complex_step : tuple of ArrayComparison or None
        The same, or None where the module does not take complex numbers.
    taylor : TaylorResult
        The order of the remainder.
    """

    sizes: dict[str, int]
    seed: int
    finite_differences: tuple[ArrayComparison, ...]
    complex_step: tuple[ArrayComparison, ...] | None
    taylor: TaylorResult

    @property
    def worst_finite_difference(self) -> float:
        """The largest relative error of the finite differences; NaN if one array has NaN."""
        return worst_error(self.finite_differences)

    @property
    def worst_complex_step(self) -> float | None:
        """The largest relative error of the complex step, or None if it does not apply."""
        return None if self.complex_step is None else worst_error(self.complex_step)

    @property
    def taylor_order(self) -> float | None:
        """The order of the Taylor remainder, None if it has none."""
        return self.taylor.order

    @property
    def unresolved(self) -> int:
        """How many entries neither the differences nor the complex step could compare."""
        judged = {c.name: c.unresolved for c in self.complex_step or ()}
        return sum(
            min(c.unresolved, judged.get(c.name, c.unresolved)) for c in self.finite_differences
        )

    @property
    def passed(self) -> bool:
        """Whether every test that applies accepts, and every entry was compared by one of them."""
        comparisons = self.finite_differences + (self.complex_step or ())
        return all(c.accepted for c in comparisons) and self.taylor.accepted and not self.unresolved


def worst_error(comparisons: Sequence[ArrayComparison]) -> float:
    """Return the largest error; NaN wins.

    Examples
    --------
    >>> worst_error([])
    0.0
    """
    errors = [c.error for c in comparisons]
    return math.nan if any(math.isnan(e) for e in errors) else max(errors, default=0.0)


# ---------------------------------------------------------------------------------------- loading


def load_module(path: str | Path) -> ModuleType:
    """Load an emitted module from a file.

    Neither `sys.modules` nor a bytecode cache keeps a trace of it: a file that is emitted twice
    within a second is read twice.

    Parameters
    ----------
    path : str or Path
        The Python file.

    Raises
    ------
    VerificationError
        If the file is missing, is not Python, fails on import or lacks a part of the face.

    Examples
    --------
    >>> load_module("nowhere.py")
    Traceback (most recent call last):
    ...
    derivations.errors.VerificationError: cannot read nowhere.py: No such file or directory
    """
    path = Path(path)
    try:
        source = path.read_bytes()
    except OSError as error:
        raise VerificationError(f"cannot read {path}: {error.strerror}") from error
    return module_from_source(source, str(path))


def module_from_source(source: str | bytes, filename: str = "<emitted>") -> ModuleType:
    """Make a module of the text of an emitted module, and check that it has the face.

    Examples
    --------
    >>> module_from_source(SMALLEST).PARAMS
    {'w': ('n',)}
    >>> module_from_source("PARAMS = {}")
    Traceback (most recent call last):
    ...
    derivations.errors.VerificationError: <emitted> has no DATA and no value_and_grad
    """
    try:
        code = compile(source, filename, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise VerificationError(f"{filename} is not Python: {error}") from error
    module = ModuleType(f"emitted_{uuid.uuid4().hex}")
    module.__file__ = filename
    # Dataclasses look their module up while they are defined; afterwards nobody needs the entry.
    sys.modules[module.__name__] = module
    try:
        exec(code, module.__dict__)
    except (Exception, SystemExit) as error:
        message = f"{filename} fails on import: {type(error).__name__}: {error}"
        raise VerificationError(message) from error
    finally:
        del sys.modules[module.__name__]
    check_face(module, filename)
    return module


def check_face(module: ModuleType, filename: str) -> None:
    """Raise a VerificationError that names what the module lacks."""
    face = ("PARAMS", "DATA", "value_and_grad")
    missing = [name for name in face if not hasattr(module, name)]
    if missing:
        raise VerificationError(f"{filename} has no {' and no '.join(missing)}")
    for table in ("PARAMS", "DATA"):
        shapes = getattr(module, table)
        if not isinstance(shapes, Mapping) or not all(
            isinstance(name, str)
            and isinstance(shape, tuple)
            and all(isinstance(size, str) for size in shape)
            for name, shape in shapes.items()
        ):
            message = f"{table} in {filename} does not map names to tuples of size names"
            raise VerificationError(message, hint=f'Expected e.g. {table} = {{"W": ("n", "m")}}.')
    if not callable(module.value_and_grad):
        raise VerificationError(f"value_and_grad in {filename} is not a function")
    shared = sorted(set(module.PARAMS) & set(module.DATA))
    if shared:
        raise VerificationError(f"{shared[0]} in {filename} stands in PARAMS and in DATA")
    for name, constraint in constraints(module).items():
        if name not in module.DATA or constraint != "one-hot" or not module.DATA[name]:
            message = f"CONSTRAINTS in {filename} says {constraint!r} of {name}"
            raise VerificationError(message, hint='Only "one-hot" is known, for arrays of DATA.')


def constraints(module: ModuleType) -> Mapping[str, str]:
    """Return the constraints of the data arrays; a module without any need not say so."""
    found: Mapping[str, str] = getattr(module, "CONSTRAINTS", {})
    return found


# ---------------------------------------------------------------------------------------- drawing


def size_names(module: ModuleType) -> tuple[str, ...]:
    """Return the names of all sizes in order of appearance; a number is its own size.

    Examples
    --------
    >>> size_names(module_from_source(SMALLEST))
    ('n',)
    """
    shapes = [*module.PARAMS.values(), *module.DATA.values()]
    return tuple(dict.fromkeys(s for shape in shapes for s in shape if not s.isdecimal()))


def default_sizes(module: ModuleType) -> dict[str, int]:
    """Return small sizes that are all different, so that no wrong transpose can hide.

    Examples
    --------
    >>> default_sizes(module_from_source(SMALLEST))
    {'n': 2}
    """
    fixed = {"T": 4, "B": 3}
    names = size_names(module)
    others = [name for name in names if name not in fixed]
    chosen = dict(zip(others, [2, *range(5, 5 + len(others))], strict=False))
    return {name: fixed.get(name) or chosen[name] for name in names}


def draw_arrays(
    module: ModuleType, sizes: Mapping[str, int], seed: int, scale: float = 1.0
) -> tuple[Arrays, Arrays]:
    """Draw parameters and data for a module.

    Parameters
    ----------
    module : ModuleType
        An emitted module.
    sizes : Mapping of str to int
        A positive number for every size name.
    seed : int
        Seed of the generator; nothing else is random.
    scale : float
        Parameters are normal with deviation scale / √(fan in), where the fan in of a matrix is
        the number of its columns, and of anything else 1.  Data are standard normal, or
        random unit rows where the module says "one-hot".

    Returns
    -------
    params, data : dict of str to ndarray
        float64 arrays.

    Examples
    --------
    >>> params, data = draw_arrays(module_from_source(SMALLEST), {"n": 3}, seed=0)
    >>> params["w"].shape, data["x"].dtype
    ((3,), dtype('float64'))
    """
    generator = np.random.default_rng(seed)
    parameters: Arrays = {}
    for name, symbols in module.PARAMS.items():
        shape = concrete_shape(name, symbols, sizes)
        fan_in = shape[1] if len(shape) == 2 else 1
        normal = np.asarray(generator.standard_normal(shape))
        parameters[name] = normal * (scale / math.sqrt(fan_in))
    data: Arrays = {}
    for name, symbols in module.DATA.items():
        shape = concrete_shape(name, symbols, sizes)
        if constraints(module).get(name) == "one-hot":
            data[name] = np.eye(shape[-1])[generator.integers(shape[-1], size=shape[:-1])]
        else:
            data[name] = np.asarray(generator.standard_normal(shape))
    return parameters, data


def concrete_shape(name: str, symbols: Sequence[str], sizes: Mapping[str, int]) -> tuple[int, ...]:
    """Return the shape of an array in numbers."""
    shape = []
    for symbol in symbols:
        size = int(symbol) if symbol.isdecimal() else sizes.get(symbol)
        if size is None or size < 1:
            raise VerificationError(
                f"the shape ({', '.join(symbols)}) of {name} needs a positive size {symbol}",
                hint=f"Sizes given: {dict(sizes)}.",
            )
        shape.append(size)
    return tuple(shape)


# ------------------------------------------------------------------------------------- evaluation


def value_and_gradients(
    module: ModuleType, params: Mapping[str, Array], data: Mapping[str, Array]
) -> tuple[float, Arrays]:
    """Call the module and check the form of what it returns, not the numbers.

    Raises
    ------
    VerificationError
        If the call fails, a gradient is missing, or one is there that should not be, or has the
        wrong shape.

    Examples
    --------
    >>> module = module_from_source(SMALLEST)
    >>> E, gradients = value_and_gradients(module, *draw_arrays(module, {"n": 3}, seed=0))
    >>> sorted(gradients)
    ['w', 'x']
    """
    # A NaN is the comparison's business; under `-W error` it must not raise on its way there.
    with np.errstate(all="ignore"):
        try:
            error_value, gradients = module.value_and_grad(dict(params), dict(data))
        except Exception as error:
            message = f"value_and_grad fails on drawn arrays: {type(error).__name__}: {error}"
            raise VerificationError(message) from error
    missing = [name for name in module.PARAMS if name not in gradients]
    if missing:
        raise VerificationError(f"value_and_grad returns no gradient of {', '.join(missing)}")
    arrays = {**params, **data}
    for name, gradient in gradients.items():
        if name not in arrays:
            message = f"value_and_grad returns a gradient of {name}, which is not in PARAMS or DATA"
            raise VerificationError(message)
        if name in constraints(module):
            message = f"value_and_grad returns a gradient of {name}, which is not free to move"
            raise VerificationError(message, hint=f"CONSTRAINTS says {constraints(module)[name]}.")
        if np.shape(gradient) != arrays[name].shape:
            raise VerificationError(
                f"the gradient of {name} has shape {np.shape(gradient)}",
                hint=f"Expected the shape of {name}, {arrays[name].shape}.",
            )
        if np.asarray(gradient).dtype.kind not in "fiu":
            kind = np.asarray(gradient).dtype
            raise VerificationError(f"the gradient of {name} has dtype {kind}, which is not real")
    # The order of PARAMS and DATA, so that the report does not depend on the module's own.
    return float(error_value), {
        name: np.asarray(gradients[name], dtype=np.float64) for name in arrays if name in gradients
    }


@dataclass(frozen=True)
class Point:
    """A module at one point: what all three tests start from."""

    module: ModuleType
    params: Mapping[str, Array]
    data: Mapping[str, Array]

    def array(self, name: str) -> Array:
        """Return a parameter or a data array."""
        return self.params[name] if name in self.params else self.data[name]

    def moved(self, changes: Mapping[str, Array]) -> tuple[Arrays, Arrays]:
        """Return parameters and data with some arrays replaced."""
        return (
            {name: changes.get(name, value) for name, value in self.params.items()},
            {name: changes.get(name, value) for name, value in self.data.items()},
        )

    def value(self, changes: Mapping[str, Array]) -> float:
        """Return E with some arrays replaced; NaN where the module refuses to go."""
        with np.errstate(all="ignore"):
            try:
                error_value, _ = self.module.value_and_grad(*self.moved(changes))
            except (ValueError, ArithmeticError):
                return math.nan
        return float(error_value)

    def value_along(self, direction: Mapping[str, Array], step: float) -> float:
        """Return E after a step in a direction."""
        return self.value({n: self.array(n) + step * d for n, d in direction.items()})


def random_direction(point: Point, names: Sequence[str], generator: np.random.Generator) -> Arrays:
    """Draw a standard normal direction through the named arrays."""
    return {name: np.asarray(generator.standard_normal(point.array(name).shape)) for name in names}


def deviation(samples: Sequence[Any]) -> Array:
    """Return the standard deviation of the rounding errors in samples at tiny equal steps.

    Third differences over tiny steps contain nothing but rounding (Moré, Wild 2011, SIAM J. Sci.
    Comput. 33: Estimating computational noise).

    Parameters
    ----------
    samples : Sequence of float or ndarray
        The numbers at 0, h, 2h, ….

    Examples
    --------
    >>> float(deviation([3 + k + k**2 for k in range(9)]))
    0.0
    """
    # The third difference of independent errors has 1 + 9 + 9 + 1 times their variance.
    return np.asarray(np.sqrt(np.mean(np.diff(samples, 3, axis=0) ** 2, axis=0) / 20.0))


def rounding_of_value(point: Point, names: Sequence[str], value: float) -> float:
    """Return how far E may be from its exact value, measured and not guessed.

    E may be a small sum of large terms, where eps·|E| is far too little.  The median over
    directions is not moved by one that happens to cross a kink.

    Parameters
    ----------
    point : Point
        Where E is evaluated.
    names : Sequence of str
        The arrays that may move.
    value : float
        E there.

    Examples
    --------
    >>> module = module_from_source(SMALLEST)
    >>> point = Point(module, *draw_arrays(module, {"n": 3}, seed=0))
    >>> 1e-17 < rounding_of_value(point, ["w", "x"], 1.0) < 1e-14
    True
    """
    generator = np.random.default_rng(0)
    deviations = []
    for _ in range(5):
        direction = random_direction(point, names, generator)
        values = [point.value_along(direction, 1e-10 * k) for k in range(10)]
        deviations.append(float(deviation(values)))
    measured = float(np.median(deviations))
    # Four deviations cover every one of some thousand evaluations.
    return max(MACHINE_EPSILON * abs(value), 4.0 * measured)


# ----------------------------------------------------------------------------- finite differences


@dataclass(frozen=True)
class Estimate:
    """An extrapolated number with its own estimate of its error, of which `rounding` is a part."""

    value: float
    error: float
    rounding: float


def extrapolate(values: Sequence[float], roundings: Sequence[float], first_power: int) -> Estimate:
    """Extrapolate values at h, h/2, h/4, … to h = 0 and choose the best by their own spread.

    Ridders 1982, Advances in Engineering Software 4: Neville's tableau, its error estimated by the
    disagreement with both neighbours.  Rounding is carried along, so that two noisy numbers which
    agree by luck do not win.

    Parameters
    ----------
    values : Sequence of float
        One value for each halving.
    roundings : Sequence of float
        Bounds of their rounding errors.
    first_power : int
        The error is a series in h to the powers first_power, first_power + 2, ….

    Examples
    --------
    >>> slopes = [(math.sin(1 + h) - math.sin(1 - h)) / (2 * h) for h in (0.4, 0.2, 0.1, 0.05)]
    >>> abs(extrapolate(slopes, [1e-16] * 4, first_power=2).value - math.cos(1)) < 1e-10
    True
    """
    best = Estimate(math.nan, math.inf, math.inf)
    column, bounds = list(values), list(roundings)
    for power in range(first_power, first_power + 2 * (len(values) - 1), 2):
        gain = 1.0 / (2.0**power - 1.0)
        next_column, next_bounds = [], []
        for i in range(1, len(column)):
            value = column[i] + gain * (column[i] - column[i - 1])
            bound = bounds[i] + gain * (bounds[i] + bounds[i - 1])
            error = max(abs(value - column[i]), abs(value - column[i - 1])) + bound
            if error < best.error:
                best = Estimate(value, error, bound)
            next_column.append(value)
            next_bounds.append(bound)
        column, bounds = next_column, next_bounds
    return best


def smooth_slope(
    value_at: Callable[[float], float], position: float, value: float, noise: float
) -> Estimate | None:
    """Return the derivative of a function of one number, or None if no step is good for it.

    A window of steps is taken only if the central differences in it converge, and if the second
    differences (E(+h) − 2E(0) + E(−h)) / h go to zero with h.  At a kink the latter go to its
    jump, and a kink inside the window spoils the former; then smaller steps are tried.  The
    analytic gradient is not seen here.

    Parameters
    ----------
    value_at : callable
        The function.
    position, value : float
        Where the derivative is wanted, and the function there.
    noise : float
        The rounding level of the function.

    Examples
    --------
    >>> estimate = smooth_slope(math.exp, 1.0, math.e, 4e-16)
    >>> abs(estimate.value / math.e - 1.0) < 1e-12
    True
    >>> smooth_slope(lambda x: abs(x), 1e-9, 1e-9, 1e-16) is None
    True
    """
    ladder: list[tuple[float, float, float, float]] = []

    def measure(step: float) -> tuple[float, float, float, float]:
        upper, lower = position + step, position - step
        above, below = value_at(upper), value_at(lower)
        # The stencil that was really evaluated: position ± step is rounded.
        slope = (above - below) / (upper - lower)
        bend = (above - 2.0 * value + below) / step
        error = max(noise, MACHINE_EPSILON * max(abs(above), abs(below)))
        displacement = MACHINE_EPSILON * abs(position * slope)
        return slope, bend, (2.0 * error) / step, (4.0 * error + 2.0 * displacement) / step

    for window in range(WINDOW_COUNT):
        start = window * WINDOW_SHIFT
        while len(ladder) < start + WINDOW_LENGTH:
            ladder.append(measure(FIRST_STEP * 0.5 ** len(ladder)))
        slopes, bends, slope_bounds, bend_bounds = zip(
            *ladder[start : start + WINDOW_LENGTH], strict=True
        )
        slope = extrapolate(slopes, slope_bounds, first_power=2)
        jump = extrapolate(bends, bend_bounds, first_power=1)
        # A tenth of the tolerance, or nothing but rounding; both comparisons are false for NaN.
        small = 0.1 * FINITE_DIFFERENCE_TOLERANCE * abs(slope.value)
        converged = slope.error <= max(0.1 * small, 4.0 * slope.rounding)
        if converged and abs(jump.value) <= max(small, 4.0 * jump.rounding):
            return slope
    return None


def compare(
    name: str, gradient: Array, measured: Array, rounding: Array, tolerance: float
) -> ArrayComparison:
    """Compare a gradient with what was measured, entry by entry.

    Parameters
    ----------
    name : str
        The array.
    gradient, measured : ndarray
        What the module says, and what was found.
    rounding : ndarray
        Rounding level of `measured`; infinite where nothing could be measured.
    tolerance : float
        The relative error to allow.

    Examples
    --------
    >>> ones, zeros = np.ones(2), np.zeros(2)
    >>> compare("b", ones, ones * 1.5, zeros, 1e-7).accepted
    False
    >>> compare("b", zeros, zeros, zeros, 1e-7).is_zero
    True
    """

    def found(
        error: float, beyond: float, index: int = 0, unresolved: int = 0, is_zero: bool = False
    ) -> ArrayComparison:
        where = tuple(int(i) for i in np.unravel_index(index, gradient.shape))
        return ArrayComparison(
            name, error, beyond, where, gradient.size, unresolved, is_zero, tolerance
        )

    measurable = np.isfinite(rounding)
    sound = np.isfinite(gradient) & (np.isfinite(measured) | ~measurable)
    if not np.all(sound):
        return found(math.nan, math.nan, int(np.argmin(sound)), int(np.sum(~measurable)))
    sizes = np.maximum(np.abs(gradient), np.where(measurable, np.abs(measured), 0.0))
    if np.all(measurable & (sizes <= rounding)):
        return found(0.0, 0.0, is_zero=True)
    scale = float(np.max(sizes))
    resolved = measurable & (rounding <= RESOLUTION_LIMIT * scale)
    difference = np.where(resolved, np.abs(measured - gradient), 0.0)
    # Clipped: an unresolved entry has an infinite level and a difference of 0.
    beyond = np.maximum(difference - np.where(resolved, rounding, 0.0), 0.0)
    return found(
        float(np.max(difference)) / scale,
        float(np.max(beyond)) / scale,
        int(np.argmax(difference)),
        int(np.sum(~resolved)),
    )


def indices(array: Array) -> Iterator[tuple[int, ...]]:
    """Go through the places of an array."""
    return iter(np.ndindex(*array.shape))


def central_differences(
    module: ModuleType, params: Mapping[str, Array], data: Mapping[str, Array]
) -> tuple[ArrayComparison, ...]:
    """Compare every entry of every gradient with extrapolated central differences.

    Parameters
    ----------
    module : ModuleType
        An emitted module.
    params, data : Mapping of str to ndarray
        The point, float64.

    Returns
    -------
    tuple of ArrayComparison
        One for every gradient that the module returns.

    Examples
    --------
    >>> module = module_from_source(SMALLEST)
    >>> results = central_differences(module, *draw_arrays(module, {"n": 3}, seed=0))
    >>> [(r.name, r.error < 1e-9, r.accepted) for r in results]
    [('w', True, True), ('x', True, True)]
    """
    value, gradients = value_and_gradients(module, params, data)
    if not math.isfinite(value):
        return tuple(
            compare(
                name, g, np.full(g.shape, value), np.zeros(g.shape), FINITE_DIFFERENCE_TOLERANCE
            )
            for name, g in gradients.items()
        )
    point = Point(module, params, data)
    noise = rounding_of_value(point, list(gradients), value)
    comparisons = []
    for name, gradient in gradients.items():
        array = point.array(name)
        measured = np.full(array.shape, math.nan)
        rounding = np.full(array.shape, math.inf)
        for index in indices(array):
            estimate = smooth_slope(value_at_entry(point, name, index), array[index], value, noise)
            if estimate is not None:
                measured[index], rounding[index] = estimate.value, estimate.rounding
        comparisons.append(compare(name, gradient, measured, rounding, FINITE_DIFFERENCE_TOLERANCE))
    return tuple(comparisons)


def value_at_entry(point: Point, name: str, index: tuple[int, ...]) -> Callable[[float], float]:
    """Return E as a function of a single entry of a single array."""

    def value_at(entry: float) -> float:
        array = point.array(name).copy()
        array[index] = entry
        return point.value({name: array})

    return value_at


# ----------------------------------------------------------------------------------- complex step


def complex_step(
    module: ModuleType, params: Mapping[str, Array], data: Mapping[str, Array]
) -> tuple[ArrayComparison, ...] | None:
    """Compare every gradient with Im E(x + ih) / h, which no subtraction spoils.

    Squire, Trapp 1998, SIAM Review 40: Using complex variables to estimate derivatives.

    Parameters
    ----------
    module : ModuleType
        An emitted module.
    params, data : Mapping of str to ndarray
        The point, float64.

    Returns
    -------
    tuple of ArrayComparison or None
        None if the module has no `_forward`, or if it refuses complex arrays or drops their
        imaginary parts with NumPy's warning.

    Examples
    --------
    >>> module = module_from_source(SMALLEST)
    >>> results = complex_step(module, *draw_arrays(module, {"n": 3}, seed=0))
    >>> [(r.name, r.error < 1e-14) for r in results]
    [('w', True), ('x', True)]
    """
    _, gradients = value_and_gradients(module, params, data)
    point = Point(module, params, data)
    comparisons = []
    for name, gradient in gradients.items():
        measured = imaginary_parts(point, list(gradients), name)
        if measured is None:
            return None
        rounding = np.zeros(gradient.shape)
        comparison = compare(name, gradient, measured, rounding, COMPLEX_STEP_TOLERANCE)
        if not comparison.accepted and math.isfinite(comparison.error):
            # Perhaps both sides cancel to a small rest, and this is its rounding.
            level = rounding_of_derivatives(point, list(gradients), name)
            rounding = np.full(gradient.shape, level)
            comparison = compare(name, gradient, measured, rounding, COMPLEX_STEP_TOLERANCE)
        comparisons.append(comparison)
    return tuple(comparisons)


def imaginary_parts(point: Point, names: Sequence[str], name: str) -> Array | None:
    """Return Im E(x + ih) / h for every entry of one array, None if the module refuses.

    All arrays that may move become complex: then a real E says that imaginary parts are lost, and
    not only that this one array does not act on E.
    """
    forward = getattr(point.module, "_forward", None)
    if not callable(forward):
        return None
    arrays = {n: point.array(n).astype(np.complex128) for n in names}
    measured = np.empty(arrays[name].shape)
    for index in indices(measured):
        perturbed = arrays[name].copy()
        perturbed[index] += 1j * COMPLEX_STEP
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            try:
                value, _ = forward(*point.moved({**arrays, name: perturbed}))
            except (TypeError, ValueError, NotImplementedError, np.exceptions.ComplexWarning):
                return None
            except Exception as error:
                message = f"_forward fails on complex arrays: {type(error).__name__}: {error}"
                raise VerificationError(message) from error
        if not np.iscomplexobj(value):
            return None
        measured[index] = float(np.imag(value)) / COMPLEX_STEP
    return measured


def rounding_of_derivatives(point: Point, names: Sequence[str], name: str) -> float:
    """Return how far the entries of one gradient may be from their exact values.

    Both sides are asked, since the complex step alone does not show it all: near saturation the
    usual 1 − h² loses digits that the derivative itself does not lose.  The steps are longer than
    for E, because there h hardly moves.
    """
    generator = np.random.default_rng(0)
    levels = []
    for _ in range(3):
        direction = random_direction(point, names, generator)
        both = []
        for k in range(8):
            moved = point.moved({n: point.array(n) + 1e-7 * k * d for n, d in direction.items()})
            measured = imaginary_parts(Point(point.module, *moved), names, name)
            _, gradients = value_and_gradients(point.module, *moved)
            both.append(
                np.stack([gradients[name] if measured is None else measured, gradients[name]])
            )
        # One level for the array: eight points are few for each of its entries.
        levels.append(8.0 * float(np.max(deviation(both))))
    level = float(np.median(levels))
    return level if math.isfinite(level) else 0.0  # an infinite level would explain anything


# ------------------------------------------------------------------------------------ Taylor test


def taylor_test(
    module: ModuleType, params: Mapping[str, Array], data: Mapping[str, Array], seed: int = 0
) -> TaylorResult:
    """Measure the order of |E(p + εd) − E(p) − ε⟨g, d⟩| in ε; a right gradient has 2.

    The remainder of first order as in dolfin-adjoint (Farrell, Ham, Funke, Rognes 2013), along
    random directions through all parameters and differentiable data together.  Of several
    directions the worst is reported, since one alone may be orthogonal to a mistake.

    The steps are chosen by E(+ε) − 2E(0) + E(−ε) alone: the smallest ones where it is above
    round-off and has order 2.  It does not contain g (for the same reason it cannot be the test
    itself: the symmetric remainder is blind to the gradient), and a kink or a fourth-order term
    would show in it.  The smallest steps, because there a slightly wrong gradient first shows.

    Parameters
    ----------
    module : ModuleType
        An emitted module.
    params, data : Mapping of str to ndarray
        The point, float64.
    seed : int
        Seed of the direction.

    Examples
    --------
    >>> module = module_from_source(SMALLEST)
    >>> result = taylor_test(module, *draw_arrays(module, {"n": 3}, seed=0))
    >>> result.kind, abs(result.order - 2.0) < 0.01
    ('measured', True)
    """
    value, gradients = value_and_gradients(module, params, data)
    point = Point(module, params, data)
    names = list(gradients)
    if not math.isfinite(value) or not all(np.all(np.isfinite(g)) for g in gradients.values()):
        return TaylorResult(math.nan, "unmeasurable", (), ())
    noise = rounding_of_value(point, names, value)
    results = [
        taylor_along(point, direction, gradients, value, noise)
        for direction in curved_directions(point, names, value, np.random.default_rng(seed))
    ]
    return max(results, key=TaylorResult.badness)


def taylor_along(
    point: Point, direction: Arrays, gradients: Arrays, value: float, noise: float
) -> TaylorResult:
    """Measure the order of the remainder along one direction."""
    slope = sum(float(np.sum(gradients[name] * d)) for name, d in direction.items())
    steps = np.array([0.5**k for k in range(31)])
    above = np.array([point.value_along(direction, step) for step in steps])
    below = np.array([point.value_along(direction, -step) for step in steps])
    with np.errstate(all="ignore"):
        bends = np.abs(above - 2.0 * value + below)
        remainders = np.abs(above - value - steps * slope)
        # Far away E is larger, and so is its rounding; ε⟨g, d⟩ is rounded too.
        sizes = np.maximum(np.maximum(np.abs(above), np.abs(below)), steps * abs(slope))
        rounding = 4.0 * np.maximum(noise, MACHINE_EPSILON * sizes)

    # No curvature: E is linear, for a relu up to the first kink on the way.  This comes first,
    # since far beyond a kink E may look smooth again.
    bent = np.flatnonzero(~(bends <= rounding))
    flat = slice(int(bent[-1]) + 1 if bent.size else 0, None)
    if len(steps[flat]) and steps[flat][0] >= SHORTEST_LINEAR_PIECE:
        visible = remainders[flat] > rounding[flat]
        if not np.any(visible):
            points = tuple(steps[flat].tolist()), tuple(remainders[flat].tolist())
            return TaylorResult(None, "linear", *points)
        # Linear along d, but not with this slope: the remainder then has order 1.
        visible = remainders[flat] > 16.0 * rounding[flat]
        if np.sum(visible) >= 4:
            return measured_order(steps[flat][visible], remainders[flat][visible])

    # Four points, each twice the last: long enough for a slope, and short enough not to reach up
    # to where the second-order term covers a small mistake.
    for start in range(len(steps) - 4, -1, -1):
        window = slice(start, start + 4)
        if not np.all(bends[window] > 64.0 * rounding[window]):
            continue
        # Beside a kink the local orders run from large down to 1, and their mean may be 2 by luck.
        local_orders = -np.diff(np.log2(bends[window]))
        straight = bool(np.all(np.abs(local_orders - 2.0) <= 0.1))
        if straight and abs(fitted_order(steps[window], bends[window]) - 2.0) <= 0.01:
            return measured_order(steps[window], remainders[window])
    return TaylorResult(None, "unmeasurable", tuple(steps.tolist()), tuple(remainders.tolist()))


def measured_order(steps: Array, remainders: Array) -> TaylorResult:
    """Return the fitted order with its points."""
    order = fitted_order(steps, remainders)
    return TaylorResult(order, "measured", tuple(steps.tolist()), tuple(remainders.tolist()))


def fitted_order(steps: Array, remainders: Array) -> float:
    """Return the exponent of a power law by least squares on logarithms.

    Examples
    --------
    >>> steps = np.array([0.1, 0.05, 0.025])
    >>> round(fitted_order(steps, 7.0 * steps**3), 12)
    3.0
    """
    if not np.all(remainders > 0.0):
        return math.nan
    centred = np.log(steps) - np.mean(np.log(steps))
    return float(np.sum(centred * np.log(remainders)) / np.sum(centred**2))


def curved_directions(
    point: Point, names: Sequence[str], value: float, generator: np.random.Generator
) -> list[Arrays]:
    """Return the more curved half of some random directions.

    Along a direction of nearly no curvature the remainder is of third order for all steps that
    rise above round-off.  The curvature is measured on E, so that the choice does not favour a
    gradient.
    """

    def curvature(direction: Arrays) -> float:
        step = 2.0**-10
        above = point.value_along(direction, step)
        bend = abs(above - 2.0 * value + point.value_along(direction, -step))
        return bend if math.isfinite(bend) else -1.0

    directions = [random_direction(point, names, generator) for _ in range(2 * TAYLOR_DIRECTIONS)]
    return sorted(directions, key=curvature, reverse=True)[:TAYLOR_DIRECTIONS]


# ---------------------------------------------------------------------------------- the whole test


def check_module(
    module_or_path: ModuleType | str | Path,
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
) -> GradientReport:
    """Draw a point and put an emitted module to all three tests.

    Parameters
    ----------
    module_or_path : ModuleType, str or Path
        The module, or its file.
    sizes : Mapping of str to int, optional
        Sizes to use instead of the default ones, which are small and all different.
    seed : int
        Seed of the point and of the direction.

    Returns
    -------
    GradientReport
        What each test found; `passed` is the verdict.

    Raises
    ------
    VerificationError
        If the module cannot be tested: it does not load, it fails on the drawn arrays, or a
        gradient is missing.

    Examples
    --------
    >>> report = check_module(module_from_source(SMALLEST), {"n": 3})
    >>> report.passed, report.sizes
    (True, {'n': 3})
    """
    if isinstance(module_or_path, ModuleType):
        module = module_or_path
        check_face(module, str(getattr(module, "__file__", None) or module.__name__))
    else:
        module = load_module(module_or_path)
    known = default_sizes(module)
    unknown = [name for name in sizes or {} if name not in known]
    if unknown:
        message = f"the module has no size {', '.join(unknown)}"
        raise VerificationError(message, hint=f"Its sizes are {', '.join(known)}.")
    chosen = {**known, **(sizes or {})}
    params, data = draw_arrays(module, chosen, seed)
    return GradientReport(
        sizes=chosen,
        seed=seed,
        finite_differences=central_differences(module, params, data),
        complex_step=complex_step(module, params, data),
        taylor=taylor_test(module, params, data, seed),
    )
