"""Program → NumPy module: what the template needs, finished."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from jinja2 import Environment, PackageLoader, StrictUndefined, meta

from codegen.program import (
    AllSteps,
    Array,
    Concatenate,
    LastStep,
    Loop,
    Part,
    Program,
    RowsTimes,
    Statement,
    Weight,
    loads,
    nodes,
    statements,
)
from codegen.storage import step_name
from codegen.targets.face import filled, shown_tuple, summed_over, value_of
from codegen.targets.numpy.functions import HELPERS, source
from codegen.targets.numpy.lines import (
    INDENT,
    LINE_LENGTH,
    block_lines,
    first_lines,
    is_summed_once,
)
from codegen.targets.numpy.stacks import (
    packed_weights,
    part_of_a_gradient,
    stored_alone,
    views,
    weights_needed,
)
from codegen.targets.numpy.validation import validation_source
from derivations.errors import EmitError

_SIZE_NAME = re.compile(r"[A-Za-z_]\w*")


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


def emit(program: Program, details: Iterable[str] = ()) -> str:
    """Return the source of a NumPy module that computes a program.

    Parameters
    ----------
    program : Program
    details : iterable of str
        Paragraphs for the head of the file: what made it, from what, how.

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
    name = "module.py.jinja"
    text, _, _ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
    assert meta.find_undeclared_variables(environment.parse(text)) == {"module"}
    return environment.get_template(name).render(module=_module(program, tuple(details)))


def _module(program: Program, details: tuple[str, ...]) -> Module:
    forward, backward = _forward(program), _backward(program)
    called = _called([*forward, *backward])
    axes = [axis for _, group in (*program.parameters, *program.data) for axis in group]
    return Module(
        summary=filled(f"{program.title}."),
        details="\n\n".join(map(filled, details)),
        parameters=tuple((name, shown_tuple(axes)) for name, axes in program.parameters),
        data=tuple((name, shown_tuple(axes)) for name, axes in program.data),
        constraints=program.constraints,
        functions=tuple(source(name) for name in HELPERS if name in called),
        forward=tuple(forward),
        backward=tuple(backward),
        value=value_of(program),
        summed=summed_over(program),
        validation=validation_source([rule for _, rule in program.constraints], axes),
    )


def _called(lines: Iterable[str]) -> set[str]:
    """Return the names of the module's own functions that some lines call."""
    code = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    return {name for name in HELPERS if re.search(rf"\b{name}\(", code)}


# Forward and backward


def _forward(program: Program) -> list[str]:
    lines = _unpacked(program, "params", [name for name, _ in program.parameters])
    lines += _unpacked(program, "data", [name for name, _ in program.data])
    values = [a for a in program.arrays if a.role == "value" and not a.at_last_only]
    stored = stored_alone(values)
    lines += _sizes(program, values, (*program.forward,))
    lines += _dtype(program)
    lines += packed_weights(program, _weights_read(statements(program.forward)))
    for array in stored:
        lines.append(f"{array.name} = np.empty({_storage(array)}, dtype)")
        lines += _given_rows(array)
    lines += views(values, _names_used(statements(program.forward)))
    if not is_summed_once(program.forward, program.loss):
        lines.append(f"{program.loss} = 0.0")
    lines += _padded_data(program)
    lines += block_lines(program, program.forward)
    beyond = [line for array in stored for line in _beyond(array)]
    if beyond:
        lines += ["# What lies beyond the steps is multiplied by zero alone.", *beyond]
    return lines + _returned(program)


def _returned(program: Program) -> list[str]:
    """Return the loss and what the backward pass reads, on one line if it fits."""
    entries = [f'"{name}": {name}' for name in _tape(program)]
    line = f"return {program.loss}, {{{', '.join(entries)}}}"
    if len(INDENT) + len(line) <= LINE_LENGTH:
        return [line]
    return [f"return {program.loss}, {{", *(f"{INDENT}{entry}," for entry in entries), "}"]


def _given_rows(array: Array) -> list[str]:
    """Set the values that are given, or zero, before the first step and behind the last one."""
    lines = []
    for distance in array.given:
        is_behind = distance > 0
        index = _index("T", distance, array) if is_behind else str(distance + array.before - 1)
        lines.append(f"{array.name}[{index}] = {step_name(array.name, distance)}")
    if array.starts_at_zero:
        before = f":{array.before}" if array.before > 1 else "0"
        lines.append(f"{array.name}[{before}] = 0")
        if array.after:
            lines.append(f"{array.name}[{-array.after}:] = 0")
    return lines


def _index(origin: str, distance: int, array: Array) -> str:
    offset = distance + array.before - 1
    return origin if not offset else f"{origin} {'+' if offset > 0 else '-'} {abs(offset)}"


def _beyond(array: Array) -> list[str]:
    """Fill steps beyond the ends, which are read where only a zero multiplies them."""
    if array.starts_at_zero:
        return []
    behind = range(max((d for d in array.given if d > 0), default=0) + 1, array.after + 1)
    ahead = range(min((d for d in array.given if d <= 0), default=1) - 1, -array.before, -1)
    lines = []
    if behind:
        first = _index("T", behind[0], array) + (" :" if len(behind) > 1 else "")
        lines.append(f"{array.name}[{first}] = {array.name}[{_index('T', 0, array)}]")
    if ahead and array.reads_before:
        stop = f":{len(ahead)}" if len(ahead) > 1 else "0"
        lines.append(f"{array.name}[{stop}] = {array.name}[{array.before}]")
    return lines


