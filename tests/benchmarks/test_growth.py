"""Powers of growth are fitted right, and every series is complete; no time is asserted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.growth import exponent, measure, report
from benchmarks.growth_series import Series, constant, linear, series, sorting

SIZES = (100, 200, 400, 800, 1600)


@settings(deadline=None)
@given(st.floats(-2, 3), st.floats(1e-6, 1e6))
def test_the_power_of_a_power_law(power, factor):
    assert exponent(SIZES, [factor * size**power for size in SIZES]) == pytest.approx(power, abs=1e-9)


def test_the_smaller_half_does_not_count():
    assert exponent(SIZES, [7, 7, 4, 8, 16]) == pytest.approx(1)


def test_orders():
    assert linear("n").cost(8, None) / linear("n").cost(4, None) == 2
    assert sorting("n log n").cost(16, None) / sorting("n log n").cost(4, None) == pytest.approx(8)
    assert constant("1").cost(8, None) == constant("1").cost(4, None)


def test_memory_is_that_of_one_run():
    sizes = (10**6, 2 * 10**6, 4 * 10**6)
    work = Series(
        "zeros", "bytes", linear("n"), linear("n"), sizes, lambda size: lambda: np.zeros(size, np.uint8)
    )
    growth = measure(work)
    assert growth.megabytes == pytest.approx([1, 2, 4], rel=0.01)
    assert growth.kept_megabytes == pytest.approx([0, 0, 0], abs=0.01)
    assert growth.time_costs == list(sizes)
    assert growth.expected_memory_exponent == pytest.approx(1)
    assert "zeros" in report([growth])


def test_what_a_first_run_leaves_behind_is_counted_apart():
    kept = []

    def run():
        if not kept:
            kept.append(np.zeros(3 * 10**6, np.uint8))
        return np.zeros(10**6, np.uint8)

    growth = measure(Series("cache", "n", linear("n"), constant("1"), (1, 2, 4), lambda size: run))
    assert growth.megabytes == pytest.approx([1, 1, 1], rel=0.01)
    assert growth.kept_megabytes == pytest.approx([3, 0, 0], abs=0.01)


def test_series_have_names_of_their_own_and_sizes_that_double():
    everything = list(series())
    assert len({one.name for one in everything}) == len(everything)
    for one in everything:
        assert all(2 * a == b for a, b in zip(one.sizes, one.sizes[1:], strict=False))


@pytest.mark.slow
@pytest.mark.parametrize("one", list(series()), ids=lambda one: one.name)
def test_the_smallest_size_of_every_series_runs(one):
    result = one.prepare(one.sizes[0])()
    assert one.time.cost(one.sizes[0], result) > 0
    assert one.memory.cost(one.sizes[0], result) > 0
