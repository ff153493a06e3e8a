"""Program → C99: what the templates of the header and of the source need, finished."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from codegen.program import Program, statements
from codegen.targets.c.functions import sources
from codegen.targets.c.groups import variables
from codegen.targets.c.lines import BARRIER, Writer, without_comments
from codegen.targets.c.names import c_name, product, size
from codegen.targets.c.packing import Packed, packed_of
from codegen.targets.c.places import Places
from codegen.targets.c.workspace import (
    arrays,
    copied_data,
    copies_beyond,
    given_values,
    stacked_weights,
    summed_once,
    unstacked_gradients,
    zero_adjoints,
    zero_sums,
)
from codegen.targets.face import filled, shown_tuple, summed_over, value_of
from codegen.targets.numpy.validation import validation_source
from codegen.targets.templates import render
from derivations.errors import EmitError, printable

#: Comments of an emitted file are filled to this width.
COMMENT_WIDTH = 92
_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Member:
    """A pointer of a structure: what it is called, what it points at, and the shape of that."""

    name: str
    type: str
    shape: str


@dataclass(frozen=True)
class Function:
    """The body of an emitted function."""

    sizes: tuple[str, ...]
    unused: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """What the templates need, finished: names and strings, no decisions."""

    name: str
    prefix: str
    head: tuple[str, ...]
    value: str
    sizes: tuple[str, ...]
    sizes_of_labels: tuple[str, ...]
    sizes_of_matrices: tuple[str, ...]
    parameters: tuple[Member, ...]
    data: tuple[Member, ...]
    gradients: tuple[Member, ...]
    labels: tuple[tuple[str, str, str], ...]
    arrays: tuple[tuple[str, str], ...]
    widths: tuple[str, ...]
    matrices: tuple[str, ...]
    functions: tuple[str, ...]
    forward: Function
    backward: Function


@dataclass(frozen=True)
class Binding:
    """What the template of the Python binding needs."""

    name: str
    summary: str
    details: str
    parameters: tuple[tuple[str, str], ...]
    data: tuple[tuple[str, str], ...]
    constraints: tuple[tuple[str, str], ...]
    gradients: tuple[str, ...]
    sizes: str
    value: str
    summed: str
    validation: str


def emit(program: Program, name: str, details: Iterable[str] = ()) -> dict[str, str]:
    """Return the header, the source and the Python binding of a program in C99, by file name.

    Parameters
    ----------
    program : Program
        With a statement for everything that is not done entry by entry.
    name : str
        What the functions' names begin with.
    details : iterable of str
        Paragraphs for the head of both files.

    Raises
    ------
    UnsupportedError
        When something in it has no C yet.
    """
    head = tuple(details)
    values = {"source": _source(program, name, head), "binding": _binding(program, name, head)}
    files = {f"{name}.h": "model.h", f"{name}.c": "model.c", f"{name}.py": "binding.py"}
    return {
        file: render("codegen.targets.c", f"{template}.jinja", **values)
        for file, template in files.items()
    }


def _binding(program: Program, name: str, details: tuple[str, ...]) -> Binding:
    axes = [axis for _, group in (*program.parameters, *program.data) for axis in group]
    return Binding(
        name=name,
        summary=filled(f"{program.title}."),
        details="\n\n".join(map(filled, details)),
        parameters=tuple((key, shown_tuple(axes)) for key, axes in program.parameters),
        data=tuple((key, shown_tuple(axes)) for key, axes in program.data),
        constraints=program.constraints,
        gradients=tuple(key for key, _ in program.gradients),
        sizes=shown_tuple(_size_names(program)),
        value=value_of(program),
        summed=summed_over(program),
        validation=validation_source([rule for _, rule in program.constraints], axes),
    )


def _source(program: Program, name: str, details: tuple[str, ...]) -> Source:
    places = Places(program)
    local = variables(program)
    labels = _labels(program)
    forward_statements = list(statements(program.forward))
    packed = {
        "forward": packed_of(program, forward_statements),
        "backward": packed_of(program, program.backward_statements),
    }
    writer = Writer(program, places, local, summed_once(program), frozenset(labels))
    forward = [
        *_packing(packed["forward"]),
        *stacked_weights(program, forward_statements),
        *copied_data(program),
        *given_values(program, local),
        BARRIER,
        *(line for block in program.forward for line in writer.block(block)),
        *copies_beyond(program, local),
    ]
    backward = [
        *_packing(packed["backward"]),
        *stacked_weights(program, program.backward_statements),
        *zero_adjoints(program, local),
        *zero_sums(program),
        BARRIER,
        *(line for block in program.backward for line in writer.block(block)),
        *writer.first(program.initial),
        *unstacked_gradients(program),
    ]
    matrices = list({one.name: one for group in packed.values() for one in group}.values())
    code = without_comments((*forward, *backward))
    prefix = name.upper()
    counts = tuple(product(matrix.depth, matrix.width) for matrix in matrices)
    checked = tuple(
        (c_name(key), product(*map(size, dict(program.data)[key])), size(limit))
        for key, limit in labels.items()
    )
    sizes = tuple(map(size, _size_names(program)))
    return Source(
        name=name,
        prefix=prefix,
        head=tuple(_filled(text) for text in (f"{program.title}.", *details)),
        value=value_of(program),
        sizes=sizes,
        parameters=tuple(_member(key, axes, "const {}_real") for key, axes in program.parameters),
        data=tuple(
            _member(key, axes, "const int64_t" if key in labels else "const {}_real")
            for key, axes in program.data
        ),
        gradients=tuple(
            _member(key, dict((*program.parameters, *program.data))[key], "{}_real")
            for key, _ in program.gradients
        ),
        labels=checked,
        sizes_of_labels=_used(sizes, [text for _, *texts in checked for text in texts]),
        sizes_of_matrices=_used(sizes, counts),
        arrays=tuple(arrays(program, local, matrices)),
        widths=_widths(program),
        matrices=counts,
        functions=tuple(sources(code, prefix)),
        forward=_function(forward, sizes),
        backward=_function(backward, sizes),
    )


def _member(name: str, axes: Sequence[str], kind: str) -> Member:
    return Member(c_name(name), kind, " × ".join(axes))


def _function(lines: Sequence[str], sizes: Iterable[str]) -> Function:
    code = without_comments(lines)
    unused = tuple(one for one in ("params", "data") if not _used([one], [code]))
    return Function(_used(sizes, [code]), unused, tuple(lines))


def _used(sizes: Iterable[str], texts: Iterable[str]) -> tuple[str, ...]:
    """Return the sizes that stand in some texts."""
    words = {word for text in texts for word in _WORD.findall(text)}
    return tuple(one for one in sizes if one in words)


def _filled(text: str) -> str:
    """Break text into lines, and keep a user's title from ending the comment it stands in."""
    harmless = printable(text).replace("*/", "* /").replace("/*", "/ *").replace("\\", "/")
    return textwrap.fill(harmless, COMMENT_WIDTH, break_on_hyphens=False)


def _labels(program: Program) -> dict[str, str]:
    """Return the data that is integer labels, each with the size that it stays below."""
    start = "label below "
    found = ((name, rule) for name, rule in program.constraints if rule.startswith(start))
    return {name: rule.removeprefix(start) for name, rule in found}


def _size_names(program: Program) -> tuple[str, ...]:
    """Return the sizes, those of steps and batch first."""
    axes = [axis for _, group in (*program.data, *program.parameters) for axis in group]
    names = [word for axis in axes for word in _WORD.findall(axis)]
    if "T" not in names:
        raise EmitError(
            "No data tells how many steps there are.", hint="Let an input or a target carry t."
        )
    return tuple(dict.fromkeys(("T", "B", *names)))


def _packing(matrices: Iterable[Packed]) -> list[str]:
    return [line for matrix in matrices for line in matrix.lines]


def _widths(program: Program) -> tuple[str, ...]:
    """Return how wide the outer products are that are summed to gradients."""
    found = (size(axes[1]) for _, axes in program.parameters if len(axes) == 2)
    return tuple(dict.fromkeys(found))
