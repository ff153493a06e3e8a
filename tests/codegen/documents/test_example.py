"""The worked example: its numbers agree with each other, with the code, and with differences."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest

from codegen.build import emit_source
from codegen.documents.document import Display, Listing, Row, Table
from codegen.documents.handout.code import code_section
from codegen.documents.handout.differences import differences
from codegen.documents.handout.example import example_section, instances
from codegen.documents.handout.numbers import example, matrix, number
from codegen.documents.handout.put_in import Value, at_steps, put_in
from codegen.gradcheck.module import module_from_source
from derivations.bptt import derive
from derivations.derivation import Derivation
from derivations.expressions import T, t
from derivations.library import cell, cell_names
from derivations.model import Model
from derivations.notation.latex import latex

cells = pytest.mark.parametrize("name", cell_names())


@cache
def derived(name: str) -> Derivation:
    return derive(cell(name))


@cache
def source(name: str) -> str:
    return emit_source(derived(name), name, "textbook")


def numbers_in(formula: str) -> list[float]:
    """Return the numbers of a formula, with the power of ten that stands before them."""
    power = re.match(r"\(?10\^\{(-\d+)\} ", formula)
    entries = formula[power.end() :] if power else formula
    scale = 10.0 ** int(power[1]) if power else 1.0
    return [scale * float(found) for found in re.findall(r"-?\d+(?:\.\d+)?", entries)]


@cells
def test_formulas_code_and_differences_agree(name: str) -> None:
    found = differences(example(derived(name)), module_from_source(source(name)))
    assert [one.parameter for one in found] == [p.name for p in derived(name).model.parameters]
    assert max(one.worst for one in found) < 1e-9
    assert min(abs(one.formula) for one in found) > 1e-9  # nothing agrees by being zero


@cells
def test_every_equation_holds_in_the_example(name: str) -> None:
    small = example(derived(name))
    for equation in small.derivation.equations:
        for steps in instances(equation, small):
            values = [small.value(side, steps) for side in equation.sides]
            for value in values[1:]:
                np.testing.assert_allclose(value, values[0], atol=1e-13)


@cells
def test_what_is_put_in_is_what_comes_out(name: str) -> None:
    """Where a row is a sum of terms, its printed terms add up to its printed result."""
    section = example_section(derived(name), module_from_source(source(name)))
    rows = [row for block in section.blocks if isinstance(block, Display) for row in block.rows]
    assert rows
    labels = {equation.number for equation in derived(name).equations}
    assert {row.source for row in rows} <= labels
    sums = [row for row in rows if "\\sum" in row.sides[1] and len(row.sides) == 4]
    assert sums
    for row in sums:
        terms, result = numbers_in_terms(row), np.array(numbers_in(row.sides[-1]))
        np.testing.assert_allclose(np.sum(terms, axis=0), result, atol=5e-4)


def numbers_in_terms(row: Row) -> list[list[float]]:
    split = re.split(r" \+ (?=\\begin|\d|\()", row.sides[2])
    return [numbers_in(re.sub(r"pmatrix", "", term)) for term in split]


def test_every_step_stands_in_the_tables() -> None:
    section = example_section(derived("lstm"), module_from_source(source("lstm")))
    tables = [block for block in section.blocks if isinstance(block, Table)]
    named = {row[0] for table in tables for row in table.rows}
    wanted = {f"${latex(d.quantity)}$" for d in derived("lstm").model.definitions[:-1]}
    wanted |= {f"${latex(e.left)}$" for e in derived("lstm").equations if e.topic == "adjoint"}
    assert wanted <= named
    for table in tables[1:3]:
        assert all(all(cell for cell in row) for row in table.rows)


@cells
def test_the_script_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = source(name)
    section = code_section(derived(name), text, "x.py", module_from_source(text))
    listings = [block.code for block in section.blocks if isinstance(block, Listing)]
    names: dict[str, object] = {"__name__": "handout"}
    for code in listings:
        exec(compile(code, "listing", "exec"), names)
    value = float(example(derived(name)).value(derived(name).model.total)[0, 0])
    assert f"E = {value:.4f}" in capsys.readouterr().out
    assert max(map(len, listings[-1].splitlines())) <= 100


def test_a_broken_gradient_shows_in_the_check() -> None:
    text = source("rnn").replace("1 - h[t] ** 2", "1 - h[t]")
    found = differences(example(derived("rnn")), module_from_source(text))
    assert max(one.worst for one in found) > 1e-3


def test_numbers_are_decimals_and_targets_are_positive() -> None:
    small = example(derived("rnn-binary"))
    for parameter in small.derivation.model.parameters:
        tenths = small.value(parameter) * 10
        assert np.allclose(tenths, np.round(tenths))
        assert (np.abs(tenths) >= 1).all()
    targets = [small.value(one) for one in small.given if one.name == "y"]
    assert min(float(target.min()) for target in targets) > 0


def test_seeds_give_other_numbers() -> None:
    first, second, again = (example(derived("rnn"), seed) for seed in (0, 1, 0))
    parameter = first.derivation.model.parameters[0]
    assert not np.array_equal(first.value(parameter), second.value(parameter))
    assert np.array_equal(first.value(parameter), again.value(parameter))


def test_how_numbers_are_written() -> None:
    assert [number(x) for x in (0.5, -0.04, 12345.678, -3, 1e-9, -1e-9, -2.34e-4)] == [
        *("0.5", "-0.0400", "12345.6780", "-3", "0.000000", "0.000000", "-0.000234"),
    ]
    assert matrix(np.array([[0.25]])) == "0.2500"


def test_equal_numbers_of_different_meaning_are_no_power() -> None:
    derivation = derive(Model.read("h_t = u_t ⊙ v_t ⊙ h_{t-1}\nE_t = \\|h_t\\|^2"))
    small = example(derivation)
    forward = derivation.equation("forward:h")
    assert forward is not None
    shown = put_in(at_steps(forward.right, {t: 1, T: 3}), small)
    assert shown.count("\\odot") == 2
    first, second = (Value("1", one) for one in derivation.model.data[:2])
    assert first != second
