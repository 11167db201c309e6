"""RoI align: its properties, and equality to plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.nn import RoIAlign, gradcheck

STRIDE = 4
few = settings(deadline=None, max_examples=30)


@st.composite
def scenes(draw):
    """Draw maps, regions that may leave them, and the maps they lie on."""
    n, channels = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    features = rng.standard_normal((n, channels, height, width))
    count = draw(st.integers(0, 5))
    corners = rng.uniform(-3 * STRIDE, (max(height, width) + 3) * STRIDE, (count, 2, 2))
    if draw(st.booleans()):
        corners = np.round(corners)  # points on the middles of cells, and exactly a cell off the map
    return features, np.sort(corners, axis=1).reshape(count, 4), rng.integers(0, n, count)


def layer(samples=2):
    return RoIAlign((3, 2), 1 / STRIDE, samples=samples)


@few
@given(scenes(), st.integers(1, 3))
def test_it_equals_plain_loops(scene, samples):
    features, rois, owner = scene
    align = layer(samples)
    y = align(features, rois, owner)
    expected = textbook.roi_align(features, rois, owner, (3, 2), 1 / STRIDE, samples)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-12)
    assert y.flags.c_contiguous
    dy = np.random.default_rng(0).standard_normal(y.shape)
    expected = textbook.roi_align_backward(dy, rois, owner, features.shape, 1 / STRIDE, samples)
    np.testing.assert_allclose(align.backward(dy), expected, rtol=0, atol=1e-12)


@few
@given(scenes())
def test_backward_is_the_transpose_of_forward(scene):
    """⟨dy, A x⟩ = ⟨Aᵀ dy, x⟩: the layer is linear."""
    features, rois, owner = scene
    align = layer()
    y = align(features, rois, owner)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    assert np.sum(dy * y) == pytest.approx(np.sum(align.backward(dy) * features), abs=1e-9)


@few
@given(scenes(), st.integers(0, 3), st.integers(0, 3))
def test_translation_by_the_stride_moves_a_cell(scene, down, across):
    features, rois, owner = scene
    n, channels, height, width = features.shape
    rois = np.clip(rois, 0.5 * STRIDE, np.array([width, height, width, height]) * STRIDE - 0.5 * STRIDE)
    moved = np.zeros((n, channels, height + down, width + across))
    moved[:, :, down:, across:] = features
    shift = np.array([across, down, across, down]) * STRIDE
    np.testing.assert_allclose(
        layer()(moved, rois + shift, owner), layer()(features, rois, owner), atol=1e-12
    )


@few
@given(scenes(), st.integers(0, 1000))
def test_regions_do_not_influence_each_other(scene, seed):
    features, rois, owner = scene
    order = np.random.default_rng(seed).permutation(len(rois))
    y = layer()(features, rois, owner)
    np.testing.assert_allclose(layer()(features, rois[order], owner[order]), y[order], rtol=0, atol=1e-12)


@few
@given(scenes())
def test_a_map_that_rises_evenly_is_read_at_the_middle_of_each_bin(scene):
    """What RoI pooling cannot: the value follows the region, however little it moves."""
    features, rois, owner = scene
    _, channels, height, width = features.shape
    inside = np.clip(rois, 0.5 * STRIDE, np.array([width, height, width, height]) * STRIDE - 0.5 * STRIDE)
    ramp = np.broadcast_to(np.arange(width) + 0.5, features.shape)  # in cells, the middle of each
    y = layer()(ramp, inside, owner)
    x1, x2 = inside[:, 0] / STRIDE, inside[:, 2] / STRIDE
    for q in range(2):
        expected = x1 + (q + 0.5) * (x2 - x1) / 2
        np.testing.assert_allclose(
            y[..., q], np.broadcast_to(expected[:, None, None], (len(y), channels, 3)), atol=1e-12
        )


def test_pieces_join(rng, monkeypatch):
    features = rng.standard_normal((2, 7, 9, 8), dtype=np.float32)
    rois = np.sort(rng.uniform(0, 36, (25, 2, 2)), axis=1).reshape(25, 4)
    owner = rng.integers(0, 2, 25)

    def run():
        align = layer()
        y = align(features, rois, owner)
        assert y.dtype == np.float32
        return y, align.backward(y)

    whole = run()
    monkeypatch.setattr("minircnn.nn.roi_align.PIECE_VALUES", 100)
    for a, b in zip(whole, run(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_far_off_the_map_there_is_nothing():
    align = layer()
    y = align(np.ones((1, 1, 3, 3)), np.array([[80.0, 80, 96, 96]]))
    assert not y.any()
    assert not align.backward(np.ones_like(y)).any()


def test_gradient(rng):
    features = rng.standard_normal((2, 2, 6, 7))
    rois = np.array([[0.0, 0, 28, 24], [5, 3, 17, 20], [11, 2, 13, 5], [20, 20, 40, 60]])
    report = gradcheck(layer(), features, rois, np.array([0, 1, 1, 0]), rng=rng)
    assert report.ok, report


def test_whole_numbers_are_averaged_too():
    whole = np.arange(12).reshape(1, 1, 3, 4)
    region = np.array([[0.0, 2, 13, 11]])
    np.testing.assert_array_equal(layer()(whole, region), layer()(whole.astype(float), region))


def test_it_needs_a_point():
    with pytest.raises(ValueError, match="samples must be a whole number, at least 1, got 0"):
        RoIAlign(2, 1.0, samples=0)
