"""The emitted code as a section, and a script that puts the worked example through it."""

from __future__ import annotations

from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from codegen.documents.document import Listing, Paragraph, Section
from codegen.documents.handout.differences import STEP, arrays_of
from codegen.documents.handout.numbers import example
from derivations.derivation import Derivation


def code_section(derivation: Derivation, source: str, file: str, module: ModuleType) -> Section:
    """Return the section with the emitted textbook code.

    Parameters
    ----------
    derivation : Derivation
    source : str
        The text of the module.
    file : str
        What it is called.
    module : module
        The same, loaded.

    Examples
    --------
    >>> from codegen.build import emit_source
    >>> from codegen.gradcheck.module import module_from_source
    >>> from derivations import cell, derive, prove
    >>> rnn = prove(derive(cell("rnn")))
    >>> text = emit_source(rnn, "rnn", "textbook")
    >>> section = code_section(rnn, text, "rnn_textbook.py", module_from_source(text))
    >>> len(section.blocks)
    4
    """
    return Section(
        "The code",
        (
            Paragraph(
                "The equations as a program that needs NumPy and nothing else. The number in front "
                "of each line is that of the equation that it computes. A column of the "
                "mathematics is a row of an array here, and index $t$ is step $t$, except in the "
                "data, which count from 0."
            ),
            Listing(source, f"The module `{file}`."),
            Paragraph(
                "The worked example once more, by this code: the loss, the gradients, and central "
                "differences of the loss. What is printed last must be tiny."
            ),
            Listing(_script(derivation, module), "The worked example, checked by the code."),
        ),
    )


def _script(derivation: Derivation, module: ModuleType) -> str:
    params, data = arrays_of(example(derivation), module)
    return "\n".join(
        [
            "params = {",
            *(f'    "{name}": {_literal(array)},' for name, array in params.items()),
            "}",
            "data = {",
            *(f'    "{name}": {_literal(array)},' for name, array in data.items()),
            "}",
            "E, gradients = value_and_grad(params, data)",
            'print(f"E = {E:.4f}")',
            f"step = {STEP}",
            "for name, gradient in gradients.items():",
            "    differences = np.empty_like(gradient)",
            "    for index in np.ndindex(*gradient.shape):",
            "        losses = []",
            "        for sign in (1, -1):",
            "            moved = {key: array.copy() for key, array in (params | data).items()}",
            "            moved[name][index] += sign * step",
            "            parts = [{key: moved[key] for key in given} for given in (params, data)]",
            "            losses.append(value_and_grad(*parts)[0])",
            "        differences[index] = (losses[0] - losses[1]) / (2 * step)",
            "    print(name, gradient.round(4).tolist())",
            "    worst = np.abs(gradient - differences).max()",
            '    print(f"    largest difference from the central differences: {worst:.0e}")',
            "    assert worst < 1e-8",
            "",
        ]
    )


def _literal(array: NDArray[np.generic]) -> str:
    """Return code for an array of decimals with one digit, or of whole numbers."""
    is_whole = np.issubdtype(array.dtype, np.integer)
    return f"np.array({(array if is_whole else np.round(array.astype(float), 1)).tolist()})"


__all__ = ["code_section"]
