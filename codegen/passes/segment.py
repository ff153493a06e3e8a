"""Program → Program for a segment: some neighbouring steps of a longer sequence.

What a segment needs of the steps around it are a few rows: the states before its first step, which
are the checkpoint from which it can be computed, and, on the way back, the rows behind its last
step, which are the first ones of the segment after it. With these, a sequence can be computed
segment by segment: all of it in the memory of one (Chen, Xu, Zhang, Guestrin, Training deep nets
with sublinear memory cost, 2016), or a part of it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from codegen.program import (
    AllSteps,
    Array,
    Block,
    LastStep,
    Loop,
    Program,
    Statement,
    loads,
    statements,
)
from codegen.storage import name_at
from derivations.errors import EmitError


def segment(program: Program) -> Program:
    """Return the program of a segment: every state before its first step is given.

    Raises
    ------
    EmitError
        When a recurrence runs from the last step to the first.

    Examples
    --------
    >>> from codegen.lower import lower
    >>> from derivations import Model, derive
    >>> model = Model.read("h_t = tanh(W h_{t-1} + U x_t)\\nh_0 = 0\\nE_t depends on h_t")
    >>> segment(lower(derive(model))).zeros
    ('h_0',)
    """
    steps = statements(program.forward)
    ahead = {load.name: None for s in steps for load in loads(s.value) if load.shift > 0}
    if ahead:
        raise EmitError(
            f"{program.title}: {' and '.join(ahead)} cannot be computed before later steps are, so "
            "that there is no segment to begin with, and no sequence can end early.",
            hint="Leave the option out, or let every equation look back.",
        )
    zeros = {
        name_at(array.name, -distance): ("B", *array.axes)
        for array in program.arrays
        if _is_zero_at_first(array)
        for distance in range(array.before)
    }
    taken = sorted(program.names & zeros.keys())
    if taken:
        raise EmitError(
            f"{taken[0]} is a name of the model, and would be that of a state before a segment.",
            hint="Choose another name.",
        )
    return replace(
        program,
        data=(*program.data, *zeros.items()),
        arrays=tuple(map(_with_given_states, _with_room_behind(program))),
        segmented=True,
        zeros=tuple(zeros),
    )


def _is_zero_at_first(array: Array) -> bool:
    return array.role == "value" and array.starts_at_zero


def _with_given_states(array: Array) -> Array:
    if not _is_zero_at_first(array):
        return array
    given = tuple(-distance for distance in range(array.before))
    return replace(array, given=given, starts_at_zero=False)


def _with_room_behind(program: Program) -> list[Array]:
    """Return the arrays with room for what all but the last step read, at the last one, too.

    For in a segment that is not the last one, they all do.
    """
    after: dict[str, int] = {}
    for statement in statements(program.backward):
        for load in loads(statement.value):
            after[load.name] = max(after.get(load.name, 0), load.shift)
    return [
        replace(array, after=max(array.after, after.get(array.name, 0))) for array in program.arrays
    ]


def handed_on(program: Program) -> tuple[tuple[str, str, int], ...]:
    """Return the states that a segment hands to the next one.

    Each with its name among the data, its array, and the place in it where, counted from the
    steps that have been done, the state stands.

    Examples
    --------
    >>> from codegen.lower import lower
    >>> from derivations import cell, derive
    >>> handed_on(segment(lower(derive(cell("two-lag")))))
    (('h_0', 'h', 1), ('h_minus_1', 'h', 0))
    """
    return tuple(
        (name_at(array.name, distance), array.name, distance + array.before - 1)
        for array in program.arrays
        for distance in array.given
    )


def handed_back(program: Program, used: Collection[str]) -> tuple[Array, ...]:
    """Return the arrays of which a segment needs the first rows of the next one, on the way back.

    They are whole: an array that stands in another one comes with it. `used` are the arrays that
    the way back reads or writes.
    """
    wholes = {array.within or array.name for array in program.arrays if array.name in used}
    return tuple(array for array in program.arrays if array.after and array.name in wholes)


def before_the_last(program: Program) -> Program:
    """Return the program of a segment that is not the last one.

    What the last step alone does is not done there, and what all others do is done at every step.

    Examples
    --------
    >>> from codegen.lower import lower
    >>> from derivations import cell, derive
    >>> program = segment(lower(derive(cell("rnn-last"))))
    >>> [len(one.forward) for one in (program, before_the_last(program))]
    [2, 1]
    """

    def blocks(found: tuple[Block, ...]) -> tuple[Block, ...]:
        kept = (_at_every_step(block) for block in found if not isinstance(block, LastStep))
        return tuple(block for block in kept if block.body)

    forward, backward = blocks(program.forward), blocks(program.backward)
    targets = {statement.target for statement in statements((*forward, *backward))}
    return replace(
        program,
        forward=forward,
        backward=backward,
        stacks=tuple(s for s in program.stacks if s.of != "gradients" or s.name in targets),
    )


def _at_every_step(block: Loop | AllSteps) -> Block:
    """Return a block without what the last step alone does."""
    kept: list[Statement] = [
        replace(statement, steps="every") for statement in block.body if statement.steps != "last"
    ]
    return replace(block, body=tuple(kept))


__all__ = ["before_the_last", "handed_back", "handed_on", "segment"]
