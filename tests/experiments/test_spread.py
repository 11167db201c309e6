"""When a difference between rows may be called one."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minircnn.experiments import compare, mean_and_spread

figures = st.lists(st.floats(0.01, 1.0), min_size=2, max_size=6)


def test_the_spread_is_the_sample_standard_deviation():
    assert mean_and_spread([1.0, 2.0, 3.0]) == (2.0, 1.0)
    assert mean_and_spread([4.0]) == (4.0, None)


def test_a_single_run_calls_no_difference():
    assert compare([0.9], [0.1]).verdict == "one run"


def test_a_count_needs_no_second_run():
    assert compare([3.0], [2.0], exact=True).verdict == "more"
    assert compare([2.0], [2.0], exact=True).verdict == "no difference"


def test_a_difference_within_the_spread_of_a_row_is_none():
    # the differences are all 0.02, but each row by itself moves by 0.1 from seed to seed
    compared = compare([0.52, 0.62, 0.42], [0.50, 0.60, 0.40])
    assert compared.mean == pytest.approx(0.02)
    assert compared.spread == pytest.approx(0.0)
    assert compared.needed == pytest.approx(0.1)
    assert compared.steady
    assert compared.verdict == "no difference"


def test_a_difference_beyond_every_spread_is_called():
    assert compare([0.70, 0.71, 0.69], [0.50, 0.52, 0.51]).verdict == "more"
    assert compare([0.50, 0.52, 0.51], [0.70, 0.71, 0.69]).verdict == "less"


def test_a_difference_is_steady_if_no_seed_tells_another_way():
    assert compare([0.5, 0.6], [0.4, 0.5]).steady
    assert not compare([0.5, 0.4], [0.4, 0.5]).steady
    assert not compare([0.5, 0.5], [0.5, 0.4]).steady
    assert not compare([0.5], [0.4]).steady


def test_ratios_are_compared_with_one():
    compared = compare([2.0, 2.2], [1.0, 1.0], ratio=True)
    assert compared.mean == pytest.approx(2.1)
    assert compared.verdict == "more"
    assert compare([1.0, 1.0], [2.0, 2.0], ratio=True).verdict == "less"
    with pytest.raises(ValueError, match="zero"):
        compare([1.0], [0.0], ratio=True)


@given(figures)
def test_nothing_differs_from_itself(values):
    assert compare(values, values).verdict == "no difference"
    assert compare(values, values, ratio=True).verdict == "no difference"


@given(figures, st.data())
def test_to_exchange_the_rows_is_to_change_the_sign(values, data):
    others = data.draw(st.lists(st.floats(0.01, 1.0), min_size=len(values), max_size=len(values)))
    there, back = compare(values, others), compare(others, values)
    assert math.isclose(there.mean, -back.mean, abs_tol=1e-12)
    assert math.isclose(there.spread, back.spread, abs_tol=1e-12)
    assert (there.needed, there.steady) == (back.needed, back.steady)
    mirrored = {"more": "less", "less": "more", "no difference": "no difference"}
    assert back.verdict == mirrored[there.verdict]
