"""Program → NumPy module: what the template needs, finished."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined, meta

from codegen.options import PLAIN, Options
from codegen.program import LastStep, Program
from codegen.targets.numpy.bodies import backward_lines, forward_lines
from codegen.targets.numpy.functions import HELPERS, source
from codegen.targets.numpy.segments import LENGTH, Segments, public_data, segments
from codegen.targets.numpy.validation import validation_source
from derivations.errors import printable

#: Docstrings of an emitted module are filled to this width.
DOCSTRING_WIDTH = 92


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
    environment = Environment(
        loader=PackageLoader("codegen.targets.numpy"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Python source, not HTML; every string that comes in is made here
    )
    for name in environment.list_templates():
        text, _, _ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
        assert meta.find_undeclared_variables(environment.parse(text)) <= {"module"}
    module = _module(program, tuple(details), options)
    return environment.get_template("module.py.jinja").render(module=module)


def _module(program: Program, details: tuple[str, ...], options: Options) -> Module:
    forward, backward = forward_lines(program), backward_lines(program)
    in_segments = segments(program, options) if program.segmented else None
    called = _called([*forward, *backward])
    data = public_data(program, options)
    axes = [axis for _, group in (*program.parameters, *data) for axis in group]
    constraints = (*program.constraints, *((("lengths", LENGTH),) if options.lengths else ()))
    return Module(
        summary=_filled(f"{program.title}."),
        details="\n\n".join(map(_filled, details)),
        parameters=tuple((name, _tuple(axes)) for name, axes in program.parameters),
        data=tuple((name, _tuple(axes)) for name, axes in data),
        constraints=constraints,
        functions=tuple(source(name) for name in HELPERS if name in called),
        forward=tuple(forward),
        backward=tuple(backward),
        value=(
            f"the inner product with {' and '.join(program.gradients_of_loss)}"
            if program.gradients_of_loss
            else "the loss"
        ),
        summed=_summed_over(program),
        validation=validation_source([rule for _, rule in constraints], axes),
        by="by every parameter, every input and every given state",
        tape="list[Arrays]" if options.checkpoint else "Arrays",
        segments=in_segments,
        clips=options.clip,
    )


def _summed_over(program: Program) -> str:
    at_last = [b for b in program.forward if any(s.target == program.loss for s in b.body)]
    is_last_only = all(isinstance(block, LastStep) for block in at_last)
    if program.mask is not None:
        is_last_only = program.mask.at_last_only
    return "the batch, at the last step" if is_last_only else "steps and batch"


def _filled(text: str) -> str:
    """Break text into lines, and keep a user's title from ending the docstring it stands in."""
    harmless = printable(text).replace("\\", "/").replace('"', "'")
    return textwrap.fill(harmless, DOCSTRING_WIDTH, break_on_hyphens=False)


def _tuple(axes: tuple[str, ...]) -> str:
    return "(" + ", ".join(f'"{axis}"' for axis in axes) + ("," if len(axes) == 1 else "") + ")"


def _called(lines: Iterable[str]) -> set[str]:
    """Return the names of the module's own functions that some lines call."""
    code = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    return {name for name in HELPERS if re.search(rf"\b{name}\(", code)}
