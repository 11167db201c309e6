"""k-means: the loop of a step, scikit-learn's, and what holds for any samples."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from minircnn import textbook
from minircnn.features import k_means
from minircnn.features.k_means import nearest, spread_centres


def blobs(seed, count=300, dim=6, places=5):
    rng = np.random.default_rng(seed)
    middle = rng.normal(size=(places, dim)) * 3
    return (middle[rng.integers(0, places, count)] + rng.normal(size=(count, dim))).astype(np.float32)


@given(st.integers(0, 999), st.integers(1, 6))
def test_a_step_is_the_loop(seed, count):
    samples = blobs(seed, 40)
    start = samples[:count]
    found = k_means(samples, count, rng=np.random.default_rng(0), start=start, most_steps=1)
    np.testing.assert_allclose(found.centers, textbook.lloyd_step(samples.astype(float), start), atol=1e-4)


@given(st.integers(0, 999))
def test_the_nearest_is_the_loop(seed):
    samples, centres = blobs(seed, 30), blobs(seed + 1, 7)
    labels, distances = nearest(samples, centres)
    expected = [textbook.nearest_word(sample, centres) for sample in samples.astype(float)]
    assert labels.tolist() == expected
    np.testing.assert_allclose(distances, ((samples - centres[labels]) ** 2).sum(axis=1), rtol=1e-4)


@given(st.integers(0, 999), st.integers(1, 20))
def test_the_inertia_never_rises(seed, count):
    found = k_means(blobs(seed, 60), count, rng=np.random.default_rng(seed), tolerance=0.0)
    inertia = np.array(found.inertia)
    assert (np.diff(inertia) <= 1e-4 * inertia[:-1] + 1e-3).all()
    assert len(np.unique(found.labels)) == count


def test_scikit_learn_comes_to_the_same_from_the_same_start(rng):
    samples = blobs(1, 500)
    start = samples[:8]
    ours = k_means(samples, 8, rng=rng, start=start, tolerance=0.0)
    theirs = KMeans(8, init=start, n_init=1, tol=0, algorithm="lloyd").fit(samples)
    assert ours.inertia[-1] == pytest.approx(theirs.inertia_, rel=1e-4)
    np.testing.assert_allclose(ours.centers, theirs.cluster_centers_, atol=1e-2)


def test_the_start_is_as_good_as_scikit_learns():
    samples = blobs(2, 800, places=20)
    ours = [k_means(samples, 20, rng=np.random.default_rng(seed)).inertia[-1] for seed in range(5)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = [KMeans(20, n_init=1, random_state=seed).fit(samples).inertia_ for seed in range(5)]
    assert np.mean(ours) <= 1.05 * np.mean(theirs)


def test_an_empty_centre_moves_to_the_farthest_sample(rng):
    samples = np.float32([[0.0], [1.0], [10.0]])
    start = np.float32([[0.5], [100.0], [-100.0]])
    found = k_means(samples, 3, rng=rng, start=start)
    assert sorted(found.centers.ravel().tolist()) == [0, 1, 10]
    assert found.inertia[-1] == 0


def test_equal_samples_need_no_distances(rng):
    samples = np.ones((9, 2), np.float32)
    assert (spread_centres(samples, 4, rng) == 1).all()
    assert k_means(samples, 4, rng=rng).inertia[-1] == 0


def test_it_is_the_same_again():
    first, again = (k_means(blobs(3), 7, rng=np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first.centers, again.centers)


def test_each_step_is_told(rng):
    told = []
    found = k_means(blobs(4), 5, rng=rng, progress=lambda *step: told.append(step))
    assert [one[:2] for one in told] == list(enumerate(found.inertia[:-1]))
    again = k_means(blobs(4), 5, rng=rng, start=told[1][2])
    np.testing.assert_array_equal(again.centers, found.centers)
    assert again.inertia == found.inertia[1:]


@pytest.mark.parametrize(
    ("samples", "count", "match"),
    [
        (np.ones((3, 2)), 4, "at least 4"),
        (np.ones(3), 1, "samples"),
        (np.full((3, 2), np.nan), 2, "not finite"),
        (np.ones((3, 2)), 0, "count"),
    ],
)
def test_samples_that_make_no_sense_are_refused(rng, samples, count, match):
    with pytest.raises(ValueError, match=match):
        k_means(samples, count, rng=rng)


def test_samples_whose_distances_overflow_are_refused():
    with pytest.raises(ValueError, match="not finite, or too large"):
        k_means(np.arange(6, dtype=np.float64).reshape(3, 2) * 1e30, 2, rng=np.random.default_rng(0))


def test_a_start_of_another_shape_is_refused(rng):
    with pytest.raises(ValueError, match=r"start must be \(2, 3\)"):
        k_means(np.ones((4, 3)), 2, rng=rng, start=np.ones((2, 2)))
