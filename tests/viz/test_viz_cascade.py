import numpy as np
import pytest

pytest.importorskip("matplotlib")

from minircnn.features import HaarFeatures, LBPFeatures, enumerate_haar, integral_image
from minircnn.viz import (
    draw_cascade_training,
    draw_haar_features,
    draw_integral_image,
    draw_surviving_windows,
)

PHOTO = np.full((40, 60, 3), 90, np.uint8)
WINDOW = np.arange(144, dtype=np.uint8).reshape(12, 12)


def test_rectangles_are_white_where_they_add_and_black_where_they_subtract():
    every = enumerate_haar(12, 12)
    figure = draw_haar_features(WINDOW, every.rows(np.array([0, len(every) - 1])), ["first", "last"])
    two, four = figure.axes
    assert two.get_title() == "first"
    assert [len(ax.patches) for ax in (two, four)] == [2, 3]
    colours = [patch.get_facecolor()[:3] for patch in two.patches]
    assert colours == [(0, 0, 0), (1, 1, 1)]  # the whole, and over it the bright half


def test_tilted_rectangles_and_patterns():
    tilted = HaarFeatures(
        np.array([[[6, 1, 3, 2], [0, 0, 0, 0], [0, 0, 0, 0]]]),
        np.array([[1, 0, 0]], np.float32),
        np.ones(1, bool),
    )
    (ax,) = draw_haar_features(WINDOW, tilted).axes
    (patch,) = ax.patches
    np.testing.assert_array_equal(patch.get_xy()[:4], [[6, 1], [9, 4], [7, 6], [4, 3]])
    (ax,) = draw_haar_features(WINDOW, LBPFeatures(np.array([[1, 2, 3, 2]]))).axes
    assert len(ax.patches) == 9
    with pytest.raises(ValueError, match="no feature to draw"):
        draw_haar_features(WINDOW, tilted.rows(np.zeros(0, int)))


def test_the_integral_image_stands_beside_the_photo():
    photo, sums = draw_integral_image(PHOTO, integral_image(PHOTO[..., 0])).axes
    assert photo.images[0].get_array().shape == PHOTO.shape
    assert sums.images[0].get_array().max() == 40 * 60 * 90


def test_many_windows_are_thinned_out():
    boxes = np.tile(np.array([[1.0, 2, 20, 30]]), (5001, 1))
    many, few = draw_surviving_windows(PHOTO, [boxes, boxes[:3]], ["many", "few"]).axes
    assert 1000 < len(many.collections[0].get_segments()) <= 2000
    assert len(few.collections[0].get_segments()) == 3


def record(name, stage, **more):
    return {
        "class": name, "stage": stage, "features": 3 * stage, "detection_rate": 0.99**stage,
        "false_alarms_before": 10 ** (5 - stage), "windows": 10**6, **more,
    }  # fmt: skip


def test_stages_of_each_class_are_a_curve():
    trace = [record("cat", 1), record("cat", 2), record("dog_$", 1, false_alarms_before=0)]
    figure = draw_cascade_training(trace, "mine")
    kept, left, features = figure.axes
    assert [len(line.get_xdata()) for line in kept.lines] == [2, 1]
    assert left.get_yscale() == "log"
    assert min(left.lines[1].get_ydata()) > 0
    np.testing.assert_array_equal(features.lines[0].get_ydata(), [3, 6])
    with pytest.raises(ValueError, match="no stage to draw"):
        draw_cascade_training([], "")
