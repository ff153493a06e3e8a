"""Clipping by the global norm: the direction stays, the norm is at most the limit."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.build import emit_source
from codegen.gradcheck import check_module
from codegen.gradcheck.module import default_sizes, draw_arrays, module_from_source
from codegen.options import Options
from derivations import cell, derive

CLIP = Options(clip=True)


@pytest.fixture(scope="module")
def emitted() -> ModuleType:
    return module_from_source(emit_source(derive(cell("gru")), "gru", "fast", options=CLIP))


def gradients_of(emitted: ModuleType, seed: int = 0) -> dict[str, np.ndarray]:
    arrays = draw_arrays(emitted, default_sizes(emitted), seed)
    params, data = ({n: arrays[n] for n in names} for names in (emitted.PARAMS, emitted.DATA))
    return emitted.value_and_grad(params, data)[1]


def stacked(emitted: ModuleType, gradients: dict[str, np.ndarray]) -> np.ndarray:
    """Return all gradients by parameters as one vector."""
    return np.concatenate([gradients[name].ravel() for name in emitted.PARAMS])


@settings(deadline=None, max_examples=50)
@given(share=st.floats(0.01, 3.0), seed=st.integers(0, 1000))
def test_a_clipped_gradient_has_the_direction_and_at_most_the_norm(
    emitted: ModuleType, share: float, seed: int
) -> None:
    gradients = gradients_of(emitted, seed)
    before = stacked(emitted, gradients)
    norm = np.linalg.norm(before)
    assert emitted.global_norm(gradients) == pytest.approx(norm, rel=1e-14)
    after = stacked(emitted, emitted.clip(gradients, share * norm))
    np.testing.assert_allclose(after, before * min(1.0, share), rtol=1e-13)


def test_gradients_by_data_stay(emitted: ModuleType) -> None:
    gradients = gradients_of(emitted)
    clipped = emitted.clip(gradients, 1e-3)
    assert clipped.keys() == gradients.keys()
    assert clipped["x"] is gradients["x"]
    assert np.abs(clipped["b_z"]).max() < np.abs(gradients["b_z"]).max()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_square_overflows_or_vanishes(emitted: ModuleType, dtype: type) -> None:
    """Every entry as large, or as small, as floats go."""
    limits = np.finfo(dtype)
    for entry in (limits.max / 2, limits.tiny):
        gradients = {
            name: np.full(gradient.shape, entry, dtype)
            for name, gradient in gradients_of(emitted).items()
        }
        limit = 1.0 if entry > 1 else float(entry)
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            clipped = emitted.clip(gradients, limit)
        assert clipped["b_z"].dtype == dtype
        expected = limit / np.sqrt(stacked(emitted, gradients).size)
        np.testing.assert_allclose(stacked(emitted, clipped), expected, rtol=1e-6)


def test_gradients_of_zero_stay_zero(emitted: ModuleType) -> None:
    zeros = {name: np.zeros_like(g) for name, g in gradients_of(emitted).items()}
    assert emitted.global_norm(zeros) == 0
    assert not stacked(emitted, emitted.clip(zeros, 1.0)).any()


@pytest.mark.parametrize("limit", [0, -1.0, np.nan, np.inf, "1", None])
def test_a_bad_limit_is_named(emitted: ModuleType, limit: object) -> None:
    with pytest.raises(ValueError, match=r"limit is .*; a positive number was expected"):
        emitted.clip(gradients_of(emitted), limit)


def test_bad_gradients_are_named(emitted: ModuleType) -> None:
    gradients = gradients_of(emitted)
    gradients["b_z"][0] = np.inf
    with pytest.raises(ValueError, match=r"gradients\['b_z'\] has entries that are not finite"):
        emitted.clip(gradients, 1.0)
    del gradients["b_z"]
    with pytest.raises(ValueError, match="gradients has"):
        emitted.global_norm(gradients)


def test_the_rest_of_the_module_is_the_same(emitted: ModuleType) -> None:
    assert check_module(emitted, seed=1).passed
