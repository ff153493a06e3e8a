"""Program → NumPy module: what the template needs, finished."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from codegen.options import PLAIN, Options
from codegen.program import Program
from codegen.targets.face import filled, shown_tuple, summed_over, value_of
from codegen.targets.numpy.bodies import backward_lines, forward_lines
from codegen.targets.numpy.functions import HELPERS, source
from codegen.targets.numpy.segments import LENGTH, Segments, public_data, segments
from codegen.targets.numpy.validation import validation_source
from codegen.targets.templates import render


@dataclass(frozen=True)
class Module:
    """What the template needs, finished: names and strings, no decisions."""

    summary: str
    details: str
    parameters: tuple[tuple[str, str], ...]
    data: tuple[tuple[str, str], ...]
    constraints: tuple[tuple[str, str], ...]
    functions: tuple[str, ...]
    forward: tuple[str, ...]
    backward: tuple[str, ...]
    value: str
    summed: str
    validation: str
    by: str
    tape: str
    segments: Segments | None
    clips: bool


def emit(program: Program, details: Iterable[str] = (), options: Options = PLAIN) -> str:
    """Return the source of a NumPy module that computes a program.

    Parameters
    ----------
    program : Program
    details : iterable of str
        Paragraphs for the head of the file: what made it, from what, how.
    options : Options
        What the module offers besides.

    Raises
    ------
    EmitError
        When no data tells the number of steps.
    """
    module = _module(program, tuple(details), options)
    return render("codegen.targets.numpy", "module.py.jinja", module=module)


def _module(program: Program, details: tuple[str, ...], options: Options) -> Module:
    forward, backward = forward_lines(program), backward_lines(program)
    in_segments = segments(program, options) if program.segmented else None
    called = _called([*forward, *backward])
    data = public_data(program, options)
    axes = [axis for _, group in (*program.parameters, *data) for axis in group]
    constraints = (*program.constraints, *((("lengths", LENGTH),) if options.lengths else ()))
    return Module(
        summary=filled(f"{program.title}."),
        details="\n\n".join(map(filled, details)),
        parameters=tuple((name, shown_tuple(axes)) for name, axes in program.parameters),
        data=tuple((name, shown_tuple(axes)) for name, axes in data),
        constraints=constraints,
        functions=tuple(source(name) for name in HELPERS if name in called),
        forward=tuple(forward),
        backward=tuple(backward),
        value=value_of(program),
        summed=summed_over(program),
        validation=validation_source([rule for _, rule in constraints], axes),
        by="by every parameter, every input and every given state",
        tape="list[Arrays]" if options.checkpoint else "Arrays",
        segments=in_segments,
        clips=options.clip,
    )


def _called(lines: Iterable[str]) -> set[str]:
    """Return the names of the module's own functions that some lines call."""
    code = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    return {name for name in HELPERS if re.search(rf"\b{name}\(", code)}
