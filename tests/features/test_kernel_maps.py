"""Maps of histograms: their dot products are the kernels, exactly or to the stated error."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.kernel_approximation import AdditiveChi2Sampler

from minircnn.features import KERNELS, kernel_map
from minircnn.features.kernel_maps import map_length

ERROR = {"intersection": {1: 0.104, 2: 0.079, 3: 0.064}, "chi2": {1: 0.032, 2: 0.013, 3: 0.006}}
NUMBER = st.one_of(st.just(0.0), st.floats(1e-6, 1))


@given(NUMBER, NUMBER, st.integers(1, 3))
def test_the_kernels_are_met_to_the_stated_error(x, y, order):
    for kernel, exact in (("intersection", min(x, y)), ("chi2", 2 * x * y / (x + y) if x + y else 0)):
        a, b = kernel_map(np.array([[x], [y]]), kernel, order=order)
        assert abs(float(a @ b) - exact) <= (ERROR[kernel][order] + 1e-3) * max(x, y)


def test_intersection_of_histograms_is_near(rng):
    histograms = rng.dirichlet(np.full(200, 0.3), 40).astype(np.float32)
    exact = np.minimum(histograms[:, None], histograms).sum(axis=2)
    for order, most in ((1, 0.085), (3, 0.055)):
        mapped = kernel_map(histograms, "intersection", order=order)
        off = np.abs(mapped @ mapped.T - exact)[~np.eye(40, dtype=bool)]
        assert off.mean() < most


@pytest.mark.parametrize("order", [1, 2, 3])
def test_chi2_is_scikit_learns(rng, order):
    histograms = rng.random((6, 9)).astype(np.float32)
    histograms[1, 3] = 0
    theirs = AdditiveChi2Sampler(
        sample_steps=order + 1, sample_interval={1: 0.63, 2: 0.51, 3: 0.45}[order]
    ).fit_transform(histograms.astype(np.float64))
    np.testing.assert_allclose(kernel_map(histograms, "chi2", order=order), theirs, atol=1e-6)


def test_hellinger_is_exact(rng):
    histograms = rng.random((2, 9)).astype(np.float32)
    x, y = kernel_map(histograms)
    assert float(x @ y) == pytest.approx(np.sqrt(histograms[0] * histograms[1]).sum(), rel=1e-5)
    np.testing.assert_array_equal(kernel_map(histograms, "linear"), histograms)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("order", [1, 3])
def test_nothing_stays_nothing_and_the_length_is_told(kernel, order):
    mapped = kernel_map(np.zeros((2, 4), np.float32), kernel, order=order)
    assert mapped.shape == (2, 4 * map_length(kernel, order))
    assert not mapped.any()
    assert mapped.dtype == np.float32


def test_what_is_no_histogram_is_refused():
    with pytest.raises(ValueError, match="negative"):
        kernel_map(np.array([[-1.0]]))
    with pytest.raises(ValueError, match="kernel"):
        kernel_map(np.ones((1, 1)), "gauss")
    with pytest.raises(ValueError, match="order"):
        kernel_map(np.ones((1, 1)), "chi2", order=4)
