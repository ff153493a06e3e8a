"""Where the entries of a quantity lie, against what random networks compute."""

import numpy as np
import pytest

from codegen.build import emit_source
from codegen.flow.network import sizes_of
from codegen.gradcheck.module import draw_arrays, module_from_source
from derivations import cell, cell_names, derive
from derivations.notation.names import identifier
from derivations.pairing import pair, paired
from derivations.ranges import entry_range
from derivations.stability import gradient_bounds


@pytest.mark.slow
@pytest.mark.parametrize("name", cell_names())
def test_every_quantity_lies_in_its_range(name: str) -> None:
    found = gradient_bounds(cell(name, "sigmoid" if name == "rnn-hh" else None))
    model = found.model
    asked = [
        definition.quantity
        for definition in model.definitions
        if definition.quantity not in (model.loss, model.total)
    ]
    bounded = [q for q in asked if any(end.is_finite for end in entry_range(q, model))]
    if not bounded:
        assert name in {"diagonal", "fast-weights", "leaky", "rnn-preactivation"}
        return
    source = emit_source(derive(paired(model, found.state, bounded)), name, "fast")
    module = module_from_source(source)
    arrays = draw_arrays(module, sizes_of(module, 4, 20), 0)
    data = {key: arrays[key] * (1 if key in module.CONSTRAINTS else 5) for key in module.DATA}
    parameters = {key: arrays[key] for key in module.PARAMS}
    gradients = module.value_and_grad(parameters, data)[1]
    for place, quantity in enumerate(bounded):
        low, high = map(float, entry_range(quantity, model))
        values = gradients[identifier(pair(place))]
        assert low <= values.min(), quantity
        assert values.max() <= high, quantity
        assert np.isfinite(values).all()
