import importlib
from unittest import mock

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from minircnn import textbook
from minircnn.imaging import smooth
from minircnn.proposals import graph_segmentation
from minircnn.proposals.graph_segmentation import segment_scales
from minircnn.proposals.grid_edges import GridEdges

module = importlib.import_module("minircnn.proposals.graph_segmentation")
FEW = st.sampled_from([0, 10, module.FEW])  # small images would not come past the plain loop


@settings(deadline=None, max_examples=200)
@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from([None, 1, 2, 3]),
    st.sampled_from([2, 4, 20, 256]),  # few values make ties and flat areas
    st.sampled_from([0.0, 0.5, 1.0, 3.0, 30.0, 300.0]),
    st.sampled_from([0, 1, 2, 5, 20]),
    st.integers(0, 2**31),
    FEW,
)
def test_equals_the_sequential_algorithm(height, width, channels, levels, k, min_size, seed, few):
    shape = (height, width) if channels is None else (height, width, channels)
    image = np.random.default_rng(seed).integers(0, levels, shape).astype(np.float32)
    with mock.patch.object(module, "FEW", few):
        labels = graph_segmentation(image, k, 0, min_size)
    np.testing.assert_array_equal(labels, textbook.graph_segmentation(image, k, min_size))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31), st.sampled_from([1.0, 5.0, 50.0]), FEW)
def test_equals_the_sequential_algorithm_on_smooth_images(seed, k, few):
    """Smooth images have large components, long trees and many rounds."""
    noise = np.random.default_rng(seed).uniform(0, 255, (40, 50, 3))
    image = smooth(noise, 3.0)
    with mock.patch.object(module, "FEW", few):
        labels = graph_segmentation(image, k, 0, 10)
    np.testing.assert_array_equal(labels, textbook.graph_segmentation(image, k, 10))


@settings(deadline=None, max_examples=20)
@given(
    st.integers(0, 2**31),
    st.lists(st.sampled_from([0.0, 1.0, 3.0, 20.0, 80.0, 300.0]), min_size=2, max_size=3),
    st.sampled_from([3, 256]),
    FEW,
)
def test_several_scales_share_work_but_not_results(seed, ks, levels, few):
    noise = np.random.default_rng(seed).integers(0, levels, (25, 30, 3))
    image = smooth(noise, 0.0 if levels == 3 else 1.5)
    scales = [(k, min_size) for k, min_size in zip(ks, (5, 20, 0), strict=False)]
    with mock.patch.object(module, "FEW", few):
        together = segment_scales(GridEdges(image), scales)
    for labels, (k, min_size) in zip(together, scales, strict=True):
        np.testing.assert_array_equal(labels, textbook.graph_segmentation(image, k, min_size))


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 15), st.integers(1, 15), st.integers(0, 8), st.integers(0, 2**31))
def test_is_a_partition_into_connected_parts(height, width, min_size, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3))
    labels = graph_segmentation(image, 100, 0.8, min_size)
    assert labels.shape == (height, width)
    assert labels.dtype == np.int32
    used, first = np.unique(labels, return_index=True)
    np.testing.assert_array_equal(used, np.arange(len(used)))
    assert (np.diff(first) > 0).all()  # numbered as the rows meet them
    assert np.bincount(labels.ravel()).min() >= min(min_size, height * width)
    # flooding from one pixel of each part over the 8 neighbours reaches the whole part
    reached = np.zeros(labels.shape, bool)
    reached.ravel()[first] = True
    for _ in range(height * width):
        padded, parts = np.pad(reached, 1), np.pad(labels, 1, constant_values=-1)
        for dy in (0, 1, 2):
            for dx in (0, 1, 2):
                window = (slice(dy, dy + height), slice(dx, dx + width))
                reached |= padded[window] & (parts[window] == labels)
        if reached.all():
            break
    assert reached.all()


def test_finds_what_is_there():
    image = np.zeros((20, 30, 3), np.uint8)
    image[:, 15:] = 200
    labels = graph_segmentation(image, k=50, sigma=0, min_size=0)
    np.testing.assert_array_equal(labels, np.broadcast_to(np.arange(30) >= 15, (20, 30)))
    assert (graph_segmentation(image * 0 + 7) == 0).all()


def test_larger_k_gives_fewer_components(rng):
    image = smooth(rng.uniform(0, 255, (60, 60, 3)), 1)
    counts = [graph_segmentation(image, k, 0, 0).max() + 1 for k in (1, 10, 100, 1000)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


@pytest.mark.parametrize("image", [np.zeros((0, 5, 3)), np.zeros(5), np.full((3, 3), np.nan)])
def test_refuses_what_is_no_image(image):
    with pytest.raises(ValueError, match=r"expected an image|not finite"):
        graph_segmentation(image, sigma=0)


def test_refuses_negative_scale():
    with pytest.raises(ValueError, match="k must be at least 0"):
        graph_segmentation(np.zeros((3, 3)), k=-1)


@pytest.mark.filterwarnings("error")
def test_settings_and_pixels_are_numbers():
    image = np.zeros((5, 6, 3))
    for bad in (np.nan, np.inf, -1, None, "1", [1], 1j):
        for name in ("k", "sigma", "min_size"):
            with pytest.raises(ValueError, match=rf"^{name} must be"):
                graph_segmentation(image, **{name: bad})
    for kind in (complex, object, str):
        with pytest.raises(ValueError, match="expected an image"):
            graph_segmentation(image.astype(kind))
    with pytest.raises(ValueError, match="no masked numbers"):
        graph_segmentation(np.ma.array(image, mask=image == 0))
