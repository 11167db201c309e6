"""Run lengths and outlines against pycocotools."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn.data import decode_runs, encode_runs, format_runs, parse_runs, read_segmentation
from minircnn.scene import mask_boxes

peer = pytest.importorskip("pycocotools.mask")
# its own arrays do not know the `copy` of NumPy 2
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SIDES = st.integers(1, 40)


def same(ours, theirs):
    """Compare a mask with pycocotools' compressed run lengths: pixels, area and box."""
    np.testing.assert_array_equal(ours, peer.decode(theirs).astype(bool))
    assert ours.sum() == peer.area(theirs)
    if ours.any():
        x, y, width, height = peer.toBbox(theirs)
        np.testing.assert_array_equal(mask_boxes(ours[None])[0], [x, y, x + width, y + height])


@settings(deadline=None, max_examples=150)
@given(SIDES, SIDES, st.floats(0, 1), st.integers(0, 2**32))
def test_run_lengths_are_those_of_pycocotools(height, width, share, seed):
    mask = np.random.default_rng(seed).random((height, width)) < share
    theirs = peer.encode(np.asfortranarray(mask.astype(np.uint8)))
    text = theirs["counts"].decode()
    assert format_runs(encode_runs(mask)) == text
    same(decode_runs(parse_runs(text), height, width), theirs)
    plain = {"size": [height, width], "counts": encode_runs(mask)}
    same(read_segmentation(plain, height, width), peer.frPyObjects(plain, height, width))


CORNER = st.one_of(st.floats(-15, 60), st.integers(-15, 60), st.integers(-30, 120).map(lambda v: v / 2))


@settings(deadline=None, max_examples=250)
@given(
    SIDES,
    SIDES,
    st.lists(st.lists(st.tuples(CORNER, CORNER), min_size=3, max_size=9), min_size=1, max_size=3),
)
def test_outlines_are_filled_as_pycocotools_does(height, width, outlines):
    parts = [[float(v) for corner in outline for v in corner] for outline in outlines]
    theirs = peer.merge(peer.frPyObjects(parts, height, width))
    same(read_segmentation(parts, height, width), theirs)


def test_an_outline_with_a_corner_said_twice():
    part = [3.0, 2.0, 3.0, 2.0, 30.5, 4.0, 17.2, 28.9, 3.0, 2.0]
    same(read_segmentation([part], 30, 40), peer.merge(peer.frPyObjects([part], 30, 40)))
