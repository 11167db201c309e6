"""Graph segmentation against the plain sequential loop and against scikit-image, on real photos."""

import numpy as np
import pytest

from minircnn import textbook
from minircnn.imaging import convert, read_image, smooth
from minircnn.proposals import graph_segmentation
from minircnn.proposals.graph_segmentation import segment_scales
from minircnn.proposals.grid_edges import GridEdges


@pytest.fixture(scope="module")
def astronaut():
    data = pytest.importorskip("skimage.data")
    return data.astronaut()


@pytest.mark.slow
def test_equals_the_plain_loop_on_photos(astronaut, shared_data):
    photos = [astronaut[100:260, 150:330]]
    photos.append(read_image(shared_data / "demo_voc2007/JPEGImages/000004.jpg")[150:300, 100:300])
    for photo in photos:
        for space in ("HSV", "Lab"):
            channels = smooth(convert(photo, space), 0.8)
            scales = [(50.0, 50), (100.0, 100), (300.0, 20)]
            for labels, (k, min_size) in zip(
                segment_scales(GridEdges(channels), scales), scales, strict=True
            ):
                expected = textbook.graph_segmentation(channels, k, min_size)
                np.testing.assert_array_equal(labels, expected)


def same_partition(a, b):
    pairs = np.unique(np.stack([a.ravel(), b.ravel()]), axis=1)
    return len(pairs[0]) == len(np.unique(a)) == len(np.unique(b))


@pytest.mark.parametrize(("k", "min_size"), [(30, 0), (100, 0), (100, 20), (300, 20)])
def test_equals_scikit_image_where_no_two_weights_are_equal(rng, k, min_size):
    """Known differences: scikit-image scales to 0..1 with k / 255, rejects equality, orders ties freely
    and smooths with another border rule. Continuous noise without smoothing avoids all four."""
    segmentation = pytest.importorskip("skimage.segmentation")
    image = rng.uniform(0, 255, (50, 70, 3))
    image = np.float32(smooth(image, 1.2))
    theirs = segmentation.felzenszwalb(
        image.astype(np.float64) / 255, scale=k, sigma=0, min_size=min_size, channel_axis=2
    )
    assert same_partition(graph_segmentation(image, k, 0, min_size), theirs)


def test_resembles_scikit_image_on_a_photo(astronaut):
    """Ties in 8-bit photos are ordered differently, so the partitions agree only in the main."""
    segmentation = pytest.importorskip("skimage.segmentation")
    metrics = pytest.importorskip("sklearn.metrics")
    theirs = segmentation.felzenszwalb(astronaut, scale=100, sigma=0.8, min_size=50)
    ours = graph_segmentation(astronaut, 100, 0.8, 50)
    assert abs(int(ours.max()) - int(theirs.max())) < 0.05 * theirs.max()
    assert metrics.adjusted_rand_score(ours.ravel(), theirs.ravel()) > 0.9
