"""Groups of networks, quantiles over them, shares and clipping: sizes are logarithms, −∞ is one."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.flow import summary
from codegen.flow.groups import grouped, settings_of
from codegen.flow.point import Settings
from derivations.errors import EmitError
from tests.codegen.flow.invented import measured, study

logarithms = st.floats(-20_000, 20_000) | st.just(-math.inf)
rows = st.integers(1, 6).flatmap(
    lambda length: st.lists(
        st.lists(logarithms, min_size=length, max_size=length), min_size=1, max_size=25
    )
)


def with_terms(terms: list[float], gradient: float = 0.0) -> summary.Measured:
    return replace(measured(0, 1), terms=tuple(terms), gradient=gradient)


@given(rows, st.integers(0, 20))
def test_a_quantile_is_the_least_value_that_enough_networks_do_not_exceed(
    found: list[list[float]], twentieths: int
) -> None:
    quantile = twentieths / 20
    networks = [with_terms(row) for row in found]
    curve = summary.quantile_curves(networks, summary.terms, [quantile])[0]
    enough = Fraction(twentieths, 20) * len(found)
    for column, value in zip(zip(*found, strict=True), curve, strict=True):
        assert value in column
        assert sum(other <= value for other in column) >= enough
        assert sum(other < value for other in column) < max(enough, 1)


@given(rows)
def test_quantiles_agree_with_numpy_where_numpy_has_them(found: list[list[float]]) -> None:
    # NumPy takes differences, which −∞ has not; a size far below all others stands for it.
    finite = [[max(size, -1e6) for size in row] for row in found]
    ours = summary.quantile_curves([with_terms(row) for row in found], summary.terms)
    theirs = np.quantile(finite, [0.1, 0.5, 0.9], axis=0, method="inverted_cdf")
    np.testing.assert_array_equal(np.maximum(ours, -1e6), theirs)


def test_the_rank_of_a_quantile_is_exact() -> None:
    # 0.7 · 10 is more than 7 in floats.
    networks = [with_terms([float(k)]) for k in range(10)]
    assert summary.quantile_curves(networks, summary.terms, [0.7]).tolist() == [[6.0]]


def test_networks_without_a_value_are_left_out() -> None:
    networks = [measured(0, 5), measured(1, 5, carry=True)]
    curves = summary.quantile_curves(networks, summary.carry)
    assert curves.tolist() == [list(networks[1].carry)] * 3
    assert summary.quantile_curves(networks[:1], summary.carry).shape == (3, 0)


@given(st.lists(logarithms, min_size=1, max_size=30))
def test_shares_sum_to_one_however_small_or_large_terms_are(terms: list[float]) -> None:
    shares = summary.shares(with_terms(terms))
    if max(terms) == -math.inf:
        assert shares == ()
        return
    assert math.fsum(10.0**share for share in shares) == pytest.approx(1, rel=1e-12)
    for term, share in zip(terms, shares, strict=True):
        assert (share == -math.inf) == (term == -math.inf)
        assert share <= 1e-12


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=10))
def test_shares_are_those_of_the_sizes_themselves(terms: list[float]) -> None:
    sizes = 10.0 ** np.array(terms)
    shares = 10.0 ** np.array(summary.shares(with_terms(terms)))
    np.testing.assert_allclose(shares, sizes / sizes.sum(), rtol=1e-12)


@given(
    st.lists(logarithms, min_size=1, max_size=10),
    logarithms,
    st.floats(1e-6, 1e6) | st.just(math.inf),
)
def test_clipping_bounds_the_gradient_and_changes_no_share(
    terms: list[float], gradient: float, limit: float
) -> None:
    before = with_terms(terms, gradient)
    after = summary.clipped(before, limit)
    factors = {round(b - a, 6) for a, b in zip(terms, after, strict=True) if a > -math.inf}
    assert len(factors) <= 1
    factor = factors.pop() if factors else 0.0
    assert factor <= 0
    if factor < 0:
        assert gradient + factor == pytest.approx(math.log10(limit), abs=1e-5)
    np.testing.assert_allclose(
        summary.shares(with_terms(list(after))), summary.shares(before), atol=1e-9, rtol=1e-9
    )


@pytest.mark.parametrize("limit", [0.0, -1.0, math.nan])
def test_a_limit_is_above_zero(limit: float) -> None:
    with pytest.raises(EmitError, match="cannot be clipped"):
        summary.clipped(measured(0, 3), limit)


def test_inputs_are_relative_to_the_last() -> None:
    network = replace(measured(0, 3), inputs=(-5000.0, -5003.0, -math.inf))
    assert summary.inputs(network) == (0.0, -3.0, -math.inf)
    assert summary.inputs(replace(network, inputs=(-math.inf, -1.0))) == ()
    assert summary.inputs(replace(network, inputs=())) == ()


def test_groups_stand_as_they_first_appear_and_networks_by_seed() -> None:
    initialisations = ("identity", "gaussian")
    results = study(
        cells=[("rnn", "tanh"), ("lstm", "")], values=(2.0, 0.5), initialisations=initialisations
    )
    by_seed = sorted(results, key=lambda pair: -pair[0].seed)
    groups = grouped(results)
    assert list(groups.items()) == list(grouped(by_seed).items())
    assert [(group.cell, group.initialisation, group.value) for group in groups] == [
        (cell, initialisation, value)
        for cell in ("rnn", "lstm")
        for initialisation in initialisations
        for value in (2.0, 0.5)
    ]
    for group, networks in groups.items():
        of_group = [
            found
            for point, found in results
            if point.value == group.value
            and (point.cell, point.initialisation) == (group.cell, group.initialisation)
        ]
        assert list(networks) == of_group


def test_points_with_several_settings_are_no_study() -> None:
    results = study(seeds=1)
    point, found = results[0]
    other = (replace(point, settings=Settings(steps=12, clip=2.0)), found)
    with pytest.raises(EmitError, match="2 different settings"):
        grouped([*results, other])
    assert settings_of(results) == point.settings


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["norms", "terms", "inputs", "carry", "exponents"])
def test_what_is_no_size_is_refused_by_name(name: str, value: float) -> None:
    point, found = study(seeds=1)[0]
    with pytest.raises(EmitError, match=rf"{name} of rnn .*seed 0\) holds {value}"):
        grouped([(point, replace(found, **{name: (0.0, value)}))])


def test_a_bound_may_be_none() -> None:
    point, found = study(seeds=1)[0]
    networks = [replace(found, bounds=(math.inf,) * len(found.norms))]
    assert list(grouped([(point, networks[0])]).values()) == [tuple(networks)]
    assert summary.violations(networks) == 0


def test_every_norm_above_its_bound_counts() -> None:
    network = replace(
        measured(0, 4),
        norms=(0.0, 1e-12, -5000.0, 0.1, -math.inf),
        bounds=(0.0, 0.0, -math.inf, 0.0, -math.inf),
    )
    assert summary.violations([network, network]) == 6


@pytest.mark.parametrize(
    ("largest", "verdict"),
    [
        ([-0.3, -0.2, -0.1], "vanishes"),
        ([-math.inf, -math.inf], "vanishes"),
        ([0.1, 0.2], "explodes"),
        ([-0.1, 0.2], "varies"),
        ([1e-17, -1e-17], "varies"),
        ([], "unknown"),
    ],
)
def test_the_verdict_is_the_sign_of_all_quantiles(largest: list[float], verdict: str) -> None:
    networks = [replace(measured(0, 2), exponents=(value, -9.0)) for value in largest]
    assert summary.verdict(networks or [replace(measured(0, 2), exponents=())]) == verdict
