"""A program in C that calls an emitted model as a C programmer would, for the sanitizers."""

from __future__ import annotations

from types import ModuleType


def driver(binding: ModuleType, name: str, sizes: dict[str, int]) -> str:
    """Return a main function that computes every gradient, in memory of just the right size."""
    lines = [f'#include "{name}.h"', "#include <stdio.h>", "#include <stdlib.h>", ""]
    labels = [
        "static int64_t *labels(size_t count)",
        "{",
        "    int64_t *array = malloc(count * sizeof *array);",
        "    for (size_t i = 0; i < count; i++)",
        "        array[i] = (int64_t)(i % 2);",
        "    return array;",
        "}",
        "",
    ]
    lines += [
        f"static {name}_real *drawn(size_t count)",
        "{",
        f"    {name}_real *array = malloc(count * sizeof *array);",
        "    for (size_t i = 0; i < count; i++)",
        f"        array[i] = ({name}_real)(0.3 * (double)(i * 7919 % 17) / 17 - 0.1);",
        "    return array;",
        "}",
        "",
        *(labels if any(map(_is_label, binding.CONSTRAINTS.values())) else []),
        "int main(void)",
        "{",
        f"    {name}_sizes sizes = {{{', '.join(str(sizes[one]) for one in binding.SIZES)}}};",
    ]
    for group, table in (("params", binding.PARAMS), ("data", binding.DATA)):
        lines.append(f"    {name}_{group} {group} = {{")
        for array, axes in table.items():
            maker = "labels" if _is_label(binding.CONSTRAINTS.get(array, "")) else "drawn"
            lines.append(f"        {maker}({_count(axes)}),")
        lines.append("    };")
    shapes = {**binding.PARAMS, **binding.DATA}
    lines.append(f"    {name}_gradients gradients = {{")
    lines += [f"        drawn({_count(shapes[array])})," for array in binding.GRADIENTS]
    lines += [
        "    };",
        f"    size_t size = {name}_workspace_size(&sizes);",
        "    void *workspace = malloc(size);",
        "    double value = 0;",
        f"    int status = {name}_value_and_grad(&sizes, &params, &data, &value, &gradients,",
        "                                       workspace, size);",
        '    printf("%d %.17g\\n", status, value);',
        "    for (size_t i = 0; i < sizeof gradients / sizeof(void *); i++)",
        "        free(((void **)&gradients)[i]);",
        "    for (size_t i = 0; i < sizeof params / sizeof(void *); i++)",
        "        free(((void **)&params)[i]);",
        "    for (size_t i = 0; i < sizeof data / sizeof(void *); i++)",
        "        free(((void **)&data)[i]);",
        "    free(workspace);",
        "    return status;",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _is_label(constraint: str) -> bool:
    return constraint.startswith("label")


def _count(axes: tuple[str, ...]) -> str:
    sized = ["".join(_with_prefix(axis)) for axis in axes]
    return " * ".join(f"({one})" for one in sized)


def _with_prefix(axis: str) -> list[str]:
    return [
        word if word in "+*" or word.isdecimal() else f"sizes.{word}" for word in axis.split(" ")
    ]
