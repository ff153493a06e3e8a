"""An emitted module under test: loading it, its face, calling it, drawing arrays for it."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from itertools import chain, count
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derivations.errors import VerificationError

#: How a constraint on integer labels begins; the size that they stay below follows.
LABEL = "label below "
#: How a constraint on numbers of steps begins; the size that they do not exceed follows.
LENGTH = "length up to "

Array = NDArray[Any]
Arrays = dict[str, Array]


def load_module(path: str | Path) -> ModuleType:
    """Load an emitted module from a file, past every cache: it may just have been written anew.

    Examples
    --------
    >>> load_module("nowhere.py")
    Traceback (most recent call last):
    ...
    derivations.errors.VerificationError: cannot read nowhere.py: No such file or directory
    """
    try:
        source = Path(path).read_bytes()
    except OSError as error:
        raise VerificationError(f"cannot read {path}: {error.strerror}") from error
    return module_from_source(source, str(path))


def module_from_source(source: str | bytes, filename: str = "<emitted>") -> ModuleType:
    """Make a module of the text of an emitted module."""
    module = ModuleType("<emitted>")
    module.__file__ = filename
    # Dataclasses look their module up while they are defined; afterwards nobody needs the entry.
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, filename, "exec", dont_inherit=True), module.__dict__)
    except (Exception, SystemExit) as error:
        message = f"{filename} fails on import: {type(error).__name__}: {error}"
        raise VerificationError(message) from error
    finally:
        del sys.modules[module.__name__]
    return module


def check_face(module: ModuleType) -> None:
    """Raise a VerificationError that names what the module lacks.

    Examples
    --------
    >>> check_face(module_from_source("PARAMS = {}"))
    Traceback (most recent call last):
    ...
    derivations.errors.VerificationError: <emitted> has no DATA and no value_and_grad
    """
    filename = getattr(module, "__file__", None) or module.__name__
    face = ("PARAMS", "DATA", "value_and_grad")
    missing = [name for name in face if not hasattr(module, name)]
    if missing:
        raise VerificationError(f"{filename} has no {' and no '.join(missing)}")
    for table in ("PARAMS", "DATA"):
        shapes = getattr(module, table)
        if not isinstance(shapes, Mapping) or not all(
            isinstance(shape, tuple) and all(isinstance(size, str) for size in shape)
            for shape in shapes.values()
        ):
            message = f"{table} in {filename} does not map names to tuples of size names"
            raise VerificationError(message, hint=f'Expected e.g. {table} = {{"W": ("n", "m")}}.')
    for name in module.PARAMS:
        if name in module.DATA:
            raise VerificationError(f"{name} in {filename} stands in PARAMS and in DATA")
    for name, constraint in constraints(module).items():
        is_known = constraint == "one-hot" or constraint.startswith((LABEL, LENGTH))
        if not is_known or not module.DATA.get(name):
            message = f"CONSTRAINTS in {filename} says {constraint!r} of {name}"
            hint = 'Known are "one-hot", "label below q", "length up to T", for arrays of DATA.'
            raise VerificationError(message, hint=hint)


def constraints(module: ModuleType) -> Mapping[str, str]:
    """Return the constraints of the data arrays; a module without any need not say so."""
    found: Mapping[str, str] = getattr(module, "CONSTRAINTS", {})
    return found


def value_and_gradients(module: ModuleType, params: Arrays, data: Arrays) -> tuple[float, Arrays]:
    """Call the module and check the form of what it returns, not the numbers."""
    # A NaN is the comparison's business; under `-W error` it must not raise on its way there.
    with np.errstate(all="ignore"):
        try:
            value, gradients = module.value_and_grad(params, data)
        except Exception as error:
            message = f"value_and_grad fails on drawn arrays: {type(error).__name__}: {error}"
            raise VerificationError(message) from error
    missing = [name for name in module.PARAMS if name not in gradients]
    if missing:
        raise VerificationError(f"value_and_grad returns no gradient of {', '.join(missing)}")
    arrays = {**params, **data}
    for name in gradients:
        if name not in arrays or name in constraints(module):
            reason = "not free to move" if name in arrays else "not in PARAMS or DATA"
            message = f"value_and_grad returns a gradient of {name}, which is {reason}"
            raise VerificationError(message)
        gradient = np.asarray(gradients[name])
        if gradient.shape != arrays[name].shape or gradient.dtype.kind not in "fiu":
            raise VerificationError(
                f"the gradient of {name} has shape {gradient.shape} and dtype {gradient.dtype}",
                hint=f"Expected real numbers in the shape of {name}, {arrays[name].shape}.",
            )
    # In the order of PARAMS and DATA, so that the report does not depend on the module's own.
    return float(value), {
        name: np.asarray(gradients[name], np.float64) for name in arrays if name in gradients
    }


def default_sizes(module: ModuleType) -> dict[str, int]:
    """Return small sizes that are all different, so that no wrong transpose can hide."""
    shapes = [*module.PARAMS.values(), *module.DATA.values()]
    names = dict.fromkeys(
        name for shape in shapes for size in shape for name in re.findall(r"[A-Za-z_]\w*", size)
    )
    fixed = {"T": 4, "B": 3}
    free = chain([2], count(5))
    return {name: fixed.get(name) or next(free) for name in names}


def length(size: str, sizes: Mapping[str, int]) -> int:
    """Return the length of an axis, which may be a sum of sizes; 0 where one is not known.

    Examples
    --------
    >>> length("m + 2 * n", {"m": 3, "n": 2})
    7
    """
    terms = [term.split(" * ") for term in size.split(" + ")]
    return sum(math.prod(int(f) if f.isdecimal() else sizes.get(f, 0) for f in t) for t in terms)


def draw_arrays(module: ModuleType, sizes: Mapping[str, int], seed: int) -> Arrays:
    """Draw float64 parameters and data for a module.

    Parameters are normal with deviation 1 / √(fan in), where the fan in of a matrix is the number
    of its columns, and of anything else 1.  Data are standard normal, random unit rows where the
    module says "one-hot", and integers where it says "label" or "length".
    """
    generator = np.random.default_rng(seed)
    arrays: Arrays = {}
    for name, symbols in {**module.PARAMS, **module.DATA}.items():
        shape = tuple(length(size, sizes) for size in symbols)
        if not all(size >= 1 for size in shape):
            message = f"the shape ({', '.join(symbols)}) of {name} needs positive sizes"
            raise VerificationError(message, hint=f"Sizes given: {dict(sizes)}.")
        constraint = constraints(module).get(name, "")
        if constraint.startswith(LABEL):
            count = length(constraint.removeprefix(LABEL), sizes)
            arrays[name] = np.asarray(generator.integers(count, size=shape))
        elif constraint.startswith(LENGTH):
            longest = length(constraint.removeprefix(LENGTH), sizes)
            arrays[name] = np.asarray(generator.integers(1, longest + 1, size=shape))
        elif constraint:
            arrays[name] = np.eye(shape[-1])[generator.integers(shape[-1], size=shape[:-1])]
        else:
            fan_in = shape[1] if name in module.PARAMS and len(shape) == 2 else 1
            arrays[name] = np.asarray(generator.standard_normal(shape)) / math.sqrt(fan_in)
    return arrays
