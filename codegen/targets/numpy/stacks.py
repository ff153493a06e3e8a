"""What lies side by side, in NumPy: weights put together once, arrays as views of one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from codegen.program import Array, Program, Stack
from codegen.sizes import sum_of_sizes
from codegen.targets.numpy.printer import slice_of


def stack_of(program: Program, name: str) -> Stack | None:
    """Return the stack of weights or of gradients that a name is a member of or stands for."""
    return next((s for s in program.stacks if name == s.name and s.of != "arrays"), None)


def weights_needed(program: Program, used: Collection[str]) -> list[str]:
    """Return the parameters that some weights are made of, in the order of the parameters."""
    needed = {
        member
        for name in used
        for found in [stack_of(program, name)]
        for member in (found.members if found is not None else (name,))
    }
    return [name for name, _ in program.parameters if name in needed]


def packed_weights(program: Program, used: Collection[str]) -> list[str]:
    """Return the lines that put weights below each other."""
    return [
        f"{stack.name} = np.concatenate([{', '.join(stack.members)}])"
        for stack in program.stacks
        if stack.of == "weights" and stack.name in used
    ]


def stored_alone(arrays: Sequence[Array]) -> list[Array]:
    return [array for array in arrays if not array.within]


def views(arrays: Sequence[Array], used: Collection[str]) -> list[str]:
    """Return the lines that name parts of arrays."""
    return [
        f"{array.name} = {array.within}[..., {slice_of(array.start, array.stop)}]"
        for array in arrays
        if array.within and array.within != array.name and array.name in used
    ]


def part_of_a_gradient(program: Program, target: str) -> str:
    """Return what holds a gradient: its own array, or some rows of one that holds several."""
    stack = next((s for s in program.stacks if s.of == "gradients" and target in s.members), None)
    if stack is None:
        return target
    targets = dict(program.gradients)
    lengths = {targets[name]: axes[0] for name, axes in program.parameters}
    before = [lengths[member] for member in stack.members[: stack.members.index(target)]]
    start, stop = sum_of_sizes(before), sum_of_sizes([*before, lengths[target]])
    is_last = target == stack.members[-1]
    return f"{stack.name}[{slice_of(start, '' if is_last else stop)}]"
