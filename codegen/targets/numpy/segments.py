"""What an emitted module needs to go through a sequence segment by segment."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.options import Options
from codegen.passes.segment import before_the_last, handed_on
from codegen.program import Program
from codegen.targets.numpy.bodies import (
    backward_lines,
    dictionary,
    dtype_lines,
    forward_lines,
    size_lines,
    timed_data,
)


@dataclass(frozen=True)
class Segments:
    """What the template of the segments needs, finished.

    Attributes
    ----------
    timed : str
        The data that tells how many steps there are.
    earlier : tuple of (forward, backward)
        The bodies for all segments but the last one; empty where they are those of the last one.
    first : str
        The states before the first step, as far as they are not among the data.
    first_states : tuple of str
        The body of the function that makes them.
    states : tuple of str
        The body of the function that takes the states out of a tape.
    checkpoint, truncate, stream : bool
        What the module offers.
    """

    timed: str
    earlier: tuple[tuple[list[str], list[str]], ...]
    first: str
    first_states: tuple[str, ...]
    states: tuple[str, ...]
    checkpoint: bool
    truncate: bool
    stream: bool


def public_data(program: Program, options: Options) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return what the caller gives: of a stream, every chunk's first states."""
    hidden = () if options.stream else program.zeros
    return tuple((name, axes) for name, axes in program.data if name not in hidden)


def segments(program: Program, options: Options) -> Segments:
    """Return what the template needs."""
    zeros = () if options.stream else program.zeros
    return Segments(
        timed=timed_data(program),
        earlier=_earlier(program) if options.checkpoint else (),
        first="_first_states(params, data)" if zeros else "{}",
        first_states=tuple(_first_states(program)) if zeros else (),
        states=tuple(_states(program)),
        checkpoint=options.checkpoint,
        truncate=options.truncate,
        stream=options.stream,
    )


def _earlier(program: Program) -> tuple[tuple[list[str], list[str]], ...]:
    """Return the bodies of the segments before the last one, where these have their own."""
    earlier = before_the_last(program)
    if earlier == program:
        return ()
    return ((forward_lines(earlier), backward_lines(earlier)),)


def _states(program: Program) -> list[str]:
    """Take the states after some steps out of a tape, which need not live on for them."""
    entries = [
        (name, f'tape["{array}"][{f"steps + {place}" if place else "steps"}].copy()')
        for name, array, place in handed_on(program)
    ]
    return dictionary("return ", entries)


def _first_states(program: Program) -> list[str]:
    axes = dict(program.data)
    arrays = [array for array in program.arrays if array.given]
    zeros = [(name, f"np.zeros(({', '.join(axes[name])}), dtype)") for name in program.zeros]
    return [
        *size_lines(program, arrays, ()),
        *dtype_lines(program, program.zeros),
        *dictionary("return ", zeros),
    ]


__all__ = ["Segments", "public_data", "segments"]
