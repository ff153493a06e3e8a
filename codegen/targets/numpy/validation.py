"""The part of an emitted module that checks its arguments, with what a model needs of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HEAD = '''
def _validate(params: Arrays, data: Arrays) -> None:
    """Raise a ValueError that names the array, what came and what was expected."""
    sizes: dict[str, int] = {}
    for kind, arrays, expected in (("params", params, PARAMS), ("data", data, DATA)):
        if set(arrays) != set(expected):
            raise ValueError(f"{kind} has {sorted(arrays)}; {sorted(expected)} were expected")
        for name, axes in expected.items():
            _validate_array(f"{kind}[{name!r}]", arrays[name], axes, sizes)
'''
_HEAD_WITH_LABELS = _HEAD.replace(
    '            _validate_array(f"{kind}[{name!r}]", arrays[name], axes, sizes)\n',
    '            is_label = CONSTRAINTS.get(name, "").startswith("label")\n'
    "            numbers = np.integer if is_label else np.floating\n"
    '            _validate_array(f"{kind}[{name!r}]", arrays[name], axes, sizes, numbers)\n',
)
_SUMS = """    for axis, length in sizes.items():
        if length != _length(axis, sizes):
            raise ValueError(f"{axis} is {length}; {_length(axis, sizes)} was expected of {sizes}")
"""
_ONE_HOT = """    for name, constraint in CONSTRAINTS.items():
        if constraint == "one-hot" and not np.allclose(data[name].sum(axis=-1), 1, atol=1e-4):
            raise ValueError(f"data[{name!r}]: each row was expected to sum to one")
"""
_LABELS = """    for name, constraint in CONSTRAINTS.items():
        if constraint.startswith("label below "):
            count = _length(constraint.removeprefix("label below "), sizes)
            if data[name].min() < 0 or data[name].max() >= count:
                raise ValueError(f"data[{name!r}] has labels outside of 0 to {count - 1}")
"""
_EACH = "    for name, constraint in CONSTRAINTS.items():\n"
_LENGTHS = """    if data["lengths"].min() < 1 or data["lengths"].max() > sizes["T"]:
        raise ValueError(f"data['lengths'] has lengths outside of 1 to T, which is {sizes['T']}")
"""
_WITHIN = '''

def _within(data: Arrays, name: str) -> np.ndarray:
    """Return the rows of the steps that the sequences have."""
    if DATA[name][0] != "T":
        return data[name]
    return data[name][np.arange(len(data[name]))[:, None] < data["lengths"]]
'''
_ARRAY = """

def _validate_array(
    label: str, array: np.ndarray, axes: tuple[str, ...], sizes: dict[str, int]
) -> None:
    if not isinstance(array, np.ndarray) or not np.issubdtype(array.dtype, np.floating):
        came = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{label} is {came}; an array of floats was expected")
    shape = ", ".join(f"{axis}={sizes[axis]}" if axis in sizes else axis for axis in axes)
    known = dict(sizes)
    for axis, length in zip(axes, array.shape, strict=False):
        known.setdefault(axis, int(axis) if axis.isdigit() else length)
    if array.ndim != len(axes) or array.shape != tuple(known[axis] for axis in axes):
        raise ValueError(f"{label} has shape {array.shape}; ({shape}) was expected")
    if 0 in array.shape:
        raise ValueError(f"{label} has shape {array.shape}; every size must be at least 1")
    if not np.isfinite(array).all():
        raise ValueError(f"{label} has entries that are not finite; finite ones were expected")
    sizes.update(known)
"""
_ARRAY_WITH_LABELS = (
    _ARRAY.replace(
        """def _validate_array(
    label: str, array: np.ndarray, axes: tuple[str, ...], sizes: dict[str, int]
) -> None:
""",
        """def _validate_array(
    label: str, array: np.ndarray, axes: tuple[str, ...], sizes: dict[str, int], numbers: type
) -> None:
""",
    )
    .replace("np.issubdtype(array.dtype, np.floating)", "np.issubdtype(array.dtype, numbers)")
    .replace(
        "an array of floats was expected", "an array of {numbers.__name__} numbers was expected"
    )
)
_LENGTH = '''

def _length(axis: str, sizes: dict[str, int]) -> int:
    """Return what an axis such as "m + n" comes to."""
    terms = (term.split(" * ") for term in axis.split(" + "))
    return sum(int(np.prod([sizes.get(f) or int(f) for f in term])) for term in terms)
'''


def validation_source(constraints: Sequence[str], axes: Sequence[str]) -> str:
    """Return the functions that check the arguments of a module.

    Parameters
    ----------
    constraints : sequence of str
        ``one-hot``, ``label below q`` or ``length up to T``.
    axes : sequence of str
        The names of all axes; some may be sums of others.

    Examples
    --------
    >>> "np.integer" in validation_source(["label below q"], ["T", "B", "q"])
    True
    """
    has_labels = any(rule.startswith("label") for rule in constraints)
    has_lengths = any(rule.startswith("length") for rule in constraints)
    has_integers = has_labels or has_lengths
    has_sums = any(" " in axis for axis in axes)
    has_one_hot = "one-hot" in constraints
    parts = [_HEAD_WITH_LABELS if has_integers else _HEAD]
    parts += [_SUMS] if has_sums else []
    parts += [_LENGTHS] if has_lengths else []
    parts += [_ONE_HOT] if has_one_hot else []
    parts += [_LABELS] if has_labels else []
    parts += [_ARRAY_WITH_LABELS if has_integers else _ARRAY]
    parts += [_LENGTH] if has_sums or has_labels else []
    if has_lengths:
        parts = [
            part.replace('"label")', '("label", "length"))').replace("is_label", "is_integer")
            for part in parts
        ]
        if has_one_hot or has_labels:
            parts = [_of_the_steps_there_are(part) for part in parts] + [_WITHIN]
    return "".join(parts).strip()


def _of_the_steps_there_are(part: str) -> str:
    """Leave out what lies behind the end of a sequence, which may be anything."""
    part = part.replace(_EACH, f"{_EACH}        rows = _within(data, name)\n")
    return re.sub(r"data\[name\]\.(sum|min|max)", r"rows.\1", part)
