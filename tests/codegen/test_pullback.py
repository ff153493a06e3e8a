"""Modules of the gradients by given states alone, against modules of all gradients."""

import numpy as np
import pytest

from codegen.build import emit_pullback, emit_source
from codegen.gradcheck.module import default_sizes, draw_arrays, module_from_source
from derivations import cell, derive


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "fast-weights", "two-lag", "bidirectional"])
def test_the_gradients_by_states_are_those_of_the_whole_module(name: str) -> None:
    derivation = derive(cell(name))
    whole = module_from_source(emit_source(derivation, name, "fast"))
    alone = module_from_source(emit_pullback(derivation, name))
    arrays = draw_arrays(whole, default_sizes(whole), 0)
    parameters = {key: arrays[key] for key in whole.PARAMS}
    data = {key: arrays[key] for key in whole.DATA}
    value, expected = whole.value_and_grad(parameters, data)
    again, found = alone.value_and_grad(parameters, data)
    assert again == value
    assert set(found) == {key for key, axes in whole.DATA.items() if "T" not in axes}
    for key, gradient in found.items():
        np.testing.assert_array_equal(gradient, expected[key])
