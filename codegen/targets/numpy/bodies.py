"""The bodies of an emitted module's forward and backward pass, line by line."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from codegen.passes.segment import handed_back, handed_on
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
    is_summed_once,
    loads,
    nodes,
    statements,
)
from codegen.storage import name_at, steps_beyond
from codegen.targets.numpy.lines import (
    INDENT,
    LINE_LENGTH,
    block_lines,
    first_lines,
)
from codegen.targets.numpy.printer import slice_of
from codegen.targets.numpy.stacks import (
    packed_weights,
    part_of_a_gradient,
    stored_alone,
    views,
    weights_needed,
)
from derivations.errors import EmitError

_SIZE_NAME = re.compile(r"[A-Za-z_]\w*")


def forward_lines(program: Program) -> list[str]:
    """Return the body of the forward pass."""
    weights = _weights_read(statements(program.forward))
    lines = _unpacked(program, "params", weights_needed(program, weights))
    data_read = _data_read(program)
    lines += _unpacked(program, "data", data_read)
    values = [a for a in program.arrays if a.role == "value" and not a.at_last_only]
    stored = stored_alone(values)
    lines += size_lines(program, values, (*program.forward,))
    lines += dtype_lines(program, data_read)
    lines += packed_weights(program, weights)
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


def _data_read(program: Program) -> list[str]:
    """Return the data that the forward pass reads, given states included."""
    read = {load.name for s in statements(program.forward) for load in loads(s.value)}
    given = {name_at(array.name, distance) for array in program.arrays for distance in array.given}
    return [name for name, _ in program.data if name in read | given]


def _returned(program: Program) -> list[str]:
    """Return the loss and what the backward pass reads, and a segment hands on."""
    tape = _tape(program)
    if program.segmented:
        tape = list(dict.fromkeys([*tape, *(array for _, array, _ in handed_on(program))]))
    return dictionary(f"return {program.loss}, ", [(name, name) for name in tape])


def dictionary(head: str, entries: Sequence[tuple[str, str]]) -> list[str]:
    """Return the lines of a dictionary behind some code, one if it fits."""
    texts = [f'"{key}": {value}' for key, value in entries]
    line = f"{head}{{{', '.join(texts)}}}"
    if len(INDENT) + len(line) <= LINE_LENGTH:
        return [line]
    return [f"{head}{{", *(f"{INDENT}{text}," for text in texts), "}"]


def _given_rows(array: Array) -> list[str]:
    """Set the values that are given, or zero, before the first step and behind the last one."""
    lines = []
    for distance in array.given:
        index = _index("T", distance, array) if distance > 0 else distance + array.before - 1
        lines.append(f"{array.name}[{index}] = {name_at(array.name, distance)}")
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
    ahead, behind = steps_beyond(array)
    lines = []
    if behind:
        first = _index("T", behind[0], array) + (" :" if len(behind) > 1 else "")
        lines.append(f"{array.name}[{first}] = {array.name}[{_index('T', 0, array)}]")
    if ahead:
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


def backward_lines(program: Program) -> list[str]:
    """Return the body of the backward pass."""
    read = {load.name for s in program.backward_statements for load in loads(s.value)}
    weights = _weights_read(program.backward_statements)
    lines = _unpacked(program, "params", weights_needed(program, weights))
    data_read = [name for name, _ in program.data if name in read]
    lines += _unpacked(program, "data", data_read)
    lines += [f'{name} = tape["{name}"]' for name in _tape(program)]
    adjoints = [a for a in program.arrays if a.role == "adjoint" and not a.at_last_only]
    values = [a for a in program.arrays if a.role == "value"]
    lines += size_lines(program, [*adjoints, *_parts_read(program, values)], program.backward)
    lines += dtype_lines(program, data_read)
    lines += packed_weights(program, weights)
    used = _names_used(program.backward_statements)
    lines += views(values, used)
    for array in stored_alone(adjoints):
        maker = "zeros" if array.starts_at_zero else "empty"
        lines.append(f"{array.name} = np.{maker}({_storage(array)}, dtype)")
    lines += views(adjoints, used | {target for _, target in program.gradients})
    for name, target in program.gradients:
        if name not in dict(program.parameters):
            continue
        is_whole = part_of_a_gradient(program, target) == target
        if is_whole and not is_summed_once(program.backward, target):
            lines.append(f'{target} = np.zeros(params["{name}"].shape, dtype)')
    lines += [line for line in _padded_data(program) if _is_read(line, read)]
    if program.segmented:
        lines += _rows_behind(program, used)
    lines += block_lines(program, program.backward)
    for assignment, step in program.initial:
        lines += first_lines(program, assignment, step)
    lines.append("gradients = {" if program.segmented else "return {")
    for name, target in program.gradients:
        held = part_of_a_gradient(program, target)
        lines.append(f'    "{name}": {held}{_without_ends(program, target)},')
    lines.append("}")
    return [*lines, *_first_rows(program, used)] if program.segmented else lines


def _rows_behind(program: Program, used: Collection[str]) -> list[str]:
    """Take over the first rows of the next segment, if there is one."""
    arrays = handed_back(program, used)
    if not arrays:
        return []
    return [
        "if behind:",
        *(
            f'{INDENT}{array.name}[{slice_of(_index("T", 1, array), "")}] = behind["{array.name}"]'
            for array in arrays
        ),
    ]


def _first_rows(program: Program, used: Collection[str]) -> list[str]:
    """Return the gradients, and the rows that the segment before this one needs."""
    rows = [
        (array.name, f"{array.name}[{array.before or ''}:{array.before + array.after}].copy()")
        for array in handed_back(program, used)
    ]
    return dictionary("return gradients, ", rows)


def _is_read(line: str, names: set[str]) -> bool:
    return line.startswith("#") or line.split(" ", 1)[0] in names


def _without_ends(program: Program, target: str) -> str:
    """Return the slice of the steps 1 … T of an array that has an axis of time."""
    array = next((a for a in program.arrays if a.name == target), None)
    if array is None or array.at_last_only:
        return ""
    return f"[{array.before}:{-array.after if array.after else ''}]"


def _unpacked(program: Program, source_name: str, names: list[str]) -> list[str]:
    return [f'{name} = {source_name}["{name}"]' for name in names if not _is_mask(program, name)]


def _is_mask(program: Program, name: str) -> bool:
    return program.mask is not None and program.mask.name == name


def dtype_lines(program: Program, data_read: Iterable[str]) -> list[str]:
    """Find the dtype of the arrays that are given, and give it to the mask, which is boolean."""
    lines = [f"dtype = np.result_type({_floats_given(program)})"]
    masks = [name for name in data_read if _is_mask(program, name)]
    return lines + [f'{name} = data["{name}"].astype(dtype)' for name in masks]


def _floats_given(program: Program) -> str:
    labels = {name for name, rule in program.constraints if rule.startswith("label")}
    if not labels:
        return "*params.values(), *data.values()"
    names = [n for n, _ in program.data if n not in labels and not _is_mask(program, n)]
    return ", ".join(["*params.values()", *(f'data["{name}"]' for name in names)])


def _storage(array: Array) -> str:
    rows = array.before + array.after
    return f"(T{f' + {rows}' if rows else ''}, B, {', '.join(array.axes)})"


def timed_data(data: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    """Return which of the data tells how many steps there are.

    Raises
    ------
    EmitError
        When there is none.
    """
    timed = next((name for name, axes in data if axes[:2] == ("T", "B")), None)
    if timed is None:
        raise EmitError(
            "No data tells how many steps there are.", hint="Let an input or a target carry t."
        )
    return timed


def size_lines(
    program: Program, stored: Iterable[Array], blocks: Iterable[Loop | AllSteps | LastStep]
) -> list[str]:
    """Read the sizes off the arrays that are there."""
    texts = [text for array in stored for text in (*array.axes, array.start, array.stop)]
    for statement in statements(tuple(blocks)):
        for node in nodes(statement.value):
            if isinstance(node, Part | RowsTimes):
                texts += [node.start, node.stop]
            elif isinstance(node, Concatenate):
                pieces = zip(node.parts, node.sizes, strict=True)
                texts += [size for part, size in pieces if not loads(part)]
    lines = [f'T, B = data["{timed_data(program.data)}"].shape[:2]']
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
    used = _names_used(program.backward_statements)
    read = [a for a in program.arrays if a.role == "value" and a.name in used]
    return list(dict.fromkeys(array.within or array.name for array in read))


def _parts_read(program: Program, values: Iterable[Array]) -> list[Array]:
    used = _names_used(program.backward_statements)
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
