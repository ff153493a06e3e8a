"""Exercises: every line is what it should be, and every solution holds the right answer."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from codegen.documents.document import Block, Display, Exercise, Paragraph, Row, Table
from codegen.documents.handout.exercises import exercises
from codegen.documents.handout.exercises.blanks import BLANK, blanks
from codegen.documents.handout.exercises.draw import Draw
from codegen.documents.handout.exercises.mistake import LINES, find_the_mistakes
from codegen.documents.handout.exercises.numeric import STEPS, numeric
from codegen.documents.handout.exercises.questions import memory, paths
from codegen.documents.handout.mistakes import mistakes
from codegen.documents.handout.numbers import example
from derivations import Model, cell, cell_names, derive, prove
from derivations.proof.judge import Evidence
from tests.codegen.documents.rows_of import court_of, rows_of
from tests.codegen.documents.samples import proven

QUICK = ("rnn", "rnn-preactivation", "rnn-hh", "fast-weights", "rnn-labels", "bidirectional")
_SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in cell_names() if name not in QUICK]
every_cell = pytest.mark.parametrize("name", [*QUICK, *_SLOW])
SEEDS = range(4)
UNSPECIFIED = "h_t = f(W h_{t-1} + U x_t)\ny_t = V h_t\nE_t depends on y_t"


@every_cell
def test_a_blank_hides_a_side_and_the_solution_holds_it(name: str) -> None:
    derivation = proven(name)
    court = court_of(name)
    for seed in SEEDS:
        exercise = blanks(derivation, seed)
        assert exercise is not None
        asked, solved = list(rows_of(exercise.statement)), list(rows_of(exercise.solution))
        assert len(asked) == len(solved) == 3
        for row, solution in zip(asked, solved, strict=True):
            assert row.sides.count(BLANK) == 1
            assert row.sides[0] != BLANK
            left_out = [side for side in row.sides if side != BLANK]
            assert court.is_proven(Row(tuple(left_out), conditions=row.conditions))
            assert set(left_out) < set(solution.sides)
            assert court.is_proven(solution)
            assert solution.mark in ("proven", "numeric")
            assert solution.number is not None


@every_cell
def test_one_line_is_false_and_the_solution_names_it(name: str) -> None:
    derivation = proven(name)
    court = court_of(name)
    told = {row.sides for row in rows_of(mistakes(derivation))}
    for seed in SEEDS:
        found = find_the_mistakes(derivation, seed, 2)
        assert len(found) == 2
        for exercise in found:
            rows = list(rows_of(exercise.statement))
            assert [row.label for row in rows] == [f"({c})" for c in "abcde"[: len(rows)]]
            assert 4 <= len(rows) <= LINES
            wrong = [row for row in rows if not court.is_proven(row)]
            assert len(wrong) == 1
            assert court.is_false(wrong[0])
            assert wrong[0].sides not in told
            assert {row.mark for row in rows} == {""}, "the sheet gives the answer away"
            shown, right = rows_of(exercise.solution)
            assert (shown.sides, shown.mark) == (wrong[0].sides, "false")
            assert court.is_proven(right)
            assert right.sides[0] == shown.sides[0]
            text = exercise.solution[0]
            assert isinstance(text, Paragraph)
            assert text.text.startswith(f"Line ${wrong[0].label}$ is wrong. ")


@every_cell
def test_the_sum_over_paths_is_written_out(name: str) -> None:
    derivation = proven(name)
    court = court_of(name)
    for seed in SEEDS:
        exercise = paths(derivation, seed)
        assert exercise is not None
        (asked,) = rows_of(exercise.statement)
        assert court.is_proven(asked)
        (row,) = rows_of(exercise.solution)
        assert row.source == asked.number
        assert isinstance(court.examined(row), Evidence)
        assert row.sides[1].count(" + ") == 2


@every_cell
def test_numbers_are_asked_for_and_given(name: str) -> None:
    derivation = proven(name)
    exercise = numeric(derivation, 3)
    assert exercise is not None
    statement = exercise.statement[0]
    assert isinstance(statement, Paragraph)
    _, _, tasks = statement.text.partition("Compute ")
    asked = re.findall(r"\$([^$]*)\$", tasks)
    (gradient,) = rows_of(exercise.solution)
    assert gradient.sides[0] == asked[-1]
    shown = {
        re.sub(r"_t\b", f"_{step}", row[0].strip("$"))
        for table in exercise.solution
        if isinstance(table, Table)
        for row in table.rows
        for step in range(1, STEPS + 1)
        if row[step]
    }
    assert set(asked[:-1]) <= shown


def test_the_numbers_of_rnn_by_numpy() -> None:
    """The forward pass and the gradients again, from what the sheet gives."""
    derivation = proven("rnn")
    for seed in SEEDS:
        exercise = numeric(derivation, seed)
        assert exercise is not None
        given = _given(exercise)
        states = {0: given["h_0"]}
        adjoints = {STEPS + 1: np.zeros((2, 1))}
        errors = {}
        for step in range(1, STEPS + 1):
            argument = given["W_{rec}"] @ states[step - 1] + given["W_{in}"] @ given[f"x_{step}"]
            states[step] = np.tanh(argument + given["b"])
            powers = np.exp(given["W_{out}"] @ states[step] + given["c"])
            errors[step] = powers / powers.sum() - given[f"y_{step}"]
        for step in range(STEPS, 0, -1):
            back = given["W_{rec}"].T @ adjoints[step + 1]
            adjoints[step] = (given["W_{out}"].T @ errors[step] + back) * (1 - states[step] ** 2)
        forward, backward = (b for b in exercise.solution if isinstance(b, Table))
        for table, name, values in (
            (forward, "$h_t$", states),
            (backward, "$\\delta_t^a$", adjoints),
        ):
            (row,) = (row for row in table.rows if row[0] == name)
            for step in range(1, STEPS + 1):
                numbers = [float(text) for text in re.findall(r"-?\d+\.\d+", row[step])]
                assert np.allclose(numbers, values[step][:, 0], atol=6e-5)


def _given(exercise: Exercise) -> dict[str, np.ndarray]:
    (table,) = (block for block in exercise.statement if isinstance(block, Table))
    found = {}
    for cell_text in itertools.chain(*table.rows):
        if cell_text:
            name, _, value = cell_text.strip("$").partition(" = ")
            rows = re.sub(r"\\(begin|end)\{pmatrix\}", "", value).split("\\\\")
            found[name] = np.array([[float(x) for x in row.split("&")] for row in rows])
    return found


def test_what_is_kept_is_what_the_way_back_names() -> None:
    exercise = memory(proven("rnn"), 1)
    assert exercise is not None
    (answer,) = exercise.solution
    assert isinstance(answer, Paragraph)
    assert "parameters and data, $\\hat{y}_t$ and $h_t$." in answer.text


def test_a_gradient_of_an_unspecified_loss_is_given() -> None:
    exercise = numeric(proven("rnn-hh"), 1)
    assert exercise is not None
    names = [row.sides[0] for row in rows_of(exercise.statement)]
    assert names == [rf"\frac{{\partial E_{step}}}{{\partial \hat{{y}}_{step}}}" for step in (1, 2)]


def test_numbers_are_drawn_again_where_something_has_no_value() -> None:
    """The logarithm of a negative output."""
    text = "h_t = tanh(W h_{t-1} + x_t)\ny_t = V h_t\nE_t = -u_t^\\top \\log y_t"
    derivation = prove(derive(Model.read(text)))
    sheets = [exercises(derivation, seed) for seed in range(6)]
    assert max(map(len, sheets)) == 5
    assert min(map(len, sheets)) >= 4


def test_the_numbers_are_not_those_of_the_worked_example() -> None:
    exercise = numeric(proven("rnn"), 0)
    assert exercise is not None
    worked = example(proven("rnn"))
    (weights,) = (p for p in worked.derivation.model.parameters if p.name == "W_{rec}")
    assert not np.array_equal(_given(exercise)["W_{rec}"], worked.value(weights))


def test_where_nothing_is_trained_there_is_no_gradient_to_compute() -> None:
    derivation = prove(derive(Model.read("h_t = tanh(h_{t-1} + x_t)\nE_t depends on h_t")))
    assert numeric(derivation, 1) is None
    assert exercises(derivation, 1)


def test_without_values_of_a_function_nothing_is_computed() -> None:
    derivation = prove(derive(Model.read(UNSPECIFIED)))
    assert numeric(derivation, 1) is None
    assert len(exercises(derivation, 1)) == 4


@pytest.mark.parametrize("name", ["rnn", pytest.param("lstm", marks=pytest.mark.slow)])
def test_sheets_differ_and_repeat(name: str) -> None:
    derivation = proven(name)
    sheets = [repr(exercises(derivation, seed)) for seed in range(8)]
    assert len(set(sheets)) == len(sheets)
    again = prove(derive(cell(name)))
    assert [repr(exercises(again, seed)) for seed in reversed(range(8))][::-1] == sheets


def test_every_exercise_of_a_sheet_differs_from_the_next_sheet() -> None:
    derivation = proven("rnn")
    one, other = exercises(derivation, 1), exercises(derivation, 2)
    assert not set(map(repr, one)) & set(map(repr, other))


_SCRIPT = """
from codegen.documents.handout.exercises import exercises
from derivations import cell, derive, prove
print(exercises(prove(derive(cell("rnn"))), 5))
"""


@pytest.mark.slow
def test_no_hash_seed_changes_a_sheet() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", _SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_choices_are_the_same_everywhere() -> None:
    draw = Draw(7, "blanks")
    assert [draw.number(1000) for _ in range(4)] == [588, 634, 939, 997]
    assert sorted(Draw(1, "x").shuffled("abcd")) == list("abcd")
    assert Draw(1, "x").some("abcd", 9) == list("abcd")


def test_there_is_room_to_write_and_something_to_read() -> None:
    def words(blocks: tuple[Block, ...]) -> bool:
        return any(isinstance(block, Paragraph | Display) for block in blocks)

    for exercise in exercises(proven("rnn-labels"), 11):
        assert exercise.room > 0
        assert words(exercise.statement)
        assert words(exercise.solution)
