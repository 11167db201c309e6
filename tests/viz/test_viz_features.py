import numpy as np
import pytest

pytest.importorskip("matplotlib")

from minircnn.viz import (
    draw_feature_map,
    draw_receptive_field,
    draw_roi_align,
    draw_roi_gradient,
    draw_roi_pool,
    draw_warps,
)


def test_warps_form_a_grid(rng):
    crops = rng.uniform(-10, 300, (5, 8, 8, 3)).astype(np.float32)
    figure = draw_warps(crops, list("abcde"), "Crops", columns=3)
    assert [ax.get_title() for ax in figure.axes] == list("abcde")
    shown = figure.axes[4].images[0].get_array()
    np.testing.assert_array_equal(shown, np.clip(np.rint(crops[4]), 0, 255).astype(np.uint8))
    rows = {round(ax.get_position().y0, 6) for ax in figure.axes}
    assert len(rows) == 2


def test_warps_name_what_does_not_fit():
    with pytest.raises(ValueError, match="at least one crop"):
        draw_warps(np.zeros((0, 8, 8, 3)))
    with pytest.raises(ValueError, match="2 crops need as many titles, got 1"):
        draw_warps(np.zeros((2, 8, 8, 3)), ["a"])


def test_feature_map_ranks_channels_and_projects_rois():
    features = np.zeros((4, 6, 8))
    features[2], features[0, 1, 1] = 5, 9
    photo = np.zeros((96, 128, 3), np.uint8)
    figure = draw_feature_map(features, [[16, 32, 64, 80]], spatial_scale=1 / 16, image=photo, channels=2)
    assert [ax.get_title() for ax in figure.axes] == [
        "photo",
        "mean of all channels",
        "channel 0",
        "channel 2",
    ]
    on_photo, on_map = (figure.axes[i].patches[0].get_bbox().extents for i in (0, 1))
    np.testing.assert_allclose(on_photo, [16, 32, 64, 80])
    np.testing.assert_allclose(on_map, [1, 2, 4, 5])
    np.testing.assert_allclose(figure.axes[1].images[0].get_array(), features.mean(axis=0))
    assert len(draw_feature_map(features).axes) == 1 + 4


def test_feature_map_needs_three_axes():
    with pytest.raises(ValueError, match=r"shape \(C, H, W\), got \(6, 8\)"):
        draw_feature_map(np.zeros((6, 8)))


def test_roi_pool_rings_the_first_maximum_of_each_bin():
    channel = np.array([[1, 9, 2, 3], [4, 9, 8, 5], [7, 6, 0, 0.0]])
    pooled = np.array([[9, 9], [7, 0]])
    figure = draw_roi_pool(channel, [[0, 2], [2, 3]], [[0, 2], [1, 4]], pooled)
    left, right = figure.axes
    rings = [tuple(line.get_xydata()[0]) for line in left.lines]
    assert rings == [(1.5, 0.5), (1.5, 0.5), (0.5, 2.5), (1.5, 2.5)]
    assert [text.get_text() for text in right.texts] == ["9", "9", "7", "0"]
    assert sum(patch.get_gid() == "bin" for patch in left.patches) == 4


def test_roi_pool_leaves_empty_bins_without_ring():
    figure = draw_roi_pool(np.ones((20, 3)), [[0, 2], [2, 2]], [[0, 3]], [[123.0], [0.0]])
    left, right = figure.axes
    assert len(left.lines) == 1
    assert not left.texts  # too many cells to write in
    assert right.texts[0].get_text() == "123"


def test_roi_pool_names_what_does_not_fit():
    with pytest.raises(ValueError, match=r"pooled values \(1, 1\), got \(2, 2\) and \(2, 2\)"):
        draw_roi_pool(np.ones((2, 2)), [[0, 2]], [[0, 2]], np.ones((2, 2)))


def test_roi_align_shows_the_points_of_each_bin():
    figure = draw_roi_align(np.ones((4, 3)), [[0.0, 0.5], [1, 1.5]], [[0.25, 0.75]], np.array([[2.0], [3.0]]))
    left, right = figure.axes
    first, second = (line.get_xydata() for line in left.lines)
    np.testing.assert_allclose(first, [[0.75, 0.5], [1.25, 0.5], [0.75, 1], [1.25, 1]])
    np.testing.assert_allclose(second[0], [0.75, 1.5])
    assert [text.get_text() for text in right.texts] == ["2", "3"]


def test_roi_align_names_what_does_not_fit():
    with pytest.raises(ValueError, match=r"got \(2, 2\), \(1, 2\), \(1, 2\) and \(2, 2\)"):
        draw_roi_align(np.ones((2, 2)), [[0, 1]], [[0, 1]], np.ones((2, 2)))


def test_receptive_field_frames_cell_and_field_on_both_panels():
    photo, matters = np.zeros((40, 60, 3), np.uint8), np.random.default_rng(0).random((40, 60))
    figure = draw_receptive_field(photo, matters, [16, 16, 32, 32], [4, 4, 44, 40])
    for ax in figure.axes:
        frames = {patch.get_gid(): patch.get_bbox().extents.tolist() for patch in ax.patches}
        assert frames == {"cell": [16, 16, 32, 32], "field": [4, 4, 44, 40]}
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), matters)
    assert figure.texts[0].get_text() == "A cell of 16 × 16 pixels has seen 40 × 36"


def test_receptive_field_names_what_does_not_fit():
    with pytest.raises(ValueError, match=r"sensitivity of \(40, 60\) pixels, got \(60, 40\)"):
        draw_receptive_field(np.zeros((40, 60, 3), np.uint8), np.ones((60, 40)), [0, 0, 1, 1], [0, 0, 9, 9])


def test_roi_gradient_draws_each_region_and_the_way_back():
    channel, gradient = np.arange(6.0).reshape(2, 3), np.array([[0, 0, 1.5], [0, 2, 100]])
    bins = [([[0, 2]], [[0, 2], [1, 3]]), ([[0, 1]], [[0, 1], [1, 1]])]
    figure = draw_roi_gradient(channel, bins, gradient)
    first, second, back = figure.axes
    assert [tuple(line.get_xydata()[0]) for line in first.lines] == [(1.5, 1.5), (2.5, 1.5)]
    assert [tuple(line.get_xydata()[0]) for line in second.lines] == [(0.5, 0.5)]  # the other bin is empty
    assert not back.lines
    assert [text.get_text() for text in back.texts] == ["0", "0", "1.50", "0", "2", "100"]


def test_roi_gradient_names_what_does_not_fit():
    with pytest.raises(ValueError, match=r"a gradient \(H, W\), got \(2, 2\) and \(2, 3\)"):
        draw_roi_gradient(np.ones((2, 2)), [], np.ones((2, 3)))
