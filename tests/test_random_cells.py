"""Whatever a user writes down: random systems of equations, from the text to checked gradients."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from codegen.build import STYLES, emit_source, model_for
from codegen.gradcheck import check_module
from codegen.gradcheck.module import default_sizes, draw_arrays, module_from_source
from codegen.options import Options
from derivations import Model, derive, prove
from derivations.errors import EmitError
from tests.emitted import assert_same, drawn
from tests.random_cells import cells

#: One takes about a second; CI draws 300 of them.
CELLS = int(os.environ.get("BPTT_RANDOM_CELLS", "12"))
SHARDS = 6


def derived_proven_emitted_and_checked(text: str) -> None:
    """Take a cell all the way; any refusal is a failure, too.

    Both styles must give the same at sizes that all differ; the numerical tests take every entry
    and so see small sizes.
    """
    derivation = prove(derive(Model.read(text)))
    textbook, fast = (
        module_from_source(emit_source(derivation, "cell", style)) for style in STYLES
    )
    sizes = default_sizes(fast)
    arrays = draw_arrays(fast, sizes, seed=1)
    params, data = ({n: arrays[n] for n in names} for names in (fast.PARAMS, fast.DATA))
    value, gradients = fast.value_and_grad(params, data)
    other, others = textbook.value_and_grad(params, data)
    np.testing.assert_allclose(value, other, rtol=1e-12)
    assert gradients.keys() == others.keys()
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, others[name], rtol=1e-9, atol=1e-12, err_msg=name)
    small = dict(zip(sizes, cycle((2, 3)), strict=False)) | {"T": 3, "B": 2}
    report = check_module(fast, small)
    assert report.passed, f"{text}\n{report}"


def done_in_segments(text: str) -> None:
    """Checkpoints and windows that reach back to the first step change no gradient."""
    model = Model.read(text)
    plain = module_from_source(emit_source(derive(model), "cell", "textbook"))
    looks_ahead = "_{t+" in text
    params, data = drawn(plain, steps=7)
    with np.errstate(over="ignore", invalid="ignore"):
        value, gradients = plain.value_and_grad(params, data)
    if not all(np.isfinite(array).all() for array in (value, *gradients.values())):
        return  # a state that grows beyond all numbers in seven steps
    options = Options(checkpoint=True, truncate=True)
    for chosen in (replace(options, truncate=False), options):
        derivation = derive(model_for(model, chosen))
        if looks_ahead:
            with pytest.raises(EmitError, match="cannot be computed before later steps"):
                emit_source(derivation, "cell", "fast", options=chosen)
            continue
        emitted = module_from_source(emit_source(derivation, "cell", "fast", options=chosen))
        assert_same(emitted.value_and_grad(params, data), (value, gradients), rel=1e-9)
        if chosen.truncate:
            found = emitted.truncated_value_and_grad(params, data, 3, 7)
            by_parameters = {name: gradients[name] for name in params}
            assert_same(found, (value, by_parameters), rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("checked", [derived_proven_emitted_and_checked, done_in_segments])
def test_a_random_cell_is_derived_proven_emitted_and_checked(
    checked: Callable[[str], None], shard: int
) -> None:
    test = given(cells())(checked)
    settings(
        max_examples=CELLS // SHARDS,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # to make an example smaller takes minutes
        suppress_health_check=list(HealthCheck),
    )(seed(shard)(test))()
