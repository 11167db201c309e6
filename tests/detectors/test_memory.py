"""Memory is bounded by the settings, and given back.

NumPy reports its arrays to tracemalloc, so peaks are counted in bytes and are the same on every run.
"""

import dataclasses
import tracemalloc

import numpy as np
import pytest
import small_detectors

from minircnn.kernels import threads
from minircnn.proposals import SlidingWindow

NAMES = tuple("abc")
REGIONS = 600


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Each thread makes scratch memory of its own at its first piece of work, whenever that comes."""
    monkeypatch.setattr(threads._Workers, "threads", lambda self: 1)


def peak_bytes(function, *arguments):
    """Return the most bytes that arrays made by ``function(*arguments)`` took at one time."""
    function(*arguments)  # buffers that are kept between calls are made now
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        function(*arguments)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def boxes(rng, count, size):
    corner = rng.uniform(0, size - 40, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(20, 40, (count, 2))], axis=1).astype(np.float32)


@pytest.fixture
def image(rng):
    return rng.integers(0, 256, (160, 160, 3), dtype=np.uint8)


@pytest.fixture
def fast_rcnn(rng):
    return small_detectors.fast_rcnn(NAMES, SlidingWindow(), rng=rng, spread=1.0)


@pytest.fixture
def rcnn(rng):
    return small_detectors.rcnn(NAMES, SlidingWindow(), rng=rng)


def test_fast_rcnn_is_bounded_by_its_batch(fast_rcnn, image, rng):
    proposals = boxes(rng, REGIONS, 160)
    peak = {}
    for batch in (64, 512):
        fast_rcnn.batch = batch
        peak[batch] = peak_bytes(lambda: fast_rcnn.detect(image, proposals=proposals))
    fixed = peak_bytes(lambda: fast_rcnn.detect(image, proposals=proposals[:1]))
    pooled = 4 * fast_rcnn.network.roi_pool.output_size[0] ** 2 * 64  # bytes of a pooled region: 64 channels
    assert peak[64] < peak[512]
    # A batch holds its pooled regions and, for the length of a layer or two, copies in another order; what
    # stays of the other regions are boxes, outputs and a few sort keys.
    assert peak[64] < fixed + 64 * 4 * pooled + REGIONS * 1024
    assert peak[512] > 512 * pooled  # so the bound above says something


def test_rcnn_is_bounded_by_its_batch(rcnn, image, rng):
    proposals = boxes(rng, REGIONS, 160)
    detector = dataclasses.replace(rcnn, batch=16)
    whole = peak_bytes(lambda: detector.detect(image, proposals=proposals))
    batch = peak_bytes(lambda: detector.detect(image, proposals=proposals[:16]))
    pool5 = REGIONS * rcnn.regressors.weight.shape[2] * 4
    assert whole < batch + pool5 / 8  # nothing is kept of the other regions but scores and offsets
    assert whole < peak_bytes(lambda: rcnn.detect(image, proposals=proposals)) / 4


def arrays_kept(network):
    """Return the bytes of the arrays that the layers hold besides their parameters."""
    return sum(
        value.nbytes
        for layer in network.modules()
        for value in vars(layer).values()
        if isinstance(value, np.ndarray)
    )


def test_fast_rcnn_keeps_nothing_of_the_photo(fast_rcnn, image, rng):
    fast_rcnn.network.train()
    photo = np.zeros((1, 3, 64, 64), np.float32)
    fast_rcnn.network(photo, boxes(rng, 4, 64), np.zeros(4, dtype=np.int64))
    assert arrays_kept(fast_rcnn.network) > photo.nbytes  # for the backward pass; detection drops it
    fast_rcnn.detect(image, proposals=boxes(rng, 50, 160))
    assert arrays_kept(fast_rcnn.network) == 0


def test_rcnn_keeps_nothing_of_the_photo(rcnn, image, rng):
    rcnn.network.train()
    crops = np.zeros((2, 3, 48, 48), np.float32)
    rcnn.network(crops)
    assert arrays_kept(rcnn.network) > crops.nbytes
    rcnn.detect(image, proposals=boxes(rng, 50, 160))
    assert arrays_kept(rcnn.network) == 0
