"""Where a quantity of a step lies in memory: the pointer to its rows, and the way between them."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.program import Array, Load, Program
from codegen.targets.c.names import c_name, product, size


@dataclass(frozen=True)
class Step:
    """What t is: a variable, the last step, or a number; and how many rows are meant from there on.

    Attributes
    ----------
    origin : str
        ``t``, ``T``, or empty for a number.
    distance : int
        What is added to it, or the number.
    rows : str
        How many rows: ``B``, or those of all steps.
    """

    origin: str
    distance: int
    rows: str

    def index(self, offset: int) -> str:
        """Return the place of a step in an array, which `offset` tells from the number t."""
        total = self.distance + offset
        if not self.origin:
            return str(total)
        if not total:
            return self.origin
        return f"{self.origin} {'+' if total > 0 else '-'} {abs(total)}"


LOOP = Step("t", 0, "B")
LAST = Step("T", 0, "B")
ALL = Step("", 1, "T * B")
EARLIER = Step("", 1, "(T - 1) * B")


@dataclass(frozen=True)
class Place:
    """Rows in memory.

    Attributes
    ----------
    base : str
        The pointer that all of them are counted from.
    step : str
        How many steps lie before the first of them; empty where there is no axis of time.
    stride : str
        How far a row is from the next.
    start : str
        How many entries of a row stand before its own.
    """

    base: str
    step: str
    stride: str
    start: str = ""

    def pointer(self, row: str = "") -> str:
        """Return the pointer to the first row, or to another one.

        Examples
        --------
        >>> Place("at.a", "t - 1", "4 * n", "n").pointer("row")
        'at.a + ((t - 1) * B + row) * 4 * n + n'
        >>> Place("at.h", "0", "n").pointer()
        'at.h'
        """
        before = [] if self.step in ("", "0") else [self.step, "B"]
        if row:
            before = [" + ".join([product(*before), row] if before else [row])]
        terms = [self.base, product(*before, self.stride) if before else "", self.start]
        return " + ".join(term for term in terms if term)


class Places:
    """Where the quantities of a program lie."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._arrays = {array.name: array for array in program.arrays}
        self._results = {target: name for name, target in program.gradients}

    def is_result(self, name: str) -> bool:
        """Tell whether an array is the caller's: a gradient by data, which nothing reads."""
        return name in self._results

    def of(self, name: str, step: Step, shift: int = 0) -> Place:
        """Return the place of what a name stands for at a step."""
        array = self._arrays.get(name)
        if array is None:  # a gradient by a parameter, or by a given value
            axes = self.program.target_axes(name)
            return Place(self._result(name), "", product(*map(size, axes)))
        stride = product(*map(size, array.axes))
        start, base = "", self._base(array)
        if array.within and array.within != array.name:
            whole = self._arrays[array.within]
            stride, start = product(*map(size, whole.axes)), size(array.start)
            base = self._base(whole)
        if array.at_last_only:
            return Place(base, "", stride, start)
        before = 0 if self.is_result(name) else array.before
        return Place(base, step.index(shift + before - 1), stride, start)

    def _base(self, array: Array) -> str:
        if self.is_result(array.name):
            return self._result(array.name)
        is_copied = bool(array.before or array.after)
        holder = "data->" if array.role == "data" and not is_copied else "at."
        return f"{holder}{c_name(array.name)}"

    def _result(self, target: str) -> str:
        if any(stack.name == target for stack in self.program.stacks):
            return f"at.{c_name(target)}"
        return f"gradients->{c_name(self._results[target])}"


def pointer_name(load: Load) -> str:
    """Return what the pointer to a row of a quantity is called.

    Examples
    --------
    >>> pointer_name(Load("h", -1)), pointer_name(Load("c"))
    ('h_t_minus_1', 'c_t')
    """
    if not load.shift:
        return f"{load.name}_t"
    return f"{load.name}_t_{'plus' if load.shift > 0 else 'minus'}_{abs(load.shift)}"


__all__ = ["ALL", "EARLIER", "LAST", "LOOP", "Place", "Places", "Step", "pointer_name"]
