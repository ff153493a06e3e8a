"""Program → Program with some of its gradients alone: those that training, or a Jacobian, needs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from codegen.program import Block, Program, loads, statements


def parameters_only(program: Program) -> Program:
    """Return the program that hands out the gradients by parameters alone."""
    return _only(program, {name for name, _ in program.parameters})


def states_only(program: Program) -> Program:
    """Return the program, behind all other passes, with the gradients by given states alone."""
    return _only(program, {name for name, axes in program.data if "T" not in axes})


def _only(program: Program, names: Collection[str]) -> Program:
    kept = tuple((name, target) for name, target in program.gradients if name in names)
    dropped = {target for name, target in program.gradients if name not in names}
    dropped |= {
        stack.name
        for stack in program.stacks
        if stack.of == "gradients" and dropped.issuperset(stack.members)
    }

    def without(block: Block) -> Block:
        return replace(block, body=tuple(s for s in block.body if s.target not in dropped))

    backward = tuple(block for block in map(without, program.backward) if block.body)
    used = {
        name
        for s in statements((*program.forward, *backward))
        for name in (s.target, *(load.name for load in loads(s.value)))
    }
    used |= {array.within for array in program.arrays if array.name in used and array.within}
    return replace(
        program,
        gradients=kept,
        backward=backward,
        initial=tuple(one for one in program.initial if one[0].target not in dropped),
        arrays=tuple(a for a in program.arrays if a.name in used or a.role == "data"),
    )


__all__ = ["parameters_only", "states_only"]
