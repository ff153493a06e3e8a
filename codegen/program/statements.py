"""Statements, blocks, storage: a whole gradient computation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from codegen.program.expressions import Expression

#: At which steps a statement of a loop is done: at every one, at the last, at all but the last.
Steps: TypeAlias = Literal["every", "last", "earlier"]


@dataclass(frozen=True)
class Assign:
    """Compute a quantity at step t, or add to it.

    Attributes
    ----------
    target : str
        The array.
    value : Expression
    equation : int
        The number of the equation that is computed.
    formula : str
        LaTeX of the equation, for the comment.
    adds : bool
        Whether the value is added to what the target holds.
    steps : str
        At which steps it is done.
    also : tuple of int
        Equations of the same form that it computes, too.
    """

    target: str
    value: Expression
    equation: int
    formula: str
    adds: bool = False
    steps: Steps = "every"
    also: tuple[int, ...] = ()


@dataclass(frozen=True)
class Accumulate:
    """Add the value of every step, or of the last one, to a gradient or to the loss."""

    target: str
    value: Expression
    equation: int
    formula: str
    steps: Steps = "every"
    also: tuple[int, ...] = ()


Statement: TypeAlias = Assign | Accumulate


@dataclass(frozen=True)
class Loop:
    """Statements that are repeated for t = 1 … T, or for t = T … 1."""

    body: tuple[Statement, ...]
    backward: bool


@dataclass(frozen=True)
class AllSteps:
    """Statements that are done for all steps at once, on T · B rows."""

    body: tuple[Statement, ...]


@dataclass(frozen=True)
class LastStep:
    """Statements that are done at step T alone."""

    body: tuple[Statement, ...]


Block: TypeAlias = Loop | AllSteps | LastStep


@dataclass(frozen=True)
class Array:
    """A quantity's storage.

    Attributes
    ----------
    name : str
        Its name in code.
    axes : tuple of str
        The sizes behind time and batch: of a vector one, of a matrix two.
    role : str
        ``data``, ``value`` or ``adjoint``.
    before, after : int
        How many steps before step 1 and behind step T have a place in it, too.
    given : tuple of int
        Which of these steps the caller gives, counted from step 1 (0, −1, …) or from T (1, 2, …).
    at_last_only : bool
        Whether it has no axis of time, and stands for step T.
    starts_at_zero : bool
        Whether the values before and behind the steps are zero, where the caller gives none.
    reads_before : bool
        Whether a step before the first one is read.
    within : str
        The array of which it is a part; empty if it stands alone.
    start, stop : str
        Which part that is, as texts of sizes; empty at an end.
    """

    name: str
    axes: tuple[str, ...]
    role: Literal["data", "value", "adjoint"]
    before: int = 0
    after: int = 0
    given: tuple[int, ...] = ()
    at_last_only: bool = False
    starts_at_zero: bool = False
    reads_before: bool = False
    within: str = ""
    start: str = ""
    stop: str = ""


@dataclass(frozen=True)
class Stack:
    """Arrays beside each other, or weights or gradients below each other, under one name.

    Attributes
    ----------
    name : str
    members : tuple of str
    of : str
        ``arrays``, ``weights`` or ``gradients``.
    """

    name: str
    members: tuple[str, ...]
    of: Literal["arrays", "weights", "gradients"]


@dataclass(frozen=True)
class Mask:
    """Which losses count: made of what the caller gives.

    Attributes
    ----------
    name : str
        The array among the data that the loss of every step is multiplied by; empty where it is
        the given gradients of an unspecified loss that are masked.
    at_last_only : bool
        Whether of all steps, the last one of each sequence counts alone.
    data : tuple of (name, axes)
        What the caller gives instead of the data.
    """

    name: str
    at_last_only: bool
    data: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Program:
    """A gradient computation.

    Attributes
    ----------
    title : str
    loss : str
        The name of the total loss in code.
    parameters : tuple of (name, axes)
    data : tuple of (name, axes)
        What is given, T and B axes included.
    constraints : tuple of (name, constraint)
        Data whose rows sum to one, and integer labels with the size that they stay below.
    arrays : tuple of Array
    forward, backward : tuple of Block
    initial : tuple of (statement, step)
        The gradients by the given values before the first step (0, −1, …) or behind the last one
        (1, 2, …), computed after the loops.
    gradients : tuple of (name, source)
        What `backward` returns: the name of the parameter or the data, and the array that holds it.
    gradients_of_loss : tuple of str
        The data arrays that hold ∂E_t/∂ŷ_t where the loss is unspecified.
    stacks : tuple of Stack
        What lies side by side in memory, so that one statement does for all of it.
    in_place : bool
        Whether loops write where a result belongs, and hold what is between in buffers.
    segmented : bool
        Whether the steps are a segment of a longer sequence: see `codegen.passes.segment`.
    zeros : tuple of str
        Of the data of a segment, the states that are zero before the first step of all.
    mask : Mask or None
        Which losses count, where not all of them do.
    """

    title: str
    loss: str
    parameters: tuple[tuple[str, tuple[str, ...]], ...]
    data: tuple[tuple[str, tuple[str, ...]], ...]
    constraints: tuple[tuple[str, str], ...]
    arrays: tuple[Array, ...]
    forward: tuple[Block, ...]
    backward: tuple[Block, ...]
    initial: tuple[tuple[Assign, int], ...]
    gradients: tuple[tuple[str, str], ...]
    gradients_of_loss: tuple[str, ...] = ()
    stacks: tuple[Stack, ...] = ()
    in_place: bool = False
    segmented: bool = False
    zeros: tuple[str, ...] = ()
    mask: Mask | None = None

    @property
    def backward_statements(self) -> tuple[Statement, ...]:
        """The statements of the way back, and behind them those of gradients by given values."""
        return (*statements(self.backward), *(statement for statement, _ in self.initial))

    @property
    def names(self) -> frozenset[str]:
        """Every name that stands for an array or for a size."""
        given = (*self.parameters, *self.data)
        sizes = re.findall(r"[A-Za-z]\w*", " ".join(size for _, axes in given for size in axes))
        held = (target for _, target in self.gradients)
        arrays = (array.name for array in self.arrays)
        return frozenset({*(name for name, _ in given), *sizes, *held, *arrays})

    def weight_axes(self, name: str) -> tuple[str, ...]:
        """Return the axes of a weight, or of weights below each other."""
        axes = dict(self.parameters)
        stack = next((s for s in self.stacks if s.name == name and s.of == "weights"), None)
        if stack is None:
            return axes[name]
        return (
            " + ".join(axes[member][0] for member in stack.members),
            *axes[stack.members[0]][1:],
        )

    def target_axes(self, name: str) -> tuple[str, ...]:
        """Return the sizes, behind time and batch, of what a statement writes."""
        found = next((array for array in self.arrays if array.name == name), None)
        if found is not None:
            return found.axes
        stack = next((s for s in self.stacks if s.name == name and s.of == "gradients"), None)
        if stack is not None:
            first, *others = (self.target_axes(member) for member in stack.members)
            return (" + ".join(axes[0] for axes in (first, *others)), *first[1:])
        by = next(by for by, target in self.gradients if target == name)
        axes = dict((*self.parameters, *self.data))[by]
        return tuple(axis for axis in axes if axis not in ("T", "B"))

    def members(self, name: str) -> tuple[str, ...]:
        """Return what an array holds: others that stand in it, or itself."""
        found = next((s for s in self.stacks if s.name == name and s.of == "arrays"), None)
        return (name,) if found is None else found.members

    def array(self, name: str) -> Array:
        """Return the storage of a quantity."""
        return next(array for array in self.arrays if array.name == name)


def statements(blocks: Iterable[Block]) -> Iterator[Statement]:
    """Yield the statements of blocks, in their order."""
    for block in blocks:
        yield from block.body


def is_summed_once(blocks: Iterable[Block], target: str) -> bool:
    """Tell whether one statement outside of all loops computes a whole sum."""
    found = [block for block in blocks for s in block.body if s.target == target]
    return len(found) == 1 and not isinstance(found[0], Loop)
