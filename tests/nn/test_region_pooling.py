"""RoI pooling and spatial pyramid pooling: their properties, and equality to plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.nn import RoIPool, SpatialPyramidPool, gradcheck

STRIDE = 4
LEVELS = (1, 2, 3)
few = settings(deadline=None, max_examples=40)


@st.composite
def scenes(draw):
    """Draw maps of small integers (many ties), regions that may leave the map, and the maps they lie on."""
    n, channels = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    height, width = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    features = rng.integers(-4, 5, (n, channels, height, width)).astype(draw(st.sampled_from(["f4", "f8"])))
    count = draw(st.integers(0, 6))
    corners = rng.uniform(-2 * STRIDE, (max(height, width) + 2) * STRIDE, (count, 2, 2))
    if draw(st.booleans()):
        corners = np.round(corners)  # halves of cells, where roundings differ
    return features, np.sort(corners, axis=1).reshape(count, 4), rng.integers(0, n, count)


def layers():
    return [RoIPool((3, 2), 1 / STRIDE), SpatialPyramidPool(LEVELS, 1 / STRIDE)]


@few
@given(scenes())
def test_roi_pool_equals_plain_loops(scene):
    features, rois, owner = scene
    layer = RoIPool((3, 2), 1 / STRIDE)
    expected, where = textbook.roi_pool(features, rois, owner, (3, 2), 1 / STRIDE)
    y = layer(features, rois, owner)
    assert y.dtype == features.dtype
    np.testing.assert_array_equal(y, expected)
    dy = np.random.default_rng(0).standard_normal(y.shape)
    expected_dx = textbook.roi_pool_backward(dy, where, owner, features.shape)
    np.testing.assert_allclose(layer.backward(dy), expected_dx, rtol=0, atol=1e-12)
    layer.eval()  # without the places of the maxima
    np.testing.assert_array_equal(layer(features, rois, owner), expected)


@few
@given(scenes())
def test_pyramid_equals_plain_loops(scene):
    features, rois, owner = scene
    layer = SpatialPyramidPool(LEVELS, 1 / STRIDE)
    expected, where = textbook.spatial_pyramid_pool(features, rois, owner, LEVELS, 1 / STRIDE)
    y = layer(features, rois, owner)
    np.testing.assert_array_equal(y, expected)
    dy = np.random.default_rng(0).standard_normal(y.shape)
    expected_dx = textbook.spatial_pyramid_pool_backward(dy, where, owner, features.shape)
    np.testing.assert_allclose(layer.backward(dy), expected_dx, rtol=0, atol=1e-12)
    layer.eval()
    np.testing.assert_array_equal(layer(features, rois, owner), expected)


@few
@given(scenes())
def test_values_come_from_the_own_map(scene):
    features, rois, owner = scene
    for layer in layers():
        for row, i in zip(layer(features, rois, owner), owner, strict=True):
            assert np.isin(row, np.append(features[i], 0)).all()


@few
@given(scenes(), st.floats(-5, 5, width=32))
def test_constant_map_gives_the_constant_or_an_empty_bin(scene, value):
    features, rois, owner = scene
    for layer in layers():
        y = layer(np.full_like(features, value), rois, owner)
        allowed = [value, 0] if isinstance(layer, RoIPool) else [value]
        assert np.isin(y, allowed).all()


@few
@given(scenes(), st.integers(0, 1000))
def test_monotone(scene, seed):
    features, rois, owner = scene
    larger = features + np.random.default_rng(seed).integers(0, 3, features.shape)
    for layer in layers():
        assert (layer(larger, rois, owner) >= layer(features, rois, owner)).all()


@few
@given(scenes(), st.integers(0, 3), st.integers(0, 3))
def test_translation_by_the_stride_moves_a_cell(scene, down, across):
    """A map moved by whole cells, and regions on it by as many strides, give the same."""
    features, rois, owner = scene
    n, channels, height, width = features.shape
    moved = np.zeros((n, channels, height + down, width + across), features.dtype)
    moved[:, :, down:, across:] = features
    low, high = (0, 0, 0, 0), np.array([width, height, width, height]) * STRIDE
    rois = np.clip(rois, low, high)
    shift = np.array([across, down, across, down]) * STRIDE
    for layer in layers():
        np.testing.assert_array_equal(layer(moved, rois + shift, owner), layer(features, rois, owner))


@few
@given(scenes())
def test_gradient_sums_to_the_number_of_non_empty_bins(scene):
    features, rois, owner = scene
    for layer in layers():
        filled = layer(np.ones_like(features), rois, owner)  # 1, or 0 for an empty bin
        layer(features, rois, owner)
        assert layer.backward(np.ones_like(filled)).sum() == filled.sum()


@few
@given(scenes(), st.integers(0, 1000))
def test_regions_do_not_influence_each_other(scene, seed):
    features, rois, owner = scene
    order = np.random.default_rng(seed).permutation(len(rois))
    for layer in layers():
        y = layer(features, rois, owner)
        np.testing.assert_array_equal(layer(features, rois[order], owner[order]), y[order])


def test_halves_round_away_from_zero():
    """x1 = 8 lies half-way between cells at stride 16: cell 1, as in C, not 0, as NumPy rounds."""
    features = np.arange(4.0).reshape(1, 1, 1, 4)
    y = RoIPool(1, 1 / 16)(features, np.array([[8.0, 0.0, 9.0, 16.0]]), np.array([0]))
    assert y.item() == 1


def test_region_beyond_the_map_is_empty():
    layer = RoIPool(2, 1.0)
    y = layer(np.ones((1, 1, 3, 3)), np.array([[10.0, 10.0, 12.0, 12.0]]), np.array([0]))
    assert not y.any()
    assert not layer.backward(np.ones_like(y)).any()


def test_blocks_of_channels_and_regions_join(rng, monkeypatch):
    features = rng.standard_normal((2, 70, 9, 8), dtype=np.float32)
    rois = np.sort(rng.uniform(0, 36, (25, 2, 2)), axis=1).reshape(25, 4)
    owner = rng.integers(0, 2, 25)

    def run():
        layer = RoIPool(3, 1 / STRIDE)
        y = layer(features, rois, owner)
        return y, layer.backward(y)

    whole = run()
    for name in ("TABLE_BYTES", "PIECE_VALUES"):
        monkeypatch.setattr(f"minircnn.kernels.maxima.range_max.{name}", 100)
    for a, b in zip(whole, run(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_negative_zero_ties_with_zero():
    layer = RoIPool(1, 1.0)
    features = np.array([[-0.0, 0.0]], dtype=np.float32).reshape(1, 1, 1, 2)
    layer(features, np.array([[0.0, 0.0, 2.0, 1.0]]), np.array([0]))
    np.testing.assert_array_equal(layer.backward(np.ones((1, 1, 1, 1), np.float32)).ravel(), [1, 0])


@pytest.mark.parametrize("layer", layers())
def test_gradient(layer, rng):
    features = rng.permutation(2 * 2 * 6 * 7).reshape(2, 2, 6, 7) * 0.01
    rois = np.array([[0.0, 0, 28, 24], [5, 3, 17, 20], [11, 2, 13, 5]])
    report = gradcheck(layer, features, rois, np.array([0, 1, 1]), rng=rng)
    assert report.ok, report


@pytest.mark.parametrize("layer", layers())
def test_bad_regions_are_named(layer):
    features, one = np.zeros((1, 1, 4, 4)), np.array([0])
    with pytest.raises(ValueError, match="finite"):
        layer(features, np.array([[0.0, 0, np.nan, 4]]), one)
    with pytest.raises(ValueError, match=r"rois \(R, 4\)"):
        layer(features, np.zeros((1, 5)), one)
    with pytest.raises(ValueError, match=r"0\.\.0"):
        layer(features, np.zeros((1, 4)), np.array([1]))


@few
@given(scenes())
def test_regions_of_a_single_map_need_no_index(scene):
    features, rois, owner = scene
    for layer in layers():
        expected = layer(features[:1], rois, np.zeros_like(owner))
        np.testing.assert_array_equal(layer(features[:1], rois), expected)
        with pytest.raises(ValueError, match="2 maps: image_index must tell"):
            layer(np.concatenate([features, features])[:2], rois)


@pytest.mark.parametrize("layer", layers())
def test_nothing_is_kept_where_nothing_is_needed(layer):
    layer.needs_input_grad = False
    y = layer(np.zeros((1, 1, 4, 4)), np.array([[0.0, 0, 8, 8]]), np.array([0]))
    assert layer._winners is None
    assert layer.backward(y) is None
