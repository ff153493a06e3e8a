"""What an emitted module needs to go through a sequence segment by segment."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.options import Options
from codegen.passes.segment import before_the_last, handed_on
from codegen.program import Program
from codegen.targets.numpy.bodies import (
    backward_lines,
    dictionary,
    forward_lines,
    size_lines,
    timed_data,
)
from derivations.errors import EmitError

#: The constraint on how many steps each sequence has.
LENGTH = "length up to T"
Data = tuple[tuple[str, tuple[str, ...]], ...]


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
    data : tuple of str
        The body of the function that takes a segment out of the data.
    states : tuple of str
        The body of the function that takes the states out of a tape.
    checkpoint, truncate, stream : bool
        What the module offers.
    """

    timed: str
    earlier: tuple[tuple[list[str], list[str]], ...]
    first: str
    first_states: tuple[str, ...]
    data: tuple[str, ...]
    states: tuple[str, ...]
    checkpoint: bool
    truncate: bool
    stream: bool


def public_data(program: Program, options: Options) -> Data:
    """Return what the caller gives: of a stream, the states before every chunk, too.

    Raises
    ------
    EmitError
        When something else is called lengths.
    """
    if options.lengths and "lengths" in program.names:
        raise EmitError(
            "The name lengths would stand for two things in the code.",
            hint="It says how many steps each sequence has: choose another name in the text.",
        )
    data = program.data if program.mask is None else program.mask.data
    found = [(name, axes) for name, axes in data if name not in program.zeros]
    if options.stream:
        found += [(name, axes) for name, axes in program.data if name in program.zeros]
    return (*found, *((("lengths", ("B",)),) if options.lengths else ()))


def segments(program: Program, options: Options) -> Segments:
    """Return what the template needs."""
    zeros = () if options.stream else program.zeros
    data = public_data(program, options)
    return Segments(
        timed=timed_data(data),
        earlier=_earlier(program) if options.checkpoint else (),
        first="_first_states(params, data)" if zeros else "{}",
        first_states=tuple(_first_states(program, data)) if zeros else (),
        data=tuple(_data(program, data, options)),
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


def _data(program: Program, data: Data, options: Options) -> list[str]:
    """Take a segment out of the data, with the mask that says which of its losses count."""
    timed, mask = timed_data(data), program.mask
    lines = []
    if mask is not None:
        lines.append("t = np.arange(start + 1, stop + 1)[:, None]")
        end = f'len(data["{timed}"])'
        if options.lengths:
            end = 'data["lengths"]'
            lines.append(f"lasts = t <= {end}")
        conditions = [f"t == {end}"] if mask.at_last_only else ["lasts"] * options.lengths
        conditions += ["t > counted"] if options.truncate else []
        brackets = "({})" if len(conditions) > 1 else "{}"
        counts = " & ".join(c if c == "lasts" else brackets.format(c) for c in conditions)
        if not options.lengths:
            lines.append(f'shape = data["{timed}"][start:stop].shape[:2]')
            counts = f"np.broadcast_to({counts}, shape)"
        lines.append(f"counts = {counts}")
    steps = dict(program.data)
    lines.append("return {")
    for name, axes in data:
        if name != "lengths":
            lines.append(f'    "{name}": {_array(program, name, axes, steps[name], options)},')
    if mask is not None and mask.name:
        lines.append(f'    "{mask.name}": counts[..., None],')
    return [*lines, "    **states,", "}"]


def _array(
    program: Program, name: str, axes: tuple[str, ...], needed: tuple[str, ...], options: Options
) -> str:
    """Return one of the data for the steps of a segment.

    What lies behind the end of a sequence may be anything, and gives way to its first step.
    """
    whole = f'data["{name}"]'
    if needed[0] != "T":
        return whole
    is_timed = axes[0] == "T"
    array = f"{whole}[start:stop]" if is_timed else whole
    inner = "[..., None]" * (len(needed) - 2)
    if program.mask is not None and name in program.gradients_of_loss:
        return f"np.where(counts{inner}, {array}, 0)"
    if not is_timed:
        return f"np.broadcast_to({whole}, (stop - start, *{whole}.shape))"
    return f"np.where(lasts{inner}, {array}, {whole}[0])" if options.lengths else array


def _states(program: Program) -> list[str]:
    """Take the states after some steps out of a tape, which need not live on for them."""
    entries = [
        (name, f'tape["{array}"][{f"steps + {place}" if place else "steps"}].copy()')
        for name, array, place in handed_on(program)
    ]
    return dictionary("return ", entries)


def _first_states(program: Program, data: Data) -> list[str]:
    axes = dict(program.data)
    arrays = [array for array in program.arrays if array.given]
    integers = {"lengths", *(n for n, rule in program.constraints if rule.startswith("label"))}
    floats = [f'data["{name}"]' for name, _ in data if name not in integers]
    zeros = [(name, f"np.zeros(({', '.join(axes[name])}), dtype)") for name in program.zeros]
    return [
        *size_lines(program, arrays, ()),
        f"dtype = np.result_type({', '.join(['*params.values()', *floats])})",
        *dictionary("return ", zeros),
    ]


__all__ = ["LENGTH", "Segments", "public_data", "segments"]
