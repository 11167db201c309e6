"""Anchors made for given objects."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minircnn.boxes import (
    AnchorSettings,
    base_anchors,
    best_anchor_iou,
    box_iou,
    grid_anchors,
    suggest_anchors,
)

SIDES = arrays(np.float64, st.tuples(st.integers(1, 30), st.just(2)), elements=st.floats(2, 500))


def centred(sides, size=2000.0):
    """Objects of these sides around the middle of a cell of 16 pixels, far inside a photo."""
    return np.concatenate([size + 8 - sides / 2, size + 8 + sides / 2], axis=1)


def fit(sides, anchors):
    return best_anchor_iou(centred(sides), anchors, 16).mean()


@given(
    arrays(np.float64, (5, 2), elements=st.floats(0, 90)),
    arrays(np.float64, (5, 2), elements=st.floats(1, 60)),
    st.sampled_from([4.0, 16.0]),
)
@settings(max_examples=25, deadline=None)
def test_no_other_cell_fits_better_than_the_nearest(corner, sides, stride):
    objects = np.concatenate([corner, corner + sides], axis=1)
    anchors = AnchorSettings(base_size=16, ratios=(0.5, 1.0), scales=(1.0, 2.5))
    everywhere = grid_anchors(base_anchors(anchors), 40, 40, stride)
    expected = box_iou(objects, everywhere).max(axis=1)
    np.testing.assert_allclose(best_anchor_iou(objects, anchors, stride), expected, rtol=1e-9, atol=1e-12)


@given(SIDES, st.integers(1, 3), st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_a_suggestion_can_be_used_and_does_not_depend_on_order(sides, num_ratios, num_scales):
    anchors = suggest_anchors(sides, num_ratios=num_ratios, num_scales=num_scales)
    assert 1 <= len(anchors.ratios) <= num_ratios
    assert 1 <= len(anchors.scales) <= num_scales
    boxes = base_anchors(anchors)
    assert (boxes[:, 2:] - boxes[:, :2] >= 1).all()
    assert anchors == suggest_anchors(sides[::-1], num_ratios=num_ratios, num_scales=num_scales)


@given(SIDES)
@settings(max_examples=25, deadline=None)
def test_one_object_has_an_anchor_of_its_own(sides):
    assert fit(sides[:1], suggest_anchors(sides[:1], num_ratios=1, num_scales=1)) > 0.97  # of three digits


@given(SIDES)
@settings(max_examples=15, deadline=None)
def test_no_single_step_of_a_line_fits_better(sides):
    sides = sides + 30  # away from the pixel below which no side may be
    anchors = suggest_anchors(sides, num_ratios=2, num_scales=2)

    def capped(ratios, scales):
        moved = AnchorSettings(16.0, tuple(ratios), tuple(scales), rounded=False)
        iou = best_anchor_iou(centred(sides), moved, 16)
        return np.where(iou < 0.7, iou, 0.7 + 0.1 * (iou - 0.7)).mean()

    best = capped(anchors.ratios, anchors.scales)
    for factor in (0.9, 1.1):
        for i in range(len(anchors.ratios)):
            ratios = [ratio * factor if i == j else ratio for j, ratio in enumerate(anchors.ratios)]
            assert capped(ratios, anchors.scales) < best + 0.01
        for i in range(len(anchors.scales)):
            scales = [scale * factor if i == j else scale for j, scale in enumerate(anchors.scales)]
            assert capped(anchors.ratios, scales) < best + 0.01


@given(SIDES, st.sampled_from([0.5, 2.0, 8.0]))
@settings(max_examples=25, deadline=None)
def test_larger_photos_get_larger_anchors(sides, factor):
    sides = sides + 30  # away from the pixel below which no side may be
    anchors, larger = suggest_anchors(sides), suggest_anchors(sides * factor, base_size=16 * factor)
    np.testing.assert_allclose(larger.ratios, anchors.ratios, rtol=0.011)
    np.testing.assert_allclose(larger.scales, anchors.scales, rtol=0.011)


def test_groups_are_found_and_fit_better_than_the_papers_anchors(rng):
    small, large = [20.0, 40.0], [200.0, 100.0]
    sides = np.array([small] * 30 + [large] * 70) * rng.uniform(0.95, 1.05, (100, 1))
    anchors = suggest_anchors(sides, num_ratios=2, num_scales=2)
    np.testing.assert_allclose(anchors.ratios, (0.5, 2.0), rtol=0.01)
    np.testing.assert_allclose(np.array(anchors.scales) * 16, (800**0.5, 20_000**0.5), rtol=0.05)
    assert fit(sides, anchors) > 0.9 > 0.7 > fit(sides, AnchorSettings())


def test_rare_shapes_are_not_given_up_for_frequent_ones(rng):
    cells, platelets = [95.0, 95.0], [38.0, 38.0]
    sides = np.array([cells] * 95 + [platelets] * 5) * rng.uniform(0.85, 1.18, (100, 2))
    iou = best_anchor_iou(centred(sides), suggest_anchors(sides), 16)
    assert iou.min() > 0.55


def test_of_very_many_objects_some_are_enough(rng, monkeypatch):
    sides = np.exp(rng.normal((3.5, 4.5), (0.9, 0.7), (2000, 2)))
    few = fit(sides, suggest_anchors(sides))
    monkeypatch.setattr("minircnn.boxes.anchor_suggestion._ENOUGH", 500)
    assert fit(sides, suggest_anchors(sides)) == pytest.approx(few, abs=0.01)


def test_objects_of_one_shape_need_one_anchor():
    anchors = suggest_anchors([[32, 64]] * 5, num_ratios=3, num_scales=3, base_size=32)
    assert (anchors.ratios, anchors.scales, anchors.num_anchors) == ((2.0,), (1.41,), 1)


def test_anchors_of_tiny_objects_keep_a_pixel():
    boxes = base_anchors(suggest_anchors([[0.2, 0.9]], num_ratios=1, num_scales=1))
    assert (boxes[:, 2:] - boxes[:, :2]).min() == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        (np.zeros((0, 2)), r"at least one object, got \(0, 2\)"),
        (np.ones(4), r"must be \(G, 2\)"),
        ([[3, 4], [5, 0]], "object 1 measures 5 x 0"),
        ([[3, np.nan]], "object 0 measures 3 x nan"),
    ],
)
def test_what_has_no_sides_is_refused(sides, message):
    with pytest.raises(ValueError, match=message):
        suggest_anchors(sides)


@pytest.mark.parametrize(("name", "value"), [("num_ratios", 0), ("num_scales", 1.5), ("base_size", 0)])
def test_counts_and_sizes_are_checked(name, value):
    with pytest.raises(ValueError, match=name):
        suggest_anchors([[3, 4]], **{name: value})


def test_a_stride_must_be_positive_and_no_objects_are_none():
    with pytest.raises(ValueError, match="stride"):
        best_anchor_iou([[0, 0, 1, 1]], AnchorSettings(), 0)
    assert best_anchor_iou(np.zeros((0, 4)), AnchorSettings(), 16).shape == (0,)
