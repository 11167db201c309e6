"""One scale against several, as an experiment."""

from dataclasses import replace

import numpy as np
import pytest

from minircnn.detectors import ImageScale
from minircnn.experiments import EXPERIMENTS
from minircnn.experiments.fast_rcnn.scales import at_scales, several_scales, sides_of


@pytest.fixture(scope="module")
def table(quick_run):
    return quick_run("scales")[0]


@pytest.fixture(scope="module")
def plain(quick_bench):
    return quick_bench.trained(quick_bench.settings("fast-rcnn"))


def test_the_first_row_is_the_plain_detector(table, plain, quick_bench):
    assert table["rows"][0]["values"]["map"]["mean"] == quick_bench.evaluate(plain).map
    assert [row["published"]["map"] for row in table["rows"]] == [0.592, 0.607]


def test_every_way_has_a_row_where_time_allows(quick_bench):
    found = EXPERIMENTS["scales"].rows(replace(quick_bench, quick=False))
    assert [row.name for row in found] == ["one", "test", "training", "five"]


def test_the_five_scales_are_as_far_from_the_one_as_in_the_paper(quick_bench):
    bench = replace(quick_bench, quick=False)
    assert sides_of(bench) == (154, 184, 220, 276, 384)  # scenes are 192 pixels wide
    pretrained = replace(bench, preset="pretrained")
    assert sides_of(pretrained) == (358, 430, 514, 645, 896)
    assert several_scales(pretrained).scale.max_long_side == 1792


def test_at_a_single_scale_it_is_the_detector_itself(plain, quick_bench):
    image = quick_bench.test.image(0)
    boxes = np.array([[10.0, 20, 50, 90], [0, 0, 30, 30], [40, 8, 180, 170]], dtype=np.float32)
    found, expected = (
        detector.judge(detector.look(image), boxes)
        for detector in (at_scales(plain, (ImageScale(None),)), plain)
    )
    for some, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(some, other)


def test_a_region_is_judged_at_the_scale_that_makes_its_bins_two_cells_wide(plain, quick_bench):
    scales = (ImageScale(96), ImageScale(192), ImageScale(384))
    detector = at_scales(plain, scales)
    assert detector.target_side == 48  # 6 bins of 2 cells of 4 pixels
    image = quick_bench.test.image(0)
    boxes = np.array([[20, 20, 44, 44], [10, 10, 106, 106], [60, 60, 108, 108]], dtype=np.float32)
    scores, moved = detector.judge(detector.look(image), boxes)
    for row, scale in zip(range(3), (scales[2], scales[0], scales[1]), strict=True):
        alone = replace(plain, scale=scale)
        expected = alone.judge(alone.look(image), boxes[row : row + 1])
        np.testing.assert_allclose(scores[row], expected[0][0], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(moved[row], expected[1][0], rtol=1e-4, atol=1e-3)
