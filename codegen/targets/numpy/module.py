"""Program → NumPy module: which lines stand where; the template has the shape of the file."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace

from jinja2 import Environment, PackageLoader, StrictUndefined, meta

from codegen.documents.printed import plain
from codegen.program import (
    Accumulate,
    Add,
    AllSteps,
    Assign,
    Block,
    Load,
    Loop,
    Multiply,
    Program,
    RowsTimes,
    Statement,
    Weight,
    loads,
    nodes,
)
from codegen.targets.numpy.functions import source
from codegen.targets.numpy.printer import Layout, helpers, python, whole_sum
from derivations.errors import EmitError, printable

#: An assignment that is longer than this is made term by term.
LINE_LENGTH = 100
#: Docstrings of an emitted module are filled to this width.
DOCSTRING_WIDTH = 92
_INDENT = "    "


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
    return Module(
        summary=_filled(f"{program.title}."),
        details="\n\n".join(map(_filled, details)),
        parameters=tuple((name, _tuple(axes)) for name, axes in program.parameters),
        data=tuple((name, _tuple(axes)) for name, axes in program.data),
        constraints=tuple((name, "one-hot") for name in program.one_hot),
        functions=tuple(source(name) for name in _ordered(_called(program))),
        forward=tuple(_forward(program)),
        backward=tuple(_backward(program)),
        value=(
            f"the inner product with {' and '.join(program.gradients_of_loss)}"
            if program.gradients_of_loss
            else "the loss"
        ),
    )


def _filled(text: str) -> str:
    """Break text into lines, and keep a user's title from ending the docstring it stands in."""
    harmless = printable(text).replace("\\", "/").replace('"', "'")
    return textwrap.fill(harmless, DOCSTRING_WIDTH, break_on_hyphens=False)


def _tuple(axes: tuple[str, ...]) -> str:
    return "(" + ", ".join(f'"{axis}"' for axis in axes) + ("," if len(axes) == 1 else "") + ")"


def _ordered(names: set[str]) -> list[str]:
    order = ("times", "outer", "softmax", "log_softmax", "sigmoid", "softplus", "normal_cdf")
    return [name for name in order if name in names]


def _called(program: Program) -> set[str]:
    found: set[str] = set()
    for block in (*program.forward, *program.backward):
        layout = Layout(program, isinstance(block, AllSteps))
        for statement in block.body:
            found |= helpers(statement.value, layout)
    for statement in program.initial:
        found |= helpers(statement.value, Layout(program, origin=""))
    return found


# Lines


def _forward(program: Program) -> list[str]:
    lines = _unpacked(program, "params", [name for name, _ in program.parameters])
    lines += _unpacked(program, "data", [name for name, _ in program.data])
    lines += _sizes(program, _stored(program, forward=True))
    lines.append("dtype = np.result_type(*params.values(), *data.values())")
    for array in program.arrays:
        if array.role in ("value", "state"):
            lines.append(f"{array.name} = np.empty((T + 1, B, {array.size}), dtype)")
    lines += [f"{a.name}[0] = {a.name}_0" for a in program.arrays if a.role == "state"]
    if not _assigned_once(program.forward, program.loss):
        lines.append(f"{program.loss} = 0.0")
    lines += _blocks(program, program.forward)
    kept = ", ".join(f'"{name}": {name}' for name in _tape(program))
    lines.append(f"return {program.loss}, {{{kept}}}")
    return lines


def _backward(program: Program) -> list[str]:
    used = _read(program.backward) | {load.name for s in program.initial for load in loads(s.value)}
    weights = _weights_read(program)
    lines = _unpacked(
        program, "params", [name for name, _ in program.parameters if name in weights]
    )
    lines += _unpacked(program, "data", [name for name, _ in program.data if name in used])
    lines += [f'{name} = tape["{name}"]' for name in _tape(program)]
    lines += _sizes(program, _stored(program, forward=False))
    lines.append("dtype = np.result_type(*params.values(), *data.values())")
    for array in program.arrays:
        if array.role == "adjoint":
            lines.append(f"{array.name} = np.empty((T + 1, B, {array.size}), dtype)")
        elif array.role == "recurrent adjoint":
            lines.append(f"{array.name} = np.zeros((T + 2, B, {array.size}), dtype)")
    steps = {array.name for array in program.arrays}
    for name, _ in program.parameters:
        target = dict(program.gradients)[name]
        if not _assigned_once(program.backward, target):
            lines.append(f'{target} = np.zeros(params["{name}"].shape, dtype)')
    lines += _blocks(program, program.backward)
    for statement in program.initial:
        start = Layout(program, origin="")
        lines += _commented(statement, *_broken(statement.target, "=", statement, start))
    lines.append("return {")
    for name, target in program.gradients:
        lines.append(f'{_INDENT}"{name}": {target}{"[1:]" if target in steps else ""},')
    lines.append("}")
    return lines