def _padded_data(program: Program) -> list[str]:
    """Lengthen data that is read beyond the ends, where only a zero multiplies it."""
    lines = []
    for array in program.arrays:
        if array.role != "data" or not (array.before or array.after):
            continue
        pieces = [f"{array.name}[:1]"] * array.before
        pieces += [array.name, *[f"{array.name}[-1:]"] * array.after]
        lines.append("# What lies beyond the steps is multiplied by zero alone.")
        lines.append(f"{array.name} = np.concatenate([{', '.join(pieces)}])")
    return lines


def _backward(program: Program) -> list[str]:
    read = {load.name for s in _all_backward(program) for load in loads(s.value)}
    weights = _weights_read(_all_backward(program))
    lines = _unpacked(program, "params", weights_needed(program, weights))
    lines += _unpacked(program, "data", [name for name, _ in program.data if name in read])
    lines += [f'{name} = tape["{name}"]' for name in _tape(program)]
    adjoints = [a for a in program.arrays if a.role == "adjoint" and not a.at_last_only]
    values = [a for a in program.arrays if a.role == "value"]
    lines += _sizes(program, [*adjoints, *_parts_read(program, values)], program.backward)
    lines += _dtype(program)
    lines += packed_weights(program, weights)
    used = _names_used(_all_backward(program))
    lines += views(values, used)
    for array in stored_alone(adjoints):
        maker = "zeros" if array.starts_at_zero else "empty"
        lines.append(f"{array.name} = np.{maker}({_storage(array)}, dtype)")
    lines += views(adjoints, used)
    for name, _ in program.parameters:
        target = dict(program.gradients)[name]
        is_whole = part_of_a_gradient(program, target) == target
        if is_whole and not is_summed_once(program.backward, target):
            lines.append(f'{target} = np.zeros(params["{name}"].shape, dtype)')
    lines += [line for line in _padded_data(program) if _is_read(line, read)]
    lines += block_lines(program, program.backward)
    for assignment, step in program.initial:
        lines += first_lines(program, assignment, step)
    lines.append("return {")
    for name, target in program.gradients:
        held = part_of_a_gradient(program, target)
        lines.append(f'    "{name}": {held}{_without_ends(program, target)},')
    lines.append("}")
    return lines


def _is_read(line: str, names: set[str]) -> bool:
    return line.startswith("#") or line.split(" ", 1)[0] in names


def _without_ends(program: Program, target: str) -> str:
    """Return the slice of the steps 1 … T of an array that has an axis of time."""
    array = next((a for a in program.arrays if a.name == target), None)
    if array is None or array.at_last_only:
        return ""
    return f"[{array.before}:{-array.after if array.after else ''}]"


def _all_backward(program: Program) -> list[Statement]:
    return [*statements(program.backward), *(assignment for assignment, _ in program.initial)]


def _unpacked(program: Program, source_name: str, names: list[str]) -> list[str]:
    return [f'{name} = {source_name}["{name}"]' for name in names]


def _dtype(program: Program) -> list[str]:
    labels = {name for name, rule in program.constraints if rule.startswith("label")}
    if not labels:
        return ["dtype = np.result_type(*params.values(), *data.values())"]
    floats = [name for name, _ in program.data if name not in labels]
    given = ", ".join(["*params.values()", *(f'data["{name}"]' for name in floats)])
    return [f"dtype = np.result_type({given})"]


def _storage(array: Array) -> str:
    rows = array.before + array.after
    return f"(T{f' + {rows}' if rows else ''}, B, {', '.join(array.axes)})"


def _sizes(
    program: Program, stored: Iterable[Array], blocks: Iterable[Loop | AllSteps | LastStep]
) -> list[str]:
    """Read the sizes off the arrays that are there."""
    timed = next((name for name, axes in program.data if axes[:2] == ("T", "B")), None)
    if timed is None:
        raise EmitError(
            "No data tells how many steps there are.", hint="Let an input or a target carry t."
        )
    texts = [text for array in stored for text in (*array.axes, array.start, array.stop)]
    for statement in statements(tuple(blocks)):
        for node in nodes(statement.value):
            if isinstance(node, Part | RowsTimes):
                texts += [node.start, node.stop]
            elif isinstance(node, Concatenate):
                pieces = zip(node.parts, node.sizes, strict=True)
                texts += [size for part, size in pieces if not loads(part)]
    lines = [f'T, B = data["{timed}"].shape[:2]']
    for size in dict.fromkeys(name for text in texts for name in _SIZE_NAME.findall(text)):
        kind, name, axis = next(
            (kind, name, axes.index(size))
            for kind, group in (("params", program.parameters), ("data", program.data))
            for name, axes in group
            if size in axes
        )
        lines.append(f'{size} = {kind}["{name}"].shape[{axis}]')
    return lines


def _tape(program: Program) -> list[str]:
    """Return what the backward pass reads of the forward pass; parts stand in their whole."""
    used = _names_used(_all_backward(program))
    read = [a for a in program.arrays if a.role == "value" and a.name in used]
    return list(dict.fromkeys(array.within or array.name for array in read))


def _parts_read(program: Program, values: Iterable[Array]) -> list[Array]:
    used = _names_used(_all_backward(program))
    return [replace(a, axes=()) for a in values if a.within and a.name in used]


def _names_used(found: Iterable[Statement]) -> set[str]:
    """Return the arrays that statements read or write."""
    names: set[str] = set()
    for statement in found:
        names.add(statement.target)
        names.update(load.name for load in loads(statement.value))
    return names


def _weights_read(found: Iterable[Statement]) -> set[str]:
    names = set()
    for statement in found:
        for node in nodes(statement.value):
            if isinstance(node, RowsTimes):
                names.add(node.weight)
            elif isinstance(node, Weight):
                names.add(node.name)
    return names
