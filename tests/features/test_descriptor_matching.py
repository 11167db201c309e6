"""Matching descriptors by the ratio test, and RootSIFT."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minircnn.features import match_descriptors, root_sift


@given(st.integers(0, 30), st.integers(0, 30), st.floats(0.3, 1.0), st.integers(0, 99))
def test_it_is_the_loop(many, others, ratio, seed):
    rng = np.random.default_rng(seed)
    first, second = (rng.normal(size=(n, 8)).astype(np.float32) for n in (many, others))
    pairs, ratios = match_descriptors(first, second, ratio=ratio)
    expected = []
    for row, one in enumerate(first if others > 1 else []):
        distance = np.linalg.norm(second.astype(np.float64) - one, axis=1)
        nearest, next_one = np.argsort(distance)[:2]
        if abs(distance[nearest] / distance[next_one] - ratio) < 1e-4:
            return  # rounding decides
        if distance[nearest] < ratio * distance[next_one]:
            expected.append([row, nearest])
    assert pairs.tolist() == expected
    assert (ratios < ratio).all()


def test_what_lies_twice_among_the_others_is_no_match():
    one = np.ones((1, 4), np.float32)
    others = np.array([[2.0] * 4, [1.0] * 4, [1.0] * 4], np.float32)
    # of the two that are equal both distances are 0, and nothing tells them apart
    assert len(match_descriptors(one, others)[0]) == 0
    pairs, ratios = match_descriptors(one, others[:2])
    assert pairs.tolist() == [[0, 1]]
    assert ratios.tolist() == [0.0]


def test_a_single_candidate_is_no_match_as_there_is_no_second_nearest():
    one = np.ones((1, 4), np.float32)
    pairs, ratios = match_descriptors(one, one)
    assert pairs.shape == (0, 2)
    assert ratios.shape == (0,)


def test_other_lengths_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(2, 4\)"):
        match_descriptors(np.ones((2, 3)), np.ones((2, 4)))
    with pytest.raises(ValueError, match="ratio"):
        match_descriptors(np.ones((2, 3)), np.ones((2, 3)), ratio=0)


def test_root_sift_is_the_hellinger_map(rng):
    descriptors = rng.random((5, 128)).astype(np.float32)
    descriptors[2] = 0
    roots = root_sift(descriptors)
    np.testing.assert_allclose(np.linalg.norm(roots, axis=1), [1, 1, 0, 1, 1], atol=1e-6)
    shares = descriptors[[0, 1]] / descriptors[[0, 1]].sum(axis=1, keepdims=True)
    assert roots[0] @ roots[1] == pytest.approx(np.sqrt(shares[0] * shares[1]).sum(), rel=1e-5)