def _assigned_once(blocks: Iterable[Block], target: str) -> bool:
    """Tell whether a sum is one product over all steps, so that nothing is added up."""
    return any(
        isinstance(block, AllSteps) and any(s.target == target for s in block.body)
        for block in blocks
    )


def _unpacked(program: Program, source_name: str, names: list[str]) -> list[str]:
    return [f'{name} = {source_name}["{name}"]' for name in names]


def _stored(program: Program, *, forward: bool) -> list[str]:
    roles = ("value", "state") if forward else ("adjoint", "recurrent adjoint")
    return list(dict.fromkeys(array.size for array in program.arrays if array.role in roles))


def _sizes(program: Program, sizes: list[str]) -> list[str]:
    """Read the sizes off the arrays that are there."""
    timed = next((name for name, axes in program.data if axes[:2] == ("T", "B")), None)
    if timed is None:
        raise EmitError(
            "No data tells how many steps there are.", hint="Let an input or a target carry t."
        )
    lines = [f'T, B = data["{timed}"].shape[:2]']
    for size in sizes:
        if size.isdigit():
            continue
        where = next(
            (kind, name, axes.index(size))
            for kind, group in (("params", program.parameters), ("data", program.data))
            for name, axes in group
            if size in axes
        )
        lines.append(f'{size} = {where[0]}["{where[1]}"].shape[{where[2]}]')
    return lines


def _tape(program: Program) -> list[str]:
    """Return what the backward pass reads of the forward pass."""
    used = _read(program.backward) | {load.name for s in program.initial for load in loads(s.value)}
    return [a.name for a in program.arrays if a.role in ("value", "state") and a.name in used]


def _read(blocks: Iterable[Block]) -> set[str]:
    return {load.name for block in blocks for s in block.body for load in loads(s.value)}


def _weights_read(program: Program) -> set[str]:
    statements = [s for block in program.backward for s in block.body] + list(program.initial)
    found = set()
    for statement in statements:
        for node in nodes(statement.value):
            if isinstance(node, RowsTimes):
                found.add(node.weight)
            elif isinstance(node, Weight):
                found.add(node.name)
    return found


def _blocks(program: Program, blocks: Iterable[Block]) -> list[str]:
    lines: list[str] = []
    for block in blocks:
        layout = Layout(program, isinstance(block, AllSteps))
        body: list[str] = []
        for previous, statement in zip((None, *block.body), block.body, strict=False):
            continues = previous is not None and previous.equation == statement.equation
            comment, *code = _statement(statement, layout)
            body += code if continues else [comment, *code]
        if isinstance(block, Loop):
            steps = "range(T, 0, -1)" if block.backward else "range(1, T + 1)"
            lines += [f"for t in {steps}:", *(_INDENT + line for line in body)]
        else:
            lines += body
    return lines


def _statement(statement: Statement, layout: Layout) -> list[str]:
    if isinstance(statement, Accumulate):
        return _accumulated(statement, layout)
    target = layout.element(Load(statement.target))
    sign = "+=" if statement.adds else "="
    return _commented(statement, *_broken(target, sign, statement, layout))


def _accumulated(statement: Accumulate, layout: Layout) -> list[str]:
    name = layout.program.loss
    if statement.target == name:
        sign, text = whole_sum(statement.value, layout)
        if layout.all_steps:
            return _commented(statement, f"{name} = {'-' if sign < 0 else ''}{text}")
        return _commented(statement, f"{name} {'-' if sign < 0 else '+'}= {text}")
    sign_text = "=" if layout.all_steps else "+="
    return _commented(statement, *_broken(statement.target, sign_text, statement, layout))


def _broken(target: str, sign: str, statement: Statement, layout: Layout) -> list[str]:
    """Return an assignment; one that is too long for a line is made term by term."""
    value = statement.value
    line = f"{target} {sign} {python(value, layout)}"
    if len(line) + 2 * len(_INDENT) <= LINE_LENGTH:
        return [line]
    if isinstance(value, Add) and len(value.terms) > 1:
        lines = _broken(target, sign, replace(statement, value=Add(value.terms[:1])), layout)
        for term_sign, term in value.terms[1:]:
            lines.append(f"{target} {'+' if term_sign > 0 else '-'}= {python(term, layout)}")
        return lines
    if isinstance(value, Multiply) and sign == "=":
        others, last = value.factors[:-1], value.factors[-1]
        rest = Multiply(others) if len(others) > 1 else others[0]
        first_lines = _broken(target, sign, replace(statement, value=last), layout)
        return [*first_lines, f"{target} *= {python(rest, layout)}"]
    return [f"{target} {sign} (", _INDENT + python(value, layout), ")"]


def _commented(statement: Statement | Assign, *code: str) -> list[str]:
    return [f"# ({statement.equation}) {plain(statement.formula)}", *code]
