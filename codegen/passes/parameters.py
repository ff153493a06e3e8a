"""Program → Program without the gradients by data and given states, which training needs not."""

from __future__ import annotations

from dataclasses import replace

from codegen.program import Block, Program, loads, statements


def parameters_only(program: Program) -> Program:
    """Return the program that hands out the gradients by parameters alone."""
    names = {name for name, _ in program.parameters}
    kept = tuple((name, target) for name, target in program.gradients if name in names)
    dropped = {target for name, target in program.gradients if name not in names}

    def without(block: Block) -> Block:
        return replace(block, body=tuple(s for s in block.body if s.target not in dropped))

    backward = tuple(block for block in map(without, program.backward) if block.body)
    used = {
        name
        for s in statements((*program.forward, *backward))
        for name in (s.target, *(load.name for load in loads(s.value)))
    }
    return replace(
        program,
        gradients=kept,
        backward=backward,
        initial=(),
        arrays=tuple(a for a in program.arrays if a.name in used or a.role == "data"),
    )


__all__ = ["parameters_only"]
